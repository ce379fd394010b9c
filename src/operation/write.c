/*
 * write.c
 *	  The write loop: the only place where merging, versions, no-ops, conflicts
 *	  and retries meet.
 *
 * One id goes through the loop, with one item or with several that are done in
 * order and written as one row version.
 *
 * A turn of the loop finds the row, decides on what it found, and writes
 * exactly the version of the row that it decided on.  A write that finds
 * another transaction ahead of it is a conflict: it takes a retry, and the next
 * turn locks the row as it finds it, so that it can only be overtaken again by
 * a delete and a new creation.  Without a retry left the conflict is the
 * outcome.  Nothing is ever overwritten that was not decided on.  A write that
 * touches no row although nobody was faster was suppressed by a trigger or a
 * policy, and that is the outcome.
 *
 * Absence is believed only from a plain read that started after the last wait:
 * while a locking read or a write waited, the document may have been deleted
 * and created again, and these reads see the deletion only.  A row that only a
 * plain read sees is decided on as in the first turn.
 *
 * In REPEATABLE READ and SERIALIZABLE the server itself raises 40001 when another
 * transaction was faster; what is a conflict here then comes from a trigger of
 * our own transaction.  A foreign table's remote transaction keeps its snapshot
 * at every level, so no retry could see more: a conflict is 40001 there too.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/json.h"
#include "document/mapping.h"
#include "operation/notifier.h"
#include "operation/write.h"

/* What to do with the row of a document. */
typedef enum Write
{
	WRITE_NOTHING,
	WRITE_INSERT,
	WRITE_UPDATE,
	WRITE_DELETE
} Write;

/* What is known after a write that touched no row. */
typedef enum Obstacle
{
	OBSTACLE_CONFLICT,			/* another transaction was faster */
	OBSTACLE_ABSENT,			/* it deleted the document */
	OBSTACLE_SUSPECTED,			/* perhaps nobody */
	OBSTACLE_SUPPRESSED			/* nobody: a trigger or policy is in the way */
} Obstacle;

/* One id on its way through the loop. */
typedef struct Turn
{
	KzWriter   *writer;
	KzStamp		stamp;			/* of this turn */
	bool		keep_sources;	/* in the outcomes */
	KzItem	  **items;
	int			nitems;
	KzRow		row;			/* as found; void unless found */
	bool		found;
	KzRow		image;			/* as it should become; void unless exists */
	bool		exists;
	KzItem	   *last;			/* the item that made the image; NULL if none
								 * changed anything */
	bool		suspicion;		/* the last insert did nothing, for no visible
								 * reason */
} Turn;

static void find(Turn *turn, bool lock);
static Write decide(Turn *turn);
static void decide_item(Turn *turn, KzItem *item);
static void replace_image(Turn *turn, Jsonb *image);
static bool check_presence(Turn *turn, KzItem *item);
static bool is_made_before(const Turn *turn);
static bool check_version(Turn *turn, KzItem *item);
static bool check_mapping(Turn *turn, KzItem *item, Jsonb *image);
static bool perform(Turn *turn, Write write);
static Obstacle find_obstacle(Turn *turn, Write write);
static void fail_absent(Turn *turn, KzItem *item);
static void fail_suppressed(Turn *turn, KzItem *item);
static void fail_faster(Turn *turn, KzItem *item);
static void fail_version(Turn *turn, KzItem *item, const char *reason, const char *hint);
static void fail_items(Turn *turn, void (*fail) (Turn *turn, KzItem *item));
static bool needs_document(KzAction action);
static char *document_id(const KzItem *item);

#define DECIDE_ANEW "Read the document again and decide anew."

/*
 * Do what items ask, all of one id and one action, in order, and fill their
 * outcomes.  A failure that belongs to the document is a value there; what
 * PostgreSQL raises while writing is raised.  Several items must not expect a
 * version.  What the outcomes point to, sources only if keep_sources, as must be
 * where listeners are told, is allocated in the current memory context.
 */
