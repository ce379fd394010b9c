/*
 * routes.h
 *	  Under which verb and path of HTTP an action of Kuzzle's API is found.
 */
#ifndef KZ_PROTOCOL_ROUTES_H
#define KZ_PROTOCOL_ROUTES_H

typedef struct KzRoute
{
	const char *controller;
	const char *action;
	const char *verb;
	const char *path;			/* parts that begin with ':' are arguments */
} KzRoute;

extern const KzRoute kz_routes[];
extern const int kz_nroutes;

#endif							/* KZ_PROTOCOL_ROUTES_H */
