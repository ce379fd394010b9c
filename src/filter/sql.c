/*
 * sql.c
 *	  From a tree to a condition in SQL.
 *
 * Literals and keys become parameters, and everything else names its schema.  A
 * value is looked at only where it has the type that the look needs, so that no
 * document can make a query fail.  What comes out is NULL where nothing is known.
 *
 * Where nothing negates a comparison, NULL and false find the same documents.  Then
 * equality and containment are written without what tells the two apart: the document
 * is fetched once, and an index on the expression can be used.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "filter/expression.h"
#include "filter/operand.h"

/*
 * A value that is neither null nor a container, or anything at a depth that is not
 * searched: the server recurses for each level.
 */
#define SOLID "'strict $.**{0 to 100} ? (@.type() != \"null\" && @.type() != \"object\" && " \
	"@.type() != \"array\")'::pg_catalog.jsonpath"
#define DEEPER "'strict $.**{101}'::pg_catalog.jsonpath"

/* Numbers that no arithmetic with a float can take out of the range of numeric. */
#define LEAST "'-1e1000'::pg_catalog.jsonb"
#define MOST "'1e1000'::pg_catalog.jsonb"

/* A longer list is searched by hash for each element of an array. */
#define MAX_SOUGHT 8

static const char *const operators[] = {
	[KZ_EQUAL] = OP("="),
	[KZ_NOT_EQUAL] = OP("<>"),
	[KZ_LESS] = OP("<"),
	[KZ_LESS_OR_EQUAL] = OP("<="),
	[KZ_GREATER] = OP(">"),
	[KZ_GREATER_OR_EQUAL] = OP(">=")
};

static void put_node(KzConditionWriter *writer, const KzNode *node);
static void put_not(KzConditionWriter *writer, const KzNode *node);
static void put_list(KzConditionWriter *writer, const KzNode *node, const char *word);
static void put_compare(KzConditionWriter *writer, const KzNode *node);
static void put_compare_key(KzConditionWriter *writer, const KzNode *node);
static void put_compare_fields(KzConditionWriter *writer, const KzNode *node);
static void put_in(KzConditionWriter *writer, const KzNode *node);
static void put_like(KzConditionWriter *writer, const KzNode *node);
static void put_contains(KzConditionWriter *writer, const KzNode *node);
static void put_contains_flat(KzConditionWriter *writer, const KzNode *node);
static void put_contains_elements(KzConditionWriter *writer, const KzNode *node);
static void put_exists(KzConditionWriter *writer, const KzOperand *operand);
static void put_null(KzConditionWriter *writer, const KzNode *node);
static void begin_known(KzConditionWriter *writer, const KzOperand *operand);
static void end_known(KzConditionWriter *writer, const KzOperand *operand);
static void begin_typed(KzConditionWriter *writer, const KzOperand *operand, const char *type);
static void end_typed(KzConditionWriter *writer, const KzOperand *operand, bool negative);
static void put_text(KzConditionWriter *writer, const KzOperand *operand);
static void put_number(KzConditionWriter *writer, const KzOperand *operand);
static bool is_key(const KzOperand *operand);
static bool is_json_column(const KzOperand *operand);
static const char *type_of(const JsonbValue *value);

/*
 * Write the condition that a tree stands for.
 */
void
kz_expression_condition(const KzNode *node, KzCondition *condition)
{
	KzConditionWriter writer = {.condition = condition};

	memset(condition, 0, sizeof(*condition));
	initStringInfo(&writer.sql);
	put_node(&writer, node);
	condition->sql = writer.sql.data;
}

static void
put_node(KzConditionWriter *writer, const KzNode *node)
{
	switch (node->kind)
	{
		case KZ_NODE_CONSTANT:
			appendStringInfoString(&writer->sql, node->truth ? "true" : "false");
			break;
		case KZ_NODE_AND:
			put_list(writer, node, " AND ");
			break;
		case KZ_NODE_OR:
			put_list(writer, node, " OR ");
			break;
		case KZ_NODE_NOT:
			put_not(writer, linitial(node->nodes));
			break;
		case KZ_NODE_COMPARE:
			put_compare(writer, node);
			break;
		case KZ_NODE_COMPARE_FIELDS:
			put_compare_fields(writer, node);
			break;
		case KZ_NODE_IN:
			put_in(writer, node);
			break;
		case KZ_NODE_LIKE:
			put_like(writer, node);
			break;
		case KZ_NODE_CONTAINS_ALL:
		case KZ_NODE_CONTAINS_ANY:
			put_contains(writer, node);
			break;
		case KZ_NODE_EXISTS:
			put_exists(writer, node->left);
			break;
		case KZ_NODE_NULL:
			put_null(writer, node);
			break;
	}
}

