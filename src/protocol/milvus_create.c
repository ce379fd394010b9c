/*
 * milvus_create.c
 *	  The schema that a request to create a collection defines.
 *
 * In its quick form the request gives a dimension, and what is missing is made up;
 * in its custom form it gives the fields.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/formatting.h"

#include "protocol/milvus_entity.h"
#include "protocol/milvus_request.h"

#define MAX_FIELDS 64
#define MAX_VECTORS 10

/* A parameter of 0: that would stand for none. */
#define ZERO PG_INT32_MIN
#define SHOWN(parameter) ((parameter) == ZERO ? 0 : (parameter))

/* Words of filters, which can't be names of fields. */
static const char *const reserved[] = {
	"and", "or", "not", "in", "like", "is", "null", "exists", "true", "false",
	"json_contains", "json_contains_all", "json_contains_any", "array_contains",
	"array_contains_all", "array_contains_any", "array_length", "text_match",
	"phrase_match", "random_sample", "RowID", "Timestamp", KZ_MILVUS_META
};

static bool read_quick(KzMilvusRequest *request, KzMilvusSchema *schema);
static bool read_string(KzMilvusRequest *request, const JsonbContainer *object, const char *key,
						char **string);
static bool read_custom(KzMilvusRequest *request, const JsonbContainer *definition,
						KzMilvusSchema *schema);
static bool read_fields(KzMilvusRequest *request, const JsonbContainer *definition,
						KzMilvusSchema *schema);
static bool read_field(KzMilvusRequest *request, const JsonbContainer *object,
					   KzMilvusField *field);
static char *trim(char *string);
static bool read_type(KzMilvusRequest *request, const char *name, KzMilvusType *type);
static bool read_parameters(KzMilvusRequest *request, const JsonbContainer *object,
							KzMilvusField *field);
static bool read_parameter(KzMilvusRequest *request, const JsonbContainer *parameters,
						   const char *key, int *number);
static bool read_default(KzMilvusRequest *request, const JsonbContainer *object,
						 KzMilvusField *field);
static bool check_field(KzMilvusRequest *request, const KzMilvusField *field);
static bool is_reserved(const char *name, const char *word);
static bool check_vector(KzMilvusRequest *request, const KzMilvusField *field);
static bool check_lengths(KzMilvusRequest *request, const KzMilvusField *field);
static bool check_fields(KzMilvusRequest *request, KzMilvusSchema *schema);
static bool check_primary(KzMilvusRequest *request, const KzMilvusField *field);
static bool read_indexes(KzMilvusRequest *request, KzMilvusSchema *schema);
static bool check_metric(KzMilvusRequest *request, const char *metric);
static Jsonb *make_index(const char *name, const char *field, const char *metric);
static bool read_properties(KzMilvusRequest *request, KzMilvusSchema *schema);

/*
 * Read the schema that a request defines.  What the first version does not let its
 * users choose is fixed: the key is made by the server, the metric is L2.
 */
bool
kz_milvus_read_schema(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	JsonbValue	definition;
	JsonbValue	fields;

	memset(schema, 0, sizeof(*schema));
	schema->description = "";
	kz_json_set_null(&definition);
	if ((request->version == 2 &&
		 !kz_milvus_object(request, request->body, "schema", &definition)) ||
		!kz_milvus_string(request, request->body, "description", &schema->description) ||
		!read_properties(request, schema))
		return false;
	if (definition.type != jbvNull &&
		kz_milvus_field(definition.val.binary.data, "fields", &fields))
	{
		if (!read_custom(request, definition.val.binary.data, schema))
			return false;
	}
	else if (!read_quick(request, schema))
		return false;
	return check_fields(request, schema);
}

