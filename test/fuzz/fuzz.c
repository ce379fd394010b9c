/*
 * fuzz.c
 *	  Fuzzing of kz inside of a backend.
 *
 * The targets are linked to kz itself and run in a server in single-user mode, so
 * that nothing of PostgreSQL has to be imitated.  Each input has a subtransaction
 * that is undone, so every one finds the same tables.  What goes wrong aborts the
 * process: libFuzzer keeps the input that did it.
 *
 * Built with FUZZ_DRIVER it is libFuzzer that makes inputs, else they are read from
 * the files of a corpus.
 */
#include "postgres.h"

#include <dirent.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/json.h"
#include "fuzz.h"

/* After so many inputs a new transaction begins: each keeps something to its end. */
#define INPUTS_PER_TRANSACTION 200

static const FuzzTarget targets[] = {
	{"document", fuzz_document, true},
	{"json", fuzz_json, false},
	{"value", fuzz_value, false},
	{"filter", fuzz_filter, false},
	{"request", fuzz_request, false},
	{"http", fuzz_http, false},
	{"bulk", fuzz_bulk, true}
};

static const FuzzTarget *target;
static MemoryContext context;

static const FuzzTarget *find_target(const char *name);
static int	run_input(const uint8 *data, size_t size);
static void run_target(const uint8 *data, size_t size);
static void judge_error(void);
static bool is_about_input(int sqlerrcode);
#ifndef FUZZ_DRIVER
static void replay(const char *directory);
#endif

PG_FUNCTION_INFO_V1(kz_fuzz);

/*
 * kz_fuzz(target text, arguments text[]): a procedure, as it ends transactions.
 * The arguments are libFuzzer's, or the directories of a corpus.
 */
Datum
kz_fuzz(PG_FUNCTION_ARGS)
{
	Datum	   *arguments;
	int			n;

	target = find_target(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &arguments, NULL, &n);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");

	context = AllocSetContextCreate(CurrentMemoryContext, "fuzz", ALLOCSET_DEFAULT_SIZES);
#ifdef FUZZ_DRIVER
	{
		extern int	LLVMFuzzerRunDriver(int *argc, char ***argv,
										int (*run) (const uint8 *data, size_t size));
		char	  **argv = palloc0((n + 2) * sizeof(char *));
		int			argc = n + 1;

		argv[0] = getenv("FUZZ_PROGRAM");
		for (int i = 0; i < n; i++)
			argv[i + 1] = TextDatumGetCString(arguments[i]);
		LLVMFuzzerRunDriver(&argc, &argv, run_input);
	}
#else
	for (int i = 0; i < n; i++)
		replay(TextDatumGetCString(arguments[i]));
#endif
	SPI_finish();
	PG_RETURN_VOID();
}

static const FuzzTarget *
find_target(const char *name)
{
	for (int i = 0; i < lengthof(targets); i++)
		if (strcmp(targets[i].name, name) == 0)
			return &targets[i];
	elog(ERROR, "there is no fuzz target \"%s\"", name);
}

#ifndef FUZZ_DRIVER
/*
 * Run the target with each file of a directory; its name is told first, as who
 * fails can't.  The server would close a directory of its own with the transaction.
 */
static void
replay(const char *directory)
{
	DIR		   *dir = opendir(directory);
	struct dirent *entry;
	int			count = 0;

	if (!dir)
		elog(ERROR, "could not open \"%s\": %m", directory);
	while ((entry = readdir(dir)) != NULL)
	{
		char		path[MAXPGPATH];
		char		data[64 * 1024];
		FILE	   *file;
		size_t		size;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if ((file = AllocateFile(path, "rb")) == NULL)
			elog(ERROR, "could not open \"%s\": %m", path);
		size = fread(data, 1, sizeof(data), file);
		FreeFile(file);
		write_stderr("%s\n", path);
		run_input((uint8 *) data, size);
		count++;
	}
	closedir(dir);
	write_stderr("%s: %d inputs\n", target->name, count);
}
#endif

/*
 * What libFuzzer calls.
 */
static int
run_input(const uint8 *data, size_t size)
{
	static int	count = 0;
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		pushed = !ActiveSnapshotSet();

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run_target(data, size);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		judge_error();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	if (pushed)
		PopActiveSnapshot();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	MemoryContextReset(context);
	if (++count % INPUTS_PER_TRANSACTION == 0)
		SPI_rollback();
	return 0;
}

static void
run_target(const uint8 *data, size_t size)
{
	FuzzInput	input = {data, size};

	target->run(&input);
}

/*
 * An error was raised: that is a failure, unless it is about the input.
 */
static void
judge_error(void)
{
	ErrorData  *error = CopyErrorData();
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	FlushErrorState();
	if (category == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		(target->raises && is_about_input(error->sqlerrcode)))
		return;
	write_stderr("%s: %s\n%s\n", unpack_sql_state(error->sqlerrcode), error->message,
				 error->context ? error->context : "");
	fuzz_require(false, "no such error is raised");
}

/*
 * kz' own errors, and those about data and arguments.
 */
static bool
is_about_input(int sqlerrcode)
{
	const char *state = unpack_sql_state(sqlerrcode);

	return strncmp(state, "KZ", 2) == 0 || strncmp(state, "22", 2) == 0;
}

/*
 * Abort unless a condition holds.
 */
void
fuzz_require(bool condition, const char *what)
{
	if (condition)
		return;
	write_stderr("target %s: it does not hold that %s\n", target->name, what);
	abort();
}

/*
 * Abort unless jsonb is what the server itself would make of its text.
 */
void
fuzz_require_canonical(Jsonb *jsonb, const char *what)
{
	char	   *json = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));

	fuzz_require_identical(fuzz_parse(json), jsonb, what);
}

void
fuzz_require_identical(const Jsonb *a, const Jsonb *b, const char *what)
{
	if (kz_json_identical(a, b))
		return;
	write_stderr("%s\n%s\n", JsonbToCString(NULL, unconstify(JsonbContainer *, &a->root), VARSIZE(a)),
				 JsonbToCString(NULL, unconstify(JsonbContainer *, &b->root), VARSIZE(b)));
	fuzz_require(false, what);
}
