/*
 * failure.c
 *	  Failures that are not for the database to tell.
 *
 * Their ids, numbers and statuses are in the catalogue that the extension has as well:
 * two catalogues would give one number two meanings.
 */
#include <stddef.h>

#include "request.h"

enum
{
#define KZ_ERROR_ROW(name, id, number, status, message, reason) ROW_##name,
#include "base/error_catalog.h"
#undef KZ_ERROR_ROW
};

enum
{
#define KZ_ERROR_ROW(name, id, number, status, message, reason) NUMBER_##name = number, STATUS_##name = status,
#include "base/error_catalog.h"
#undef KZ_ERROR_ROW
};

/* Arrays, because a constant can hold the address of their members. */
static const struct
{
	char		id[64];
	char		message[256];
}			rows[] = {
#define KZ_ERROR_ROW(name, id, number, status, message, reason) {id, message},
#include "base/error_catalog.h"
#undef KZ_ERROR_ROW
};

/* A row of the catalogue, with what Milvus' clients get, and with a text of ours for it. */
#define FAILURE_SAYS(name, milvus_code, bare, message) \
	{STATUS_##name, rows[ROW_##name].id, NUMBER_##name, milvus_code, bare, message}
#define FAILURE(name, milvus_code, bare) FAILURE_SAYS(name, milvus_code, bare, rows[ROW_##name].message)

const Failure failure_http = FAILURE(HTTP, 65535, true);
const Failure failure_too_large = FAILURE(TOO_LARGE, 65535, true);
const Failure failure_not_text = FAILURE_SAYS(BODY, 1801, true, "Unable to convert the HTTP body to JSON");
const Failure failure_timeout = FAILURE(HTTP_TIMEOUT, 10001, true);
const Failure failure_frame = FAILURE(WEBSOCKET, 65535, false);
const Failure failure_overloaded = FAILURE(OVERLOADED, 1807, false);
const Failure failure_unavailable = FAILURE(NOT_CONNECTED, 65535, false);
const Failure failure_too_slow = FAILURE(TIMEOUT, 10001, false);
const Failure failure_rejected = FAILURE_SAYS(BAD_REQUEST, 1100, false, "The database rejects the request.");
const Failure failure_error = FAILURE(UNEXPECTED, 65535, false);
const Failure failure_unauthorized = FAILURE(UNAUTHORIZED, 1800, false);
const Failure failure_forbidden = FAILURE(NO_RIGHT, 1401, false);
const Failure failure_token = FAILURE(TOKEN, 1800, false);
const Failure failure_expired = FAILURE(TOKEN_EXPIRED, 1800, false);
const Failure failure_credentials = FAILURE(CREDENTIALS, 1800, false);
const Failure failure_argument = FAILURE_SAYS(MISSING_ARGUMENT, 1802, false, "Missing argument");