static void
put_not(KzConditionWriter *writer, const KzNode *node)
{
	bool		exact = writer->exact;

	writer->exact = true;
	appendStringInfoString(&writer->sql, "(NOT ");
	put_node(writer, node);
	appendStringInfoChar(&writer->sql, ')');
	writer->exact = exact;
}

/*
 * In one pair of parentheses: the server takes a chain of thousands in its stride.
 */
static void
put_list(KzConditionWriter *writer, const KzNode *node, const char *word)
{
	ListCell   *lc;

	appendStringInfoChar(&writer->sql, '(');
	foreach(lc, node->nodes)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(&writer->sql, word);
		put_node(writer, lfirst(lc));
	}
	appendStringInfoChar(&writer->sql, ')');
}

static void
put_compare(KzConditionWriter *writer, const KzNode *node)
{
	const KzOperand *left = node->left;
	const char *operator = operators[node->comparison];
	bool		negative = node->comparison == KZ_NOT_EQUAL;
	bool		computed = left->length || left->arithmetic;

	if (is_key(left) &&
		(left->field->kind == KZ_FIELD_TEXT || node->comparison <= KZ_NOT_EQUAL))
	{
		put_compare_key(writer, node);
		return;
	}
	if (!writer->exact && !computed && node->comparison == KZ_EQUAL)
	{
		kz_operand_put(writer, left);
		appendStringInfo(&writer->sql, " %s ", operator);
		kz_parameter_put_json(writer, &node->value);
		return;
	}
	begin_known(writer, left);
	if (kz_operand_is_open(left) && !computed && node->comparison <= KZ_NOT_EQUAL)
	{
		/* Values of any types can be equal, or different. */
		appendStringInfoString(&writer->sql, "COALESCE(");
		kz_operand_put(writer, left);
		appendStringInfo(&writer->sql, " %s ", operator);
		kz_parameter_put_json(writer, &node->value);
		appendStringInfo(&writer->sql, ", %s)", negative ? "true" : "false");
	}
	else
	{
		begin_typed(writer, left, left->length ? "array" : type_of(&node->value));
		if (node->value.type == jbvNumeric)
		{
			put_number(writer, left);
			appendStringInfo(&writer->sql, " %s ", operator);
			kz_parameter_put(writer, NUMERICOID, NumericGetDatum(node->value.val.numeric));
		}
		else if (node->value.type == jbvString)
		{
			put_text(writer, left);
			appendStringInfo(&writer->sql, " COLLATE pg_catalog.\"C\" %s ", operator);
			kz_parameter_put_text(writer, &node->value);
		}
		else
		{
			kz_operand_put(writer, left);
			appendStringInfo(&writer->sql, " %s ", operator);
			kz_parameter_put_json(writer, &node->value);
		}
		end_typed(writer, left, negative);
	}
	end_known(writer, left);
}

/*
 * The key is also the id, which has an index.
 */
static void
put_compare_key(KzConditionWriter *writer, const KzNode *node)
{
	const char *collation = node->comparison > KZ_NOT_EQUAL ? " COLLATE pg_catalog.\"C\"" : "";

	appendStringInfo(&writer->sql, "_id%s %s ", collation, operators[node->comparison]);
	kz_parameter_put(writer, TEXTOID, kz_parameter_key(&node->value));
}

static void
put_compare_fields(KzConditionWriter *writer, const KzNode *node)
{
	KzFieldKind kind = kz_operand_kind(node->left);
	const char *type;
	void		(*put) (KzConditionWriter *writer, const KzOperand *operand);

	type = kind == KZ_FIELD_TEXT ? "string" : kind == KZ_FIELD_BOOL ? "boolean" : "number";
	put = kind == KZ_FIELD_TEXT ? put_text : kind == KZ_FIELD_BOOL ? kz_operand_put : put_number;
	begin_typed(writer, node->left, type);
	begin_typed(writer, node->right, type);
	put(writer, node->left);
	appendStringInfo(&writer->sql, "%s %s ", kind == KZ_FIELD_TEXT ? " COLLATE pg_catalog.\"C\"" : "",
					 operators[node->comparison]);
	put(writer, node->right);
	end_typed(writer, node->right, false);
	end_typed(writer, node->left, false);
}

