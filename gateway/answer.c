/*
 * answer.c
 *	  What PostgreSQL says, to a client.
 *
 * kz answers requests that fail by themselves.  What comes here as an error is
 * PostgreSQL's own, and its class says whose matter it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "log.h"
#include "remembered.h"

static void answer_row(Request *request, const PGresult *result);
static const Failure *classify(const Request *request, const PGresult *result, const char *sqlstate, bool role_failed);
static bool is_unreadable(const PGresult *result, const char *sqlstate);
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

	if (status == PGRES_TUPLES_OK && PQntuples(result) == 1)
	{
		answer_row(request, result);
		return;
	}
	sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	if (result && !sqlstate)
	{
		/*
		 * It is of libpq, which has read the answer, but had no memory for
		 * it.
		 */
		log_message("no answer of the database: %s", PQresultErrorMessage(result));
		request_fail(request, &failure_memory, "The gateway has no memory for the answer; it is not known whether the request was done.");
		return;
	}
	failure = classify(request, result, sqlstate ? sqlstate : "", role_failed);
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

/*
 * A row has the body, its size, its status, and by HTTP its headers.  A body that is too
 * large has not been sent to us.  The status of a frame stands in its envelope too; the
 * log and the metrics want it.
 */
static void
answer_row(Request *request, const PGresult *result)
{
	const char *headers = PQnfields(result) > 3 ? PQgetvalue(result, 0, 3) : NULL;
	int			status = atoi(PQgetvalue(result, 0, 2));
	char		text[128];

	if (status < 100 || status > 599)
		status = failure_error.status;
	if (PQgetisnull(result, 0, 0) && !PQgetisnull(result, 0, 1))
	{
		snprintf(text, sizeof(text), "The answer has %s bytes, more than --max-answer allows; "
				 "what the request asked for is done.", PQgetvalue(result, 0, 1));
		request_fail(request, &failure_error, text);
	}
	else
		request_answer(request, status, headers, PQgetvalue(result, 0, 0), PQgetlength(result, 0, 0));
}

static const Failure *
classify(const Request *request, const PGresult *result, const char *sqlstate, bool role_failed)
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
	if (request->protocol == KUZZLE_WEBSOCKET && is_unreadable(result, sqlstate))
		return &failure_frame;
	if (is_class(sqlstate, "22") || is_class(sqlstate, "23"))
		return &failure_rejected;
	return &failure_error;
}

/*
 * Whether a frame is no JSON that the database can hold.  One without an encoding knows no
 * escapes of characters, and calls that a feature that it has not.
 */
static bool
is_unreadable(const PGresult *result, const char *sqlstate)
{
	const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

	return is_class(sqlstate, "22") || is_class(sqlstate, "54") ||
		(strcmp(sqlstate, "0A000") == 0 && function && strcmp(function, "pg_unicode_to_server") == 0);
}

static bool
is_class(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, 2) == 0;
}
