/*
 * pace.c
 *	  How long a client is waited for.
 *
 * A byte now and then is no progress: a message has its time from its first byte, and
 * more of it only by its size; and answers are taken at a rate, or the client has to go.
 */
#include "config.h"
#include "pace.h"

/* Who has so many bytes to take must take them before --send-timeout. */
#define LEAST_TAKEN (64 * 1024)

/* For so many more bytes of a message there is --read-timeout once more. */
#define INPUT_STEP (1024 * 1024)

/* How long we wait for the end of a client that still sends when we close. */
#define LAST_WAIT 2000

static ClientWait waits_for(const Client *client);
static int64_t input_end(const Client *client);

/*
 * Have the timer say when the client has been waited for too long.  What it already
 * waits for goes on, unless the client has got on with it; but a part of a message or of
 * its answers is not all of it.
 */
void
pace_set_timer(Client *client)
{
	ClientWait	wait = waits_for(client);
	bool		restart = client->active && wait == WAIT_REQUEST;

	client->active = false;
	if (wait == WAIT_NOTHING || wait == WAIT_REQUEST)
		client->input_since = 0;
	else if (wait == WAIT_INPUT && client->input_since == 0)
		client->input_since = loop_now();
	if (wait == client->wait && client->timer.place != 0 && !restart)
		return;
	client->wait = wait;
	switch (wait)
	{
		case WAIT_NOTHING:
			timer_clear(&client->timer);
			break;
		case WAIT_INPUT:
			timer_set(&client->timer, input_end(client) - loop_now());
			break;
		case WAIT_OUTPUT:
			client->taken_before = stream_taken(&client->stream);
			client->owed = client->stream.written + buffer_length(&client->stream.out) - client->taken_before;
			client->owed = client->owed < LEAST_TAKEN ? client->owed : LEAST_TAKEN;
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

/*
 * When a message that comes must have come, at the latest.
 */
static int64_t
input_end(const Client *client)
{
	size_t		come = buffer_length(&client->http.message.body) + buffer_length(&client->websocket.message);

	return client->input_since + config.read_timeout * 1000L * (int64_t) (1 + come / INPUT_STEP);
}

static ClientWait
waits_for(const Client *client)
{
	const Stream *stream = &client->stream;

	if (client->ending)
		return WAIT_END;
	if (buffer_length(&stream->out) > 0)
		return WAIT_OUTPUT;
	if (!client_may_read(client))
		return WAIT_NOTHING;
	if (stream->ssl && !SSL_is_init_finished(stream->ssl))
		return WAIT_INPUT;
	if (client->kind == CLIENT_WEBSOCKET ? websocket_has_begun(&client->websocket, &stream->in) :
		http_has_begun(&client->http, &stream->in))
		return WAIT_INPUT;
	return client->nrequests > 0 ? WAIT_NOTHING : WAIT_REQUEST;
}

/*
 * Whether a client whose timer has expired has been fast enough: the time that it has
 * depends on what it did meanwhile.
 */
bool
pace_is_kept(const Client *client)
{
	if (client->wait == WAIT_OUTPUT)
		return stream_taken(&client->stream) - client->taken_before >= client->owed;
	return client->wait == WAIT_INPUT && input_end(client) > loop_now();
}
