/*
 * intake.c
 *	  What libpq holds of a connection to the database.
 *
 * libpq does not tell how much of an answer it holds, and takes as much as there is at a
 * time.  So we look at its begin, which may say how large it is, before libpq does.  If
 * it does not, for TLS or for what code of the database says first, we count what comes,
 * which may be less than libpq takes.
 *
 * While memory is short, those that have come in part are not read, and what belongs to
 * them waits in the server.  If it is they that make it short, one is: so there is an end
 * to it, and all together take no more than there may be used, and one answer.
 */
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "config.h"
#include "intake.h"
#include "memory.h"

/* What a connection may keep. */
#define MODEST (1024 * 1024)

/* With so many bytes there, an answer may be a large one. */
#define WORTH_A_LOOK 4096

int			intakes_that_wait;

static Intake *only;			/* who is read while memory is short */
static size_t held;				/* of all */

static bool may_go_on(Intake *intake);
static size_t look_ahead(int fd);
static void keep(Intake *intake, size_t bytes);
static void count(size_t before, size_t after);
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
	/* Only at the begin of an answer is it known that a message begins. */
	if (intake->come == 0 && there >= WORTH_A_LOOK && !PQsslInUse(pg))
		count_received(intake, look_ahead(watch->fd));
	intake->come += there;
	if (!PQconsumeInput(pg))
		return false;
	if (PQisBusy(pg) && intake->come > intake->received)
		count_received(intake, intake->come);
	return true;
}

/*
 * How large the largest of the messages is that begin here, as far as their heads can be
 * seen.  An answer begins where that before has ended, so the first byte that is there
 * is the type of a message, and its length follows.  0 if nothing is to be seen, or
 * only what is small.
 */
static size_t
look_ahead(int fd)
{
	unsigned char bytes[1024];
	ssize_t		n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	size_t		largest = 0;
	size_t		length;

	for (ssize_t at = 0; at + 5 <= n; at += length + 1)
	{
		length = (size_t) bytes[at + 1] << 24 | bytes[at + 2] << 16 | bytes[at + 3] << 8 | bytes[at + 4];
		if (length < 4)
			return 0;
		largest = length > largest ? length : largest;
		if (length > sizeof(bytes))
			break;
	}
	return largest > sizeof(bytes) ? largest : 0;
}

static bool
may_go_on(Intake *intake)
{
	if (!memory_is_short())
		return true;
	if (memory_used() - held >= config.max_memory || (only && only != intake))
		return false;
	only = intake;
	return true;
}

static void
count(size_t before, size_t after)
{
	memory_count(before, after);
	held += after - before;
}

static void
count_received(Intake *intake, size_t bytes)
{
	count(intake->received, bytes);
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
 * A request of so many bytes is sent: what comes is the begin of its answer.
 */
void
intake_begin(Intake *intake, size_t bytes)
{
	keep(intake, bytes);
	intake->come = 0;
}

/*
 * The answer is whole.
 */
void
intake_end(Intake *intake)
{
	keep(intake, intake->received);
	count_received(intake, 0);
	if (only == intake)
		only = NULL;
}

/*
 * So many bytes have gone through the connection at once, to one side.
 */
static void
keep(Intake *intake, size_t bytes)
{
	if (bytes <= MODEST || bytes <= intake->kept)
		return;
	count(intake->kept, bytes);
	intake->kept = bytes;
}

/*
 * The connection is closed.
 */
void
intake_clear(Intake *intake)
{
	count_received(intake, 0);
	count(intake->kept, 0);
	intakes_that_wait -= intake->waits;
	if (only == intake)
		only = NULL;
	*intake = (Intake)
	{
		0
	};
}
