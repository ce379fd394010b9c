/*
 * parameter.c
 *	  The parameters of a condition: what its user wrote, and no SQL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "base/json.h"
#include "filter/parameter.h"

static Jsonb *json_of(const JsonbValue *value);

/*
 * Write a parameter, and note its value.
 */
void
kz_parameter_put(KzConditionWriter *writer, Oid type, Datum value)
{
	KzCondition *condition = writer->condition;

	if (condition->nparams == writer->size)
	{
		writer->size = Max(16, 2 * writer->size);
		condition->types = condition->types ?
			repalloc(condition->types, writer->size * sizeof(Oid)) :
			palloc(writer->size * sizeof(Oid));
		condition->values = condition->values ?
			repalloc(condition->values, writer->size * sizeof(Datum)) :
			palloc(writer->size * sizeof(Datum));
	}
	condition->types[condition->nparams] = type;
	condition->values[condition->nparams] = value;
	appendStringInfo(&writer->sql, "$%d", ++condition->nparams);
}

void
kz_parameter_put_text(KzConditionWriter *writer, const JsonbValue *value)
{
	kz_parameter_put(writer, TEXTOID, PointerGetDatum(kz_json_text(value)));
}

void
kz_parameter_put_json(KzConditionWriter *writer, const JsonbValue *value)
{
	kz_parameter_put(writer, JSONBOID, kz_parameter_json(value));
}

static Jsonb *
json_of(const JsonbValue *value)
{
	JsonbValue	copy = *value;

	return value->type == jbvBinary ? kz_json_document(value) : JsonbValueToJsonb(&copy);
}

Datum
kz_parameter_json(const JsonbValue *value)
{
	return JsonbPGetDatum(json_of(value));
}

Datum
kz_parameter_list(const JsonbValue *value)
{
	return JsonbPGetDatum(kz_json_array(value, 1));
}

/*
 * A key as the text that the id is.
 */
Datum
kz_parameter_key(const JsonbValue *value)
{
	if (value->type == jbvString)
		return PointerGetDatum(kz_json_text(value));
	return CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(numeric_out,
																   NumericGetDatum(value->val.numeric))));
}

/*
 * All elements of a list as one parameter.
 */
void
kz_parameter_put_array(KzConditionWriter *writer, const JsonbValue *list, Oid type,
					   Datum (*convert) (const JsonbValue *value))
{
	int			n = JsonContainerSize(list->val.binary.data);
	Datum	   *elements = palloc((n + 1) * sizeof(Datum));
	KzJsonCursor cursor;
	JsonbValue	value;

	n = 0;
	kz_json_values(&cursor, list->val.binary.data);
	while (kz_json_next(&cursor, &value))
		elements[n++] = convert(&value);
	kz_parameter_put(writer, type == TEXTOID ? TEXTARRAYOID : JSONBARRAYOID,
					 PointerGetDatum(construct_array(elements, n, type, -1, false, TYPALIGN_INT)));
}
