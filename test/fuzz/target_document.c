/*
 * target_document.c
 *	  src/document against slow ways to do the same.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/json.h"
#include "document/fields.h"
#include "document/identity.h"
#include "document/mapping.h"
#include "document/merge.h"
#include "document/metadata.h"
#include "fuzz.h"

static void check_merge(Jsonb *target, Jsonb *changes);
static Jsonb *merge_slowly(Jsonb *target, Jsonb *changes);
static void check_metadata(Jsonb *target, Jsonb *changes);
static void check_remove(Jsonb *document, FuzzInput *input);
static void check_remove_many(Jsonb *document, FuzzInput *input);
static Jsonb *remove_slowly(Jsonb *document, Datum *steps, int nsteps);
static Jsonb *replace_child(Jsonb *document, Datum step, Jsonb *child);
static bool is_place(const char *step);
static void check_mapping(Jsonb *mappings, Jsonb *changes, Jsonb *document);
static Jsonb *concatenate(Jsonb *a, Jsonb *b);
static Jsonb *empty(void);

void
fuzz_document(FuzzInput *input)
{
	Jsonb	   *target = fuzz_take_object(input);
	Jsonb	   *changes = fuzz_take_object(input);
	KzError		error;

	kz_identity_check(cstring_to_text(fuzz_take_string(input)), "_id", &error);
	check_merge(target, changes);
	check_metadata(target, changes);
	check_remove(target, input);
	check_remove_many(target, input);
	check_mapping(target, changes, fuzz_take_object(input));
}

static void
check_merge(Jsonb *target, Jsonb *changes)
{
	Jsonb	   *merged = kz_merge_deep(target, changes);

	fuzz_require_canonical(merged, "a merged document is canonical");
	fuzz_require_identical(merged, merge_slowly(target, changes), "merging is what it should be");
	fuzz_require_identical(kz_merge_deep(merged, changes), merged, "merging twice changes nothing");
	fuzz_require_identical(kz_merge_deep(target, empty()), target, "merging nothing changes nothing");
	fuzz_require_identical(kz_merge_deep(empty(), changes), changes, "nothing becomes what is merged");
	fuzz_require_identical(kz_merge_deep(target, target), target, "merging itself changes nothing");
	fuzz_require_identical(kz_merge_root(target, changes), concatenate(target, changes),
						   "merging root keys is concatenation");
}

/*
 * Merge by concatenation: first all, then once more each pair of objects.
 */
static Jsonb *
merge_slowly(Jsonb *target, Jsonb *changes)
{
	Jsonb	   *result = concatenate(target, changes);
	KzJsonCursor keys;
	JsonbPair	pair;
	JsonbValue	before;
	JsonbValue	after;

	kz_json_keys(&keys, &changes->root);
	while (kz_json_next(&keys, &pair.key))
	{
		char	   *key = kz_json_string(&pair.key);

		if (!kz_json_field(&target->root, key, &before) || !kz_json_is_object(&before) ||
			!kz_json_field(&changes->root, key, &after) || !kz_json_is_object(&after))
			continue;
		kz_json_set_document(&pair.value, merge_slowly(kz_json_document(&before),
													   kz_json_document(&after)));
		result = concatenate(result, kz_json_object(&pair, 1));
	}
	return result;
}

static void
check_metadata(Jsonb *target, Jsonb *changes)
{
	KzStamp		stamp;
	Jsonb	   *created;
	Jsonb	   *updated;
	JsonbValue	info;
	JsonbValue	author;

	kz_stamp_init(&stamp, "me");
	created = kz_stamp_created(&stamp, target);
	fuzz_require_canonical(created, "a stamped document is canonical");
	fuzz_require_canonical(kz_stamp_replaced(&stamp, target), "a replaced document is canonical");
	updated = kz_merge_deep(created, kz_stamp_changes(&stamp, changes));
	fuzz_require_canonical(updated, "a changed document is canonical");
	fuzz_require(kz_json_field(&updated->root, KZ_METADATA_KEY, &info) && kz_json_is_object(&info) &&
				 kz_json_field(info.val.binary.data, "author", &author) &&
				 kz_json_equals(&author, "me"), "the author survives");
	fuzz_require_canonical(kz_stamp_carry(&stamp, changes, updated), "what is answered is canonical");
	kz_stamp_init(&stamp, NULL);
	fuzz_require(kz_stamp_created(&stamp, target) == target, "nobody leaves no stamp");
}

/*
 * A path is a string of any form, or of steps that are names and places, for which
 * the result is known.
 */
