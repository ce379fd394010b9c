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

static Peer *buckets[NBUCKETS];

static Peer **bucket_of(const unsigned char *key);

/*
 * The peer at the other end of a socket, with a reference that is the caller's; and its
 * name, which has the port.
 */
Peer *
peer_of(int fd, char *name, size_t size)
{
	struct sockaddr_storage address = {0};
	const struct sockaddr_in *four = (const struct sockaddr_in *) &address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *) &address;
	socklen_t	length = sizeof(address);
	char		text[INET6_ADDRSTRLEN] = "?";
	unsigned char key[PEER_KEY_SIZE] = {[10] = 0xff,[11] = 0xff};
	Peer	   *peer;

	if (getpeername(fd, (struct sockaddr *) &address, &length) != 0)
		snprintf(name, size, "?");
	else if (address.ss_family == AF_INET6)
	{
		bool		whole = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) || IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);

		memset(key, 0, sizeof(key));
		memcpy(key, &six->sin6_addr, whole ? 16 : 8);
		snprintf(name, size, "[%s]:%d", inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text)), ntohs(six->sin6_port));
	}
	else
	{
		memcpy(key + 12, &four->sin_addr, 4);
		snprintf(name, size, "%s:%d", inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text)), ntohs(four->sin_port));
	}
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

	for (int i = 0; i < PEER_KEY_SIZE; i++)
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
	static const unsigned char four[PEER_KEY_SIZE] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
	static const unsigned char six[PEER_KEY_SIZE] = {[15] = 1};

	return memcmp(peer->key, four, sizeof(four)) == 0 || memcmp(peer->key, six, sizeof(six)) == 0;
}
