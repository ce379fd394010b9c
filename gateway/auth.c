/*
 * auth.c
 *	  Who asks, and as which role of PostgreSQL.
 *
 * Without authentication, everybody is anonymous and the gateway's own role does what
 * they ask.  With it, a request runs as the role of its token or its password, and
 * what that may do is PostgreSQL's to say.
 */
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "client.h"
#include "config.h"
#include "digest.h"
#include "http.h"
#include "login.h"
#include "pool.h"
#include "remembered.h"
#include "text.h"
#include "token.h"

#define ANONYMOUS "-1"

static void name_action(Request *request);
static bool path_is(const Request *request, const char *path);
static bool path_is_below(const Request *request, const char *path);
static size_t path_length(const Request *request);
static bool target_is(const Request *request, const char *path);
static bool is_public(const Request *request);
static void run_as(Request *request, const char *role, const char *kuid);
static void admit_anonymous(Request *request);
static void admit_token(Request *request);
static bool verify(Request *request, Identity *identity);
static void trust_sender(const Request *request);
static void body_password_done(Request *request, const char *user, LoginResult result);
static void let_body_come(Request *request);
static void admit_password(Request *request, const char *colon);
static void check_password(Request *request, const char *colon, LoginDone done);
static void password_done(Request *request, const char *user, LoginResult result);
static void fail_login(Request *request, LoginResult result);
static void log_in(Request *request);
static Slice body_of(const Request *request);
static void login_done(Request *request, const char *user, LoginResult result);
static int	read_lifetime(const Request *request);
static double read_duration(const char *text);
static void check_token(Request *request);
static void log_out(Request *request);

void
auth_open(void)
{
	if (!config_authenticates())
		return;
	token_open();
	digest_open();
}

/*
 * Answer those of whom it is not known yet who they are.
 */
void
auth_give_up(void)
{
	if (config_authenticates())
		login_give_up();
}

void
auth_close(void)
{
	if (!config_authenticates())
		return;
	login_close();
	token_close();
}

/*
 * Let a request go on to the database as who it is, or answer it: it may have no
 * right to go on, or be about tokens, which are the gateway's matter.
 */
void
auth_admit(Request *request)
{
	if (!config_authenticates())
	{
		run_as(request, NULL, ANONYMOUS);
		return;
	}
	name_action(request);
	if (request->controller && request->action && strcmp(request->controller, "auth") == 0)
	{
		if (strcmp(request->action, "login") == 0)
		{
			log_in(request);
			return;
		}
		if (strcmp(request->action, "checkToken") == 0)
		{
			check_token(request);
			return;
		}
		if (strcmp(request->action, "logout") == 0)
		{
			log_out(request);
			return;
		}
	}
	if (is_public(request))
		run_as(request, config.anonymous_role, ANONYMOUS);
	else if (!request->token || !*request->token)
		admit_anonymous(request);
	else if (request->protocol == MILVUS_HTTP && strchr(request->token, ':'))
		admit_password(request, strchr(request->token, ':'));
	else
		admit_token(request);
}

/*
 * Which action a request of HTTP is, if it says so itself or the action is done here.
 */
static void
name_action(Request *request)
{
	const char *action = NULL;

	if (request->protocol != KUZZLE_HTTP || strcmp(request->method, "POST") != 0)
		return;
	if (path_is(request, "/_query"))
		request_read_envelope(request);
	else if (path_is_below(request, "/_login/"))
		action = "login";
	else if (path_is(request, "/_checkToken"))
		action = "checkToken";
	else if (path_is(request, "/_logout"))
		action = "logout";
	if (!action)
		return;
	request->controller = copy_string("auth");
	request->action = copy_string(action);
}

/*
 * Whether this is the path of a request, with or without a slash at its end.
 */
static bool
path_is(const Request *request, const char *path)
{
	size_t		length = path_length(request);

	return strlen(path) == length && strncmp(http_path(request->target), path, length) == 0;
}

/*
 * Whether the path of a request has one part more than this one.
 */
static bool
path_is_below(const Request *request, const char *above)
{
	const char *path = http_path(request->target);
	size_t		length = path_length(request);
	size_t		begin = strlen(above);

	return length > begin && strncmp(path, above, begin) == 0 && !memchr(path + begin, '/', length - begin);
}

static size_t
path_length(const Request *request)
{
	const char *path = http_path(request->target);
	size_t		length = strcspn(path, "?#");

	return length > 1 && path[length - 1] == '/' ? length - 1 : length;
}

/*
 * Whether the target is this path to the letter, with or without a query.
 */
static bool
target_is(const Request *request, const char *path)
{
	size_t		length = strcspn(request->target, "?#");

	return strlen(path) == length && strncmp(request->target, path, length) == 0;
}

