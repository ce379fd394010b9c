/*
 * client.c
 *	  The connection of a client.
 *
 * A client is read only while there is room for its requests and their answers: one
 * that sends more than it may have under way, or does not take its answers, waits in
 * its own socket.  So what a client can make us keep is bounded, and by slowness it
 * holds up nobody but itself.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth.h"
#include "client.h"
#include "config.h"
#include "forwarded.h"
#include "log.h"
#include "metrics.h"
#include "text.h"
#include "turn.h"

/* With so many bytes to be sent, nothing more is read or done. */
#define MOST_OUTPUT (256 * 1024)

/* Who watches us gets in even if nobody else does. */
#define METRICS_CLIENTS 8

/* How long we wait for the end of a client that still sends when we close. */
#define LAST_WAIT 2000

static Client *clients;
static bool draining;

static void on_event(void *owner, uint32_t events);
static void on_timeout(void *owner);
static void advance(Client *client);
static bool may_read(const Client *client);
static bool takes_input(const Client *client);
static bool step(Client *client);
static bool step_http(Client *client);
static bool step_websocket(Client *client);
static void take_message(Client *client);
static void refuse(Client *client, int status, const char *problem);
static void answer_metrics(Client *client);
static void upgrade(Client *client);
static void take_frame(Client *client);
static bool is_ping(const Buffer *message);
static bool settle(Client *client);
static void set_timer(Client *client);
static ClientWait waits_for(const Client *client);
static void name_address(int fd, char *address, size_t size);
static void close_client(Client *client);

/*
 * Take a connection.
 */
void
client_accept(int fd, ClientKind kind)
{
	int			on = 1;
	Client	   *client;

	metrics.accepted++;
	if (metrics.clients >= config.max_clients + (kind == CLIENT_METRICS ? METRICS_CLIENTS : 0))
	{
		metrics.refused_clients++;
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	client = allocate(sizeof(Client));
	client->kind = kind;
	name_address(fd, client->address, sizeof(client->address));
	client->stream.watch.ready = on_event;
	client->stream.watch.owner = client;
	client->timer.expired = on_timeout;
	client->timer.owner = client;
	stream_open(&client->stream, fd, kind != CLIENT_METRICS || config_metrics_speak_tls());
	client->next = clients;
	if (clients)
		clients->previous = client;
	clients = client;
	metrics.clients++;
	set_timer(client);
}

static void
name_address(int fd, char *address, size_t size)
{
	struct sockaddr_storage peer;
	socklen_t	length = sizeof(peer);
	char		text[INET6_ADDRSTRLEN] = "?";

	if (getpeername(fd, (struct sockaddr *) &peer, &length) != 0)
		snprintf(address, size, "?");
	else if (peer.ss_family == AF_INET6)
		snprintf(address, size, "[%s]:%d",
				 inet_ntop(AF_INET6, &((struct sockaddr_in6 *) &peer)->sin6_addr, text, sizeof(text)),
				 ntohs(((struct sockaddr_in6 *) &peer)->sin6_port));
	else
		snprintf(address, size, "%s:%d",
				 inet_ntop(AF_INET, &((struct sockaddr_in *) &peer)->sin_addr, text, sizeof(text)),
				 ntohs(((struct sockaddr_in *) &peer)->sin_port));
}

static void
on_event(void *owner, uint32_t events)
{
	Client	   *client = owner;
	bool		input = events & EPOLLIN || client->stream.wants_write;
	bool		reading = input && (takes_input(client) || client->stream.wants_write);

	client->active = true;
	if (input)
		client->pinged = false;
	client->stream.held = input && !reading;
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN))
		close_client(client);
	else if (reading && !stream_read(&client->stream))
		close_client(client);
	else
		advance(client);
}

