/*
 * milvus_collection.c
 *	  The endpoints for Milvus' collections and databases.
 *
 * A database is an index.  The default one is there before its index is made.
 * Everything is always loaded.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "document/identity.h"
#include "engine/definition.h"
#include "operation/read.h"
#include "protocol/milvus_request.h"

#define FIRST_FIELD_ID 100		/* Milvus' fields of its own come before */

static bool make_collection(KzMilvusRequest *request, KzMilvusSchema *schema);
static Jsonb *describe_field(const KzMilvusRequest *request, const KzMilvusSchema *schema,
							 const KzMilvusField *field);
static Jsonb *describe_parameters(const KzMilvusField *field);
static void add_parameter(JsonbValue *parameters, int *n, const char *key, int value);
static char *describe_type(const KzMilvusField *field);
static bool has_collections(const char *database);
static bool is_default(const char *database);
static void answer_strings(KzMilvusRequest *request, List *strings);
static bool read_collection_name(KzMilvusRequest *request);

static bool
collections_list(KzMilvusRequest *request)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (!kz_milvus_database(request))
		return false;
	foreach(lc, kz_catalog_list_collections(request->call.index))
	{
		KzCollectionRow *row = lfirst(lc);
		KzMilvusSchema schema;

		request->call.collection = row->name;
		if (kz_milvus_find_schema(request, &schema))
			names = lappend(names, row->name);
	}
	answer_strings(request, names);
	return true;
}

static bool
collections_has(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzPairs		pairs = {0};

	if (!read_collection_name(request) || !kz_milvus_database(request))
		return false;
	kz_pairs_add_bool(&pairs, "has", kz_milvus_find_schema(request, &schema));
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	return true;
}

/*
 * Create a collection; one that is there in the same form is good as well.
 */
static bool
collections_create(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzMilvusSchema old;
	KzCollectionRow row;
	char	   *message;

	if (!read_collection_name(request) || !kz_milvus_database(request) ||
		!kz_milvus_read_schema(request, &schema))
		return false;
	if (!kz_milvus_check_name("collection", request->call.collection, &message))
		return kz_milvus_fail_parameter(request, message);
	if (!kz_collection_find(request->call.index, request->call.collection, &row))
	{
		/*
		 * Two who create the same name must not both find it free; but who
		 * finds it taken, whatever his rights, must not keep others waiting.
		 * A standby grants no such lock.
		 */
		PreventCommandIfReadOnly("collections/create");
		kz_catalog_lock();
		if (!kz_collection_find(request->call.index, request->call.collection, &row))
			return make_collection(request, &schema);
	}
	if (kz_milvus_schema_read(row.settings, &old) &&
		kz_json_identical(kz_milvus_schema_define(&schema), kz_milvus_schema_define(&old)))
		return true;
	return kz_milvus_fail(request, KZ_MILVUS_OTHER,
						  psprintf("create duplicate collection with different parameters, collection: %s",
								   request->call.collection));
}

static bool
make_collection(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	schema->id = kz_identity_number();
	kz_collection_create(request->call.index, request->call.collection, kz_json_object(NULL, 0),
						 kz_milvus_schema_settings(schema));
	return true;
}

static bool
collections_describe(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzPairs		pairs = {0};
	JsonbValue *fields;
	Jsonb	   *none = kz_json_array(NULL, 0);

	if (!kz_milvus_collection(request, &schema))
		return false;
	fields = palloc(schema.nfields * sizeof(JsonbValue));
	for (int i = 0; i < schema.nfields; i++)
		kz_json_set_document(&fields[i], describe_field(request, &schema, &schema.fields[i]));
	kz_pairs_add_string(&pairs, "collectionName", request->call.collection);
	kz_pairs_add_string(&pairs, "description", schema.description);
	kz_pairs_add_document(&pairs, "fields", kz_json_array(fields, schema.nfields));
	kz_pairs_add(&pairs, "indexes", &schema.indexes);
	kz_pairs_add_string(&pairs, "load", "LoadStateLoaded");
	kz_pairs_add_int64(&pairs, "shardsNum", schema.shards);
	kz_pairs_add_bool(&pairs, "enableDynamicField", schema.dynamic);
	if (request->version == 2)
	{
		kz_pairs_add_int64(&pairs, "collectionID", schema.id);
		kz_pairs_add_bool(&pairs, "autoId", schema.auto_id);
		kz_pairs_add_document(&pairs, "functions", none);
		kz_pairs_add_document(&pairs, "aliases", none);
		kz_pairs_add_int64(&pairs, "partitionsNum", 1);
		kz_pairs_add_string(&pairs, "consistencyLevel", schema.consistency);
		kz_pairs_add(&pairs, "properties", &schema.properties);
		kz_pairs_add_string(&request->extra, "message", "");
	}
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	return true;
}

