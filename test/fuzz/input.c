/*
 * input.c
 *	  From the bytes of an input to what a target wants.
 *
 * Texts are bytes as they are.  Documents are made, not parsed, so that every
 * input makes one, and a small change of the bytes is a small change of it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/json.h"
#include "fuzz.h"
#include "protocol/http.h"

#define MAX_DEPTH 6

/* Kinds of values, as often as they are wanted. */
typedef enum Kind
{
	KIND_NULL,
	KIND_TRUE,
	KIND_FALSE,
	KIND_DIGIT,
	KIND_NUMBER,
	KIND_STRING,
	KIND_LONG_STRING,
	KIND_ARRAY,
	KIND_LONG_ARRAY,
	KIND_OBJECT,
	KIND_LARGE_OBJECT,
	KIND_OBJECT_AGAIN,
	KINDS
} Kind;

/* Keys that mean something, or that are hard to tell apart. */
static const char *const keys[] = {
	"a", "b", "c", "d", "aa", "ab", "", "0", "1", "a.b", "a[0]", "a b", "\xc3\xa9", "_id", "body", "changes",
	"default", "_kuzzle_info", "properties", "dynamic", "type", "_meta", "enabled", "author", "updatedAt", "x"
};

static const char *const words[] = {
	"", "a", "strict", "true", "false", "keyword", "object", "nested", "date", "tom", "\xe2\x82\xac", "\"\\\n"
};

static void push_value(FuzzInput *input, JsonbParseState **state, JsonbIteratorToken token,
					   int depth);
static JsonbValue *push_object(FuzzInput *input, JsonbParseState **state, int npairs, int depth);
static void push_array(FuzzInput *input, JsonbParseState **state, int nelems, int depth);
static Numeric take_number(FuzzInput *input);
static void take_key(FuzzInput *input, JsonbValue *key, int i);
static char *text_of(const uint8 *data, size_t size);

/*
 * A number below another one, at most 256.
 */
uint32
fuzz_take(FuzzInput *input, uint32 below)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++ % below;
}

/*
 * A short string of ASCII, palloc'd.
 */
char *
fuzz_take_string(FuzzInput *input)
{
	int			length = fuzz_take(input, 16);
	char	   *string = palloc0(length + 1);

	for (int i = 0; i < length; i++)
		string[i] = Max(fuzz_take(input, 128), 1);
	return string;
}

/*
 * What comes before the next newline as a C string, palloc'd; NULL if the server
 * would not take it for a text.
 */
char *
fuzz_take_line(FuzzInput *input)
{
	const uint8 *start = input->data;
	const uint8 *end = input->size > 0 ? memchr(start, '\n', input->size) : NULL;
	size_t		length = end ? end - start : input->size;

	input->data += length + (end ? 1 : 0);
	input->size -= length + (end ? 1 : 0);
	return text_of(start, length);
}

/*
 * All that is left, in the same way.
 */
char *
fuzz_take_text(FuzzInput *input)
{
	return text_of(input->data, input->size);
}

static char *
text_of(const uint8 *data, size_t size)
{
	char	   *string = pnstrdup((const char *) data, size);

	return pg_verify_mbstr(PG_UTF8, (const char *) data, size, true) ? string : NULL;
}

/*
 * An object of any kinds of values.
 */
Jsonb *
fuzz_take_object(FuzzInput *input)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(push_object(input, &state, fuzz_take(input, 8), 0));
}

static void
push_value(FuzzInput *input, JsonbParseState **state, JsonbIteratorToken token, int depth)
{
	Kind		kind = fuzz_take(input, depth < MAX_DEPTH ? KINDS : KIND_ARRAY);
	JsonbValue	value;
	char	   *string;

	switch (kind)
	{
		case KIND_ARRAY:
			push_array(input, state, fuzz_take(input, 5), depth + 1);
			return;
		case KIND_LONG_ARRAY:
			push_array(input, state, fuzz_take(input, 100), MAX_DEPTH);
			return;
		case KIND_OBJECT:
		case KIND_OBJECT_AGAIN:
			push_object(input, state, fuzz_take(input, 5), depth + 1);
			return;
		case KIND_LARGE_OBJECT:
			push_object(input, state, fuzz_take(input, 100), MAX_DEPTH);
			return;
		case KIND_TRUE:
		case KIND_FALSE:
			kz_json_set_bool(&value, kind == KIND_TRUE);
			break;
		case KIND_DIGIT:
			kz_json_set_int64(&value, (int64) fuzz_take(input, 4) - 1);
			break;
		case KIND_NUMBER:
			value.type = jbvNumeric;
			value.val.numeric = take_number(input);
			break;
		case KIND_STRING:
			kz_json_set_string(&value, words[fuzz_take(input, lengthof(words))]);
			break;
		case KIND_LONG_STRING:
			value.type = jbvString;
			value.val.string.len = fuzz_take(input, 256) * fuzz_take(input, 16);
			value.val.string.val = string = palloc(value.val.string.len + 1);
			memset(string, 'l', value.val.string.len);
			break;
		default:
			kz_json_set_null(&value);
	}
	pushJsonbValue(state, token, &value);
}

static JsonbValue *
push_object(FuzzInput *input, JsonbParseState **state, int npairs, int depth)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < npairs; i++)
	{
		JsonbValue	key;

		take_key(input, &key, i);
		pushJsonbValue(state, WJB_KEY, &key);
		push_value(input, state, WJB_VALUE, depth);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
push_array(FuzzInput *input, JsonbParseState **state, int nelems, int depth)
{
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < nelems; i++)
		push_value(input, state, WJB_ELEM, depth);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/*
 * A key of the list, one that is told from others by its number, or any.
 */
static void
take_key(FuzzInput *input, JsonbValue *key, int i)
{
	uint32		choice = fuzz_take(input, lengthof(keys) + 6);

	if (choice < lengthof(keys))
		kz_json_set_string(key, keys[choice]);
	else if (choice < lengthof(keys) + 4)
		kz_json_set_string(key, psprintf("k%d", i));
	else
		kz_json_set_string(key, fuzz_take_string(input));
}

static Numeric
take_number(FuzzInput *input)
{
	StringInfoData digits;
	int			ndigits = 1 + fuzz_take(input, 40);
	int			fraction = fuzz_take(input, 40);
	int			exponent = (int) fuzz_take(input, 128) - 64;

	initStringInfo(&digits);
	if (fuzz_take(input, 2) == 1)
		appendStringInfoChar(&digits, '-');
	for (int i = 0; i < ndigits; i++)
	{
		if (i == fraction && i > 0)
			appendStringInfoChar(&digits, '.');
		appendStringInfoChar(&digits, '0' + fuzz_take(input, 10));
	}
	if (exponent > 0)
		appendStringInfo(&digits, "e%d", exponent - 32);
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits.data),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/*
 * JSON as the server reads it; what is wrong with it is raised.
 */
Jsonb *
fuzz_parse(const char *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/*
 * The same; NULL if something is wrong with it.
 */
Jsonb *
fuzz_try_parse(const char *json)
{
	char	   *problem;

	return kz_http_parse_json(json, &problem);
}
