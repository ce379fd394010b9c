/*
 * routes.c
 *	  Under which verb and path of HTTP an action of Kuzzle's API is found.
 *
 * They are Kuzzle's.  The first one of an action is what its SDK uses.
 */
#include "postgres.h"

#include "protocol/routes.h"

const KzRoute kz_routes[] = {
	{"document", "create", "POST", "/:index/:collection/_create"},
	{"document", "create", "POST", "/:index/:collection/:_id/_create"},
	{"document", "createOrReplace", "PUT", "/:index/:collection/:_id"},
	{"document", "replace", "PUT", "/:index/:collection/:_id/_replace"},
	{"document", "update", "PUT", "/:index/:collection/:_id/_update"},
	{"document", "update", "PATCH", "/:index/:collection/:_id/_update"},
	{"document", "upsert", "POST", "/:index/:collection/:_id/_upsert"},
	{"document", "upsert", "PUT", "/:index/:collection/:_id/_upsert"},
	{"document", "get", "GET", "/:index/:collection/:_id"},
	{"document", "exists", "GET", "/:index/:collection/:_id/_exists"},
	{"document", "delete", "DELETE", "/:index/:collection/:_id"},
	{"document", "deleteFields", "DELETE", "/:index/:collection/:_id/_fields"},
	{"document", "mCreate", "POST", "/:index/:collection/_mCreate"},
	{"document", "mUpsert", "POST", "/:index/:collection/_mUpsert"},
	{"document", "mCreateOrReplace", "PUT", "/:index/:collection/_mCreateOrReplace"},
	{"document", "mReplace", "PUT", "/:index/:collection/_mReplace"},
	{"document", "mUpdate", "PUT", "/:index/:collection/_mUpdate"},
	{"document", "mUpdate", "PATCH", "/:index/:collection/_mUpdate"},
	{"document", "mDelete", "DELETE", "/:index/:collection/_mDelete"},
	{"document", "mGet", "GET", "/:index/:collection/_mGet"},
	{"document", "mGet", "POST", "/:index/:collection/_mGet"},
	{"document", "mExists", "POST", "/:index/:collection/_mExists"},
	{"document", "count", "POST", "/:index/:collection/_count"},
	{"document", "validate", "POST", "/:index/:collection/_validate"},
	{"document", "search", "GET", "/:index/:collection/_search"},
	{"document", "search", "POST", "/:index/:collection/_search"},
	{"document", "scroll", "GET", "/_scroll/:scrollId"},
	{"document", "deleteByQuery", "DELETE", "/:index/:collection/_query"},
	{"document", "updateByQuery", "PUT", "/:index/:collection/_query"},
	{"document", "export", "GET", "/:index/:collection/_export"},
	{"document", "export", "POST", "/:index/:collection/_export"},
	{"bulk", "import", "POST", "/:index/:collection/_bulk"},
	{"bulk", "write", "POST", "/:index/:collection/_write"},
	{"bulk", "mWrite", "POST", "/:index/:collection/_mWrite"},
	{"bulk", "deleteByQuery", "DELETE", "/:index/:collection/_bulk/_query"},
	{"bulk", "updateByQuery", "PATCH", "/:index/:collection/_bulk/_query"},
	{"collection", "create", "PUT", "/:index/:collection"},
	{"collection", "update", "POST", "/:index/:collection"},
	{"collection", "delete", "DELETE", "/:index/:collection"},
	{"collection", "exists", "GET", "/:index/:collection/_exists"},
	{"collection", "getMapping", "GET", "/:index/:collection/_mapping"},
	{"collection", "getSettings", "GET", "/:index/:collection/_settings"},
	{"collection", "updateMapping", "PUT", "/:index/:collection/_mapping"},
	{"collection", "list", "GET", "/:index/_list"},
	{"collection", "refresh", "POST", "/:index/:collection/_refresh"},
	{"collection", "truncate", "DELETE", "/:index/:collection/_truncate"},
	{"index", "create", "POST", "/:index/_create"},
	{"index", "exists", "GET", "/:index/_exists"},
	{"index", "delete", "DELETE", "/:index"},
	{"index", "mDelete", "DELETE", "/_mDelete"},
	{"index", "list", "GET", "/_list"},
	{"index", "stats", "GET", "/_storageStats"},
	{"server", "now", "GET", "/_now"},
	{"server", "info", "GET", "/"},
	{"server", "info", "GET", "/_serverInfo"},
	{"server", "publicApi", "GET", "/_publicApi"},
	{"server", "healthCheck", "GET", "/_healthCheck"},
	{"auth", "login", "POST", "/_login/:strategy"},
	{"auth", "logout", "POST", "/_logout"},
	{"auth", "checkToken", "POST", "/_checkToken"},
	{"auth", "getCurrentUser", "GET", "/_me"}
};

const int	kz_nroutes = lengthof(kz_routes);
