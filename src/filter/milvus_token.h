/*
 * milvus_token.h
 *	  The words of Milvus' filters.
 */
#ifndef KZ_FILTER_MILVUS_TOKEN_H
#define KZ_FILTER_MILVUS_TOKEN_H

#include "utils/jsonb.h"

typedef enum KzTokenKind
{
	KZ_TOKEN_END,
	KZ_TOKEN_NAME,				/* an identifier that is no word of the
								 * language */
	KZ_TOKEN_INTEGER,
	KZ_TOKEN_FLOAT,
	KZ_TOKEN_STRING,
	KZ_TOKEN_TRUE,
	KZ_TOKEN_FALSE,
	KZ_TOKEN_AND,
	KZ_TOKEN_OR,
	KZ_TOKEN_NOT,
	KZ_TOKEN_IN,
	KZ_TOKEN_LIKE,
	KZ_TOKEN_IS,
	KZ_TOKEN_NULL,
	KZ_TOKEN_EXISTS,
	KZ_TOKEN_EQUAL,
	KZ_TOKEN_NOT_EQUAL,
	KZ_TOKEN_LESS_OR_EQUAL,
	KZ_TOKEN_GREATER_OR_EQUAL,
	KZ_TOKEN_POWER,
	KZ_TOKEN_SHIFT,
	KZ_TOKEN_CHARACTER			/* one that stands for itself */
} KzTokenKind;

typedef struct KzToken
{
	KzTokenKind kind;
	const char *start;			/* in the expression */
	int			length;
	char		character;
	char	   *string;			/* NAME, STRING: palloc'd */
	int			string_length;
	uint64		integer;
	Numeric		number;			/* INTEGER, FLOAT */
} KzToken;

extern bool kz_token_read(const char **at, KzToken *token, const char **problem);

#endif							/* KZ_FILTER_MILVUS_TOKEN_H */
