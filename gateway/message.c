/*
 * message.c
 *	  What a client has sent: from bytes to requests, and what is answered at once.
 */
#include <string.h>

#include "auth.h"
#include "config.h"
#include "forwarded.h"
#include "message.h"
#include "metrics.h"
#include "origin.h"
#include "text.h"

static bool take_http(Client *client);
static bool take_websocket(Client *client);
static void take_head(Client *client);
static void take_request(Client *client);
static void refuse(Client *client, int status, const char *problem);
static void answer_metrics(Client *client, const char *refusal);
static void upgrade(Client *client);
static void take_frame(Client *client);
static bool is_ping(const Buffer *message);

/*
 * Take one message from the input; false if there is none.
 */
bool
message_take(Client *client)
{
	bool		taken = client->kind == CLIENT_WEBSOCKET ? take_websocket(client) : take_http(client);

	/* A part of a message does not begin the time for the rest of it anew. */
	if (taken && !client->websocket.fragmented)
	{
		client->wait = WAIT_NOTHING;
		client->input_since = 0;
	}
	return taken;
}

static bool
take_http(Client *client)
{
	switch (http_read(&client->http, &client->stream.in))
	{
		case HTTP_COMPLETE:
			take_request(client);
			return true;
		case HTTP_LARGE:
			take_head(client);
			return true;
		case HTTP_BAD:
			refuse(client, client->http.status, client->http.problem);
			return true;
		default:
			if (client->http.continues)
				buffer_append_string(&client->stream.out, "HTTP/1.1 100 Continue\r\n\r\n");
			client->http.continues = false;
			return false;
	}
}

/*
 * Take what is known of a message whose body is large: who may not send it is told so
 * before it comes.  Who watches has none to send, and nobody tries passwords there.
 */
static void
take_head(Client *client)
{
	const HttpMessage *message = &client->http.message;
	char	   *refusal = origin_refusal(message);

	if (client->kind == CLIENT_METRICS)
		refuse(client, 413, "/metrics needs no body.");
	else if (refusal)
		request_fail(request_from_head(client, message), &failure_forbidden, refusal);
	else
		auth_admit_body(request_from_head(client, message));
	free(refusal);
}

static void
take_request(Client *client)
{
	HttpMessage *message = &client->http.message;
	char	   *refusal = origin_refusal(message);

	if (client->kind == CLIENT_METRICS)
		answer_metrics(client, refusal);
	else if (refusal)
		request_fail(request_from_http(client, message), &failure_forbidden, refusal);
	else if (message->websocket_key)
		upgrade(client);
	else if (message->bad_upgrade)
	{
		http_write_head(&client->stream.out, 426);
		origin_write_headers(&client->stream.out, KUZZLE_HTTP, origin_permits(message) ? message->origin : NULL);
		http_write_header(&client->stream.out, "Upgrade", "websocket");
		http_write_header(&client->stream.out, "Sec-WebSocket-Version", "13");
		http_write_body(&client->stream.out, 426, "", 0, false, false);
		client->closing = true;
	}
	else
	{
		Request    *request = request_from_http(client, message);

		if (message->encoding && buffer_length(&request->body) > 0)
			request_fail_encoded(request, message->encoding);
		else if (utf8_is_valid(buffer_data(&request->body), buffer_length(&request->body)))
			auth_admit(request);
		else
			request_fail(request, &failure_not_text, NULL);
	}
	http_reset(&client->http);
	free(refusal);
}

/*
 * Answer that we don't understand, and can't know where the next request begins.
 */
static void
refuse(Client *client, int status, const char *problem)
{
	request_fail_http(request_from_http(client, &client->http.message), status, problem);
	client->closing = true;
}

/*
 * Answer with this status, rather than wait for the rest of a message; what has come of
 * it is forgotten.
 */
void
message_give_up(Client *client, int status)
{
	http_give_up(&client->http, &client->stream.in);
	buffer_free(&client->http.message.body);
	buffer_free(&client->stream.in);
	refuse(client, status, NULL);
}

/*
 * Answer who watches us, unless there is a reason to refuse.
 */
static void
answer_metrics(Client *client, const char *refusal)
{
	const HttpMessage *message = &client->http.message;
	int			status = refusal ? 403 : strcmp(message->target, "/metrics") == 0 ? 200 : 404;
	Buffer		body = {0};

	if (refusal)
		buffer_append_string(&body, refusal);
	if (status == 200)
		metrics_write(&body);
	http_write_head(&client->stream.out, status);
	http_write_header(&client->stream.out, "Content-Type", "text/plain; version=0.0.4");
	http_write_body(&client->stream.out, status, buffer_data(&body), buffer_length(&body), message->keep_alive,
					strcmp(message->method, "HEAD") == 0);
	buffer_free(&body);
	client->closing = !message->keep_alive;
}

/*
 * Whatever the client calls what it speaks, we agree: the SDK offers "null" where the
 * WebSocket is that of Node.js, which breaks off if nobody accepts it.
 */
static void
upgrade(Client *client)
{
	const HttpMessage *message = &client->http.message;
	char		accept[WEBSOCKET_ACCEPT_SIZE];

	if (!websocket_accept(message->websocket_key, accept))
	{
		refuse(client, 503, NULL);
		return;
	}
	client->websocket.most = config_authenticates() && config.max_body > SMALL_BODY ? SMALL_BODY : config.max_body;
	buffer_printf(&client->stream.out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				  "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n", accept);
	if (message->subprotocol)
		http_write_header(&client->stream.out, "Sec-WebSocket-Protocol", message->subprotocol);
	buffer_append_string(&client->stream.out, "\r\n");
	client->forwarded = forwarded_client(client->address, message->x_forwarded_for, message->forwarded);
	client->kind = CLIENT_WEBSOCKET;
	metrics.websockets++;
}

static bool
take_websocket(Client *client)
{
	WebSocketReader *reader = &client->websocket;
	Buffer	   *out = &client->stream.out;

	switch (websocket_read(reader, &client->stream.in))
	{
		case WEBSOCKET_MORE:
			return false;
		case WEBSOCKET_TEXT:
			take_frame(client);
			break;
		case WEBSOCKET_PING:
			websocket_write_pong(out, reader->payload, reader->payload_length);
			break;
		case WEBSOCKET_CLOSE:
		case WEBSOCKET_BAD:
			client->closing = true;
			break;
		default:
			break;
	}
	return true;
}

static void
take_frame(Client *client)
{
	if (is_ping(&client->websocket.message))
	{
		websocket_write_text(&client->stream.out, "{\"p\":2}", 7);
		buffer_consume(&client->websocket.message, buffer_length(&client->websocket.message));
	}
	else
		auth_admit(request_from_frame(client, &client->websocket.message));
}

/*
 * {"p":1}, with whatever spaces.
 */
static bool
is_ping(const Buffer *message)
{
	static const char *const tokens[] = {"{", "\"p\"", ":", "1", "}"};
	const char *at = buffer_data(message);
	const char *end = at + buffer_length(message);

	for (int i = 0; i <= 5; i++)
	{
		while (at < end && strchr(" \t\r\n", *at))
			at++;
		if (i == 5)
			return at == end;
		if ((size_t) (end - at) < strlen(tokens[i]) || memcmp(at, tokens[i], strlen(tokens[i])) != 0)
			return false;
		at += strlen(tokens[i]);
	}
	return false;
}
