/*
 * definition.c
 *	  Making, changing and deleting indexes and collections.
 *
 * Schemas and tables are made and dropped by SQL commands as the user, so the
 * server checks the user's rights and fires event triggers as for any other
 * command.  Nothing is ever dropped with CASCADE.
 *
 * Locks are taken in one order: the catalogue, the schema of an index, a table.
 * What a command names is locked before it is run, as resolve.c does it, so that
 * nothing goes between: what has gone by then is KZ412, as if it had never been
 * there.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/json.h"
#include "document/mapping.h"
#include "engine/access.h"
#include "engine/collection.h"
#include "engine/definition.h"
#include "engine/naming.h"
#include "engine/target.h"

#ifdef USE_LZ4
#define SOURCE_COMPRESSION " COMPRESSION lz4"
#else
#define SOURCE_COMPRESSION ""
#endif

static void begin_change(const char *command);
static void check_writable(const char *command);
static void make_index(const char *index, KzIndexRow *row);
static void make_table(const KzIndexRow *index, const char *name, KzCollectionRow *row);
static void take_table(Relation relation, KzCollectionRow *row);
static bool update_collection(const char *index, const char *name, Jsonb *mappings, Jsonb *settings);
static bool change_row(KzCollectionRow *row, Jsonb *mappings, Jsonb *settings);
static void move_table(KzCollectionRow *row, Oid relid, char *schema, char *table);
static void rename_table(KzCollectionRow *row, char *table);
static void rename_key(const KzCollectionRow *row, const char *from, const char *to);
static bool schema_is_empty(Oid schema);
static void check_relation_owner(Oid relid);
kz_noreturn static void raise_no_relation(Oid relid);
static void execute(const char *sql);

/*
 * Create an index: a schema, which is adopted if it is there.  What names may be
 * is for the caller to check, here and below.
 */
void
kz_index_create(const char *index)
{
	KzIndexRow	row;

	begin_change("kz_create_index()");
	if (kz_index_find(index, &row))
		kz_raise(KZ_ERROR_INDEX_EXISTS, NULL, "public", index);
	make_index(index, &row);
}

/*
 * Delete an index with its collections: drop the tables that kz made, and the
 * schema if kz made it and nothing else is in it.  False if the index is unknown.
 */
bool
kz_index_delete(const char *index)
{
	KzIndexRow	row;
	Oid			schema;
	StringInfoData drop;
	ListCell   *lc;

	begin_change("kz_delete_index()");
	schema = kz_target_own_index(index, &row);
	if (!OidIsValid(schema))
		return false;

	/* In one command, so that tables may refer to each other. */
	initStringInfo(&drop);
	foreach(lc, kz_catalog_list_collections(index))
	{
		KzTarget	target = {.index = index,.name = ((KzCollectionRow *) lfirst(lc))->name};
		bool		ours;

		if (OidIsValid(kz_target_lock_whole(&target, &ours)) && ours)
			appendStringInfo(&drop, "%s %s", drop.len ? "," : "DROP TABLE",
							 quote_qualified_identifier(target.row.schema, target.row.table));
	}
	if (drop.len)
		execute(drop.data);
	kz_catalog_remove_collection(index, NULL);
	kz_catalog_remove_index(index);
	if (!row.adopted && schema_is_empty(schema))
	{
		/* Somebody may be about to commit something in it. */
		LockDatabaseObject(NamespaceRelationId, schema, 0, AccessExclusiveLock);
		if (schema_is_empty(schema))
			execute(psprintf("DROP SCHEMA %s", quote_identifier(row.schema)));
	}
	return true;
}

/*
 * Create a collection, and its index if that is missing.  A table of that name
 * that fits is taken up; a collection that exists is updated.
 */
