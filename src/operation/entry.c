/*
 * entry.c
 *	  What is wanted of one document of a request for many.
 */
#include "postgres.h"

#include "base/json.h"
#include "document/identity.h"
#include "operation/bulk.h"

/*
 * Make entry one that asks for an action, with its defaults; what else it wants
 * is for the caller to fill in.
 */
void
kz_entry_init(KzEntry *entry, KzAction action, int retries)
{
	memset(entry, 0, sizeof(*entry));
	entry->item.change.action = action;
	entry->item.change.retries = retries;
	entry->item.change.if_version = KZ_ANY_VERSION;
	kz_json_set_null(&entry->body);
	kz_json_set_null(&entry->defaults);
}

/*
 * Give entry its id, which may be NULL; false if that is none, and the entry is
 * refused.
 */
bool
kz_entry_set_id(KzEntry *entry, text *id)
{
	entry->item.change.id = id;
	if (!id || VARSIZE_ANY_EXHDR(id) == 0)
	{
		kz_entry_refuse(entry, "document _id must be a string");
		return false;
	}
	entry->settled = !kz_identity_check(id, "_id", &entry->item.outcome.error);
	return !entry->settled;
}

/*
 * Refuse entry for what is wrong with it by itself.
 */
void
kz_entry_refuse(KzEntry *entry, const char *reason)
{
	entry->settled = true;
	kz_error_set(&entry->item.outcome.error, KZ_ERROR_BAD_REQUEST, NULL, reason);
}
