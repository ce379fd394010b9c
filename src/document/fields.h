/*
 * fields.h
 *	  Removing fields from a document.
 */
#ifndef KZ_DOCUMENT_FIELDS_H
#define KZ_DOCUMENT_FIELDS_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

extern Jsonb *kz_fields_remove(Jsonb *document, const List *paths);

#endif							/* KZ_DOCUMENT_FIELDS_H */
