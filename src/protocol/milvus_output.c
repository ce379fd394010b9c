/*
 * milvus_output.c
 *	  Entities as they are answered.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "protocol/milvus_output.h"
#include "protocol/milvus_value.h"

static bool add_name(KzMilvusRequest *request, const char *name, KzMilvusOutput *output);
static bool is_whole(const KzMilvusSchema *schema, const Jsonb *source);
static void put_dynamic(const KzMilvusOutput *output, const JsonbContainer *source, KzPairs *pairs);
static bool is_wanted(const KzMilvusOutput *output, const JsonbValue *key);
static void convert(const KzMilvusRequest *request, const KzMilvusField *field, JsonbValue *value);
static void wrap_array(const KzMilvusRequest *request, const KzMilvusField *field,
					   JsonbValue *value);
static void set_number(const KzMilvusRequest *request, JsonbValue *value);

/*
 * Read "outputFields": all, unless it says which.
 */
bool
kz_milvus_read_output(KzMilvusRequest *request, const KzMilvusSchema *schema,
					  KzMilvusOutput *output)
{
	JsonbValue	names;
	JsonbValue	name;
	KzJsonCursor cursor;

	memset(output, 0, sizeof(*output));
	output->schema = schema;
	output->wanted = palloc0(schema->nfields * sizeof(bool));
	output->wanted[schema->primary - schema->fields] = true;
	if (!kz_milvus_array(request, request->body, "outputFields", &names))
		return false;
	if (names.type == jbvNull || JsonContainerSize(names.val.binary.data) == 0)
		return add_name(request, "*", output);
	kz_json_values(&cursor, names.val.binary.data);
	while (kz_json_next(&cursor, &name))
	{
		if (name.type != jbvString)
			return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
								  "can only accept json format request, error: outputFields must be strings");
		if (pg_strcasecmp(kz_json_string(&name), "count(*)") == 0)
			output->count = true;
		else if (!add_name(request, kz_json_string(&name), output))
			return false;
	}
	if (output->count && JsonContainerSize(names.val.binary.data) > 1)
		return kz_milvus_fail_parameter(request,
										"count(*) can't be combined with other output fields");
	return true;
}

static bool
add_name(KzMilvusRequest *request, const char *name, KzMilvusOutput *output)
{
	const KzMilvusSchema *schema = output->schema;
	const KzMilvusField *field = kz_milvus_schema_field(schema, name, strlen(name));

	if (strcmp(name, "*") == 0)
	{
		output->as_stored = true;
		output->all_dynamic = true;
		for (int i = 0; i < schema->nfields; i++)
		{
			const KzMilvusField *each = &schema->fields[i];

			output->wanted[i] = true;
			if (each->type == KZ_MILVUS_JSON || each->type == KZ_MILVUS_ARRAY ||
				(each->type == KZ_MILVUS_INT64 && !request->allow_int64))
				output->as_stored = false;
		}
	}
	else if (field)
		output->wanted[field - schema->fields] = true;
	else if (!schema->dynamic)
		return kz_milvus_fail(request, KZ_MILVUS_OTHER, psprintf("field %s not exist", name));
	else if (strcmp(name, KZ_MILVUS_META) == 0)
		output->all_dynamic = true;
	else
		output->dynamic = lappend(output->dynamic, pstrdup(name));
	return true;
}

/*
 * An entity as it is answered, of the document as it is stored.  One that somebody
 * stored with plain SQL may lack fields.
 */
void
kz_milvus_put_output(const KzMilvusRequest *request, const KzMilvusOutput *output,
					 const text *id, Jsonb *source, JsonbValue *answer)
{
	const KzMilvusSchema *schema = output->schema;
	KzPairs		pairs = {0};

	if (!JB_ROOT_IS_OBJECT(source))
		source = kz_json_object(NULL, 0);
	if (output->as_stored && is_whole(schema, source))
	{
		kz_json_set_document(answer, source);
		return;
	}
	for (int i = 0; i < schema->nfields; i++)
	{
		JsonbValue	value;

		if (!output->wanted[i])
			continue;
		if (!kz_json_field(&source->root, schema->fields[i].name, &value))
			kz_json_set_null(&value);
		if (value.type == jbvNull && schema->fields[i].primary)
			kz_json_set_text(&value, id);
		convert(request, &schema->fields[i], &value);
		kz_pairs_add(&pairs, schema->fields[i].name, &value);
	}
	put_dynamic(output, &source->root, &pairs);
	kz_json_set_document(answer, kz_pairs_object(&pairs));
}

