/*
 * kuzzle.c
 *	  Kuzzle's envelope: a request in, an answer out.
 *
 * A request that fails is an answer, too.  What actions find wrong are values;
 * only those that define indexes and collections raise errors of ours, so they
 * run in a subtransaction that is undone then.  Errors of PostgreSQL's, beyond
 * what belongs to a document, are raised: they are for the driver.
 *
 * Order of the checks, keys and texts are Kuzzle's.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/uuid.h"

#include "base/pairs.h"
#include "protocol/argument.h"
#include "protocol/kuzzle.h"

#define ANONYMOUS "-1"

int			kz_documents_write_limit = 200;
int			kz_documents_fetch_limit = 10000;

static const KzApiController *const controllers[] = {
	&kz_api_auth,
	&kz_api_bulk,
	&kz_api_collection,
	&kz_api_document,
	&kz_api_index,
	&kz_api_server
};

static void begin_request(KzRequest *request, const char *kuid);
static bool read_envelope(KzRequest *request, const Jsonb *envelope);
static void read_key(KzRequest *request, const JsonbValue *key, const JsonbValue *value);
static bool check_envelope(KzRequest *request);
static bool check_type(KzRequest *request, KzRequestKey key, bool has_type,
					   const char *type);
static bool check_sdk(KzRequest *request);
static const char *string_of(const KzRequest *request, KzRequestKey key);
static const KzApiAction *find_action(KzRequest *request);
static int	compare_controller(const void *name, const void *controller);
static int	compare_action(const void *name, const void *action);
static bool run_action(KzRequest *request, const KzApiAction *action);
static bool run_guarded(void *argument);
static Jsonb *make_answer(KzRequest *request);
static const char *node_name(void);
static char *make_request_id(void);
static Jsonb *make_error(const KzRequest *request);
static void put_error(KzPairs *pairs, const KzError *error);

PG_FUNCTION_INFO_V1(kz_request);

/*
 * Called once when the library is loaded.
 */
