/*
 * kuzzle_index.c
 *	  Kuzzle's index controller.
 */
#include "postgres.h"

#include "catalog/namespace.h"

#include "base/subtransaction.h"
#include "engine/collection.h"
#include "engine/definition.h"
#include "engine/naming.h"
#include "operation/read.h"
#include "protocol/kuzzle.h"

/* What index:stats tells of a collection. */
typedef struct Extent
{
	const char *index;
	const char *name;
	bool		found;
	int64		count;
	int64		size;
} Extent;

static List *index_names(void);
static Jsonb *string_array(List *strings);
static void answer_object(KzRequest *request, const char *key, Jsonb *value);
static Jsonb *count_collections(List *indexes);
static Jsonb *describe_index(const char *index, int64 *size);
static Jsonb *describe_table(const char *index, const char *name, int64 *size);
static bool read_extent(void *argument);
static bool is_of_collection(void *argument, int sqlerrcode);

static bool
index_create(KzRequest *request)
{
	if (!kz_request_index(request))
		return false;
	kz_name_require_index(request->call.index);
	kz_index_create(request->call.index);
	request->no_result = true;
	return true;
}

static bool
index_delete(KzRequest *request)
{
	if (!kz_request_index(request))
		return false;
	if (!kz_index_delete(request->call.index))
		kz_index_raise_unknown(request->call.index);
	kz_request_acknowledge(request);
	return true;
}

static bool
index_exists(KzRequest *request)
{
	KzIndexRow	row;

	if (!kz_request_index(request))
		return false;
	kz_json_set_bool(&request->result, kz_index_find(request->call.index, &row));
	return true;
}

static bool
index_list(KzRequest *request)
{
	JsonbPair	pairs[2];
	List	   *names;
	bool		count = false;

	if (!kz_request_flag(request, KZ_KEY_COUNT_COLLECTION, &count))
		return false;
	names = index_names();
	kz_json_set_string(&pairs[0].key, "indexes");
	kz_json_set_document(&pairs[0].value, string_array(names));
	kz_json_set_string(&pairs[1].key, "collections");
	if (count)
		kz_json_set_document(&pairs[1].value, count_collections(names));
	kz_json_set_document(&request->result, kz_json_object(pairs, count ? 2 : 1));
	return true;
}

/*
 * Deletes the indexes that are there, and says which.
 */
static bool
index_mdelete(KzRequest *request)
{
	JsonbValue	names = {.type = jbvNull};
	JsonbValue	name;
	KzJsonCursor cursor;
	List	   *deleted = NIL;

	if (!kz_request_body_array(request, "indexes", false, &names))
		return false;
	if (names.type != jbvNull)
	{
		kz_json_values(&cursor, names.val.binary.data);
		while (kz_json_next(&cursor, &name))
		{
			KzIndexRow	row;
			char	   *string;

			if (name.type != jbvString)
				return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "body.indexes",
									   "array of strings");
			string = kz_json_string(&name);
			/* Who deletes nothing keeps nobody waiting. */
			if (kz_index_find(string, &row) && kz_index_delete(string))
				deleted = lappend(deleted, string);
		}
	}
	answer_object(request, "deleted", string_array(deleted));
	return true;
}

/*
 * Sizes in bytes, with indexes and TOAST, and numbers of documents.  What the caller
 * cannot read is left out, as is an index without a collection that he can.
 */
static bool
index_stats(KzRequest *request)
{
	List	   *names = index_names();
	JsonbValue *indexes = palloc(Max(list_length(names), 1) * sizeof(JsonbValue));
	JsonbPair	pairs[2];
	ListCell   *lc;
	int64		total = 0;
	int			n = 0;

	foreach(lc, names)
	{
		int64		size = 0;
		Jsonb	   *index = describe_index(lfirst(lc), &size);

		if (index)
			kz_json_set_document(&indexes[n++], index);
		total += size;
	}
	kz_json_set_string(&pairs[0].key, "indexes");
	kz_json_set_document(&pairs[0].value, kz_json_array(indexes, n));
	kz_json_set_string(&pairs[1].key, "size");
	kz_json_set_int64(&pairs[1].value, total);
	kz_json_set_document(&request->result, kz_json_object(pairs, 2));
	return true;
}

/*
 * Names of the indexes whose schemas are there, in the order of creation.
 */
