/*
 * login.c
 *	  Passwords of PostgreSQL's roles.
 *
 * Only the server can tell whether a password is right, so we log in with it, and out
 * again.  A server that lets anybody in without asking for the password has told
 * nothing: that counts as wrong.
 *
 * Logins take turns by address, and a client may wait for few of them.  Who sends wrong
 * passwords is answered later and later; who sends the right one is not.  The address is
 * the one that a trusted proxy names, if there is one in between.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "client.h"
#include "config.h"
#include "digest.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "memory.h"
#include "metrics.h"
#include "remembered.h"
#include "verdict.h"

#define LONGEST_NAME 63
#define LONGEST_PASSWORD 65000
#define LOGIN_TIMEOUT 10000		/* ms */
#define LOGINS_PER_CLIENT 2		/* that may wait */
#define NFAILURES 4096			/* at most, by their digests */
#define FORGIVEN 3				/* wrong passwords that are answered at once */
#define DELAY 100				/* ms, for each after that */
#define LONGEST_DELAY 1000
#define FORGOTTEN 60000			/* ms without another */

/* A request that waits for the end of a login, or to be told that it was wrong. */
typedef struct Waiter
{
	Request    *request;
	LoginDone	done;
	Peer	   *peer;
	bool		is_held;		/* is in "held", with a timer */
	Timer		timer;
	struct Waiter *next;
} Waiter;

typedef struct Login
{
	unsigned char digest[DIGEST_SIZE];
	char	   *user;
	char	   *password;
	Peer	   *peer;			/* of who asked first, whose turn it takes */
	bool		begun;
	PGconn	   *pg;				/* NULL: has not begun, or there is no memory */
	Watch		watch;
	Timer		timer;
	Waiter	   *waiters;
	struct Login *next;			/* in the order in which they came */
} Login;

/* Wrong passwords for a role from an address. */
typedef struct Failures
{
	unsigned char digest[DIGEST_SIZE];	/* of both */
	int			n;
	int64_t		last;
} Failures;

static Login *logins;
static Failures failures[NFAILURES];
static Waiter *held;
static int	nrunning;
static int	nwaiters;

static bool can_be_right(const char *user, const char *password);
static Peer *peer_that_asks(const Request *request);
static bool may_wait(const Client *client, const Peer *peer);
static Login *find_login(const unsigned char *digest, const char *user, const char *password, Peer *peer);
static void add_waiter(Login *login, Request *request, Peer *peer, LoginDone done);
static void free_waiter(Waiter *waiter);
static void begin_next(void);
static void forget_all_gone(void);
static Login *next_in_turn(void);
static void forget_gone(Login *login);
static void begin(Login *login);
static void on_event(void *owner, uint32_t events);
static void on_timeout(void *owner);
static void judge(Login *login);
static void finish(Login *login, LoginResult result);
static int	count_failure(const Peer *peer, const char *user);
static void hold(Waiter *waiter, int ms);
static void end_waiter(Waiter *waiter, const char *user, LoginResult result);
static void discard_waiters(Waiter *waiters);
static void on_held(void *owner);
static void free_login(Login *login);

/*
 * Find out whether this is the password of a role, and call done.
 */
void
login_check(Request *request, const char *user, const char *password, LoginDone done)
{
	unsigned char digest[DIGEST_SIZE];
	Peer	   *peer;

	if (!can_be_right(user, password))
	{
		done(request, user, LOGIN_WRONG);
		return;
	}
	if (!digest_pair(digest, user, strlen(user) + 1, password))
	{
		done(request, user, LOGIN_OVERLOADED);
		return;
	}
	peer = peer_that_asks(request);
	if (may_wait(request->client, peer))
	{
		add_waiter(find_login(digest, user, password, peer), request, peer, done);
		begin_next();
	}
	else
		done(request, user, LOGIN_OVERLOADED);
	peer_release(peer);
}

/*
 * Whether a server can be asked.  libpq would take its own for what is empty, the server
 * cuts off longer names and closes on longer passwords, and a name of several lines
 * could say in the server's refusal what only the server is to say.
 */
static bool
can_be_right(const char *user, const char *password)
{
	return *user && strlen(user) <= LONGEST_NAME && !strpbrk(user, "\r\n") &&
		*password && strlen(password) <= LONGEST_PASSWORD;
}

/*
 * Where a request comes from, with a reference that is the caller's: where a proxy that
 * is trusted says, if that is an address.
 */
static Peer *
peer_that_asks(const Request *request)
{
	unsigned char address[ADDRESS_SIZE];

	if (request->forwarded && peer_read_address(request->forwarded, strlen(request->forwarded), address))
		return peer_at(address);
	return peer_keep(request->client->peer);
}

/*
 * Whether one more request of a client may wait for a login: a few, and not so many of
 * one address that others find no room.
 */
