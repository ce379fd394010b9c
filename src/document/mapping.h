/*
 * mapping.h
 *	  Mappings: the fields a collection knows, and what it does with others.
 */
#ifndef KZ_DOCUMENT_MAPPING_H
#define KZ_DOCUMENT_MAPPING_H

#include "base/error.h"
#include "utils/jsonb.h"

extern Jsonb *kz_mapping_normalize(Jsonb *mappings);
extern Jsonb *kz_mapping_update(Jsonb *stored, Jsonb *changes);
extern Jsonb *kz_mapping_describe(Jsonb *mappings);
extern bool kz_mapping_is_strict(Jsonb *mappings);
extern char *kz_mapping_unknown_field(Jsonb *mappings, Jsonb *document);

#endif							/* KZ_DOCUMENT_MAPPING_H */
