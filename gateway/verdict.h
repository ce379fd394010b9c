/*
 * verdict.h
 *	  What a server says to a login.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <libpq-fe.h>

#include "login.h"

extern LoginResult verdict_of(const PGconn *pg, char **reason);

#endif							/* VERDICT_H */
