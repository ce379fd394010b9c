/*
 * kuzzle_collection.c
 *	  Kuzzle's collection controller.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "document/mapping.h"
#include "document/merge.h"
#include "engine/collection.h"
#include "engine/definition.h"
#include "engine/naming.h"
#include "engine/resolve.h"
#include "operation/read.h"
#include "protocol/kuzzle.h"

static bool answer_mapping(KzRequest *request, bool with_metadata);
static Jsonb *flatten_settings(Jsonb *settings);
static Jsonb *stringify(const JsonbContainer *settings);
static bool read_definition(KzRequest *request, Jsonb **mappings, Jsonb **settings);
static Jsonb *optional_object(const JsonbContainer *body, const char *key, KzRequest *request,
							  bool *ok);

static bool
collection_create(KzRequest *request)
{
	Jsonb	   *mappings;
	Jsonb	   *settings;

	if (!kz_request_names(request))
		return false;
	kz_name_require_index(request->call.index);
	kz_name_require_collection(request->call.collection);
	if (!read_definition(request, &mappings, &settings))
		return false;
	kz_collection_create(request->call.index, request->call.collection,
						 mappings ? mappings : kz_json_object(NULL, 0),
						 settings ? settings : kz_json_object(NULL, 0));
	kz_request_acknowledge(request);
	return true;
}

static bool
collection_update(KzRequest *request)
{
	Jsonb	   *mappings;
	Jsonb	   *settings;

	if (!kz_request_names(request) || !read_definition(request, &mappings, &settings))
		return false;
	kz_collection_update(request->call.index, request->call.collection, mappings, settings);
	return true;
}

static bool
collection_update_mapping(KzRequest *request)
{
	JsonbValue	body;

	if (!kz_request_names(request) || !kz_request_body(request, &body))
		return false;
	kz_collection_update(request->call.index, request->call.collection,
						 kz_json_document(&body), NULL);
	return answer_mapping(request, true);
}

static bool
collection_get_mapping(KzRequest *request)
{
	bool		with_metadata = false;

	return kz_request_names(request) &&
		kz_request_flag(request, KZ_KEY_INCLUDE_KUZZLE_META, &with_metadata) &&
		answer_mapping(request, with_metadata);
}

/*
 * The settings in Elasticsearch's form, among them two that its clients look for.
 */
static bool
collection_get_settings(KzRequest *request)
{
	static const char *const names[] = {"number_of_shards", "number_of_replicas"};
	KzCollectionRow row;
	JsonbPair	defaults[lengthof(names)];

	if (!kz_request_names(request))
		return false;
	kz_collection_require(request->call.index, request->call.collection, &row);
	for (int i = 0; i < lengthof(names); i++)
	{
		kz_json_set_string(&defaults[i].key, names[i]);
		kz_json_set_string(&defaults[i].value, "1");
	}
	kz_json_set_document(&request->result,
						 kz_merge_deep(kz_json_object(defaults, lengthof(names)),
									   flatten_settings(row.settings)));
	return true;
}

static bool
collection_exists(KzRequest *request)
{
	KzCollectionRow row;

	if (!kz_request_names(request))
		return false;
	kz_json_set_bool(&request->result, kz_collection_find(request->call.index,
														  request->call.collection, &row));
	return true;
}

/*
 * Collections by name, from the one at "from" on, at most "size"; all are of type
 * "stored".
 */
static bool
collection_list(KzRequest *request)
{
	JsonbPair	pairs[4];
	JsonbValue *collections;
	KzIndexRow	row;
	List	   *names;
	char	   *type = "all";
	int			from = 0;
	int			size = 0;
	int			n = 0;
	int			npairs = 0;

	if (!kz_request_index(request) ||
		!kz_request_string(request, KZ_KEY_TYPE, &type) ||
		!kz_request_integer(request, KZ_KEY_FROM, &from) ||
		!kz_request_integer(request, KZ_KEY_SIZE, &size))
		return false;
	if (strcmp(type, "all") != 0 && strcmp(type, "stored") != 0 && strcmp(type, "realtime") != 0)
		return kz_request_fail(request, KZ_ERROR_INVALID_ARGUMENT, "type",
							   "\"all\", \"stored\", \"realtime\"");
	kz_index_require(request->call.index, &row);
	names = strcmp(type, "realtime") == 0 ? NIL : kz_request_collections(request->call.index);
	collections = palloc(Max(list_length(names), 1) * sizeof(JsonbValue));
	for (int i = Max(from, 0); i < list_length(names) && (size <= 0 || n < size); i++)
	{
		JsonbPair	collection[2];

		kz_json_set_string(&collection[0].key, "name");
		kz_json_set_string(&collection[0].value, list_nth(names, i));
		kz_json_set_string(&collection[1].key, "type");
		kz_json_set_string(&collection[1].value, "stored");
		kz_json_set_document(&collections[n++], kz_json_object(collection, 2));
	}

	kz_json_set_string(&pairs[npairs].key, "collections");
	kz_json_set_document(&pairs[npairs++].value, kz_json_array(collections, n));
	kz_json_set_string(&pairs[npairs].key, "type");
	kz_json_set_string(&pairs[npairs++].value, type);
	if (from != 0)
	{
		kz_json_set_string(&pairs[npairs].key, "from");
		kz_json_set_int64(&pairs[npairs++].value, from);
	}
	if (size != 0)
	{
		kz_json_set_string(&pairs[npairs].key, "size");
		kz_json_set_int64(&pairs[npairs++].value, size);
	}
	kz_json_set_document(&request->result, kz_json_object(pairs, npairs));
	return true;
}

