/*
 * milvus_write.c
 *	  The endpoints that insert and upsert entities.
 *
 * A request is done as a whole or not at all, on the same write loop as all else.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "document/merge.h"
#include "operation/bulk.h"
#include "protocol/milvus_endpoints.h"
#include "protocol/milvus_entity.h"
#include "protocol/milvus_value.h"

/* What a partial update does with the elements that are sent for an Array. */
typedef enum FieldOp
{
	OP_REPLACE,
	OP_APPEND,
	OP_REMOVE
} FieldOp;

typedef struct FieldOps
{
	const KzMilvusSchema *schema;
	FieldOp    *ops;			/* of each field of the schema */
	bool	   *named;			/* whether the request has one for it */
} FieldOps;

static bool read_field_ops(KzMilvusRequest *request, JsonbValue *list, bool *implied);
static bool find_op(const char *name, FieldOp *op);
static bool resolve_field_ops(KzMilvusRequest *request, const JsonbValue *list,
							  const KzMilvusSchema *schema, FieldOps *ops);
static bool in_all_rows(const KzMilvusEntity *entities, int count, const char *field);
static KzEntry *make_entries(const KzMilvusSchema *schema, KzMilvusPurpose purpose,
							 KzMilvusEntity *entities, int count, const FieldOps *ops, int *nentries);
static void make_partial(KzEntry *entry, const KzMilvusEntity *entity, const FieldOps *ops);
static Jsonb *without_removed(const KzMilvusEntity *entity, const FieldOps *ops);
static void make_replacement(KzEntry *entry, const KzMilvusSchema *schema, KzMilvusEntity *entity);
static Jsonb *merge_fields(const KzChange *change, Jsonb *stored, KzError *error);
static Jsonb *check_merged(const KzMilvusSchema *schema, Jsonb *merged, KzError *error);
static bool merge_array(const KzMilvusField *field, FieldOp op, const JsonbValue *stored,
						JsonbValue *value, KzError *error);
static bool contains(const JsonbContainer *array, const JsonbValue *value);
static bool write_entries(KzMilvusRequest *request, const KzMilvusSchema *schema,
						  KzMilvusPurpose purpose, const KzMilvusEntity *entities, int count,
						  KzEntry *entries, int nentries);
static bool fail_entry(KzMilvusRequest *request, const KzMilvusEntity *entity, const KzError *error);
static void answer_keys(KzMilvusRequest *request, const char *count_key, const char *ids_key,
						const KzMilvusSchema *schema, const KzMilvusEntity *entities, int count);

bool
kz_milvus_insert(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzMilvusEntity *entities;
	KzEntry    *entries;
	int			count;
	int			nentries;

	if (!kz_milvus_collection(request, &schema) || !kz_milvus_check_partition(request))
		return false;
	entities = kz_milvus_read_entities(request, &schema, KZ_MILVUS_INSERT, &count);
	if (!entities)
		return false;
	entries = make_entries(&schema, KZ_MILVUS_INSERT, entities, count, NULL, &nentries);
	if (!write_entries(request, &schema, KZ_MILVUS_INSERT, entities, count, entries, nentries))
		return false;
	answer_keys(request, "insertCount", "insertIds", &schema, entities, count);
	return true;
}

