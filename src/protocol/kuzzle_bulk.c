/*
 * kuzzle_bulk.c
 *	  Kuzzle's bulk controller.
 *
 * An import is a list in the form of Elasticsearch's bulk API: an operation
 * {name: {_id}}, followed by its payload unless it deletes.  All operations are
 * done in one go, whatever their kinds, with the order and the isolation of any
 * other call for many documents.  Nobody is told of them, as in Kuzzle.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "document/identity.h"
#include "protocol/answer.h"
#include "protocol/kuzzle.h"

typedef struct Operation
{
	const char *name;
	KzAction	action;
	bool		has_payload;
} Operation;

static const Operation operations[] = {
	{"create", KZ_ACTION_CREATE, true},
	{"delete", KZ_ACTION_DELETE, false},
	{"index", KZ_ACTION_CREATE_OR_REPLACE, true},
	{"update", KZ_ACTION_UPDATE, true}
};

typedef struct Import
{
	KzRequest  *request;
	KzJsonCursor cursor;
	int			line;			/* from 1 on */
	KzEntry    *entries;
	const Operation **operations;	/* of the entries */
	int			nentries;
	AclMode		required;		/* rights for all of them */
} Import;

static bool read_import(Import *import, const JsonbValue *lines);
static bool read_operation(Import *import, const JsonbValue *line);
static bool find_operation(Import *import, const JsonbValue *line, const Operation **operation,
						   JsonbValue *meta);
static bool read_import_id(Import *import, const Operation *operation, const JsonbValue *meta,
						   KzEntry *entry);
static bool read_payload(Import *import, const Operation *operation, KzEntry *entry);
static bool read_update(Import *import, const JsonbValue *payload, KzEntry *entry);
static bool refuse_line(Import *import, const char *problem);
static Jsonb *answer_import(const Import *import);
static Jsonb *describe_operation(const Operation *operation, const KzEntry *entry);
static Jsonb *describe_error(const KzError *error);

static bool
bulk_import(KzRequest *request)
{
	Import		import = {.request = request};
	JsonbValue	lines;
	KzWriter   *writer;
	bool		strict = false;

	if (!kz_request_names(request) ||
		!kz_request_flag(request, KZ_KEY_STRICT, &strict) ||
		!kz_request_body_array(request, "bulkData", true, &lines) ||
		!read_import(&import, &lines))
		return false;
	if (import.nentries > 0)
	{
		request->call.silent = true;
		writer = kz_call_open(&request->call, import.required, "bulk:import", &request->error);
		if (!writer)
			return false;
		kz_bulk_write(writer, import.entries, import.nentries, &request->call.stamp, false);
		kz_call_close(writer);
	}
	return kz_request_answer_lists(request, answer_import(&import), strict, "import");
}

/*
 * Creates or replaces a document as it is, without metadata.  Listeners are told
 * only if that is asked for.
 */
static bool
bulk_write(KzRequest *request)
{
	KzEntry		entry;
	bool		notify = false;

	kz_entry_init(&entry, KZ_ACTION_CREATE_OR_REPLACE, KZ_DEFAULT_RETRIES);
	if (!kz_request_optional_id(request, &entry.item.change.id) ||
		!kz_request_body(request, &entry.body) ||
		!kz_request_flag(request, KZ_KEY_NOTIFY, &notify) ||
		!kz_request_names(request))
		return false;
	if (!entry.item.change.id)
		entry.item.change.id = kz_identity_generate();
	kz_stamp_init(&request->call.stamp, NULL);
	request->call.silent = !notify;
	if (!kz_request_write(request, &entry, "bulk:write"))
		return false;
	kz_json_set_document(&request->result,
						 kz_answer_document(entry.item.change.id, &entry.item.outcome,
											KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION));
	return true;
}

/*
 * The same for many, of which there can be any number.
 */
static bool
bulk_mwrite(KzRequest *request)
{
	JsonbValue	documents;
	KzBatch    *batch;
	bool		strict = false;
	bool		notify = false;

	if (!kz_request_body_array(request, "documents", true, &documents) ||
		!kz_request_flag(request, KZ_KEY_STRICT, &strict) ||
		!kz_request_flag(request, KZ_KEY_NOTIFY, &notify) ||
		!kz_request_names(request))
		return false;
	kz_stamp_init(&request->call.stamp, NULL);
	request->call.silent = !notify;
	batch = kz_batch_read(&kz_batch_mwrite, documents.val.binary.data, KZ_DEFAULT_RETRIES);
	return kz_batch_write(&request->call, KZ_ACTION_CREATE_OR_REPLACE, "bulk:mWrite",
						  batch->entries, batch->nentries, true, &request->error) &&
		kz_request_answer_lists(request, kz_batch_answer(batch, true), strict,
								kz_batch_mwrite.name);
}

