/*
 * milvus_check.c
 *	  What Milvus' filters may compare with what, and what of them is constant.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "filter/milvus_parser.h"

static KzComparison flip(KzComparison comparison);
static bool compare_constants(KzParser *parser, const KzValue *left, KzComparison comparison,
							  const KzValue *right, KzValue *result);
static bool holds(int cmp, KzComparison comparison);
static bool compare_fields(KzParser *parser, const KzValue *left, KzComparison comparison,
						   const KzValue *right, KzValue *result);
static bool check_literal(KzParser *parser, const KzOperand *operand, const KzValue *literal);
static bool check_scalar(KzParser *parser, KzFieldKind kind, const JsonbValue *value, bool integer,
						 const char *start);
static bool check_elements(KzParser *parser, KzFieldKind kind, const KzValue *list);
static bool is_integer(const JsonbValue *value);
static const char *kind_name(KzFieldKind kind);
static bool is_number(KzFieldKind kind);
static bool compute_constants(KzParser *parser, KzValue *value, char operator, const KzValue *right);
static Numeric truncate_number(Numeric number);

/*
 * A comparison; result may be one of the other two.
 */
bool
kz_parser_compare(KzParser *parser, const KzValue *left, KzComparison comparison,
				  const KzValue *right, KzValue *result)
{
	KzNode	   *node;
	KzValue		literal;

	if (left->kind == KZ_VALUE_NODE || right->kind == KZ_VALUE_NODE)
		return kz_parser_fail(parser, left->start, "conditions can't be compared");
	if (left->kind == KZ_VALUE_CONSTANT && right->kind == KZ_VALUE_CONSTANT)
		return compare_constants(parser, left, comparison, right, result);
	if (left->kind == KZ_VALUE_OPERAND && right->kind == KZ_VALUE_OPERAND)
		return compare_fields(parser, left, comparison, right, result);
	if (left->kind == KZ_VALUE_CONSTANT)
		return kz_parser_compare(parser, right, flip(comparison), left, result);

	literal = *right;
	if (!check_literal(parser, left->operand, &literal))
		return false;
	if (comparison > KZ_NOT_EQUAL && literal.constant.type != jbvNumeric &&
		literal.constant.type != jbvString)
		return kz_parser_fail(parser, literal.start, "only numbers and strings have an order");
	node = kz_parser_operand_node(KZ_NODE_COMPARE, left->operand);
	node->comparison = comparison;
	node->value = literal.constant;
	kz_value_set_node(result, node);
	return true;
}

static KzComparison
flip(KzComparison comparison)
{
	switch (comparison)
	{
		case KZ_LESS:
			return KZ_GREATER;
		case KZ_LESS_OR_EQUAL:
			return KZ_GREATER_OR_EQUAL;
		case KZ_GREATER:
			return KZ_LESS;
		case KZ_GREATER_OR_EQUAL:
			return KZ_LESS_OR_EQUAL;
		default:
			return comparison;
	}
}

static bool
compare_constants(KzParser *parser, const KzValue *left, KzComparison comparison,
				  const KzValue *right, KzValue *result)
{
	const JsonbValue *a = &left->constant;
	const JsonbValue *b = &right->constant;
	int			cmp;

	if (a->type != b->type || a->type == jbvBinary)
		return kz_parser_fail(parser, left->start, "constants of these types can't be compared");
	if (a->type == jbvNumeric)
		cmp = DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a->val.numeric),
												NumericGetDatum(b->val.numeric)));
	else if (a->type == jbvBool)
		cmp = (int) a->val.boolean - (int) b->val.boolean;
	else
		cmp = strcmp(kz_json_string(a), kz_json_string(b));
	kz_value_set_truth(result, holds(cmp, comparison));
	return true;
}

