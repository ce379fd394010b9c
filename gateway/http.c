/*
 * http.c
 *	  HTTP/1.1: from bytes to messages, and answers to bytes.
 *
 * The target goes on as it was sent: in "a%2Fb" the slash is part of a name.  What
 * two readers could take for two things is refused, as whoever stands in front of us
 * may take it for the other: lengths that contradict each other, lines without a
 * carriage return, names with spaces, headers over several lines.  What nobody reads
 * in two ways is taken, though nobody should send it: bytes that are not UTF-8.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "header.h"
#include "http.h"
#include "text.h"

#define MAX_HEAD (16 * 1024)
#define MAX_TRAILER 4096
#define MAX_CHUNK_LINE 256

/* Of names, addresses and ports. */
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%:[]"

const char	http_too_large[] = "It is larger than the gateway's --max-body allows.";
const char	http_too_large_for_unknown[] = "Above 1 MB it takes a token or a password that is good.";

static bool asks_for_trust(const HttpReader *reader);
static bool bad(HttpReader *reader, int status, const char *problem);
static bool read_head(HttpReader *reader, Buffer *in);
static void read_origin(HttpReader *reader, const char *text, size_t length);
static bool read_request_line(HttpReader *reader, char *line, bool *old);
static bool is_target(const char *text);
static bool read_headers(HttpReader *reader, Headers *headers, char *lines);
static bool read_host(HttpReader *reader, const Headers *headers, bool old);
static bool read_framing(HttpReader *reader, const Headers *headers, bool old);
static bool read_length(HttpReader *reader, const char *length);
static void read_upgrade(HttpReader *reader, const Headers *headers);
static bool read_body(HttpReader *reader, Buffer *in);
static bool read_chunk(HttpReader *reader, Buffer *in);
static bool is_extension(const char *text, size_t length);
static bool read_chunk_end(HttpReader *reader, Buffer *in);
static bool read_trailer(HttpReader *reader, Buffer *in);

/*
 * Go on reading.  HTTP_COMPLETE: the message is there, http_reset() begins the next.
 * HTTP_BAD: status and problem are set, and nothing more can be read.  HTTP_LARGE: the
 * body is above SMALL_BODY, and not read until "trusted" is set.  Any other state: there
 * must be more input.
 */
HttpState
http_read(HttpReader *reader, Buffer *in)
{
	static bool (*const read[]) (HttpReader *, Buffer *) = {
		[HTTP_HEAD] = read_head,
		[HTTP_BODY] = read_body,
		[HTTP_CHUNK] = read_chunk,
		[HTTP_CHUNK_DATA] = read_body,
		[HTTP_CHUNK_END] = read_chunk_end,
		[HTTP_TRAILER] = read_trailer
	};

	while (reader->state < HTTP_LARGE && !asks_for_trust(reader) && read[reader->state] (reader, in))
		;
	if (reader->state == HTTP_COMPLETE)
		buffer_fit(&reader->message.body);
	return reader->state < HTTP_LARGE && asks_for_trust(reader) ? HTTP_LARGE : reader->state;
}

static bool
asks_for_trust(const HttpReader *reader)
{
	return reader->remaining + buffer_length(&reader->message.body) > SMALL_BODY && !reader->trusted &&
		config_authenticates();
}

/*
 * Whether there is a part of a message.
 */
bool
http_has_begun(const HttpReader *reader, const Buffer *in)
{
	return reader->state != HTTP_HEAD || buffer_length(in) > 0;
}

/*
 * Read nothing more of a message, which has not come to its end: take what an answer to
 * it must know.
 */
void
http_give_up(HttpReader *reader, const Buffer *in)
{
	if (reader->state == HTTP_HEAD && buffer_length(in) > 0)
		read_origin(reader, buffer_data(in), buffer_length(in));
}

/*
 * Forget the message; what was taken out of it is NULL or zero.
 */
void
http_reset(HttpReader *reader)
{
	HttpMessage *message = &reader->message;

	free(message->method);
	free(message->target);
	free(message->authorization);
	free(message->host);
	free(message->origin);
	free(message->encoding);
	free(message->x_forwarded_for);
	free(message->forwarded);
	free(message->websocket_key);
	free(message->subprotocol);
	buffer_free(&message->headers);
	buffer_free(&message->body);
	memset(reader, 0, sizeof(*reader));
}

