/*
 * definition.c
 *	  Making, changing and deleting indexes and collections.
 *
 * Schemas and tables are made and dropped by SQL commands as the user, so the
 * server checks the user's rights and fires event triggers as for any other
 * command.  Nothing is ever dropped with CASCADE.  All functions here take the
 * lock on the catalogue before any lock on a table.
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
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/json.h"
#include "document/mapping.h"
#include "engine/collection.h"
#include "engine/definition.h"
#include "engine/naming.h"

#ifdef USE_LZ4
#define SOURCE_COMPRESSION " COMPRESSION lz4"
#else
#define SOURCE_COMPRESSION ""
#endif

static void begin_change(const char *command);
static void check_writable(const char *command);
static void make_index(const char *index, KzIndexRow *row);
static void make_table(const KzIndexRow *index, const char *name, KzCollectionRow *row);
static void take_table(Oid relid, const KzIndexRow *index, KzCollectionRow *row);
static void check_schema_unused(const KzIndexRow *row);
static void check_table_unused(const KzCollectionRow *row);
static void update_row(KzCollectionRow *row, Jsonb *mappings, Jsonb *settings);
static void move_table(KzCollectionRow *row, char *schema, char *table);
static void rename_table(KzCollectionRow *row, char *table);
static void rename_key(const KzCollectionRow *row, const char *from, const char *to);
static bool is_ours(const KzCollectionRow *row);
static bool schema_is_empty(Oid schema);
static void check_create_right(const char *schema);
static Oid	check_owner(const KzCollectionRow *row);
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
 * schema if kz made it and nothing else is in it.
 */
void
kz_index_delete(const char *index)
{
	KzIndexRow	row;
	Oid			schema;
	StringInfoData drop;
	ListCell   *lc;

	begin_change("kz_delete_index()");
	kz_index_require(index, &row);
	schema = get_namespace_oid(row.schema, false);
	if (!kz_schema_ownercheck(schema))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, row.schema);

	/* In one command, so that tables may refer to each other. */
	initStringInfo(&drop);
	foreach(lc, kz_catalog_list_collections(index))
	{
		KzCollectionRow *collection = lfirst(lc);

		if (is_ours(collection))
			appendStringInfo(&drop, "%s %s", drop.len ? "," : "DROP TABLE",
							 quote_qualified_identifier(collection->schema,
														collection->table));
	}
	if (drop.len)
		execute(drop.data);
	kz_catalog_remove_collection(index, NULL);
	kz_catalog_remove_index(index);
	if (!row.adopted && schema_is_empty(schema))
		execute(psprintf("DROP SCHEMA %s", quote_identifier(row.schema)));
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

	if (!kz_index_find(index, &index_row))
		make_index(index, &index_row);
	if (kz_collection_find(index, name, &row))
	{
		update_row(&row, mappings, settings);
		return;
	}
	make_table(&index_row, name, &row);
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
	KzCollectionRow row;

	begin_change("kz_update_collection()");
	if (settings)
		kz_setting_check(settings);
	kz_collection_require(index, name, &row);
	update_row(&row, mappings ? kz_mapping_normalize(mappings) : NULL, settings);
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

	begin_change("kz_attach_collection()");
	kz_index_require(index, &index_row);
	row.index = index_row.name;
	row.name = unconstify(char *, name);
	take_table(relid, &index_row, &row);
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
	KzCollectionRow row,
				other;
	Oid			schema;

	begin_change("kz_rename_collection()");
	kz_collection_require(index, name, &row);
	kz_index_require(new_index, &index_row);
	check_owner(&row);
	if (kz_collection_find(new_index, new_name, &other))
		kz_raise(KZ_ERROR_COLLECTION_EXISTS, "Delete that collection first, or choose another name.",
				 quote_qualified_identifier(row.schema, row.table), new_index, new_name,
				 "the collection exists already.");
	kz_catalog_remove_collection(index, name);
	kz_catalog_remove_collection(new_index, new_name);
	schema = get_namespace_oid(index_row.schema, false);
	if (is_ours(&row))
		move_table(&row, index_row.schema, kz_name_table(new_name, schema));
	row.index = index_row.name;
	row.name = unconstify(char *, new_name);
	kz_catalog_put_collection(&row);
}

