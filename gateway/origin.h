/*
 * origin.h
 *	  Which web pages may call, and by which names.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "http.h"
#include "request.h"

extern bool origin_is_well_formed(const char *origin);
extern bool host_is_well_formed(const char *host);
extern bool origin_permits(const HttpMessage *message);
extern char *origin_refusal(const HttpMessage *message);
extern void origin_write_headers(Buffer *out, Protocol protocol, const char *origin);

#endif							/* ORIGIN_H */
