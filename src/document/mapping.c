/*
 * mapping.c
 *	  Mappings: the fields a collection knows, and what it does with others.
 *
 * The rules are Kuzzle's and Elasticsearch's.  A level of the mappings is an
 * object with "properties" (field name to definition), "dynamic" ("true",
 * "false", "strict"; inherited by the levels below), and at the root "_meta".
 * A definition that has properties is a level itself.  Only "strict" matters
 * for writing: it refuses documents with a field that is not defined.
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

#define DEFAULT_DYNAMIC "false" /* Kuzzle's */

/* Where something is, for messages; formatted only when it is needed. */
typedef struct Path
{
	const struct Path *parent;	/* NULL: key is at the root */
	const JsonbValue *key;
} Path;

static const char *const level_keys[] =
{"properties", "_meta", "dynamic", "dynamic_templates", NULL};

static JEntry normalize_level(StringInfo buffer, const JsonbContainer *level,
							  const Path *path);
static JEntry normalize_properties(StringInfo buffer, const JsonbContainer *properties,
								   const Path *path);
static void check_level(const JsonbContainer *level, const Path *path);
static void check_dynamic(const JsonbValue *dynamic, const Path *path);
static void check_types(const JsonbContainer *stored, const JsonbContainer *changes,
						const Path *path);
static char *field_type(const JsonbContainer *definition);
static bool is_level(const JsonbContainer *definition);
static char *path_text(const Path *path);
static bool unknown_in_value(const JsonbContainer *definition, bool strict,
							 const JsonbValue *value, const Path *path,
							 KzUnknownField *unknown);
static bool unknown_in_object(const JsonbContainer *definition, bool strict,
							  const JsonbContainer *object, const Path *path,
							  KzUnknownField *unknown);

/*
 * Check mappings and give dynamic the form in which it is stored.
 * Raises KZ400 (invalid_mapping, or invalid_type if they are no object).
 */
Jsonb *
kz_mapping_normalize(Jsonb *mappings)
{
	StringInfoData buffer;

	if (!JB_ROOT_IS_OBJECT(mappings))
		kz_raise(KZ_ERROR_INVALID_TYPE, NULL, "mappings", "object");
	kz_json_start(&buffer);
	normalize_level(&buffer, &mappings->root, NULL);
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
	return kz_mapping_normalize(merged);
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
 * Whether any level of the mappings refuses unknown fields.
 */
bool
kz_mapping_is_strict(Jsonb *mappings)
{
	JsonbIterator *it = JsonbIteratorInit(&mappings->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		dynamic = false;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_VALUE && dynamic && kz_json_equals(&value, "strict"))
			return true;
		dynamic = token == WJB_KEY && kz_json_equals(&value, "dynamic");
	}
	return false;
}

/*
 * Find the first field of document that strict mappings do not know; false if
 * there is none.  unknown is palloc'd.
 */
bool
kz_mapping_find_unknown(Jsonb *mappings, Jsonb *document, KzUnknownField *unknown)
{
	return JB_ROOT_IS_OBJECT(document) &&
		unknown_in_object(&mappings->root, false, &document->root, NULL, unknown);
}

/*
 * Write a level or the definition of a plain field, checked.  path is where it
 * is, NULL for the root.
 */
static JEntry
normalize_level(StringInfo buffer, const JsonbContainer *level, const Path *path)
{
	KzJsonWriter writer;
	KzJsonCursor keys,
				values;
	JsonbValue	key,
				value;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	check_level(level, path);
	kz_json_begin_object(&writer, buffer, JsonContainerSize(level));
	kz_json_keys(&keys, level);
	while (kz_json_next(&keys, &key))
		kz_json_put(&writer, &key);

	kz_json_keys(&keys, level);
	kz_json_values(&values, level);
	while (kz_json_next(&keys, &key))
	{
		Path		here = {path, &key};

		kz_json_next(&values, &value);
		if (kz_json_equals(&key, "properties"))
			kz_json_put_entry(&writer,
							  normalize_properties(buffer, value.val.binary.data, &here));
		else
		{
			if (kz_json_equals(&key, "dynamic") && value.type == jbvBool)
				kz_json_set_string(&value, value.val.boolean ? "true" : "false");
			kz_json_put(&writer, &value);
		}
	}
	return kz_json_end(&writer);
}

static JEntry
normalize_properties(StringInfo buffer, const JsonbContainer *properties, const Path *path)
{
	KzJsonWriter writer;
	KzJsonCursor keys,
				values;
	JsonbValue	key,
				value;

	kz_json_begin_object(&writer, buffer, JsonContainerSize(properties));
	kz_json_keys(&keys, properties);
	while (kz_json_next(&keys, &key))
		kz_json_put(&writer, &key);

	kz_json_keys(&keys, properties);
	kz_json_values(&values, properties);
	while (kz_json_next(&keys, &key))
	{
		Path		here = {path, &key};

		kz_json_next(&values, &value);
		if (!kz_json_is_object(&value))
			kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, path_text(&here),
					 " The definition of a field must be an object.");
		kz_json_put_entry(&writer, normalize_level(buffer, value.val.binary.data, &here));
	}
	return kz_json_end(&writer);
}