/*
 * Move the table of a collection to another schema and name.  Its key, whose name is
 * made of the table's, goes with it.
 */
static void
move_table(KzCollectionRow *row, char *schema, char *table)
{
	Oid			relid = kz_table_find(row->schema, row->table);
	Relation	relation = table_open(relid, AccessShareLock);
	char	   *key = kz_name_of_key(relation);
	char	   *free_name = psprintf("kz_move_%u", relid);
	char	   *free_key = psprintf("%s_pkey", free_name);

	table_close(relation, AccessShareLock);

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
 * Delete a collection: drop a table that kz made, detach any other.
 */
void
kz_collection_delete(const char *index, const char *name)
{
	KzCollectionRow row;

	begin_change("kz_delete_collection()");
	kz_collection_require(index, name, &row);
	check_owner(&row);
	if (is_ours(&row))
		execute(psprintf("DROP TABLE %s", quote_qualified_identifier(row.schema, row.table)));
	kz_catalog_remove_collection(index, name);
}

/*
 * Remove all documents of a collection.
 */
void
kz_collection_truncate(const char *index, const char *name)
{
	KzCollectionRow row;
	Oid			relid;

	/* The catalogue stays as it is, so nobody else has to wait. */
	check_writable("kz_truncate_collection()");
	kz_collection_require(index, name, &row);
	relid = check_owner(&row);
	execute(psprintf("TRUNCATE TABLE %s%s", KZ_ONLY(get_rel_relkind(relid)),
					 quote_qualified_identifier(row.schema, row.table)));
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
	Oid			schema;

	row->name = pstrdup(index);
	row->schema = kz_name_schema(index);
	schema = get_namespace_oid(row->schema, true);
	row->adopted = OidIsValid(schema);
	if (!row->adopted)
		execute(psprintf("CREATE SCHEMA %s", quote_identifier(row->schema)));
	else
	{
		if (!kz_schema_ownercheck(schema))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, row->schema);
		check_schema_unused(row);
	}

	/*
	 * An index whose schema was dropped by plain SQL is made anew, as the
	 * last, and without what somebody else may have put into it.
	 */
	kz_catalog_remove_collection(index, NULL);
	kz_catalog_remove_index(index);
	kz_catalog_put_index(row);
}

/*
 * Make the table of a collection, or take up the one that is there, and fill
 * row but for mappings and settings.
 */
