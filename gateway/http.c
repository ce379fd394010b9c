/*
 * http.c
 *	  HTTP/1.1: from bytes to messages, and answers to bytes.
 *
 * The target goes on as it was sent: in "a%2Fb" the slash is part of a name.  What
 * two readers could take for two things is refused, as whoever stands in front of us
 * may take it for the other: lengths that contradict each other, lines without a
 * carriage return, names with spaces, headers over several lines.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "http.h"
#include "text.h"

#define MAX_HEAD (16 * 1024)
#define MAX_HEADERS 100
#define MAX_TRAILER 4096
#define MAX_CHUNK_LINE 256

/* What is known of a head while it is read. */
typedef struct Head
{
	char	   *names[MAX_HEADERS];
	char	   *values[MAX_HEADERS];
	int			n;
	bool		old;			/* HTTP/1.0 */
} Head;

static bool bad(HttpReader *reader, int status, const char *problem);
static bool read_head(HttpReader *reader, Buffer *in);
static bool read_request_line(HttpReader *reader, Head *head, char *line);
static bool read_headers(HttpReader *reader, Head *head, char *line);
static void add_to_list(char **list, const char *value);
static bool is_single(const char *name);
static bool is_token(const char *text);
static bool is_target(const char *text);
static const char *find_header(const Head *head, const char *name);
static char *first_word(const char *list);
static bool has_word(const char *list, const char *word);
static bool read_framing(HttpReader *reader, const Head *head);
static bool read_length(HttpReader *reader, const char *length);
static void read_upgrade(HttpReader *reader, const Head *head);
static void write_headers(HttpReader *reader, const Head *head);
static bool read_body(HttpReader *reader, Buffer *in);
static bool is_line(const char *text, size_t length);
static bool read_chunk(HttpReader *reader, Buffer *in);
static bool read_chunk_end(HttpReader *reader, Buffer *in);
static bool read_trailer(HttpReader *reader, Buffer *in);

/*
 * Go on reading.  HTTP_COMPLETE: the message is there, http_reset() begins the next.
 * HTTP_BAD: status and problem are set, and nothing more can be read.  Any other
 * state: there must be more input.
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

	while (reader->state < HTTP_COMPLETE && read[reader->state] (reader, in))
		;
	return reader->state;
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
 * Forget the message; what was taken out of it is NULL or zero.
 */
void
http_reset(HttpReader *reader)
{
	HttpMessage *message = &reader->message;

	free(message->method);
	free(message->target);
	free(message->authorization);
	free(message->origin);
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
	Head		head = {.n = 0};
	char	   *end;
	char	   *text;
	char	   *line;
	bool		good;

	while (buffer_length(in) >= 2 && memcmp(buffer_data(in), "\r\n", 2) == 0)
		buffer_consume(in, 2);
	if (buffer_length(in) == 0)
		return false;
	end = memmem(buffer_data(in) + reader->scanned, buffer_length(in) - reader->scanned, "\r\n\r\n", 4);
	if (end ? end - buffer_data(in) > MAX_HEAD : buffer_length(in) > MAX_HEAD)
		return bad(reader, 431, "the head is too large");
	if (!end)
	{
		reader->scanned = buffer_length(in) < 3 ? 0 : buffer_length(in) - 3;
		return false;
	}
	end[2] = '\0';
	if (strlen(buffer_data(in)) != (size_t) (end + 2 - buffer_data(in)))
		return bad(reader, 400, "there is a zero in the head");
	text = buffer_data(in);
	line = strstr(text, "\r\n");
	*line = '\0';
	good = read_request_line(reader, &head, text) && read_headers(reader, &head, line + 2) &&
		read_framing(reader, &head);
	if (good)
	{
		read_upgrade(reader, &head);
		write_headers(reader, &head);
		buffer_consume(in, end + 4 - text);
	}
	return good;
}

static bool
read_request_line(HttpReader *reader, Head *head, char *line)
{
	char	   *target = strchr(line, ' ');
	char	   *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return bad(reader, 400, "the first line is malformed");
	*target++ = *version++ = '\0';
	if (!is_token(line) || strlen(line) > 32 || !is_target(target))
		return bad(reader, 400, "the first line is malformed");
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return bad(reader, strncmp(version, "HTTP/", 5) == 0 ? 505 : 400, "it is not HTTP/1.1");
	head->old = version[7] == '0';
	reader->message.method = copy_string(line);
	reader->message.target = copy_string(target);
	return true;
}

