/*
 * write.c
 *	  The write loop: the only place where merging, versions, no-ops, conflicts
 *	  and retries meet.
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
#include "document/fields.h"
#include "document/mapping.h"
#include "document/merge.h"
#include "operation/write.h"

/* What to do with the row of a document. */
typedef enum Decision
{
	DECISION_FAIL,				/* outcome->error says why */
	DECISION_KEEP,				/* it is as it should be */
	DECISION_INSERT,
	DECISION_UPDATE,
	DECISION_DELETE
} Decision;

/* What is known after a write that touched no row. */
typedef enum Obstacle
{
	OBSTACLE_CONFLICT,			/* another transaction was faster */
	OBSTACLE_ABSENT,			/* it deleted the document */
	OBSTACLE_SUPPRESSED			/* nobody: a trigger or policy is in the way */
} Obstacle;

/* One document on its way through the loop. */
typedef struct Turn
{
	KzWriter   *writer;
	const KzChange *change;
	const KzStamp *stamp;
	KzOutcome  *outcome;
	KzRow		row;			/* as found; void if absent */
	bool		found;
	KzRow		image;			/* as it should become */
	bool		suspicion;		/* the last insert did nothing, for no visible
								 * reason */
} Turn;

static void find(Turn *turn, bool lock);
static Decision decide(Turn *turn);
static bool check_presence(Turn *turn);
static bool check_version(Turn *turn);
static Jsonb *make_image(const Turn *turn);
static bool check_mapping(Turn *turn);
static bool perform(Turn *turn, Decision decision);
static Obstacle find_obstacle(Turn *turn, Decision decision, int retries);
static void finish(Turn *turn, Decision decision);
static void fail_absent(Turn *turn);
static void fail_suppressed(Turn *turn);
static void fail_version(Turn *turn, const char *reason, const char *hint);
static void raise_serialization_failure(void) pg_attribute_noreturn();
static bool needs_document(KzAction action);
static char *document_id(const Turn *turn);

/*
 * Do what change asks, and fill outcome.  A failure that belongs to the
 * document is a value in it; what PostgreSQL raises while writing is raised.
 * What outcome points to is allocated in the current memory context.
 */
void
kz_write(KzWriter *writer, const KzChange *change, const KzStamp *stamp, KzOutcome *outcome)
{
	Turn		turn = {.writer = writer,.change = change,.stamp = stamp,.outcome = outcome};
	int			retries = change->if_version == KZ_ANY_VERSION ? change->retries : 0;
	bool		lock = false;

	memset(outcome, 0, sizeof(*outcome));
	for (;;)
	{
		Decision	decision;

		CHECK_FOR_INTERRUPTS();
		find(&turn, lock);
		decision = decide(&turn);
		if (decision == DECISION_FAIL)
			return;
		if (decision == DECISION_KEEP || perform(&turn, decision))
		{
			finish(&turn, decision);
			return;
		}
		switch (find_obstacle(&turn, decision, retries))
		{
			case OBSTACLE_ABSENT:
				fail_absent(&turn);
				return;
			case OBSTACLE_SUPPRESSED:
				fail_suppressed(&turn);
				return;
			case OBSTACLE_CONFLICT:
				break;
		}

		if (kz_writer_is_foreign(writer))
			raise_serialization_failure();
		if (retries-- <= 0)
		{
			fail_version(&turn, "another transaction was faster.",
						 change->if_version == KZ_ANY_VERSION ? "Call again." :
						 "Read the document again and decide anew.");
			return;
		}
		/* Locking needs the right to update, which these two do not. */
		lock = change->action != KZ_ACTION_DELETE && change->action != KZ_ACTION_CREATE;
	}
}

/*
 * Find the row, locking it if asked to.
 */
static void
find(Turn *turn, bool lock)
{
	KzWriter   *writer = turn->writer;
	const text *id = turn->change->id;

	turn->found = writer->methods->find(writer, id, lock, &turn->row);

	/* Gone while we waited for the lock?  There may be a new one. */
	if (lock && !turn->found)
		turn->found = writer->methods->find(writer, id, false, &turn->row);
}

/*
 * Decide what becomes of the row that was found or not found.
 */
static Decision
decide(Turn *turn)
{
	if (!check_presence(turn) || !check_version(turn))
		return DECISION_FAIL;
	if (turn->change->action == KZ_ACTION_DELETE)
		return DECISION_DELETE;

	turn->image.source = make_image(turn);
	if (turn->found && kz_json_identical(turn->row.source, turn->image.source))
		return DECISION_KEEP;
	if (!check_mapping(turn))
		return DECISION_FAIL;
	if (!turn->found)
	{
		turn->image.version = 1;
		return DECISION_INSERT;
	}
	if (pg_add_s64_overflow(turn->row.version, 1, &turn->image.version))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("bigint out of range")));
	return DECISION_UPDATE;
}

/*
 * Whether the document is there, or not there, as the action needs it.
 */
static bool
check_presence(Turn *turn)
{
	KzAction	action = turn->change->action;

	if (turn->found && action == KZ_ACTION_CREATE)
	{
		kz_error_set(&turn->outcome->error, KZ_ERROR_DOCUMENT_EXISTS,
					 psprintf("Choose another id than \"%s\", or replace the document.",
							  document_id(turn)));
		return false;
	}
	if (!turn->found && needs_document(action))
	{
		fail_absent(turn);
		return false;
	}
	return true;
}

/*
 * Whether the document has the version that the caller expects.
 */
