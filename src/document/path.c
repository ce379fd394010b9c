/*
 * path.c
 *	  Names of fields that are paths.
 *
 * In mappings, and in documents that are held against them, "a.b" is the field b of
 * the object a, as in Elasticsearch.  A name that is no path, such as "a..b", stands for
 * itself.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "document/path.h"

/*
 * A path with dots, palloc'd.
 */
char *
kz_path_text(const KzPath *path)
{
	StringInfoData buffer;
	List	   *keys = NIL;
	ListCell   *lc;

	for (; path; path = path->parent)
		keys = lcons(unconstify(JsonbValue *, path->key), keys);
	initStringInfo(&buffer);
	foreach(lc, keys)
	{
		const JsonbValue *key = lfirst(lc);

		if (buffer.len > 0)
			appendStringInfoChar(&buffer, '.');
		appendBinaryStringInfo(&buffer, key->val.string.val, key->val.string.len);
	}
	return buffer.data;
}

/*
 * Whether a name has several parts with dots between them, none of them empty.
 */
bool
kz_path_is_dotted(const JsonbValue *name)
{
	const char *string = name->val.string.val;
	int			length = name->val.string.len;

	if (!memchr(string, '.', length) || string[0] == '.' || string[length - 1] == '.')
		return false;
	for (int i = 1; i < length; i++)
		if (string[i] == '.' && string[i - 1] == '.')
			return false;
	return true;
}

/*
 * The first part of a name, of which dotted says whether it is a path.
 */
JsonbValue
kz_path_head(const JsonbValue *name, bool dotted)
{
	JsonbValue	head = *name;

	if (dotted)
		head.val.string.len = (char *) memchr(name->val.string.val, '.', name->val.string.len) -
			name->val.string.val;
	return head;
}

/*
 * What comes after the first part of a path; *dotted becomes whether that is one, too.
 */
JsonbValue
kz_path_rest(const JsonbValue *name, bool *dotted)
{
	JsonbValue	rest = *name;
	int			length = kz_path_head(name, true).val.string.len + 1;

	rest.val.string.val += length;
	rest.val.string.len -= length;
	*dotted = memchr(rest.val.string.val, '.', rest.val.string.len) != NULL;
	return rest;
}
