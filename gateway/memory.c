/*
 * memory.c
 *	  How much memory there is, and how much of it is used.
 *
 * Whatever grows with what clients send or get is counted: buffers, requests, answers
 * that are being received, TLS.  When that reaches --max-memory, nothing more is read
 * or begun, and shed.c makes room.
 *
 * Memory that can't be had is a failure of whoever wanted it, if it was much.  A little
 * comes from a reserve then.  While the reserve is used nothing new is begun either,
 * so it need not be large: what is under way takes a little of it, and no more comes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "memory.h"

/*
 * The reserve is in blocks that malloc() takes from its heap: so what others have freed
 * there can become a reserve again.
 */
#define RESERVE_BLOCKS 16
#define RESERVE_BLOCK (120 * 1024)

static void *reserve[RESERVE_BLOCKS];
static size_t used;

static bool release_reserve(void);

/*
 * Lay the reserve by; once for the program.
 */
void
memory_open(void)
{
	memory_recover();
}

void
memory_close(void)
{
	release_reserve();
}

/*
 * Let go of the reserve; false if there is none.
 */
static bool
release_reserve(void)
{
	bool		any = false;

	for (int i = 0; i < RESERVE_BLOCKS; i++)
	{
		any = any || reserve[i];
		free(reserve[i]);
		reserve[i] = NULL;
	}
	return any;
}

/*
 * As realloc().  NULL only if the size is above SMALL_MEMORY; "old" is still there then.
 */
void *
memory_get(void *old, size_t size)
{
	void	   *memory = realloc(old, size);

	if (memory || size > SMALL_MEMORY)
		return memory;
	if (release_reserve())
		memory = realloc(old, size);
	if (!memory)
	{
		fputs("kz-gateway: out of memory, and of what was kept for that\n", stderr);
		abort();
	}
	return memory;
}

/*
 * Something that had one size now has another; 0 if it is new or gone.
 */
void
memory_count(size_t before, size_t after)
{
	used += after - before;
}

/*
 * Bytes that are counted now.
 */
size_t
memory_used(void)
{
	return used;
}

/*
 * Whether nothing more is to be read or begun.
 */
bool
memory_is_short(void)
{
	return used >= config.max_memory || memory_is_exhausted();
}

/*
 * Whether the reserve is used: the machine, or a limit, gives no more.
 */
bool
memory_is_exhausted(void)
{
	return !reserve[RESERVE_BLOCKS - 1];
}

/*
 * Have all of the reserve again, if it was used and can be had.
 */
void
memory_recover(void)
{
	for (int i = 0; i < RESERVE_BLOCKS; i++)
		if (!reserve[i] && !(reserve[i] = malloc(RESERVE_BLOCK)))
			return;
}