bool
kz_milvus_upsert(KzMilvusRequest *request)
{
	KzMilvusSchema schema;
	KzMilvusEntity *entities;
	KzEntry    *entries;
	FieldOps	ops;
	JsonbValue	op_list;
	bool		partial = false;
	KzMilvusPurpose purpose;
	int			count;
	int			nentries;

	if (!kz_milvus_flag(request, request->body, "partialUpdate", &partial) ||
		!read_field_ops(request, &op_list, &partial) ||
		!kz_milvus_collection(request, &schema) || !kz_milvus_check_partition(request))
		return false;
	if (request->version == 1 && schema.auto_id)
		return kz_milvus_fail(request, KZ_MILVUS_INVALID_PARAMETER,
							  "cannot upsert an autoID collection: invalid parameter"
							  "[expected=autoID: false][actual=autoID: true]");
	purpose = partial ? KZ_MILVUS_PARTIAL : KZ_MILVUS_UPSERT;
	if (!resolve_field_ops(request, &op_list, &schema, &ops) ||
		(entities = kz_milvus_read_entities(request, &schema, purpose, &count)) == NULL)
		return false;
	for (int i = 0; i < schema.nfields; i++)
		if (ops.named[i] && !in_all_rows(entities, count, schema.fields[i].name))
			return kz_milvus_fail_parameter(request,
											psprintf("field %s has a field op, but is not in the data",
													 schema.fields[i].name));
	entries = make_entries(&schema, purpose, entities, count, &ops, &nentries);
	if (!write_entries(request, &schema, purpose, entities, count, entries, nentries))
		return false;
	answer_keys(request, "upsertCount", "upsertIds", &schema, entities, count);
	return true;
}

/*
 * Read "fieldOps", whose operations are checked before anything else is looked at.
 */
static bool
read_field_ops(KzMilvusRequest *request, JsonbValue *list, bool *implied)
{
	KzJsonCursor cursor;
	JsonbValue	value;

	if (!kz_milvus_array(request, request->body, "fieldOps", list))
		return false;
	if (list->type == jbvNull)
		return true;
	kz_json_values(&cursor, list->val.binary.data);
	while (kz_json_next(&cursor, &value))
	{
		char	   *name = "";
		FieldOp		op;

		if (!kz_json_is_object(&value))
			return kz_milvus_fail(request, KZ_MILVUS_NOT_JSON,
								  "can only accept json format request, error: fieldOps must be objects");
		if (!kz_milvus_string(request, value.val.binary.data, "op", &name))
			return false;
		if (!find_op(name, &op))
			return kz_milvus_fail_parameter(request,
											psprintf("unsupported partial update op: %s", name));
		*implied |= op != OP_REPLACE;
	}
	return true;
}

static bool
find_op(const char *name, FieldOp *op)
{
	static const char *const names[] = {
		[OP_REPLACE] = "REPLACE",[OP_APPEND] = "ARRAY_APPEND",[OP_REMOVE] = "ARRAY_REMOVE"
	};
	int			length;

	while (isspace((unsigned char) *name))
		name++;
	length = strlen(name);
	while (length > 0 && isspace((unsigned char) name[length - 1]))
		length--;
	for (int i = 0; i < lengthof(names); i++)
		if (strlen(names[i]) == length && pg_strncasecmp(names[i], name, length) == 0)
		{
			*op = i;
			return true;
		}
	return false;
}

/*
 * Find the fields of operations that have been read.
 */
static bool
resolve_field_ops(KzMilvusRequest *request, const JsonbValue *list, const KzMilvusSchema *schema,
				  FieldOps *ops)
{
	KzJsonCursor cursor;
	JsonbValue	value;

	ops->schema = schema;
	ops->ops = palloc0(schema->nfields * sizeof(FieldOp));
	ops->named = palloc0(schema->nfields * sizeof(bool));
	if (list->type == jbvNull)
		return true;
	kz_json_values(&cursor, list->val.binary.data);
	while (kz_json_next(&cursor, &value))
	{
		char	   *name = "";
		char	   *op_name = "";
		FieldOp		op = OP_REPLACE;
		KzMilvusField *field;

		if (!kz_milvus_string(request, value.val.binary.data, "fieldName", &name) ||
			!kz_milvus_string(request, value.val.binary.data, "op", &op_name))
			return false;
		find_op(op_name, &op);
		field = kz_milvus_schema_field(schema, name, strlen(name));
		if (!field)
			return kz_milvus_fail_parameter(request, psprintf("field %s of a field op not exist", name));
		if (ops->named[field - schema->fields])
			return kz_milvus_fail_parameter(request, psprintf("duplicate field op for field %s", name));
		if (field->primary)
			return kz_milvus_fail_parameter(request, psprintf("field op on the primary field %s", name));
		if (op != OP_REPLACE && field->type != KZ_MILVUS_ARRAY)
			return kz_milvus_fail_parameter(request,
											psprintf("field op %s needs an Array field, but %s is %s", op_name,
													 name, kz_milvus_type_name(field->type)));
		ops->ops[field - schema->fields] = op;
		ops->named[field - schema->fields] = true;
	}
	return true;
}

