/*
 * kz.c
 *	  Entry point of the library.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "engine/collection.h"
#include "engine/writer.h"
#include "protocol/kuzzle.h"

KZ_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/*
 * Called when the library is loaded into a backend.
 */
void
_PG_init(void)
{
	kz_collection_init();
	kz_writer_init();
	kz_kuzzle_init();
	/* After all are defined: it removes what is unknown. */
	MarkGUCPrefixReserved("kz");
}
