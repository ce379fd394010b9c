/*
 * strict.c
 *	  Strict mappings: which field of a document they do not know.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/json.h"
#include "document/mapping.h"
#include "document/metadata.h"
#include "document/path.h"

static bool unknown_in_value(const JsonbContainer *definition, bool strict,
							 const JsonbValue *value, const KzPath *path,
							 KzUnknownField *unknown);
static bool unknown_in_object(const JsonbContainer *definition, bool strict,
							  const JsonbContainer *object, const KzPath *path,
							  KzUnknownField *unknown);
static bool unknown_in_field(const JsonbContainer *definition, bool strict,
							 const JsonbValue *name, bool dotted, const JsonbValue *value,
							 const KzPath *path, KzUnknownField *unknown);
static bool is_strict(const JsonbContainer *definition, bool strict);

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
 * Find the first unknown field in a value of the field at path; elements of an
 * array are values of the field as well.
 */
static bool
unknown_in_value(const JsonbContainer *definition, bool strict, const JsonbValue *value,
				 const KzPath *path, KzUnknownField *unknown)
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
				  const JsonbContainer *object, const KzPath *path, KzUnknownField *unknown)
{
	KzJsonCursor keys,
				values;
	JsonbValue	key,
				value;

	strict = is_strict(definition, strict);
	kz_json_keys(&keys, object);
	kz_json_values(&values, object);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
		if (unknown_in_field(definition, strict, &key, kz_path_is_dotted(&key), &value, path, unknown))
			return true;
	return false;
}

/*
 * Find the first unknown field on the path that a name is, from the level at path
 * on, or in the value that it has.
 */
static bool
unknown_in_field(const JsonbContainer *definition, bool strict, const JsonbValue *name,
				 bool dotted, const JsonbValue *value, const KzPath *path,
				 KzUnknownField *unknown)
{
	JsonbValue	head = kz_path_head(name, dotted);
	KzPath		here = {path, &head};
	JsonbValue	properties,
				field,
				rest;

	check_stack_depth();
	if (!path && kz_json_equals(&head, KZ_METADATA_KEY))
		return false;
	if (!kz_json_field(definition, "properties", &properties) ||
		!getKeyJsonValueFromContainer(properties.val.binary.data, head.val.string.val,
									  head.val.string.len, &field))
	{
		if (!strict)
			return false;
		unknown->field = pnstrdup(head.val.string.val, head.val.string.len);
		unknown->within = path ? kz_path_text(path) : pstrdup("_doc");
		return true;
	}
	if (!kz_mapping_is_level(field.val.binary.data))
		return false;
	if (!dotted)
		return unknown_in_value(field.val.binary.data, strict, value, &here, unknown);
	rest = kz_path_rest(name, &dotted);
	return unknown_in_field(field.val.binary.data, is_strict(field.val.binary.data, strict),
							&rest, dotted, value, &here, unknown);
}

/*
 * Whether a level refuses unknown fields; strict is what the level above says.
 */
static bool
is_strict(const JsonbContainer *definition, bool strict)
{
	JsonbValue	dynamic;

	return kz_json_field(definition, "dynamic", &dynamic) ? kz_json_equals(&dynamic, "strict") : strict;
}
