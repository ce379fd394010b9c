/*
 * encoding.h
 *	  Text between UTF-8 and the encoding of the database.
 */
#ifndef KZ_BASE_ENCODING_H
#define KZ_BASE_ENCODING_H

#include "lib/stringinfo.h"

extern bool kz_encoding_append(StringInfo buffer, const char *utf8, int length, const char **expected);
extern int	kz_encoding_utf8_length(const char *string, int length);
extern int	kz_encoding_clip(const char *string, int length, int limit);

#endif							/* KZ_BASE_ENCODING_H */
