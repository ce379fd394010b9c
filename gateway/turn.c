/*
 * turn.c
 *	  Who is next.
 *
 * Requests wait at their client, in the order in which they came, and clients take
 * turns, so one that asks for much delays itself.  A client that does not take its
 * answers has no turns until it does; its requests don't count as waiting then.
 *
 * Of requests with large bodies, which cost PostgreSQL many times their size, only a few
 * are there at a time: they have a line of their own.
 */
#include "config.h"
#include "metrics.h"
#include "turn.h"

/* Among so many it is looked for one of a role. */
#define FAVOURED 64

/* Clients whose first waiting request has a body of the same kind. */
typedef struct Line
{
	Client	   *first;
	Client	   *last;
} Line;

static Line small;
static Line large;
static int	nlarge;				/* large ones that have had their turn and are
								 * not done */

static bool is_large(const Request *request);
static Line *line_of(const Client *client);
static Line *next_line(void);
static void leave_line(Client *client);

static bool
is_large(const Request *request)
{
	return request->size > SMALL_BODY;
}

static Line *
line_of(const Client *client)
{
	return is_large(client->waiting) ? &large : &small;
}

/*
 * Have a request of a client that is there wait for its turn; also one that has had a
 * turn, but came to nothing.
 */
void
turn_wait(Request *request)
{
	Client	   *client = request->client;

	nlarge -= request->large;
	request->large = false;
	if (client->waiting)
		client->last_waiting->next_waiting = request;
	else
		client->waiting = request;
	client->last_waiting = request;
	client->nwaiting++;
	if (client->in_turn)
		metrics.waiting++;
	else
		turn_resume(client);
}

/*
 * Let a client take turns, if it has requests and room for their answers.
 */
void
turn_resume(Client *client)
{
	Line	   *line;

	if (!client->waiting || client->in_turn || client_is_full(client))
		return;
	line = line_of(client);
	client->in_turn = true;
	client->next_in_turn = NULL;
	if (line->first)
		line->last->next_in_turn = client;
	else
		line->first = client;
	line->last = client;
	metrics.waiting += client->nwaiting;
}

/*
 * Let the first that asks as this role be next, if it is among the first of all.  Large
 * ones have no part in it: they get a session that has been reset.
 */
void
turn_favour(const char *role)
{
	Client	  **at = &small.first;
	Client	   *before = NULL;
	Client	   *client;

	for (int i = 0; *at && i < FAVOURED && !request_is_as((*at)->waiting, role); i++)
	{
		before = *at;
		at = &before->next_in_turn;
	}
	client = *at;
	if (!before || !client || !request_is_as(client->waiting, role))
		return;
	before->next_in_turn = client->next_in_turn;
	if (small.last == client)
		small.last = before;
	client->next_in_turn = small.first;
	small.first = client;
}

/*
 * The line that is served next; NULL if nobody waits who may go on.  If both may, they
 * take turns.
 */
static Line *
next_line(void)
{
	static bool large_is_next;
	bool		large_may = large.first && nlarge < config.large_bodies;

	if (!small.first || (large_may && large_is_next))
	{
		large_is_next = false;
		return large_may ? &large : NULL;
	}
	large_is_next = true;
	return &small;
}

/*
 * The request whose turn it is; NULL if nobody waits, or only those who have to wait for
 * the end of other large ones.
 */
Request *
turn_next(void)
{
	for (Line *line; (line = next_line());)
	{
		Client	   *client = line->first;
		Request    *request = client->waiting;

		line->first = client->next_in_turn;
		client->in_turn = false;
		metrics.waiting -= client->nwaiting;
		if (client_is_full(client))
			continue;
		client->waiting = request->next_waiting;
		client->nwaiting--;
		request->next_waiting = NULL;
		request->large = is_large(request);
		nlarge += request->large;
		turn_resume(client);
		return request;
	}
	return NULL;
}

/*
 * A large request that has had its turn is done.
 */
void
turn_large_done(void)
{
	nlarge--;
}

/*
 * A client goes, and its waiting requests with it.
 */
void
turn_forget(Client *client)
{
	leave_line(client);
	while (client->waiting)
	{
		Request    *request = client->waiting;

		client->waiting = request->next_waiting;
		request_discard(request);
	}
}

/*
 * Answer the waiting requests of a client that there is no memory for them.  It may be
 * gone afterwards.
 */
void
turn_refuse(Client *client)
{
	Request    *request = client->waiting;

	leave_line(client);
	client->waiting = NULL;
	client->nwaiting = 0;
	while (request)
	{
		Request    *next = request->next_waiting;

		request_fail(request, &failure_memory, NULL);
		request = next;
	}
}

/*
 * How many bytes the waiting requests of a client have.
 */
size_t
turn_holds(const Client *client)
{
	size_t		sum = 0;

	for (const Request *request = client->waiting; request; request = request->next_waiting)
		sum += request->body.size + request->held;
	return sum;
}

static void
leave_line(Client *client)
{
	Line	   *line;
	Client	  **at;
	Client	   *before = NULL;

	if (!client->in_turn)
		return;
	line = line_of(client);
	for (at = &line->first; *at != client; at = &(*at)->next_in_turn)
		before = *at;
	*at = client->next_in_turn;
	if (line->last == client)
		line->last = before;
	client->in_turn = false;
	metrics.waiting -= client->nwaiting;
}
