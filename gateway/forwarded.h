/*
 * forwarded.h
 *	  Who asks through a proxy.
 */
#ifndef FORWARDED_H
#define FORWARDED_H

extern void forwarded_open(void);
extern char *forwarded_client(const char *peer, const char *x_forwarded_for, const char *forwarded);
extern void forwarded_close(void);

#endif							/* FORWARDED_H */