static bool
in_all_rows(const KzMilvusEntity *entities, int count, const char *field)
{
	JsonbValue	value;

	for (int i = 0; i < count; i++)
		if (!kz_json_field(entities[i].document.val.binary.data, field, &value))
			return false;
	return true;
}

/*
 * What is to be written for entities.  Where the server makes the keys, an upsert
 * stores the entity under a new one.
 */
static KzEntry *
make_entries(const KzMilvusSchema *schema, KzMilvusPurpose purpose, KzMilvusEntity *entities,
			 int count, const FieldOps *ops, int *nentries)
{
	bool		moves = purpose == KZ_MILVUS_UPSERT && schema->auto_id;
	KzEntry    *entries = palloc_extended((moves ? 2 : 1) * count * sizeof(KzEntry), MCXT_ALLOC_HUGE);

	for (int i = 0; i < count; i++)
	{
		KzEntry    *entry = &entries[i];

		if (moves)
		{
			kz_entry_init(&entries[count + i], KZ_ACTION_DELETE, KZ_DEFAULT_RETRIES);
			entries[count + i].item.change.id = entities[i].id;
			make_replacement(entry, schema, &entities[i]);
		}
		else if (purpose == KZ_MILVUS_PARTIAL)
			make_partial(entry, &entities[i], ops);
		else
		{
			kz_entry_init(entry, purpose == KZ_MILVUS_INSERT ? KZ_ACTION_CREATE :
						  KZ_ACTION_CREATE_OR_REPLACE, KZ_DEFAULT_RETRIES);
			entry->body = entities[i].document;
		}
		entry->item.change.id = entities[i].id;
	}
	*nentries = moves ? 2 * count : count;
	return entries;
}

/*
 * An entity that lacks a field which it must have can only be changed, not made.
 */
static void
make_partial(KzEntry *entry, const KzMilvusEntity *entity, const FieldOps *ops)
{
	bool		complete = entity->whole.type != jbvNull;

	kz_entry_init(entry, complete ? KZ_ACTION_UPSERT : KZ_ACTION_UPDATE, KZ_DEFAULT_RETRIES);
	entry->body = entity->document;
	if (complete)
		kz_json_set_document(&entry->defaults, without_removed(entity, ops));
	entry->item.change.creation = KZ_CREATION_DEFAULTS_ALONE;
	entry->item.change.merge = merge_fields;
	entry->item.change.merge_arg = ops;
}

/*
 * A new entity has nothing from which elements could be removed.
 */
static Jsonb *
without_removed(const KzMilvusEntity *entity, const FieldOps *ops)
{
	KzPairs		pairs = {0};
	Jsonb	   *whole = kz_json_document(&entity->whole);

	for (int i = 0; i < ops->schema->nfields; i++)
		if (ops->ops[i] == OP_REMOVE)
			kz_pairs_add_document(&pairs, ops->schema->fields[i].name, kz_json_array(NULL, 0));
	return pairs.n > 0 ? kz_merge_root(whole, kz_pairs_object(&pairs)) : whole;
}

/*
 * The entity under a new key.
 */
