/*
 * fields.c
 *	  Removing fields from a document.
 *
 * Paths are written as in Kuzzle, which takes them from lodash: a.b, a[0].b,
 * ["a.b"].  A root key that is written like the path wins over the path.  What
 * does not exist is ignored.  A removed element of an array becomes null, so
 * that the others keep their places.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "base/json.h"
#include "document/fields.h"

/* A field that is there, and is to be removed. */
typedef struct Cut
{
	uint32	   *positions;		/* on the way to it, each within the last */
	int			depth;			/* how many there are */
} Cut;

static List *parse_path(const char *path);
static const char *parse_bracket(const char *p, List **steps);
static bool is_deep(const char *path);
static size_t empty_length(const char *p);
static const char *skip_quoted(const char *p);
static bool resolve(const JsonbContainer *root, bool *gone, const char *path, Cut *cut);
static bool find_child(const JsonbContainer *container, const char *step, uint32 *position,
					   JsonbValue *child);
static bool parse_position(const char *step, uint32 *position);
static int	compare_cuts(const void *a, const void *b);
static JEntry write_rest(StringInfo buffer, const JsonbContainer *container, const Cut *cuts,
						 const Cut *end, int depth);
static int	count_removed(const Cut *cuts, const Cut *end, int depth);
static int	count_cuts(const Cut *cuts, const Cut *end, int depth, uint32 position);

/*
 * document without the fields at paths, char *, as if they were removed one after
 * the other; document itself if there are none.
 */
Jsonb *
kz_fields_remove(Jsonb *document, const List *paths)
{
	StringInfoData buffer;
	Cut		   *cuts;
	int			ncuts = 0;
	bool	   *gone;
	ListCell   *lc;

	if (JB_ROOT_IS_SCALAR(document))
		return document;
	cuts = palloc_extended(Max(list_length(paths), 1) * sizeof(Cut), MCXT_ALLOC_HUGE);
	gone = palloc0(JB_ROOT_COUNT(document) + 1);
	foreach(lc, paths)
	{
		CHECK_FOR_INTERRUPTS();
		if (resolve(&document->root, gone, lfirst(lc), &cuts[ncuts]))
			ncuts++;
	}
	if (ncuts == 0)
		return document;

	qsort(cuts, ncuts, sizeof(Cut), compare_cuts);
	kz_json_start(&buffer);
	enlargeStringInfo(&buffer, VARSIZE(document));
	write_rest(&buffer, &document->root, cuts, cuts + ncuts, 0);
	return kz_json_finish(&buffer);
}

/*
 * Split a path into its steps, as lodash does.  What has neither a dot nor a
 * closed bracket is a key as it stands.  Otherwise a step is a run of other
 * characters, or what is in a bracket; a dot at the start, before another one,
 * or at the end stands for an empty key, and so does [] there.  Whatever else
 * there is of dots and brackets separates steps.
 */
static List *
parse_path(const char *path)
{
	List	   *steps = NIL;
	const char *p = path;

	if (!is_deep(path))
		return list_make1(pstrdup(path));
	if (*p == '.')
		steps = lappend(steps, pstrdup(""));
	while (*p)
	{
		size_t		length = strcspn(p, ".[]");
		const char *behind;

		if (length > 0)
		{
			steps = lappend(steps, pnstrdup(p, length));
			p += length;
		}
		else if ((behind = parse_bracket(p, &steps)) != NULL)
			p = behind;
		else
		{
			size_t		first = empty_length(p);

			if (first > 0 && (p[first] == '\0' || empty_length(p + first) > 0))
				steps = lappend(steps, pstrdup(""));
			p++;
		}
	}
	return steps;
}

/*
 * The length of the dot or [] at p, which may stand for an empty key; 0 if there
 * is neither.
 */
static size_t
empty_length(const char *p)
{
	return *p == '.' ? 1 : p[0] == '[' && p[1] == ']' ? 2 : 0;
}

/*
 * Whether a path has a dot or a closed bracket, so that it is more than a key.
 */
static bool
is_deep(const char *path)
{
	for (const char *p = path; *p; p++)
	{
		const char *q;

		if (*p == '.')
			return true;
		if (*p != '[')
			continue;
		q = p + 1 + strcspn(p + 1, "[]");
		if (*q == ']' || ((q = skip_quoted(p + 1)) != NULL && *q == ']'))
			return true;
	}
	return false;
}

/*
 * What is behind the quoted string at p; NULL if there is none.
 */
static const char *
skip_quoted(const char *p)
{
	char		quote = *p++;

	if (quote != '"' && quote != '\'')
		return NULL;
	for (; *p && *p != quote; p++)
		if (*p == '\\' && *++p == '\0')
			return NULL;
	return *p ? p + 1 : NULL;
}

/*
 * Read [0], ["key"] or ['key'] at p and append what is inside to steps; returns
 * what is behind the bracket, or NULL if there is none.
 */
