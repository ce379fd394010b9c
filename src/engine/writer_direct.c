/*
 * writer_direct.c
 *	  The writer that goes through the table access method, without SQL.
 *
 * It is for plain tables only (shape.c says which): nothing but constraints and
 * indexes is there to be cared for.  Rows are found by an index scan with an
 * MVCC snapshot, which takes the predicate locks that SERIALIZABLE needs, and are
 * written where they were found: the first time without a lock, so a write can
 * find another transaction ahead of it and then has changed nothing.
 *
 * Each find has a snapshot of its own, which sees all that was written before in
 * the same call, and stays active until the next one: as long as it is, the
 * version that was found is not pruned away, so that its TID names it.
 *
 * What the executor needs to maintain indexes and check constraints is made when
 * it is needed first: an update that stays on its page needs none of it.
 *
 * All that is held belongs to the resource owner of the subtransaction in which
 * it was taken, and all memory is in one context, so that after the end of a
 * subtransaction there is only that to forget.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/skey.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "engine/executor.h"
#include "engine/writer.h"

/* Inserts wait until there are so many, or so many bytes of them, as in COPY. */
#define RUN_MAX_ROWS 1000
#define RUN_MAX_BYTES 65536

typedef struct DirectWriter
{
	KzWriter	base;
	MemoryContext parent;		/* of the call */
	MemoryContext context;		/* of all below; NULL: nothing is held */
	Relation	key;			/* the index that ids are looked up in */
	IndexScanDesc scan;			/* on it; NULL before the first find */
	bool		pushed;			/* the snapshot of the last find is active */
	TupleTableSlot *found;		/* the row that was found last */
	TupleTableSlot *image;		/* the row that is being written */
	KzExecutor *executor;		/* NULL before indexes or constraints are
								 * needed */
	TupleTableSlot **run;		/* the rows that wait, base.deferred of them */
	int			nslots;			/* slots made in run */
	Size		run_bytes;
} DirectWriter;

static bool direct_find(KzWriter *writer, const text *id, bool lock, KzRow *row);
static bool direct_insert(KzWriter *writer, const text *id, KzRow *row);
static bool direct_update(KzWriter *writer, const text *id, const KzRow *old, KzRow *row);
static bool direct_delete(KzWriter *writer, const text *id, const KzRow *old);
static void direct_release(KzWriter *writer);
static void direct_abandon(KzWriter *writer);
static void acquire(DirectWriter *direct);
static void acquire_executor(DirectWriter *direct);
static Snapshot renew_snapshot(DirectWriter *direct);
static bool look_up(DirectWriter *direct, const text *id, Snapshot snapshot);
static bool lock_found(DirectWriter *direct, const text *id, Snapshot snapshot);
static bool has_id(const DirectWriter *direct, TupleTableSlot *slot, const text *id);
static void read_found(const DirectWriter *direct, KzRow *row);
static void fill_slot(const DirectWriter *direct, TupleTableSlot *slot, Datum id,
					  const KzRow *row);
static void check_constraints(DirectWriter *direct, TupleTableSlot *slot);
static bool was_written(TM_Result result, const char *verb);
static bool try_insert(DirectWriter *direct, CommandId cid);
static bool is_in_the_way(DirectWriter *direct);
static void check_visible(DirectWriter *direct, ItemPointer tid);
static void defer(DirectWriter *direct, const text *id, const KzRow *row);
static TupleTableSlot *next_of_run(DirectWriter *direct);
static void flush(DirectWriter *direct);

static const KzWriterMethods methods = {
	.find = direct_find,
	.insert = direct_insert,
	.update = direct_update,
	.delete = direct_delete,
	.release = direct_release,
	.abandon = direct_abandon
};

/*
 * Open the direct writer of a collection, which is open, whose table is plain,
 * and whose rights have been checked.
 */
KzWriter *
kz_writer_direct_open(KzCollection *collection)
{
	DirectWriter *direct = palloc0(sizeof(DirectWriter));

	direct->base.methods = &methods;
	direct->base.collection = collection;
	direct->base.system_columns = true;
	direct->parent = CurrentMemoryContext;
	return &direct->base;
}

static bool
direct_find(KzWriter *writer, const text *id, bool lock, KzRow *row)
{
	DirectWriter *direct = (DirectWriter *) writer;
	Snapshot	snapshot;

	acquire(direct);
	/* Ids ascend, so only the last one that waits can be asked for. */
	if (writer->deferred > 0 &&
		(lock || has_id(direct, direct->run[writer->deferred - 1], id)))
		flush(direct);
	snapshot = renew_snapshot(direct);
	if (!look_up(direct, id, snapshot))
		return false;
	if (lock && !lock_found(direct, id, snapshot))
		return false;
	read_found(direct, row);
	return true;
}

