/*
 * http_milvus.c
 *	  Milvus' REST API by HTTP.
 *
 * Every error of an application has the status 200; the content type does not matter.
 */
#include "postgres.h"

#include "base/json.h"
#include "document/merge.h"
#include "protocol/http.h"
#include "protocol/milvus.h"
#include "protocol/milvus_request.h"

static Jsonb *read_body(const KzHttpRequest *request, char **problem);
static Jsonb *add_database(const KzHttpRequest *request, Jsonb *body);
static bool allows_int64(const KzHttpRequest *request);

/*
 * Whether the path is one of Milvus'.
 */
bool
kz_http_is_milvus(const KzHttpRequest *request)
{
	return strncmp(request->path, "/v1/vector/", 11) == 0 ||
		strncmp(request->path, "/v2/vectordb/", 13) == 0;
}

void
kz_http_milvus(const KzHttpRequest *request, KzHttpAnswer *answer)
{
	char	   *problem = NULL;
	Jsonb	   *body;
	Jsonb	   *result;

	if (strcmp(request->verb, "OPTIONS") == 0)
	{
		answer->status = 204;
		return;
	}
	if (!kz_milvus_has_route(request->verb, request->path))
	{
		answer->status = 404;
		kz_pairs_add_string(&answer->headers, "Content-Type", "text/plain");
		answer->body = "404 page not found";
		return;
	}
	body = read_body(request, &problem);
	if (problem)
		result = kz_milvus_refuse_json(problem);
	else
		result = kz_milvus_answer(request->path, body, allows_int64(request));
	kz_pairs_add_string(&answer->headers, "Content-Type", "application/json; charset=utf-8");
	answer->body = JsonbToCString(NULL, &result->root, VARSIZE(result));
}

/*
 * The request: the body, or what stands in the query of a GET.  NULL if there is
 * none.
 */
static Jsonb *
read_body(const KzHttpRequest *request, char **problem)
{
	Jsonb	   *body;

	if (request->expected)
	{
		*problem = psprintf("malformed query, expected: %s", request->expected);
		return NULL;
	}
	if (strcmp(request->verb, "GET") == 0)
		return kz_pairs_object(&request->query);
	if (!request->body || request->body[strspn(request->body, " \t\r\n")] == '\0')
		return NULL;
	body = kz_http_parse_json(request->body, problem);
	return body ? add_database(request, body) : NULL;
}

/*
 * The second version takes the database from a header if the body names none.
 */
static Jsonb *
add_database(const KzHttpRequest *request, Jsonb *body)
{
	const char *database = kz_http_header(request, "DB-Name");
	KzPairs		pairs = {0};
	JsonbValue	value;

	if (!database || strncmp(request->path, "/v2/", 4) != 0 || !JB_ROOT_IS_OBJECT(body))
		return body;
	if (kz_milvus_field(&body->root, "dbName", &value) &&
		(value.type != jbvString || value.val.string.len > 0))
		return body;
	kz_pairs_add_string(&pairs, "dbName", database);
	return kz_merge_root(body, kz_pairs_object(&pairs));
}

/*
 * Unless the client says otherwise, in a word that Go reads as false.
 */
static bool
allows_int64(const KzHttpRequest *request)
{
	static const char *const falses[] = {"0", "f", "F", "false", "FALSE", "False"};
	const char *header = kz_http_header(request, "Accept-Type-Allow-Int64");

	for (int i = 0; header && i < lengthof(falses); i++)
		if (strcmp(header, falses[i]) == 0)
			return false;
	return true;
}
