/*
 * kuzzle_server.c
 *	  Kuzzle's server and auth controllers.
 *
 * Who the caller is has been settled before: it is the second argument of
 * kz_request.  A token is for whoever stands in front.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "protocol/kuzzle.h"
#include "protocol/routes.h"

/* The Kuzzle whose API this is. */
#define KUZZLE_VERSION "2.56.0"

static bool asks_for(const JsonbValue *list, const char *service);
static Jsonb *describe_controller(const KzApiController *controller);
static Jsonb *describe_action(const char *controller, const char *action);
static Jsonb *describe_routes(const char *controller, const char *action, int *count);
static Jsonb *describe_kuzzle(void);
static Jsonb *describe_services(void);
static void set_pair(JsonbPair *pair, const char *key, const char *value);
static void set_pair_document(JsonbPair *pair, const char *key, Jsonb *value);

static bool
server_now(KzRequest *request)
{
	JsonbPair	pair;

	kz_json_set_string(&pair.key, "now");
	kz_json_set_int64(&pair.value, request->call.stamp.now);
	kz_json_set_document(&request->result, kz_json_object(&pair, 1));
	return true;
}

static bool
server_info(KzRequest *request)
{
	JsonbPair	pairs[2];
	JsonbPair	info;

	set_pair_document(&pairs[0], "kuzzle", describe_kuzzle());
	set_pair_document(&pairs[1], "services", describe_services());
	set_pair_document(&info, "serverInfo", kz_json_object(pairs, 2));
	kz_json_set_document(&request->result, kz_json_object(&info, 1));
	return true;
}

static bool
server_public_api(KzRequest *request)
{
	kz_json_set_document(&request->result, kz_api_describe());
	return true;
}

/*
 * Who gets this answer talks to a server that works, so all services that are
 * asked for do: an array, a list with commas, or all.
 */
static bool
server_health_check(KzRequest *request)
{
	static const char *const services[] = {"storageEngine", "memoryStorage", "internalCache"};
	JsonbPair	each[lengthof(services)];
	JsonbPair	pairs[2];
	int			n = 0;

	for (int i = 0; i < lengthof(services); i++)
		if (asks_for(&request->values[KZ_KEY_SERVICES], services[i]))
			set_pair(&each[n++], services[i], "green");
	set_pair(&pairs[0], "status", "green");
	set_pair_document(&pairs[1], "services", kz_json_object(each, n));
	kz_json_set_document(&request->result, kz_json_object(pairs, 2));
	return true;
}

static bool
asks_for(const JsonbValue *list, const char *service)
{
	KzJsonCursor cursor;
	JsonbValue	element;

	if (kz_json_is_array(list))
	{
		kz_json_values(&cursor, list->val.binary.data);
		while (kz_json_next(&cursor, &element))
			if (kz_json_equals(&element, service))
				return true;
		return false;
	}
	if (list->type != jbvString)
		return true;
	for (char *name = strtok(kz_json_string(list), ","); name; name = strtok(NULL, ","))
		if (strcmp(name, service) == 0)
			return true;
	return false;
}

/*
 * No token stands for the anonymous user; there are no others to know here.
 */
static bool
auth_check_token(KzRequest *request)
{
	const JsonbValue *body = &request->values[KZ_KEY_BODY];
	JsonbValue	token = {.type = jbvNull};
	JsonbPair	pairs[3];
	int			n = 0;

	if (body->type != jbvNull && !kz_json_is_object(body))
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "body", "object");
	if (body->type != jbvNull && kz_json_field(body->val.binary.data, "token", &token) &&
		token.type != jbvString)
		return kz_request_fail(request, KZ_ERROR_INVALID_TYPE, "body.token", "string");
	kz_json_set_string(&pairs[n].key, "valid");
	kz_json_set_bool(&pairs[n++].value, kz_json_is_falsy(&token));
	if (kz_json_is_falsy(&token))
	{
		set_pair(&pairs[n++], "kuid", "-1");
		kz_json_set_string(&pairs[n].key, "expiresAt");
		kz_json_set_int64(&pairs[n++].value, -1);
	}
	else
		set_pair(&pairs[n++], "state", "Invalid token.");
	kz_json_set_document(&request->result, kz_json_object(pairs, n));
	return true;
}

static bool
auth_get_current_user(KzRequest *request)
{
	JsonbPair	pairs[3];
	JsonbPair	profiles;
	JsonbValue	profile;

	kz_json_set_string(&profile, strcmp(request->kuid, "-1") == 0 ? "anonymous" : "default");
	set_pair_document(&profiles, "profileIds", kz_json_array(&profile, 1));
	set_pair(&pairs[0], "_id", request->kuid);
	set_pair_document(&pairs[1], "_source", kz_json_object(&profiles, 1));
	set_pair_document(&pairs[2], "strategies", kz_json_array(NULL, 0));
	kz_json_set_document(&request->result, kz_json_object(pairs, 3));
	return true;
}

/*
 * {controller: {action: {action, controller, http?}}} of all that is there.
 */
