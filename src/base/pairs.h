/*
 * pairs.h
 *	  An object that grows pair by pair.
 */
#ifndef KZ_BASE_PAIRS_H
#define KZ_BASE_PAIRS_H

#include "utils/jsonb.h"

/* To be zeroed before use.  Keys must be different, and live as long as it does. */
typedef struct KzPairs
{
	int			n;
	int			size;
	JsonbPair  *pairs;			/* palloc'd; NULL while there are none */
} KzPairs;

extern void kz_pairs_add(KzPairs *pairs, const char *key, const JsonbValue *value);
extern void kz_pairs_add_string(KzPairs *pairs, const char *key, const char *string);
extern void kz_pairs_add_int64(KzPairs *pairs, const char *key, int64 number);
extern void kz_pairs_add_bool(KzPairs *pairs, const char *key, bool boolean);
extern void kz_pairs_add_document(KzPairs *pairs, const char *key, Jsonb *document);
extern Jsonb *kz_pairs_object(const KzPairs *pairs);

#endif							/* KZ_BASE_PAIRS_H */
