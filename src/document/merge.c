/*
 * merge.c
 *	  The one rule of merging.
 *
 * For each key of the changes: two objects are merged in depth, anything else
 * replaces what was there.  Arrays are replaced whole, null is a value, keys
 * are literal.  (Elasticsearch's _update with a partial document does the
 * same.)
 *
 * jsonb keeps the keys of an object sorted, so merging two objects is a merge
 * join of two sorted lists.  It is run three times over the same plan: to find
 * out on which side each key is, to write the keys, to write the values.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/json.h"
#include "document/merge.h"

/* Where a key of the merged object comes from. */
typedef enum Side
{
	SIDE_TARGET = 1,
	SIDE_CHANGES = 2,
	SIDE_BOTH = SIDE_TARGET | SIDE_CHANGES
} Side;

/* The keys of the merged object, in order. */
typedef struct MergePlan
{
	uint8	   *sides;			/* a Side for each key */
	uint32		nkeys;
} MergePlan;

static Jsonb *merge_documents(Jsonb *target, Jsonb *changes, bool deep);
static JEntry merge_objects(StringInfo buffer, const JsonbContainer *target,
							const JsonbContainer *changes, bool deep);
static void plan_merge(MergePlan *plan, const JsonbContainer *target,
					   const JsonbContainer *changes);
static Side next_side(KzJsonCursor *target, KzJsonCursor *changes, Side side,
					  JsonbValue *t, JsonbValue *c);

PG_FUNCTION_INFO_V1(kz_merge);

/*
 * kz_merge(target jsonb, changes jsonb) RETURNS jsonb; strict.
 */
Datum
kz_merge(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(kz_merge_deep(PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1)));
}

/*
 * Merge changes into target.  The result may be one of the arguments; neither
 * is modified.  Raises 54001 where objects are nested too deeply for the stack.
 */
Jsonb *
kz_merge_deep(Jsonb *target, Jsonb *changes)
{
	return merge_documents(target, changes, true);
}

/*
 * Like kz_merge_deep, but root keys of the changes replace those of the target
 * as a whole.
 */
Jsonb *
kz_merge_root(Jsonb *target, Jsonb *changes)
{
	return merge_documents(target, changes, false);
}

static Jsonb *
merge_documents(Jsonb *target, Jsonb *changes, bool deep)
{
	StringInfoData buffer;

	if (!JB_ROOT_IS_OBJECT(target) || !JB_ROOT_IS_OBJECT(changes))
		return changes;
	if (JB_ROOT_COUNT(changes) == 0)
		return target;

	kz_json_start(&buffer);
	enlargeStringInfo(&buffer, VARSIZE(target) / 2 + VARSIZE(changes) / 2);
	merge_objects(&buffer, &target->root, &changes->root, deep);
	return kz_json_finish(&buffer);
}

static JEntry
merge_objects(StringInfo buffer, const JsonbContainer *target,
			  const JsonbContainer *changes, bool deep)
{
	MergePlan	plan;
	KzJsonWriter writer;
	KzJsonCursor tcursor,
				ccursor;
	JsonbValue	t,
				c;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();

	plan_merge(&plan, target, changes);
	kz_json_begin_object(&writer, buffer, plan.nkeys);

	kz_json_keys(&tcursor, target);
	kz_json_keys(&ccursor, changes);
	for (uint32 i = 0; i < plan.nkeys; i++)
	{
		Side		side = next_side(&tcursor, &ccursor, plan.sides[i], &t, &c);

		kz_json_put(&writer, side == SIDE_TARGET ? &t : &c);
	}

	kz_json_values(&tcursor, target);
	kz_json_values(&ccursor, changes);
	for (uint32 i = 0; i < plan.nkeys; i++)
	{
		Side		side = next_side(&tcursor, &ccursor, plan.sides[i], &t, &c);

		if (side == SIDE_BOTH && deep && kz_json_is_object(&t) && kz_json_is_object(&c))
			kz_json_put_entry(&writer, merge_objects(buffer, t.val.binary.data,
													 c.val.binary.data, deep));
		else
			kz_json_put(&writer, side == SIDE_TARGET ? &t : &c);
	}

	pfree(plan.sides);
	return kz_json_end(&writer);
}

/*
 * Find out on which side each key of the merged object is.
 */
static void
plan_merge(MergePlan *plan, const JsonbContainer *target, const JsonbContainer *changes)
{
	KzJsonCursor tcursor,
				ccursor;
	JsonbValue	t,
				c;
	bool		more_t,
				more_c;

	plan->sides = palloc((Size) JsonContainerSize(target) + JsonContainerSize(changes));
	plan->nkeys = 0;
	kz_json_keys(&tcursor, target);
	kz_json_keys(&ccursor, changes);
	more_t = kz_json_next(&tcursor, &t);
	more_c = kz_json_next(&ccursor, &c);
	while (more_t || more_c)
	{
		int			cmp = !more_t ? 1 : !more_c ? -1 : kz_json_compare_keys(&t, &c);
		Side		side = cmp < 0 ? SIDE_TARGET : cmp > 0 ? SIDE_CHANGES : SIDE_BOTH;

		plan->sides[plan->nkeys++] = side;
		if (side & SIDE_TARGET)
			more_t = kz_json_next(&tcursor, &t);
		if (side & SIDE_CHANGES)
			more_c = kz_json_next(&ccursor, &c);
	}
}

/*
 * Move the cursors of side on, into t and c; returns side.
 */
static Side
next_side(KzJsonCursor *target, KzJsonCursor *changes, Side side,
		  JsonbValue *t, JsonbValue *c)
{
	if (side & SIDE_TARGET)
		kz_json_next(target, t);
	if (side & SIDE_CHANGES)
		kz_json_next(changes, c);
	return side;
}
