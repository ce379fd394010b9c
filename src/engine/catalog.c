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
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

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

/* What a table must have; others are refused, but for those that were dropped. */
typedef struct CatalogColumn
{
	const char *name;
	Oid			type;
} CatalogColumn;

static const CatalogColumn index_columns[INDEX_COLUMNS] = {
	{"name", TEXTOID}, {"schema_name", NAMEOID}, {"adopted", BOOLOID}, {"position", INT8OID}
};
static const CatalogColumn collection_columns[COLLECTION_COLUMNS] = {
	{"index", TEXTOID}, {"name", TEXTOID}, {"schema_name", NAMEOID}, {"table_name", NAMEOID},
	{"attached", BOOLOID}, {"mappings", JSONBOID}, {"settings", JSONBOID}, {"position", INT8OID}
};

/* One of the two tables. */
typedef struct CatalogTable
{
	const char *name;
	const CatalogColumn *columns;
	int			ncolumns;
	int			nkeys;			/* the first of them are the primary key */
	int			position;		/* its column position */
} CatalogTable;

static const CatalogTable tables[KZ_CATALOG_TABLES] = {
	[KZ_CATALOG_INDEX] = {"index", index_columns, INDEX_COLUMNS, INDEX_NAME, INDEX_POSITION},
	[KZ_CATALOG_COLLECTION] = {"collection", collection_columns, COLLECTION_COLUMNS, COLLECTION_NAME, COLLECTION_POSITION}
};

/* The same, open. */
typedef struct OpenTable
{
	const CatalogTable *table;
	Relation	relation;
	AttrNumber	attributes[COLLECTION_COLUMNS]; /* where its columns are */
} OpenTable;

static OpenTable open_table(KzCatalogTable table, LOCKMODE lockmode);
static AttrNumber find_column(TupleDesc tupdesc, const CatalogColumn *column);
static bool has_key(const OpenTable *open);
static Oid	lock_table(const CatalogTable *table, LOCKMODE lockmode);
static Oid	find_table(void *argument);
static SysScanDesc begin_scan(const OpenTable *open, ScanKey keys, const char *first,
							  const char *second);
static void put_row(KzCatalogTable table, const char *first, const char *second, Datum *values);
static void remove_rows(KzCatalogTable table, const char *first, const char *second);
static int64 next_position(const OpenTable *open);
static Datum read_column(const OpenTable *open, HeapTuple tuple, int column);
static HeapTuple form_tuple(const OpenTable *open, const Datum *values);
static void read_index(const OpenTable *open, HeapTuple tuple, KzIndexRow *row);
static void read_collection(const OpenTable *open, HeapTuple tuple, KzCollectionRow *row);
static int	compare_positions(const ListCell *a, const ListCell *b);
static Datum name_datum(const char *string);

/*
 * Wait for and keep out everybody else who changes the catalogue, until the
 * end of the transaction.  Readers go on.
 */
void
kz_catalog_lock(void)
{
	for (int i = 0; i < KZ_CATALOG_TABLES; i++)
		lock_table(&tables[i], ShareRowExclusiveLock);
}

/*
 * Open one of the two tables, as it is, to look at the table itself.
 */
Relation
kz_catalog_open(KzCatalogTable table, LOCKMODE lockmode)
{
	return table_open(lock_table(&tables[table], lockmode), NoLock);
}

/*
 * Read the row of an index, palloc'd; false if there is none.
 */
