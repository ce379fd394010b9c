/*
 * log.h
 *	  What is told on standard error.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>

struct Request;

extern void log_message(const char *format,...) __attribute__((format(printf, 1, 2)));
extern void log_notice(void *owner, const char *text);
extern void log_request(const struct Request *request, int status, size_t bytes, double ms);
extern void log_flush(void);
extern void log_close(void);

#endif							/* LOG_H */
