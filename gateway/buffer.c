/*
 * buffer.c
 *	  Memory, and bytes that come at one end and go at the other.
 *
 * What clients can make the program keep is bounded elsewhere, so memory that can't
 * be had means that the machine has none: the program ends, and whoever watches it
 * starts it again.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

/* A buffer that has grown beyond this gives its memory back when it is empty. */
#define KEPT_SIZE (16 * 1024)

/* What is written in many pieces is not to grow with each. */
#define FIRST_SIZE 128

/*
 * Memory, zeroed; free() gives it back.
 */
void *
allocate(size_t size)
{
	void	   *memory = calloc(1, size);

	if (!memory)
	{
		fputs("kz-gateway: out of memory\n", stderr);
		abort();
	}
	return memory;
}

/*
 * A copy of bytes, with a zero behind them.
 */
char *
copy_bytes(const char *bytes, size_t length)
{
	char	   *copy = allocate(length + 1);

	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

/*
 * A copy of a string; NULL of NULL.
 */
char *
copy_string(const char *string)
{
	return string ? copy_bytes(string, strlen(string)) : NULL;
}

/*
 * Make room for so many bytes, and tell where.  Whoever writes there moves the end.
 */
char *
buffer_reserve(Buffer *buffer, size_t length)
{
	size_t		used = buffer_length(buffer);

	if (buffer->size - buffer->end >= length)
		return buffer->bytes + buffer->end;
	if (buffer->start > 0)
		memmove(buffer->bytes, buffer->bytes + buffer->start, used);
	buffer->start = 0;
	buffer->end = used;
	if (buffer->size - used < length)
	{
		size_t		size = buffer->size > SIZE_MAX / 4 ? SIZE_MAX : buffer->size * 2 + FIRST_SIZE;

		buffer->size = size > used + length ? size : used + length;
		buffer->bytes = realloc(buffer->bytes, buffer->size);
		if (!buffer->bytes)
		{
			fputs("kz-gateway: out of memory\n", stderr);
			abort();
		}
	}
	return buffer->bytes + buffer->end;
}

void
buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	memcpy(buffer_reserve(buffer, length), bytes, length);
	buffer->end += length;
}

void
buffer_append_string(Buffer *buffer, const char *string)
{
	buffer_append(buffer, string, strlen(string));
}

void
buffer_printf(Buffer *buffer, const char *format,...)
{
	va_list		arguments;
	size_t		room;
	size_t		length = 127;

	/* Twice at most: the first time may tell that there must be more room. */
	do
	{
		char	   *to = buffer_reserve(buffer, length + 1);

		room = buffer->size - buffer->end;
		va_start(arguments, format);
		length = vsnprintf(to, room, format, arguments);
		va_end(arguments);
	} while (length >= room);
	buffer->end += length;
}

/*
 * Let go of bytes at the begin.
 */
void
buffer_consume(Buffer *buffer, size_t length)
{
	buffer->start += length;
	if (buffer->start < buffer->end)
		return;
	buffer->start = buffer->end = 0;
	if (buffer->size > KEPT_SIZE)
		buffer_free(buffer);
}

/*
 * What is in the buffer as a string that is the caller's; the buffer is empty then.
 */
char *
buffer_take_string(Buffer *buffer)
{
	char	   *string;

	*buffer_reserve(buffer, 1) = '\0';
	if (buffer->start > 0)
		memmove(buffer->bytes, buffer->bytes + buffer->start, buffer_length(buffer) + 1);
	string = buffer->bytes;
	memset(buffer, 0, sizeof(*buffer));
	return string;
}

void
buffer_free(Buffer *buffer)
{
	free(buffer->bytes);
	memset(buffer, 0, sizeof(*buffer));
}
