/*
 * pool.c
 *	  The connections to the database: which of them does which request.
 *
 * A connection has one request at a time, so a slow one holds nobody up but itself.
 * Requests that find no connection wait for their client's turn.
 *
 * If a connection breaks under a request, nobody knows what became of it, and that is
 * the answer: it is not sent again.  A session that has undone a request for a reason
 * of its own is given up, and another gets the request.
 *
 * libpq keeps the memory of the largest thing that went through a connection, so while
 * memory is short, connections that have much of it are made anew.
 */
#include <stdlib.h>

#include "answer.h"
#include "config.h"
#include "connection.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "pool.h"
#include "session.h"
#include "turn.h"

static Connection *connections;
static Connection *idle;		/* used last: first; but failed: last */
static bool here;				/* it was told that there is a connection */
static bool away;				/* that there is none */
static bool missing;			/* that some can't be made */
static bool ended;				/* nothing is begun any more */

static void become_idle(Connection *connection);
static void refuse(Request *request);
static bool is_there(void);
static void make_anew(void);
static Connection *take_idle(const Request *request);
static void tell_lost(const char *reason);
static void tell_ready(void);

/*
 * Begin to connect.
 */
void
pool_open(void)
{
	session_open();
	connections = allocate(config.connections * sizeof(Connection));
	for (int i = 0; i < config.connections; i++)
		connection_open(&connections[i]);
}

/*
 * A connection can work: the others may try again at once.
 */
void
pool_connected(Connection *connection)
{
	tell_ready();
	for (int i = 0; metrics.connections == 1 && i < config.connections; i++)
		connection_hurry(&connections[i]);
	become_idle(connection);
	pool_dispatch();
}

/*
 * Wait for a request.  A session that has failed is not the first to get one: what
 * fails at once would get them all.
 */
static void
become_idle(Connection *connection)
{
	Connection **at = &idle;

	while (connection->failed && *at)
		at = &(*at)->next_idle;
	connection->next_idle = *at;
	*at = connection;
	connection_rest(connection);
}

/*
 * A request has its answer, unless it was refused by a session that the gateway's
 * statements have gone from: then it was not done, and another session gets it.
 */
void
pool_answered(Connection *connection, const PGresult *result)
{
	Request    *request = connection_release(connection);
	bool		role_failed = connection->role_failed;
	SessionHealth health = session_judge(connection->pg, result);

	connection->failed = PQresultStatus(result) == PGRES_FATAL_ERROR;
	if (health == SESSION_GOOD)
		become_idle(connection);
	else
		connection_renew(connection, connection->failed ? PQresultErrorMessage(result) : "its transaction has not ended");
	for (int i = 0; health == SESSION_MOVED && i < config.connections; i++)
		if (connection_is_free(&connections[i]))
			connection_renew(&connections[i], "kz has moved");
	if (health == SESSION_STALE && request && request->client && !request->large &&
		request->refused++ < config.connections)
	{
		pool_submit(request);
		request = NULL;
	}
	/* The server is not to wait for the client. */
	pool_dispatch();
	if (request)
		answer_from_result(request, result, role_failed);
}

/*
 * A connection has tried to reset its session; if that has failed, there will be
 * another.
 */
void
pool_reset(Connection *connection, const PGresult *result)
{
	Request    *request;

	if (!connection->used && connection->request)
	{
		connection_send(connection);
		return;
	}
	request = connection_release(connection);
	if (!connection->used)
		become_idle(connection);
	else
		connection_renew(connection, PQresultErrorMessage(result));
	if (request)
		pool_submit(request);
	pool_dispatch();
}

/*
 * A connection has had nothing to do for a while.
 */
void
pool_rested(Connection *connection)
{
	pool_forget(connection);
	connection_reset(connection);
}

/*
 * The server is lost to a connection.  Its request, if it was sent, may have been done.
 */
void
pool_lost(Connection *connection, const char *reason, bool lasting, bool sent)
{
	Request    *request = connection_release(connection);

	/* One that is there again soon is not worth a line. */
	if (lasting || !is_there())
		tell_lost(reason);
	if (request && sent)
		request_fail(request, &failure_unavailable,
					 "The connection to the database was lost; it is not known whether the request was done.");
	else if (request)
		pool_submit(request);
	pool_dispatch();
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
	else if (ended || !is_there())
		refuse(request);
	else if (metrics.waiting >= config.queue)
		request_fail(request, &failure_overloaded, NULL);
	else
		turn_wait(request);
}

