/*
 * milvus_parser.h
 *	  What the parser of Milvus' filters is made of.
 */
#ifndef KZ_FILTER_MILVUS_PARSER_H
#define KZ_FILTER_MILVUS_PARSER_H

#include "base/json.h"
#include "filter/expression.h"
#include "filter/milvus_token.h"

#define KZ_FILTER_MAX_DEPTH 200

typedef struct KzParser
{
	const char *text;
	const char *at;				/* behind token */
	KzToken		token;			/* the next one */
	const KzFilterSchema *schema;
	const JsonbContainer *params;	/* NULL: there are none */
	int			depth;
	char	   *error;
} KzParser;

typedef enum KzValueKind
{
	KZ_VALUE_NODE,				/* a condition */
	KZ_VALUE_CONSTANT,
	KZ_VALUE_OPERAND
} KzValueKind;

/* What a part of an expression stands for. */
typedef struct KzValue
{
	KzValueKind kind;
	const char *start;			/* in the text */
	KzNode	   *node;
	KzOperand  *operand;
	JsonbValue	constant;		/* a scalar, or an array as jbvBinary */
	bool		integer;		/* the constant was written as one */
} KzValue;

/* in milvus.c */
extern bool kz_parser_element(KzParser *parser, KzValue *value);

/* in milvus_name.c */
extern bool kz_parser_name(KzParser *parser, KzValue *value);
extern bool kz_parser_array(KzParser *parser, KzValue *value);
extern bool kz_parser_template(KzParser *parser, KzValue *value);

/* in milvus_check.c */
extern bool kz_parser_compare(KzParser *parser, const KzValue *left, KzComparison comparison,
							  const KzValue *right, KzValue *result);
extern bool kz_parser_in(KzParser *parser, const KzValue *left, bool negated, const KzValue *list,
						 KzValue *result);
extern bool kz_parser_like(KzParser *parser, KzValue *value, const KzValue *pattern);
extern bool kz_parser_null(KzParser *parser, KzValue *value, bool negated);
extern bool kz_parser_contains(KzParser *parser, const KzValue *array, const KzValue *sought,
							   KzNodeKind kind, bool list, KzValue *result);
extern bool kz_parser_compute(KzParser *parser, KzValue *value, char operator, const KzValue *right);
extern bool kz_parser_power(KzParser *parser, KzValue *value, const KzValue *exponent);
extern bool kz_value_require_node(KzParser *parser, KzValue *value);

/* in milvus_parser.c */
extern bool kz_parser_advance(KzParser *parser);
extern bool kz_parser_expect(KzParser *parser, char character);
extern bool kz_parser_fail(KzParser *parser, const char *at, const char *problem);
extern bool kz_parser_unexpected(KzParser *parser);
extern void kz_value_set_node(KzValue *value, KzNode *node);
extern void kz_value_set_number(KzValue *value, Numeric number, bool integer, const char *start);
extern void kz_value_set_truth(KzValue *value, bool truth);
extern KzNode *kz_parser_list(KzNodeKind kind, List *nodes);
extern KzNode *kz_parser_not(KzNode *node);
extern KzNode *kz_parser_operand_node(KzNodeKind kind, KzOperand *operand);
extern void kz_parser_find_ids(const KzNode *node, KzFilter *filter);

#endif							/* KZ_FILTER_MILVUS_PARSER_H */
