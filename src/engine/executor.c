/*
 * executor.c
 *	  What the executor does for a row beside writing it: constraints and indexes.
 *
 * The state that its functions want is made once for many rows.  What they
 * allocate for one row is in a memory context that is reset after each call.
 */
#include "postgres.h"

#include "utils/rel.h"

#include "engine/executor.h"

/*
 * Make what is needed for a table, open and locked, whose rights have been
 * checked, and open its indexes.  It is allocated in the current memory context
 * and belongs to the current resource owner.
 */
KzExecutor *
kz_executor_open(const KzRangeTable *range_table, Relation relation)
{
	KzExecutor *executor = palloc(sizeof(KzExecutor));
	MemoryContext caller;

	executor->estate = CreateExecutorState();
	caller = MemoryContextSwitchTo(executor->estate->es_query_cxt);
	kz_range_table_install(range_table, executor->estate);
	executor->result = makeNode(ResultRelInfo);
	InitResultRelInfo(executor->result, relation, 1, NULL, 0);

	/* "Speculative": an insert that tolerates a conflict may come. */
	ExecOpenIndices(executor->result, true);
	MemoryContextSwitchTo(caller);
	return executor;
}

void
kz_executor_close(KzExecutor *executor)
{
	ExecCloseIndices(executor->result);
	FreeExecutorState(executor->estate);
	pfree(executor);
}

/*
 * The memory context that the other functions reset.
 */
MemoryContext
kz_executor_row_context(KzExecutor *executor)
{
	return GetPerTupleMemoryContext(executor->estate);
}

/*
 * Raise 23514 or 23502 if the row in slot violates a constraint.
 */
void
kz_executor_check(KzExecutor *executor, TupleTableSlot *slot)
{
	ExecConstraints(executor->result, slot, executor->estate);
	ResetPerTupleExprContext(executor->estate);
}

static bool
insert_entries(KzExecutor *executor, TupleTableSlot *slot, bool update, KzIndexWork work,
			   List *arbiters)
{
	MemoryContext caller = MemoryContextSwitchTo(kz_executor_row_context(executor));
	bool		conflict = false;

	kz_insert_index_tuples(executor->result, slot, executor->estate, update, work, &conflict,
						   arbiters);
	MemoryContextSwitchTo(caller);
	ResetPerTupleExprContext(executor->estate);
	return !conflict;
}

/*
 * Insert the index entries of a row that has been inserted; raises 23505 for a
 * duplicate.
 */
void
kz_executor_index_insert(KzExecutor *executor, TupleTableSlot *slot)
{
	insert_entries(executor, slot, false, KZ_INDEXES_ALL, NIL);
}

/*
 * The same, but false for a duplicate in the index key; then the row, which was
 * inserted speculatively, must go again.
 */
bool
kz_executor_index_try_insert(KzExecutor *executor, TupleTableSlot *slot, Oid key)
{
	List	   *arbiters = list_make1_oid(key);
	bool		inserted = insert_entries(executor, slot, false, KZ_INDEXES_ALL, arbiters);

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
 * Whether there is a row that the one in slot would be a duplicate of in the
 * index key, and where.  Waits for others who are inserting one.
 */
bool
kz_executor_find_conflict(KzExecutor *executor, TupleTableSlot *slot, Oid key, ItemPointer tid)
{
	List	   *arbiters = list_make1_oid(key);
	bool		none = kz_check_index_constraints(executor->result, slot, executor->estate, tid,
												  arbiters);

	list_free(arbiters);
	ResetPerTupleExprContext(executor->estate);
	return !none;
}
