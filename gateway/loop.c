/*
 * loop.c
 *	  The event loop: what waits for sockets and for time.
 *
 * There is one thread.  Events of a round may concern what an earlier event of the
 * same round has closed: so a watch that is cleared gets no more events, and memory
 * that holds one is freed with loop_free_later(), at the end of the round.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "loop.h"
#include "memory.h"

#define EVENTS_PER_ROUND 256
#define LONGEST_SLEEP 60000

static int	epoll_fd = -1;
static bool stopped;
static int64_t now;

static Timer **heap;			/* by time; heap[0] is not used */
static size_t nheap;
static size_t heap_size;

static void **doomed;
static size_t ndoomed;
static size_t doomed_size;

static void read_clock(void);
static int	time_to_sleep(void);
static void run_timers(void);
static void free_doomed(void);
static void heap_put(size_t place, Timer *timer);
static void heap_up(size_t place);
static void heap_down(size_t place);

/*
 * Begin; once for the program.
 */
void
loop_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
	{
		perror("kz-gateway: epoll_create1");
		exit(1);
	}
	read_clock();
}

/*
 * Wait and serve until loop_stop(); after_events is called after each round.
 */
void
loop_run(void (*after_events) (void))
{
	struct epoll_event events[EVENTS_PER_ROUND];

	while (!stopped)
	{
		int			n = epoll_wait(epoll_fd, events, EVENTS_PER_ROUND, time_to_sleep());

		read_clock();
		for (int i = 0; i < n; i++)
		{
			Watch	   *watch = events[i].data.ptr;

			if (watch->fd >= 0)
				watch->ready(watch->owner, events[i].events);
		}
		run_timers();
		after_events();
		free_doomed();
	}
}

void
loop_stop(void)
{
	stopped = true;
}

void
loop_close(void)
{
	free_doomed();
	close(epoll_fd);
	free(heap);
	free(doomed);
}

/*
 * Milliseconds of a clock that is never set; the time at which this round began.
 */
int64_t
loop_now(void)
{
	return now;
}

static void
read_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (int64_t) time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/*
 * Free memory when the events of this round are served.
 */
void
loop_free_later(void *memory)
{
	if (ndoomed == doomed_size)
	{
		size_t		size = doomed_size ? doomed_size * 2 : 64;
		void	   *larger = memory_get(doomed, size * sizeof(void *));

		/*
		 * It can't be freed now, so it is lost; that takes thousands in one
		 * round.
		 */
		if (!larger)
			return;
		doomed = larger;
		doomed_size = size;
	}
	doomed[ndoomed++] = memory;
}

static void
free_doomed(void)
{
	while (ndoomed > 0)
		free(doomed[--ndoomed]);
}

/*
 * Wait for these events of a descriptor, and no longer for those of before.  libpq
 * may have closed a descriptor and opened another with the same number: then the
 * kernel has forgotten it.
 */
void
watch_set(Watch *watch, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events,.data.ptr = watch};

	if (watch->fd >= 0 && watch->fd != fd)
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT)
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	watch->fd = fd;
	watch->events = events;
}

/*
 * Wait no longer.  Called before the descriptor is closed.
 */
void
watch_clear(Watch *watch)
{
	if (watch->fd >= 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = -1;
	watch->events = 0;
}

/*
 * Have a timer expire in so many milliseconds, rather than when it would have.
 */
void
timer_set(Timer *timer, int64_t ms)
{
	timer->at = now + ms;
	if (timer->place == 0)
	{
		if (nheap + 2 > heap_size)
		{
			size_t		size = heap_size ? heap_size + heap_size / 2 : 64;
			void	   *larger = memory_get(heap, size * sizeof(Timer *));

			/*
			 * With so many timers, one that is not set is waited for too
			 * long.
			 */
			if (!larger)
				return;
			heap = larger;
			heap_size = size;
		}
		heap_put(++nheap, timer);
	}
	heap_up(timer->place);
	heap_down(timer->place);
}

void
timer_clear(Timer *timer)
{
	size_t		place = timer->place;
	Timer	   *last;

	if (place == 0)
		return;
	last = heap[nheap--];
	timer->place = 0;
	if (last == timer)
		return;
	heap_put(place, last);
	heap_up(place);
	heap_down(last->place);
}

static int
time_to_sleep(void)
{
	int64_t		ms = nheap > 0 ? heap[1]->at - now : LONGEST_SLEEP;

	return ms < 0 ? 0 : ms > LONGEST_SLEEP ? LONGEST_SLEEP : ms;
}

static void
run_timers(void)
{
	while (nheap > 0 && heap[1]->at <= now)
	{
		Timer	   *timer = heap[1];

		timer_clear(timer);
		timer->expired(timer->owner);
	}
}

static void
heap_put(size_t place, Timer *timer)
{
	heap[place] = timer;
	timer->place = place;
}

static void
heap_up(size_t place)
{
	Timer	   *timer = heap[place];

	for (; place > 1 && heap[place / 2]->at > timer->at; place /= 2)
		heap_put(place, heap[place / 2]);
	heap_put(place, timer);
}

static void
heap_down(size_t place)
{
	Timer	   *timer = heap[place];

	for (size_t child; (child = place * 2) <= nheap; place = child)
	{
		if (child < nheap && heap[child + 1]->at < heap[child]->at)
			child++;
		if (heap[child]->at >= timer->at)
			break;
		heap_put(place, heap[child]);
	}
	heap_put(place, timer);
}
