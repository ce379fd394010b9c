/*
 * load.c
 *	  Many clients, each with one upsert under way, by HTTP or by WebSocket.
 *
 *	load PORT http|websocket CLIENTS SECONDS DOCUMENTS TARGET BODY
 *
 * In TARGET and BODY, ":id" becomes the id of one of the documents, and ":number"
 * a number that no other request has, so that each changes its document; a
 * WebSocket sends only BODY.  Prints how many answers came, in how many seconds,
 * and the 50th and 99th percentile of their latency in milliseconds.  Anything but
 * success ends the program.
 *
 * With 0 SECONDS, the clients ask once, one after the other, and then stay until the
 * program is killed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define HANDSHAKE "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define FIRST_ID 1000000001
#define MAX_MESSAGE 4096
#define PATIENCE 10000			/* ms without any answer */

/* Latencies of less than 2^(i + 6) µs in steps of 2^i µs. */
#define STEPS 64
#define SCALES 24

typedef struct Client
{
	int			fd;
	int64_t		sent;			/* µs */
	size_t		length;			/* of what came of the answer */
	char		answer[MAX_MESSAGE];
} Client;

static bool websocket;
static const char *target;
static const char *body;
static int	documents;
static unsigned long long nsent;
static unsigned long long nanswered;
static uint64_t histogram[SCALES][STEPS];

static int64_t microseconds(void);
static void connect_client(Client *client, int port);
static void shake_hands(int fd);
static void send_request(Client *client);
static size_t substitute(char *to, const char *text, int id, unsigned long long number);
static bool read_answer(Client *client);
static size_t answer_length(const Client *client);
static size_t http_length(const char *answer, const char *end_of_head);
static void count_latency(uint64_t us);
static double percentile(double share);

int
main(int argc, char **argv)
{
	struct epoll_event events[256];
	Client	   *clients;
	int			nclients;
	int			epoll_fd = epoll_create1(0);
	int64_t		began;
	int64_t		end;
	int64_t		now;

	if (argc != 8)
		errx(2, "usage: load PORT http|websocket CLIENTS SECONDS DOCUMENTS TARGET BODY");
	websocket = strcmp(argv[2], "websocket") == 0;
	nclients = atoi(argv[3]);
	documents = atoi(argv[5]);
	target = argv[6];
	body = argv[7];
	clients = calloc(nclients, sizeof(Client));
	if (!clients || epoll_fd < 0)
		err(1, "no memory");
	for (int i = 0; i < nclients; i++)
	{
		struct epoll_event event = {.events = EPOLLIN,.data.ptr = &clients[i]};

		connect_client(&clients[i], atoi(argv[1]));
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &event) < 0)
			err(1, "epoll_ctl");
	}

	began = now = microseconds();
	end = began + 1000000LL * atoi(argv[4]);
	for (int i = 0; i < (end > began ? nclients : 1); i++)
		send_request(&clients[i]);
	while (nanswered < nsent)
	{
		int			n = epoll_wait(epoll_fd, events, 256, PATIENCE);

		if (n <= 0)
			errx(1, "there is no answer");
		for (int i = 0; i < n; i++)
		{
			Client	   *client = events[i].data.ptr;

			if (!read_answer(client))
				continue;
			now = microseconds();
			count_latency(now - client->sent);
			nanswered++;
			if (now < end)
				send_request(client);
			else if (end == began && (int) nsent < nclients)
				send_request(&clients[nsent]);
		}
	}
	printf("%llu %.6f %.3f %.3f\n", nanswered, (now - began) / 1e6, percentile(0.5), percentile(0.99));
	fflush(stdout);
	if (end == began)
		pause();
	return 0;
}

static int64_t
microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
connect_client(Client *client, int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,.sin_port = htons(port),.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int			on = 1;

	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		err(1, "no connection");
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (websocket)
		shake_hands(client->fd);
}

static void
shake_hands(int fd)
{
	static const char request[] = HANDSHAKE;
	char		answer[MAX_MESSAGE];
	ssize_t		length;

	if (write(fd, request, sizeof(request) - 1) < 0)
		err(1, "could not send");
	length = read(fd, answer, sizeof(answer) - 1);
	answer[length > 0 ? length : 0] = '\0';
	if (strncmp(answer, "HTTP/1.1 101 ", 13) != 0 || !strstr(answer, "\r\n\r\n"))
		errx(1, "no WebSocket: %s", answer);
}

