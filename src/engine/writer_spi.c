/*
 * writer_spi.c
 *	  The writer that goes through SQL, with kept plans.
 *
 * It is right for everything that PostgreSQL can put between a statement and a
 * row: policies, triggers, partitions, foreign and distributed tables.
 *
 * A row version is told by its xmin and tableoid together with _version.  Where
 * these columns mean nothing (foreign tables) or may not be read (a user who
 * has SELECT on the columns of a document only), it is told by its content, as
 * text, since jsonb takes 1 and 1.00 for equal.
 *
 * Plans are kept for each table and each of the two ways.  Those whose table got
 * another name, or that would name other indexes, are replaced; they are freed at
 * the end of the transaction, because one may be running further up: a trigger that
 * it fired may have called kz.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "jit/jit.h"
#include "optimizer/cost.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "engine/writer.h"

typedef enum Statement
{
	STATEMENT_FIND,
	STATEMENT_LOCK,
	STATEMENT_INSERT,
	STATEMENT_UPDATE,
	STATEMENT_DELETE,
	STATEMENTS
} Statement;

/* Parameters; each statement uses as many as it needs, from the first. */
enum
{
	PARAM_ID,
	PARAM_VERSION,
	PARAM_SOURCE,
	PARAM_OLD_VERSION,
	PARAM_OLD_XMIN,				/* by content: the old _source as text */
	PARAM_OLD_TABLEOID,
	PARAMS
};

typedef struct PlansKey
{
	Oid			relid;
	bool		system_columns;
} PlansKey;

typedef struct Plans
{
	char	   *table;			/* qualified and quoted */
	char	   *conflict;		/* what ON CONFLICT names */
	SPIPlanPtr	plans[STATEMENTS];	/* NULL until needed */
} Plans;

typedef struct PlansEntry
{
	PlansKey	key;
	Plans	   *plans;
} PlansEntry;

typedef struct SpiWriter
{
	KzWriter	base;
	Plans	   *plans;
} SpiWriter;

static HTAB *plan_cache = NULL;
static bool plans_changed = false;	/* a table that has plans may be gone */
static List *retired = NIL;		/* of Plans */

static bool spi_find(KzWriter *writer, const text *id, bool lock, KzRow *row);
static bool spi_insert(KzWriter *writer, const text *id, KzRow *row);
static bool spi_update(KzWriter *writer, const text *id, const KzRow *old, KzRow *row);
static bool spi_delete(KzWriter *writer, const text *id, const KzRow *old);
static void spi_close(KzWriter *writer);
static Plans *find_plans(const KzWriter *writer);
static const char *conflict_target(const KzWriter *writer);
static char *collation_name(Oid oid);
static char *opclass_name(Oid oid);
static void note_change(Datum arg, Oid relid);
static void sweep_plans(void);
static void retire_plans(PlansEntry *entry);
static void free_retired(XactEvent event, void *arg);
static SPIPlanPtr get_plan(SpiWriter *writer, Statement statement);
static char *statement_text(const SpiWriter *writer, Statement statement, int *nparams);
static bool run(SpiWriter *writer, Statement statement, Datum *values, KzRow *row);
static void plan_by_key(SPIPlanPtr plan);
static bool is_plain(const SpiWriter *writer);
static void set_old_row(const KzWriter *writer, const KzRow *old, Datum *values);
static void read_row(KzRow *row);

static const KzWriterMethods methods = {
	.find = spi_find,
	.insert = spi_insert,
	.update = spi_update,
	.delete = spi_delete,
	.close = spi_close
};

/*
 * Open the SPI writer of a collection, which is open and whose rights have
 * been checked.
 */
KzWriter *
kz_writer_spi_open(KzCollection *collection)
{
	SpiWriter  *writer = palloc0(sizeof(SpiWriter));
	MemoryContext caller = CurrentMemoryContext;

	writer->base.methods = &methods;
	writer->base.collection = collection;
	writer->base.system_columns = !kz_writer_is_foreign(&writer->base) &&
		pg_class_aclcheck(RelationGetRelid(collection->relation), GetUserId(),
						  ACL_SELECT) == ACLCHECK_OK;
	writer->plans = find_plans(&writer->base);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	/* What the caller allocates from now on must outlive SPI. */
	MemoryContextSwitchTo(caller);
	return &writer->base;
}

