/*
 * stream.c
 *	  The bytes of a connection, with TLS or without.
 *
 * What is to be sent waits in "out", so nobody who answers has to wait.  Whoever
 * fills it looks after its size.
 */
#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"
#include "tls.h"

/* At most this is read before others have their turn. */
#define READ_SIZE (64 * 1024)
#define FIRST_READ_SIZE 4096

static ssize_t read_some(Stream *stream, char *bytes, size_t size);
static ssize_t write_some(Stream *stream, const char *bytes, size_t size);
static ssize_t tls_result(Stream *stream, int result);

/*
 * Take a connected socket, which speaks TLS if there is a certificate and it is to be
 * secure.  watch.ready and watch.owner are the caller's to set.
 */
void
stream_open(Stream *stream, int fd, bool secure)
{
	stream->ssl = secure ? tls_accept(fd) : NULL;
	stream->watch.fd = -1;
	watch_set(&stream->watch, fd, EPOLLIN);
}

/*
 * Read what there is, but not more than a portion; false if the connection is
 * broken.  What TLS has taken from the socket is read in any case, which is the
 * rest of one record: no event would tell of it.
 */
bool
stream_read(Stream *stream)
{
	size_t		room = FIRST_READ_SIZE;
	size_t		total = 0;

	while (room > 0 && !stream->ended)
	{
		char	   *to = buffer_reserve(&stream->in, room);
		ssize_t		n = read_some(stream, to, room);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			stream->ended = true;
		stream->in.end += n;
		total += n;
		if (!stream->ssl && (size_t) n < room)
			break;
		if (total < READ_SIZE)
			room = READ_SIZE - total;
		else
			room = stream->ssl ? SSL_pending(stream->ssl) : 0;
	}
	return true;
}

/*
 * Write what can be written; false if the connection is broken.
 */
bool
stream_write(Stream *stream)
{
	while (buffer_length(&stream->out) > 0)
	{
		ssize_t		n = write_some(stream, buffer_data(&stream->out), buffer_length(&stream->out));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buffer_consume(&stream->out, n);
	}
	return true;
}

/*
 * Wait until something can be written, if there is something, and read, if asked.
 * Most clients send nothing while we don't read them, so what is waited for, which
 * takes a system call to change, stays until one does.
 */
void
stream_wait(Stream *stream, bool reading)
{
	uint32_t	events = stream->held ? 0 : stream->watch.events & EPOLLIN;

	if (reading)
		events |= EPOLLIN;
	if (stream->ended)
		events = 0;
	if (buffer_length(&stream->out) > 0 || stream->wants_write)
		events |= EPOLLOUT;
	if (events != stream->watch.events)
		watch_set(&stream->watch, stream->watch.fd, events);
}

/*
 * Tell the other end that nothing more comes.
 */
void
stream_end(Stream *stream)
{
	if (stream->ssl && SSL_is_init_finished(stream->ssl))
		SSL_shutdown(stream->ssl);
	ERR_clear_error();
	shutdown(stream->watch.fd, SHUT_WR);
}

/*
 * Close, and forget what is not sent.
 */
void
stream_close(Stream *stream)
{
	int			fd = stream->watch.fd;

	stream_end(stream);
	watch_clear(&stream->watch);
	SSL_free(stream->ssl);
	stream->ssl = NULL;
	close(fd);
	buffer_free(&stream->in);
	buffer_free(&stream->out);
}

static ssize_t
read_some(Stream *stream, char *bytes, size_t size)
{
	ssize_t		n;

	if (!stream->ssl)
		return recv(stream->watch.fd, bytes, size, 0);
	ERR_clear_error();
	n = tls_result(stream, SSL_read(stream->ssl, bytes, size));
	stream->wants_write = SSL_want_write(stream->ssl);
	return n;
}

static ssize_t
write_some(Stream *stream, const char *bytes, size_t size)
{
	if (!stream->ssl)
		return send(stream->watch.fd, bytes, size, MSG_NOSIGNAL);
	ERR_clear_error();
	return tls_result(stream, SSL_write(stream->ssl, bytes, size > READ_SIZE ? READ_SIZE : size));
}

/*
 * What TLS says in the words of a socket.  SSL_get_error also looks at the queue of
 * errors, which is one for all connections, those of libpq too: it must have been
 * empty before the call, and nothing may stay in it for others.
 */
static ssize_t
tls_result(Stream *stream, int result)
{
	int			error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(stream->ssl, result);

	if (error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
		stream->not_tls = true;
	ERR_clear_error();
	if (error == SSL_ERROR_NONE)
		return result;
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
	return -1;
}
