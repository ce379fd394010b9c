/*
 * operand.c
 *	  The values in documents that conditions look at.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "filter/operand.h"

static void put_steps(KzConditionWriter *writer, Datum *steps, int nsteps);
static bool is_odd_place(const char *key);

/*
 * What kind of value an operand is: an element's where it is one of an Array.
 */
KzFieldKind
kz_operand_kind(const KzOperand *operand)
{
	if (operand->length || operand->whole)
		return KZ_FIELD_INTEGER;
	if (operand->arithmetic)
		return KZ_FIELD_FLOAT;
	if (!operand->field)
		return KZ_FIELD_JSON;
	return operand->field->kind == KZ_FIELD_ARRAY && list_length(operand->steps) > 1 ?
		operand->field->element : operand->field->kind;
}

/*
 * Whether an operand can have any type, or not be there.
 */
bool
kz_operand_is_open(const KzOperand *operand)
{
	return !operand->field || operand->field->kind == KZ_FIELD_JSON;
}

/*
 * The value as jsonb.  A path of several steps is one parameter; a step into an array
 * is its place in digits, as in a JSON pointer.  The server would take more for a
 * place than a pointer does, so a path with such a key goes step by step.
 */
void
kz_operand_put(KzConditionWriter *writer, const KzOperand *operand)
{
	int			nsteps = list_length(operand->steps);
	Datum	   *steps = palloc(nsteps * sizeof(Datum));
	bool		pointer = nsteps > 1;
	ListCell   *lc;

	foreach(lc, operand->steps)
	{
		const KzStep *step = lfirst(lc);

		pointer &= !is_odd_place(step->key);
		steps[foreach_current_index(lc)] =
			CStringGetTextDatum(step->key ? step->key : psprintf("%d", step->place));
	}
	appendStringInfoString(&writer->sql, "(_source");
	if (pointer)
		put_steps(writer, steps, nsteps);
	foreach(lc, pointer ? NIL : operand->steps)
	{
		const KzStep *step = lfirst(lc);
		int			i = foreach_current_index(lc);

		if (i > 0 && !is_odd_place(step->key))
		{
			put_steps(writer, &steps[i], 1);
			continue;
		}
		appendStringInfoString(&writer->sql, " " OP("->") " ");
		kz_parameter_put(writer, TEXTOID, steps[i]);
	}
	appendStringInfoChar(&writer->sql, ')');
}

static void
put_steps(KzConditionWriter *writer, Datum *steps, int nsteps)
{
	appendStringInfoString(&writer->sql, " " OP("#>") " ");
	kz_parameter_put(writer, TEXTARRAYOID,
					 PointerGetDatum(construct_array(steps, nsteps, TEXTOID, -1, false,
													 TYPALIGN_INT)));
}

/*
 * Whether "#>" could take a key for a place that is not written in plain digits:
 * " 1", "+1", "01", or "-1", which is the last.
 */
static bool
is_odd_place(const char *key)
{
	return key && key[0] != '\0' &&
		(strchr(" \t\n\v\f\r+-", key[0]) != NULL || (key[0] == '0' && key[1] != '\0'));
}
