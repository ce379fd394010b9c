/*
 * call.c
 *	  One call of an SQL function: its memory, and what all functions are given.
 *
 * Everything of a call is in a memory context of its own but for the answer, so
 * that a statement that calls a function a million times needs the memory of
 * one call.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "protocol/argument.h"
#include "protocol/call.h"

/*
 * Enter the memory of a call.
 */
void
kz_call_enter(KzCall *call)
{
	memset(call, 0, sizeof(*call));
	call->context = AllocSetContextCreate(CurrentMemoryContext, "kz call",
										  ALLOCSET_DEFAULT_SIZES);
	call->caller = MemoryContextSwitchTo(call->context);
}

/*
 * Begin a call: enter its memory, and read the names, which are the first two
 * arguments.
 */
void
kz_call_begin(KzCall *call, FunctionCallInfo fcinfo)
{
	kz_call_enter(call);
	call->index = kz_argument_name(fcinfo, 0, "index");
	call->collection = kz_argument_name(fcinfo, 1, "collection");
}

/*
 * Read the options that all writing functions share, from argument first on:
 * refresh, silent, kuid.  Nothing is announced yet that silent could suppress.
 */
void
kz_call_read_options(KzCall *call, FunctionCallInfo fcinfo, int first)
{
	kz_argument_refresh(fcinfo, first);
	kz_stamp_init(&call->stamp, kz_argument_optional_string(fcinfo, first + 2));
}

/*
 * End a call and switch back to the memory of the caller, where the answer must
 * be.
 */
void
kz_call_end(KzCall *call)
{
	MemoryContextSwitchTo(call->caller);
	MemoryContextDelete(call->context);
}
