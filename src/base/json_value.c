/*
 * json_value.c
 *	  Single values of jsonb: what they are, and how to make them.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/json.h"

bool
kz_json_is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

bool
kz_json_is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

/*
 * Compare two strings in the order in which jsonb keeps keys.
 */
int
kz_json_compare_keys(const JsonbValue *a, const JsonbValue *b)
{
	if (a->val.string.len != b->val.string.len)
		return a->val.string.len < b->val.string.len ? -1 : 1;
	return memcmp(a->val.string.val, b->val.string.val, a->val.string.len);
}

bool
kz_json_equals(const JsonbValue *string, const char *expected)
{
	return string->type == jbvString &&
		string->val.string.len == strlen(expected) &&
		memcmp(string->val.string.val, expected, string->val.string.len) == 0;
}

/*
 * Whether JavaScript takes a value for false.
 */
bool
kz_json_is_falsy(const JsonbValue *value)
{
	int64		number;

	switch (value->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return !value->val.boolean;
		case jbvString:
			return value->val.string.len == 0;
		case jbvNumeric:
			return kz_json_get_int64(value, &number) && number == 0;
		default:
			return false;
	}
}

/*
 * The integer that value is; false if it is something else, or out of range.
 */
bool
kz_json_get_int64(const JsonbValue *value, int64 *number)
{
	Datum		numeric;

	if (value->type != jbvNumeric)
		return false;
	numeric = NumericGetDatum(value->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(numeric_ge, numeric,
										  NumericGetDatum(int64_to_numeric(PG_INT64_MIN)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_le, numeric,
										  NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, numeric,
										  DirectFunctionCall2(numeric_trunc, numeric,
															  Int32GetDatum(0)))))
		return false;
	*number = DatumGetInt64(DirectFunctionCall1(numeric_int8, numeric));
	return true;
}

/*
 * A string as text, palloc'd.
 */
text *
kz_json_text(const JsonbValue *string)
{
	return cstring_to_text_with_len(string->val.string.val, string->val.string.len);
}

/*
 * A string as a C string, palloc'd.
 */
char *
kz_json_string(const JsonbValue *string)
{
	return pnstrdup(string->val.string.val, string->val.string.len);
}

/*
 * What jsonb holds, as the JSON standard calls it.
 */
const char *
kz_json_type_name(Jsonb *jsonb)
{
	JsonbValue	value;

	if (JB_ROOT_IS_OBJECT(jsonb))
		return "object";
	if (!JB_ROOT_IS_SCALAR(jsonb))
		return "array";
	kz_json_set_document(&value, jsonb);
	switch (value.type)
	{
		case jbvString:
			return "string";
		case jbvNumeric:
			return "number";
		case jbvBool:
			return "boolean";
		default:
			return "null";
	}
}

/*
 * Whether two documents are the same byte for byte: 1 and 1.00 are not.
 */
bool
kz_json_identical(const Jsonb *a, const Jsonb *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

void
kz_json_set_string(JsonbValue *value, const char *string)
{
	value->type = jbvString;
	value->val.string.val = unconstify(char *, string);
	value->val.string.len = strlen(string);
}

void
kz_json_set_text(JsonbValue *value, const text *string)
{
	value->type = jbvString;
	value->val.string.val = VARDATA_ANY(string);
	value->val.string.len = VARSIZE_ANY_EXHDR(string);
}

void
kz_json_set_int64(JsonbValue *value, int64 number)
{
	value->type = jbvNumeric;
	value->val.numeric = int64_to_numeric(number);
}

void
kz_json_set_bool(JsonbValue *value, bool boolean)
{
	value->type = jbvBool;
	value->val.boolean = boolean;
}

void
kz_json_set_null(JsonbValue *value)
{
	value->type = jbvNull;
}

/*
 * Make value stand for a whole document, which may be a scalar.
 */
void
kz_json_set_document(JsonbValue *value, Jsonb *document)
{
	if (JB_ROOT_IS_SCALAR(document))
	{
		KzJsonCursor cursor;

		kz_json_values(&cursor, &document->root);
		kz_json_next(&cursor, value);
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &document->root;
	value->val.binary.len = VARSIZE(document) - VARHDRSZ;
}
