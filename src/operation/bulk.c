/*
 * bulk.c
 *	  Writing many documents in one call.
 *
 * Documents go through the write loop one id after the other, in ascending
 * order of the bytes of their ids, whatever their order in the request: two
 * calls that overlap wait for each other's rows in the same order and cannot
 * deadlock.  Entries of one id are done in the order of the request; they are a
 * unit, written as one row version, unless a trigger might want to see each
 * step or one of them expects a version.
 *
 * What PostgreSQL raises about one document becomes that document's error, and
 * the others are written all the same.  The normal case costs one
 * subtransaction around everything.  If a document raises, the subtransaction
 * is undone, what came before the culprit is written again in one of its own,
 * and the rest goes on in a new one.
 *
 * But every subtransaction that is kept stays with the transaction to its end,
 * and beyond 64 of them all sessions of the cluster pay for looking at a row.
 * So after the first culprit they are taken in groups: a group of one level
 * writes GROUP_SIZE groups of the level below inside a subtransaction, undoes
 * that when all their culprits are known, and writes the survivors again in a
 * single one.  Each group has a level more than the one before it, so their
 * number, and how often a document is written, grow with the logarithm of the
 * number of culprits.  Each document is judged with all earlier survivors in
 * place, so that it makes no difference how many culprits there are.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/json.h"
#include "base/subtransaction.h"
#include "operation/bulk.h"
#include "operation/notifier.h"

/*
 * Alive at one time are, for each level that was reached, the group of that
 * level that was kept, the subtransaction around the one that is being written,
 * and up to GROUP_SIZE - 1 groups that are done inside it.  With 5 that makes six
 * for a level, and ten levels are for twelve million culprits, more than a
 * request can hold: fewer than the 64 of PGPROC_MAX_CACHED_SUBXIDS.
 */
#define GROUP_SIZE 5

/* The class of "snapshot too old", which the server has no more from 17 on. */
#define SNAPSHOT_FAILURE MAKE_SQLSTATE('7', '2', '0', '0', '0')

typedef struct Bulk
{
	KzWriter   *writer;
	const KzStamp *stamp;
	bool		keep_sources;	/* in the outcomes */
	bool		whole;			/* all entries, or none */
	KzEntry   **entries;		/* those to be written, in order */
	int			nentries;
	int		   *units;			/* at the first entry of a unit, how many it
								 * has */
	int			at;				/* first entry of the unit being written */
	int			to;				/* behind the last that is to be written now */
	int			run;			/* the first whose insert waits, if any */
	bool		of_run;			/* it was those that wait who raised an error */
	MemoryContext context;		/* of the outcomes */
	MemoryContext scratch;		/* reset after each unit */
} Bulk;

/* A group of groups that is being written. */
typedef struct Groups
{
	Bulk	   *bulk;
	int			level;
	int			at;				/* behind what is written */
} Groups;

static void write_entries(KzWriter *writer, KzEntry *entries, int nentries,
						  const KzStamp *stamp, bool keep_sources);
static Bulk begin_bulk(KzWriter *writer, KzEntry *entries, int nentries, const KzStamp *stamp,
					   bool keep_sources);
static void tell_all(KzWriter *writer, const KzEntry *entries, int nentries);
static bool has_failed(const Bulk *bulk);
static void sort_entries(Bulk *bulk, KzEntry *entries, int nentries);
static int	compare_entries(const void *a, const void *b);
static int	compare_ids(const text *a, const text *b);
static void make_units(Bulk *bulk);
static bool joins_unit(const Bulk *bulk, const KzEntry *entry);
static void write_all(Bulk *bulk);
static int	write_group(Bulk *bulk, int from, int level);
static int	write_wrapped(Bulk *bulk, int from, int level);
static bool write_groups(void *argument);
static bool groups_undone(void *argument, int sqlerrcode);
static void write_survivors(Bulk *bulk, int from, int to);
static int	attempt(Bulk *bulk, int from, int to);
static bool write_units(void *argument);
static bool units_undone(void *argument, int sqlerrcode);
static void write_unit(Bulk *bulk);
static void take_documents(KzEntry *entry);
static void free_outcome(KzOutcome *outcome);
static void keep_outcome(const Bulk *bulk, KzOutcome *outcome);
static void break_run(Bulk *bulk, int to);
static void blame(Bulk *bulk, const ErrorData *error);
static const char *describe(const ErrorData *error);
static bool belongs_to_document(int sqlerrcode);

