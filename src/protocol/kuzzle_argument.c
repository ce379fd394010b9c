/*
 * kuzzle_argument.c
 *	  What actions of Kuzzle's API are given, with its coercions and errors.
 *
 * Functions that read return false, and the request has failed, if what they read
 * is missing or wrong.  What is not given leaves the default in place.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "document/identity.h"
#include "protocol/kuzzle.h"

static const char *const key_names[KZ_KEYS] = {
	[KZ_KEY_ID] = "_id",
	[KZ_KEY_ACTION] = "action",
	[KZ_KEY_BODY] = "body",
	[KZ_KEY_COLLECTION] = "collection",
	[KZ_KEY_CONTROLLER] = "controller",
	[KZ_KEY_COUNT_COLLECTION] = "countCollection",
	[KZ_KEY_DEFAULTS] = "defaults",
	[KZ_KEY_FROM] = "from",
	[KZ_KEY_IDS] = "ids",
	[KZ_KEY_INCLUDE_KUZZLE_META] = "includeKuzzleMeta",
	[KZ_KEY_INDEX] = "index",
	[KZ_KEY_JWT] = "jwt",
	[KZ_KEY_NOTIFY] = "notify",
	[KZ_KEY_REFRESH] = "refresh",
	[KZ_KEY_REQUEST_ID] = "requestId",
	[KZ_KEY_RETRY_ON_CONFLICT] = "retryOnConflict",
	[KZ_KEY_SCROLL] = "scroll",
	[KZ_KEY_SERVICES] = "services",
	[KZ_KEY_SILENT] = "silent",
	[KZ_KEY_SIZE] = "size",
	[KZ_KEY_SOURCE] = "source",
	[KZ_KEY_STRICT] = "strict",
	[KZ_KEY_TARGETS] = "targets",
	[KZ_KEY_TYPE] = "type",
	[KZ_KEY_VOLATILE] = "volatile"
};

static double parse_number(char *string);
static bool read_name(KzRequest *request, KzRequestKey key, const char **name);
static bool body_member(KzRequest *request, const char *key, bool required, const char *type,
						bool (*has_type) (const JsonbValue *value), JsonbValue *value);

const char *
kz_request_key_name(KzRequestKey key)
{
	return key_names[key];
}

/*
 * Fail the request with an error of up to two arguments; returns false.
 */
bool
kz_request_fail(KzRequest *request, KzErrorCode code, const char *a, const char *b)
{
	kz_error_set(&request->error, code, NULL, a, b);
	return false;
}

/*
 * An action that Kuzzle has and kz has not.
 */
bool
kz_request_not_supported(KzRequest *request)
{
	return kz_request_fail(request, KZ_ERROR_NOT_SUPPORTED, request->controller,
						   request->action);
}

/*
 * Answer {"acknowledged": true}.
 */
void
kz_request_acknowledge(KzRequest *request)
{
	JsonbPair	pair;

	kz_json_set_string(&pair.key, "acknowledged");
	kz_json_set_bool(&pair.value, true);
	kz_json_set_document(&request->result, kz_json_object(&pair, 1));
}

/*
 * Read the name of the index.
 */
bool
kz_request_index(KzRequest *request)
{
	return read_name(request, KZ_KEY_INDEX, &request->call.index);
}

/*
 * Read the names of index and collection.
 */
bool
kz_request_names(KzRequest *request)
{
	return kz_request_index(request) &&
		read_name(request, KZ_KEY_COLLECTION, &request->call.collection);
}

static bool
read_name(KzRequest *request, KzRequestKey key, const char **name)
{
	const JsonbValue *value = &request->values[key];

	if (kz_json_is_falsy(value))
		return kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, key_names[key], NULL);
	if (value->type != jbvString)
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, key_names[key], "string");
	*name = kz_json_string(value);
	return true;
}

/*
 * Read the id of the document.
 */
bool
kz_request_id(KzRequest *request, text **id)
{
	if (!kz_request_optional_id(request, id))
		return false;
	return *id || kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, "_id", NULL);
}

/*
 * The same; NULL if there is none.
 */
bool
kz_request_optional_id(KzRequest *request, text **id)
{
	const JsonbValue *value = &request->values[KZ_KEY_ID];

	*id = NULL;
	if (kz_json_is_falsy(value))
		return true;
	if (value->type != jbvString)
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "_id", "string");
	*id = kz_json_text(value);
	return kz_identity_check(*id, "_id", &request->error);
}

/*
 * Read a boolean; command lines send it as a string: kourou's -a silent=true.
 */
bool
kz_request_flag(KzRequest *request, KzRequestKey key, bool *flag)
{
	const JsonbValue *value = &request->values[key];

	if (value->type == jbvNull)
		return true;
	if (value->type == jbvBool)
		*flag = value->val.boolean;
	else if (kz_json_equals(value, "true"))
		*flag = true;
	else if (kz_json_equals(value, "false"))
		*flag = false;
	else
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, key_names[key], "boolean");
	return true;
}