static void
put_in(KzConditionWriter *writer, const KzNode *node)
{
	const KzOperand *left = node->left;
	const char *operator = node->negated ? OP("<>") " ALL (" : OP("=") " ANY (";

	if (is_key(left))
	{
		appendStringInfo(&writer->sql, "_id %s", operator);
		kz_parameter_put_array(writer, &node->value, TEXTOID, kz_parameter_key);
		appendStringInfoChar(&writer->sql, ')');
		return;
	}
	if (!writer->exact && !node->negated)
	{
		kz_operand_put(writer, left);
		appendStringInfo(&writer->sql, " %s", operator);
		kz_parameter_put_array(writer, &node->value, JSONBOID, kz_parameter_json);
		appendStringInfoChar(&writer->sql, ')');
		return;
	}
	begin_known(writer, left);
	if (kz_operand_is_open(left))
		appendStringInfoString(&writer->sql, "COALESCE(");
	else
		begin_typed(writer, left, kz_operand_kind(left) == KZ_FIELD_TEXT ? "string" :
					kz_operand_kind(left) == KZ_FIELD_BOOL ? "boolean" : "number");
	kz_operand_put(writer, left);
	appendStringInfo(&writer->sql, " %s", operator);
	kz_parameter_put_array(writer, &node->value, JSONBOID, kz_parameter_json);
	appendStringInfoChar(&writer->sql, ')');
	if (kz_operand_is_open(left))
		appendStringInfo(&writer->sql, ", %s)", node->negated ? "true" : "false");
	else
		end_typed(writer, left, false);
	end_known(writer, left);
}

static void
put_like(KzConditionWriter *writer, const KzNode *node)
{
	begin_known(writer, node->left);
	begin_typed(writer, node->left, "string");
	put_text(writer, node->left);
	appendStringInfoString(&writer->sql, " COLLATE pg_catalog.\"C\" " OP("~~") " ");
	kz_parameter_put_text(writer, &node->value);
	end_typed(writer, node->left, false);
	end_known(writer, node->left);
}

/*
 * jsonb's containment is exact for scalars; arrays within arrays are compared.
 */
static void
put_contains(KzConditionWriter *writer, const KzNode *node)
{
	KzJsonCursor cursor;
	JsonbValue	value;
	bool		flat = true;
	bool		all = node->kind == KZ_NODE_CONTAINS_ALL;

	kz_json_values(&cursor, node->value.val.binary.data);
	while (kz_json_next(&cursor, &value))
		flat &= value.type != jbvBinary;
	if (!all && JsonContainerSize(node->value.val.binary.data) > MAX_SOUGHT)
		flat = false;
	if (flat && !writer->exact)
	{
		put_contains_flat(writer, node);
		return;
	}
	begin_known(writer, node->left);
	begin_typed(writer, node->left, "array");
	if (flat)
		put_contains_flat(writer, node);
	else
		put_contains_elements(writer, node);
	end_typed(writer, node->left, false);
	end_known(writer, node->left);
}

static void
put_contains_flat(KzConditionWriter *writer, const KzNode *node)
{
	kz_operand_put(writer, node->left);
	appendStringInfoString(&writer->sql, " " OP("@>") " ");
	if (node->kind == KZ_NODE_CONTAINS_ALL)
	{
		kz_parameter_put_json(writer, &node->value);
		return;
	}
	appendStringInfoString(&writer->sql, "ANY (");
	kz_parameter_put_array(writer, &node->value, JSONBOID, kz_parameter_list);
	appendStringInfoChar(&writer->sql, ')');
}

/*
 * The same, element by element.
 */
static void
put_contains_elements(KzConditionWriter *writer, const KzNode *node)
{
	bool		all = node->kind == KZ_NODE_CONTAINS_ALL;

	if (all)
	{
		kz_parameter_put_array(writer, &node->value, JSONBOID, kz_parameter_json);
		appendStringInfoString(&writer->sql, " " OP("<@") " ARRAY(SELECT e.value");
	}
	else
		appendStringInfoString(&writer->sql, "EXISTS (SELECT");
	appendStringInfoString(&writer->sql, " FROM pg_catalog.jsonb_array_elements(");
	kz_operand_put(writer, node->left);
	appendStringInfoString(&writer->sql, ") AS e");
	if (!all)
	{
		appendStringInfoString(&writer->sql, " WHERE e.value " OP("=") " ANY (");
		kz_parameter_put_array(writer, &node->value, JSONBOID, kz_parameter_json);
		appendStringInfoChar(&writer->sql, ')');
	}
	appendStringInfoChar(&writer->sql, ')');
}

/*
 * What holds nothing but nulls and empty containers does not exist.
 */
static void
put_exists(KzConditionWriter *writer, const KzOperand *operand)
{
	appendStringInfoString(&writer->sql, "COALESCE(pg_catalog.jsonb_path_exists(");
	kz_operand_put(writer, operand);
	appendStringInfoString(&writer->sql, ", " SOLID ") OR pg_catalog.jsonb_path_exists(");
	kz_operand_put(writer, operand);
	appendStringInfoString(&writer->sql, ", " DEEPER "), false)");
}

