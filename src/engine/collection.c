/*
 * collection.c
 *	  From the names of an index and a collection to a table.
 *
 * What the catalogue says of a collection is cached in each backend.  An entry
 * is marked stale, and read again at the next call, when a catalogue table or
 * the collection's own table changes: both are told by relcache invalidations
 * (watch.c sees to those for the catalogue, or says that there may be none: then
 * entries end with the transaction).  The name of a table is resolved in
 * every call, so a table that is dropped, renamed or made again is noticed
 * whoever does it.
 *
 * A call resolves the name, locks the table, which accepts invalidations, reads
 * the entry again if that made it stale, and starts again if the table is
 * another one by then.  From then on the lock keeps the table as it is.  What the
 * call uses is copied: a trigger may call kz again and have the entry read anew.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/sinval.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/json.h"
#include "document/mapping.h"
#include "engine/collection.h"
#include "engine/resolve.h"
#include "engine/watch.h"

typedef struct CacheKey
{
	char		index[KZ_NAME_MAX_BYTES + 1];
	char		name[KZ_NAME_MAX_BYTES + 1];
} CacheKey;

/* Remaining fields are invalid unless fresh; the strings live in context. */
typedef struct CacheEntry
{
	CacheKey	key;
	bool		fresh;			/* as the catalogue says now */
	MemoryContext context;
	char	   *index_schema;
	char	   *schema;
	char	   *table;
	Jsonb	   *strict_mappings;	/* NULL: no field is refused */
	KzNotifications notifications;
	bool		blocked;
	Oid			relid;			/* the table as it was found; or invalid */
	bool		shaped;			/* and this is its shape */
	KzShape		shape;
} CacheEntry;

static HTAB *cache = NULL;
static CacheEntry *last_used = NULL;	/* in the cache; look_up resets it
										 * before anything is removed */

static bool untold = false;		/* the cache must not outlive the transaction */

static void forget(Datum arg, Oid relid);
static void forget_untold(XactEvent event, void *arg);
static void forget_shapes(Datum arg, int cacheid, uint32 hashvalue);
static CacheEntry *look_up(const char *index, const char *name, KzError *error);
static void forget_stale(void);
static bool fill_entry(CacheEntry *entry, const char *index, const char *name, KzError *error);
static Oid	locate(const CacheEntry *entry, const char *index, const char *name,
				   KzError *error);
static bool check_shape(CacheEntry *entry, Relation relation, const char *index,
						const char *name, KzError *error);
static KzCollection *copy_entry(const CacheEntry *entry, Relation relation, const char *index,
								const char *name, bool writing);
static void set_unknown_index(KzError *error, const char *index);
static void set_unknown_collection(KzError *error, const char *index, const char *name);

/*
 * Called once when the library is loaded.
 */
void
kz_collection_init(void)
{
	CacheRegisterRelcacheCallback(forget, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_shapes, (Datum) 0);
	RegisterXactCallback(forget_untold, NULL);
}

/*
 * Open a collection: its table is locked in lockmode, to the end of the
 * transaction, and open until kz_collection_close.  NULL, and error is set, if
 * the index or the collection is unknown, or if the table does not fit any more.
 */
KzCollection *
kz_collection_open(const char *index, const char *name, LOCKMODE lockmode, KzError *error)
{
	CacheEntry *entry;
	Relation	relation;
	Oid			relid;

	for (;;)
	{
		uint64		messages;
		Oid			now;

		AcceptInvalidationMessages();
		messages = SharedInvalidMessageCounter;
		if ((entry = look_up(index, name, error)) == NULL ||
			!OidIsValid(relid = locate(entry, index, name, error)))
			return NULL;
		LockRelationOid(relid, lockmode);

		/* What is read now, under the lock, is current enough. */
		if (entry->fresh && messages == SharedInvalidMessageCounter)
			break;
		entry = look_up(index, name, error);
		now = entry ? locate(entry, index, name, error) : InvalidOid;
		if (now == relid)
			break;
		UnlockRelationOid(relid, lockmode);
		if (!OidIsValid(now))
			return NULL;
	}

	relation = table_open(relid, NoLock);
	if (!check_shape(entry, relation, index, name, error))
	{
		table_close(relation, NoLock);
		return NULL;
	}
	return copy_entry(entry, relation, index, name, lockmode > AccessShareLock);
}

void
kz_collection_close(KzCollection *collection)
{
	table_close(collection->relation, NoLock);
}

/*
 * Read the row of an index from the catalogue; false if there is none or its
 * schema is gone.
 */
bool
kz_index_find(const char *index, KzIndexRow *row)
{
	return kz_catalog_find_index(index, row) &&
		OidIsValid(get_namespace_oid(row->schema, true));
}

