/*
 * option.c
 *	  The options, and where they come from: arguments, or variables of the environment.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "config.h"
#include "log.h"
#include "option.h"

/* What an option is, and so what its place is. */
typedef enum OptionKind
{
	HEADING,					/* none, but what stands above some of them */
	TEXT,						/* const char * */
	LIST,						/* the same: with commas, or given several
								 * times */
	POSITIVE,					/* int */
	NATURAL,					/* int, which may be 0 */
	SIZE						/* size_t, which may have a unit */
} OptionKind;

/* Also KZ_GATEWAY_ and its name in upper case in the environment. */
typedef struct Option
{
	const char *name;
	const char *argument;
	OptionKind	kind;
	void	   *place;
	const char *preset;			/* NULL: none */
	const char *help;
} Option;

static const Option options[] = {
	{"listen", "ADDRESS:PORT", TEXT, &config.listen, "127.0.0.1:7512",
	"where clients come; other than the loopback only with --jwt-key"},
	{"database", "CONNINFO", TEXT, &config.database, "",
	"how to connect, as libpq takes it; PGHOST and its like, and service files, count"},
	{"connections", "N", NATURAL, &config.connections, "0",
	"connections to the database; 0: four for each processor"},
	{"queue", "N", POSITIVE, &config.queue, "1024",
	"requests that may wait for a connection; more are answered 503"},
	{"timeout", "SECONDS", POSITIVE, &config.timeout, "30",
	"time for a request in the database; then it is cancelled and answered 504"},
	{"", NULL, HEADING, NULL, NULL, "Clients"},
	{"max-clients", "N", POSITIVE, &config.max_clients, "4096",
	"connections of clients; more are closed at once"},
	{"max-clients-per-address", "N", NATURAL, &config.max_clients_per_address, NULL,
		"of these, those of one address, or one /64 of IPv6, but for the loopback and trusted proxies; 0: as many;\n"
	"        default: a quarter"},
	{"max-requests", "N", POSITIVE, &config.max_requests, "100",
	"requests under way of one WebSocket; it is not read while it has so many"},
	{"max-memory", "SIZE", SIZE, &config.max_memory, NULL,
		"memory for what clients send and get, all together; when it is used up nothing more is read or begun, and who\n"
	"        holds much and does not get on is closed; default: 1GB, or half of the machine's memory if that is less"},
	{"max-body", "SIZE", SIZE, &config.max_body, "64MB",
		"size of a body or a message, up to 1GB, as 500kB or in bytes; larger is answered 413, or closed with 1009;\n"
	"        with --jwt-key it is 1MB for who has not shown a good token or password"},
	{"large-bodies", "N", POSITIVE, &config.large_bodies, "2",
	"requests with bodies above 1MB that may be in the database at a time; others wait for their turn"},
	{"max-answer", "SIZE", SIZE, &config.max_answer, "128MB",
	"size of an answer, up to 1GB; a larger one is answered 500 instead"},
	{"idle-timeout", "SECONDS", POSITIVE, &config.idle_timeout, "60",
	"time without a request; a WebSocket is asked in between whether it lives"},
	{"read-timeout", "SECONDS", POSITIVE, &config.read_timeout, "10",
	"time for a request to arrive once it has begun, and again for each MB of it"},
	{"send-timeout", "SECONDS", POSITIVE, &config.send_timeout, "30",
	"time for a client to take its answers, or 64kB of them"},
	{"drain-timeout", "SECONDS", POSITIVE, &config.drain_timeout, "10",
	"time for requests under way to end after SIGTERM; then who waits is answered 503"},
	{"allow-origin", "ORIGIN", LIST, &config.allow_origin, NULL,
		"a web site whose pages may call, as https://example.com; may be given several times; *: all;\n"
	"        default: none without --jwt-key, else all"},
	{"allow-host", "NAME", LIST, &config.allow_host, NULL,
		"a name by which clients may call, as db.example.com, beside those of the loopback; may be given\n"
	"        several times; *: any; default: none without --jwt-key, else any"},
	{"trust-forwarded", "ADDRESS", LIST, &config.trust_forwarded, NULL,
		"a proxy, or a network of them as 192.168.0.0/16, whose X-Forwarded-For (or Forwarded) is believed, for the log\n"
		"        and for the turns of logins; it must set that header, or add to it, and may have as many connections as it\n"
	"        likes; may be given several times"},
	{"", NULL, HEADING, NULL, NULL, "Authentication"},
	{"jwt-key", "FILE", TEXT, &config.jwt_key, NULL,
		"what verifies tokens: the secret (HS256) or the public key, PEM (RS256); clients then must have one;\n"
	"        everybody may read a public key, but a secret is refused that everybody may read"},
	{"jwt-algorithm", "NAME", TEXT, &config.jwt_algorithm, "HS256",
	"HS256 or RS256; tokens signed otherwise are refused"},
	{"jwt-signing-key", "FILE", TEXT, &config.jwt_signing_key, NULL,
	"the private key, PEM, that signs tokens at login with RS256; without it there is no login"},
	{"jwt-audience", "NAME", TEXT, &config.jwt_audience, NULL,
	"refuse tokens whose \"aud\" is not this"},
	{"anonymous-role", "ROLE", TEXT, &config.anonymous_role, NULL,
	"the role of clients without a token; default: they are answered 401"},
	{"logins", "N", POSITIVE, &config.logins, "4",
	"logins with a password at a time"},
	{"remember-passwords", "SECONDS", NATURAL, &config.remember_passwords, "60",
	"how long a password that came with a request of Milvus is believed once it was right; 0: PostgreSQL is asked each time"},
	{"token-lifetime", "SECONDS", POSITIVE, &config.token_lifetime, "3600",
	"how long a token of a login is good, at most"},
	{"", NULL, HEADING, NULL, NULL, "TLS"},
	{"tls-cert", "FILE", TEXT, &config.tls_cert, NULL,
	"the certificate, PEM, and those that vouch for it; read again at SIGHUP"},
	{"tls-key", "FILE", TEXT, &config.tls_key, NULL,
	"its private key, PEM; not one that everybody may read"},
	{"", NULL, HEADING, NULL, NULL, "Watching"},
	{"metrics-listen", "ADDRESS:PORT", TEXT, &config.metrics_listen, "127.0.0.1:7513",
		"where /metrics is, for Prometheus, by HTTP; \"off\": nowhere; other than the loopback only with --jwt-key,\n"
	"        though it asks nobody for a token"},
	{"metrics-tls", "WHICH", TEXT, &config.metrics_tls, "off",
	"on: /metrics speaks TLS like all else, with --tls-cert; off: it does not, whatever else does"},
	{"log-format", "FORMAT", TEXT, &config.log_format, "text",
	"text or json, on standard error"},
	{"log-requests", "WHICH", TEXT, &config.log_requests, "all",
	"a line for each of the requests: all, errors (status 500 and above), none"}
};

