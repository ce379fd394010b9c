/*
 * read.c
 *	  Reading documents, as the calling statement sees them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "engine/query.h"
#include "operation/read.h"

static KzWriter *open_reader(const char *index, const char *collection, const char *command,
							 KzError *error);

/*
 * Read one document into row.  False, and error is set, if there is none
 * (KZ_ERROR_NOT_FOUND), or as kz_writer_open does.
 */
bool
kz_read_one(const char *index, const char *collection, const text *id, const char *command,
			KzRow *row, KzError *error)
{
	KzWriter   *writer = open_reader(index, collection, command, error);
	bool		found;

	if (!writer)
		return false;
	found = writer->methods->find(writer, id, false, row);
	kz_writer_close(writer);
	if (!found)
		kz_error_set(error, KZ_ERROR_NOT_FOUND, NULL, text_to_cstring(id), index, collection);
	return found;
}

/*
 * Read many documents, as an array of rows, palloc'd; the source of a row is
 * NULL if there is none.  NULL, and error is set, as kz_writer_open does; but
 * Kuzzle does not look at the collection for no ids.
 */
KzRow *
kz_read_many(const char *index, const char *collection, text **ids, int nids,
			 const char *command, KzError *error)
{
	KzRow	   *rows = palloc_extended(Max(nids, 1) * sizeof(KzRow), MCXT_ALLOC_HUGE);
	KzWriter   *writer;

	if (nids == 0)
		return rows;
	writer = open_reader(index, collection, command, error);
	if (!writer)
		return NULL;
	for (int i = 0; i < nids; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!writer->methods->find(writer, ids[i], false, &rows[i]))
			rows[i].source = NULL;
	}
	kz_writer_close(writer);
	return rows;
}

/*
 * Count the documents of a collection.  False, and error is set, as
 * kz_writer_open does.
 */
bool
kz_read_count(const char *index, const char *collection, const char *command, int64 *count,
			  KzError *error)
{
	const KzCondition all = {0};
	KzWriter   *writer = open_reader(index, collection, command, error);

	if (!writer)
		return false;
	*count = kz_query_count(writer, &all);
	kz_writer_close(writer);
	return true;
}

/*
 * Count the documents of a collection, and measure its table, in bytes, with indexes
 * and TOAST.  False, and nothing is raised, if it is unknown, does not fit or may not
 * be read.
 */
bool
kz_read_extent(const char *index, const char *collection, const char *command, int64 *count,
			   int64 *size)
{
	const KzCondition all = {0};
	KzWriter   *writer;
	KzError		error;

	if (!kz_writer_may_read(index, collection))
		return false;
	writer = open_reader(index, collection, command, &error);
	if (!writer)
		return false;
	*count = kz_query_count(writer, &all);
	*size = DatumGetInt64(DirectFunctionCall1(pg_total_relation_size,
											  ObjectIdGetDatum(RelationGetRelid(writer->collection->relation))));
	kz_writer_close(writer);
	return true;
}

static KzWriter *
open_reader(const char *index, const char *collection, const char *command, KzError *error)
{
	return kz_writer_open(index, collection, kz_action_rights(KZ_ACTION_READ), command, error);
}
