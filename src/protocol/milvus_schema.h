/*
 * milvus_schema.h
 *	  The schema of a Milvus collection, which is kept in its settings.
 */
#ifndef KZ_PROTOCOL_MILVUS_SCHEMA_H
#define KZ_PROTOCOL_MILVUS_SCHEMA_H

#include "filter/milvus.h"
#include "utils/jsonb.h"

#define KZ_MILVUS_MAX_STRING 65535	/* bytes of a VarChar */
#define KZ_MILVUS_MAX_JSON 65536	/* bytes of a JSON field or of all dynamic
									 * ones */
#define KZ_MILVUS_MAX_CAPACITY 4096 /* elements of an Array */
#define KZ_MILVUS_MIN_DIM 2
#define KZ_MILVUS_MAX_DIM 32768
#define KZ_MILVUS_META "$meta"	/* Milvus' name for the dynamic fields */

/* Data types; their names are Milvus'. */
typedef enum KzMilvusType
{
	KZ_MILVUS_BOOL,
	KZ_MILVUS_INT8,
	KZ_MILVUS_INT16,
	KZ_MILVUS_INT32,
	KZ_MILVUS_INT64,
	KZ_MILVUS_FLOAT,
	KZ_MILVUS_DOUBLE,
	KZ_MILVUS_VARCHAR,
	KZ_MILVUS_JSON,
	KZ_MILVUS_ARRAY,
	KZ_MILVUS_FLOAT_VECTOR,
	KZ_MILVUS_BINARY_VECTOR,
	KZ_MILVUS_FLOAT16_VECTOR,
	KZ_MILVUS_BFLOAT16_VECTOR,
	KZ_MILVUS_SPARSE_VECTOR,
	KZ_MILVUS_INT8_VECTOR,
	KZ_MILVUS_TYPES
} KzMilvusType;

typedef struct KzMilvusField
{
	char	   *name;
	char	   *description;
	KzMilvusType type;
	KzMilvusType element;		/* of an Array */
	bool		primary;
	bool		partition_key;
	bool		clustering_key;
	bool		nullable;
	bool		has_default;
	JsonbValue	default_value;	/* of the field's type */
	int			dim;			/* of a vector, 0 if sparse */
	int			max_length;		/* bytes of a VarChar or of an Array's
								 * elements */
	int			max_capacity;	/* of an Array */
} KzMilvusField;

typedef struct KzMilvusSchema
{
	KzMilvusField *fields;
	int			nfields;
	KzMilvusField *primary;
	bool		auto_id;
	bool		dynamic;		/* further keys are allowed */
	char	   *description;
	JsonbValue	indexes;		/* an array of {indexName, fieldName,
								 * metricType} */
	JsonbValue	properties;		/* an array of {key, value} */
	char	   *consistency;
	int			shards;
	int64		id;				/* of the collection; not part of the
								 * definition */
} KzMilvusSchema;

extern bool kz_milvus_type_find(const char *name, KzMilvusType *type);
extern const char *kz_milvus_type_name(KzMilvusType type);
extern bool kz_milvus_type_is_vector(KzMilvusType type);
extern bool kz_milvus_type_is_integer(KzMilvusType type);
extern KzMilvusField *kz_milvus_schema_field(const KzMilvusSchema *schema, const char *name,
											 int length);
extern bool kz_milvus_schema_read(Jsonb *settings, KzMilvusSchema *schema);
extern Jsonb *kz_milvus_schema_define(const KzMilvusSchema *schema);
extern Jsonb *kz_milvus_schema_settings(const KzMilvusSchema *schema);
extern void kz_milvus_schema_filter(const KzMilvusSchema *schema, KzFilterSchema *filter);

#endif							/* KZ_PROTOCOL_MILVUS_SCHEMA_H */
