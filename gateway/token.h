/*
 * token.h
 *	  Tokens that say who a client is: JSON Web Tokens.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stdint.h>

typedef enum TokenState
{
	TOKEN_GOOD,
	TOKEN_BAD,
	TOKEN_EXPIRED
} TokenState;

/* What a good token says; the strings are the caller's. */
typedef struct Identity
{
	char	   *kuid;
	char	   *role;
	int64_t		expires;		/* ms since 1970 */
} Identity;

extern void token_open(void);
extern TokenState token_verify(const char *token, Identity *identity);
extern bool token_can_issue(void);
extern char *token_issue(const char *user, int lifetime, int64_t *expires);
extern bool token_revoke(const char *token, int64_t expires);
extern void token_close(void);

#endif							/* TOKEN_H */
