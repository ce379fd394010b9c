/*
 * parameter.h
 *	  The parameters of a condition: what its user wrote, and no SQL.
 */
#ifndef KZ_FILTER_PARAMETER_H
#define KZ_FILTER_PARAMETER_H

#include "engine/query.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* A condition that is being written. */
typedef struct KzConditionWriter
{
	StringInfoData sql;
	int			size;			/* for how many parameters there is room */
	bool		exact;			/* NULL and false are told apart */
	KzCondition *condition;
} KzConditionWriter;

extern void kz_parameter_put(KzConditionWriter *writer, Oid type, Datum value);
extern void kz_parameter_put_text(KzConditionWriter *writer, const JsonbValue *value);
extern void kz_parameter_put_json(KzConditionWriter *writer, const JsonbValue *value);
extern void kz_parameter_put_array(KzConditionWriter *writer, const JsonbValue *list, Oid type,
								   Datum (*convert) (const JsonbValue *value));

/* How a value becomes a parameter, or an element of one. */
extern Datum kz_parameter_key(const JsonbValue *value);
extern Datum kz_parameter_json(const JsonbValue *value);
extern Datum kz_parameter_list(const JsonbValue *value);

#endif							/* KZ_FILTER_PARAMETER_H */
