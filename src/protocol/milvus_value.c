/*
 * milvus_value.c
 *	  Values of Milvus' data types.
 *
 * Milvus' REST API works on the text of a JSON value, so a number may come as a
 * string and the other way round.  What is stored has the one form of its type:
 * numbers, booleans, strings, arrays.  Lengths are those of UTF-8, as Milvus counts
 * them, whatever the encoding of the database.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/encoding.h"
#include "base/json.h"
#include "protocol/milvus_value.h"

static KzMilvusValue convert_integer(KzMilvusType type, JsonbValue *value);
static KzMilvusValue convert_float(KzMilvusType type, JsonbValue *value);
static KzMilvusValue convert_bool(JsonbValue *value);
static KzMilvusValue convert_string(const KzMilvusField *field, JsonbValue *value, int *size);
static KzMilvusValue check_json(const JsonbValue *value, int *size);
static int	utf8_length(const char *string);
static int	count_blanks(JsonbContainer *container);
static KzMilvusValue check_array(const KzMilvusField *field, const JsonbValue *value, int *size);
static bool is_element(const KzMilvusField *field, const JsonbValue *value);
static KzMilvusValue check_vector(const KzMilvusField *field, const JsonbValue *value, int *size);
static KzMilvusValue check_sparse(const JsonbValue *value);
static KzMilvusValue check_sparse_lists(const JsonbValue *indices, const JsonbValue *values);
static bool is_sparse_index(const char *string);
static KzMilvusValue check_encoded(const KzMilvusField *field, const JsonbValue *value, int *size);
static bool is_component(KzMilvusType type, const JsonbValue *value);
static bool fits(KzMilvusType type, int64 number);
static bool is_not_finite(const char *string);
static bool parse_number(JsonbValue *value);
static bool fits_float(Numeric numeric, bool single);

/*
 * Give a value that was sent for a field the form in which it is stored.  size is
 * what it has too much of, in the unit of its limit.
 */
KzMilvusValue
kz_milvus_convert(const KzMilvusField *field, JsonbValue *value, int *size)
{
	switch (field->type)
	{
		case KZ_MILVUS_BOOL:
			return convert_bool(value);
		case KZ_MILVUS_INT8:
		case KZ_MILVUS_INT16:
		case KZ_MILVUS_INT32:
		case KZ_MILVUS_INT64:
			return convert_integer(field->type, value);
		case KZ_MILVUS_FLOAT:
		case KZ_MILVUS_DOUBLE:
			return convert_float(field->type, value);
		case KZ_MILVUS_VARCHAR:
			return convert_string(field, value, size);
		case KZ_MILVUS_JSON:
			return check_json(value, size);
		case KZ_MILVUS_ARRAY:
			return check_array(field, value, size);
		default:
			return check_vector(field, value, size);
	}
}

/*
 * Int64 is strict: 1.0 is none.
 */
static KzMilvusValue
convert_integer(KzMilvusType type, JsonbValue *value)
{
	int64		parsed;
	bool		plain = kz_milvus_get_int64(value, &parsed);
	bool		number = value->type == jbvNumeric;

	if (!plain && type != KZ_MILVUS_INT64 && value->type == jbvString &&
		strpbrk(kz_json_string(value), "eE") == NULL)
		parse_number(value);
	if (!plain && (type == KZ_MILVUS_INT64 || !kz_json_get_int64(value, &parsed)))
		return KZ_MILVUS_REFUSED;
	if (!fits(type, parsed))
		return KZ_MILVUS_REFUSED;
	kz_json_set_int64(value, parsed);
	return plain && number ? KZ_MILVUS_KEPT : KZ_MILVUS_CONVERTED;
}

/*
 * The integer that a number is without a fraction, or a string of digits.
 */
bool
kz_milvus_get_int64(const JsonbValue *value, int64 *number)
{
	char	   *string;
	char	   *end;

	if (value->type != jbvNumeric && value->type != jbvString)
		return false;
	string = kz_milvus_text(value);
	if (!isdigit((unsigned char) string[0]) &&
		!((string[0] == '-' || string[0] == '+') && isdigit((unsigned char) string[1])))
		return false;
	errno = 0;
	*number = strtoll(string, &end, 10);
	return errno == 0 && *end == '\0' &&
		(value->type != jbvString || strlen(string) == value->val.string.len);
}

