/*
 * rows.c
 *	  The SQL functions that take arrays and return a row for each element;
 *	  contracts are in sql/kz.sql.
 *
 * Results are materialised: a LIMIT around the call never cuts writes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/json.h"
#include "protocol/argument.h"
#include "protocol/batch.h"

/* Columns of the result */
enum
{
	ROW_ORD,
	ROW_ID,
	ROW_STATUS,
	ROW_CREATED,
	ROW_VERSION,
	ROW_SOURCE,
	ROW_REASON,
	ROW_COLUMNS
};

/* Where the arguments are; the two functions differ by the defaults. */
typedef struct Arguments
{
	int			defaults;		/* -1: none */
	int			options;		/* refresh, silent, kuid, retry_on_conflict,
								 * strict, source, if_versions */
} Arguments;

static Datum write_rows(FunctionCallInfo fcinfo, KzAction action, const char *command,
						const char *name, const Arguments *arguments);
static KzEntry *read_entries(FunctionCallInfo fcinfo, KzAction action, const Arguments *arguments,
							 text **ids, int nids);
static void read_documents(FunctionCallInfo fcinfo, int n, const char *argument,
						   KzEntry *entries, int nentries, size_t member, bool required);
static void read_versions(FunctionCallInfo fcinfo, int n, KzEntry *entries, int nentries);
static void check_length(const char *argument, int length, int expected);
static void put_rows(ReturnSetInfo *result, KzEntry *entries, text **ids, int nentries,
					 bool sources);

static const Arguments update_arguments = {.defaults = -1,.options = 4};
static const Arguments upsert_arguments = {.defaults = 4,.options = 5};

PG_FUNCTION_INFO_V1(kz_update_rows);
PG_FUNCTION_INFO_V1(kz_upsert_rows);

Datum
kz_update_rows(PG_FUNCTION_ARGS)
{
	return write_rows(fcinfo, KZ_ACTION_UPDATE, "kz_update_rows()", "mUpdate", &update_arguments);
}

Datum
kz_upsert_rows(PG_FUNCTION_ARGS)
{
	return write_rows(fcinfo, KZ_ACTION_UPSERT, "kz_upsert_rows()", "mUpsert", &upsert_arguments);
}

static Datum
write_rows(FunctionCallInfo fcinfo, KzAction action, const char *command, const char *name,
		   const Arguments *arguments)
{
	int			options = arguments->options;
	bool		sources = kz_argument_flag(fcinfo, options + 5, true);
	KzCall		call;
	KzError		error;
	text	  **ids;
	int			nids;
	KzEntry    *entries;

	InitMaterializedSRF(fcinfo, 0);
	kz_call_begin(&call, fcinfo);
	ids = kz_argument_ids(fcinfo, 2, "ids", &nids);
	kz_call_read_options(&call, fcinfo, options);
	entries = read_entries(fcinfo, action, arguments, ids, nids);
	if (!kz_batch_write(&call, action, command, entries, nids, sources, &error))
		kz_error_throw(&error);
	if (kz_argument_flag(fcinfo, options + 4, false))
		kz_batch_check_strict(entries, nids, name);
	put_rows((ReturnSetInfo *) fcinfo->resultinfo, entries, ids, nids, sources);
	kz_call_end(&call);
	return (Datum) 0;
}

static KzEntry *
read_entries(FunctionCallInfo fcinfo, KzAction action, const Arguments *arguments, text **ids,
			 int nids)
{
	KzEntry    *entries = palloc_extended(Max(nids, 1) * sizeof(KzEntry), MCXT_ALLOC_HUGE);
	int			retries = kz_argument_retries(fcinfo, arguments->options + 3,
											  KZ_DEFAULT_RETRIES);

	for (int i = 0; i < nids; i++)
		kz_entry_init(&entries[i], action, retries);
	read_documents(fcinfo, 3, "changes", entries, nids, offsetof(KzEntry, body), true);
	if (arguments->defaults >= 0 && !PG_ARGISNULL(arguments->defaults))
		read_documents(fcinfo, arguments->defaults, "defaults", entries, nids,
					   offsetof(KzEntry, defaults), false);
	for (int i = 0; i < nids; i++)
		if (!entries[i].settled)
			kz_entry_set_id(&entries[i], ids[i]);
	if (!PG_ARGISNULL(arguments->options + 6))
		read_versions(fcinfo, arguments->options + 6, entries, nids);
	return entries;
}

/*
 * Read an array of objects into a member of the entries.  An element may be
 * NULL unless it is required.
 */
static void
read_documents(FunctionCallInfo fcinfo, int n, const char *argument, KzEntry *entries,
			   int nentries, size_t member, bool required)
{
	bool	   *nulls;
	int			count;
	Datum	   *elements = kz_argument_elements(fcinfo, n, argument, JSONBOID, &nulls, &count);

	check_length(argument, count, nentries);
	for (int i = 0; i < count; i++)
	{
		JsonbValue *value = (JsonbValue *) ((char *) &entries[i] + member);

		if (nulls[i])
			kz_json_set_null(value);
		else
			kz_json_set_document(value, DatumGetJsonbP(elements[i]));
		if (!kz_json_is_object(value) && (required || value->type != jbvNull) &&
			!entries[i].settled)
			kz_entry_refuse(&entries[i], required ? "document changes must be an object" :
							"document default must be an object");
	}
}

/*
 * Read an array of the versions that documents must have, NULL for any.
 */
static void
read_versions(FunctionCallInfo fcinfo, int n, KzEntry *entries, int nentries)
{
	bool	   *nulls;
	int			count;
	Datum	   *elements;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &count);
	check_length("if_versions", count, nentries);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			entries[i].item.change.if_version =
				kz_argument_natural(DatumGetInt64(elements[i]), "if_versions");
}

static void
check_length(const char *argument, int length, int expected)
{
	if (length != expected)
		kz_raise(KZ_ERROR_INVALID_ARGUMENT,
				 psprintf("It has %d elements, ids has %d.", length, expected),
				 argument, "an array as long as ids");
}

static void
put_rows(ReturnSetInfo *result, KzEntry *entries, text **ids, int nentries, bool sources)
{
	for (int i = 0; i < nentries; i++)
	{
		const KzOutcome *outcome = &entries[i].item.outcome;
		bool		failed = outcome->error.code != KZ_ERROR_NONE;
		Datum		values[ROW_COLUMNS] = {0};
		bool		nulls[ROW_COLUMNS] = {false};

		nulls[ROW_ID] = ids[i] == NULL;
		nulls[ROW_CREATED] = nulls[ROW_VERSION] = failed;
		nulls[ROW_SOURCE] = failed || !sources;
		nulls[ROW_REASON] = !failed;

		values[ROW_ORD] = Int64GetDatum((int64) i + 1);
		values[ROW_ID] = PointerGetDatum(ids[i]);
		if (failed)
		{
			values[ROW_STATUS] = Int32GetDatum(kz_error_status(&outcome->error));
			values[ROW_REASON] = CStringGetTextDatum(kz_error_reason(&outcome->error));
		}
		else
		{
			values[ROW_STATUS] = Int32GetDatum(outcome->created ? 201 : 200);
			values[ROW_CREATED] = BoolGetDatum(outcome->created);
			values[ROW_VERSION] = Int64GetDatum(outcome->version);
			values[ROW_SOURCE] = PointerGetDatum(outcome->source);
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (failed)
			pfree(DatumGetPointer(values[ROW_REASON]));
	}
}
