/*
 * batch.c
 *	  Requests for many documents, and their answers.
 *
 * The keys of entries, the reasons of errors, and the order in which errors are
 * found and listed are those of Kuzzle's m* actions.  What is wrong with an
 * entry by itself is found here, before anything is written.
 *
 * The answer is written in one pass, in the binary form of jsonb; documents are
 * copied into it as they lie in the request or in an outcome.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/json.h"
#include "document/identity.h"
#include "protocol/answer.h"
#include "protocol/batch.h"

const KzBatchKind kz_batch_mcreate = {
	"mCreate", KZ_ACTION_CREATE, "body",
	.generates_ids = true,.shows_created = true,.shows_result = true
};
const KzBatchKind kz_batch_mcreate_or_replace = {
	"mCreateOrReplace", KZ_ACTION_CREATE_OR_REPLACE, "body",
	.generates_ids = true,.shows_created = true,.shows_result = true
};
const KzBatchKind kz_batch_mwrite = {
	"write", KZ_ACTION_CREATE_OR_REPLACE, "body",
	.generates_ids = true,.bare = true
};
const KzBatchKind kz_batch_mreplace = {
	"mReplace", KZ_ACTION_REPLACE, "body",
	.shows_created = true,.shows_result = true
};
const KzBatchKind kz_batch_mupdate = {
	"mUpdate", KZ_ACTION_UPDATE, "body"
};
const KzBatchKind kz_batch_mupsert = {
	"mUpsert", KZ_ACTION_UPSERT, "changes",
	.shows_created = true
};

static void read_entry(KzBatch *batch, int i, int retries);
static bool read_content(KzBatch *batch, int i);
static bool read_defaults(KzBatch *batch, int i);
static bool read_id(KzBatch *batch, int i);
static bool read_version(KzBatch *batch, int i);
static void refuse(KzBatch *batch, int i, const char *reason);
static void set_passes(KzBatch *batch);
static void put_error(KzJsonWriter *array, const KzBatch *batch, int i);
static void put_success(KzJsonWriter *array, const KzBatch *batch, int i, bool source);

/*
 * Read the entries of documents, an array; retries is what each has.
 */
