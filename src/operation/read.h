/*
 * read.h
 *	  Reading documents.
 */
#ifndef KZ_OPERATION_READ_H
#define KZ_OPERATION_READ_H

#include "engine/writer.h"

extern bool kz_read_one(const char *index, const char *collection, const text *id,
						const char *command, KzRow *row, KzError *error);
extern KzRow *kz_read_many(const char *index, const char *collection, text **ids, int nids,
						   const char *command, KzError *error);
extern bool kz_read_count(const char *index, const char *collection, const char *command,
						  int64 *count, KzError *error);
extern bool kz_read_extent(const char *index, const char *collection, const char *command,
						   int64 *count, int64 *size);

#endif							/* KZ_OPERATION_READ_H */
