/*
 * error_catalog.h
 *	  The catalogue of errors: rows, and nothing else.
 *
 * The extension and the gateway both include it, as often as they need, with their
 * own KZ_ERROR_ROW(name, id, number, status, message, reason), and take the rows that
 * they have errors for.  A number or an id that came twice would mean two errors:
 * test/check/errors.sh looks for that.
 *
 *	number	domain << 24 | subdomain << 16 | error
 *	status	of HTTP; the extension makes the SQLSTATE from it
 *	message	%1 to %4 stand for arguments; not in those of the gateway alone
 *	reason	in an answer about many documents, or NULL if it does not differ there
 *
 * Ids, numbers, statuses and texts are those of Kuzzle 2.56 unless marked as ours; ours
 * use numbers from 0x80 on, which Kuzzle does not assign.
 */

KZ_ERROR_ROW(MISSING_ARGUMENT, "api.assert.missing_argument", 0x02010003, 400,
			 "Missing argument \"%1\".", NULL)
KZ_ERROR_ROW(INVALID_TYPE, "api.assert.invalid_type", 0x02010001, 400,
			 "Wrong type for argument \"%1\" (expected: %2)", NULL)
KZ_ERROR_ROW(INVALID_ARGUMENT, "api.assert.invalid_argument", 0x02010002, 400,
			 "Invalid argument \"%1\". Expected: %2", NULL)
KZ_ERROR_ROW(INVALID_OPTION, "services.storage.invalid_argument", 0x01010013, 400,
			 "Argument \"%1\" is invalid (expected: %2)", NULL)
/* Of an envelope: has neither id nor number. */
KZ_ERROR_ROW(MALFORMED, "", 0, 400,
			 "%1", NULL)
KZ_ERROR_ROW(MUTUALLY_EXCLUSIVE, "api.assert.mutually_exclusive", 0x02010005, 400,
			 "Arguments \"%1\" and \"%2\" are mutually exclusive", NULL)
KZ_ERROR_ROW(BODY_REQUIRED, "api.assert.body_required", 0x02010008, 400,
			 "The request must specify a body.", NULL)
KZ_ERROR_ROW(UNKNOWN_CONTROLLER, "api.process.controller_not_found", 0x02020004, 404,
			 "API controller \"%1\" not found.", NULL)
KZ_ERROR_ROW(UNKNOWN_ACTION, "api.process.action_not_found", 0x02020005, 404,
			 "API action \"%1\":\"%2\" not found", NULL)
/* ours */
KZ_ERROR_ROW(NOT_SUPPORTED, "api.process.not_supported", 0x02020080, 501,
			 "API action \"%1\":\"%2\" is not supported yet.", NULL)
/* ours */
KZ_ERROR_ROW(QUERY_NOT_SUPPORTED, "api.process.query_not_supported", 0x02020081, 501,
			 "API action \"%1\":\"%2\" is not supported yet with a query.", NULL)
KZ_ERROR_ROW(OLD_SDK, "api.process.incompatible_sdk_version", 0x02020006, 400,
			 "Incompatible SDK client. Your SDK version (%1) does not match Kuzzle requirement (%2).", NULL)
KZ_ERROR_ROW(VERB, "network.http.unsupported_verb", 0x03010006, 400,
			 "Unsupported HTTP verb \"%1\".", NULL)
KZ_ERROR_ROW(URL, "network.http.url_not_found", 0x03010007, 404,
			 "API URL not found: %1.", NULL)
KZ_ERROR_ROW(CONTENT, "network.http.unsupported_content", 0x03010008, 400,
			 "Invalid request content-type. Expected \"application/json\", got: \"%1\".", NULL)
KZ_ERROR_ROW(VOLATILE, "network.http.volatile_parse_failed", 0x0301000b, 400,
			 "Unable to convert the \"x-kuzzle-volatile\" HTTP header to JSON: %1", NULL)
KZ_ERROR_ROW(BODY, "network.http.body_parse_failed", 0x0301000c, 400,
			 "Unable to convert the HTTP body to JSON: %1", NULL)
KZ_ERROR_ROW(WRITE_LIMIT, "services.storage.write_limit_exceeded", 0x01010004, 413,
			 "The number of documents edited by this request exceeds the configured server limit.", NULL)
KZ_ERROR_ROW(FETCH_LIMIT, "services.storage.get_limit_exceeded", 0x01010003, 413,
			 "The number of documents returned by this request exceeds the configured server limit.", NULL)
KZ_ERROR_ROW(ROUTING, "services.storage.no_routing", 0x01010017, 400,
			 "The \"_routing\" keyword is forbidden.", NULL)
KZ_ERROR_ROW(SEARCH_AS_ID, "services.storage.search_as_an_id", 0x0101000f, 400,
			 "_search is not a valid document identifier", NULL)
KZ_ERROR_ROW(QUERY_KEYWORD, "services.storage.invalid_query_keyword", 0x0101002f, 400,
			 "The \"%1\" keyword is not allowed in this query.", NULL)
KZ_ERROR_ROW(UNKNOWN_INDEX, "services.storage.unknown_index", 0x01010001, 412,
			 "The index \"%1\" does not exist.", NULL)
KZ_ERROR_ROW(UNKNOWN_COLLECTION, "services.storage.unknown_collection", 0x01010002, 412,
			 "The collection \"%1\":\"%2\" does not exist.", NULL)
