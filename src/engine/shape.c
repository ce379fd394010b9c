/*
 * shape.c
 *	  What a table must look like to be a collection.
 *
 * It needs _id text NOT NULL with a deterministic collation, _version bigint
 * NOT NULL and _source jsonb NOT NULL, none of them generated; every other
 * column nullable or with a default, since documents are inserted without
 * them; and a unique index on exactly (_id) that can settle ON CONFLICT: valid,
 * immediate, not partial, with ids equal only if their bytes are.  A foreign table
 * can have no index: its owner vouches for it.  Columns that were dropped are none.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "engine/shape.h"

static const char *check_kind(Relation relation);
static const char *check_column(TupleDesc tupdesc, const char *name, Oid type,
								AttrNumber *column);
static const char *check_other_columns(TupleDesc tupdesc, const KzShape *shape);
static const char *find_objection(Relation relation);
static int	count_columns(TupleDesc tupdesc);
static bool has_such_check(const TupleConstr *constraints);
static bool may_look_at_rows(Node *expression);
static bool has_domain(Node *node, void *context);
static const char *check_indexes(Relation relation, KzShape *shape);
static const char *find_index_objection(Relation index, const KzShape *shape);
static bool is_unique_on(Relation index, AttrNumber id);
static bool compares_bytes(Relation index);

/*
 * NULL if relation, which must be locked, can be a collection, and shape is
 * filled; otherwise why not, as a sentence for the user.
 */
const char *
kz_shape_check(Relation relation, KzShape *shape)
{
	TupleDesc	tupdesc = RelationGetDescr(relation);
	const char *problem;

	memset(shape, 0, sizeof(*shape));
	if ((problem = check_kind(relation)) != NULL ||
		(problem = check_column(tupdesc, "_id", TEXTOID, &shape->id)) != NULL ||
		(problem = check_column(tupdesc, "_version", INT8OID, &shape->version)) != NULL ||
		(problem = check_column(tupdesc, "_source", JSONBOID, &shape->source)) != NULL ||
		(problem = check_other_columns(tupdesc, shape)) != NULL)
		return problem;
	if (!get_collation_isdeterministic(TupleDescAttr(tupdesc, shape->id - 1)->attcollation))
		return "column _id has a nondeterministic collation.";
	shape->looks_at_rows = has_such_check(tupdesc->constr);
	shape->objection = find_objection(relation);
	if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return NULL;
	return check_indexes(relation, shape);
}

/*
 * NULL if relation, whatever its shape, is a user's own to attach; otherwise
 * why not.
 */
const char *
kz_shape_check_origin(Relation relation)
{
	if (RelationGetRelid(relation) < FirstNormalObjectId)
		return "it is a system catalog.";
	/* pg_dump leaves out what is there. */
	if (RelationGetNamespace(relation) < FirstNormalObjectId &&
		RelationGetNamespace(relation) != PG_PUBLIC_NAMESPACE)
		return "it is in a schema of the server.";
	if (OidIsValid(getExtensionOfObject(RelationRelationId, RelationGetRelid(relation))))
		return "it belongs to an extension.";
	return NULL;
}

static const char *
check_kind(Relation relation)
{
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
			break;
		case RELKIND_VIEW:
			return "it is a view.";
		case RELKIND_MATVIEW:
			return "it is a materialized view.";
		default:
			return "it is not a table.";
	}
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return "it is a temporary table.";
	return NULL;
}

static const char *
check_column(TupleDesc tupdesc, const char *name, Oid type, AttrNumber *column)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), name) != 0)
			continue;
		if (att->atttypid != type)
			return psprintf("column %s must be of type %s.", name,
							type == TEXTOID ? "text" : type == INT8OID ? "bigint" : "jsonb");
		if (!kz_attribute_not_null(tupdesc, i))
			return psprintf("column %s must be NOT NULL.", name);
		if (att->attgenerated || att->attidentity)
			return psprintf("column %s must not be generated.", name);
		*column = att->attnum;
		return NULL;
	}
	return psprintf("it has no column %s.", name);
}

static const char *
check_other_columns(TupleDesc tupdesc, const KzShape *shape)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (att->attisdropped || att->attnum == shape->id ||
			att->attnum == shape->version || att->attnum == shape->source)
			continue;
		if (att->attnotnull && !att->atthasdef && !att->attidentity)
			return psprintf("column %s must be nullable or have a default.",
							NameStr(att->attname));
	}
	return NULL;
}

/*
 * Why the rows of relation cannot be written without going through SQL, as far as
 * the relation itself tells; NULL if they can.  This is the one place that
 * decides it, but for what depends on the user and is left to the writer.
 */