static void
on_timeout(void *owner)
{
	Client	   *client = owner;

	if (client->wait == WAIT_INPUT && client->kind != CLIENT_WEBSOCKET && !client->stream.ssl)
	{
		refuse(client, 408, NULL);
		advance(client);
	}
	else if (client->wait == WAIT_REQUEST && client->kind == CLIENT_WEBSOCKET && !client->pinged)
	{
		client->pinged = client->active = true;
		websocket_write_ping(&client->stream.out);
		advance(client);
	}
	else
		close_client(client);
}

/*
 * Look at what the client has sent, and send what there is for it.
 */
static void
advance(Client *client)
{
	bool		again;

	if (client->advancing || client->dead)
		return;
	client->advancing = true;
	do
	{
		size_t		before;

		while (may_read(client) && step(client))
			;
		before = buffer_length(&client->stream.out);
		again = stream_write(&client->stream) && before >= MOST_OUTPUT && may_read(client);
		if (before != buffer_length(&client->stream.out))
			client->active = true;
	} while (again);
	client->advancing = false;
	turn_resume(client);
	if (settle(client))
	{
		stream_wait(&client->stream, takes_input(client));
		set_timer(client);
	}
}

/*
 * Whether there is room for one more request.
 */
static bool
may_read(const Client *client)
{
	int			most = client->kind == CLIENT_WEBSOCKET ? config.max_requests : 1;

	return !client->closing && !draining && client->nrequests < most &&
		client->request_bytes < (size_t) config.max_body && !client_is_full(client);
}

/*
 * Whether what comes is read, be it to forget it.
 */
static bool
takes_input(const Client *client)
{
	return may_read(client) || client->ending;
}

/*
 * Whether so many answers wait for a client to take them that it gets no more.
 */
bool
client_is_full(const Client *client)
{
	return buffer_length(&client->stream.out) >= MOST_OUTPUT;
}

/*
 * Take one message from the input; false if there is none.
 */
static bool
step(Client *client)
{
	bool		taken = client->kind == CLIENT_WEBSOCKET ? step_websocket(client) : step_http(client);

	/* A part of a message does not begin the time for the rest of it anew. */
	if (taken && !client->websocket.fragmented)
		client->wait = WAIT_NOTHING;
	return taken;
}

