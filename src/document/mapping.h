/*
 * mapping.h
 *	  Mappings: the fields a collection knows, and what it does with others.
 */
#ifndef KZ_DOCUMENT_MAPPING_H
#define KZ_DOCUMENT_MAPPING_H

#include "base/error.h"
#include "utils/jsonb.h"

/* A field that strict mappings do not know. */
typedef struct KzUnknownField
{
	char	   *field;			/* its key */
	char	   *within;			/* path of the object it is in; "_doc" for the
								 * root */
} KzUnknownField;

extern Jsonb *kz_mapping_normalize(Jsonb *mappings);
extern Jsonb *kz_mapping_read(Jsonb *mappings);
extern Jsonb *kz_mapping_update(Jsonb *stored, Jsonb *changes);
extern Jsonb *kz_mapping_describe(Jsonb *mappings);
extern Jsonb *kz_mapping_add_metadata(Jsonb *described);
extern bool kz_mapping_is_level(const JsonbContainer *definition);

/* in strict.c */
extern bool kz_mapping_is_strict(Jsonb *mappings);
extern bool kz_mapping_find_unknown(Jsonb *mappings, Jsonb *document, KzUnknownField *unknown);

#endif							/* KZ_DOCUMENT_MAPPING_H */
