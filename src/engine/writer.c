/*
 * writer.c
 *	  Finding and writing the rows of one collection: what all writers share.
 *
 * Rights and read-only transactions, as all are in recovery, are checked here,
 * once, before the first row is looked at, so that neither the data nor the
 * choice of the writer makes a difference.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/json.h"
#include "engine/writer.h"

static const AclMode rights[] = {
	[KZ_ACTION_READ] = ACL_SELECT,
	[KZ_ACTION_CREATE] = ACL_SELECT | ACL_INSERT,
	[KZ_ACTION_CREATE_OR_REPLACE] = ACL_SELECT | ACL_INSERT | ACL_UPDATE,
	[KZ_ACTION_REPLACE] = ACL_SELECT | ACL_UPDATE,
	[KZ_ACTION_UPDATE] = ACL_SELECT | ACL_UPDATE,
	[KZ_ACTION_UPSERT] = ACL_SELECT | ACL_INSERT | ACL_UPDATE,
	[KZ_ACTION_DELETE] = ACL_SELECT | ACL_DELETE,
	[KZ_ACTION_DELETE_FIELDS] = ACL_SELECT | ACL_UPDATE
};

/*
 * Open a collection for an action; command is what messages call it.  Raises
 * KZ412 for an unknown or unfit collection, 42501 without the rights, 25006 for
 * a write in a read-only transaction.
 */
KzWriter *
kz_writer_open(const char *index, const char *name, KzAction action, const char *command)
{
	bool		read_only = action == KZ_ACTION_READ;
	KzCollection *collection;
	KzWriter   *writer;

	if (!read_only)
	{
		PreventCommandIfReadOnly(command);
		PreventCommandIfParallelMode(command);
	}
	collection = kz_collection_open(index, name,
									read_only ? AccessShareLock : RowExclusiveLock);
	kz_collection_check_rights(collection, rights[action]);

	writer = kz_writer_spi_open(collection);
	writer->read_only = read_only;
	return writer;
}

void
kz_writer_close(KzWriter *writer)
{
	KzCollection *collection = writer->collection;

	writer->methods->close(writer);
	kz_collection_close(collection);
}

/*
 * Whether a and b, found at different times, are the same version of a row.
 * _version alone does not tell: it starts again when a document is deleted and
 * created again, and plain SQL does not count it.
 */
bool
kz_writer_same_row(const KzWriter *writer, const KzRow *a, const KzRow *b)
{
	if (a->version != b->version)
		return false;
	if (writer->system_columns)
		return a->xmin == b->xmin && a->tableoid == b->tableoid;
	return kz_json_identical(a->source, b->source);
}

bool
kz_writer_is_foreign(const KzWriter *writer)
{
	return writer->collection->relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE;
}

/*
 * Whether anything but another transaction can keep an insert from happening
 * without an error, or hide the row that is in its way.
 */
bool
kz_writer_may_suppress_insert(const KzWriter *writer)
{
	Relation	relation = writer->collection->relation;

	return relation->rd_rel->relkind != RELKIND_RELATION ||
		relation->rd_rel->relrowsecurity || relation->rd_rel->relhasrules ||
		(relation->trigdesc && relation->trigdesc->trig_insert_before_row);
}

/*
 * Whether several steps may be written as one row version: nobody is there to
 * see each of them.  The triggers of partitions are not known here.
 */
bool
kz_writer_can_fold(const KzWriter *writer)
{
	Relation	relation = writer->collection->relation;
	TriggerDesc *triggers = relation->trigdesc;

	return relation->rd_rel->relkind == RELKIND_RELATION &&
		!(triggers &&
		  (triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
		   triggers->trig_update_before_row || triggers->trig_update_after_row));
}

/*
 * The qualified and quoted name of the table, palloc'd.
 */
char *
kz_writer_table_name(const KzWriter *writer)
{
	return quote_qualified_identifier(writer->collection->schema,
									  writer->collection->table);
}