void
kz_write(KzWriter *writer, KzItem **items, int nitems, const KzStamp *stamp,
		 bool keep_sources)
{
	Turn		turn = {
		.writer = writer,
		.stamp = *stamp,
		.keep_sources = keep_sources,
		.items = items,
		.nitems = nitems
	};
	const KzChange *first = &items[0]->change;
	int			retries = first->if_version == KZ_ANY_VERSION ? first->retries : 0;
	bool		lock = false;
	bool		absent = items[0]->absent;

	Assert(nitems == 1 || first->if_version == KZ_ANY_VERSION);
	Assert(keep_sources || !writer->notifier);
	for (;;)
	{
		Obstacle	obstacle = OBSTACLE_CONFLICT;

		CHECK_FOR_INTERRUPTS();
		find(&turn, lock);
		if (!absent || !turn.found)
		{
			Write		write = decide(&turn);

			if (write == WRITE_NOTHING)
				return;
			if (perform(&turn, write))
			{
				kz_notifier_compare(writer, items, nitems, turn.found ? turn.row.source : NULL);
				return;
			}
			obstacle = find_obstacle(&turn, write);
		}
		absent = false;
		switch (obstacle)
		{
			case OBSTACLE_SUSPECTED:
				continue;
			case OBSTACLE_ABSENT:
				fail_items(&turn, fail_absent);
				return;
			case OBSTACLE_SUPPRESSED:
				fail_items(&turn, fail_suppressed);
				return;
			case OBSTACLE_CONFLICT:
				break;
		}

		if (kz_writer_is_foreign(writer))
			kz_writer_raise_overtaken("update");
		if (retries-- <= 0)
		{
			fail_items(&turn, fail_faster);
			return;
		}
		/* Locking needs the right to update, which these two do not. */
		lock = first->action != KZ_ACTION_DELETE && first->action != KZ_ACTION_CREATE;

		/* It waited: what it writes now must not look older than what it met. */
		kz_stamp_init(&turn.stamp, stamp->kuid);
	}
}

/*
 * Find the row, locking it if asked to.
 */
static void
find(Turn *turn, bool lock)
{
	KzWriter   *writer = turn->writer;
	const text *id = turn->items[0]->change.id;

	turn->found = writer->methods->find(writer, id, lock, &turn->row);

	/* Gone while we waited for the lock?  There may be a new one. */
	if (lock && !turn->found)
		turn->found = writer->methods->find(writer, id, false, &turn->row);
}

/*
 * Decide what becomes of the row that was found or not found.
 */
static Write
decide(Turn *turn)
{
	turn->image = turn->row;
	turn->exists = turn->found;
	turn->last = NULL;
	for (int i = 0; i < turn->nitems; i++)
	{
		CHECK_FOR_INTERRUPTS();
		decide_item(turn, turn->items[i]);
	}

	if (!turn->last)
		return WRITE_NOTHING;
	if (turn->exists)
		return turn->found ? WRITE_UPDATE : WRITE_INSERT;
	return turn->found ? WRITE_DELETE : WRITE_NOTHING;
}

/*
 * Apply one item to the image, and fill its outcome as if it were written.
 */
static void
decide_item(Turn *turn, KzItem *item)
{
	KzOutcome  *outcome = &item->outcome;
	Jsonb	   *image;

	memset(outcome, 0, sizeof(*outcome));
	if (!check_presence(turn, item) || !check_version(turn, item))
		return;
	if (item->change.action == KZ_ACTION_DELETE)
	{
		turn->exists = false;
		outcome->changed = true;
	}
	else
	{
		image = kz_image_make(&item->change, turn->exists ? turn->image.source : NULL, &turn->stamp,
							  &outcome->error);
		if (!image)
			return;
		outcome->created = !turn->exists;
		outcome->changed = !turn->exists || !kz_json_identical(turn->image.source, image);
		if (outcome->changed)
		{
			if (!check_mapping(turn, item, image))
				return;
			if (!turn->exists)
				turn->image.version = 1;
			else if (pg_add_s64_overflow(turn->image.version, 1, &turn->image.version))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("bigint out of range")));
			replace_image(turn, image);
			turn->exists = true;
		}
	}
	if (outcome->changed)
		turn->last = item;
	outcome->version = turn->image.version;
	if (turn->keep_sources)
		outcome->source = turn->image.source;
}

