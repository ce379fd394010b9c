/*
 * argument.c
 *	  Arguments of the SQL functions.
 *
 * The functions are not strict: NULL for an argument without a default is an
 * error that names it, and never a silent NULL result.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/json.h"
#include "document/identity.h"
#include "protocol/argument.h"

static Jsonb *get_object(FunctionCallInfo fcinfo, int n, const char *argument);

/*
 * Raise KZ400 if argument n is NULL.
 */
void
kz_argument_require(FunctionCallInfo fcinfo, int n, const char *argument)
{
	if (PG_ARGISNULL(n))
		kz_raise(KZ_ERROR_MISSING_ARGUMENT, "Give it a value; NULL is none.", argument);
}

/*
 * The name of an index or a collection, palloc'd.  Raises KZ400 if it is NULL
 * or empty.
 */
char *
kz_argument_name(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name;

	kz_argument_require(fcinfo, n, argument);
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (*name == '\0')
		kz_raise(KZ_ERROR_MISSING_ARGUMENT, "Give it a value; an empty string is none.", argument);
	return name;
}

/*
 * The id of a document.  Raises KZ400 if it is NULL, empty or too long.
 */
text *
kz_argument_id(FunctionCallInfo fcinfo, int n)
{
	KzError		error;
	text	   *id;

	kz_argument_require(fcinfo, n, "id");
	id = PG_GETARG_TEXT_PP(n);
	if (!kz_identity_check(id, "id", &error))
		kz_error_throw(&error);
	return id;
}

/*
 * An object.  Raises KZ400 if it is NULL or something else.
 */
Jsonb *
kz_argument_object(FunctionCallInfo fcinfo, int n, const char *argument)
{
	kz_argument_require(fcinfo, n, argument);
	return get_object(fcinfo, n, argument);
}

/*
 * An object, or NULL.  Raises KZ400 if it is something else.
 */
Jsonb *
kz_argument_optional_object(FunctionCallInfo fcinfo, int n, const char *argument)
{
	return PG_ARGISNULL(n) ? NULL : get_object(fcinfo, n, argument);
}

/*
 * A JSON array.  Raises KZ400 if it is NULL or something else.
 */
Jsonb *
kz_argument_array(FunctionCallInfo fcinfo, int n, const char *argument)
{
	Jsonb	   *array;

	kz_argument_require(fcinfo, n, argument);
	array = PG_GETARG_JSONB_P(n);
	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		kz_raise(KZ_ERROR_INVALID_TYPE,
				 psprintf("It is of type %s.", kz_json_type_name(array)),
				 argument, "array");
	return array;
}

/*
 * The elements of an SQL array of text or jsonb, whatever its dimensions.
 * Raises KZ400 if it is NULL.
 */
Datum *
kz_argument_elements(FunctionCallInfo fcinfo, int n, const char *argument, Oid type,
					 bool **nulls, int *count)
{
	Datum	   *elements;

	kz_argument_require(fcinfo, n, argument);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), type, -1, false, TYPALIGN_INT,
					  &elements, nulls, count);
	return elements;
}

/*
 * An array of ids; an element is NULL where it is NULL in SQL.
 */
text	  **
kz_argument_ids(FunctionCallInfo fcinfo, int n, const char *argument, int *count)
{
	bool	   *nulls;
	Datum	   *elements = kz_argument_elements(fcinfo, n, argument, TEXTOID, &nulls, count);
	text	  **ids = palloc_extended(Max(*count, 1) * sizeof(text *), MCXT_ALLOC_HUGE);

	for (int i = 0; i < *count; i++)
		ids[i] = nulls[i] ? NULL : DatumGetTextPP(elements[i]);
	return ids;
}

/*
 * An array of paths, as a List of char *.  Raises KZ400 if it is NULL or has a
 * NULL in it.
 */
List *
kz_argument_paths(FunctionCallInfo fcinfo, int n, const char *argument)
{
	bool	   *nulls;
	int			count;
	Datum	   *elements = kz_argument_elements(fcinfo, n, argument, TEXTOID, &nulls, &count);
	List	   *paths = NIL;

	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			kz_raise(KZ_ERROR_INVALID_ARGUMENT,
					 psprintf("Leave out element %d, which is NULL.", i + 1),
					 argument, "an array of paths");
		paths = lappend(paths, TextDatumGetCString(elements[i]));
	}
	return paths;
}

/*
 * A string, palloc'd, or NULL.
 */
char *
kz_argument_optional_string(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * A boolean option; missing is its default.
 */
bool
kz_argument_flag(FunctionCallInfo fcinfo, int n, bool missing)
{
	return PG_ARGISNULL(n) ? missing : PG_GETARG_BOOL(n);
}

/*
 * The option retry_on_conflict; missing is its default.
 */
int
kz_argument_retries(FunctionCallInfo fcinfo, int n, int missing)
{
	return PG_ARGISNULL(n) ? missing :
		kz_argument_natural(PG_GETARG_INT32(n), "retry_on_conflict");
}

/*
 * value, which must not be negative; raises KZ400 otherwise.
 */
int64
kz_argument_natural(int64 value, const char *argument)
{
	if (value < 0)
		kz_raise(KZ_ERROR_INVALID_ARGUMENT, psprintf("Give 0 or more instead of " INT64_FORMAT ".", value),
				 argument, "an integer of at least 0");
	return value;
}

/*
 * Check the option refresh.  It asks for nothing that is not so anyway.
 */
void
kz_argument_refresh(FunctionCallInfo fcinfo, int n)
{
	char	   *refresh;

	if (PG_ARGISNULL(n))
		return;
	refresh = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (strcmp(refresh, "wait_for") != 0 && strcmp(refresh, "false") != 0 &&
		strcmp(refresh, "") != 0)
		kz_raise(KZ_ERROR_INVALID_OPTION,
				 psprintf("Leave out \"%s\": a committed change is visible at once.",
						  refresh),
				 "refresh", "\"wait_for\", false");
}

static Jsonb *
get_object(FunctionCallInfo fcinfo, int n, const char *argument)
{
	Jsonb	   *object = PG_GETARG_JSONB_P(n);

	if (!JB_ROOT_IS_OBJECT(object))
		kz_raise(KZ_ERROR_INVALID_TYPE,
				 psprintf("Give an object instead of: %s.", kz_json_type_name(object)),
				 argument, "object");
	return object;
}
