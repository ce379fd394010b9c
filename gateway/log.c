/*
 * log.c
 *	  What is told on standard error.
 *
 * Neither bodies nor credentials are, nor the query of a target, where people put
 * them.  Lines are written once a round of the loop.  If nobody reads them, they are
 * dropped rather than waited for.
 */
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "log.h"
#include "request.h"
#include "text.h"

#define LARGEST_BACKLOG (1024 * 1024)
#define LONGEST_TARGET 512

static Buffer lines;

static bool is_json(void);
static void append_time(void);
static void append_field(const char *name, const char *value);

/*
 * Tell something that is about no request.
 */
void
log_message(const char *format,...)
{
	char		text[1024];
	va_list		arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	append_time();
	append_field("message", text);
	buffer_append_string(&lines, is_json() ? "}\n" : "\n");
}

/*
 * Tell of a request that has got its answer.
 */
void
log_request(const Request *request, int status, size_t bytes, double ms)
{
	const char *target = request->target ? request->target : "-";
	size_t		length = strcspn(target, "?#");
	char	   *path;

	if (strcmp(config.log_requests, "none") == 0 || (strcmp(config.log_requests, "errors") == 0 && status < 500))
		return;
	if (length > LONGEST_TARGET)
		for (length = LONGEST_TARGET; (target[length] & 0xc0) == 0x80;)
			length--;
	path = copy_bytes(target, length);
	append_time();
	append_field("client", request->address);
	if (request->forwarded)
		append_field("forwarded", request->forwarded);
	append_field("method", request->method ? request->method : "-");
	append_field("target", path);
	append_field("kuid", request->kuid ? request->kuid : "-");
	if (request->problem)
		append_field("problem", request->problem);
	buffer_printf(&lines, is_json() ? ",\"status\":%d,\"ms\":%.3f,\"bytes\":%zu}\n" : " status=%d ms=%.3f bytes=%zu\n",
				  status, ms, bytes);
	free(path);
}

static bool
is_json(void)
{
	return strcmp(config.log_format, "json") == 0;
}

static void
append_time(void)
{
	struct timespec now;
	struct tm	utc;
	char		text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	buffer_printf(&lines, is_json() ? "{\"time\":\"%s.%03ldZ\"" : "%s.%03ldZ",
				  text, now.tv_nsec / 1000000);
}

static void
append_field(const char *name, const char *value)
{
	buffer_printf(&lines, is_json() ? ",\"%s\":" : " %s=", name);
	json_append_line(&lines, value);
}

/*
 * Tell what libpq would print of a connection.
 */
void
log_notice(void *owner, const char *text)
{
	(void) owner;
	log_message("the database says: %.*s", (int) strcspn(text, "\n"), text);
}

/*
 * Write what has come together, as far as there is room for it.  Others may share
 * standard error, so it is left as it is; a write of this size does not wait.
 */
void
log_flush(void)
{
	while (buffer_length(&lines) > 0)
	{
		struct pollfd room = {.fd = STDERR_FILENO,.events = POLLOUT};
		size_t		size = buffer_length(&lines) < PIPE_BUF ? buffer_length(&lines) : PIPE_BUF;
		ssize_t		n = poll(&room, 1, 0) == 1 ? write(STDERR_FILENO, buffer_data(&lines), size) : -1;

		if (n < 0)
			break;
		buffer_consume(&lines, n);
	}
	if (buffer_length(&lines) > LARGEST_BACKLOG)
		buffer_free(&lines);
}

void
log_close(void)
{
	buffer_free(&lines);
}
