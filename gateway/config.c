/*
 * config.c
 *	  What the program was told: options, or variables of the environment.
 */
#include <ctype.h>
#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "config.h"
#include "log.h"

/* No text of the server's is larger. */
#define MOST_BODY (1024 * 1024 * 1024)

Config		config;

/* An option; also KZ_GATEWAY_ and its name in upper case in the environment. */
typedef struct Option
{
	const char *name;
	const char *argument;
	const char **string;		/* one of these two is where it goes */
	int		   *number;
	const char *preset;			/* NULL: none */
	const char *help;
} Option;

static const Option options[] = {
	{"listen", "ADDRESS:PORT", &config.listen, NULL, "127.0.0.1:7512",
	"where clients come; other than the loopback only with --jwt-key"},
	{"database", "CONNINFO", &config.database, NULL, "",
	"how to connect, as libpq takes it; PGHOST and its like, and service files, count"},
	{"connections", "N", NULL, &config.connections, "0",
	"connections to the database; 0: four for each processor"},
	{"queue", "N", NULL, &config.queue, "1024",
	"requests that may wait for a connection; more are answered 503"},
	{"timeout", "SECONDS", NULL, &config.timeout, "30",
	"time for a request in the database; then it is cancelled and answered 504"},
	{"", NULL, NULL, NULL, NULL, "Clients"},
	{"max-clients", "N", NULL, &config.max_clients, "4096",
	"connections of clients; more are closed at once"},
	{"max-requests", "N", NULL, &config.max_requests, "100",
	"requests under way of one WebSocket; it is not read while it has so many"},
	{"max-body", "BYTES", NULL, &config.max_body, "1048576",
	"size of a body or a message, up to 1 GB; larger is answered 413, or closed with 1009"},
	{"idle-timeout", "SECONDS", NULL, &config.idle_timeout, "60",
	"time without a request; a WebSocket is asked in between whether it lives"},
	{"read-timeout", "SECONDS", NULL, &config.read_timeout, "10",
	"time for a request to arrive once it has begun"},
	{"send-timeout", "SECONDS", NULL, &config.send_timeout, "30",
	"time for a client to take some of its answers"},
	{"drain-timeout", "SECONDS", NULL, &config.drain_timeout, "10",
	"time for requests under way to end after SIGTERM"},
	{"allow-origin", "ORIGIN", &config.allow_origin, NULL, NULL,
	"the only web site whose pages may call, as https://example.com; default: all"},
	{"", NULL, NULL, NULL, NULL, "Authentication"},
	{"jwt-key", "FILE", &config.jwt_key, NULL, NULL,
		"what verifies tokens: the secret (HS256) or the public key, PEM (RS256); clients then must have one;\n"
	"        everybody may read a public key, but a secret is refused that everybody may read"},
	{"jwt-algorithm", "NAME", &config.jwt_algorithm, NULL, "HS256",
	"HS256 or RS256; tokens signed otherwise are refused"},
	{"jwt-signing-key", "FILE", &config.jwt_signing_key, NULL, NULL,
	"the private key, PEM, that signs tokens at login with RS256; without it there is no login"},
	{"jwt-audience", "NAME", &config.jwt_audience, NULL, NULL,
	"refuse tokens whose \"aud\" is not this"},
	{"anonymous-role", "ROLE", &config.anonymous_role, NULL, NULL,
	"the role of clients without a token; default: they are answered 401"},
	{"logins", "N", NULL, &config.logins, "4",
	"logins with a password at a time"},
	{"remember-passwords", "SECONDS", NULL, &config.remember_passwords, "60",
	"how long a password that came with a request of Milvus is believed once it was right; 0: PostgreSQL is asked each time"},
	{"token-lifetime", "SECONDS", NULL, &config.token_lifetime, "3600",
	"how long a token of a login is good, at most"},
	{"", NULL, NULL, NULL, NULL, "TLS"},
	{"tls-cert", "FILE", &config.tls_cert, NULL, NULL,
	"the certificate, PEM, and those that vouch for it; read again at SIGHUP"},
	{"tls-key", "FILE", &config.tls_key, NULL, NULL,
	"its private key, PEM; not one that everybody may read"},
	{"", NULL, NULL, NULL, NULL, "Watching"},
	{"metrics-listen", "ADDRESS:PORT", &config.metrics_listen, NULL, "127.0.0.1:7513",
		"where /metrics is, for Prometheus, by HTTP; \"off\": nowhere; other than the loopback only with --jwt-key,\n"
	"        though it asks nobody for a token"},
	{"metrics-tls", "WHICH", &config.metrics_tls, NULL, "off",
	"on: /metrics speaks TLS like all else, with --tls-cert; off: it does not, whatever else does"},
	{"log-format", "FORMAT", &config.log_format, NULL, "text",
	"text or json, on standard error"},
	{"trust-forwarded", "ADDRESSES", &config.trust_forwarded, NULL, NULL,
		"proxies, as 10.0.0.1,192.168.0.0/16, whose X-Forwarded-For (or Forwarded) is believed: the log says from whom\n"
	"        they have a request; they must set that header, or add to it"},
	{"log-requests", "WHICH", &config.log_requests, NULL, "all",
	"a line for each of the requests: all, errors (status 500 and above), none"}
};