static bool
holds(int cmp, KzComparison comparison)
{
	switch (comparison)
	{
		case KZ_EQUAL:
			return cmp == 0;
		case KZ_NOT_EQUAL:
			return cmp != 0;
		case KZ_LESS:
			return cmp < 0;
		case KZ_LESS_OR_EQUAL:
			return cmp <= 0;
		case KZ_GREATER:
			return cmp > 0;
		default:
			return cmp >= 0;
	}
}

/*
 * Two fields: they must be scalars of types that the schema knows.
 */
static bool
compare_fields(KzParser *parser, const KzValue *left, KzComparison comparison,
			   const KzValue *right, KzValue *result)
{
	KzOperand  *a = left->operand;
	KzOperand  *b = right->operand;
	KzFieldKind kind = kz_operand_kind(a);
	KzFieldKind other = kz_operand_kind(b);
	KzNode	   *node;

	if (a->arithmetic || b->arithmetic || a->length || b->length)
		return kz_parser_fail(parser, left->start, "not supported to do arithmetic operations between multiple fields");
	if (kz_operand_is_open(a) || kz_operand_is_open(b) || kind == KZ_FIELD_ARRAY ||
		other == KZ_FIELD_ARRAY)
		return kz_parser_fail(parser, left->start, "only scalar fields of the schema can be compared with each other");
	if (kind != other && !(is_number(kind) && is_number(other)))
		return kz_parser_fail(parser, left->start,
							  psprintf("%s and %s can't be compared", kind_name(kind), kind_name(other)));
	if (kind == KZ_FIELD_BOOL && comparison > KZ_NOT_EQUAL)
		return kz_parser_fail(parser, left->start, "only numbers and strings have an order");
	node = kz_parser_operand_node(KZ_NODE_COMPARE_FIELDS, a);
	node->right = b;
	node->comparison = comparison;
	kz_value_set_node(result, node);
	return true;
}

/*
 * Whether an operand can be compared with a literal.
 */
static bool
check_literal(KzParser *parser, const KzOperand *operand, const KzValue *literal)
{
	KzFieldKind kind = kz_operand_kind(operand);

	if (literal->constant.type != jbvBinary)
		return check_scalar(parser, kind, &literal->constant, literal->integer, literal->start);
	if (kind == KZ_FIELD_JSON)
		return true;
	if (kind == KZ_FIELD_ARRAY)
		return check_elements(parser, operand->field->element, literal);
	return kz_parser_fail(parser, literal->start,
						  psprintf("%s can't be compared with a list", kind_name(kind)));
}

/*
 * Whether the elements of a list could be elements of an Array of a kind.
 */
static bool
check_elements(KzParser *parser, KzFieldKind kind, const KzValue *list)
{
	KzJsonCursor cursor;
	JsonbValue	element;

	kz_json_values(&cursor, list->constant.val.binary.data);
	while (kz_json_next(&cursor, &element))
	{
		if (element.type == jbvBinary)
			return kz_parser_fail(parser, list->start, "an Array has no lists in it");
		if (!check_scalar(parser, kind, &element, is_integer(&element), list->start))
			return false;
	}
	return true;
}

static bool
check_scalar(KzParser *parser, KzFieldKind kind, const JsonbValue *value, bool integer,
			 const char *start)
{
	bool		fits;

	switch (kind)
	{
		case KZ_FIELD_JSON:
			fits = true;
			break;
		case KZ_FIELD_BOOL:
			fits = value->type == jbvBool;
			break;
		case KZ_FIELD_INTEGER:
			fits = value->type == jbvNumeric && integer;
			break;
		case KZ_FIELD_FLOAT:
			fits = value->type == jbvNumeric;
			break;
		case KZ_FIELD_TEXT:
			fits = value->type == jbvString;
			break;
		default:
			fits = false;
	}
	return fits ||
		kz_parser_fail(parser, start,
					   psprintf("%s can't be compared with %s", kind_name(kind),
								value->type == jbvBool ? "a boolean" :
								value->type == jbvString ? "a string" :
								integer ? "an integer" : "a float"));
}

