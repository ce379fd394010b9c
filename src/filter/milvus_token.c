/*
 * milvus_token.c
 *	  The words of Milvus' filters.
 *
 * Keywords are written in lower case or all in capitals; numbers and strings as in C.
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/encoding.h"
#include "filter/milvus_token.h"

/* More digits than any float has, and any exponent. */
#define MAX_FLOAT_LENGTH 400

static const struct
{
	const char *word;
	KzTokenKind kind;
	bool		capitalized;	/* it may also have a capital first letter */
}			words[] = {
	{"and", KZ_TOKEN_AND}, {"or", KZ_TOKEN_OR}, {"not", KZ_TOKEN_NOT}, {"in", KZ_TOKEN_IN},
	{"like", KZ_TOKEN_LIKE}, {"is", KZ_TOKEN_IS}, {"null", KZ_TOKEN_NULL},
	{"exists", KZ_TOKEN_EXISTS}, {"true", KZ_TOKEN_TRUE, true}, {"false", KZ_TOKEN_FALSE, true}
};

static const struct
{
	const char *text;
	KzTokenKind kind;
}			pairs[] = {
	{"==", KZ_TOKEN_EQUAL}, {"!=", KZ_TOKEN_NOT_EQUAL}, {"<=", KZ_TOKEN_LESS_OR_EQUAL},
	{">=", KZ_TOKEN_GREATER_OR_EQUAL}, {"&&", KZ_TOKEN_AND}, {"||", KZ_TOKEN_OR},
	{"**", KZ_TOKEN_POWER}, {"<<", KZ_TOKEN_SHIFT}, {">>", KZ_TOKEN_SHIFT}
};

static bool read_name(const char *at, KzToken *token);
static bool is_word(const KzToken *token, const char *word, bool capitalized);
static bool read_number(const char *at, KzToken *token, const char **problem);
static bool read_integer(KzToken *token, int base, int skip, const char **problem);
static bool read_float(KzToken *token, const char **problem);
static bool read_string(const char *at, KzToken *token, const char **problem);
static bool read_escapes(const char **at, StringInfo string, const char **problem);
static bool read_escape(const char **at, StringInfo string);
static bool read_digits(const char **at, int base, int most, uint32 *code);
static bool read_symbol(const char *at, KzToken *token);

/*
 * Read the next word and move behind it.  False, and *problem is what is wrong with
 * it, if it is none.
 */
bool
kz_token_read(const char **at, KzToken *token, const char **problem)
{
	const char *p = *at;
	bool		ok = true;

	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	memset(token, 0, sizeof(*token));
	token->start = p;
	*problem = "unexpected character";
	if (*p == '\0')
		token->kind = KZ_TOKEN_END;
	else if (isdigit((unsigned char) *p) || (*p == '.' && isdigit((unsigned char) p[1])))
		ok = read_number(p, token, problem);
	else if (*p == '"' || *p == '\'')
		ok = read_string(p, token, problem);
	else
		ok = read_name(p, token) || read_symbol(p, token);
	*at = p + token->length;
	return ok;
}

static bool
read_name(const char *at, KzToken *token)
{
	const char *p = at;

	/* $meta is the one name with such a letter. */
	if (strncmp(p, "$meta", 5) == 0 &&
		!(isascii((unsigned char) p[5]) && (isalnum((unsigned char) p[5]) || p[5] == '_')))
		p++;
	else if (!(isascii((unsigned char) *p) && (isalpha((unsigned char) *p) || *p == '_')))
		return false;
	while (isascii((unsigned char) *p) && (isalnum((unsigned char) *p) || *p == '_'))
		p++;
	token->kind = KZ_TOKEN_NAME;
	token->length = p - at;
	token->string = pnstrdup(at, token->length);
	token->string_length = token->length;
	for (int i = 0; i < lengthof(words); i++)
		if (is_word(token, words[i].word, words[i].capitalized))
			token->kind = words[i].kind;
	return true;
}

static bool
is_word(const KzToken *token, const char *word, bool capitalized)
{
	bool		lower = true,
				upper = true,
				capital = capitalized;

	if (strlen(word) != token->length)
		return false;
	for (int i = 0; word[i]; i++)
	{
		lower &= token->start[i] == word[i];
		upper &= token->start[i] == pg_ascii_toupper(word[i]);
		capital &= token->start[i] == (i == 0 ? pg_ascii_toupper(word[i]) : word[i]);
	}
	return lower || upper || capital;
}

/*
 * Decimal, 0x, 0b, and with a leading 0 octal integers; decimal and hexadecimal
 * floats.
 */
static bool
read_number(const char *at, KzToken *token, const char **problem)
{
	bool		hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
	const char *p = at + (hex ? 2 : 0);
	bool		fraction = false;

	if (at[0] == '0' && (at[1] == 'b' || at[1] == 'B'))
	{
		token->length = 2 + strspn(at + 2, "01");
		return read_integer(token, 2, 2, problem);
	}
	p += strspn(p, digits);
	if (*p == '.')
	{
		fraction = true;
		p++;
		p += strspn(p, digits);
	}
	if (hex ? *p == 'p' || *p == 'P' : *p == 'e' || *p == 'E')
	{
		const char *exponent = p + 1 + (p[1] == '-' || p[1] == '+');

		if (isdigit((unsigned char) *exponent))
		{
			fraction = true;
			p = exponent + strspn(exponent, "0123456789");
		}
	}
	token->length = p - at;
	if (isascii((unsigned char) *p) && (isalnum((unsigned char) *p) || *p == '_'))
	{
		*problem = "malformed number";
		return false;
	}
	if (fraction)
		return read_float(token, problem);
	if (hex)
		return read_integer(token, 16, 2, problem);
	return read_integer(token, at[0] == '0' && token->length > 1 ? 8 : 10, 0, problem);
}