static bool
step_http(Client *client)
{
	switch (http_read(&client->http, &client->stream.in))
	{
		case HTTP_COMPLETE:
			take_message(client);
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

static void
take_message(Client *client)
{
	HttpMessage *message = &client->http.message;

	if (client->kind == CLIENT_METRICS)
		answer_metrics(client);
	else if (config.allow_origin && message->origin && strcmp(message->origin, config.allow_origin) != 0)
		request_fail(request_from_http(client, message), &failure_forbidden, "pages of this site may not call");
	else if (message->websocket_key)
		upgrade(client);
	else if (message->bad_upgrade)
	{
		http_write_head(&client->stream.out, 426);
		http_write_header(&client->stream.out, "Upgrade", "websocket");
		http_write_header(&client->stream.out, "Sec-WebSocket-Version", "13");
		http_write_body(&client->stream.out, 426, "", 0, false, false);
		client->closing = true;
	}
	else
	{
		Request    *request = request_from_http(client, message);

		if (utf8_is_valid(buffer_data(&request->body), buffer_length(&request->body)))
			auth_admit(request);
		else
			request_fail(request, &failure_not_text, NULL);
	}
	http_reset(&client->http);
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

static void
answer_metrics(Client *client)
{
	const HttpMessage *message = &client->http.message;
	int			status = strcmp(message->target, "/metrics") == 0 ? 200 : 404;
	Buffer		body = {0};

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

	websocket_accept(message->websocket_key, accept);
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
step_websocket(Client *client)
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

/*
 * A request of a client has been answered: what the answer is, is in its output.
 */
void
client_answered(Client *client)
{
	client->active = true;
	advance(client);
}

/*
 * Read nothing more; close when all is answered.
 */
void
client_close_after_answers(Client *client)
{
	client->closing = true;
}

/*
 * Close what is to be closed; false if that was at once.
 */
static bool
settle(Client *client)
{
	bool		quiet = client->nrequests == 0 && buffer_length(&client->stream.out) == 0;

	if (client->dead)
		return false;
	if (quiet && client->kind == CLIENT_WEBSOCKET && (client->closing || draining) && !client->said_end)
	{
		/* Nothing may follow it: answers come before. */
		websocket_write_close(&client->stream.out, client->closing ? client->websocket.code : WEBSOCKET_GOING_AWAY);
		client->closing = client->said_end = true;
		quiet = stream_write(&client->stream) && buffer_length(&client->stream.out) == 0;
	}
	if (client->ending)
		buffer_consume(&client->stream.in, buffer_length(&client->stream.in));
	if (!quiet)
		return true;
	if (client->stream.ended || (draining && !client->closing))
	{
		close_client(client);
		return false;
	}
	if (client->closing && !client->ending)
	{
		/* If we closed while it sends, it might lose our answer. */
		client->ending = true;
		stream_end(&client->stream);
	}
	return true;
}

/*
 * Have the timer say when the client has been waited for too long.  What it already
 * waits for goes on, unless the client has got on with it.
 */
static void
set_timer(Client *client)
{
	ClientWait	wait = waits_for(client);
	bool		restart = client->active && (wait == WAIT_OUTPUT || wait == WAIT_REQUEST);

	client->active = false;
	if (wait == client->wait && client->timer.place != 0 && !restart)
		return;
	client->wait = wait;
	switch (wait)
	{
		case WAIT_NOTHING:
			timer_clear(&client->timer);
			break;
		case WAIT_INPUT:
			timer_set(&client->timer, config.read_timeout * 1000L);
			break;
		case WAIT_OUTPUT:
			timer_set(&client->timer, config.send_timeout * 1000L);
			break;
		case WAIT_REQUEST:
			timer_set(&client->timer, config.idle_timeout * (client->kind == CLIENT_WEBSOCKET ? 500L : 1000L));
			break;
		case WAIT_END:
			timer_set(&client->timer, LAST_WAIT);
			break;
	}
}

static ClientWait
waits_for(const Client *client)
{
	const Stream *stream = &client->stream;

	if (client->ending)
		return WAIT_END;
	if (buffer_length(&stream->out) > 0)
		return WAIT_OUTPUT;
	if (!may_read(client))
		return WAIT_NOTHING;
	if (stream->ssl && !SSL_is_init_finished(stream->ssl))
		return WAIT_INPUT;
	if (client->kind == CLIENT_WEBSOCKET ? websocket_has_begun(&client->websocket, &stream->in) :
		http_has_begun(&client->http, &stream->in))
		return WAIT_INPUT;
	return client->nrequests > 0 ? WAIT_NOTHING : WAIT_REQUEST;
}

/*
 * Read nothing more from anybody; close each when its requests are answered.
 */
void
clients_drain(void)
{
	draining = true;
	for (Client *client = clients, *next; client; client = next)
	{
		next = client->next;
		advance(client);
	}
}

/*
 * Close all, whatever they wait for.
 */
void
clients_close(void)
{
	while (clients)
		close_client(clients);
}

/*
 * Close.  Requests that the database works on go on, and their answers are dropped:
 * what they write may be written.
 */
static void
close_client(Client *client)
{
	if (client->dead)
		return;
	client->dead = true;
	turn_forget(client);
	for (Request *request = client->requests; request; request = request->next)
		request->client = NULL;
	if (client->previous)
		client->previous->next = client->next;
	else
		clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	metrics.clients--;
	if (client->kind == CLIENT_WEBSOCKET)
		metrics.websockets--;
	if (client->stream.not_tls)
		log_message("%s speaks HTTP where TLS is spoken", client->address);
	timer_clear(&client->timer);
	stream_close(&client->stream);
	http_reset(&client->http);
	free(client->forwarded);
	buffer_free(&client->websocket.message);
	loop_free_later(client);
}