static void
make_replacement(KzEntry *entry, const KzMilvusSchema *schema, KzMilvusEntity *entity)
{
	KzPairs		pairs = {0};

	kz_milvus_new_key(schema, &entity->key);
	entity->id = kz_milvus_key_id(schema, &entity->key, &entity->key);
	kz_pairs_add(&pairs, schema->primary->name, &entity->key);
	kz_entry_init(entry, KZ_ACTION_CREATE, KZ_DEFAULT_RETRIES);
	kz_json_set_document(&entry->body,
						 kz_merge_root(kz_json_document(&entity->document), kz_pairs_object(&pairs)));
}

/*
 * Milvus' merge: the fields that were sent take the place of those stored, unless
 * they are put into them by an operation.
 */
static Jsonb *
merge_fields(const KzChange *change, Jsonb *stored, KzError *error)
{
	const FieldOps *ops = change->merge_arg;
	Jsonb	   *changes = change->body;

	if (!JB_ROOT_IS_OBJECT(stored))
		stored = kz_json_object(NULL, 0);	/* by plain SQL */
	for (int i = 0; i < ops->schema->nfields; i++)
	{
		const KzMilvusField *field = &ops->schema->fields[i];
		JsonbValue	old;
		KzPairs		pairs = {0};
		JsonbValue	value;

		if (ops->ops[i] == OP_REPLACE || !kz_json_field(&changes->root, field->name, &value))
			continue;
		if (!kz_json_field(&stored->root, field->name, &old) || !kz_json_is_array(&old))
			kz_json_set_document(&old, kz_json_array(NULL, 0));
		if (!merge_array(field, ops->ops[i], &old, &value, error))
			return NULL;
		kz_pairs_add(&pairs, field->name, &value);
		changes = kz_merge_root(changes, kz_pairs_object(&pairs));
	}
	return check_merged(ops->schema, kz_merge_root(stored, changes), error);
}

/*
 * A merged document, unless its dynamic fields have become too many.
 */
static Jsonb *
check_merged(const KzMilvusSchema *schema, Jsonb *merged, KzError *error)
{
	KzPairs		dynamic = {0};
	KzJsonCursor keys;
	KzJsonCursor values;
	JsonbValue	key;
	JsonbValue	value;
	int64		size;

	/* No text is more than six times as long as what it is for. */
	if (VARSIZE(merged) < KZ_MILVUS_MAX_JSON / 6)
		return merged;
	kz_json_keys(&keys, &merged->root);
	kz_json_values(&values, &merged->root);
	while (kz_json_next(&keys, &key) && kz_json_next(&values, &value))
		if (!kz_milvus_schema_field(schema, key.val.string.val, key.val.string.len))
			kz_pairs_add(&dynamic, kz_json_string(&key), &value);
	size = kz_milvus_dynamic_size(&dynamic);
	if (size <= KZ_MILVUS_MAX_JSON)
		return merged;
	kz_error_set(error, KZ_ERROR_MALFORMED, NULL,
				 psprintf("the length (" INT64_FORMAT ") of dynamic field exceeds max length (%d)", size,
						  KZ_MILVUS_MAX_JSON));
	return NULL;
}

/*
 * Make value, the elements that were sent, what the field becomes.
 */
static bool
merge_array(const KzMilvusField *field, FieldOp op, const JsonbValue *stored, JsonbValue *value,
			KzError *error)
{
	JsonbContainer *sent = kz_json_is_array(value) ? value->val.binary.data : NULL;
	int			nsent = sent ? JsonContainerSize(sent) : 0;
	JsonbValue *elements = palloc((JsonContainerSize(stored->val.binary.data) + nsent + 1) *
								  sizeof(JsonbValue));
	int			n = 0;
	KzJsonCursor cursor;

	kz_json_values(&cursor, stored->val.binary.data);
	while (kz_json_next(&cursor, &elements[n]))
		if (op == OP_APPEND || nsent == 0 || !contains(sent, &elements[n]))
			n++;
	if (op == OP_APPEND && nsent > 0)
	{
		kz_json_values(&cursor, sent);
		while (kz_json_next(&cursor, &elements[n]))
			n++;
	}
	if (n > field->max_capacity)
	{
		kz_error_set(error, KZ_ERROR_MALFORMED, NULL,
					 psprintf("the length (%d) of array field %s exceeds max capacity (%d)", n,
							  field->name, field->max_capacity));
		return false;
	}
	kz_json_set_document(value, kz_json_array(elements, n));
	return true;
}