static List *
index_names(void)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, kz_catalog_list_indexes())
	{
		KzIndexRow *row = lfirst(lc);

		if (OidIsValid(get_namespace_oid(row->schema, true)))
			names = lappend(names, row->name);
	}
	return names;
}

static Jsonb *
string_array(List *strings)
{
	JsonbValue *values = palloc(Max(list_length(strings), 1) * sizeof(JsonbValue));
	ListCell   *lc;

	foreach(lc, strings)
		kz_json_set_string(&values[foreach_current_index(lc)], lfirst(lc));
	return kz_json_array(values, list_length(strings));
}

static void
answer_object(KzRequest *request, const char *key, Jsonb *value)
{
	JsonbPair	pair;

	kz_json_set_string(&pair.key, key);
	kz_json_set_document(&pair.value, value);
	kz_json_set_document(&request->result, kz_json_object(&pair, 1));
}

/*
 * {index: number of its collections}
 */
static Jsonb *
count_collections(List *indexes)
{
	JsonbPair  *pairs = palloc(Max(list_length(indexes), 1) * sizeof(JsonbPair));
	ListCell   *lc;

	foreach(lc, indexes)
	{
		JsonbPair  *pair = &pairs[foreach_current_index(lc)];

		kz_json_set_string(&pair->key, lfirst(lc));
		kz_json_set_int64(&pair->value, list_length(kz_request_collections(lfirst(lc))));
	}
	return kz_json_object(pairs, list_length(indexes));
}

/*
 * {name, size, collections} of an index; NULL if there is no collection to be
 * described.
 */
static Jsonb *
describe_index(const char *index, int64 *size)
{
	List	   *names = kz_request_collections(index);
	JsonbValue *collections = palloc(Max(list_length(names), 1) * sizeof(JsonbValue));
	JsonbPair	pairs[3];
	ListCell   *lc;
	int			n = 0;

	foreach(lc, names)
	{
		Jsonb	   *collection = describe_table(index, lfirst(lc), size);

		if (collection)
			kz_json_set_document(&collections[n++], collection);
	}
	if (n == 0)
		return NULL;
	kz_json_set_string(&pairs[0].key, "name");
	kz_json_set_string(&pairs[0].value, index);
	kz_json_set_string(&pairs[1].key, "size");
	kz_json_set_int64(&pairs[1].value, *size);
	kz_json_set_string(&pairs[2].key, "collections");
	kz_json_set_document(&pairs[2].value, kz_json_array(collections, n));
	return kz_json_object(pairs, 3);
}

/*
 * {name, size, documentCount} of a collection, whose size is added to the total; NULL
 * if it has gone meanwhile, does not fit, or may not or can't be read.
 */
static Jsonb *
describe_table(const char *index, const char *name, int64 *total)
{
	JsonbPair	pairs[3];
	Extent		extent = {.index = index,.name = name};
	ErrorData  *raised = kz_subtransaction_run(read_extent, is_of_collection, &extent);

	if (raised)
		FreeErrorData(raised);
	if (raised || !extent.found)
		return NULL;
	*total += extent.size;
	kz_json_set_string(&pairs[0].key, "name");
	kz_json_set_string(&pairs[0].value, name);
	kz_json_set_string(&pairs[1].key, "size");
	kz_json_set_int64(&pairs[1].value, extent.size);
	kz_json_set_string(&pairs[2].key, "documentCount");
	kz_json_set_int64(&pairs[2].value, extent.count);
	return kz_json_object(pairs, 3);
}

static bool
read_extent(void *argument)
{
	Extent	   *extent = argument;

	extent->found = kz_read_extent(extent->index, extent->name, "index:stats", &extent->count, &extent->size);
	return true;
}

/*
 * Whether an error says that one collection can't be read, a policy that raises it or
 * a foreign server that is away, say, and nothing of the next one.
 */
static bool
is_of_collection(void *argument, int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:	/* 40 */
		case ERRCODE_INSUFFICIENT_RESOURCES:	/* 53 */
		case ERRCODE_OPERATOR_INTERVENTION: /* 57 */
		case ERRCODE_INTERNAL_ERROR:	/* XX */
			return false;
		default:
			return true;
	}
}

static const KzApiAction actions[] = {
	{"create", index_create,.raises = true},
	{"delete", index_delete,.raises = true},
	{"exists", index_exists},
	{"list", index_list},
	{"mDelete", index_mdelete,.raises = true},
	{"stats", index_stats,.raises = true}
};

const KzApiController kz_api_index = {"index", actions, lengthof(actions)};
