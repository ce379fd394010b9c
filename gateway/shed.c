/*
 * shed.c
 *	  Who has to go when memory is short.
 *
 * While it is, nothing more is read or begun, so it becomes less by what clients take
 * and PostgreSQL ends.  Those who don't get on, because they don't take their answers
 * or because we can't read the rest of their requests, have to go, who holds most first.
 * When that goes on, or the system itself gives no more memory, whoever holds most has to,
 * also if that are requests that wait for their turn: those get 503.
 */
#include "client.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "shed.h"
#include "turn.h"

/* Who has got no byte further for so long does not get on; also how often we look. */
#define STALL 500

/* For so long others wait for those who do get on. */
#define PATIENCE 2000

/* What anybody may hold until then. */
#define MODEST (64 * 1024)

static Timer again;

static int64_t short_since;		/* 0: it is not */

static Client *find_victim(void);
static void look_again(void *owner);

/*
 * Make room, if memory is short.  Once a round of the loop.
 */
void
shed(void)
{
	Client	   *victim;

	memory_recover();
	if (memory_is_short() && short_since == 0)
		short_since = loop_now();
	while (memory_is_short() && (victim = find_victim()))
	{
		metrics.shed_clients++;
		log_message("%s, so client %s has to let go of %zu bytes",
					memory_is_exhausted() ? "the system gives no more memory" : "the memory of --max-memory is used up",
					victim->address, client_holds(victim) + turn_holds(victim));
		if (turn_holds(victim) > client_holds(victim))
			turn_refuse(victim);
		else
			client_give_up(victim);
		memory_recover();
	}
	again.expired = look_again;
	if (memory_is_short() && again.place == 0)
		timer_set(&again, STALL / 2);
	if (short_since != 0 && !memory_is_short())
	{
		short_since = 0;
		clients_resume();
	}
}

static Client *
find_victim(void)
{
	bool		any = memory_is_exhausted() || loop_now() - short_since >= PATIENCE;
	size_t		most = any ? 0 : MODEST;
	Client	   *found = NULL;

	for (Client *client = clients_first(); client; client = client->next)
	{
		size_t		holds = client_holds(client) + (any ? turn_holds(client) : 0);

		if (holds > most && (any || loop_now() - client->progress >= STALL))
		{
			found = client;
			most = holds;
		}
	}
	return found;
}

/*
 * The next round looks again.
 */
static void
look_again(void *owner)
{
	(void) owner;
}

void
shed_close(void)
{
	timer_clear(&again);
}
