/*
 * peer.h
 *	  The addresses that clients come from.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_KEY_SIZE 16

/* An address, or a network that one host has for itself: the /64 of IPv6. */
typedef struct Peer
{
	unsigned char key[PEER_KEY_SIZE];
	int			references;
	int			clients;
	/* of login.c */
	int			logins;			/* requests that wait for one */
	int			running_logins;
	uint64_t	last_turn;
	struct Peer *next;			/* in its bucket */
} Peer;

extern Peer *peer_of(int fd, char *name, size_t size);
extern Peer *peer_keep(Peer *peer);
extern void peer_release(Peer *peer);
extern bool peer_is_loopback(const Peer *peer);

#endif							/* PEER_H */
