/*
 * milvus.h
 *	  The filters of Milvus, from their text to a condition on documents.
 */
#ifndef KZ_FILTER_MILVUS_H
#define KZ_FILTER_MILVUS_H

#include "engine/query.h"

/* What a field holds, as far as filters tell them apart. */
typedef enum KzFieldKind
{
	KZ_FIELD_BOOL,
	KZ_FIELD_INTEGER,
	KZ_FIELD_FLOAT,
	KZ_FIELD_TEXT,
	KZ_FIELD_JSON,
	KZ_FIELD_ARRAY,
	KZ_FIELD_VECTOR
} KzFieldKind;

/* A field of the schema; its value is the key of this name in _source. */
typedef struct KzFilterField
{
	const char *name;
	KzFieldKind kind;
	KzFieldKind element;		/* of an array */
	bool		primary;		/* its text is also _id */
} KzFilterField;

typedef struct KzFilterSchema
{
	const KzFilterField *fields;
	int			nfields;
	bool		dynamic;		/* other names are keys of _source */
} KzFilterSchema;

typedef struct KzFilter
{
	KzCondition condition;
	bool		always_true;

	/*
	 * The filter is nothing but "primary key == x" or "primary key in […]":
	 * the ids that it names, as often as it names them.
	 */
	bool		by_id;
	text	  **ids;
	int			nids;
} KzFilter;

/*
 * Read a filter; params are the values of its {names}, an object, or NULL.  False,
 * and *error is what is wrong with it and where.
 */
extern bool kz_filter_read(const char *expression, const KzFilterSchema *schema,
						   const JsonbContainer *params, KzFilter *filter, char **error);

#endif							/* KZ_FILTER_MILVUS_H */
