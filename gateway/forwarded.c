/*
 * forwarded.c
 *	  Who asks through a proxy.
 *
 * A proxy adds whom it has its request from at the end of X-Forwarded-For, or of
 * Forwarded (RFC 7239).  Anybody can send such a header, so only what proxies that
 * --trust-forwarded names have added counts: from the end on, up to the first that is
 * none of them.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "config.h"
#include "forwarded.h"

#define LONGEST 64				/* that is kept of what a header says */

/* Addresses whose first bits are these; those of IPv4 are mapped to IPv6. */
typedef struct Network
{
	unsigned char address[16];
	int			bits;
	struct Network *next;
} Network;

/* A part of a list, whose elements are between commas. */
typedef struct Element
{
	const char *text;
	size_t		length;
} Element;

static Network *trusted;

static bool read_network(const char *text, Network *network);
static bool read_address(const char *text, size_t length, unsigned char *address);
static bool is_trusted(const char *text, size_t length);
static bool next_element(const char **rest, Element *element);
static Element for_of(Element element);

/*
 * Read which proxies are trusted; ends the program if that can't be understood.
 */
void
forwarded_open(void)
{
	char	   *list = copy_string(config.trust_forwarded ? config.trust_forwarded : "");

	for (char *text = strtok(list, ", "); text; text = strtok(NULL, ", "))
	{
		Network    *network = allocate(sizeof(Network));

		if (!read_network(text, network))
		{
			fprintf(stderr, "kz-gateway: --trust-forwarded takes addresses, as 10.0.0.1 or 10.0.0.0/8, not %s\n", text);
			exit(2);
		}
		network->next = trusted;
		trusted = network;
	}
	if (config.trust_forwarded && !trusted)
	{
		fputs("kz-gateway: --trust-forwarded takes addresses, as 10.0.0.1 or 10.0.0.0/8\n", stderr);
		exit(2);
	}
	free(list);
}

/*
 * An address, and perhaps how many of its first bits count.
 */
static bool
read_network(const char *text, Network *network)
{
	size_t		length = strcspn(text, "/");
	const char *bits = text[length] ? text + length + 1 : NULL;
	int			most = memchr(text, ':', length) ? 128 : 32;

	if (strchr(text, '[') || (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) || !read_address(text, length, network->address))
		return false;
	if (bits && (!*bits || strlen(bits) > 3 || bits[strspn(bits, "0123456789")] != '\0' || atoi(bits) > most))
		return false;
	network->bits = 128 - most + (bits ? atoi(bits) : most);
	return true;
}

/*
 * Whom a request is from that a peer has sent, the caller's: what the header says that
 * the proxies send.  NULL if the peer is no proxy of ours, or says nothing.
 */
char *
forwarded_client(const char *peer, const char *x_forwarded_for, const char *forwarded)
{
	const char *rest = x_forwarded_for ? x_forwarded_for : forwarded;
	Element		element;
	Element		client = {0};

	if (!rest || !trusted || !is_trusted(peer, strlen(peer)))
		return NULL;
	/* The last that is none of ours; the first if all are. */
	while (next_element(&rest, &element))
	{
		if (!x_forwarded_for)
			element = for_of(element);
		if (!client.text || !is_trusted(element.text, element.length))
			client = element;
	}
	return client.text ? copy_bytes(client.text, client.length < LONGEST ? client.length : LONGEST) : NULL;
}

static bool
is_trusted(const char *text, size_t length)
{
	unsigned char address[16];

	if (!read_address(text, length, address))
		return false;
	for (const Network *network = trusted; network; network = network->next)
	{
		int			bytes = network->bits / 8;
		unsigned char mask = 0xff00 >> network->bits % 8;

		if (memcmp(address, network->address, bytes) == 0 &&
			(mask == 0 || bytes == 16 || ((address[bytes] ^ network->address[bytes]) & mask) == 0))
			return true;
	}
	return false;
}

/*
 * An address, which may have a port, and then or in any case brackets if it is of IPv6.
 */
static bool
read_address(const char *text, size_t length, unsigned char *address)
{
	static const unsigned char mapped[12] = {[10] = 0xff,[11] = 0xff};
	char		copy[INET6_ADDRSTRLEN + 8];
	char	   *host = copy;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (*copy == '[')
	{
		host++;
		copy[strcspn(copy, "]")] = '\0';
	}
	else if (strchr(copy, ':') && strchr(copy, ':') == strrchr(copy, ':'))
		copy[strcspn(copy, ":")] = '\0';
	if (strchr(host, ':'))
		return inet_pton(AF_INET6, host, address) == 1;
	memcpy(address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, host, address + sizeof(mapped)) == 1;
}

/*
 * The next element of a list that is not empty, without the blanks around it; false if
 * there is none.  What stands in quotation marks has no commas.
 */
static bool
next_element(const char **rest, Element *element)
{
	bool		quoted = false;
	const char *end;

	*rest += strspn(*rest, ", \t");
	for (end = *rest; *end && (quoted || *end != ','); end++)
	{
		if (*end == '"')
			quoted = !quoted;
		else if (*end == '\\' && quoted && end[1])
			end++;
	}
	element->text = *rest;
	*rest = end;
	while (end > element->text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	element->length = end - element->text;
	return element->length > 0;
}

/*
 * What an element of Forwarded has behind "for=", without quotation marks; the whole of
 * it if it has none.
 */
static Element
for_of(Element element)
{
	const char *end = element.text + element.length;

	for (const char *at = element.text; end - at > 4; at += strcspn(at, ";") + 1)
	{
		Element		value;

		at += strspn(at, " \t");
		if (strncasecmp(at, "for=", 4) != 0)
			continue;
		at += 4;
		value.text = *at == '"' ? at + 1 : at;
		value.length = strcspn(value.text, *at == '"' ? "\"" : "; \t");
		if (value.length > (size_t) (end - value.text))
			value.length = end - value.text;
		return value;
	}
	return element;
}

void
forwarded_close(void)
{
	while (trusted)
	{
		Network    *network = trusted;

		trusted = network->next;
		free(network);
	}
}
