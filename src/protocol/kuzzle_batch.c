/*
 * kuzzle_batch.c
 *	  Kuzzle's document controller: the actions for many documents.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "document/identity.h"
#include "operation/read.h"
#include "protocol/answer.h"
#include "protocol/kuzzle.h"

/* Kuzzle's SDK retries one document ten times, and many not at all. */
#define BATCH_RETRIES 0

/* Ids of a request, not all of them strings perhaps */
typedef struct Ids
{
	const char *source;			/* where they are, for messages */
	JsonbValue *values;
	int			count;
} Ids;

static bool write_batch(KzRequest *request, const KzBatchKind *kind, const char *command);
static bool read_many(KzRequest *request, const char *command, bool sources);
static bool read_ids(KzRequest *request, const char *missing, Ids *ids);
static bool split_ids(const JsonbValue *joined, Ids *ids);
static bool check_found(KzRequest *request, const Ids *ids);
static int	compare_strings(const void *a, const void *b);
static bool make_texts(KzRequest *request, const Ids *ids, text ***texts);

bool
kz_request_mcreate(KzRequest *request)
{
	return write_batch(request, &kz_batch_mcreate, "document:mCreate");
}

bool
kz_request_mcreate_or_replace(KzRequest *request)
{
	return write_batch(request, &kz_batch_mcreate_or_replace, "document:mCreateOrReplace");
}

bool
kz_request_mreplace(KzRequest *request)
{
	return write_batch(request, &kz_batch_mreplace, "document:mReplace");
}

bool
kz_request_mupdate(KzRequest *request)
{
	return write_batch(request, &kz_batch_mupdate, "document:mUpdate");
}

bool
kz_request_mupsert(KzRequest *request)
{
	return write_batch(request, &kz_batch_mupsert, "document:mUpsert");
}

bool
kz_request_mdelete(KzRequest *request)
{
	Ids			ids;
	KzEntry    *entries;
	JsonbValue	body;
	bool		strict = false;

	if ((!request->given[KZ_KEY_IDS] && !kz_request_body(request, &body)) ||
		!read_ids(request, "body.ids", &ids) ||
		!kz_request_flag(request, KZ_KEY_STRICT, &strict) ||
		!kz_request_write_options(request, NULL) ||
		!check_found(request, &ids))
		return false;
	entries = kz_batch_read_deletions(ids.values, ids.count);
	return kz_batch_write(&request->call, KZ_ACTION_DELETE, "document:mDelete", entries,
						  ids.count, false, &request->error) &&
		kz_request_answer_lists(request, kz_answer_deletions(entries, ids.values, ids.count),
								strict, "delete");
}

bool
kz_request_mget(KzRequest *request)
{
	return read_many(request, "document:mGet", true);
}

bool
kz_request_mexists(KzRequest *request)
{
	return read_many(request, "document:mExists", false);
}

/*
 * The body of the actions that take entries.
 */
static bool
write_batch(KzRequest *request, const KzBatchKind *kind, const char *command)
{
	const JsonbValue *source = &request->values[KZ_KEY_SOURCE];
	JsonbValue	documents;
	KzBatch    *batch;
	bool		strict = false;
	bool		sources = true;
	bool		may_retry = kind == &kz_batch_mupdate || kind == &kz_batch_mupsert;
	int			retries = may_retry ? BATCH_RETRIES : KZ_DEFAULT_RETRIES;

	if (!kz_request_flag(request, KZ_KEY_STRICT, &strict) ||
		!kz_request_flag(request, KZ_KEY_SILENT, &request->call.silent) ||
		!kz_request_refresh(request) ||
		!kz_request_body_array(request, "documents", true, &documents) ||
		!kz_request_names(request) ||
		(may_retry && !kz_request_retries(request, false, &retries)))
		return false;
	if (kz_documents_write_limit > 0 &&
		JsonContainerSize(documents.val.binary.data) > kz_documents_write_limit)
		return kz_request_fail(request, KZ_ERROR_WRITE_LIMIT, NULL, NULL);
	if (kind == &kz_batch_mcreate_or_replace)
		sources = !kz_json_equals(source, "false") &&
			(source->type != jbvBool || source->val.boolean);

	batch = kz_batch_read(kind, documents.val.binary.data, retries);
	return kz_batch_write(&request->call, kind->action, command, batch->entries,
						  batch->nentries, sources, &request->error) &&
		kz_request_answer_lists(request, kz_batch_answer(batch, sources), strict, kind->name);
}

/*
 * Answer with {errors, successes}; if strict, errors make it a failure, while what
 * succeeded stays written, as in Kuzzle.
 */
bool
kz_request_answer_lists(KzRequest *request, Jsonb *answer, bool strict, const char *action)
{
	JsonbValue	errors;

	kz_json_set_document(&request->result, answer);
	if (!strict || !kz_json_field(&answer->root, "errors", &errors) ||
		JsonContainerSize(errors.val.binary.data) == 0)
		return true;
	request->errors = kz_json_document(&errors);
	return kz_request_fail(request, KZ_ERROR_INCOMPLETE, action, NULL);
}

/*
 * The body of mGet and mExists.
 */
