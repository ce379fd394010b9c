/*
 * milvus_entity.c
 *	  Entities as Milvus' clients send them, checked against the schema.
 *
 * An entity becomes a document with all fields of the schema and the dynamic ones
 * beside them.  One that needs no change is stored as it lies in the request.
 *
 * Milvus checks row by row first, then column by column in several steps, and tells
 * the first failure; what a later step finds waits until the rows are read.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/encoding.h"
#include "document/identity.h"
#include "operation/write.h"
#include "protocol/milvus_entity.h"
#include "protocol/milvus_value.h"

/* Steps after the rows, in their order. */
typedef enum Step
{
	STEP_DIMENSION,
	STEP_COLUMNS,
	STEP_DUPLICATES,
	STEP_KEY,
	STEP_LENGTH,
	STEPS
} Step;

typedef struct Reader
{
	KzMilvusRequest *request;
	const KzMilvusSchema *schema;
	KzMilvusPurpose purpose;
	int			row;
	int			nrows;
	int		   *counts;			/* partial: how many rows have a field */
	int			codes[STEPS];	/* the first failure of each step */
	const char *messages[STEPS];
} Reader;

/* The object that an entity becomes, while it is taken apart. */
typedef struct Draft
{
	JsonbPair  *pairs;			/* of the object */
	int			n;
	int			nsent;			/* how many are there as they were sent */
} Draft;

static bool get_rows(KzMilvusRequest *request, JsonbValue *rows, int *count);
static bool read_row(Reader *reader, const JsonbValue *sent, KzMilvusEntity *entity);
static bool read_field(Reader *reader, const KzMilvusField *field, const JsonbContainer *row,
					   Draft *draft, KzMilvusEntity *entity);
static bool read_value(Reader *reader, const KzMilvusField *field, JsonbValue *value,
					   bool *kept);
static bool read_dynamic(Reader *reader, const JsonbContainer *row, Draft *draft);
static void check_dynamic_size(Reader *reader, const Draft *draft, int first);
static bool set_key(Reader *reader, KzMilvusEntity *entity, Draft *draft);
static void complete(const KzMilvusSchema *schema, const Draft *draft, KzMilvusEntity *entity);
static bool make_up(const KzMilvusField *field, JsonbValue *value);
static void add_pair(Draft *draft, const char *key, const JsonbValue *value);
static void postpone(Reader *reader, Step step, int code, const char *message);
static bool finish(Reader *reader, const KzMilvusEntity *entities);
static bool has_duplicates(const KzMilvusEntity *entities, int count);
static int	compare_ids(const void *a, const void *b);
static const char *refusal(const KzMilvusField *field, const JsonbValue *value);

/*
 * Read "data" of a request: an array of entities, or one.  NULL, and the request
 * has failed, if anything is wrong with any of them.
 */
KzMilvusEntity *
kz_milvus_read_entities(KzMilvusRequest *request, const KzMilvusSchema *schema,
						KzMilvusPurpose purpose, int *count)
{
	JsonbValue	rows;
	JsonbValue	row;
	KzJsonCursor cursor;
	KzMilvusEntity *entities;
	Reader		reader = {.request = request,.schema = schema,.purpose = purpose};

	if (!get_rows(request, &rows, count))
		return NULL;
	reader.nrows = *count;
	reader.counts = palloc0(schema->nfields * sizeof(int));
	entities = palloc_extended(*count * sizeof(KzMilvusEntity), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (kz_json_is_object(&rows))
		return read_row(&reader, &rows, &entities[0]) &&
			finish(&reader, entities) ? entities : NULL;

	kz_json_values(&cursor, rows.val.binary.data);
	for (; kz_json_next(&cursor, &row); reader.row++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_row(&reader, &row, &entities[reader.row]))
			return NULL;
	}
	return finish(&reader, entities) ? entities : NULL;
}

static bool
get_rows(KzMilvusRequest *request, JsonbValue *rows, int *count)
{
	if (!kz_milvus_field(request->body, "data", rows))
		elog(ERROR, "entities are read from a request that has none");
	*count = kz_json_is_object(rows) ? 1 : JsonContainerSize(rows->val.binary.data);
	return *count > 0 || kz_milvus_fail_data(request, "missing required parameters");
}

