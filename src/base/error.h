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
#define KZ_ERROR_ROW(name, id, number, status, message, reason) KZ_ERROR_##name,
#include "base/error_catalog.h"
#undef KZ_ERROR_ROW
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
extern bool kz_error_catch(const ErrorData *raised, KzError *error);
kz_noreturn extern void kz_error_throw(const KzError *error);
kz_noreturn extern void kz_raise(KzErrorCode code, const char *hint,...);

#endif							/* KZ_BASE_ERROR_H */
