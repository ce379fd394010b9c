/*
 * kuzzle_document.c
 *	  Kuzzle's document controller.
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

static bool read_defaults(KzRequest *request, JsonbValue *defaults);
static bool write_document(KzRequest *request, KzEntry *entry, const text *id, int parts,
						   const char *command);
static bool write_batch(KzRequest *request, const KzBatchKind *kind, const char *command);
static bool read_many(KzRequest *request, const char *command, bool sources);
static bool read_ids(KzRequest *request, JsonbValue **ids, int *nids);
static bool split_ids(const JsonbValue *joined, JsonbValue **ids, int *nids);
static bool check_found(KzRequest *request, const JsonbValue *ids, int nids);
static bool make_texts(KzRequest *request, const JsonbValue *ids, int nids, text ***texts);

static bool
document_create(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;
	bool		silent;

	kz_entry_init(&entry, KZ_ACTION_CREATE, KZ_DEFAULT_RETRIES);
	if (!kz_request_optional_id(request, &id) ||
		!kz_request_flag(request, KZ_KEY_SILENT, &silent) ||
		!kz_request_names(request) ||
		!kz_request_body(request, &entry.body))
		return false;
	if (!id)
		id = kz_identity_generate();
	return write_document(request, &entry, id, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION,
						  "document:create");
}

static bool
document_create_or_replace(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;

	kz_entry_init(&entry, KZ_ACTION_CREATE_OR_REPLACE, KZ_DEFAULT_RETRIES);
	return kz_request_id(request, &id) &&
		kz_request_body(request, &entry.body) &&
		kz_request_write_options(request, NULL) &&
		write_document(request, &entry, id,
					   KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION | KZ_ANSWER_CREATED,
					   "document:createOrReplace");
}

static bool
document_replace(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;

	kz_entry_init(&entry, KZ_ACTION_REPLACE, KZ_DEFAULT_RETRIES);
	return kz_request_id(request, &id) &&
		kz_request_body(request, &entry.body) &&
		kz_request_write_options(request, NULL) &&
		write_document(request, &entry, id, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION,
					   "document:replace");
}

static bool
document_update(KzRequest *request)
{
	KzEntry		entry;
	KzOutcome  *outcome = &entry.item.outcome;
	text	   *id;
	bool		source = false;

	kz_entry_init(&entry, KZ_ACTION_UPDATE, KZ_DEFAULT_RETRIES);
	if (!kz_request_id(request, &id) ||
		!kz_request_body(request, &entry.body) ||
		!kz_request_write_options(request, &source) ||
		!kz_request_integer(request, KZ_KEY_RETRY_ON_CONFLICT, &entry.item.change.retries))
		return false;
	entry.item.change.id = id;
	if (!kz_request_write(request, &entry, "document:update"))
		return false;
	if (!source)
		outcome->source = kz_stamp_carry(&request->call.stamp, kz_json_document(&entry.body),
										 outcome->source);
	kz_json_set_document(&request->result,
						 kz_answer_document(id, outcome, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION));
	return true;
}

static bool
document_upsert(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;
	bool		source = false;

	kz_entry_init(&entry, KZ_ACTION_UPSERT, KZ_DEFAULT_RETRIES);
	return kz_request_id(request, &id) &&
		kz_request_body_object(request, "changes", true, &entry.body) &&
		read_defaults(request, &entry.defaults) &&
		kz_request_write_options(request, &source) &&
		kz_request_integer(request, KZ_KEY_RETRY_ON_CONFLICT, &entry.item.change.retries) &&
		write_document(request, &entry, id,
					   KZ_ANSWER_VERSION | KZ_ANSWER_CREATED | (source ? KZ_ANSWER_SOURCE : 0),
					   "document:upsert");
}

static bool
document_delete(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;
	bool		source = false;

	kz_entry_init(&entry, KZ_ACTION_DELETE, KZ_DEFAULT_RETRIES);
	return kz_request_id(request, &id) &&
		kz_request_write_options(request, &source) &&
		write_document(request, &entry, id, source ? KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION : 0,
					   "document:delete");
}

static bool
document_delete_fields(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;
	bool		source = false;
	JsonbValue	fields;
	JsonbValue	field;
	KzJsonCursor cursor;

	kz_entry_init(&entry, KZ_ACTION_DELETE_FIELDS, KZ_DEFAULT_RETRIES);
	if (!kz_request_id(request, &id) ||
		!kz_request_body_array(request, "fields", true, &fields) ||
		!kz_request_write_options(request, &source))
		return false;
	kz_json_values(&cursor, fields.val.binary.data);
	while (kz_json_next(&cursor, &field))
	{
		if (field.type != jbvString)
			return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "body.fields",
								   "array of strings");
		entry.item.change.fields = lappend(entry.item.change.fields, kz_json_string(&field));
	}
	return write_document(request, &entry, id,
						  KZ_ANSWER_VERSION | (source ? KZ_ANSWER_SOURCE : 0),
						  "document:deleteFields");
}

static bool
document_get(KzRequest *request)
{
	text	   *id;
	KzRow		row;
	KzOutcome	outcome;

	if (!kz_request_id(request, &id) || !kz_request_names(request))
		return false;
	if (kz_json_equals(&request->values[KZ_KEY_ID], "_search"))
		return kz_request_fail(request, KZ_ERROR_SEARCH_AS_ID, NULL, NULL);
	if (!kz_read_one(request->call.index, request->call.collection, id, "document:get", &row,
					 &request->error))
		return false;
	outcome.version = row.version;
	outcome.source = row.source;
	kz_json_set_document(&request->result,
						 kz_answer_document(id, &outcome, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION));
	return true;
}

static bool
document_exists(KzRequest *request)
{
	text	   *id;
	KzRow		row;
	bool		found;

	if (!kz_request_id(request, &id) || !kz_request_names(request))
		return false;
	found = kz_read_one(request->call.index, request->call.collection, id, "document:exists",
						&row, &request->error);
	if (!found && request->error.code != KZ_ERROR_NOT_FOUND)
		return false;
	kz_json_set_bool(&request->result, found);
	return true;
}

/*
 * Counts all documents: a query is for a later time.
 */
