/*
 * resolve.h
 *	  From a name to the relation or schema that has it, locked.
 */
#ifndef KZ_ENGINE_RESOLVE_H
#define KZ_ENGINE_RESOLVE_H

#include "storage/lockdefs.h"

/* Looks in the system catalogs for what a name stands for now, or InvalidOid. */
typedef Oid (*KzFinder) (void *argument);

extern Oid	kz_resolve_relation(KzFinder find, void *argument, LOCKMODE lockmode);
extern Oid	kz_resolve_schema(KzFinder find, void *argument, LOCKMODE lockmode);
extern Oid	kz_table_find(const char *schema, const char *table);

#endif							/* KZ_ENGINE_RESOLVE_H */
