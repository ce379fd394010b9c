/*
 * catalog.c
 *	  The rows of kz_catalog: which schema is an index, which table a collection.
 *
 * The two tables are ordinary ones, so that they are dumped with the database,
 * but they are read and written as the server does with its own catalogs: with
 * a snapshot that is always current, whatever the isolation level, because a
 * cache is filled from them; and without a change of role, because only this
 * file writes them, after its callers have checked the rights of the user.
 *
 * Triggers do not see writes made here, so each of them sends the cache
 * invalidation that the triggers on the tables send for everybody else.
 *
 * Whoever changes a row takes the lock of kz_catalog_lock first.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "engine/access.h"
#include "engine/catalog.h"
#include "engine/resolve.h"

#define CATALOG_SCHEMA "kz_catalog"

/* Columns of kz_catalog.index */
enum
{
	INDEX_NAME = 1,
	INDEX_SCHEMA,
	INDEX_ADOPTED,
	INDEX_POSITION,
	INDEX_COLUMNS = INDEX_POSITION
};

/* Columns of kz_catalog.collection */
enum
{
	COLLECTION_INDEX = 1,
	COLLECTION_NAME,
	COLLECTION_SCHEMA,
	COLLECTION_TABLE,
	COLLECTION_ATTACHED,
	COLLECTION_MAPPINGS,
	COLLECTION_SETTINGS,
	COLLECTION_POSITION,
	COLLECTION_COLUMNS = COLLECTION_POSITION
};

/* One of the two tables. */
typedef struct CatalogTable
{
	const char *name;
	const Oid  *types;			/* of its columns */
	int			columns;
	int			position;		/* its column position */
	Oid			watched;		/* OID when the cache was filled from it */
} CatalogTable;

static const Oid index_types[INDEX_COLUMNS] = {TEXTOID, NAMEOID, BOOLOID, INT8OID};
static const Oid collection_types[COLLECTION_COLUMNS] = {
	TEXTOID, TEXTOID, NAMEOID, NAMEOID, BOOLOID, JSONBOID, JSONBOID, INT8OID
};

static CatalogTable index_table = {
	.name = "index",
	.types = index_types,
	.columns = INDEX_COLUMNS,
	.position = INDEX_POSITION
};
static CatalogTable collection_table = {
	.name = "collection",
	.types = collection_types,
	.columns = COLLECTION_COLUMNS,
	.position = COLLECTION_POSITION
};

static Relation open_table(const CatalogTable *table, LOCKMODE lockmode);
static Oid	lock_table(const CatalogTable *table, LOCKMODE lockmode);
static Oid	find_table(void *argument);
static SysScanDesc begin_scan(Relation relation, ScanKey keys, const char *first,
							  const char *second);
static void put_row(CatalogTable *table, const char *first, const char *second,
					Datum *values);
static void remove_rows(CatalogTable *table, const char *first, const char *second);
static int64 next_position(Relation relation, const CatalogTable *table);
static void read_index(Relation relation, HeapTuple tuple, KzIndexRow *row);
static void read_collection(Relation relation, HeapTuple tuple, KzCollectionRow *row);
static int	compare_positions(const ListCell *a, const ListCell *b);
static Datum name_datum(const char *string);

PG_FUNCTION_INFO_V1(kz_invalidate_cache);

/*
 * Statement trigger of both tables, for changes made by plain SQL and by a
 * restore.
 */
Datum
kz_invalidate_cache(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"kz_invalidate_cache")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/*
 * Wait for and keep out everybody else who changes the catalogue, until the
 * end of the transaction.  Readers go on.
 */
void
kz_catalog_lock(void)
{
	lock_table(&index_table, ShareRowExclusiveLock);
	lock_table(&collection_table, ShareRowExclusiveLock);
}

/*
 * Note which tables the catalogue consists of now, for
 * kz_catalog_is_watched(): DROP and CREATE EXTENSION make new ones.
 */
void
kz_catalog_watch(void)
{
	index_table.watched = find_table(&index_table);
	collection_table.watched = find_table(&collection_table);
}

bool
kz_catalog_is_watched(Oid relation)
{
	return relation == index_table.watched || relation == collection_table.watched;
}

/*
 * Read the row of an index, palloc'd; false if there is none.
 */
