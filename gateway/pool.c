/*
 * pool.c
 *	  The connections to the database.
 *
 * A connection has one request at a time, so a slow one holds nobody up but itself.
 * Requests that find no connection wait for their client's turn.
 *
 * A request is one implicit transaction: what a connection is sent for it ends with a
 * Sync, and nothing is answered before PostgreSQL has answered that, since it is
 * where it commits.  Its role is set inside that transaction, and ends with it.
 *
 * No request is sent twice.  If a connection breaks under one, nobody knows what
 * became of it, and that is the answer.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "answer.h"
#include "config.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "pool.h"
#include "turn.h"

#define FIRST_RETRY 100			/* ms */
#define LAST_RETRY 5000
#define CONNECT_TIMEOUT 10000
#define GRACE 5000				/* for the server to cancel a request itself */

/*
 * Sets the role of a password that is remembered, if that could still log in; no role
 * is called "", which fails like any that there is not.
 */
#define SET_REMEMBERED_ROLE \
	"SELECT pg_catalog.set_config('role', COALESCE((SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r" \
	" WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text AND r.rolcanlogin" \
	" AND COALESCE(r.rolvaliduntil OPERATOR(pg_catalog.>) pg_catalog.now(), true)), ''), true)"

typedef enum ConnectionState
{
	CONNECTION_DOWN,			/* the timer brings it back */
	CONNECTION_CONNECTING,
	CONNECTION_ASKING,			/* where kz is */
	CONNECTION_PREPARING,
	CONNECTION_IDLE,
	CONNECTION_RUNNING
} ConnectionState;

typedef struct Connection
{
	ConnectionState state;
	PGconn	   *pg;
	Watch		watch;
	Timer		timer;
	int			retry;			/* ms until the next attempt */
	Request    *request;		/* of CONNECTION_RUNNING */
	PGresult   *result;			/* the last, or the first that is an error */
	bool		in_call;		/* what comes is about the call, not the role */
	bool		role_failed;
	struct Connection *next_idle;
} Connection;

static Connection *connections;
static Connection *idle;		/* the one used last first */

static void connect_now(void *owner);
static void connect_on(Connection *connection);
static void ask(Connection *connection);
static void prepare(Connection *connection);
static void ready(Connection *connection);
static void on_event(void *owner, uint32_t events);
static void on_timeout(void *owner);
static void read_results(Connection *connection);
static void keep_result(Connection *connection, PGresult *result);
static void on_sync(Connection *connection);
static bool send_out(Connection *connection);
static void send_request(Connection *connection, Request *request);
static void lost(Connection *connection, const char *reason);
static void leave_idle(Connection *connection);
static void bring_back(void);

/*
 * Begin to connect.
 */
void
pool_open(void)
{
	connections = allocate(config.connections * sizeof(Connection));
	for (int i = 0; i < config.connections; i++)
	{
		Connection *connection = &connections[i];

		connection->watch = (Watch)
		{
			.fd = -1,.ready = on_event,.owner = connection
		};
		connection->timer.owner = connection;
		connection->retry = FIRST_RETRY;
		connect_now(connection);
	}
}

