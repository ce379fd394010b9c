/*
 * many.c
 *	  The SQL functions for many documents; contracts are in sql/kz.sql.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "operation/read.h"
#include "protocol/answer.h"
#include "protocol/argument.h"
#include "protocol/batch.h"

static Datum write_batch(FunctionCallInfo fcinfo, const KzBatchKind *kind, const char *command,
						 bool has_retries);
static Datum read_many(FunctionCallInfo fcinfo, const char *command, bool sources);

PG_FUNCTION_INFO_V1(kz_mcreate);
PG_FUNCTION_INFO_V1(kz_mcreate_or_replace);
PG_FUNCTION_INFO_V1(kz_mreplace);
PG_FUNCTION_INFO_V1(kz_mupdate);
PG_FUNCTION_INFO_V1(kz_mupsert);
PG_FUNCTION_INFO_V1(kz_mdelete);
PG_FUNCTION_INFO_V1(kz_mget);
PG_FUNCTION_INFO_V1(kz_mexists);

Datum
kz_mcreate(PG_FUNCTION_ARGS)
{
	return write_batch(fcinfo, &kz_batch_mcreate, "kz_mcreate()", false);
}

Datum
kz_mcreate_or_replace(PG_FUNCTION_ARGS)
{
	return write_batch(fcinfo, &kz_batch_mcreate_or_replace, "kz_mcreate_or_replace()", false);
}

Datum
kz_mreplace(PG_FUNCTION_ARGS)
{
	return write_batch(fcinfo, &kz_batch_mreplace, "kz_mreplace()", false);
}

Datum
kz_mupdate(PG_FUNCTION_ARGS)
{
	return write_batch(fcinfo, &kz_batch_mupdate, "kz_mupdate()", true);
}

Datum
kz_mupsert(PG_FUNCTION_ARGS)
{
	return write_batch(fcinfo, &kz_batch_mupsert, "kz_mupsert()", true);
}

Datum
kz_mdelete(PG_FUNCTION_ARGS)
{
	KzCall		call;
	text	  **ids;
	int			nids;
	KzEntry    *entries;
	JsonbValue *sent;
	Jsonb	   *answer;
	KzError		error;

	kz_call_begin(&call, fcinfo);
	ids = kz_argument_ids(fcinfo, 2, "ids", &nids);
	kz_call_read_options(&call, fcinfo, 3);
	sent = palloc_extended(Max(nids, 1) * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nids; i++)
	{
		if (ids[i])
			kz_json_set_text(&sent[i], ids[i]);
		else
			kz_json_set_null(&sent[i]);
	}
	entries = kz_batch_read_deletions(sent, nids);
	if (!kz_batch_write(&call, KZ_ACTION_DELETE, "kz_mdelete()", entries, nids, false, &error))
		kz_error_throw(&error);
	if (kz_argument_flag(fcinfo, 6, false))
		kz_batch_check_strict(entries, nids, "delete");
	MemoryContextSwitchTo(call.caller);
	answer = kz_answer_deletions(entries, sent, nids);
	kz_call_end(&call);
	PG_RETURN_JSONB_P(answer);
}

Datum
kz_mget(PG_FUNCTION_ARGS)
{
	return read_many(fcinfo, "kz_mget()", true);
}

Datum
kz_mexists(PG_FUNCTION_ARGS)
{
	return read_many(fcinfo, "kz_mexists()", false);
}

/*
 * The body of all functions that take entries: documents, the shared options,
 * retry_on_conflict where there is one, strict, source.
 */
static Datum
write_batch(FunctionCallInfo fcinfo, const KzBatchKind *kind, const char *command,
			bool has_retries)
{
	KzCall		call;
	Jsonb	   *documents;
	Jsonb	   *answer;
	KzBatch    *batch;
	int			retries = KZ_DEFAULT_RETRIES;
	int			next = 6;
	bool		strict,
				sources;
	KzError		error;

	kz_call_begin(&call, fcinfo);
	documents = kz_argument_array(fcinfo, 2, "documents");
	kz_call_read_options(&call, fcinfo, 3);
	if (has_retries)
		retries = kz_argument_retries(fcinfo, next++, retries);
	strict = kz_argument_flag(fcinfo, next, false);
	sources = kz_argument_flag(fcinfo, next + 1, true);

	batch = kz_batch_read(kind, &documents->root, retries);
	if (!kz_batch_write(&call, kind->action, command, batch->entries, batch->nentries, sources,
						&error))
		kz_error_throw(&error);
	if (strict)
		kz_batch_check_strict(batch->entries, batch->nentries, kind->name);
	MemoryContextSwitchTo(call.caller);
	answer = kz_batch_answer(batch, sources);
	kz_call_end(&call);
	PG_RETURN_JSONB_P(answer);
}

/*
 * The body of the functions that read: ids, strict.
 */
static Datum
read_many(FunctionCallInfo fcinfo, const char *command, bool sources)
{
	KzCall		call;
	text	  **ids;
	int			nids;
	KzRow	   *rows;
	Jsonb	   *answer;
	KzError		error;

	kz_call_begin(&call, fcinfo);
	ids = kz_argument_ids(fcinfo, 2, "ids", &nids);
	for (int i = 0; i < nids; i++)
		if (!ids[i])
			kz_raise(KZ_ERROR_INVALID_ARGUMENT,
					 psprintf("Leave out element %d, which is NULL.", i + 1),
					 "ids", "an array of ids");
	rows = kz_read_many(call.index, call.collection, ids, nids, command, &error);
	if (!rows)
		kz_error_throw(&error);
	for (int i = 0; i < nids && kz_argument_flag(fcinfo, 3, false); i++)
		if (!rows[i].source)
			kz_raise(KZ_ERROR_INCOMPLETE,
					 psprintf("The first that is missing: \"%s\".", text_to_cstring(ids[i])),
					 "get");
	MemoryContextSwitchTo(call.caller);
	answer = kz_answer_rows(ids, rows, nids, sources);
	kz_call_end(&call);
	PG_RETURN_JSONB_P(answer);
}