/*
 * What has to work before anybody can say who he is, and reads no data: what browsers
 * ask before they send a token, what the SDK needs to build its URLs, and whether
 * anybody is there.  It is known for certain what a request is: a path counts to the
 * letter, and envelopes in HTTP don't, as by their type they may be something else.
 */
static bool
is_public(const Request *request)
{
	static const char *const paths[] = {"/_publicApi", "/_healthCheck", "/_healthcheck", "/_ready"};

	if (request->protocol == KUZZLE_WEBSOCKET)
		return request->controller && strcmp(request->controller, "server") == 0 && request->action &&
			(strcmp(request->action, "publicApi") == 0 || strcmp(request->action, "healthCheck") == 0);
	if (strcmp(request->method, "OPTIONS") == 0)
		return true;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(request->method, "GET") == 0 && target_is(request, paths[i]))
			return true;
	return false;
}

static void
run_as(Request *request, const char *role, const char *kuid)
{
	request->role = copy_string(role);
	request->kuid = copy_string(kuid);
	pool_submit(request);
}

static void
admit_anonymous(Request *request)
{
	if (config.anonymous_role)
		run_as(request, config.anonymous_role, ANONYMOUS);
	else
		request_fail(request, &failure_unauthorized, NULL);
}

static void
admit_token(Request *request)
{
	Identity	identity;

	if (!verify(request, &identity))
		return;
	request->role = identity.role;
	request->kuid = identity.kuid;
	trust_sender(request);
	pool_submit(request);
}

/*
 * Whether the token of a request is good; then who it is of is the caller's.  Else the
 * request is answered, and may be gone.
 */
static bool
verify(Request *request, Identity *identity)
{
	TokenState	state = token_verify(request->token, identity);

	if (state == TOKEN_GOOD)
		return true;
	request_fail(request, state == TOKEN_EXPIRED ? &failure_expired : &failure_token, NULL);
	return false;
}

/*
 * Messages of a WebSocket may be large once one has had a good token: tokens are inside
 * of them.
 */
static void
trust_sender(const Request *request)
{
	if (request->protocol == KUZZLE_WEBSOCKET && request->client)
		client_trust(request->client);
}

/*
 * Let the client of a request, which is only the head of one, send a large body, if it
 * says who it is; else refuse it.
 */
void
auth_admit_body(Request *request)
{
	const char *colon = request->token && request->protocol == MILVUS_HTTP ? strchr(request->token, ':') : NULL;
	Identity	identity;

	if (colon)
	{
		check_password(request, colon, body_password_done);
		return;
	}
	if (!request->token || !*request->token)
	{
		request_fail_http(request, 413, http_too_large_for_unknown);
		return;
	}
	if (!verify(request, &identity))
		return;
	free(identity.kuid);
	free(identity.role);
	let_body_come(request);
}

static void
body_password_done(Request *request, const char *user, LoginResult result)
{
	(void) user;
	if (result == LOGIN_GOOD)
		let_body_come(request);
	else
		fail_login(request, result);
}

static void
let_body_come(Request *request)
{
	Client	   *client = request->client;

	request_discard(request);
	if (client)
		client_trust(client);
}

/*
 * Milvus' tokens are a user and a password.
 */
static void
admit_password(Request *request, const char *colon)
{
	check_password(request, colon, password_done);
}

static void
check_password(Request *request, const char *colon, LoginDone done)
{
	char	   *user = copy_bytes(request->token, colon - request->token);
	char	   *password = copy_string(colon + 1);

	request->remembered = remembered_has(user, password);
	if (request->remembered)
		done(request, user, LOGIN_GOOD);
	else
		login_check(request, user, password, done);
	explicit_bzero(password, strlen(password));
	free(password);
	free(user);
}

static void
password_done(Request *request, const char *user, LoginResult result)
{
	if (result == LOGIN_GOOD)
		run_as(request, user, user);
	else
		fail_login(request, result);
}

static void
fail_login(Request *request, LoginResult result)
{
	if (result == LOGIN_WRONG && request->protocol == MILVUS_HTTP)
		request_fail(request, &failure_unauthorized, NULL);
	else if (result == LOGIN_WRONG)
		request_fail(request, &failure_credentials, NULL);
	else if (result == LOGIN_FORBIDDEN)
		request_fail(request, &failure_forbidden, "this role may not connect to the database");
	else
		request_fail(request, result == LOGIN_OVERLOADED ? &failure_overloaded : &failure_unavailable, NULL);
}

/*
 * auth:login with the strategy "local".
 */