void
kz_kuzzle_init(void)
{
	DefineCustomIntVariable("kz.documents_write_limit",
							"Number of documents that one request of Kuzzle's protocol may write.",
							"0 means no limit.",
							&kz_documents_write_limit, 200, 0, INT_MAX, PGC_USERSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("kz.documents_fetch_limit",
							"Number of documents that one request of Kuzzle's protocol may read.",
							"0 means no limit.",
							&kz_documents_fetch_limit, 10000, 0, INT_MAX, PGC_USERSET, 0,
							NULL, NULL, NULL);
}

/*
 * All controllers, in the order of their names.
 */
const KzApiController *const *
kz_api_controllers(int *count)
{
	*count = lengthof(controllers);
	return controllers;
}

Datum
kz_request(PG_FUNCTION_ARGS)
{
	kz_argument_require(fcinfo, 0, "request");
	PG_RETURN_JSONB_P(kz_kuzzle_answer(PG_GETARG_JSONB_P(0), PG_ARGISNULL(1) ? NULL :
									   text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/*
 * The answer to an envelope, on behalf of kuid, NULL for the anonymous user, in the
 * current memory context.
 */
Jsonb *
kz_kuzzle_answer(const Jsonb *envelope, const char *kuid)
{
	KzRequest	request;
	const KzApiAction *action;
	Jsonb	   *answer;

	begin_request(&request, kuid);
	if (!read_envelope(&request, envelope) ||
		(action = find_action(&request)) == NULL ||
		!check_sdk(&request) ||
		!run_action(&request, action))
		Assert(request.error.code != KZ_ERROR_NONE);

	answer = make_answer(&request);
	kz_call_end(&request.call);
	return answer;
}

/*
 * The answer to an envelope that never comes to an action: an error, or if that is
 * NULL an empty object.
 */
Jsonb *
kz_kuzzle_dismiss(const Jsonb *envelope, const KzError *error)
{
	KzRequest	request;
	Jsonb	   *answer;

	begin_request(&request, NULL);
	read_envelope(&request, envelope);
	memset(&request.error, 0, sizeof(request.error));
	if (error)
		request.error = *error;
	kz_json_set_document(&request.result, kz_json_object(NULL, 0));
	answer = make_answer(&request);
	kz_call_end(&request.call);
	return answer;
}

static void
begin_request(KzRequest *request, const char *kuid)
{
	memset(request, 0, sizeof(*request));
	kz_call_enter(&request->call);
	kz_call_renew(&request->call);
	request->kuid = kuid ? kuid : ANONYMOUS;
	kz_stamp_init(&request->call.stamp, request->kuid);
	kz_json_set_null(&request->result);
}

/*
 * An error as Kuzzle shows it, in the current memory context.
 */
Jsonb *
kz_kuzzle_error(const KzError *error)
{
	KzPairs		pairs = {0};

	put_error(&pairs, error);
	return kz_pairs_object(&pairs);
}

/*
 * Take an envelope apart, and check what is wrong with it by itself.
 */
static bool
read_envelope(KzRequest *request, const Jsonb *envelope)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;

	for (int i = 0; i < KZ_KEYS; i++)
		kz_json_set_null(&request->values[i]);
	if (!JB_ROOT_IS_OBJECT(envelope))
		return kz_request_fail(request, KZ_ERROR_MALFORMED, "The request must be an object", NULL);

	kz_json_keys(&keys, &envelope->root);
	kz_json_values(&values, &envelope->root);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
		read_key(request, &key, &value);
	return check_envelope(request);
}

/*
 * Note the value of a key, if it is one that matters.
 */
static void
read_key(KzRequest *request, const JsonbValue *key, const JsonbValue *value)
{
	int			low = 0;
	int			high = KZ_KEYS;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const char *name = kz_request_key_name(middle);
		int			length = strlen(name);
		int			cmp = memcmp(key->val.string.val, name, Min(key->val.string.len, length));

		if (cmp == 0)
			cmp = key->val.string.len - length;
		if (cmp == 0)
		{
			request->values[middle] = *value;
			request->given[middle] = true;
			return;
		}
		if (cmp < 0)
			high = middle;
		else
			low = middle + 1;
	}
}

static bool
check_envelope(KzRequest *request)
{
	static const KzRequestKey strings[] = {
		KZ_KEY_CONTROLLER, KZ_KEY_ACTION, KZ_KEY_REQUEST_ID, KZ_KEY_JWT
	};
	const JsonbValue *body = &request->values[KZ_KEY_BODY];
	bool		ok = true;

	for (int i = 0; i < lengthof(strings); i++)
		ok &= check_type(request, strings[i], request->values[strings[i]].type == jbvString,
						 "\"string\"");
	ok &= check_type(request, KZ_KEY_BODY, body->type == jbvBinary, "\"object\" or \"array\"");
	ok &= check_type(request, KZ_KEY_VOLATILE,
					 kz_json_is_object(&request->values[KZ_KEY_VOLATILE]), "\"object\"");
	if (!ok)
		return false;

	request->controller = string_of(request, KZ_KEY_CONTROLLER);
	request->action = string_of(request, KZ_KEY_ACTION);
	if (!request->controller)
		return kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, "controller", NULL);
	if (!request->action)
		return kz_request_fail(request, KZ_ERROR_MISSING_ARGUMENT, "action", NULL);
	if (request->values[KZ_KEY_TARGETS].type != jbvNull &&
		(!kz_json_is_falsy(&request->values[KZ_KEY_INDEX]) ||
		 !kz_json_is_falsy(&request->values[KZ_KEY_COLLECTION])))
		return kz_request_fail(request, KZ_ERROR_MUTUALLY_EXCLUSIVE, "index, collection",
							   "targets");
	return true;
}

/*
 * Whether the value of a key has its type, or there is none.  One of a wrong type
 * is not echoed; the first that is found is told.
 */
static bool
check_type(KzRequest *request, KzRequestKey key, bool has_type, const char *type)
{
	JsonbValue *value = &request->values[key];

	if (value->type == jbvNull || has_type)
		return true;
	kz_json_set_null(value);
	return request->error.code != KZ_ERROR_NONE ? false :
		kz_request_fail(request, KZ_ERROR_MALFORMED,
						psprintf("Attribute %s must be of type %s", kz_request_key_name(key), type),
						NULL);
}

/*
 * SDKs say in "volatile" what they are, as language@version; of each language
 * there is an oldest version, of which the first digit counts.  Those before that
 * had sdkVersion instead.
 */
static bool
check_sdk(KzRequest *request)
{
	static const char *const oldest[] = {
		"android@5", "cpp@2", "csharp@2", "go@3", "java@3", "js@7", "php@4"
	};
	const JsonbValue *volatil = &request->values[KZ_KEY_VOLATILE];
	JsonbValue	value;
	char	   *name;

	if (volatil->type == jbvNull)
		return true;
	if (kz_json_field(volatil->val.binary.data, "sdkVersion", &value) && !kz_json_is_falsy(&value))
		return kz_request_fail(request, KZ_ERROR_OLD_SDK,
							   value.type == jbvString ? kz_json_string(&value) : "", "Kuzzle v2");
	if (!kz_json_field(volatil->val.binary.data, "sdkName", &value) || value.type != jbvString)
		return true;
	name = kz_json_string(&value);
	for (int i = 0; i < lengthof(oldest); i++)
	{
		int			length = strlen(oldest[i]) - 1; /* up to the version */

		if (strncmp(name, oldest[i], length) == 0 && name[length] != '\0' &&
			name[length] < oldest[i][length])
			return kz_request_fail(request, KZ_ERROR_OLD_SDK, name + length,
								   psprintf("min: %s, max: none", oldest[i] + length));
	}
	return true;
}

/*
 * A string of the envelope, palloc'd; NULL if it is empty or absent.
 */
static const char *
string_of(const KzRequest *request, KzRequestKey key)
{
	const JsonbValue *value = &request->values[key];

	return value->type == jbvString && value->val.string.len > 0 ? kz_json_string(value) : NULL;
}

/*
 * The action that a request names; or NULL, and the request has failed.
 */
static const KzApiAction *
find_action(KzRequest *request)
{
	const KzApiController *const *controller;
	const KzApiAction *action;

	controller = bsearch(request->controller, controllers, lengthof(controllers),
						 sizeof(controllers[0]), compare_controller);
	if (!controller)
	{
		kz_request_fail(request, KZ_ERROR_UNKNOWN_CONTROLLER, request->controller, NULL);
		return NULL;
	}
	action = bsearch(request->action, (*controller)->actions, (*controller)->nactions,
					 sizeof(KzApiAction), compare_action);
	if (!action)
		kz_request_fail(request, KZ_ERROR_UNKNOWN_ACTION, request->controller, request->action);
	return action;
}

static int
compare_controller(const void *name, const void *controller)
{
	return strcmp(name, (*(const KzApiController *const *) controller)->name);
}

static int
compare_action(const void *name, const void *action)
{
	return strcmp(name, ((const KzApiAction *) action)->name);
}

/* What run_guarded is given. */
typedef struct Run
{
	KzRequest  *request;
	const KzApiAction *action;
} Run;

/*
 * Run an action; one that can raise an error of ours in a subtransaction, of which
 * nothing stays if it fails.
 */
static bool
run_action(KzRequest *request, const KzApiAction *action)
{
	Run			arguments = {request, action};

	return action->raises ?
		kz_call_guard(&request->call, run_guarded, &arguments, &request->error) :
		action->run(request);
}

static bool
run_guarded(void *argument)
{
	const Run  *arguments = argument;

	return arguments->action->run(arguments->request);
}

/*
 * The answer, in the memory of the caller.  Keys that say nothing are left out where
 * Kuzzle leaves them out; they are put in the order of jsonb, which then need not
 * be made.
 */
static Jsonb *
make_answer(KzRequest *request)
{
	KzPairs		pairs = {0};
	JsonbValue	null;
	bool		failed = request->error.code != KZ_ERROR_NONE;

	kz_json_set_null(&null);
	kz_pairs_add_string(&pairs, "node", node_name());
	if (failed)
		kz_pairs_add_document(&pairs, "error", make_error(request));
	else
		kz_pairs_add(&pairs, "error", &null);
	if (request->given[KZ_KEY_INDEX])
		kz_pairs_add(&pairs, "index", &request->values[KZ_KEY_INDEX]);
	kz_pairs_add(&pairs, "action", &request->values[KZ_KEY_ACTION]);
	if (failed || !request->no_result)
		kz_pairs_add(&pairs, "result", failed ? &null : &request->result);
	kz_pairs_add_int64(&pairs, "status", failed ? kz_error_status(&request->error) : 200);
	kz_pairs_add_document(&pairs, "headers", kz_json_object(NULL, 0));
	kz_pairs_add(&pairs, "volatile", &request->values[KZ_KEY_VOLATILE]);
	if (string_of(request, KZ_KEY_REQUEST_ID))
		kz_pairs_add(&pairs, "requestId", &request->values[KZ_KEY_REQUEST_ID]);
	else
		kz_pairs_add_string(&pairs, "requestId", make_request_id());
	if (request->given[KZ_KEY_COLLECTION])
		kz_pairs_add(&pairs, "collection", &request->values[KZ_KEY_COLLECTION]);
	kz_pairs_add(&pairs, "controller", &request->values[KZ_KEY_CONTROLLER]);
	MemoryContextSwitchTo(request->call.caller);
	return kz_pairs_object(&pairs);
}

/*
 * What Kuzzle would call this server, in the form of its own names.
 */
static const char *
node_name(void)
{
	static char name[sizeof("knode-postgresql-elephant-65535")];

	if (name[0] == '\0')
		snprintf(name, sizeof(name), "knode-postgresql-elephant-%d", PostPortNumber);
	return name;
}

static char *
make_request_id(void)
{
	Datum		uuid = DirectFunctionCall1(gen_random_uuid, (Datum) 0);

	return DatumGetCString(DirectFunctionCall1(uuid_out, uuid));
}

/*
 * The error of a request, with errors and count of a partial failure.
 */
static Jsonb *
make_error(const KzRequest *request)
{
	KzPairs		pairs = {0};

	put_error(&pairs, &request->error);
	if (request->errors)
	{
		kz_pairs_add_document(&pairs, "errors", request->errors);
		kz_pairs_add_int64(&pairs, "count", JB_ROOT_COUNT(request->errors));
	}
	return kz_pairs_object(&pairs);
}

/*
 * {code, id, message, props, status}; an envelope that could not be read is told by
 * message and status only.
 */
static void
put_error(KzPairs *pairs, const KzError *error)
{
	kz_pairs_add_string(pairs, "message", kz_error_message(error));
	kz_pairs_add_int64(pairs, "status", kz_error_status(error));
	if (kz_error_id(error))
	{
		JsonbValue	props[KZ_ERROR_MAX_ARGS];
		int			nprops = kz_error_nargs(error);

		for (int i = 0; i < nprops; i++)
			kz_json_set_string(&props[i], error->args[i]);
		kz_pairs_add_document(pairs, "props", kz_json_array(props, nprops));
		kz_pairs_add_string(pairs, "id", kz_error_id(error));
		kz_pairs_add_int64(pairs, "code", kz_error_number(error));
	}
}