static bool
document_count(KzRequest *request)
{
	JsonbValue	query = {.type = jbvNull};
	int			number;
	char	   *scroll;
	int64		count;
	JsonbPair	pair;

	if (!kz_request_integer(request, KZ_KEY_FROM, &number) ||
		!kz_request_integer(request, KZ_KEY_SIZE, &number) ||
		!kz_request_string(request, KZ_KEY_SCROLL, &scroll) ||
		!kz_request_body_object(request, "query", false, &query) ||
		!kz_request_names(request))
		return false;
	if (query.type != jbvNull && JsonContainerSize(query.val.binary.data) > 0)
		return kz_request_fail(request, KZ_ERROR_NOT_SUPPORTED, "document", "count with a query");
	if (!kz_read_count(request->call.index, request->call.collection, "document:count", &count,
					   &request->error))
		return false;
	kz_json_set_string(&pair.key, "count");
	kz_json_set_int64(&pair.value, count);
	kz_json_set_document(&request->result, kz_json_object(&pair, 1));
	return true;
}

/*
 * Validates against the specifications of the collection, of which kz has none.
 */
static bool
document_validate(KzRequest *request)
{
	JsonbValue	body;
	JsonbPair	pairs[2];
	KzCollectionRow row;

	if (!kz_request_body(request, &body) || !kz_request_names(request))
		return false;
	kz_collection_require(request->call.index, request->call.collection, &row);
	kz_json_set_string(&pairs[0].key, "valid");
	kz_json_set_bool(&pairs[0].value, true);
	kz_json_set_string(&pairs[1].key, "errorMessages");
	kz_json_set_document(&pairs[1].value, kz_json_object(NULL, 0));
	kz_json_set_document(&request->result, kz_json_object(pairs, 2));
	return true;
}

static bool
document_mcreate(KzRequest *request)
{
	return write_batch(request, &kz_batch_mcreate, "document:mCreate");
}

static bool
document_mcreate_or_replace(KzRequest *request)
{
	return write_batch(request, &kz_batch_mcreate_or_replace, "document:mCreateOrReplace");
}

static bool
document_mreplace(KzRequest *request)
{
	return write_batch(request, &kz_batch_mreplace, "document:mReplace");
}