static bool
bad(HttpReader *reader, int status, const char *problem)
{
	reader->state = HTTP_BAD;
	reader->status = status;
	reader->problem = problem;
	return false;
}

/*
 * The functions that read answer whether they got on, so that reading goes on.
 */
static bool
read_head(HttpReader *reader, Buffer *in)
{
	Headers		headers = {.n = 0};
	char	   *end;
	char	   *text;
	char	   *line;
	bool		old;
	bool		good;

	while (buffer_length(in) >= 2 && memcmp(buffer_data(in), "\r\n", 2) == 0)
		buffer_consume(in, 2);
	if (buffer_length(in) == 0)
		return false;
	end = memmem(buffer_data(in) + reader->scanned, buffer_length(in) - reader->scanned, "\r\n\r\n", 4);
	if (end ? end - buffer_data(in) > MAX_HEAD : buffer_length(in) > MAX_HEAD)
	{
		http_give_up(reader, in);
		return bad(reader, 431, "the head is too large");
	}
	if (!end)
	{
		reader->scanned = buffer_length(in) < 3 ? 0 : buffer_length(in) - 3;
		return false;
	}
	text = buffer_data(in);
	end[2] = '\0';
	read_origin(reader, text, end + 2 - text);
	if (strlen(text) != (size_t) (end + 2 - text))
		return bad(reader, 400, "there is a zero in the head");
	line = strstr(text, "\r\n");
	*line = '\0';
	good = read_request_line(reader, text, &old) && read_headers(reader, &headers, line + 2) &&
		read_host(reader, &headers, old) && read_framing(reader, &headers, old);
	if (good)
	{
		if (!old)
			read_upgrade(reader, &headers);
		buffer_consume(in, end + 4 - text);
	}
	return good;
}

/*
 * Whose page asks, from the lines that are there.  It is looked for before anything can
 * be refused, as a page can't read an answer that does not name it.
 */
static void
read_origin(HttpReader *reader, const char *text, size_t length)
{
	static const char name[] = "origin:";
	const char *end = text + length;
	const char *next;

	for (const char *line = text; (next = memchr(line, '\n', end - line)) != NULL; line = next + 1)
	{
		const char *value = line + strlen(name);

		if (value > next || strncasecmp(line, name, strlen(name)) != 0)
			continue;
		while (value < next && (*value == ' ' || *value == '\t'))
			value++;
		while (next > value && strchr(" \t\r", next[-1]))
			next--;
		reader->message.origin = copy_bytes(value, next - value);
		return;
	}
}

static bool
read_request_line(HttpReader *reader, char *line, bool *old)
{
	char	   *target = strchr(line, ' ');
	char	   *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return bad(reader, 400, "the first line is malformed");
	*target++ = *version++ = '\0';
	if (!http_is_token(line, strlen(line)) || strlen(line) > 32 || !is_target(target))
		return bad(reader, 400, "the first line is malformed");
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return bad(reader, strncmp(version, "HTTP/", 5) == 0 ? 505 : 400, "it is not HTTP/1.1");
	*old = version[7] == '0';
	reader->message.method = copy_string(line);
	reader->message.target = copy_string(target);
	return true;
}

/*
 * What may stand between the spaces of the first line, as a path or whole.
 */
static bool
is_target(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char) *c <= ' ' || *c == 0x7f)
			return false;
	return (*text == '/' || strcmp(text, "*") == 0 || strncasecmp(text, "http://", 7) == 0 ||
			strncasecmp(text, "https://", 8) == 0) && utf8_is_valid(text, strlen(text));
}

/*
 * The path of a target, and all that follows; "" if there is none.
 */
const char *
http_path(const char *target)
{
	const char *scheme_end = *target == '/' ? NULL : strstr(target, "://");

	return scheme_end ? scheme_end + 3 + strcspn(scheme_end + 3, "/?#") : target;
}

/*
 * Take from the headers what the body and the answer don't depend on.
 */
