/*
 * login.c
 *	  Passwords of PostgreSQL's roles.
 *
 * Only the server can tell whether a password is right, so we log in with it, and out
 * again.  A server that lets anybody in without asking for the password has told
 * nothing: that counts as wrong.
 */
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "config.h"
#include "log.h"
#include "login.h"
#include "loop.h"
#include "metrics.h"
#include "remembered.h"
#include "verdict.h"

#define DIGEST_SIZE 32
#define LONGEST_NAME 63
#define LONGEST_PASSWORD 65000
#define LOGIN_TIMEOUT 10000		/* ms */

/* A request that waits for the end of a login. */
typedef struct Waiter
{
	Request    *request;
	LoginDone	done;
	struct Waiter *next;
} Waiter;

typedef struct Login
{
	unsigned char digest[DIGEST_SIZE];
	char	   *user;
	char	   *password;
	PGconn	   *pg;				/* NULL: has not begun */
	Watch		watch;
	Timer		timer;
	Waiter	   *waiters;
	struct Login *next;			/* in the order in which they came */
} Login;

static unsigned char digest_key[DIGEST_SIZE];
static Login *logins;
static int	nrunning;
static int	nwaiters;

static bool can_be_right(const char *user, const char *password);
static void digest_credentials(const char *user, const char *password, unsigned char *digest);
static Login *find_login(const unsigned char *digest, const char *user, const char *password);
static void begin_next(void);
static void forget_gone(Login *login);
static void begin(Login *login);
static void on_event(void *owner, uint32_t events);
static void on_timeout(void *owner);
static void judge(Login *login);
static void finish(Login *login, LoginResult result);
static void free_login(Login *login);

void
login_open(void)
{
	if (getrandom(digest_key, sizeof(digest_key), 0) != sizeof(digest_key))
		abort();
}

/*
 * Find out whether this is the password of a role, and call done.
 */
void
login_check(Request *request, const char *user, const char *password, LoginDone done)
{
	unsigned char digest[DIGEST_SIZE];
	Login	   *login;
	Waiter	   *waiter;

	if (!can_be_right(user, password))
	{
		done(request, user, LOGIN_WRONG);
		return;
	}
	digest_credentials(user, password, digest);
	if (nwaiters >= config.queue)
	{
		done(request, user, LOGIN_OVERLOADED);
		return;
	}
	login = find_login(digest, user, password);
	waiter = allocate(sizeof(Waiter));
	waiter->request = request;
	waiter->done = done;
	waiter->next = login->waiters;
	login->waiters = waiter;
	nwaiters++;
	begin_next();
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

static void
digest_credentials(const char *user, const char *password, unsigned char *digest)
{
	Buffer		text = {0};

	buffer_append(&text, user, strlen(user) + 1);
	buffer_append_string(&text, password);
	if (!HMAC(EVP_sha256(), digest_key, sizeof(digest_key), (unsigned char *) buffer_data(&text),
			  buffer_length(&text), digest, NULL))
		abort();
	explicit_bzero(buffer_data(&text), buffer_length(&text));
	buffer_free(&text);
}

/*
 * The login with these credentials that is under way, or a new one at the end.
 */
static Login *
find_login(const unsigned char *digest, const char *user, const char *password)
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
 * Begin those that came first, and whose clients are still there.
 */
static void
begin_next(void)
{
	for (Login **at = &logins; *at && nrunning < config.logins;)
	{
		Login	   *login = *at;

		if (!login->pg)
			forget_gone(login);
		if (login->pg || login->waiters)
		{
			if (!login->pg)
				begin(login);
			at = &login->next;
		}
		else
		{
			*at = login->next;
			free_login(login);
		}
	}
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

		if (waiter->request->client)
			at = &waiter->next;
		else
		{
			*at = waiter->next;
			nwaiters--;
			request_discard(waiter->request);
			free(waiter);
		}
	}
}

static void
begin(Login *login)
{
	static const char *const keywords[] = {
		"dbname", "user", "password", "fallback_application_name", NULL
	};
	const char *const values[] = {config.database, login->user, login->password, "kz-gateway login", NULL};

	nrunning++;
	metrics.logins++;
	login->pg = PQconnectStartParams(keywords, values, 1);
	if (!login->pg)
		abort();
	PQsetNoticeProcessor(login->pg, log_notice, NULL);
	PQsetErrorVerbosity(login->pg, PQERRORS_VERBOSE);
	timer_set(&login->timer, LOGIN_TIMEOUT);
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
	if (result != LOGIN_GOOD)
		metrics.failed_logins++;
	while (login->waiters)
	{
		Waiter	   *waiter = login->waiters;

		login->waiters = waiter->next;
		nwaiters--;
		waiter->done(waiter->request, login->user, result);
		free(waiter);
	}
	free_login(login);
	begin_next();
}

static void
free_login(Login *login)
{
	timer_clear(&login->timer);
	watch_clear(&login->watch);
	PQfinish(login->pg);
	explicit_bzero(login->password, strlen(login->password));
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
		while (login->waiters)
		{
			Waiter	   *waiter = login->waiters;

			login->waiters = waiter->next;
			request_discard(waiter->request);
			free(waiter);
		}
		free_login(login);
	}
}
