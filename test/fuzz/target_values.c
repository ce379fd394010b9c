/*
 * target_values.c
 *	  Values: src/base/json.c and the types of Milvus.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/json.h"
#include "fuzz.h"
#include "protocol/milvus_value.h"

static void put_copy(KzJsonWriter *writer, StringInfo buffer, const JsonbValue *value);
static JEntry copy_container(StringInfo buffer, const JsonbContainer *container);
static void check_fields(const JsonbContainer *object);
static Jsonb *array_of(const JsonbValue *value);

/*
 * JSON: what is read value by value and written again is the same.
 */
void
fuzz_json(FuzzInput *input)
{
	char	   *json = fuzz_take_text(input);
	Jsonb	   *jsonb = json ? fuzz_try_parse(json) : NULL;
	StringInfoData buffer;
	JsonbValue	value;
	int64		number;

	if (!jsonb)
		return;
	kz_json_set_document(&value, jsonb);
	if (value.type == jbvBinary)
	{
		kz_json_start(&buffer);
		copy_container(&buffer, &jsonb->root);
		fuzz_require_identical(kz_json_finish(&buffer), jsonb, "a copy is the same");
		fuzz_require_identical(kz_json_document(&value), jsonb, "a document of its own is the same");
		if (kz_json_is_object(&value))
			check_fields(&jsonb->root);
	}
	else if (kz_json_get_int64(&value, &number))
	{
		JsonbValue	again;

		kz_json_set_int64(&again, number);
		fuzz_require(DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(value.val.numeric),
													  NumericGetDatum(again.val.numeric))),
					 "an integer is the number that it was");
	}
	fuzz_require_canonical(array_of(&value), "an array of a value is canonical");
	kz_json_is_falsy(&value);
	kz_json_type_name(jsonb);
}

static JEntry
copy_container(StringInfo buffer, const JsonbContainer *container)
{
	KzJsonWriter writer;
	KzJsonCursor cursor;
	JsonbValue	value;

	check_stack_depth();
	if (JsonContainerIsObject(container))
	{
		kz_json_begin_object(&writer, buffer, JsonContainerSize(container));
		kz_json_keys(&cursor, container);
		while (kz_json_next(&cursor, &value))
			kz_json_put(&writer, &value);
	}
	else
		kz_json_begin_array(&writer, buffer, JsonContainerSize(container));
	kz_json_values(&cursor, container);
	while (kz_json_next(&cursor, &value))
		put_copy(&writer, buffer, &value);
	return kz_json_end(&writer);
}

static void
put_copy(KzJsonWriter *writer, StringInfo buffer, const JsonbValue *value)
{
	if (value->type == jbvBinary)
		kz_json_put_entry(writer, copy_container(buffer, value->val.binary.data));
	else
		kz_json_put(writer, value);
}

/*
 * Each key finds the value that lies beside it.
 */
static void
check_fields(const JsonbContainer *object)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;
	JsonbValue	found;

	kz_json_keys(&keys, object);
	kz_json_values(&values, object);
	while (kz_json_next(&keys, &key))
	{
		fuzz_require(kz_json_next(&values, &value), "each key has a value");
		fuzz_require(kz_json_field(object, kz_json_string(&key), &found), "each key is found");
		fuzz_require_identical(array_of(&found), array_of(&value), "each key finds its value");
	}
	fuzz_require(!kz_json_next(&values, &value), "each value has a key");
}

/*
 * A value for a field of a type of Milvus: three bytes, and JSON.
 */
void
fuzz_value(FuzzInput *input)
{
	KzMilvusField field = {.name = "f"};
	KzMilvusValue first;
	Jsonb	   *jsonb;
	Jsonb	   *before;
	JsonbValue	value;
	char	   *json;
	int			size = 0;

	field.type = fuzz_take(input, KZ_MILVUS_TYPES);
	field.element = fuzz_take(input, KZ_MILVUS_JSON);
	field.dim = fuzz_take(input, 33);
	field.max_length = field.max_capacity = field.dim;
	json = fuzz_take_text(input);
	jsonb = json ? fuzz_try_parse(json) : NULL;
	if (!jsonb)
		return;
	kz_json_set_document(&value, jsonb);
	if (value.type != jbvNull)
		fuzz_require_identical(fuzz_parse(kz_milvus_json_text(&value)), jsonb, "the JSON of a value is that value");

	before = array_of(&value);
	first = kz_milvus_convert(&field, &value, &size);
	if (first == KZ_MILVUS_KEPT)
		fuzz_require_identical(array_of(&value), before, "what is kept is the same");
	if (first != KZ_MILVUS_KEPT && first != KZ_MILVUS_CONVERTED)
		return;
	fuzz_require_canonical(array_of(&value), "what is stored is canonical");
	before = array_of(&value);
	fuzz_require(kz_milvus_convert(&field, &value, &size) == KZ_MILVUS_KEPT, "what is stored would be kept");
	fuzz_require_identical(array_of(&value), before, "what is stored stays the same");
}

static Jsonb *
array_of(const JsonbValue *value)
{
	return kz_json_array(value, 1);
}
