/*
 * target_filter.c
 *	  Filters: what they become, and what they find.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "engine/writer.h"
#include "filter/milvus.h"
#include "fuzz.h"

/* Up to 64 documents: what a filter finds is a set of bits. */
#define FIND "SELECT coalesce(bit_or(1::bigint << _version::int), 0) FROM fuzz.entities WHERE "

static const KzFilterField fields[] = {
	{.name = "id",.kind = KZ_FIELD_INTEGER,.primary = true},
	{.name = "n",.kind = KZ_FIELD_INTEGER},
	{.name = "f",.kind = KZ_FIELD_FLOAT},
	{.name = "s",.kind = KZ_FIELD_TEXT},
	{.name = "b",.kind = KZ_FIELD_BOOL},
	{.name = "j",.kind = KZ_FIELD_JSON},
	{.name = "a",.kind = KZ_FIELD_ARRAY,.element = KZ_FIELD_INTEGER},
	{.name = "t",.kind = KZ_FIELD_ARRAY,.element = KZ_FIELD_TEXT},
	{.name = "v",.kind = KZ_FIELD_VECTOR}
};

static const KzFilterSchema schema = {fields, lengthof(fields), true};

/* Quoted words that conditions may have; all others were written by a user. */
static const char *const literals[] = {
	"'number'", "'string'", "'boolean'", "'array'", "'null'", "'{}'", "'-1e1000'", "'1e1000'",
	"'strict $.**{0 to 100} ? (@.type() != \"null\" && @.type() != \"object\" && @.type() != \"array\")'",
	"'strict $.**{101}'"
};

static bool read_filter(const char *string, KzFilter *filter);
static uint64 find(const KzCondition *condition);
static void check_ids(const KzFilter *filter, uint64 found);
static void check_sql(const char *sql);
static const char *skip_literal(const char *p);

void
fuzz_filter(FuzzInput *input)
{
	char	   *string = fuzz_take_text(input);
	KzFilter	filter;
	KzFilter	negated;
	KzFilter	twice;
	uint64		found;

	if (!string || !read_filter(string, &filter) || !filter.condition.sql)
		return;
	check_sql(filter.condition.sql);
	found = find(&filter.condition);
	check_ids(&filter, found);
	if (filter.always_true)
		fuzz_require(~found == 0 || found == find(&(KzCondition) {.sql = "true"}), "what is always true finds all");

	/* A negation tells NULL and false apart, which has other SQL. */
	if (!read_filter(psprintf("not (%s)", string), &negated) ||
		!read_filter(psprintf("not (not (%s))", string), &twice))
		return;
	fuzz_require((found & find(&negated.condition)) == 0, "a filter and its negation find different documents");
	fuzz_require(found == find(&twice.condition), "a filter negated twice finds the same");
}

static bool
read_filter(const char *string, KzFilter *filter)
{
	static Jsonb *params = NULL;
	char	   *error = NULL;

	if (!params)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		params = fuzz_parse("{\"x\": 10, \"y\": [1, 2], \"z\": \"a\", \"w\": [\"a\", 1, true, [1]]}");
		MemoryContextSwitchTo(caller);
	}
	if (kz_filter_read(string, &schema, &params->root, filter, &error))
		return true;
	fuzz_require(error && *error, "a failure has a reason");
	fuzz_require(pg_verify_mbstr(PG_UTF8, error, strlen(error), true), "a reason is a text");
	return false;
}

/*
 * The versions of the documents that a condition finds.
 */
static uint64
find(const KzCondition *condition)
{
	char	   *sql = psprintf(FIND "%s", condition->sql);
	uint64		found;

	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args(sql, condition->nparams, condition->types, condition->values,
							  NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	found = DatumGetInt64(kz_spi_column(0, 1));
	SPI_finish();
	return found;
}

/*
 * Where a filter is nothing but ids, it finds no others.
 */
static void
check_ids(const KzFilter *filter, uint64 found)
{
	uint64		named = 0;

	if (!filter->by_id)
		return;
	for (int i = 0; i < filter->nids; i++)
	{
		char	   *id = text_to_cstring(filter->ids[i]);

		/* The version of each document is its id. */
		if (strlen(id) <= 2 && strspn(id, "0123456789") == strlen(id) && atoi(id) < 64)
			named |= UINT64CONST(1) << atoi(id);
	}
	fuzz_require((found & ~named) == 0, "only ids that are named are found");
}

/*
 * Nothing that a user wrote is in the SQL: no other literals, no numbers, and no
 * names, which would be quoted or unknown.
 */
static void
check_sql(const char *sql)
{
	for (const char *p = sql; *p; p++)
	{
		if (*p == '\'')
			p = skip_literal(p) - 1;
		else if (*p == '"')
		{
			fuzz_require(strncmp(p, "\"C\"", 3) == 0, "nothing but a collation is quoted");
			p += 2;
		}
		else if (*p == '$')
			p += strspn(p + 1, "0123456789");
		else
			fuzz_require(!isdigit((unsigned char) *p) && strchr(";\\{}", *p) == NULL &&
						 !IS_HIGHBIT_SET(*p), "no constant is in the SQL");
		if (*p == '-' || *p == '/')
			fuzz_require(p[1] != '-' && p[1] != '*', "no comment is in the SQL");
	}
}

static const char *
skip_literal(const char *p)
{
	for (int i = 0; i < lengthof(literals); i++)
		if (strncmp(p, literals[i], strlen(literals[i])) == 0)
			return p + strlen(literals[i]);
	fuzz_require(false, "no literal of a user is in the SQL");
	return p;
}
