/*
 * milvus.c
 *	  The filters of Milvus, from their text to a condition on documents.
 *
 * A parser by recursive descent, a function for each level of precedence.  Names are
 * found and types checked as it goes, and what is constant is computed at once.
 * and, or and lists can have any length; what nests can't.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "filter/milvus_parser.h"

static bool parse_or(KzParser *parser, KzValue *value);
static bool parse_and(KzParser *parser, KzValue *value);
static bool parse_list(KzParser *parser, KzValue *value, KzTokenKind word, KzNodeKind kind,
					   bool (*parse) (KzParser *parser, KzValue *value));
static bool parse_equality(KzParser *parser, KzValue *value);
static bool parse_relation(KzParser *parser, KzValue *value);
static bool parse_range(KzParser *parser, const KzValue *left, KzComparison comparison,
						KzValue *value);
static bool parse_in(KzParser *parser, KzValue *value);
static bool parse_sum(KzParser *parser, KzValue *value);
static bool parse_product(KzParser *parser, KzValue *value);
static bool parse_unary(KzParser *parser, KzValue *value);
static bool parse_not(KzParser *parser, KzValue *value);
static bool parse_sign(KzParser *parser, KzValue *value);
static bool parse_power(KzParser *parser, KzValue *value);
static bool parse_like(KzParser *parser, KzValue *value);
static bool parse_primary(KzParser *parser, KzValue *value);
static bool parse_exists(KzParser *parser, KzValue *value);
static bool relation_of(const KzToken *token, KzComparison *comparison);
static bool is_character(const KzToken *token, char character);
static bool refuse_bits(KzParser *parser);
static bool deeper(KzParser *parser);

/*
 * Read a filter.  Rules and texts are those of Milvus 2.6.
 */
bool
kz_filter_read(const char *expression, const KzFilterSchema *schema, const JsonbContainer *params,
			   KzFilter *filter, char **error)
{
	KzParser	parser = {.text = expression,.at = expression,.schema = schema,.params = params};
	KzValue		value;
	bool		ok;

	memset(filter, 0, sizeof(*filter));
	ok = kz_parser_advance(&parser);
	if (ok && parser.token.kind == KZ_TOKEN_END)
	{
		filter->always_true = true;
		return true;
	}
	ok = ok && parse_or(&parser, &value);
	if (ok && parser.token.kind != KZ_TOKEN_END)
		ok = kz_parser_unexpected(&parser);
	if (!ok || !kz_value_require_node(&parser, &value))
	{
		*error = parser.error;
		return false;
	}
	filter->always_true = value.node->kind == KZ_NODE_CONSTANT && value.node->truth;
	kz_parser_find_ids(value.node, filter);
	kz_expression_condition(value.node, &filter->condition);
	return true;
}

static bool
parse_or(KzParser *parser, KzValue *value)
{
	bool		ok;

	ok = deeper(parser) && parse_list(parser, value, KZ_TOKEN_OR, KZ_NODE_OR, parse_and);
	parser->depth--;
	return ok;
}

static bool
parse_and(KzParser *parser, KzValue *value)
{
	return parse_list(parser, value, KZ_TOKEN_AND, KZ_NODE_AND, parse_equality);
}

/*
 * One thing, or a list of conditions between the same words.
 */
static bool
parse_list(KzParser *parser, KzValue *value, KzTokenKind word, KzNodeKind kind,
		   bool (*parse) (KzParser *parser, KzValue *value))
{
	List	   *nodes = NIL;

	if (!parse(parser, value))
		return false;
	if (parser->token.kind != word)
		return true;
	for (;;)
	{
		if (!kz_value_require_node(parser, value))
			return false;
		nodes = lappend(nodes, value->node);
		if (parser->token.kind != word)
			break;
		CHECK_FOR_INTERRUPTS();
		if (!kz_parser_advance(parser) || !parse(parser, value))
			return false;
	}
	kz_value_set_node(value, kz_parser_list(kind, nodes));
	return true;
}

static bool
parse_equality(KzParser *parser, KzValue *value)
{
	KzValue		right;

	if (!parse_relation(parser, value))
		return false;
	while (parser->token.kind == KZ_TOKEN_EQUAL || parser->token.kind == KZ_TOKEN_NOT_EQUAL)
	{
		KzComparison comparison = parser->token.kind == KZ_TOKEN_EQUAL ? KZ_EQUAL : KZ_NOT_EQUAL;

		if (!kz_parser_advance(parser) || !parse_relation(parser, &right) ||
			!kz_parser_compare(parser, value, comparison, &right, value))
			return false;
	}
	return refuse_bits(parser);
}

/*
 * One comparison, or two of a range: 1 < x <= 5.
 */
static bool
parse_relation(KzParser *parser, KzValue *value)
{
	KzComparison comparison;
	KzValue		left;

	if (!parse_in(parser, value))
		return false;
	if (!relation_of(&parser->token, &comparison))
		return true;
	left = *value;
	return kz_parser_advance(parser) && parse_in(parser, value) &&
		parse_range(parser, &left, comparison, value);
}