static bool
read_import(Import *import, const JsonbValue *lines)
{
	Size		nlines = Max(JsonContainerSize(lines->val.binary.data), 1);
	JsonbValue	line;

	import->entries = palloc_extended(nlines * sizeof(KzEntry), MCXT_ALLOC_HUGE);
	import->operations = palloc_extended(nlines * sizeof(Operation *), MCXT_ALLOC_HUGE);
	kz_json_values(&import->cursor, lines->val.binary.data);
	while (kz_json_next(&import->cursor, &line))
	{
		import->line++;
		if (!read_operation(import, &line))
			return false;
	}
	return true;
}

/*
 * Read an operation with its payload.
 */
static bool
read_operation(Import *import, const JsonbValue *line)
{
	KzEntry    *entry = &import->entries[import->nentries];
	const Operation *operation;
	JsonbValue	meta;

	if (!find_operation(import, line, &operation, &meta))
		return false;
	kz_entry_init(entry, operation->action, KZ_DEFAULT_RETRIES);
	if (!read_import_id(import, operation, &meta, entry) ||
		(operation->has_payload && !read_payload(import, operation, entry)))
		return false;
	import->operations[import->nentries++] = operation;
	import->required |= kz_action_rights(entry->item.change.action);
	return true;
}

static bool
find_operation(Import *import, const JsonbValue *line, const Operation **operation,
			   JsonbValue *meta)
{
	if (!kz_json_is_object(line) || JsonContainerSize(line->val.binary.data) != 1)
		return refuse_line(import, "an operation is an object with one key");
	for (int i = 0; i < lengthof(operations); i++)
	{
		*operation = &operations[i];
		if (!kz_json_field(line->val.binary.data, operations[i].name, meta))
			continue;
		return kz_json_is_object(meta) || refuse_line(import, "an operation must be an object");
	}
	return refuse_line(import, "an operation is one of create, delete, index, update");
}

static bool
read_import_id(Import *import, const Operation *operation, const JsonbValue *meta,
			   KzEntry *entry)
{
	JsonbValue	id = {.type = jbvNull};
	text	   *string;

	kz_json_field(meta->val.binary.data, "_id", &id);
	if (id.type == jbvString && id.val.string.len > 0)
		string = kz_json_text(&id);
	else if (id.type == jbvNumeric)
		string = kz_request_number_id(&id);
	else if (id.type == jbvNull && (operation->action == KZ_ACTION_CREATE ||
									operation->action == KZ_ACTION_CREATE_OR_REPLACE))
		string = kz_identity_generate();
	else
		return refuse_line(import, "_id must be a string");
	if (!string)
		return refuse_line(import, "_id must be a string of 1 to 512 bytes");
	kz_entry_set_id(entry, string);
	return true;
}

static bool
read_payload(Import *import, const Operation *operation, KzEntry *entry)
{
	JsonbValue	payload;

	import->line++;
	if (!kz_json_next(&import->cursor, &payload) || !kz_json_is_object(&payload))
		return refuse_line(import, "the payload of an operation must be an object");
	if (operation->action == KZ_ACTION_UPDATE)
		return read_update(import, &payload, entry);
	entry->body = payload;
	return true;
}

/*
 * The payload of an update: the changes in doc; in upsert, what is created where
 * there is no document, which with doc_as_upsert are the changes.  Kuzzle gives both
 * the metadata of an update, so that what is created has no author.
 */
static bool
read_update(Import *import, const JsonbValue *payload, KzEntry *entry)
{
	const JsonbContainer *object = payload->val.binary.data;
	JsonbValue	value;

	if (kz_json_field(object, "script", &value))
		return kz_request_fail(import->request, KZ_ERROR_QUERY_KEYWORD, "script", NULL);
	if (!kz_json_field(object, "doc", &entry->body) || !kz_json_is_object(&entry->body))
		return refuse_line(import, "an update needs an object \"doc\"");
	if (kz_json_field(object, "doc_as_upsert", &value) && !kz_json_is_falsy(&value))
		value = entry->body;
	else if (!kz_json_field(object, "upsert", &value))
		return true;
	if (!kz_json_is_object(&value))
		return refuse_line(import, "\"upsert\" must be an object");
	entry->item.change.action = KZ_ACTION_UPSERT;
	entry->item.change.creation = KZ_CREATION_DEFAULTS_ALONE;
	entry->defaults = value;
	return true;
}

