/*
 * write.h
 *	  The write loop: what a document is asked to become, and what becomes of it.
 */
#ifndef KZ_OPERATION_WRITE_H
#define KZ_OPERATION_WRITE_H

#include "base/error.h"
#include "document/metadata.h"
#include "engine/writer.h"
#include "nodes/pg_list.h"

#define KZ_DEFAULT_RETRIES 10
#define KZ_ANY_VERSION (-1)

/* What an upsert makes of changes and defaults in a new document. */
typedef enum KzCreation
{
	KZ_CREATION_CHANGES_WIN,
	KZ_CREATION_DEFAULTS_WIN,
	KZ_CREATION_DEFAULTS_ALONE	/* the changes are for a stored one only, but
								 * both have the metadata of changes */
} KzCreation;

/*
 * Puts the body of a change into a stored document, where that is not to be
 * merged in depth.  NULL if it can't be, and error is set.  Runs anew in each turn
 * of the loop, on the document as it is then.
 */
typedef struct KzChange KzChange;
typedef Jsonb *(*KzMerge) (const KzChange *change, Jsonb *stored, KzError *error);

/* What one document is asked to become. */
struct KzChange
{
	KzAction	action;
	text	   *id;
	Jsonb	   *body;			/* the document, or the changes; an object */
	Jsonb	   *defaults;		/* upsert: what a new document starts from, an
								 * object, or NULL */
	KzCreation	creation;		/* where there are defaults */
	bool		over_own;		/* create: a document that the request itself
								 * has made is no obstacle, as in Kuzzle's
								 * mCreate */
	List	   *fields;			/* delete_fields: paths, char * */
	int64		if_version;		/* the version it must have; 0: it must not
								 * exist; or KZ_ANY_VERSION */
	const KzRow *if_row;		/* the version of the row that it must be
								 * found as; NULL: any */
	int			retries;		/* how often to start again after a conflict */
	KzMerge		merge;			/* update, upsert; NULL: the one rule */
	const void *merge_arg;		/* for merge */
};

/* What became of it. */
typedef struct KzOutcome
{
	KzError		error;			/* all else is void unless KZ_ERROR_NONE */
	bool		created;
	bool		changed;		/* false: nothing had to be written */
	int64		version;		/* as stored; of a delete, as it was */
	Jsonb	   *source;			/* NULL if it was not to be kept */
	Jsonb	   *updated_fields; /* paths that an update has changed, an array;
								 * NULL unless listeners are told, and if they
								 * are too many */
} KzOutcome;

/* One document of a request. */
typedef struct KzItem
{
	KzChange	change;
	KzOutcome	outcome;
	struct KzItem *before;		/* the same id earlier in the request, or NULL */
	bool		absent;			/* was found absent once, but the insert was
								 * undone: a document there now is a conflict */
} KzItem;

extern void kz_write(KzWriter *writer, KzItem **items, int nitems, const KzStamp *stamp,
					 bool keep_sources);

/* in image.c */
extern Jsonb *kz_image_make(const KzChange *change, Jsonb *stored, const KzStamp *stamp,
							KzError *error);

#endif							/* KZ_OPERATION_WRITE_H */
