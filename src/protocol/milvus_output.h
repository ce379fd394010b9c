/*
 * milvus_output.h
 *	  Entities as they are answered.
 */
#ifndef KZ_PROTOCOL_MILVUS_OUTPUT_H
#define KZ_PROTOCOL_MILVUS_OUTPUT_H

#include "nodes/pg_list.h"
#include "protocol/milvus_request.h"

/* Which fields are wanted. */
typedef struct KzMilvusOutput
{
	const KzMilvusSchema *schema;
	bool		count;			/* no fields, but how many there are */
	bool	   *wanted;			/* of each field of the schema */
	bool		all_dynamic;
	List	   *dynamic;		/* char *: keys that are no fields */
	bool		as_stored;		/* entities are answered as they are stored,
								 * if they have all fields */
} KzMilvusOutput;

extern bool kz_milvus_read_output(KzMilvusRequest *request, const KzMilvusSchema *schema,
								  KzMilvusOutput *output);
extern void kz_milvus_put_output(const KzMilvusRequest *request, const KzMilvusOutput *output,
								 const text *id, Jsonb *source, JsonbValue *answer);

#endif							/* KZ_PROTOCOL_MILVUS_OUTPUT_H */
