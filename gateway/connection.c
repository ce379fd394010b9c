/*
 * connection.c
 *	  A connection to the database: it is made, works, breaks, and is made again.
 *
 * A request is one implicit transaction: what is sent for it ends with a Sync, and
 * nothing is answered before PostgreSQL has answered that, since it is where it
 * commits.  Its role is set inside that transaction, and ends with it.
 *
 * What the requests of a role leave in a session is theirs alone.  It is reset, in a
 * transaction of its own, before it gets a request of another role; when it has
 * nothing to do; and every second, since then nothing is noticed of it.  A reset costs
 * half as much as a small request, so where all are busy each stays with a role for
 * some requests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "config.h"
#include "connection.h"
#include "log.h"
#include "metrics.h"
#include "pool.h"
#include "session.h"

#define FIRST_RETRY 100			/* ms */
#define LAST_RETRY 5000
#define LASTING 800				/* a retry after so long is no trifle */
#define CONNECT_TIMEOUT 10000
#define GRACE 5000				/* for the server to cancel a request itself */
#define RESET_IDLE 20			/* without a request */
#define RESET_FIRST 20			/* after the first use since the last, or if
								 * nobody of the role waits */
#define RESET_LAST 1000			/* after the first use since the last */
#define LONGEST_REASON 400

static void connect_now(void *owner);
static void connect_on(Connection *connection);
static void ask(Connection *connection);
static void prepare(Connection *connection, const PGresult *result);
static void ready(Connection *connection, const PGresult *result);
static void on_event(void *owner, uint32_t events);
static void on_timeout(void *owner);
static void read_results(Connection *connection);
static bool expects_results(const Connection *connection);
static void keep_result(Connection *connection, PGresult *result);
static void on_sync(Connection *connection);
static bool send_out(Connection *connection);
static void forget_use(Connection *connection);
static void lost(Connection *connection, const char *reason);
static void disconnect(Connection *connection);
static void shorten(char *line, const char *reason);

/*
 * Begin to connect; all of it is zero.
 */
void
connection_open(Connection *connection)
{
	connection->watch = (Watch)
	{
		.fd = -1,.ready = on_event,.owner = connection
	};
	connection->timer.owner = connection;
	connection->retry = FIRST_RETRY;
	connect_now(connection);
}

static void
connect_now(void *owner)
{
	Connection *connection = owner;

	connection->pg = session_connect();
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

static void
ask(Connection *connection)
{
	connection->state = CONNECTION_ASKING;
	if (!session_ask(connection->pg) || !send_out(connection))
		lost(connection, PQerrorMessage(connection->pg));
}

/*
 * Prepare the statements, when it is known where kz is.
 */
static void
prepare(Connection *connection, const PGresult *result)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
	{
		lost(connection, PQresultStatus(result) == PGRES_TUPLES_OK ?
			 "the database has no extension kz" : PQresultErrorMessage(result));
		return;
	}
	connection->state = CONNECTION_PREPARING;
	if (!session_prepare(connection->pg, PQgetvalue(result, 0, 0), PQgetlength(result, 0, 0)) ||
		!send_out(connection))
		lost(connection, PQerrorMessage(connection->pg));
}

/*
 * A connection that can work.
 */
static void
ready(Connection *connection, const PGresult *result)
{
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		lost(connection, PQresultErrorMessage(result));
		return;
	}
	metrics.connections++;
	connection->renewing = connection->failed = false;
	connection->retry = FIRST_RETRY;
	pool_connected(connection);
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
	if (events & ~EPOLLOUT && !intake_read(&connection->intake, &connection->watch, connection->pg))
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

	if (connection->state == CONNECTION_IDLE)
		pool_rested(connection);
	else
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
	PGnotify   *notification;

	/* Code that a request runs may LISTEN: nobody here does. */
	while ((notification = PQnotifies(connection->pg)))
		PQfreemem(notification);
	while (expects_results(connection) && nulls < 2 && !PQisBusy(connection->pg))
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
	}
	/* Also libpq itself gives up, where it has no memory for what comes. */
	if (connection->pg && PQstatus(connection->pg) == CONNECTION_BAD)
		lost(connection, PQerrorMessage(connection->pg));
}

static bool
expects_results(const Connection *connection)
{
	return connection->state >= CONNECTION_ASKING && connection->state != CONNECTION_IDLE;
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
	PGresult   *result = connection->result;

	connection->result = NULL;
	intake_end(&connection->intake);
	switch (connection->state)
	{
		case CONNECTION_ASKING:
			prepare(connection, result);
			break;
		case CONNECTION_PREPARING:
			ready(connection, result);
			break;
		case CONNECTION_RESETTING:
			if (session_judge(connection->pg, result) == SESSION_GOOD && PQresultStatus(result) == PGRES_COMMAND_OK)
				forget_use(connection);
			pool_reset(connection, result);
			break;
		case CONNECTION_RUNNING:
			pool_answered(connection, result);
			break;
		default:
			break;
	}
	PQclear(result);
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
	if (connection->intake.waits)
		events &= ~EPOLLIN;
	if (connection->watch.events != events || connection->watch.fd != PQsocket(connection->pg))
		watch_set(&connection->watch, PQsocket(connection->pg), events);
	return true;
}

/*
 * Wait for a request.
 */
