/*
 * error.c
 *	  The catalogue of errors, and errors as values.
 *
 * A failure that belongs to one document is a value, KzError: whoever answers
 * decides whether it is raised, listed or wrapped.  Raised, it has SQLSTATE
 * "KZ" + status, the id in DETAIL, and a HINT where the user can act.
 *
 * Ids, numbers, statuses and texts are those of Kuzzle 2.56 unless marked as
 * ours; ours use numbers from 0x80 on, which Kuzzle does not assign.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "base/encoding.h"
#include "base/error.h"

/* Longer arguments are clipped; an id, of at most 512 bytes, is not. */
#define MAX_ARG_BYTES 600

typedef struct CatalogEntry
{
	const char *id;
	int			number;			/* domain << 24 | subdomain << 16 | error */
	int			status;			/* of HTTP; the SQLSTATE is made from it */
	const char *message;		/* %1 to %4 stand for arguments */
	const char *reason;			/* in an answer about many documents, if it
								 * differs there */
} CatalogEntry;

static const CatalogEntry catalog[] = {
	[KZ_ERROR_MISSING_ARGUMENT] = {
		"api.assert.missing_argument", 0x02010003, 400,
		"Missing argument \"%1\"."
	},
	[KZ_ERROR_INVALID_TYPE] = {
		"api.assert.invalid_type", 0x02010001, 400,
		"Wrong type for argument \"%1\" (expected: %2)"
	},
	[KZ_ERROR_INVALID_ARGUMENT] = {
		"api.assert.invalid_argument", 0x02010002, 400,
		"Invalid argument \"%1\". Expected: %2"
	},
	[KZ_ERROR_INVALID_OPTION] = {
		"services.storage.invalid_argument", 0x01010013, 400,
		"Argument \"%1\" is invalid (expected: %2)"
	},
	[KZ_ERROR_MALFORMED] = {	/* of an envelope: has neither id nor number */
		NULL, 0, 400,
		"%1"
	},
	[KZ_ERROR_MUTUALLY_EXCLUSIVE] = {
		"api.assert.mutually_exclusive", 0x02010005, 400,
		"Arguments \"%1\" and \"%2\" are mutually exclusive"
	},
	[KZ_ERROR_BODY_REQUIRED] = {
		"api.assert.body_required", 0x02010008, 400,
		"The request must specify a body."
	},
	[KZ_ERROR_UNKNOWN_CONTROLLER] = {
		"api.process.controller_not_found", 0x02020004, 404,
		"API controller \"%1\" not found."
	},
	[KZ_ERROR_UNKNOWN_ACTION] = {
		"api.process.action_not_found", 0x02020005, 404,
		"API action \"%1\":\"%2\" not found"
	},
	[KZ_ERROR_NOT_SUPPORTED] = {	/* ours */
		"api.process.not_supported", 0x02020080, 501,
		"API action \"%1\":\"%2\" is not supported yet."
	},
	[KZ_ERROR_QUERY_NOT_SUPPORTED] = {	/* ours */
		"api.process.query_not_supported", 0x02020081, 501,
		"API action \"%1\":\"%2\" is not supported yet with a query."
	},
	[KZ_ERROR_OLD_SDK] = {
		"api.process.incompatible_sdk_version", 0x02020006, 400,
		"Incompatible SDK client. Your SDK version (%1) does not match Kuzzle requirement (%2)."
	},
	[KZ_ERROR_VERB] = {
		"network.http.unsupported_verb", 0x03010006, 400,
		"Unsupported HTTP verb \"%1\"."
	},
	[KZ_ERROR_URL] = {
		"network.http.url_not_found", 0x03010007, 404,
		"API URL not found: %1."
	},
	[KZ_ERROR_CONTENT] = {
		"network.http.unsupported_content", 0x03010008, 400,
		"Invalid request content-type. Expected \"application/json\", got: \"%1\"."
	},
	[KZ_ERROR_VOLATILE] = {
		"network.http.volatile_parse_failed", 0x0301000b, 400,
		"Unable to convert the \"x-kuzzle-volatile\" HTTP header to JSON: %1"
	},
	[KZ_ERROR_BODY] = {
		"network.http.body_parse_failed", 0x0301000c, 400,
		"Unable to convert the HTTP body to JSON: %1"
	},
	[KZ_ERROR_WRITE_LIMIT] = {
		"services.storage.write_limit_exceeded", 0x01010004, 413,
		"The number of documents edited by this request exceeds the configured server limit."
	},
	[KZ_ERROR_FETCH_LIMIT] = {
		"services.storage.get_limit_exceeded", 0x01010003, 413,
		"The number of documents returned by this request exceeds the configured server limit."
	},
	[KZ_ERROR_ROUTING] = {
		"services.storage.no_routing", 0x01010017, 400,
		"The \"_routing\" keyword is forbidden."
	},
	[KZ_ERROR_SEARCH_AS_ID] = {
		"services.storage.search_as_an_id", 0x0101000f, 400,
		"_search is not a valid document identifier"
	},
	[KZ_ERROR_QUERY_KEYWORD] = {
		"services.storage.invalid_query_keyword", 0x0101002f, 400,
		"The \"%1\" keyword is not allowed in this query."
	},
	[KZ_ERROR_UNKNOWN_INDEX] = {
		"services.storage.unknown_index", 0x01010001, 412,
		"The index \"%1\" does not exist."
	},
	[KZ_ERROR_UNKNOWN_COLLECTION] = {
		"services.storage.unknown_collection", 0x01010002, 412,
		"The collection \"%1\":\"%2\" does not exist."
	},
	[KZ_ERROR_INDEX_EXISTS] = {
		"services.storage.index_already_exists", 0x01010026, 412,
		"A %1 index named \"%2\" already exists"
	},
	[KZ_ERROR_COLLECTION_EXISTS] = {	/* ours */
		"services.storage.collection_already_exists", 0x01010080, 412,
		"The table %1 cannot become collection \"%2\":\"%3\": %4"
	},
	[KZ_ERROR_INVALID_INDEX_NAME] = {
		"services.storage.invalid_index_name", 0x01010029, 400,
		"The index name \"%1\" is invalid"
	},
	[KZ_ERROR_INVALID_COLLECTION_NAME] = {
		"services.storage.invalid_collection_name", 0x0101002a, 400,
		"The collection name \"%1\" is invalid"
	},
	[KZ_ERROR_COLLECTION_RESERVED] = {
		"services.storage.collection_reserved", 0x01010016, 400,
		"Invalid collection name. \"%1\" is reserved for internal usage."
	},
	[KZ_ERROR_UNFIT_RELATION] = {	/* ours */
		"services.storage.unfit_relation", 0x01010081, 412,
		"The relation %1 cannot serve as collection \"%2\":\"%3\": %4"
	},
	[KZ_ERROR_INVALID_MAPPING] = {
		"services.storage.invalid_mapping", 0x01010015, 400,
		"Invalid mapping property \"mappings.%1\".%2"
	},
	[KZ_ERROR_BAD_REQUEST] = {
		"services.storage.unexpected_bad_request", 0x01010021, 400,
		"%1"
	},
	[KZ_ERROR_FORBIDDEN] = {	/* ours */
		"services.storage.write_forbidden", 0x01010084, 403,
		"%1"
	},
	[KZ_ERROR_INCOMPLETE] = {
		"api.process.incomplete_multiple_request", 0x0202000a, 400,
		"At least one of the %1 actions failed."
	},
	[KZ_ERROR_STRICT_MAPPING] = {
		"services.storage.strict_mapping_rejection", 0x0101002b, 400,
		"Cannot create document. Field \"%1\" is not present in collection \"%2:%3\" strict mapping",
		"mapping set to strict, dynamic introduction of [%1] within [%4] is not allowed"
	},
	[KZ_ERROR_NOT_FOUND] = {
		"services.storage.not_found", 0x0101000b, 404,
		"Document \"%1\" not found in \"%2\":\"%3\".",
		"document not found"
	},
	[KZ_ERROR_DOCUMENT_EXISTS] = {
		"services.storage.document_already_exists", 0x01010011, 400,
		"Document already exists.",
		"document already exists"
	},
	[KZ_ERROR_VERSION_CONFLICT] = { /* ours */
		"services.storage.version_conflict", 0x01010082, 409,
		"Version conflict on document \"%1\" in \"%2\":\"%3\": %4"
	},
	[KZ_ERROR_WRITE_SUPPRESSED] = { /* ours */
		"services.storage.write_suppressed", 0x01010083, 403,
		"The write of document \"%1\" in \"%2\":\"%3\" was suppressed by a trigger or a policy of table %4, or a policy hides the document."
	}
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
	return catalog[error->code].id;
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
	KzError		thrown = *error;

	/* There may be no memory for all of it; then nothing has changed. */
	kz_error_copy(&thrown);
	MemoryContextSwitchTo(caller);
	kz_error_free(&last_thrown);
	last_thrown = thrown;

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
 * Whether an error code is of the class of ours.
 */
bool
kz_error_has_class(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(MAKE_SQLSTATE('K', 'Z', '0', '0', '0'));
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
		!kz_error_has_class(raised->sqlerrcode))
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
	return psprintf("%.*s...", kz_encoding_clip(string, length, MAX_ARG_BYTES), string);
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