static const char *
find_objection(Relation relation)
{
	Form_pg_class class = relation->rd_rel;

	if (class->relkind != RELKIND_RELATION)
		return "it is not an ordinary table";
	if (class->relispartition)
		return "it is a partition";
	if (class->relhassubclass)
		return "it has children";
	if (count_columns(RelationGetDescr(relation)) != 3)
		return "it has other columns";
	if (class->relhasrules)
		return "it has rules";
	if (relation->trigdesc)
		return "it has triggers";
	if (class->relam != HEAP_TABLE_AM_OID)
		return "its access method is not heap";
	return NULL;
}

static int
count_columns(TupleDesc tupdesc)
{
	int			count = 0;

	for (int i = 0; i < tupdesc->natts; i++)
		if (!TupleDescAttr(tupdesc, i)->attisdropped)
			count++;
	return count;
}

static bool
has_such_check(const TupleConstr *constraints)
{
	for (int i = 0; constraints && i < constraints->num_check; i++)
		if (may_look_at_rows(stringToNode(constraints->check[i].ccbin)))
			return true;
	return false;
}

/*
 * Whether an expression calls a function that is not immutable: it may look at
 * rows.  One that only says that it is immutable is believed, as the server does
 * everywhere.
 */
static bool
may_look_at_rows(Node *expression)
{
	return contain_mutable_functions(expression) || has_domain(expression, NULL);
}

/*
 * Whether an expression has a domain in it, into whose constraints that test does
 * not look.  What they are does not matter: they can change without a word to us.
 */
static bool
has_domain(Node *node, void *context)
{
	if (!node)
		return false;
	return IsA(node, CoerceToDomain) || expression_tree_walker(node, has_domain, context);
}

/*
 * Find the index that makes ids unique; NULL if there is one.  ON CONFLICT (_id)
 * takes any such index for its arbiter, and fails on a deferrable one.  What the
 * indexes say against writing directly is added to the shape.
 */
static const char *
check_indexes(Relation relation, KzShape *shape)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *lc;
	bool		deferrable = false;
	int			unique = 0;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (is_unique_on(index, shape->id))
		{
			if (!compares_bytes(index))
				shape->loose_unique = true;
			else if (!form->indimmediate)
				deferrable = true;
			else if (form->indnkeyatts == 1 && !OidIsValid(shape->key))
			{
				shape->key = RelationGetRelid(index);
				if (form->indcheckxmin)
					shape->key_xmin = HeapTupleHeaderGetXmin(index->rd_indextuple->t_data);
			}
		}
		unique += form->indisunique;
		if (!shape->objection)
			shape->objection = find_index_objection(index, shape);
		if (may_look_at_rows((Node *) RelationGetIndexExpressions(index)) ||
			may_look_at_rows((Node *) RelationGetIndexPredicate(index)))
			shape->looks_at_rows = true;
		index_close(index, AccessShareLock);
	}
	shape->other_indexes = list_length(indexes) > 1;
	list_free(indexes);
	shape->other_unique = unique > 1;
	if (!OidIsValid(shape->key))
		return "it has no valid, immediate, non-partial unique index on exactly (_id).";
	return deferrable ? "it has a deferrable unique constraint on (_id)." : NULL;
}

/*
 * The same for an index of it, which is the key if that has been found just now.
 */
static const char *
find_index_objection(Relation index, const KzShape *shape)
{
	if (index->rd_index->indisexclusion || !index->rd_index->indimmediate)
		return "it has an exclusion or deferrable constraint";
	/* The writer looks ids up with an equality that these families know. */
	if (RelationGetRelid(index) == shape->key &&
		(index->rd_rel->relam != BTREE_AM_OID ||
		 (index->rd_opfamily[0] != TEXT_BTREE_FAM_OID &&
		  index->rd_opfamily[0] != TEXT_PATTERN_BTREE_FAM_OID)))
		return "its key has an unusual operator class";
	return NULL;
}

/*
 * Whether ON CONFLICT (_id) would take an index for its arbiter: one on _id, which it
 * may have several times over.
 */
static bool
is_unique_on(Relation index, AttrNumber id)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indisvalid ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
		if (form->indkey.values[i] != id)
			return false;
	return true;
}

/*
 * Whether such an index takes ids for equal only if their bytes are.  Others ignore
 * case, say, by their collation, or blanks at the end, as bpchar_ops does.
 */
static bool
compares_bytes(Relation index)
{
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			equals = get_opfamily_member(index->rd_opfamily[i], type, type,
												 BTEqualStrategyNumber);

		if (OidIsValid(equals) && get_opcode(equals) == F_TEXTEQ &&
			get_collation_isdeterministic(index->rd_indcollation[i]))
			return true;
	}
	return false;
}
