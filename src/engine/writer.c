/*
 * writer.c
 *	  Finding and writing the rows of one collection: what all writers share.
 *
 * Rights and read-only transactions, as all are in recovery, are checked here,
 * once, before the first row is looked at, so that neither the data nor the
 * choice of the writer makes a difference.  And the writer is chosen here.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/json.h"
#include "engine/writer.h"

#define BLOCK_HINT "Its owner can change that: kz_update_collection(index, collection, settings => '{\"index.blocks.write\": false}')."

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

bool		kz_direct_writes = true;

static bool check_rights(KzRangeTable *range_table, const KzCollection *collection,
						 AclMode required, bool raise);
static Bitmapset *columns_of(const KzShape *shape, bool with_id);
static const char *find_objection(const KzCollection *collection);

/*
 * Called once when the library is loaded.
 */
void
kz_writer_init(void)
{
	DefineCustomBoolVariable("kz.direct_writes",
							 "Reads and writes plain tables without going through SQL.",
							 "What can be seen is the same either way; this is for developers, and for doubt.",
							 &kz_direct_writes, true, PGC_USERSET, 0, NULL, NULL, NULL);
	kz_writer_spi_init();
}

/*
 * The rights on a table that an action needs.
 */
AclMode
kz_action_rights(KzAction action)
{
	return rights[action];
}

/*
 * Open a collection for what needs the rights required; with ACL_SELECT alone it
 * is opened for reading.  command is what messages call it.  NULL, and error is
 * set, for an unknown or unfit collection, or one whose settings refuse writes.
 * Raises 42501 without the rights, 25006 for a write in a read-only transaction.
 */
KzWriter *
kz_writer_open(const char *index, const char *name, AclMode required, const char *command,
			   KzError *error)
{
	bool		read_only = required == ACL_SELECT;
	KzCollection *collection;
	KzRangeTable range_table;
	KzWriter   *writer;
	const char *objection;

	if (!read_only)
	{
		PreventCommandIfReadOnly(command);
		PreventCommandIfParallelMode(command);
	}
	collection = kz_collection_open(index, name,
									read_only ? AccessShareLock : RowExclusiveLock, error);
	if (!collection)
		return NULL;
	check_rights(&range_table, collection, required, true);
	if (!read_only && collection->blocked)
	{
		kz_error_set(error, KZ_ERROR_FORBIDDEN, BLOCK_HINT,
					 psprintf("The collection \"%s\":\"%s\" refuses writes: its setting index.blocks.write is true.",
							  index, name));
		kz_collection_close(collection);
		return NULL;
	}

	objection = find_objection(collection);
	if (objection)
		ereport(DEBUG1,
				(errmsg_internal("the collection \"%s\":\"%s\" is accessed through SQL: %s",
								 index, name, objection)));
	else
		ereport(DEBUG1,
				(errmsg_internal("the collection \"%s\":\"%s\" is accessed directly",
								 index, name)));
	writer = objection ? kz_writer_spi_open(collection) : kz_writer_direct_open(collection);
	writer->range_table = range_table;
	writer->read_only = read_only;
	return writer;
}

/*
 * Whether a collection can be opened for reading.  That it is unknown, does not fit
 * or may not be read raises nothing: whoever reports on many passes over such.
 */
bool
kz_writer_may_read(const char *index, const char *name)
{
	KzError		error;
	KzCollection *collection = kz_collection_open(index, name, AccessShareLock, &error);
	KzRangeTable range_table;
	bool		may;

	if (!collection)
		return false;
	may = check_rights(&range_table, collection, kz_action_rights(KZ_ACTION_READ), false) &&
		(row_security || check_enable_rls(RelationGetRelid(collection->relation), InvalidOid,
										  true) != RLS_ENABLED);
	kz_collection_close(collection);
	return may;
}

