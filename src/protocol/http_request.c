/*
 * http_request.c
 *	  Reading the parts of a request of HTTP.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/subtransaction.h"
#include "protocol/http.h"

/* Stack that one level of a document may need, well above what a walk over it takes. */
#define STACK_PER_LEVEL 512

/* A document that is parsed; NULL if that has raised an error. */
typedef struct Parsing
{
	const char *json;
	Jsonb	   *parsed;
} Parsing;

static char decode_byte(const char *escape);
static int	hex_digit(char c);
static int	compare_names(const void *a, const void *b);
static bool parse(void *argument);
static bool is_problem(void *argument, int sqlerrcode);
static bool is_too_deep(const char *json);
static bool is_bad_input(int sqlerrcode);

/*
 * Take the target of a request apart: /path?name=value&name=value.  It may be
 * absolute; a fragment is none of the server's business.
 */
void
kz_http_read_target(KzHttpRequest *request, const char *target)
{
	int			scheme_length = strcspn(target, ":/?#");
	const char *end;

	if (scheme_length > 0 && strncmp(target + scheme_length, "://", 3) == 0)
	{
		target = strpbrk(target + scheme_length + 3, "/?#");
		if (!target)
			target = "/";
	}
	end = target + strcspn(target, "?#");
	request->path = pnstrdup(target, end - target);
	if (*end == '?')
		kz_http_decode_form(pnstrdup(end + 1, strcspn(end + 1, "#")), &request->query,
							&request->expected);
}

/*
 * Decode name=value&name=value, the last of a name; false, with *expected what there
 * should have been, if anything in it can't be decoded.
 */
bool
kz_http_decode_form(const char *form, KzPairs *pairs, const char **expected)
{
	while (*form)
	{
		int			length = strcspn(form, "&");
		int			name_length = strcspn(form, "=&");
		int			value_start = Min(name_length + 1, length);
		char	   *name = kz_http_decode(form, name_length, true, expected);
		char	   *value = name ? kz_http_decode(form + value_start, length - value_start, true,
												  expected) : NULL;

		if (!value)
			return false;
		if (length > 0)
			kz_pairs_add_string(pairs, name, value);
		form += length + (form[length] == '&');
	}
	kz_http_keep_last(pairs);
	return true;
}

/*
 * Of pairs with the same name, keep the last.  Clients may send many, so they are
 * sorted for it.
 */
void
kz_http_keep_last(KzPairs *pairs)
{
	int			kept = 0;

	for (int i = 0; i < pairs->n; i++)
		pairs->pairs[i].order = i;
	if (pairs->n > 1)
		qsort(pairs->pairs, pairs->n, sizeof(JsonbPair), compare_names);
	for (int i = 0; i < pairs->n; i++)
	{
		if (i + 1 == pairs->n ||
			kz_json_compare_keys(&pairs->pairs[i].key, &pairs->pairs[i + 1].key) != 0)
			pairs->pairs[kept++] = pairs->pairs[i];
	}
	pairs->n = kept;
}

static int
compare_names(const void *a, const void *b)
{
	const JsonbPair *left = a;
	const JsonbPair *right = b;
	int			cmp = kz_json_compare_keys(&left->key, &right->key);

	return cmp != 0 ? cmp : (left->order < right->order ? -1 : 1);
}

/*
 * Decode %41, palloc'd; NULL, with *expected what there should have been, if that
 * can't be done.  What is escaped is UTF-8, whatever the encoding of the database,
 * in which all else is already.
 */