static bool
is_number(KzFieldKind kind)
{
	return kind == KZ_FIELD_INTEGER || kind == KZ_FIELD_FLOAT;
}

static const char *
kind_name(KzFieldKind kind)
{
	static const char *const names[] = {
		[KZ_FIELD_BOOL] = "a Bool",
		[KZ_FIELD_INTEGER] = "an integer field",
		[KZ_FIELD_FLOAT] = "a number",
		[KZ_FIELD_TEXT] = "a VarChar",
		[KZ_FIELD_JSON] = "JSON",
		[KZ_FIELD_ARRAY] = "an Array",
		[KZ_FIELD_VECTOR] = "a vector"
	};

	return names[kind];
}

/*
 * value in list; result may be one of the others.
 */
bool
kz_parser_in(KzParser *parser, const KzValue *left, bool negated, const KzValue *list,
			 KzValue *result)
{
	KzJsonCursor cursor;
	JsonbValue	element;
	KzNode	   *node;

	if (list->kind != KZ_VALUE_CONSTANT || list->constant.type != jbvBinary)
		return kz_parser_fail(parser, list->start, "the right side of in must be a list of constants");
	if (left->kind != KZ_VALUE_OPERAND || left->operand->length || left->operand->arithmetic ||
		kz_operand_kind(left->operand) == KZ_FIELD_ARRAY)
		return kz_parser_fail(parser, left->start, "the left side of in must be a scalar field");
	kz_json_values(&cursor, list->constant.val.binary.data);
	while (kz_json_next(&cursor, &element))
	{
		if (element.type == jbvBinary)
			return kz_parser_fail(parser, list->start, "a list within the list of in");
		if (!check_scalar(parser, kz_operand_kind(left->operand), &element, is_integer(&element),
						  list->start))
			return false;
	}
	node = kz_parser_operand_node(KZ_NODE_IN, left->operand);
	node->negated = negated;
	node->value = list->constant;
	kz_value_set_node(result, node);
	return true;
}

static bool
is_integer(const JsonbValue *value)
{
	return value->type == jbvNumeric &&
		strchr(DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))),
			   '.') == NULL;
}

/*
 * value like pattern.  Only % and _ are special to Milvus, so any other backslash
 * stands for itself, which in SQL it does not.
 */
bool
kz_parser_like(KzParser *parser, KzValue *value, const KzValue *pattern)
{
	KzFieldKind kind;
	StringInfoData sql;
	KzNode	   *node;

	if (pattern->kind != KZ_VALUE_CONSTANT || pattern->constant.type != jbvString)
		return kz_parser_fail(parser, pattern->start, "the right side of like must be a string");
	if (value->kind != KZ_VALUE_OPERAND || value->operand->length || value->operand->arithmetic)
		return kz_parser_fail(parser, value->start, "the left side of like must be a field");
	kind = kz_operand_kind(value->operand);
	if (kind != KZ_FIELD_TEXT && kind != KZ_FIELD_JSON)
		return kz_parser_fail(parser, value->start,
							  psprintf("like is for strings, not for %s", kind_name(kind)));
	initStringInfo(&sql);
	for (const char *p = kz_json_string(&pattern->constant); *p; p++)
	{
		if (*p == '\\' && p[1] != '%' && p[1] != '_')
			appendStringInfoChar(&sql, '\\');
		appendStringInfoChar(&sql, *p);
		if (*p == '\\' && (p[1] == '%' || p[1] == '_'))
			appendStringInfoChar(&sql, *++p);
	}
	node = kz_parser_operand_node(KZ_NODE_LIKE, value->operand);
	kz_json_set_string(&node->value, sql.data);
	kz_value_set_node(value, node);
	return true;
}

bool
kz_parser_null(KzParser *parser, KzValue *value, bool negated)
{
	KzNode	   *node;

	if (value->kind != KZ_VALUE_OPERAND || value->operand->length || value->operand->arithmetic)
		return kz_parser_fail(parser, value->start, "is null is for fields only");
	node = kz_parser_operand_node(KZ_NODE_NULL, value->operand);
	node->negated = negated;
	kz_value_set_node(value, node);
	return true;
}