static void
put_null(KzConditionWriter *writer, const KzNode *node)
{
	const KzOperand *left = node->left;

	if (kz_operand_is_open(left) && !is_json_column(left))
	{
		appendStringInfoString(&writer->sql, node->negated ? "(" : "(NOT ");
		put_exists(writer, left);
		appendStringInfoChar(&writer->sql, ')');
		return;
	}
	appendStringInfoString(&writer->sql, "(COALESCE(pg_catalog.jsonb_typeof(");
	kz_operand_put(writer, left);
	appendStringInfo(&writer->sql, "), 'null') %s 'null')", node->negated ? OP("<>") : OP("="));
}

/*
 * Of a JSON column that has no value nothing is known, whatever is asked of what
 * would be in it.
 */
static void
begin_known(KzConditionWriter *writer, const KzOperand *operand)
{
	KzOperand	column = *operand;

	if (!operand->field || operand->field->kind != KZ_FIELD_JSON)
		return;
	column.steps = list_make1(linitial(operand->steps));
	appendStringInfoString(&writer->sql, "CASE WHEN pg_catalog.jsonb_typeof(");
	kz_operand_put(writer, &column);
	appendStringInfoString(&writer->sql, ") " OP("<>") " 'null' THEN ");
}

static void
end_known(KzConditionWriter *writer, const KzOperand *operand)
{
	if (operand->field && operand->field->kind == KZ_FIELD_JSON)
		appendStringInfoString(&writer->sql, " END");
}

/*
 * Look at a value only if it has a type, as jsonb_typeof() calls it.  To jsonb all
 * numbers lie between all strings and all booleans, so bounds of a number tell its
 * type as well.
 */
static void
begin_typed(KzConditionWriter *writer, const KzOperand *operand, const char *type)
{
	if (operand->arithmetic)
	{
		appendStringInfoString(&writer->sql, "CASE WHEN ");
		kz_operand_put(writer, operand);
		appendStringInfoString(&writer->sql, " " OP(">=") " " LEAST " AND ");
		kz_operand_put(writer, operand);
		appendStringInfoString(&writer->sql, " " OP("<=") " " MOST " THEN ");
		return;
	}
	appendStringInfoString(&writer->sql, "CASE WHEN pg_catalog.jsonb_typeof(");
	kz_operand_put(writer, operand);
	appendStringInfo(&writer->sql, ") " OP("=") " '%s' THEN ", type);
}

static void
end_typed(KzConditionWriter *writer, const KzOperand *operand, bool negative)
{
	if (kz_operand_is_open(operand))
		appendStringInfoString(&writer->sql, negative ? " ELSE true" : " ELSE false");
	appendStringInfoString(&writer->sql, " END");
}

/*
 * The string that the value is.
 */
static void
put_text(KzConditionWriter *writer, const KzOperand *operand)
{
	if (is_key(operand))
	{
		appendStringInfoString(&writer->sql, "_id");
		return;
	}
	appendStringInfoChar(&writer->sql, '(');
	kz_operand_put(writer, operand);
	appendStringInfoString(&writer->sql, " " OP("#>>") " '{}'::pg_catalog.text[])");
}

/*
 * The number that the value is, or that is made of it.
 */
static void
put_number(KzConditionWriter *writer, const KzOperand *operand)
{
	if (operand->length)
	{
		appendStringInfoString(&writer->sql, "pg_catalog.jsonb_array_length(");
		kz_operand_put(writer, operand);
		appendStringInfoString(&writer->sql, ")::pg_catalog.numeric");
		return;
	}
	switch (operand->arithmetic)
	{
		case 0:
			appendStringInfoChar(&writer->sql, '(');
			kz_operand_put(writer, operand);
			appendStringInfoString(&writer->sql, "::pg_catalog.numeric)");
			return;
		case '%':
			appendStringInfoString(&writer->sql, "pg_catalog.mod(");
			break;
		case '/':
			appendStringInfoString(&writer->sql, operand->whole ? "pg_catalog.div(" : "pg_catalog.numeric_div(");
			break;
		case '*':
			appendStringInfoString(&writer->sql, "pg_catalog.numeric_mul(");
			break;
		case '+':
			appendStringInfoString(&writer->sql, "pg_catalog.numeric_add(");
			break;
		default:
			appendStringInfoString(&writer->sql, "pg_catalog.numeric_sub(");
			break;
	}
	kz_operand_put(writer, operand);
	appendStringInfoString(&writer->sql, "::pg_catalog.numeric, ");
	kz_parameter_put(writer, NUMERICOID, NumericGetDatum(operand->number));
	appendStringInfoChar(&writer->sql, ')');
}

static bool
is_key(const KzOperand *operand)
{
	return operand->field && operand->field->primary && !operand->length && !operand->arithmetic;
}

static bool
is_json_column(const KzOperand *operand)
{
	return operand->field && list_length(operand->steps) == 1;
}

static const char *
type_of(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNumeric:
			return "number";
		case jbvString:
			return "string";
		case jbvBool:
			return "boolean";
		default:
			return "array";
	}
}