static bool
read_row(Reader *reader, const JsonbValue *sent, KzMilvusEntity *entity)
{
	const KzMilvusSchema *schema = reader->schema;
	const JsonbContainer *row = sent->val.binary.data;
	int			size = JsonContainerSize(row);
	Draft		draft = {.pairs = palloc((size + schema->nfields) * sizeof(JsonbPair))};

	for (int i = 0; i < schema->nfields; i++)
		if (!read_field(reader, &schema->fields[i], row, &draft, entity))
			return false;
	if (!read_dynamic(reader, row, &draft) || !set_key(reader, entity, &draft))
		return false;

	if (draft.n == draft.nsent && draft.nsent == size)
		entity->document = *sent;
	else
		kz_json_set_document(&entity->document, kz_json_object(draft.pairs, draft.n));
	if (reader->purpose == KZ_MILVUS_PARTIAL)
		complete(schema, &draft, entity);
	pfree(draft.pairs);
	return true;
}

static bool
read_field(Reader *reader, const KzMilvusField *field, const JsonbContainer *row, Draft *draft,
		   KzMilvusEntity *entity)
{
	JsonbValue	value;
	bool		sent = kz_json_field(row, field->name, &value);
	bool		null = !sent || value.type == jbvNull;
	bool		kept = false;

	if (sent)
		reader->counts[field - reader->schema->fields]++;
	if (field->primary)
	{
		/* set_key comes back to it. */
		entity->key = value;
		if (null)
			kz_json_set_null(&entity->key);
		if (null && (reader->schema->auto_id || reader->purpose == KZ_MILVUS_PARTIAL))
			return true;
		if (reader->schema->auto_id && reader->purpose == KZ_MILVUS_INSERT)
			return kz_milvus_fail_data(reader->request,
									   psprintf("no need to pass pk field(%s) when autoid==true in insert",
												field->name));
	}
	if (!sent && reader->purpose == KZ_MILVUS_PARTIAL)
		return true;
	if (null && !field->primary && make_up(field, &value))
		kept = sent && value.type == jbvNull;	/* no default */
	else
	{
		if (null)
			kz_json_set_null(&value);
		if (!read_value(reader, field, &value, &kept))
			return false;
		kept = kept && sent;
	}
	if (field->primary)
		entity->key = value;
	add_pair(draft, field->name, &value);
	draft->nsent += kept;
	return true;
}

/*
 * Give the value of a field its form.  What only a later step of Milvus' would
 * refuse passes, but is noted.
 */
static bool
read_value(Reader *reader, const KzMilvusField *field, JsonbValue *value, bool *kept)
{
	KzMilvusValue result;
	int			size = 0;

	if (kz_milvus_type_is_vector(field->type) &&
		(value->type == jbvNull || (value->type == jbvString && value->val.string.len == 0)))
		return kz_milvus_fail_data(reader->request,
								   psprintf("missing vector field: %s", field->name));
	/* Any other key would not be converted; a VarChar would be empty. */
	if (field->primary && field->type == KZ_MILVUS_VARCHAR &&
		(value->type == jbvNull || (value->type == jbvString && value->val.string.len == 0)))
		return kz_milvus_fail_data(reader->request,
								   psprintf("the primary key %s must not be empty", field->name));
	result = kz_milvus_convert(field, value, &size);
	*kept = result != KZ_MILVUS_CONVERTED;
	switch (result)
	{
		case KZ_MILVUS_KEPT:
		case KZ_MILVUS_CONVERTED:
			break;
		case KZ_MILVUS_REFUSED:
			return kz_milvus_fail_data(reader->request, refusal(field, value));
		case KZ_MILVUS_TOO_LONG:
			postpone(reader, STEP_LENGTH, KZ_MILVUS_INVALID_PARAMETER,
					 psprintf("length of varchar field %s exceeds max length, row number: %d, length: %d, "
							  "max length: %d: invalid parameter", field->name, reader->row, size,
							  field->max_length));
			break;
		case KZ_MILVUS_WRONG_SIZE:
			if (field->type == KZ_MILVUS_ARRAY)
				postpone(reader, STEP_LENGTH, KZ_MILVUS_INVALID_PARAMETER,
						 psprintf("the length (%d) of %dth array exceeds max capacity (%d): invalid parameter",
								  size, reader->row, field->max_capacity));
			else
				postpone(reader, STEP_DIMENSION, KZ_MILVUS_INVALID_DATA,
						 psprintf("fail to deal the insert data, error: %s size %d doesn't equal to "
								  "vector dimension %d of %s",
								  field->type == KZ_MILVUS_FLOAT_VECTOR ? "[]float32" : "[]byte", size,
								  field->dim, kz_milvus_type_name(field->type)));
			break;
		case KZ_MILVUS_NOT_FINITE:
			postpone(reader, STEP_LENGTH, KZ_MILVUS_INVALID_PARAMETER,
					 psprintf("value '%s' of field %s is not a number or infinity: invalid parameter",
							  kz_milvus_text(value), field->name));
			break;
		case KZ_MILVUS_TOO_LARGE:
			postpone(reader, STEP_LENGTH, KZ_MILVUS_INVALID_PARAMETER,
					 psprintf("the length (%d) of json field (%s) exceeds max length (%d): invalid parameter",
							  size, field->name, KZ_MILVUS_MAX_JSON));
			break;
	}
	return true;
}

