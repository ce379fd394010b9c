/*
 * peer.c
 *	  The addresses that clients come from.
 *
 * What is shared is shared by address, so that nobody gets more of it by opening more
 * sockets.  An address is known as long as somebody holds a reference to it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "buffer.h"
#include "peer.h"

#define NBUCKETS 1024

/* What an address of IPv4 begins with. */
static const unsigned char mapped[12] = {[10] = 0xff,[11] = 0xff};

/* The loopback, as most name it. */
static const unsigned char loopback_four[ADDRESS_SIZE] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
static const unsigned char loopback_six[ADDRESS_SIZE] = {[15] = 1};

static Peer *buckets[NBUCKETS];

static Peer **bucket_of(const unsigned char *key);

/*
 * Read an address, which may have a port, and then or in any case brackets if it is of
 * IPv6.
 */
bool
peer_read_address(const char *text, size_t length, unsigned char *address)
{
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
 * The peer at the other end of a socket, with a reference that is the caller's; and its
 * name, which has the port.
 */
Peer *
peer_of(int fd, char *name, size_t size)
{
	struct sockaddr_storage peer = {0};
	const struct sockaddr_in *four = (const struct sockaddr_in *) &peer;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *) &peer;
	socklen_t	length = sizeof(peer);
	char		text[INET6_ADDRSTRLEN] = "?";
	unsigned char address[ADDRESS_SIZE];

	memcpy(address, mapped, sizeof(mapped));
	memset(address + sizeof(mapped), 0, 4);
	if (getpeername(fd, (struct sockaddr *) &peer, &length) != 0)
		snprintf(name, size, "?");
	else if (peer.ss_family == AF_INET6)
	{
		memcpy(address, &six->sin6_addr, ADDRESS_SIZE);
		snprintf(name, size, "[%s]:%d", inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text)), ntohs(six->sin6_port));
	}
	else
	{
		memcpy(address + sizeof(mapped), &four->sin_addr, 4);
		snprintf(name, size, "%s:%d", inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text)), ntohs(four->sin_port));
	}
	return peer_at(address);
}

/*
 * The peer with an address, with a reference that is the caller's.
 */
Peer *
peer_at(const unsigned char *address)
{
	bool		whole = memcmp(address, mapped, sizeof(mapped)) == 0 ||
	memcmp(address, loopback_six, ADDRESS_SIZE) == 0;
	unsigned char key[ADDRESS_SIZE] = {0};
	Peer	   *peer;

	memcpy(key, address, whole ? ADDRESS_SIZE : ADDRESS_SIZE / 2);
	for (peer = *bucket_of(key); peer; peer = peer->next)
		if (memcmp(peer->key, key, sizeof(key)) == 0)
			return peer_keep(peer);
	peer = allocate(sizeof(Peer));
	memcpy(peer->key, key, sizeof(key));
	peer->next = *bucket_of(key);
	*bucket_of(key) = peer;
	return peer_keep(peer);
}

static Peer **
bucket_of(const unsigned char *key)
{
	uint32_t	hash = 2166136261;

	for (int i = 0; i < ADDRESS_SIZE; i++)
		hash = (hash ^ key[i]) * 16777619;
	return &buckets[(hash ^ hash >> 16) % NBUCKETS];
}

/*
 * One more reference.
 */
Peer *
peer_keep(Peer *peer)
{
	peer->references++;
	return peer;
}

/*
 * One reference less; the peer is forgotten with the last.
 */
void
peer_release(Peer *peer)
{
	Peer	  **at = bucket_of(peer->key);

	if (--peer->references > 0)
		return;
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	free(peer);
}

/*
 * Whether it is this machine, by its usual address: who forwards for others is there,
 * or who develops.
 */
bool
peer_is_loopback(const Peer *peer)
{
	return memcmp(peer->key, loopback_four, ADDRESS_SIZE) == 0 ||
		memcmp(peer->key, loopback_six, ADDRESS_SIZE) == 0;
}
