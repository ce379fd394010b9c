/*
 * mapping.c
 *	  Mappings: the fields a collection knows, and what it does with others.
 *
 * The rules are Kuzzle's and Elasticsearch's.  A level of the mappings is an
 * object with "properties" (field name to definition), "dynamic" ("true",
 * "false", "strict"; inherited by the levels below), and at the root "_meta".
 * A definition that has properties is a level itself.  Only "strict" matters
 * for writing: it refuses documents with a field that is not defined.
 *
 * A name with dots is a path: "a.b" is b among the properties of a, in mappings as in
 * documents.  Normalized mappings have no such names; but for those that an earlier
 * version has stored, a name that is no path, such as "a..b", stands for itself.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/json.h"
#include "document/mapping.h"
#include "document/merge.h"
#include "document/metadata.h"
#include "document/path.h"

#define DEFAULT_DYNAMIC "false" /* Kuzzle's */

/* A field that is to be written into a level, at it or below it. */
typedef struct Field
{
	JsonbValue	name;			/* seen from the level */
	bool		dotted;			/* it is a path */
	JsonbValue	definition;		/* an object */
} Field;

static const char *const level_keys[] =
{"properties", "_meta", "dynamic", "dynamic_templates", NULL};

static Jsonb *normalize(Jsonb *mappings, bool stored);
static JEntry write_level(StringInfo buffer, const JsonbContainer *level, List *fields,
						  const KzPath *path, bool stored);
static JEntry write_properties(StringInfo buffer, List *fields, const KzPath *path, bool stored);
static JEntry write_field(StringInfo buffer, List *fields, const KzPath *path, bool stored);
static List *add_fields(List *fields, const JsonbContainer *level, const KzPath *path,
						bool stored);
static int	compare_fields(const ListCell *a, const ListCell *b);
static int	compare_keys(const void *a, const void *b);
static bool is_bare_level(const JsonbValue *definition);
static void check_level(const JsonbContainer *level, const KzPath *path, bool has_fields);
static void check_dynamic(const JsonbValue *dynamic, const KzPath *path);
static void check_types(const JsonbContainer *stored, const JsonbContainer *changes,
						const KzPath *path);
static char *field_type(const JsonbContainer *definition);

/*
 * Check mappings that a user gives, and give dynamic and names the form in which they
 * are stored.  Raises KZ400 (invalid_mapping, or invalid_type if they are no object).
 */
Jsonb *
kz_mapping_normalize(Jsonb *mappings)
{
	return normalize(mappings, false);
}

/*
 * The same for mappings that are stored.  Names that an earlier version took, though
 * they contradict each other or are no paths, must not keep anybody from the
 * documents.
 */
Jsonb *
kz_mapping_read(Jsonb *mappings)
{
	return normalize(mappings, true);
}

static Jsonb *
normalize(Jsonb *mappings, bool stored)
{
	StringInfoData buffer;

	if (!JB_ROOT_IS_OBJECT(mappings))
		kz_raise(KZ_ERROR_INVALID_TYPE, NULL, "mappings", "object");
	kz_json_start(&buffer);
	write_level(&buffer, &mappings->root, NIL, NULL, stored);
	return kz_json_finish(&buffer);
}

/*
 * Stored mappings after changes, both normalized: properties are merged,
 * dynamic and _meta replaced if given.  Raises KZ400 if the type of a field
 * would change, or a field with options of its own would get fields below it.
 */
Jsonb *
kz_mapping_update(Jsonb *stored, Jsonb *changes)
{
	JsonbPair	meta;
	Jsonb	   *merged;

	check_types(&stored->root, &changes->root, NULL);
	merged = kz_merge_deep(stored, changes);
	if (kz_json_field(&changes->root, "_meta", &meta.value))
	{
		kz_json_set_string(&meta.key, "_meta");
		merged = kz_merge_root(merged, kz_json_object(&meta, 1));
	}
	/* What is right on either side need not be so together. */
	return kz_mapping_read(merged);
}

/*
 * Mappings as they are shown: dynamic and properties in any case, _meta if it
 * was given.
 */