static bool
direct_insert(KzWriter *writer, const text *id, KzRow *row)
{
	DirectWriter *direct = (DirectWriter *) writer;
	CommandId	cid = GetCurrentCommandId(true);
	KzShape    *shape = &writer->collection->shape;

	acquire_executor(direct);
	if (writer->may_defer && !shape->looks_at_rows)
	{
		defer(direct, id, row);
		return true;
	}
	flush(direct);
	fill_slot(direct, direct->image, PointerGetDatum(id), row);
	check_constraints(direct, direct->image);

	/*
	 * Nobody was seen with this id just now, so the indexes are not asked
	 * first whether there is one, as INSERT ... ON CONFLICT does; but an
	 * index of the user's must not raise what is a conflict.
	 */
	if (shape->other_unique && is_in_the_way(direct))
		return false;
	while (!try_insert(direct, cid))
	{
		CHECK_FOR_INTERRUPTS();
		if (is_in_the_way(direct))
			return false;
	}
	return true;
}

static bool
direct_update(KzWriter *writer, const text *id, const KzRow *old, KzRow *row)
{
	DirectWriter *direct = (DirectWriter *) writer;
	Relation	relation = writer->collection->relation;
	CommandId	cid = GetCurrentCommandId(true);
	ItemPointerData tid = old->tid;
	TM_FailureData failure;
	TM_Result	result;
	KzIndexWork work;
	bool		isnull;

	/*
	 * The id as it is stored, compressed perhaps or elsewhere: of another
	 * datum with the same value the server would think that the key changes.
	 */
	Assert(ItemPointerEquals(&direct->found->tts_tid, &tid));
	flush(direct);
	CheckCmdReplicaIdentity(relation, CMD_UPDATE);
	fill_slot(direct, direct->image,
			  slot_getattr(direct->found, writer->collection->shape.id, &isnull), row);
	check_constraints(direct, direct->image);
	result = kz_tuple_update(relation, &tid, direct->image, cid, GetActiveSnapshot(),
							 &failure, &work);
	if (!was_written(result, "updated"))
		return false;
	if (work != KZ_INDEXES_NONE)
	{
		acquire_executor(direct);
		kz_executor_index_update(direct->executor, direct->image, work);
	}
	return true;
}

static bool
direct_delete(KzWriter *writer, const text *id, const KzRow *old)
{
	DirectWriter *direct = (DirectWriter *) writer;
	Relation	relation = writer->collection->relation;
	CommandId	cid = GetCurrentCommandId(true);
	ItemPointerData tid = old->tid;
	TM_FailureData failure;

	flush(direct);
	CheckCmdReplicaIdentity(relation, CMD_DELETE);
	return was_written(table_tuple_delete(relation, &tid, cid, GetActiveSnapshot(),
										  InvalidSnapshot, true, &failure, false),
					   "deleted");
}

static void
direct_release(KzWriter *writer)
{
	DirectWriter *direct = (DirectWriter *) writer;

	if (!direct->context)
		return;
	flush(direct);
	if (direct->pushed)
		PopActiveSnapshot();
	if (!writer->read_only)
		CommandCounterIncrement();
	if (direct->scan)
		index_endscan(direct->scan);
	index_close(direct->key, NoLock);
	for (int i = 0; i < direct->nslots; i++)
		ExecDropSingleTupleTableSlot(direct->run[i]);
	ExecDropSingleTupleTableSlot(direct->image);
	ExecDropSingleTupleTableSlot(direct->found);
	if (direct->executor)
		kz_executor_close(direct->executor);
	direct_abandon(writer);
}

/*
 * Forget what the current resource owner had; it is given back already.
 */
static void
direct_abandon(KzWriter *writer)
{
	DirectWriter *direct = (DirectWriter *) writer;

	if (!direct->context)
		return;
	MemoryContextDelete(direct->context);
	direct->context = NULL;
	direct->scan = NULL;
	direct->pushed = false;
	direct->executor = NULL;
	direct->run = NULL;
	direct->nslots = 0;
	direct->run_bytes = 0;
	writer->deferred = 0;
	writer->flushing = false;
}

/*
 * Take what finding a row needs.
 */
