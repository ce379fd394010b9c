/*
 * stream.c
 *	  The bytes of a connection, with TLS or without.
 *
 * What is to be sent waits in "out", so nobody who answers has to wait.  Whoever
 * fills it looks after its size.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "stream.h"
#include "tls.h"

/* At most this is read before others have their turn. */
#define READ_SIZE (64 * 1024)
#define FIRST_READ_SIZE 4096

/* What TLS takes for a connection, about. */
#define TLS_SIZE (48 * 1024)

static ssize_t read_some(Stream *stream, char *bytes, size_t size);
static ssize_t write_some(Stream *stream, const char *bytes, size_t size);
static ssize_t tls_result(Stream *stream, int result);

/*
 * Take a connected socket, which speaks TLS if there is a certificate and it is to be
 * secure; false if there is no memory for that.  watch.ready and watch.owner are the
 * caller's to set.
 */
bool
stream_open(Stream *stream, int fd, bool secure)
{
	if (secure && !tls_accept(fd, &stream->ssl))
		return false;
	if (stream->ssl)
		memory_count(0, TLS_SIZE);
	stream->watch.fd = -1;
	watch_set(&stream->watch, fd, EPOLLIN);
	return true;
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
		ssize_t		n = to ? read_some(stream, to, room) : -1;

		if (n < 0)
			return to && (errno == EAGAIN || errno == EINTR);
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
 * Write what can be written; false if the connection is broken, or a part of what was
 * to be written could not be kept.
 */
bool
stream_write(Stream *stream)
{
	while (buffer_length(&stream->out) > 0 && !stream->out.failed)
	{
		ssize_t		n = write_some(stream, buffer_data(&stream->out), buffer_length(&stream->out));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		stream->written += n;
		buffer_consume(&stream->out, n);
	}
	return !stream->out.failed;
}

/*
 * How many bytes the other end has taken, about.  What the kernel has taken for it says
 * little: that is megabytes, and for long nothing then.
 */
int64_t
stream_taken(const Stream *stream)
{
	int			on_the_way = 0;

	if (ioctl(stream->watch.fd, SIOCOUTQ, &on_the_way) != 0)
		on_the_way = 0;
	return (int64_t) stream->written - on_the_way;
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
	if (stream->ssl)
		memory_count(TLS_SIZE, 0);
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
