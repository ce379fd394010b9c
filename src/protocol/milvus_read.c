/*
 * milvus_read.c
 *	  The endpoints that read entities, and what all endpoints for them share.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"

#include "document/identity.h"
#include "engine/query.h"
#include "operation/read.h"
#include "protocol/milvus_endpoints.h"
#include "protocol/milvus_entity.h"
#include "protocol/milvus_output.h"
#include "protocol/milvus_value.h"

#define MAX_WINDOW 16384		/* offset and limit together */
#define DEFAULT_LIMIT 100
#define DEFAULT_PARTITION "_default"

static bool entities_get(KzMilvusRequest *request);
static bool entities_query(KzMilvusRequest *request);
static bool entities_search(KzMilvusRequest *request);
static bool read_window(KzMilvusRequest *request, const KzFilter *filter, KzQuery *query);
static bool answer_count(KzMilvusRequest *request, const KzCondition *condition);
static KzWriter *open_reader(KzMilvusRequest *request, const char *command);
static bool check_levels(KzMilvusRequest *request);
static int	drop_duplicates(text **ids, int nids);

static bool
entities_get(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzMilvusOutput output;
	text	  **ids;
	int			nids;
	KzRow	   *rows;
	KzError		error;
	JsonbValue *answers;
	int			n = 0;

	if (!kz_milvus_collection(request, &schema) || !check_levels(request) ||
		!kz_milvus_check_partition(request) || !kz_milvus_keys(request, &schema, &ids, &nids) ||
		!kz_milvus_read_output(request, &schema, &output))
		return false;
	rows = kz_read_many(request->call.index, request->call.collection, ids, nids, "entities/get",
						&error);
	if (!rows)
		return kz_milvus_fail_error(request, &error);
	answers = palloc_extended(Max(nids, 1) * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nids; i++)
		if (rows[i].source)
			kz_milvus_put_output(request, &output, ids[i], rows[i].source, &answers[n++]);
	kz_json_set_document(&request->data, kz_json_array(answers, n));
	kz_milvus_add_cost(request);
	return true;
}

static bool
entities_query(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzMilvusOutput output;
	KzFilter	filter;
	KzQuery		query = {.sources = true};
	KzWriter   *reader;
	KzFound    *found;
	int			nfound;
	JsonbValue *answers;

	if (!kz_milvus_collection(request, &schema) || !check_levels(request) ||
		!kz_milvus_check_partition(request) ||
		!kz_milvus_read_output(request, &schema, &output) ||
		!kz_milvus_filter(request, &schema, "query plan", &filter))
		return false;
	if (output.count)
		return answer_count(request, &filter.condition);
	if (!read_window(request, &filter, &query))
		return false;
	query.condition = filter.condition;
	query.numeric_ids = schema.primary->type == KZ_MILVUS_INT64;
	reader = open_reader(request, "entities/query");
	if (!reader)
		return false;
	found = kz_query_find(reader, &query, &nfound);
	kz_writer_close(reader);
	answers = palloc_extended(Max(nfound, 1) * sizeof(JsonbValue), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nfound; i++)
		kz_milvus_put_output(request, &output, found[i].id, found[i].row.source, &answers[i]);
	kz_json_set_document(&request->data, kz_json_array(answers, nfound));
	kz_milvus_add_cost(request);
	return true;
}

/*
 * Searching by similarity needs vectors in columns of their own.
 */
static bool
entities_search(KzMilvusRequest *request)
{
	KzMilvusSchema schema;

	return kz_milvus_collection(request, &schema) && check_levels(request) &&
		kz_milvus_fail(request, KZ_MILVUS_OTHER,
					   "search needs the extension pgvector: vectors are kept as JSON here");
}

/*
 * Read limit and offset.  A limit of 0 is none; without a filter there must be one.
 */