/*
 * Put another image in the place of the last, which is freed if it is one that
 * an item made and no outcome holds: an id can have many items.
 */
static void
replace_image(Turn *turn, Jsonb *image)
{
	Jsonb	   *old = turn->image.source;

	turn->image.source = image;
	if (!turn->keep_sources && turn->last && old != turn->last->change.body &&
		old != turn->last->change.defaults)
		pfree(old);
}

/*
 * Whether the document is there, or not there, as the action needs it.  One
 * that an earlier item of the request has made is no obstacle to creating it:
 * Kuzzle's mCreate looks at what is stored before it writes anything.
 */
static bool
check_presence(Turn *turn, KzItem *item)
{
	KzAction	action = item->change.action;

	if (turn->exists && action == KZ_ACTION_CREATE && !is_made_before(turn))
	{
		kz_error_set(&item->outcome.error, KZ_ERROR_DOCUMENT_EXISTS,
					 psprintf("Choose another id than \"%s\", or replace the document.",
							  document_id(item)));
		return false;
	}
	if (!turn->exists && needs_document(action))
	{
		fail_absent(turn, item);
		return false;
	}
	return true;
}

/*
 * Whether an earlier item of the request has made the document.  What was found is
 * of an item before the first of this turn, or of none; there can be many.
 */
static bool
is_made_before(const Turn *turn)
{
	const KzItem *first = turn->items[0];

	if (!first->change.over_own)
		return false;
	if (!turn->found)
		return true;
	for (const KzItem *before = first->before; before; before = before->before)
	{
		CHECK_FOR_INTERRUPTS();
		if (before->outcome.error.code == KZ_ERROR_NONE)
			return true;
		if (before->outcome.error.code == KZ_ERROR_DOCUMENT_EXISTS)
			return false;
	}
	return false;
}

/*
 * Whether the document has the version that the caller expects.
 */
static bool
check_version(Turn *turn, KzItem *item)
{
	int64		expected = item->change.if_version;
	int64		stored = turn->exists ? turn->image.version : 0;
	const KzRow *row = item->change.if_row;

	if (row && !(turn->found && kz_writer_same_row(turn->writer, &turn->row, row)))
	{
		fail_version(turn, item, "it is not as it was found any more.", DECIDE_ANEW);
		return false;
	}

	if (expected == KZ_ANY_VERSION ||
		(turn->exists ? expected == stored && expected > 0 : expected == 0))
		return true;
	if (!turn->exists)
		fail_version(turn, item, psprintf("expected version " INT64_FORMAT ", but there is none.",
										  expected), DECIDE_ANEW);
	else if (expected == 0)
		fail_version(turn, item, psprintf("expected none, but there is version " INT64_FORMAT ".",
										  stored), DECIDE_ANEW);
	else
		fail_version(turn, item, psprintf("expected version " INT64_FORMAT ", but it is " INT64_FORMAT ".",
										  expected, stored), DECIDE_ANEW);
	return false;
}

/*
 * Whether the mappings of the collection allow all fields of an image.
 */
static bool
check_mapping(Turn *turn, KzItem *item, Jsonb *image)
{
	KzCollection *collection = turn->writer->collection;
	KzUnknownField unknown;

	if (!collection->strict_mappings ||
		!kz_mapping_find_unknown(collection->strict_mappings, image, &unknown))
		return true;
	memset(&item->outcome, 0, sizeof(item->outcome));
	kz_error_set(&item->outcome.error, KZ_ERROR_STRICT_MAPPING,
				 "Map the field with kz_update_collection(), or leave it out.",
				 unknown.field, collection->index, collection->name, unknown.within);
	return false;
}

