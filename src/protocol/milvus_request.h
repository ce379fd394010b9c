/*
 * milvus_request.h
 *	  A request to Milvus' REST API: what all its endpoints share.
 *
 * An endpoint returns false when it fails, with code and message set.
 */
#ifndef KZ_PROTOCOL_MILVUS_REQUEST_H
#define KZ_PROTOCOL_MILVUS_REQUEST_H

#include "base/error.h"
#include "base/json.h"
#include "base/pairs.h"
#include "protocol/call.h"
#include "protocol/milvus_schema.h"

/* Milvus' error codes, as far as they are used here. */
typedef enum KzMilvusCode
{
	KZ_MILVUS_NO_COLLECTION = 100,
	KZ_MILVUS_NO_PARTITION = 200,
	KZ_MILVUS_NO_DATABASE = 800,
	KZ_MILVUS_INVALID_DATABASE_NAME = 802,
	KZ_MILVUS_INVALID_PARAMETER = 1100,
	KZ_MILVUS_INVALID_FIELD_NAME = 1701,
	KZ_MILVUS_NOT_JSON = 1801,
	KZ_MILVUS_MISSING = 1802,
	KZ_MILVUS_INVALID_DATA = 1804,
	KZ_MILVUS_INVALID_KEY = 1806,
	KZ_MILVUS_OTHER = 65535
} KzMilvusCode;

#define KZ_MILVUS_DEFAULT_DATABASE "default"

typedef struct KzMilvusRequest
{
	KzCall		call;			/* memory; index is the database */
	int			version;		/* of the API: 1 or 2 */
	bool		allow_int64;	/* else Int64 values are answered as strings */
	const JsonbContainer *body; /* an object */
	JsonbValue	data;			/* of the answer; jbvNull: none */
	KzPairs		extra;			/* of the answer, beside code and data */
	int			code;			/* of the failure, with the message */
	const char *message;
} KzMilvusRequest;

/* An endpoint; its path is behind /v1/vector/ or /v2/vectordb/. */
typedef struct KzMilvusEndpoint
{
	int			version;
	const char *path;
	const char *verb;
	const char *structure;		/* v2: what Milvus calls the request in errors */
	const char *required[4];	/* what it must have; NULL: no more */
	bool		(*run) (KzMilvusRequest *request);
	bool		raises;			/* also failures that are ours; it runs in a
								 * subtransaction */
	bool		entities;		/* "data" has entities */
} KzMilvusEndpoint;

extern const KzMilvusEndpoint kz_milvus_collection_endpoints[];
extern const int kz_milvus_ncollection_endpoints;
extern const KzMilvusEndpoint kz_milvus_entity_endpoints[];
extern const int kz_milvus_nentity_endpoints;

/* in milvus_request.c */
extern bool kz_milvus_fail(KzMilvusRequest *request, int code, const char *message);
extern bool kz_milvus_fail_parameter(KzMilvusRequest *request, const char *message);
extern bool kz_milvus_fail_data(KzMilvusRequest *request, const char *detail);
extern bool kz_milvus_fail_error(KzMilvusRequest *request, const KzError *error);
extern bool kz_milvus_field(const JsonbContainer *object, const char *key, JsonbValue *value);
extern bool kz_milvus_string(KzMilvusRequest *request, const JsonbContainer *object,
							 const char *key, char **string);
extern bool kz_milvus_flag(KzMilvusRequest *request, const JsonbContainer *object,
						   const char *key, bool *flag);
extern bool kz_milvus_int64(KzMilvusRequest *request, const JsonbContainer *object,
							const char *key, int64 *number);
extern bool kz_milvus_object(KzMilvusRequest *request, const JsonbContainer *object,
							 const char *key, JsonbValue *value);
extern bool kz_milvus_array(KzMilvusRequest *request, const JsonbContainer *object,
							const char *key, JsonbValue *value);
extern bool kz_milvus_is_blank(const JsonbContainer *object, const char *key);
extern bool kz_milvus_check_types(KzMilvusRequest *request, const KzMilvusEndpoint *endpoint);
extern bool kz_milvus_check_required(KzMilvusRequest *request, const KzMilvusEndpoint *endpoint);
extern bool kz_milvus_check_name(const char *kind, const char *name, char **message);
extern bool kz_milvus_database(KzMilvusRequest *request);
extern bool kz_milvus_find_schema(KzMilvusRequest *request, KzMilvusSchema *schema);
extern bool kz_milvus_collection(KzMilvusRequest *request, KzMilvusSchema *schema);
extern bool kz_milvus_check_consistency(KzMilvusRequest *request, const char *level);
extern void kz_milvus_set_int64(const KzMilvusRequest *request, JsonbValue *value, int64 number);

/* in milvus_create.c */
extern bool kz_milvus_read_schema(KzMilvusRequest *request, KzMilvusSchema *schema);

#endif							/* KZ_PROTOCOL_MILVUS_REQUEST_H */