/*
 * What is committed can be found; there is nothing to refresh.
 */
static bool
collection_refresh(KzRequest *request)
{
	KzCollectionRow row;

	if (!kz_request_names(request))
		return false;
	kz_collection_require(request->call.index, request->call.collection, &row);
	return true;
}

static bool
collection_truncate(KzRequest *request)
{
	if (!kz_request_names(request))
		return false;
	kz_collection_truncate(request->call.index, request->call.collection);
	kz_request_acknowledge(request);
	return true;
}

static bool
collection_delete(KzRequest *request)
{
	if (!kz_request_names(request))
		return false;
	if (!kz_collection_delete(request->call.index, request->call.collection))
		kz_collection_raise_unknown(request->call.index, request->call.collection);
	return true;
}

/*
 * Names of the collections of an index whose tables are there, in their order.
 */
List *
kz_request_collections(const char *index)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, kz_catalog_list_collections(index))
	{
		KzCollectionRow *row = lfirst(lc);

		if (OidIsValid(kz_table_find(row->schema, row->table)))
			names = lappend(names, row->name);
	}
	return names;
}

/*
 * Answer with the mappings, in which Kuzzle counts its own metadata.
 */
static bool
answer_mapping(KzRequest *request, bool with_metadata)
{
	KzCollectionRow row;
	Jsonb	   *mappings;

	kz_collection_require(request->call.index, request->call.collection, &row);
	mappings = kz_mapping_describe(kz_mapping_read(row.mappings));
	if (with_metadata)
		mappings = kz_mapping_add_metadata(mappings);
	kz_json_set_document(&request->result, mappings);
	return true;
}

/*
 * Settings with what is under "index" moved to the root, and all scalars as
 * strings.
 */
static Jsonb *
flatten_settings(Jsonb *settings)
{
	Jsonb	   *flat = stringify(&settings->root);
	JsonbValue	index;
	JsonbValue	value;
	JsonbValue	key;
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbPair  *pairs;
	int			n = 0;

	if (!kz_json_field(&flat->root, "index", &index) || !kz_json_is_object(&index))
		return flat;
	pairs = palloc(JB_ROOT_COUNT(flat) * sizeof(JsonbPair));
	kz_json_keys(&keys, &flat->root);
	kz_json_values(&values, &flat->root);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
	{
		if (kz_json_equals(&key, "index"))
			continue;
		pairs[n].key = key;
		pairs[n++].value = value;
	}
	return kz_merge_deep(kz_json_object(pairs, n), kz_json_document(&index));
}

static Jsonb *
stringify(const JsonbContainer *settings)
{
	JsonbPair  *pairs = palloc(Max(JsonContainerSize(settings), 1) * sizeof(JsonbPair));
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	value;
	int			n = 0;

	check_stack_depth();
	kz_json_keys(&keys, settings);
	kz_json_values(&values, settings);
	while (kz_json_next(&keys, &pairs[n].key) && kz_json_next(&values, &value))
	{
		JsonbValue *put = &pairs[n++].value;

		if (kz_json_is_object(&value))
			kz_json_set_document(put, stringify(value.val.binary.data));
		else if (value.type == jbvNumeric)
			kz_json_set_string(put, numeric_normalize(value.val.numeric));
		else if (value.type == jbvBool)
			kz_json_set_string(put, value.val.boolean ? "true" : "false");
		else
			*put = value;
	}
	return kz_json_object(pairs, n);
}

/*
 * Read mappings and settings from the body, NULL if they are not there.  Kuzzle
 * also takes mappings that are the body themselves.
 */
static bool
read_definition(KzRequest *request, Jsonb **mappings, Jsonb **settings)
{
	static const char *const mapping_keys[] = {"properties", "dynamic", "_meta"};
	JsonbValue	body;
	JsonbValue	value;
	bool		ok = true;

	*mappings = *settings = NULL;
	if (request->values[KZ_KEY_BODY].type == jbvNull)
		return true;
	if (!kz_request_body(request, &body))
		return false;
	for (int i = 0; i < lengthof(mapping_keys); i++)
		if (kz_json_field(body.val.binary.data, mapping_keys[i], &value))
		{
			*mappings = kz_json_document(&body);
			return true;
		}
	*mappings = optional_object(body.val.binary.data, "mappings", request, &ok);
	*settings = optional_object(body.val.binary.data, "settings", request, &ok);
	return ok;
}

static Jsonb *
optional_object(const JsonbContainer *body, const char *key, KzRequest *request, bool *ok)
{
	JsonbValue	value;

	if (!kz_json_field(body, key, &value) || value.type == jbvNull)
		return NULL;
	if (kz_json_is_object(&value))
		return kz_json_document(&value);
	*ok = kz_request_fail(request, KZ_ERROR_INVALID_TYPE, psprintf("body.%s", key), "object");
	return NULL;
}

static const KzApiAction actions[] = {
	{"create", collection_create,.raises = true},
	{"delete", collection_delete,.raises = true},
	{"exists", collection_exists},
	{"getMapping", collection_get_mapping,.raises = true},
	{"getSettings", collection_get_settings,.raises = true},
	{"list", collection_list,.raises = true},
	{"refresh", collection_refresh,.raises = true},
	{"truncate", collection_truncate,.raises = true},
	{"update", collection_update,.raises = true},
	{"updateMapping", collection_update_mapping,.raises = true}
};

const KzApiController kz_api_collection = {"collection", actions, lengthof(actions)};
