/*
 * remembered.h
 *	  Passwords that were right a short while ago.
 */
#ifndef REMEMBERED_H
#define REMEMBERED_H

#include <stdbool.h>

extern void remembered_open(void);
extern void remembered_add(const char *user, const char *password);
extern bool remembered_has(const char *user, const char *password);
extern void remembered_forget(const char *user, const char *password);

#endif							/* REMEMBERED_H */
