/*
 * client.h
 *	  The connection of a client.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "http.h"
#include "loop.h"
#include "request.h"
#include "stream.h"
#include "websocket.h"

typedef enum ClientKind
{
	CLIENT_HTTP,
	CLIENT_WEBSOCKET,
	CLIENT_METRICS
} ClientKind;

/* What the timer of a client is for. */
typedef enum ClientWait
{
	WAIT_NOTHING,				/* it waits for us */
	WAIT_INPUT,					/* the rest of a request */
	WAIT_OUTPUT,				/* it has to take its answers */
	WAIT_REQUEST,				/* a request */
	WAIT_END					/* of its input, before we close */
} ClientWait;

typedef struct Client
{
	ClientKind	kind;
	Stream		stream;
	Timer		timer;
	ClientWait	wait;
	HttpReader	http;
	WebSocketReader websocket;
	Request    *requests;		/* without an answer yet */
	int			nrequests;
	size_t		request_bytes;	/* of their bodies */
	bool		advancing;		/* its input is being looked at */
	bool		active;			/* something came, or went, since the timer
								 * was set */
	bool		pinged;			/* and nothing came since */
	bool		closing;		/* when all is written */
	bool		said_end;		/* by the last frame of a WebSocket */
	bool		ending;			/* all is written; wait for its end */
	bool		dead;
	char		address[64];
	char	   *forwarded;		/* whom a proxy has a WebSocket from; or NULL */
	struct Client *previous;
	struct Client *next;
	/* of turn.c */
	Request    *waiting;		/* those for which there is no connection yet */
	Request    *last_waiting;
	int			nwaiting;
	bool		in_turn;
	struct Client *next_in_turn;
} Client;

extern void client_accept(int fd, ClientKind kind);
extern bool client_is_full(const Client *client);
extern void client_answered(Client *client);
extern void client_close_after_answers(Client *client);
extern void clients_drain(void);
extern void clients_close(void);

#endif							/* CLIENT_H */