void
kz_collection_create(const char *index, const char *name, Jsonb *mappings, Jsonb *settings)
{
	KzIndexRow	index_row;
	KzCollectionRow row;

	begin_change("kz_create_collection()");
	mappings = kz_mapping_normalize(mappings);
	kz_setting_check(settings);

	if (update_collection(index, name, mappings, settings))
		return;
	if (!kz_target_index(index, &index_row))
		make_index(index, &index_row);
	/* What is left of one whose table has gone is no part of the new one. */
	kz_catalog_remove_collection(index, name);
	make_table(&index_row, name, &row);

	/* An event trigger may have attached it. */
	if (update_collection(index, name, mappings, settings))
		return;
	row.mappings = mappings;
	row.settings = settings;
	kz_catalog_put_collection(&row);
}

/*
 * Merge mappings and settings, each NULL or an object, into those of a
 * collection.
 */
void
kz_collection_update(const char *index, const char *name, Jsonb *mappings, Jsonb *settings)
{
	begin_change("kz_update_collection()");
	if (settings)
		kz_setting_check(settings);
	if (!update_collection(index, name, mappings, settings))
		kz_collection_raise_unknown(index, name);
}

/*
 * Make a collection of a table that is already there.
 */
void
kz_collection_attach(const char *index, const char *name, Oid relid)
{
	KzIndexRow	index_row;
	KzCollectionRow row,
				live;
	Relation	relation;

	begin_change("kz_attach_collection()");
	kz_target_require_index(index, &index_row);

	/* Who has no right must not make others wait for a lock. */
	check_relation_owner(relid);
	relation = try_relation_open(relid, AccessShareLock);
	if (!relation)
		raise_no_relation(relid);
	check_relation_owner(relid);
	row.index = index_row.name;
	row.name = unconstify(char *, name);
	take_table(relation, &row);
	relation_close(relation, NoLock);
	if (kz_collection_find(index, name, &live))
		kz_raise(KZ_ERROR_COLLECTION_EXISTS, "Delete that collection first, or choose another name.",
				 quote_qualified_identifier(row.schema, row.table), index, name,
				 "the collection exists already.");
	row.attached = true;
	row.mappings = kz_json_object(NULL, 0);
	row.settings = kz_json_object(NULL, 0);
	kz_catalog_put_collection(&row);
}

/*
 * Give a collection another name, perhaps in another index, which must be there.
 * The table of a collection that kz made goes with it.
 */
void
kz_collection_rename(const char *index, const char *name, const char *new_index,
					 const char *new_name)
{
	KzIndexRow	index_row;
	KzCollectionRow other;
	KzTarget	target = {.index = index,.name = name,.own = true};
	Oid			relid;
	bool		ours;

	begin_change("kz_rename_collection()");
	kz_collection_require(index, name, &target.row);
	kz_target_require_index(new_index, &index_row);
	relid = kz_target_lock_whole(&target, &ours);
	if (!OidIsValid(relid))
		kz_collection_raise_unknown(index, name);
	kz_target_check_fit(&target.row, relid);
	if (kz_collection_find(new_index, new_name, &other))
		kz_raise(KZ_ERROR_COLLECTION_EXISTS, "Delete that collection first, or choose another name.",
				 quote_qualified_identifier(target.row.schema, target.row.table), new_index, new_name,
				 "the collection exists already.");
	kz_catalog_remove_collection(index, name);
	kz_catalog_remove_collection(new_index, new_name);
	if (ours)
		move_table(&target.row, relid, index_row.schema,
				   kz_name_table(new_name, get_namespace_oid(index_row.schema, false)));
	target.row.index = index_row.name;
	target.row.name = unconstify(char *, new_name);
	kz_catalog_put_collection(&target.row);
}

/*
 * Move the table of a collection, which is locked, to another schema and name.  Its
 * key, whose name is made of the table's, goes with it.
 */
