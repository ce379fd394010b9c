/*
 * writer.h
 *	  Finding and writing the rows of one collection.
 *
 * A writer is open for one call.  It writes exactly the version of a row that
 * was found before: insert, update and delete return false, and have changed
 * nothing, when another transaction, a trigger or a policy got in the way.
 * Which of these it was, and what to do then, is for operation/write.c.
 */
#ifndef KZ_ENGINE_WRITER_H
#define KZ_ENGINE_WRITER_H

#include "base/compat.h"
#include "engine/collection.h"
#include "storage/itemptr.h"

/* What is asked of the rows; decides which rights are needed. */
typedef enum KzAction
{
	KZ_ACTION_READ,
	KZ_ACTION_CREATE,
	KZ_ACTION_CREATE_OR_REPLACE,
	KZ_ACTION_REPLACE,
	KZ_ACTION_UPDATE,
	KZ_ACTION_UPSERT,
	KZ_ACTION_DELETE,
	KZ_ACTION_DELETE_FIELDS
} KzAction;

/* One version of a row. */
typedef struct KzRow
{
	int64		version;
	Jsonb	   *source;			/* in the memory context of the caller */
	/* What tells it from all other versions, where the writer can see that. */
	TransactionId xmin;
	Oid			tableoid;
	ItemPointerData tid;		/* known to the direct writer only */
} KzRow;

typedef struct KzWriter KzWriter;

typedef struct KzWriterMethods
{
	/* Read the row of an id as of now; lock: as it is once it is locked. */
	bool		(*find) (KzWriter *writer, const text *id, bool lock, KzRow *row);
	/* Insert row; in it comes back what is stored after triggers. */
	bool		(*insert) (KzWriter *writer, const text *id, KzRow *row);
	/* Put row in the place of old; likewise. */
	bool		(*update) (KzWriter *writer, const text *id, const KzRow *old, KzRow *row);
	bool		(*delete) (KzWriter *writer, const text *id, const KzRow *old);

	/*
	 * For an end of a subtransaction, see kz_writer_release; NULL: nothing to
	 * do.
	 */
	void		(*release) (KzWriter *writer);
	void		(*abandon) (KzWriter *writer);
	void		(*close) (KzWriter *writer);
} KzWriterMethods;

/* The common part of all writers. */
struct KzWriter
{
	const KzWriterMethods *methods;
	KzCollection *collection;
	KzRangeTable range_table;	/* the table, as the executor would have it */
	bool		read_only;		/* sees what the calling statement sees */
	bool		system_columns; /* rows are told apart by xmin and tableoid */

	/*
	 * A caller who writes ids in ascending order can let inserts wait to be
	 * done together.  They are all done before anything else is written, so
	 * that no id is written before the smaller ones, and at the latest by
	 * kz_writer_release.
	 */
	bool		may_defer;		/* set by the caller: the next insert may
								 * wait; cleared if it does */
	int			deferred;		/* how many wait */
	bool		flushing;		/* they are being done: what is raised is
								 * theirs */

	struct KzNotifier *notifier;	/* of operation/notifier.c: whom the
									 * caller's changes are told; NULL: nobody */
};

extern bool kz_direct_writes;

extern void kz_writer_init(void);
extern AclMode kz_action_rights(KzAction action);
extern KzWriter *kz_writer_open(const char *index, const char *name, AclMode required,
								const char *command, KzError *error);
extern bool kz_writer_may_read(const char *index, const char *name);
extern void kz_writer_release(KzWriter *writer);
extern void kz_writer_abandon(KzWriter *writer);
extern void kz_writer_close(KzWriter *writer);
extern bool kz_writer_same_row(const KzWriter *writer, const KzRow *a, const KzRow *b);
extern bool kz_writer_is_foreign(const KzWriter *writer);
extern bool kz_writer_may_suppress_insert(const KzWriter *writer);
extern bool kz_writer_can_fold(const KzWriter *writer);
extern bool kz_writer_may_raise(const KzWriter *writer);
kz_noreturn extern void kz_writer_raise_overtaken(const char *what);
extern char *kz_writer_table_name(const KzWriter *writer);
extern Datum kz_spi_column(uint64 row, int column);

/* in writer_spi.c */
extern void kz_writer_spi_init(void);
extern KzWriter *kz_writer_spi_open(KzCollection *collection);

/* in writer_direct.c */
extern KzWriter *kz_writer_direct_open(KzCollection *collection);

#endif							/* KZ_ENGINE_WRITER_H */
