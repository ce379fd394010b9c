/*
 * digest.h
 *	  Digests of what is not to be kept itself.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE 32

extern void digest_open(void);
extern bool digest_pair(unsigned char *digest, const void *one, size_t length, const char *other);

#endif							/* DIGEST_H */
