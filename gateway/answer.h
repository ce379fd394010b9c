/*
 * answer.h
 *	  What PostgreSQL says, to a client.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <libpq-fe.h>

#include "request.h"

extern void answer_from_result(Request *request, const PGresult *result, bool role_failed);

#endif							/* ANSWER_H */
