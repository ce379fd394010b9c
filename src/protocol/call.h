/*
 * call.h
 *	  One call of an SQL function: its memory, and what all functions are given.
 */
#ifndef KZ_PROTOCOL_CALL_H
#define KZ_PROTOCOL_CALL_H

#include "base/error.h"
#include "document/metadata.h"
#include "engine/writer.h"
#include "fmgr.h"

typedef struct KzCall
{
	MemoryContext context;		/* of everything but the answer */
	MemoryContext caller;
	bool		renewed;		/* it has a snapshot of its own */
	const char *index;
	const char *collection;
	bool		silent;			/* nobody is told what it changes */
	KzStamp		stamp;
} KzCall;

extern void kz_call_enter(KzCall *call);
extern void kz_call_renew(KzCall *call);
extern void kz_call_begin(KzCall *call, FunctionCallInfo fcinfo);
extern void kz_call_read_options(KzCall *call, FunctionCallInfo fcinfo, int first);
extern bool kz_call_guard(KzCall *call, bool (*run) (void *argument), void *argument,
						  KzError *error);
extern KzWriter *kz_call_open(const KzCall *call, AclMode required, const char *command,
							  KzError *error);
extern void kz_call_close(KzWriter *writer);
extern void kz_call_end(KzCall *call);

#endif							/* KZ_PROTOCOL_CALL_H */
