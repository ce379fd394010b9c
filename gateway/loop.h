/*
 * loop.h
 *	  The event loop: what waits for sockets and for time.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something that waits for a descriptor; part of what it belongs to. */
typedef struct Watch
{
	int			fd;				/* -1: none */
	uint32_t	events;			/* of epoll */
	void		(*ready) (void *owner, uint32_t events);
	void	   *owner;
} Watch;

/* Something that waits for a time; all zeroes but for the first two is unset. */
typedef struct Timer
{
	void		(*expired) (void *owner);
	void	   *owner;
	int64_t		at;				/* ms of loop_now() */
	size_t		place;			/* in the heap, from 1; 0: unset */
} Timer;

extern void loop_open(void);
extern void loop_run(void (*after_events) (void));
extern void loop_stop(void);
extern void loop_close(void);
extern int64_t loop_now(void);
extern void loop_free_later(void *memory);

extern void watch_set(Watch *watch, int fd, uint32_t events);
extern void watch_clear(Watch *watch);
extern void timer_set(Timer *timer, int64_t ms);
extern void timer_clear(Timer *timer);

#endif							/* LOOP_H */
