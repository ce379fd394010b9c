/*
 * request.h
 *	  A request, from its last byte to its answer.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

typedef enum Protocol
{
	KUZZLE_HTTP,
	MILVUS_HTTP,
	KUZZLE_WEBSOCKET,
	NPROTOCOLS
} Protocol;

struct Client;
struct HttpMessage;

/*
 * It belongs to whoever it was handed to last, and that one answers it or hands it
 * on; answering frees it.  It outlives its client.
 */
typedef struct Request
{
	struct Client *client;		/* NULL: has gone */
	struct Request *previous;	/* of the requests of the client */
	struct Request *next;
	struct Request *next_waiting;	/* in the queue of the client */
	Protocol	protocol;
	int64_t		began;			/* microseconds */
	char		address[64];	/* of the client */
	char	   *forwarded;		/* whom a proxy has it from; NULL: unknown */
	char	   *method;			/* NULL: could not be read */
	char	   *target;			/* likewise; of a frame, controller:action */
	char	   *headers;		/* JSON */
	Buffer		body;			/* or the frame */
	size_t		size;			/* of it */
	char	   *origin;			/* NULL: none */
	char	   *token;			/* NULL: none */
	bool		keep_alive;
	char	   *request_id;		/* JSON, as sent; NULL: none */
	char	   *volatile_data;	/* likewise */
	char	   *controller;		/* where the gateway needs to know; else NULL */
	char	   *action;
	char	   *role;			/* to run as; NULL: as the gateway */
	bool		remembered;		/* for its password, which was right a while
								 * ago; the role has to be looked at */
	char	   *kuid;			/* on whose behalf; NULL: not known yet */
	char	   *problem;		/* for the log; NULL: none */
} Request;

/*
 * Failures that are not for the database to tell.
 */
typedef struct Failure
{
	int			status;
	const char *id;				/* of Kuzzle */
	int			code;
	int			milvus_code;
	bool		bare;			/* Kuzzle answers the error without an
								 * envelope */
	const char *message;
} Failure;

extern const Failure failure_http;
extern const Failure failure_too_large;
extern const Failure failure_not_text;
extern const Failure failure_timeout;
extern const Failure failure_frame;
extern const Failure failure_overloaded;
extern const Failure failure_unavailable;
extern const Failure failure_too_slow;
extern const Failure failure_rejected;
extern const Failure failure_error;
extern const Failure failure_unauthorized;
extern const Failure failure_forbidden;
extern const Failure failure_token;
extern const Failure failure_expired;
extern const Failure failure_credentials;
extern const Failure failure_argument;

extern Request *request_from_http(struct Client *client, struct HttpMessage *message);
extern Request *request_from_frame(struct Client *client, Buffer *frame);
extern void request_forget_id(Request *request);
extern int64_t request_age(const Request *request);
extern void request_answer(Request *request, int status, const char *headers, const char *body, size_t length);
extern void request_succeed(Request *request, const char *result);
extern void request_fail(Request *request, const Failure *failure, const char *message);
extern void request_fail_http(Request *request, int status, const char *problem);
extern void request_discard(Request *request);

#endif							/* REQUEST_H */