void
connection_rest(Connection *connection)
{
	connection->state = CONNECTION_IDLE;
	if (connection->used)
		timer_set(&connection->timer, RESET_IDLE);
	else
		timer_clear(&connection->timer);
}

/*
 * Take a request, which then is to be sent.
 */
void
connection_hold(Connection *connection, Request *request)
{
	connection->request = request;
	metrics.running++;
}

/*
 * Hand back the request; NULL if there is none.
 */
Request *
connection_release(Connection *connection)
{
	Request    *request = connection->request;

	if (request)
		metrics.running--;
	connection->request = NULL;
	return request;
}

/*
 * Whether the session may hold what this request must not meet.  A large one must not
 * be refused by a session that lacks our statements, since its body is not kept to be
 * sent to another.
 */
bool
connection_must_reset(const Connection *connection, const Request *request)
{
	return connection->used &&
		(request->large || !request_is_as(request, connection->role) || loop_now() - connection->used_since > RESET_LAST);
}

/*
 * Whether it has been used for so short a while that it had better stay with its role.
 */
bool
connection_is_settled(const Connection *connection)
{
	return connection->used && loop_now() - connection->used_since < RESET_FIRST;
}

/*
 * Have the request that is held done.
 */
void
connection_send(Connection *connection)
{
	Request    *request = connection->request;
	bool		sent;

	if (!connection->used)
	{
		connection->used = true;
		connection->used_since = loop_now();
		connection->role = copy_string(request->role);
	}
	connection->state = CONNECTION_RUNNING;
	connection->in_call = !request->role;
	connection->role_failed = false;
	timer_set(&connection->timer, config.timeout * 1000L + GRACE);
	intake_begin(&connection->intake, request->size);
	sent = session_call(connection->pg, request);
	/* libpq has a copy. */
	if (request->large)
		request_forget_body(request);
	if (!sent || !send_out(connection))
		lost(connection, PQerrorMessage(connection->pg));
}

/*
 * Have the session be as it began; the request that is held, if there is one, waits.
 */
void
connection_reset(Connection *connection)
{
	connection->state = CONNECTION_RESETTING;
	timer_set(&connection->timer, GRACE);
	if (!session_reset(connection->pg) || !send_out(connection))
		lost(connection, PQerrorMessage(connection->pg));
}

static void
forget_use(Connection *connection)
{
	free(connection->role);
	connection->role = NULL;
	connection->used = false;
}

/*
 * The server is lost to a connection.
 */
static void
lost(Connection *connection, const char *reason)
{
	bool		sent = connection->state == CONNECTION_RUNNING;
	bool		lasting = connection->retry >= LASTING;
	char		line[LONGEST_REASON];

	shorten(line, reason);
	disconnect(connection);
	connection->timer.expired = connect_now;
	timer_set(&connection->timer, connection->retry / 2 + rand() % connection->retry);
	connection->retry = connection->retry * 2 > LAST_RETRY ? LAST_RETRY : connection->retry * 2;
	pool_lost(connection, line, lasting, sent);
}

/*
 * Whether there is a session, be it that it is still prepared, and no request in it.
 */
bool
connection_is_free(const Connection *connection)
{
	return connection->state >= CONNECTION_ASKING && connection->state != CONNECTION_RUNNING && !connection->request;
}

/*
 * A session is of no more use, though the server is there: have another in its place.
 * It holds no request.  No reason: there is nothing wrong with it, but it is large.
 */
void
connection_renew(Connection *connection, const char *reason)
{
	if (reason)
	{
		char		line[LONGEST_REASON];

		shorten(line, reason);
		log_message("a session of the database is given up: %s", line);
	}
	disconnect(connection);
	connection->renewing = true;
	connect_now(connection);
}

static void
disconnect(Connection *connection)
{
	if (connection->state == CONNECTION_IDLE)
		pool_forget(connection);
	if (connection->state >= CONNECTION_IDLE)
	{
		metrics.connections--;
		metrics.connections_lost++;
	}
	connection->renewing = false;
	forget_use(connection);
	intake_clear(&connection->intake);
	watch_clear(&connection->watch);
	PQclear(connection->result);
	PQfinish(connection->pg);
	connection->result = NULL;
	connection->pg = NULL;
	connection->state = CONNECTION_DOWN;
}

/*
 * The server is back: no more patience is needed.
 */
void
connection_hurry(Connection *connection)
{
	if (connection->state != CONNECTION_DOWN)
		return;
	connection->retry = FIRST_RETRY;
	timer_set(&connection->timer, rand() % FIRST_RETRY);
}

/*
 * End it for good.
 */
void
connection_close(Connection *connection)
{
	disconnect(connection);
	timer_clear(&connection->timer);
}

/*
 * One line of what libpq says in several.  It indents what is advice.
 */
static void
shorten(char *line, const char *reason)
{
	size_t		length = 0;

	for (const char *end; *reason; reason = *end ? end + 1 : end)
	{
		end = reason + strcspn(reason, "\n");
		if (*reason != '\t' && end > reason && length < LONGEST_REASON - 1)
			length += snprintf(line + length, LONGEST_REASON - length, "%s%.*s", length > 0 ? "; " : "",
							   (int) (end - reason), reason);
	}
	if (length == 0)
		line[0] = '\0';
}