static bool
read_window(KzMilvusRequest *request, const KzFilter *filter, KzQuery *query)
{
	int64		limit = DEFAULT_LIMIT;
	int64		offset = 0;

	if (!kz_milvus_int64(request, request->body, "limit", &limit) ||
		!kz_milvus_int64(request, request->body, "offset", &offset))
		return false;
	if (limit == 0 && filter->always_true)
		return kz_milvus_fail_parameter(request, "empty expression should be used with limit");
	if (limit < 0 || offset < 0 || limit > MAX_WINDOW || offset > MAX_WINDOW ||
		limit + offset > MAX_WINDOW)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("invalid max query result window, (offset+limit) should be in range "
									   "[1, %d], but got " INT64_FORMAT, MAX_WINDOW,
									   limit / 2 + offset / 2 > PG_INT64_MAX / 2 ? PG_INT64_MAX : limit + offset));
	query->limit = limit > 0 ? limit : MAX_WINDOW;
	query->offset = offset;
	return true;
}

/*
 * The first version wants to be told that there is no limit.
 */
static bool
answer_count(KzMilvusRequest *request, const KzCondition *condition)
{
	int64		limit = DEFAULT_LIMIT;
	KzWriter   *reader;
	KzPairs		pairs = {0};
	JsonbValue	value;

	if (!kz_milvus_int64(request, request->body, "limit", &limit))
		return false;
	if (request->version == 1 && limit > 0)
		return kz_milvus_fail_parameter(request, "count entities with pagination is not allowed");
	reader = open_reader(request, "entities/query");
	if (!reader)
		return false;
	kz_milvus_set_int64(request, &value, kz_query_count(reader, condition));
	kz_writer_close(reader);
	kz_pairs_add(&pairs, "count(*)", &value);
	kz_json_set_document(&value, kz_pairs_object(&pairs));
	kz_json_set_document(&request->data, kz_json_array(&value, 1));
	kz_milvus_add_cost(request);
	return true;
}

static KzWriter *
open_reader(KzMilvusRequest *request, const char *command)
{
	KzError		error;
	KzWriter   *reader = kz_writer_open(request->call.index, request->call.collection,
										kz_action_rights(KZ_ACTION_READ), command, &error);

	if (!reader)
		kz_milvus_fail_error(request, &error);
	return reader;
}

static bool
check_levels(KzMilvusRequest *request)
{
	char	   *level = "";

	return kz_milvus_string(request, request->body, "consistencyLevel", &level) &&
		kz_milvus_check_consistency(request, level);
}

/*
 * There are no partitions but the one that every collection has.
 */
bool
kz_milvus_check_partition(KzMilvusRequest *request)
{
	char	   *name = "";
	JsonbValue	names;
	JsonbValue	value;
	KzJsonCursor cursor;

	if (!kz_milvus_string(request, request->body, "partitionName", &name) ||
		!kz_milvus_array(request, request->body, "partitionNames", &names))
		return false;
	if (names.type != jbvNull)
	{
		kz_json_values(&cursor, names.val.binary.data);
		while (kz_json_next(&cursor, &value))
			if (value.type == jbvString && !kz_json_equals(&value, DEFAULT_PARTITION))
				name = kz_json_string(&value);
	}
	return name[0] == '\0' || strcmp(name, DEFAULT_PARTITION) == 0 ||
		kz_milvus_fail(request, KZ_MILVUS_NO_PARTITION,
					   psprintf("partition not found[partition=%s]", name));
}

/*
 * Read "id": a key or an array of them, as the ids of documents.
 */
bool
kz_milvus_keys(KzMilvusRequest *request, const KzMilvusSchema *schema, text ***ids, int *nids)
{
	JsonbValue	value;
	JsonbValue	key;
	KzJsonCursor cursor;

	*nids = 0;
	if (!kz_milvus_field(request->body, "id", &value))
		kz_json_set_null(&value);
	if (!kz_json_is_array(&value))
	{
		*ids = palloc(sizeof(text *));
		(*ids)[(*nids)++] = kz_milvus_key_id(schema, &value, &key);
	}
	else
	{
		*ids = palloc_extended((JsonContainerSize(value.val.binary.data) + 1) * sizeof(text *),
							   MCXT_ALLOC_HUGE);
		kz_json_values(&cursor, value.val.binary.data);
		while (kz_json_next(&cursor, &value))
			(*ids)[(*nids)++] = kz_milvus_key_id(schema, &value, &key);
	}
	for (int i = 0; i < *nids; i++)
		if (!(*ids)[i])
			return kz_milvus_fail(request, KZ_MILVUS_INVALID_KEY,
								  "please check the primary key and its' type can only in [int, string]");
	*nids = drop_duplicates(*ids, *nids);
	return true;
}

