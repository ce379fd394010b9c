/*
 * auth.h
 *	  Who asks, and as which role of PostgreSQL.
 */
#ifndef AUTH_H
#define AUTH_H

#include "request.h"

extern void auth_open(void);
extern void auth_admit(Request *request);
extern void auth_admit_body(Request *request);
extern void auth_give_up(void);
extern void auth_close(void);

#endif							/* AUTH_H */