bool
kz_catalog_find_index(const char *name, KzIndexRow *row)
{
	OpenTable	open = open_table(KZ_CATALOG_INDEX, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(&open, keys, name, NULL);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		read_index(&open, tuple, row);
	systable_endscan(scan);
	table_close(open.relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * All KzIndexRow, in order of creation.
 */
List *
kz_catalog_list_indexes(void)
{
	OpenTable	open = open_table(KZ_CATALOG_INDEX, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(&open, keys, NULL, NULL);
	HeapTuple	tuple;
	List	   *rows = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		KzIndexRow *row = palloc(sizeof(KzIndexRow));

		read_index(&open, tuple, row);
		rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(open.relation, AccessShareLock);
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
	put_row(KZ_CATALOG_INDEX, row->name, NULL, values);
}

void
kz_catalog_remove_index(const char *name)
{
	remove_rows(KZ_CATALOG_INDEX, name, NULL);
}

/*
 * Read the row of a collection, palloc'd; false if there is none.
 */
bool
kz_catalog_find_collection(const char *index, const char *name, KzCollectionRow *row)
{
	OpenTable	open = open_table(KZ_CATALOG_COLLECTION, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(&open, keys, index, name);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		read_collection(&open, tuple, row);
	systable_endscan(scan);
	table_close(open.relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * The KzCollectionRow of an index, or of all for NULL, in byte order of their
 * names.
 */
List *
kz_catalog_list_collections(const char *index)
{
	OpenTable	open = open_table(KZ_CATALOG_COLLECTION, AccessShareLock);
	Relation	primary_key = index_open(open.relation->rd_pkindex, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *rows = NIL;

	ScanKeyInit(&keys[0], open.attributes[COLLECTION_INDEX - 1], BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(index ? index : ""));
	scan = systable_beginscan_ordered(open.relation, primary_key, NULL, index ? 1 : 0, keys);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		KzCollectionRow *row = palloc(sizeof(KzCollectionRow));

		read_collection(&open, tuple, row);
		rows = lappend(rows, row);
	}
	systable_endscan_ordered(scan);
	index_close(primary_key, AccessShareLock);
	table_close(open.relation, AccessShareLock);
	return rows;
}

/*
 * The KzCollectionRow that name the table of row.  All are looked at, and only these are
 * read: mappings may be large.
 */
List *
kz_catalog_list_same_table(const KzCollectionRow *row)
{
	OpenTable	open = open_table(KZ_CATALOG_COLLECTION, AccessShareLock);
	SysScanDesc scan = begin_scan(&open, NULL, NULL, NULL);
	HeapTuple	tuple;
	List	   *rows = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		schema = read_column(&open, tuple, COLLECTION_SCHEMA);
		Datum		table = read_column(&open, tuple, COLLECTION_TABLE);

		if (namestrcmp(DatumGetName(table), row->table) == 0 &&
			namestrcmp(DatumGetName(schema), row->schema) == 0)
		{
			KzCollectionRow *same = palloc(sizeof(KzCollectionRow));

			read_collection(&open, tuple, same);
			rows = lappend(rows, same);
		}
	}
	systable_endscan(scan);
	table_close(open.relation, AccessShareLock);
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
	put_row(KZ_CATALOG_COLLECTION, row->index, row->name, values);
}

/*
 * Remove the row of a collection, or for NULL those of all collections of the
 * index.
 */
void
kz_catalog_remove_collection(const char *index, const char *name)
{
	remove_rows(KZ_CATALOG_COLLECTION, index, name);
}

/*
 * Open a table and see that it is as the install script made it: its owner,
 * who need not be a superuser, can alter it.  A column that was added and dropped
 * does no harm.
 */
static OpenTable
open_table(KzCatalogTable table, LOCKMODE lockmode)
{
	OpenTable	open = {.table = &tables[table]};
	TupleDesc	tupdesc;
	int			ncolumns = 0;
	int			nindexes;
	bool		intact;

	open.relation = kz_catalog_open(table, lockmode);
	tupdesc = RelationGetDescr(open.relation);
	nindexes = list_length(RelationGetIndexList(open.relation));
	for (int i = 0; i < tupdesc->natts; i++)
		ncolumns += !TupleDescAttr(tupdesc, i)->attisdropped;
	intact = open.relation->rd_rel->relkind == RELKIND_RELATION &&
		ncolumns == open.table->ncolumns;
	for (int i = 0; intact && i < open.table->ncolumns; i++)
	{
		open.attributes[i] = find_column(tupdesc, &open.table->columns[i]);
		intact = open.attributes[i] != InvalidAttrNumber;
	}
	intact = intact && has_key(&open);

	/* CatalogTupleInsert and its kin can do simple indexes only. */
	if (lockmode > AccessShareLock && nindexes != 1)
		intact = false;
	if (!intact)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" has been altered", CATALOG_SCHEMA, open.table->name),
				 errhint("Undo what was done to it, or drop and create the extension: the tables of its collections stay.")));
	return open;
}

/*
 * Where a column is, or InvalidAttrNumber.
 */
static AttrNumber
find_column(TupleDesc tupdesc, const CatalogColumn *column)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), column->name) == 0)
			return kz_attribute_not_null(tupdesc, i) && att->atttypid == column->type ?
				att->attnum : InvalidAttrNumber;
	}
	return InvalidAttrNumber;
}

/*
 * Whether its primary key, by which rows are found, is as it was: other columns can't
 * be searched for, nor the same ones in another order.
 */
static bool
has_key(const OpenTable *open)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(open->relation->rd_pkindex));
	Form_pg_index form;
	bool		found;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	found = form->indimmediate && form->indnkeyatts == open->table->nkeys;
	for (int i = 0; found && i < open->table->nkeys; i++)
		found = form->indkey.values[i] == open->attributes[i];
	ReleaseSysCache(tuple);
	return found;
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
 * Scan for rows whose first two columns, the key, are as given; NULL for any.
 */
