/*
 * milvus.c
 *	  Milvus' REST API: a path and a request in, an answer out.
 *
 * {"code", "data"} or {"code", "message"}; 200 in the first version and 0 in the
 * second stand for success.  A request that fails is an answer, and nothing of it
 * stays written.  Errors of PostgreSQL's, beyond what belongs to an entity, are
 * raised.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "protocol/argument.h"
#include "protocol/milvus.h"
#include "protocol/milvus_request.h"

#define PREFIX_V1 "/v1/vector/"
#define PREFIX_V2 "/v2/vectordb/"

static const KzMilvusEndpoint *find_endpoint(const char *path);
static const KzMilvusEndpoint *find_among(const KzMilvusEndpoint *endpoints, int nendpoints,
										  int version, const char *path);
static bool run(KzMilvusRequest *request, const KzMilvusEndpoint *endpoint, Jsonb *body);
static bool run_endpoint(void *argument);
static Jsonb *make_answer(const KzMilvusRequest *request, bool ok);
static Jsonb *make_failure(int code, const char *message);

PG_FUNCTION_INFO_V1(kz_milvus);

Datum
kz_milvus(PG_FUNCTION_ARGS)
{
	kz_argument_require(fcinfo, 0, "path");
	PG_RETURN_JSONB_P(kz_milvus_answer(text_to_cstring(PG_GETARG_TEXT_PP(0)),
									   PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1),
									   kz_argument_flag(fcinfo, 2, true)));
}

/*
 * Whether there is an endpoint with this verb and path.
 */
bool
kz_milvus_has_route(const char *verb, const char *path)
{
	const KzMilvusEndpoint *endpoint = find_endpoint(path);

	return endpoint && strcmp(endpoint->verb, verb) == 0;
}

/*
 * The answer to a request, NULL for an empty one, in the current memory context.
 * An unknown path is answered with code 404.
 */
Jsonb *
kz_milvus_answer(const char *path, Jsonb *body, bool allow_int64)
{
	const KzMilvusEndpoint *endpoint = find_endpoint(path);
	KzMilvusRequest request;
	bool		ok;
	Jsonb	   *answer;

	if (!endpoint)
		return make_failure(404, "404 page not found");
	memset(&request, 0, sizeof(request));
	kz_call_enter(&request.call);
	kz_call_renew(&request.call);
	kz_stamp_init(&request.call.stamp, NULL);
	kz_json_set_null(&request.data);
	request.version = endpoint->version;
	request.allow_int64 = allow_int64;
	ok = run(&request, endpoint, body);
	MemoryContextSwitchTo(request.call.caller);
	answer = make_answer(&request, ok);
	kz_call_end(&request.call);
	return answer;
}

/*
 * The answer to a body that is no JSON.
 */
Jsonb *
kz_milvus_refuse_json(const char *reason)
{
	return make_failure(KZ_MILVUS_NOT_JSON,
						psprintf("can only accept json format request, error: %s", reason));
}

static const KzMilvusEndpoint *
find_endpoint(const char *path)
{
	int			version = 0;
	const KzMilvusEndpoint *endpoint;

	if (strncmp(path, PREFIX_V1, strlen(PREFIX_V1)) == 0)
	{
		version = 1;
		path += strlen(PREFIX_V1);
	}
	else if (strncmp(path, PREFIX_V2, strlen(PREFIX_V2)) == 0)
	{
		version = 2;
		path += strlen(PREFIX_V2);
	}
	endpoint = find_among(kz_milvus_entity_endpoints, kz_milvus_nentity_endpoints, version, path);
	return endpoint ? endpoint :
		find_among(kz_milvus_collection_endpoints, kz_milvus_ncollection_endpoints, version, path);
}

static const KzMilvusEndpoint *
find_among(const KzMilvusEndpoint *endpoints, int nendpoints, int version, const char *path)
{
	for (int i = 0; i < nendpoints; i++)
		if (endpoints[i].version == version && strcmp(endpoints[i].path, path) == 0)
			return &endpoints[i];
	return NULL;
}

/* What run_endpoint is given. */
typedef struct Run
{
	KzMilvusRequest *request;
	const KzMilvusEndpoint *endpoint;
} Run;

/*
 * Check what all requests have in common, and run the endpoint; one that can raise
 * an error of ours in a subtransaction, of which nothing stays if it fails.
 */
static bool
run(KzMilvusRequest *request, const KzMilvusEndpoint *endpoint, Jsonb *body)
{
	Run			arguments = {request, endpoint};
	KzError		error = {KZ_ERROR_NONE};

	if (!body)
	{
		if (strcmp(endpoint->verb, "GET") != 0)
			return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
								  "can only accept json format request, the request body should be nil, however {} is valid");
		body = kz_json_object(NULL, 0);
	}
	if (!JB_ROOT_IS_OBJECT(body))
		return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
							  "can only accept json format request, error: the request must be an object");
	request->body = &body->root;
	if (!kz_milvus_check_types(request, endpoint) || !kz_milvus_check_required(request, endpoint))
		return false;
	if (!endpoint->raises)
		return endpoint->run(request);
	if (kz_call_guard(&request->call, run_endpoint, &arguments, &error))
		return true;
	return error.code == KZ_ERROR_NONE ? false : kz_milvus_fail_error(request, &error);
}

static bool
run_endpoint(void *argument)
{
	const Run  *arguments = argument;

	return arguments->endpoint->run(arguments->request);
}

static Jsonb *
make_answer(const KzMilvusRequest *request, bool ok)
{
	KzPairs		pairs = {0};

	if (!ok)
		return make_failure(request->code, request->message);
	kz_pairs_add_int64(&pairs, "code", request->version == 1 ? 200 : 0);
	if (request->data.type == jbvNull)
		kz_pairs_add_document(&pairs, "data", kz_json_object(NULL, 0));
	else
		kz_pairs_add(&pairs, "data", &request->data);
	for (int i = 0; i < request->extra.n; i++)
	{
		JsonbPair  *pair = &request->extra.pairs[i];

		kz_pairs_add(&pairs, pair->key.val.string.val, &pair->value);
	}
	return kz_pairs_object(&pairs);
}

static Jsonb *
make_failure(int code, const char *message)
{
	KzPairs		pairs = {0};

	kz_pairs_add_int64(&pairs, "code", code);
	kz_pairs_add_string(&pairs, "message", message);
	return kz_pairs_object(&pairs);
}
