/*
 * watch.h
 *	  Being told when the catalogue changes.
 */
#ifndef KZ_ENGINE_WATCH_H
#define KZ_ENGINE_WATCH_H

extern bool kz_watch(void);
extern bool kz_watch_covers(Oid relid);

#endif							/* KZ_ENGINE_WATCH_H */
