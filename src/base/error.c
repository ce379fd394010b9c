/*
 * error.c
 *	  The catalogue of errors, and errors as values.
 *
 * A failure that belongs to one document is a value, KzError: whoever answers
 * decides whether it is raised, listed or wrapped.  Raised, it has SQLSTATE
 * "KZ" + status, the id in DETAIL, and a HINT where the user can act.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/error.h"

/* Longer arguments are clipped; an id, of at most 512 bytes, is not. */
#define MAX_ARG_BYTES 600

typedef struct CatalogEntry
{
	const char *id;				/* "": none */
	int			number;
	int			status;
	const char *message;
	const char *reason;
} CatalogEntry;

static const CatalogEntry catalog[] = {
#define KZ_ERROR_ROW(name, id, number, status, message, reason) \
	[KZ_ERROR_##name] = {id, number, status, message, reason},
#include "base/error_catalog.h"
#undef KZ_ERROR_ROW
};

/* What was raised last, in TopMemoryContext, for kz_error_catch. */
static KzError last_thrown;

static void set_error(KzError *error, KzErrorCode code, const char *hint, va_list args);
static char *clip(const char *string);
static int	count_args(const char *template);
static char *fill_text(const KzError *error, const char *template);

/*
 * Fill error with a row of the catalogue.  The strings that follow hint, as
 * many as its texts have placeholders, and hint, which may be NULL, are copied
 * into the current memory context.
 */
void
kz_error_set(KzError *error, KzErrorCode code, const char *hint,...)
{
	va_list		args;

	va_start(args, hint);
	set_error(error, code, hint, args);
	va_end(args);
}

/*
 * Copy what error points to into the current memory context.
 */
void
kz_error_copy(KzError *error)
{
	for (int i = 0; i < KZ_ERROR_MAX_ARGS; i++)
		if (error->args[i])
			error->args[i] = pstrdup(error->args[i]);
	if (error->hint)
		error->hint = pstrdup(error->hint);
}

/*
 * Free what error points to, and make it none.
 */
void
kz_error_free(KzError *error)
{
	for (int i = 0; i < KZ_ERROR_MAX_ARGS; i++)
		if (error->args[i])
			pfree(error->args[i]);
	if (error->hint)
		pfree(error->hint);
	memset(error, 0, sizeof(*error));
}

/*
 * What is wrong with one document among many, palloc'd.
 */
char *
kz_error_reason(const KzError *error)
{
	const CatalogEntry *entry = &catalog[error->code];

	return fill_text(error, entry->reason ? entry->reason : entry->message);
}

/*
 * What is wrong, as it is raised, palloc'd.
 */
char *
kz_error_message(const KzError *error)
{
	return fill_text(error, catalog[error->code].message);
}

/*
 * The id of error; NULL for a malformed envelope.
 */
const char *
kz_error_id(const KzError *error)
{
	const char *id = catalog[error->code].id;

	return *id ? id : NULL;
}

/*
 * The number of error, with its domain and subdomain.
 */
int
kz_error_number(const KzError *error)
{
	return catalog[error->code].number;
}

/*
 * How many arguments the message of error has.
 */
int
kz_error_nargs(const KzError *error)
{
	return count_args(catalog[error->code].message);
}

/*
 * The HTTP status of error.
 */
int
kz_error_status(const KzError *error)
{
	return catalog[error->code].status;
}

/*
 * Raise error.
 */
void
kz_error_throw(const KzError *error)
{
	const CatalogEntry *entry = &catalog[error->code];
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	kz_error_free(&last_thrown);
	last_thrown = *error;
	kz_error_copy(&last_thrown);
	MemoryContextSwitchTo(caller);

	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('K', 'Z',
								   '0' + entry->status / 100,
								   '0' + entry->status / 10 % 10,
								   '0' + entry->status % 10)),
			 errmsg_internal("%s", fill_text(error, entry->message)),
			 errdetail_internal("%s", entry->id),
			 error->hint ? errhint("%s", error->hint) : 0));
	pg_unreachable();
}

/*
 * Raise a row of the catalogue; arguments as of kz_error_set.
 */
void
kz_raise(KzErrorCode code, const char *hint,...)
{
	KzError		error;
	va_list		args;

	va_start(args, hint);
	set_error(&error, code, hint, args);
	va_end(args);
	kz_error_throw(&error);
}

/*
 * Make an error of ours that was raised, and has been caught, a value again;
 * false if it is not one of ours.
 */
bool
kz_error_catch(const ErrorData *raised, KzError *error)
{
	const char *id = last_thrown.code == KZ_ERROR_NONE ? NULL : kz_error_id(&last_thrown);

	if (!id || !raised->detail || strcmp(raised->detail, id) != 0 ||
		!raised->funcname || strcmp(raised->funcname, "kz_error_throw") != 0 ||
		strncmp(unpack_sql_state(raised->sqlerrcode), "KZ", 2) != 0)
		return false;
	*error = last_thrown;
	kz_error_copy(error);
	return true;
}

static void
set_error(KzError *error, KzErrorCode code, const char *hint, va_list args)
{
	const CatalogEntry *entry = &catalog[code];
	int			nargs = count_args(entry->message);

	if (entry->reason)
		nargs = Max(nargs, count_args(entry->reason));
	memset(error, 0, sizeof(*error));
	error->code = code;
	for (int i = 0; i < nargs; i++)
		error->args[i] = clip(va_arg(args, const char *));
	if (hint)
		error->hint = clip(hint);
}

/*
 * Copy a string of which the user may have made a very long one.
 */
static char *
clip(const char *string)
{
	int			length = strlen(string);

	if (length <= MAX_ARG_BYTES)
		return pstrdup(string);
	return psprintf("%.*s...", pg_mbcliplen(string, length, MAX_ARG_BYTES), string);
}

/*
 * The number of the last argument that a text of the catalogue uses.
 */
static int
count_args(const char *template)
{
	int			count = 0;

	for (const char *p = template; (p = strchr(p, '%')) != NULL; p++)
		count = Max(count, p[1] - '0');
	Assert(count <= KZ_ERROR_MAX_ARGS);
	return count;
}

static char *
fill_text(const KzError *error, const char *template)
{
	StringInfoData filled;

	initStringInfo(&filled);
	for (const char *p = template; *p; p++)
	{
		if (*p == '%')
			appendStringInfoString(&filled, error->args[*++p - '1']);
		else
			appendStringInfoChar(&filled, *p);
	}
	return filled.data;
}