/*
 * Keep each id once, at its first place; returns how many are left.
 */
static int
drop_duplicates(text **ids, int nids)
{
	HASHCTL		ctl = {.keysize = KZ_ID_MAX_BYTES + 1,.entrysize = KZ_ID_MAX_BYTES + 1,.hcxt = CurrentMemoryContext};
	HTAB	   *seen = hash_create("kz ids", nids, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	int			n = 0;

	for (int i = 0; i < nids; i++)
	{
		bool		found = false;

		/* No longer one can be stored. */
		if (VARSIZE_ANY_EXHDR(ids[i]) <= KZ_ID_MAX_BYTES)
			hash_search(seen, text_to_cstring(ids[i]), HASH_ENTER, &found);
		if (!found)
			ids[n++] = ids[i];
	}
	hash_destroy(seen);
	return n;
}

/*
 * The filter as it was sent.
 */
const char *
kz_milvus_filter_text(const KzMilvusRequest *request)
{
	JsonbValue	value;

	return kz_milvus_field(request->body, "filter", &value) && value.type == jbvString ?
		kz_json_string(&value) : "";
}

/*
 * Read the filter; plan is what messages call its purpose.
 */
bool
kz_milvus_filter(KzMilvusRequest *request, const KzMilvusSchema *schema, const char *plan,
				 KzFilter *filter)
{
	char	   *expression = "";
	char	   *problem;
	JsonbValue	parameters;
	KzFilterSchema fields;

	if (!kz_milvus_string(request, request->body, "filter", &expression) ||
		!kz_milvus_object(request, request->body, "exprParams", &parameters))
		return false;
	kz_milvus_schema_filter(schema, &fields);
	memset(filter, 0, sizeof(*filter));
	return kz_filter_read(expression, &fields,
						  parameters.type == jbvNull ? NULL : parameters.val.binary.data,
						  filter, &problem) ||
		kz_milvus_fail_parameter(request,
								 psprintf("failed to create %s: cannot parse expression: %s, error: %s",
										  plan, expression, problem));
}

/*
 * The second version tells what a request for data costs in the cloud.
 */
void
kz_milvus_add_cost(KzMilvusRequest *request)
{
	if (request->version == 2)
		kz_pairs_add_int64(&request->extra, "cost", 0);
}

const KzMilvusEndpoint kz_milvus_entity_endpoints[] = {
	{2, "entities/upsert", "POST", "CollectionDataReq", {"collectionName", "data"}, kz_milvus_upsert,.entities = true},
	{2, "entities/insert", "POST", "CollectionDataReq", {"collectionName", "data"}, kz_milvus_insert,.entities = true},
	{2, "entities/get", "POST", "CollectionIDReq", {"collectionName", "id"}, entities_get},
	{2, "entities/query", "POST", "QueryReqV2", {"collectionName"}, entities_query},
	{2, "entities/delete", "POST", "CollectionFilterReq", {"collectionName", "filter"},
	kz_milvus_delete, true},
	{2, "entities/search", "POST", "SearchReqV2", {"collectionName", "data"}, entities_search},
	{2, "entities/hybrid_search", "POST", "HybridSearchReq", {"collectionName", "search"}, entities_search},
	{2, "entities/advanced_search", "POST", "HybridSearchReq", {"collectionName", "search"}, entities_search},
	{1, "upsert", "POST", NULL, {"collectionName", "data"}, kz_milvus_upsert,.entities = true},
	{1, "insert", "POST", NULL, {"collectionName", "data"}, kz_milvus_insert,.entities = true},
	{1, "get", "POST", NULL, {"collectionName", "id"}, entities_get},
	{1, "query", "POST", NULL, {"collectionName", "filter"}, entities_query},
	{1, "delete", "POST", NULL, {"collectionName"}, kz_milvus_delete, true},
	{1, "search", "POST", NULL, {"collectionName", "vector"}, entities_search}
};

const int	kz_milvus_nentity_endpoints = lengthof(kz_milvus_entity_endpoints);
