/*
 * http.h
 *	  HTTP/1.1: from bytes to messages, and answers to bytes.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdint.h>

#include "buffer.h"

/* A request, as it is read. */
typedef struct HttpMessage
{
	char	   *method;
	char	   *target;			/* as sent */
	Buffer		headers;		/* a JSON object, names in lower case, without
								 * credentials */
	Buffer		body;
	char	   *authorization;	/* NULL: none */
	char	   *origin;			/* NULL: none */
	char	   *x_forwarded_for;	/* all of these lines; NULL: none */
	char	   *forwarded;		/* likewise */
	char	   *websocket_key;	/* NULL: it asks for no WebSocket */
	char	   *subprotocol;	/* the first it offers; or NULL */
	bool		bad_upgrade;	/* it asks for one as we can't speak it */
	bool		keep_alive;		/* the connection is for more requests */
} HttpMessage;

typedef enum HttpState
{
	HTTP_HEAD,
	HTTP_BODY,
	HTTP_CHUNK,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_COMPLETE,
	HTTP_BAD
} HttpState;

/* All zeroes begins. */
typedef struct HttpReader
{
	HttpState	state;
	HttpMessage message;
	size_t		scanned;		/* of the input, in vain */
	uint64_t	remaining;		/* of the body or the chunk */
	size_t		trailer;		/* bytes of the trailer and of extensions */
	bool		continues;		/* the client waits for "100 Continue" */
	int			status;			/* of HTTP_BAD */
	const char *problem;
} HttpReader;

extern HttpState http_read(HttpReader *reader, Buffer *in);
extern bool http_has_begun(const HttpReader *reader, const Buffer *in);
extern void http_reset(HttpReader *reader);

extern void http_write_head(Buffer *out, int status);
extern void http_write_header(Buffer *out, const char *name, const char *value);
extern void http_write_body(Buffer *out, int status, const char *body, size_t length, bool keep_alive,
							bool only_head);

#endif							/* HTTP_H */