static void
move_table(KzCollectionRow *row, Oid relid, char *schema, char *table)
{
	Relation	relation = table_open(relid, NoLock);
	char	   *key = kz_name_of_key(relation);
	char	   *free_name = psprintf("kz_move_%u", relid);
	char	   *free_key = psprintf("%s_pkey", free_name);

	table_close(relation, NoLock);

	/* By way of names that are free in both. */
	rename_table(row, free_name);
	rename_key(row, key, free_key);
	if (strcmp(row->schema, schema) != 0)
		execute(psprintf("ALTER TABLE %s SET SCHEMA %s",
						 quote_qualified_identifier(row->schema, row->table), quote_identifier(schema)));
	row->schema = schema;
	rename_key(row, free_key, kz_name_key(table, get_namespace_oid(schema, false)));
	rename_table(row, table);
}

static void
rename_table(KzCollectionRow *row, char *table)
{
	execute(psprintf("ALTER TABLE %s RENAME TO %s",
					 quote_qualified_identifier(row->schema, row->table), quote_identifier(table)));
	row->table = table;
}

static void
rename_key(const KzCollectionRow *row, const char *from, const char *to)
{
	execute(psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s",
					 quote_qualified_identifier(row->schema, row->table),
					 quote_identifier(from), quote_identifier(to)));
}

/*
 * Delete a collection: drop a table that kz made and that still fits, detach any
 * other.  False if the collection is unknown.
 */
bool
kz_collection_delete(const char *index, const char *name)
{
	KzTarget	target = {.index = index,.name = name,.own = true};
	bool		ours;

	begin_change("kz_delete_collection()");
	if (!OidIsValid(kz_target_lock_whole(&target, &ours)))
		return false;
	if (ours)
		execute(psprintf("DROP TABLE %s",
						 quote_qualified_identifier(target.row.schema, target.row.table)));
	kz_catalog_remove_collection(index, name);
	return true;
}

/*
 * Remove all documents of a collection.
 */
void
kz_collection_truncate(const char *index, const char *name)
{
	KzTarget	target = {.index = index,.name = name,.own = true};
	Oid			relid;

	/* The catalogue stays as it is, so nobody else has to wait. */
	check_writable("kz_truncate_collection()");
	relid = kz_target_lock(&target, AccessExclusiveLock);
	if (!OidIsValid(relid))
		kz_collection_raise_unknown(index, name);
	kz_target_check_fit(&target.row, relid);
	execute(psprintf("TRUNCATE TABLE %s%s", KZ_ONLY(get_rel_relkind(relid)),
					 quote_qualified_identifier(target.row.schema, target.row.table)));
}

/*
 * What comes before every change of the catalogue.
 */
static void
begin_change(const char *command)
{
	check_writable(command);
	kz_catalog_lock();
}

static void
check_writable(const char *command)
{
	PreventCommandIfReadOnly(command);
	PreventCommandIfParallelMode(command);
}

/*
 * Make the schema of an index, or adopt it, and record the index in row and in
 * the catalogue.
 */
static void
make_index(const char *index, KzIndexRow *row)
{
	/*
	 * An index whose schema was dropped by plain SQL is made anew, as the
	 * last, and without what somebody else may have put into it.
	 */
	kz_catalog_remove_collection(index, NULL);
	kz_catalog_remove_index(index);

	row->name = pstrdup(index);
	row->adopted = OidIsValid(kz_target_adoptable(row));
	if (!row->adopted)
		execute(psprintf("CREATE SCHEMA %s", quote_identifier(row->schema)));

	/* An event trigger may have adopted it. */
	if (!kz_index_find(index, row))
		kz_catalog_put_index(row);
}

/*
 * Make the table of a collection, or take up the one that is there, and fill
 * row but for mappings and settings.  The index is locked.
 */