static Jsonb *
describe_field(const KzMilvusRequest *request, const KzMilvusSchema *schema,
			   const KzMilvusField *field)
{
	KzPairs		pairs = {0};
	Jsonb	   *parameters = describe_parameters(field);

	kz_pairs_add_string(&pairs, "name", field->name);
	kz_pairs_add_string(&pairs, "description", field->description);
	kz_pairs_add_bool(&pairs, "primaryKey", field->primary);
	kz_pairs_add_bool(&pairs, "partitionKey", field->partition_key);
	kz_pairs_add_bool(&pairs, "autoId", field->primary && schema->auto_id);
	if (request->version == 1)
	{
		kz_pairs_add_string(&pairs, "type", describe_type(field));
		return kz_pairs_object(&pairs);
	}
	kz_pairs_add_string(&pairs, "type", kz_milvus_type_name(field->type));
	kz_pairs_add_int64(&pairs, "id", FIRST_FIELD_ID + (field - schema->fields));
	kz_pairs_add_bool(&pairs, "clusteringKey", field->clustering_key);
	kz_pairs_add_bool(&pairs, "nullable", field->nullable);
	if (JB_ROOT_COUNT(parameters) > 0)
		kz_pairs_add_document(&pairs, "params", parameters);
	if (field->type == KZ_MILVUS_ARRAY)
		kz_pairs_add_string(&pairs, "elementType", kz_milvus_type_name(field->element));
	if (field->has_default)
		kz_pairs_add(&pairs, "defaultValue", &field->default_value);
	return kz_pairs_object(&pairs);
}

/*
 * [{"key", "value"}], values as strings.
 */
static Jsonb *
describe_parameters(const KzMilvusField *field)
{
	JsonbValue	parameters[3];
	int			n = 0;

	add_parameter(parameters, &n, "dim", field->dim);
	add_parameter(parameters, &n, "max_length", field->max_length);
	add_parameter(parameters, &n, "max_capacity", field->max_capacity);
	return kz_json_array(parameters, n);
}

static void
add_parameter(JsonbValue *parameters, int *n, const char *key, int value)
{
	KzPairs		pairs = {0};

	if (value == 0)
		return;
	kz_pairs_add_string(&pairs, "key", key);
	kz_pairs_add_string(&pairs, "value", psprintf("%d", value));
	kz_json_set_document(&parameters[(*n)++], kz_pairs_object(&pairs));
}

/*
 * The type as the first version has it, with the size in parentheses.
 */
static char *
describe_type(const KzMilvusField *field)
{
	const char *type = kz_milvus_type_name(field->type);

	if (field->dim)
		return psprintf("%s(%d)", type, field->dim);
	if (field->type == KZ_MILVUS_VARCHAR)
		return psprintf("%s(%d)", type, field->max_length);
	return pstrdup(type);
}

static bool
collections_drop(KzMilvusRequest *request)
{
	KzMilvusSchema schema;

	if (!read_collection_name(request) || !kz_milvus_database(request))
		return false;
	if (kz_milvus_find_schema(request, &schema) &&
		kz_collection_delete(request->call.index, request->call.collection))
		return true;
	return request->version == 2 ||
		kz_milvus_fail(request, KZ_MILVUS_NO_COLLECTION,
					   psprintf("collection not found, database: %s, collection: %s",
								request->call.index, request->call.collection));
}

