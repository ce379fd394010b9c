/*
 * forwarded.c
 *	  Who asks through a proxy.
 *
 * A proxy adds whom it has its request from at the end of X-Forwarded-For, or of
 * Forwarded (RFC 7239).  Anybody can send such a header, so only what proxies that
 * --trust-forwarded names have added counts: from the end on, up to the first that is
 * none of them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "config.h"
#include "forwarded.h"
#include "peer.h"

#define LONGEST 64				/* that is kept of what a header says */

/* Addresses whose first bits are these; those of IPv4 are mapped to IPv6. */
typedef struct Network
{
	unsigned char address[ADDRESS_SIZE];
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
static bool is_trusted(const char *text, size_t length);
static bool last_element(const char *list, const char **end, bool quotes, Element *element);
static Element for_of(Element element);
static const char *next_pair(const char *at, const char *end);

/*
 * Whether this names a proxy, or a network of them.
 */
bool
forwarded_is_well_formed(const char *text)
{
	Network		network;

	return read_network(text, &network);
}

/*
 * Read which proxies are trusted.
 */
void
forwarded_open(void)
{
	char	   *list = copy_string(config.trust_forwarded ? config.trust_forwarded : "");

	for (char *text = strtok(list, ", "); text; text = strtok(NULL, ", "))
	{
		Network    *network = allocate(sizeof(Network));

		read_network(text, network);
		network->next = trusted;
		trusted = network;
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

	if (strchr(text, '[') || (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) || !peer_read_address(text, length, network->address))
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
	const char *list = x_forwarded_for ? x_forwarded_for : forwarded;
	const char *end = list ? list + strlen(list) : NULL;
	Element		element;
	Element		client = {0};

	if (!list || !forwarded_trusts(peer))
		return NULL;
	/* The last that is none of ours; the first if all are. */
	while (last_element(list, &end, !x_forwarded_for, &element))
	{
		client = x_forwarded_for ? element : for_of(element);
		if (!is_trusted(client.text, client.length))
			break;
	}
	return client.text ? copy_bytes(client.text, client.length < LONGEST ? client.length : LONGEST) : NULL;
}

/*
 * Whether a client, whose address this is, is a proxy of ours.
 */
bool
forwarded_trusts(const char *address)
{
	return is_trusted(address, strlen(address));
}

static bool
is_trusted(const char *text, size_t length)
{
	unsigned char address[ADDRESS_SIZE];

	if (!peer_read_address(text, length, address))
		return false;
	for (const Network *network = trusted; network; network = network->next)
	{
		int			bytes = network->bits / 8;
		unsigned char mask = 0xff00 >> network->bits % 8;

		if (memcmp(address, network->address, bytes) == 0 &&
			(mask == 0 || bytes == ADDRESS_SIZE || ((address[bytes] ^ network->address[bytes]) & mask) == 0))
			return true;
	}
	return false;
}

/*
 * The last element of a list that is not empty, without the blanks around it, and where
 * what is before it ends; false if there is none.  In Forwarded, what stands in quotation
 * marks has no commas.  It is read from the end, since only what our proxies have added
 * is sure to be well-formed: a mark that somebody has opened before must not hide it.
 */
static bool
last_element(const char *list, const char **end, bool quotes, Element *element)
{
	const char *to = *end;
	const char *from;
	bool		quoted = false;

	while (to > list && strchr(", \t", to[-1]))
		to--;
	for (from = to; from > list && (quoted || from[-1] != ','); from--)
		if (quotes && from[-1] == '"' && (from - 1 == list || from[-2] != '\\'))
			quoted = !quoted;
	*end = from;
	from += strspn(from, " \t");
	element->text = from;
	element->length = to > from ? to - from : 0;
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

	for (const char *at = element.text; end - at > 4; at = next_pair(at, end))
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

/*
 * What comes behind the next semicolon that is not in quotation marks, or behind the end.
 */
static const char *
next_pair(const char *at, const char *end)
{
	const char *begin = at;
	bool		quoted = false;

	for (; at < end && (quoted || *at != ';'); at++)
		if (*at == '"' && (at == begin || at[-1] != '\\'))
			quoted = !quoted;
	return at + 1;
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
