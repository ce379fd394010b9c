/*
 * difference.h
 *	  What has changed between two versions of a document.
 */
#ifndef KZ_DOCUMENT_DIFFERENCE_H
#define KZ_DOCUMENT_DIFFERENCE_H

#include "utils/jsonb.h"

extern Jsonb *kz_difference(const Jsonb *before, const Jsonb *after, const char *ignored,
							int max_bytes);

#endif							/* KZ_DOCUMENT_DIFFERENCE_H */