#define NOPTIONS ((int) (sizeof(options) / sizeof(options[0])))

/* Who has set each option last. */
typedef enum Source
{
	SOURCE_NOBODY,
	SOURCE_ENVIRONMENT,
	SOURCE_ARGUMENTS
} Source;

static Source sources[NOPTIONS];

static void help(void);
static void set(const Option *option, const char *value);
static int	read_number(const Option *option, const char *text);
static size_t read_size(const Option *option, const char *text);
static void take(const Option *option, const char *value, Source source);
static void add(const Option *option, const char *value);
static void read_environment(void);
static void name_variable(const Option *option, char *name, size_t size);
static void warn_of_unknown(void);
static bool is_known_variable(const char *name);
static bool is_of_kubernetes(const char *name);
static const Option *nearest_option(const char *text, size_t length);
static size_t count_changes(const char *name, const char *text, size_t length);
static void read_arguments(int argc, char **argv);
static void fail_unknown(const char *argument) __attribute__((noreturn));
static const Option *find_option(const char *name, size_t length);

/*
 * Set the configuration to what is asked for, and what is not to its presets; ends the
 * program if that can't be read, or asks for help.
 */
void
option_read(int argc, char **argv)
{
	for (int i = 0; i < NOPTIONS; i++)
		if (options[i].preset)
			set(&options[i], options[i].preset);
	read_environment();
	read_arguments(argc, argv);
	warn_of_unknown();
}

/*
 * Whether somebody has set an option.
 */