static bool
check_version(Turn *turn)
{
	int64		expected = turn->change->if_version;
	int64		stored = turn->found ? turn->row.version : 0;
	const char *hint = "Read the document again and decide anew.";

	if (expected == KZ_ANY_VERSION || (turn->found ? expected == stored && expected > 0 :
									   expected == 0))
		return true;
	if (!turn->found)
		fail_version(turn, psprintf("expected version " INT64_FORMAT ", but there is none.",
									expected), hint);
	else if (expected == 0)
		fail_version(turn, psprintf("expected none, but there is version " INT64_FORMAT ".",
									stored), hint);
	else
		fail_version(turn, psprintf("expected version " INT64_FORMAT ", but it is " INT64_FORMAT ".",
									expected, stored), hint);
	return false;
}

/*
 * The document as it should become.
 */
static Jsonb *
make_image(const Turn *turn)
{
	const KzChange *change = turn->change;
	Jsonb	   *image;
	ListCell   *lc;

	switch (change->action)
	{
		case KZ_ACTION_CREATE:
			return kz_stamp_created(turn->stamp, change->body);
		case KZ_ACTION_CREATE_OR_REPLACE:
		case KZ_ACTION_REPLACE:
			return kz_stamp_replaced(turn->stamp, change->body);
		case KZ_ACTION_UPDATE:
		case KZ_ACTION_UPSERT:
			if (turn->found)
				return kz_merge_deep(turn->row.source,
									 kz_stamp_changes(turn->stamp, change->body));
			return kz_stamp_created(turn->stamp,
									kz_merge_deep(change->defaults, change->body));
		case KZ_ACTION_DELETE_FIELDS:
			image = turn->row.source;
			foreach(lc, change->fields)
				image = kz_field_remove(image, lfirst(lc));
			if (!JB_ROOT_IS_OBJECT(image))
				return image;	/* stored by plain SQL; has no metadata */
			return kz_merge_deep(image, kz_stamp_changes(turn->stamp, kz_json_object(NULL, 0)));
		default:
			elog(ERROR, "action %d makes no document", change->action);
	}
}

/*
 * Whether the mappings of the collection allow all fields of the image.
 */
static bool
check_mapping(Turn *turn)
{
	KzCollection *collection = turn->writer->collection;
	char	   *field;

	if (!collection->strict_mappings)
		return true;
	field = kz_mapping_unknown_field(collection->strict_mappings, turn->image.source);
	if (!field)
		return true;
	kz_error_set(&turn->outcome->error, KZ_ERROR_STRICT_MAPPING,
				 "Map the field with kz_update_collection(), or leave it out.",
				 field, collection->index, collection->name);
	return false;
}

/*
 * Write the image; false if that touched no row.
 */
static bool
perform(Turn *turn, Decision decision)
{
	KzWriter   *writer = turn->writer;
	const text *id = turn->change->id;

	switch (decision)
	{
		case DECISION_INSERT:
			return writer->methods->insert(writer, id, &turn->image);
		case DECISION_UPDATE:
			return writer->methods->update(writer, id, &turn->row, &turn->image);
		case DECISION_DELETE:
			return writer->methods->delete(writer, id, &turn->row);
		default:
			elog(ERROR, "decision %d writes nothing", decision);
	}
}

/*
 * Find out why a write touched no row.  An insert that did nothing although
 * nothing is there may have met a row that was deleted since; so it is tried
 * once more, if there is a retry, before anything else is suspected.
 */
static Obstacle
find_obstacle(Turn *turn, Decision decision, int retries)
{
	KzWriter   *writer = turn->writer;
	KzRow		now;
	bool		found = writer->methods->find(writer, turn->change->id, false, &now);

	if (decision == DECISION_INSERT)
	{
		bool		suspicion = !found && kz_writer_may_suppress_insert(writer);
		bool		last = retries <= 0 || kz_writer_is_foreign(writer);
		bool		confirmed = suspicion && (turn->suspicion || last);

		turn->suspicion = suspicion;
		return confirmed ? OBSTACLE_SUPPRESSED : OBSTACLE_CONFLICT;
	}
	if (found)
		return kz_writer_same_row(writer, &turn->row, &now) ?
			OBSTACLE_SUPPRESSED : OBSTACLE_CONFLICT;
	return needs_document(turn->change->action) ? OBSTACLE_ABSENT : OBSTACLE_CONFLICT;
}

/*
 * Fill the outcome of a turn that succeeded.
 */
static void
finish(Turn *turn, Decision decision)
{
	KzOutcome  *outcome = turn->outcome;
	const KzRow *result = decision == DECISION_INSERT || decision == DECISION_UPDATE ?
	&turn->image : &turn->row;

	outcome->created = decision == DECISION_INSERT;
	outcome->changed = decision != DECISION_KEEP;
	outcome->version = result->version;
	outcome->source = result->source;
}

static void
fail_absent(Turn *turn)
{
	KzCollection *collection = turn->writer->collection;

	kz_error_set(&turn->outcome->error, KZ_ERROR_NOT_FOUND, NULL,
				 document_id(turn), collection->index, collection->name);
}

static void
fail_suppressed(Turn *turn)
{
	KzCollection *collection = turn->writer->collection;

	kz_error_set(&turn->outcome->error, KZ_ERROR_WRITE_SUPPRESSED, NULL,
				 document_id(turn), collection->index, collection->name,
				 kz_writer_table_name(turn->writer));
}

static void
fail_version(Turn *turn, const char *reason, const char *hint)
{
	KzCollection *collection = turn->writer->collection;

	kz_error_set(&turn->outcome->error, KZ_ERROR_VERSION_CONFLICT, hint,
				 document_id(turn), collection->index, collection->name, reason);
}

/* With the text of the server, on which drivers rely. */
static void
raise_serialization_failure(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
	pg_unreachable();
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
document_id(const Turn *turn)
{
	return text_to_cstring(turn->change->id);
}