/*
 * Whether an array has one value, or those of a list.
 */
bool
kz_parser_contains(KzParser *parser, const KzValue *array, const KzValue *sought, KzNodeKind kind,
				   bool list, KzValue *result)
{
	KzNode	   *node;
	KzValue		elements;

	if (array->kind != KZ_VALUE_OPERAND || array->operand->length || array->operand->arithmetic ||
		(!kz_operand_is_open(array->operand) && kz_operand_kind(array->operand) != KZ_FIELD_ARRAY))
		return kz_parser_fail(parser, array->start, "contains is for arrays only");
	if (sought->kind != KZ_VALUE_CONSTANT)
		return kz_parser_fail(parser, sought->start, "contains looks for constants only");
	if (list && sought->constant.type != jbvBinary)
		return kz_parser_fail(parser, sought->start, "contains_all and contains_any look for lists");
	if (list && JsonContainerSize(sought->constant.val.binary.data) == 0)
		return kz_parser_fail(parser, sought->start, "an empty list contains nothing to look for");
	node = kz_parser_operand_node(kind, array->operand);
	node->value = sought->constant;
	if (!list)
		kz_json_set_document(&node->value, kz_json_array(&sought->constant, 1));
	elements.start = sought->start;
	elements.constant = node->value;
	if (!kz_operand_is_open(array->operand) &&
		!check_elements(parser, array->operand->field->element, &elements))
		return false;
	kz_value_set_node(result, node);
	return true;
}

/*
 * value operator right, in value: of two constants, or of a field and a constant.
 */
bool
kz_parser_compute(KzParser *parser, KzValue *value, char operator, const KzValue *right)
{
	KzOperand  *operand = value->operand;
	KzFieldKind kind;

	if (value->kind == KZ_VALUE_CONSTANT && right->kind == KZ_VALUE_CONSTANT)
		return compute_constants(parser, value, operator, right);
	if (value->kind == KZ_VALUE_OPERAND && right->kind == KZ_VALUE_OPERAND)
		return kz_parser_fail(parser, value->start,
							  "not supported to do arithmetic operations between multiple fields");
	if (value->kind == KZ_VALUE_CONSTANT && right->kind == KZ_VALUE_OPERAND &&
		(operator == '+' || operator == '*'))
	{
		KzValue		field = *right;

		if (!kz_parser_compute(parser, &field, operator, value))
			return false;
		*value = field;
		return true;
	}
	if (value->kind != KZ_VALUE_OPERAND || right->kind != KZ_VALUE_CONSTANT ||
		right->constant.type != jbvNumeric)
		return kz_parser_fail(parser, value->start, "arithmetic is for a field and a number");
	if (operand->length || operand->arithmetic)
		return kz_parser_fail(parser, value->start, "complicated arithmetic operations are not supported");
	kind = kz_operand_kind(operand);
	if (!is_number(kind) && kind != KZ_FIELD_JSON)
		return kz_parser_fail(parser, value->start,
							  psprintf("arithmetic is for numbers, not for %s", kind_name(kind)));
	if (operator == '%' && (!right->integer || kind == KZ_FIELD_FLOAT))
		return kz_parser_fail(parser, right->start, "modulo can only apply on integers");
	if (kind == KZ_FIELD_INTEGER && !right->integer)
		return kz_parser_fail(parser, right->start,
							  "an integer field and a float can't be computed with");
	if ((operator == '/' || operator == '%') &&
		DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(right->constant.val.numeric),
										 NumericGetDatum(int64_to_numeric(0)))))
		return kz_parser_fail(parser, right->start, "division or modulus by zero");
	operand->whole = kind == KZ_FIELD_INTEGER && right->integer;
	operand->arithmetic = operator;
	operand->number = right->constant.val.numeric;
	return true;
}

