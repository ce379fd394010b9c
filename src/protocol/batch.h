/*
 * batch.h
 *	  Requests for many documents, and their answers.
 */
#ifndef KZ_PROTOCOL_BATCH_H
#define KZ_PROTOCOL_BATCH_H

#include "base/json.h"
#include "operation/bulk.h"
#include "protocol/call.h"

/* What Kuzzle's m* actions have in common, and where they differ. */
typedef struct KzBatchKind
{
	const char *name;			/* the action, as its errors call it */
	KzAction	action;
	const char *content;		/* key of an entry's document or changes */
	bool		generates_ids;	/* where an entry has none */
	bool		shows_created;	/* in the answer */
	bool		shows_result;
	bool		bare;			/* nor the status */
} KzBatchKind;

/* Where in the answer an error stands: Kuzzle finds them in three passes. */
typedef enum KzPass
{
	KZ_PASS_SHAPE,
	KZ_PASS_PRESENCE,
	KZ_PASS_STORAGE,
	KZ_PASSES
} KzPass;

typedef struct KzBatch
{
	const KzBatchKind *kind;
	int			nentries;
	KzEntry    *entries;
	JsonbValue *sent;			/* the entries as they are in the request */
	KzPass	   *passes;			/* of their errors */
} KzBatch;

extern const KzBatchKind kz_batch_mcreate;
extern const KzBatchKind kz_batch_mcreate_or_replace;
extern const KzBatchKind kz_batch_mwrite;
extern const KzBatchKind kz_batch_mreplace;
extern const KzBatchKind kz_batch_mupdate;
extern const KzBatchKind kz_batch_mupsert;

extern KzBatch *kz_batch_read(const KzBatchKind *kind, const JsonbContainer *documents,
							  int retries);
extern KzEntry *kz_batch_read_deletions(const JsonbValue *ids, int nids);
extern bool kz_batch_write(const KzCall *call, KzAction action, const char *command,
						   KzEntry *entries, int nentries, bool sources, KzError *error);
extern Jsonb *kz_batch_answer(KzBatch *batch, bool sources);
extern void kz_batch_check_strict(KzEntry *entries, int nentries, const char *action);

#endif							/* KZ_PROTOCOL_BATCH_H */
