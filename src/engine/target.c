/*
 * target.c
 *	  What a definition acts on: found, and locked.
 *
 * Each of these checks the right that is needed before it waits, and again after
 * that: see resolve.c.  Locks are kept to the end of the transaction.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "engine/access.h"
#include "engine/collection.h"
#include "engine/naming.h"
#include "engine/resolve.h"
#include "engine/target.h"

/* An index that is looked for, and what the user must be allowed to do. */
typedef struct Place
{
	const char *index;
	void		(*check) (Oid schema);
	KzIndexRow *row;
} Place;

/* Where a table is to be. */
typedef struct Room
{
	Oid			schema;
	KzCollectionRow *row;
} Room;

static Oid	find_index(void *argument);
static Oid	find_adoptable(void *argument);
static Oid	find_room(void *argument);
static Oid	find_table(void *argument);
static bool is_ours(const KzCollectionRow *row, Oid relid);

/*
 * Find an index in which the user may create collections, and keep its schema from
 * being dropped; false if it is unknown.
 */
bool
kz_target_index(const char *index, KzIndexRow *row)
{
	Place		place = {.index = index,.check = kz_access_create_in,.row = row};

	return OidIsValid(kz_resolve_schema(find_index, &place, AccessShareLock));
}

/*
 * The same, but raises KZ412 if it is unknown.
 */
void
kz_target_require_index(const char *index, KzIndexRow *row)
{
	if (!kz_target_index(index, row))
		kz_index_raise_unknown(index);
}

/*
 * The same for an index whose schema the user must own; returns that schema, or
 * InvalidOid.
 */
Oid
kz_target_own_index(const char *index, KzIndexRow *row)
{
	Place		place = {.index = index,.check = kz_access_own_schema,.row = row};

	return kz_resolve_schema(find_index, &place, AccessShareLock);
}

static Oid
find_index(void *argument)
{
	Place	   *place = argument;
	Oid			schema;

	if (!kz_index_find(place->index, place->row))
		return InvalidOid;
	schema = get_namespace_oid(place->row->schema, true);
	if (OidIsValid(schema))
		place->check(schema);
	return schema;
}

/*
 * Name the schema of a new index, row->name, and keep the one of that name from being
 * dropped, which the user must own; InvalidOid if there is none.
 */
Oid
kz_target_adoptable(KzIndexRow *row)
{
	return kz_resolve_schema(find_adoptable, row, AccessShareLock);
}

static Oid
find_adoptable(void *argument)
{
	KzIndexRow *row = argument;
	Oid			schema;

	row->schema = kz_name_schema(row->name);
	schema = get_namespace_oid(row->schema, true);
	if (OidIsValid(schema))
		kz_access_own_schema(schema);
	return schema;
}

/*
 * Name the table of a new collection, row->name, in a schema, and lock what has that
 * name, which the user must own; InvalidOid if nothing has it.
 */
Oid
kz_target_room(Oid schema, KzCollectionRow *row)
{
	Room		room = {.schema = schema,.row = row};

	return kz_resolve_relation(find_room, &room, AccessShareLock);
}

static Oid
find_room(void *argument)
{
	Room	   *room = argument;
	Oid			relid;

	room->row->table = kz_name_table(room->row->name, room->schema);
	relid = get_relname_relid(room->row->table, room->schema);
	if (OidIsValid(relid))
		kz_access_own_relation(relid);
	return relid;
}

/*
 * Read the row of a collection and find its table, without a lock; InvalidOid if the
 * collection is unknown.
 */
Oid
kz_target_find(KzTarget *target)
{
	return find_table(target);
}

/*
 * The same with a lock.
 */
Oid
kz_target_lock(KzTarget *target, LOCKMODE lockmode)
{
	return kz_resolve_relation(find_table, target, lockmode);
}

static Oid
find_table(void *argument)
{
	KzTarget   *target = argument;
	Oid			relid;

	if (!kz_collection_find(target->index, target->name, &target->row))
		return InvalidOid;
	relid = kz_table_find(target->row.schema, target->row.table);
	if (OidIsValid(relid) && target->own)
		kz_access_own_relation(relid);
	return relid;
}

/*
 * The same where the table shares the fate of its collection if it is ours: then
 * nobody else may use it any more.
 */
Oid
kz_target_lock_whole(KzTarget *target, bool *ours)
{
	Oid			relid = kz_target_lock(target, AccessShareLock);

	*ours = false;
	if (is_ours(&target->row, relid))
	{
		relid = kz_target_lock(target, AccessExclusiveLock);
		*ours = is_ours(&target->row, relid);
	}
	return relid;
}

/*
 * Whether the table of a collection, locked or InvalidOid, was made by kz and still
 * fits.  The catalogue alone does not tell: it may have been dropped, and another
 * made in its place.
 */
static bool
is_ours(const KzCollectionRow *row, Oid relid)
{
	Relation	relation;
	KzShape		shape;
	bool		ours;

	if (!OidIsValid(relid) || row->attached)
		return false;
	relation = relation_open(relid, NoLock);
	ours = kz_name_is_our_key(relation) && !kz_shape_check(relation, &shape);
	relation_close(relation, NoLock);
	return ours;
}

/*
 * Raise KZ412 unless the table of a collection, which is locked, fits: nothing is
 * done to what the catalogue takes for a collection and is none.
 */
void
kz_target_check_fit(const KzCollectionRow *row, Oid relid)
{
	Relation	relation = relation_open(relid, NoLock);
	KzShape		shape;
	const char *problem = kz_shape_check(relation, &shape);

	if (problem)
		kz_target_raise_unfit(row, problem, KZ_SHAPE_HINT);
	relation_close(relation, NoLock);
}

/*
 * Raise KZ412 for a table that cannot be a collection.
 */
void
kz_target_raise_unfit(const KzCollectionRow *row, const char *problem, const char *hint)
{
	kz_raise(KZ_ERROR_UNFIT_RELATION, hint, quote_qualified_identifier(row->schema, row->table),
			 row->index, row->name, problem);
}
