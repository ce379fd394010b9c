/*
 * answer.h
 *	  Answers that SQL functions and protocols have in common.
 */
#ifndef KZ_PROTOCOL_ANSWER_H
#define KZ_PROTOCOL_ANSWER_H

#include "base/json.h"
#include "operation/bulk.h"

/* Parts of an answer about one document besides _id */
#define KZ_ANSWER_VERSION 0x01
#define KZ_ANSWER_CREATED 0x02
#define KZ_ANSWER_SOURCE 0x04

extern Jsonb *kz_answer_document(const text *id, const KzOutcome *outcome, int parts);
extern void kz_answer_begin_lists(KzJsonWriter *answer, StringInfo buffer);
extern Jsonb *kz_answer_deletions(const KzEntry *entries, const JsonbValue *ids, int nids);
extern Jsonb *kz_answer_rows(text **ids, const KzRow *rows, int nids, bool sources);

#endif							/* KZ_PROTOCOL_ANSWER_H */
