/*
 * merge.h
 *	  The one rule of merging.
 */
#ifndef KZ_DOCUMENT_MERGE_H
#define KZ_DOCUMENT_MERGE_H

#include "utils/jsonb.h"

extern Jsonb *kz_merge_deep(Jsonb *target, Jsonb *changes);
extern Jsonb *kz_merge_root(Jsonb *target, Jsonb *changes);

#endif							/* KZ_DOCUMENT_MERGE_H */
