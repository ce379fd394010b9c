/*
 * milvus_name.c
 *	  Names, lists, functions and templates in Milvus' filters.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "filter/milvus_parser.h"

#define DYNAMIC_FIELD "$meta"

/* Functions that are looked for in arrays. */
static const struct
{
	const char *name;			/* behind json_ or array_ */
	KzNodeKind	kind;
	bool		list;			/* what it looks for is a list */
}			contains[] = {
	{"contains", KZ_NODE_CONTAINS_ALL, false},
	{"contains_all", KZ_NODE_CONTAINS_ALL, true},
	{"contains_any", KZ_NODE_CONTAINS_ANY, true}
};

/* Functions that Milvus has, and kz has not. */
static const char *const missing[] = {
	"text_match", "phrase_match", "random_sample", "st_equals", "st_touches", "st_overlaps",
	"st_crosses", "st_contains", "st_intersects", "st_within", "st_dwithin", "st_isvalid",
	"match_any", "match_all", "match_least", "match_most", "match_exact", "element_filter"
};

static bool is_function(const char *name, const char *function);
static bool parse_function(KzParser *parser, const KzToken *name, KzValue *value);
static bool parse_contains(KzParser *parser, KzNodeKind kind, bool list, KzValue *value);
static bool parse_length(KzParser *parser, KzValue *value);
static bool parse_path(KzParser *parser, const KzToken *name, KzValue *value);
static bool parse_step(KzParser *parser, KzStep **step);
static bool check_path(KzParser *parser, const char *start, const KzOperand *operand);
static const KzFilterField *find_field(const KzFilterSchema *schema, const char *name);

/*
 * Parse what begins with a name: a function or a path.
 */
bool
kz_parser_name(KzParser *parser, KzValue *value)
{
	KzToken		name = parser->token;

	if (!kz_parser_advance(parser))
		return false;
	if (parser->token.kind == KZ_TOKEN_CHARACTER && parser->token.character == '(')
		return kz_parser_advance(parser) && parse_function(parser, &name, value);
	return parse_path(parser, &name, value);
}

static bool
parse_function(KzParser *parser, const KzToken *name, KzValue *value)
{
	const char *start = name->start;
	bool		ok = false;

	for (int i = 0; i < lengthof(contains) && !ok; i++)
		if (is_function(name->string, psprintf("json_%s", contains[i].name)) ||
			is_function(name->string, psprintf("array_%s", contains[i].name)))
		{
			if (!parse_contains(parser, contains[i].kind, contains[i].list, value))
				return false;
			ok = true;
		}
	if (!ok && is_function(name->string, "array_length"))
	{
		if (!parse_length(parser, value))
			return false;
		ok = true;
	}
	for (int i = 0; i < lengthof(missing) && !ok; i++)
		if (is_function(name->string, missing[i]))
			return kz_parser_fail(parser, start,
								  psprintf("function %s is not supported", name->string));
	if (!ok)
		return kz_parser_fail(parser, start, psprintf("function %s not exist", name->string));
	value->start = start;
	return true;
}

/*
 * In lower case or in capitals.
 */
static bool
is_function(const char *name, const char *function)
{
	bool		lower = true,
				upper = true;

	if (strlen(name) != strlen(function))
		return false;
	for (int i = 0; name[i]; i++)
	{
		lower &= name[i] == function[i];
		upper &= name[i] == pg_ascii_toupper(function[i]);
	}
	return lower || upper;
}

static bool
parse_contains(KzParser *parser, KzNodeKind kind, bool list, KzValue *value)
{
	KzValue		array;
	KzValue		sought;

	return kz_parser_element(parser, &array) && kz_parser_expect(parser, ',') &&
		kz_parser_element(parser, &sought) && kz_parser_expect(parser, ')') &&
		kz_parser_contains(parser, &array, &sought, kind, list, value);
}

static bool
parse_length(KzParser *parser, KzValue *value)
{
	const char *start = parser->token.start;

	if (!kz_parser_element(parser, value) || !kz_parser_expect(parser, ')'))
		return false;
	if (value->kind != KZ_VALUE_OPERAND || value->operand->length || value->operand->arithmetic ||
		(!kz_operand_is_open(value->operand) &&
		 kz_operand_kind(value->operand) != KZ_FIELD_ARRAY))
		return kz_parser_fail(parser, start, "array_length is for arrays only");
	value->operand->length = true;
	return true;
}

/*
 * name["key"][0]: a name that is no field is a dynamic one, if there are any.
 */
static bool
parse_path(KzParser *parser, const KzToken *name, KzValue *value)
{
	KzOperand  *operand = palloc0(sizeof(KzOperand));
	bool		dynamic = strcmp(name->string, DYNAMIC_FIELD) == 0;
	KzStep	   *step = palloc0(sizeof(KzStep));

	step->key = name->string;
	if (dynamic && !parser->schema->dynamic)
		return kz_parser_fail(parser, name->start, psprintf("field %s not exist", name->string));
	if (!dynamic)
	{
		operand->field = find_field(parser->schema, name->string);
		if (!operand->field && !parser->schema->dynamic)
			return kz_parser_fail(parser, name->start, psprintf("field %s not exist", name->string));
		operand->steps = list_make1(step);
	}
	while (parser->token.kind == KZ_TOKEN_CHARACTER && parser->token.character == '[')
	{
		if (!parse_step(parser, &step))
			return false;
		operand->steps = lappend(operand->steps, step);
	}
	if (!check_path(parser, name->start, operand))
		return false;
	value->kind = KZ_VALUE_OPERAND;
	value->start = name->start;
	value->operand = operand;
	return true;
}

