/*
 * target_protocol.c
 *	  Whole requests, in an index "fuzz" with a few documents.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "engine/writer.h"
#include "base/json.h"
#include "fuzz.h"
#include "protocol/http.h"
#include "protocol/kuzzle.h"

static void check_answer(Jsonb *answer);
static void check_target(const char *string);
static void check_round_trip(const char *string);
static char *encode(const char *string);
static void run_http(const char *verb, const char *target, Jsonb *headers, const char *body);

/*
 * An envelope of Kuzzle's protocol.
 */
void
fuzz_request(FuzzInput *input)
{
	char	   *json = fuzz_take_text(input);
	Jsonb	   *envelope = json ? fuzz_try_parse(json) : NULL;

	if (envelope)
		check_answer(kz_kuzzle_answer(envelope, "me"));
}

/*
 * Every answer is an envelope with a status, and a reason if it is no success.
 */
static void
check_answer(Jsonb *answer)
{
	JsonbValue	status;
	JsonbValue	error;
	int64		number;

	fuzz_require_canonical(answer, "an answer is canonical");
	fuzz_require(JB_ROOT_IS_OBJECT(answer), "an answer is an object");
	fuzz_require(kz_json_field(&answer->root, "status", &status) && kz_json_get_int64(&status, &number) &&
				 number >= 200 && number < 600, "an answer has a status");
	fuzz_require(kz_json_field(&answer->root, "error", &error), "an answer has an error, or null");
	fuzz_require((number == 200) == (error.type == jbvNull) || number == 206,
				 "a success has no error, and a failure has one");
}

/*
 * A request of HTTP: "VERB target", a line of headers, a body.
 */
void
fuzz_http(FuzzInput *input)
{
	char	   *verb = fuzz_take_line(input);
	char	   *headers = fuzz_take_line(input);
	char	   *body = fuzz_take_text(input);
	char	   *target;
	Jsonb	   *parsed;

	if (!verb || !headers || !body || (target = strchr(verb, ' ')) == NULL)
		return;
	*target++ = '\0';
	check_target(target);
	check_round_trip(target);
	parsed = fuzz_try_parse(headers);
	if (!parsed || !JB_ROOT_IS_OBJECT(parsed))
		parsed = kz_json_object(NULL, 0);
	run_http(verb, target, parsed, body);
}

/*
 * What is read of a target comes out again when it is written anew.
 */
static void
check_target(const char *string)
{
	KzHttpRequest request = {0};
	KzPairs		again = {0};
	StringInfoData form;
	const char *expected;

	kz_http_read_target(&request, string);
	fuzz_require(strpbrk(request.path, "?#") == NULL, "a path ends before the query");
	if (request.expected)
		return;
	initStringInfo(&form);
	for (int i = 0; i < request.query.n; i++)
		appendStringInfo(&form, "%s%s=%s", i > 0 ? "&" : "",
						 encode(kz_json_string(&request.query.pairs[i].key)),
						 encode(kz_json_string(&request.query.pairs[i].value)));
	fuzz_require(kz_http_decode_form(form.data, &again, &expected), "a query that is written anew can be read");
	fuzz_require_canonical(kz_pairs_object(&request.query), "a name is there once");
	fuzz_require_identical(kz_pairs_object(&again), kz_pairs_object(&request.query),
						   "a query that is written anew is the same");
}

static void
check_round_trip(const char *string)
{
	char	   *encoded = encode(string);
	const char *expected;
	char	   *decoded = kz_http_decode(encoded, strlen(encoded), true, &expected);

	fuzz_require(decoded && strcmp(decoded, string) == 0, "what is encoded is decoded");
}

static char *
encode(const char *string)
{
	StringInfoData encoded;

	initStringInfo(&encoded);
	for (; *string; string++)
		appendStringInfo(&encoded, "%%%02x", (unsigned char) *string);
	return encoded.data;
}

static void
run_http(const char *verb, const char *target, Jsonb *headers, const char *body)
{
	Oid			types[] = {TEXTOID, TEXTOID, JSONBOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(verb), CStringGetTextDatum(target), JsonbPGetDatum(headers),
	CStringGetTextDatum(body)};
	bool		isnull;
	int			status;
	Jsonb	   *answered;
	JsonbValue	type;
	Datum		answer;

	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args("SELECT status, headers, body FROM kz_http($1, $2, $3, $4)", 4, types, values,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not call kz_http()");
	status = DatumGetInt32(kz_spi_column(0, 1));
	fuzz_require(status >= 200 && status < 600, "an answer has a status");
	answered = DatumGetJsonbP(kz_spi_column(0, 2));
	fuzz_require_canonical(answered, "headers are canonical");
	answer = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull);
	if (!isnull && kz_json_field(&answered->root, "Content-Type", &type) &&
		strncmp(kz_json_string(&type), "application/json", 16) == 0)
		fuzz_require(fuzz_try_parse(TextDatumGetCString(answer)) != NULL, "a body is the JSON that it is said to be");
	SPI_finish();
}
