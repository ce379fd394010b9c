/*
 * definition.h
 *	  Making, changing and deleting indexes and collections.
 */
#ifndef KZ_ENGINE_DEFINITION_H
#define KZ_ENGINE_DEFINITION_H

#include "utils/jsonb.h"

extern void kz_index_create(const char *index);
extern bool kz_index_delete(const char *index);
extern void kz_collection_create(const char *index, const char *name, Jsonb *mappings,
								 Jsonb *settings);
extern void kz_collection_update(const char *index, const char *name, Jsonb *mappings,
								 Jsonb *settings);
extern void kz_collection_attach(const char *index, const char *name, Oid relid);
extern void kz_collection_rename(const char *index, const char *name, const char *new_index,
								 const char *new_name);
extern bool kz_collection_delete(const char *index, const char *name);
extern void kz_collection_truncate(const char *index, const char *name);

#endif							/* KZ_ENGINE_DEFINITION_H */
