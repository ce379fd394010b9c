/*
 * query.c
 *	  Finding documents by what is in them.
 *
 * Queries go through SQL, whatever the writer: they are planned for the condition
 * at hand, with the user's own rights and policies, and use the user's indexes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "jit/jit.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "engine/query.h"

/* Somebody may have stored other ids with plain SQL: they come last. */
#define ORDER_BY_NUMBER \
	" ORDER BY CASE WHEN _id OPERATOR(pg_catalog.~) '^-?[0-9]{1,19}$'" \
	" THEN _id::pg_catalog.numeric END, _id"
#define ORDER_BY_BYTES " ORDER BY _id COLLATE pg_catalog.\"C\""

/*
 * The planner compares the terms of a condition with one another, which nobody can
 * cancel: 20 000 of them take it half a minute.  One with more parameters than this
 * is a single term to it, which has the same value, and uses no index.
 */
#define MAX_PARAMETERS 1000

static bool shows_versions(const KzWriter *writer);
static void put_source(StringInfo sql, const KzWriter *writer, const KzCondition *condition);
static void execute(const KzWriter *writer, const char *sql, const KzCondition *condition);

/*
 * The documents that a query finds, in its order, palloc'd; those of inheritance
 * children are not the collection's.
 */
KzFound *
kz_query_find(KzWriter *writer, const KzQuery *query, int *nfound)
{
	MemoryContext caller = CurrentMemoryContext;
	StringInfoData sql;
	KzFound    *found;
	bool		sources;

	initStringInfo(&sql);
	sources = query->sources || !shows_versions(writer);
	appendStringInfo(&sql, "SELECT _id, _version%s", sources ? ", _source" : ", xmin, tableoid");
	put_source(&sql, writer, &query->condition);
	appendStringInfoString(&sql, query->numeric_ids ? ORDER_BY_NUMBER : ORDER_BY_BYTES);
	if (query->limit >= 0)
		appendStringInfo(&sql, " LIMIT " INT64_FORMAT, query->limit);
	if (query->offset > 0)
		appendStringInfo(&sql, " OFFSET " INT64_FORMAT, query->offset);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	execute(writer, sql.data, &query->condition);
	MemoryContextSwitchTo(caller);
	*nfound = SPI_processed;
	found = palloc_extended(Max(SPI_processed, 1) * sizeof(KzFound),
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		found[i].id = DatumGetTextPCopy(kz_spi_column(i, 1));
		found[i].row.version = DatumGetInt64(kz_spi_column(i, 2));
		if (sources)
			found[i].row.source = DatumGetJsonbPCopy(kz_spi_column(i, 3));
		else
		{
			found[i].row.xmin = DatumGetTransactionId(kz_spi_column(i, 3));
			found[i].row.tableoid = DatumGetObjectId(kz_spi_column(i, 4));
		}
	}
	SPI_finish();
	return found;
}

/*
 * Whether row versions can be told by the columns that the server keeps for that.
 */
static bool
shows_versions(const KzWriter *writer)
{
	return !kz_writer_is_foreign(writer) &&
		pg_class_aclcheck(RelationGetRelid(writer->collection->relation), GetUserId(),
						  ACL_SELECT) == ACLCHECK_OK;
}

/*
 * How many documents meet a condition.
 */
int64
kz_query_count(KzWriter *writer, const KzCondition *condition)
{
	StringInfoData sql;
	int64		count;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.count(*)");
	put_source(&sql, writer, condition);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	execute(writer, sql.data, condition);
	count = DatumGetInt64(kz_spi_column(0, 1));
	SPI_finish();
	return count;
}

static void
put_source(StringInfo sql, const KzWriter *writer, const KzCondition *condition)
{
	appendStringInfo(sql, " FROM %s%s",
					 KZ_ONLY(writer->collection->relation->rd_rel->relkind),
					 kz_writer_table_name(writer));
	if (condition->sql)
		appendStringInfo(sql, condition->nparams > MAX_PARAMETERS ?
						 " WHERE (%s) OPERATOR(pg_catalog.>=) true" : " WHERE %s",
						 condition->sql);
}

/*
 * Run a query.  It is not compiled: for a condition of thousands of terms that takes
 * minutes, during which nobody can cancel it.
 */
static void
execute(const KzWriter *writer, const char *sql, const KzCondition *condition)
{
	bool		saved = jit_enabled;
	int			result;

	jit_enabled = false;
	PG_TRY();
	{
		result = SPI_execute_with_args(sql, condition->nparams, condition->types, condition->values,
									   NULL, writer->read_only, 0);
	}
	PG_FINALLY();
	{
		jit_enabled = saved;
	}
	PG_END_TRY();
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	if (SPI_processed > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a query finds more than %d documents", PG_INT32_MAX)));
}