/*
 * An integer may be one more than the largest: its negative is the smallest.
 */
static bool
read_integer(KzToken *token, int base, int skip, const char **problem)
{
	char	   *digits = pnstrdup(token->start + skip, token->length - skip);
	char	   *end;

	token->kind = KZ_TOKEN_INTEGER;
	errno = 0;
	token->integer = strtoull(digits, &end, base);
	*problem = *end != '\0' || end == digits ? "malformed number" : "integer out of range";
	if (*end != '\0' || end == digits || errno != 0 ||
		token->integer > (uint64) PG_INT64_MAX + 1)
		return false;
	if (token->integer <= (uint64) PG_INT64_MAX)
		token->number = int64_to_numeric((int64) token->integer);
	return true;
}

static bool
read_float(KzToken *token, const char **problem)
{
	char	   *digits = pnstrdup(token->start, token->length);
	double		value = strtod(digits, NULL);

	token->kind = KZ_TOKEN_FLOAT;
	*problem = "number out of range";
	if (isinf(value) || token->length > MAX_FLOAT_LENGTH)
		return false;
	if (strpbrk(digits, "xX"))
		digits = psprintf(value == rint(value) ? "%.0f" : "%.17g", value);
	if (value == 0)
		token->number = int64_to_numeric(0);	/* whatever the exponent */
	else
		token->number = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
															ObjectIdGetDatum(InvalidOid),
															Int32GetDatum(-1)));
	return true;
}

/*
 * A string in quotes of either kind, with the escapes of C.  What these stand for is
 * UTF-8, whatever the encoding of the database, in which all else is already.
 */
static bool
read_string(const char *at, KzToken *token, const char **problem)
{
	const char *p = at + 1;
	StringInfoData string;

	initStringInfo(&string);
	*problem = "unterminated string";
	token->kind = KZ_TOKEN_STRING;
	token->length = 1;
	while (*p != *at)
	{
		if (*p == '\0' || *p == '\n' || *p == '\r')
			return false;
		if (*p != '\\')
			appendStringInfoChar(&string, *p++);
		else if (!read_escapes(&p, &string, problem))
			return false;
	}
	token->length = p + 1 - at;
	token->string = string.data;
	token->string_length = string.len;
	return true;
}

/*
 * Read escapes that follow one another, which may share a character.
 */
static bool
read_escapes(const char **at, StringInfo string, const char **problem)
{
	StringInfoData utf8;
	const char *expected;
	bool		stored;

	initStringInfo(&utf8);
	while (**at == '\\')
	{
		(*at)++;
		if (!read_escape(at, &utf8))
		{
			*problem = "malformed escape in a string";
			return false;
		}
	}
	stored = kz_encoding_append(string, utf8.data, utf8.len, &expected);
	pfree(utf8.data);
	if (!stored)
		*problem = "string with characters that can't be stored";
	return stored;
}

/*
 * Read an escape, from behind its backslash on, as UTF-8.
 */
static bool
read_escape(const char **at, StringInfo string)
{
	static const char names[] = "abfnrtv\\'\"?";
	static const char values[] = "\a\b\f\n\r\t\v\\'\"?";
	const char *name = **at ? strchr(names, **at) : NULL;
	unsigned char utf8[5] = {0};
	uint32		code;
	char		kind = **at;

	if (name)
	{
		appendStringInfoChar(string, values[name - names]);
		(*at)++;
		return true;
	}
	if (kind >= '0' && kind <= '7')
	{
		if (!read_digits(at, 8, 3, &code) || code > 0xFF)
			return false;
		appendStringInfoChar(string, code);
		return true;
	}
	(*at)++;
	if (kind == 'x')
	{
		if (!read_digits(at, 16, 2, &code))
			return false;
		appendStringInfoChar(string, code);
		return true;
	}
	if ((kind != 'u' && kind != 'U') || !read_digits(at, 16, kind == 'u' ? 4 : 8, &code) ||
		code == 0 || !is_valid_unicode_codepoint(code) || (code >= 0xD800 && code <= 0xDFFF))
		return false;
	unicode_to_utf8(code, utf8);
	appendStringInfoString(string, (char *) utf8);
	return true;
}

/*
 * Read digits, as many as there may be; of a hexadecimal number there must be that
 * many.
 */
static bool
read_digits(const char **at, int base, int most, uint32 *code)
{
	int			n = 0;

	*code = 0;
	while (n < most)
	{
		char		c = **at;
		int			digit;

		digit = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
		if (digit >= base)
			break;
		*code = *code * base + digit;
		(*at)++;
		n++;
	}
	return base == 8 ? n > 0 : n == most;
}

static bool
read_symbol(const char *at, KzToken *token)
{
	for (int i = 0; i < lengthof(pairs); i++)
		if (strncmp(at, pairs[i].text, 2) == 0)
		{
			token->kind = pairs[i].kind;
			token->length = 2;
			return true;
		}
	token->kind = KZ_TOKEN_CHARACTER;
	token->character = *at;
	token->length = 1;
	return strchr("()[]{},<>!+-*/%&|^~", *at) != NULL;
}