static bool
fits(KzMilvusType type, int64 number)
{
	switch (type)
	{
		case KZ_MILVUS_INT8:
			return number >= PG_INT8_MIN && number <= PG_INT8_MAX;
		case KZ_MILVUS_INT16:
			return number >= PG_INT16_MIN && number <= PG_INT16_MAX;
		case KZ_MILVUS_INT32:
			return number >= PG_INT32_MIN && number <= PG_INT32_MAX;
		default:
			return true;
	}
}

/*
 * What JSON has a number for is stored as it was sent: 0.1 stays 0.1.
 */
static KzMilvusValue
convert_float(KzMilvusType type, JsonbValue *value)
{
	bool		number = value->type == jbvNumeric;

	if (value->type == jbvString && is_not_finite(kz_json_string(value)))
		return KZ_MILVUS_NOT_FINITE;
	if (value->type == jbvString && !parse_number(value))
		return KZ_MILVUS_REFUSED;
	if (value->type != jbvNumeric || !fits_float(value->val.numeric, type == KZ_MILVUS_FLOAT))
		return KZ_MILVUS_REFUSED;
	return number ? KZ_MILVUS_KEPT : KZ_MILVUS_CONVERTED;
}

/*
 * Whether Go reads a string as a float that is no number or infinite.
 */
static bool
is_not_finite(const char *string)
{
	if (string[0] == '+' || string[0] == '-')
		string++;
	return pg_strcasecmp(string, "nan") == 0 || pg_strcasecmp(string, "inf") == 0 ||
		pg_strcasecmp(string, "infinity") == 0;
}

/*
 * Make a number of a string that is one, as JSON writes it.
 */
static bool
parse_number(JsonbValue *value)
{
	char	   *string = kz_json_string(value);
	char	   *p = string + (string[0] == '-' || string[0] == '+');
	int			ndigits = strspn(p, "0123456789");

	p += ndigits;
	if (*p == '.')
	{
		int			nfraction = strspn(++p, "0123456789");

		p += nfraction;
		ndigits += nfraction;
	}
	if (ndigits > 0 && (*p == 'e' || *p == 'E'))
	{
		p += 1 + (p[1] == '-' || p[1] == '+');
		ndigits = strspn(p, "0123456789");
		p += ndigits;
		/* No float has a longer exponent. */
		if (ndigits > 3)
			return false;
	}
	if (ndigits == 0 || p - string != value->val.string.len)
		return false;
	value->type = jbvNumeric;
	value->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(string),
															 ObjectIdGetDatum(InvalidOid),
															 Int32GetDatum(-1)));
	return true;
}

/*
 * Whether a float of single or double precision has room for a number.  Vectors
 * have hundreds of them, so most are told by the header in which the server stores
 * them: the short one has the weight of the first digit, to the base of 10000, in its
 * last seven bits.
 */
static bool
fits_float(Numeric numeric, bool single)
{
	uint16		header;
	double		number;

	memcpy(&header, VARDATA(numeric), sizeof(header));
	if ((header & 0xC000) == 0x8000 && (!single || (header & 0x40) != 0 || (header & 0x3F) <= 8))
		return true;
	number = fabs(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													 NumericGetDatum(numeric))));
	return number <= (single ? FLT_MAX : DBL_MAX);
}

static KzMilvusValue
convert_bool(JsonbValue *value)
{
	static const char *const words[2][6] = {
		{"0", "f", "F", "FALSE", "false", "False"},
		{"1", "t", "T", "TRUE", "true", "True"}
	};
	char	   *string;

	if (value->type == jbvBool)
		return KZ_MILVUS_KEPT;
	if (value->type != jbvString && value->type != jbvNumeric)
		return KZ_MILVUS_REFUSED;
	string = kz_milvus_text(value);
	for (int truth = 0; truth < 2; truth++)
		for (int i = 0; i < lengthof(words[0]); i++)
			if (strcmp(string, words[truth][i]) == 0)
			{
				kz_json_set_bool(value, truth);
				return KZ_MILVUS_CONVERTED;
			}
	return KZ_MILVUS_REFUSED;
}

/*
 * Everything has a text; what is not there has an empty one.
 */
static KzMilvusValue
convert_string(const KzMilvusField *field, JsonbValue *value, int *size)
{
	bool		string = value->type == jbvString;

	if (!string)
		kz_json_set_string(value, kz_milvus_text(value));
	*size = kz_encoding_utf8_length(value->val.string.val, value->val.string.len);
	if (*size > field->max_length)
		return KZ_MILVUS_TOO_LONG;
	return string ? KZ_MILVUS_KEPT : KZ_MILVUS_CONVERTED;
}

