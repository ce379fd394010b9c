/*
 * origin.c
 *	  Which web pages may call, by which names, and how browsers are told.
 *
 * Without tokens, who reaches us may do all, and every page that somebody on this
 * machine looks at has a browser that reaches us.  The browser says whose page it is
 * (Origin).  A site can have its own name lead to the loopback, and then its pages are
 * ours to the browser; so by which name we are called (Host) counts as well.  With
 * tokens neither matters, as no browser adds a token by itself.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "origin.h"
#include "protocol/cors.h"

/* What of a client's is shown in a message. */
#define SHOWN 100

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SEPARATORS ", "

static bool hosts_count(void);
static bool origins_count(void);
static bool is_our_page(const char *origin, const char *host);
static bool is_our_host(const char *host);
static bool is_loopback(const char *name, size_t length);
static bool is_listening(const char *where, const char *name, size_t length);
static size_t name_length(const char *host);
static bool in_list(const char *list, const char *word, size_t length);
static bool is_host(const char *text, size_t length);
static const char *shown(const char *text);

/*
 * Whether a browser may send this as an Origin, or it stands for all.
 */
bool
origin_is_well_formed(const char *origin)
{
	static const char *const redundant[] = {"http://:80", "https://:443"};
	size_t		scheme = strspn(origin, LETTERS "0123456789+-.");
	const char *host = origin + scheme + 3;
	const char *port;

	if (strcmp(origin, "*") == 0 || strcmp(origin, "null") == 0)
		return true;
	if (scheme == 0 || strncmp(origin + scheme, "://", 3) != 0)
		return false;
	port = host + name_length(host);
	for (int i = 0; i < 2; i++)
		if (strncasecmp(origin, redundant[i], scheme + 3) == 0 && strcmp(port, redundant[i] + scheme + 3) == 0)
			return false;
	if (*port == ':' && (port[1] == '\0' || strlen(port) > 6 || port[1 + strspn(port + 1, "0123456789")] != '\0' ||
						 port[1] == '0' || atoi(port + 1) > 65535))
		return false;
	return is_host(host, port - host) && (*port == '\0' || *port == ':');
}

/*
 * Whether this may be the name in a header Host, or stands for all.
 */
bool
host_is_well_formed(const char *host)
{
	return strcmp(host, "*") == 0 || (is_host(host, strlen(host)) && host[name_length(host)] == '\0');
}

/*
 * A name, an address, or an address of IPv6 in brackets.
 */
static bool
is_host(const char *text, size_t length)
{
	char		address[INET6_ADDRSTRLEN];
	struct in6_addr ignored;

	if (length < 2 || *text != '[')
		return length > 0 && strspn(text, LETTERS "0123456789-._") >= length;
	if (length - 2 >= sizeof(address) || text[length - 1] != ']')
		return false;
	snprintf(address, sizeof(address), "%.*s", (int) (length - 2), text + 1);
	return inet_pton(AF_INET6, address, &ignored) == 1;
}

/*
 * The length of the name or address at the begin, without the port.
 */
static size_t
name_length(const char *host)
{
	size_t		length = strcspn(host, *host == '[' ? "]" : ":");

	return length + (*host == '[' && host[length] == ']');
}

static bool
hosts_count(void)
{
	return !config_authenticates() || config.allow_host;
}

static bool
origins_count(void)
{
	return !config_authenticates() || config.allow_origin;
}

/*
 * Whether there is a page that asks, and may read the answer.
 */
bool
origin_permits(const HttpMessage *message)
{
	const char *origin = message->origin;

	return origin && *origin && (!origins_count() || in_list(config.allow_origin, origin, strlen(origin)) ||
								 is_our_page(origin, message->host));
}

/*
 * Why a message is refused, which is the caller's; NULL if it is not.  What names no
 * host at all, as HTTP/1.0 may, comes from no browser.
 */
char *
origin_refusal(const HttpMessage *message)
{
	Buffer		problem = {0};

	if (hosts_count() && message->host && !is_our_host(message->host))
		buffer_printf(&problem, "\"%s\" is no name of this host; see --allow-host", shown(message->host));
	else if (message->origin && !origin_permits(message))
		buffer_printf(&problem, "pages of \"%s\" may not call; see --allow-origin", shown(message->origin));
	else
		return NULL;
	return buffer_take_string(&problem);
}

/*
 * Whether a page comes from where it calls, in front of us or at our own port.  That is
 * believed only of names that only we have.
 */
static bool
is_our_page(const char *origin, const char *host)
{
	const char *colon = strstr(origin, "://");

	return colon && host && hosts_count() && strncasecmp(origin, "http", 4) == 0 &&
		strcasecmp(colon + 3, host) == 0 && is_our_host(host);
}

/*
 * Whether this is a name, with any port, that leads to us wherever it is asked for.
 */
static bool
is_our_host(const char *host)
{
	size_t		length = name_length(host);

	return (host[length] == '\0' || host[length] == ':') &&
		(is_loopback(host, length) || in_list(config.allow_host, host, length) ||
		 is_listening(config.listen, host, length) || is_listening(config.metrics_listen, host, length));
}

/*
 * localhost, a name under it, or an address of the loopback.
 */
static bool
is_loopback(const char *name, size_t length)
{
	static const char localhost[] = ".localhost";
	char		address[INET6_ADDRSTRLEN];
	struct in_addr four;
	struct in6_addr six;
	size_t		bracketed = *name == '[';
	size_t		tail = sizeof(localhost) - 1;

	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length >= tail ? strncasecmp(name + length - tail, localhost, tail) == 0 :
		length == tail - 1 && strncasecmp(name, localhost + 1, length) == 0)
		return true;
	if (length - 2 * bracketed >= sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int) (length - 2 * bracketed), name + bracketed);
	if (bracketed)
		return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
	return inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/*
 * Whether ADDRESS:PORT has this name or address.
 */
static bool
is_listening(const char *where, const char *name, size_t length)
{
	return length > 0 && name_length(where) == length && where[length] == ':' && strncasecmp(where, name, length) == 0;
}

/*
 * Whether a word, in any case, is one of those between commas, or these are all.
 */
static bool
in_list(const char *list, const char *word, size_t length)
{
	size_t		n = 0;

	for (list = list ? list : ""; *list; list += n)
	{
		list += strspn(list, SEPARATORS);
		n = strcspn(list, SEPARATORS);
		if ((n == 1 && *list == '*') || (n > 0 && n == length && strncasecmp(list, word, n) == 0))
			return true;
	}
	return false;
}

static const char *
shown(const char *text)
{
	size_t		length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return "?";
	return length <= SHOWN ? text : "?";
}

/*
 * The headers of each answer by HTTP that tell a browser what pages may do; origin is
 * whose page may read this one, or NULL.
 */
void
origin_write_headers(Buffer *out, Protocol protocol, const char *origin)
{
	bool		milvus = protocol == MILVUS_HTTP;

	http_write_header(out, "Access-Control-Allow-Headers", milvus ? KZ_CORS_MILVUS_HEADERS : KZ_CORS_KUZZLE_HEADERS);
	http_write_header(out, "Access-Control-Allow-Methods", milvus ? KZ_CORS_MILVUS_METHODS : KZ_CORS_KUZZLE_METHODS);
	http_write_header(out, "Vary", "Origin");
	if (origin)
	{
		http_write_header(out, "Access-Control-Allow-Origin", origin);
		http_write_header(out, "Access-Control-Allow-Credentials", "true");
	}
	else if (milvus && !origins_count())
		http_write_header(out, "Access-Control-Allow-Origin", "*");
}
