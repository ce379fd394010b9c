/*
 * buffer.c
 *	  Memory, and bytes that come at one end and go at the other.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "memory.h"

/* A buffer that has grown beyond this gives its memory back when it is empty. */
#define KEPT_SIZE (16 * 1024)

/* What is written in many pieces is not to grow with each. */
#define FIRST_SIZE 128

/*
 * Memory, zeroed; free() gives it back.  NULL only if it is more than SMALL_MEMORY.
 */
void *
allocate(size_t size)
{
	void	   *memory = memory_get(NULL, size);

	return memory ? memset(memory, 0, size) : NULL;
}

/*
 * A copy of bytes, with a zero behind them; NULL as of allocate().
 */
char *
copy_bytes(const char *bytes, size_t length)
{
	char	   *copy = memory_get(NULL, length + 1);

	if (!copy)
		return NULL;
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

/*
 * A copy of a string; NULL of NULL, and as of allocate().
 */
char *
copy_string(const char *string)
{
	return string ? copy_bytes(string, strlen(string)) : NULL;
}

/*
 * Have room for so many bytes, and a zero, if there is memory for them; else nothing
 * changes.  It grows by more than it must, unless that is not to be had.
 */
bool
buffer_grow(Buffer *buffer, size_t length)
{
	size_t		used = buffer_length(buffer);
	size_t		least = used + length + 1;
	size_t		size = buffer->size * 2 + FIRST_SIZE;
	char	   *bytes;

	if (buffer->size - buffer->end > length)
		return true;
	if (buffer->start > 0)
		memmove(buffer->bytes, buffer->bytes + buffer->start, used);
	buffer->start = 0;
	buffer->end = used;
	if (buffer->size >= least)
		return true;
	if (size < least)
		size = least;
	bytes = memory_get(buffer->bytes, size);
	if (!bytes && size > least)
		bytes = memory_get(buffer->bytes, size = least);
	if (!bytes)
		return false;
	memory_count(buffer->size, size);
	buffer->bytes = bytes;
	buffer->size = size;
	return true;
}

/*
 * Make room for so many bytes, and tell where; NULL if the buffer has failed, which it
 * does not while it is small.  Whoever writes there moves the end.
 */
char *
buffer_reserve(Buffer *buffer, size_t length)
{
	if (!buffer->failed)
		buffer->failed = !buffer_grow(buffer, length);
	return buffer->failed ? NULL : buffer->bytes + buffer->end;
}

void
buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
	char	   *to = length > 0 ? buffer_reserve(buffer, length) : NULL;

	if (!to)
		return;
	memcpy(to, bytes, length);
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

		if (!to)
			return;
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
 * What is in the buffer as a string, which is the buffer's; empty if it has failed.
 */
char *
buffer_string(Buffer *buffer)
{
	static char empty[1];
	char	   *end = buffer_reserve(buffer, 0);

	if (!end)
		return empty;
	*end = '\0';
	return buffer_data(buffer);
}

/*
 * Give back the memory that is not needed any more, now that nothing more comes.
 */
void
buffer_fit(Buffer *buffer)
{
	size_t		size = buffer->end + 1;
	char	   *bytes = buffer->size > KEPT_SIZE && buffer->size > size ? realloc(buffer->bytes, size) : NULL;

	if (!bytes)
		return;
	memory_count(buffer->size, size);
	buffer->bytes = bytes;
	buffer->size = size;
}

/*
 * What is in the buffer as a string that is the caller's; the buffer is empty then.
 * NULL if it has failed.
 */
char *
buffer_take_string(Buffer *buffer)
{
	char	   *string = buffer_reserve(buffer, 0);

	if (!string)
	{
		buffer_free(buffer);
		return NULL;
	}
	*string = '\0';
	if (buffer->start > 0)
		memmove(buffer->bytes, buffer->bytes + buffer->start, buffer_length(buffer) + 1);
	string = buffer->bytes;
	memory_count(buffer->size, 0);
	memset(buffer, 0, sizeof(*buffer));
	return string;
}

void
buffer_free(Buffer *buffer)
{
	memory_count(buffer->size, 0);
	free(buffer->bytes);
	memset(buffer, 0, sizeof(*buffer));
}
