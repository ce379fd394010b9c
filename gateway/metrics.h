/*
 * metrics.h
 *	  What is counted.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

#include "buffer.h"
#include "request.h"

typedef struct Metrics
{
	/* now */
	int			clients;
	int			websockets;
	int			requests;		/* that have no answer yet */
	int			waiting;		/* of these, for a connection */
	int			connections;	/* to the database, that work */
	int			running;		/* of these, with a request */
	/* since the start */
	uint64_t	accepted;
	uint64_t	refused_clients;
	uint64_t	shed_clients;
	uint64_t	connections_lost;
	uint64_t	logins;
	uint64_t	failed_logins;
	uint64_t	answers[NPROTOCOLS][6]; /* by status / 100 */
	uint64_t	bytes;
} Metrics;

extern Metrics metrics;

extern void metrics_count(Protocol protocol, int status, size_t bytes, double ms);
extern void metrics_write(Buffer *buffer);

#endif							/* METRICS_H */
