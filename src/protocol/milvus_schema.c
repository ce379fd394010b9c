/*
 * milvus_schema.c
 *	  The schema of a Milvus collection, which is kept in its settings.
 *
 * Settings have it as {"milvus": {"id", "definition"}}.  The definition is written
 * from a schema in one way only, so that two that are the same are the same jsonb.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/pairs.h"
#include "protocol/milvus_schema.h"

static const struct
{
	const char *name;
	KzFieldKind kind;
}			types[KZ_MILVUS_TYPES] = {
	[KZ_MILVUS_BOOL] = {"Bool", KZ_FIELD_BOOL},
	[KZ_MILVUS_INT8] = {"Int8", KZ_FIELD_INTEGER},
	[KZ_MILVUS_INT16] = {"Int16", KZ_FIELD_INTEGER},
	[KZ_MILVUS_INT32] = {"Int32", KZ_FIELD_INTEGER},
	[KZ_MILVUS_INT64] = {"Int64", KZ_FIELD_INTEGER},
	[KZ_MILVUS_FLOAT] = {"Float", KZ_FIELD_FLOAT},
	[KZ_MILVUS_DOUBLE] = {"Double", KZ_FIELD_FLOAT},
	[KZ_MILVUS_VARCHAR] = {"VarChar", KZ_FIELD_TEXT},
	[KZ_MILVUS_JSON] = {"JSON", KZ_FIELD_JSON},
	[KZ_MILVUS_ARRAY] = {"Array", KZ_FIELD_ARRAY},
	[KZ_MILVUS_FLOAT_VECTOR] = {"FloatVector", KZ_FIELD_VECTOR},
	[KZ_MILVUS_BINARY_VECTOR] = {"BinaryVector", KZ_FIELD_VECTOR},
	[KZ_MILVUS_FLOAT16_VECTOR] = {"Float16Vector", KZ_FIELD_VECTOR},
	[KZ_MILVUS_BFLOAT16_VECTOR] = {"BFloat16Vector", KZ_FIELD_VECTOR},
	[KZ_MILVUS_SPARSE_VECTOR] = {"SparseFloatVector", KZ_FIELD_VECTOR},
	[KZ_MILVUS_INT8_VECTOR] = {"Int8Vector", KZ_FIELD_VECTOR}
};

static Jsonb *write_field(const KzMilvusField *field);
static bool read_definition(const JsonbContainer *definition, KzMilvusSchema *schema);
static bool read_field(const JsonbContainer *object, KzMilvusField *field);
static char *read_string(const JsonbContainer *object, const char *key);
static bool read_flag(const JsonbContainer *object, const char *key);
static int	read_int(const JsonbContainer *object, const char *key);
static bool read_array(const JsonbContainer *object, const char *key, JsonbValue *value);

/*
 * The type of a name, as Milvus spells it.
 */
bool
kz_milvus_type_find(const char *name, KzMilvusType *type)
{
	for (int i = 0; i < KZ_MILVUS_TYPES; i++)
		if (strcmp(name, types[i].name) == 0)
		{
			*type = i;
			return true;
		}
	return false;
}

const char *
kz_milvus_type_name(KzMilvusType type)
{
	return types[type].name;
}

bool
kz_milvus_type_is_vector(KzMilvusType type)
{
	return types[type].kind == KZ_FIELD_VECTOR;
}

bool
kz_milvus_type_is_integer(KzMilvusType type)
{
	return types[type].kind == KZ_FIELD_INTEGER;
}

/*
 * The field of a name; NULL if there is none.
 */
KzMilvusField *
kz_milvus_schema_field(const KzMilvusSchema *schema, const char *name, int length)
{
	for (int i = 0; i < schema->nfields; i++)
		if (strlen(schema->fields[i].name) == length &&
			memcmp(schema->fields[i].name, name, length) == 0)
			return &schema->fields[i];
	return NULL;
}

/*
 * The schema as filters need it.
 */
void
kz_milvus_schema_filter(const KzMilvusSchema *schema, KzFilterSchema *filter)
{
	KzFilterField *fields = palloc0(schema->nfields * sizeof(KzFilterField));

	for (int i = 0; i < schema->nfields; i++)
	{
		fields[i].name = schema->fields[i].name;
		fields[i].kind = types[schema->fields[i].type].kind;
		fields[i].element = types[schema->fields[i].element].kind;
		fields[i].primary = schema->fields[i].primary;
	}
	filter->fields = fields;
	filter->nfields = schema->nfields;
	filter->dynamic = schema->dynamic;
}

/*
 * Settings that make a collection one of Milvus.
 */
Jsonb *
kz_milvus_schema_settings(const KzMilvusSchema *schema)
{
	KzPairs		inner = {0};
	KzPairs		settings = {0};

	kz_pairs_add_int64(&inner, "id", schema->id);
	kz_pairs_add_document(&inner, "definition", kz_milvus_schema_define(schema));
	kz_pairs_add_document(&settings, "milvus", kz_pairs_object(&inner));
	return kz_pairs_object(&settings);
}

/*
 * All of a schema that its user has defined.
 */
