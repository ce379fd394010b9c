/*
 * read.c
 *	  Reading documents, as the calling statement sees them.
 */
#include "postgres.h"

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
