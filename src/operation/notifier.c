/*
 * notifier.c
 *	  Telling listeners what one call has changed in a collection.
 *
 * A collection whose setting "notifications" is on gets one notification a call,
 * of all that the call has really changed, as PostgreSQL's own NOTIFY or as a
 * message for logical decoding.  Both are the transaction's: they are sent if it
 * commits, and what a subtransaction did that is undone goes with it.
 *
 * The write functions add the outcomes that stand, in the order of the request; it
 * is the end of the call that sends them, when nothing can take them back but the
 * transaction.  Without a notifier nothing is added, and nothing is paid.
 *
 * NOTIFY takes less than 8000 bytes.  So many results are split over several
 * notifications, and what is too large by itself goes without its source, and if
 * need be without the paths that have changed.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "commands/async.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/compat.h"
#include "document/difference.h"
#include "document/identity.h"
#include "engine/naming.h"
#include "operation/notifier.h"

/* NOTIFY_PAYLOAD_MAX_LENGTH of async.c, which keeps it for itself */
#define NOTIFY_MAX_BYTES (BLCKSZ - NAMEDATALEN - 128 - 1)

/* A decoder holds a message in memory; only one document can make it larger. */
#define MESSAGE_MAX_BYTES (1024 * 1024)
#define MESSAGE_PREFIX "kz"

/*
 * No text of a document is shorter than this part of its binary form: a number of
 * one digit and its comma take sixteen bytes there.
 */
#define MAX_SHRINKAGE 16

/* Of the paths that an update has changed; a deep document can have gigabytes. */
#define MAX_UPDATED_FIELDS (64 * 1024)

/* What a user is told by; longer ones are left out of notifications. */
#define MAX_KUID_BYTES KZ_ID_MAX_BYTES

typedef struct KzNotifier
{
	KzNotifications means;
	const KzStamp *stamp;		/* of the call */
	bool		many;			/* the call is one for many documents */
	List	   *items;			/* const KzItem *, which have changed
								 * something */
} KzNotifier;

/* What happened to a document, in Kuzzle's words. */
typedef struct Kind
{
	const char *action;
	const char *event;
} Kind;

/* Parts of a result that can be left out. */
#define PART_SOURCE 0x01
#define PART_UPDATED_FIELDS 0x02

static const Kind *kind_of(const KzItem *item);
static const Kind *common_kind(const KzNotifier *notifier);
static void append_head(StringInfo head, const KzWriter *writer);
static void append_kind(StringInfo out, const Kind *kind);
static void append_fitting(StringInfo out, const KzNotifier *notifier, const KzItem *item,
						   int room);
static void append_result(StringInfo out, const KzNotifier *notifier, const KzItem *item,
						  int parts);
static void append_key(StringInfo out, const char *key);
static void append_jsonb(StringInfo out, const Jsonb *jsonb);
static int	max_bytes(const KzNotifier *notifier);
static void send_payload(const KzWriter *writer, StringInfo payload);

static const Kind created = {"create", "write"};
static const Kind replaced = {"replace", "write"};
static const Kind updated = {"update", "write"};
static const Kind deleted = {"delete", "delete"};

/*
 * Let listeners be told what is written through writer, if the collection wants it
 * so.  stamp is the call's and must live as long as writer.
 */
void
kz_notifier_attach(KzWriter *writer, const KzStamp *stamp)
{
	KzNotifications means = writer->collection->notifications;
	KzNotifier *notifier;

	if (means == KZ_NOTIFICATIONS_OFF ||
		(means == KZ_NOTIFICATIONS_MESSAGE && !XLogLogicalInfoActive()))
		return;
	notifier = palloc0(sizeof(KzNotifier));
	notifier->means = means;
	notifier->stamp = stamp;
	writer->notifier = notifier;
}

/*
 * Find out what each of the items of one document has changed, which have just been
 * written in this order over what was stored, NULL for nothing.  Their outcomes must
 * have sources.
 */
void
kz_notifier_compare(KzWriter *writer, KzItem **items, int nitems, const Jsonb *stored)
{
	const KzNotifier *notifier = writer->notifier;
	const Jsonb *before = stored;

	for (int i = 0; notifier && i < nitems; i++)
	{
		KzOutcome  *outcome = &items[i]->outcome;

		if (outcome->error.code != KZ_ERROR_NONE || !outcome->changed)
			continue;
		if (kind_of(items[i]) == &updated)
			outcome->updated_fields = kz_difference(before, outcome->source,
													notifier->stamp->kuid ? KZ_METADATA_KEY : NULL,
													MAX_UPDATED_FIELDS);
		before = outcome->source;
	}
}

/*
 * Note what became of item, which must live until it is sent; nothing, if it has
 * changed nothing.  of_many: it is one of a request for many.
 */
void
kz_notifier_add(KzWriter *writer, const KzItem *item, bool of_many)
{
	KzNotifier *notifier = writer->notifier;

	if (!notifier || item->outcome.error.code != KZ_ERROR_NONE || !item->outcome.changed)
		return;
	notifier->many |= of_many;
	notifier->items = lappend(notifier->items, unconstify(KzItem *, item));
}

/*
 * Send what was noted.  To be called once, before the writer is closed.
 */
