/*
 * answer.c
 *	  Answers that SQL functions and protocols have in common.
 *
 * They are written in one pass, in the binary form of jsonb.
 */
#include "postgres.h"

#include "protocol/answer.h"

static void put_deletion_error(KzJsonWriter *array, const KzEntry *entry, const JsonbValue *id);
static void put_row(KzJsonWriter *array, const text *id, const KzRow *row);

/*
 * The answer about one document: {_id} and the parts of KZ_ANSWER_* that are
 * asked for, palloc'd.
 */
Jsonb *
kz_answer_document(const text *id, const KzOutcome *outcome, int parts)
{
	JsonbPair	pairs[4];
	int			n = 0;

	kz_json_set_string(&pairs[n].key, "_id");
	kz_json_set_text(&pairs[n++].value, id);
	if (parts & KZ_ANSWER_SOURCE)
	{
		kz_json_set_string(&pairs[n].key, "_source");
		kz_json_set_document(&pairs[n++].value, outcome->source);
	}
	if (parts & KZ_ANSWER_CREATED)
	{
		kz_json_set_string(&pairs[n].key, "created");
		kz_json_set_bool(&pairs[n++].value, outcome->created);
	}
	if (parts & KZ_ANSWER_VERSION)
	{
		kz_json_set_string(&pairs[n].key, "_version");
		kz_json_set_int64(&pairs[n++].value, outcome->version);
	}
	return kz_json_object(pairs, n);
}

/*
 * Begin the answer of every function for many documents: {errors, successes},
 * two arrays that must be put in this order.
 */
void
kz_answer_begin_lists(KzJsonWriter *answer, StringInfo buffer)
{
	JsonbValue	key;

	kz_json_start(buffer);
	kz_json_begin_object(answer, buffer, 2);
	kz_json_set_string(&key, "errors");
	kz_json_put(answer, &key);
	kz_json_set_string(&key, "successes");
	kz_json_put(answer, &key);
}

/*
 * {errors: [{_id, reason, status}], successes: [_id]}; first the errors of ids
 * that are none.  An id that is there more than once counts once.
 */
Jsonb *
kz_answer_deletions(const KzEntry *entries, const JsonbValue *ids, int nids)
{
	StringInfoData buffer;
	KzJsonWriter root,
				array;
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

	kz_answer_begin_lists(&root, &buffer);
	kz_json_begin_array(&array, &buffer, nerrors);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < nids; i++)
		{
			bool		no_id = ids[i].type != jbvString || ids[i].val.string.len == 0;

			if (no_id == (pass == 0) &&
				entries[i].item.outcome.error.code != KZ_ERROR_NONE)
				put_deletion_error(&array, &entries[i], &ids[i]);
		}
	kz_json_put_entry(&root, kz_json_end(&array));

	kz_json_begin_array(&array, &buffer, nsuccesses);
	for (int i = 0; i < nids; i++)
		if (!entries[i].item.before && entries[i].item.outcome.error.code == KZ_ERROR_NONE)
			kz_json_put(&array, &ids[i]);
	kz_json_put_entry(&root, kz_json_end(&array));
	kz_json_end(&root);
	return kz_json_finish(&buffer);
}

static void
put_deletion_error(KzJsonWriter *array, const KzEntry *entry, const JsonbValue *id)
{
	const KzError *error = &entry->item.outcome.error;
	JsonbPair	pairs[3];

	kz_json_set_string(&pairs[0].key, "_id");
	pairs[0].value = *id;
	kz_json_set_string(&pairs[1].key, "reason");
	kz_json_set_string(&pairs[1].value, kz_error_reason(error));
	kz_json_set_string(&pairs[2].key, "status");
	kz_json_set_int64(&pairs[2].value, kz_error_status(error));
	kz_json_put_object(array, pairs, 3);
	pfree(pairs[1].value.val.string.val);
	pfree(pairs[2].value.val.numeric);
}

/*
 * {errors: [_id], successes: [...]}: the documents that are there, or only
 * their ids.
 */
Jsonb *
kz_answer_rows(text **ids, const KzRow *rows, int nids, bool sources)
{
	StringInfoData buffer;
	KzJsonWriter root,
				array;
	JsonbValue	id;
	int			nfound = 0;

	for (int i = 0; i < nids; i++)
		nfound += rows[i].source != NULL;

	kz_answer_begin_lists(&root, &buffer);
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