/*
 * Do what one entry asks, and fill its outcome, in the current memory context.
 * What PostgreSQL raises is treated as in kz_bulk_write, but there is no
 * subtransaction where there is nothing that it could raise.
 */
void
kz_entry_write(KzWriter *writer, KzEntry *entry, const KzStamp *stamp)
{
	KzItem	   *item = &entry->item;

	if (kz_writer_may_raise(writer))
		write_entries(writer, entry, 1, stamp, true);
	else
	{
		take_documents(entry);
		kz_write(writer, &item, 1, stamp, true);
	}
	kz_notifier_add(writer, item, false);
}

/*
 * Do what entries ask and fill their outcomes, in the current memory context;
 * sources only if keep_sources.  Settled entries are left alone, and so are those
 * to be done once whose id comes before.  Raised are
 * errors that belong to no document: those to be retried by the client,
 * cancellation, lack of resources, internal errors.
 */
void
kz_bulk_write(KzWriter *writer, KzEntry *entries, int nentries, const KzStamp *stamp,
			  bool keep_sources)
{
	write_entries(writer, entries, nentries, stamp, keep_sources);
	tell_all(writer, entries, nentries);
}

static void
write_entries(KzWriter *writer, KzEntry *entries, int nentries, const KzStamp *stamp,
			  bool keep_sources)
{
	Bulk		bulk = begin_bulk(writer, entries, nentries, stamp, keep_sources);

	write_all(&bulk);
	MemoryContextDelete(bulk.scratch);
}

/*
 * The same, all or nothing and without sources: false if one of the entries can't
 * be done, whose outcome tells why; then nothing is written, and the others'
 * outcomes are void.  To delete what is not there is no failure here.
 */
bool
kz_bulk_write_whole(KzWriter *writer, KzEntry *entries, int nentries, const KzStamp *stamp)
{
	Bulk		bulk = begin_bulk(writer, entries, nentries, stamp, false);

	bulk.whole = true;
	/* Again if it stopped only to do things one by one. */
	while (attempt(&bulk, 0, bulk.nentries) < bulk.nentries && !has_failed(&bulk))
		;
	MemoryContextDelete(bulk.scratch);
	if (has_failed(&bulk))
		return false;
	tell_all(writer, entries, nentries);
	return true;
}

/*
 * Listeners are told of what is in the outcomes, sources included.
 */
static Bulk
begin_bulk(KzWriter *writer, KzEntry *entries, int nentries, const KzStamp *stamp,
		   bool keep_sources)
{
	Bulk		bulk = {
		.writer = writer,
		.stamp = stamp,
		.keep_sources = keep_sources || writer->notifier,
		.context = CurrentMemoryContext,
		.scratch = AllocSetContextCreate(CurrentMemoryContext, "kz document",
										 ALLOCSET_DEFAULT_SIZES)
	};

	sort_entries(&bulk, entries, nentries);
	make_units(&bulk);
	return bulk;
}

static void
tell_all(KzWriter *writer, const KzEntry *entries, int nentries)
{
	for (int i = 0; i < nentries; i++)
		kz_notifier_add(writer, &entries[i].item, true);
}

/*
 * Whether an entry has failed that must not.
 */