void
kz_notifier_send(KzWriter *writer)
{
	const KzNotifier *notifier = writer->notifier;
	StringInfoData head,
				payload,
				result;
	ListCell   *lc;
	int			room;

	if (!notifier || notifier->items == NIL)
		return;
	initStringInfo(&head);
	initStringInfo(&payload);
	initStringInfo(&result);
	append_head(&head, writer);
	room = max_bytes(notifier) - head.len - strlen("]}");
	foreach(lc, notifier->items)
	{
		resetStringInfo(&result);
		append_fitting(&result, notifier, lfirst(lc), room);
		if (payload.len > head.len && payload.len - head.len + 1 + result.len > room)
			send_payload(writer, &payload);
		if (payload.len == 0)
			appendBinaryStringInfo(&payload, head.data, head.len);
		else
			appendStringInfoChar(&payload, ',');
		appendBinaryStringInfo(&payload, result.data, result.len);
	}
	send_payload(writer, &payload);
	pfree(head.data);
	pfree(payload.data);
	pfree(result.data);
}

static const Kind *
kind_of(const KzItem *item)
{
	if (item->outcome.created)
		return &created;
	switch (item->change.action)
	{
		case KZ_ACTION_DELETE:
			return &deleted;
		case KZ_ACTION_CREATE:	/* of what the request itself has made */
		case KZ_ACTION_CREATE_OR_REPLACE:
		case KZ_ACTION_REPLACE:
			return &replaced;
		default:
			return &updated;
	}
}

/*
 * What happened to all documents of a call; NULL if it is not the same.
 */
static const Kind *
common_kind(const KzNotifier *notifier)
{
	const Kind *kind = kind_of(linitial(notifier->items));
	ListCell   *lc;

	foreach(lc, notifier->items)
		if (kind_of(lfirst(lc)) != kind)
		return NULL;
	return kind;
}

/*
 * What comes before the results, and is the same in all notifications of a call.
 */
static void
append_head(StringInfo head, const KzWriter *writer)
{
	const KzNotifier *notifier = writer->notifier;
	const KzStamp *stamp = notifier->stamp;
	const Kind *kind = common_kind(notifier);

	appendStringInfoString(head, "{\"index\":");
	escape_json(head, writer->collection->index);
	append_key(head, "collection");
	escape_json(head, writer->collection->name);
	if (kind)
		append_kind(head, kind);
	append_key(head, "timestamp");
	appendStringInfo(head, INT64_FORMAT, stamp->now);
	if (stamp->kuid && strlen(stamp->kuid) <= MAX_KUID_BYTES)
	{
		append_key(head, "kuid");
		escape_json(head, stamp->kuid);
	}
	append_key(head, notifier->many ? "results" : "result");
	if (notifier->many)
		appendStringInfoChar(head, '[');
}

static void
append_kind(StringInfo out, const Kind *kind)
{
	append_key(out, "action");
	escape_json(out, kind->action);
	append_key(out, "event");
	escape_json(out, kind->event);
}

/*
 * The result of an item, without what makes it longer than room.
 */
static void
append_fitting(StringInfo out, const KzNotifier *notifier, const KzItem *item, int room)
{
	static const int parts[] = {
		PART_SOURCE | PART_UPDATED_FIELDS, PART_UPDATED_FIELDS, 0
	};
	bool		limited = notifier->means == KZ_NOTIFICATIONS_NOTIFY;
	int			first = limited && VARSIZE(item->outcome.source) / MAX_SHRINKAGE > room ? 1 : 0;

	for (int i = first; i < lengthof(parts); i++)
	{
		resetStringInfo(out);
		append_result(out, notifier, item, parts[i]);
		if (!limited || out->len <= room)
			return;
	}
	Assert(false);				/* names, ids and users are short enough */
}

/*
 * {_id, _version, action?, event?, _source?, _updatedFields?, truncated?}
 */
static void
append_result(StringInfo out, const KzNotifier *notifier, const KzItem *item, int parts)
{
	const KzOutcome *outcome = &item->outcome;
	const Kind *kind = kind_of(item);
	bool		truncated = !(parts & PART_SOURCE);
	char	   *id = text_to_cstring(item->change.id);

	appendStringInfoString(out, "{\"_id\":");
	escape_json(out, id);
	pfree(id);
	append_key(out, "_version");
	appendStringInfo(out, INT64_FORMAT, outcome->version);
	if (notifier->many)
		append_kind(out, kind);
	if (parts & PART_SOURCE)
	{
		append_key(out, "_source");
		append_jsonb(out, outcome->source);
	}
	if (outcome->updated_fields && (parts & PART_UPDATED_FIELDS))
	{
		append_key(out, "_updatedFields");
		append_jsonb(out, outcome->updated_fields);
	}
	else if (kind == &updated)
		truncated = true;
	if (truncated)
	{
		append_key(out, "truncated");
		appendStringInfoString(out, "true");
	}
	appendStringInfoChar(out, '}');
}

static void
append_key(StringInfo out, const char *key)
{
	appendStringInfo(out, ",\"%s\":", key);
}

static void
append_jsonb(StringInfo out, const Jsonb *jsonb)
{
	JsonbToCString(out, unconstify(JsonbContainer *, &jsonb->root), VARSIZE(jsonb));
}

static int
max_bytes(const KzNotifier *notifier)
{
	return notifier->means == KZ_NOTIFICATIONS_NOTIFY ? NOTIFY_MAX_BYTES : MESSAGE_MAX_BYTES;
}

/*
 * End a payload, send it, and empty it.
 */
static void
send_payload(const KzWriter *writer, StringInfo payload)
{
	const KzNotifier *notifier = writer->notifier;
	const KzCollection *collection = writer->collection;

	appendStringInfoString(payload, notifier->many ? "]}" : "}");
	if (notifier->means == KZ_NOTIFICATIONS_NOTIFY)
		Async_Notify(kz_name_channel(collection->index, collection->name), payload->data);
	else
		kz_log_logical_message(MESSAGE_PREFIX, payload->data, payload->len);
	resetStringInfo(payload);
}
