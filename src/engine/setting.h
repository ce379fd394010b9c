/*
 * setting.h
 *	  The settings of a collection that kz obeys.
 */
#ifndef KZ_ENGINE_SETTING_H
#define KZ_ENGINE_SETTING_H

#include "utils/jsonb.h"

/* How listeners are told what changes in a collection. */
typedef enum KzNotifications
{
	KZ_NOTIFICATIONS_OFF,
	KZ_NOTIFICATIONS_NOTIFY,	/* NOTIFY */
	KZ_NOTIFICATIONS_MESSAGE	/* messages for logical decoding */
} KzNotifications;

extern bool kz_setting_notifications(const Jsonb *settings, KzNotifications *notifications);
extern bool kz_setting_blocks_writes(const Jsonb *settings, bool *blocked);
extern Jsonb *kz_setting_update(Jsonb *stored, Jsonb *changes);
extern void kz_setting_check(const Jsonb *settings);

#endif							/* KZ_ENGINE_SETTING_H */
