/*
 * naming.h
 *	  Names of indexes and collections, and of what stands for them in PostgreSQL.
 */
#ifndef KZ_ENGINE_NAMING_H
#define KZ_ENGINE_NAMING_H

#include "utils/rel.h"

extern void kz_name_require_index(const char *index);
extern void kz_name_require_collection(const char *name);
extern char *kz_name_schema(const char *index);
extern char *kz_name_table(const char *name, Oid schema);
extern char *kz_name_key(const char *table, Oid schema);
extern char *kz_name_channel(const char *index, const char *name);
extern char *kz_name_of_key(Relation relation);
extern bool kz_name_is_our_key(Relation relation);

#endif							/* KZ_ENGINE_NAMING_H */
