/*
 * login.c
 *	  Passwords of PostgreSQL's roles.
 *
 * Only the server can tell whether a password is right, so we log in with it, and out
 * again.  A server that lets anybody in without asking for the password has told
 * nothing: that counts as wrong.
 *
 * Clients of Milvus send a password with each request.  One that was right a short
 * while ago is not asked about again; what is remembered of it is a digest under a key
 * that is made anew each time the program starts.
 *
 * Logins take turns by address, and a client may wait for few of them.  Who sends wrong
 * passwords is answered later and later; who sends the right one is not.
 */
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "client.h"
#include "config.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "metrics.h"

#define DIGEST_SIZE 32
#define LOGIN_TIMEOUT 10000		/* ms */
#define REMEMBERED 60000		/* ms */
#define NREMEMBERED 1024		/* at most, by their digests */
#define LONGEST 4096			/* of names and passwords */
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

typedef struct Remembered
{
	unsigned char digest[DIGEST_SIZE];
	int64_t		until;
} Remembered;

/* Wrong passwords for a role from an address. */
typedef struct Failures
{
	unsigned char digest[DIGEST_SIZE];	/* of both */
	int			n;
	int64_t		last;
} Failures;

static unsigned char digest_key[DIGEST_SIZE];
static Remembered remembered[NREMEMBERED];
static Login *logins;
static Failures failures[NFAILURES];
static Waiter *held;
static int	nrunning;
static int	nwaiters;

static bool digest_pair(const void *one, size_t length, const char *other, unsigned char *digest);
static bool digest_credentials(const char *user, const char *password, unsigned char *digest);
static Remembered *slot_of(const unsigned char *digest);
static Login *find_login(const unsigned char *digest, const char *user, const char *password, Peer *peer);
static bool may_wait(const Client *client);
static void add_waiter(Login *login, Request *request, LoginDone done);
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

void
login_open(void)
{
	if (getrandom(digest_key, sizeof(digest_key), 0) != sizeof(digest_key))
		abort();
}

/*
 * Find out whether this is the password of a role, and call done.  If recent, it will
 * do that it was a short while ago.
 */
void
login_check(Request *request, const char *user, const char *password, bool recent, LoginDone done)
{
	unsigned char digest[DIGEST_SIZE];

	/* libpq would take its own for what is empty. */
	if (!*user || !*password || strlen(user) > LONGEST || strlen(password) > LONGEST)
	{
		done(request, user, LOGIN_WRONG);
		return;
	}
	if (!digest_credentials(user, password, digest))
	{
		done(request, user, LOGIN_OVERLOADED);
		return;
	}
	if (recent && slot_of(digest)->until > loop_now() &&
		memcmp(slot_of(digest)->digest, digest, DIGEST_SIZE) == 0)
	{
		done(request, user, LOGIN_GOOD);
		return;
	}
	if (!may_wait(request->client))
	{
		done(request, user, LOGIN_OVERLOADED);
		return;
	}
	add_waiter(find_login(digest, user, password, request->client->peer), request, done);
	begin_next();
}

/*
 * Whether one more request of a client may wait for a login: a few, and not so many of
 * one address that others find no room.
 */
static bool
may_wait(const Client *client)
{
	return nwaiters < config.queue && client->peer->logins <= config.queue / 4 && client->nlogins < LOGINS_PER_CLIENT;
}

static void
add_waiter(Login *login, Request *request, LoginDone done)
{
	Waiter	   *waiter = allocate(sizeof(Waiter));

	waiter->request = request;
	waiter->done = done;
	waiter->peer = peer_keep(request->client->peer);
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
 * A digest, under the key, of bytes and a string; false if there is no memory for it.
 */
static bool
digest_pair(const void *one, size_t length, const char *other, unsigned char *digest)
{
	Buffer		text = {0};
	bool		good;

	buffer_append(&text, one, length);
	buffer_append_string(&text, other);
	good = HMAC(EVP_sha256(), digest_key, sizeof(digest_key), (unsigned char *) buffer_data(&text),
				buffer_length(&text), digest, NULL) != NULL;
	explicit_bzero(buffer_data(&text), buffer_length(&text));
	buffer_free(&text);
	return good;
}

static bool
digest_credentials(const char *user, const char *password, unsigned char *digest)
{
	return digest_pair(user, strlen(user) + 1, password, digest);
}

/*
 * Where credentials with this digest are remembered, if they are.
 */
static Remembered *
slot_of(const unsigned char *digest)
{
	return &remembered[(digest[0] << 8 | digest[1]) % NREMEMBERED];
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
		PQsetNoticeProcessor(login->pg, log_notice, NULL);
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
	finish(owner, LOGIN_IMPOSSIBLE);
}

/*
 * The server has decided.  One that refuses without having asked for the password
 * has not looked at it: it may be full.
 */
static void
judge(Login *login)
{
	bool		asked = PQconnectionUsedPassword(login->pg);

	if (PQstatus(login->pg) == CONNECTION_OK && asked)
	{
		Remembered *slot = slot_of(login->digest);

		memcpy(slot->digest, login->digest, DIGEST_SIZE);
		slot->until = loop_now() + REMEMBERED;
		finish(login, LOGIN_GOOD);
		return;
	}
	if (PQstatus(login->pg) == CONNECTION_OK)
		log_message("the server has not asked for the password of a login: see its pg_hba.conf");
	finish(login, asked || PQstatus(login->pg) == CONNECTION_OK ? LOGIN_WRONG : LOGIN_IMPOSSIBLE);
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
	if (result == LOGIN_IMPOSSIBLE)
		log_message("no login: %s", PQerrorMessage(login->pg));
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

	if (!digest_pair(peer->key, sizeof(peer->key), user, digest))
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
	explicit_bzero(login->password, strlen(login->password));
	peer_release(login->peer);
	free(login->user);
	free(login->password);
	loop_free_later(login);
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