static bool
compute_constants(KzParser *parser, KzValue *value, char operator, const KzValue *right)
{
	Datum		a = NumericGetDatum(value->constant.val.numeric);
	Datum		b = NumericGetDatum(right->constant.val.numeric);
	bool		integer = value->integer && right->integer;
	Datum		result;
	JsonbValue	check;
	int64		whole;

	if (value->constant.type != jbvNumeric || right->constant.type != jbvNumeric)
		return kz_parser_fail(parser, value->start, "arithmetic is for numbers only");
	if (operator == '%' && !integer)
		return kz_parser_fail(parser, value->start, "modulo can only apply on integers");
	if ((operator == '/' || operator == '%') &&
		DatumGetBool(DirectFunctionCall2(numeric_eq, b, NumericGetDatum(int64_to_numeric(0)))))
		return kz_parser_fail(parser, right->start, "division or modulus by zero");
	switch (operator)
	{
		case '+':
			result = DirectFunctionCall2(numeric_add, a, b);
			break;
		case '-':
			result = DirectFunctionCall2(numeric_sub, a, b);
			break;
		case '*':
			result = DirectFunctionCall2(numeric_mul, a, b);
			break;
		case '/':
			result = DirectFunctionCall2(numeric_div, a, b);
			break;
		default:
			result = DirectFunctionCall2(numeric_mod, a, b);
			break;
	}
	value->constant.val.numeric = DatumGetNumeric(result);
	value->integer = integer;
	if (!integer)
		return !isinf(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, result))) ||
			kz_parser_fail(parser, value->start, "number out of range");
	value->constant.val.numeric = truncate_number(value->constant.val.numeric);
	check = value->constant;
	return kz_json_get_int64(&check, &whole) ||
		kz_parser_fail(parser, value->start, "integer out of range");
}

static Numeric
truncate_number(Numeric number)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_trunc, NumericGetDatum(number),
											   Int32GetDatum(0)));
}

/*
 * value to the power of exponent, in value: constants only.  It is computed as floats
 * to see that it has a result, and then exactly.
 */
bool
kz_parser_power(KzParser *parser, KzValue *value, const KzValue *exponent)
{
	double		result;
	bool		integer;
	int64		whole;

	if (value->kind != KZ_VALUE_CONSTANT || exponent->kind != KZ_VALUE_CONSTANT ||
		value->constant.type != jbvNumeric || exponent->constant.type != jbvNumeric)
		return kz_parser_fail(parser, value->start, "power can only apply on constants");
	result = pow(DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(value->constant.val.numeric))),
				 DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(exponent->constant.val.numeric))));
	if (isnan(result) || isinf(result))
		return kz_parser_fail(parser, value->start, "number out of range");
	integer = value->integer && exponent->integer && fabs(result) >= 1;
	if (result == 0)
		kz_json_set_int64(&value->constant, 0);
	else
		value->constant.val.numeric =
			DatumGetNumeric(DirectFunctionCall2(numeric_power,
												NumericGetDatum(value->constant.val.numeric),
												NumericGetDatum(exponent->constant.val.numeric)));
	if (integer)
		value->constant.val.numeric = truncate_number(value->constant.val.numeric);
	value->integer = integer && kz_json_get_int64(&value->constant, &whole);
	return true;
}

/*
 * See that a value is a condition: a constant truth is one, a field is none.
 */
bool
kz_value_require_node(KzParser *parser, KzValue *value)
{
	KzNode	   *node;

	if (value->kind == KZ_VALUE_NODE)
		return true;
	if (value->kind != KZ_VALUE_CONSTANT || value->constant.type != jbvBool)
		return kz_parser_fail(parser, value->start, "predicate is not a boolean expression");
	node = palloc0(sizeof(KzNode));
	node->kind = KZ_NODE_CONSTANT;
	node->truth = value->constant.val.boolean;
	kz_value_set_node(value, node);
	return true;
}
