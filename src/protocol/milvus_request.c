/*
 * milvus_request.c
 *	  What the endpoints of Milvus' API are given, and how they fail.
 *
 * Milvus decodes requests as Go does: keys match whatever their case, null is
 * absent, and keys that nobody asks for are ignored.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "engine/collection.h"
#include "protocol/milvus_request.h"

#define MAX_NAME_BYTES 255

/* What a key must have to be decoded. */
typedef enum RequestType
{
	TYPE_STRING,
	TYPE_FLAG,
	TYPE_INTEGER,
	TYPE_OBJECT,
	TYPE_ARRAY,
	TYPE_STRINGS,
	TYPE_ENTITIES				/* an object or an array of them */
} RequestType;

#define CREATE "collections/create"

static const struct
{
	const char *key;
	RequestType type;
	int			version;		/* 0: of both */
	const char *path;			/* NULL: of all endpoints */
}			request_types[] = {
	{"collectionName", TYPE_STRING}, {"dbName", TYPE_STRING}, {"filter", TYPE_STRING},
	{"partitionName", TYPE_STRING}, {"consistencyLevel", TYPE_STRING}, {"annsField", TYPE_STRING},
	{"partialUpdate", TYPE_FLAG}, {"limit", TYPE_INTEGER}, {"offset", TYPE_INTEGER},
	{"exprParams", TYPE_OBJECT}, {"fieldOps", TYPE_ARRAY}, {"outputFields", TYPE_STRINGS},
	{"partitionNames", TYPE_STRINGS},
	{"newCollectionName", TYPE_STRING, 2, "collections/rename"},
	{"newDbName", TYPE_STRING, 2, "collections/rename"},
	{"properties", TYPE_OBJECT, 2, "databases/create"},
	{"dimension", TYPE_INTEGER, 0, CREATE}, {"description", TYPE_STRING, 0, CREATE},
	{"metricType", TYPE_STRING, 0, CREATE}, {"enableDynamicField", TYPE_FLAG, 0, CREATE},
	{"primaryField", TYPE_STRING, 1, CREATE}, {"vectorField", TYPE_STRING, 1, CREATE},
	{"idType", TYPE_STRING, 2, CREATE}, {"autoID", TYPE_FLAG, 2, CREATE},
	{"primaryFieldName", TYPE_STRING, 2, CREATE}, {"vectorFieldName", TYPE_STRING, 2, CREATE},
	{"schema", TYPE_OBJECT, 2, CREATE}, {"params", TYPE_OBJECT, 2, CREATE},
	{"indexParams", TYPE_ARRAY, 2, CREATE}
};

static const char *const type_names[] = {
	[TYPE_STRING] = "a string",
	[TYPE_FLAG] = "a boolean",
	[TYPE_INTEGER] = "an integer",
	[TYPE_OBJECT] = "an object",
	[TYPE_ARRAY] = "an array",
	[TYPE_STRINGS] = "an array of strings",
	[TYPE_ENTITIES] = "an array of objects"
};

static bool fail_type(KzMilvusRequest *request, const char *key, const char *type);
static bool has_key(const KzMilvusEndpoint *endpoint, int i);
static bool is_decodable(const JsonbValue *value, RequestType type);
static bool is_array_of(const JsonbValue *value, bool (*is) (const JsonbValue *element));
static bool is_string(const JsonbValue *value);
static char *capitalize(const char *key);

bool
kz_milvus_fail(KzMilvusRequest *request, int code, const char *message)
{
	request->code = code;
	request->message = message;
	return false;
}

/*
 * Fail as Milvus does when it is the meaning of a parameter that is wrong.
 */
bool
kz_milvus_fail_parameter(KzMilvusRequest *request, const char *message)
{
	return kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
						  psprintf("%s: invalid parameter", message));
}

/*
 * Fail for what is wrong with a row that was sent.
 */