Jsonb *
kz_milvus_schema_define(const KzMilvusSchema *schema)
{
	KzPairs		pairs = {0};
	JsonbValue *fields = palloc(schema->nfields * sizeof(JsonbValue));

	for (int i = 0; i < schema->nfields; i++)
		kz_json_set_document(&fields[i], write_field(&schema->fields[i]));
	kz_pairs_add_document(&pairs, "fields", kz_json_array(fields, schema->nfields));
	kz_pairs_add_bool(&pairs, "autoId", schema->auto_id);
	kz_pairs_add_bool(&pairs, "dynamic", schema->dynamic);
	kz_pairs_add_string(&pairs, "description", schema->description);
	kz_pairs_add(&pairs, "indexes", &schema->indexes);
	kz_pairs_add(&pairs, "properties", &schema->properties);
	kz_pairs_add_string(&pairs, "consistency", schema->consistency);
	kz_pairs_add_int64(&pairs, "shards", schema->shards);
	return kz_pairs_object(&pairs);
}

static Jsonb *
write_field(const KzMilvusField *field)
{
	KzPairs		pairs = {0};

	kz_pairs_add_string(&pairs, "name", field->name);
	kz_pairs_add_string(&pairs, "type", types[field->type].name);
	kz_pairs_add_string(&pairs, "description", field->description);
	if (field->type == KZ_MILVUS_ARRAY)
		kz_pairs_add_string(&pairs, "element", types[field->element].name);
	if (field->primary)
		kz_pairs_add_bool(&pairs, "primary", true);
	if (field->partition_key)
		kz_pairs_add_bool(&pairs, "partitionKey", true);
	if (field->clustering_key)
		kz_pairs_add_bool(&pairs, "clusteringKey", true);
	if (field->nullable)
		kz_pairs_add_bool(&pairs, "nullable", true);
	if (field->has_default)
		kz_pairs_add(&pairs, "default", &field->default_value);
	if (field->dim)
		kz_pairs_add_int64(&pairs, "dim", field->dim);
	if (field->max_length)
		kz_pairs_add_int64(&pairs, "maxLength", field->max_length);
	if (field->max_capacity)
		kz_pairs_add_int64(&pairs, "maxCapacity", field->max_capacity);
	return kz_pairs_object(&pairs);
}

/*
 * Read the schema out of the settings of a collection; false if it has none, or
 * none that could be ours.
 */
bool
kz_milvus_schema_read(Jsonb *settings, KzMilvusSchema *schema)
{
	JsonbValue	milvus;
	JsonbValue	value;

	memset(schema, 0, sizeof(*schema));
	if (!JB_ROOT_IS_OBJECT(settings) ||
		!kz_json_field(&settings->root, "milvus", &milvus) || !kz_json_is_object(&milvus) ||
		!kz_json_field(milvus.val.binary.data, "id", &value) ||
		!kz_json_get_int64(&value, &schema->id) ||
		!kz_json_field(milvus.val.binary.data, "definition", &value) ||
		!kz_json_is_object(&value))
		return false;
	return read_definition(value.val.binary.data, schema);
}

static bool
read_definition(const JsonbContainer *definition, KzMilvusSchema *schema)
{
	JsonbValue	fields;
	JsonbValue	value;
	KzJsonCursor cursor;

	if (!read_array(definition, "fields", &fields) ||
		!read_array(definition, "indexes", &schema->indexes) ||
		!read_array(definition, "properties", &schema->properties))
		return false;
	schema->auto_id = read_flag(definition, "autoId");
	schema->dynamic = read_flag(definition, "dynamic");
	schema->description = read_string(definition, "description");
	schema->consistency = read_string(definition, "consistency");
	schema->shards = read_int(definition, "shards");

	schema->fields = palloc0((JsonContainerSize(fields.val.binary.data) + 1) *
							 sizeof(KzMilvusField));
	kz_json_values(&cursor, fields.val.binary.data);
	while (kz_json_next(&cursor, &value))
	{
		KzMilvusField *field = &schema->fields[schema->nfields++];

		if (!kz_json_is_object(&value) || !read_field(value.val.binary.data, field))
			return false;
		if (field->primary)
			schema->primary = field;
	}
	return schema->primary && schema->description && schema->consistency;
}

static bool
read_field(const JsonbContainer *object, KzMilvusField *field)
{
	char	   *type = read_string(object, "type");
	char	   *element = read_string(object, "element");

	field->name = read_string(object, "name");
	field->description = read_string(object, "description");
	if (!field->name || !field->description || !type ||
		!kz_milvus_type_find(type, &field->type) ||
		(element && !kz_milvus_type_find(element, &field->element)))
		return false;
	field->primary = read_flag(object, "primary");
	field->partition_key = read_flag(object, "partitionKey");
	field->clustering_key = read_flag(object, "clusteringKey");
	field->nullable = read_flag(object, "nullable");
	field->has_default = kz_json_field(object, "default", &field->default_value);
	field->dim = read_int(object, "dim");
	field->max_length = read_int(object, "maxLength");
	field->max_capacity = read_int(object, "maxCapacity");
	return true;
}

static char *
read_string(const JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	return kz_json_field(object, key, &value) && value.type == jbvString ?
		kz_json_string(&value) : NULL;
}

static bool
read_flag(const JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	return kz_json_field(object, key, &value) && value.type == jbvBool && value.val.boolean;
}

static int
read_int(const JsonbContainer *object, const char *key)
{
	JsonbValue	value;
	int64		number;

	return kz_json_field(object, key, &value) && kz_json_get_int64(&value, &number) &&
		number > 0 && number <= PG_INT32_MAX ? (int) number : 0;
}

static bool
read_array(const JsonbContainer *object, const char *key, JsonbValue *value)
{
	return kz_json_field(object, key, value) && kz_json_is_array(value);
}
