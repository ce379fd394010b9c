/*
 * subtransaction.c
 *	  Doing something in a subtransaction.
 *
 * Whatever is raised between its begin and its end must find somebody who ends it:
 * the server, which knows of no savepoint, would take it for one of the user's, and
 * the session would be in an aborted transaction that nobody has begun.  That goes
 * for its end as well, where what listens to subtransactions may raise (a foreign
 * server is told to release a savepoint, and is gone), and for lack of memory: until
 * it is undone, nothing may be allocated.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/subtransaction.h"

static void undo(int level);
static void restore(MemoryContext context, ResourceOwner owner);

/*
 * Call run in a subtransaction, which stays if that returns true.  Otherwise it is
 * undone, and undone is called, with 0 or the code of the error that was raised; it
 * forgets what the subtransaction had, neither raises nor allocates anything, and
 * says whether the error is to be returned, allocated in the current memory context.
 * Errors that are not go on; NULL if none was raised.  Memory context and resource
 * owner of the caller are current in both, and afterwards.
 */
ErrorData *
kz_subtransaction_run(bool (*run) (void *argument),
					  bool (*undone) (void *argument, int sqlerrcode), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile raised = NULL;
	int			level;

	BeginInternalSubTransaction(NULL);
	level = GetCurrentTransactionNestLevel();
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (run(argument))
			ReleaseCurrentSubTransaction();
		else
		{
			undo(level);
			restore(context, owner);
			undone(argument, ERRCODE_SUCCESSFUL_COMPLETION);
		}
	}
	PG_CATCH();
	{
		int			sqlerrcode = geterrcode();

		undo(level);
		restore(context, owner);
		if (!undone(argument, sqlerrcode))
			PG_RE_THROW();
		raised = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	restore(context, owner);
	return raised;
}

/*
 * Undo the subtransaction of a level, and those inside it that whoever began them
 * had no memory to end.  One that could not even begin is gone when it is aborted,
 * and the one around it is then aborted, too.
 */
static void
undo(int level)
{
	int			now;

	while ((now = GetCurrentTransactionNestLevel()) >= level)
	{
		if (now > level)
			AbortCurrentTransaction();
		RollbackAndReleaseCurrentSubTransaction();
	}
}

static void
restore(MemoryContext context, ResourceOwner owner)
{
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}