static void
make_table(const KzIndexRow *index, const char *name, KzCollectionRow *row)
{
	Oid			schema = get_namespace_oid(index->schema, false);
	Oid			relid;

	row->index = index->name;
	row->name = pstrdup(name);
	row->schema = index->schema;
	row->table = kz_name_table(name, schema);
	relid = get_relname_relid(row->table, schema);
	if (OidIsValid(relid))
	{
		take_table(relid, index, row);
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
 * Check that relid can become the collection row->index, row->name, and fill in
 * its table.  It counts as made by kz if its key is named as kz does, which it
 * is after DROP and CREATE EXTENSION.
 */
static void
take_table(Oid relid, const KzIndexRow *index, KzCollectionRow *row)
{
	Relation	relation;
	KzShape		shape;
	const char *problem;
	const char *hint;

	/* Rights first: who has none must not make others wait for a lock. */
	check_create_right(index->schema);
	check_relation_owner(relid);
	relation = try_relation_open(relid, AccessShareLock);
	if (!relation)
		raise_no_relation(relid);
	check_relation_owner(relid);
	row->schema = get_namespace_name(RelationGetNamespace(relation));
	row->table = pstrdup(RelationGetRelationName(relation));
	problem = kz_shape_check_origin(relation);
	hint = "Copy it into a table of your own.";
	if (!problem)
	{
		problem = kz_shape_check(relation, &shape);
		hint = KZ_SHAPE_HINT;
	}
	if (problem)
		kz_raise(KZ_ERROR_UNFIT_RELATION, hint,
				 quote_qualified_identifier(row->schema, row->table),
				 row->index, row->name, problem);
	check_table_unused(row);
	row->attached = !kz_name_is_our_key(relation);
	relation_close(relation, NoLock);
}

/*
 * Refuse a schema that is an index already, under another name.
 */
static void
check_schema_unused(const KzIndexRow *row)
{
	ListCell   *lc;

	foreach(lc, kz_catalog_list_indexes())
	{
		KzIndexRow *other = lfirst(lc);

		if (strcmp(other->schema, row->schema) == 0 && strcmp(other->name, row->name) != 0)
			kz_raise(KZ_ERROR_INDEX_EXISTS,
					 psprintf("Choose another name than \"%s\": that is its schema.", row->name),
					 "public", other->name);
	}
}

/*
 * Refuse a table that is a collection already, under whatever name.
 */
static void
check_table_unused(const KzCollectionRow *row)
{
	ListCell   *lc;

	foreach(lc, kz_catalog_list_collections(NULL))
	{
		KzCollectionRow *other = lfirst(lc);
		KzCollectionRow live;

		if (strcmp(other->schema, row->schema) == 0 && strcmp(other->table, row->table) == 0 &&
			!(strcmp(other->index, row->index) == 0 && strcmp(other->name, row->name) == 0) &&
			kz_collection_find(other->index, other->name, &live))
			kz_raise(KZ_ERROR_COLLECTION_EXISTS, NULL,
					 quote_qualified_identifier(row->schema, row->table),
					 row->index, row->name,
					 psprintf("it is the collection \"%s\":\"%s\" already.",
							  other->index, other->name));
	}
}

/*
 * Merge mappings and settings, each NULL or an object, into row and write it.
 */
static void
update_row(KzCollectionRow *row, Jsonb *mappings, Jsonb *settings)
{
	Jsonb	   *old_mappings = row->mappings;
	Jsonb	   *old_settings = row->settings;

	check_owner(row);
	if (mappings)
		row->mappings = kz_mapping_update(kz_mapping_read(old_mappings), mappings);
	if (settings)
		row->settings = kz_setting_update(old_settings, settings);

	/* Applications do this at every start: no write, no stale caches. */
	if (!kz_json_identical(old_mappings, row->mappings) ||
		!kz_json_identical(old_settings, row->settings))
		kz_catalog_put_collection(row);
}

/*
 * Whether the table of a collection is there and made by kz.  The catalogue
 * alone does not tell: its table may have been dropped, and another made in its
 * place.
 */
static bool
is_ours(const KzCollectionRow *row)
{
	Oid			relid = kz_table_find(row->schema, row->table);
	Relation	relation;
	bool		ours;

	if (row->attached || !OidIsValid(relid))
		return false;
	relation = relation_open(relid, AccessShareLock);
	ours = kz_name_is_our_key(relation);
	relation_close(relation, AccessShareLock);
	return ours;
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

static void
check_create_right(const char *schema)
{
	AclResult	result = kz_schema_aclcheck(get_namespace_oid(schema, false), ACL_CREATE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, schema);
}

/*
 * Check that the user owns the table of a collection, and return its OID.
 */
static Oid
check_owner(const KzCollectionRow *row)
{
	Oid			relid = kz_table_find(row->schema, row->table);

	check_relation_owner(relid);
	return relid;
}

static void
check_relation_owner(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (!name)
		raise_no_relation(relid);
	if (!kz_relation_ownercheck(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)), name);
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