static bool
read_headers(HttpReader *reader, Headers *headers, char *lines)
{
	HttpMessage *message = &reader->message;
	int			status = headers_read(headers, lines, &reader->problem);

	if (status != 0)
		return bad(reader, status, reader->problem);
	message->authorization = headers_copy(headers, "authorization");
	message->x_forwarded_for = headers_copy(headers, "x-forwarded-for");
	message->forwarded = headers_copy(headers, "forwarded");
	message->encoding = headers_copy(headers, "content-encoding");
	if (message->encoding && (!*message->encoding || strcasecmp(message->encoding, "identity") == 0))
	{
		free(message->encoding);
		message->encoding = NULL;
	}
	headers_write(headers, &message->headers);
	return true;
}

/*
 * By which name the client has found us: that in a target that is whole, else that of
 * the header.
 */
static bool
read_host(HttpReader *reader, const Headers *headers, bool old)
{
	const char *host = headers_find(headers, "host");
	const char *path = http_path(reader->message.target);
	const char *scheme_end = strstr(reader->message.target, "://");

	if (!host && !old)
		return bad(reader, 400, "there is no header Host");
	if (host && host[strspn(host, HOST_CHARACTERS)] != '\0')
		return bad(reader, 400, "the header Host is malformed");
	reader->message.host = scheme_end && scheme_end < path ? copy_bytes(scheme_end + 3, path - scheme_end - 3) :
		copy_string(host);
	return true;
}

/*
 * Where does the message end?
 */
static bool
read_framing(HttpReader *reader, const Headers *headers, bool old)
{
	const char *length = headers_find(headers, "content-length");
	const char *coding = headers_find(headers, "transfer-encoding");
	const char *expect = headers_find(headers, "expect");

	reader->message.keep_alive = old ? headers_have(headers, "connection", "keep-alive") :
		!headers_have(headers, "connection", "close");
	if (coding && (length || old))
		return bad(reader, 400, "Transfer-Encoding can't be there together with what else there is");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return bad(reader, 501, "the only Transfer-Encoding is chunked");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return bad(reader, 417, "the only expectation is 100-continue");
	reader->continues = expect && !old && (coding || (length && strcmp(length, "0") != 0));
	reader->state = coding ? HTTP_CHUNK : HTTP_BODY;
	return !length || read_length(reader, length);
}

static bool
read_length(HttpReader *reader, const char *length)
{
	if (*length == '\0' || length[strspn(length, "0123456789")] != '\0')
		return bad(reader, 400, "Content-Length is not a number");
	if (strlen(length) > 15 || strtoull(length, NULL, 10) > config.max_body)
		return bad(reader, 413, http_too_large);
	reader->remaining = strtoull(length, NULL, 10);
	return true;
}

/*
 * A client that asks for the protocol of WebSockets gets it at any path.
 */
static void
read_upgrade(HttpReader *reader, const Headers *headers)
{
	const char *key = headers_find(headers, "sec-websocket-key");
	const char *version = headers_find(headers, "sec-websocket-version");
	HttpMessage *message = &reader->message;

	if (!headers_have(headers, "upgrade", "websocket") || !headers_have(headers, "connection", "upgrade"))
		return;
	if (strcmp(message->method, "GET") == 0 && key && strlen(key) == 24 && version && strcmp(version, "13") == 0)
	{
		message->websocket_key = copy_string(key);
		message->subprotocol = headers_first_word(headers, "sec-websocket-protocol");
	}
	else
		message->bad_upgrade = true;
}

/*
 * The rest of a body, or of a chunk of one.
 */
static bool
read_body(HttpReader *reader, Buffer *in)
{
	size_t		n = buffer_length(in) < reader->remaining ? buffer_length(in) : reader->remaining;

	buffer_append(&reader->message.body, buffer_data(in), n);
	if (reader->message.body.failed)
		return bad(reader, 503, NULL);
	buffer_consume(in, n);
	reader->remaining -= n;
	if (reader->remaining > 0)
		return false;
	reader->state = reader->state == HTTP_BODY ? HTTP_COMPLETE : HTTP_CHUNK_END;
	return true;
}