static bool
has_failed(const Bulk *bulk)
{
	for (int i = 0; i < bulk->nentries; i++)
	{
		const KzItem *item = &bulk->entries[i]->item;

		if (item->outcome.error.code != KZ_ERROR_NONE &&
			!(item->outcome.error.code == KZ_ERROR_NOT_FOUND &&
			  item->change.action == KZ_ACTION_DELETE))
			return true;
	}
	return false;
}

/*
 * Put the entries that are to be written in order, and link those of one id.
 */
static void
sort_entries(Bulk *bulk, KzEntry *entries, int nentries)
{
	KzEntry   **sorted = palloc_extended(Max(nentries, 1) * sizeof(KzEntry *), MCXT_ALLOC_HUGE);
	KzEntry    *last = NULL;
	int			count = 0;

	for (int i = 0; i < nentries; i++)
		if (!entries[i].settled)
			sorted[count++] = &entries[i];
	qsort(sorted, count, sizeof(KzEntry *), compare_entries);

	for (int i = 0; i < count; i++)
	{
		KzItem	   *item = &sorted[i]->item;

		if (last && compare_ids(last->item.change.id, item->change.id) == 0)
			item->before = &last->item;
		if (item->before && sorted[i]->once)
			continue;
		last = sorted[bulk->nentries++] = sorted[i];
	}
	bulk->entries = sorted;
}

/*
 * Ascending by id; entries of one id as they are in the request, which is how
 * they lie in memory.
 */
static int
compare_entries(const void *a, const void *b)
{
	const KzEntry *left = *(KzEntry *const *) a;
	const KzEntry *right = *(KzEntry *const *) b;
	int			cmp = compare_ids(left->item.change.id, right->item.change.id);

	return cmp != 0 ? cmp : left < right ? -1 : left > right;
}

static int
compare_ids(const text *a, const text *b)
{
	Size		alen = VARSIZE_ANY_EXHDR(a);
	Size		blen = VARSIZE_ANY_EXHDR(b);
	int			cmp = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(alen, blen));

	return cmp != 0 ? cmp : alen < blen ? -1 : alen > blen;
}

/*
 * Decide which entries are written together.
 */
