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
 * and the rest goes on in a new one; so each document is written at most twice.
 * But every subtransaction that is kept stays with the transaction to its end,
 * and beyond 64 of them all sessions of the cluster pay for looking at a row.
 * So after a number of culprits the remaining ones are searched in
 * subtransactions that are always undone, and then the survivors are written
 * together.  A search can miss a document that is in the way of another
 * survivor only; that one is found when they are written, and what came before
 * it is kept, so that the next search sees it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/compat.h"
#include "base/json.h"
#include "operation/bulk.h"

/* From so many kept subtransactions on, culprits are searched for. */
#define SEARCH_FROM 30

/*
 * So many are kept at most, with room for those that the transaction had
 * before, below the 64 of PGPROC_MAX_CACHED_SUBXIDS.
 */
#define MAX_KEPT 60

/* Entries of one id, in the order of the request. */
typedef struct Unit
{
	KzEntry   **entries;
	int			nentries;
	bool		one_by_one;		/* written together they raised an error */
} Unit;

typedef struct Bulk
{
	KzWriter   *writer;
	const KzStamp *stamp;
	bool		keep_sources;	/* in the outcomes */
	Unit	   *units;
	int			nunits;
	int			kept;			/* subtransactions that wrote and were kept */
	int			at;				/* the unit being written */
	KzEntry    *entry;			/* being written; NULL: all of the unit */
	bool		wrote;			/* the last subtransaction got an id */
	MemoryContext context;		/* of the outcomes */
	MemoryContext scratch;		/* reset after each unit */
} Bulk;

static void make_units(Bulk *bulk, KzEntry *entries, int nentries);
static bool joins_unit(const Bulk *bulk, const Unit *unit, const KzEntry *entry);
static int	compare_entries(const void *a, const void *b);
static int	compare_ids(const text *a, const text *b);
static void write_all(Bulk *bulk);
static void search_culprits(Bulk *bulk, int from);
static int	attempt(Bulk *bulk, int from, int to, bool keep);
static void write_units(Bulk *bulk, int to);
static bool has_work(const Unit *unit);
static void write_unit(Bulk *bulk, Unit *unit);
static void write_entries(Bulk *bulk, KzEntry **entries, int nentries);
static void keep_outcome(Bulk *bulk, KzOutcome *outcome);
static void blame(Bulk *bulk, const ErrorData *error);
static bool belongs_to_document(int sqlerrcode);

/*
 * Do what entries ask, all of one action, and fill their outcomes, in the
 * current memory context; sources only if keep_sources.  Settled entries are
 * left alone.  Raised are errors that belong to no document: those to be
 * retried by the client, cancellation, lack of resources, internal errors.
 */
void
kz_bulk_write(KzWriter *writer, KzEntry *entries, int nentries, const KzStamp *stamp,
			  bool keep_sources)
{
	Bulk		bulk = {
		.writer = writer,
		.stamp = stamp,
		.keep_sources = keep_sources,
		.context = CurrentMemoryContext,
		.scratch = AllocSetContextCreate(CurrentMemoryContext, "kz document",
										 ALLOCSET_DEFAULT_SIZES)
	};

	make_units(&bulk, entries, nentries);
	write_all(&bulk);
	MemoryContextDelete(bulk.scratch);
}

/*
 * Put the entries that are to be written in order, and those of one id
 * together.
 */
static void
make_units(Bulk *bulk, KzEntry *entries, int nentries)
{
	KzEntry   **sorted = palloc_extended(Max(nentries, 1) * sizeof(KzEntry *), MCXT_ALLOC_HUGE);
	int			count = 0;

	for (int i = 0; i < nentries; i++)
		if (!entries[i].settled)
			sorted[count++] = &entries[i];
	qsort(sorted, count, sizeof(KzEntry *), compare_entries);

	bulk->units = palloc_extended(Max(count, 1) * sizeof(Unit), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		Unit	   *unit = bulk->nunits > 0 ? &bulk->units[bulk->nunits - 1] : NULL;
		KzItem	   *item = &sorted[i]->item;

		item->before = i > 0 && compare_ids(sorted[i - 1]->item.change.id, item->change.id) == 0 ?
			&sorted[i - 1]->item : NULL;
		if (item->before && joins_unit(bulk, unit, sorted[i]))
			unit->nentries++;
		else
		{
			unit = &bulk->units[bulk->nunits++];
			unit->entries = &sorted[i];
			unit->nentries = 1;
			unit->one_by_one = false;
		}
	}
}

/*
 * Whether an entry can be written together with the one of the same id before
 * it.
 */
