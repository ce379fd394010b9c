/*
 * access.h
 *	  What definitions may do: rights, and what a row of the catalogue may say.
 */
#ifndef KZ_ENGINE_ACCESS_H
#define KZ_ENGINE_ACCESS_H

#include "engine/catalog.h"

extern void kz_access_create_in(Oid schema);
extern void kz_access_own_schema(Oid schema);
extern void kz_access_own_relation(Oid relid);
extern void kz_access_put_index(const KzIndexRow *row);
extern void kz_access_put_collection(const KzCollectionRow *row);

#endif							/* KZ_ENGINE_ACCESS_H */
