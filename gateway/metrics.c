/*
 * metrics.c
 *	  What is counted, in the text format of Prometheus.
 */
#include "memory.h"
#include "metrics.h"

/* Upper bounds of the histogram of durations, in ms. */
static const double bounds[] = {1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};

#define NBOUNDS ((int) (sizeof(bounds) / sizeof(bounds[0])))

Metrics		metrics;

static uint64_t histogram[NBOUNDS + 1];
static double total_ms;

static void write_answers(Buffer *buffer);
static void write_durations(Buffer *buffer);

/*
 * Count an answer.
 */
void
metrics_count(Protocol protocol, int status, size_t bytes, double ms)
{
	int			i = 0;

	metrics.answers[protocol][status / 100]++;
	metrics.bytes += bytes;
	total_ms += ms;
	while (i < NBOUNDS && ms > bounds[i])
		i++;
	histogram[i]++;
}

/*
 * Write all of them.
 */
void
metrics_write(Buffer *buffer)
{
	const struct
	{
		const char *name;
		const char *type;
		const char *help;
		uint64_t	value;
	}			rows[] = {
		{"clients", "gauge", "Connections of clients.", metrics.clients},
		{"websockets", "gauge", "Of these, WebSockets.", metrics.websockets},
		{"requests_in_progress", "gauge", "Requests without an answer yet.", metrics.requests},
		{"requests_waiting", "gauge", "Of these, those that wait for a connection.", metrics.waiting},
		{"database_connections", "gauge", "Connections to the database that work.", metrics.connections},
		{"database_connections_busy", "gauge", "Of these, those with a request.", metrics.running},
		{"memory_bytes", "gauge", "Memory that counts for --max-memory.", memory_used()},
		{"clients_total", "counter", "Connections that clients have made.", metrics.accepted},
		{"clients_refused_total", "counter", "Of these, those that were too many.", metrics.refused_clients},
		{"clients_shed_total", "counter", "How often one had to let go of what it held, as memory was short.", metrics.shed_clients},
		{"database_connections_lost_total", "counter", "Connections to the database that ended.", metrics.connections_lost},
		{"logins_total", "counter", "Logins with a password.", metrics.logins},
		{"logins_failed_total", "counter", "Of these, those that failed.", metrics.failed_logins},
		{"answer_bytes_total", "counter", "Bytes of bodies of answers.", metrics.bytes}
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		buffer_printf(buffer, "# HELP kz_gateway_%s %s\n# TYPE kz_gateway_%s %s\nkz_gateway_%s %llu\n",
					  rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
					  (unsigned long long) rows[i].value);
	write_answers(buffer);
	write_durations(buffer);
}

static void
write_answers(Buffer *buffer)
{
	static const char *const names[NPROTOCOLS] = {
		[KUZZLE_HTTP] = "kuzzle_http",[MILVUS_HTTP] = "milvus_http",[KUZZLE_WEBSOCKET] = "kuzzle_websocket"
	};

	buffer_append_string(buffer, "# HELP kz_gateway_answers_total Answers, by protocol and status.\n"
						 "# TYPE kz_gateway_answers_total counter\n");
	for (int i = 0; i < NPROTOCOLS; i++)
		for (int status = 2; status <= 5; status++)
			buffer_printf(buffer, "kz_gateway_answers_total{protocol=\"%s\",status=\"%dxx\"} %llu\n", names[i], status,
						  (unsigned long long) metrics.answers[i][status]);
}

static void
write_durations(Buffer *buffer)
{
	unsigned long long sum = 0;

	buffer_append_string(buffer, "# HELP kz_gateway_duration_seconds From a whole request to its answer.\n"
						 "# TYPE kz_gateway_duration_seconds histogram\n");
	for (int i = 0; i < NBOUNDS; i++)
	{
		sum += histogram[i];
		buffer_printf(buffer, "kz_gateway_duration_seconds_bucket{le=\"%g\"} %llu\n", bounds[i] / 1000, sum);
	}
	sum += histogram[NBOUNDS];
	buffer_printf(buffer, "kz_gateway_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
				  "kz_gateway_duration_seconds_sum %g\nkz_gateway_duration_seconds_count %llu\n",
				  sum, total_ms / 1000, sum);
}