#define NOPTIONS ((int) (sizeof(options) / sizeof(options[0])))

/* Which of the options somebody has set. */
static bool given[NOPTIONS];

static void help(void);
static void fail(const char *message, const char *about) __attribute__((noreturn));
static void set(const Option *option, const char *value);
static bool may_be_zero(const Option *option);
static void take(const Option *option, const char *value);
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
static void check(void);
static void check_no_authentication(void);
static void check_database(void);
static bool is_one_of(const char *value, const char *const *choices);

/*
 * Read the configuration; ends the program if it is no good, or asks for help.
 */
void
config_read(int argc, char **argv)
{
	for (int i = 0; i < NOPTIONS; i++)
		if (options[i].preset)
			set(&options[i], options[i].preset);
	read_environment();
	read_arguments(argc, argv);
	warn_of_unknown();
	if (config.connections == 0)
		config.connections = 4 * sysconf(_SC_NPROCESSORS_ONLN);
	check();
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

		if (!option->name[0])
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

static void
fail(const char *message, const char *about)
{
	fprintf(stderr, "kz-gateway: %s%s\nTry kz-gateway --help.\n", message, about);
	exit(2);
}

static void
set(const Option *option, const char *value)
{
	char	   *end;
	long		number;

	if (option->string)
	{
		*option->string = value;
		return;
	}
	errno = 0;
	number = strtol(value, &end, 10);
	if (errno != 0 || *value == '\0' || *end != '\0' || number < (may_be_zero(option) ? 0 : 1) ||
		number > (option->number == &config.max_body ? MOST_BODY : INT_MAX / 1000))
		fail("not a fitting number for --", option->name);
	*option->number = number;
}

static bool
may_be_zero(const Option *option)
{
	return option->number == &config.connections || option->number == &config.remember_passwords;
}

/*
 * Set what somebody has asked for.
 */
static void
take(const Option *option, const char *value)
{
	set(option, value);
	given[option - options] = true;
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
		if (value && options[i].name[0])
			take(&options[i], value);
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
		if (options[i].name[0] && strcmp(name, known) == 0)
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
		size_t		n = options[i].name[0] ? count_changes(options[i].name, text, length) : least;

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
			fail("there is no value for ", name);
		take(option, equals ? equals + 1 : argv[++i]);
	}
}

static void
fail_unknown(const char *argument)
{
	const Option *near = nearest_option(argument + strspn(argument, "-"), strcspn(argument + strspn(argument, "-"), "="));

	if (!near)
		fail("there is no option ", argument);
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

/*
 * What can't be right by itself.
 */
static void
check(void)
{
	static const char *const algorithms[] = {"HS256", "RS256", NULL};
	static const char *const formats[] = {"text", "json", NULL};
	static const char *const which[] = {"all", "errors", "none", NULL};
	static const char *const switches[] = {"on", "off", NULL};

	if (!is_one_of(config.jwt_algorithm, algorithms))
		fail("--jwt-algorithm must be HS256 or RS256, not ", config.jwt_algorithm);
	if (!is_one_of(config.log_format, formats))
		fail("--log-format must be text or json, not ", config.log_format);
	if (!is_one_of(config.log_requests, which))
		fail("--log-requests must be all, errors or none, not ", config.log_requests);
	if (!config.tls_cert != !config.tls_key)
		fail("--tls-cert and --tls-key need each other", "");
	if (!is_one_of(config.metrics_tls, switches))
		fail("--metrics-tls must be on or off, not ", config.metrics_tls);
	if (config_metrics_speak_tls() && !config.tls_cert)
		fail("--metrics-tls needs --tls-cert", "");
	check_database();
	if (!config.jwt_key)
		check_no_authentication();
	if (config.jwt_signing_key && strcmp(config.jwt_algorithm, "HS256") == 0)
		fail("--jwt-signing-key is for RS256", "");
	if (config.jwt_audience && !config.jwt_audience[0])
		fail("--jwt-audience must be a name", "");
	if (config.anonymous_role && (strcmp(config.anonymous_role, "none") == 0 || !config.anonymous_role[0]))
		fail("--anonymous-role must be a role", "");
}

/*
 * Who sets what is about authentication believes that there is some.
 */
static void
check_no_authentication(void)
{
	static const char *const names[] = {
		"anonymous-role", "jwt-algorithm", "jwt-audience", "jwt-signing-key", "logins",
		"remember-passwords", "token-lifetime", NULL
	};

	for (int i = 0; i < NOPTIONS; i++)
		if (given[i] && is_one_of(options[i].name, names))
			fail("without --jwt-key there is no authentication, so no option about it: --", options[i].name);
}

/*
 * What libpq can't take apart it would refuse at each attempt to connect.
 */
static void
check_database(void)
{
	const char *database = config.database;
	bool		is_conninfo = strchr(database, '=') || strncmp(database, "postgresql://", 13) == 0 ||
	strncmp(database, "postgres://", 11) == 0;
	char	   *problem = NULL;

	if (!is_conninfo)
		return;
	PQconninfoFree(PQconninfoParse(database, &problem));
	if (problem)
		fail("--database can't be understood: ", problem);
}

static bool
is_one_of(const char *value, const char *const *choices)
{
	while (*choices && strcmp(*choices, value) != 0)
		choices++;
	return *choices != NULL;
}
