/*
 * milvus_endpoints.h
 *	  The endpoints for Milvus' entities, and what they share.
 */
#ifndef KZ_PROTOCOL_MILVUS_ENDPOINTS_H
#define KZ_PROTOCOL_MILVUS_ENDPOINTS_H

#include "protocol/milvus_request.h"

/* in milvus_write.c */
extern bool kz_milvus_insert(KzMilvusRequest *request);
extern bool kz_milvus_upsert(KzMilvusRequest *request);

/* in milvus_delete.c */
extern bool kz_milvus_delete(KzMilvusRequest *request);

/* in milvus_read.c */
extern bool kz_milvus_keys(KzMilvusRequest *request, const KzMilvusSchema *schema, text ***ids,
						   int *nids);
extern const char *kz_milvus_filter_text(const KzMilvusRequest *request);
extern bool kz_milvus_filter(KzMilvusRequest *request, const KzMilvusSchema *schema,
							 const char *plan, KzFilter *filter);
extern bool kz_milvus_check_partition(KzMilvusRequest *request);
extern void kz_milvus_add_cost(KzMilvusRequest *request);

#endif							/* KZ_PROTOCOL_MILVUS_ENDPOINTS_H */
