/*
 * pool.h
 *	  The connections to the database: which of them does which request.
 */
#ifndef POOL_H
#define POOL_H

#include "connection.h"

extern void pool_open(void);
extern void pool_submit(Request *request);
extern void pool_dispatch(void);
extern void pool_give_up(void);
extern void pool_close(void);

/* For connections, to tell how they are. */
extern void pool_connected(Connection *connection);
extern void pool_answered(Connection *connection, const PGresult *result);
extern void pool_reset(Connection *connection, const PGresult *result);
extern void pool_rested(Connection *connection);
extern void pool_lost(Connection *connection, const char *reason, bool lasting, bool sent);
extern void pool_forget(Connection *connection);

#endif							/* POOL_H */
