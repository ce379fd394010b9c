/*
 * target_bulk.c
 *	  Functions for many documents, by both writers.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/resowner.h"

#include "engine/writer.h"
#include "base/json.h"
#include "fuzz.h"

#define NIDS 6

static const char *const calls[] = {
	"kz_mcreate('fuzz', 'docs', $1, strict => $2, source => $3)",
	"kz_mcreate_or_replace('fuzz', 'docs', $1, strict => $2, source => $3)",
	"kz_mreplace('fuzz', 'docs', $1, strict => $2, source => $3)",
	"kz_mupdate('fuzz', 'docs', $1, strict => $2, source => $3)",
	"kz_mupsert('fuzz', 'docs', $1, strict => $2, source => $3)",
	"kz_mupsert('fuzz', 'strict', $1, strict => $2, source => $3)",
	"kz_mcreate_or_replace('fuzz', 'strict', $1, strict => $2, source => $3)"
};

static Jsonb *take_entries(FuzzInput *input);
static char *run_undone(const char *call, Jsonb *entries, bool strict, bool source, const char *direct);
static char *run_call(const char *call, Jsonb *entries, bool strict, bool source);
static char *select_text(const char *sql, int nargs, Oid *types, Datum *values);

/*
 * Whichever writer is used, the answer and the documents are the same.
 */
void
fuzz_bulk(FuzzInput *input)
{
	const char *call = calls[fuzz_take(input, lengthof(calls))];
	bool		strict = fuzz_take(input, 2) == 1;
	bool		source = fuzz_take(input, 2) == 1;
	Jsonb	   *entries = take_entries(input);
	char	   *direct = run_undone(call, entries, strict, source, "on");
	char	   *through_sql = run_undone(call, entries, strict, source, "off");

	if (strcmp(direct, through_sql) == 0)
		return;
	write_stderr("%s\n%s\n%s\n", call, direct, through_sql);
	fuzz_require(false, "both writers do the same");
}

/*
 * An array of entries, most of which are well-formed; all have ids, as generated
 * ones differ; 0 would be none.
 */
static Jsonb *
take_entries(FuzzInput *input)
{
	JsonbValue	entries[32];
	int			n = fuzz_take(input, lengthof(entries));

	for (int i = 0; i < n; i++)
	{
		JsonbPair	pairs[4];
		int			npairs = 0;
		uint32		kind = fuzz_take(input, 8);

		kz_json_set_string(&pairs[npairs].key, "_id");
		if (kind == 0)
			kz_json_set_int64(&pairs[npairs].value, 1 + fuzz_take(input, NIDS));
		else
			kz_json_set_string(&pairs[npairs].value, psprintf("d%d", fuzz_take(input, NIDS)));
		npairs++;
		if (kind != 1)
		{
			kz_json_set_string(&pairs[npairs].key, "body");
			kz_json_set_document(&pairs[npairs++].value, fuzz_take_object(input));
			kz_json_set_string(&pairs[npairs].key, "changes");
			pairs[npairs].value = pairs[npairs - 1].value;
			npairs++;
		}
		if (kind == 2)
		{
			kz_json_set_string(&pairs[npairs].key, "default");
			kz_json_set_document(&pairs[npairs++].value, fuzz_take_object(input));
		}
		kz_json_set_document(&entries[i], kz_json_object(pairs, npairs));
	}
	return kz_json_array(entries, n);
}

/*
 * The answer to a call and what is stored behind it, or the error that it raised;
 * what it has written is undone.
 */
static char *
run_undone(const char *call, Jsonb *entries, bool strict, bool source, const char *direct)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile outcome = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	SetConfigOption("kz.direct_writes", direct, PGC_USERSET, PGC_S_SESSION);
	PG_TRY();
	{
		outcome = run_call(call, entries, strict, source);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		fuzz_require(strncmp(unpack_sql_state(error->sqlerrcode), "XX", 2) != 0, "no error is internal");
		outcome = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return outcome;
}

static char *
run_call(const char *call, Jsonb *entries, bool strict, bool source)
{
	Oid			types[] = {JSONBOID, BOOLOID, BOOLOID};
	Datum		values[] = {JsonbPGetDatum(entries), BoolGetDatum(strict), BoolGetDatum(source)};
	char	   *answer = select_text(psprintf("SELECT %s::text", call), 3, types, values);
	char	   *stored = select_text("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM "
									 "(SELECT _id, _version, _source FROM fuzz.docs UNION ALL "
									 "SELECT _id, _version, _source FROM fuzz.strict) AS t", 0, NULL, NULL);

	return psprintf("%s\n%s", answer, stored);
}

static char *
select_text(const char *sql, int nargs, Oid *types, Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	char	   *result;

	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	result = MemoryContextStrdup(caller, TextDatumGetCString(kz_spi_column(0, 1)));
	SPI_finish();
	return result;
}