static SysScanDesc
begin_scan(const OpenTable *open, ScanKey keys, const char *first, const char *second)
{
	int			nkeys = 0;

	if (first)
		ScanKeyInit(&keys[nkeys++], open->attributes[0], BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(first));
	if (second)
		ScanKeyInit(&keys[nkeys++], open->attributes[1], BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(second));
	return systable_beginscan(open->relation, open->relation->rd_pkindex, nkeys > 0, NULL,
							  nkeys, keys);
}

/*
 * Insert or update a row.  A row that is there keeps its position; a new one
 * becomes the last.
 */
static void
put_row(KzCatalogTable table, const char *first, const char *second, Datum *values)
{
	OpenTable	open = open_table(table, RowExclusiveLock);
	int			position = open.table->position;
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(&open, keys, first, second);
	HeapTuple	old = systable_getnext(scan);

	if (HeapTupleIsValid(old))
	{
		values[position - 1] = read_column(&open, old, position);
		CatalogTupleUpdate(open.relation, &old->t_self, form_tuple(&open, values));
	}
	else
	{
		values[position - 1] = Int64GetDatum(next_position(&open));
		CatalogTupleInsert(open.relation, form_tuple(&open, values));
	}
	systable_endscan(scan);
	CacheInvalidateRelcache(open.relation);
	table_close(open.relation, RowExclusiveLock);
	CommandCounterIncrement();
}

static void
remove_rows(KzCatalogTable table, const char *first, const char *second)
{
	OpenTable	open = open_table(table, RowExclusiveLock);
	ScanKeyData keys[2];
	SysScanDesc scan = begin_scan(&open, keys, first, second);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleDelete(open.relation, &tuple->t_self);
	systable_endscan(scan);
	CacheInvalidateRelcache(open.relation);
	table_close(open.relation, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * The position of a new row: the last plus one.  A sequence would start again
 * after a restore.
 */
static int64
next_position(const OpenTable *open)
{
	SysScanDesc scan = begin_scan(open, NULL, NULL, NULL);
	HeapTuple	tuple;
	int64		last = 0;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		last = Max(last, DatumGetInt64(read_column(open, tuple, open->table->position)));
	systable_endscan(scan);
	if (pg_add_s64_overflow(last, 1, &last))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("bigint out of range")));
	return last;
}

/*
 * A value of a row; none is null.
 */
static Datum
read_column(const OpenTable *open, HeapTuple tuple, int column)
{
	bool		isnull;

	return heap_getattr(tuple, open->attributes[column - 1], RelationGetDescr(open->relation),
						&isnull);
}

/*
 * A row of values, which are in the order of the columns.
 */
static HeapTuple
form_tuple(const OpenTable *open, const Datum *values)
{
	TupleDesc	tupdesc = RelationGetDescr(open->relation);
	Datum	   *all = palloc0(tupdesc->natts * sizeof(Datum));
	bool	   *nulls = palloc(tupdesc->natts * sizeof(bool));

	memset(nulls, true, tupdesc->natts * sizeof(bool));
	for (int i = 0; i < open->table->ncolumns; i++)
	{
		all[open->attributes[i] - 1] = values[i];
		nulls[open->attributes[i] - 1] = false;
	}
	return heap_form_tuple(tupdesc, all, nulls);
}

static void
read_index(const OpenTable *open, HeapTuple tuple, KzIndexRow *row)
{
	row->name = TextDatumGetCString(read_column(open, tuple, INDEX_NAME));
	row->schema = pstrdup(NameStr(*DatumGetName(read_column(open, tuple, INDEX_SCHEMA))));
	row->adopted = DatumGetBool(read_column(open, tuple, INDEX_ADOPTED));
	row->position = DatumGetInt64(read_column(open, tuple, INDEX_POSITION));
}

static void
read_collection(const OpenTable *open, HeapTuple tuple, KzCollectionRow *row)
{
	row->index = TextDatumGetCString(read_column(open, tuple, COLLECTION_INDEX));
	row->name = TextDatumGetCString(read_column(open, tuple, COLLECTION_NAME));
	row->schema = pstrdup(NameStr(*DatumGetName(read_column(open, tuple, COLLECTION_SCHEMA))));
	row->table = pstrdup(NameStr(*DatumGetName(read_column(open, tuple, COLLECTION_TABLE))));
	row->attached = DatumGetBool(read_column(open, tuple, COLLECTION_ATTACHED));
	row->mappings = DatumGetJsonbPCopy(read_column(open, tuple, COLLECTION_MAPPINGS));
	row->settings = DatumGetJsonbPCopy(read_column(open, tuple, COLLECTION_SETTINGS));
	row->position = DatumGetInt64(read_column(open, tuple, COLLECTION_POSITION));
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
