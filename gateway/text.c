/*
 * text.c
 *	  Text as clients send it: UTF-8, JSON, random ids.
 *
 * Whether JSON is well-formed is PostgreSQL's to say.  What is here finds members of
 * an object without building anything, whatever the depth and size of the rest.  Of
 * well-formed JSON it sees the same as PostgreSQL; of other it sees something or
 * nothing, and PostgreSQL refuses it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "text.h"

static size_t utf8_sequence(const unsigned char *text, size_t length);
static uint32_t utf8_code(const unsigned char *text, size_t n);
static bool is_plain(uint32_t code);
static const char *skip_space(const char *at, const char *end);
static const char *skip_value(const char *at, const char *end);
static const char *skip_string(const char *at, const char *end);
static bool read_hex(const char *at, const char *end, uint32_t *code);
static void append_utf8(Buffer *buffer, uint32_t code);

/*
 * Whether bytes are text that PostgreSQL can hold: UTF-8 without zeroes.
 */
bool
utf8_is_valid(const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *) text;
	const unsigned char *end = at + length;

	while (at < end)
	{
		uint64_t	eight;
		size_t		n;

		/* Eight bytes of ASCII, none of them zero, at a time. */
		if (end - at >= 8)
		{
			memcpy(&eight, at, 8);
			if (((eight | (eight - 0x0101010101010101)) & 0x8080808080808080) == 0)
			{
				at += 8;
				continue;
			}
		}
		n = utf8_sequence(at, end - at);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

/*
 * The length of the character at the begin; 0 if it is none.
 */
static size_t
utf8_sequence(const unsigned char *text, size_t length)
{
	unsigned char first = text[0];
	size_t		n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

	if (n > length || first == 0)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
		(first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
		return 0;
	return n;
}

/*
 * A random UUID; id has room for RANDOM_ID_LENGTH characters and a zero.
 */
void
make_random_id(char *id)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(id, RANDOM_ID_LENGTH + 1,
			 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
			 b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/*
 * Begin to read the members of an object; false if the text is none.
 */
bool
json_open(Slice *rest, const char *text, size_t length)
{
	const char *end = text + length;
	const char *at = skip_space(text, end);

	if (at == end || *at != '{')
		return false;
	rest->text = at + 1;
	rest->length = end - at - 1;
	return true;
}

/*
 * The next member: key and value as they stand there; false if there is none.
 */
bool
json_next(Slice *rest, Slice *key, Slice *value)
{
	const char *end = rest->text + rest->length;
	const char *at = skip_space(rest->text, end);

	if (at < end && *at == ',')
		at = skip_space(at + 1, end);
	if (at == end || *at != '"')
		return false;
	key->text = at;
	at = skip_string(at, end);
	key->length = at - key->text;
	at = skip_space(at, end);
	if (at == end || *at != ':')
		return false;
	value->text = at = skip_space(at + 1, end);
	at = skip_value(at, end);
	value->length = at - value->text;
	rest->text = at;
	rest->length = end - at;
	return true;
}

/*
 * The member of an object that has a key, the last as in jsonb.
 */
Slice
json_member(Slice object, const char *key)
{
	Slice		found = {0};
	Slice		rest;
	Slice		name;
	Slice		value;

	if (object.text && json_open(&rest, object.text, object.length))
		while (json_next(&rest, &name, &value))
			if (json_is_string(name, key))
				found = value;
	return found;
}

static const char *
skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

static const char *
skip_value(const char *at, const char *end)
{
	size_t		depth = 0;

	for (; at < end; at++)
	{
		if (*at == '"')
			at = skip_string(at, end) - 1;
		else if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
		{
			if (depth == 0)
				return at;
			depth--;
		}
		else if (depth == 0 && (*at == ',' || *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
			return at;
	}
	return end;
}

/*
 * Behind the string that begins here; not before the end if it has none.
 */
static const char *
skip_string(const char *at, const char *end)
{
	for (at++; at < end; at++)
	{
		if (*at == '\\')
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return end;
}

/*
 * The string that a value is, the caller's; NULL if it is none, or has a zero in it.
 */
char *
json_decode_string(Slice value)
{
	Buffer		decoded = {0};

	if (json_decode(&decoded, value))
		return buffer_take_string(&decoded);
	buffer_free(&decoded);
	return NULL;
}

/*
 * Append the string that a value is, with a zero behind it; false if it is none, or
 * has a zero in it.
 */
bool
json_decode(Buffer *decoded, Slice value)
{
	const char *at = value.text;
	const char *end;

	if (!at || value.length < 2 || *at != '"' || at[value.length - 1] != '"')
		return false;
	end = at + value.length - 1;
	buffer_reserve(decoded, value.length);
	for (at++; at < end; at++)
	{
		static const char plain[] = "\"\\/bfnrt";
		static const char meant[] = "\"\\/\b\f\n\r\t";
		const char *escape = memchr(at, '\\', end - at);
		uint32_t	code;
		uint32_t	low;

		buffer_append(decoded, at, (escape ? escape : end) - at);
		if (!escape)
			break;
		at = escape + 1;
		if (at < end && *at == 'u' && read_hex(at, end, &code) && code != 0)
		{
			at += 4;
			if (code >= 0xd800 && code < 0xdc00 && at + 2 < end && at[1] == '\\' &&
				read_hex(at + 2, end, &low) && low >= 0xdc00 && low < 0xe000)
			{
				code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
				at += 6;
			}
			append_utf8(decoded, code);
		}
		else if (at < end && *at != 'u' && *at != '\0' && strchr(plain, *at))
			buffer_append(decoded, &meant[strchr(plain, *at) - plain], 1);
		else
			return false;
	}
	buffer_append(decoded, "", 1);
	return true;
}

/*
 * The four digits after a "u".
 */
static bool
read_hex(const char *at, const char *end, uint32_t *code)
{
	char		digits[5] = {0};

	if (end - at < 5 || *at != 'u')
		return false;
	memcpy(digits, at + 1, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return false;
	*code = strtoul(digits, NULL, 16);
	return true;
}

static void
append_utf8(Buffer *buffer, uint32_t code)
{
	char		bytes[4];
	size_t		n = 0;

	if (code < 0x80)
		bytes[n++] = code;
	else if (code < 0x800)
		bytes[n++] = 0xc0 | code >> 6;
	else if (code < 0x10000)
	{
		bytes[n++] = 0xe0 | code >> 12;
		bytes[n++] = 0x80 | (code >> 6 & 0x3f);
	}
	else
	{
		bytes[n++] = 0xf0 | code >> 18;
		bytes[n++] = 0x80 | (code >> 12 & 0x3f);
		bytes[n++] = 0x80 | (code >> 6 & 0x3f);
	}
	if (code >= 0x80)
		bytes[n++] = 0x80 | (code & 0x3f);
	buffer_append(buffer, bytes, n);
}

/*
 * Whether a value is this string.
 */
bool
json_is_string(Slice value, const char *string)
{
	size_t		length = strlen(string);
	char	   *decoded;
	bool		is;

	if (!value.text || value.length < length + 2 || *value.text != '"')
		return false;
	if (!memchr(value.text, '\\', value.length))
		return value.length == length + 2 && memcmp(value.text + 1, string, length) == 0;
	decoded = json_decode_string(value);
	is = decoded && strcmp(decoded, string) == 0;
	free(decoded);
	return is;
}

/*
 * Whether a value is an array that has this string.
 */
bool
json_array_has(Slice array, const char *string)
{
	const char *at = array.text;
	const char *end;

	if (!at || array.length == 0 || *at != '[')
		return false;
	end = at + array.length;
	while (at < end && *at != ']')
	{
		Slice		element;

		element.text = skip_space(at + 1, end);
		at = skip_value(element.text, end);
		element.length = at - element.text;
		if (json_is_string(element, string))
			return true;
		at = skip_space(at, end);
	}
	return false;
}

/*
 * Write a string as JSON.
 */
void
json_append_string(Buffer *buffer, const char *string)
{
	buffer_append(buffer, "\"", 1);
	while (*string)
	{
		const char *plain = string;

		while ((unsigned char) *string >= ' ' && *string != '"' && *string != '\\')
			string++;
		buffer_append(buffer, plain, string - plain);
		if (*string == '"' || *string == '\\')
			buffer_printf(buffer, "\\%c", *string++);
		else if (*string)
			buffer_printf(buffer, "\\u%04x", *string++);
	}
	buffer_append(buffer, "\"", 1);
}

/*
 * Write a string as JSON that stays one line and goes one way for whoever shows it: a
 * terminal, an editor, a program that knows more ends of lines than one.  What is no
 * UTF-8 is replaced.
 */
void
json_append_line(Buffer *buffer, const char *string)
{
	const unsigned char *text = (const unsigned char *) string;
	const unsigned char *end = text + strlen(string);

	buffer_append(buffer, "\"", 1);
	while (text < end)
	{
		const unsigned char *plain = text;
		size_t		n;

		while (*text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\')
			text++;
		buffer_append(buffer, plain, text - plain);
		if (text == end)
			break;
		n = utf8_sequence(text, end - text);
		if (*text == '"' || *text == '\\')
			buffer_printf(buffer, "\\%c", *text);
		else if (n == 0)
			buffer_append_string(buffer, "\\ufffd");
		else if (is_plain(utf8_code(text, n)))
			buffer_append(buffer, text, n);
		else
			buffer_printf(buffer, "\\u%04x", utf8_code(text, n));
		text += n > 0 ? n : 1;
	}
	buffer_append(buffer, "\"", 1);
}

/*
 * The code of a character that is valid.
 */
static uint32_t
utf8_code(const unsigned char *text, size_t n)
{
	uint32_t	code = n == 1 ? text[0] : text[0] & (0x7f >> n);

	for (size_t i = 1; i < n; i++)
		code = code << 6 | (text[i] & 0x3f);
	return code;
}

/*
 * Whether a character neither ends a line, nor controls a terminal, nor turns the
 * direction of what is around it: all that do are below 0x10000.
 */
static bool
is_plain(uint32_t code)
{
	static const struct
	{
		uint32_t	first;
		uint32_t	last;
	}			others[] = {
		{0x00, 0x1f}, {0x7f, 0x9f}, {0x061c, 0x061c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (code >= others[i].first && code <= others[i].last)
			return false;
	return true;
}