static void
acquire(DirectWriter *direct)
{
	KzCollection *collection = direct->base.collection;
	MemoryContext caller;

	if (direct->context)
		return;
	direct->context = AllocSetContextCreate(direct->parent, "kz direct writer",
											ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(direct->context);
	direct->key = index_open(collection->shape.key,
							 direct->base.read_only ? AccessShareLock : RowExclusiveLock);
	direct->found = table_slot_create(collection->relation, NULL);
	direct->image = table_slot_create(collection->relation, NULL);
	MemoryContextSwitchTo(caller);
}

/*
 * Take what maintaining indexes and checking constraints needs.
 */
static void
acquire_executor(DirectWriter *direct)
{
	MemoryContext caller;

	if (direct->executor)
		return;
	caller = MemoryContextSwitchTo(direct->context);
	direct->executor = kz_executor_open(&direct->base.range_table,
										direct->base.collection->relation, direct->key,
										!direct->base.collection->shape.other_indexes);
	MemoryContextSwitchTo(caller);
}

/*
 * A snapshot as of now that sees what the transaction has written, down to what
 * the calling statement has done so far; for a reader, the one of that statement.
 */
static Snapshot
renew_snapshot(DirectWriter *direct)
{
	if (direct->base.read_only)
		return GetActiveSnapshot();
	if (direct->pushed)
		PopActiveSnapshot();
	direct->pushed = false;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	direct->pushed = true;
	return GetActiveSnapshot();
}

/*
 * Look a row up by its id; it comes into the slot found.
 */
static bool
look_up(DirectWriter *direct, const text *id, Snapshot snapshot)
{
	ScanKeyData key;
	bool		found;

	/* The access method keeps what it allocates on the way. */
	MemoryContext caller = MemoryContextSwitchTo(direct->context);

	/* A page that we hold cannot be pruned. */
	ExecClearTuple(direct->found);
	ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid,
						   direct->key->rd_indcollation[0], F_TEXTEQ, PointerGetDatum(id));
	if (!direct->scan)
		direct->scan = kz_index_beginscan(direct->base.collection->relation, direct->key,
										  snapshot, 1);
	direct->scan->xs_snapshot = snapshot;
	index_rescan(direct->scan, &key, 1, NULL, 0);
	found = index_getnext_slot(direct->scan, ForwardScanDirection, direct->found);
	MemoryContextSwitchTo(caller);
	return found;
}

/*
 * Lock the row that was found as FOR NO KEY UPDATE does, in its last version;
 * false if it is gone by now.
 */
static bool
lock_found(DirectWriter *direct, const text *id, Snapshot snapshot)
{
	ItemPointerData tid = direct->found->tts_tid;
	TM_FailureData failure;
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	TM_Result	result = table_tuple_lock(direct->base.collection->relation, &tid, snapshot,
										  direct->found, GetCurrentCommandId(true),
										  LockTupleNoKeyExclusive, LockWaitBlock, flags, &failure);

	switch (result)
	{
		case TM_Ok:
			/* Plain SQL may have given the last version another id. */
			return !failure.traversed || has_id(direct, direct->found, id);
		case TM_SelfModified:
			return false;
		case TM_Updated:
		case TM_Deleted:
			/* What SELECT ... FOR NO KEY UPDATE says of both. */
			if (IsolationUsesXactSnapshot())
				kz_writer_raise_overtaken("update");
			return false;
		default:
			elog(ERROR, "unexpected status of a lock: %u", result);
	}
}

static bool
has_id(const DirectWriter *direct, TupleTableSlot *slot, const text *id)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, direct->base.collection->shape.id, &isnull);
	text	   *stored = DatumGetTextPP(value);
	Size		size = VARSIZE_ANY_EXHDR(stored);

	return size == VARSIZE_ANY_EXHDR(id) &&
		memcmp(VARDATA_ANY(stored), VARDATA_ANY(id), size) == 0;
}

/*
 * Copy the row that was found into the memory context of the caller.
 */
static void
read_found(const DirectWriter *direct, KzRow *row)
{
	const KzShape *shape = &direct->base.collection->shape;
	TupleTableSlot *slot = direct->found;
	bool		isnull;

	/* The shape says that these are not null. */
	row->version = DatumGetInt64(slot_getattr(slot, shape->version, &isnull));
	row->source = DatumGetJsonbPCopy(slot_getattr(slot, shape->source, &isnull));
	row->xmin = DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber,
													  &isnull));
	row->tableoid = slot->tts_tableOid;
	row->tid = slot->tts_tid;
}

/*
 * Put a row into a slot, which from then on owns a copy.  Its columns are those of a
 * document and dropped ones.
 */
static void
fill_slot(const DirectWriter *direct, TupleTableSlot *slot, Datum id, const KzRow *row)
{
	const KzShape *shape = &direct->base.collection->shape;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	slot->tts_values[shape->id - 1] = id;
	slot->tts_isnull[shape->id - 1] = false;
	slot->tts_values[shape->version - 1] = Int64GetDatum(row->version);
	slot->tts_isnull[shape->version - 1] = false;
	slot->tts_values[shape->source - 1] = JsonbPGetDatum(row->source);
	slot->tts_isnull[shape->source - 1] = false;
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	slot->tts_tableOid = RelationGetRelid(direct->base.collection->relation);
}

/*
 * NOT NULL holds by the making of a row, so there are CHECKs at most.
 */
