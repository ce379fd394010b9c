/*
 * pace.h
 *	  How long a client is waited for.
 */
#ifndef PACE_H
#define PACE_H

#include "client.h"

extern void pace_set_timer(Client *client);
extern bool pace_is_kept(const Client *client);

#endif							/* PACE_H */