Jsonb *
kz_api_describe(void)
{
	int			count;
	const KzApiController *const *controllers = kz_api_controllers(&count);
	JsonbPair  *pairs = palloc(count * sizeof(JsonbPair));

	for (int i = 0; i < count; i++)
		set_pair_document(&pairs[i], controllers[i]->name, describe_controller(controllers[i]));
	return kz_json_object(pairs, count);
}

static Jsonb *
describe_controller(const KzApiController *controller)
{
	JsonbPair  *pairs = palloc(controller->nactions * sizeof(JsonbPair));

	for (int i = 0; i < controller->nactions; i++)
		set_pair_document(&pairs[i], controller->actions[i].name,
						  describe_action(controller->name, controller->actions[i].name));
	return kz_json_object(pairs, controller->nactions);
}

static Jsonb *
describe_action(const char *controller, const char *action)
{
	JsonbPair	pairs[3];
	int			nroutes;
	Jsonb	   *routes = describe_routes(controller, action, &nroutes);

	set_pair(&pairs[0], "controller", controller);
	set_pair(&pairs[1], "action", action);
	set_pair_document(&pairs[2], "http", routes);
	return kz_json_object(pairs, nroutes > 0 ? 3 : 2);
}

/*
 * [{verb, path, url}], of which the SDK takes the first.
 */
static Jsonb *
describe_routes(const char *controller, const char *action, int *count)
{
	JsonbValue *routes = palloc(kz_nroutes * sizeof(JsonbValue));

	*count = 0;
	for (int i = 0; i < kz_nroutes; i++)
	{
		const KzRoute *route = &kz_routes[i];
		JsonbPair	pairs[3];

		if (strcmp(route->controller, controller) != 0 || strcmp(route->action, action) != 0)
			continue;
		set_pair(&pairs[0], "verb", route->verb);
		set_pair(&pairs[1], "path", route->path);
		set_pair(&pairs[2], "url", route->path);
		kz_json_set_document(&routes[(*count)++], kz_json_object(pairs, 3));
	}
	return kz_json_array(routes, *count);
}

static Jsonb *
describe_kuzzle(void)
{
	JsonbPair	pairs[8];
	JsonbPair	api;
	JsonbPair	application[2];
	JsonbPair	system[2];

	set_pair_document(&api, "routes", kz_api_describe());
	set_pair(&application[0], "name", "kz");
	set_pair(&application[1], "version", KZ_VERSION);
	set_pair(&system[0], "server", "PostgreSQL " PG_VERSION);
	set_pair(&system[1], "platform", PG_VERSION_STR);

	set_pair(&pairs[0], "version", KUZZLE_VERSION);
	set_pair_document(&pairs[1], "api", kz_json_object(&api, 1));
	set_pair_document(&pairs[2], "application", kz_json_object(application, 2));
	set_pair_document(&pairs[3], "plugins", kz_json_object(NULL, 0));
	set_pair_document(&pairs[4], "system", kz_json_object(system, 2));
	set_pair(&pairs[5], "uptime",
			 psprintf(INT64_FORMAT "s", (int64) (GetCurrentTimestamp() - PgStartTime) / USECS_PER_SEC));
	kz_json_set_string(&pairs[6].key, "memoryUsed");
	kz_json_set_int64(&pairs[6].value, MemoryContextMemAllocated(TopMemoryContext, true));
	set_pair(&pairs[7], "nodeVersion", "PostgreSQL " PG_VERSION);
	return kz_json_object(pairs, 8);
}

static Jsonb *
describe_services(void)
{
	static const char *const names[] = {
		"internalCache", "internalStorage", "memoryStorage", "publicStorage"
	};
	JsonbPair	storage[3];
	JsonbPair	pairs[lengthof(names)];

	set_pair(&storage[0], "type", "PostgreSQL");
	set_pair(&storage[1], "version", PG_VERSION);
	set_pair(&storage[2], "database", get_database_name(MyDatabaseId));
	for (int i = 0; i < lengthof(names); i++)
		set_pair_document(&pairs[i], names[i], kz_json_object(storage, 3));
	return kz_json_object(pairs, lengthof(names));
}

static void
set_pair(JsonbPair *pair, const char *key, const char *value)
{
	kz_json_set_string(&pair->key, key);
	kz_json_set_string(&pair->value, value);
}

static void
set_pair_document(JsonbPair *pair, const char *key, Jsonb *value)
{
	kz_json_set_string(&pair->key, key);
	kz_json_set_document(&pair->value, value);
}

/* Who asks has been found out before; logging in is for the gateway. */
static const KzApiAction auth_actions[] = {
	{"checkToken", auth_check_token},
	{"getCurrentUser", auth_get_current_user},
	{"login", kz_request_not_supported},
	{"logout", kz_request_not_supported}
};

static const KzApiAction server_actions[] = {
	{"healthCheck", server_health_check},
	{"info", server_info},
	{"now", server_now},
	{"publicApi", server_public_api}
};

const KzApiController kz_api_auth = {"auth", auth_actions, lengthof(auth_actions)};
const KzApiController kz_api_server = {"server", server_actions, lengthof(server_actions)};