static bool
read_quick(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	bool		v1 = request->version == 1;
	const JsonbContainer *body = request->body;
	JsonbValue	parameters;
	char	   *id_type = "Int64";
	char	   *metric = v1 ? "L2" : "COSINE";
	char	   *vector = "vector";
	int64		dim = 0;
	KzMilvusField *fields = palloc0(2 * sizeof(KzMilvusField));
	JsonbValue	index;

	schema->fields = fields;
	schema->nfields = 2;
	schema->dynamic = true;
	schema->auto_id = v1;
	fields[0].name = "id";
	fields[0].primary = true;
	fields[0].description = fields[1].description = "";
	fields[1].type = KZ_MILVUS_FLOAT_VECTOR;
	kz_json_set_null(&parameters);
	if (!kz_milvus_int64(request, body, "dimension", &dim) ||
		!read_string(request, body, "metricType", &metric) ||
		!read_string(request, body, v1 ? "primaryField" : "primaryFieldName", &fields[0].name) ||
		!read_string(request, body, v1 ? "vectorField" : "vectorFieldName", &vector) ||
		(!v1 && !kz_milvus_object(request, body, "params", &parameters)))
		return false;
	if (dim == 0)
		return kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
							  "dimension is required for quickly create collection(default metric type: COSINE)"
							  ": invalid parameter[expected=collectionName & dimension][actual=collectionName]");
	if (!kz_milvus_flag(request, body, "enableDynamicField", &schema->dynamic))
		return false;
	if (!v1 &&
		(!read_string(request, body, "idType", &id_type) ||
		 !kz_milvus_flag(request, body, "autoID", &schema->auto_id) ||
		 (parameters.type != jbvNull &&
		  !kz_milvus_flag(request, parameters.val.binary.data, "enableDynamicField",
						  &schema->dynamic))))
		return false;
	fields[1].name = vector;
	fields[1].dim = Max(Min(dim, PG_INT32_MAX), PG_INT32_MIN);

	if (strcmp(id_type, "Int64") == 0 || strcmp(id_type, "int64") == 0)
		fields[0].type = KZ_MILVUS_INT64;
	else if (strcmp(id_type, "VarChar") == 0 || strcmp(id_type, "Varchar") == 0)
	{
		fields[0].type = KZ_MILVUS_VARCHAR;
		if (parameters.type != jbvNull &&
			!read_parameter(request, parameters.val.binary.data, "max_length", &fields[0].max_length))
			return false;
	}
	else
		return kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
							  psprintf("idType can only be [Int64, VarChar], default: Int64: invalid parameter"
									   "[expected=Int64, VarChar][actual=%s]", id_type));
	if (!check_metric(request, metric) || !check_field(request, &fields[0]) ||
		!check_field(request, &fields[1]))
		return false;
	kz_json_set_document(&index, make_index(v1 ? "vector_idx" : vector, vector, metric));
	kz_json_set_document(&schema->indexes, kz_json_array(&index, 1));
	return true;
}

/*
 * Read a string that is as good as absent if it is empty.
 */
static bool
read_string(KzMilvusRequest *request, const JsonbContainer *object, const char *key, char **string)
{
	return kz_milvus_is_blank(object, key) || kz_milvus_string(request, object, key, string);
}

static bool
read_custom(KzMilvusRequest *request, const JsonbContainer *definition, KzMilvusSchema *schema)
{
	JsonbValue	functions;

	if (!kz_milvus_flag(request, definition, "autoID", &schema->auto_id) ||
		!kz_milvus_flag(request, definition, "enableDynamicField", &schema->dynamic) ||
		!kz_milvus_string(request, definition, "description", &schema->description) ||
		!kz_milvus_array(request, definition, "functions", &functions))
		return false;
	if (functions.type != jbvNull && JsonContainerSize(functions.val.binary.data) > 0)
		return kz_milvus_fail_parameter(request, "functions are not supported");
	return read_fields(request, definition, schema) && read_indexes(request, schema);
}

static bool
read_fields(KzMilvusRequest *request, const JsonbContainer *definition, KzMilvusSchema *schema)
{
	JsonbValue	fields;
	JsonbValue	field;
	KzJsonCursor cursor;
	bool		auto_id = false;

	if (!kz_milvus_array(request, definition, "fields", &fields))
		return false;
	if (JsonContainerSize(fields.val.binary.data) > MAX_FIELDS)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("maximum field's number should be limited to %d", MAX_FIELDS));
	schema->fields = palloc0((JsonContainerSize(fields.val.binary.data) + 1) * sizeof(KzMilvusField));
	kz_json_values(&cursor, fields.val.binary.data);
	while (kz_json_next(&cursor, &field))
	{
		if (!kz_json_is_object(&field))
			return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
								  "can only accept json format request, error: fields must be objects");
		if (!read_field(request, field.val.binary.data, &schema->fields[schema->nfields++]) ||
			!kz_milvus_flag(request, field.val.binary.data, "autoID", &auto_id))
			return false;
	}
	schema->auto_id |= auto_id;
	return true;
}