/*
 * A value as text: a string without its quotes, null as nothing.
 */
char *
kz_milvus_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "";
		case jbvString:
			return kz_json_string(value);
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		default:
			return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
	}
}

/*
 * A value as JSON: a string with its quotes.
 */
char *
kz_milvus_json_text(const JsonbValue *value)
{
	StringInfoData buffer;

	if (value->type != jbvString)
		return value->type == jbvNull ? "null" : kz_milvus_text(value);
	initStringInfo(&buffer);
	escape_json(&buffer, kz_json_string(value));
	return buffer.data;
}

static KzMilvusValue
check_json(const JsonbValue *value, int *size)
{
	/* Nobody asks for a field that may be null. */
	if (value->type == jbvNull)
		return KZ_MILVUS_REFUSED;
	/* No text is more than six times as long as what it is for. */
	if (value->type != jbvBinary ? value->type != jbvString || value->val.string.len < KZ_MILVUS_MAX_JSON / 6 :
		value->val.binary.len < KZ_MILVUS_MAX_JSON / 6)
		return KZ_MILVUS_KEPT;
	*size = utf8_length(kz_milvus_json_text(value));
	if (value->type == jbvBinary)
		*size -= count_blanks(value->val.binary.data);
	return *size > KZ_MILVUS_MAX_JSON ? KZ_MILVUS_TOO_LARGE : KZ_MILVUS_KEPT;
}

/*
 * The bytes of a text as Milvus counts them.
 */
static int
utf8_length(const char *string)
{
	return kz_encoding_utf8_length(string, strlen(string));
}

/*
 * The bytes of the text of the dynamic fields; or something less than their limit.
 */
int64
kz_milvus_dynamic_size(const KzPairs *dynamic)
{
	int64		size = 0;
	Jsonb	   *object;

	for (int i = 0; i < dynamic->n; i++)
	{
		const JsonbValue *value = &dynamic->pairs[i].value;

		size += dynamic->pairs[i].key.val.string.len + 16;
		size += value->type == jbvString ? value->val.string.len :
			value->type == jbvBinary ? value->val.binary.len :
			value->type == jbvNumeric ? VARSIZE(value->val.numeric) : 0;
	}
	if (size < KZ_MILVUS_MAX_JSON / 6)
		return size;
	object = kz_pairs_object(dynamic);
	return utf8_length(JsonbToCString(NULL, &object->root, VARSIZE(object))) -
		count_blanks(&object->root);
}

/*
 * How many blanks the server puts behind the commas and colons of a container.
 */
static int
count_blanks(JsonbContainer *container)
{
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			blanks = 0;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY)
			blanks += Max(value.val.array.nElems - 1, 0);
		else if (token == WJB_BEGIN_OBJECT)
			blanks += Max(2 * value.val.object.nPairs - 1, 0);
	}
	return blanks;
}

static KzMilvusValue
check_array(const KzMilvusField *field, const JsonbValue *value, int *size)
{
	KzJsonCursor cursor;
	JsonbValue	element;

	if (!kz_json_is_array(value))
		return KZ_MILVUS_REFUSED;
	kz_json_values(&cursor, value->val.binary.data);
	while (kz_json_next(&cursor, &element))
	{
		if (!is_element(field, &element))
			return KZ_MILVUS_REFUSED;
		if (element.type != jbvString)
			continue;
		*size = kz_encoding_utf8_length(element.val.string.val, element.val.string.len);
		if (*size > field->max_length)
			return KZ_MILVUS_TOO_LONG;
	}
	*size = JsonContainerSize(value->val.binary.data);
	return *size > field->max_capacity ? KZ_MILVUS_WRONG_SIZE : KZ_MILVUS_KEPT;
}

/*
 * Elements of an array are of its type already.
 */
static bool
is_element(const KzMilvusField *field, const JsonbValue *value)
{
	int64		number;

	switch (field->element)
	{
		case KZ_MILVUS_BOOL:
			return value->type == jbvBool;
		case KZ_MILVUS_VARCHAR:
			return value->type == jbvString;
		case KZ_MILVUS_FLOAT:
		case KZ_MILVUS_DOUBLE:
			return value->type == jbvNumeric &&
				fits_float(value->val.numeric, field->element == KZ_MILVUS_FLOAT);
		default:
			return value->type == jbvNumeric && kz_milvus_get_int64(value, &number) &&
				fits(field->element, number);
	}
}

/*
 * A vector is an array of numbers; one of bytes, or of numbers that JSON does not
 * have, may also come in base64.
 */
