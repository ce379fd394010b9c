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

static List *parse_path(const char *path);
static const char *parse_bracket(const char *p, List **steps);
static bool is_deep(const char *path);
static size_t empty_length(const char *p);
static const char *skip_quoted(const char *p);
static bool find_child(const JsonbContainer *container, const char *step, uint32 *position,
					   JsonbValue *child);
static bool parse_position(const char *step, uint32 *position);
static bool path_exists(const JsonbContainer *container, List *steps, int depth);
static JEntry remove_path(StringInfo buffer, const JsonbContainer *container, List *steps,
						  int depth);

/*
 * document without the field at path; document itself if there is none.
 */
Jsonb *
kz_field_remove(Jsonb *document, const char *path)
{
	StringInfoData buffer;
	List	   *steps;
	JsonbValue	value;

	if (JB_ROOT_IS_SCALAR(document))
		return document;
	if (JB_ROOT_IS_OBJECT(document) && kz_json_field(&document->root, path, &value))
		steps = list_make1(unconstify(char *, path));
	else
		steps = parse_path(path);
	if (steps == NIL || !path_exists(&document->root, steps, 0))
		return document;

	kz_json_start(&buffer);
	enlargeStringInfo(&buffer, VARSIZE(document));
	remove_path(&buffer, &document->root, steps, 0);
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
 * Find the child of container that step names, and which one it is, from 0.
 */
static bool
find_child(const JsonbContainer *container, const char *step, uint32 *position,
		   JsonbValue *child)
{
	KzJsonCursor keys,
				values;
	JsonbValue	key;

	kz_json_values(&values, container);
	if (JsonContainerIsArray(container))
	{
		uint32		i = 0;

		if (!parse_position(step, position) || *position >= JsonContainerSize(container))
			return false;
		while (kz_json_next(&values, child) && i < *position)
			i++;
		return true;
	}

	kz_json_keys(&keys, container);
	for (*position = 0; kz_json_next(&keys, &key); (*position)++)
	{
		kz_json_next(&values, child);
		if (kz_json_equals(&key, step))
			return true;
	}
	return false;
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

static bool
path_exists(const JsonbContainer *container, List *steps, int depth)
{
	JsonbValue	child;
	uint32		position;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (!find_child(container, list_nth(steps, depth), &position, &child))
		return false;
	if (depth == list_length(steps) - 1)
		return true;
	return child.type == jbvBinary && path_exists(child.val.binary.data, steps, depth + 1);
}

/*
 * Write container without what steps from depth on lead to, which exists.
 */
static JEntry
remove_path(StringInfo buffer, const JsonbContainer *container, List *steps, int depth)
{
	KzJsonWriter writer;
	KzJsonCursor cursor;
	JsonbValue	value;
	uint32		position;
	bool		object = JsonContainerIsObject(container);
	bool		last = depth == list_length(steps) - 1;

	check_stack_depth();
	find_child(container, list_nth(steps, depth), &position, &value);

	if (object)
	{
		kz_json_begin_object(&writer, buffer, JsonContainerSize(container) - (last ? 1 : 0));
		kz_json_keys(&cursor, container);
		for (uint32 i = 0; kz_json_next(&cursor, &value); i++)
			if (!(last && i == position))
				kz_json_put(&writer, &value);
	}
	else
		kz_json_begin_array(&writer, buffer, JsonContainerSize(container));

	kz_json_values(&cursor, container);
	for (uint32 i = 0; kz_json_next(&cursor, &value); i++)
	{
		if (i != position)
			kz_json_put(&writer, &value);
		else if (!last)
			kz_json_put_entry(&writer, remove_path(buffer, value.val.binary.data, steps,
												   depth + 1));
		else if (!object)
			kz_json_put_entry(&writer, JENTRY_ISNULL);
	}
	return kz_json_end(&writer);
}
