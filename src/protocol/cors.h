/*
 * cors.h
 *	  What web pages of other sites may send, and read answers to; as Kuzzle has it,
 *	  and as Milvus has it.
 *
 * Only text, as kz-gateway includes it, too.
 */
#ifndef KZ_PROTOCOL_CORS_H
#define KZ_PROTOCOL_CORS_H

#define KZ_CORS_KUZZLE_METHODS "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
#define KZ_CORS_KUZZLE_HEADERS \
	"Content-Type, Access-Control-Allow-Headers, Authorization, X-Requested-With, Content-Length, " \
	"Content-Encoding, X-Kuzzle-Request-Id, X-Kuzzle-Volatile"

/* ContentType is what the SDK calls it. */
#define KZ_CORS_MILVUS_METHODS "POST, OPTIONS, GET, PUT"
#define KZ_CORS_MILVUS_HEADERS \
	"Content-Type, ContentType, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, " \
	"Accept, Origin, Cache-Control, X-Requested-With, Accept-Type-Allow-Int64, DB-Name, Request-Timeout"

#endif							/* KZ_PROTOCOL_CORS_H */