static KzMilvusValue
check_vector(const KzMilvusField *field, const JsonbValue *value, int *size)
{
	KzJsonCursor cursor;
	JsonbValue	component;
	int			unit = field->type == KZ_MILVUS_BINARY_VECTOR ? 8 : 1;

	if (field->type == KZ_MILVUS_SPARSE_VECTOR)
		return check_sparse(value);
	if (value->type == jbvString && field->type != KZ_MILVUS_FLOAT_VECTOR)
		return check_encoded(field, value, size);
	if (!kz_json_is_array(value))
		return KZ_MILVUS_REFUSED;
	kz_json_values(&cursor, value->val.binary.data);
	while (kz_json_next(&cursor, &component))
		if (!is_component(field->type, &component))
			return KZ_MILVUS_REFUSED;
	*size = JsonContainerSize(value->val.binary.data) * unit;
	return *size == field->dim ? KZ_MILVUS_KEPT : KZ_MILVUS_WRONG_SIZE;
}

static bool
is_component(KzMilvusType type, const JsonbValue *value)
{
	int64		number;

	if (value->type != jbvNumeric)
		return false;
	switch (type)
	{
		case KZ_MILVUS_BINARY_VECTOR:
			return kz_json_get_int64(value, &number) && number >= 0 && number <= PG_UINT8_MAX;
		case KZ_MILVUS_INT8_VECTOR:
			return kz_json_get_int64(value, &number) && fits(KZ_MILVUS_INT8, number);
		default:
			return fits_float(value->val.numeric, true);
	}
}

static KzMilvusValue
check_encoded(const KzMilvusField *field, const JsonbValue *value, int *size)
{
	int			length = pg_b64_dec_len(value->val.string.len);
	int			unit;

	unit = field->type == KZ_MILVUS_FLOAT16_VECTOR || field->type == KZ_MILVUS_BFLOAT16_VECTOR ? 16 :
		field->type == KZ_MILVUS_INT8_VECTOR ? 8 : 1;
	length = kz_base64_decode(value->val.string.val, value->val.string.len, palloc(length + 1), length);
	if (length < 0)
		return KZ_MILVUS_REFUSED;
	*size = length * 8 / unit;
	return *size == field->dim ? KZ_MILVUS_KEPT : KZ_MILVUS_WRONG_SIZE;
}

/*
 * {"indices": [...], "values": [...]}, or {"index": value, ...}.
 */
static KzMilvusValue
check_sparse(const JsonbValue *value)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	component;
	JsonbValue	indices;

	if (!kz_json_is_object(value))
		return KZ_MILVUS_REFUSED;
	if (kz_json_field(value->val.binary.data, "indices", &indices) &&
		kz_json_field(value->val.binary.data, "values", &component))
		return check_sparse_lists(&indices, &component);
	kz_json_keys(&keys, value->val.binary.data);
	kz_json_values(&values, value->val.binary.data);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &component))
		if (!is_sparse_index(kz_json_string(&key)) ||
			!is_component(KZ_MILVUS_SPARSE_VECTOR, &component))
			return KZ_MILVUS_REFUSED;
	return KZ_MILVUS_KEPT;
}

static KzMilvusValue
check_sparse_lists(const JsonbValue *indices, const JsonbValue *values)
{
	KzJsonCursor index_cursor;
	KzJsonCursor value_cursor;
	JsonbValue	index;
	JsonbValue	value;

	if (!kz_json_is_array(indices) || !kz_json_is_array(values) ||
		JsonContainerSize(indices->val.binary.data) != JsonContainerSize(values->val.binary.data))
		return KZ_MILVUS_REFUSED;
	kz_json_values(&index_cursor, indices->val.binary.data);
	kz_json_values(&value_cursor, values->val.binary.data);
	while (kz_json_next(&index_cursor, &index) && kz_json_next(&value_cursor, &value))
		if (index.type != jbvNumeric || !is_sparse_index(kz_milvus_text(&index)) ||
			!is_component(KZ_MILVUS_SPARSE_VECTOR, &value))
			return KZ_MILVUS_REFUSED;
	return KZ_MILVUS_KEPT;
}

/*
 * Whether a string is an unsigned number of 32 bits.
 */
static bool
is_sparse_index(const char *string)
{
	return string[0] != '\0' && strlen(string) <= 10 && strspn(string, "0123456789") == strlen(string) &&
		strtoull(string, NULL, 10) < PG_UINT32_MAX;
}