static const char *
parse_bracket(const char *p, List **steps)
{
	StringInfoData step;
	const char *q;

	if (*p++ != '[')
		return NULL;
	if ((q = skip_quoted(p)) != NULL)
	{
		if (*q != ']')
			return NULL;
		initStringInfo(&step);
		for (p++; p < q - 1; p++)
		{
			if (*p == '\\')
				p++;
			appendStringInfoChar(&step, *p);
		}
		*steps = lappend(*steps, step.data);
		return q + 1;
	}
	q = p + (*p == '-' ? 1 : 0);
	if (strspn(q, "0123456789") == 0)
		return NULL;
	q += strspn(q, "0123456789");
	if (*q == '.' && strspn(q + 1, "0123456789") > 0)
		q += 1 + strspn(q + 1, "0123456789");
	if (*q != ']')
		return NULL;
	*steps = lappend(*steps, pnstrdup(p, q - p));
	return q + 1;
}

/*
 * Find out which field of root is at path, if there is one.  Root keys that are gone
 * by now don't win over a path that is written like them; besides that it makes no
 * difference that others were removed before, since what is within them goes as well.
 */
static bool
resolve(const JsonbContainer *root, bool *gone, const char *path, Cut *cut)
{
	List	   *steps;
	ListCell   *lc;
	JsonbValue	child;
	uint32		position;

	if (JsonContainerIsObject(root) && find_child(root, path, &position, &child) &&
		!gone[position])
		steps = list_make1(unconstify(char *, path));
	else
		steps = parse_path(path);
	cut->depth = list_length(steps);
	cut->positions = palloc(cut->depth * sizeof(uint32));
	child.type = jbvBinary;
	child.val.binary.data = unconstify(JsonbContainer *, root);
	foreach(lc, steps)
		if (child.type != jbvBinary ||
			!find_child(child.val.binary.data, lfirst(lc),
						&cut->positions[foreach_current_index(lc)], &child))
		return false;
	if (cut->depth == 1)
		gone[cut->positions[0]] = true;
	return cut->depth > 0;
}

/*
 * Find the child of container that step names, and which one it is, from 0.
 */
static bool
find_child(const JsonbContainer *container, const char *step, uint32 *position,
		   JsonbValue *child)
{
	if (JsonContainerIsObject(container))
		return kz_json_find_key(container, step, position, child);
	if (!parse_position(step, position) || *position >= JsonContainerSize(container))
		return false;
	kz_json_value_at(container, *position, child);
	return true;
}

/*
 * Read the position of an array element: digits without a leading zero.
 */
static bool
parse_position(const char *step, uint32 *position)
{
	size_t		length = strlen(step);

	if (length == 0 || length > 9 || strspn(step, "0123456789") != length ||
		(step[0] == '0' && length > 1))
		return false;
	*position = strtoul(step, NULL, 10);
	return true;
}

/*
 * In the order of the document; what contains another field comes before it.
 */
static int
compare_cuts(const void *a, const void *b)
{
	const Cut  *left = a;
	const Cut  *right = b;

	for (int i = 0; i < left->depth && i < right->depth; i++)
		if (left->positions[i] != right->positions[i])
			return left->positions[i] < right->positions[i] ? -1 : 1;
	return left->depth - right->depth;
}

/*
 * Write container without the cuts up to end, which all lie in it, at depth.
 */
static JEntry
write_rest(StringInfo buffer, const JsonbContainer *container, const Cut *cuts, const Cut *end,
		   int depth)
{
	KzJsonWriter writer;
	KzJsonCursor cursor;
	JsonbValue	value;
	const Cut  *cut = cuts;
	bool		object = JsonContainerIsObject(container);

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (object)
	{
		kz_json_begin_object(&writer, buffer,
							 JsonContainerSize(container) - count_removed(cuts, end, depth));
		kz_json_keys(&cursor, container);
		for (uint32 i = 0; kz_json_next(&cursor, &value); i++)
		{
			int			n = count_cuts(cut, end, depth, i);

			if (n == 0 || cut->depth > depth + 1)
				kz_json_put(&writer, &value);
			cut += n;
		}
	}
	else
		kz_json_begin_array(&writer, buffer, JsonContainerSize(container));

	cut = cuts;
	kz_json_values(&cursor, container);
	for (uint32 i = 0; kz_json_next(&cursor, &value); i++)
	{
		int			n = count_cuts(cut, end, depth, i);

		if (n == 0)
			kz_json_put(&writer, &value);
		else if (cut->depth > depth + 1)
			kz_json_put_entry(&writer, write_rest(buffer, value.val.binary.data, cut, cut + n,
												  depth + 1));
		else if (!object)
			kz_json_put_entry(&writer, JENTRY_ISNULL);
		cut += n;
	}
	return kz_json_end(&writer);
}

/*
 * How many children of a container are removed as a whole.
 */
static int
count_removed(const Cut *cuts, const Cut *end, int depth)
{
	int			count = 0;

	for (const Cut *cut = cuts; cut < end; cut += count_cuts(cut, end, depth, cut->positions[depth]))
		count += cut->depth == depth + 1;
	return count;
}

/*
 * How many of the cuts, from the first on, lie in the child at a position.
 */
static int
count_cuts(const Cut *cuts, const Cut *end, int depth, uint32 position)
{
	const Cut  *cut = cuts;

	while (cut < end && cut->positions[depth] == position)
		cut++;
	return cut - cuts;
}