static bool
read_many(KzRequest *request, const char *command, bool sources)
{
	Ids			ids;
	text	  **texts;
	KzRow	   *rows;
	bool		strict = false;
	bool		too_many;

	if (!read_ids(request, "ids", &ids))
		return false;
	too_many = kz_documents_fetch_limit > 0 && ids.count > kz_documents_fetch_limit;
	if (!make_texts(request, &ids, too_many ? NULL : &texts) ||
		!kz_request_names(request) ||
		!kz_request_flag(request, KZ_KEY_STRICT, &strict))
		return false;
	if (too_many)
		return kz_request_fail(request, KZ_ERROR_FETCH_LIMIT, NULL, NULL);
	rows = kz_read_many(request->call.index, request->call.collection, texts, ids.count, command,
						&request->error);
	return rows &&
		kz_request_answer_lists(request, kz_answer_rows(texts, rows, ids.count, sources), strict,
								"get");
}

/*
 * Read ids: those of the body if there are any, else those beside it, where they
 * may also be joined by commas.  missing is what is called missing if there are
 * neither.
 */
static bool
read_ids(KzRequest *request, const char *missing, Ids *ids)
{
	JsonbValue	list = {.type = jbvNull};
	KzJsonCursor cursor;

	memset(ids, 0, sizeof(*ids));
	ids->source = "body.ids";
	if (!kz_request_body_array(request, "ids", false, &list))
		return false;
	if ((list.type == jbvNull || JsonContainerSize(list.val.binary.data) == 0) &&
		request->given[KZ_KEY_IDS])
	{
		list = request->values[KZ_KEY_IDS];
		ids->source = "ids";
		if (list.type == jbvString)
			return split_ids(&list, ids);
		if (!kz_json_is_array(&list))
			return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "ids", "array");
	}
	if (list.type == jbvNull)
		return kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, missing, NULL);

	ids->values = palloc_extended(Max(JsonContainerSize(list.val.binary.data), 1) *
								  sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	kz_json_values(&cursor, list.val.binary.data);
	while (kz_json_next(&cursor, &ids->values[ids->count]))
		ids->count++;
	return true;
}

static bool
split_ids(const JsonbValue *joined, Ids *ids)
{
	char	   *start = kz_json_string(joined);
	int			count = 1;

	for (const char *p = start; *p; p++)
		count += *p == ',';
	ids->values = palloc_extended(count * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	while (start)
	{
		char	   *comma = strchr(start, ',');

		if (comma)
			*comma++ = '\0';
		if (*start)
			kz_json_set_string(&ids->values[ids->count++], start);
		start = comma;
	}
	return true;
}

/*
 * Kuzzle's limit of mDelete is for the documents that are found, each counted once.
 */
static bool
check_found(KzRequest *request, const Ids *ids)
{
	JsonbValue *sorted = palloc_extended(Max(ids->count, 1) * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	text	  **texts = palloc_extended(Max(ids->count, 1) * sizeof(text *), MCXT_ALLOC_HUGE);
	int			nstrings = 0;
	int			ntexts = 0;
	int			nfound = 0;
	KzRow	   *rows;

	if (kz_documents_write_limit <= 0 || ids->count <= kz_documents_write_limit)
		return true;
	for (int i = 0; i < ids->count; i++)
		if (ids->values[i].type == jbvString)
			sorted[nstrings++] = ids->values[i];
	qsort(sorted, nstrings, sizeof(JsonbValue), compare_strings);
	for (int i = 0; i < nstrings; i++)
		if (i == 0 || compare_strings(&sorted[i], &sorted[i - 1]) != 0)
			texts[ntexts++] = kz_json_text(&sorted[i]);

	rows = kz_read_many(request->call.index, request->call.collection, texts, ntexts,
						"document:mDelete", &request->error);
	if (!rows)
		return false;
	for (int i = 0; i < ntexts; i++)
		nfound += rows[i].source != NULL;
	return nfound <= kz_documents_write_limit ||
		kz_request_fail(request, KZ_ERROR_WRITE_LIMIT, NULL, NULL);
}

static int
compare_strings(const void *a, const void *b)
{
	return kz_json_compare_keys(a, b);
}

/*
 * Ids as text; numbers and booleans are taken for strings, as Kuzzle does.  With
 * NULL they are only checked.
 */
static bool
make_texts(KzRequest *request, const Ids *ids, text ***texts)
{
	if (texts)
		*texts = palloc_extended(Max(ids->count, 1) * sizeof(text *), MCXT_ALLOC_HUGE);
	for (int i = 0; i < ids->count; i++)
	{
		const JsonbValue *id = &ids->values[i];
		text	   *string = NULL;

		if (id->type == jbvNumeric)
		{
			string = kz_request_number_id(id);
			if (!string)
				return kz_request_fail(request, KZ_ERROR_INVALID_ARGUMENT, ids->source,
									   "strings of 1 to 512 bytes");
		}
		else if (id->type != jbvString && id->type != jbvBool)
			return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, ids->source, "array of strings");
		if (!texts)
			continue;
		(*texts)[i] = string ? string : id->type == jbvString ? kz_json_text(id) :
			cstring_to_text(id->val.boolean ? "true" : "false");
	}
	return true;
}

/*
 * A number as an id, as JavaScript writes it; NULL if it is too long for one: a
 * number of a few bytes can have thousands of digits.
 */
text *
kz_request_number_id(const JsonbValue *number)
{
	char	   *digits = numeric_normalize(number->val.numeric);
	text	   *id = strlen(digits) <= KZ_ID_MAX_BYTES ? cstring_to_text(digits) : NULL;

	pfree(digits);
	return id;
}