KzBatch *
kz_batch_read(const KzBatchKind *kind, const JsonbContainer *documents, int retries)
{
	KzBatch    *batch = palloc(sizeof(KzBatch));
	Size		count = Max(JsonContainerSize(documents), 1);
	KzJsonCursor cursor;

	batch->kind = kind;
	batch->nentries = JsonContainerSize(documents);
	batch->entries = palloc_extended(count * sizeof(KzEntry), MCXT_ALLOC_HUGE);
	batch->sent = palloc_extended(count * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	batch->passes = palloc_extended(count * sizeof(KzPass), MCXT_ALLOC_HUGE);
	kz_json_values(&cursor, documents);
	for (int i = 0; kz_json_next(&cursor, &batch->sent[i]); i++)
		read_entry(batch, i, retries);
	return batch;
}

/*
 * Have the entries of a call written.  But for deletions, Kuzzle does not look
 * at the collection if there are none.  False, and error is set, as
 * kz_writer_open does.
 */
bool
kz_batch_write(const KzCall *call, KzAction action, const char *command,
			   KzEntry *entries, int nentries, bool sources, KzError *error)
{
	KzWriter   *writer;

	if (nentries == 0 && action != KZ_ACTION_DELETE)
		return true;
	writer = kz_call_open(call, kz_action_rights(action), command, error);
	if (!writer)
		return false;
	kz_bulk_write(writer, entries, nentries, &call->stamp, sources);
	kz_call_close(writer);
	return true;
}

/*
 * Entries that delete ids; an id that comes more than once is deleted once.
 */
KzEntry *
kz_batch_read_deletions(const JsonbValue *ids, int nids)
{
	KzEntry    *entries = palloc_extended(Max(nids, 1) * sizeof(KzEntry), MCXT_ALLOC_HUGE);

	for (int i = 0; i < nids; i++)
	{
		bool		is_string = ids[i].type == jbvString;

		kz_entry_init(&entries[i], KZ_ACTION_DELETE, KZ_DEFAULT_RETRIES);
		entries[i].once = true;
		kz_entry_set_id(&entries[i], is_string ? kz_json_text(&ids[i]) : NULL);
	}
	return entries;
}

/*
 * The answer to a batch that has been written: {errors, successes}, each in the
 * order of the request, the errors by passes.
 */
Jsonb *
kz_batch_answer(KzBatch *batch, bool sources)
{
	StringInfoData buffer;
	KzJsonWriter root,
				array;
	int			nerrors = 0;

	set_passes(batch);
	for (int i = 0; i < batch->nentries; i++)
		nerrors += batch->entries[i].item.outcome.error.code != KZ_ERROR_NONE;

	kz_answer_begin_lists(&root, &buffer);
	kz_json_begin_array(&array, &buffer, nerrors);
	for (KzPass pass = 0; pass < KZ_PASSES && nerrors > 0; pass++)
		for (int i = 0; i < batch->nentries; i++)
			if (batch->entries[i].item.outcome.error.code != KZ_ERROR_NONE &&
				batch->passes[i] == pass)
				put_error(&array, batch, i);
	kz_json_put_entry(&root, kz_json_end(&array));

	kz_json_begin_array(&array, &buffer, batch->nentries - nerrors);
	for (int i = 0; i < batch->nentries; i++)
		if (batch->entries[i].item.outcome.error.code == KZ_ERROR_NONE)
			put_success(&array, batch, i, sources);
	kz_json_put_entry(&root, kz_json_end(&array));
	kz_json_end(&root);
	return kz_json_finish(&buffer);
}

/*
 * Raise KZ400 (incomplete_multiple_request) if an entry has failed.
 */
void
kz_batch_check_strict(KzEntry *entries, int nentries, const char *action)
{
	const KzError *first = NULL;
	int			nerrors = 0;

	for (int i = 0; i < nentries; i++)
	{
		const KzError *error = &entries[i].item.outcome.error;

		if (error->code == KZ_ERROR_NONE)
			continue;
		if (nerrors++ == 0)
			first = error;
	}
	if (first)
		kz_raise(KZ_ERROR_INCOMPLETE,
				 psprintf("%d of %d failed, nothing is written. The first: %s (%d)",
						  nerrors, nentries, kz_error_reason(first), kz_error_status(first)),
				 action);
}

/*
 * Read an entry.  The order of the checks is Kuzzle's.
 */
static void
read_entry(KzBatch *batch, int i, int retries)
{
	KzChange   *change = &batch->entries[i].item.change;

	batch->passes[i] = KZ_PASS_STORAGE;
	kz_entry_init(&batch->entries[i], batch->kind->action, retries);
	change->over_own = true;
	change->creation = KZ_CREATION_DEFAULTS_WIN;	/* unlike upsert's, as in
													 * Kuzzle */
	if (read_content(batch, i) && read_defaults(batch, i) && read_id(batch, i))
		read_version(batch, i);
}

static bool
read_content(KzBatch *batch, int i)
{
	const JsonbValue *sent = &batch->sent[i];
	const char *content = batch->kind->content;

	if (kz_json_is_object(sent) &&
		kz_json_field(sent->val.binary.data, content, &batch->entries[i].body) &&
		kz_json_is_object(&batch->entries[i].body))
		return true;
	refuse(batch, i, psprintf("document %s must be an object", content));
	return false;
}

static bool
read_defaults(KzBatch *batch, int i)
{
	JsonbValue *defaults = &batch->entries[i].defaults;

	if (batch->kind->action != KZ_ACTION_UPSERT ||
		!kz_json_field(batch->sent[i].val.binary.data, "default", defaults) ||
		kz_json_is_object(defaults))
		return true;
	if (kz_json_is_falsy(defaults))
	{
		kz_json_set_null(defaults);
		return true;
	}
	refuse(batch, i, "document default must be an object");
	return false;
}

/*
 * Read an id.  mCreateOrReplace takes numbers and booleans for strings, as
 * Kuzzle does.
 */
static bool
read_id(KzBatch *batch, int i)
{
	KzEntry    *entry = &batch->entries[i];
	JsonbValue	id;
	text	   *string = NULL;

	if (!kz_json_field(batch->sent[i].val.binary.data, "_id", &id))
		kz_json_set_null(&id);
	if (batch->kind->generates_ids && kz_json_is_falsy(&id))
		string = kz_identity_generate();
	else if (id.type == jbvString)
		string = kz_json_text(&id);
	else if (batch->kind->action == KZ_ACTION_CREATE_OR_REPLACE && id.type == jbvNumeric)
	{
		char	   *digits = numeric_normalize(id.val.numeric);

		string = cstring_to_text(digits);
		pfree(digits);
	}
	else if (batch->kind->action == KZ_ACTION_CREATE_OR_REPLACE && id.type == jbvBool)
		string = cstring_to_text("true");

	if (kz_entry_set_id(entry, string))
		return true;
	if (!string || VARSIZE_ANY_EXHDR(string) == 0)
		batch->passes[i] = batch->kind->action == KZ_ACTION_UPDATE ?
			KZ_PASS_PRESENCE : KZ_PASS_SHAPE;
	else
		pfree(string);
	return false;
}

/*
 * Read the version that an entry expects.
 */
static bool
read_version(KzBatch *batch, int i)
{
	KzChange   *change = &batch->entries[i].item.change;
	JsonbValue	version;

	if (!kz_json_field(batch->sent[i].val.binary.data, "if_version", &version) ||
		version.type == jbvNull)
		return true;
	if (kz_json_get_int64(&version, &change->if_version) && change->if_version >= 0)
		return true;
	refuse(batch, i, "document if_version must be an integer of at least 0");
	return false;
}

/*
 * Refuse an entry for its shape.
 */
static void
refuse(KzBatch *batch, int i, const char *reason)
{
	kz_entry_refuse(&batch->entries[i], reason);
	batch->passes[i] = KZ_PASS_SHAPE;
}

/*
 * Note which errors of writing Kuzzle would have found before it wrote.
 */
static void
set_passes(KzBatch *batch)
{
	for (int i = 0; i < batch->nentries; i++)
	{
		KzErrorCode code = batch->entries[i].item.outcome.error.code;

		if (code == KZ_ERROR_DOCUMENT_EXISTS ||
			(code == KZ_ERROR_NOT_FOUND && batch->kind->action == KZ_ACTION_REPLACE))
			batch->passes[i] = KZ_PASS_PRESENCE;
	}
}

/*
 * {reason, status, document}; the document is the entry as sent.
 */
static void
put_error(KzJsonWriter *array, const KzBatch *batch, int i)
{
	const KzError *error = &batch->entries[i].item.outcome.error;
	JsonbPair	pairs[3];
	char	   *reason = kz_error_reason(error);

	kz_json_set_string(&pairs[0].key, "reason");
	kz_json_set_string(&pairs[0].value, reason);
	kz_json_set_string(&pairs[1].key, "status");
	kz_json_set_int64(&pairs[1].value, kz_error_status(error));
	kz_json_set_string(&pairs[2].key, "document");
	pairs[2].value = batch->sent[i];
	kz_json_put_object(array, pairs, 3);
	pfree(pairs[1].value.val.numeric);
	pfree(reason);
}

/*
 * {_id, result?, status?, _source?, created?, _version}
 */
static void
put_success(KzJsonWriter *array, const KzBatch *batch, int i, bool source)
{
	const KzItem *item = &batch->entries[i].item;
	const KzOutcome *outcome = &item->outcome;
	JsonbPair	pairs[6];
	Numeric		status = NULL,
				version;
	int			n = 0;

	kz_json_set_string(&pairs[n].key, "_id");
	kz_json_set_text(&pairs[n++].value, item->change.id);
	if (batch->kind->shows_result)
	{
		kz_json_set_string(&pairs[n].key, "result");
		kz_json_set_string(&pairs[n++].value, outcome->created ? "created" : "updated");
	}
	if (!batch->kind->bare)
	{
		kz_json_set_string(&pairs[n].key, "status");
		kz_json_set_int64(&pairs[n].value, outcome->created ? 201 : 200);
		status = pairs[n++].value.val.numeric;
	}
	if (source)
	{
		kz_json_set_string(&pairs[n].key, "_source");
		kz_json_set_document(&pairs[n++].value, outcome->source);
	}
	if (batch->kind->shows_created)
	{
		kz_json_set_string(&pairs[n].key, "created");
		kz_json_set_bool(&pairs[n++].value, outcome->created);
	}
	kz_json_set_string(&pairs[n].key, "_version");
	kz_json_set_int64(&pairs[n].value, outcome->version);
	version = pairs[n++].value.val.numeric;
	kz_json_put_object(array, pairs, n);
	if (status)
		pfree(status);
	pfree(version);
}
