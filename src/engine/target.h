/*
 * target.h
 *	  What a definition acts on: found, and locked.
 */
#ifndef KZ_ENGINE_TARGET_H
#define KZ_ENGINE_TARGET_H

#include "engine/catalog.h"
#include "storage/lockdefs.h"

/* A collection that is looked for, and its row. */
typedef struct KzTarget
{
	const char *index;
	const char *name;
	bool		own;			/* the user must own its table */
	KzCollectionRow row;
} KzTarget;

extern bool kz_target_index(const char *index, KzIndexRow *row);
extern void kz_target_require_index(const char *index, KzIndexRow *row);
extern Oid	kz_target_own_index(const char *index, KzIndexRow *row);
extern Oid	kz_target_adoptable(KzIndexRow *row);
extern Oid	kz_target_room(Oid schema, KzCollectionRow *row);
extern Oid	kz_target_find(KzTarget *target);
extern Oid	kz_target_lock(KzTarget *target, LOCKMODE lockmode);
extern Oid	kz_target_lock_whole(KzTarget *target, bool *ours);
extern void kz_target_check_fit(const KzCollectionRow *row, Oid relid);
kz_noreturn extern void kz_target_raise_unfit(const KzCollectionRow *row, const char *problem,
											  const char *hint);

#endif							/* KZ_ENGINE_TARGET_H */