/*
 * Take the keys that are no fields: they are dynamic, if there may be any.  Those
 * without a value are left out.
 */
static bool
read_dynamic(Reader *reader, const JsonbContainer *row, Draft *draft)
{
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;
	int			first = draft->n;

	kz_json_keys(&keys, row);
	kz_json_values(&values, row);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
	{
		if (kz_milvus_schema_field(reader->schema, key.val.string.val, key.val.string.len))
			continue;
		if (!reader->schema->dynamic)
			return kz_milvus_fail_data(reader->request,
									   "has pass more field without dynamic schema, please check it");
		if (kz_json_equals(&key, KZ_MILVUS_META))
			return kz_milvus_fail_data(reader->request,
									   "use the invalid field name(" KZ_MILVUS_META ") when enable dynamicField");
		if (value.type == jbvNull)
			continue;
		draft->pairs[draft->n].key = key;
		draft->pairs[draft->n++].value = value;
		draft->nsent++;
	}
	check_dynamic_size(reader, draft, first);
	return true;
}

static void
check_dynamic_size(Reader *reader, const Draft *draft, int first)
{
	KzPairs		dynamic = {.n = draft->n - first,.pairs = &draft->pairs[first]};
	int64		size = kz_milvus_dynamic_size(&dynamic);

	if (size > KZ_MILVUS_MAX_JSON)
		postpone(reader, STEP_LENGTH, KZ_MILVUS_INVALID_PARAMETER,
				 psprintf("the length (" INT64_FORMAT ") of dynamic field exceeds max length (%d): "
						  "invalid parameter", size, KZ_MILVUS_MAX_JSON));
}

/*
 * Give an entity its id, which is that of its key; one without a key gets one where
 * the server makes them.
 */
static bool
set_key(Reader *reader, KzMilvusEntity *entity, Draft *draft)
{
	const KzMilvusSchema *schema = reader->schema;
	KzError		error;

	if (entity->key.type == jbvNull)
	{
		if (reader->purpose != KZ_MILVUS_INSERT)
		{
			postpone(reader, STEP_KEY, KZ_MILVUS_INVALID_PARAMETER,
					 psprintf("must assign pk when upsert, primary field: %s: invalid parameter",
							  schema->primary->name));
			return true;
		}
		kz_milvus_new_key(schema, &entity->key);
		add_pair(draft, schema->primary->name, &entity->key);
	}
	entity->id = kz_milvus_key_id(schema, &entity->key, &entity->key);
	if (!kz_identity_check(entity->id, schema->primary->name, &error))
		postpone(reader, STEP_LENGTH, KZ_MILVUS_INVALID_PARAMETER,
				 psprintf("length of varchar field %s exceeds max length, row number: %d, length: %d, "
						  "max length: %d: invalid parameter", schema->primary->name, reader->row,
						  (int) VARSIZE_ANY_EXHDR(entity->id), KZ_ID_MAX_BYTES));
	return true;
}

/*
 * A key that the server makes: a number, or its text.
 */
void
kz_milvus_new_key(const KzMilvusSchema *schema, JsonbValue *key)
{
	int64		number = kz_identity_number();

	if (schema->primary->type == KZ_MILVUS_INT64)
		kz_json_set_int64(key, number);
	else
		kz_json_set_string(key, psprintf(INT64_FORMAT, number));
}

/*
 * The id of the document with the key that value stands for, and that key as it is
 * stored; NULL if it stands for none.
 */
text *
kz_milvus_key_id(const KzMilvusSchema *schema, const JsonbValue *value, JsonbValue *key)
{
	int64		number;

	if (schema->primary->type == KZ_MILVUS_INT64)
	{
		if (!kz_milvus_get_int64(value, &number))
			return NULL;
		kz_json_set_int64(key, number);
		return cstring_to_text(psprintf(INT64_FORMAT, number));
	}
	if (value->type != jbvString && value->type != jbvNumeric)
		return NULL;
	kz_json_set_string(key, kz_milvus_text(value));
	return kz_json_text(key);
}

/*
 * Make the entity that there will be if a partial one turns out to be new; or tell
 * which field it lacks for that.
 */