static void
make_units(Bulk *bulk)
{
	int			first = 0;

	bulk->units = palloc_extended(Max(bulk->nentries, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	for (int i = 0; i < bulk->nentries; i++)
	{
		if (i > 0 && joins_unit(bulk, bulk->entries[i]))
			bulk->units[first]++;
		else
			bulk->units[first = i] = 1;
	}
}

/*
 * Whether an entry can be written together with the one before it.
 */
static bool
joins_unit(const Bulk *bulk, const KzEntry *entry)
{
	const KzItem *before = entry->item.before;

	return before && before->change.action == entry->item.change.action &&
		before->change.if_version == KZ_ANY_VERSION &&
		entry->item.change.if_version == KZ_ANY_VERSION &&
		kz_writer_can_fold(bulk->writer);
}

/*
 * Write all entries: at once if nothing objects, else in groups that grow.
 */
static void
write_all(Bulk *bulk)
{
	int			at = 0;

	for (int level = 0; at < bulk->nentries; level++)
		at = write_group(bulk, at, level);
}

/*
 * Write entries from one on, up to a culprit of PostgreSQL's or to the end, and
 * keep one subtransaction for it; in higher levels, GROUP_SIZE times what the
 * level below writes.  Returns where it stopped.
 */
static int
write_group(Bulk *bulk, int from, int level)
{
	int			to;

	if (level > 0)
		return write_wrapped(bulk, from, level);
	to = attempt(bulk, from, bulk->nentries);
	if (to < bulk->nentries)
		write_survivors(bulk, from, to);
	return to;
}

/*
 * Write a group of groups: find its culprits inside a subtransaction, undo that,
 * and write the survivors again in a single one.
 */
static int
write_wrapped(Bulk *bulk, int from, int level)
{
	Groups		group = {.bulk = bulk,.level = level,.at = from};

	kz_subtransaction_run(write_groups, groups_undone, &group);
	if (group.at < bulk->nentries)
		write_survivors(bulk, from, group.at);
	return group.at;
}

/* At the end there is nobody who could need the room. */
static bool
write_groups(void *argument)
{
	Groups	   *group = argument;
	Bulk	   *bulk = group->bulk;

	for (int i = 0; i < GROUP_SIZE && group->at < bulk->nentries; i++)
		group->at = write_group(bulk, group->at, group->level - 1);
	return group->at == bulk->nentries;
}

/* What is raised here belongs to no document. */
static bool
groups_undone(void *argument, int sqlerrcode)
{
	Groups	   *group = argument;

	kz_writer_abandon(group->bulk->writer);
	return false;
}

/*
 * Write what can be written of the entries from one to before another.  There
 * may be new culprits among them, if they do not object each time.
 */
static void
write_survivors(Bulk *bulk, int from, int to)
{
	while (attempt(bulk, from, to) != to)
		;
}

/*
 * Write the units from one to before another in a subtransaction of their own.
 * Returns where it stopped: at the end, or at a unit that raised an error, which
 * is blamed for it; then everything is undone.
 */
static int
attempt(Bulk *bulk, int from, int to)
{
	ErrorData  *error;

	while (from < to && bulk->units[from] == 1 && bulk->entries[from]->settled)
		from++;
	bulk->at = from;
	bulk->to = to;
	if (from == to)
		return to;

	error = kz_subtransaction_run(write_units, units_undone, bulk);
	if (!error)
		return to;
	if (bulk->of_run)
		break_run(bulk, to);
	else
		blame(bulk, error);
	FreeErrorData(error);
	MemoryContextReset(bulk->scratch);
	return bulk->at;
}

static bool
write_units(void *argument)
{
	Bulk	   *bulk = argument;

	bulk->run = bulk->at;
	for (; bulk->at < bulk->to; bulk->at += bulk->units[bulk->at])
		write_unit(bulk);
	kz_writer_release(bulk->writer);
	return !(bulk->whole && has_failed(bulk));
}

/* Behind the last unit there is no document to blame. */
static bool
units_undone(void *argument, int sqlerrcode)
{
	Bulk	   *bulk = argument;

	bulk->of_run = bulk->writer->flushing;
	kz_writer_abandon(bulk->writer);
	return belongs_to_document(sqlerrcode) && (bulk->of_run || bulk->at < bulk->to);
}

/*
 * Write the unit at bulk->at, unless it is an entry that is settled.
 */
static void
write_unit(Bulk *bulk)
{
	KzEntry   **entries = &bulk->entries[bulk->at];
	int			nentries = bulk->units[bulk->at];
	KzItem	  **items;

	if (nentries == 1 && entries[0]->settled)
		return;
	MemoryContextSwitchTo(bulk->scratch);
	items = palloc_extended(nentries * sizeof(KzItem *), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nentries; i++)
	{
		KzEntry    *entry = entries[i];

		items[i] = &entry->item;
		free_outcome(&entry->item.outcome);
		take_documents(entry);
	}
	entries[0]->deferred = false;
	bulk->writer->may_defer = !entries[0]->item.absent;
	kz_write(bulk->writer, items, nentries, bulk->stamp, bulk->keep_sources);
	entries[0]->deferred = !entries[0]->item.absent && !bulk->writer->may_defer;
	if (entries[0]->deferred && bulk->writer->deferred == 1)
		bulk->run = bulk->at;

	MemoryContextSwitchTo(bulk->context);
	for (int i = 0; i < nentries; i++)
		keep_outcome(bulk, &items[i]->outcome);
	MemoryContextReset(bulk->scratch);
}

/*
 * Copy what an entry wants out of the request.
 */
static void
take_documents(KzEntry *entry)
{
	if (entry->body.type == jbvBinary)
		entry->item.change.body = kz_json_document(&entry->body);
	if (entry->defaults.type == jbvBinary)
		entry->item.change.defaults = kz_json_document(&entry->defaults);
}

/*
 * Free what is left of an attempt that was undone.
 */
static void
free_outcome(KzOutcome *outcome)
{
	kz_error_free(&outcome->error);
	if (outcome->source)
		pfree(outcome->source);
	if (outcome->updated_fields)
		pfree(outcome->updated_fields);
	memset(outcome, 0, sizeof(*outcome));
}

/*
 * Move what is in an outcome out of the scratch context.
 */
static void
keep_outcome(const Bulk *bulk, KzOutcome *outcome)
{
	kz_error_copy(&outcome->error);
	if (outcome->source)
		outcome->source = bulk->keep_sources ? kz_json_copy(outcome->source) : NULL;
	if (outcome->updated_fields)
		outcome->updated_fields = kz_json_copy(outcome->updated_fields);
}

/*
 * Inserts that were done together have met a duplicate, or another fault in one
 * of them.  They are done one by one instead, from the first of them on: who
 * was faster is then met as a document that is there.
 */
static void
break_run(Bulk *bulk, int to)
{
	/*
	 * The outcomes of a unit that was being written are in the scratch
	 * context.
	 */
	for (int i = bulk->at; i < to && i < bulk->at + bulk->units[bulk->at]; i++)
		memset(&bulk->entries[i]->item.outcome, 0, sizeof(KzOutcome));
	for (int i = bulk->run; i < bulk->at; i++)
		bulk->entries[i]->item.absent = bulk->entries[i]->deferred;
	bulk->at = bulk->run;
}

/*
 * Settle the entry that raised an error.  Entries that were written together
 * are done one by one instead, to see which of them it is.
 */
static void
blame(Bulk *bulk, const ErrorData *error)
{
	KzEntry    *entry = bulk->entries[bulk->at];
	int			nentries = bulk->units[bulk->at];

	/* Their outcomes point into the scratch context. */
	for (int i = bulk->at; i < bulk->at + nentries; i++)
	{
		bulk->units[i] = 1;
		memset(&bulk->entries[i]->item.outcome, 0, sizeof(KzOutcome));
	}
	if (nentries > 1)
		return;
	entry->settled = true;
	kz_error_set(&entry->item.outcome.error,
				 error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ?
				 KZ_ERROR_FORBIDDEN : KZ_ERROR_BAD_REQUEST,
				 error->hint, describe(error));
}

/*
 * What PostgreSQL says of an error.  Its DETAIL leaves out what the user may not
 * read; that of an error of ours, which code of the user's has met, is but its id.
 */
static const char *
describe(const ErrorData *error)
{
	const char *message = error->message ? error->message : "";

	if (!error->detail || *error->detail == '\0' || kz_error_has_class(error->sqlerrcode))
		return message;
	return psprintf("%s: %s", message, error->detail);
}

/*
 * Whether an error may be the fault of a document, and not of the session, the
 * server, the state of a table or of a conflict that the client must retry.  42501
 * may: the rights on the table have been checked before.
 */
static bool
belongs_to_document(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:	/* 08 */
		case ERRCODE_INVALID_TRANSACTION_STATE: /* 25 */
		case ERRCODE_TRANSACTION_ROLLBACK:	/* 40 */
		case ERRCODE_INSUFFICIENT_RESOURCES:	/* 53 */
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:	/* 55 */
		case ERRCODE_OPERATOR_INTERVENTION: /* 57 */
		case ERRCODE_SYSTEM_ERROR:	/* 58 */
		case SNAPSHOT_FAILURE:	/* 72 */
		case ERRCODE_CONFIG_FILE_ERROR: /* F0 */
		case ERRCODE_INTERNAL_ERROR:	/* XX */
			return false;
		default:
			/* Columns that a publication wants are not in the identity, say. */
			return sqlerrcode != ERRCODE_INVALID_COLUMN_REFERENCE;	/* 42P10 */
	}
}