static bool
read_field(KzMilvusRequest *request, const JsonbContainer *object, KzMilvusField *field)
{
	char	   *type = "";
	char	   *element = "";

	field->name = field->description = "";
	if (!kz_milvus_string(request, object, "fieldName", &field->name) ||
		!kz_milvus_string(request, object, "dataType", &type) ||
		!kz_milvus_string(request, object, "elementDataType", &element) ||
		!kz_milvus_string(request, object, "description", &field->description) ||
		!kz_milvus_flag(request, object, "isPrimary", &field->primary) ||
		!kz_milvus_flag(request, object, "isPartitionKey", &field->partition_key) ||
		!kz_milvus_flag(request, object, "isClusteringKey", &field->clustering_key) ||
		!kz_milvus_flag(request, object, "nullable", &field->nullable) ||
		!read_type(request, type, &field->type))
		return false;
	field->name = trim(field->name);
	if (field->type == KZ_MILVUS_ARRAY)
	{
		if (!read_type(request, element, &field->element))
			return false;
		if (field->element >= KZ_MILVUS_JSON)
			return kz_milvus_fail_parameter(request, psprintf("element type %s is not supported, field: %s",
															  element, field->name));
	}
	return read_parameters(request, object, field) &&
		check_field(request, field) &&
		read_default(request, object, field);
}

static char *
trim(char *string)
{
	int			length;

	string += strspn(string, " \t\r\n\v\f");
	length = strlen(string);
	while (length > 0 && isspace((unsigned char) string[length - 1]))
		length--;
	return pnstrdup(string, length);
}

static bool
read_type(KzMilvusRequest *request, const char *name, KzMilvusType *type)
{
	return kz_milvus_type_find(name, type) ||
		kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
					   psprintf("data type %s is invalid(case sensitive): invalid parameter"
								"[expected=a data type][actual=%s]", name, name));
}

static bool
read_parameters(KzMilvusRequest *request, const JsonbContainer *object, KzMilvusField *field)
{
	JsonbValue	parameters;

	if (!kz_milvus_object(request, object, "elementTypeParams", &parameters))
		return false;
	if (parameters.type == jbvNull)
		return true;
	return read_parameter(request, parameters.val.binary.data, "dim", &field->dim) &&
		read_parameter(request, parameters.val.binary.data, "max_length", &field->max_length) &&
		read_parameter(request, parameters.val.binary.data, "max_capacity", &field->max_capacity);
}

/*
 * Read a number, which may be in a string.
 */
static bool
read_parameter(KzMilvusRequest *request, const JsonbContainer *parameters, const char *key,
			   int *number)
{
	JsonbValue	value;
	int64		parsed;
	char	   *end;

	if (!kz_milvus_field(parameters, key, &value))
		return true;
	if (value.type == jbvString)
	{
		char	   *string = kz_json_string(&value);

		errno = 0;
		parsed = strtoll(string, &end, 10);
		if (errno != 0 || end == string || *end != '\0')
			return kz_milvus_fail_parameter(request, psprintf("%s is no number: %s", key, string));
	}
	else if (!kz_json_get_int64(&value, &parsed))
		return kz_milvus_fail_parameter(request, psprintf("%s is no number", key));
	/* Nothing is allowed that an int could not hold. */
	*number = parsed == 0 ? ZERO : Max(Min(parsed, PG_INT32_MAX), PG_INT32_MIN + 1);
	return true;
}

static bool
read_default(KzMilvusRequest *request, const JsonbContainer *object, KzMilvusField *field)
{
	JsonbValue	value;

	if (!kz_milvus_field(object, "defaultValue", &value))
		return true;
	if (field->primary)
		return kz_milvus_fail_parameter(request, "primary field cannot set default_value");
	if (field->type >= KZ_MILVUS_JSON)
		return kz_milvus_fail_parameter(request,
										psprintf("type (%s) not support default_value",
												 kz_milvus_type_name(field->type)));
	if (!kz_milvus_convert_default(field, &value))
		return kz_milvus_fail_parameter(request,
										psprintf("convert defaultValue fail, err:it is no %s, field: %s",
												 kz_milvus_type_name(field->type), field->name));
	field->has_default = true;
	field->default_value = value;
	return true;
}

/*
 * Whether a field is right by itself.
 */
