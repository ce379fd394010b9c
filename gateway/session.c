/*
 * session.c
 *	  What is said to a session of the database.
 *
 * Requests run code that we don't know: triggers, functions, policies.  It can leave
 * in a session what it likes, so this is what we trust there: the unnamed statement,
 * which nothing but the protocol can replace, and through it that those with names
 * are ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "session.h"

/*
 * The first step of a reset, as the unnamed statement.  Whatever the search_path has
 * become must not matter, nor who was the current user.  If code has prepared a
 * statement, or has removed one of ours, it fails, and what was sent behind it is not
 * done: one may stand under a name of ours.
 */
static const char reset_first[] =
"SELECT pg_catalog.set_config('session_authorization', NULL, false),"
" pg_catalog.set_config('role', NULL, false),"
" pg_catalog.pg_advisory_unlock_all(),"
" (SELECT CASE WHEN pg_catalog.count(*) FILTER (WHERE from_sql) OPERATOR(pg_catalog.>) 0"
" OR pg_catalog.count(*) FILTER (WHERE NOT from_sql) OPERATOR(pg_catalog.<>) %d"
" THEN pg_catalog.int4in(pg_catalog.textout(pg_catalog.concat('prepared statements were changed; there are: ',"
" pg_catalog.string_agg(name, ' ')))) END FROM pg_catalog.pg_prepared_statement())";

typedef struct Statement
{
	const char *name;
	const char *text;
} Statement;

/* The other steps.  Settings return to what the connection began with. */
static const Statement reset_steps[] = {
	{"reset cursors", "CLOSE ALL"},
	{"reset channels", "UNLISTEN *"},
	{"reset tables", "DISCARD TEMP"},
	{"reset sequences", "DISCARD SEQUENCES"},
	{"reset settings", "RESET ALL"}
};

/*
 * Sets the role of a password that is remembered, if that could still log in; no role
 * is called "", which fails like any that there is not.
 */
#define SET_REMEMBERED_ROLE \
	"SELECT pg_catalog.set_config('role', COALESCE((SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r" \
	" WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text AND r.rolcanlogin" \
	" AND COALESCE(r.rolvaliduntil OPERATOR(pg_catalog.>) pg_catalog.now(), true)), ''), true)"

/* A body that is not too large, and how large it is. */
#define LIMITED_BODY \
	"CASE WHEN pg_catalog.octet_length(body) OPERATOR(pg_catalog.<=) %zu THEN body END, pg_catalog.octet_length(body)"

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

static char *options;

static bool prepare_all(PGconn *pg, const Statement *statements, int n);
static const char *find_option(const PQconninfoOption *list, const char *keyword);

/*
 * Find out the settings of our connections: those that --database, a service file or
 * PGOPTIONS have, then our own, which count more.
 */
void
session_open(void)
{
	PQconninfoOption *given = PQconninfoParse(config.database, NULL);
	PQconninfoOption *defaults;
	const char *service = find_option(given, "service");
	const char *theirs = find_option(given, "options");
	Buffer		all = {0};

	/* Only of the service of the environment libpq tells what its file says. */
	if (service)
		setenv("PGSERVICE", service, 1);
	defaults = PQconndefaults();
	if (!theirs)
		theirs = find_option(defaults, "options");
	buffer_printf(&all, "%s -c statement_timeout=%ds", theirs ? theirs : "", config.timeout);
	options = buffer_take_string(&all);
	PQconninfoFree(given);
	PQconninfoFree(defaults);
}

static const char *
find_option(const PQconninfoOption *list, const char *keyword)
{
	for (; list && list->keyword; list++)
		if (strcmp(list->keyword, keyword) == 0)
			return list->val;
	return NULL;
}

void
session_close(void)
{
	free(options);
}

/*
 * Begin to connect.  What is set here, and not later, is what RESET returns to.  NULL if
 * there is no memory.
 */
PGconn *
session_connect(void)
{
	static const char *const keywords[] = {"dbname", "options", "fallback_application_name", "client_encoding", NULL};
	const char *const values[] = {config.database, options, "kz-gateway", "UTF8", NULL};
	PGconn	   *pg = PQconnectStartParams(keywords, values, 1);

	if (pg)
		PQsetNoticeProcessor(pg, log_notice, NULL);
	return pg;
}

/*
 * Ask for the schema that kz is in, so that no search_path matters.
 */
bool
session_ask(PGconn *pg)
{
	return PQsetnonblocking(pg, 1) == 0 && PQenterPipelineMode(pg) &&
		PQsendQueryParams(pg, "SELECT n.nspname"
						  " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n"
						  " ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
						  " WHERE e.extname OPERATOR(pg_catalog.=) 'kz'",
						  0, NULL, NULL, NULL, NULL, 0) &&
		PQpipelineSync(pg);
}

