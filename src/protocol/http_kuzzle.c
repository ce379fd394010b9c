/*
 * http_kuzzle.c
 *	  Kuzzle's API by HTTP: from verb, path, query and body to an envelope.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/json.h"
#include "document/merge.h"
#include "protocol/http.h"
#include "protocol/kuzzle.h"
#include "protocol/routes.h"

#define MAX_PARTS 8

/* The parts of a path, decoded. */
typedef struct Path
{
	char	   *parts[MAX_PARTS];
	int			nparts;
} Path;

static bool is_verb(const char *verb);
static bool path_is(const KzHttpRequest *request, const char *path);
static bool answer_without_api(const KzHttpRequest *request, KzHttpAnswer *answer);
static const KzRoute *find_route(const KzHttpRequest *request, Path *path, KzError *error);
static bool split_path(const char *path, Path *parts, const char **expected);
static const char *route_part(const KzRoute *route, int n, int *length);
static bool part_is(const KzRoute *route, int n, const char *string);
static bool make_envelope(const KzHttpRequest *request, const KzRoute *route, const Path *path,
						  Jsonb *body, Jsonb **envelope, KzError *error);
static void add_arguments(const KzHttpRequest *request, const KzRoute *route, KzPairs *pairs);
static void add_argument(const KzRoute *route, KzPairs *pairs, char *name,
						 const JsonbValue *value);
static void add_path(const KzRoute *route, const Path *path, KzPairs *pairs);
static bool add_headers(const KzHttpRequest *request, KzPairs *pairs, KzError *error);
static void put_string(KzPairs *pairs, const char *key, const char *string);
static void respond(const KzHttpRequest *request, KzHttpAnswer *answer, Jsonb *envelope);
static void respond_error(const KzHttpRequest *request, KzHttpAnswer *answer,
						  const KzError *error);
static const char *answer_text(const KzHttpRequest *request, Jsonb *answer);

void
kz_http_kuzzle(const KzHttpRequest *request, KzHttpAnswer *answer)
{
	Jsonb	   *body = NULL;
	Jsonb	   *envelope;
	const KzRoute *route;
	Path		path;
	KzError		error;

	kz_pairs_add_string(&answer->headers, "Content-Type", "application/json");
	if (answer_without_api(request, answer))
		return;
	if (!kz_http_read_body(request, &body, &error))
	{
		respond_error(request, answer, &error);
		return;
	}
	if (strcmp(request->verb, "POST") == 0 && path_is(request, "/_query"))
	{
		respond(request, answer,
				kz_kuzzle_answer(body ? body : kz_json_object(NULL, 0), request->kuid));
		return;
	}
	route = find_route(request, &path, &error);
	if (!route || !make_envelope(request, route, &path, body, &envelope, &error))
	{
		KzPairs		pairs = {0};
		KzError		ignored;

		add_headers(request, &pairs, &ignored);
		respond(request, answer, kz_kuzzle_dismiss(kz_pairs_object(&pairs), &error));
		return;
	}
	respond(request, answer, kz_kuzzle_answer(envelope, request->kuid));
}

