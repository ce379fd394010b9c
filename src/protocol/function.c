/*
 * function.c
 *	  The SQL functions for one document; contracts are in sql/kz.sql.
 *
 * A function turns its arguments into a change, has it done, raises the error
 * that comes out of it, if any, and turns the outcome into its answer.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "document/identity.h"
#include "operation/notifier.h"
#include "operation/read.h"
#include "operation/write.h"
#include "protocol/answer.h"
#include "protocol/argument.h"
#include "protocol/call.h"

/* A call about one document. */
typedef struct Call
{
	KzCall		base;
	FunctionCallInfo fcinfo;
	KzItem		item;
} Call;

static void begin_call(Call *call, FunctionCallInfo fcinfo, KzAction action);
static void read_options(Call *call, int first);
static void run_call(Call *call, const char *command);
static Datum answer(Call *call, int parts);
static Datum end_call(Call *call, Jsonb *result);

PG_FUNCTION_INFO_V1(kz_create);
PG_FUNCTION_INFO_V1(kz_create_or_replace);
PG_FUNCTION_INFO_V1(kz_replace);
PG_FUNCTION_INFO_V1(kz_update);
PG_FUNCTION_INFO_V1(kz_upsert);
PG_FUNCTION_INFO_V1(kz_delete);
PG_FUNCTION_INFO_V1(kz_delete_fields);
PG_FUNCTION_INFO_V1(kz_get);
PG_FUNCTION_INFO_V1(kz_exists);
PG_FUNCTION_INFO_V1(kz_count);

Datum
kz_create(PG_FUNCTION_ARGS)
{
	Call		call;

	begin_call(&call, fcinfo, KZ_ACTION_CREATE);
	call.item.change.body = kz_argument_object(fcinfo, 2, "body");
	call.item.change.id = PG_ARGISNULL(3) ? kz_identity_generate() : kz_argument_id(fcinfo, 3);
	read_options(&call, 4);
	run_call(&call, "kz_create()");
	return answer(&call, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION);
}

Datum
kz_create_or_replace(PG_FUNCTION_ARGS)
{
	Call		call;

	begin_call(&call, fcinfo, KZ_ACTION_CREATE_OR_REPLACE);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	call.item.change.body = kz_argument_object(fcinfo, 3, "body");
	read_options(&call, 4);
	run_call(&call, "kz_create_or_replace()");
	return answer(&call, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION | KZ_ANSWER_CREATED);
}

Datum
kz_replace(PG_FUNCTION_ARGS)
{
	Call		call;

	begin_call(&call, fcinfo, KZ_ACTION_REPLACE);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	call.item.change.body = kz_argument_object(fcinfo, 3, "body");
	read_options(&call, 4);
	run_call(&call, "kz_replace()");
	return answer(&call, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION);
}

Datum
kz_update(PG_FUNCTION_ARGS)
{
	Call		call;
	bool		source;

	begin_call(&call, fcinfo, KZ_ACTION_UPDATE);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	call.item.change.body = kz_argument_object(fcinfo, 3, "changes");
	read_options(&call, 4);
	call.item.change.retries = kz_argument_retries(fcinfo, 8, KZ_DEFAULT_RETRIES);
	source = kz_argument_flag(fcinfo, 9, false);
	run_call(&call, "kz_update()");
	if (!source)
		call.item.outcome.source = kz_stamp_carry(&call.base.stamp, call.item.change.body,
												  call.item.outcome.source);
	return answer(&call, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION);
}

Datum
kz_upsert(PG_FUNCTION_ARGS)
{
	Call		call;
	bool		source;

	begin_call(&call, fcinfo, KZ_ACTION_UPSERT);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	call.item.change.body = kz_argument_object(fcinfo, 3, "changes");
	read_options(&call, 4);
	call.item.change.defaults = kz_argument_optional_object(fcinfo, 8, "defaults");
	call.item.change.retries = kz_argument_retries(fcinfo, 9, KZ_DEFAULT_RETRIES);
	source = kz_argument_flag(fcinfo, 10, false);
	run_call(&call, "kz_upsert()");
	return answer(&call, KZ_ANSWER_VERSION | KZ_ANSWER_CREATED | (source ? KZ_ANSWER_SOURCE : 0));
}

