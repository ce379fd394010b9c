/*
 * main.c
 *	  The life of kz-gateway.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth.h"
#include "buffer.h"
#include "client.h"
#include "config.h"
#include "forwarded.h"
#include "log.h"
#include "loop.h"
#include "memory.h"
#include "metrics.h"
#include "pool.h"
#include "shed.h"
#include "tls.h"

/* How long we don't accept when there are no descriptors left. */
#define ACCEPT_PAUSE 100

/* How long clients may take to get the last answers, which are there. */
#define LAST_WAIT 2000

#define ACCEPTS_PER_EVENT 64
#define BACKLOG 1024

typedef struct Listener
{
	Watch		watch;
	Timer		timer;			/* of a pause */
	ClientKind	kind;
} Listener;

static Listener listeners[2] = {{.watch.fd = -1}, {.watch.fd = -1}};
static Watch signals = {.fd = -1};
static Timer drain_end;
static bool draining;

static void raise_limit(void);
static void open_signals(void);
static void on_signal(void *owner, uint32_t events);
static void drain(void);
static void give_up(void *owner);
static void stop(void *owner);
static void listen_at(Listener *listener, ClientKind kind, const char *where);
static struct addrinfo *resolve(const char *where);
static bool is_port(const char *text);
static bool is_loopback(const struct sockaddr *address);
static void on_connect(void *owner, uint32_t events);
static void accept_again(void *owner);
static void after_events(void);
static void close_listeners(void);

int
main(int argc, char **argv)
{
	config_read(argc, argv);
	memory_open();
	srand(time(NULL) ^ getpid());
	raise_limit();
	loop_open();
	tls_open();
	auth_open();
	forwarded_open();
	listen_at(&listeners[0], CLIENT_HTTP, config.listen);
	if (strcmp(config.metrics_listen, "off") != 0)
		listen_at(&listeners[1], CLIENT_METRICS, config.metrics_listen);
	open_signals();
	pool_open();
	log_message("kz-gateway " KZ_VERSION " listens at %s", config.listen);
	loop_run(after_events);

	clients_close();
	auth_close();
	forwarded_close();
	pool_close();
	tls_close();
	close_listeners();
	shed_close();
	watch_clear(&signals);
	loop_close();
	log_message("kz-gateway has ended");
	log_flush();
	log_close();
	memory_close();
	return 0;
}

/*
 * Each client takes a descriptor.
 */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < (rlim_t) config.max_clients + config.connections + 32)
		log_message("there are descriptors for %lu clients and connections only",
					(unsigned long) limit.rlim_cur);
}

static void
open_signals(void)
{
	sigset_t	set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals.ready = on_signal;
	watch_set(&signals, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), EPOLLIN);
}

static void
on_signal(void *owner, uint32_t events)
{
	struct signalfd_siginfo info;

	(void) owner;
	(void) events;
	while (read(signals.fd, &info, sizeof(info)) == sizeof(info))
	{
		if (info.ssi_signo == SIGHUP)
			tls_reload();
		else if (draining)
			loop_stop();
		else
			drain();
	}
}

/*
 * Take nothing new, finish what is under way, then end; a second signal ends at once.
 */
static void
drain(void)
{
	log_message("finishing %d requests", metrics.requests);
	draining = true;
	close_listeners();
	drain_end.expired = give_up;
	timer_set(&drain_end, config.drain_timeout * 1000L);
	clients_drain();
}

/*
 * Requests have had their time: say so to those who wait for them.
 */
static void
give_up(void *owner)
{
	(void) owner;
	log_message("giving up %d requests", metrics.requests);
	auth_give_up();
	pool_give_up();
	drain_end.expired = stop;
	timer_set(&drain_end, LAST_WAIT);
}

static void
stop(void *owner)
{
	(void) owner;
	loop_stop();
}

/*
 * Listen at ADDRESS:PORT; ends the program if that can't be, or must not be.
 */
static void
listen_at(Listener *listener, ClientKind kind, const char *where)
{
	struct addrinfo *address = resolve(where);
	int			on = 1;
	int			fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (!config_authenticates() && !is_loopback(address->ai_addr))
	{
		fprintf(stderr, kind == CLIENT_METRICS ?
				"kz-gateway: /metrics lets nobody do anything, but tells whoever reaches %s how much is done here; "
				"without authentication (--jwt-key) it too listens on the loopback only\n" :
				"kz-gateway: without authentication (--jwt-key) everybody who reaches %s could do all that "
				"the gateway may do, so it listens on the loopback only\n", where);
		exit(2);
	}
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
	{
		fprintf(stderr, "kz-gateway: can't listen at %s: %s\n", where, strerror(errno));
		exit(1);
	}
	freeaddrinfo(address);
	listener->kind = kind;
	listener->watch.ready = on_connect;
	listener->watch.owner = listener;
	listener->timer.expired = accept_again;
	listener->timer.owner = listener;
	watch_set(&listener->watch, fd, EPOLLIN);
}

/*
 * ADDRESS:PORT or [ADDRESS]:PORT, in numbers or as a name.
 */
static struct addrinfo *
resolve(const char *where)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,.ai_flags = AI_PASSIVE};
	struct addrinfo *address;
	const char *port = strrchr(where, ':');
	size_t		length = port ? port - where : 0;
	bool		bracketed = length >= 2 && where[0] == '[' && where[length - 1] == ']';
	char	   *host = copy_bytes(where + bracketed, length - 2 * bracketed);
	int			error;

	if (!port || !is_port(port + 1))
	{
		fprintf(stderr, "kz-gateway: can't listen at %s: behind the last colon there is no port, a number up to 65535 or a name\n", where);
		exit(2);
	}
	error = *host ? getaddrinfo(host, port + 1, &hints, &address) : EAI_NONAME;
	free(host);
	if (error != 0)
	{
		fprintf(stderr, "kz-gateway: can't listen at %s: %s\n", where, gai_strerror(error));
		exit(2);
	}
	return address;
}

/*
 * Whether a text can be a port.  Of a number, getaddrinfo() takes what is left of it in
 * 16 bits.
 */
static bool
is_port(const char *text)
{
	size_t		digits = strspn(text, "0123456789");

	return digits == 0 ? isalpha((unsigned char) *text) != 0 :
		text[digits] == '\0' && digits <= 5 && atoi(text) <= 65535;
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 &&
		IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) address)->sin6_addr);
}

static void
on_connect(void *owner, uint32_t events)
{
	Listener   *listener = owner;

	(void) events;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++)
	{
		int			fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			client_accept(fd, listener->kind);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		{
			watch_set(&listener->watch, listener->watch.fd, 0);
			timer_set(&listener->timer, ACCEPT_PAUSE);
			return;
		}
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void
accept_again(void *owner)
{
	Listener   *listener = owner;

	watch_set(&listener->watch, listener->watch.fd, EPOLLIN);
}

/*
 * When the events of a round are served, requests go to the database.
 */
static void
after_events(void)
{
	shed();
	pool_dispatch();
	log_flush();
	if (draining && metrics.clients == 0 && metrics.requests == 0)
		loop_stop();
}

static void
close_listeners(void)
{
	for (int i = 0; i < 2; i++)
	{
		int			fd = listeners[i].watch.fd;

		timer_clear(&listeners[i].timer);
		watch_clear(&listeners[i].watch);
		if (fd >= 0)
			close(fd);
	}
}
