/*
 * path.h
 *	  Names of fields that are paths.
 */
#ifndef KZ_DOCUMENT_PATH_H
#define KZ_DOCUMENT_PATH_H

#include "utils/jsonb.h"

/* Where something is, for messages; formatted only when it is needed. */
typedef struct KzPath
{
	const struct KzPath *parent;	/* NULL: key is at the root */
	const JsonbValue *key;
} KzPath;

extern char *kz_path_text(const KzPath *path);
extern bool kz_path_is_dotted(const JsonbValue *name);
extern JsonbValue kz_path_head(const JsonbValue *name, bool dotted);
extern JsonbValue kz_path_rest(const JsonbValue *name, bool *dotted);

#endif							/* KZ_DOCUMENT_PATH_H */
