/*
 * executor.h
 *	  What the executor does for a row beside writing it: constraints and indexes.
 */
#ifndef KZ_ENGINE_EXECUTOR_H
#define KZ_ENGINE_EXECUTOR_H

#include "base/compat.h"

/* For one table, within one subtransaction. */
typedef struct KzExecutor
{
	const KzRangeTable *range_table;
	Relation	relation;
	Relation	key;			/* unique index that settles conflicts */
	bool		lone_key;		/* there are no other indexes */
	MemoryContext context;
	EState	   *estate;			/* NULL until it is needed */
	ResultRelInfo *result;		/* of estate */
} KzExecutor;

extern KzExecutor *kz_executor_open(const KzRangeTable *range_table, Relation relation,
									Relation key, bool lone_key);
extern void kz_executor_close(KzExecutor *executor);
extern void kz_executor_check(KzExecutor *executor, TupleTableSlot *slot);
extern void kz_executor_index_insert(KzExecutor *executor, TupleTableSlot *slot);
extern bool kz_executor_key_try_insert(KzExecutor *executor, TupleTableSlot *slot);
extern void kz_executor_index_rest(KzExecutor *executor, TupleTableSlot *slot);
extern void kz_executor_index_update(KzExecutor *executor, TupleTableSlot *slot, KzIndexWork work);
extern bool kz_executor_find_conflict(KzExecutor *executor, TupleTableSlot *slot, ItemPointer tid);

#endif							/* KZ_ENGINE_EXECUTOR_H */
