/*
 * pool.h
 *	  The connections to the database, and who is next to use one.
 */
#ifndef POOL_H
#define POOL_H

#include "client.h"
#include "request.h"

extern void pool_open(void);
extern void pool_submit(Request *request);
extern void pool_dispatch(void);
extern void pool_resume(Client *client);
extern void pool_forget(Client *client);
extern void pool_close(void);

#endif							/* POOL_H */