static bool
may_wait(const Client *client, const Peer *peer)
{
	return nwaiters < config.queue && peer->logins <= config.queue / 4 && client->nlogins < LOGINS_PER_CLIENT;
}

static void
add_waiter(Login *login, Request *request, Peer *peer, LoginDone done)
{
	Waiter	   *waiter = allocate(sizeof(Waiter));

	waiter->request = request;
	waiter->done = done;
	waiter->peer = peer_keep(peer);
	waiter->next = login->waiters;
	login->waiters = waiter;
	nwaiters++;
	waiter->peer->logins++;
	request->client->nlogins++;
}

/*
 * Free a waiter that is in no list any more.  Its request is to be ended then.
 */
static void
free_waiter(Waiter *waiter)
{
	if (!waiter->is_held)
	{
		nwaiters--;
		waiter->peer->logins--;
	}
	if (waiter->request->client)
		waiter->request->client->nlogins--;
	peer_release(waiter->peer);
	timer_clear(&waiter->timer);
	free(waiter);
}

/*
 * The login with these credentials that is under way, or a new one at the end.
 */
static Login *
find_login(const unsigned char *digest, const char *user, const char *password, Peer *peer)
{
	Login	  **at = &logins;

	while (*at && memcmp((*at)->digest, digest, DIGEST_SIZE) != 0)
		at = &(*at)->next;
	if (!*at)
	{
		Login	   *login = allocate(sizeof(Login));

		memcpy(login->digest, digest, DIGEST_SIZE);
		login->user = copy_string(user);
		login->password = copy_string(password);
		login->peer = peer_keep(peer);
		memory_count(0, strlen(password));
		login->watch = (Watch)
		{
			.fd = -1,.ready = on_event,.owner = login
		};
		login->timer.expired = on_timeout;
		login->timer.owner = login;
		*at = login;
	}
	return *at;
}

/*
 * Begin as many as there may be at a time.
 */
static void
begin_next(void)
{
	Login	   *login;

	forget_all_gone();
	while (nrunning < config.logins && (login = next_in_turn()))
		begin(login);
}

/*
 * Forget logins that nobody waits for any more.
 */
static void
forget_all_gone(void)
{
	for (Login **at = &logins; *at;)
	{
		Login	   *login = *at;

		if (!login->begun)
			forget_gone(login);
		if (login->begun || login->waiters)
			at = &login->next;
		else
		{
			*at = login->next;
			free_login(login);
		}
	}
}

/*
 * The login that is to begin next, or NULL.  Addresses take turns: first who has fewest
 * under way, then who has waited longest.  Nobody has all of them, if there are others
 * to be had, so whoever comes next does not have to wait for the end of one.
 */
static Login *
next_in_turn(void)
{
	int			most = config.logins > 1 ? config.logins - 1 : 1;
	Login	   *found = NULL;

	for (Login *login = logins; login; login = login->next)
		if (!login->begun && login->peer->running_logins < most &&
			(!found || login->peer->running_logins < found->peer->running_logins ||
			 (login->peer->running_logins == found->peer->running_logins &&
			  login->peer->last_turn < found->peer->last_turn)))
			found = login;
	return found;
}

/*
 * Forget the requests whose clients have gone.
 */
static void
forget_gone(Login *login)
{
	for (Waiter **at = &login->waiters; *at;)
	{
		Waiter	   *waiter = *at;
		Request    *request = waiter->request;

		if (request->client)
			at = &waiter->next;
		else
		{
			*at = waiter->next;
			free_waiter(waiter);
			request_discard(request);
		}
	}
}

static void
begin(Login *login)
{
	static const char *const keywords[] = {
		"dbname", "user", "password", "fallback_application_name", NULL
	};
	static uint64_t turn;
	const char *const values[] = {config.database, login->user, login->password, "kz-gateway login", NULL};

	login->begun = true;
	nrunning++;
	login->peer->running_logins++;
	login->peer->last_turn = ++turn;
	metrics.logins++;
	login->pg = PQconnectStartParams(keywords, values, 1);
	timer_set(&login->timer, LOGIN_TIMEOUT);
	if (login->pg)
	{
		PQsetNoticeProcessor(login->pg, log_notice, NULL);
		PQsetErrorVerbosity(login->pg, PQERRORS_VERBOSE);
	}
	if (PQstatus(login->pg) == CONNECTION_BAD)
		timer_set(&login->timer, 0);
	else
		watch_set(&login->watch, PQsocket(login->pg), EPOLLOUT);
}

static void
on_event(void *owner, uint32_t events)
{
	Login	   *login = owner;

	(void) events;
	switch (PQconnectPoll(login->pg))
	{
		case PGRES_POLLING_READING:
			watch_set(&login->watch, PQsocket(login->pg), EPOLLIN);
			break;
		case PGRES_POLLING_WRITING:
			watch_set(&login->watch, PQsocket(login->pg), EPOLLOUT);
			break;
		default:
			judge(login);
	}
}

