/*
 * http.h
 *	  Requests and answers of HTTP.
 */
#ifndef KZ_PROTOCOL_HTTP_H
#define KZ_PROTOCOL_HTTP_H

#include "base/error.h"
#include "base/pairs.h"

typedef struct KzHttpRequest
{
	const char *verb;
	const char *path;			/* without the query; as sent */
	KzPairs		query;			/* decoded, values are strings; the last of a
								 * name counts */
	const char *expected;		/* of a query that can't be decoded, what it
								 * should have been; NULL: it can */
	const Jsonb *headers;		/* an object */
	const char *body;			/* NULL or empty: there is none */
	const char *kuid;			/* the caller; NULL: anonymous */
} KzHttpRequest;

typedef struct KzHttpAnswer
{
	int			status;
	KzPairs		headers;		/* values are strings */
	const char *body;			/* NULL: none */
} KzHttpAnswer;

/* in http.c */
extern bool kz_http_add_header(KzHttpAnswer *answer, const char *name, const char *value);

/* in http_request.c */
extern void kz_http_read_target(KzHttpRequest *request, const char *target);
extern const char *kz_http_header(const KzHttpRequest *request, const char *name);
extern const JsonbValue *kz_http_query(const KzHttpRequest *request, const char *name);
extern char *kz_http_decode(const char *encoded, int length, bool plus_is_space,
							const char **expected);
extern bool kz_http_decode_form(const char *form, KzPairs *pairs, const char **expected);
extern void kz_http_keep_last(KzPairs *pairs);
extern Jsonb *kz_http_parse_json(const char *json, char **problem);

/* in http_body.c */
extern bool kz_http_read_body(const KzHttpRequest *request, Jsonb **body, KzError *error);

/* in http_kuzzle.c */
extern void kz_http_kuzzle(const KzHttpRequest *request, KzHttpAnswer *answer);

/* in http_milvus.c */
extern bool kz_http_is_milvus(const KzHttpRequest *request);
extern void kz_http_milvus(const KzHttpRequest *request, KzHttpAnswer *answer);

#endif							/* KZ_PROTOCOL_HTTP_H */
