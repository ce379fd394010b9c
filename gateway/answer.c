/*
 * answer.c
 *	  What PostgreSQL says, to a client.
 *
 * kz answers requests that fail by themselves.  What comes here as an error is
 * PostgreSQL's own, and its class says whose matter it is.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "log.h"
#include "remembered.h"

static const Failure *classify(const Request *request, const char *sqlstate, bool role_failed);
static bool is_class(const char *sqlstate, const char *class);

/*
 * Answer a request from the result of its call.  If its role could not be set, the
 * result is the error of that.
 */
void
answer_from_result(Request *request, const PGresult *result, bool role_failed)
{
	ExecStatusType status = PQresultStatus(result);
	const Failure *failure;
	const char *sqlstate;
	const char *message;

	if (status == PGRES_TUPLES_OK && PQntuples(result) == 1 && request->protocol == KUZZLE_WEBSOCKET)
	{
		request_answer(request, 200, NULL, PQgetvalue(result, 0, 0), PQgetlength(result, 0, 0));
		return;
	}
	if (status == PGRES_TUPLES_OK && PQntuples(result) == 1 && PQnfields(result) == 3)
	{
		request_answer(request, atoi(PQgetvalue(result, 0, 0)), PQgetvalue(result, 0, 1),
					   PQgetvalue(result, 0, 2), PQgetlength(result, 0, 2));
		return;
	}
	sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	failure = classify(request, sqlstate ? sqlstate : "", role_failed);
	if (role_failed)
	{
		remembered_forget(request->role, NULL);
		if (request->remembered && failure == &failure_forbidden)
		{
			request_fail(request, &failure_unauthorized, NULL);
			return;
		}
	}
	if (failure->status >= 500)
		log_message("error %s of the database: %s", sqlstate ? sqlstate : "unknown", message ? message : "");
	if (failure == &failure_frame)
		request_forget_id(request);
	request_fail(request, failure, message);
}

static const Failure *
classify(const Request *request, const char *sqlstate, bool role_failed)
{
	if (role_failed && (is_class(sqlstate, "42") || is_class(sqlstate, "22")))
		return &failure_forbidden;
	if (strcmp(sqlstate, "42501") == 0)
		return &failure_forbidden;
	if (strcmp(sqlstate, "57014") == 0)
		return &failure_too_slow;
	if (is_class(sqlstate, "08") || is_class(sqlstate, "40") || is_class(sqlstate, "53") ||
		is_class(sqlstate, "57") || strcmp(sqlstate, "55P03") == 0)
		return &failure_unavailable;
	if (request->protocol == KUZZLE_WEBSOCKET && (is_class(sqlstate, "22") || is_class(sqlstate, "54")))
		return &failure_frame;
	if (is_class(sqlstate, "22") || is_class(sqlstate, "23"))
		return &failure_rejected;
	return &failure_error;
}

static bool
is_class(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, 2) == 0;
}
