/*
 * connection.h
 *	  A connection to the database.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <libpq-fe.h>

#include "intake.h"
#include "loop.h"
#include "request.h"

typedef enum ConnectionState
{
	CONNECTION_DOWN,			/* the timer brings it back */
	CONNECTION_CONNECTING,
	CONNECTION_ASKING,			/* where kz is */
	CONNECTION_PREPARING,
	CONNECTION_IDLE,
	CONNECTION_RESETTING,		/* its request, if it has one, is not sent yet */
	CONNECTION_RUNNING
} ConnectionState;

typedef struct Connection
{
	ConnectionState state;
	PGconn	   *pg;
	Watch		watch;
	Timer		timer;
	int			retry;			/* ms until the next attempt */
	Request    *request;		/* NULL: none, or it was given up */
	PGresult   *result;			/* the last, or the first that is an error */
	bool		in_call;		/* what comes is about the call, not the role */
	bool		role_failed;
	bool		renewing;		/* there will be another session at once */
	bool		failed;			/* its last request did */
	bool		used;			/* since its session was reset */
	int64_t		used_since;
	char	   *role;			/* of those who used it; NULL: the gateway's */
	Intake		intake;
	struct Connection *next_idle;	/* of the pool */
} Connection;

extern void connection_open(Connection *connection);
extern void connection_rest(Connection *connection);
extern void connection_hold(Connection *connection, Request *request);
extern Request *connection_release(Connection *connection);
extern bool connection_must_reset(const Connection *connection, const Request *request);
extern bool connection_is_settled(const Connection *connection);
extern void connection_send(Connection *connection);
extern void connection_reset(Connection *connection);
extern bool connection_is_free(const Connection *connection);
extern void connection_renew(Connection *connection, const char *reason);
extern void connection_hurry(Connection *connection);
extern void connection_close(Connection *connection);

#endif							/* CONNECTION_H */
