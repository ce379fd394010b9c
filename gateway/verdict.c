/*
 * verdict.c
 *	  What a server says to a login.
 *
 * Whether a password is wrong or the server could not take anybody is told by the
 * SQLSTATE of its refusal, and by nothing else: a full server asks for passwords too.
 * libpq gives the SQLSTATE of a connection in its verbose message only.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

static const char *find_sqlstate(const char *line, const char *end);

/*
 * The verdict about a connection that has been made, or has failed, with
 * PQERRORS_VERBOSE; why, the caller's, unless it is good.
 */
LoginResult
verdict_of(const PGconn *pg, char **reason)
{
	const char *message = PQerrorMessage(pg);
	const char *sqlstate = NULL;

	*reason = NULL;
	if (PQstatus(pg) == CONNECTION_OK && PQconnectionUsedPassword(pg))
		return LOGIN_GOOD;
	if (PQstatus(pg) == CONNECTION_OK)
	{
		*reason = copy_string("the server has not asked for the password of a login: see its pg_hba.conf");
		return LOGIN_WRONG;
	}
	*reason = copy_string(message);

	/*
	 * There are more of them where several hosts, or ways, were tried: the
	 * last counts.
	 */
	for (const char *line = message, *end; *line; line = *end ? end + 1 : end)
	{
		const char *found;

		end = line + strcspn(line, "\n");
		found = find_sqlstate(line, end);
		if (found)
		{
			sqlstate = found;
			free(*reason);
			*reason = copy_bytes(line, end - line);
		}
	}
	if (sqlstate && strncmp(sqlstate, "28", 2) == 0)
		return LOGIN_WRONG;
	return sqlstate && strncmp(sqlstate, "42501", 5) == 0 ? LOGIN_FORBIDDEN : LOGIN_IMPOSSIBLE;
}

/*
 * Where the SQLSTATE is in a line like "connection to server failed: FATAL:  28P01: why",
 * in whatever language; NULL if there is none.  It stands behind the first two blanks:
 * what follows may be of the client.
 */
static const char *
find_sqlstate(const char *line, const char *end)
{
	const char *at = memmem(line, end - line, ":  ", 3);
	size_t		n = 0;

	if (!at || end - at < 10)
		return NULL;
	at += 3;
	while (n < 5 && (isdigit((unsigned char) at[n]) || isupper((unsigned char) at[n])))
		n++;
	return n == 5 && strncmp(at + 5, ": ", 2) == 0 ? at : NULL;
}