char *
kz_http_decode(const char *encoded, int length, bool plus_is_space, const char **expected)
{
	/* Of the size that is needed: a form may have very many short values. */
	StringInfoData decoded = {.data = palloc(length + 1),.maxlen = length + 1};
	StringInfoData escaped = {.data = palloc(length / 3 + 2),.maxlen = length / 3 + 2};
	const char *end = encoded + length;

	resetStringInfo(&decoded);
	while (encoded < end)
	{
		if (*encoded != '%')
		{
			appendStringInfoChar(&decoded, plus_is_space && *encoded == '+' ? ' ' : *encoded);
			encoded++;
			continue;
		}
		/* Escapes that follow one another may share a character. */
		resetStringInfo(&escaped);
		for (; encoded < end && *encoded == '%'; encoded += 3)
		{
			char		byte = end - encoded < 3 ? '\0' : decode_byte(encoded);

			if (byte == '\0')
			{
				*expected = "two hexadecimal digits after %, and not 00";
				return NULL;
			}
			appendStringInfoChar(&escaped, byte);
		}
		if (!kz_encoding_append(&decoded, escaped.data, escaped.len, expected))
			return NULL;
	}
	pfree(escaped.data);
	return decoded.data;
}

/*
 * The byte of an escape; 0 if it is malformed, or means that.
 */
static char
decode_byte(const char *escape)
{
	int			high = hex_digit(escape[1]);
	int			low = hex_digit(escape[2]);

	return high < 0 || low < 0 ? '\0' : high << 4 | low;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The value of a header, whose name has no case, palloc'd; NULL if there is none.  Of
 * a list the first counts.
 */
const char *
kz_http_header(const KzHttpRequest *request, const char *name)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;

	kz_json_keys(&keys, &request->headers->root);
	kz_json_values(&values, &request->headers->root);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
	{
		if (key.val.string.len != strlen(name) ||
			pg_strncasecmp(key.val.string.val, name, key.val.string.len) != 0)
			continue;
		if (kz_json_is_array(&value))
		{
			kz_json_values(&values, value.val.binary.data);
			if (!kz_json_next(&values, &value))
				return NULL;
		}
		return value.type == jbvString ? kz_json_string(&value) : NULL;
	}
	return NULL;
}

/*
 * The value of an argument of the query; NULL if there is none.
 */
const JsonbValue *
kz_http_query(const KzHttpRequest *request, const char *name)
{
	for (int i = 0; i < request->query.n; i++)
		if (kz_json_equals(&request->query.pairs[i].key, name))
			return &request->query.pairs[i].value;
	return NULL;
}

/*
 * Parse JSON; NULL, and *problem is what is wrong, if it is none that can be stored,
 * or so deep that a later walk over it might not have the stack that parsing had.
 * The server raises an error for that, so it is done in a subtransaction, which has
 * no number as it writes nothing.
 */
Jsonb *
kz_http_parse_json(const char *json, char **problem)
{
	Parsing		parsing = {.json = json};
	ErrorData  *error;

	if (is_too_deep(json))
	{
		*problem = "It is nested too deeply.";
		return NULL;
	}
	error = kz_subtransaction_run(parse, is_problem, &parsing);
	if (error)
		*problem = error->detail ? error->detail : error->message;
	return parsing.parsed;
}

static bool
parse(void *argument)
{
	Parsing    *parsing = argument;

	parsing->parsed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(parsing->json)));
	return true;
}

static bool
is_problem(void *argument, int sqlerrcode)
{
	return is_bad_input(sqlerrcode);
}

/*
 * Whether brackets outside of strings are nested too deeply for the stack.
 */
static bool
is_too_deep(const char *json)
{
	int64		most = max_stack_depth * (int64) 1024 / STACK_PER_LEVEL;
	int64		depth = 0;
	bool		in_string = false;

	for (; *json; json++)
	{
		if (in_string && *json == '\\' && json[1] != '\0')
			json++;
		else if (*json == '"')
			in_string = !in_string;
		else if (!in_string && (*json == '{' || *json == '['))
		{
			if (++depth > most)
				return true;
		}
		else if (!in_string && (*json == '}' || *json == ']'))
			depth--;
	}
	return false;
}

/*
 * Malformed, not to be stored, or nested too deeply.  What is not supported is an
 * escape, \u00fc, in SQL_ASCII, of which nobody knows what it should become.
 */
static bool
is_bad_input(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED;
}
