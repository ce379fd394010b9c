/*
 * identity.c
 *	  Document ids: a string of 1 to 512 bytes (Elasticsearch's limit).
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/encoding.h"
#include "document/identity.h"

#define GENERATED_BYTES 15		/* 20 characters of six bits */
#define GENERATED_CHARS 20
#define CLOCK_BYTES 6
#define SESSION_BITS 12
#define CLOCK_TOP_BIT (UINT64CONST(1) << 47)

/* URL-safe, and in byte order, so that ids sort as the bytes they encode. */
static const char alphabet[] =
"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/*
 * Whether id may be the id of a document; if not, error is filled and names
 * argument.
 */
bool
kz_identity_check(const text *id, const char *argument, KzError *error)
{
	Size		length = VARSIZE_ANY_EXHDR(id);

	if (length == 0)
	{
		kz_error_set(error, KZ_ERROR_MISSING_ARGUMENT,
					 "Give an id of 1 to 512 bytes.", argument);
		return false;
	}
	if (length > KZ_ID_MAX_BYTES)
	{
		kz_error_set(error, KZ_ERROR_INVALID_ARGUMENT,
					 psprintf("Shorten the id that starts with \"%s\": it has %zu bytes.",
							  pnstrdup(VARDATA_ANY(id),
									   kz_encoding_clip(VARDATA_ANY(id), length, 40)),
							  length),
					 argument, "a string of 1 to 512 bytes");
		return false;
	}
	return true;
}

/*
 * Make a new id, palloc'd: the time in milliseconds, then 72 random bits.
 * Time first, so that documents created together lie together in the index.
 * The top bit is set so that no id starts with a hyphen, which commands would
 * take for an option.
 */
text *
kz_identity_generate(void)
{
	uint64		clock = ((uint64) GetCurrentTimestamp() / 1000) | CLOCK_TOP_BIT;
	uint8		bytes[GENERATED_BYTES];
	text	   *id = palloc(VARHDRSZ + GENERATED_CHARS);
	char	   *out = VARDATA(id);

	for (int i = 0; i < CLOCK_BYTES; i++)
		bytes[i] = clock >> (8 * (CLOCK_BYTES - 1 - i));
	if (!pg_strong_random(bytes + CLOCK_BYTES, GENERATED_BYTES - CLOCK_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));

	for (int i = 0; i < GENERATED_BYTES; i += 3)
	{
		uint32		group = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = alphabet[(group >> shift) & 0x3f];
	}
	SET_VARSIZE(id, VARHDRSZ + GENERATED_CHARS);
	return id;
}

/*
 * Make a new id that is a number: the time in microseconds, then what tells this
 * session from all others that are open.  Ids of one session ascend; when it makes
 * more than one a microsecond it runs ahead of the time.
 */
int64
kz_identity_number(void)
{
	static int64 last = 0;
	int64		now = GetCurrentTimestamp();

	last = Max(last + 1, now);
	return (last << SESSION_BITS) | (kz_session_number() & ((1 << SESSION_BITS) - 1));
}
