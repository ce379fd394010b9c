/*
 * option.h
 *	  The options, and where they come from.
 */
#ifndef OPTION_H
#define OPTION_H

#include <stdbool.h>

extern void option_read(int argc, char **argv);
extern bool option_is_given(const char *name);
extern void option_fail(const char *message, const char *about) __attribute__((noreturn));

#endif							/* OPTION_H */
