/*
 * The SQL face of kz, in reading order: the catalogue, indexes and
 * collections, one document, many documents, merging.
 *
 * Every argument is meant to be passed by name.  An argument without a default
 * that is NULL raises KZ400; an option that is NULL takes its default.
 */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION kz" to load this file. \quit

/*
 * The catalogue: which schema is an index, which table is a collection.
 *
 * Names, never OIDs: the rows are dumped with the database, and an OID would
 * name nothing, or something else, in the database that restores them.  Only
 * the extension's C code and a restore change the rows; PUBLIC may read them.
 */
CREATE SCHEMA kz_catalog;
COMMENT ON SCHEMA kz_catalog IS
'Catalogue of the extension kz: which schema is an index and which table is a collection.';

CREATE TABLE kz_catalog.index (
	name text COLLATE "C" PRIMARY KEY,
	schema_name name NOT NULL,
	adopted boolean NOT NULL,
	position bigint NOT NULL
);
COMMENT ON TABLE kz_catalog.index IS 'Indexes: each is a schema.';
COMMENT ON COLUMN kz_catalog.index.name IS 'name of the index, as its users say it';
COMMENT ON COLUMN kz_catalog.index.schema_name IS 'the schema; differs from name where PostgreSQL cannot use that name';
COMMENT ON COLUMN kz_catalog.index.adopted IS 'true: the schema was there before the index and outlives it';
COMMENT ON COLUMN kz_catalog.index.position IS 'order of creation, from 1';

CREATE TABLE kz_catalog.collection (
	index text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	schema_name name NOT NULL,
	table_name name NOT NULL,
	attached boolean NOT NULL,
	mappings jsonb NOT NULL,
	settings jsonb NOT NULL,
	position bigint NOT NULL,
	PRIMARY KEY (index, name)
);
COMMENT ON TABLE kz_catalog.collection IS 'Collections: each is a table.';
COMMENT ON COLUMN kz_catalog.collection.index IS 'name of the index the collection belongs to';
COMMENT ON COLUMN kz_catalog.collection.name IS 'name of the collection, as its users say it';
COMMENT ON COLUMN kz_catalog.collection.schema_name IS 'schema of the table';
COMMENT ON COLUMN kz_catalog.collection.table_name IS 'the table; differs from name where PostgreSQL cannot use that name';
COMMENT ON COLUMN kz_catalog.collection.attached IS 'true: the table was there before the collection and outlives it';
COMMENT ON COLUMN kz_catalog.collection.mappings IS 'mappings as stored: dynamic, properties, _meta';
COMMENT ON COLUMN kz_catalog.collection.settings IS 'settings as stored';
COMMENT ON COLUMN kz_catalog.collection.position IS 'order of creation, from 1, over all indexes';

/*
 * Ordinary tables send no cache invalidation when their rows change, so these
 * triggers do, whoever made the change: a restore or a replication worker counts,
 * too.  That one fires only triggers that are ALWAYS, and, but for TRUNCATE, only
 * those FOR EACH ROW.
 */
CREATE FUNCTION kz_catalog.invalidate_cache()
RETURNS trigger
LANGUAGE C
AS 'MODULE_PATHNAME', 'kz_invalidate_cache';

COMMENT ON FUNCTION kz_catalog.invalidate_cache() IS
'Trigger of the catalogue tables: makes every session read the catalogue again.';

CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE ON kz_catalog.index
	FOR EACH ROW EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER invalidate_cache_on_truncate
	AFTER TRUNCATE ON kz_catalog.index
	FOR EACH STATEMENT EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE ON kz_catalog.collection
	FOR EACH ROW EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER invalidate_cache_on_truncate
	AFTER TRUNCATE ON kz_catalog.collection
	FOR EACH STATEMENT EXECUTE FUNCTION kz_catalog.invalidate_cache();
ALTER TABLE kz_catalog.index
	ENABLE ALWAYS TRIGGER invalidate_cache,
	ENABLE ALWAYS TRIGGER invalidate_cache_on_truncate;
ALTER TABLE kz_catalog.collection
	ENABLE ALWAYS TRIGGER invalidate_cache,
	ENABLE ALWAYS TRIGGER invalidate_cache_on_truncate;
