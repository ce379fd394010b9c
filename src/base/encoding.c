/*
 * encoding.c
 *	  Text between UTF-8 and the encoding of the database.
 *
 * What a client sends the server converts; but not the bytes that are given by
 * escapes in it.  Those are UTF-8 by definition, whatever the client speaks.
 *
 * A database of SQL_ASCII does not know what its text is.  Bytes stay there as they
 * are, as they do when a client that speaks UTF-8 sends them without escapes.
 */
#include "postgres.h"

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "mb/pg_wchar.h"

#include "base/encoding.h"

/* How much is converted in one go; more than any character has. */
#define PIECE 1024

static bool is_plain(const char *string, int length);
static int	convert(int from, int to, const char *string, int length, char *converted);

/*
 * Append text in UTF-8 to text in the encoding of the database.  False, with
 * *expected what it should have been, if it is not UTF-8, or has a character that
 * the encoding has not; buffer then holds a part of it.
 */
bool
kz_encoding_append(StringInfo buffer, const char *utf8, int length, const char **expected)
{
	if (!pg_verify_mbstr(PG_UTF8, utf8, length, true))
	{
		*expected = "UTF-8";
		return false;
	}
	if (is_plain(utf8, length))
	{
		appendBinaryStringInfo(buffer, utf8, length);
		return true;
	}
	while (length > 0)
	{
		char		converted[PIECE * MAX_CONVERSION_GROWTH + 1];
		int			done = convert(PG_UTF8, GetDatabaseEncoding(), utf8, length, converted);

		if (done == 0)
		{
			*expected = psprintf("characters of the database's encoding, %s",
								 GetDatabaseEncodingName());
			return false;
		}
		appendStringInfoString(buffer, converted);
		utf8 += done;
		length -= done;
	}
	return true;
}

/*
 * How many bytes a text has in UTF-8.  A character that UTF-8 has not counts as it
 * is.
 */
int
kz_encoding_utf8_length(const char *string, int length)
{
	int			total = 0;

	if (is_plain(string, length))
		return length;
	while (length > 0)
	{
		char		converted[PIECE * MAX_CONVERSION_GROWTH + 1];
		int			done = convert(GetDatabaseEncoding(), PG_UTF8, string, length, converted);

		if (done > 0)
			total += strlen(converted);
		else
		{
			done = pg_mblen(string);
			total += done;
		}
		string += done;
		length -= done;
	}
	return total;
}

/*
 * How many bytes of a text, at most limit, are whole characters.  In SQL_ASCII those
 * of UTF-8 stay whole, too: a client that speaks it could not read a part of one.
 */
int
kz_encoding_clip(const char *string, int length, int limit)
{
	int			clipped = pg_mbcliplen(string, length, limit);

	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		for (int i = 1; i < pg_encoding_max_length(PG_UTF8); i++)
			if (clipped > 0 && clipped < length && (string[clipped] & 0xC0) == 0x80)
				clipped--;
	return clipped;
}

/*
 * Whether a text has the same bytes in UTF-8 and in the encoding of the database.
 */
static bool
is_plain(const char *string, int length)
{
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return true;
	for (int i = 0; i < length; i++)
		if (IS_HIGHBIT_SET(string[i]))
			return false;
	return true;
}

/*
 * Convert as many whole characters as converted has room for; returns how many bytes
 * they had, 0 if the first can't be converted.  converted ends with a zero byte.
 */
static int
convert(int from, int to, const char *string, int length, char *converted)
{
	/* PostgreSQL's own, whatever is in the search_path. */
	Oid			conversion = FindDefaultConversion(PG_CATALOG_NAMESPACE, from, to);

	if (!OidIsValid(conversion))
		return 0;				/* MULE_INTERNAL */
	return pg_do_encoding_conversion_buf(conversion, from, to,
										 (unsigned char *) unconstify(char *, string),
										 Min(length, PIECE), (unsigned char *) converted,
										 PIECE * MAX_CONVERSION_GROWTH + 1, true);
}
