/*
 * milvus.h
 *	  Requests to Milvus' REST API, versions 1 and 2.
 */
#ifndef KZ_PROTOCOL_MILVUS_H
#define KZ_PROTOCOL_MILVUS_H

#include "utils/jsonb.h"

extern bool kz_milvus_has_route(const char *verb, const char *path);
extern Jsonb *kz_milvus_answer(const char *path, Jsonb *request, bool allow_int64);
extern Jsonb *kz_milvus_refuse_json(const char *reason);

#endif							/* KZ_PROTOCOL_MILVUS_H */
