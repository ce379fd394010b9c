/*
 * config.c
 *	  What the program was told, if that can be.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "config.h"
#include "forwarded.h"
#include "option.h"
#include "origin.h"

/* No text of the server's is larger. */
#define MOST_BODY GB

#define LEAST_MEMORY (16 * MB)

Config		config = {.max_clients_per_address = -1};

static void fill_in(void);
static void check(void);
static void check_sizes(void);
static void check_each(const char *list, bool (*is_well_formed) (const char *), const char *message);
static void check_no_authentication(void);
static void check_database(void);
static bool is_one_of(const char *value, const char *const *choices);

/*
 * Read the configuration; ends the program if it is no good, or asks for help.
 */
void
config_read(int argc, char **argv)
{
	option_read(argc, argv);
	check();
	fill_in();
}

/*
 * What nobody has said, and the machine has to.
 */
static void
fill_in(void)
{
	size_t		half = (size_t) sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;

	if (config.connections == 0)
		config.connections = 4 * sysconf(_SC_NPROCESSORS_ONLN);
	if (config.max_memory == 0)
		config.max_memory = half < GB ? half : GB;
	if (config.max_clients_per_address < 0)
		config.max_clients_per_address = config.max_clients / 4 + 1;
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
		option_fail("--jwt-algorithm must be HS256 or RS256, not ", config.jwt_algorithm);
	if (!is_one_of(config.log_format, formats))
		option_fail("--log-format must be text or json, not ", config.log_format);
	if (!is_one_of(config.log_requests, which))
		option_fail("--log-requests must be all, errors or none, not ", config.log_requests);
	if (!config.tls_cert != !config.tls_key)
		option_fail("--tls-cert and --tls-key need each other", "");
	if (!is_one_of(config.metrics_tls, switches))
		option_fail("--metrics-tls must be on or off, not ", config.metrics_tls);
	if (config_metrics_speak_tls() && !config.tls_cert)
		option_fail("--metrics-tls needs --tls-cert", "");
	check_database();
	check_sizes();
	if (!config.jwt_key)
		check_no_authentication();
	if (config.jwt_signing_key && strcmp(config.jwt_algorithm, "HS256") == 0)
		option_fail("--jwt-signing-key is for RS256", "");
	if (config.jwt_audience && !config.jwt_audience[0])
		option_fail("--jwt-audience must be a name", "");
	if (config.anonymous_role && (strcmp(config.anonymous_role, "none") == 0 || !config.anonymous_role[0]))
		option_fail("--anonymous-role must be a role", "");
	check_each(config.allow_origin, origin_is_well_formed,
			   "--allow-origin is what browsers send, as https://example.com or http://localhost:3000, without a path "
			   "and without the port that is that of the scheme; not ");
	check_each(config.allow_host, host_is_well_formed,
			   "--allow-host is a name or an address, as db.example.com or [2001:db8::1], without scheme, port and "
			   "path; not ");
	check_each(config.trust_forwarded, forwarded_is_well_formed,
			   "--trust-forwarded takes addresses, as 10.0.0.1 or 10.0.0.0/8, not ");
}

static void
check_sizes(void)
{
	if (config.max_memory != 0 && config.max_memory < LEAST_MEMORY)
		option_fail("--max-memory must be 16MB at least", "");
	if (config.max_body > MOST_BODY)
		option_fail("--max-body must be 1GB at most", "");
	if (config.max_answer > MOST_BODY)
		option_fail("--max-answer must be 1GB at most", "");
}

/*
 * Refuse what could never be met: who has named it takes it to be allowed.
 */
static void
check_each(const char *list, bool (*is_well_formed) (const char *), const char *message)
{
	char	   *rest = copy_string(list);

	if (list && list[strspn(list, ", ")] == '\0')
		option_fail(message, "\"\"");
	for (char *value = rest ? strtok(rest, ", ") : NULL; value; value = strtok(NULL, ", "))
		if (!is_well_formed(value))
			option_fail(message, value);
	free(rest);
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

	for (const char *const *name = names; *name; name++)
		if (option_is_given(*name))
			option_fail("without --jwt-key there is no authentication, so no option about it: --", *name);
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
		option_fail("--database can't be understood: ", problem);
}

static bool
is_one_of(const char *value, const char *const *choices)
{
	while (*choices && strcmp(*choices, value) != 0)
		choices++;
	return *choices != NULL;
}