static bool
joins_unit(const Bulk *bulk, const Unit *unit, const KzEntry *entry)
{
	return entry->item.change.if_version == KZ_ANY_VERSION &&
		unit->entries[0]->item.change.if_version == KZ_ANY_VERSION &&
		kz_writer_can_fold(bulk->writer);
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
 * Write all units.  Each turn either finishes or blames one more entry.
 */
static void
write_all(Bulk *bulk)
{
	int			from = 0;

	for (;;)
	{
		int			culprit;

		if (bulk->kept >= SEARCH_FROM)
			search_culprits(bulk, from);
		culprit = attempt(bulk, from, bulk->nunits, true);
		if (culprit == bulk->nunits)
			return;
		if (bulk->kept < MAX_KEPT && attempt(bulk, from, culprit, true) == culprit)
			from = culprit;
	}
}

/*
 * Blame all culprits from a unit on that can be found by writing and undoing.
 */
static void
search_culprits(Bulk *bulk, int from)
{
	while (from < bulk->nunits)
		from = attempt(bulk, from, bulk->nunits, false);
}

/*
 * Write the units from one to before another in a subtransaction, and keep or
 * undo that.  Returns where it stopped: at the end, or at a unit that raised an
 * error, which is blamed for it; then everything is undone.
 */
static int
attempt(Bulk *bulk, int from, int to, bool keep)
{
	ResourceOwner owner = CurrentResourceOwner;

	while (from < to && !has_work(&bulk->units[from]))
		from++;
	bulk->at = from;
	if (from == to)
		return to;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(bulk->context);
	PG_TRY();
	{
		write_units(bulk, to);
		if (keep)
		{
			bulk->kept += bulk->wrote;
			ReleaseCurrentSubTransaction();
		}
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(bulk->context);
		error = CopyErrorData();
		FlushErrorState();

		/* Also before an error goes on: an outer handler undoes its own. */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(bulk->context);
		CurrentResourceOwner = owner;
		if (!belongs_to_document(error->sqlerrcode))
			ReThrowError(error);
		blame(bulk, error);
		FreeErrorData(error);
		MemoryContextReset(bulk->scratch);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(bulk->context);
	CurrentResourceOwner = owner;
	return bulk->at;
}

/*
 * Write the units from bulk->at on, which follows, to before another.
 */
static void
write_units(Bulk *bulk, int to)
{
	for (; bulk->at < to; bulk->at++)
		write_unit(bulk, &bulk->units[bulk->at]);
	bulk->wrote = TransactionIdIsValid(GetCurrentTransactionIdIfAny());
}

static bool
has_work(const Unit *unit)
{
	for (int i = 0; i < unit->nentries; i++)
		if (!unit->entries[i]->settled)
			return true;
	return false;
}

/*
 * Write a unit at once, or its entries one by one.
 */
static void
write_unit(Bulk *bulk, Unit *unit)
{
	bulk->entry = NULL;
	if (unit->nentries > 1 && !unit->one_by_one)
	{
		write_entries(bulk, unit->entries, unit->nentries);
		return;
	}
	for (int i = 0; i < unit->nentries; i++)
	{
		bulk->entry = unit->entries[i];
		if (!bulk->entry->settled)
			write_entries(bulk, &unit->entries[i], 1);
	}
}

static void
write_entries(Bulk *bulk, KzEntry **entries, int nentries)
{
	KzItem	  **items;

	MemoryContextSwitchTo(bulk->scratch);
	items = palloc(nentries * sizeof(KzItem *));
	for (int i = 0; i < nentries; i++)
	{
		KzEntry    *entry = entries[i];
		KzItem	   *item = &entry->item;

		/* What is left of an attempt that was undone. */
		if (item->outcome.source)
			pfree(item->outcome.source);
		item->outcome.source = NULL;

		if (entry->body.type == jbvBinary)
			item->change.body = kz_json_document(&entry->body);
		if (entry->defaults.type == jbvBinary)
			item->change.defaults = kz_json_document(&entry->defaults);
		items[i] = item;
	}
	kz_write(bulk->writer, items, nentries, bulk->stamp);

	MemoryContextSwitchTo(bulk->context);
	for (int i = 0; i < nentries; i++)
		keep_outcome(bulk, &items[i]->outcome);
	MemoryContextReset(bulk->scratch);
}

/*
 * Move what is in an outcome out of the scratch context.
 */
static void
keep_outcome(Bulk *bulk, KzOutcome *outcome)
{
	kz_error_copy(&outcome->error);
	if (outcome->source && bulk->keep_sources)
		outcome->source = kz_json_copy(outcome->source);
	else
		outcome->source = NULL;
}

/*
 * Settle the entry that raised an error.  A unit that was written at once is
 * done one by one instead, to see which of its entries it is.
 */
static void
blame(Bulk *bulk, const ErrorData *error)
{
	KzEntry    *entry = bulk->entry;

	if (!entry)
	{
		Unit	   *unit = &bulk->units[bulk->at];

		unit->one_by_one = true;
		/* Their outcomes point into the scratch context. */
		for (int i = 0; i < unit->nentries; i++)
			memset(&unit->entries[i]->item.outcome, 0, sizeof(KzOutcome));
		return;
	}
	entry->settled = true;
	memset(&entry->item.outcome, 0, sizeof(KzOutcome));
	kz_error_set(&entry->item.outcome.error,
				 error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ?
				 KZ_ERROR_FORBIDDEN : KZ_ERROR_BAD_REQUEST,
				 error->hint, error->message ? error->message : "");
}

/*
 * Whether an error may be the fault of a document, and not of the session, the
 * server or of a conflict that the client must retry.  42501 may: the rights on
 * the table have been checked before.
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
		case ERRCODE_OPERATOR_INTERVENTION: /* 57 */
		case ERRCODE_SYSTEM_ERROR:	/* 58 */
		case ERRCODE_CONFIG_FILE_ERROR: /* F0 */
		case ERRCODE_INTERNAL_ERROR:	/* XX */
			return false;
		default:
			return sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;	/* 55P03 */
	}
}