/*
 * Check the keys of a level.  What a plain field's definition holds is left
 * alone, but for dynamic.
 */
static void
check_level(const JsonbContainer *level, const Path *path)
{
	KzJsonCursor keys,
				values;
	JsonbValue	key,
				value;
	bool		root = path == NULL;
	bool		strict_keys = root || kz_json_field(level, "properties", &value);

	kz_json_keys(&keys, level);
	kz_json_values(&values, level);
	while (kz_json_next(&keys, &key))
	{
		Path		here = {path, &key};
		bool		known = !root && kz_json_equals(&key, "type");

		kz_json_next(&values, &value);
		for (int i = 0; level_keys[i] && !known; i++)
			known = kz_json_equals(&key, level_keys[i]);
		if (strict_keys && !known)
			kz_raise(KZ_ERROR_INVALID_MAPPING,
					 root ? "Allowed here: properties, _meta, dynamic, dynamic_templates." :
					 "Allowed here: type, properties, _meta, dynamic, dynamic_templates.",
					 path_text(&here), "");
		if (kz_json_equals(&key, "dynamic"))
			check_dynamic(&value, &here);
		else if ((kz_json_equals(&key, "properties") || (root && kz_json_equals(&key, "_meta"))) &&
				 !kz_json_is_object(&value))
			kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, path_text(&here), " Expected an object.");
	}
}

static void
check_dynamic(const JsonbValue *dynamic, const Path *path)
{
	if (dynamic->type != jbvBool && !kz_json_equals(dynamic, "true") &&
		!kz_json_equals(dynamic, "false") && !kz_json_equals(dynamic, "strict"))
		kz_raise(KZ_ERROR_INVALID_MAPPING, NULL, path_text(path),
				 " Expected one of: \"true\", \"false\", \"strict\".");
}

/*
 * Refuse changes that give a field another type.  (The text is
 * Elasticsearch's, in its form without a position.)
 */
static void
check_types(const JsonbContainer *stored, const JsonbContainer *changes, const Path *path)
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
		Path		here = {path, &key};
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
							  path_text(&here), old, new));
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
static bool
is_level(const JsonbContainer *definition)
{
	JsonbValue	type,
				enabled;

	if (kz_json_field(definition, "enabled", &enabled) &&
		enabled.type == jbvBool && !enabled.val.boolean)
		return false;
	return !kz_json_field(definition, "type", &type) ||
		kz_json_equals(&type, "object") || kz_json_equals(&type, "nested");
}

/*
 * A path with dots, palloc'd.
 */
static char *
path_text(const Path *path)
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
 * Find the first unknown field in a value of the field at path; elements of an
 * array are values of the field as well.
 */
static bool
unknown_in_value(const JsonbContainer *definition, bool strict, const JsonbValue *value,
				 const Path *path, KzUnknownField *unknown)
{
	KzJsonCursor cursor;
	JsonbValue	element;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (kz_json_is_object(value))
		return unknown_in_object(definition, strict, value->val.binary.data, path, unknown);
	if (!kz_json_is_array(value))
		return false;
	kz_json_values(&cursor, value->val.binary.data);
	while (kz_json_next(&cursor, &element))
		if (unknown_in_value(definition, strict, &element, path, unknown))
			return true;
	return false;
}

/*
 * Find the first unknown field in the object at path, NULL for the root; strict
 * is what the level above says.
 */
static bool
unknown_in_object(const JsonbContainer *definition, bool strict,
				  const JsonbContainer *object, const Path *path, KzUnknownField *unknown)
{
	KzJsonCursor keys,
				values;
	JsonbValue	dynamic,
				properties,
				field,
				key,
				value;
	bool		has_properties = kz_json_field(definition, "properties", &properties);

	if (kz_json_field(definition, "dynamic", &dynamic))
		strict = kz_json_equals(&dynamic, "strict");
	kz_json_keys(&keys, object);
	kz_json_values(&values, object);
	while (kz_json_next(&keys, &key))
	{
		Path		here = {path, &key};
		bool		known;

		kz_json_next(&values, &value);
		if (!path && kz_json_equals(&key, KZ_METADATA_KEY))
			continue;
		known = has_properties &&
			getKeyJsonValueFromContainer(properties.val.binary.data, key.val.string.val,
										 key.val.string.len, &field) != NULL;
		if (!known && strict)
		{
			unknown->field = pnstrdup(key.val.string.val, key.val.string.len);
			unknown->within = path ? path_text(path) : pstrdup("_doc");
			return true;
		}
		if (known && value.type == jbvBinary && is_level(field.val.binary.data) &&
			unknown_in_value(field.val.binary.data, strict, &value, &here, unknown))
			return true;
	}
	return false;
}