/*
 * Like kz_index_find, but raises KZ412 if the index is unknown.
 */
void
kz_index_require(const char *index, KzIndexRow *row)
{
	if (!kz_index_find(index, row))
		kz_index_raise_unknown(index);
}

/*
 * Raise KZ412 for an index that was not found.
 */
void
kz_index_raise_unknown(const char *index)
{
	KzError		error;

	set_unknown_index(&error, index);
	kz_error_throw(&error);
}

/*
 * Read the row of a collection from the catalogue; false if there is none or
 * its table or the schema of its index is gone.
 */
bool
kz_collection_find(const char *index, const char *name, KzCollectionRow *row)
{
	KzIndexRow	index_row;

	return kz_index_find(index, &index_row) &&
		kz_catalog_find_collection(index, name, row) &&
		OidIsValid(kz_table_find(row->schema, row->table));
}

/*
 * Like kz_collection_find, but raises KZ412 if the index or the collection is
 * unknown.
 */
void
kz_collection_require(const char *index, const char *name, KzCollectionRow *row)
{
	if (!kz_collection_find(index, name, row))
		kz_collection_raise_unknown(index, name);
}

/*
 * Raise KZ412 for a collection that was not found: what is unknown is its index, if
 * that is not there, either.
 */
void
kz_collection_raise_unknown(const char *index, const char *name)
{
	KzIndexRow	index_row;
	KzError		error;

	kz_index_require(index, &index_row);
	set_unknown_collection(&error, index, name);
	kz_error_throw(&error);
}

/*
 * Relcache callback: mark what depends on relid stale.  InvalidOid stands for
 * all relations.  Nothing is freed here, since this can happen at any moment.
 */
static void
forget(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	CacheEntry *entry;
	bool		all = !OidIsValid(relid) || kz_watch_covers(relid);

	if (!cache)
		return;
	hash_seq_init(&seq, cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		if (all || entry->relid == relid)
			entry->fresh = false;
	}
}

/*
 * Syscache callback: a function has changed, which a CHECK may call.  What the
 * function is matters to the shape of a table.
 */
static void
forget_shapes(Datum arg, int cacheid, uint32 hashvalue)
{
	forget(arg, InvalidOid);
}

/*
 * Transaction callback, for whatever end: what may have changed untold is read
 * again in the next.
 */
static void
forget_untold(XactEvent event, void *arg)
{
	if (!untold)
		return;
	forget((Datum) 0, InvalidOid);
	untold = false;
}

/*
 * The cache entry of a collection, fresh; or NULL, and error is set.
 */
