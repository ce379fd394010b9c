/*
 * setting.c
 *	  The settings of a collection that kz obeys.
 *
 * All others are kept for the clients, who put into them what they like.
 */
#include "postgres.h"

#include "access/xlog.h"

#include "base/error.h"
#include "base/json.h"
#include "engine/setting.h"

static const char *const notification_names[] = {
	[KZ_NOTIFICATIONS_OFF] = "off",
	[KZ_NOTIFICATIONS_NOTIFY] = "notify",
	[KZ_NOTIFICATIONS_MESSAGE] = "message"
};

/*
 * Read "notifications" out of settings; off if it is not there, or null.  False if
 * it is something else.
 */
bool
kz_setting_notifications(const Jsonb *settings, KzNotifications *notifications)
{
	JsonbValue	value;

	*notifications = KZ_NOTIFICATIONS_OFF;
	if (!JB_ROOT_IS_OBJECT(settings) ||
		!kz_json_field(&settings->root, "notifications", &value) || value.type == jbvNull)
		return true;
	for (int i = 0; i < lengthof(notification_names); i++)
	{
		if (!kz_json_equals(&value, notification_names[i]))
			continue;
		*notifications = i;
		return true;
	}
	return false;
}

/*
 * Raise KZ400 (invalid_argument) for a setting that can't be obeyed, and warn of
 * one that the server can't obey as it is.
 */
void
kz_setting_check(const Jsonb *settings)
{
	KzNotifications notifications;

	if (!kz_setting_notifications(settings, &notifications))
		kz_raise(KZ_ERROR_INVALID_ARGUMENT, NULL, "settings.notifications",
				 "\"off\", \"notify\" or \"message\"");
	if (notifications == KZ_NOTIFICATIONS_MESSAGE && !XLogLogicalInfoActive())
		ereport(WARNING,
				(errmsg("no notifications are written while wal_level is less than \"logical\"")));
}