static bool
collections_rename(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzMilvusSchema other;
	char	   *new_name = NULL;
	char	   *new_database = "";
	char	   *message;
	KzMilvusRequest target;
	KzIndexRow	row;

	if (!kz_milvus_string(request, request->body, "newCollectionName", &new_name) ||
		!kz_milvus_string(request, request->body, "newDbName", &new_database) ||
		!kz_milvus_collection(request, &schema))
		return false;
	if (!kz_milvus_check_name("collection", new_name, &message))
		return kz_milvus_fail_parameter(request, message);
	target = *request;
	target.call.collection = new_name;
	if (new_database[0] != '\0')
		target.call.index = new_database;
	if (!kz_index_find(target.call.index, &row))
	{
		if (!is_default(target.call.index))
			return kz_milvus_fail(request, KZ_MILVUS_NO_DATABASE,
								  psprintf("database not found[database=%s]", new_database));
		kz_index_create(target.call.index);
	}
	if (kz_milvus_find_schema(&target, &other))
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("duplicated new collection name %s in database %s with other "
									   "collection name or alias", new_name, target.call.index));
	kz_collection_rename(request->call.index, request->call.collection, target.call.index, new_name);
	return true;
}

static bool
collections_truncate(KzMilvusRequest *request)
{
	KzMilvusSchema schema;

	if (!kz_milvus_collection(request, &schema))
		return false;
	kz_collection_truncate(request->call.index, request->call.collection);
	return true;
}

static bool
collections_get_stats(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzError		error;
	KzPairs		pairs = {0};
	int64		count;

	if (!kz_milvus_collection(request, &schema))
		return false;
	if (!kz_read_count(request->call.index, request->call.collection, "collections/get_stats",
					   &count, &error))
		return kz_milvus_fail_error(request, &error);
	kz_pairs_add_int64(&pairs, "rowCount", count);
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	return true;
}

static bool
collections_get_load_state(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzPairs		pairs = {0};

	if (!read_collection_name(request) || !kz_milvus_database(request))
		return false;
	if (kz_milvus_find_schema(request, &schema))
	{
		kz_pairs_add_string(&pairs, "loadState", "LoadStateLoaded");
		kz_pairs_add_int64(&pairs, "loadProgress", 100);
		kz_pairs_add_string(&request->extra, "message", "");
	}
	else
		kz_pairs_add_string(&pairs, "loadState", "LoadStateNotExist");
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	return true;
}

/*
 * What has nothing to do but to look whether the collection is there.
 */
static bool
collections_touch(KzMilvusRequest *request)
{
	KzMilvusSchema schema;

	return kz_milvus_collection(request, &schema);
}

static bool
databases_list(KzMilvusRequest *request)
{
	List	   *names = list_make1(KZ_MILVUS_DEFAULT_DATABASE);
	ListCell   *lc;

	foreach(lc, kz_catalog_list_indexes())
	{
		KzIndexRow *row = lfirst(lc);

		if (!is_default(row->name) && OidIsValid(get_namespace_oid(row->schema, true)))
			names = lappend(names, row->name);
	}
	answer_strings(request, names);
	return true;
}

static bool
databases_create(KzMilvusRequest *request)
{
	char	   *name = NULL;
	char	   *message;
	KzIndexRow	row;

	if (!kz_milvus_string(request, request->body, "dbName", &name))
		return false;
	if (!kz_milvus_check_name("database", name, &message))
		return kz_milvus_fail(request, KZ_MILVUS_INVALID_DATABASE_NAME,
							  psprintf("%s: invalid database name[database=%s]", message, name));
	if (is_default(name) || kz_index_find(name, &row))
		return kz_milvus_fail(request, KZ_MILVUS_OTHER, psprintf("database already exist: %s", name));
	kz_index_create(name);
	return true;
}

/*
 * Drop a database that has no collections, be they Milvus' or others.
 */
static bool
databases_drop(KzMilvusRequest *request)
{
	if (!kz_milvus_database(request))
		return false;
	if (is_default(request->call.index))
		return kz_milvus_fail_parameter(request, "can not drop default database");
	if (!has_collections(request->call.index))
	{
		/*
		 * One that somebody is making must not go with it.  As in
		 * collections_create, who finds it taken keeps nobody waiting.
		 */
		PreventCommandIfReadOnly("databases/drop");
		kz_catalog_lock();
		if (!has_collections(request->call.index))
			return kz_index_delete(request->call.index) ||
				kz_milvus_fail(request, KZ_MILVUS_NO_DATABASE,
							   psprintf("database not found[database=%s]", request->call.index));
	}
	return kz_milvus_fail(request, KZ_MILVUS_OTHER,
						  psprintf("database:%s not empty, must drop all collections before drop "
								   "database", request->call.index));
}

