/*
 * operand.h
 *	  The values in documents that conditions look at.
 */
#ifndef KZ_FILTER_OPERAND_H
#define KZ_FILTER_OPERAND_H

#include "filter/expression.h"
#include "filter/parameter.h"

#define OP(name) "OPERATOR(pg_catalog." name ")"

extern void kz_operand_put(KzConditionWriter *writer, const KzOperand *operand);

#endif							/* KZ_FILTER_OPERAND_H */
