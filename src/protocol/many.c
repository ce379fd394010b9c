/*
 * many.c
 *	  The SQL functions for many documents; contracts are in sql/kz.sql.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "operation/read.h"
#include "protocol/argument.h"
#include "protocol/batch.h"

static Datum write_batch(FunctionCallInfo fcinfo, const KzBatchKind *kind, const char *command,
						 bool has_retries);
static KzEntry *read_deletions(text **ids, int nids);
static Jsonb *answer_deletions(const KzEntry *entries, text **ids, int nids);
static void put_deletion_error(KzJsonWriter *array, const KzEntry *entry, const text *id);
static Datum read_many(FunctionCallInfo fcinfo, const char *command, bool sources);
static Jsonb *answer_read(text **ids, const KzRow *rows, int nids, bool sources);
static void put_row(KzJsonWriter *array, const text *id, const KzRow *row);

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
	Jsonb	   *answer;

	kz_call_begin(&call, fcinfo);
	ids = kz_argument_ids(fcinfo, 2, "ids", &nids);
	kz_call_read_options(&call, fcinfo, 3);
	entries = read_deletions(ids, nids);
	kz_batch_write(&call, KZ_ACTION_DELETE, "kz_mdelete()", entries, nids, false);
	if (kz_argument_flag(fcinfo, 6, false))
		kz_batch_check_strict(entries, nids, "delete");
	MemoryContextSwitchTo(call.caller);
	answer = answer_deletions(entries, ids, nids);
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

	kz_call_begin(&call, fcinfo);
	documents = kz_argument_array(fcinfo, 2, "documents");
	kz_call_read_options(&call, fcinfo, 3);
	if (has_retries)
		retries = kz_argument_retries(fcinfo, next++, retries);
	strict = kz_argument_flag(fcinfo, next, false);
	sources = kz_argument_flag(fcinfo, next + 1, true);

	batch = kz_batch_read(kind, documents, retries);
	kz_batch_write(&call, kind->action, command, batch->entries, batch->nentries, sources);
	if (strict)
		kz_batch_check_strict(batch->entries, batch->nentries, kind->name);
	MemoryContextSwitchTo(call.caller);
	answer = kz_batch_answer(batch, sources);
	kz_call_end(&call);
	PG_RETURN_JSONB_P(answer);
}

static KzEntry *
read_deletions(text **ids, int nids)
{
	KzEntry    *entries = palloc_extended(Max(nids, 1) * sizeof(KzEntry), MCXT_ALLOC_HUGE);

	for (int i = 0; i < nids; i++)
	{
		kz_entry_init(&entries[i], KZ_ACTION_DELETE, KZ_DEFAULT_RETRIES);
		kz_entry_set_id(&entries[i], ids[i]);
	}
	return entries;
}

/*
 * {errors: [{_id, reason, status}], successes: [_id]}; first the errors of ids
 * that are none.  An id that is there more than once counts once.
 */
static Jsonb *
answer_deletions(const KzEntry *entries, text **ids, int nids)
{
	StringInfoData buffer;
	KzJsonWriter root,
				array;
	JsonbValue	value;
	int			nerrors = 0,
				nsuccesses = 0;

	for (int i = 0; i < nids; i++)
	{
		if (entries[i].item.before)
			continue;
		if (entries[i].item.outcome.error.code != KZ_ERROR_NONE)
			nerrors++;
		else
			nsuccesses++;
	}

	kz_batch_begin_answer(&root, &buffer);
	kz_json_begin_array(&array, &buffer, nerrors);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < nids; i++)
		{
			bool		no_id = !ids[i] || VARSIZE_ANY_EXHDR(ids[i]) == 0;

			if (no_id == (pass == 0) &&
				entries[i].item.outcome.error.code != KZ_ERROR_NONE)
				put_deletion_error(&array, &entries[i], ids[i]);
		}
	kz_json_put_entry(&root, kz_json_end(&array));

	kz_json_begin_array(&array, &buffer, nsuccesses);
	for (int i = 0; i < nids; i++)
		if (!entries[i].item.before && entries[i].item.outcome.error.code == KZ_ERROR_NONE)
		{
			kz_json_set_text(&value, ids[i]);
			kz_json_put(&array, &value);
		}
	kz_json_put_entry(&root, kz_json_end(&array));
	kz_json_end(&root);
	return kz_json_finish(&buffer);
}

