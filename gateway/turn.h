/*
 * turn.h
 *	  Who is next.
 */
#ifndef TURN_H
#define TURN_H

#include "client.h"

extern void turn_wait(Request *request);
extern void turn_resume(Client *client);
extern void turn_favour(const char *role);
extern Request *turn_next(void);
extern void turn_large_done(void);
extern void turn_forget(Client *client);
extern void turn_refuse(Client *client);
extern size_t turn_holds(const Client *client);

#endif							/* TURN_H */
