/*
 * access.c
 *	  The rights that definitions need.
 *
 * Most of them are asked for twice: before a lock is taken, since who has no right
 * must not make others wait, and by catalog.c for each row that is put, so that
 * no function can forget it.  What reading and writing documents needs is in
 * writer.c.
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "engine/access.h"

/*
 * Raise 42501 unless the user may create things in a schema, which is there.
 */
void
kz_access_create_in(Oid schema)
{
	AclResult	result = kz_schema_aclcheck(schema, ACL_CREATE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
}

/*
 * Raise 42501 unless the user owns a schema, which is there.
 */
void
kz_access_own_schema(Oid schema)
{
	if (!kz_schema_ownercheck(schema))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, get_namespace_name(schema));
}

/*
 * Raise 42501 unless the user owns a relation, which is there.
 */
void
kz_access_own_relation(Oid relid)
{
	if (!kz_relation_ownercheck(relid))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}
