/*
 * json.h
 *	  Reading and writing jsonb in its binary form.
 */
#ifndef KZ_BASE_JSON_H
#define KZ_BASE_JSON_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* Walks the keys or the values of a container from first to last. */
typedef struct KzJsonCursor
{
	const JsonbContainer *container;
	const char *data;			/* what the offsets of its entries start from */
	uint32		next;			/* entry to be read next */
	uint32		end;			/* entry to stop at */
	uint32		offset;			/* where the data of next starts */
} KzJsonCursor;

/* An array or object that is being written into a buffer. */
typedef struct KzJsonWriter
{
	StringInfo	buffer;
	int			start;			/* where it starts, before padding */
	int			entries;		/* where its entries start */
	uint32		next;			/* entry to be written next */
	uint32		size;			/* how many entries it has */
	uint32		length;			/* bytes of data written so far */
} KzJsonWriter;

extern void kz_json_keys(KzJsonCursor *cursor, const JsonbContainer *object);
extern void kz_json_values(KzJsonCursor *cursor, const JsonbContainer *container);
extern bool kz_json_next(KzJsonCursor *cursor, JsonbValue *value);
extern bool kz_json_field(const JsonbContainer *object, const char *key, JsonbValue *value);
extern bool kz_json_find_key(const JsonbContainer *object, const char *key, uint32 *position,
							 JsonbValue *value);
extern void kz_json_value_at(const JsonbContainer *container, uint32 position, JsonbValue *value);

extern void kz_json_start(StringInfo buffer);
extern Jsonb *kz_json_finish(StringInfo buffer);
extern void kz_json_begin_object(KzJsonWriter *writer, StringInfo buffer, uint32 npairs);
extern void kz_json_begin_array(KzJsonWriter *writer, StringInfo buffer, uint32 nelems);
extern void kz_json_put(KzJsonWriter *writer, const JsonbValue *value);
extern void kz_json_put_entry(KzJsonWriter *writer, JEntry entry);
extern JEntry kz_json_end(KzJsonWriter *writer);

extern Jsonb *kz_json_document(const JsonbValue *container);
extern Jsonb *kz_json_copy(const Jsonb *document);
extern void kz_json_put_object(KzJsonWriter *writer, const JsonbPair *pairs, int npairs);
extern Jsonb *kz_json_object(JsonbPair *pairs, int npairs);
extern Jsonb *kz_json_array(const JsonbValue *values, int nvalues);

/* in json_value.c */
extern bool kz_json_is_object(const JsonbValue *value);
extern bool kz_json_is_array(const JsonbValue *value);
extern int	kz_json_compare_keys(const JsonbValue *a, const JsonbValue *b);
extern bool kz_json_equals(const JsonbValue *string, const char *expected);
extern bool kz_json_is_falsy(const JsonbValue *value);
extern bool kz_json_get_int64(const JsonbValue *value, int64 *number);
extern text *kz_json_text(const JsonbValue *string);
extern char *kz_json_string(const JsonbValue *string);
extern const char *kz_json_type_name(Jsonb *jsonb);
extern bool kz_json_identical(const Jsonb *a, const Jsonb *b);
extern void kz_json_set_string(JsonbValue *value, const char *string);
extern void kz_json_set_text(JsonbValue *value, const text *string);
extern void kz_json_set_int64(JsonbValue *value, int64 number);
extern void kz_json_set_bool(JsonbValue *value, bool boolean);
extern void kz_json_set_null(JsonbValue *value);
extern void kz_json_set_document(JsonbValue *value, Jsonb *document);

#endif							/* KZ_BASE_JSON_H */
