/*
 * bulk.h
 *	  Writing many documents in one call.
 */
#ifndef KZ_OPERATION_BULK_H
#define KZ_OPERATION_BULK_H

#include "operation/write.h"

/*
 * One document of a request for many.  What it wants is left where it is in the
 * request until it is written; item.change.body and defaults are void before.
 */
typedef struct KzEntry
{
	KzItem		item;
	JsonbValue	body;
	JsonbValue	defaults;		/* jbvNull if there are none */
	bool		once;			/* nothing is to be done if an entry before it
								 * has the same id */
	bool		settled;		/* item.outcome is an error that stands */
	bool		deferred;		/* its insert has waited for others */
} KzEntry;

extern void kz_entry_write(KzWriter *writer, KzEntry *entry, const KzStamp *stamp);
extern bool kz_bulk_write_whole(KzWriter *writer, KzEntry *entries, int nentries,
								const KzStamp *stamp);
extern void kz_bulk_write(KzWriter *writer, KzEntry *entries, int nentries,
						  const KzStamp *stamp, bool keep_sources);

/* in entry.c */
extern void kz_entry_init(KzEntry *entry, KzAction action, int retries);
extern bool kz_entry_set_id(KzEntry *entry, text *id);
extern void kz_entry_refuse(KzEntry *entry, const char *reason);

#endif							/* KZ_OPERATION_BULK_H */
