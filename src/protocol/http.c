/*
 * http.c
 *	  A request of HTTP to Kuzzle's or Milvus' API, by its path.
 *
 * Whatever web server stands in front moves bytes and knows who the caller is; all
 * rules are here.  What a client sends can't raise an error; errors of PostgreSQL's
 * that belong to no document are raised, as from the functions that do the same.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "protocol/argument.h"
#include "protocol/cors.h"
#include "protocol/http.h"

static void add_cors(const KzHttpRequest *request, KzHttpAnswer *answer);

PG_FUNCTION_INFO_V1(kz_http);

Datum
kz_http(PG_FUNCTION_ARGS)
{
	KzHttpRequest request = {0};
	KzHttpAnswer answer = {.status = 200};
	TupleDesc	tupdesc;
	Datum		values[3];
	bool		nulls[3] = {false};

	kz_argument_require(fcinfo, 0, "method");
	kz_argument_require(fcinfo, 1, "target");
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "kz_http() must return a record");
	request.verb = text_to_cstring(PG_GETARG_TEXT_PP(0));
	kz_http_read_target(&request, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	request.headers = kz_argument_optional_object(fcinfo, 2, "headers");
	if (!request.headers)
		request.headers = kz_json_object(NULL, 0);
	request.body = kz_argument_optional_string(fcinfo, 3);
	request.kuid = kz_argument_optional_string(fcinfo, 4);

	add_cors(&request, &answer);
	if (kz_http_is_milvus(&request))
		kz_http_milvus(&request, &answer);
	else
		kz_http_kuzzle(&request, &answer);

	values[0] = Int32GetDatum(answer.status);
	values[1] = JsonbPGetDatum(kz_pairs_object(&answer.headers));
	nulls[2] = answer.body == NULL;
	if (answer.body)
		values[2] = CStringGetTextDatum(answer.body);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/*
 * Say what pages of other sites may do, in the headers of each answer, whatever it is.
 * Any site may read it whose Origin we are given: which ones may call is known to the
 * web server in front.
 */
static void
add_cors(const KzHttpRequest *request, KzHttpAnswer *answer)
{
	bool		milvus = kz_http_is_milvus(request);
	const char *origin = kz_http_header(request, "Origin");

	kz_pairs_add_string(&answer->headers, "Access-Control-Allow-Headers",
						milvus ? KZ_CORS_MILVUS_HEADERS : KZ_CORS_KUZZLE_HEADERS);
	kz_pairs_add_string(&answer->headers, "Access-Control-Allow-Methods",
						milvus ? KZ_CORS_MILVUS_METHODS : KZ_CORS_KUZZLE_METHODS);
	kz_pairs_add_string(&answer->headers, "Vary", "Origin");
	if (origin && origin[0] != '\0' && kz_http_add_header(answer, "Access-Control-Allow-Origin", origin))
		kz_pairs_add_string(&answer->headers, "Access-Control-Allow-Credentials", "true");
	else if (milvus)
		kz_pairs_add_string(&answer->headers, "Access-Control-Allow-Origin", "*");
}

/*
 * Add a header of which the client has made the value; false if that can't stand in a
 * header, such as the begin of another, and is left out.
 */
bool
kz_http_add_header(KzHttpAnswer *answer, const char *name, const char *value)
{
	for (const char *c = value; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	kz_pairs_add_string(&answer->headers, name, value);
	return true;
}