Jsonb *
kz_mapping_describe(Jsonb *mappings)
{
	JsonbPair	pairs[3];
	int			npairs = 2;

	kz_json_set_string(&pairs[0].key, "dynamic");
	if (!kz_json_field(&mappings->root, "dynamic", &pairs[0].value))
		kz_json_set_string(&pairs[0].value, DEFAULT_DYNAMIC);
	kz_json_set_string(&pairs[1].key, "properties");
	if (!kz_json_field(&mappings->root, "properties", &pairs[1].value))
		kz_json_set_document(&pairs[1].value, kz_json_object(NULL, 0));
	kz_json_set_string(&pairs[2].key, "_meta");
	if (kz_json_field(&mappings->root, "_meta", &pairs[2].value))
		npairs++;
	return kz_json_object(pairs, npairs);
}

/*
 * Mappings as they are shown with the metadata that Kuzzle maps itself.
 */
Jsonb *
kz_mapping_add_metadata(Jsonb *described)
{
	const char *metadata;
	Datum		parsed;

	metadata = "{\"properties\": {\"_kuzzle_info\": {\"properties\": {"
		"\"author\": {\"type\": \"keyword\"}, \"createdAt\": {\"type\": \"date\"}, "
		"\"updatedAt\": {\"type\": \"date\"}, \"updater\": {\"type\": \"keyword\"}}}}}";
	parsed = DirectFunctionCall1(jsonb_in, CStringGetDatum(metadata));
	return kz_merge_deep(described, DatumGetJsonbP(parsed));
}

/*
 * Write a level or the definition of a plain field, checked: what it says itself,
 * unless it is NULL, and fields that belong into it.  path is where it is, NULL for
 * the root.
 */
static JEntry
write_level(StringInfo buffer, const JsonbContainer *level, List *fields, const KzPath *path,
			bool stored)
{
	int			size = level ? JsonContainerSize(level) : 0;
	JsonbPair  *pairs = palloc((size + 1) * sizeof(JsonbPair));
	KzJsonWriter writer;
	KzJsonCursor keys,
				values;
	JsonbValue	properties;
	KzPath		inside = {path, &properties};
	int			n = 0;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	kz_json_set_string(&properties, "properties");
	if (level)
	{
		check_level(level, path, fields != NIL && !stored);
		kz_json_keys(&keys, level);
		kz_json_values(&values, level);
		for (; kz_json_next(&keys, &pairs[n].key); n++)
			kz_json_next(&values, &pairs[n].value);
		fields = add_fields(fields, level, &inside, stored);
	}
	if (fields != NIL && !(level && kz_json_field(level, "properties", &pairs[n].value)))
		pairs[n++].key = properties;
	qsort(pairs, n, sizeof(JsonbPair), compare_keys);

	kz_json_begin_object(&writer, buffer, n);
	for (int i = 0; i < n; i++)
		kz_json_put(&writer, &pairs[i].key);
	for (int i = 0; i < n; i++)
	{
		JsonbValue *value = &pairs[i].value;

		if (kz_json_equals(&pairs[i].key, "properties"))
		{
			kz_json_put_entry(&writer, write_properties(buffer, fields, &inside, stored));
			continue;
		}
		if (kz_json_equals(&pairs[i].key, "dynamic") && value->type == jbvBool)
			kz_json_set_string(value, value->val.boolean ? "true" : "false");
		kz_json_put(&writer, value);
	}
	pfree(pairs);
	return kz_json_end(&writer);
}

/*
 * Write fields, those whose names begin alike as one.
 */
static JEntry
write_properties(StringInfo buffer, List *fields, const KzPath *path, bool stored)
{
	List	   *names = NIL;
	List	   *groups = NIL;
	KzJsonWriter writer;
	ListCell   *lc,
			   *group;

	list_sort(fields, compare_fields);
	foreach(lc, fields)
	{
		Field	   *field = lfirst(lc);
		JsonbValue	head = kz_path_head(&field->name, field->dotted);

		if (names == NIL || kz_json_compare_keys(llast(names), &head) != 0)
		{
			names = lappend(names, memcpy(palloc(sizeof(head)), &head, sizeof(head)));
			groups = lappend(groups, NIL);
		}
		group = list_last_cell(groups);
		lfirst(group) = lappend(lfirst(group), field);
	}
	kz_json_begin_object(&writer, buffer, list_length(names));
	foreach(lc, names)
		kz_json_put(&writer, lfirst(lc));
	forboth(lc, names, group, groups)
	{
		KzPath		here = {path, lfirst(lc)};

		kz_json_put_entry(&writer, write_field(buffer, lfirst(group), &here, stored));
	}
	list_free_deep(names);
	list_free(groups);
	return kz_json_end(&writer);
}