static bool
contains(const JsonbContainer *array, const JsonbValue *value)
{
	JsonbValue	key = *value;

	return findJsonbValueFromContainer(unconstify(JsonbContainer *, array), JB_FARRAY, &key) != NULL;
}

static bool
write_entries(KzMilvusRequest *request, const KzMilvusSchema *schema, KzMilvusPurpose purpose,
			  const KzMilvusEntity *entities, int count, KzEntry *entries, int nentries)
{
	static const KzAction actions[] = {
		[KZ_MILVUS_INSERT] = KZ_ACTION_CREATE,
		[KZ_MILVUS_UPSERT] = KZ_ACTION_CREATE_OR_REPLACE,
		[KZ_MILVUS_PARTIAL] = KZ_ACTION_UPSERT
	};
	AclMode		required = kz_action_rights(actions[purpose]);
	KzError		error;
	KzWriter   *writer;
	bool		ok;

	if (nentries > count)
		required |= kz_action_rights(KZ_ACTION_DELETE);
	writer = kz_call_open(&request->call, required,
						  purpose == KZ_MILVUS_INSERT ? "entities/insert" : "entities/upsert", &error);
	if (!writer)
		return kz_milvus_fail_error(request, &error);
	ok = kz_bulk_write_whole(writer, entries, nentries, &request->call.stamp);
	kz_call_close(writer);
	for (int i = 0; !ok && i < count; i++)
		if (entries[i].item.outcome.error.code != KZ_ERROR_NONE)
			return fail_entry(request, &entities[i], &entries[i].item.outcome.error);
	for (int i = count; !ok && i < nentries; i++)
		if (entries[i].item.outcome.error.code != KZ_ERROR_NONE &&
			entries[i].item.outcome.error.code != KZ_ERROR_NOT_FOUND)
			return kz_milvus_fail_error(request, &entries[i].item.outcome.error);
	return ok;
}

static bool
fail_entry(KzMilvusRequest *request, const KzMilvusEntity *entity, const KzError *error)
{
	switch (error->code)
	{
		case KZ_ERROR_DOCUMENT_EXISTS:
			return kz_milvus_fail_parameter(request,
											psprintf("duplicate primary key: an entity with the key %s is "
													 "there already", text_to_cstring(entity->id)));
		case KZ_ERROR_NOT_FOUND:
			return kz_milvus_fail_parameter(request,
											psprintf("fieldSchema(%s) has no corresponding fieldData pass in",
													 entity->missing));
		case KZ_ERROR_MALFORMED:
			return kz_milvus_fail_parameter(request, kz_error_reason(error));
		default:
			return kz_milvus_fail_error(request, error);
	}
}

/*
 * Answer with the number of entities that were sent, and their keys in that order.
 */
static void
answer_keys(KzMilvusRequest *request, const char *count_key, const char *ids_key,
			const KzMilvusSchema *schema, const KzMilvusEntity *entities, int count)
{
	KzPairs		pairs = {0};
	JsonbValue *keys = palloc_extended(count * sizeof(JsonbValue), MCXT_ALLOC_HUGE);

	for (int i = 0; i < count; i++)
		if (schema->primary->type == KZ_MILVUS_INT64 && !request->allow_int64)
			kz_json_set_text(&keys[i], entities[i].id);
		else
			keys[i] = entities[i].key;
	kz_pairs_add_int64(&pairs, count_key, count);
	kz_pairs_add_document(&pairs, ids_key, kz_json_array(keys, count));
	kz_json_set_document(&request->data, kz_pairs_object(&pairs));
	kz_milvus_add_cost(request);
}