static bool
parse_range(KzParser *parser, const KzValue *left, KzComparison comparison, KzValue *value)
{
	KzValue		middle = *value;
	KzValue		right;
	KzComparison second;
	const char *start = parser->token.start;
	KzValue		nodes[2];

	if (!relation_of(&parser->token, &second))
		return kz_parser_compare(parser, left, comparison, &middle, value);
	if (!kz_parser_advance(parser) || !parse_in(parser, &right))
		return false;
	if (left->kind != KZ_VALUE_CONSTANT || right.kind != KZ_VALUE_CONSTANT ||
		middle.kind != KZ_VALUE_OPERAND)
		return kz_parser_fail(parser, start, "a range has constants for its bounds and a field between them");
	if ((comparison <= KZ_LESS_OR_EQUAL) != (second <= KZ_LESS_OR_EQUAL))
		return kz_parser_fail(parser, start, "the two comparisons of a range have one direction");
	if (!kz_parser_compare(parser, left, comparison, &middle, &nodes[0]) ||
		!kz_parser_compare(parser, &middle, second, &right, &nodes[1]))
		return false;
	kz_value_set_node(value, kz_parser_list(KZ_NODE_AND, list_make2(nodes[0].node, nodes[1].node)));
	return true;
}

static bool
relation_of(const KzToken *token, KzComparison *comparison)
{
	if (token->kind == KZ_TOKEN_LESS_OR_EQUAL)
		*comparison = KZ_LESS_OR_EQUAL;
	else if (token->kind == KZ_TOKEN_GREATER_OR_EQUAL)
		*comparison = KZ_GREATER_OR_EQUAL;
	else if (is_character(token, '<'))
		*comparison = KZ_LESS;
	else if (is_character(token, '>'))
		*comparison = KZ_GREATER;
	else
		return false;
	return true;
}

static bool
parse_in(KzParser *parser, KzValue *value)
{
	bool		negated;
	KzValue		list;

	if (!parse_sum(parser, value))
		return false;
	if (parser->token.kind == KZ_TOKEN_SHIFT)
		return refuse_bits(parser);
	negated = parser->token.kind == KZ_TOKEN_NOT;
	if (!negated && parser->token.kind != KZ_TOKEN_IN)
		return true;
	if (negated && (!kz_parser_advance(parser) || parser->token.kind != KZ_TOKEN_IN))
		return parser->error ? false : kz_parser_unexpected(parser);
	return kz_parser_advance(parser) && parse_sum(parser, &list) &&
		kz_parser_in(parser, value, negated, &list, value);
}

static bool
parse_sum(KzParser *parser, KzValue *value)
{
	KzValue		right;

	if (!parse_product(parser, value))
		return false;
	while (is_character(&parser->token, '+') || is_character(&parser->token, '-'))
	{
		char		operator = parser->token.character;

		if (!kz_parser_advance(parser) || !parse_product(parser, &right) ||
			!kz_parser_compute(parser, value, operator, &right))
			return false;
	}
	return true;
}

static bool
parse_product(KzParser *parser, KzValue *value)
{
	KzValue		right;

	if (!parse_unary(parser, value))
		return false;
	while (is_character(&parser->token, '*') || is_character(&parser->token, '/') ||
		   is_character(&parser->token, '%'))
	{
		char		operator = parser->token.character;

		if (!kz_parser_advance(parser) || !parse_unary(parser, &right) ||
			!kz_parser_compute(parser, value, operator, &right))
			return false;
	}
	return true;
}

static bool
parse_unary(KzParser *parser, KzValue *value)
{
	bool		ok;

	if (parser->token.kind == KZ_TOKEN_NOT || is_character(&parser->token, '!'))
		ok = deeper(parser) && parse_not(parser, value);
	else if (is_character(&parser->token, '-') || is_character(&parser->token, '+'))
		ok = deeper(parser) && parse_sign(parser, value);
	else
		return parse_power(parser, value);
	parser->depth--;
	return ok;
}

/*
 * Milvus binds "not" tighter than comparisons, so that "not a == 1" could only be
 * refused.  Its manual means "not (a == 1)".
 */
static bool
parse_not(KzParser *parser, KzValue *value)
{
	if (!kz_parser_advance(parser) || !parse_equality(parser, value) ||
		!kz_value_require_node(parser, value))
		return false;
	kz_value_set_node(value, kz_parser_not(value->node));
	return true;
}

static bool
parse_sign(KzParser *parser, KzValue *value)
{
	bool		minus = parser->token.character == '-';
	const char *start = parser->token.start;

	if (!kz_parser_advance(parser))
		return false;
	if (minus && parser->token.kind == KZ_TOKEN_INTEGER &&
		parser->token.integer == (uint64) PG_INT64_MAX + 1)
	{
		kz_value_set_number(value, int64_to_numeric(PG_INT64_MIN), true, start);
		return kz_parser_advance(parser);
	}
	if (!parse_unary(parser, value))
		return false;
	if (value->kind != KZ_VALUE_CONSTANT || value->constant.type != jbvNumeric)
		return kz_parser_fail(parser, start, "a sign is for constant numbers only");
	if (minus)
		value->constant.val.numeric =
			DatumGetNumeric(DirectFunctionCall1(numeric_uminus,
												NumericGetDatum(value->constant.val.numeric)));
	return true;
}