/*
 * Write the field at path: one definition of it, which there need not be, and what is
 * defined below it.  What else is said of it must be the same, or say nothing but
 * what is below it.
 */
static JEntry
write_field(StringInfo buffer, List *fields, const KzPath *path, bool stored)
{
	const JsonbValue *definition = NULL;
	List	   *below = NIL;
	JsonbValue	properties;
	KzPath		inside = {path, &properties};
	ListCell   *lc;

	kz_json_set_string(&properties, "properties");
	foreach(lc, fields)
	{
		Field	   *field = lfirst(lc);
		const JsonbValue *other = &field->definition;

		if (field->dotted)
		{
			field->name = kz_path_rest(&field->name, &field->dotted);
			below = lappend(below, field);
			continue;
		}
		if (!definition)
		{
			definition = other;
			continue;
		}
		if (is_bare_level(definition))
		{
			other = definition;
			definition = &field->definition;
		}
		else if (!stored && !is_bare_level(other) &&
				 (other->val.binary.len != definition->val.binary.len ||
				  memcmp(other->val.binary.data, definition->val.binary.data,
						 other->val.binary.len) != 0))
			kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, kz_path_text(path),
					 " It is defined twice, and not alike.");
		below = add_fields(below, other->val.binary.data, &inside, stored);
	}
	if (below != NIL && definition && !kz_mapping_is_level(definition->val.binary.data) && !stored)
		kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, kz_path_text(path),
				 " It is defined as a field of its own, and has fields below it.");
	return write_level(buffer, definition ? definition->val.binary.data : NULL, below, path,
					   stored);
}

/*
 * Add the properties of a level to fields; path is where the properties are.
 */
static List *
add_fields(List *fields, const JsonbContainer *level, const KzPath *path, bool stored)
{
	KzJsonCursor keys,
				values;
	JsonbValue	properties,
				key,
				value;

	if (!kz_json_field(level, "properties", &properties) || !kz_json_is_object(&properties))
		return fields;
	kz_json_keys(&keys, properties.val.binary.data);
	kz_json_values(&values, properties.val.binary.data);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
	{
		KzPath		here = {path, &key};
		Field	   *field = palloc(sizeof(Field));

		if (!kz_json_is_object(&value))
			kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, kz_path_text(&here),
					 " The definition of a field must be an object.");
		field->name = key;
		field->dotted = kz_path_is_dotted(&key);
		field->definition = value;
		if (!stored && !field->dotted &&
			(key.val.string.len == 0 || memchr(key.val.string.val, '.', key.val.string.len)))
			kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, kz_path_text(&here),
					 " No part of a name may be empty.");
		fields = lappend(fields, field);
	}
	return fields;
}

/*
 * In the order of keys, by how the names begin; what is defined right here first.
 */
static int
compare_fields(const ListCell *a, const ListCell *b)
{
	const Field *left = lfirst(a);
	const Field *right = lfirst(b);
	JsonbValue	left_head = kz_path_head(&left->name, left->dotted);
	JsonbValue	right_head = kz_path_head(&right->name, right->dotted);
	int			cmp = kz_json_compare_keys(&left_head, &right_head);

	return cmp != 0 ? cmp : (int) left->dotted - (int) right->dotted;
}

static int
compare_keys(const void *a, const void *b)
{
	return kz_json_compare_keys(&((const JsonbPair *) a)->key, &((const JsonbPair *) b)->key);
}

/*
 * Whether a definition says nothing but what is below it.
 */
static bool
is_bare_level(const JsonbValue *definition)
{
	JsonbValue	properties;

	return JsonContainerSize(definition->val.binary.data) == 1 &&
		kz_json_field(definition->val.binary.data, "properties", &properties) &&
		kz_json_is_object(&properties);
}

