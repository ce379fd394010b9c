/*
 * argument.h
 *	  Arguments of the SQL functions.
 */
#ifndef KZ_PROTOCOL_ARGUMENT_H
#define KZ_PROTOCOL_ARGUMENT_H

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

extern char *kz_argument_name(FunctionCallInfo fcinfo, int n, const char *argument);
extern text *kz_argument_id(FunctionCallInfo fcinfo, int n);
extern Jsonb *kz_argument_object(FunctionCallInfo fcinfo, int n, const char *argument);
extern Jsonb *kz_argument_optional_object(FunctionCallInfo fcinfo, int n,
										  const char *argument);
extern Jsonb *kz_argument_array(FunctionCallInfo fcinfo, int n, const char *argument);
extern Datum *kz_argument_elements(FunctionCallInfo fcinfo, int n, const char *argument,
								   Oid type, bool **nulls, int *count);
extern text **kz_argument_ids(FunctionCallInfo fcinfo, int n, const char *argument,
							  int *count);
extern List *kz_argument_paths(FunctionCallInfo fcinfo, int n, const char *argument);
extern char *kz_argument_optional_string(FunctionCallInfo fcinfo, int n);
extern bool kz_argument_flag(FunctionCallInfo fcinfo, int n, bool missing);
extern int	kz_argument_retries(FunctionCallInfo fcinfo, int n, int missing);
extern int64 kz_argument_natural(int64 value, const char *argument);
extern void kz_argument_refresh(FunctionCallInfo fcinfo, int n);
extern void kz_argument_require(FunctionCallInfo fcinfo, int n, const char *argument);

#endif							/* KZ_PROTOCOL_ARGUMENT_H */