static void
spi_close(KzWriter *writer)
{
	SPI_finish();
}

static bool
spi_find(KzWriter *writer, const text *id, bool lock, KzRow *row)
{
	Datum		values[PARAMS];

	values[PARAM_ID] = PointerGetDatum(id);
	return run((SpiWriter *) writer, lock ? STATEMENT_LOCK : STATEMENT_FIND, values, row);
}

static bool
spi_insert(KzWriter *writer, const text *id, KzRow *row)
{
	Datum		values[PARAMS];

	values[PARAM_ID] = PointerGetDatum(id);
	values[PARAM_VERSION] = Int64GetDatum(row->version);
	values[PARAM_SOURCE] = JsonbPGetDatum(row->source);
	return run((SpiWriter *) writer, STATEMENT_INSERT, values, row);
}

static bool
spi_update(KzWriter *writer, const text *id, const KzRow *old, KzRow *row)
{
	Datum		values[PARAMS];

	values[PARAM_ID] = PointerGetDatum(id);
	values[PARAM_VERSION] = Int64GetDatum(row->version);
	values[PARAM_SOURCE] = JsonbPGetDatum(row->source);
	set_old_row(writer, old, values);
	return run((SpiWriter *) writer, STATEMENT_UPDATE, values, row);
}

static bool
spi_delete(KzWriter *writer, const text *id, const KzRow *old)
{
	Datum		values[PARAMS];

	/* The parameters have their places in all statements; these two idle. */
	values[PARAM_ID] = PointerGetDatum(id);
	values[PARAM_VERSION] = Int64GetDatum(old->version);
	values[PARAM_SOURCE] = JsonbPGetDatum(old->source);
	set_old_row(writer, old, values);
	return run((SpiWriter *) writer, STATEMENT_DELETE, values, NULL);
}

/*
 * Called once when the library is loaded.
 */
void
kz_writer_spi_init(void)
{
	CacheRegisterRelcacheCallback(note_change, (Datum) 0);
	RegisterXactCallback(free_retired, NULL);
}

/*
 * The kept plans of the writer's table under its present name.
 */
