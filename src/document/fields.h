/*
 * fields.h
 *	  Removing fields from a document.
 */
#ifndef KZ_DOCUMENT_FIELDS_H
#define KZ_DOCUMENT_FIELDS_H

#include "utils/jsonb.h"

extern Jsonb *kz_field_remove(Jsonb *document, const char *path);

#endif							/* KZ_DOCUMENT_FIELDS_H */
