/*
 * pairs.c
 *	  An object that grows pair by pair.
 *
 * For answers and settings: documents are made by json.c as a whole.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/pairs.h"

void
kz_pairs_add(KzPairs *pairs, const char *key, const JsonbValue *value)
{
	if (pairs->n == pairs->size)
	{
		pairs->size = Max(16, 2 * pairs->size);
		pairs->pairs = pairs->pairs ?
			repalloc(pairs->pairs, pairs->size * sizeof(JsonbPair)) :
			palloc(pairs->size * sizeof(JsonbPair));
	}
	kz_json_set_string(&pairs->pairs[pairs->n].key, key);
	pairs->pairs[pairs->n++].value = *value;
}

void
kz_pairs_add_string(KzPairs *pairs, const char *key, const char *string)
{
	JsonbValue	value;

	kz_json_set_string(&value, string);
	kz_pairs_add(pairs, key, &value);
}

void
kz_pairs_add_int64(KzPairs *pairs, const char *key, int64 number)
{
	JsonbValue	value;

	kz_json_set_int64(&value, number);
	kz_pairs_add(pairs, key, &value);
}

void
kz_pairs_add_bool(KzPairs *pairs, const char *key, bool boolean)
{
	JsonbValue	value;

	kz_json_set_bool(&value, boolean);
	kz_pairs_add(pairs, key, &value);
}

void
kz_pairs_add_document(KzPairs *pairs, const char *key, Jsonb *document)
{
	JsonbValue	value;

	kz_json_set_document(&value, document);
	kz_pairs_add(pairs, key, &value);
}

/*
 * The object, in the current memory context.
 */
Jsonb *
kz_pairs_object(const KzPairs *pairs)
{
	return kz_json_object(pairs->pairs, pairs->n);
}
