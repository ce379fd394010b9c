/*
 * identity.h
 *	  Document ids.
 */
#ifndef KZ_DOCUMENT_IDENTITY_H
#define KZ_DOCUMENT_IDENTITY_H

#include "base/error.h"

#define KZ_ID_MAX_BYTES 512

extern bool kz_identity_check(const text *id, const char *argument, KzError *error);
extern text *kz_identity_generate(void);
extern int64 kz_identity_number(void);

#endif							/* KZ_DOCUMENT_IDENTITY_H */
