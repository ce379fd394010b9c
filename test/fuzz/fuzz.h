/*
 * fuzz.h
 *	  What the fuzz targets share.
 */
#ifndef KZ_FUZZ_H
#define KZ_FUZZ_H

#include "utils/jsonb.h"

/* Bytes that are still to be used; when there are no more, all that is taken is 0. */
typedef struct FuzzInput
{
	const uint8 *data;
	size_t		size;
} FuzzInput;

/* Runs in a subtransaction, which is undone. */
typedef struct FuzzTarget
{
	const char *name;
	void		(*run) (FuzzInput *input);
	bool		raises;			/* errors about the input may be raised */
} FuzzTarget;

/* in targets */
extern void fuzz_document(FuzzInput *input);
extern void fuzz_json(FuzzInput *input);
extern void fuzz_value(FuzzInput *input);
extern void fuzz_filter(FuzzInput *input);
extern void fuzz_request(FuzzInput *input);
extern void fuzz_http(FuzzInput *input);
extern void fuzz_bulk(FuzzInput *input);

/* in input.c */
extern uint32 fuzz_take(FuzzInput *input, uint32 below);
extern char *fuzz_take_string(FuzzInput *input);
extern char *fuzz_take_line(FuzzInput *input);
extern char *fuzz_take_text(FuzzInput *input);
extern Jsonb *fuzz_take_object(FuzzInput *input);
extern Jsonb *fuzz_parse(const char *json);
extern Jsonb *fuzz_try_parse(const char *json);

/* in fuzz.c */
extern void fuzz_require(bool condition, const char *what);
extern void fuzz_require_canonical(Jsonb *jsonb, const char *what);
extern void fuzz_require_identical(const Jsonb *a, const Jsonb *b, const char *what);

#endif							/* KZ_FUZZ_H */