static bool
refuse_line(Import *import, const char *problem)
{
	return kz_request_fail(import->request, KZ_ERROR_BAD_REQUEST,
						   psprintf("Malformed bulkData, element %d: %s", import->line, problem),
						   NULL);
}

/*
 * {errors, successes}: each {operation: {_id, status, …}}, in the order of the
 * request.
 */
static Jsonb *
answer_import(const Import *import)
{
	StringInfoData buffer;
	KzJsonWriter root,
				array;
	int			nerrors = 0;

	for (int i = 0; i < import->nentries; i++)
		nerrors += import->entries[i].item.outcome.error.code != KZ_ERROR_NONE;
	kz_answer_begin_lists(&root, &buffer);
	for (int failed = 1; failed >= 0; failed--)
	{
		kz_json_begin_array(&array, &buffer, failed ? nerrors : import->nentries - nerrors);
		for (int i = 0; i < import->nentries; i++)
		{
			JsonbValue	value;
			Jsonb	   *description;

			if ((import->entries[i].item.outcome.error.code != KZ_ERROR_NONE) != failed)
				continue;
			description = describe_operation(import->operations[i], &import->entries[i]);
			kz_json_set_document(&value, description);
			kz_json_put(&array, &value);
			pfree(description);
		}
		kz_json_put_entry(&root, kz_json_end(&array));
	}
	kz_json_end(&root);
	return kz_json_finish(&buffer);
}

/*
 * {operation: {_id, status}}; of one that failed also the document that was sent,
 * and the error, but not of a deletion of what is not there.
 */
static Jsonb *
describe_operation(const Operation *operation, const KzEntry *entry)
{
	const KzOutcome *outcome = &entry->item.outcome;
	bool		failed = outcome->error.code != KZ_ERROR_NONE;
	int			status = outcome->created ? 201 : 200;
	JsonbPair	pairs[4];
	JsonbPair	pair;
	int			n = 0;

	if (failed)
		status = outcome->error.code == KZ_ERROR_DOCUMENT_EXISTS ? 409 :
			kz_error_status(&outcome->error);
	kz_json_set_string(&pairs[n].key, "_id");
	kz_json_set_text(&pairs[n++].value, entry->item.change.id);
	kz_json_set_string(&pairs[n].key, "status");
	kz_json_set_int64(&pairs[n++].value, status);
	if (failed && operation->has_payload)
	{
		kz_json_set_string(&pairs[n].key, "_source");
		pairs[n++].value = entry->body;
	}
	if (failed && (operation->has_payload || outcome->error.code != KZ_ERROR_NOT_FOUND))
	{
		kz_json_set_string(&pairs[n].key, "error");
		kz_json_set_document(&pairs[n++].value, describe_error(&outcome->error));
	}
	kz_json_set_string(&pair.key, operation->name);
	kz_json_set_document(&pair.value, kz_json_object(pairs, n));
	return kz_json_object(&pair, 1);
}

/*
 * {type, reason}, the type as Elasticsearch calls it.
 */
static Jsonb *
describe_error(const KzError *error)
{
	JsonbPair	pairs[2];
	const char *type;

	switch (error->code)
	{
		case KZ_ERROR_DOCUMENT_EXISTS:
		case KZ_ERROR_VERSION_CONFLICT:
			type = "version_conflict_engine_exception";
			break;
		case KZ_ERROR_NOT_FOUND:
			type = "document_missing_exception";
			break;
		case KZ_ERROR_STRICT_MAPPING:
			type = "strict_dynamic_mapping_exception";
			break;
		default:
			type = "illegal_argument_exception";
	}
	kz_json_set_string(&pairs[0].key, "type");
	kz_json_set_string(&pairs[0].value, type);
	kz_json_set_string(&pairs[1].key, "reason");
	kz_json_set_string(&pairs[1].value, kz_error_reason(error));
	return kz_json_object(pairs, 2);
}

static const KzApiAction actions[] = {
	{"deleteByQuery", kz_request_not_supported},
	{"import", bulk_import},
	{"mWrite", bulk_mwrite},
	{"updateByQuery", kz_request_not_supported},
	{"write", bulk_write}
};

const KzApiController kz_api_bulk = {"bulk", actions, lengthof(actions)};