/*
 * Whether a document has all fields, and no dynamic key without a value.
 */
static bool
is_whole(const KzMilvusSchema *schema, const Jsonb *source)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;
	int			nfields = 0;

	kz_json_keys(&keys, &source->root);
	kz_json_values(&values, &source->root);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
	{
		if (kz_milvus_schema_field(schema, key.val.string.val, key.val.string.len))
			nfields++;
		else if (value.type == jbvNull)
			return false;
	}
	return nfields == schema->nfields;
}

static void
put_dynamic(const KzMilvusOutput *output, const JsonbContainer *source, KzPairs *pairs)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;

	if (!output->all_dynamic && output->dynamic == NIL)
		return;
	kz_json_keys(&keys, source);
	kz_json_values(&values, source);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
		if (value.type != jbvNull && is_wanted(output, &key) &&
			!kz_milvus_schema_field(output->schema, key.val.string.val, key.val.string.len))
			kz_pairs_add(pairs, kz_json_string(&key), &value);
}

static bool
is_wanted(const KzMilvusOutput *output, const JsonbValue *key)
{
	ListCell   *lc;

	if (output->all_dynamic)
		return true;
	foreach(lc, output->dynamic)
		if (kz_json_equals(key, lfirst(lc)))
		return true;
	return false;
}

/*
 * A value as Milvus answers it.
 */
static void
convert(const KzMilvusRequest *request, const KzMilvusField *field, JsonbValue *value)
{
	int64		number;

	if (value->type == jbvNull)
		return;
	switch (field->type)
	{
		case KZ_MILVUS_INT64:
			if (request->allow_int64 && kz_milvus_get_int64(value, &number))
				kz_json_set_int64(value, number);
			else
				set_number(request, value);
			break;
		case KZ_MILVUS_JSON:
			kz_json_set_string(value, kz_milvus_json_text(value));
			break;
		case KZ_MILVUS_ARRAY:
			wrap_array(request, field, value);
			break;
		default:
			break;
	}
}

/*
 * {"Data": {"LongData": {"data": [...]}}}: an array as protobuf writes it.
 */
static void
wrap_array(const KzMilvusRequest *request, const KzMilvusField *field, JsonbValue *value)
{
	static const char *const names[] = {
		[KZ_MILVUS_BOOL] = "BoolData",
		[KZ_MILVUS_INT8] = "IntData",
		[KZ_MILVUS_INT16] = "IntData",
		[KZ_MILVUS_INT32] = "IntData",
		[KZ_MILVUS_INT64] = "LongData",
		[KZ_MILVUS_FLOAT] = "FloatData",
		[KZ_MILVUS_DOUBLE] = "DoubleData",
		[KZ_MILVUS_VARCHAR] = "StringData"
	};
	const char *const levels[] = {"data", names[field->element], "Data"};

	if (kz_json_is_array(value) && field->element == KZ_MILVUS_INT64 && !request->allow_int64)
	{
		KzJsonCursor cursor;
		JsonbValue *elements = palloc((JsonContainerSize(value->val.binary.data) + 1) *
									  sizeof(JsonbValue));
		int			n = 0;

		kz_json_values(&cursor, value->val.binary.data);
		while (kz_json_next(&cursor, &elements[n]))
			set_number(request, &elements[n++]);
		kz_json_set_document(value, kz_json_array(elements, n));
	}
	for (int i = 0; i < lengthof(levels); i++)
	{
		KzPairs		pairs = {0};

		kz_pairs_add(&pairs, levels[i], value);
		kz_json_set_document(value, kz_pairs_object(&pairs));
	}
}

/*
 * A number of 64 bits as the client can read it.
 */
static void
set_number(const KzMilvusRequest *request, JsonbValue *value)
{
	if (value->type == jbvNumeric && !request->allow_int64)
		kz_json_set_string(value, kz_milvus_text(value));
}