static bool
parse_step(KzParser *parser, KzStep **step)
{
	KzToken		token;

	if (!kz_parser_advance(parser))
		return false;
	token = parser->token;
	*step = palloc0(sizeof(KzStep));
	if (token.kind == KZ_TOKEN_STRING)
		(*step)->key = token.string;
	else if (token.kind == KZ_TOKEN_INTEGER && token.integer <= PG_INT32_MAX)
		(*step)->place = token.integer;
	else
		return kz_parser_unexpected(parser);
	return kz_parser_advance(parser) && kz_parser_expect(parser, ']');
}

/*
 * Only JSON has keys, and only Arrays and JSON have places.
 */
static bool
check_path(KzParser *parser, const char *start, const KzOperand *operand)
{
	const KzFilterField *field = operand->field;
	const KzStep *first;

	if (operand->steps == NIL)
		return kz_parser_fail(parser, start, "the dynamic field can't be filtered as a whole");
	first = linitial(operand->steps);
	if (!first->key)
		return kz_parser_fail(parser, start, "the dynamic field has keys, no places");
	if (!field)
	{
		/* $meta["x"]: the fields of the schema are no dynamic ones. */
		return !find_field(parser->schema, first->key) ||
			kz_parser_fail(parser, start, psprintf("%s is a field, no key of the dynamic field", first->key));
	}
	if (field->kind == KZ_FIELD_VECTOR)
		return kz_parser_fail(parser, start, psprintf("filtering on vector field %s is not supported",
													  field->name));
	if (list_length(operand->steps) == 1 || field->kind == KZ_FIELD_JSON)
		return true;
	if (field->kind == KZ_FIELD_ARRAY && list_length(operand->steps) == 2 &&
		((KzStep *) lsecond(operand->steps))->key == NULL)
		return true;
	return kz_parser_fail(parser, start, psprintf("field %s has no such part", field->name));
}

static const KzFilterField *
find_field(const KzFilterSchema *schema, const char *name)
{
	for (int i = 0; i < schema->nfields; i++)
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	return NULL;
}

/*
 * [1, 2, 3], which may have a comma at its end.
 */
bool
kz_parser_array(KzParser *parser, KzValue *value)
{
	int			n = 0;
	int			size = 64;
	JsonbValue *elements = palloc(size * sizeof(JsonbValue));
	const char *start = parser->token.start;
	KzValue		element;

	if (!kz_parser_advance(parser))
		return false;
	while (parser->token.kind != KZ_TOKEN_CHARACTER || parser->token.character != ']')
	{
		if (!kz_parser_element(parser, &element))
			return false;
		if (element.kind != KZ_VALUE_CONSTANT)
			return kz_parser_fail(parser, element.start, "a list has constants only");
		if (n == size)
			elements = repalloc_huge(elements, (size *= 2) * sizeof(JsonbValue));
		elements[n++] = element.constant;
		if (parser->token.kind == KZ_TOKEN_CHARACTER && parser->token.character == ']')
			break;
		if (!kz_parser_expect(parser, ','))
			return false;
	}
	value->kind = KZ_VALUE_CONSTANT;
	value->start = start;
	kz_json_set_document(&value->constant, kz_json_array(elements, n));
	return kz_parser_advance(parser);
}

/*
 * {name}: a value that came beside the filter.
 */
bool
kz_parser_template(KzParser *parser, KzValue *value)
{
	KzToken		name;
	Datum		number;
	int64		whole;

	if (!kz_parser_advance(parser))
		return false;
	name = parser->token;
	if (name.kind != KZ_TOKEN_NAME)
		return kz_parser_unexpected(parser);
	if (!kz_parser_advance(parser) || !kz_parser_expect(parser, '}'))
		return false;
	value->kind = KZ_VALUE_CONSTANT;
	value->start = name.start;
	if (!parser->params || !kz_json_field(parser->params, name.string, &value->constant) ||
		value->constant.type == jbvNull || kz_json_is_object(&value->constant))
		return kz_parser_fail(parser, name.start,
							  psprintf("the value of expression template variable name {%s} is not found",
									   name.string));
	if (value->constant.type != jbvNumeric)
		return true;
	number = NumericGetDatum(value->constant.val.numeric);
	if (isinf(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, number))))
		return kz_parser_fail(parser, name.start, "number out of range");
	value->integer = kz_json_get_int64(&value->constant, &whole) &&
		strchr(DatumGetCString(DirectFunctionCall1(numeric_out, number)), '.') == NULL;
	return true;
}
