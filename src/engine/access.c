/*
 * access.c
 *	  What definitions may do: rights, and what a row of the catalogue may say.
 *
 * A name in an index leads whoever uses it to a table, so a row is put only by who
 * owns what it names and may create things where the name is.  catalog.c asks this
 * for each row that is put, whatever SQL commands a function runs or does not run,
 * so that none can forget it.  The same rights are asked for before a lock is taken:
 * who has none must not make others wait.  What reading and writing documents needs
 * is in writer.c.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "engine/access.h"
#include "engine/collection.h"
#include "engine/resolve.h"

static bool same_table(const KzCollectionRow *a, const KzCollectionRow *b);

/*
 * Raise 42501 unless the user may create things in a schema, which is there.
 */
void
kz_access_create_in(Oid schema)
{
	AclResult	result = kz_schema_aclcheck(schema, ACL_CREATE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
}

/*
 * Raise 42501 unless the user owns a schema, which is there.
 */
void
kz_access_own_schema(Oid schema)
{
	if (!kz_schema_ownercheck(schema))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, get_namespace_name(schema));
}

/*
 * Raise 42501 unless the user owns a relation, which is there.
 */
void
kz_access_own_relation(Oid relid)
{
	if (!kz_relation_ownercheck(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/*
 * Raise an error unless the row of an index may be put, by the user (42501) and at
 * all (KZ412).
 */
void
kz_access_put_index(const KzIndexRow *row)
{
	Oid			schema = get_namespace_oid(row->schema, true);
	ListCell   *lc;

	if (!OidIsValid(schema))
		kz_index_raise_unknown(row->name);
	kz_access_own_schema(schema);

	/* A schema is one index. */
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
 * The same for the row of a collection.
 */
void
kz_access_put_collection(const KzCollectionRow *row)
{
	Oid			relid = kz_table_find(row->schema, row->table);
	KzCollectionRow old;
	KzIndexRow	index;
	ListCell   *lc;

	/* An event trigger may have dropped it. */
	if (!OidIsValid(relid))
		kz_collection_raise_unknown(row->index, row->name);
	kz_access_own_relation(relid);
	if (kz_catalog_find_collection(row->index, row->name, &old) && same_table(&old, row))
		return;
	kz_index_require(row->index, &index);
	kz_access_create_in(get_namespace_oid(index.schema, false));

	/*
	 * A table is one collection; but those of an index that is gone do not
	 * count.
	 */
	foreach(lc, kz_catalog_list_same_table(row))
	{
		KzCollectionRow *other = lfirst(lc);

		if (!(strcmp(other->index, row->index) == 0 && strcmp(other->name, row->name) == 0) &&
			kz_index_find(other->index, &index))
			kz_raise(KZ_ERROR_COLLECTION_EXISTS, NULL,
					 quote_qualified_identifier(row->schema, row->table),
					 row->index, row->name,
					 psprintf("it is the collection \"%s\":\"%s\" already.",
							  other->index, other->name));
	}
}

static bool
same_table(const KzCollectionRow *a, const KzCollectionRow *b)
{
	return strcmp(a->schema, b->schema) == 0 && strcmp(a->table, b->table) == 0;
}
