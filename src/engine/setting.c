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
#include "document/fields.h"
#include "document/merge.h"
#include "engine/setting.h"

static const char *const notification_names[] = {
	[KZ_NOTIFICATIONS_OFF] = "off",
	[KZ_NOTIFICATIONS_NOTIFY] = "notify",
	[KZ_NOTIFICATIONS_MESSAGE] = "message"
};

/* What Elasticsearch calls the setting; each dot may as well be an object. */
static const char *const block_names[] = {"index.blocks.write", "blocks.write"};

static char *find_setting(const JsonbContainer *settings, const char *name, JsonbValue *value);
static char *find_block(const Jsonb *settings, JsonbValue *value);

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
 * Read "index.blocks.write" out of settings: whether documents can't be written; they
 * can if it is not there, or null.  False if it is something else than true or false,
 * which may be strings.
 */
bool
kz_setting_blocks_writes(const Jsonb *settings, bool *blocked)
{
	JsonbValue	value;

	*blocked = false;
	if (!find_block(settings, &value) || value.type == jbvNull)
		return true;
	*blocked = value.type == jbvBool ? value.val.boolean : kz_json_equals(&value, "true");
	return *blocked || value.type == jbvBool || kz_json_equals(&value, "false");
}

/*
 * Settings after changes, an object: merged, like documents; but what kz obeys is
 * there once, however it is written.
 */
Jsonb *
kz_setting_update(Jsonb *stored, Jsonb *changes)
{
	JsonbValue	value;
	char	   *path;

	if (find_block(changes, &value))
		while ((path = find_block(stored, &value)) != NULL)
			stored = kz_fields_remove(stored, list_make1(path));
	return kz_merge_deep(stored, changes);
}

/*
 * Look for the setting that blocks writes; the path to it is as kz_fields_remove takes
 * it, palloc'd, NULL if it is not there.
 */
static char *
find_block(const Jsonb *settings, JsonbValue *value)
{
	char	   *path = NULL;

	for (int i = 0; i < lengthof(block_names) && !path && JB_ROOT_IS_OBJECT(settings); i++)
		path = find_setting(&settings->root, block_names[i], value);
	return path;
}

static char *
find_setting(const JsonbContainer *settings, const char *name, JsonbValue *value)
{
	if (kz_json_field(settings, name, value))
		return psprintf("[\"%s\"]", name);
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
	{
		char	   *key = pnstrdup(name, dot - name);
		char	   *rest = kz_json_field(settings, key, value) && kz_json_is_object(value) ?
		find_setting(value->val.binary.data, dot + 1, value) : NULL;

		if (rest)
			return psprintf("[\"%s\"]%s", key, rest);
	}
	return NULL;
}

/*
 * Raise KZ400 (invalid_argument) for a setting that can't be obeyed, and warn of
 * one that the server can't obey as it is.
 */
void
kz_setting_check(const Jsonb *settings)
{
	KzNotifications notifications;
	bool		blocked;

	if (!kz_setting_blocks_writes(settings, &blocked))
		kz_raise(KZ_ERROR_INVALID_ARGUMENT, NULL, "settings.index.blocks.write", "true or false");
	if (!kz_setting_notifications(settings, &notifications))
		kz_raise(KZ_ERROR_INVALID_ARGUMENT, NULL, "settings.notifications",
				 "\"off\", \"notify\" or \"message\"");
	if (notifications == KZ_NOTIFICATIONS_MESSAGE && !XLogLogicalInfoActive())
		ereport(WARNING,
				(errmsg("no notifications are written while wal_level is less than \"logical\"")));
}