static void
make_table(const KzIndexRow *index, const char *name, KzCollectionRow *row)
{
	Oid			schema = get_namespace_oid(index->schema, false);
	Oid			relid;

	row->index = index->name;
	row->name = pstrdup(name);
	row->schema = index->schema;
	relid = kz_target_room(schema, row);
	if (OidIsValid(relid))
	{
		Relation	relation = relation_open(relid, NoLock);

		take_table(relation, row);
		relation_close(relation, NoLock);
		return;
	}
	row->attached = false;
	execute(psprintf("CREATE TABLE %s ("
					 "_id pg_catalog.text COLLATE pg_catalog.\"C\" CONSTRAINT %s PRIMARY KEY, "
					 "_version pg_catalog.int8 NOT NULL, "
					 "_source pg_catalog.jsonb%s NOT NULL"
					 ") WITH (fillfactor = 90)",
					 quote_qualified_identifier(row->schema, row->table),
					 quote_identifier(kz_name_key(row->table, schema)), SOURCE_COMPRESSION));
}

/*
 * Check that a relation, open and the user's, can become the collection row->index,
 * row->name, and fill in its table.  It counts as made by kz if its key is named as
 * kz does, which it is after DROP and CREATE EXTENSION.
 */
static void
take_table(Relation relation, KzCollectionRow *row)
{
	KzShape		shape;
	const char *problem;

	row->schema = get_namespace_name(RelationGetNamespace(relation));
	row->table = pstrdup(RelationGetRelationName(relation));
	if ((problem = kz_shape_check_origin(relation)) != NULL)
		kz_target_raise_unfit(row, problem, "Copy it into a table of your own.");
	if ((problem = kz_shape_check(relation, &shape)) != NULL)
		kz_target_raise_unfit(row, problem, KZ_SHAPE_HINT);
	row->attached = !kz_name_is_our_key(relation);
}

/*
 * Merge mappings and settings, each NULL or an object, into those of a collection;
 * false if it is unknown.
 */
static bool
update_collection(const char *index, const char *name, Jsonb *mappings, Jsonb *settings)
{
	KzTarget	target = {.index = index,.name = name,.own = true};
	Oid			relid = kz_target_find(&target);

	if (!OidIsValid(relid))
		return false;
	if (mappings)
		mappings = kz_mapping_normalize(mappings);

	/*
	 * Applications do this at every start: no wait, no write, no stale caches
	 * if there is nothing to be changed.
	 */
	if (!change_row(&target.row, mappings, settings))
		return true;
	relid = kz_target_lock(&target, AccessShareLock);
	if (!OidIsValid(relid))
		return false;
	kz_target_check_fit(&target.row, relid);
	if (change_row(&target.row, mappings, settings))
		kz_catalog_put_collection(&target.row);
	return true;
}

/*
 * Do that in row; false if it stays as it is.
 */
static bool
change_row(KzCollectionRow *row, Jsonb *mappings, Jsonb *settings)
{
	Jsonb	   *old_mappings = row->mappings;
	Jsonb	   *old_settings = row->settings;

	if (mappings)
		row->mappings = kz_mapping_update(kz_mapping_read(old_mappings), mappings);
	if (settings)
		row->settings = kz_setting_update(old_settings, settings);
	return !kz_json_identical(old_mappings, row->mappings) ||
		!kz_json_identical(old_settings, row->settings);
}

/*
 * Whether nothing at all is in a schema or depends on it.
 */
static bool
schema_is_empty(Oid schema)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	bool		empty;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	empty = !HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return empty;
}

/*
 * The same as kz_access_own_relation for what the user has named by its OID.
 */
static void
check_relation_owner(Oid relid)
{
	if (!get_rel_name(relid))
		raise_no_relation(relid);
	kz_access_own_relation(relid);
}

static void
raise_no_relation(Oid relid)
{
	kz_raise(KZ_ERROR_INVALID_ARGUMENT,
			 psprintf("Name a table that is there: none has OID %u.", relid),
			 "relation", "an existing table");
}

/*
 * Run a command as the user.
 */
static void
execute(const char *sql)
{
	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(sql, false, 0) < 0 ||
		SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not execute: %s", sql);
	CommandCounterIncrement();
}
