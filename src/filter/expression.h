/*
 * expression.h
 *	  What documents must meet, as a tree, whatever the language it was written in.
 *
 * Truth is three-valued: about a field of the schema that has no value nothing is
 * known, while a key that is just not there is different from everything.
 */
#ifndef KZ_FILTER_EXPRESSION_H
#define KZ_FILTER_EXPRESSION_H

#include "filter/milvus.h"
#include "nodes/pg_list.h"
#include "utils/numeric.h"

typedef enum KzComparison
{
	KZ_EQUAL,
	KZ_NOT_EQUAL,
	KZ_LESS,
	KZ_LESS_OR_EQUAL,
	KZ_GREATER,
	KZ_GREATER_OR_EQUAL
} KzComparison;

/* One step into a document: a key, or for NULL a place in an array. */
typedef struct KzStep
{
	char	   *key;
	int			place;
} KzStep;

/* A value in a document, or a number that is made of it. */
typedef struct KzOperand
{
	const KzFilterField *field; /* NULL: a key that is no field */
	List	   *steps;			/* of KzStep *, from _source on */
	bool		length;			/* how many elements it has */
	char		arithmetic;		/* '+', '-', '*', '/', '%' with number; or 0 */
	Numeric		number;
	bool		whole;			/* the division is one of integers */
} KzOperand;

typedef enum KzNodeKind
{
	KZ_NODE_CONSTANT,			/* truth */
	KZ_NODE_AND,				/* nodes */
	KZ_NODE_OR,
	KZ_NODE_NOT,				/* the one in nodes */
	KZ_NODE_COMPARE,			/* left comparison value */
	KZ_NODE_COMPARE_FIELDS,		/* left comparison right */
	KZ_NODE_IN,					/* left is one of value, an array; unless
								 * negated */
	KZ_NODE_LIKE,				/* left is like value, a string */
	KZ_NODE_CONTAINS_ALL,		/* left is an array that has all of value, one */
	KZ_NODE_CONTAINS_ANY,		/* the same with any of value */
	KZ_NODE_EXISTS,				/* left has a value, or one somewhere in it */
	KZ_NODE_NULL				/* left has none; unless negated */
} KzNodeKind;

typedef struct KzNode
{
	KzNodeKind	kind;
	bool		truth;
	bool		negated;
	KzComparison comparison;
	List	   *nodes;			/* of KzNode * */
	KzOperand  *left;
	KzOperand  *right;
	JsonbValue	value;
} KzNode;

extern KzFieldKind kz_operand_kind(const KzOperand *operand);
extern bool kz_operand_is_open(const KzOperand *operand);
extern void kz_expression_condition(const KzNode *node, KzCondition *condition);

#endif							/* KZ_FILTER_EXPRESSION_H */