/*
 * Prepare the statements, with kz in this schema.
 */
bool
session_prepare(PGconn *pg, const char *schema, size_t length)
{
	char	   *quoted = PQescapeIdentifier(pg, schema, length);
	Buffer		http = {0};
	Buffer		envelope = {0};
	Buffer		first = {0};
	bool		sent;

	if (!quoted)
		return false;
	buffer_printf(&http, "SELECT " LIMITED_BODY ", status, headers FROM %s.kz_http($1, $2, $3, $4, $5)",
				  config.max_answer, quoted);
	buffer_printf(&envelope, "SELECT " LIMITED_BODY ", status FROM (SELECT (a OPERATOR(pg_catalog.||) "
				  "pg_catalog.jsonb_build_object('room', a OPERATOR(pg_catalog.->) 'requestId'))::pg_catalog.text AS body, "
				  "a OPERATOR(pg_catalog.->>) 'status' AS status FROM %s.kz_request($1, $2) a OFFSET 0) b",
				  config.max_answer, quoted);
	PQfreemem(quoted);
	{
		const Statement calls[] = {
			{"role", "SELECT pg_catalog.set_config('role', $1, true)"},
			{"remembered", SET_REMEMBERED_ROLE},
			{"http", buffer_string(&http)},
			{"request", buffer_string(&envelope)}
		};

		buffer_printf(&first, reset_first, LENGTH(calls) + LENGTH(reset_steps));
		sent = PQsendPrepare(pg, "", buffer_string(&first), 0, NULL) &&
			prepare_all(pg, calls, LENGTH(calls)) && prepare_all(pg, reset_steps, LENGTH(reset_steps));
	}
	buffer_free(&http);
	buffer_free(&envelope);
	buffer_free(&first);
	return sent && PQpipelineSync(pg);
}

static bool
prepare_all(PGconn *pg, const Statement *statements, int n)
{
	bool		sent = true;

	for (int i = 0; i < n; i++)
		sent = sent && PQsendPrepare(pg, statements[i].name, statements[i].text, 0, NULL);
	return sent;
}

/*
 * Have a request done, as one transaction: its role, if it has one, and the call.
 */
bool
session_call(PGconn *pg, Request *request)
{
	const char *role[] = {request->role};
	const char *set_role = request->remembered ? "remembered" : "role";
	bool		sent = !request->role || PQsendQueryPrepared(pg, set_role, 1, role, NULL, NULL, 0);

	if (request->protocol == KUZZLE_WEBSOCKET)
	{
		const char *values[] = {buffer_string(&request->body), request->kuid};

		sent = sent && PQsendQueryPrepared(pg, "request", 2, values, NULL, NULL, 0);
	}
	else
	{
		const char *values[] = {
			request->method, request->target, request->headers,
			buffer_length(&request->body) > 0 ? buffer_string(&request->body) : NULL, request->kuid
		};

		sent = sent && PQsendQueryPrepared(pg, "http", 5, values, NULL, NULL, 0);
	}
	return sent && PQpipelineSync(pg);
}

/*
 * Take out of a session what requests have left in it.  A transaction of its own:
 * deferred triggers have run, and what must not be rolled back isn't.
 */
bool
session_reset(PGconn *pg)
{
	bool		sent = PQsendQueryPrepared(pg, "", 0, NULL, NULL, NULL, 0);

	for (int i = 0; i < LENGTH(reset_steps); i++)
		sent = sent && PQsendQueryPrepared(pg, reset_steps[i].name, 0, NULL, NULL, NULL, 0);
	return sent && PQpipelineSync(pg);
}

/*
 * What the end of a request, and its result, say about the session.
 *
 * An error of a statement of ours, rather than of code that it runs, comes without a
 * context, which functions and queries of kz add to theirs.
 */
SessionHealth
session_judge(const PGconn *pg, const PGresult *result)
{
	static const char *const moved[] = {"42883", "3F000", NULL};
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

	if (PQtransactionStatus(pg) != PQTRANS_IDLE)
		return SESSION_BROKEN;
	if (!sqlstate)
		return SESSION_GOOD;
	if (strncmp(sqlstate, "XX", 2) == 0)
		return SESSION_BROKEN;
	if (strcmp(sqlstate, "25P02") == 0)
		return SESSION_STALE;
	if (PQresultErrorField(result, PG_DIAG_CONTEXT))
		return SESSION_GOOD;
	if (strcmp(sqlstate, "26000") == 0)
		return SESSION_STALE;
	if (strcmp(sqlstate, "0A000") == 0 && function && strcmp(function, "RevalidateCachedQuery") == 0)
		return SESSION_MOVED;
	for (int i = 0; moved[i]; i++)
		if (strcmp(sqlstate, moved[i]) == 0)
			return SESSION_MOVED;
	return SESSION_GOOD;
}
