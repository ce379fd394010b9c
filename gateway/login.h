/*
 * login.h
 *	  Passwords of PostgreSQL's roles.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include "request.h"

typedef enum LoginResult
{
	LOGIN_GOOD,
	LOGIN_WRONG,
	LOGIN_FORBIDDEN,			/* right, but the role may not connect */
	LOGIN_IMPOSSIBLE,			/* the server can't be asked */
	LOGIN_OVERLOADED			/* too many wait for theirs */
} LoginResult;

/* Takes the request over. */
typedef void (*LoginDone) (Request *request, const char *user, LoginResult result);

extern void login_check(Request *request, const char *user, const char *password, LoginDone done);
extern void login_give_up(void);
extern void login_close(void);

#endif							/* LOGIN_H */