/*
 * From right to left, as everywhere.
 */
static bool
parse_power(KzParser *parser, KzValue *value)
{
	KzValue		right;
	bool		ok;

	if (!parse_like(parser, value))
		return false;
	if (parser->token.kind != KZ_TOKEN_POWER)
		return true;
	ok = deeper(parser) && kz_parser_advance(parser) && parse_unary(parser, &right) &&
		kz_parser_power(parser, value, &right);
	parser->depth--;
	return ok;
}

static bool
parse_like(KzParser *parser, KzValue *value)
{
	KzValue		pattern;

	if (!parse_primary(parser, value))
		return false;
	if (parser->token.kind == KZ_TOKEN_IS)
	{
		bool		negated;

		if (!kz_parser_advance(parser))
			return false;
		negated = parser->token.kind == KZ_TOKEN_NOT;
		if (negated && !kz_parser_advance(parser))
			return false;
		if (parser->token.kind != KZ_TOKEN_NULL)
			return kz_parser_unexpected(parser);
		return kz_parser_advance(parser) && kz_parser_null(parser, value, negated);
	}
	if (parser->token.kind != KZ_TOKEN_LIKE)
		return true;
	return kz_parser_advance(parser) && parse_primary(parser, &pattern) &&
		kz_parser_like(parser, value, &pattern);
}

static bool
parse_primary(KzParser *parser, KzValue *value)
{
	KzToken		token = parser->token;

	memset(value, 0, sizeof(*value));
	value->start = token.start;
	switch (token.kind)
	{
		case KZ_TOKEN_TRUE:
		case KZ_TOKEN_FALSE:
			value->kind = KZ_VALUE_CONSTANT;
			kz_json_set_bool(&value->constant, token.kind == KZ_TOKEN_TRUE);
			return kz_parser_advance(parser);
		case KZ_TOKEN_INTEGER:
			if (!token.number)
				return kz_parser_fail(parser, token.start, "integer out of range");
			kz_value_set_number(value, token.number, true, token.start);
			return kz_parser_advance(parser);
		case KZ_TOKEN_FLOAT:
			kz_value_set_number(value, token.number, false, token.start);
			return kz_parser_advance(parser);
		case KZ_TOKEN_STRING:
			value->kind = KZ_VALUE_CONSTANT;
			kz_json_set_string(&value->constant, token.string);
			return kz_parser_advance(parser);
		case KZ_TOKEN_NAME:
			return kz_parser_name(parser, value);
		case KZ_TOKEN_EXISTS:
			return kz_parser_advance(parser) && parse_exists(parser, value);
		default:
			break;
	}
	if (is_character(&token, '('))
		return kz_parser_advance(parser) && parse_or(parser, value) &&
			kz_parser_expect(parser, ')');
	if (is_character(&token, '['))
		return kz_parser_array(parser, value);
	if (is_character(&token, '{'))
		return kz_parser_template(parser, value);
	return kz_parser_unexpected(parser);
}

/*
 * For a list that is being read: one of its elements.
 */
bool
kz_parser_element(KzParser *parser, KzValue *value)
{
	bool		ok = deeper(parser) && parse_sum(parser, value);

	parser->depth--;
	return ok;
}

static bool
parse_exists(KzParser *parser, KzValue *value)
{
	const char *start = parser->token.start;
	bool		ok = deeper(parser) && parse_primary(parser, value);

	parser->depth--;
	if (!ok)
		return false;
	if (value->kind != KZ_VALUE_OPERAND || !kz_operand_is_open(value->operand) ||
		(value->operand->field && list_length(value->operand->steps) == 1))
		return kz_parser_fail(parser, start, "exists is for keys of JSON and dynamic fields only");
	kz_value_set_node(value, kz_parser_operand_node(KZ_NODE_EXISTS, value->operand));
	return true;
}

static bool
is_character(const KzToken *token, char character)
{
	return token->kind == KZ_TOKEN_CHARACTER && token->character == character;
}

/*
 * Milvus reads these, and refuses them.
 */
static bool
refuse_bits(KzParser *parser)
{
	if (parser->token.kind == KZ_TOKEN_SHIFT || is_character(&parser->token, '&') ||
		is_character(&parser->token, '|') || is_character(&parser->token, '^') ||
		is_character(&parser->token, '~'))
		return kz_parser_fail(parser, parser->token.start,
							  psprintf("operator %.*s is not supported", parser->token.length,
									   parser->token.start));
	return true;
}

/*
 * One level deeper, whether that is allowed or not.
 */
static bool
deeper(KzParser *parser)
{
	return ++parser->depth <= KZ_FILTER_MAX_DEPTH ||
		kz_parser_fail(parser, parser->token.start,
					   psprintf("nested more than %d levels deep", KZ_FILTER_MAX_DEPTH));
}
