/*
 * naming.c
 *	  Names of indexes and collections, and of what stands for them in PostgreSQL.
 *
 * An index is a schema and a collection a table of the same name wherever
 * PostgreSQL can use that name.  Where it can't, they get a physical name with a
 * hash, which the catalogue tells.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/encoding.h"
#include "base/error.h"
#include "engine/catalog.h"
#include "engine/naming.h"
#include "engine/shape.h"

/* Kuzzle's limit, in bytes */
#define KUZZLE_MAX_BYTES 126
#define NAME_HINT "A name has 1 to 126 bytes, no upper-case letters, and none of the characters \\ / * ? \" < > | , + # : . & % or white space."

/* Kept by Kuzzle for itself. */
#define RESERVED_COLLECTION "_kuzzle_keep"

#define KEY_PREFIX "kz_"
#define KEY_SUFFIX "_pkey"
#define KEY_HASH 16				/* hexadecimal digits between them */

static bool is_kuzzle_name(const char *name);
static bool is_usable_schema_name(const char *name);
static char *physical_name(const char *name);
static uint64 hash_name(const char *name, uint64 seed);

/*
 * Raise KZ400 (invalid_index_name) unless an index may have this name, by Kuzzle's
 * rule.  Protocols with rules of their own apply these instead.
 */
void
kz_name_require_index(const char *index)
{
	if (!is_kuzzle_name(index))
		kz_raise(KZ_ERROR_INVALID_INDEX_NAME, NAME_HINT, index);
}

/*
 * Raise KZ400 (invalid_collection_name, collection_reserved) unless a collection
 * may have this name; likewise.
 */
void
kz_name_require_collection(const char *name)
{
	if (!is_kuzzle_name(name))
		kz_raise(KZ_ERROR_INVALID_COLLECTION_NAME, NAME_HINT, name);
	if (strcmp(name, RESERVED_COLLECTION) == 0)
		kz_raise(KZ_ERROR_COLLECTION_RESERVED, NULL, name);
}

static bool
is_kuzzle_name(const char *name)
{
	size_t		length = strlen(name);

	return length > 0 && length <= KUZZLE_MAX_BYTES &&
		strcmp(name, "_all") != 0 &&
		strpbrk(name, "\\/*?\"<>| \t\r\n,+#:.&%") == NULL &&
		strcmp(name, str_tolower(name, length, DEFAULT_COLLATION_OID)) == 0;
}

/*
 * The name for the schema of an index, palloc'd: its own, unless that is too
 * long, one of the server's, or an extension's.
 */
char *
kz_name_schema(const char *index)
{
	return is_usable_schema_name(index) ? pstrdup(index) : physical_name(index);
}

/*
 * The name for the table of a collection: its own, palloc'd, unless that is too
 * long or taken by something that is no table.
 */
char *
kz_name_table(const char *name, Oid schema)
{
	Oid			relid;
	Oid			type;
	Oid			element;

	if (strlen(name) >= NAMEDATALEN)
		return physical_name(name);
	relid = get_relname_relid(name, schema);
	if (OidIsValid(relid))
		return KZ_IS_TABLE(get_rel_relkind(relid)) ? pstrdup(name) : physical_name(name);

	/* A table brings a type of its name; array types make room for it. */
	type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						   ObjectIdGetDatum(schema));
	element = OidIsValid(type) ? get_element_type(type) : InvalidOid;
	return !OidIsValid(type) || (OidIsValid(element) && get_array_type(element) == type) ?
		pstrdup(name) : physical_name(name);
}

/*
 * A free name for the primary key of a table, palloc'd: a hash, so that it can't
 * be the name of a collection as somebody would choose it.  It may be taken by
 * the key of a table that had this name before it was renamed.
 */
char *
kz_name_key(const char *table, Oid schema)
{
	for (uint64 seed = 0;; seed++)
	{
		char	   *name = psprintf(KEY_PREFIX "%016llx" KEY_SUFFIX,
									(unsigned long long) hash_name(table, seed));

		if (!OidIsValid(get_relname_relid(name, schema)))
			return name;
	}
}

/*
 * The channel on which the changes of a collection are notified, palloc'd:
 * kz:index:collection, which can't be ambiguous, since neither has a colon.  What
 * is too long is cut, and gets a hash behind two colons.
 */
char *
kz_name_channel(const char *index, const char *name)
{
	char	   *channel = psprintf("kz:%s:%s", index, name);
	int			room = NAMEDATALEN - 1 - strlen("::0123456789abcdef");

	if (strlen(channel) < NAMEDATALEN)
		return channel;
	return psprintf("%.*s::%016llx", kz_encoding_clip(channel, strlen(channel), room), channel,
					(unsigned long long) hash_name(channel, 0));
}

/*
 * The name of the primary key of a table, palloc'd; NULL if there is none.
 */
char *
kz_name_of_key(Relation relation)
{
	list_free(RelationGetIndexList(relation));	/* sets rd_pkindex */
	return OidIsValid(relation->rd_pkindex) ? get_rel_name(relation->rd_pkindex) : NULL;
}

/*
 * Whether a table has a primary key that is named as kz does, so that kz made
 * it.
 */
bool
kz_name_is_our_key(Relation relation)
{
	const char *name = kz_name_of_key(relation);

	return name && strncmp(name, KEY_PREFIX, strlen(KEY_PREFIX)) == 0 &&
		strspn(name + strlen(KEY_PREFIX), "0123456789abcdef") == KEY_HASH &&
		strcmp(name + strlen(KEY_PREFIX) + KEY_HASH, KEY_SUFFIX) == 0;
}

/*
 * Whether an index may have the schema of its own name: not one of the server's
 * and not an extension's.
 */
static bool
is_usable_schema_name(const char *name)
{
	Oid			schema;

	if (strlen(name) >= NAMEDATALEN || strncmp(name, "pg_", 3) == 0 ||
		strcmp(name, "information_schema") == 0)
		return false;
	schema = get_namespace_oid(name, true);
	return !OidIsValid(schema) ||
		!OidIsValid(getExtensionOfObject(NamespaceRelationId, schema));
}

/*
 * A name that PostgreSQL can use, for one that it can't: kz_, as much of the
 * name as there is room for, and a hash of it.
 */
static char *
physical_name(const char *name)
{
	int			room = NAMEDATALEN - 1 - strlen("kz__0123456789abcdef");

	return psprintf("kz_%.*s_%016llx", kz_encoding_clip(name, strlen(name), room), name,
					(unsigned long long) hash_name(name, 0));
}

/*
 * FNV-1a, 64 bits: the same on every machine and in every version, since the
 * names that are made of it are stored.
 */
static uint64
hash_name(const char *name, uint64 seed)
{
	uint64		hash = UINT64CONST(0xcbf29ce484222325) ^ seed;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char) *p) * UINT64CONST(0x100000001b3);
	return hash;
}