static void
on_timeout(void *owner)
{
	Login	   *login = owner;

	if (PQstatus(login->pg) == CONNECTION_BAD)
	{
		judge(login);
		return;
	}
	log_message("no login: the server does not answer in time");
	finish(login, LOGIN_IMPOSSIBLE);
}

/*
 * The server has decided.  What is not the client's fault is told, and whom the server
 * refuses or lets in without a password: that may be meant, or not.
 */
static void
judge(Login *login)
{
	char	   *reason;
	LoginResult result = verdict_of(login->pg, &reason);

	if (result == LOGIN_GOOD)
		remembered_add(login->user, login->password);
	else if (result != LOGIN_IMPOSSIBLE)
		remembered_forget(login->user, login->password);
	if (result == LOGIN_IMPOSSIBLE || (result == LOGIN_WRONG && !PQconnectionUsedPassword(login->pg)))
		log_message("no login: %s", reason);
	free(reason);
	finish(login, result);
}

/*
 * Tell all who wait for a login how it has ended.
 */
static void
finish(Login *login, LoginResult result)
{
	Login	  **at = &logins;

	while (*at != login)
		at = &(*at)->next;
	*at = login->next;
	nrunning--;
	login->peer->running_logins--;
	if (result != LOGIN_GOOD)
		metrics.failed_logins++;
	while (login->waiters)
	{
		Waiter	   *waiter = login->waiters;
		int			ms;

		login->waiters = waiter->next;
		ms = result == LOGIN_WRONG ? count_failure(waiter->peer, login->user) : 0;
		if (ms > 0)
			hold(waiter, ms);
		else
			end_waiter(waiter, login->user, result);
	}
	free_login(login);
	begin_next();
}

static void
end_waiter(Waiter *waiter, const char *user, LoginResult result)
{
	Request    *request = waiter->request;
	LoginDone	done = waiter->done;

	free_waiter(waiter);
	done(request, user, result);
}

/*
 * Count a wrong password, and tell for how many milliseconds its answer is to wait.  A
 * right one never waits, so nobody is slowed down by what others send.
 */
static int
count_failure(const Peer *peer, const char *user)
{
	unsigned char digest[DIGEST_SIZE];
	Failures   *slot;

	if (!digest_pair(digest, peer->key, sizeof(peer->key), user))
		return LONGEST_DELAY;
	slot = &failures[(digest[0] << 8 | digest[1]) % NFAILURES];
	if (memcmp(slot->digest, digest, DIGEST_SIZE) != 0 || loop_now() - slot->last > FORGOTTEN)
		slot->n = 0;
	memcpy(slot->digest, digest, DIGEST_SIZE);
	slot->last = loop_now();
	if (++slot->n <= FORGIVEN)
		return 0;
	return slot->n - FORGIVEN < LONGEST_DELAY / DELAY ? (slot->n - FORGIVEN) * DELAY : LONGEST_DELAY;
}

/*
 * Have a request be told later that its password was wrong.  Until then its client has
 * one login less that may wait; but it takes no room from others.
 */
static void
hold(Waiter *waiter, int ms)
{
	nwaiters--;
	waiter->peer->logins--;
	waiter->is_held = true;
	waiter->next = held;
	held = waiter;
	waiter->timer.expired = on_held;
	waiter->timer.owner = waiter;
	timer_set(&waiter->timer, ms);
}

static void
on_held(void *owner)
{
	Waiter	  **at = &held;

	while (*at != owner)
		at = &(*at)->next;
	*at = (*at)->next;
	end_waiter(owner, "", LOGIN_WRONG);
}

static void
free_login(Login *login)
{
	timer_clear(&login->timer);
	watch_clear(&login->watch);
	PQfinish(login->pg);
	memory_count(strlen(login->password), 0);
	explicit_bzero(login->password, strlen(login->password));
	peer_release(login->peer);
	free(login->user);
	free(login->password);
	loop_free_later(login);
}

/*
 * Tell all who wait that no server is asked any more.  Who is to be told later that a
 * password was wrong, is.
 */
void
login_give_up(void)
{
	for (Login *login = logins; login; login = login->next)
		while (login->waiters)
		{
			Waiter	   *waiter = login->waiters;

			login->waiters = waiter->next;
			end_waiter(waiter, login->user, LOGIN_IMPOSSIBLE);
		}
}

void
login_close(void)
{
	while (logins)
	{
		Login	   *login = logins;

		logins = login->next;
		discard_waiters(login->waiters);
		free_login(login);
	}
	discard_waiters(held);
}

static void
discard_waiters(Waiter *waiters)
{
	while (waiters)
	{
		Waiter	   *waiter = waiters;
		Request    *request = waiter->request;

		waiters = waiter->next;
		free_waiter(waiter);
		request_discard(request);
	}
}
