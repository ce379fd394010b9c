/*
 * collection.h
 *	  From the names of an index and a collection to a table.
 */
#ifndef KZ_ENGINE_COLLECTION_H
#define KZ_ENGINE_COLLECTION_H

#include "base/error.h"
#include "engine/catalog.h"
#include "engine/setting.h"
#include "engine/shape.h"
#include "storage/lockdefs.h"

/* A collection that is open for one call; everything in it is the call's. */
typedef struct KzCollection
{
	const char *index;			/* these two are the caller's */
	const char *name;
	char	   *schema;
	char	   *table;
	Jsonb	   *strict_mappings;	/* NULL: no field is refused */
	KzNotifications notifications;
	bool		blocked;		/* its documents can't be written */
	Relation	relation;		/* locked until the end of the transaction */
	KzShape		shape;
} KzCollection;

extern void kz_collection_init(void);
extern KzCollection *kz_collection_open(const char *index, const char *name,
										LOCKMODE lockmode, KzError *error);
extern void kz_collection_close(KzCollection *collection);

extern bool kz_index_find(const char *index, KzIndexRow *row);
extern void kz_index_require(const char *index, KzIndexRow *row);
kz_noreturn extern void kz_index_raise_unknown(const char *index);
extern bool kz_collection_find(const char *index, const char *name, KzCollectionRow *row);
extern void kz_collection_require(const char *index, const char *name, KzCollectionRow *row);
kz_noreturn extern void kz_collection_raise_unknown(const char *index, const char *name);

#endif							/* KZ_ENGINE_COLLECTION_H */