bool
option_is_given(const char *name)
{
	return sources[find_option(name, strlen(name)) - options] != SOURCE_NOBODY;
}

static void
help(void)
{
	puts("kz-gateway lets clients of Kuzzle (HTTP, WebSocket) and of Milvus (HTTP) use\n"
		 "PostgreSQL with kz.  It moves bytes: what the protocols say is in the database.\n"
		 "\n"
		 "Usage: kz-gateway [--OPTION VALUE]...\n");
	for (int i = 0; i < NOPTIONS; i++)
	{
		const Option *option = &options[i];

		if (option->kind == HEADING)
		{
			printf("\n%s\n", option->help);
			continue;
		}
		printf("  --%s %s\n        %s", option->name, option->argument, option->help);
		if (option->preset && option->preset[0] && strcmp(option->preset, "0") != 0)
			printf(" (default %s)", option->preset);
		puts("");
	}
	puts("\nEach option can also stand in the environment: --max-body as KZ_GATEWAY_MAX_BODY.  A name\n"
		 "that is none of these is told of, but for those that Kubernetes makes for services.\n"
		 "\n"
		 "SIGTERM lets requests under way end, then exits; SIGHUP reads the files of TLS again.\n"
		 "\n"
		 "With --jwt-key, the role of a request is that of the claim \"role\" of its token, and\n"
		 "may do what that role may do in PostgreSQL.  The role that the gateway itself connects\n"
		 "as should have no rights of its own:\n"
		 "\n"
		 "  CREATE ROLE gateway LOGIN NOINHERIT;\n"
		 "  GRANT alice TO gateway;\n"
		 "\n"
		 "  kz-gateway --database 'dbname=shop user=gateway' --jwt-key /etc/kz-gateway/secret \\\n"
		 "      --listen 0.0.0.0:7512 --tls-cert cert.pem --tls-key key.pem");
	exit(0);
}

/*
 * End the program, since something about the options is not good.
 */
void
option_fail(const char *message, const char *about)
{
	fprintf(stderr, "kz-gateway: %s%s\nTry kz-gateway --help.\n", message, about);
	exit(2);
}

static void
set(const Option *option, const char *value)
{
	if (option->kind == SIZE)
		*(size_t *) option->place = read_size(option, value);
	else if (option->kind == POSITIVE || option->kind == NATURAL)
		*(int *) option->place = read_number(option, value);
	else
		*(const char **) option->place = value;
}

static int
read_number(const Option *option, const char *text)
{
	char	   *end;
	long		number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || *text == '\0' || *end != '\0' || number < (option->kind == NATURAL ? 0 : 1) ||
		number > INT_MAX / 1000)
		option_fail("not a fitting number for --", option->name);
	return number;
}

/*
 * A number of bytes, or of what a unit behind it says.
 */
static size_t
read_size(const Option *option, const char *text)
{
	static const struct
	{
		const char *name;
		size_t		bytes;
	}			units[] = {{"", 1}, {"B", 1}, {"kB", 1024}, {"MB", MB}, {"GB", GB}};
	char	   *unit;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &unit, 10);
	unit += strspn(unit, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (errno == 0 && *text >= '0' && *text <= '9' && strcmp(unit, units[i].name) == 0 && number > 0 &&
			number <= SIZE_MAX / 2 / units[i].bytes)
			return number * units[i].bytes;
	option_fail("not a fitting size, as 64MB, for --", option->name);
}

/*
 * Set what somebody has asked for: in place of what was asked elsewhere, beside what was
 * asked there if it is a list.
 */
static void
take(const Option *option, const char *value, Source source)
{
	Source	   *last = &sources[option - options];

	(option->kind == LIST && *last == source ? add : set) (option, value);
	*last = source;
}

/*
 * Set one more value of a list.
 */
static void
add(const Option *option, const char *value)
{
	Buffer		list = {0};

	buffer_printf(&list, "%s,%s", *(const char **) option->place, value);
	set(option, buffer_take_string(&list));
}

static void
read_environment(void)
{
	for (int i = 0; i < NOPTIONS; i++)
	{
		char		name[64];
		const char *value;

		name_variable(&options[i], name, sizeof(name));
		value = getenv(name);
		if (value && options[i].kind != HEADING)
			take(&options[i], value, SOURCE_ENVIRONMENT);
	}
}