/*
 * A frame must be masked; the mask may be anything, so it is zero.
 */
static void
send_request(Client *client)
{
	static unsigned int seed = 1;
	char		path[MAX_MESSAGE];
	char		text[MAX_MESSAGE];
	char		message[3 * MAX_MESSAGE];
	int			id = FIRST_ID + rand_r(&seed) % documents;
	size_t		length = substitute(text, body, id, nsent);
	size_t		head;

	if (websocket)
	{
		message[0] = (char) 0x81;
		message[1] = (char) (0x80 | (length > 125 ? 126 : length));
		head = length > 125 ? 8 : 6;
		memset(message + 2, 0, 6);
		if (length > 125)
		{
			message[2] = length >> 8;
			message[3] = length & 0xff;
		}
	}
	else
	{
		substitute(path, target, id, nsent);
		head = sprintf(message, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
					   "Content-Length: %zu\r\n\r\n", path, length);
	}
	memcpy(message + head, text, length);
	nsent++;
	client->length = 0;
	client->sent = microseconds();
	/* It is so little that the socket takes it. */
	if (write(client->fd, message, head + length) != (ssize_t) (head + length))
		err(1, "could not send");
}

static size_t
substitute(char *to, const char *text, int id, unsigned long long number)
{
	char	   *at = to;

	while (*text && at - to < MAX_MESSAGE - 32)
	{
		bool		is_id = strncmp(text, ":id", 3) == 0;

		if (is_id || strncmp(text, ":number", 7) == 0)
		{
			at += sprintf(at, "%llu", is_id ? (unsigned long long) id : number + 1);
			text += is_id ? 3 : 7;
		}
		else
			*at++ = *text++;
	}
	*at = '\0';
	return at - to;
}

/*
 * Read what there is; true if it is all of the answer.
 */
static bool
read_answer(Client *client)
{
	ssize_t		n = read(client->fd, client->answer + client->length, MAX_MESSAGE - 1 - client->length);

	if (n <= 0)
		errx(1, "the connection has ended, or the answer is too long");
	client->length += n;
	client->answer[client->length] = '\0';
	return answer_length(client) == client->length;
}

/*
 * 0 as long as it is not known.
 */
static size_t
answer_length(const Client *client)
{
	const unsigned char *bytes = (const unsigned char *) client->answer;
	const char *end = strstr(client->answer, "\r\n\r\n");

	if (!websocket)
		return end ? http_length(client->answer, end + 4) : 0;
	if (client->length < 4)
		return 0;
	if (bytes[0] != 0x81 || bytes[1] > 126)
		errx(1, "not a frame of ours");
	if (bytes[1] < 126)
		return 2 + bytes[1];
	if (client->length == 4 + (size_t) (bytes[2] << 8 | bytes[3]) && !strstr(client->answer + 4, "\"status\": 200"))
		errx(1, "it failed: %s", client->answer + 4);
	return 4 + (bytes[2] << 8 | bytes[3]);
}

static size_t
http_length(const char *answer, const char *end_of_head)
{
	const char *length = strcasestr(answer, "\r\ncontent-length:");

	if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0 || !length || length > end_of_head)
		errx(1, "it failed: %s", answer);
	return end_of_head - answer + strtoul(length + 17, NULL, 10);
}

static void
count_latency(uint64_t us)
{
	int			scale = 0;

	while (us >> scale >= STEPS && scale < SCALES - 1)
		scale++;
	histogram[scale][us >> scale < STEPS ? us >> scale : STEPS - 1]++;
}

/*
 * In milliseconds: the upper end of the step that it is in.
 */
static double
percentile(double share)
{
	uint64_t	rest = share * nanswered;

	for (int scale = 0; scale < SCALES; scale++)
		for (int step = 0; step < STEPS; step++)
		{
			if (histogram[scale][step] > rest)
				return ((uint64_t) (step + 1) << scale) / 1000.0;
			rest -= histogram[scale][step];
		}
	return 0;
}
