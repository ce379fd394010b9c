/*
 * peer.h
 *	  The addresses that clients come from.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of an address of IPv6; one of IPv4 is mapped to it. */
#define ADDRESS_SIZE 16

/* An address, or a network that one host has for itself: the /64 of IPv6. */
typedef struct Peer
{
	unsigned char key[ADDRESS_SIZE];
	int			references;
	int			clients;
	/* of login.c */
	int			logins;			/* requests that wait for one */
	int			running_logins;
	uint64_t	last_turn;
	struct Peer *next;			/* in its bucket */
} Peer;

extern bool peer_read_address(const char *text, size_t length, unsigned char *address);
extern Peer *peer_of(int fd, char *name, size_t size);
extern Peer *peer_at(const unsigned char *address);
extern Peer *peer_keep(Peer *peer);
extern void peer_release(Peer *peer);
extern bool peer_is_loopback(const Peer *peer);

#endif							/* PEER_H */