/*
 * Where an option can stand in the environment.
 */
static void
name_variable(const Option *option, char *name, size_t size)
{
	snprintf(name, size, "KZ_GATEWAY_%s", option->name);
	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : toupper((unsigned char) *c);
}

/*
 * Tell of variables that look like ours and are none.  Kubernetes sets some for each
 * service, and one may be called kz-gateway.
 */
static void
warn_of_unknown(void)
{
	static const char prefix[] = "KZ_GATEWAY_";
	size_t		length = sizeof(prefix) - 1;

	for (char **variable = environ; *variable; variable++)
	{
		const char *rest = *variable + length;
		char	   *name = copy_bytes(*variable, strcspn(*variable, "="));
		const Option *near;

		if (strncmp(name, prefix, length) == 0 && !is_known_variable(name) && !is_of_kubernetes(name))
		{
			near = nearest_option(rest, strlen(name) - length);
			log_message("the variable %s of the environment is none of the gateway's, and has no effect%s%s", name,
						near ? "; there is an option --" : "", near ? near->name : "");
		}
		free(name);
	}
	log_flush();
}

static bool
is_known_variable(const char *name)
{
	char		known[64];

	for (int i = 0; i < NOPTIONS; i++)
	{
		name_variable(&options[i], known, sizeof(known));
		if (options[i].kind != HEADING && strcmp(name, known) == 0)
			return true;
	}
	return false;
}

/*
 * …_SERVICE_HOST, …_PORT, …_PORT_7512_TCP and their like.
 */
static bool
is_of_kubernetes(const char *name)
{
	if (strstr(name, "_SERVICE_"))
		return true;
	for (const char *at = name; (at = strstr(at, "_PORT")) != NULL; at++)
		if (at[5] == '\0' || at[5] == '_')
			return true;
	return false;
}

/*
 * The option whose name takes the fewest changes to become a text, in any case, if they
 * are few; or NULL.
 */
static const Option *
nearest_option(const char *text, size_t length)
{
	const Option *nearest = NULL;
	size_t		least = 3;

	for (int i = 0; i < NOPTIONS; i++)
	{
		size_t		n = options[i].kind != HEADING ? count_changes(options[i].name, text, length) : least;

		if (n < least)
		{
			least = n;
			nearest = &options[i];
		}
	}
	return nearest;
}

/*
 * How many letters have to be put in, left out or changed to make a text of a name.  An
 * underscore is a hyphen, since one stands for the other.
 */
static size_t
count_changes(const char *name, const char *text, size_t length)
{
	size_t		row[64];

	if (length >= sizeof(row) / sizeof(row[0]))
		return length;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; name[i - 1]; i++)
	{
		size_t		diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++)
		{
			char		c = text[j - 1] == '_' ? '-' : tolower((unsigned char) text[j - 1]);
			size_t		best = diagonal + (name[i - 1] != c);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[length];
}

static void
read_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		const char *name = argv[i];
		const char *equals = strchr(name, '=');
		const Option *option;

		if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
			help();
		if (strcmp(name, "--version") == 0)
		{
			puts("kz-gateway " KZ_VERSION);
			exit(0);
		}
		option = strncmp(name, "--", 2) == 0 ?
			find_option(name + 2, equals ? (size_t) (equals - name - 2) : strlen(name + 2)) : NULL;
		if (!option)
			fail_unknown(name);
		if (!equals && i + 1 == argc)
			option_fail("there is no value for ", name);
		take(option, equals ? equals + 1 : argv[++i], SOURCE_ARGUMENTS);
	}
}

static void
fail_unknown(const char *argument)
{
	const Option *near = nearest_option(argument + strspn(argument, "-"), strcspn(argument + strspn(argument, "-"), "="));

	if (!near)
		option_fail("there is no option ", argument);
	fprintf(stderr, "kz-gateway: there is no option %s, but --%s\nTry kz-gateway --help.\n", argument, near->name);
	exit(2);
}

static const Option *
find_option(const char *name, size_t length)
{
	for (int i = 0; i < NOPTIONS; i++)
		if (length > 0 && strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
			return &options[i];
	return NULL;
}