/*
 * Take the lines of headers apart, in place.
 */
static bool
read_headers(HttpReader *reader, Head *head, char *line)
{
	for (char *next; *line; line = next)
	{
		char	   *end = strstr(line, "\r\n");
		char	   *value = strchr(line, ':');

		if (head->n == MAX_HEADERS)
			return bad(reader, 431, "there are too many headers");
		next = end + 2;
		*end = '\0';
		if (!value || value > end)
			return bad(reader, 400, "a header is malformed");
		*value++ = '\0';
		value += strspn(value, " \t");
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (!is_token(line) || strpbrk(value, "\r\n") || !utf8_is_valid(value, strlen(value)))
			return bad(reader, 400, "a header is malformed");
		for (char *c = line; *c; c++)
			*c = tolower((unsigned char) *c);
		if (strcmp(line, "x-forwarded-for") == 0)
			add_to_list(&reader->message.x_forwarded_for, value);
		else if (strcmp(line, "forwarded") == 0)
			add_to_list(&reader->message.forwarded, value);
		if (find_header(head, line))
		{
			if (is_single(line))
				return bad(reader, 400, "a header is there twice");
			continue;
		}
		head->names[head->n] = line;
		head->values[head->n++] = value;
	}
	if (!head->old && !find_header(head, "host"))
		return bad(reader, 400, "there is no header Host");
	return true;
}

/*
 * Take one more line of a header that is a list.
 */
static void
add_to_list(char **list, const char *value)
{
	Buffer		longer = {0};

	buffer_printf(&longer, "%s%s%s", *list ? *list : "", *list ? ", " : "", value);
	free(*list);
	*list = buffer_take_string(&longer);
}

/*
 * Whether a header may not be there twice; of others, the first counts.
 */
