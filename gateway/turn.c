/*
 * turn.c
 *	  Who is next.
 *
 * Requests wait at their client, in the order in which they came, and clients take
 * turns, so one that asks for much delays itself.  A client that does not take its
 * answers has no turns until it does; its requests don't count as waiting then.
 */
#include "metrics.h"
#include "turn.h"

/* Among so many it is looked for one of a role. */
#define FAVOURED 64

static Client *first;
static Client *last;

/*
 * Have a request of a client that is there wait for its turn.
 */
void
turn_wait(Request *request)
{
	Client	   *client = request->client;

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
	if (!client->waiting || client->in_turn || client_is_full(client))
		return;
	client->in_turn = true;
	client->next_in_turn = NULL;
	if (first)
		last->next_in_turn = client;
	else
		first = client;
	last = client;
	metrics.waiting += client->nwaiting;
}

/*
 * Let the first that asks as this role be next, if it is among the first of all.
 */
void
turn_favour(const char *role)
{
	Client	  **at = &first;
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
	if (last == client)
		last = before;
	client->next_in_turn = first;
	first = client;
}

/*
 * The request whose turn it is; NULL if nobody waits.
 */
Request *
turn_next(void)
{
	while (first)
	{
		Client	   *client = first;
		Request    *request = client->waiting;

		first = client->next_in_turn;
		client->in_turn = false;
		metrics.waiting -= client->nwaiting;
		if (client_is_full(client))
			continue;
		client->waiting = request->next_waiting;
		client->nwaiting--;
		turn_resume(client);
		return request;
	}
	return NULL;
}

/*
 * A client goes, and its waiting requests with it.
 */
void
turn_forget(Client *client)
{
	Client	  **at = &first;
	Client	   *before = NULL;

	if (client->in_turn)
	{
		for (; *at != client; at = &(*at)->next_in_turn)
			before = *at;
		*at = client->next_in_turn;
		if (last == client)
			last = before;
		client->in_turn = false;
		metrics.waiting -= client->nwaiting;
	}
	while (client->waiting)
	{
		Request    *request = client->waiting;

		client->waiting = request->next_waiting;
		request_discard(request);
	}
}
