/*
 * read.c
 *	  Reading documents, as the calling statement sees them.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "operation/read.h"

/*
 * Read one document into row; false if there is none.  Raises what
 * kz_writer_open raises.
 */
bool
kz_read_one(const char *index, const char *collection, const text *id,
			const char *command, KzRow *row)
{
	KzWriter   *writer = kz_writer_open(index, collection, KZ_ACTION_READ, command);
	bool		found = writer->methods->find(writer, id, false, row);

	kz_writer_close(writer);
	return found;
}

/*
 * Read many documents, as an array of rows, palloc'd; the source of a row is
 * NULL if there is none.  Raises what kz_writer_open raises; but Kuzzle does not
 * look at the collection for no ids.
 */
KzRow *
kz_read_many(const char *index, const char *collection, text **ids, int nids,
			 const char *command)
{
	KzRow	   *rows = palloc_extended(Max(nids, 1) * sizeof(KzRow), MCXT_ALLOC_HUGE);
	KzWriter   *writer;

	if (nids == 0)
		return rows;
	writer = kz_writer_open(index, collection, KZ_ACTION_READ, command);
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
 * The number of documents in a collection.  Raises what kz_writer_open raises.
 */
int64
kz_read_count(const char *index, const char *collection, const char *command)
{
	KzWriter   *writer = kz_writer_open(index, collection, KZ_ACTION_READ, command);
	int64		count = writer->methods->count(writer);

	kz_writer_close(writer);
	return count;
}
