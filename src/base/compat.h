/*
 * compat.h
 *	  Differences between the server majors that kz builds on, 15 to 18.
 *
 * Every PG_VERSION_NUM of the tree is in this file; test/check/compat.sh sees
 * to it.  What differs gets one kz_ name with one meaning, so that no other
 * file has to know.
 */
#ifndef KZ_BASE_COMPAT_H
#define KZ_BASE_COMPAT_H

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "common/base64.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_relation.h"
#include "replication/message.h"
#include "storage/proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 150000
#error "kz needs PostgreSQL 15 or later"
#endif

/* A ResultRelInfo of these three minors has a size of its own. */
#if PG_VERSION_NUM == 150009 || PG_VERSION_NUM == 160005 || PG_VERSION_NUM == 170001
#error "PostgreSQL 15.9, 16.5 and 17.1 have an ABI of their own: use a later minor release"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 lets a module tell its name and version. */
#ifdef PG_MODULE_MAGIC_EXT
#define KZ_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "kz")
#else
#define KZ_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 18 made it a word before the declaration; it was one behind it. */
#if PG_VERSION_NUM >= 180000
#define kz_noreturn pg_noreturn
#else
#define kz_noreturn pg_attribute_noreturn()
#endif

/* 16 replaced the ACL functions of each kind of object by general ones. */
static inline AclResult
kz_schema_aclcheck(Oid schema, AclMode mode)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, GetUserId(), mode);
#else
	return pg_namespace_aclcheck(schema, GetUserId(), mode);
#endif
}

static inline bool
kz_schema_ownercheck(Oid schema)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(NamespaceRelationId, schema, GetUserId());
#else
	return pg_namespace_ownercheck(schema, GetUserId());
#endif
}

static inline bool
kz_relation_ownercheck(Oid relation)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
	return pg_class_ownercheck(relation, GetUserId());
#endif
}

/* One table as a statement would name it, and what it would do with it. */
typedef struct KzRangeTable
{
	List	   *entries;
	List	   *permissions;	/* NIL in 15, where they are in the entries */
} KzRangeTable;

/*
 * Make a range table of one table.  Columns are as RTEs count them: from
 * FirstLowInvalidHeapAttributeNumber.
 */
static inline void
kz_range_table_init(KzRangeTable *table, RangeTblEntry *entry, AclMode required,
					Bitmapset *selected, Bitmapset *inserted, Bitmapset *updated)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *permission;

	table->permissions = NIL;
	permission = addRTEPermissionInfo(&table->permissions, entry);
	permission->requiredPerms = required;
	permission->selectedCols = selected;
	permission->insertedCols = inserted;
	permission->updatedCols = updated;
#else
	table->permissions = NIL;
	entry->requiredPerms = required;
	entry->selectedCols = selected;
	entry->insertedCols = inserted;
	entry->updatedCols = updated;
#endif
	table->entries = list_make1(entry);
}

/*
 * Check what the executor would check, with its hook.  Without the rights it raises
 * 42501, or returns false.
 */
static inline bool
kz_range_table_check(const KzRangeTable *table, bool raise)
{
#if PG_VERSION_NUM >= 160000
	return ExecCheckPermissions(table->entries, table->permissions, raise);
#else
	return ExecCheckRTPerms(table->entries, raise);
#endif
}

static inline void
kz_range_table_install(const KzRangeTable *table, EState *estate)
{
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, table->entries, table->permissions, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(estate, table->entries, table->permissions);
#else
	ExecInitRangeTable(estate, table->entries);
#endif
}

/* What an update asks of the indexes of its table. */
typedef enum KzIndexWork
{
	KZ_INDEXES_NONE,
	KZ_INDEXES_ALL,
	KZ_INDEXES_SUMMARIZING		/* since 16: those like BRIN only */
} KzIndexWork;

static inline TM_Result
kz_tuple_update(Relation relation, ItemPointer tid, TupleTableSlot *slot, CommandId cid,
				Snapshot snapshot, TM_FailureData *failure, KzIndexWork *work)
{
	LockTupleMode lockmode;
	TM_Result	result;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes update;

	result = table_tuple_update(relation, tid, slot, cid, snapshot, InvalidSnapshot, true,
								failure, &lockmode, &update);
	*work = update == TU_None ? KZ_INDEXES_NONE :
		update == TU_Summarizing ? KZ_INDEXES_SUMMARIZING : KZ_INDEXES_ALL;
#else
	bool		update;

	result = table_tuple_update(relation, tid, slot, cid, snapshot, InvalidSnapshot, true,
								failure, &lockmode, &update);
	*work = update ? KZ_INDEXES_ALL : KZ_INDEXES_NONE;
#endif
	return result;
}

/*
 * Insert the index entries of slot.
 */
static inline void
kz_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *slot, EState *estate, bool update,
					   KzIndexWork work)
{
#if PG_VERSION_NUM >= 160000
	ExecInsertIndexTuples(result, slot, estate, update, false, NULL, NIL,
						  work == KZ_INDEXES_SUMMARIZING);
#else
	ExecInsertIndexTuples(result, slot, estate, update, false, NULL, NIL);
#endif
}

static inline bool
kz_check_index_constraints(ResultRelInfo *result, TupleTableSlot *slot, EState *estate,
						   ItemPointer conflict, List *arbiters)
{
#if PG_VERSION_NUM >= 180000
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	return ExecCheckIndexConstraints(result, slot, estate, conflict, &none, arbiters);
#else
	return ExecCheckIndexConstraints(result, slot, estate, conflict, arbiters);
#endif
}

static inline IndexScanDesc
kz_index_beginscan(Relation relation, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(relation, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(relation, index, snapshot, nkeys, 0);
#endif
}

/* 17 renamed what numbers the sessions that are open. */
static inline int
kz_session_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyBackendId;
#endif
}

/*
 * Write a message for logical decoding that belongs to the transaction.  17 lets
 * one choose when others are flushed.
 */
static inline void
kz_log_logical_message(const char *prefix, const char *message, Size size)
{
#if PG_VERSION_NUM >= 170000
	LogLogicalMessage(prefix, message, size, true, false);
#else
	LogLogicalMessage(prefix, message, size, true);
#endif
}

/*
 * 18 made bytes of what base64 stands for.  Returns their number, -1 for what is no
 * base64.
 */
static inline int
kz_base64_decode(const char *source, int length, void *bytes, int size)
{
	return pg_b64_decode(source, length, bytes, size);
}

/* In 18 a constraint can be there without having been checked. */
static inline bool
kz_attribute_not_null(TupleDesc tupdesc, int i)
{
#if PG_VERSION_NUM >= 180000
	return TupleDescCompactAttr(tupdesc, i)->attnullability == ATTNULLABLE_VALID;
#else
	return TupleDescAttr(tupdesc, i)->attnotnull;
#endif
}

#endif							/* KZ_BASE_COMPAT_H */
