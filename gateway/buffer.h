/*
 * buffer.h
 *	  Memory, and bytes that come at one end and go at the other.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * All zeroes is an empty buffer.  Its memory counts as used.  If there is none for what
 * is to be appended, that is left out, and "failed" says so until the buffer is freed:
 * whoever lets it become large looks.
 */
typedef struct Buffer
{
	char	   *bytes;
	size_t		start;			/* of what is in it */
	size_t		end;
	size_t		size;
	bool		failed;
} Buffer;

static inline size_t
buffer_length(const Buffer *buffer)
{
	return buffer->end - buffer->start;
}

static inline char *
buffer_data(const Buffer *buffer)
{
	return buffer->bytes ? buffer->bytes + buffer->start : NULL;
}

extern void *allocate(size_t size);
extern char *copy_bytes(const char *bytes, size_t length);
extern char *copy_string(const char *string);

extern bool buffer_grow(Buffer *buffer, size_t length);
extern char *buffer_reserve(Buffer *buffer, size_t length);
extern void buffer_append(Buffer *buffer, const void *bytes, size_t length);
extern void buffer_append_string(Buffer *buffer, const char *string);
extern void buffer_printf(Buffer *buffer, const char *format,...) __attribute__((format(printf, 2, 3)));
extern void buffer_consume(Buffer *buffer, size_t length);
extern char *buffer_string(Buffer *buffer);
extern void buffer_fit(Buffer *buffer);
extern char *buffer_take_string(Buffer *buffer);
extern void buffer_free(Buffer *buffer);

#endif							/* BUFFER_H */