static bool
check_field(KzMilvusRequest *request, const KzMilvusField *field)
{
	char	   *message;

	for (int i = 0; i < lengthof(reserved); i++)
		if (is_reserved(field->name, reserved[i]))
			return kz_milvus_fail(request, KZ_MILVUS_INVALID_FIELD_NAME,
								  psprintf("field name invalid[field=%s]: %s is a keyword", field->name,
										   field->name));
	if (!kz_milvus_check_name("field", field->name, &message))
		return kz_milvus_fail(request, KZ_MILVUS_INVALID_FIELD_NAME,
							  psprintf("%s: field name invalid[field=%s]", message, field->name));
	if (field->primary && !check_primary(request, field))
		return false;
	if (kz_milvus_type_is_vector(field->type))
		return check_vector(request, field);
	return check_lengths(request, field);
}

/*
 * Whether a name is a reserved one, also in capitals or, of a truth, with one.
 */
static bool
is_reserved(const char *name, const char *word)
{
	char	   *capital = asc_initcap(word, strlen(word));

	return strcmp(name, word) == 0 || strcmp(name, asc_toupper(word, strlen(word))) == 0 ||
		((strcmp(name, "True") == 0 || strcmp(name, "False") == 0) && strcmp(name, capital) == 0);
}

static bool
check_vector(KzMilvusRequest *request, const KzMilvusField *field)
{
	int			unit = field->type == KZ_MILVUS_BINARY_VECTOR ? 8 : 1;

	if (field->nullable)
		return kz_milvus_fail_parameter(request,
										psprintf("vector type not support null, field: %s", field->name));
	if (field->type == KZ_MILVUS_SPARSE_VECTOR)
		return field->dim == 0 ||
			kz_milvus_fail(request, KZ_MILVUS_OTHER,
						   psprintf("dim should not be specified for sparse vector field %s(%s)",
									field->name, kz_milvus_type_name(field->type)));
	if (field->dim == 0)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("dimension is not defined in field type params of field %s, "
									   "check type param `dim` for vector field", field->name));
	if (field->dim < KZ_MILVUS_MIN_DIM || field->dim > KZ_MILVUS_MAX_DIM * unit)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("invalid dimension: %d of field %s. %s vector dimension should be "
									   "in range %d ~ %d", SHOWN(field->dim), field->name,
									   unit == 8 ? "binary" : "float", KZ_MILVUS_MIN_DIM,
									   KZ_MILVUS_MAX_DIM * unit));
	if (field->dim % unit != 0)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("invalid dimension: %d of field %s. binary vector dimension should "
									   "be multiple of 8.", SHOWN(field->dim), field->name));
	return true;
}

static bool
check_lengths(KzMilvusRequest *request, const KzMilvusField *field)
{
	KzMilvusType type = field->type == KZ_MILVUS_ARRAY ? field->element : field->type;

	if (type == KZ_MILVUS_VARCHAR && field->max_length == 0)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("type param(max_length) should be specified for the field(%s)",
									   field->name));
	if (type == KZ_MILVUS_VARCHAR &&
		(field->max_length < 0 || field->max_length > KZ_MILVUS_MAX_STRING))
		return kz_milvus_fail_parameter(request,
										psprintf("the maximum length specified for the field(%s) should be in (0, %d], "
												 "but got %d instead", field->name, KZ_MILVUS_MAX_STRING,
												 SHOWN(field->max_length)));
	if (field->type == KZ_MILVUS_ARRAY && field->max_capacity == 0)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("type param(max_capacity) should be specified for the field(%s)",
									   field->name));
	if (field->type == KZ_MILVUS_ARRAY &&
		(field->max_capacity < 0 || field->max_capacity > KZ_MILVUS_MAX_CAPACITY))
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("the maximum capacity specified for a Array should be in (0, %d]",
									   KZ_MILVUS_MAX_CAPACITY));
	return true;
}

/*
 * Whether the fields are right together: names differ, there is one key and at
 * least one vector.
 */
static bool
check_fields(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	int			nvectors = 0;

	for (int i = 0; i < schema->nfields; i++)
	{
		KzMilvusField *field = &schema->fields[i];

		if (kz_milvus_schema_field(schema, field->name, strlen(field->name)) != field)
			return kz_milvus_fail_parameter(request,
											psprintf("duplicated field name %s found", field->name));
		nvectors += kz_milvus_type_is_vector(field->type);
		if (!field->primary)
			continue;
		if (schema->primary)
			return kz_milvus_fail(request, KZ_MILVUS_OTHER,
								  psprintf("there are more than one primary key, field name = %s, %s",
										   schema->primary->name, field->name));
		schema->primary = field;
	}
	if (!schema->primary)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER, "primary key is not specified");
	if (nvectors == 0)
		return kz_milvus_fail_parameter(request, "schema does not contain vector field");
	if (nvectors > MAX_VECTORS)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  psprintf("maximum vector field's number should be limited to %d", MAX_VECTORS));
	return true;
}