/*
 * Check the keys of a level; has_fields, whether it gets fields beyond its own
 * properties.  What a plain field's definition holds is left alone, but for dynamic.
 */
static void
check_level(const JsonbContainer *level, const KzPath *path, bool has_fields)
{
	KzJsonCursor keys,
				values;
	JsonbValue	key,
				value;
	bool		root = path == NULL;
	bool		strict_keys = root || has_fields || kz_json_field(level, "properties", &value);

	kz_json_keys(&keys, level);
	kz_json_values(&values, level);
	while (kz_json_next(&keys, &key))
	{
		KzPath		here = {path, &key};
		bool		known = !root && kz_json_equals(&key, "type");

		kz_json_next(&values, &value);
		for (int i = 0; level_keys[i] && !known; i++)
			known = kz_json_equals(&key, level_keys[i]);
		if (strict_keys && !known)
			kz_raise(KZ_ERROR_INVALID_MAPPING,
					 root ? "Allowed here: properties, _meta, dynamic, dynamic_templates." :
					 "Allowed here: type, properties, _meta, dynamic, dynamic_templates.",
					 kz_path_text(&here), "");
		if (kz_json_equals(&key, "dynamic"))
			check_dynamic(&value, &here);
		else if ((kz_json_equals(&key, "properties") || (root && kz_json_equals(&key, "_meta"))) &&
				 !kz_json_is_object(&value))
			kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, kz_path_text(&here), " Expected an object.");
	}
}

static void
check_dynamic(const JsonbValue *dynamic, const KzPath *path)
{
	if (dynamic->type != jbvBool && !kz_json_equals(dynamic, "true") &&
		!kz_json_equals(dynamic, "false") && !kz_json_equals(dynamic, "strict"))
		kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, kz_path_text(path),
				 " Expected one of: \"true\", \"false\", \"strict\".");
}

/*
 * Refuse changes that give a field another type.  (The text is
 * Elasticsearch's, in its form without a position.)
 */
static void
check_types(const JsonbContainer *stored, const JsonbContainer *changes, const KzPath *path)
{
	KzJsonCursor keys,
				values;
	JsonbValue	sprops,
				cprops,
				key,
				before,
				after;

	check_stack_depth();
	if (!kz_json_field(stored, "properties", &sprops) ||
		!kz_json_field(changes, "properties", &cprops))
		return;
	kz_json_keys(&keys, cprops.val.binary.data);
	kz_json_values(&values, cprops.val.binary.data);
	while (kz_json_next(&keys, &key))
	{
		KzPath		here = {path, &key};
		char	   *old,
				   *new;

		kz_json_next(&values, &after);
		if (!getKeyJsonValueFromContainer(sprops.val.binary.data, key.val.string.val,
										  key.val.string.len, &before))
			continue;
		old = field_type(before.val.binary.data);
		new = field_type(after.val.binary.data);
		if (strcmp(old, new) != 0)
			kz_raise(KZ_ERROR_BAD_REQUEST,
					 "The type of a field is fixed once it is given; map a new field instead.",
					 psprintf("mapper [%s] cannot be changed from type [%s] to [%s]",
							  kz_path_text(&here), old, new));
		pfree(old);
		pfree(new);
		check_types(before.val.binary.data, after.val.binary.data, &here);
	}
}

/*
 * The type of a field, palloc'd; without one it is an object.
 */
static char *
field_type(const JsonbContainer *definition)
{
	JsonbValue	type;

	if (kz_json_field(definition, "type", &type) && type.type == jbvString)
		return pnstrdup(type.val.string.val, type.val.string.len);
	return pstrdup("object");
}

/*
 * Whether the values of a field are objects with fields that may be defined.
 */
bool
kz_mapping_is_level(const JsonbContainer *definition)
{
	JsonbValue	type,
				enabled;

	if (kz_json_field(definition, "enabled", &enabled) &&
		enabled.type == jbvBool && !enabled.val.boolean)
		return false;
	return !kz_json_field(definition, "type", &type) ||
		kz_json_equals(&type, "object") || kz_json_equals(&type, "nested");
}
