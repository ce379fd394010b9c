/*
 * executor.c
 *	  What the executor does for a row beside writing it: constraints and indexes.
 *
 * The state that its functions want is made once for many rows, when the first
 * one needs it.  What they allocate for one row is in a memory context that is
 * reset after each call.
 *
 * A table with no index but the key, which is what kz makes, needs none of it to
 * be inserted into: one call of the access method is all that would come of it.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "utils/rel.h"

#include "engine/executor.h"

static void need_estate(KzExecutor *executor);
static bool insert_entries(KzExecutor *executor, TupleTableSlot *slot, bool update,
						   KzIndexWork work, List *arbiters);
static bool insert_key(KzExecutor *executor, TupleTableSlot *slot, IndexUniqueCheck check);

/*
 * Prepare for writing to a table, open and locked as its index key, after the
 * rights have been checked.  Everything is allocated in the current memory context
 * and belongs to the current resource owner.
 */
KzExecutor *
kz_executor_open(const KzRangeTable *range_table, Relation relation, Relation key, bool lone_key)
{
	KzExecutor *executor = palloc0(sizeof(KzExecutor));

	executor->range_table = range_table;
	executor->relation = relation;
	executor->key = key;
	executor->lone_key = lone_key && RelationGetNumberOfAttributes(key) == 1;
	executor->context = CurrentMemoryContext;
	return executor;
}

void
kz_executor_close(KzExecutor *executor)
{
	if (executor->estate)
	{
		ExecCloseIndices(executor->result);
		FreeExecutorState(executor->estate);
	}
	pfree(executor);
}

/*
 * Make the state of the executor's functions, and open all indexes.
 */
static void
need_estate(KzExecutor *executor)
{
	MemoryContext caller;

	if (executor->estate)
		return;
	caller = MemoryContextSwitchTo(executor->context);
	executor->estate = CreateExecutorState();
	MemoryContextSwitchTo(executor->estate->es_query_cxt);
	kz_range_table_install(executor->range_table, executor->estate);
	executor->result = makeNode(ResultRelInfo);
	InitResultRelInfo(executor->result, executor->relation, 1, NULL, 0);

	/* "Speculative": an insert that tolerates a conflict may come. */
	ExecOpenIndices(executor->result, true);
	MemoryContextSwitchTo(caller);
}

/*
 * Raise 23514 or 23502 if the row in slot violates a constraint.
 */
void
kz_executor_check(KzExecutor *executor, TupleTableSlot *slot)
{
	need_estate(executor);
	ExecConstraints(executor->result, slot, executor->estate);
	ResetPerTupleExprContext(executor->estate);
}

/*
 * Insert the index entries of a row that has been inserted; raises 23505 for a
 * duplicate.
 */
void
kz_executor_index_insert(KzExecutor *executor, TupleTableSlot *slot)
{
	if (executor->lone_key)
		insert_key(executor, slot, UNIQUE_CHECK_YES);
	else
		insert_entries(executor, slot, false, KZ_INDEXES_ALL, NIL);
}

/*
 * The same, but false for what may be a duplicate in the key; then the row, which
 * was inserted speculatively, must go again.
 */
bool
kz_executor_index_try_insert(KzExecutor *executor, TupleTableSlot *slot)
{
	List	   *arbiters;
	bool		inserted;

	if (executor->lone_key)
		return insert_key(executor, slot, UNIQUE_CHECK_PARTIAL);
	arbiters = list_make1_oid(RelationGetRelid(executor->key));
	inserted = insert_entries(executor, slot, false, KZ_INDEXES_ALL, arbiters);
	list_free(arbiters);
	return inserted;
}

/*
 * Insert the index entries of a row that has been updated, as its table asks for.
 */
void
kz_executor_index_update(KzExecutor *executor, TupleTableSlot *slot, KzIndexWork work)
{
	insert_entries(executor, slot, true, work, NIL);
}

/*
 * Whether there is a row that the one in slot would be a duplicate of in the key,
 * and where.  Waits for others who are inserting one.
 */
bool
kz_executor_find_conflict(KzExecutor *executor, TupleTableSlot *slot, ItemPointer tid)
{
	List	   *arbiters = list_make1_oid(RelationGetRelid(executor->key));
	bool		none;

	need_estate(executor);
	none = kz_check_index_constraints(executor->result, slot, executor->estate, tid, arbiters);
	list_free(arbiters);
	ResetPerTupleExprContext(executor->estate);
	return !none;
}

static bool
insert_entries(KzExecutor *executor, TupleTableSlot *slot, bool update, KzIndexWork work,
			   List *arbiters)
{
	MemoryContext caller;
	bool		conflict = false;

	need_estate(executor);
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(executor->estate));
	kz_insert_index_tuples(executor->result, slot, executor->estate, update, work, &conflict,
						   arbiters);
	MemoryContextSwitchTo(caller);
	ResetPerTupleExprContext(executor->estate);
	return !conflict;
}

/*
 * Insert the entry of a row into the key, whose one column is a column of the
 * table; nbtree does not look at the IndexInfo.
 */
static bool
insert_key(KzExecutor *executor, TupleTableSlot *slot, IndexUniqueCheck check)
{
	Datum		values[1];
	bool		isnull[1];

	values[0] = slot_getattr(slot, executor->key->rd_index->indkey.values[0], &isnull[0]);
	return index_insert(executor->key, values, isnull, &slot->tts_tid, executor->relation, check,
						false, NULL);
}