/*
 * Write the image; false if that touched no row.  The outcome of the item that
 * made it shows what is stored, which a trigger may have changed.
 */
static bool
perform(Turn *turn, Write write)
{
	KzWriter   *writer = turn->writer;
	const text *id = turn->items[0]->change.id;
	bool		touched;

	if (write == WRITE_DELETE)
		return writer->methods->delete(writer, id, &turn->row);
	touched = write == WRITE_INSERT ?
		writer->methods->insert(writer, id, &turn->image) :
		writer->methods->update(writer, id, &turn->row, &turn->image);
	if (touched)
	{
		turn->last->outcome.version = turn->image.version;
		if (turn->keep_sources)
			turn->last->outcome.source = turn->image.source;
	}
	return touched;
}

/*
 * Find out why a write touched no row.  An insert that did nothing although
 * nothing is there may have met a row that was deleted since; so it is tried
 * once more before a trigger or a policy is blamed.
 */
static Obstacle
find_obstacle(Turn *turn, Write write)
{
	KzWriter   *writer = turn->writer;
	const KzChange *first = &turn->items[0]->change;
	KzRow		now;
	bool		found = writer->methods->find(writer, first->id, false, &now);

	if (write == WRITE_INSERT)
	{
		bool		again = turn->suspicion || kz_writer_is_foreign(writer);

		turn->suspicion = !found && kz_writer_may_suppress_insert(writer);
		if (!turn->suspicion)
			return OBSTACLE_CONFLICT;
		return again ? OBSTACLE_SUPPRESSED : OBSTACLE_SUSPECTED;
	}
	if (found)
		return kz_writer_same_row(writer, &turn->row, &now) ?
			OBSTACLE_SUPPRESSED : OBSTACLE_CONFLICT;
	return needs_document(first->action) ? OBSTACLE_ABSENT : OBSTACLE_CONFLICT;
}

static void
fail_absent(Turn *turn, KzItem *item)
{
	KzCollection *collection = turn->writer->collection;

	kz_error_set(&item->outcome.error, KZ_ERROR_NOT_FOUND, NULL,
				 document_id(item), collection->index, collection->name);
}

static void
fail_suppressed(Turn *turn, KzItem *item)
{
	KzCollection *collection = turn->writer->collection;

	kz_error_set(&item->outcome.error, KZ_ERROR_WRITE_SUPPRESSED, NULL,
				 document_id(item), collection->index, collection->name,
				 kz_writer_table_name(turn->writer));
}

static void
fail_faster(Turn *turn, KzItem *item)
{
	fail_version(turn, item, "another transaction was faster.",
				 item->change.if_version == KZ_ANY_VERSION ? "Call again." : DECIDE_ANEW);
}

static void
fail_version(Turn *turn, KzItem *item, const char *reason, const char *hint)
{
	KzCollection *collection = turn->writer->collection;

	kz_error_set(&item->outcome.error, KZ_ERROR_VERSION_CONFLICT, hint,
				 document_id(item), collection->index, collection->name, reason);
}

/*
 * Fail all items that have not failed yet.
 */
static void
fail_items(Turn *turn, void (*fail) (Turn *turn, KzItem *item))
{
	for (int i = 0; i < turn->nitems; i++)
		if (turn->items[i]->outcome.error.code == KZ_ERROR_NONE)
			fail(turn, turn->items[i]);
}

/*
 * Whether an action fails when there is no document.
 */
static bool
needs_document(KzAction action)
{
	return action == KZ_ACTION_REPLACE || action == KZ_ACTION_UPDATE ||
		action == KZ_ACTION_DELETE || action == KZ_ACTION_DELETE_FIELDS;
}

static char *
document_id(const KzItem *item)
{
	return text_to_cstring(item->change.id);
}
