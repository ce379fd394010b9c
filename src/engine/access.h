/*
 * access.h
 *	  The rights that definitions need.
 */
#ifndef KZ_ENGINE_ACCESS_H
#define KZ_ENGINE_ACCESS_H

extern void kz_access_create_in(Oid schema);
extern void kz_access_own_schema(Oid schema);
extern void kz_access_own_relation(Oid relid);

#endif							/* KZ_ENGINE_ACCESS_H */
