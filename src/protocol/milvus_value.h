/*
 * milvus_value.h
 *	  Values of Milvus' data types.
 */
#ifndef KZ_PROTOCOL_MILVUS_VALUE_H
#define KZ_PROTOCOL_MILVUS_VALUE_H

#include "base/pairs.h"
#include "protocol/milvus_schema.h"

/* What became of a value that was sent for a field. */
typedef enum KzMilvusValue
{
	KZ_MILVUS_KEPT,				/* it is stored as it is */
	KZ_MILVUS_CONVERTED,		/* it was replaced */
	KZ_MILVUS_REFUSED,			/* it is none of the type */
	KZ_MILVUS_TOO_LONG,			/* it is longer than the field allows */
	KZ_MILVUS_WRONG_SIZE,		/* it is a vector of another dimension */
	KZ_MILVUS_NOT_FINITE,		/* it is no number, or infinite */
	KZ_MILVUS_TOO_LARGE			/* it is JSON of too many bytes */
} KzMilvusValue;

extern KzMilvusValue kz_milvus_convert(const KzMilvusField *field, JsonbValue *value, int *size);
extern bool kz_milvus_get_int64(const JsonbValue *value, int64 *number);
extern char *kz_milvus_text(const JsonbValue *value);
extern char *kz_milvus_json_text(const JsonbValue *value);
extern int64 kz_milvus_dynamic_size(const KzPairs *dynamic);

#endif							/* KZ_PROTOCOL_MILVUS_VALUE_H */