/*
 * Answer that a request was not done, since nothing is begun any more or there is no
 * connection.
 */
static void
refuse(Request *request)
{
	request_fail(request, &failure_unavailable, ended ? "The gateway ends; the request was not done." : NULL);
}

/*
 * Give waiting requests to connections without one.  One that has waited as long as
 * it may take is not begun: nobody may be there any more for the answer.
 */
void
pool_dispatch(void)
{
	Request    *request;

	while ((ended || !is_there()) && (request = turn_next()))
		refuse(request);
	for (int i = 0; i < config.connections && intakes_that_wait > 0; i++)
		intake_resume(&connections[i].intake, &connections[i].watch);
	if (memory_is_short())
		make_anew();
	while (idle && (metrics.running == 0 || !memory_is_short()))
	{
		Connection *connection;

		if (connection_is_settled(idle))
			turn_favour(idle->role);
		request = turn_next();
		if (!request)
			break;
		if (request_age(request) > config.timeout * 1000L)
		{
			request_fail(request, &failure_overloaded, NULL);
			continue;
		}
		connection = take_idle(request);
		connection_hold(connection, request);
		if (connection_must_reset(connection, request))
			connection_reset(connection);
		else
			connection_send(connection);
	}
}

/*
 * Whether there is a connection, or will be at once.
 */
static bool
is_there(void)
{
	bool		there = metrics.connections > 0;

	for (int i = 0; !there && i < config.connections; i++)
		there = connections[i].renewing;
	return there;
}

/*
 * Give back what libpq keeps of idle connections, as long as memory is short.  It takes a
 * moment until they are there again, so the last one only if it has most of all there is.
 */
static void
make_anew(void)
{
	for (int i = 0; i < config.connections && memory_is_short(); i++)
	{
		size_t		kept = connections[i].intake.kept;

		if (connections[i].state == CONNECTION_IDLE && kept > 0 &&
			(metrics.connections > 1 || kept >= config.max_memory / 2))
			connection_renew(&connections[i], NULL);
	}
}

/*
 * The first idle connection that can do a request as it is, else the first.
 */
static Connection *
take_idle(const Request *request)
{
	Connection *connection = idle;

	while (connection && connection_must_reset(connection, request))
		connection = connection->next_idle;
	if (!connection)
		connection = idle;
	pool_forget(connection);
	return connection;
}

/*
 * A connection does not wait for a request any more.
 */
void
pool_forget(Connection *connection)
{
	Connection **at = &idle;

	while (*at && *at != connection)
		at = &(*at)->next_idle;
	if (*at)
		*at = connection->next_idle;
}

/*
 * Tell that there is no connection, or not as many as there should be: once, however
 * often it is tried.
 */
static void
tell_lost(const char *reason)
{
	if (metrics.connections == 0 && !away)
		log_message("no connection to the database: %s", reason);
	else if (metrics.connections > 0 && !missing)
		log_message("no connection to the database for %d of %d: %s",
					config.connections - metrics.connections, config.connections, reason);
	missing = true;
	if (metrics.connections == 0)
	{
		away = true;
		here = false;
	}
}

/*
 * Tell that the database is back, and that all connections are if some were missing
 * while others worked.
 */
static void
tell_ready(void)
{
	if (!here)
	{
		log_message("connected to the database");
		here = true;
		missing = away = false;
	}
	else if (missing && metrics.connections == config.connections)
	{
		log_message("connected to the database with all %d", config.connections);
		missing = false;
	}
}

/*
 * Answer all requests, begun or not, and begin no more.  What was begun is
 * PostgreSQL's to finish, until its timeout.
 */
void
pool_give_up(void)
{
	ended = true;
	for (int i = 0; i < config.connections; i++)
	{
		bool		sent = connections[i].state == CONNECTION_RUNNING;
		Request    *request = connection_release(&connections[i]);

		if (request && sent)
			request_fail(request, &failure_unavailable,
						 "The gateway ends; it is not known whether the request was done.");
		else if (request)
			refuse(request);
	}
	pool_dispatch();
}

/*
 * End all connections, for good.
 */
void
pool_close(void)
{
	for (int i = 0; i < config.connections; i++)
	{
		if (connections[i].request)
			request_discard(connection_release(&connections[i]));
		connection_close(&connections[i]);
	}
	free(connections);
	session_close();
}