static void
check_remove(Jsonb *document, FuzzInput *input)
{
	static const char *const names[] = {"a", "b", "c", "d", "aa", "ab", "0", "1", "2", "x", "body", "_id"};
	StringInfoData path;
	Datum		steps[8];
	int			nsteps = fuzz_take(input, lengthof(steps));
	JsonbValue	value;
	Jsonb	   *removed;

	initStringInfo(&path);
	for (int i = 0; i < nsteps; i++)
	{
		const char *name = names[fuzz_take(input, lengthof(names))];
		bool		bracket = is_place(name) && fuzz_take(input, 2) == 1;

		steps[i] = CStringGetTextDatum(name);
		if (i > 0 && !bracket)
			appendStringInfoChar(&path, '.');
		appendStringInfo(&path, bracket ? "[%s]" : "%s", name);
	}
	if (nsteps == 0)
		appendStringInfoString(&path, fuzz_take_string(input));

	removed = kz_fields_remove(document, list_make1(path.data));
	fuzz_require_canonical(removed, "a document without a field is canonical");
	if (kz_json_field(&document->root, path.data, &value))
		fuzz_require_identical(removed, DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(document),
																		   CStringGetTextDatum(path.data))),
							   "a root key wins over a path");
	else
	{
		fuzz_require_identical(kz_fields_remove(removed, list_make1(path.data)), removed,
							   "removing twice is removing once");
		if (nsteps > 0)
			fuzz_require_identical(removed, remove_slowly(document, steps, nsteps),
								   "removing is what it should be");
	}
}

/*
 * Many fields are removed as if they were removed one after the other.
 */
static void
check_remove_many(Jsonb *document, FuzzInput *input)
{
	static const char *const names[] = {"a", "b", "a.b", "[\"a.b\"]", "a[0]", "a[1].b", "b.a", "b.0", "0", "a.b.c", "", "."};
	List	   *paths = NIL;
	Jsonb	   *rest = document;

	for (int i = fuzz_take(input, 8); i > 0; i--)
	{
		char	   *path = fuzz_take(input, 4) == 0 ? fuzz_take_string(input) :
			unconstify(char *, names[fuzz_take(input, lengthof(names))]);

		paths = lappend(paths, path);
		rest = kz_fields_remove(rest, list_make1(path));
	}
	fuzz_require_identical(kz_fields_remove(document, paths), rest,
						   "removing many is removing one after the other");
}

static Jsonb *
remove_slowly(Jsonb *document, Datum *steps, int nsteps)
{
	char	   *step = TextDatumGetCString(steps[0]);
	JsonbContainer *container = &document->root;
	JsonbValue	field;
	JsonbValue *child;

	if (JB_ROOT_IS_SCALAR(document))
		return document;
	if (JB_ROOT_IS_OBJECT(document))
		child = kz_json_field(container, step, &field) ? &field : NULL;
	else
		child = is_place(step) ? getIthJsonbValueFromContainer(container, atoi(step)) : NULL;
	if (!child)
		return document;
	if (nsteps > 1)
		return child->type != jbvBinary ? document :
			replace_child(document, steps[0], remove_slowly(kz_json_document(child), steps + 1, nsteps - 1));
	if (JB_ROOT_IS_OBJECT(document))
		return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(document), steps[0]));
	return replace_child(document, steps[0], fuzz_parse("null"));
}

static Jsonb *
replace_child(Jsonb *document, Datum step, Jsonb *child)
{
	ArrayType  *path = construct_array(&step, 1, TEXTOID, -1, false, TYPALIGN_INT);

	return DatumGetJsonbP(DirectFunctionCall4(jsonb_set, JsonbPGetDatum(document), PointerGetDatum(path),
											  JsonbPGetDatum(child), BoolGetDatum(false)));
}

static bool
is_place(const char *step)
{
	return isdigit((unsigned char) step[0]);
}

/*
 * Whatever is no mapping is raised.
 */
static void
check_mapping(Jsonb *mappings, Jsonb *changes, Jsonb *document)
{
	Jsonb	   *normal = kz_mapping_normalize(mappings);
	KzUnknownField unknown;

	fuzz_require_canonical(normal, "mappings are canonical");
	fuzz_require_identical(kz_mapping_normalize(normal), normal, "normal mappings stay as they are");
	fuzz_require_identical(kz_mapping_read(mappings), normal, "mappings that are taken are read alike");
	fuzz_require_identical(kz_mapping_update(normal, empty()), normal, "no update changes nothing");
	fuzz_require_identical(kz_mapping_update(normal, normal), normal, "an update by itself changes nothing");
	fuzz_require_canonical(kz_mapping_add_metadata(kz_mapping_describe(normal)), "what is shown is canonical");
	if (kz_mapping_find_unknown(normal, document, &unknown))
		fuzz_require(kz_mapping_is_strict(normal), "only strict mappings refuse");
	fuzz_require_canonical(kz_mapping_update(normal, kz_mapping_normalize(changes)),
						   "updated mappings are canonical");
}

static Jsonb *
concatenate(Jsonb *a, Jsonb *b)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(a), JsonbPGetDatum(b)));
}

static Jsonb *
empty(void)
{
	return kz_json_object(NULL, 0);
}
