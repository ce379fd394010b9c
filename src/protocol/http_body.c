/*
 * http_body.c
 *	  The body of a request to Kuzzle's API by HTTP: JSON, or a form.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/formatting.h"

#include "base/encoding.h"
#include "base/json.h"
#include "protocol/http.h"

#define SHOWN_CHARACTERS 50		/* of a body that can't be read */

static char *shown_body(const KzHttpRequest *request);
static bool read_content_type(const KzHttpRequest *request, char **type, KzError *error);
static bool read_form(const KzHttpRequest *request, Jsonb **body, KzError *error);
static bool read_multipart(const KzHttpRequest *request, Jsonb **body, KzError *error);
static bool read_part(const char **at, const char *boundary, KzPairs *pairs);
static char *find_parameter(const char *header, const char *name);

/*
 * Read the body, as its type says; NULL if there is none.  False, and error is set,
 * if it can't be read.
 */
bool
kz_http_read_body(const KzHttpRequest *request, Jsonb **body, KzError *error)
{
	char	   *type;
	char	   *problem;

	if (!request->body || request->body[strspn(request->body, " \t\r\n")] == '\0')
		return true;
	if (!read_content_type(request, &type, error))
		return false;
	if (strcmp(type, "application/x-www-form-urlencoded") == 0)
		return read_form(request, body, error);
	if (strcmp(type, "multipart/form-data") == 0)
		return read_multipart(request, body, error);
	*body = kz_http_parse_json(request->body, &problem);
	if (*body)
		return true;

	/* JSON that is well-formed may be more than an encoding can hold. */
	kz_error_set(error, KZ_ERROR_BODY, problem, GetDatabaseEncoding() == PG_UTF8 ?
				 shown_body(request) : psprintf("%s (%s)", shown_body(request), problem));
	return false;
}

/*
 * The begin of a body that can't be read.
 */
static char *
shown_body(const KzHttpRequest *request)
{
	int			length = strlen(request->body);

	return pnstrdup(request->body,
					kz_encoding_clip(request->body, length,
									 pg_mbcharcliplen(request->body, length, SHOWN_CHARACTERS)));
}

/*
 * The type without its parameters, in lower case.  Bytes that have another encoding
 * or are compressed are not for us to read.
 */
static bool
read_content_type(const KzHttpRequest *request, char **type, KzError *error)
{
	const char *header = kz_http_header(request, "Content-Type");
	const char *encoding = kz_http_header(request, "Content-Encoding");
	char	   *charset = header ? find_parameter(header, "charset") : NULL;

	*type = "application/json";
	if (header && header[strspn(header, " \t")] != '\0')
	{
		header += strspn(header, " \t");
		*type = asc_tolower(header, strcspn(header, "; \t"));
	}
	if (strcmp(*type, "application/json") != 0 &&
		strcmp(*type, "application/x-www-form-urlencoded") != 0 &&
		strcmp(*type, "multipart/form-data") != 0)
	{
		kz_error_set(error, KZ_ERROR_CONTENT, NULL, header);
		return false;
	}
	if (charset && pg_strcasecmp(charset, "utf-8") != 0 && pg_strcasecmp(charset, "utf8") != 0)
	{
		kz_error_set(error, KZ_ERROR_CONTENT, "Send UTF-8.", header);
		return false;
	}
	if (encoding && encoding[0] != '\0' && pg_strcasecmp(encoding, "identity") != 0)
	{
		kz_error_set(error, KZ_ERROR_CONTENT, "Have the body decompressed in front of the database.",
					 encoding);
		return false;
	}
	return true;
}

/*
 * A parameter of a header, palloc'd, without quotes; NULL if there is none.
 */
static char *
find_parameter(const char *header, const char *name)
{
	int			length = strlen(name);

	while ((header = strchr(header, ';')) != NULL)
	{
		header++;
		header += strspn(header, " \t");
		if (pg_strncasecmp(header, name, length) != 0 || header[length] != '=')
			continue;
		header += length + 1;
		if (*header == '"')
			return pnstrdup(header + 1, strcspn(header + 1, "\""));
		return pnstrdup(header, strcspn(header, "; \t\r\n"));
	}
	return NULL;
}

static bool
read_form(const KzHttpRequest *request, Jsonb **body, KzError *error)
{
	KzPairs		pairs = {0};
	const char *expected;

	if (!kz_http_decode_form(request->body, &pairs, &expected))
	{
		kz_error_set(error, KZ_ERROR_BODY, NULL,
					 psprintf("%s (expected: %s)", shown_body(request), expected));
		return false;
	}
	*body = kz_pairs_object(&pairs);
	return true;
}

/*
 * The fields of a form; files are not for documents.
 */
static bool
read_multipart(const KzHttpRequest *request, Jsonb **body, KzError *error)
{
	char	   *boundary = find_parameter(kz_http_header(request, "Content-Type"), "boundary");
	const char *at = request->body;
	KzPairs		pairs = {0};

	if (boundary && boundary[0] != '\0')
	{
		boundary = psprintf("--%s", boundary);
		at = strstr(at, boundary);
		while (at && strncmp(at + strlen(boundary), "--", 2) != 0)
			if (!read_part(&at, boundary, &pairs))
				at = NULL;
		if (at)
		{
			kz_http_keep_last(&pairs);
			*body = kz_pairs_object(&pairs);
			return true;
		}
	}
	kz_error_set(error, KZ_ERROR_BODY, NULL,
				 shown_body(request));
	return false;
}

/*
 * Read the part behind the boundary at *at, and move to the next boundary.
 */
static bool
read_part(const char **at, const char *boundary, KzPairs *pairs)
{
	const char *start = *at + strlen(boundary);
	const char *content = strstr(start, "\r\n\r\n");
	const char *end = content ? strstr(content + 2, psprintf("\r\n%s", boundary)) : NULL;
	char	   *headers;
	char	   *disposition;
	char	   *name;

	if (!end)
		return false;
	headers = pnstrdup(start, content - start);
	disposition = strstr(asc_tolower(headers, strlen(headers)), "content-disposition:");
	if (!disposition)
		return false;
	name = find_parameter(headers, "name");
	if (!name || find_parameter(headers, "filename"))
		return false;
	content += 4;
	kz_pairs_add_string(pairs, name, pnstrdup(content, Max(end - content, 0)));
	*at = end + 2;
	return true;
}
