/*
 * websocket.h
 *	  The protocol of WebSockets, RFC 6455: frames in, messages out, and back.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stdint.h>

#include "buffer.h"

typedef enum WebSocketEvent
{
	WEBSOCKET_MORE,				/* there must be more input */
	WEBSOCKET_PART,				/* a fragment has been read */
	WEBSOCKET_TEXT,				/* message has a whole one */
	WEBSOCKET_PING,				/* payload wants a pong */
	WEBSOCKET_PONG,
	WEBSOCKET_CLOSE,			/* code is what the other end said */
	WEBSOCKET_BAD				/* code is what it is to be told */
} WebSocketEvent;

/* All zeroes begins, but for "most". */
typedef struct WebSocketReader
{
	Buffer		message;		/* of fragments, or complete */
	size_t		most;			/* bytes of a message */
	bool		fragmented;		/* more fragments of it are to come */
	bool		in_frame;		/* the head of a frame of it has been read */
	bool		final;			/* it is the last */
	uint64_t	remaining;		/* of the frame */
	unsigned char mask[4];		/* for what remains */
	char		payload[126];	/* of a control frame */
	size_t		payload_length;
	int			code;
} WebSocketReader;

/* Reasons for closing. */
#define WEBSOCKET_GOING_AWAY 1001
#define WEBSOCKET_PROTOCOL 1002
#define WEBSOCKET_UNSUPPORTED 1003
#define WEBSOCKET_NO_CODE 1005
#define WEBSOCKET_NOT_TEXT 1007
#define WEBSOCKET_TOO_LARGE 1009
#define WEBSOCKET_TRY_LATER 1013

/* A text "xxx" has this many bytes when it is accepted, and a zero. */
#define WEBSOCKET_ACCEPT_SIZE 29

extern bool websocket_accept(const char *key, char *accept);
extern WebSocketEvent websocket_read(WebSocketReader *reader, Buffer *in);
extern bool websocket_has_begun(const WebSocketReader *reader, const Buffer *in);
extern void websocket_write_text(Buffer *out, const char *text, size_t length);
extern void websocket_write_ping(Buffer *out);
extern void websocket_write_pong(Buffer *out, const char *payload, size_t length);
extern void websocket_write_close(Buffer *out, int code, const char *reason);

#endif							/* WEBSOCKET_H */