static void
check_constraints(DirectWriter *direct, TupleTableSlot *slot)
{
	TupleConstr *constraints = RelationGetDescr(direct->base.collection->relation)->constr;

	if (!constraints || constraints->num_check == 0)
		return;
	acquire_executor(direct);
	kz_executor_check(direct->executor, slot);
}

/*
 * Whether a write was done; verb is what it does to a tuple.
 */
static bool
was_written(TM_Result result, const char *verb)
{
	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				kz_writer_raise_overtaken(result == TM_Updated ? "update" : "delete");
			return false;
		case TM_SelfModified:
			/* By a function in a CHECK; the message is UPDATE's and DELETE's. */
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
					 errmsg("tuple to be %s was already modified by an operation triggered by the current command",
							verb),
					 errhint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.")));
			return false;
		default:
			elog(ERROR, "unexpected status of a tuple that was to be %s: %u", verb, result);
	}
}

/*
 * Insert the image speculatively; false, and nothing is left of it, if that met
 * another row of its id, or somebody who is inserting one.
 */
static bool
try_insert(DirectWriter *direct, CommandId cid)
{
	KzCollection *collection = direct->base.collection;
	TransactionId xid = GetCurrentTransactionId();
	uint32		token = SpeculativeInsertionLockAcquire(xid);
	bool		inserted;

	table_tuple_insert_speculative(collection->relation, direct->image, cid, 0, NULL, token);
	inserted = kz_executor_key_try_insert(direct->executor, direct->image);
	table_tuple_complete_speculative(collection->relation, direct->image, token, inserted);
	SpeculativeInsertionLockRelease(xid);
	if (inserted)
		kz_executor_index_rest(direct->executor, direct->image);
	return inserted;
}

/*
 * Wait for others who are inserting a row with the id of the image; whether there
 * is one then.  Raises 40001 if it is one that the transaction must not see.
 */
static bool
is_in_the_way(DirectWriter *direct)
{
	ItemPointerData tid;

	if (!kz_executor_find_conflict(direct->executor, direct->image, &tid))
		return false;
	if (IsolationUsesXactSnapshot())
		check_visible(direct, &tid);
	return true;
}

/*
 * Raise 40001 unless the row at tid is visible, or our own.
 */
static void
check_visible(DirectWriter *direct, ItemPointer tid)
{
	Relation	relation = direct->base.collection->relation;
	bool		isnull;
	Datum		xmin;

	if (!table_tuple_fetch_row_version(relation, tid, SnapshotAny, direct->found))
		elog(ERROR, "could not fetch the row that is in the way of an insert");
	xmin = slot_getsysattr(direct->found, MinTransactionIdAttributeNumber, &isnull);
	if (!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin)) &&
		!table_tuple_satisfies_snapshot(relation, direct->found, GetActiveSnapshot()))
		kz_writer_raise_overtaken("update");
	ExecClearTuple(direct->found);
}

/*
 * Let an insert wait.  If there is no room for it, those that wait are done
 * first: what they raise has nothing to do with this one.
 */
static void
defer(DirectWriter *direct, const text *id, const KzRow *row)
{
	TupleTableSlot *slot;

	if (direct->base.deferred == RUN_MAX_ROWS || direct->run_bytes >= RUN_MAX_BYTES)
		flush(direct);
	slot = next_of_run(direct);
	fill_slot(direct, slot, PointerGetDatum(id), row);
	check_constraints(direct, slot);
	direct->base.deferred++;
	direct->run_bytes += VARSIZE_ANY(id) + VARSIZE(row->source);
	direct->base.may_defer = false;
}

/* A slot for the next insert that waits. */
static TupleTableSlot *
next_of_run(DirectWriter *direct)
{
	int			n = direct->base.deferred;
	MemoryContext caller = MemoryContextSwitchTo(direct->context);

	if (!direct->run)
		direct->run = palloc(RUN_MAX_ROWS * sizeof(TupleTableSlot *));
	if (n == direct->nslots)
		direct->run[direct->nslots++] = table_slot_create(direct->base.collection->relation, NULL);
	MemoryContextSwitchTo(caller);
	return direct->run[n];
}

/*
 * Do the inserts that wait.  Another session that was faster makes this raise
 * 23505, as any duplicate does.
 */
static void
flush(DirectWriter *direct)
{
	int			n = direct->base.deferred;
	MemoryContext scratch;
	MemoryContext caller;

	if (n == 0)
		return;
	direct->base.flushing = true;
	scratch = AllocSetContextCreate(direct->context, "kz run", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	table_multi_insert(direct->base.collection->relation, direct->run, n,
					   GetCurrentCommandId(true), 0, NULL);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		kz_executor_index_insert(direct->executor, direct->run[i]);
		ExecClearTuple(direct->run[i]);
	}
	direct->base.deferred = 0;
	direct->run_bytes = 0;
	direct->base.flushing = false;
}