static bool
is_verb(const char *verb)
{
	static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};

	for (int i = 0; i < lengthof(verbs); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

/*
 * Whether the path is this one, with or without a slash at its end.
 */
static bool
path_is(const KzHttpRequest *request, const char *path)
{
	int			length = strlen(path);

	return strncmp(request->path, path, length) == 0 &&
		strcmp(request->path + length, request->path[length] == '/' ? "/" : "") == 0;
}

/*
 * What is answered whatever the API: is anybody there, and what may a browser do?
 */
static bool
answer_without_api(const KzHttpRequest *request, KzHttpAnswer *answer)
{
	if (strcmp(request->verb, "OPTIONS") == 0)
	{
		respond(request, answer, kz_kuzzle_dismiss(kz_json_object(NULL, 0), NULL));
		return true;
	}
	if ((strcmp(request->verb, "HEAD") == 0 && strcmp(request->path, "/") == 0) ||
		(strcmp(request->verb, "GET") == 0 &&
		 (path_is(request, "/_healthcheck") || path_is(request, "/_ready"))))
		return true;
	return false;
}

/*
 * The route of a request; NULL, with error, if there is none.  As in Kuzzle, a
 * literal part wins over a parameter, and there is no way back from it.
 */
static const KzRoute *
find_route(const KzHttpRequest *request, Path *path, KzError *error)
{
	bool	   *candidates = palloc(kz_nroutes * sizeof(bool));
	const char *expected = request->expected;
	bool		split = split_path(request->path, path, &expected);
	int			length;

	if (!is_verb(request->verb))
		kz_error_set(error, KZ_ERROR_VERB, NULL, request->verb);
	else if (expected)
		kz_error_set(error, KZ_ERROR_INVALID_ARGUMENT, NULL, "url", expected);
	else
		kz_error_set(error, KZ_ERROR_URL, NULL, request->path);
	if (!split || expected)
		return NULL;
	for (int i = 0; i < kz_nroutes; i++)
		candidates[i] = strcmp(kz_routes[i].verb, request->verb) == 0;
	for (int n = 0; n < path->nparts; n++)
	{
		bool		literal = false;

		for (int i = 0; i < kz_nroutes; i++)
			literal |= candidates[i] && part_is(&kz_routes[i], n, path->parts[n]);
		for (int i = 0; i < kz_nroutes && literal; i++)
			candidates[i] &= part_is(&kz_routes[i], n, path->parts[n]);
		for (int i = 0; i < kz_nroutes && !literal; i++)
		{
			const char *part = route_part(&kz_routes[i], n, &length);

			candidates[i] &= part && part[0] == ':';
		}
	}
	for (int i = 0; i < kz_nroutes; i++)
		if (candidates[i] && !route_part(&kz_routes[i], path->nparts, &length))
			return &kz_routes[i];
	return NULL;
}

/*
 * The parts of a path between slashes; one at the end does not matter.  False if it
 * is none, with *expected set if it can't be decoded.
 */
static bool
split_path(const char *path, Path *parts, const char **expected)
{
	parts->nparts = 0;
	while (*path == '/' && path[1] != '\0')
	{
		int			length = strcspn(++path, "/");

		if (length == 0 || parts->nparts == MAX_PARTS)
			return false;
		parts->parts[parts->nparts] = kz_http_decode(path, length, false, expected);
		if (!parts->parts[parts->nparts++])
			return false;
		path += length;
	}
	return strcmp(path, "/") == 0 || *path == '\0';
}

/*
 * A part of the path of a route; NULL if it has no more.
 */
static const char *
route_part(const KzRoute *route, int n, int *length)
{
	const char *part = route->path + 1;

	if (*part == '\0')
		return NULL;
	while (n-- > 0)
	{
		part = strchr(part, '/');
		if (!part)
			return NULL;
		part++;
	}
	*length = strcspn(part, "/");
	return part;
}

/*
 * Whether a part of the path of a route is literally this one.
 */
static bool
part_is(const KzRoute *route, int n, const char *string)
{
	int			length;
	const char *part = route_part(route, n, &length);

	return part && strlen(string) == length && memcmp(part, string, length) == 0;
}

/*
 * The envelope that a request stands for.
 */
static bool
make_envelope(const KzHttpRequest *request, const KzRoute *route, const Path *path, Jsonb *body,
			  Jsonb **envelope, KzError *error)
{
	KzPairs		pairs = {0};

	add_arguments(request, route, &pairs);
	add_path(route, path, &pairs);
	put_string(&pairs, "controller", route->controller);
	put_string(&pairs, "action", route->action);
	if (!add_headers(request, &pairs, error))
		return false;
	if (body)
		kz_pairs_add_document(&pairs, "body", body);
	*envelope = kz_pairs_object(&pairs);
	return true;
}

/*
 * The query, but for what the envelope has from elsewhere.
 */
static void
add_arguments(const KzHttpRequest *request, const KzRoute *route, KzPairs *pairs)
{
	static const char *const others[] = {
		"controller", "action", "body", "volatile", "jwt", "pretty"
	};

	for (int i = 0; i < request->query.n; i++)
	{
		const JsonbPair *pair = &request->query.pairs[i];
		bool		skip = false;

		for (int j = 0; j < lengthof(others); j++)
			skip |= kz_json_equals(&pair->key, others[j]);
		if (!skip)
			add_argument(route, pairs, kz_json_string(&pair->key), &pair->value);
	}
}

/*
 * Flags are true by being there, whatever they say, but for one that Kuzzle does not
 * read as a flag; lists may be JSON.
 */
static void
add_argument(const KzRoute *route, KzPairs *pairs, char *name, const JsonbValue *value)
{
	static const char *const flags[] = {
		"countCollection", "includeKuzzleMeta", "notify", "silent", "source", "strict"
	};
	static const char *const lists[] = {"ids", "services", "targets"};
	JsonbValue	converted = *value;
	char	   *problem;

	for (int i = 0; i < lengthof(flags); i++)
		if (strcmp(name, flags[i]) == 0 &&
			!(strcmp(name, "source") == 0 && strcmp(route->action, "mCreateOrReplace") == 0))
			kz_json_set_bool(&converted, true);
	for (int i = 0; i < lengthof(lists); i++)
		if (strcmp(name, lists[i]) == 0 && value->val.string.len > 0 && value->val.string.val[0] == '[')
		{
			Jsonb	   *list = kz_http_parse_json(kz_json_string(value), &problem);

			if (list)
				kz_json_set_document(&converted, list);
		}
	kz_pairs_add(pairs, name, &converted);
}

static void
add_path(const KzRoute *route, const Path *path, KzPairs *pairs)
{
	int			length;

	for (int n = 0; n < path->nparts; n++)
	{
		const char *part = route_part(route, n, &length);

		if (part[0] == ':')
			put_string(pairs, pnstrdup(part + 1, length - 1), path->parts[n]);
	}
}

/*
 * What the envelope has from the headers.
 */
static bool
add_headers(const KzHttpRequest *request, KzPairs *pairs, KzError *error)
{
	const char *authorization = kz_http_header(request, "Authorization");
	const char *request_id = kz_http_header(request, "X-Kuzzle-Request-Id");
	const char *volatil = kz_http_header(request, "X-Kuzzle-Volatile");
	char	   *problem;

	if (authorization && pg_strncasecmp(authorization, "Bearer ", 7) == 0)
		put_string(pairs, "jwt", authorization + 7);
	if (request_id && request_id[0] != '\0')
		put_string(pairs, "requestId", request_id);
	if (volatil && volatil[0] != '\0')
	{
		Jsonb	   *parsed = kz_http_parse_json(volatil, &problem);

		if (!parsed)
		{
			kz_error_set(error, KZ_ERROR_VOLATILE, NULL, problem);
			return false;
		}
		kz_pairs_add_document(pairs, "volatile", parsed);
	}
	return true;
}

/*
 * Put a string, in the place of what has the same key.
 */
static void
put_string(KzPairs *pairs, const char *key, const char *string)
{
	for (int i = 0; i < pairs->n; i++)
		if (kz_json_equals(&pairs->pairs[i].key, key))
		{
			kz_json_set_string(&pairs->pairs[i].value, string);
			return;
		}
	kz_pairs_add_string(pairs, key, string);
}

/*
 * Answer with an envelope, whose status is that of HTTP.
 */
static void
respond(const KzHttpRequest *request, KzHttpAnswer *answer, Jsonb *envelope)
{
	JsonbValue	value;
	int64		status = 200;

	if (kz_json_field(&envelope->root, "status", &value))
		kz_json_get_int64(&value, &status);
	answer->status = status;
	if (kz_json_field(&envelope->root, "requestId", &value) && value.type == jbvString)
		kz_http_add_header(answer, "X-Kuzzle-Request-Id", kz_json_string(&value));
	if (kz_json_field(&envelope->root, "node", &value) && value.type == jbvString)
		kz_pairs_add_string(&answer->headers, "X-Kuzzle-Node", kz_json_string(&value));
	answer->body = answer_text(request, envelope);
}

/*
 * Answer with an error alone, where the request has not even come to be routed.  It is
 * there once more as "error", without which SDKs take an answer for a success.
 */
static void
respond_error(const KzHttpRequest *request, KzHttpAnswer *answer, const KzError *error)
{
	Jsonb	   *alone = kz_kuzzle_error(error);
	KzPairs		pairs = {0};

	kz_pairs_add_document(&pairs, "error", alone);
	answer->status = kz_error_status(error);
	answer->body = answer_text(request, kz_merge_root(alone, kz_pairs_object(&pairs)));
}

static const char *
answer_text(const KzHttpRequest *request, Jsonb *answer)
{
	return kz_http_query(request, "pretty") ?
		JsonbToCStringIndent(NULL, &answer->root, VARSIZE(answer)) :
		JsonbToCString(NULL, &answer->root, VARSIZE(answer));
}
