/*
 * resolve.c
 *	  From a name to the relation or schema that has it, locked.
 *
 * What a name stood for before the wait for a lock need not be there after it.  So
 * a name is resolved, what it stands for is locked, which accepts invalidations,
 * and the name is resolved again, until both are the same.  kz_collection_open does
 * the same with its cache; nobody else opens what a name stands for.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "engine/resolve.h"
#include "engine/shape.h"

static Oid	resolve(Oid class, KzFinder find, void *argument, LOCKMODE lockmode);
static void lock(Oid class, Oid object, LOCKMODE lockmode);
static void unlock(Oid class, Oid object, LOCKMODE lockmode);

/*
 * Lock the relation that find finds with argument, to the end of the transaction;
 * InvalidOid, with nothing locked, if it finds none (any more).  It is called before
 * each wait, too, so that it can raise an error for whoever has no right to make
 * others wait.
 */
Oid
kz_resolve_relation(KzFinder find, void *argument, LOCKMODE lockmode)
{
	return resolve(RelationRelationId, find, argument, lockmode);
}

/*
 * The same for a schema.  AccessShareLock keeps others from dropping it, not from
 * renaming it.
 */
Oid
kz_resolve_schema(KzFinder find, void *argument, LOCKMODE lockmode)
{
	return resolve(NamespaceRelationId, find, argument, lockmode);
}

static Oid
resolve(Oid class, KzFinder find, void *argument, LOCKMODE lockmode)
{
	Oid			object;

	AcceptInvalidationMessages();
	object = find(argument);
	while (OidIsValid(object))
	{
		Oid			now;

		lock(class, object, lockmode);
		now = find(argument);
		if (now == object)
			break;
		unlock(class, object, lockmode);
		object = now;
	}
	return object;
}

static void
lock(Oid class, Oid object, LOCKMODE lockmode)
{
	if (class == RelationRelationId)
		LockRelationOid(object, lockmode);
	else
		LockDatabaseObject(class, object, 0, lockmode);
}

static void
unlock(Oid class, Oid object, LOCKMODE lockmode)
{
	if (class == RelationRelationId)
		UnlockRelationOid(object, lockmode);
	else
		UnlockDatabaseObject(class, object, 0, lockmode);
}

/*
 * The OID of a table, or InvalidOid; views, indexes and the like do not count.
 */
Oid
kz_table_find(const char *schema, const char *table)
{
	Oid			namespace = get_namespace_oid(schema, true);
	Oid			relid = OidIsValid(namespace) ? get_relname_relid(table, namespace) : InvalidOid;

	return OidIsValid(relid) && KZ_IS_TABLE(get_rel_relkind(relid)) ? relid : InvalidOid;
}