bool
kz_milvus_fail_data(KzMilvusRequest *request, const char *detail)
{
	return kz_milvus_fail(request, KZ_MILVUS_INVALID_DATA,
						  psprintf("fail to deal the insert data, error: %s", detail));
}

/*
 * Fail for an error of ours.
 */
bool
kz_milvus_fail_error(KzMilvusRequest *request, const KzError *error)
{
	switch (error->code)
	{
		case KZ_ERROR_UNKNOWN_INDEX:
			if (strcmp(error->args[0], request->call.index) != 0)
				return kz_milvus_fail(request, KZ_MILVUS_NO_DATABASE,
									  psprintf("database not found[database=%s]", error->args[0]));
			/* FALLTHROUGH */
		case KZ_ERROR_UNKNOWN_COLLECTION:
			return kz_milvus_fail(request, KZ_MILVUS_NO_COLLECTION,
								  psprintf("can't find collection[database=%s][collection=%s]",
										   request->call.index, request->call.collection));
		case KZ_ERROR_BAD_REQUEST:
		case KZ_ERROR_FORBIDDEN:
		case KZ_ERROR_STRICT_MAPPING:
		case KZ_ERROR_WRITE_SUPPRESSED:
			return kz_milvus_fail_data(request, kz_error_reason(error));
		default:
			return kz_milvus_fail(request, KZ_MILVUS_OTHER, kz_error_reason(error));
	}
}

/*
 * The value of a key; false if there is none, or null.
 */
bool
kz_milvus_field(const JsonbContainer *object, const char *key, JsonbValue *value)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	name;
	int			length = strlen(key);

	if (kz_json_field(object, key, value))
		return value->type != jbvNull;
	kz_json_keys(&keys, object);
	kz_json_values(&values, object);
	while (kz_json_next(&keys, &name) && kz_json_next(&values, value))
		if (name.val.string.len == length &&
			pg_strncasecmp(name.val.string.val, key, length) == 0)
			return value->type != jbvNull;
	return false;
}

static bool
fail_type(KzMilvusRequest *request, const char *key, const char *type)
{
	return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
						  psprintf("can only accept json format request, error: %s must be %s",
								   key, type));
}

/*
 * Read a string, palloc'd; as it was if there is none.  False if it is none; so
 * with the following.
 */
bool
kz_milvus_string(KzMilvusRequest *request, const JsonbContainer *object, const char *key,
				 char **string)
{
	JsonbValue	value;

	if (!kz_milvus_field(object, key, &value))
		return true;
	if (value.type != jbvString)
		return fail_type(request, key, "a string");
	*string = kz_json_string(&value);
	return true;
}

bool
kz_milvus_flag(KzMilvusRequest *request, const JsonbContainer *object, const char *key,
			   bool *flag)
{
	JsonbValue	value;

	if (!kz_milvus_field(object, key, &value))
		return true;
	if (value.type != jbvBool)
		return fail_type(request, key, "a boolean");
	*flag = value.val.boolean;
	return true;
}

bool
kz_milvus_int64(KzMilvusRequest *request, const JsonbContainer *object, const char *key,
				int64 *number)
{
	JsonbValue	value;

	if (!kz_milvus_field(object, key, &value))
		return true;
	return kz_json_get_int64(&value, number) || fail_type(request, key, "an integer");
}

bool
kz_milvus_object(KzMilvusRequest *request, const JsonbContainer *object, const char *key,
				 JsonbValue *value)
{
	if (!kz_milvus_field(object, key, value))
	{
		kz_json_set_null(value);
		return true;
	}
	return kz_json_is_object(value) || fail_type(request, key, "an object");
}

bool
kz_milvus_array(KzMilvusRequest *request, const JsonbContainer *object, const char *key,
				JsonbValue *value)
{
	if (!kz_milvus_field(object, key, value))
	{
		kz_json_set_null(value);
		return true;
	}
	return kz_json_is_array(value) || fail_type(request, key, "an array");
}