static bool
read_chunk(HttpReader *reader, Buffer *in)
{
	char	   *text = buffer_data(in);
	size_t		length = buffer_length(in);
	char	   *end = length > 0 ? memmem(text, length, "\r\n", 2) : NULL;
	size_t		digits = 0;

	if (end ? end - text > MAX_CHUNK_LINE : length > MAX_CHUNK_LINE)
		return bad(reader, 400, "a chunk is malformed");
	if (!end)
		return false;
	while (text + digits < end && isxdigit((unsigned char) text[digits]))
		digits++;
	if (digits == 0 || digits > 8 || !is_extension(text + digits, end - text - digits))
		return bad(reader, 400, "a chunk is malformed");
	reader->trailer += end - text - digits;
	if (reader->trailer > MAX_TRAILER)
		return bad(reader, 431, "the chunks say too much about themselves");
	reader->remaining = strtoul(text, NULL, 16);
	if (reader->remaining + buffer_length(&reader->message.body) > config.max_body)
		return bad(reader, 413, http_too_large);
	buffer_consume(in, end + 2 - text);
	reader->state = reader->remaining > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return true;
}

/*
 * What may stand behind the size of a chunk: nothing, or what a semicolon begins.
 */
static bool
is_extension(const char *text, size_t length)
{
	size_t		blanks = 0;

	while (blanks < length && (text[blanks] == ' ' || text[blanks] == '\t'))
		blanks++;
	return length == 0 || (blanks < length && text[blanks] == ';' && http_is_line(text, length));
}

static bool
read_chunk_end(HttpReader *reader, Buffer *in)
{
	if (buffer_length(in) < 2)
		return false;
	if (memcmp(buffer_data(in), "\r\n", 2) != 0)
		return bad(reader, 400, "a chunk is malformed");
	buffer_consume(in, 2);
	reader->state = HTTP_CHUNK;
	return true;
}

/*
 * What comes behind the last chunk says nothing that we would use.
 */
static bool
read_trailer(HttpReader *reader, Buffer *in)
{
	char	   *text = buffer_data(in);
	size_t		length = buffer_length(in);
	char	   *end = length > 0 ? memmem(text, length, "\r\n", 2) : NULL;
	char	   *colon = end ? memchr(text, ':', end - text) : NULL;

	reader->trailer += end ? end + 2 - text : 0;
	if (reader->trailer + (end ? 0 : length) > MAX_TRAILER)
		return bad(reader, 431, "the trailer is too large");
	if (!end)
		return false;
	if (end == text)
		reader->state = HTTP_COMPLETE;
	else if (!colon || !http_is_token(text, colon - text) || !http_is_line(colon, end - colon))
		return bad(reader, 400, "a trailer is malformed");
	buffer_consume(in, end + 2 - text);
	return true;
}

/*
 * Begin an answer; headers follow, then http_write_body().
 */
void
http_write_head(Buffer *out, int status)
{
	static const struct
	{
		int			status;
		const char *reason;
	}			reasons[] = {
		{101, "Switching Protocols"}, {200, "OK"}, {204, "No Content"}, {206, "Partial Content"},
		{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
		{405, "Method Not Allowed"}, {408, "Request Timeout"}, {409, "Conflict"},
		{412, "Precondition Failed"}, {413, "Content Too Large"}, {417, "Expectation Failed"},
		{426, "Upgrade Required"}, {431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"}, {501, "Not Implemented"}, {503, "Service Unavailable"},
		{504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"}
	};
	const char *reason = "Unknown";

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			reason = reasons[i].reason;
	buffer_printf(out, "HTTP/1.1 %d %s\r\n", status, reason);
}

/*
 * A header; nothing if it would be more than one, or a header that is ours.
 */
void
http_write_header(Buffer *out, const char *name, const char *value)
{
	if (!http_is_token(name, strlen(name)) || strcasecmp(name, "content-length") == 0 ||
		strcasecmp(name, "connection") == 0 || strcasecmp(name, "transfer-encoding") == 0 ||
		!http_is_line(value, strlen(value)))
		return;
	buffer_append_string(out, name);
	buffer_append(out, ": ", 2);
	buffer_append_string(out, value);
	buffer_append(out, "\r\n", 2);
}

/*
 * The end of the head, and the body, which an answer to HEAD does not have.
 */
void
http_write_body(Buffer *out, int status, const char *body, size_t length, bool keep_alive, bool only_head)
{
	if (status >= 200 && status != 204)
		buffer_printf(out, "Content-Length: %zu\r\n", length);
	buffer_append_string(out, keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
	if (!only_head && status != 204)
		buffer_append(out, body, length);
}
