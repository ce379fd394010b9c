/*
 * header.h
 *	  The headers of a request.
 */
#ifndef HEADER_H
#define HEADER_H

#include "buffer.h"

#define MAX_HEADERS 100

/*
 * The lines of a head while it is read, where they stand; several may have the same
 * name.  Names are in lower case.  All zeroes is none.
 */
typedef struct Headers
{
	const char *names[MAX_HEADERS];
	const char *values[MAX_HEADERS];
	int			n;
} Headers;

extern int	headers_read(Headers *headers, char *lines, const char **problem);
extern const char *headers_find(const Headers *headers, const char *name);
extern char *headers_copy(const Headers *headers, const char *name);
extern char *headers_first_word(const Headers *headers, const char *name);
extern bool headers_have(const Headers *headers, const char *name, const char *word);
extern void headers_write(const Headers *headers, Buffer *out);

extern bool http_is_token(const char *text, size_t length);
extern bool http_is_line(const char *text, size_t length);

#endif							/* HEADER_H */