static bool
document_mupdate(KzRequest *request)
{
	return write_batch(request, &kz_batch_mupdate, "document:mUpdate");
}

static bool
document_mupsert(KzRequest *request)
{
	return write_batch(request, &kz_batch_mupsert, "document:mUpsert");
}

static bool
document_mdelete(KzRequest *request)
{
	JsonbValue *ids;
	int			nids;
	KzEntry    *entries;
	bool		strict = false;

	if (!read_ids(request, &ids, &nids) ||
		!kz_request_flag(request, KZ_KEY_STRICT, &strict) ||
		!kz_request_write_options(request, NULL) ||
		!check_found(request, ids, nids))
		return false;
	entries = kz_batch_read_deletions(ids, nids);
	return kz_batch_write(&request->call, KZ_ACTION_DELETE, "document:mDelete", entries, nids,
						  false, &request->error) &&
		kz_request_answer_lists(request, kz_answer_deletions(entries, ids, nids), strict,
								"delete");
}

static bool
document_mget(KzRequest *request)
{
	return read_many(request, "document:mGet", true);
}

static bool
document_mexists(KzRequest *request)
{
	return read_many(request, "document:mExists", false);
}

/*
 * Kuzzle's Dart SDK calls "defaults" what the others call "default".
 */
static bool
read_defaults(KzRequest *request, JsonbValue *defaults)
{
	if (!kz_request_body_object(request, "default", false, defaults))
		return false;
	return defaults->type != jbvNull ||
		kz_request_body_object(request, "defaults", false, defaults);
}

/*
 * Have one entry written; its outcome is no failure then.
 */
bool
kz_request_write(KzRequest *request, KzEntry *entry, const char *command)
{
	KzWriter   *writer = kz_writer_open(request->call.index, request->call.collection,
										kz_action_rights(entry->item.change.action), command,
										&request->error);

	if (!writer)
		return false;
	kz_entry_write(writer, entry, &request->call.stamp);
	kz_writer_close(writer);
	request->error = entry->item.outcome.error;
	return request->error.code == KZ_ERROR_NONE;
}

/*
 * Have one document written, and answer with the parts of it that are asked for.
 */
static bool
write_document(KzRequest *request, KzEntry *entry, const text *id, int parts,
			   const char *command)
{
	entry->item.change.id = unconstify(text *, id);
	if (!kz_request_write(request, entry, command))
		return false;
	kz_json_set_document(&request->result,
						 kz_answer_document(id, &entry->item.outcome, parts));
	return true;
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
	bool		silent;
	bool		sources = true;
	int			retries = BATCH_RETRIES;

	if (!kz_request_flag(request, KZ_KEY_STRICT, &strict) ||
		!kz_request_flag(request, KZ_KEY_SILENT, &silent) ||
		!kz_request_refresh(request) ||
		!kz_request_body_array(request, "documents", true, &documents) ||
		!kz_request_names(request) ||
		!kz_request_integer(request, KZ_KEY_RETRY_ON_CONFLICT, &retries))
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
	JsonbValue *ids;
	text	  **texts;
	int			nids;
	KzRow	   *rows;
	bool		strict = false;

	if (!read_ids(request, &ids, &nids) ||
		!make_texts(request, ids, nids, &texts) ||
		!kz_request_names(request) ||
		!kz_request_flag(request, KZ_KEY_STRICT, &strict))
		return false;
	if (kz_documents_fetch_limit > 0 && nids > kz_documents_fetch_limit)
		return kz_request_fail(request, KZ_ERROR_FETCH_LIMIT, NULL, NULL);
	rows = kz_read_many(request->call.index, request->call.collection, texts, nids, command,
						&request->error);
	return rows &&
		kz_request_answer_lists(request, kz_answer_rows(texts, rows, nids, sources), strict,
								"get");
}

/*
 * Read ids: those of the body if there are any, else those beside it, where they
 * may also be joined by commas.
 */
