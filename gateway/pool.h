/*
 * pool.h
 *	  The connections to the database.
 */
#ifndef POOL_H
#define POOL_H

#include "request.h"

extern void pool_open(void);
extern void pool_submit(Request *request);
extern void pool_dispatch(void);
extern void pool_close(void);

#endif							/* POOL_H */
