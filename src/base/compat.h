/*
 * compat.h
 *	  Differences between the server majors that kz builds on, 15 to 18.
 *
 * Every PG_VERSION_NUM of the tree is in this file; test/check/compat.sh sees
 * to it.  What differs gets one kz_ name with one meaning, so that no other
 * file has to know.
 */
#ifndef KZ_BASE_COMPAT_H
#define KZ_BASE_COMPAT_H

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 150000
#error "kz needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 lets a module tell its name and version. */
#ifdef PG_MODULE_MAGIC_EXT
#define KZ_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "kz")
#else
#define KZ_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 18 made it a word before the declaration; it was one behind it. */
#if PG_VERSION_NUM >= 180000
#define kz_noreturn pg_noreturn
#else
#define kz_noreturn pg_attribute_noreturn()
#endif

/* 16 replaced the ACL functions of each kind of object by general ones. */
static inline AclResult
kz_schema_aclcheck(Oid schema, AclMode mode)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, GetUserId(), mode);
#else
	return pg_namespace_aclcheck(schema, GetUserId(), mode);
#endif
}

static inline bool
kz_schema_ownercheck(Oid schema)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(NamespaceRelationId, schema, GetUserId());
#else
	return pg_namespace_ownercheck(schema, GetUserId());
#endif
}

static inline bool
kz_relation_ownercheck(Oid relation)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
	return pg_class_ownercheck(relation, GetUserId());
#endif
}

#endif							/* KZ_BASE_COMPAT_H */
