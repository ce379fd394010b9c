/*
 * kuzzle_document.c
 *	  Kuzzle's document controller.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "document/identity.h"
#include "operation/read.h"
#include "protocol/answer.h"
#include "protocol/kuzzle.h"

static bool read_defaults(KzRequest *request, JsonbValue *defaults);
static bool read_content(KzRequest *request, JsonbValue *content);
static bool write_document(KzRequest *request, KzEntry *entry, const text *id, int parts,
						   const char *command);

static bool
document_create(KzRequest *request)
{
	KzEntry		entry;
	text	   *id;

	kz_entry_init(&entry, KZ_ACTION_CREATE, KZ_DEFAULT_RETRIES);
	if (!kz_request_optional_id(request, &id) ||
		!kz_request_flag(request, KZ_KEY_SILENT, &request->call.silent) ||
		!kz_request_names(request) ||
		!read_content(request, &entry.body))
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
		read_content(request, &entry.body) &&
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
		read_content(request, &entry.body) &&
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
		!kz_request_retries(request, true, &entry.item.change.retries))
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
		kz_request_retries(request, true, &entry.item.change.retries) &&
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
	request->error.code = KZ_ERROR_NONE;
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
		return kz_request_fail(request, KZ_ERROR_QUERY_NOT_SUPPORTED, "document", "count");
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

/*
 * Read a whole document.  To Kuzzle's storage one key of it is a keyword.
 */
static bool
read_content(KzRequest *request, JsonbValue *content)
{
	JsonbValue	routing;

	if (!kz_request_body(request, content))
		return false;
	return !kz_json_field(content->val.binary.data, "_routing", &routing) ||
		kz_request_fail(request, KZ_ERROR_ROUTING, NULL, NULL);
}

/*
 * Kuzzle's Dart SDK calls "defaults" what the others call "default"; the JavaScript
 * SDK puts an option of that name, which is how its manual calls it, beside the
 * body.
 */
static bool
read_defaults(KzRequest *request, JsonbValue *defaults)
{
	if (!kz_request_body_object(request, "default", false, defaults))
		return false;
	if (defaults->type == jbvNull &&
		!kz_request_body_object(request, "defaults", false, defaults))
		return false;
	if (defaults->type != jbvNull || !request->given[KZ_KEY_DEFAULTS])
		return true;
	*defaults = request->values[KZ_KEY_DEFAULTS];
	return kz_json_is_object(defaults) ||
		kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "defaults", "object");
}

/*
 * Have one entry written; its outcome is no failure then.
 */
bool
kz_request_write(KzRequest *request, KzEntry *entry, const char *command)
{
	KzWriter   *writer = kz_call_open(&request->call,
									  kz_action_rights(entry->item.change.action), command,
									  &request->error);

	if (!writer)
		return false;
	kz_entry_write(writer, entry, &request->call.stamp);
	kz_call_close(writer);
	request->error = entry->item.outcome.error;
	/* A policy's objection is one like any other to this protocol. */
	if (request->error.code == KZ_ERROR_FORBIDDEN)
		request->error.code = KZ_ERROR_BAD_REQUEST;
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
	{"mCreate", kz_request_mcreate},
	{"mCreateOrReplace", kz_request_mcreate_or_replace},
	{"mDelete", kz_request_mdelete},
	{"mExists", kz_request_mexists},
	{"mGet", kz_request_mget},
	{"mReplace", kz_request_mreplace},
	{"mUpdate", kz_request_mupdate},
	{"mUpsert", kz_request_mupsert},
	{"replace", document_replace},
	{"scroll", kz_request_not_supported},
	{"search", kz_request_not_supported},
	{"update", document_update},
	{"updateByQuery", kz_request_not_supported},
	{"upsert", document_upsert},
	{"validate", document_validate,.raises = true}
};

const KzApiController kz_api_document = {"document", actions, lengthof(actions)};
