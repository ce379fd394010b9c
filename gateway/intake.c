/*
 * intake.c
 *	  What libpq holds of a connection to the database.
 *
 * An answer is in libpq's memory before we know how large it is.  While memory is short,
 * those that have come in part are not read, and what belongs to them waits in the
 * server.  If it is they that make it short, one is: so there is an end to it, and all
 * together take no more than there may be used, and one answer.
 */
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "config.h"
#include "intake.h"
#include "memory.h"

/* What a connection may keep. */
#define MODEST (1024 * 1024)

int			intakes_that_wait;

static Intake *only;			/* who is read while memory is short */
static size_t received;			/* by all */

static bool may_go_on(Intake *intake);
static void count_received(Intake *intake, size_t bytes);

/*
 * Read what has come; false if the connection is broken.
 */
bool
intake_read(Intake *intake, Watch *watch, PGconn *pg)
{
	int			there = 0;

	if (intake->received > 0 && !may_go_on(intake))
	{
		intakes_that_wait += !intake->waits;
		intake->waits = true;
		watch_set(watch, watch->fd, watch->events & ~EPOLLIN);
		return true;
	}
	if (ioctl(watch->fd, FIONREAD, &there) != 0)
		there = 0;
	if (!PQconsumeInput(pg))
		return false;
	if (PQisBusy(pg))
		count_received(intake, intake->received + there);
	return true;
}

static bool
may_go_on(Intake *intake)
{
	if (!memory_is_short())
		return true;
	if (memory_used() - received >= config.max_memory || (only && only != intake))
		return false;
	only = intake;
	return true;
}

static void
count_received(Intake *intake, size_t bytes)
{
	memory_count(intake->received, bytes);
	received += bytes - intake->received;
	intake->received = bytes;
}

/*
 * Read again what waits, if it may go on.
 */
void
intake_resume(Intake *intake, Watch *watch)
{
	if (!intake->waits || !may_go_on(intake))
		return;
	intake->waits = false;
	intakes_that_wait--;
	watch_set(watch, watch->fd, watch->events | EPOLLIN);
}

/*
 * The answer is whole.
 */
void
intake_end(Intake *intake)
{
	if (intake->received == 0)
		return;
	intake_keeps(intake, intake->received);
	count_received(intake, 0);
	if (only == intake)
		only = NULL;
}

/*
 * So many bytes have gone through the connection at once, to one side.
 */
void
intake_keeps(Intake *intake, size_t bytes)
{
	if (bytes <= MODEST || bytes <= intake->kept)
		return;
	memory_count(intake->kept, bytes);
	intake->kept = bytes;
}

/*
 * The connection is closed.
 */
void
intake_clear(Intake *intake)
{
	count_received(intake, 0);
	memory_count(intake->kept, 0);
	intakes_that_wait -= intake->waits;
	if (only == intake)
		only = NULL;
	*intake = (Intake)
	{
		0
	};
}
