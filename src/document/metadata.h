/*
 * metadata.h
 *	  _kuzzle_info: who created and changed a document, and when.
 */
#ifndef KZ_DOCUMENT_METADATA_H
#define KZ_DOCUMENT_METADATA_H

#include "utils/jsonb.h"

#define KZ_METADATA_KEY "_kuzzle_info"

/* On whose behalf, and when, documents are written. */
typedef struct KzStamp
{
	const char *kuid;			/* NULL: metadata is not maintained */
	int64		now;			/* milliseconds since 1970 */
} KzStamp;

extern void kz_stamp_init(KzStamp *stamp, const char *kuid);
extern Jsonb *kz_stamp_created(const KzStamp *stamp, Jsonb *document);
extern Jsonb *kz_stamp_replaced(const KzStamp *stamp, Jsonb *document);
extern Jsonb *kz_stamp_changes(const KzStamp *stamp, Jsonb *changes);
extern Jsonb *kz_stamp_carry(const KzStamp *stamp, Jsonb *changes, Jsonb *document);

#endif							/* KZ_DOCUMENT_METADATA_H */
