/*
 * milvus_entity.h
 *	  Entities as Milvus' clients send them.
 */
#ifndef KZ_PROTOCOL_MILVUS_ENTITY_H
#define KZ_PROTOCOL_MILVUS_ENTITY_H

#include "protocol/milvus_request.h"

/* What entities are sent for. */
typedef enum KzMilvusPurpose
{
	KZ_MILVUS_INSERT,
	KZ_MILVUS_UPSERT,
	KZ_MILVUS_PARTIAL			/* fields that are not sent stay */
} KzMilvusPurpose;

/* One entity, as it is to be stored. */
typedef struct KzMilvusEntity
{
	text	   *id;				/* the document's */
	JsonbValue	key;			/* a number or a string */
	JsonbValue	document;		/* an object; partial: of what was sent */
	JsonbValue	whole;			/* partial: what a new one becomes, an object;
								 * jbvNull if a field is missing */
	const char *missing;		/* partial: that field */
} KzMilvusEntity;

extern KzMilvusEntity *kz_milvus_read_entities(KzMilvusRequest *request,
											   const KzMilvusSchema *schema,
											   KzMilvusPurpose purpose, int *count);
extern bool kz_milvus_convert_default(const KzMilvusField *field, JsonbValue *value);
extern void kz_milvus_new_key(const KzMilvusSchema *schema, JsonbValue *key);
extern text *kz_milvus_key_id(const KzMilvusSchema *schema, const JsonbValue *value,
							  JsonbValue *key);

#endif							/* KZ_PROTOCOL_MILVUS_ENTITY_H */
