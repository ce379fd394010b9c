/*
 * watch.c
 *	  Being told when the catalogue changes.
 *
 * Ordinary tables send no invalidation when their rows change.  catalog.c sends
 * one with what it writes; for all others triggers of the two tables do, whoever
 * makes the change: plain SQL, a restore, a replication worker.  That one fires row
 * triggers alone, and only those that are ENABLE ALWAYS; ALTER TABLE ... ENABLE
 * TRIGGER ALL, as at the end of a restore with --disable-triggers, takes ALWAYS away.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "engine/catalog.h"
#include "engine/watch.h"

#define TRIGGER "invalidate_cache"	/* the function, and one of its triggers */

static Oid	watched[KZ_CATALOG_TABLES];

static bool tells(Relation relation);
static bool is_ours(const Trigger *trigger, Oid namespace);
static void warn(Relation relation);

PG_FUNCTION_INFO_V1(kz_invalidate_cache);

/*
 * Trigger of both tables, for each row or for the statement.
 */
Datum
kz_invalidate_cache(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"kz_invalidate_cache")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/*
 * Note which tables the catalogue consists of now, for kz_watch_covers(): DROP and
 * CREATE EXTENSION make new ones.  False if they can change without an invalidation;
 * then what is cached must not outlive the transaction, in which nobody expects to
 * see all that others commit.  The user is warned of that, once a session.
 */
bool
kz_watch(void)
{
	bool		told = true;

	for (int i = 0; i < KZ_CATALOG_TABLES; i++)
	{
		Relation	relation = kz_catalog_open(i, AccessShareLock);

		watched[i] = RelationGetRelid(relation);
		if (!tells(relation))
		{
			told = false;
			warn(relation);
		}
		table_close(relation, AccessShareLock);
	}
	return told;
}

/*
 * Whether a relation is one of these tables, whose invalidation is that of the
 * cache.
 */
bool
kz_watch_covers(Oid relid)
{
	for (int i = 0; i < KZ_CATALOG_TABLES; i++)
		if (relid == watched[i])
			return true;
	return false;
}

/*
 * Whether each change of a table fires a trigger of ours, whoever makes it.  The
 * first release had statement triggers alone, which will do until it is updated.
 */
static bool
tells(Relation relation)
{
	const TriggerDesc *triggers = relation->trigdesc;
	int			events = 0;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (is_ours(trigger, RelationGetNamespace(relation)))
			events |= trigger->tgtype & (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
										 TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE);
	}
	return events == (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
					  TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE);
}

/*
 * Whether a trigger calls kz_invalidate_cache after all of its events.
 */
static bool
is_ours(const Trigger *trigger, Oid namespace)
{
	char	   *name;

	if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS || !TRIGGER_FOR_AFTER(trigger->tgtype) ||
		trigger->tgqual || trigger->tgnattr > 0 || get_func_namespace(trigger->tgfoid) != namespace)
		return false;
	name = get_func_name(trigger->tgfoid);
	return name && strcmp(name, TRIGGER) == 0;
}

static void
warn(Relation relation)
{
	static bool warned = false;
	char	   *schema = get_namespace_name(RelationGetNamespace(relation));

	if (warned || IsParallelWorker())
		return;
	warned = true;
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of table \"%s.%s\" can go unnoticed", schema, RelationGetRelationName(relation)),
			 errdetail("Its triggers \"%s\" are not all there and ENABLE ALWAYS, so it is read again in each transaction.",
					   TRIGGER),
			 errhint("Say ALTER TABLE %s.%s ENABLE ALWAYS TRIGGER for each of them; if one is missing, drop and create the extension: the tables of its collections stay.",
					 schema, RelationGetRelationName(relation))));
}
