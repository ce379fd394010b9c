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
static void insert_entries(KzExecutor *executor, TupleTableSlot *slot, bool update,
						   KzIndexWork work);
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
	executor->lone_key = lone_key;
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
		insert_entries(executor, slot, false, KZ_INDEXES_ALL);
}

/*
 * Insert the entry of a row into the key only; false for what may be a duplicate
 * there.  Then the row, which was inserted speculatively, must go again.
 */
bool
kz_executor_key_try_insert(KzExecutor *executor, TupleTableSlot *slot)
{
	return insert_key(executor, slot, UNIQUE_CHECK_PARTIAL);
}

/*
 * Insert the entries of such a row into the other indexes, once it is there to stay;
 * raises 23505 for a duplicate.  The executor would put them into all indexes even if
 * the first has told it that the row must go, and wait for whoever is inserting an
 * equal one: two who do that with one id, in a table with a further unique index,
 * wait for each other.
 */
void
kz_executor_index_rest(KzExecutor *executor, TupleTableSlot *slot)
{
	Relation   *indexes;
	int			key = 0;
	Relation	skipped;

	if (executor->lone_key)
		return;
	need_estate(executor);
	indexes = executor->result->ri_IndexRelationDescs;
	while (key < executor->result->ri_NumIndices &&
		   RelationGetRelid(indexes[key]) != RelationGetRelid(executor->key))
		key++;
	if (key == executor->result->ri_NumIndices)
		elog(ERROR, "index %u is not one of its table", RelationGetRelid(executor->key));
	/* The executor passes over what is not open. */
	skipped = indexes[key];
	indexes[key] = NULL;
	insert_entries(executor, slot, false, KZ_INDEXES_ALL);
	indexes[key] = skipped;
}

/*
 * Insert the index entries of a row that has been updated, as its table asks for.
 */
void
kz_executor_index_update(KzExecutor *executor, TupleTableSlot *slot, KzIndexWork work)
{
	insert_entries(executor, slot, true, work);
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

static void
insert_entries(KzExecutor *executor, TupleTableSlot *slot, bool update, KzIndexWork work)
{
	MemoryContext caller;

	need_estate(executor);
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(executor->estate));
	kz_insert_index_tuples(executor->result, slot, executor->estate, update, work);
	MemoryContextSwitchTo(caller);
	ResetPerTupleExprContext(executor->estate);
}

/*
 * Insert the entry of a row into the key, whose columns, included ones too, are
 * columns of the table; nbtree does not look at the IndexInfo.
 */
static bool
insert_key(KzExecutor *executor, TupleTableSlot *slot, IndexUniqueCheck check)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	for (int i = 0; i < RelationGetNumberOfAttributes(executor->key); i++)
		values[i] = slot_getattr(slot, executor->key->rd_index->indkey.values[i], &isnull[i]);
	return index_insert(executor->key, values, isnull, &slot->tts_tid, executor->relation, check,
						false, NULL);
}