static bool
is_single(const char *name)
{
	static const char *const names[] = {
		"authorization", "connection", "content-encoding", "content-length", "content-type", "expect",
		"host", "origin", "sec-websocket-key", "transfer-encoding", "upgrade"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
is_token(const char *text)
{
	const char *c = text;

	while (isalnum((unsigned char) *c) || (*c && strchr("!#$%&'*+-.^_`|~", *c)))
		c++;
	return c > text && *c == '\0';
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

static const char *
find_header(const Head *head, const char *name)
{
	for (int i = 0; i < head->n; i++)
		if (strcmp(head->names[i], name) == 0)
			return head->values[i];
	return NULL;
}

/*
 * The first word of a list, which is the caller's; NULL if it has none that is a token.
 */
static char *
first_word(const char *list)
{
	char	   *word = list ? copy_bytes(list, strcspn(list, ", \t")) : NULL;

	if (word && is_token(word))
		return word;
	free(word);
	return NULL;
}

/*
 * Whether a word is in a list with commas, in any case.
 */
static bool
has_word(const char *list, const char *word)
{
	size_t		length = strlen(word);

	while (list && *list)
	{
		list += strspn(list, ", \t");
		if (strncasecmp(list, word, length) == 0 && (list[length] == '\0' || strchr(", \t", list[length])))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

/*
 * Where does the message end?
 */
static bool
read_framing(HttpReader *reader, const Head *head)
{
	const char *length = find_header(head, "content-length");
	const char *coding = find_header(head, "transfer-encoding");
	const char *expect = find_header(head, "expect");
	const char *connection = find_header(head, "connection");

	reader->message.keep_alive = head->old ? has_word(connection, "keep-alive") : !has_word(connection, "close");
	if (coding && (length || head->old))
		return bad(reader, 400, "Transfer-Encoding can't be there together with what else there is");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return bad(reader, 501, "the only Transfer-Encoding is chunked");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return bad(reader, 417, "the only expectation is 100-continue");
	reader->continues = expect && !head->old && (coding || (length && strcmp(length, "0") != 0));
	reader->state = coding ? HTTP_CHUNK : HTTP_BODY;
	return !length || read_length(reader, length);
}

static bool
read_length(HttpReader *reader, const char *length)
{
	if (*length == '\0' || length[strspn(length, "0123456789")] != '\0')
		return bad(reader, 400, "Content-Length is not a number");
	if (strlen(length) > 15 || strtoull(length, NULL, 10) > (uint64_t) config.max_body)
		return bad(reader, 413, NULL);
	reader->remaining = strtoull(length, NULL, 10);
	return true;
}

/*
 * A client that asks for the protocol of WebSockets gets it at any path.
 */
static void
read_upgrade(HttpReader *reader, const Head *head)
{
	const char *key = find_header(head, "sec-websocket-key");
	const char *version = find_header(head, "sec-websocket-version");
	HttpMessage *message = &reader->message;

	message->authorization = copy_string(find_header(head, "authorization"));
	message->origin = copy_string(find_header(head, "origin"));
	if (head->old || !has_word(find_header(head, "upgrade"), "websocket") ||
		!has_word(find_header(head, "connection"), "upgrade"))
		return;
	if (strcmp(message->method, "GET") == 0 && key && strlen(key) == 24 && version && strcmp(version, "13") == 0)
	{
		message->websocket_key = copy_string(key);
		message->subprotocol = first_word(find_header(head, "sec-websocket-protocol"));
	}
	else
		message->bad_upgrade = true;
}

/*
 * Credentials stay here: what PostgreSQL gets, it may log.
 */
static void
write_headers(HttpReader *reader, const Head *head)
{
	Buffer	   *headers = &reader->message.headers;

	buffer_append(headers, "{", 1);
	for (int i = 0; i < head->n; i++)
	{
		if (strcmp(head->names[i], "authorization") == 0 || strcmp(head->names[i], "cookie") == 0)
			continue;
		if (buffer_length(headers) > 1)
			buffer_append(headers, ",", 1);
		json_append_string(headers, head->names[i]);
		buffer_append(headers, ":", 1);
		json_append_string(headers, head->values[i]);
	}
	buffer_append(headers, "}", 1);
}

/*
 * The rest of a body, or of a chunk of one.
 */
static bool
read_body(HttpReader *reader, Buffer *in)
{
	size_t		n = buffer_length(in) < reader->remaining ? buffer_length(in) : reader->remaining;

	buffer_append(&reader->message.body, buffer_data(in), n);
	buffer_consume(in, n);
	reader->remaining -= n;
	if (reader->remaining > 0)
		return false;
	reader->state = reader->state == HTTP_BODY ? HTTP_COMPLETE : HTTP_CHUNK_END;
	return true;
}

/*
 * Whether this is one line for others too, who may end lines where we don't.
 */
static bool
is_line(const char *text, size_t length)
{
	return !memchr(text, '\n', length) && !memchr(text, '\r', length) && !memchr(text, '\0', length);
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
	if (digits == 0 || digits > 8 || (text + digits < end && !strchr("; \t", text[digits])) ||
		!is_line(text, end - text))
		return bad(reader, 400, "a chunk is malformed");
	reader->trailer += end - text - digits;
	if (reader->trailer > MAX_TRAILER)
		return bad(reader, 431, "the chunks say too much about themselves");
	reader->remaining = strtoul(text, NULL, 16);
	if (reader->remaining + buffer_length(&reader->message.body) > (uint64_t) config.max_body)
		return bad(reader, 413, NULL);
	buffer_consume(in, end + 2 - text);
	reader->state = reader->remaining > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return true;
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

	reader->trailer += end ? end + 2 - text : 0;
	if (reader->trailer + (end ? 0 : length) > MAX_TRAILER)
		return bad(reader, 431, "the trailer is too large");
	if (!end)
		return false;
	if (end == text)
		reader->state = HTTP_COMPLETE;
	else if (!is_line(text, end - text) || !memchr(text, ':', end - text))
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
	if (!is_token(name) || strcasecmp(name, "content-length") == 0 || strcasecmp(name, "connection") == 0 ||
		strcasecmp(name, "transfer-encoding") == 0)
		return;
	for (const char *c = value; *c; c++)
		if (((unsigned char) *c < ' ' && *c != '\t') || *c == 0x7f)
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