static bool
read_ids(KzRequest *request, JsonbValue **ids, int *nids)
{
	JsonbValue	list = {.type = jbvNull};
	KzJsonCursor cursor;
	bool		has_body = request->values[KZ_KEY_BODY].type != jbvNull;

	*nids = 0;
	if (!kz_request_body_array(request, "ids", false, &list))
		return false;
	if ((list.type == jbvNull || JsonContainerSize(list.val.binary.data) == 0) &&
		request->given[KZ_KEY_IDS])
		list = request->values[KZ_KEY_IDS];
	if (list.type == jbvString)
		return split_ids(&list, ids, nids);
	if (list.type == jbvNull && !request->given[KZ_KEY_IDS])
	{
		*ids = NULL;
		return has_body || kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, "ids", NULL);
	}
	if (!kz_json_is_array(&list))
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "ids", "array");

	*ids = palloc_extended(Max(JsonContainerSize(list.val.binary.data), 1) * sizeof(JsonbValue),
						   MCXT_ALLOC_HUGE);
	kz_json_values(&cursor, list.val.binary.data);
	while (kz_json_next(&cursor, &(*ids)[*nids]))
		++* nids;
	return true;
}

static bool
split_ids(const JsonbValue *joined, JsonbValue **ids, int *nids)
{
	char	   *start = kz_json_string(joined);
	int			count = 1;

	for (const char *p = start; *p; p++)
		count += *p == ',';
	*ids = palloc_extended(count * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	while (start)
	{
		char	   *comma = strchr(start, ',');

		if (comma)
			*comma++ = '\0';
		if (*start)
			kz_json_set_string(&(*ids)[(*nids)++], start);
		start = comma;
	}
	return true;
}

/*
 * Kuzzle's limit of mDelete is for the documents that are found.
 */
static bool
check_found(KzRequest *request, const JsonbValue *ids, int nids)
{
	text	  **texts = palloc_extended(Max(nids, 1) * sizeof(text *), MCXT_ALLOC_HUGE);
	int			ntexts = 0;
	int			nfound = 0;
	KzRow	   *rows;

	if (kz_documents_write_limit <= 0 || nids <= kz_documents_write_limit)
		return true;
	for (int i = 0; i < nids; i++)
		if (ids[i].type == jbvString)
			texts[ntexts++] = kz_json_text(&ids[i]);
	rows = kz_read_many(request->call.index, request->call.collection, texts, ntexts,
						"document:mDelete", &request->error);
	if (!rows)
		return false;
	for (int i = 0; i < ntexts; i++)
		nfound += rows[i].source != NULL;
	return nfound <= kz_documents_write_limit ||
		kz_request_fail(request, KZ_ERROR_WRITE_LIMIT, NULL, NULL);
}

/*
 * Ids as text; numbers and booleans are taken for strings, as Kuzzle does.
 */
static bool
make_texts(KzRequest *request, const JsonbValue *ids, int nids, text ***texts)
{
	*texts = palloc_extended(Max(nids, 1) * sizeof(text *), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nids; i++)
	{
		switch (ids[i].type)
		{
			case jbvString:
				(*texts)[i] = kz_json_text(&ids[i]);
				break;
			case jbvNumeric:
				(*texts)[i] = cstring_to_text(numeric_normalize(ids[i].val.numeric));
				break;
			case jbvBool:
				(*texts)[i] = cstring_to_text(ids[i].val.boolean ? "true" : "false");
				break;
			default:
				return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "ids", "array of strings");
		}
	}
	return true;
}

static const KzApiAction actions[] = {
	{"count", document_count},
	{"create", document_create},
	{"createOrReplace", document_create_or_replace},
	{"delete", document_delete},
	{"deleteByQuery", kz_request_not_supported},
	{"deleteFields", document_delete_fields},
	{"exists", document_exists},
	{"export", kz_request_not_supported},
	{"get", document_get},
	{"mCreate", document_mcreate},
	{"mCreateOrReplace", document_mcreate_or_replace},
	{"mDelete", document_mdelete},
	{"mExists", document_mexists},
	{"mGet", document_mget},
	{"mReplace", document_mreplace},
	{"mUpdate", document_mupdate},
	{"mUpsert", document_mupsert},
	{"replace", document_replace},
	{"scroll", kz_request_not_supported},
	{"search", kz_request_not_supported},
	{"update", document_update},
	{"updateByQuery", kz_request_not_supported},
	{"upsert", document_upsert},
	{"validate", document_validate,.raises = true}
};

const KzApiController kz_api_document = {"document", actions, lengthof(actions)};
