/*
 * error.h
 *	  The catalogue of errors, and errors as values.
 */
#ifndef KZ_BASE_ERROR_H
#define KZ_BASE_ERROR_H

#include "base/compat.h"

typedef enum KzErrorCode
{
	KZ_ERROR_NONE,
	KZ_ERROR_MISSING_ARGUMENT,
	KZ_ERROR_INVALID_TYPE,
	KZ_ERROR_INVALID_ARGUMENT,
	KZ_ERROR_INVALID_OPTION,
	KZ_ERROR_MALFORMED,
	KZ_ERROR_MUTUALLY_EXCLUSIVE,
	KZ_ERROR_BODY_REQUIRED,
	KZ_ERROR_UNKNOWN_CONTROLLER,
	KZ_ERROR_UNKNOWN_ACTION,
	KZ_ERROR_NOT_SUPPORTED,
	KZ_ERROR_QUERY_NOT_SUPPORTED,
	KZ_ERROR_OLD_SDK,
	KZ_ERROR_VERB,
	KZ_ERROR_URL,
	KZ_ERROR_CONTENT,
	KZ_ERROR_VOLATILE,
	KZ_ERROR_BODY,
	KZ_ERROR_WRITE_LIMIT,
	KZ_ERROR_FETCH_LIMIT,
	KZ_ERROR_ROUTING,
	KZ_ERROR_SEARCH_AS_ID,
	KZ_ERROR_QUERY_KEYWORD,
	KZ_ERROR_UNKNOWN_INDEX,
	KZ_ERROR_UNKNOWN_COLLECTION,
	KZ_ERROR_INDEX_EXISTS,
	KZ_ERROR_COLLECTION_EXISTS,
	KZ_ERROR_INVALID_INDEX_NAME,
	KZ_ERROR_INVALID_COLLECTION_NAME,
	KZ_ERROR_COLLECTION_RESERVED,
	KZ_ERROR_UNFIT_RELATION,
	KZ_ERROR_INVALID_MAPPING,
	KZ_ERROR_BAD_REQUEST,
	KZ_ERROR_FORBIDDEN,
	KZ_ERROR_INCOMPLETE,
	KZ_ERROR_STRICT_MAPPING,
	KZ_ERROR_NOT_FOUND,
	KZ_ERROR_DOCUMENT_EXISTS,
	KZ_ERROR_VERSION_CONFLICT,
	KZ_ERROR_WRITE_SUPPRESSED
} KzErrorCode;

#define KZ_ERROR_MAX_ARGS 4

/* One failure as a value: a row of the catalogue and what fills its message. */
typedef struct KzError
{
	KzErrorCode code;			/* KZ_ERROR_NONE: no failure */
	char	   *args[KZ_ERROR_MAX_ARGS];	/* what %1 to %4 stand for */
	char	   *hint;			/* what the user can do, or NULL */
} KzError;

extern void kz_error_set(KzError *error, KzErrorCode code, const char *hint,...);
extern void kz_error_copy(KzError *error);
extern void kz_error_free(KzError *error);
extern char *kz_error_reason(const KzError *error);
extern char *kz_error_message(const KzError *error);
extern const char *kz_error_id(const KzError *error);
extern int	kz_error_number(const KzError *error);
extern int	kz_error_nargs(const KzError *error);
extern int	kz_error_status(const KzError *error);
extern bool kz_error_has_class(int sqlerrcode);
extern bool kz_error_catch(const ErrorData *raised, KzError *error);
kz_noreturn extern void kz_error_throw(const KzError *error);
kz_noreturn extern void kz_raise(KzErrorCode code, const char *hint,...);

#endif							/* KZ_BASE_ERROR_H */
