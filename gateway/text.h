/*
 * text.h
 *	  Text as clients send it: UTF-8, JSON, random ids.
 */
#ifndef TEXT_H
#define TEXT_H

#include "buffer.h"

/* A part of a text; its text is NULL if there is none. */
typedef struct Slice
{
	const char *text;
	size_t		length;
} Slice;

#define RANDOM_ID_LENGTH 36

extern bool utf8_is_valid(const char *text, size_t length);
extern void make_random_id(char *id);

extern bool json_open(Slice *rest, const char *text, size_t length);
extern bool json_next(Slice *rest, Slice *key, Slice *value);
extern Slice json_member(Slice object, const char *key);
extern bool json_decode(Buffer *decoded, Slice value);
extern char *json_decode_string(Slice value);
extern bool json_array_has(Slice array, const char *string);
extern bool json_is_string(Slice value, const char *string);
extern void json_append_string(Buffer *buffer, const char *string);
extern void json_append_line(Buffer *buffer, const char *string);

#endif							/* TEXT_H */