static void
put_deletion_error(KzJsonWriter *array, const KzEntry *entry, const text *id)
{
	const KzError *error = &entry->item.outcome.error;
	JsonbPair	pairs[3];

	kz_json_set_string(&pairs[0].key, "_id");
	if (id)
		kz_json_set_text(&pairs[0].value, id);
	else
		kz_json_set_null(&pairs[0].value);
	kz_json_set_string(&pairs[1].key, "reason");
	kz_json_set_string(&pairs[1].value, kz_error_reason(error));
	kz_json_set_string(&pairs[2].key, "status");
	kz_json_set_int64(&pairs[2].value, kz_error_status(error));
	kz_json_put_object(array, pairs, 3);
	pfree(pairs[1].value.val.string.val);
	pfree(pairs[2].value.val.numeric);
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

	kz_call_begin(&call, fcinfo);
	ids = kz_argument_ids(fcinfo, 2, "ids", &nids);
	for (int i = 0; i < nids; i++)
		if (!ids[i])
			kz_raise(KZ_ERROR_INVALID_ARGUMENT,
					 psprintf("Leave out element %d, which is NULL.", i + 1),
					 "ids", "an array of ids");
	rows = kz_read_many(call.index, call.collection, ids, nids, command);
	for (int i = 0; i < nids && kz_argument_flag(fcinfo, 3, false); i++)
		if (!rows[i].source)
			kz_raise(KZ_ERROR_INCOMPLETE,
					 psprintf("The first that is missing: \"%s\".", text_to_cstring(ids[i])),
					 "get");
	MemoryContextSwitchTo(call.caller);
	answer = answer_read(ids, rows, nids, sources);
	kz_call_end(&call);
	PG_RETURN_JSONB_P(answer);
}

/*
 * {errors: [_id], successes: [...]}: the documents that are there, or only
 * their ids.
 */
static Jsonb *
answer_read(text **ids, const KzRow *rows, int nids, bool sources)
{
	StringInfoData buffer;
	KzJsonWriter root,
				array;
	JsonbValue	id;
	int			nfound = 0;

	for (int i = 0; i < nids; i++)
		nfound += rows[i].source != NULL;

	kz_batch_begin_answer(&root, &buffer);
	for (int found = 0; found < 2; found++)
	{
		kz_json_begin_array(&array, &buffer, found ? nfound : nids - nfound);
		for (int i = 0; i < nids; i++)
		{
			if ((rows[i].source != NULL) != found)
				continue;
			kz_json_set_text(&id, ids[i]);
			if (found && sources)
				put_row(&array, ids[i], &rows[i]);
			else
				kz_json_put(&array, &id);
		}
		kz_json_put_entry(&root, kz_json_end(&array));
	}
	kz_json_end(&root);
	return kz_json_finish(&buffer);
}

static void
put_row(KzJsonWriter *array, const text *id, const KzRow *row)
{
	JsonbPair	pairs[3];

	kz_json_set_string(&pairs[0].key, "_id");
	kz_json_set_text(&pairs[0].value, id);
	kz_json_set_string(&pairs[1].key, "_source");
	kz_json_set_document(&pairs[1].value, row->source);
	kz_json_set_string(&pairs[2].key, "_version");
	kz_json_set_int64(&pairs[2].value, row->version);
	kz_json_put_object(array, pairs, 3);
	pfree(pairs[2].value.val.numeric);
}