static void
complete(const KzMilvusSchema *schema, const Draft *draft, KzMilvusEntity *entity)
{
	Draft		whole = {.pairs = palloc((draft->n + schema->nfields) * sizeof(JsonbPair)),.n = draft->n};

	memcpy(whole.pairs, draft->pairs, draft->n * sizeof(JsonbPair));
	kz_json_set_null(&entity->whole);
	for (int i = 0; i < schema->nfields && !entity->missing; i++)
	{
		const KzMilvusField *field = &schema->fields[i];
		JsonbValue	value;

		if (kz_json_field(entity->document.val.binary.data, field->name, &value))
			continue;
		if (make_up(field, &value))
			add_pair(&whole, field->name, &value);
		else
			entity->missing = field->name;
	}
	if (!entity->missing)
		kz_json_set_document(&entity->whole, kz_json_object(whole.pairs, whole.n));
	pfree(whole.pairs);
}

/*
 * The value that a field gets if it is given none; false if it must have one.
 */
static bool
make_up(const KzMilvusField *field, JsonbValue *value)
{
	if (field->has_default)
		*value = field->default_value;
	else if (field->nullable)
		kz_json_set_null(value);
	else
		return false;
	return true;
}

static void
add_pair(Draft *draft, const char *key, const JsonbValue *value)
{
	kz_json_set_string(&draft->pairs[draft->n].key, key);
	draft->pairs[draft->n++].value = *value;
}

/*
 * Note what a step after the rows will fail for.
 */
static void
postpone(Reader *reader, Step step, int code, const char *message)
{
	if (reader->messages[step])
		return;
	reader->codes[step] = code;
	reader->messages[step] = message;
}

/*
 * The steps that come after all rows are read.
 */
static bool
finish(Reader *reader, const KzMilvusEntity *entities)
{
	for (int i = 0; reader->purpose == KZ_MILVUS_PARTIAL && i < reader->schema->nfields; i++)
		if (reader->counts[i] > 0 && reader->counts[i] < reader->nrows &&
			!reader->schema->fields[i].primary)
			postpone(reader, STEP_COLUMNS, KZ_MILVUS_INVALID_DATA,
					 psprintf("fail to deal the insert data, error: column %s has length %d, expected %d",
							  reader->schema->fields[i].name, reader->counts[i], reader->nrows));
	if (has_duplicates(entities, reader->nrows))
		postpone(reader, STEP_DUPLICATES, KZ_MILVUS_INVALID_PARAMETER,
				 "duplicate primary keys are not allowed in the same batch: invalid parameter");
	for (int step = 0; step < STEPS; step++)
		if (reader->messages[step])
			return kz_milvus_fail(reader->request, reader->codes[step], reader->messages[step]);
	return true;
}

static bool
has_duplicates(const KzMilvusEntity *entities, int count)
{
	const text **ids = palloc_extended(count * sizeof(text *), MCXT_ALLOC_HUGE);
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (entities[i].id)
			ids[n++] = entities[i].id;
	qsort(ids, n, sizeof(text *), compare_ids);
	for (int i = 1; i < n; i++)
		if (compare_ids(&ids[i - 1], &ids[i]) == 0)
			return true;
	return false;
}

static int
compare_ids(const void *a, const void *b)
{
	const text *left = *(const text *const *) a;
	const text *right = *(const text *const *) b;
	Size		length = VARSIZE_ANY(left);

	return length != VARSIZE_ANY(right) ? (length < VARSIZE_ANY(right) ? -1 : 1) :
		memcmp(left, right, length);
}

/*
 * Give a default its form; false if it is none for the field.
 */
bool
kz_milvus_convert_default(const KzMilvusField *field, JsonbValue *value)
{
	int			size;

	/* A default is of the field's type already. */
	switch (field->type)
	{
		case KZ_MILVUS_BOOL:
			return value->type == jbvBool;
		case KZ_MILVUS_VARCHAR:
			return value->type == jbvString && kz_milvus_convert(field, value, &size) == KZ_MILVUS_KEPT;
		default:
			return value->type == jbvNumeric && kz_milvus_convert(field, value, &size) == KZ_MILVUS_KEPT;
	}
}

static const char *
refusal(const KzMilvusField *field, const JsonbValue *value)
{
	char	   *shown = kz_milvus_text(value);
	int			length = kz_encoding_clip(shown, strlen(shown), 200);

	return psprintf("the value of field %s can't be used: invalid parameter[expected=%s][actual=%.*s%s]",
					field->name, kz_milvus_type_name(field->type), length, shown,
					shown[length] ? "..." : "");
}