Datum
kz_delete(PG_FUNCTION_ARGS)
{
	Call		call;
	bool		source;

	begin_call(&call, fcinfo, KZ_ACTION_DELETE);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	read_options(&call, 3);
	source = kz_argument_flag(fcinfo, 7, false);
	run_call(&call, "kz_delete()");
	return answer(&call, source ? KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION : 0);
}

Datum
kz_delete_fields(PG_FUNCTION_ARGS)
{
	Call		call;
	bool		source;

	begin_call(&call, fcinfo, KZ_ACTION_DELETE_FIELDS);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	call.item.change.fields = kz_argument_paths(fcinfo, 3, "fields");
	read_options(&call, 4);
	source = kz_argument_flag(fcinfo, 8, false);
	run_call(&call, "kz_delete_fields()");
	return answer(&call, KZ_ANSWER_VERSION | (source ? KZ_ANSWER_SOURCE : 0));
}

Datum
kz_get(PG_FUNCTION_ARGS)
{
	Call		call;
	KzError		error;
	KzRow		row;

	begin_call(&call, fcinfo, KZ_ACTION_READ);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	if (!kz_read_one(call.base.index, call.base.collection, call.item.change.id, "kz_get()", &row,
					 &error))
		kz_error_throw(&error);
	call.item.outcome.version = row.version;
	call.item.outcome.source = row.source;
	return answer(&call, KZ_ANSWER_SOURCE | KZ_ANSWER_VERSION);
}

Datum
kz_exists(PG_FUNCTION_ARGS)
{
	Call		call;
	KzError		error;
	KzRow		row;
	bool		found;

	begin_call(&call, fcinfo, KZ_ACTION_READ);
	call.item.change.id = kz_argument_id(fcinfo, 2);
	found = kz_read_one(call.base.index, call.base.collection, call.item.change.id, "kz_exists()",
						&row, &error);
	if (!found && error.code != KZ_ERROR_NOT_FOUND)
		kz_error_throw(&error);
	end_call(&call, NULL);
	PG_RETURN_BOOL(found);
}

Datum
kz_count(PG_FUNCTION_ARGS)
{
	Call		call;
	KzError		error;
	int64		count;

	begin_call(&call, fcinfo, KZ_ACTION_READ);
	if (!kz_read_count(call.base.index, call.base.collection, "kz_count()", &count, &error))
		kz_error_throw(&error);
	end_call(&call, NULL);
	PG_RETURN_INT64(count);
}

/*
 * Begin a call for an action.
 */
static void
begin_call(Call *call, FunctionCallInfo fcinfo, KzAction action)
{
	kz_call_begin(&call->base, fcinfo);
	call->fcinfo = fcinfo;
	memset(&call->item, 0, sizeof(call->item));
	call->item.change.action = action;
	call->item.change.if_version = KZ_ANY_VERSION;
	call->item.change.retries = KZ_DEFAULT_RETRIES;
}

/*
 * Read the options that all writing functions share, if_version being the last.
 */
static void
read_options(Call *call, int first)
{
	FunctionCallInfo fcinfo = call->fcinfo;

	kz_call_read_options(&call->base, fcinfo, first);
	if (!PG_ARGISNULL(first + 3))
		call->item.change.if_version = kz_argument_natural(PG_GETARG_INT64(first + 3),
														   "if_version");
}

/*
 * Do what the change asks, or raise what failed.
 */
static void
run_call(Call *call, const char *command)
{
	KzItem	   *item = &call->item;
	KzError		error;
	KzWriter   *writer = kz_call_open(&call->base, kz_action_rights(item->change.action), command,
									  &error);

	if (!writer)
		kz_error_throw(&error);

	kz_write(writer, &item, 1, &call->base.stamp, true);
	kz_notifier_add(writer, item, false);
	kz_call_close(writer);
	if (call->item.outcome.error.code != KZ_ERROR_NONE)
		kz_error_throw(&call->item.outcome.error);
}

/*
 * End a call with an answer: _id and the parts that are asked for.
 */
static Datum
answer(Call *call, int parts)
{
	return end_call(call, kz_answer_document(call->item.change.id, &call->item.outcome, parts));
}

/*
 * End a call with a copy of its result, which may be NULL.
 */
static Datum
end_call(Call *call, Jsonb *result)
{
	MemoryContextSwitchTo(call->base.caller);
	if (result)
		result = kz_json_copy(result);
	kz_call_end(&call->base);
	return PointerGetDatum(result);
}
