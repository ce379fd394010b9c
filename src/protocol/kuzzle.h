/*
 * kuzzle.h
 *	  Requests as Kuzzle's clients send them: what all its actions share.
 *
 * An action returns false when it fails, with the reason in error.
 */
#ifndef KZ_PROTOCOL_KUZZLE_H
#define KZ_PROTOCOL_KUZZLE_H

#include "base/error.h"
#include "base/json.h"
#include "operation/bulk.h"
#include "protocol/batch.h"
#include "protocol/call.h"

/* Keys of the envelope, in the order of their names. */
typedef enum KzRequestKey
{
	KZ_KEY_ID,
	KZ_KEY_ACTION,
	KZ_KEY_BODY,
	KZ_KEY_COLLECTION,
	KZ_KEY_CONTROLLER,
	KZ_KEY_COUNT_COLLECTION,
	KZ_KEY_DEFAULTS,
	KZ_KEY_FROM,
	KZ_KEY_IDS,
	KZ_KEY_INCLUDE_KUZZLE_META,
	KZ_KEY_INDEX,
	KZ_KEY_JWT,
	KZ_KEY_NOTIFY,
	KZ_KEY_REFRESH,
	KZ_KEY_REQUEST_ID,
	KZ_KEY_RETRY_ON_CONFLICT,
	KZ_KEY_SCROLL,
	KZ_KEY_SERVICES,
	KZ_KEY_SILENT,
	KZ_KEY_SIZE,
	KZ_KEY_SOURCE,
	KZ_KEY_STRICT,
	KZ_KEY_TARGETS,
	KZ_KEY_TYPE,
	KZ_KEY_VOLATILE,
	KZ_KEYS
} KzRequestKey;

typedef struct KzRequest
{
	KzCall		call;			/* memory, names and stamp; names once an
								 * action has read them */
	const char *kuid;			/* the caller */
	const char *action;
	const char *controller;
	JsonbValue	values[KZ_KEYS];	/* of the envelope; jbvNull if not given */
	bool		given[KZ_KEYS];
	JsonbValue	result;			/* jbvNull unless an action sets it */
	bool		no_result;		/* the answer has no such key */
	KzError		error;
	Jsonb	   *errors;			/* with KZ_ERROR_INCOMPLETE: what failed, an
								 * array */
} KzRequest;

typedef struct KzApiAction
{
	const char *name;
	bool		(*run) (KzRequest *request);
	bool		raises;			/* also failures that are ours; it runs in a
								 * subtransaction */
} KzApiAction;

/* Its actions are in the order of their names. */
typedef struct KzApiController
{
	const char *name;
	const KzApiAction *actions;
	int			nactions;
} KzApiController;

extern int	kz_documents_write_limit;
extern int	kz_documents_fetch_limit;

extern void kz_kuzzle_init(void);
extern Jsonb *kz_kuzzle_answer(const Jsonb *envelope, const char *kuid);
extern Jsonb *kz_kuzzle_dismiss(const Jsonb *envelope, const KzError *error);
extern Jsonb *kz_kuzzle_error(const KzError *error);
extern const KzApiController *const *kz_api_controllers(int *count);

extern const KzApiController kz_api_auth;
extern const KzApiController kz_api_bulk;
extern const KzApiController kz_api_collection;
extern const KzApiController kz_api_document;
extern const KzApiController kz_api_index;
extern const KzApiController kz_api_server;

/* in kuzzle_argument.c */
extern bool kz_request_fail(KzRequest *request, KzErrorCode code, const char *a, const char *b);
extern bool kz_request_not_supported(KzRequest *request);
extern void kz_request_acknowledge(KzRequest *request);
extern bool kz_request_index(KzRequest *request);
extern bool kz_request_names(KzRequest *request);
extern bool kz_request_id(KzRequest *request, text **id);
extern bool kz_request_optional_id(KzRequest *request, text **id);
extern bool kz_request_flag(KzRequest *request, KzRequestKey key, bool *flag);
extern bool kz_request_integer(KzRequest *request, KzRequestKey key, int *number);
extern bool kz_request_retries(KzRequest *request, bool null_is_missing, int *retries);
extern bool kz_request_string(KzRequest *request, KzRequestKey key, char **string);
extern bool kz_request_refresh(KzRequest *request);
extern bool kz_request_write_options(KzRequest *request, bool *source);
extern bool kz_request_body(KzRequest *request, JsonbValue *body);
extern bool kz_request_body_object(KzRequest *request, const char *key, bool required,
								   JsonbValue *value);
extern bool kz_request_body_array(KzRequest *request, const char *key, bool required,
								  JsonbValue *value);
extern const char *kz_request_key_name(KzRequestKey key);

/* in kuzzle_document.c */
extern bool kz_request_write(KzRequest *request, KzEntry *entry, const char *command);

/* in kuzzle_batch.c */
extern bool kz_request_answer_lists(KzRequest *request, Jsonb *answer, bool strict,
									const char *action);
extern text *kz_request_number_id(const JsonbValue *number);
extern bool kz_request_mcreate(KzRequest *request);
extern bool kz_request_mcreate_or_replace(KzRequest *request);
extern bool kz_request_mdelete(KzRequest *request);
extern bool kz_request_mexists(KzRequest *request);
extern bool kz_request_mget(KzRequest *request);
extern bool kz_request_mreplace(KzRequest *request);
extern bool kz_request_mupdate(KzRequest *request);
extern bool kz_request_mupsert(KzRequest *request);

/* in kuzzle_collection.c */
extern List *kz_request_collections(const char *index);

/* in kuzzle_server.c */
extern Jsonb *kz_api_describe(void);

#endif							/* KZ_PROTOCOL_KUZZLE_H */