static CacheEntry *
look_up(const char *index, const char *name, KzError *error)
{
	CacheKey	key;
	CacheEntry *entry;
	volatile bool known = false;
	bool		found;

	if (strlen(index) > KZ_NAME_MAX_BYTES || strlen(name) > KZ_NAME_MAX_BYTES)
	{
		KzIndexRow	row;

		if (kz_index_find(index, &row))
			set_unknown_collection(error, index, name);
		else
			set_unknown_index(error, index);
		return NULL;
	}
	if (!cache)
	{
		HASHCTL		ctl = {.keysize = sizeof(CacheKey),.entrysize = sizeof(CacheEntry)};

		cache = hash_create("kz collections", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	}

	/* One after the other, calls are mostly for the same collection. */
	if (last_used && last_used->fresh && strcmp(last_used->key.name, name) == 0 &&
		strcmp(last_used->key.index, index) == 0)
		return last_used;
	last_used = NULL;

	memset(&key, 0, sizeof(key));
	strcpy(key.index, index);
	strcpy(key.name, name);
	entry = hash_search(cache, &key, HASH_FIND, NULL);
	if (entry && entry->fresh)
		return last_used = entry;
	if (!entry)
	{
		forget_stale();
		entry = hash_search(cache, &key, HASH_ENTER, &found);
		memset((char *) entry + sizeof(CacheKey), 0, sizeof(CacheEntry) - sizeof(CacheKey));
	}
	PG_TRY();
	{
		known = fill_entry(entry, index, name, error);
	}
	PG_FINALLY();
	{
		/* Unknown names must not fill the cache. */
		if (!known)
		{
			if (entry->context)
				MemoryContextDelete(entry->context);
			hash_search(cache, &key, HASH_REMOVE, NULL);
		}
	}
	PG_END_TRY();
	return known ? entry : NULL;
}

/*
 * Drop all stale entries, so that collections that were deleted do not fill the
 * cache.  Nobody holds on to one for longer than it takes to open it.
 */
static void
forget_stale(void)
{
	HASH_SEQ_STATUS seq;
	CacheEntry *entry;

	hash_seq_init(&seq, cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		if (entry->fresh)
			continue;
		if (entry->context)
			MemoryContextDelete(entry->context);
		hash_search(cache, &entry->key, HASH_REMOVE, NULL);
	}
}

/*
 * Read an entry from the catalogue; false, and error is set, if it is not there.
 */
static bool
fill_entry(CacheEntry *entry, const char *index, const char *name, KzError *error)
{
	KzIndexRow	index_row;
	KzCollectionRow row;
	MemoryContext caller;
	bool		strict;

	/* Fresh from here on: what changes from now on makes it stale again. */
	if (!kz_watch())
		untold = true;
	entry->fresh = true;
	entry->relid = InvalidOid;

	if (!kz_index_find(index, &index_row))
	{
		set_unknown_index(error, index);
		return false;
	}
	if (!kz_catalog_find_collection(index, name, &row))
	{
		set_unknown_collection(error, index, name);
		return false;
	}

	/* Whoever may write the row may have put anything there. */
	row.mappings = kz_mapping_read(row.mappings);
	strict = kz_mapping_is_strict(row.mappings);

	if (entry->context)
		MemoryContextReset(entry->context);
	else
		entry->context = AllocSetContextCreate(CacheMemoryContext, "kz collection",
											   ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(entry->context);
	entry->index_schema = pstrdup(index_row.schema);
	entry->schema = pstrdup(row.schema);
	entry->table = pstrdup(row.table);
	entry->strict_mappings = strict ? kz_json_copy(row.mappings) : NULL;
	if (!kz_setting_notifications(row.settings, &entry->notifications))
		entry->notifications = KZ_NOTIFICATIONS_OFF;
	kz_setting_blocks_writes(row.settings, &entry->blocked);
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * The table that an entry names, now; or InvalidOid, and error is set.
 */
static Oid
locate(const CacheEntry *entry, const char *index, const char *name, KzError *error)
{
	Oid			relid = kz_table_find(entry->schema, entry->table);
	bool		same_schema = strcmp(entry->schema, entry->index_schema) == 0;

	/* The table of an attached collection may be elsewhere. */
	if (OidIsValid(relid) && same_schema)
		return relid;
	if (!OidIsValid(get_namespace_oid(entry->index_schema, true)))
		set_unknown_index(error, index);
	else if (!OidIsValid(relid))
		set_unknown_collection(error, index, name);
	else
		return relid;
	return InvalidOid;
}

/*
 * Check that the table of an entry still fits, unless that is known; false, and
 * error is set, if it does not.
 */
static bool
check_shape(CacheEntry *entry, Relation relation, const char *index, const char *name,
			KzError *error)
{
	KzShape		shape;
	const char *problem;

	if (entry->relid == RelationGetRelid(relation) && entry->shaped)
		return true;

	/*
	 * Set first: an invalidation during the check makes the entry stale.  The
	 * check can wait for the lock on an index, and be cancelled.
	 */
	entry->relid = RelationGetRelid(relation);
	entry->shaped = false;
	problem = kz_shape_check(relation, &shape);
	if (problem)
	{
		entry->relid = InvalidOid;
		kz_error_set(error, KZ_ERROR_UNFIT_RELATION, KZ_SHAPE_HINT,
					 quote_qualified_identifier(entry->schema, entry->table),
					 index, name, problem);
		return false;
	}
	entry->shape = shape;
	entry->shaped = true;
	return true;
}

/*
 * What one call needs of an entry; for writing that includes the mappings.
 */
static KzCollection *
copy_entry(const CacheEntry *entry, Relation relation, const char *index, const char *name,
		   bool writing)
{
	KzCollection *collection = palloc0(sizeof(KzCollection));

	collection->index = index;
	collection->name = name;
	collection->schema = pstrdup(entry->schema);
	collection->table = pstrdup(entry->table);
	if (entry->strict_mappings && writing)
		collection->strict_mappings = kz_json_copy(entry->strict_mappings);
	collection->notifications = entry->notifications;
	collection->blocked = entry->blocked;
	collection->relation = relation;
	collection->shape = entry->shape;
	return collection;
}

static void
set_unknown_index(KzError *error, const char *index)
{
	kz_error_set(error, KZ_ERROR_UNKNOWN_INDEX, "Create it with kz_create_index().", index);
}

static void
set_unknown_collection(KzError *error, const char *index, const char *name)
{
	kz_error_set(error, KZ_ERROR_UNKNOWN_COLLECTION,
				 "Create it with kz_create_collection(), or make one of a table with kz_attach_collection().",
				 index, name);
}
