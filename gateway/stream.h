/*
 * stream.h
 *	  The bytes of a connection, with TLS or without.
 */
#ifndef STREAM_H
#define STREAM_H

#include <openssl/ssl.h>

#include "buffer.h"
#include "loop.h"

typedef struct Stream
{
	Watch		watch;
	SSL		   *ssl;			/* NULL: none */
	Buffer		in;
	Buffer		out;
	bool		ended;			/* the other end sends no more */
	bool		wants_write;	/* TLS must write before it can read */
	bool		not_tls;		/* there was HTTP where TLS is spoken */
	bool		held;			/* there is input that is not read now */
} Stream;

extern void stream_open(Stream *stream, int fd, bool secure);
extern bool stream_read(Stream *stream);
extern bool stream_write(Stream *stream);
extern void stream_wait(Stream *stream, bool reading);
extern void stream_end(Stream *stream);
extern void stream_close(Stream *stream);

#endif							/* STREAM_H */