bool
kz_catalog_find_index(const char *name, KzIndexRow *row)
{
	Relation	relation = open_table(&index_table, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(relation, keys, name, NULL);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		read_index(relation, tuple, row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * All KzIndexRow, in order of creation.
 */
List *
kz_catalog_list_indexes(void)
{
	Relation	relation = open_table(&index_table, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(relation, keys, NULL, NULL);
	HeapTuple	tuple;
	List	   *rows = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		KzIndexRow *row = palloc(sizeof(KzIndexRow));

		read_index(relation, tuple, row);
		rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	list_sort(rows, compare_positions);
	return rows;
}

/*
 * Write the row of an index in place of the one of that name.  Its position is
 * assigned here.  Raises 42501 unless the user owns the schema, KZ412 if that is an
 * index already.
 */
void
kz_catalog_put_index(const KzIndexRow *row)
{
	Datum		values[INDEX_COLUMNS];

	kz_access_put_index(row);
	values[INDEX_NAME - 1] = CStringGetTextDatum(row->name);
	values[INDEX_SCHEMA - 1] = name_datum(row->schema);
	values[INDEX_ADOPTED - 1] = BoolGetDatum(row->adopted);
	put_row(&index_table, row->name, NULL, values);
}

void
kz_catalog_remove_index(const char *name)
{
	remove_rows(&index_table, name, NULL);
}

/*
 * Read the row of a collection, palloc'd; false if there is none.
 */
bool
kz_catalog_find_collection(const char *index, const char *name, KzCollectionRow *row)
{
	Relation	relation = open_table(&collection_table, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(relation, keys, index, name);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		read_collection(relation, tuple, row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * The KzCollectionRow of an index, or of all for NULL, in byte order of their
 * names.
 */
List *
kz_catalog_list_collections(const char *index)
{
	Relation	relation = open_table(&collection_table, AccessShareLock);
	Relation	primary_key = index_open(relation->rd_pkindex, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *rows = NIL;

	ScanKeyInit(&keys[0], COLLECTION_INDEX, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(index ? index : ""));
	scan = systable_beginscan_ordered(relation, primary_key, NULL, index ? 1 : 0, keys);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		KzCollectionRow *row = palloc(sizeof(KzCollectionRow));

		read_collection(relation, tuple, row);
		rows = lappend(rows, row);
	}
	systable_endscan_ordered(scan);
	index_close(primary_key, AccessShareLock);
	table_close(relation, AccessShareLock);
	return rows;
}

/*
 * The KzCollectionRow that name the table of row.  All are looked at, and only these are
 * read: mappings may be large.
 */
List *
kz_catalog_list_same_table(const KzCollectionRow *row)
{
	Relation	relation = open_table(&collection_table, AccessShareLock);
	SysScanDesc scan = begin_scan(relation, NULL, NULL, NULL);
	HeapTuple	tuple;
	List	   *rows = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		schema = heap_getattr(tuple, COLLECTION_SCHEMA, RelationGetDescr(relation), &isnull);
		Datum		table = heap_getattr(tuple, COLLECTION_TABLE, RelationGetDescr(relation), &isnull);

		if (namestrcmp(DatumGetName(table), row->table) == 0 &&
			namestrcmp(DatumGetName(schema), row->schema) == 0)
		{
			KzCollectionRow *same = palloc(sizeof(KzCollectionRow));

			read_collection(relation, tuple, same);
			rows = lappend(rows, same);
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return rows;
}

/*
 * Write the row of a collection in place of the one of that name, whose
 * position it keeps.  Raises 42501 unless the user owns the table and, where it was
 * not that collection before, may create tables in the schema of the index; KZ412 if
 * it is another collection already.
 */
void
kz_catalog_put_collection(const KzCollectionRow *row)
{
	Datum		values[COLLECTION_COLUMNS];

	kz_access_put_collection(row);
	values[COLLECTION_INDEX - 1] = CStringGetTextDatum(row->index);
	values[COLLECTION_NAME - 1] = CStringGetTextDatum(row->name);
	values[COLLECTION_SCHEMA - 1] = name_datum(row->schema);
	values[COLLECTION_TABLE - 1] = name_datum(row->table);
	values[COLLECTION_ATTACHED - 1] = BoolGetDatum(row->attached);
	values[COLLECTION_MAPPINGS - 1] = JsonbPGetDatum(row->mappings);
	values[COLLECTION_SETTINGS - 1] = JsonbPGetDatum(row->settings);
	put_row(&collection_table, row->index, row->name, values);
}

/*
 * Remove the row of a collection, or for NULL those of all collections of the
 * index.
 */
void
kz_catalog_remove_collection(const char *index, const char *name)
{
	remove_rows(&collection_table, index, name);
}

/*
 * Open a table and see that it is as the install script made it: its owner,
 * who need not be a superuser, can alter it.
 */
static Relation
open_table(const CatalogTable *table, LOCKMODE lockmode)
{
	Relation	relation = table_open(lock_table(table, lockmode), NoLock);
	TupleDesc	tupdesc = RelationGetDescr(relation);
	int			nindexes = list_length(RelationGetIndexList(relation));
	bool		intact = (relation->rd_rel->relkind == RELKIND_RELATION &&
						  tupdesc->natts == table->columns && OidIsValid(relation->rd_pkindex));

	for (int i = 0; intact && i < table->columns; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		intact = !att->attisdropped && kz_attribute_not_null(tupdesc, i) && att->atttypid == table->types[i];
	}

	/* CatalogTupleInsert and its kin can do simple indexes only. */
	if (lockmode > AccessShareLock && nindexes != 1)
		intact = false;
	if (!intact)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" has been altered", CATALOG_SCHEMA, table->name),
				 errhint("Undo what was done to it, or drop and create the extension: the tables of its collections stay.")));
	return relation;
}

/*
 * Lock a table: the one that has its name after the wait, should the extension have
 * been dropped and created.
 */
static Oid
lock_table(const CatalogTable *table, LOCKMODE lockmode)
{
	Oid			relid = kz_resolve_relation(find_table, unconstify(CatalogTable *, table), lockmode);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" does not exist", CATALOG_SCHEMA, table->name),
				 errhint("Create the extension kz.")));
	return relid;
}

/*
 * KzFinder: a CatalogTable.
 */
static Oid
find_table(void *argument)
{
	const CatalogTable *table = argument;
	Oid			schema = get_namespace_oid(CATALOG_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(table->name, schema) : InvalidOid;
}

/*
 * Scan for rows whose key columns, which come first, are as given; NULL for
 * any.
 */
static SysScanDesc
begin_scan(Relation relation, ScanKey keys, const char *first, const char *second)
{
	int			nkeys = 0;

	if (first)
		ScanKeyInit(&keys[nkeys++], 1, BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(first));
	if (second)
		ScanKeyInit(&keys[nkeys++], 2, BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(second));
	return systable_beginscan(relation, relation->rd_pkindex, nkeys > 0, NULL, nkeys, keys);
}

/*
 * Insert or update a row.  A row that is there keeps its position; a new one
 * becomes the last.
 */
static void
put_row(CatalogTable *table, const char *first, const char *second, Datum *values)
{
	Relation	relation = open_table(table, RowExclusiveLock);
	bool		nulls[COLLECTION_COLUMNS] = {false};
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(relation, keys, first, second);
	HeapTuple	old = systable_getnext(scan);
	HeapTuple	new;

	if (HeapTupleIsValid(old))
	{
		bool		isnull;

		values[table->position - 1] = heap_getattr(old, table->position,
												   RelationGetDescr(relation), &isnull);
		new = heap_form_tuple(RelationGetDescr(relation), values, nulls);
		CatalogTupleUpdate(relation, &old->t_self, new);
	}
	else
	{
		values[table->position - 1] = Int64GetDatum(next_position(relation, table));
		new = heap_form_tuple(RelationGetDescr(relation), values, nulls);
		CatalogTupleInsert(relation, new);
	}
	systable_endscan(scan);
	CacheInvalidateRelcache(relation);
	table_close(relation, RowExclusiveLock);
	CommandCounterIncrement();
}

static void
remove_rows(CatalogTable *table, const char *first, const char *second)
{
	Relation	relation = open_table(table, RowExclusiveLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(relation, keys, first, second);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleDelete(relation, &tuple->t_self);
	systable_endscan(scan);
	CacheInvalidateRelcache(relation);
	table_close(relation, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * The position of a new row: the last plus one.  A sequence would start again
 * after a restore.
 */
static int64
next_position(Relation relation, const CatalogTable *table)
{
	SysScanDesc scan = begin_scan(relation, NULL, NULL, NULL);
	HeapTuple	tuple;
	int64		last = 0;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		int64		position = DatumGetInt64(heap_getattr(tuple, table->position,
														  RelationGetDescr(relation),
														  &isnull));

		last = Max(last, position);
	}
	systable_endscan(scan);
	if (pg_add_s64_overflow(last, 1, &last))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("bigint out of range")));
	return last;
}

static void
read_index(Relation relation, HeapTuple tuple, KzIndexRow *row)
{
	Datum		values[INDEX_COLUMNS];
	bool		nulls[INDEX_COLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
	row->name = TextDatumGetCString(values[INDEX_NAME - 1]);
	row->schema = pstrdup(NameStr(*DatumGetName(values[INDEX_SCHEMA - 1])));
	row->adopted = DatumGetBool(values[INDEX_ADOPTED - 1]);
	row->position = DatumGetInt64(values[INDEX_POSITION - 1]);
}

static void
read_collection(Relation relation, HeapTuple tuple, KzCollectionRow *row)
{
	Datum		values[COLLECTION_COLUMNS];
	bool		nulls[COLLECTION_COLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
	row->index = TextDatumGetCString(values[COLLECTION_INDEX - 1]);
	row->name = TextDatumGetCString(values[COLLECTION_NAME - 1]);
	row->schema = pstrdup(NameStr(*DatumGetName(values[COLLECTION_SCHEMA - 1])));
	row->table = pstrdup(NameStr(*DatumGetName(values[COLLECTION_TABLE - 1])));
	row->attached = DatumGetBool(values[COLLECTION_ATTACHED - 1]);
	row->mappings = DatumGetJsonbPCopy(values[COLLECTION_MAPPINGS - 1]);
	row->settings = DatumGetJsonbPCopy(values[COLLECTION_SETTINGS - 1]);
	row->position = DatumGetInt64(values[COLLECTION_POSITION - 1]);
}

static int
compare_positions(const ListCell *a, const ListCell *b)
{
	int64		left = ((KzIndexRow *) lfirst(a))->position;
	int64		right = ((KzIndexRow *) lfirst(b))->position;

	return left < right ? -1 : left > right;
}

static Datum
name_datum(const char *string)
{
	Name		name = palloc(sizeof(NameData));

	namestrcpy(name, string);
	return NameGetDatum(name);
}
