/*
 * catalog.h
 *	  The rows of kz_catalog: which schema is an index, which table a collection.
 */
#ifndef KZ_ENGINE_CATALOG_H
#define KZ_ENGINE_CATALOG_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

/* Of the names of indexes and collections: the longest that a protocol allows. */
#define KZ_NAME_MAX_BYTES 255

typedef enum KzCatalogTable
{
	KZ_CATALOG_INDEX,
	KZ_CATALOG_COLLECTION,
	KZ_CATALOG_TABLES			/* how many there are */
} KzCatalogTable;

typedef struct KzIndexRow
{
	char	   *name;
	char	   *schema;
	bool		adopted;		/* the schema was there before the index */
	int64		position;		/* order of creation */
} KzIndexRow;

typedef struct KzCollectionRow
{
	char	   *index;
	char	   *name;
	char	   *schema;
	char	   *table;
	bool		attached;		/* the table was there before the collection */
	Jsonb	   *mappings;
	Jsonb	   *settings;
	int64		position;		/* order of creation */
} KzCollectionRow;

extern void kz_catalog_lock(void);
extern Relation kz_catalog_open(KzCatalogTable table, LOCKMODE lockmode);

extern bool kz_catalog_find_index(const char *name, KzIndexRow *row);
extern List *kz_catalog_list_indexes(void);
extern void kz_catalog_put_index(const KzIndexRow *row);
extern void kz_catalog_remove_index(const char *name);

extern bool kz_catalog_find_collection(const char *index, const char *name,
									   KzCollectionRow *row);
extern List *kz_catalog_list_collections(const char *index);
extern List *kz_catalog_list_same_table(const KzCollectionRow *row);
extern void kz_catalog_put_collection(const KzCollectionRow *row);
extern void kz_catalog_remove_collection(const char *index, const char *name);

#endif							/* KZ_ENGINE_CATALOG_H */