static void
connect_now(void *owner)
{
	static const char *const keywords[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
	const char *const values[] = {config.database, "kz-gateway", "UTF8", NULL};
	Connection *connection = owner;

	connection->pg = PQconnectStartParams(keywords, values, 1);
	if (!connection->pg)
		abort();
	PQsetNoticeProcessor(connection->pg, log_notice, NULL);
	connection->state = CONNECTION_CONNECTING;
	connection->timer.expired = on_timeout;
	timer_set(&connection->timer, CONNECT_TIMEOUT);
	if (PQstatus(connection->pg) == CONNECTION_BAD)
		lost(connection, PQerrorMessage(connection->pg));
	else
		watch_set(&connection->watch, PQsocket(connection->pg), EPOLLOUT);
}

/*
 * Go on connecting.
 */
static void
connect_on(Connection *connection)
{
	switch (PQconnectPoll(connection->pg))
	{
		case PGRES_POLLING_READING:
			watch_set(&connection->watch, PQsocket(connection->pg), EPOLLIN);
			break;
		case PGRES_POLLING_WRITING:
			watch_set(&connection->watch, PQsocket(connection->pg), EPOLLOUT);
			break;
		case PGRES_POLLING_OK:
			ask(connection);
			break;
		default:
			lost(connection, PQerrorMessage(connection->pg));
	}
}

/*
 * Set what holds for the session, and ask for the schema that kz is in, so that no
 * search_path matters.
 */
static void
ask(Connection *connection)
{
	PGconn	   *pg = connection->pg;
	char		timeout[32];
	const char *values[] = {timeout};

	snprintf(timeout, sizeof(timeout), "%ds", config.timeout);
	connection->state = CONNECTION_ASKING;
	if (PQsetnonblocking(pg, 1) != 0 || !PQenterPipelineMode(pg) ||
		!PQsendQueryParams(pg, "SELECT n.nspname, pg_catalog.set_config('statement_timeout', $1, false)"
						   " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n"
						   " ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
						   " WHERE e.extname OPERATOR(pg_catalog.=) 'kz'",
						   1, NULL, values, NULL, NULL, 0) ||
		!PQpipelineSync(pg) || !send_out(connection))
		lost(connection, PQerrorMessage(pg));
}

/*
 * Prepare the statements, when it is known where kz is.
 */
static void
prepare(Connection *connection)
{
	PGconn	   *pg = connection->pg;
	PGresult   *result = connection->result;
	char	   *schema;
	Buffer		http = {0};
	Buffer		envelope = {0};

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
	{
		lost(connection, PQresultStatus(result) == PGRES_TUPLES_OK ?
			 "the database has no extension kz" : PQresultErrorMessage(result));
		return;
	}
	schema = PQescapeIdentifier(pg, PQgetvalue(result, 0, 0), PQgetlength(result, 0, 0));
	if (!schema)
		abort();
	buffer_printf(&http, "SELECT status, headers, body FROM %s.kz_http($1, $2, $3, $4, $5)", schema);
	buffer_printf(&envelope, "SELECT a OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('room', "
				  "a OPERATOR(pg_catalog.->) 'requestId') FROM %s.kz_request($1, $2) a", schema);
	PQfreemem(schema);
	buffer_append(&http, "", 1);
	buffer_append(&envelope, "", 1);
	connection->state = CONNECTION_PREPARING;
	if (!PQsendPrepare(pg, "role", "SELECT pg_catalog.set_config('role', $1, true)", 1, NULL) ||
		!PQsendPrepare(pg, "remembered", SET_REMEMBERED_ROLE, 1, NULL) ||
		!PQsendPrepare(pg, "http", buffer_data(&http), 5, NULL) ||
		!PQsendPrepare(pg, "request", buffer_data(&envelope), 2, NULL) ||
		!PQpipelineSync(pg) || !send_out(connection))
		lost(connection, PQerrorMessage(pg));
	buffer_free(&http);
	buffer_free(&envelope);
}

/*
 * A connection that can work: the others may try again at once.
 */
static void
ready(Connection *connection)
{
	if (PQresultStatus(connection->result) != PGRES_COMMAND_OK)
	{
		lost(connection, PQresultErrorMessage(connection->result));
		return;
	}
	if (metrics.connections++ == 0)
	{
		log_message("connected to the database");
		bring_back();
	}
	connection->state = CONNECTION_IDLE;
	connection->retry = FIRST_RETRY;
	timer_clear(&connection->timer);
	connection->next_idle = idle;
	idle = connection;
}

static void
on_event(void *owner, uint32_t events)
{
	Connection *connection = owner;

	if (connection->state == CONNECTION_CONNECTING)
	{
		connect_on(connection);
		return;
	}
	if (events & ~EPOLLOUT && !PQconsumeInput(connection->pg))
	{
		lost(connection, PQerrorMessage(connection->pg));
		return;
	}
	if (!send_out(connection))
		lost(connection, PQerrorMessage(connection->pg));
	else
		read_results(connection);
}

static void
on_timeout(void *owner)
{
	Connection *connection = owner;

	lost(connection, connection->state == CONNECTION_RUNNING ?
		 "the server does not answer" : "the server does not answer in time");
}

/*
 * Read the results that are there, up to the Sync, behind which there are none.
 */
static void
read_results(Connection *connection)
{
	int			nulls = 0;

	while (connection->pg && connection->state != CONNECTION_IDLE && nulls < 2 && !PQisBusy(connection->pg))
	{
		PGresult   *result = PQgetResult(connection->pg);

		nulls = result ? 0 : nulls + 1;
		if (!result)
			connection->in_call = true;
		else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
		{
			PQclear(result);
			on_sync(connection);
			nulls = 0;
		}
		else
			keep_result(connection, result);
	}
	if (connection->pg && connection->state == CONNECTION_IDLE)
	{
		/* Nothing but notices is to come here, and the end. */
		PGresult   *result = PQisBusy(connection->pg) ? NULL : PQgetResult(connection->pg);

		PQclear(result);
		if (PQstatus(connection->pg) == CONNECTION_BAD)
			lost(connection, PQerrorMessage(connection->pg));
	}
}

/*
 * The last result counts, but the first error of a request before it.
 */
static void
keep_result(Connection *connection, PGresult *result)
{
	ExecStatusType kept = PQresultStatus(connection->result);

	if (connection->result && kept != PGRES_TUPLES_OK && kept != PGRES_COMMAND_OK)
		PQclear(result);
	else
	{
		PQclear(connection->result);
		connection->result = result;
		if (PQresultStatus(result) == PGRES_FATAL_ERROR && !connection->in_call)
			connection->role_failed = true;
	}
}

/*
 * All that was sent together is answered, and the transaction is over.
 */
static void
on_sync(Connection *connection)
{
	Request    *request = connection->request;
	PGresult   *result = connection->result;
	bool		role_failed = connection->role_failed;

	switch (connection->state)
	{
		case CONNECTION_ASKING:
			prepare(connection);
			break;
		case CONNECTION_PREPARING:
			ready(connection);
			break;
		case CONNECTION_RUNNING:
			connection->state = CONNECTION_IDLE;
			connection->request = NULL;
			connection->next_idle = idle;
			idle = connection;
			metrics.running--;
			timer_clear(&connection->timer);
			connection->result = NULL;
			/* The server is not to wait for the client. */
			pool_dispatch();
			answer_from_result(request, result, role_failed);
			PQclear(result);
			return;
		default:
			break;
	}
	PQclear(connection->result);
	connection->result = NULL;
}

/*
 * Send what libpq has to send, as far as that goes; false if the connection is
 * broken.
 */
static bool
send_out(Connection *connection)
{
	int			rest = PQflush(connection->pg);
	uint32_t	events = rest > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;

	if (rest < 0)
		return false;
	if (connection->watch.events != events || connection->watch.fd != PQsocket(connection->pg))
		watch_set(&connection->watch, PQsocket(connection->pg), events);
	return true;
}

/*
 * Have a request done when there is a connection for it; or answer it at once, if
 * there is none that works or too many wait already.
 */
void
pool_submit(Request *request)
{
	if (metrics.waiting >= config.queue)
		pool_dispatch();
	if (!request->client)
		request_discard(request);
	else if (metrics.connections == 0)
		request_fail(request, &failure_unavailable, NULL);
	else if (metrics.waiting >= config.queue)
		request_fail(request, &failure_overloaded, NULL);
	else
		turn_wait(request);
}

/*
 * Give waiting requests to connections without one.  One that has waited as long as
 * it may take is not begun: nobody may be there any more for the answer.
 */
void
pool_dispatch(void)
{
	Request    *request;

	while (metrics.connections == 0 && (request = turn_next()))
		request_fail(request, &failure_unavailable, NULL);
	while (idle && (request = turn_next()))
	{
		Connection *connection = idle;

		if (request_age(request) > config.timeout * 1000L)
		{
			request_fail(request, &failure_overloaded, NULL);
			continue;
		}
		idle = connection->next_idle;
		send_request(connection, request);
	}
}

static void
send_request(Connection *connection, Request *request)
{
	PGconn	   *pg = connection->pg;
	const char *role[] = {request->role};
	const char *set_role = request->remembered ? "remembered" : "role";
	bool		sent = !request->role || PQsendQueryPrepared(pg, set_role, 1, role, NULL, NULL, 0);

	connection->state = CONNECTION_RUNNING;
	connection->request = request;
	connection->in_call = !request->role;
	connection->role_failed = false;
	metrics.running++;
	timer_set(&connection->timer, config.timeout * 1000L + GRACE);
	*buffer_reserve(&request->body, 1) = '\0';
	if (request->protocol == KUZZLE_WEBSOCKET)
	{
		const char *values[] = {buffer_data(&request->body), request->kuid};

		sent = sent && PQsendQueryPrepared(pg, "request", 2, values, NULL, NULL, 0);
	}
	else
	{
		const char *values[] = {
			request->method, request->target, request->headers,
			buffer_length(&request->body) > 0 ? buffer_data(&request->body) : NULL, request->kuid
		};

		sent = sent && PQsendQueryPrepared(pg, "http", 5, values, NULL, NULL, 0);
	}
	if (!sent || !PQpipelineSync(pg) || !send_out(connection))
		lost(connection, PQerrorMessage(pg));
}

/*
 * A connection is of no more use.  Its request, if it has one, may have been done.
 */
static void
lost(Connection *connection, const char *reason)
{
	Request    *request = connection->request;
	bool		alive = connection->state >= CONNECTION_IDLE;

	if (alive)
	{
		metrics.connections--;
		metrics.connections_lost++;
	}
	if (connection->state == CONNECTION_IDLE)
		leave_idle(connection);
	if (connection->state == CONNECTION_RUNNING)
		metrics.running--;
	if (alive || connection->retry == FIRST_RETRY || connection->retry == LAST_RETRY)
		log_message("no connection to the database: %s", reason);
	watch_clear(&connection->watch);
	PQclear(connection->result);
	PQfinish(connection->pg);
	connection->result = NULL;
	connection->pg = NULL;
	connection->request = NULL;
	connection->state = CONNECTION_DOWN;
	connection->timer.expired = connect_now;
	timer_set(&connection->timer, connection->retry / 2 + rand() % connection->retry);
	connection->retry = connection->retry * 2 > LAST_RETRY ? LAST_RETRY : connection->retry * 2;
	if (request)
		request_fail(request, &failure_unavailable,
					 "The connection to the database was lost; it is not known whether the request was done.");
	pool_dispatch();
}

static void
leave_idle(Connection *connection)
{
	Connection **at = &idle;

	while (*at && *at != connection)
		at = &(*at)->next_idle;
	if (*at)
		*at = connection->next_idle;
}

/*
 * The server is back: no more patience is needed.
 */
static void
bring_back(void)
{
	for (int i = 0; i < config.connections; i++)
	{
		if (connections[i].state != CONNECTION_DOWN)
			continue;
		connections[i].retry = FIRST_RETRY;
		timer_set(&connections[i].timer, rand() % FIRST_RETRY);
	}
}

/*
 * End all connections, for good.
 */
void
pool_close(void)
{
	for (int i = 0; i < config.connections; i++)
	{
		Connection *connection = &connections[i];

		timer_clear(&connection->timer);
		watch_clear(&connection->watch);
		PQclear(connection->result);
		PQfinish(connection->pg);
		if (connection->request)
			request_discard(connection->request);
	}
	free(connections);
}
