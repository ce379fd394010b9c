/*
 * milvus_delete.c
 *	  The endpoints that delete entities.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "engine/query.h"
#include "operation/bulk.h"
#include "protocol/milvus_endpoints.h"

#define MAX_DELETE_ROUNDS 10

static KzWriter *open_deleter(KzMilvusRequest *request);
static bool delete_ids(KzMilvusRequest *request, text **ids, int nids, int64 *deleted);
static bool delete_matching(KzMilvusRequest *request, const KzMilvusSchema *schema,
							const KzCondition *condition, int64 *deleted);
static bool delete_found(KzMilvusRequest *request, KzWriter *writer, const KzFound *found,
						 int nfound, int64 *deleted, List **overtaken);
static KzCondition restrict_to(const KzCondition *condition, List *ids);

/*
 * The second version deletes what meets a filter, the first also by key.
 */
bool
kz_milvus_delete(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzFilter	filter;
	text	  **ids;
	int			nids;
	int64		deleted = 0;
	KzPairs		pairs = {0};
	bool		by_key;

	by_key = request->version == 1 && !kz_milvus_is_blank(request->body, "id");
	if (request->version == 1 && !by_key && kz_milvus_is_blank(request->body, "filter"))
		return kz_milvus_fail(request, KZ_MILVUS_MISSING,
							  "missing required parameters, required parameters: [collectionName, id/filter]");
	if (!kz_milvus_collection(request, &schema) || !kz_milvus_check_partition(request))
		return false;
	if (by_key)
	{
		if (!kz_milvus_keys(request, &schema, &ids, &nids) ||
			!delete_ids(request, ids, nids, &deleted))
			return false;
	}
	else
	{
		if (!kz_milvus_filter(request, &schema, "delete plan", &filter))
			return false;
		if (filter.always_true)
			return kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
								  psprintf("delete plan can't be empty or always true : %s",
										   kz_milvus_filter_text(request)));
		if (!(filter.by_id ? delete_ids(request, filter.ids, filter.nids, &deleted) :
			  delete_matching(request, &schema, &filter.condition, &deleted)))
			return false;
	}
	if (request->version == 1)
		return true;
	kz_pairs_add_int64(&pairs, "deleteCount", deleted);
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	kz_milvus_add_cost(request);
	return true;
}

static KzWriter *
open_deleter(KzMilvusRequest *request)
{
	KzError		error;
	KzWriter   *writer = kz_call_open(&request->call, kz_action_rights(KZ_ACTION_DELETE),
									  "entities/delete", &error);

	if (!writer)
		kz_milvus_fail_error(request, &error);
	return writer;
}

static bool
delete_ids(KzMilvusRequest *request, text **ids, int nids, int64 *deleted)
{
	KzEntry    *entries = palloc_extended(Max(nids, 1) * sizeof(KzEntry), MCXT_ALLOC_HUGE);
	KzWriter   *writer = open_deleter(request);
	bool		ok;

	if (!writer)
		return false;
	for (int i = 0; i < nids; i++)
	{
		kz_entry_init(&entries[i], KZ_ACTION_DELETE, KZ_DEFAULT_RETRIES);
		entries[i].item.change.id = ids[i];
		entries[i].once = true;
	}
	ok = kz_bulk_write_whole(writer, entries, nids, &request->call.stamp);
	kz_call_close(writer);
	for (int i = 0; i < nids; i++)
	{
		const KzOutcome *outcome = &entries[i].item.outcome;

		if (!ok && outcome->error.code != KZ_ERROR_NONE && outcome->error.code != KZ_ERROR_NOT_FOUND)
			return kz_milvus_fail_error(request, &outcome->error);
		*deleted += outcome->error.code == KZ_ERROR_NONE && outcome->changed;
	}
	return ok;
}

/*
 * Delete what meets a condition: find it, and delete the versions that were found.
 * What another transaction has changed meanwhile is looked at again.
 */
static bool
delete_matching(KzMilvusRequest *request, const KzMilvusSchema *schema,
				const KzCondition *condition, int64 *deleted)
{
	KzQuery		query = {.condition = *condition,.limit = -1};
	KzWriter   *writer = open_deleter(request);
	List	   *overtaken = NIL;
	bool		ok = writer != NULL;

	for (int round = 0; ok && (round == 0 || overtaken != NIL); round++)
	{
		KzFound    *found;
		int			nfound;

		if (round > 0)
			query.condition = restrict_to(condition, overtaken);
		if (round == MAX_DELETE_ROUNDS)
		{
			ok = kz_milvus_fail(request, KZ_MILVUS_OTHER,
								"other transactions go on changing the entities that are to be deleted");
			break;
		}
		found = kz_query_find(writer, &query, &nfound);
		overtaken = NIL;
		ok = delete_found(request, writer, found, nfound, deleted, &overtaken);
	}
	if (writer)
		kz_call_close(writer);
	return ok;
}

static bool
delete_found(KzMilvusRequest *request, KzWriter *writer, const KzFound *found, int nfound,
			 int64 *deleted, List **overtaken)
{
	KzEntry    *entries = palloc_extended(Max(nfound, 1) * sizeof(KzEntry), MCXT_ALLOC_HUGE);

	for (int i = 0; i < nfound; i++)
	{
		kz_entry_init(&entries[i], KZ_ACTION_DELETE, 0);
		entries[i].item.change.id = found[i].id;
		entries[i].item.change.if_row = &found[i].row;
	}
	kz_bulk_write(writer, entries, nfound, &request->call.stamp, false);
	for (int i = 0; i < nfound; i++)
	{
		const KzOutcome *outcome = &entries[i].item.outcome;

		switch (outcome->error.code)
		{
			case KZ_ERROR_NONE:
				(*deleted)++;
				break;
			case KZ_ERROR_NOT_FOUND:
				break;
			case KZ_ERROR_VERSION_CONFLICT:
				*overtaken = lappend(*overtaken, found[i].id);
				break;
			default:
				return kz_milvus_fail_error(request, &outcome->error);
		}
	}
	return true;
}

/*
 * A condition that only documents with certain ids can meet.
 */
static KzCondition
restrict_to(const KzCondition *condition, List *ids)
{
	KzCondition restricted = *condition;
	int			n = condition->nparams;
	Datum	   *elements = palloc(list_length(ids) * sizeof(Datum));
	ListCell   *lc;

	foreach(lc, ids)
		elements[foreach_current_index(lc)] = PointerGetDatum(lfirst(lc));
	restricted.types = palloc((n + 1) * sizeof(Oid));
	restricted.values = palloc((n + 1) * sizeof(Datum));
	memcpy(restricted.types, condition->types, n * sizeof(Oid));
	memcpy(restricted.values, condition->values, n * sizeof(Datum));
	restricted.types[n] = TEXTARRAYOID;
	restricted.values[n] = PointerGetDatum(construct_array(elements, list_length(ids), TEXTOID,
														   -1, false, TYPALIGN_INT));
	restricted.nparams = n + 1;
	restricted.sql = psprintf("(%s) AND _id OPERATOR(pg_catalog.=) ANY ($%d)",
							  condition->sql ? condition->sql : "true", n + 1);
	return restricted;
}
