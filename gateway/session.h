/*
 * session.h
 *	  What is said to a session of the database.
 */
#ifndef SESSION_H
#define SESSION_H

#include <libpq-fe.h>

#include "request.h"

/* What an answer says about the session that gave it. */
typedef enum SessionHealth
{
	SESSION_GOOD,
	SESSION_STALE,				/* it lacks our statements: nothing was done */
	SESSION_MOVED,				/* kz is not where it was */
	SESSION_BROKEN
} SessionHealth;

extern void session_open(void);
extern void session_close(void);
extern PGconn *session_connect(void);
extern bool session_ask(PGconn *pg);
extern bool session_prepare(PGconn *pg, const char *schema, size_t length);
extern bool session_call(PGconn *pg, Request *request);
extern bool session_reset(PGconn *pg);
extern SessionHealth session_judge(const PGconn *pg, const PGresult *result);

#endif							/* SESSION_H */
