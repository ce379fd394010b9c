/*
 * metadata.c
 *	  _kuzzle_info: who created and changed a document, and when.
 *
 * It is maintained only on behalf of a user, and then what the caller sent
 * under that key is dropped.  Without a user the key is data like any other.
 * The values are those of Kuzzle: epoch milliseconds, user ids, nulls.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/json.h"
#include "document/merge.h"
#include "document/metadata.h"

static Jsonb *put_metadata(Jsonb *document, Jsonb *metadata);
static Jsonb *creation(const KzStamp *stamp, bool replaced);
static void set_pair(JsonbPair *pair, const char *key, const char *kuid);
static void set_time(JsonbPair *pair, const char *key, int64 now);

/*
 * Fill stamp for one call on behalf of kuid, which may be NULL and must live
 * as long as stamp.
 */
void
kz_stamp_init(KzStamp *stamp, const char *kuid)
{
	stamp->kuid = kuid;
	stamp->now = GetCurrentTimestamp() / 1000 +
		((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
}

/*
 * document, as it is stored when it is created.
 */
Jsonb *
kz_stamp_created(const KzStamp *stamp, Jsonb *document)
{
	return stamp->kuid ? put_metadata(document, creation(stamp, false)) : document;
}

/*
 * document, as it is stored when it replaces another as a whole.
 */
Jsonb *
kz_stamp_replaced(const KzStamp *stamp, Jsonb *document)
{
	return stamp->kuid ? put_metadata(document, creation(stamp, true)) : document;
}

/*
 * changes, as they are merged into a stored document, whose own author and
 * further metadata survive the merge.
 */
Jsonb *
kz_stamp_changes(const KzStamp *stamp, Jsonb *changes)
{
	JsonbPair	pairs[2];

	if (!stamp->kuid)
		return changes;
	set_time(&pairs[0], "updatedAt", stamp->now);
	set_pair(&pairs[1], "updater", stamp->kuid);
	return put_metadata(changes, kz_json_object(pairs, 2));
}

/*
 * changes with the whole metadata of document, in which they were merged: what
 * Kuzzle answers to an update.
 */
Jsonb *
kz_stamp_carry(const KzStamp *stamp, Jsonb *changes, Jsonb *document)
{
	JsonbPair	pair;

	if (!stamp->kuid || !JB_ROOT_IS_OBJECT(document) ||
		!kz_json_field(&document->root, KZ_METADATA_KEY, &pair.value))
		return changes;
	kz_json_set_string(&pair.key, KZ_METADATA_KEY);
	return kz_merge_root(changes, kz_json_object(&pair, 1));
}

static Jsonb *
put_metadata(Jsonb *document, Jsonb *metadata)
{
	JsonbPair	pair;

	kz_json_set_string(&pair.key, KZ_METADATA_KEY);
	kz_json_set_document(&pair.value, metadata);
	return kz_merge_root(document, kz_json_object(&pair, 1));
}

static Jsonb *
creation(const KzStamp *stamp, bool replaced)
{
	JsonbPair	pairs[4];

	set_pair(&pairs[0], "author", stamp->kuid);
	set_time(&pairs[1], "createdAt", stamp->now);
	set_pair(&pairs[2], "updater", replaced ? stamp->kuid : NULL);
	set_time(&pairs[3], "updatedAt", stamp->now);
	if (!replaced)
		kz_json_set_null(&pairs[3].value);
	return kz_json_object(pairs, 4);
}

static void
set_pair(JsonbPair *pair, const char *key, const char *kuid)
{
	kz_json_set_string(&pair->key, key);
	if (kuid)
		kz_json_set_string(&pair->value, kuid);
	else
		kz_json_set_null(&pair->value);
}

static void
set_time(JsonbPair *pair, const char *key, int64 now)
{
	kz_json_set_string(&pair->key, key);
	kz_json_set_int64(&pair->value, now);
}
