/*
 * difference.c
 *	  What has changed between two versions of a document.
 *
 * It is told by the paths of leaves: their keys joined by dots, as Kuzzle writes
 * them.  A leaf is what is no object, or an empty one.  Objects on both sides are
 * compared key by key; elsewhere, the leaves that are new count, or where nothing
 * is left, those that are gone.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/json.h"
#include "document/difference.h"

typedef struct Paths
{
	const char *ignored;		/* a key that is passed over everywhere, or
								 * NULL */
	StringInfoData path;		/* of the container that is being looked at,
								 * and a dot */
	JsonbValue *found;
	int			nfound;
	int			size;
	int64		room;			/* bytes that they may still take; negative
								 * when they are too many */
} Paths;

static void compare_objects(Paths *paths, const JsonbContainer *before,
							const JsonbContainer *after);
static void compare_values(Paths *paths, const JsonbValue *key, const JsonbValue *before,
						   const JsonbValue *after);
static void add_leaves(Paths *paths, const JsonbContainer *object);
static int	enter(Paths *paths, const JsonbValue *key);
static void leave(Paths *paths, int length);
static void add_path(Paths *paths, const JsonbValue *key);
static bool is_branch(const JsonbValue *value);
static bool is_same(const JsonbValue *a, const JsonbValue *b);

/*
 * The paths at which two documents differ, an array of strings in the order of
 * jsonb's keys, palloc'd; NULL if with a separator each they are longer than max_bytes.  What is
 * under the key ignored, unless that is NULL, does not count at any level.
 * Nothing is told of documents that are no objects.  Raises 54001 where objects
 * are nested too deeply for the stack.
 */
Jsonb *
kz_difference(const Jsonb *before, const Jsonb *after, const char *ignored, int max_bytes)
{
	Paths		paths = {.ignored = ignored,.size = 16,.room = max_bytes};
	Jsonb	   *result = NULL;

	initStringInfo(&paths.path);
	paths.found = palloc(paths.size * sizeof(JsonbValue));
	if (JB_ROOT_IS_OBJECT(before) && JB_ROOT_IS_OBJECT(after))
		compare_objects(&paths, &before->root, &after->root);
	if (paths.room >= 0)
		result = kz_json_array(paths.found, paths.nfound);

	for (int i = 0; i < paths.nfound; i++)
		pfree(paths.found[i].val.string.val);
	pfree(paths.found);
	pfree(paths.path.data);
	return result;
}

/*
 * A merge join of two sorted lists of keys.
 */
static void
compare_objects(Paths *paths, const JsonbContainer *before, const JsonbContainer *after)
{
	KzJsonCursor bkeys,
				bvalues,
				akeys,
				avalues;
	JsonbValue	bkey,
				bvalue,
				akey,
				avalue;
	bool		more_b,
				more_a;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();

	kz_json_keys(&bkeys, before);
	kz_json_values(&bvalues, before);
	kz_json_keys(&akeys, after);
	kz_json_values(&avalues, after);
	more_b = kz_json_next(&bkeys, &bkey) && kz_json_next(&bvalues, &bvalue);
	more_a = kz_json_next(&akeys, &akey) && kz_json_next(&avalues, &avalue);
	while ((more_b || more_a) && paths->room >= 0)
	{
		int			cmp = !more_b ? 1 : !more_a ? -1 : kz_json_compare_keys(&bkey, &akey);

		compare_values(paths, cmp <= 0 ? &bkey : &akey, cmp <= 0 ? &bvalue : NULL,
					   cmp >= 0 ? &avalue : NULL);
		if (cmp <= 0)
			more_b = kz_json_next(&bkeys, &bkey) && kz_json_next(&bvalues, &bvalue);
		if (cmp >= 0)
			more_a = kz_json_next(&akeys, &akey) && kz_json_next(&avalues, &avalue);
	}
}

/*
 * Compare what is under one key; NULL where it is missing.
 */
static void
compare_values(Paths *paths, const JsonbValue *key, const JsonbValue *before,
			   const JsonbValue *after)
{
	const JsonbValue *present = after ? after : before;
	int			length;

	if ((before && after && is_same(before, after)) ||
		(paths->ignored && kz_json_equals(key, paths->ignored)))
		return;
	if (!is_branch(present))
	{
		add_path(paths, key);
		return;
	}
	length = enter(paths, key);
	if (before && after && is_branch(before))
		compare_objects(paths, before->val.binary.data, after->val.binary.data);
	else
		add_leaves(paths, present->val.binary.data);
	leave(paths, length);
}

/*
 * Add all leaves of an object.
 */
static void
add_leaves(Paths *paths, const JsonbContainer *object)
{
	KzJsonCursor keys,
				values;
	JsonbValue	key,
				value;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();

	kz_json_keys(&keys, object);
	kz_json_values(&values, object);
	while (paths->room >= 0 && kz_json_next(&keys, &key) && kz_json_next(&values, &value))
		compare_values(paths, &key, NULL, &value);
}

/*
 * Go down to a key; returns what leave needs to come back.
 */
static int
enter(Paths *paths, const JsonbValue *key)
{
	int			length = paths->path.len;

	appendBinaryStringInfo(&paths->path, key->val.string.val, key->val.string.len);
	appendStringInfoChar(&paths->path, '.');
	return length;
}

static void
leave(Paths *paths, int length)
{
	paths->path.len = length;
	paths->path.data[length] = '\0';
}

static void
add_path(Paths *paths, const JsonbValue *key)
{
	JsonbValue *found;

	/* A leaf deep down has a long path, and there can be millions. */
	paths->room -= paths->path.len + key->val.string.len + 1;
	if (paths->room < 0)
		return;
	if (paths->nfound == paths->size)
	{
		paths->size *= 2;
		paths->found = repalloc(paths->found, paths->size * sizeof(JsonbValue));
	}
	found = &paths->found[paths->nfound++];
	found->type = jbvString;
	found->val.string.len = paths->path.len + key->val.string.len;
	found->val.string.val = palloc(found->val.string.len + 1);
	memcpy(found->val.string.val, paths->path.data, paths->path.len);
	memcpy(found->val.string.val + paths->path.len, key->val.string.val, key->val.string.len);
}

/*
 * Whether there is something below a value.
 */
static bool
is_branch(const JsonbValue *value)
{
	return kz_json_is_object(value) && JsonContainerSize(value->val.binary.data) > 0;
}

/*
 * Whether two values are the same to the byte, so that 1 and 1.0 are not.
 */
static bool
is_same(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvString:
			return kz_json_compare_keys(a, b) == 0;
		case jbvNumeric:
			return VARSIZE_ANY(a->val.numeric) == VARSIZE_ANY(b->val.numeric) &&
				memcmp(a->val.numeric, b->val.numeric, VARSIZE_ANY(a->val.numeric)) == 0;
		default:
			return a->val.binary.len == b->val.binary.len &&
				memcmp(a->val.binary.data, b->val.binary.data, a->val.binary.len) == 0;
	}
}