static Plans *
find_plans(const KzWriter *writer)
{
	PlansKey	key;
	PlansEntry *entry;
	Plans	   *plans;
	bool		found;
	char	   *table = kz_writer_table_name(writer);
	const char *conflict = conflict_target(writer);

	if (!plan_cache)
	{
		HASHCTL		ctl = {.keysize = sizeof(PlansKey),.entrysize = sizeof(PlansEntry)};

		plan_cache = hash_create("kz plans", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	if (plans_changed)
		sweep_plans();
	memset(&key, 0, sizeof(key));
	key.relid = RelationGetRelid(writer->collection->relation);
	key.system_columns = writer->system_columns;

	entry = hash_search(plan_cache, &key, HASH_FIND, NULL);
	if (entry && strcmp(entry->plans->table, table) == 0 &&
		strcmp(entry->plans->conflict, conflict) == 0)
		return entry->plans;
	if (entry)
		retire_plans(entry);
	/* The entry last: nothing may fail when it is there. */
	plans = MemoryContextAllocZero(TopMemoryContext, sizeof(Plans));
	plans->table = MemoryContextStrdup(TopMemoryContext, table);
	plans->conflict = MemoryContextStrdup(TopMemoryContext, conflict);
	entry = hash_search(plan_cache, &key, HASH_ENTER, &found);
	entry->plans = plans;
	return plans;
}

/*
 * What ON CONFLICT is to name, palloc'd: it keeps duplicates in the user's own unique
 * indexes from being swallowed.  A foreign table refuses it.  Any unique index on the
 * column serves, unless some of them take ids for equal that are not: then those are
 * meant that have the collation and the operator class of the key.
 */
static const char *
conflict_target(const KzWriter *writer)
{
	const KzShape *shape = &writer->collection->shape;
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (kz_writer_is_foreign(writer))
		return "";
	if (!shape->loose_unique)
		return "(_id)";
	get_atttypetypmodcoll(shape->key, 1, &type, &typmod, &collation);
	return psprintf("(_id COLLATE %s %s)", collation_name(collation),
					opclass_name(get_index_column_opclass(shape->key, 1)));
}

/* Qualified and quoted, as the next one: the search_path is the user's. */
static char *
collation_name(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(oid));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", oid);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace),
									  NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

static char *
opclass_name(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(oid));
	Form_pg_opclass form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", oid);
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->opcnamespace),
									  NameStr(form->opcname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * Relcache callback: a table has changed, InvalidOid stands for all.  The server
 * sees to it that plans are made anew; here it matters only if it was dropped.
 */
static void
note_change(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	PlansEntry *entry;

	if (!plan_cache || plans_changed)
		return;
	hash_seq_init(&seq, plan_cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
		if (!OidIsValid(relid) || entry->key.relid == relid)
			plans_changed = true;
}

/*
 * Retire the plans of tables that are gone.
 */
static void
sweep_plans(void)
{
	HASH_SEQ_STATUS seq;
	PlansEntry *entry;

	plans_changed = false;
	hash_seq_init(&seq, plan_cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
		if (get_rel_name(entry->key.relid) == NULL)
			retire_plans(entry);
}

static void
retire_plans(PlansEntry *entry)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	retired = lappend(retired, entry->plans);
	MemoryContextSwitchTo(caller);
	hash_search(plan_cache, &entry->key, HASH_REMOVE, NULL);
}

static void
free_retired(XactEvent event, void *arg)
{
	ListCell   *lc;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	foreach(lc, retired)
	{
		Plans	   *plans = lfirst(lc);

		for (int i = 0; i < STATEMENTS; i++)
			if (plans->plans[i])
				SPI_freeplan(plans->plans[i]);
		pfree(plans->table);
		pfree(plans->conflict);
		pfree(plans);
	}
	list_free(retired);
	retired = NIL;
}

static SPIPlanPtr
get_plan(SpiWriter *writer, Statement statement)
{
	static const Oid types[PARAMS] = {TEXTOID, INT8OID, JSONBOID, INT8OID, XIDOID, OIDOID};
	Oid			argtypes[PARAMS];
	SPIPlanPtr	plan = writer->plans->plans[statement];
	int			nparams;
	char	   *sql;

	if (plan)
		return plan;
	memcpy(argtypes, types, sizeof(types));
	if (!writer->base.system_columns)
		argtypes[PARAM_OLD_XMIN] = TEXTOID;
	sql = statement_text(writer, statement, &nparams);
	plan = SPI_prepare_cursor(sql, nparams, argtypes,
							  is_plain(writer) ? CURSOR_OPT_GENERIC_PLAN : 0);
	if (!plan || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare: %s", sql);
	writer->plans->plans[statement] = plan;
	return plan;
}

/* Operators are qualified: the search_path is the user's. */
#define COLUMNS "_version, _source"
#define SAME_ID "_id OPERATOR(pg_catalog.=) $1"
#define SAME_VERSION SAME_ID " AND _version OPERATOR(pg_catalog.=) $4"
#define SAME_BY_COLUMNS SAME_VERSION \
	" AND xmin OPERATOR(pg_catalog.=) $5 AND tableoid OPERATOR(pg_catalog.=) $6"
#define SAME_BY_CONTENT SAME_VERSION \
	" AND _source::pg_catalog.text OPERATOR(pg_catalog.=) $5"

/*
 * The text of a statement, palloc'd.  Rows of inheritance children are not the
 * collection's.
 */
static char *
statement_text(const SpiWriter *writer, Statement statement, int *nparams)
{
	bool		by_columns = writer->base.system_columns;
	const char *only = KZ_ONLY(writer->base.collection->relation->rd_rel->relkind);
	const char *table = writer->plans->table;
	const char *columns = by_columns ? COLUMNS ", xmin, tableoid" : COLUMNS;
	const char *same_row = by_columns ? SAME_BY_COLUMNS : SAME_BY_CONTENT;

	switch (statement)
	{
		case STATEMENT_FIND:
		case STATEMENT_LOCK:
			*nparams = 1;
			return psprintf("SELECT %s FROM %s%s WHERE " SAME_ID "%s", columns, only, table,
							statement == STATEMENT_LOCK ? " FOR NO KEY UPDATE" : "");
		case STATEMENT_INSERT:
			*nparams = 3;
			return psprintf("INSERT INTO %s (_id, _version, _source) VALUES ($1, $2, $3)"
							" ON CONFLICT %s DO NOTHING RETURNING " COLUMNS, table,
							writer->plans->conflict);
		case STATEMENT_UPDATE:
			*nparams = by_columns ? PARAMS : PARAM_OLD_XMIN + 1;
			return psprintf("UPDATE %s%s SET _version = $2, _source = $3 WHERE %s RETURNING " COLUMNS,
							only, table, same_row);
		case STATEMENT_DELETE:
			*nparams = by_columns ? PARAMS : PARAM_OLD_XMIN + 1;
			return psprintf("DELETE FROM %s%s WHERE %s", only, table, same_row);
		default:
			elog(ERROR, "unknown statement %d", statement);
	}
}

/*
 * Run a statement; false if it touched no row.  The row that it returns goes
 * to row, unless that is NULL, and into the memory context of the caller, which
 * SPI would leave for its own.
 */
static bool
run(SpiWriter *writer, Statement statement, Datum *values, KzRow *row)
{
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr	plan = get_plan(writer, statement);
	bool		touched;

	if (is_plain(writer))
		plan_by_key(plan);
	if (SPI_execute_plan(plan, values, NULL, writer->base.read_only, 0) < 0)
		elog(ERROR, "could not execute statement %d on %s", statement, writer->plans->table);
	MemoryContextSwitchTo(caller);
	touched = SPI_processed > 0;
	if (touched && row)
		read_row(row);
	SPI_freetuptable(SPI_tuptable);
	return touched;
}

/*
 * See that the generic plan of a statement is there, and that it uses the key.
 * Left to its costs, the planner would read a table that is small at this
 * moment as a whole, and the plan would go on doing so while the table grows:
 * nothing makes a plan anew in the middle of a load.  Where no index serves, as the
 * column has another collation, what is discouraged looks so costly that each
 * execution would be compiled.
 */
static void
plan_by_key(SPIPlanPtr plan)
{
	bool		saved = enable_seqscan;
	bool		saved_jit = jit_enabled;

	enable_seqscan = false;
	jit_enabled = false;
	PG_TRY();
	{
		ReleaseCachedPlan(SPI_plan_get_cached_plan(plan), CurrentResourceOwner);
	}
	PG_FINALLY();
	{
		enable_seqscan = saved;
		jit_enabled = saved_jit;
	}
	PG_END_TRY();
}

/*
 * An ordinary table, where one row is found by its key and nothing is to be
 * gained from planning again.
 */
static bool
is_plain(const SpiWriter *writer)
{
	return writer->base.collection->relation->rd_rel->relkind == RELKIND_RELATION;
}

static void
set_old_row(const KzWriter *writer, const KzRow *old, Datum *values)
{
	values[PARAM_OLD_VERSION] = Int64GetDatum(old->version);
	if (writer->system_columns)
	{
		values[PARAM_OLD_XMIN] = TransactionIdGetDatum(old->xmin);
		values[PARAM_OLD_TABLEOID] = ObjectIdGetDatum(old->tableoid);
	}
	else
		values[PARAM_OLD_XMIN] = CStringGetTextDatum(JsonbToCString(NULL, &old->source->root,
																	VARSIZE(old->source)));
}

/*
 * Copy the row that SPI returned; one that was written comes without what tells
 * it from other versions.
 */
static void
read_row(KzRow *row)
{
	memset(row, 0, sizeof(*row));
	row->version = DatumGetInt64(kz_spi_column(0, 1));
	row->source = DatumGetJsonbPCopy(kz_spi_column(0, 2));
	if (SPI_tuptable->tupdesc->natts == 2)
		return;
	row->xmin = DatumGetTransactionId(kz_spi_column(0, 3));
	row->tableoid = DatumGetObjectId(kz_spi_column(0, 4));
}

/*
 * A column of a row that SPI returned, both as SPI counts them.  Only a foreign
 * table, where NOT NULL is a promise, can have a NULL there.
 */
Datum
kz_spi_column(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
									  &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column %s of a document is null",
						SPI_fname(SPI_tuptable->tupdesc, column))));
	return value;
}