static void
log_in(Request *request)
{
	Slice		envelope = {buffer_data(&request->body), buffer_length(&request->body)};
	Slice		body = body_of(request);
	bool		local = request->envelope ? json_is_string(json_member(envelope, "strategy"), "local") :
	path_is(request, "/_login/local");
	char	   *user = json_decode_string(json_member(body, "username"));
	char	   *password = json_decode_string(json_member(body, "password"));

	if (!local)
		request_fail(request, &failure_argument, "The only authentication strategy is \"local\".");
	else if (!token_can_issue())
		request_fail(request, &failure_forbidden, "Tokens come from elsewhere: there is no login here.");
	else if (!user || !password)
		request_fail(request, &failure_argument, "Missing argument \"body.username\" or \"body.password\".");
	else
		login_check(request, user, password, login_done);
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
	free(user);
}

/*
 * The body in Kuzzle's sense.
 */
static Slice
body_of(const Request *request)
{
	Slice		whole = {buffer_data(&request->body), buffer_length(&request->body)};

	return request->envelope ? json_member(whole, "body") : whole;
}

static void
login_done(Request *request, const char *user, LoginResult result)
{
	int			lifetime = read_lifetime(request);
	int64_t		expires;
	Buffer		answer = {0};
	char	   *token;

	if (result != LOGIN_GOOD)
	{
		fail_login(request, result);
		return;
	}
	token = token_issue(user, lifetime, &expires);
	if (!token)
	{
		request_fail(request, &failure_error, "The token could not be signed.");
		return;
	}
	request->kuid = copy_string(user);
	trust_sender(request);
	buffer_append_string(&answer, "{\"_id\":");
	json_append_string(&answer, user);
	buffer_printf(&answer, ",\"expiresAt\":%lld,\"jwt\":\"%s\",\"ttl\":%lld}", (long long) expires, token,
				  lifetime * 1000LL);
	request_succeed(request, buffer_string(&answer));
	buffer_free(&answer);
	free(token);
}

/*
 * How long a token is to be good, in seconds: "expiresIn", if it is less than what is
 * configured.
 */
static int
read_lifetime(const Request *request)
{
	Slice		envelope = {buffer_data(&request->body), buffer_length(&request->body)};
	const char *query = strstr(request->target, "expiresIn=");
	double		seconds = 0;

	if (request->envelope)
	{
		Slice		value = json_member(envelope, "expiresIn");
		char	   *text = json_decode_string(value);

		if (!text && value.text)
			text = copy_bytes(value.text, value.length);
		seconds = text ? read_duration(text) : 0;
		free(text);
	}
	else if (query)
	{
		char	   *text = copy_string(query + strlen("expiresIn="));

		text[strcspn(text, "&#")] = '\0';
		seconds = read_duration(text);
		free(text);
	}
	return seconds >= 1 && seconds < config.token_lifetime ? (int) seconds : config.token_lifetime;
}

/*
 * Seconds of a number of milliseconds, or a number with a unit; 0 of anything else.
 */
static double
read_duration(const char *text)
{
	static const struct
	{
		const char *name;
		double		seconds;
	}			units[] = {{"", 0.001}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	char	   *unit;
	double		number = strtod(text, &unit);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return number * units[i].seconds;
	return 0;
}

/*
 * auth:checkToken of "token" in the body; none stands for the anonymous user.
 */
static void
check_token(Request *request)
{
	char	   *token = json_decode_string(json_member(body_of(request), "token"));
	Identity	identity;
	TokenState	state = token && *token ? token_verify(token, &identity) : TOKEN_BAD;
	Buffer		answer = {0};

	if (!token || !*token)
		buffer_append_string(&answer, "{\"expiresAt\":-1,\"kuid\":\"" ANONYMOUS "\",\"valid\":true}");
	else if (state == TOKEN_GOOD)
	{
		buffer_printf(&answer, "{\"expiresAt\":%lld,\"kuid\":", (long long) identity.expires);
		json_append_string(&answer, identity.kuid);
		buffer_append_string(&answer, ",\"valid\":true}");
		free(identity.kuid);
		free(identity.role);
		trust_sender(request);
	}
	else
		buffer_printf(&answer, "{\"state\":\"%s\",\"valid\":false}",
					  state == TOKEN_EXPIRED ? failure_expired.message : failure_token.message);
	request_succeed(request, buffer_string(&answer));
	buffer_free(&answer);
	free(token);
}

/*
 * auth:logout: the token of the request is good no longer.
 */
static void
log_out(Request *request)
{
	Identity	identity;
	TokenState	state = request->token && *request->token ? token_verify(request->token, &identity) : TOKEN_BAD;

	if (state != TOKEN_GOOD)
	{
		request_fail(request, request->token && *request->token ? &failure_token : &failure_unauthorized, NULL);
		return;
	}
	request->kuid = identity.kuid;
	free(identity.role);
	if (token_revoke(request->token, identity.expires))
		request_succeed(request, "{\"acknowledged\":true}");
	else
		request_fail(request, &failure_overloaded, NULL);
}