/*
 * Whether a request can be decoded: what it has, it has in the right types.
 */
bool
kz_milvus_check_types(KzMilvusRequest *request, const KzMilvusEndpoint *endpoint)
{
	JsonbValue	value;

	if (strcmp(endpoint->path, "databases/list") == 0)
		return true;
	for (int i = 0; i < lengthof(request_types); i++)
		if (has_key(endpoint, i) &&
			kz_milvus_field(request->body, request_types[i].key, &value) &&
			!is_decodable(&value, request_types[i].type))
			return fail_type(request, request_types[i].key, type_names[request_types[i].type]);
	return !endpoint->entities || !kz_milvus_field(request->body, "data", &value) ||
		is_decodable(&value, TYPE_ENTITIES) || fail_type(request, "data", type_names[TYPE_ENTITIES]);
}

/*
 * Whether an endpoint knows a key; all others are ignored.
 */
static bool
has_key(const KzMilvusEndpoint *endpoint, int i)
{
	return (request_types[i].version == 0 || request_types[i].version == endpoint->version) &&
		(!request_types[i].path || strcmp(request_types[i].path, endpoint->path) == 0);
}

static bool
is_decodable(const JsonbValue *value, RequestType type)
{
	int64		number;

	switch (type)
	{
		case TYPE_STRING:
			return is_string(value);
		case TYPE_FLAG:
			return value->type == jbvBool;
		case TYPE_INTEGER:
			return kz_json_get_int64(value, &number);
		case TYPE_OBJECT:
			return kz_json_is_object(value);
		case TYPE_ARRAY:
			return kz_json_is_array(value);
		case TYPE_STRINGS:
			return is_array_of(value, is_string);
		case TYPE_ENTITIES:
			return kz_json_is_object(value) || is_array_of(value, kz_json_is_object);
	}
	return false;
}

/*
 * Whether a value is an array, and all its elements are something.
 */
static bool
is_array_of(const JsonbValue *value, bool (*is) (const JsonbValue *element))
{
	KzJsonCursor cursor;
	JsonbValue	element;

	if (!kz_json_is_array(value))
		return false;
	kz_json_values(&cursor, value->val.binary.data);
	while (kz_json_next(&cursor, &element))
		if (!is(&element))
			return false;
	return true;
}

static bool
is_string(const JsonbValue *value)
{
	return value->type == jbvString;
}

/*
 * Whether a request has all that its endpoint requires.  An empty string is
 * nothing, an empty array is something.  The first version names all that it
 * requires, the second all that are missing.
 */
bool
kz_milvus_check_required(KzMilvusRequest *request, const KzMilvusEndpoint *endpoint)
{
	StringInfoData all;
	StringInfoData missing;

	initStringInfo(&all);
	initStringInfo(&missing);
	for (int i = 0; i < lengthof(endpoint->required) && endpoint->required[i]; i++)
	{
		const char *key = endpoint->required[i];
		char	   *name = capitalize(key);

		appendStringInfo(&all, "%s%s", i > 0 ? ", " : "", key);
		if (kz_milvus_is_blank(request->body, key))
			appendStringInfo(&missing, "%sKey: '%s.%s' Error:Field validation for '%s' "
							 "failed on the 'required' tag", missing.len > 0 ? "\n" : "",
							 endpoint->structure, name, name);
	}
	if (missing.len == 0)
		return true;
	return kz_milvus_fail(request, KZ_MILVUS_MISSING, request->version == 1 ?
						  psprintf("missing required parameters, required parameters: [%s]", all.data) :
						  psprintf("missing required parameters, error: %s", missing.data));
}

/*
 * Whether there is nothing of a key: no value, null, or an empty string.
 */
bool
kz_milvus_is_blank(const JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	return !kz_milvus_field(object, key, &value) ||
		(value.type == jbvString && value.val.string.len == 0);
}