static bool
check_primary(KzMilvusRequest *request, const KzMilvusField *field)
{
	if (field->type != KZ_MILVUS_INT64 && field->type != KZ_MILVUS_VARCHAR)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER,
							  "the data type of primary key should be Int64 or VarChar");
	if (field->nullable)
		return kz_milvus_fail_parameter(request, psprintf("primary field not support null, field: %s",
														  field->name));
	return true;
}

/*
 * Read indexParams.  Searches come with pgvector: until then an index is only told
 * again.
 */
static bool
read_indexes(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	JsonbValue	array;
	JsonbValue	value;
	JsonbValue *indexes;
	int			n = 0;
	KzJsonCursor cursor;

	if (!kz_milvus_array(request, request->body, "indexParams", &array))
		return false;
	if (array.type == jbvNull)
	{
		kz_json_set_document(&schema->indexes, kz_json_array(NULL, 0));
		return true;
	}
	indexes = palloc((JsonContainerSize(array.val.binary.data) + 1) * sizeof(JsonbValue));
	kz_json_values(&cursor, array.val.binary.data);
	while (kz_json_next(&cursor, &value))
	{
		char	   *field = "";
		char	   *name = NULL;
		char	   *metric = "COSINE";

		if (!kz_json_is_object(&value))
			return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
								  "can only accept json format request, error: indexParams must be objects");
		if (!kz_milvus_string(request, value.val.binary.data, "fieldName", &field) ||
			!kz_milvus_string(request, value.val.binary.data, "indexName", &name) ||
			!read_string(request, value.val.binary.data, "metricType", &metric))
			return false;
		if (!kz_milvus_schema_field(schema, field, strlen(field)))
			return kz_milvus_fail(request, KZ_MILVUS_MISSING,
								  psprintf("missing required parameters, error: `%s` hasn't defined in schema",
										   field));
		if (!check_metric(request, metric))
			return false;
		kz_json_set_document(&indexes[n++], make_index(name ? name : field, field, metric));
	}
	kz_json_set_document(&schema->indexes, kz_json_array(indexes, n));
	return true;
}

static bool
check_metric(KzMilvusRequest *request, const char *metric)
{
	static const char *const metrics[] = {
		"L2", "IP", "COSINE", "HAMMING", "JACCARD", "BM25", "SUBSTRUCTURE", "SUPERSTRUCTURE"
	};

	for (int i = 0; i < lengthof(metrics); i++)
		if (strcmp(metric, metrics[i]) == 0)
			return true;
	return metric[0] == '\0' ||
		kz_milvus_fail_parameter(request, psprintf("metric type %s not found or not supported", metric));
}

static Jsonb *
make_index(const char *name, const char *field, const char *metric)
{
	KzPairs		pairs = {0};

	kz_pairs_add_string(&pairs, "indexName", name);
	kz_pairs_add_string(&pairs, "fieldName", field);
	kz_pairs_add_string(&pairs, "metricType", metric);
	return kz_pairs_object(&pairs);
}

/*
 * Read what has no effect here, but is told again.
 */
static bool
read_properties(KzMilvusRequest *request, KzMilvusSchema *schema)
{
	JsonbValue	parameters;
	int64		shards = 1;

	schema->consistency = "Bounded";
	schema->shards = 1;
	kz_json_set_document(&schema->properties, kz_json_array(NULL, 0));
	if (request->version == 1)
		return true;
	if (!kz_milvus_object(request, request->body, "params", &parameters))
		return false;
	if (parameters.type == jbvNull)
		return true;
	if (!kz_milvus_string(request, parameters.val.binary.data, "consistencyLevel", &schema->consistency) ||
		!kz_milvus_int64(request, parameters.val.binary.data, "shardsNum", &shards))
		return false;
	if (shards < 1 || shards > 16)
		return kz_milvus_fail_parameter(request,
										psprintf("maximum shards's number should be limited to 16, but got "
												 INT64_FORMAT, shards));
	schema->shards = shards;
	return kz_milvus_check_consistency(request, schema->consistency);
}
