/*
 * file.h
 *	  Files that the program is told to use.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>

extern char *file_read(const char *path, size_t most, bool secret, size_t *length, const char **problem);

#endif							/* FILE_H */
