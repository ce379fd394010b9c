/*
 * memory.h
 *	  How much memory there is, and how much of it is used.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* What is not larger than this can always be had, or the program ends. */
#define SMALL_MEMORY (128 * 1024)

extern void memory_open(void);
extern void memory_close(void);
extern void *memory_get(void *old, size_t size);
extern void memory_count(size_t before, size_t after);
extern size_t memory_used(void);
extern bool memory_is_short(void);
extern bool memory_is_exhausted(void);
extern void memory_recover(void);

#endif							/* MEMORY_H */