/*
 * A key as the field of a Go structure: "id" is "ID" there.
 */
static char *
capitalize(const char *key)
{
	char	   *name = pstrdup(strcmp(key, "id") == 0 ? "ID" : key);

	name[0] = pg_toupper((unsigned char) name[0]);
	return name;
}

/*
 * Whether a name is one that Milvus would accept for a kind of thing; if not,
 * message says why.
 */
bool
kz_milvus_check_name(const char *kind, const char *name, char **message)
{
	const char *problem = NULL;

	if (name[0] == '\0')
		problem = "should not be empty";
	else if (strlen(name) > MAX_NAME_BYTES)
		problem = psprintf("the length of a %s name must be less than %d characters", kind,
						   MAX_NAME_BYTES);
	else if (name[0] != '_' && !(isascii((unsigned char) name[0]) && isalpha((unsigned char) name[0])))
		problem = psprintf("the first character of a %s name must be an underscore or letter", kind);
	else if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
		problem = psprintf("%s name can only contain numbers, letters and underscores", kind);
	if (problem)
		*message = psprintf("Invalid %s name: %s. %s", kind, name, problem);
	return !problem;
}

/*
 * Read the name of the database, and see that it is there; the default one always
 * is, if only as the place for collections to come.
 */
bool
kz_milvus_database(KzMilvusRequest *request)
{
	char	   *name = "";
	KzIndexRow	row;

	if (!kz_milvus_string(request, request->body, "dbName", &name))
		return false;
	request->call.index = name[0] != '\0' ? name : KZ_MILVUS_DEFAULT_DATABASE;
	if (strcmp(request->call.index, KZ_MILVUS_DEFAULT_DATABASE) == 0 ||
		kz_index_find(request->call.index, &row))
		return true;
	return kz_milvus_fail(request, KZ_MILVUS_NO_DATABASE,
						  psprintf(request->version == 1 ? "database not found, database: %s" :
								   "database not found[database=%s]", request->call.index));
}

/*
 * Look for the schema of the collection that the request names, in a database that
 * was found.  A collection without one is none of Milvus'.
 */
bool
kz_milvus_find_schema(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	KzCollectionRow row;

	return kz_collection_find(request->call.index, request->call.collection, &row) &&
		kz_milvus_schema_read(row.settings, schema);
}

/*
 * Read the names of database and collection, and the schema of that.
 */
bool
kz_milvus_collection(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	char	   *name = NULL;
	KzError		error;

	if (!kz_milvus_string(request, request->body, "collectionName", &name) ||
		!kz_milvus_database(request))
		return false;
	request->call.collection = name;
	if (kz_milvus_find_schema(request, schema))
		return true;
	memset(&error, 0, sizeof(error));
	error.code = KZ_ERROR_UNKNOWN_COLLECTION;
	return kz_milvus_fail_error(request, &error);
}

/*
 * Whether a consistency level is one of Milvus'.  All of them get the strongest
 * here.
 */
bool
kz_milvus_check_consistency(KzMilvusRequest *request, const char *level)
{
	static const char *const levels[] = {"Strong", "Session", "Bounded", "Eventually", "Customized"};

	for (int i = 0; i < lengthof(levels); i++)
		if (strcmp(level, levels[i]) == 0)
			return true;
	return level[0] == '\0' ||
		kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
					   psprintf("parameter:'%s' is incorrect, please check it: invalid parameter"
								"[expected=consistencyLevel: Strong, Session, Bounded, Eventually, Customized]"
								"[actual=consistencyLevel: %s]",
								level, level));
}

/*
 * An Int64 of the answer.
 */
void
kz_milvus_set_int64(const KzMilvusRequest *request, JsonbValue *value, int64 number)
{
	if (request->allow_int64)
		kz_json_set_int64(value, number);
	else
		kz_json_set_string(value, psprintf(INT64_FORMAT, number));
}
