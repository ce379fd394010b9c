/*
 * milvus_parser.c
 *	  What the parser of Milvus' filters is made of: words, failures, nodes.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/encoding.h"
#include "filter/milvus_parser.h"
#include "filter/parameter.h"

/*
 * Move on to the next word.
 */
bool
kz_parser_advance(KzParser *parser)
{
	const char *problem;

	return kz_token_read(&parser->at, &parser->token, &problem) ||
		kz_parser_fail(parser, parser->token.start, problem);
}

bool
kz_parser_expect(KzParser *parser, char character)
{
	if (parser->token.kind != KZ_TOKEN_CHARACTER || parser->token.character != character)
		return kz_parser_unexpected(parser);
	return kz_parser_advance(parser);
}

/*
 * Fail for a problem at a place of the text, which is told in characters from 1.
 * The first failure stands.
 */
bool
kz_parser_fail(KzParser *parser, const char *at, const char *problem)
{
	if (!parser->error)
		parser->error = psprintf("%s at position %d", problem,
								 pg_mbstrlen_with_len(parser->text, at - parser->text) + 1);
	return false;
}

bool
kz_parser_unexpected(KzParser *parser)
{
	const KzToken *token = &parser->token;

	if (token->kind == KZ_TOKEN_END)
		return kz_parser_fail(parser, token->start, "unexpected end");
	return kz_parser_fail(parser, token->start,
						  psprintf("unexpected \"%.*s\"",
								   kz_encoding_clip(token->start, token->length, 40), token->start));
}

void
kz_value_set_node(KzValue *value, KzNode *node)
{
	value->kind = KZ_VALUE_NODE;
	value->node = node;
}

void
kz_value_set_number(KzValue *value, Numeric number, bool integer, const char *start)
{
	value->kind = KZ_VALUE_CONSTANT;
	value->start = start;
	value->integer = integer;
	value->constant.type = jbvNumeric;
	value->constant.val.numeric = number;
}

void
kz_value_set_truth(KzValue *value, bool truth)
{
	value->kind = KZ_VALUE_CONSTANT;
	kz_json_set_bool(&value->constant, truth);
}

/*
 * A list of conditions between "and" or "or", without what makes no difference.
 */
KzNode *
kz_parser_list(KzNodeKind kind, List *nodes)
{
	KzNode	   *list = palloc0(sizeof(KzNode));
	bool		neutral = kind == KZ_NODE_AND;
	ListCell   *lc;

	list->kind = kind;
	foreach(lc, nodes)
	{
		KzNode	   *node = lfirst(lc);

		if (node->kind != KZ_NODE_CONSTANT)
			list->nodes = lappend(list->nodes, node);
		else if (node->truth != neutral)
			return node;
	}
	if (list_length(list->nodes) == 1)
		return linitial(list->nodes);
	if (list->nodes == NIL)
	{
		list->kind = KZ_NODE_CONSTANT;
		list->truth = neutral;
	}
	return list;
}

KzNode *
kz_parser_not(KzNode *node)
{
	KzNode	   *negation = palloc0(sizeof(KzNode));

	negation->kind = node->kind == KZ_NODE_CONSTANT ? KZ_NODE_CONSTANT : KZ_NODE_NOT;
	negation->truth = !node->truth;
	negation->nodes = list_make1(node);
	return negation;
}

KzNode *
kz_parser_operand_node(KzNodeKind kind, KzOperand *operand)
{
	KzNode	   *node = palloc0(sizeof(KzNode));

	node->kind = kind;
	node->left = operand;
	return node;
}

/*
 * Note the ids that a filter names, if it does nothing else.
 */
void
kz_parser_find_ids(const KzNode *node, KzFilter *filter)
{
	const KzOperand *left = node->left;
	KzJsonCursor cursor;
	JsonbValue	value;

	if (!left || !left->field || !left->field->primary || left->length || left->arithmetic)
		return;
	if (node->kind == KZ_NODE_COMPARE && node->comparison == KZ_EQUAL)
	{
		filter->ids = palloc(sizeof(text *));
		filter->ids[filter->nids++] = DatumGetTextPP(kz_parameter_key(&node->value));
	}
	else if (node->kind == KZ_NODE_IN && !node->negated)
	{
		filter->ids = palloc((JsonContainerSize(node->value.val.binary.data) + 1) * sizeof(text *));
		kz_json_values(&cursor, node->value.val.binary.data);
		while (kz_json_next(&cursor, &value))
			filter->ids[filter->nids++] = DatumGetTextPP(kz_parameter_key(&value));
	}
	filter->by_id = filter->ids != NULL;
}
