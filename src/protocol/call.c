/*
 * call.c
 *	  One call of an SQL function: its memory, and what all functions are given.
 *
 * Everything of a call is in a memory context of its own but for the answer, so
 * that a statement that calls a function a million times needs the memory of
 * one call.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/subtransaction.h"
#include "operation/notifier.h"
#include "protocol/argument.h"
#include "protocol/call.h"

/* What kz_call_guard runs, and what it returned. */
typedef struct Guarded
{
	bool		(*run) (void *argument);
	void	   *argument;
	bool		ok;
} Guarded;

static bool run_guarded(void *argument);
static bool is_guarded_against(void *argument, int sqlerrcode);

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
 * Let a call see what has been written up to now, in the same statement as well.
 */
void
kz_call_renew(KzCall *call)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	call->renewed = true;
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
 * refresh, silent, kuid.
 */
void
kz_call_read_options(KzCall *call, FunctionCallInfo fcinfo, int first)
{
	kz_argument_refresh(fcinfo, first);
	call->silent = kz_argument_flag(fcinfo, first + 1, false);
	kz_stamp_init(&call->stamp, kz_argument_optional_string(fcinfo, first + 2));
}

/*
 * Run something in a subtransaction of which nothing stays if it returns false or
 * raises an error of ours; this is put into error, and false returned.  All other
 * errors go on.
 */
bool
kz_call_guard(KzCall *call, bool (*run) (void *argument), void *argument, KzError *error)
{
	Guarded		guarded = {.run = run,.argument = argument};
	ErrorData  *raised;

	MemoryContextSwitchTo(call->context);
	raised = kz_subtransaction_run(run_guarded, is_guarded_against, &guarded);
	if (!raised)
		return guarded.ok;
	if (!kz_error_catch(raised, error))
		ReThrowError(raised);
	FreeErrorData(raised);
	return false;
}

static bool
run_guarded(void *argument)
{
	Guarded    *guarded = argument;

	return guarded->ok = guarded->run(guarded->argument);
}

static bool
is_guarded_against(void *argument, int sqlerrcode)
{
	return kz_error_has_class(sqlerrcode);
}

/*
 * Open the collection of a call for writing, as kz_writer_open does; what is then
 * written is told to listeners, unless the call is silent.
 */
KzWriter *
kz_call_open(const KzCall *call, AclMode required, const char *command, KzError *error)
{
	KzWriter   *writer = kz_writer_open(call->index, call->collection, required, command, error);

	if (writer && !call->silent)
		kz_notifier_attach(writer, &call->stamp);
	return writer;
}

/*
 * Close what kz_call_open has opened, with all outcomes known.
 */
void
kz_call_close(KzWriter *writer)
{
	kz_notifier_send(writer);
	kz_writer_close(writer);
}

/*
 * End a call and switch back to the memory of the caller, where the answer must
 * be.
 */
void
kz_call_end(KzCall *call)
{
	if (call->renewed)
		PopActiveSnapshot();
	MemoryContextSwitchTo(call->caller);
	MemoryContextDelete(call->context);
}
