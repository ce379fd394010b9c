/*
 * shape.h
 *	  What a table must look like to be a collection.
 */
#ifndef KZ_ENGINE_SHAPE_H
#define KZ_ENGINE_SHAPE_H

#include "utils/rel.h"

/* Where the parts of a document are in a table that fits. */
typedef struct KzShape
{
	AttrNumber	id;
	AttrNumber	version;
	AttrNumber	source;
	Oid			key;			/* unique index on exactly (_id); none on a
								 * foreign table */
	TransactionId key_xmin;		/* snapshots that see older rows must not use
								 * it; or invalid */
	bool		other_indexes;	/* it has more than that one */
	bool		other_unique;	/* and of them unique ones */
	bool		loose_unique;	/* and of them some on _id alone that take
								 * several ids for one */
	bool		looks_at_rows;	/* a CHECK or an index may depend on other
								 * rows */
	const char *objection;		/* why its rows cannot be written without
								 * going through SQL, or NULL */
} KzShape;

/* Kinds of relations that can be collections. */
#define KZ_IS_TABLE(relkind) \
	((relkind) == RELKIND_RELATION || (relkind) == RELKIND_PARTITIONED_TABLE || \
	 (relkind) == RELKIND_FOREIGN_TABLE)

/* What keeps a command off inheritance children, which are not the collection's. */
#define KZ_ONLY(relkind) ((relkind) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ")

#define KZ_SHAPE_HINT \
	"A collection needs _id text, _version bigint, _source jsonb, all NOT NULL, and a unique index on (_id)."

extern const char *kz_shape_check(Relation relation, KzShape *shape);
extern const char *kz_shape_check_origin(Relation relation);

#endif							/* KZ_ENGINE_SHAPE_H */