static bool
has_collections(const char *database)
{
	ListCell   *lc;

	foreach(lc, kz_catalog_list_collections(database))
	{
		KzCollectionRow *listed = lfirst(lc);
		KzCollectionRow row;

		if (kz_collection_find(listed->index, listed->name, &row))
			return true;
	}
	return false;
}

static bool
databases_describe(KzMilvusRequest *request)
{
	KzPairs		pairs = {0};
	KzIndexRow	row = {0};

	if (!kz_milvus_database(request))
		return false;
	if (!kz_index_find(request->call.index, &row))
		row.position = 0;
	kz_pairs_add_string(&pairs, "dbName", request->call.index);
	kz_pairs_add_int64(&pairs, "dbID", row.position);
	kz_pairs_add_document(&pairs, "properties", kz_json_array(NULL, 0));
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	return true;
}

static bool
is_default(const char *database)
{
	return strcmp(database, KZ_MILVUS_DEFAULT_DATABASE) == 0;
}

static void
answer_strings(KzMilvusRequest *request, List *strings)
{
	JsonbValue *values = palloc((list_length(strings) + 1) * sizeof(JsonbValue));
	ListCell   *lc;

	foreach(lc, strings)
		kz_json_set_string(&values[foreach_current_index(lc)], lfirst(lc));
	kz_json_set_document(&request->data, kz_json_array(values, list_length(strings)));
}

/*
 * Read the name of a collection that need not be there.
 */
static bool
read_collection_name(KzMilvusRequest *request)
{
	char	   *name = "";

	if (!kz_milvus_string(request, request->body, "collectionName", &name))
		return false;
	request->call.collection = name;
	return true;
}

#define NAME {"collectionName"}

const KzMilvusEndpoint kz_milvus_collection_endpoints[] = {
	{1, "collections", "GET", NULL, {NULL}, collections_list},
	{1, "collections/describe", "GET", NULL, NAME, collections_describe},
	{1, "collections/create", "POST", NULL, {"collectionName", "dimension"}, collections_create, true},
	{1, "collections/drop", "POST", NULL, NAME, collections_drop, true},
	{2, "collections/list", "POST", "DatabaseReq", {NULL}, collections_list},
	{2, "collections/has", "POST", "CollectionNameReq", NAME, collections_has},
	{2, "collections/create", "POST", "CollectionReq", NAME, collections_create, true},
	{2, "collections/describe", "POST", "CollectionNameReq", NAME, collections_describe},
	{2, "collections/drop", "POST", "CollectionNameReq", NAME, collections_drop, true},
	{2, "collections/rename", "POST", "RenameCollectionReq", {"collectionName", "newCollectionName"},
	collections_rename, true},
	{2, "collections/truncate", "POST", "CollectionNameReq", NAME, collections_truncate, true},
	{2, "collections/get_stats", "POST", "CollectionNameReq", NAME, collections_get_stats},
	{2, "collections/get_load_state", "POST", "CollectionNameReq", NAME, collections_get_load_state},
	{2, "collections/load", "POST", "CollectionNameReq", NAME, collections_touch},
	{2, "collections/release", "POST", "CollectionNameReq", NAME, collections_touch},
	{2, "collections/flush", "POST", "CollectionNameReq", NAME, collections_touch},
	{2, "databases/list", "POST", "EmptyReq", {NULL}, databases_list},
	{2, "databases/create", "POST", "DatabaseReqWithProperties", {"dbName"}, databases_create, true},
	{2, "databases/drop", "POST", "DatabaseReqRequiredName", {"dbName"}, databases_drop, true},
	{2, "databases/describe", "POST", "DatabaseReqRequiredName", {"dbName"}, databases_describe}
};

const int	kz_milvus_ncollection_endpoints = lengthof(kz_milvus_collection_endpoints);