COMMENT ON TRIGGER invalidate_cache ON kz_catalog.index IS
'Tells every session that the indexes have changed.';
COMMENT ON TRIGGER invalidate_cache_on_truncate ON kz_catalog.index IS
'Tells every session that all indexes have gone.';
COMMENT ON TRIGGER invalidate_cache ON kz_catalog.collection IS
'Tells every session that the collections have changed.';
COMMENT ON TRIGGER invalidate_cache_on_truncate ON kz_catalog.collection IS
'Tells every session that all collections have gone.';

GRANT USAGE ON SCHEMA kz_catalog TO PUBLIC;
GRANT SELECT ON kz_catalog.index, kz_catalog.collection TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('kz_catalog.index', '');
SELECT pg_catalog.pg_extension_config_dump('kz_catalog.collection', '');

/*
 * Indexes
 */

CREATE FUNCTION kz_create_index(
	index text)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_create_index';

COMMENT ON FUNCTION kz_create_index(text) IS
'Creates an index, or adopts the schema of that name, which the caller must own. Returns '
'{"acknowledged": true}. Raises KZ412 if the index exists, KZ400 for a bad name, 42501 without '
'CREATE on the database.';

CREATE FUNCTION kz_delete_index(
	index text)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_delete_index';

COMMENT ON FUNCTION kz_delete_index(text) IS
'Deletes an index, whose schema the caller must own: drops the tables that kz made and that still fit, '
'detaches the others, drops the schema if kz made it and nothing else is in it. Never cascades. Returns '
'{"acknowledged": true}. Raises KZ412 if the index is unknown.';

CREATE FUNCTION kz_list_indexes()
RETURNS SETOF text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_list_indexes';

COMMENT ON FUNCTION kz_list_indexes() IS
'Names of the indexes, in order of creation.';

CREATE FUNCTION kz_index_exists(
	index text)
RETURNS boolean
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_index_exists';

COMMENT ON FUNCTION kz_index_exists(text) IS
'Whether the index exists.';

/*
 * Collections
 */

