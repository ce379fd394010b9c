/*
 * query.h
 *	  Finding documents by what is in them.
 */
#ifndef KZ_ENGINE_QUERY_H
#define KZ_ENGINE_QUERY_H

#include "engine/writer.h"

/*
 * What documents must meet.  The text is run under the search_path of the user:
 * every operator, function and type in it names its schema.
 */
typedef struct KzCondition
{
	const char *sql;			/* a boolean expression over _id, _version and
								 * _source; or NULL: all documents */
	int			nparams;		/* it has the parameters $1 to $nparams */
	Oid		   *types;
	Datum	   *values;			/* none is null */
} KzCondition;

typedef struct KzQuery
{
	KzCondition condition;
	bool		numeric_ids;	/* in the order of the numbers that the ids
								 * are; else of their bytes */
	int64		offset;
	int64		limit;			/* -1: none */
	bool		sources;		/* else only what tells a row version from
								 * others is read besides the id */
} KzQuery;

typedef struct KzFound
{
	text	   *id;
	KzRow		row;
} KzFound;

extern KzFound *kz_query_find(KzWriter *writer, const KzQuery *query, int *nfound);
extern int64 kz_query_count(KzWriter *writer, const KzCondition *condition);

#endif							/* KZ_ENGINE_QUERY_H */
