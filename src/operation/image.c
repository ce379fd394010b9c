/*
 * image.c
 *	  What a change makes of a document.
 */
#include "postgres.h"

#include "base/json.h"
#include "document/fields.h"
#include "document/merge.h"
#include "operation/write.h"

static Jsonb *make_stripped(const KzChange *change, Jsonb *stored, const KzStamp *stamp);
static Jsonb *make_created(const KzChange *change, const KzStamp *stamp);

/*
 * The document that change makes of the stored one, NULL if there is none.  Presence
 * and version have been checked.  It may be stored, or of the change; NULL if it
 * can't be made, and error is set.
 */
Jsonb *
kz_image_make(const KzChange *change, Jsonb *stored, const KzStamp *stamp, KzError *error)
{
	switch (change->action)
	{
		case KZ_ACTION_CREATE:
			return kz_stamp_created(stamp, change->body);
		case KZ_ACTION_CREATE_OR_REPLACE:
		case KZ_ACTION_REPLACE:
			return kz_stamp_replaced(stamp, change->body);
		case KZ_ACTION_UPDATE:
		case KZ_ACTION_UPSERT:
			if (!stored)
				return make_created(change, stamp);
			if (change->merge)
				return change->merge(change, stored, error);
			return kz_merge_deep(stored, kz_stamp_changes(stamp, change->body));
		case KZ_ACTION_DELETE_FIELDS:
			return make_stripped(change, stored, stamp);
		default:
			elog(ERROR, "action %d makes no document", change->action);
	}
}

/*
 * The document without the fields that are to be removed.
 */
static Jsonb *
make_stripped(const KzChange *change, Jsonb *stored, const KzStamp *stamp)
{
	Jsonb	   *image = kz_fields_remove(stored, change->fields);

	if (!JB_ROOT_IS_OBJECT(image))
		return image;			/* stored by plain SQL; has no metadata */
	return kz_merge_deep(image, kz_stamp_changes(stamp, kz_json_object(NULL, 0)));
}

/*
 * What an upsert creates.
 */
static Jsonb *
make_created(const KzChange *change, const KzStamp *stamp)
{
	Jsonb	   *image = change->body;

	if (change->defaults)
	{
		switch (change->creation)
		{
			case KZ_CREATION_CHANGES_WIN:
				image = kz_merge_deep(change->defaults, change->body);
				break;
			case KZ_CREATION_DEFAULTS_WIN:
				image = kz_merge_deep(change->body, change->defaults);
				break;
			case KZ_CREATION_DEFAULTS_ALONE:
				return kz_stamp_changes(stamp, change->defaults);
		}
	}
	return kz_stamp_created(stamp, image);
}