CREATE FUNCTION kz_create_collection(
	index text,
	collection text,
	mappings jsonb DEFAULT '{}',
	settings jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_create_collection';

COMMENT ON FUNCTION kz_create_collection(text, text, jsonb, jsonb) IS
'Creates a collection, and its index if that is missing; takes up a fitting table that is '
'already there; updates a collection that exists. Returns {"acknowledged": true}. Raises KZ400 '
'for a bad name, bad mappings or a bad setting, KZ412 if a table is there that does not fit, 42501 '
'without CREATE on the schema, or for a table of somebody else. Settings are kept as they are given; '
'kz obeys "notifications": "off", "notify" (see kz_channel) or "message" (for logical decoding, with the '
'prefix kz), and "index.blocks.write": true, which has all writes of documents refused with KZ403.';

CREATE FUNCTION kz_update_collection(
	index text,
	collection text,
	mappings jsonb DEFAULT NULL,
	settings jsonb DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_update_collection';

COMMENT ON FUNCTION kz_update_collection(text, text, jsonb, jsonb) IS
'Merges mappings and settings into those of a collection, whose table the caller must own; NULL '
'leaves them. Returns {"acknowledged": true}. Raises KZ412 if the collection is unknown or its table '
'does not fit any more, KZ400 for bad mappings, a changed field type or a bad setting.';

CREATE FUNCTION kz_attach_collection(
	index text,
	collection text,
	relation regclass)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_attach_collection';

COMMENT ON FUNCTION kz_attach_collection(text, text, regclass) IS
'Makes a collection of a table that is already there, which the caller must own, together with '
'CREATE on the schema of the index. It needs _id text NOT NULL with a deterministic collation '
'and a unique index of its own, _version bigint NOT NULL, _source jsonb NOT NULL; other columns '
'must be nullable or have a default. Returns {"acknowledged": true}. Raises KZ412 if the table '
'does not fit, the collection exists or the index is unknown.';

CREATE FUNCTION kz_delete_collection(
	index text,
	collection text)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_delete_collection';

COMMENT ON FUNCTION kz_delete_collection(text, text) IS
'Deletes a collection, whose table the caller must own: drops a table that kz made and that still '
'fits, detaches any other. Returns {"acknowledged": true}. Raises KZ412 if the collection is unknown.';

CREATE FUNCTION kz_truncate_collection(
	index text,
	collection text)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_truncate_collection';

COMMENT ON FUNCTION kz_truncate_collection(text, text) IS
'Removes all documents of a collection, whose table the caller must own; mappings and settings '
'stay. Returns {"acknowledged": true}. Raises KZ412 if the collection is unknown or its table does '
'not fit any more.';

CREATE FUNCTION kz_get_mapping(
	index text,
	collection text)
RETURNS jsonb
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_get_mapping';

COMMENT ON FUNCTION kz_get_mapping(text, text) IS
'Mappings of a collection: {"dynamic", "properties"}, and "_meta" if it was given. Raises KZ412 '
'if the collection is unknown.';

CREATE FUNCTION kz_get_settings(
	index text,
	collection text)
RETURNS jsonb
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_get_settings';

COMMENT ON FUNCTION kz_get_settings(text, text) IS
'Settings of a collection, as they were given. Raises KZ412 if the collection is unknown.';

CREATE FUNCTION kz_channel(
	index text,
	collection text)
RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_channel';

COMMENT ON FUNCTION kz_channel(text, text) IS
'Channel to LISTEN to for the changes of a collection whose setting "notifications" is "notify": '
'kz:<index>:<collection>, shortened with a hash where that is longer than 63 bytes. It need not exist. '
'To be quoted as an identifier.';

CREATE FUNCTION kz_list_collections(
	index text)
RETURNS SETOF text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_list_collections';

COMMENT ON FUNCTION kz_list_collections(text) IS
'Names of the collections of an index, in byte order. Raises KZ412 if the index is unknown.';

CREATE FUNCTION kz_collection_exists(
	index text,
	collection text)
RETURNS boolean
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_collection_exists';

COMMENT ON FUNCTION kz_collection_exists(text, text) IS
'Whether the collection exists; false also for an unknown index.';

/*
 * One document
 *
 * Options that all writing functions share:
 *
 *	refresh		'false', 'wait_for' or ''; a committed change is visible to every
 *				later search anyway
 *	silent		no change notification for this call
 *	kuid		the user on whose behalf; when given, _kuzzle_info is maintained
 *				in the document
 *	if_version	write only if the stored version is this one, 0 = the document
 *				must not exist; otherwise KZ409, never retried.  A document that
 *				should or should not be there, by what the function is for, is
 *				KZ404 or document_already_exists first
 *
 * All of them raise KZ400 for malformed arguments, KZ412 for an unknown index
 * or collection, KZ403 if the collection's settings block writes, or a trigger or
 * a policy suppresses the write or hides the row, 40001 for a conflict in
 * REPEATABLE READ and SERIALIZABLE, and 42501 without the rights on the table.
 */

CREATE FUNCTION kz_create(
	index text,
	collection text,
	body jsonb,
	id text DEFAULT NULL,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_create';

COMMENT ON FUNCTION kz_create(text, text, jsonb, text, text, boolean, text, bigint) IS
'Creates a document; generates an id where none is given. Needs INSERT and SELECT. Returns '
'{"_id", "_source", "_version"}. Raises KZ400 (document_already_exists) if the id is taken.';

CREATE FUNCTION kz_create_or_replace(
	index text,
	collection text,
	id text,
	body jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_create_or_replace';

COMMENT ON FUNCTION kz_create_or_replace(text, text, text, jsonb, text, boolean, text, bigint) IS
'Creates a document or replaces the stored one as a whole. Needs SELECT, INSERT and UPDATE. '
'Returns {"_id", "_source", "_version", "created"}.';

CREATE FUNCTION kz_replace(
	index text,
	collection text,
	id text,
	body jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_replace';

COMMENT ON FUNCTION kz_replace(text, text, text, jsonb, text, boolean, text, bigint) IS
'Replaces a stored document as a whole. Needs SELECT and UPDATE. Returns {"_id", "_source", '
'"_version"}. Raises KZ404 if there is none.';

CREATE FUNCTION kz_update(
	index text,
	collection text,
	id text,
	changes jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10,
	source boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_update';

COMMENT ON FUNCTION kz_update(text, text, text, jsonb, text, boolean, text, bigint, integer, boolean) IS
'Merges changes into a stored document, as kz_merge does. Needs SELECT and UPDATE. '
'retry_on_conflict: how often to start again when another transaction was faster. Returns '
'{"_id", "_source", "_version"}; _source holds the changes alone, or with source the whole '
'document. Raises KZ404 if there is no such document, KZ409 if no retry is left.';

CREATE FUNCTION kz_upsert(
	index text,
	collection text,
	id text,
	changes jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL,
	defaults jsonb DEFAULT '{}',
	retry_on_conflict integer DEFAULT 10,
	source boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_upsert';

COMMENT ON FUNCTION kz_upsert(text, text, text, jsonb, text, boolean, text, bigint, jsonb, integer, boolean) IS
'Merges changes into a stored document, or creates it from the defaults with the changes merged '
'over them. Needs SELECT, INSERT and UPDATE. retry_on_conflict: how often to start again when '
'another transaction was faster. Returns {"_id", "_version", "created"}, with source also the '
'whole "_source". Raises KZ409 if no retry is left.';

CREATE FUNCTION kz_delete(
	index text,
	collection text,
	id text,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL,
	source boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_delete';

COMMENT ON FUNCTION kz_delete(text, text, text, text, boolean, text, bigint, boolean) IS
'Deletes a document. Needs SELECT and DELETE. Returns {"_id"}, with source also "_source" and '
'"_version" of what was deleted. Raises KZ404 if there is none.';

CREATE FUNCTION kz_delete_fields(
	index text,
	collection text,
	id text,
	fields text[],
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	if_version bigint DEFAULT NULL,
	source boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_delete_fields';

COMMENT ON FUNCTION kz_delete_fields(text, text, text, text[], text, boolean, text, bigint, boolean) IS
'Removes fields from a stored document: paths such as a.b or a[0].b; a key that is written like '
'the path wins; an array element becomes null; what is not there is ignored. Needs SELECT and '
'UPDATE. Returns {"_id", "_version"}, with source also "_source". Raises KZ404 if there is no '
'such document.';

CREATE FUNCTION kz_get(
	index text,
	collection text,
	id text)
RETURNS jsonb
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_get';

COMMENT ON FUNCTION kz_get(text, text, text) IS
'Reads a document. Needs SELECT. Returns {"_id", "_source", "_version"}. Raises KZ404 if there '
'is none.';

CREATE FUNCTION kz_exists(
	index text,
	collection text,
	id text)
RETURNS boolean
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_exists';

COMMENT ON FUNCTION kz_exists(text, text, text) IS
'Whether a document exists. Needs SELECT.';

CREATE FUNCTION kz_count(
	index text,
	collection text)
RETURNS bigint
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_count';

COMMENT ON FUNCTION kz_count(text, text) IS
'Number of documents in a collection. Needs SELECT.';

/*
 * Many documents
 *
 * documents is an array of entries: {"_id", "body"}, for kz_mupsert
 * {"_id", "changes", "default"}; each may have "if_version".  The answer is
 * {"successes", "errors"}, in the order of the request, but of the errors first
 * those of entries that are wrong by themselves, then those of documents that
 * should or should not have been there; an error is
 * {"document", "reason", "status"} with the entry as it was sent.  What is wrong
 * with one document leaves the others alone, unless strict is asked for: then
 * any error raises KZ400 (incomplete_multiple_request), and nothing is written.
 * Documents are written in ascending order of their ids.  The same id may come
 * more than once; its entries are done in the order of the request.
 *
 * Rights, options and errors about arguments are those for one document; source
 * says whether the answer has the documents.
 */

CREATE FUNCTION kz_mcreate(
	index text,
	collection text,
	documents jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	strict boolean DEFAULT false,
	source boolean DEFAULT true)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_mcreate';

COMMENT ON FUNCTION kz_mcreate(text, text, jsonb, text, boolean, text, boolean, boolean) IS
'Creates documents; generates an id where none is given. A success is {"_id", "_source", '
'"_version", "created", "result", "status"}. An id that was stored before the call is an error '
'of that document; a second entry of one id replaces the first. Returns {"successes", '
'"errors"}. Needs INSERT and SELECT. strict: any error raises KZ400 and nothing is written.';

CREATE FUNCTION kz_mcreate_or_replace(
	index text,
	collection text,
	documents jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	strict boolean DEFAULT false,
	source boolean DEFAULT true)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_mcreate_or_replace';

COMMENT ON FUNCTION kz_mcreate_or_replace(text, text, jsonb, text, boolean, text, boolean, boolean) IS
'Creates documents or replaces stored ones as a whole; generates an id where none is given. A '
'success is {"_id", "_source", "_version", "created", "result", "status"}. Returns '
'{"successes", "errors"}. Needs SELECT, INSERT and UPDATE. strict: any error raises KZ400 and '
'nothing is written.';

CREATE FUNCTION kz_mreplace(
	index text,
	collection text,
	documents jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	strict boolean DEFAULT false,
	source boolean DEFAULT true)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_mreplace';

COMMENT ON FUNCTION kz_mreplace(text, text, jsonb, text, boolean, text, boolean, boolean) IS
'Replaces stored documents as a whole. A success is {"_id", "_source", "_version", "created", '
'"result", "status"}; a document that is not there is an error of that document. Returns '
'{"successes", "errors"}. Needs SELECT and UPDATE. strict: any error raises KZ400 and nothing '
'is written.';

CREATE FUNCTION kz_mupdate(
	index text,
	collection text,
	documents jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false,
	source boolean DEFAULT true)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_mupdate';

COMMENT ON FUNCTION kz_mupdate(text, text, jsonb, text, boolean, text, integer, boolean, boolean) IS
'Merges changes, the "body" of each entry, into stored documents. A success is {"_id", '
'"_source", "_version", "status"} with the whole document; a document that is not there, or a '
'conflict without a retry left, is an error of that document. Returns {"successes", "errors"}. '
'Needs SELECT and UPDATE. strict: any error raises KZ400 and nothing is written.';

CREATE FUNCTION kz_mupsert(
	index text,
	collection text,
	documents jsonb,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false,
	source boolean DEFAULT true)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_mupsert';

COMMENT ON FUNCTION kz_mupsert(text, text, jsonb, text, boolean, text, integer, boolean, boolean) IS
'Merges changes into stored documents, or creates them from the changes with "default" merged '
'over them: unlike in kz_upsert the default wins, as in Kuzzle. A success is {"_id", "_source", '
'"_version", "created", "status"}; a conflict without a retry left is an error of that '
'document. Returns {"successes", "errors"}. Needs SELECT, INSERT and UPDATE. strict: any error '
'raises KZ400 and nothing is written.';

CREATE FUNCTION kz_mdelete(
	index text,
	collection text,
	ids text[],
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	strict boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_mdelete';

COMMENT ON FUNCTION kz_mdelete(text, text, text[], text, boolean, text, boolean) IS
'Deletes documents. A success is an id, an error {"_id", "reason", "status"}. An id that comes '
'more than once counts once. Returns {"successes", "errors"}. Needs SELECT and DELETE. strict: '
'any error raises KZ400 and nothing is written.';

CREATE FUNCTION kz_mget(
	index text,
	collection text,
	ids text[],
	strict boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_mget';

COMMENT ON FUNCTION kz_mget(text, text, text[], boolean) IS
'Reads documents. A success is {"_id", "_source", "_version"}, an error the id of a document '
'that is not there. Returns {"successes", "errors"}. Needs SELECT. strict: any error raises '
'KZ400 and nothing is returned.';

CREATE FUNCTION kz_mexists(
	index text,
	collection text,
	ids text[],
	strict boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'kz_mexists';

COMMENT ON FUNCTION kz_mexists(text, text, text[], boolean) IS
'Says which documents exist. A success is an id, an error the id of a document that is not '
'there. Returns {"successes", "errors"}. Needs SELECT. strict: any error raises KZ400 and '
'nothing is returned.';

CREATE FUNCTION kz_update_rows(
	index text,
	collection text,
	ids text[],
	changes jsonb[],
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false,
	source boolean DEFAULT true,
	if_versions bigint[] DEFAULT NULL)
RETURNS TABLE (
	ord bigint,
	_id text,
	status integer,
	created boolean,
	_version bigint,
	_source jsonb,
	reason text)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_update_rows';

COMMENT ON FUNCTION kz_update_rows(text, text, text[], jsonb[], text, boolean, text, integer, boolean, boolean, bigint[]) IS
'kz_mupdate for arrays of equal length, with a row for each element: ord is its place, from 1, '
'and reason says what failed. All writes are done before the first row is returned. Needs '
'SELECT and UPDATE. strict: any error raises KZ400 and nothing is written.';

CREATE FUNCTION kz_upsert_rows(
	index text,
	collection text,
	ids text[],
	changes jsonb[],
	defaults jsonb[] DEFAULT NULL,
	refresh text DEFAULT 'false',
	silent boolean DEFAULT false,
	kuid text DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false,
	source boolean DEFAULT true,
	if_versions bigint[] DEFAULT NULL)
RETURNS TABLE (
	ord bigint,
	_id text,
	status integer,
	created boolean,
	_version bigint,
	_source jsonb,
	reason text)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_upsert_rows';

COMMENT ON FUNCTION kz_upsert_rows(text, text, text[], jsonb[], jsonb[], text, boolean, text, integer, boolean, boolean, bigint[]) IS
'kz_upsert for arrays of equal length, with a row for each element: ord is its place, from 1, '
'and reason says what failed. A new document is made from its defaults with the changes merged '
'over them, as in kz_upsert. All writes are done before the first row is returned. Needs '
'SELECT, INSERT and UPDATE. strict: any error raises KZ400 and nothing is written.';

/*
 * Merging
 */

CREATE FUNCTION kz_merge(
	target jsonb,
	changes jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'kz_merge';

COMMENT ON FUNCTION kz_merge(jsonb, jsonb) IS
'The one rule of merging: for each key of the changes, two objects are merged in depth, '
'anything else replaces what was there; null is a value. Keys are literal. NULL if an argument '
'is NULL.';

/*
 * A restore by a database owner who is no superuser copies rows into these
 * tables, so they belong to the owner of the extension and not to the
 * superuser as whom a trusted script runs.  Last, because nothing after this
 * line could change them.
 */
ALTER TABLE kz_catalog.index OWNER TO @extowner@;
ALTER TABLE kz_catalog.collection OWNER TO @extowner@;

/*
 * Protocols.
 */

CREATE FUNCTION kz_request(request jsonb, kuid text DEFAULT '-1')
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_request';

COMMENT ON FUNCTION kz_request(jsonb, text) IS
'Answers a request of Kuzzle''s API: {"controller", "action", "index", "collection", "_id", "body", '
'...} with {"status", "error", "result", "requestId", ...}. Controllers: auth, bulk, collection, '
'document, index, server. kuid is the user on whose behalf, for the metadata of documents; what '
'the request says of it is ignored. A request that fails is an answer with an error, and nothing '
'of it stays written; but of actions for many documents what succeeded does, as in Kuzzle. '
'PostgreSQL''s own errors are raised, unless they are about one document. Rights are those of the '
'functions that do the same.';

/*
 * Milvus' REST API
 */

CREATE FUNCTION kz_milvus(path text, request jsonb, allow_int64 boolean DEFAULT true)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_milvus';

COMMENT ON FUNCTION kz_milvus(text, jsonb, boolean) IS
'Answers a request to Milvus'' REST API: path is an endpoint, /v1/vector/... or /v2/vectordb/..., '
'request its body, NULL an empty one. The answer is {"code", "data"}, where the code 200 (v1) or 0 '
'(v2) means success, or {"code", "message"}; 404 is an unknown path. A database is an index, a '
'collection one of its collections, an entity a document, whose id is the text of its primary key. '
'allow_int64 false answers Int64 values as strings, for clients that read numbers as doubles. A '
'request is done as a whole or not at all. PostgreSQL''s own errors are raised, unless they are about '
'one entity. Rights are those of the functions that do the same.';

/*
 * HTTP
 */

CREATE FUNCTION kz_http(method text, target text, headers jsonb DEFAULT '{}', body text DEFAULT NULL,
	kuid text DEFAULT '-1', OUT status int, OUT headers jsonb, OUT body text)
RETURNS record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'kz_http';

COMMENT ON FUNCTION kz_http(text, text, jsonb, text, text) IS
'Answers a request of HTTP to Kuzzle''s API or, under /v1/vector/ and /v2/vectordb/, to Milvus'': '
'method is the verb, target the path with its query, headers an object, whose values are strings or '
'arrays of them, body the text of the body. kuid is the user on whose behalf, as the web server in '
'front knows it; what the client says of it is ignored. The answer is a status, headers and a body, '
'NULL for none. What a client sends raises no error; PostgreSQL''s own errors are raised, unless they '
'are about one document. Rights are those of the functions that do the same.';
