/*
 * header.c
 *	  The headers of a request.
 *
 * A header that may be there in several lines is a list, and its lines count together,
 * as RFC 9110 has it.  One that is a single thing may be there once: of two, others
 * may take the one that we don't.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "text.h"

static bool is_single(const char *name);
static bool append_values(Buffer *list, const Headers *headers, const char *name);

/*
 * Take lines apart, in place; the headers point into them.  Answers 0, or the status
 * of a refusal and what the problem is.
 */
int
headers_read(Headers *headers, char *lines, const char **problem)
{
	for (char *line = lines, *next; *line; line = next)
	{
		char	   *end = strstr(line, "\r\n");
		char	   *value = strchr(line, ':');

		if (headers->n == MAX_HEADERS)
		{
			*problem = "there are too many headers";
			return 431;
		}
		*problem = "a header is malformed";
		next = end + 2;
		*end = '\0';
		if (!value || value > end)
			return 400;
		*value++ = '\0';
		value += strspn(value, " \t");
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (!http_is_token(line, strlen(line)) || !http_is_line(value, strlen(value)))
			return 400;
		for (char *c = line; *c; c++)
			*c = tolower((unsigned char) *c);
		*problem = "a header is there twice";
		if (is_single(line) && headers_find(headers, line))
			return 400;
		headers->names[headers->n] = line;
		headers->values[headers->n++] = value;
	}
	*problem = NULL;
	return 0;
}

/*
 * Whether a header that we read, or the database does, is no list.
 */
static bool
is_single(const char *name)
{
	static const char *const names[] = {
		"accept-type-allow-int64", "authorization", "content-length", "content-type", "db-name", "expect",
		"host", "origin", "sec-websocket-key", "sec-websocket-version", "transfer-encoding",
		"x-kuzzle-request-id", "x-kuzzle-volatile"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/*
 * The first line of a header; NULL if there is none.
 */
const char *
headers_find(const Headers *headers, const char *name)
{
	for (int i = 0; i < headers->n; i++)
		if (strcmp(headers->names[i], name) == 0)
			return headers->values[i];
	return NULL;
}

/*
 * Append all lines of a header as one list, in UTF-8; false if there are none.
 */
static bool
append_values(Buffer *list, const Headers *headers, const char *name)
{
	bool		found = false;

	for (int i = 0; i < headers->n; i++)
	{
		if (strcmp(headers->names[i], name) != 0)
			continue;
		if (found)
			buffer_append(list, ", ", 2);
		append_as_utf8(list, headers->values[i]);
		found = true;
	}
	return found;
}

/*
 * All lines of a header in one, in UTF-8, which are the caller's; NULL if there are
 * none.
 */
char *
headers_copy(const Headers *headers, const char *name)
{
	Buffer		list = {0};

	return append_values(&list, headers, name) ? buffer_take_string(&list) : NULL;
}

/*
 * The first word of a list, which is the caller's; NULL if it has none that is a token.
 */
char *
headers_first_word(const Headers *headers, const char *name)
{
	const char *list = headers_find(headers, name);
	size_t		length = list ? strcspn(list, ", \t") : 0;

	return http_is_token(list, length) ? copy_bytes(list, length) : NULL;
}

/*
 * Whether a word, in any case, is in a list.
 */
bool
headers_have(const Headers *headers, const char *name, const char *word)
{
	size_t		length = strlen(word);

	for (int i = 0; i < headers->n; i++)
	{
		const char *list = strcmp(headers->names[i], name) == 0 ? headers->values[i] : "";

		while (*list)
		{
			list += strspn(list, ", \t");
			if (strncasecmp(list, word, length) == 0 && (list[length] == '\0' || strchr(", \t", list[length])))
				return true;
			list += strcspn(list, ",");
		}
	}
	return false;
}

/*
 * Write all as a JSON object, but for credentials: what PostgreSQL gets, it may log.
 */
void
headers_write(const Headers *headers, Buffer *out)
{
	Buffer		value = {0};

	buffer_append(out, "{", 1);
	for (int i = 0; i < headers->n; i++)
	{
		const char *name = headers->names[i];

		if (strcmp(name, "authorization") == 0 || strcmp(name, "cookie") == 0 ||
			headers_find(headers, name) != headers->values[i])
			continue;
		if (buffer_length(out) > 1)
			buffer_append(out, ",", 1);
		json_append_string(out, name);
		buffer_append(out, ":", 1);
		value.end = 0;
		append_values(&value, headers, name);
		buffer_append(&value, "", 1);
		json_append_string(out, value.bytes);
	}
	buffer_append(out, "}", 1);
	buffer_free(&value);
}

/*
 * Whether this may be the name of a header.
 */
bool
http_is_token(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char) text[i]) && (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	return length > 0;
}

/*
 * Whether this is a part of one line for others too, who may end lines where we don't,
 * and has nothing else in it that controls something.
 */
bool
http_is_line(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char) text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}