/*
 * Read an integer, which may be in a string.  One that does not fit is clamped.
 */
bool
kz_request_integer(KzRequest *request, KzRequestKey key, int *number)
{
	const JsonbValue *value = &request->values[key];
	double		parsed;

	if (!request->given[key])
		return true;
	if (value->type == jbvNumeric)
		parsed = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(value->val.numeric)));
	else if (value->type == jbvString)
		parsed = parse_number(kz_json_string(value));
	else
		parsed = NAN;
	if (!isfinite(parsed) || parsed != rint(parsed))
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, key_names[key], "integer");
	*number = (int) Max(Min(parsed, (double) PG_INT32_MAX), (double) PG_INT32_MIN);
	return true;
}

/*
 * As parseFloat of JavaScript: what stands behind a number does not matter; there
 * are no hexadecimal ones.
 */
static double
parse_number(char *string)
{
	char	   *start = string + strspn(string, " \t\r\n");
	char	   *end;
	double		number;

	start[strspn(start, "+-.0123456789eE")] = '\0';
	number = strtod(start, &end);
	return end == start ? NAN : number;
}

/*
 * Read how often to start again after a conflict; with null_is_missing null is as
 * good as nothing.
 */
bool
kz_request_retries(KzRequest *request, bool null_is_missing, int *retries)
{
	if (null_is_missing && request->values[KZ_KEY_RETRY_ON_CONFLICT].type == jbvNull)
		return true;
	if (!kz_request_integer(request, KZ_KEY_RETRY_ON_CONFLICT, retries))
		return false;
	return *retries >= 0 ||
		kz_request_fail(request, KZ_ERROR_INVALID_ARGUMENT, "retryOnConflict",
						"an integer of at least 0");
}

bool
kz_request_string(KzRequest *request, KzRequestKey key, char **string)
{
	const JsonbValue *value = &request->values[key];

	if (!request->given[key])
		return true;
	if (value->type != jbvString)
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, key_names[key], "string");
	*string = kz_json_string(value);
	return true;
}

/*
 * Check "refresh".  There is nothing to wait for: what is committed is visible.
 */
bool
kz_request_refresh(KzRequest *request)
{
	const JsonbValue *value = &request->values[KZ_KEY_REFRESH];
	char	   *refresh = "false";

	/* What kourou makes of "false". */
	if (value->type == jbvBool && !value->val.boolean)
		return true;
	if (!kz_request_string(request, KZ_KEY_REFRESH, &refresh))
		return false;
	if (strcmp(refresh, "wait_for") == 0 || strcmp(refresh, "false") == 0 || refresh[0] == '\0')
		return true;
	return kz_request_fail(request, KZ_ERROR_INVALID_OPTION, "refresh", "\"wait_for\", false");
}

/*
 * Read what most actions that write share, in Kuzzle's order: silent, refresh,
 * source, unless that is NULL, and the names.
 */
bool
kz_request_write_options(KzRequest *request, bool *source)
{
	return kz_request_flag(request, KZ_KEY_SILENT, &request->call.silent) &&
		kz_request_refresh(request) &&
		(!source || kz_request_flag(request, KZ_KEY_SOURCE, source)) &&
		kz_request_names(request);
}

/*
 * Read the body, which must be an object.
 */
bool
kz_request_body(KzRequest *request, JsonbValue *body)
{
	*body = request->values[KZ_KEY_BODY];
	if (body->type == jbvNull)
		return kz_request_fail(request, KZ_ERROR_BODY_REQUIRED, NULL, NULL);
	if (!kz_json_is_object(body))
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "body", "object");
	return true;
}

/*
 * Read an object that is in the body.
 */
bool
kz_request_body_object(KzRequest *request, const char *key, bool required, JsonbValue *value)
{
	return body_member(request, key, required, "object", kz_json_is_object, value);
}

/*
 * Read an array that is in the body.
 */
bool
kz_request_body_array(KzRequest *request, const char *key, bool required, JsonbValue *value)
{
	return body_member(request, key, required, "array", kz_json_is_array, value);
}

static bool
body_member(KzRequest *request, const char *key, bool required, const char *type,
			bool (*has_type) (const JsonbValue *value), JsonbValue *value)
{
	JsonbValue	body;
	JsonbValue	member;
	const char *name = psprintf("body.%s", key);

	if (!required && request->values[KZ_KEY_BODY].type == jbvNull)
		return true;
	if (!kz_request_body(request, &body))
		return false;
	if (!kz_json_field(body.val.binary.data, key, &member))
		return !required || kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, name, NULL);
	if (!has_type(&member))
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, name, type);
	*value = member;
	return true;
}
