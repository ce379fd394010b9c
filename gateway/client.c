/*
 * client.c
 *	  The connection of a client.
 *
 * A client is read only while there is room for its requests and their answers: one
 * that sends more than it may have under way, or does not take its answers, waits in
 * its own socket.  So what a client can make us keep is bounded, and by slowness it
 * holds up nobody but itself.  What all of them together can is bounded by memory.c,
 * when there is none nobody is read, and shed.c says who has to go.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "forwarded.h"
#include "log.h"
#include "memory.h"
#include "message.h"
#include "metrics.h"
#include "pace.h"
#include "turn.h"

/* With so many bytes to be sent, nothing more is read or done. */
#define MOST_OUTPUT (256 * 1024)

/* Who watches us gets in even if nobody else does. */
#define METRICS_CLIENTS 8

static Client *clients;
static bool draining;

static void on_event(void *owner, uint32_t events);
static void on_timeout(void *owner);
static void advance(Client *client);
static bool takes_input(const Client *client);
static const char *close_reason(const Client *client);
static bool settle(Client *client);
static bool is_too_many(const Client *client);
static void close_client(Client *client);

/*
 * Take a connection.
 */
void
client_accept(int fd, ClientKind kind)
{
	int			on = 1;
	Client	   *client = allocate(sizeof(Client));

	metrics.accepted++;
	client->kind = kind;
	client->peer = peer_of(fd, client->address, sizeof(client->address));
	client->stream.watch.ready = on_event;
	client->stream.watch.owner = client;
	if (is_too_many(client) || !stream_open(&client->stream, fd, kind != CLIENT_METRICS || config_metrics_speak_tls()))
	{
		metrics.refused_clients++;
		peer_release(client->peer);
		free(client);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	client->peer->clients += kind != CLIENT_METRICS;
	client->progress = loop_now();
	client->timer.expired = on_timeout;
	client->timer.owner = client;
	client->next = clients;
	if (clients)
		clients->previous = client;
	clients = client;
	metrics.clients++;
	pace_set_timer(client);
}

/*
 * Whether there are enough clients, in all or from there.  Who comes for others is not
 * counted: a trusted proxy, or whatever is on this machine.
 */
static bool
is_too_many(const Client *client)
{
	const Peer *peer = client->peer;

	if (memory_is_exhausted())
		return true;
	if (client->kind == CLIENT_METRICS)
		return metrics.clients >= config.max_clients + METRICS_CLIENTS;
	return metrics.clients >= config.max_clients ||
		(config.max_clients_per_address > 0 && peer->clients >= config.max_clients_per_address &&
		 !peer_is_loopback(peer) && !forwarded_trusts(client->address));
}

static void
on_event(void *owner, uint32_t events)
{
	Client	   *client = owner;
	bool		input = events & EPOLLIN || client->stream.wants_write;
	bool		reading = input && (takes_input(client) || client->stream.wants_write);

	client->active = true;
	if (reading)
		client->progress = loop_now();
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

	if (pace_is_kept(client))
		pace_set_timer(client);
	else if (client->wait == WAIT_INPUT && client->kind != CLIENT_WEBSOCKET && !client->stream.ssl)
	{
		message_give_up(client, 408);
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

		while (client_may_read(client) && message_take(client))
			;
		before = buffer_length(&client->stream.out);
		again = stream_write(&client->stream) && before >= MOST_OUTPUT && client_may_read(client);
		if (before != buffer_length(&client->stream.out))
		{
			client->active = true;
			client->progress = loop_now();
		}
	} while (again);
	client->advancing = false;
	turn_resume(client);
	if (settle(client))
	{
		stream_wait(&client->stream, takes_input(client));
		pace_set_timer(client);
	}
}

/*
 * Whether there is room for one more request.
 */
bool
client_may_read(const Client *client)
{
	int			most = client->kind == CLIENT_WEBSOCKET ? config.max_requests : 1;

	return !client->closing && !draining && client->nrequests < most &&
		client->request_bytes < config.max_body && !client_is_full(client) &&
		(client->kind == CLIENT_METRICS ? !memory_is_exhausted() : !memory_is_short());
}

/*
 * Whether what comes is read, be it to forget it.
 */
static bool
takes_input(const Client *client)
{
	return client_may_read(client) || client->ending;
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
 * A request of a client has been answered: what the answer is, is in its output.
 */
void
client_answered(Client *client)
{
	client->active = true;
	client->progress = loop_now();
	advance(client);
}

/*
 * It is known who sends: what is being read, or what comes by a WebSocket, may be as
 * large as anything.
 */
void
client_trust(Client *client)
{
	if (client->kind == CLIENT_WEBSOCKET)
		client->websocket.most = config.max_body;
	else
		client->http.trusted = true;
	advance(client);
}

/*
 * Bytes that wait for the client to take them, or for the rest of what it sends.
 */
size_t
client_holds(const Client *client)
{
	return client->stream.in.size + client->stream.out.size + client->http.message.body.size +
		client->websocket.message.size;
}

/*
 * Have a client let go of what it holds: it can do without the rest of a request, but
 * not without a part of an answer.
 */
void
client_give_up(Client *client)
{
	if (client->kind != CLIENT_HTTP || client->nrequests > 0 || client->closing ||
		buffer_length(&client->stream.out) > 0 || !http_has_begun(&client->http, &client->stream.in))
		close_client(client);
	else
	{
		message_give_up(client, 503);
		advance(client);
	}
}

Client *
clients_first(void)
{
	return clients;
}

/*
 * Go on with all, since there is memory again.
 */
void
clients_resume(void)
{
	for (Client *client = clients, *next; client; client = next)
	{
		next = client->next;
		advance(client);
	}
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
 * What a client of a WebSocket is told about its end, besides the number.
 */
static const char *
close_reason(const Client *client)
{
	switch (client->websocket.code)
	{
		case WEBSOCKET_TOO_LARGE:
			return client->websocket.most < config.max_body ? http_too_large_for_unknown : http_too_large;
		case WEBSOCKET_TRY_LATER:
			return failure_memory.message;
		default:
			return "";
	}
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
	if (client->stream.out.failed)
	{
		close_client(client);
		return false;
	}
	if (quiet && client->kind == CLIENT_WEBSOCKET && (client->closing || draining) && !client->said_end)
	{
		/* Nothing may follow it: answers come before. */
		websocket_write_close(&client->stream.out, client->closing ? client->websocket.code : WEBSOCKET_GOING_AWAY,
							  close_reason(client));
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
	client->peer->clients -= client->kind != CLIENT_METRICS;
	peer_release(client->peer);
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
