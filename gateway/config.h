/*
 * config.h
 *	  What the program was told.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

typedef struct Config
{
	const char *listen;			/* ADDRESS:PORT */
	const char *metrics_listen; /* ADDRESS:PORT, or "off" */
	const char *database;		/* what libpq takes */
	int			connections;
	int			queue;			/* requests that wait for a connection */
	int			timeout;		/* seconds, of a request in PostgreSQL */
	int			max_body;		/* bytes */
	int			max_clients;
	int			max_requests;	/* of a client at a time */
	int			idle_timeout;	/* seconds */
	int			read_timeout;	/* seconds */
	int			send_timeout;	/* seconds */
	int			drain_timeout;	/* seconds */
	const char *jwt_algorithm;
	const char *jwt_key;		/* file; NULL: no authentication */
	const char *jwt_signing_key;	/* file */
	const char *jwt_audience;
	const char *anonymous_role;
	int			logins;			/* at a time */
	int			remember_passwords; /* seconds; 0: not at all */
	int			token_lifetime; /* seconds */
	const char *allow_origin;	/* NULL: all */
	const char *trust_forwarded;	/* NULL: nobody */
	const char *tls_cert;		/* file; NULL: no TLS */
	const char *tls_key;
	const char *metrics_tls;	/* "on", "off" */
	const char *log_format;
	const char *log_requests;	/* "all", "errors", "none" */
} Config;

extern Config config;

extern void config_read(int argc, char **argv);

/* Whether clients have to say who they are. */
static inline bool
config_authenticates(void)
{
	return config.jwt_key != NULL;
}

/* Whether /metrics speaks TLS; what else there is does as soon as it can. */
static inline bool
config_metrics_speak_tls(void)
{
	return config.metrics_tls[1] == 'n';
}

#endif							/* CONFIG_H */