KZ_ERROR_ROW(INDEX_EXISTS, "services.storage.index_already_exists", 0x01010026, 412,
			 "A %1 index named \"%2\" already exists", NULL)
/* ours */
KZ_ERROR_ROW(COLLECTION_EXISTS, "services.storage.collection_already_exists", 0x01010080, 412,
			 "The table %1 cannot become collection \"%2\":\"%3\": %4", NULL)
KZ_ERROR_ROW(INVALID_INDEX_NAME, "services.storage.invalid_index_name", 0x01010029, 400,
			 "The index name \"%1\" is invalid", NULL)
KZ_ERROR_ROW(INVALID_COLLECTION_NAME, "services.storage.invalid_collection_name", 0x0101002a, 400,
			 "The collection name \"%1\" is invalid", NULL)
KZ_ERROR_ROW(COLLECTION_RESERVED, "services.storage.collection_reserved", 0x01010016, 400,
			 "Invalid collection name. \"%1\" is reserved for internal usage.", NULL)
/* ours */
KZ_ERROR_ROW(UNFIT_RELATION, "services.storage.unfit_relation", 0x01010081, 412,
			 "The relation %1 cannot serve as collection \"%2\":\"%3\": %4", NULL)
KZ_ERROR_ROW(INVALID_MAPPING, "services.storage.invalid_mapping", 0x01010015, 400,
			 "Invalid mapping property \"mappings.%1\".%2", NULL)
KZ_ERROR_ROW(BAD_REQUEST, "services.storage.unexpected_bad_request", 0x01010021, 400,
			 "%1", NULL)
/* ours */
KZ_ERROR_ROW(FORBIDDEN, "services.storage.write_forbidden", 0x01010084, 403,
			 "%1", NULL)
KZ_ERROR_ROW(INCOMPLETE, "api.process.incomplete_multiple_request", 0x0202000a, 400,
			 "At least one of the %1 actions failed.", NULL)
KZ_ERROR_ROW(STRICT_MAPPING, "services.storage.strict_mapping_rejection", 0x0101002b, 400,
			 "Cannot create document. Field \"%1\" is not present in collection \"%2:%3\" strict mapping", "mapping set to strict, dynamic introduction of [%1] within [%4] is not allowed")
KZ_ERROR_ROW(NOT_FOUND, "services.storage.not_found", 0x0101000b, 404,
			 "Document \"%1\" not found in \"%2\":\"%3\".", "document not found")
KZ_ERROR_ROW(DOCUMENT_EXISTS, "services.storage.document_already_exists", 0x01010011, 400,
			 "Document already exists.", "document already exists")
/* ours */
KZ_ERROR_ROW(VERSION_CONFLICT, "services.storage.version_conflict", 0x01010082, 409,
			 "Version conflict on document \"%1\" in \"%2\":\"%3\": %4", NULL)
/* ours */
KZ_ERROR_ROW(WRITE_SUPPRESSED, "services.storage.write_suppressed", 0x01010083, 403,
			 "The write of document \"%1\" in \"%2\":\"%3\" was suppressed by a trigger or a policy of table %4, or a policy hides the document.", NULL)

/* Those of the gateway alone. */
KZ_ERROR_ROW(HTTP, "network.http.unexpected_error", 0x03010002, 400,
			 "Caught an unexpected HTTP error", NULL)
KZ_ERROR_ROW(TOO_LARGE, "network.http.request_too_large", 0x03010001, 413,
			 "Maximum HTTP request size exceeded.", NULL)
/* ours */
KZ_ERROR_ROW(HTTP_TIMEOUT, "network.http.timeout", 0x03010080, 408,
			 "request timeout", NULL)
KZ_ERROR_ROW(WEBSOCKET, "network.websocket.unexpected_error", 0x03030001, 400,
			 "Caught an unexpected WebSocket error", NULL)
KZ_ERROR_ROW(OVERLOADED, "api.process.overloaded", 0x02020002, 503,
			 "Request discarded: too many requests wait for the database.", NULL)
/* ours */
KZ_ERROR_ROW(NOT_CONNECTED, "services.storage.not_connected", 0x01010090, 503,
			 "The database can't be reached.", NULL)
/* ours */
KZ_ERROR_ROW(TIMEOUT, "services.storage.timeout", 0x01010091, 504,
			 "The request took too long.", NULL)
KZ_ERROR_ROW(UNEXPECTED, "services.storage.unexpected_error", 0x01010023, 500,
			 "The database could not do it.", NULL)
KZ_ERROR_ROW(UNAUTHORIZED, "security.rights.unauthorized", 0x07030001, 401,
			 "user hasn't authenticated", NULL)
KZ_ERROR_ROW(NO_RIGHT, "security.rights.forbidden", 0x07030002, 403,
			 "privilege not permitted", NULL)
KZ_ERROR_ROW(TOKEN, "security.token.invalid", 0x07010001, 401,
			 "Invalid token.", NULL)
KZ_ERROR_ROW(TOKEN_EXPIRED, "security.token.expired", 0x07010006, 401,
			 "Token expired", NULL)
KZ_ERROR_ROW(CREDENTIALS, "plugin.strategy.missing_user", 0x04030014, 401,
			 "wrong username or password", NULL)