/*
 * Do what was deferred, and give back all that belongs to the current
 * subtransaction, before that is released: the writer takes it again when it is
 * used again.  To be called at the end of each subtransaction in which the writer
 * was used, if it is used outside.
 */
void
kz_writer_release(KzWriter *writer)
{
	if (writer->methods->release)
		writer->methods->release(writer);
}

/*
 * Forget all that belonged to a subtransaction that was undone.
 */
void
kz_writer_abandon(KzWriter *writer)
{
	if (writer->methods->abandon)
		writer->methods->abandon(writer);
}

void
kz_writer_close(KzWriter *writer)
{
	KzCollection *collection = writer->collection;

	kz_writer_release(writer);
	if (writer->methods->close)
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
	if (TransactionIdIsValid(a->xmin) && TransactionIdIsValid(b->xmin))
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
 * Whether writing one row can make PostgreSQL raise something about it.
 */
bool
kz_writer_may_raise(const KzWriter *writer)
{
	const KzCollection *collection = writer->collection;
	TupleConstr *constraints = RelationGetDescr(collection->relation)->constr;

	return collection->shape.objection || collection->shape.other_indexes ||
		collection->relation->rd_rel->relrowsecurity ||
		(constraints && constraints->num_check > 0);
}

/*
 * Raise 40001 as UPDATE, DELETE and INSERT ... ON CONFLICT do: with the text of the
 * server, on which drivers rely.  what is "update" or "delete".
 */
void
kz_writer_raise_overtaken(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent %s", what)));
	pg_unreachable();
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

/*
 * Whether the user may use the schema and has the rights required (ACL_SELECT,
 * ACL_INSERT, ACL_UPDATE, ACL_DELETE) on the table or, where that is possible, on the
 * columns of a document; if not, 42501 is raised, or false returned.  The range table
 * that this takes is filled.
 */
static bool
check_rights(KzRangeTable *range_table, const KzCollection *collection, AclMode required,
			 bool raise)
{
	Relation	relation = collection->relation;
	RangeTblEntry *entry = makeNode(RangeTblEntry);
	AclResult	result = kz_schema_aclcheck(RelationGetNamespace(relation), ACL_USAGE);

	if (result != ACLCHECK_OK && !raise)
		return false;
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, collection->schema);

	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(relation);
	entry->relkind = relation->rd_rel->relkind;
	entry->rellockmode = required == ACL_SELECT ? AccessShareLock : RowExclusiveLock;
	kz_range_table_init(range_table, entry, required,
						columns_of(&collection->shape, true),
						required & ACL_INSERT ? columns_of(&collection->shape, true) : NULL,
						required & ACL_UPDATE ? columns_of(&collection->shape, false) : NULL);
	return kz_range_table_check(range_table, raise);
}

/*
 * The columns of a document, as a range table has them; an update leaves _id
 * alone.
 */
static Bitmapset *
columns_of(const KzShape *shape, bool with_id)
{
	Bitmapset  *columns = bms_make_singleton(shape->version - FirstLowInvalidHeapAttributeNumber);

	columns = bms_add_member(columns, shape->source - FirstLowInvalidHeapAttributeNumber);
	if (with_id)
		columns = bms_add_member(columns, shape->id - FirstLowInvalidHeapAttributeNumber);
	return columns;
}

/*
 * Why the writer that goes through SQL is needed; NULL if it is not.
 */
static const char *
find_objection(const KzCollection *collection)
{
	Relation	relation = collection->relation;

	if (collection->shape.objection)
		return collection->shape.objection;
	if (relation->rd_rel->relrowsecurity &&
		check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		return "row-level security is in force";

	/*
	 * The planner would pass it over: it lacks versions that the snapshot
	 * sees.
	 */
	if (TransactionIdIsValid(collection->shape.key_xmin) &&
		!TransactionIdPrecedes(collection->shape.key_xmin, TransactionXmin))
		return "its key is too new for the snapshot";
	return kz_direct_writes ? NULL : "kz.direct_writes is off";
}
