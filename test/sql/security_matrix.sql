--
-- SECURITY MATRIX
-- Every function of the extension, every action of Kuzzle's and every endpoint of
-- Milvus': without which right is it refused, what does it do without any, and
-- does a policy hide from it what it hides? A function or an action that is not
-- listed here is named by the first queries.
--
\set SHOW_CONTEXT never

CREATE ROLE regress_kz_caller;
CREATE ROLE regress_kz_other;
GRANT CREATE ON SCHEMA public TO PUBLIC;
SELECT kz_create_collection('matrix', 'items');
SELECT kz_create('matrix', 'items', '{"n": 1, "s": "content"}', 'there');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "matrix", "collectionName": "vec", "dimension": 2}') -> 'code';
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "matrix", "collectionName": "vec", "data": {"id": 1, "vector": [1, 2], "s": "content"}}') -> 'code';
CREATE TABLE matrix.plain (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
CREATE SCHEMA matrix_adopt;
CREATE SCHEMA matrix_drop;
SELECT kz_create_index('matrix_drop');
-- what moves, and where to: an attached collection that is also one of Milvus', another
-- index, in it a table to be taken up and the rest of a collection whose table is gone
CREATE TABLE matrix.trap (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('matrix', 'trap', 'matrix.trap');
SELECT kz_update_collection('matrix', 'trap', settings => kz_get_settings('matrix', 'vec'));
SELECT kz_create_index('matrix_target');
CREATE TABLE matrix_target.fit (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_create_collection('matrix_target', 'stale');
DROP TABLE matrix_target.stale;
SELECT kz_create_index('matrix_gone');
DROP SCHEMA matrix_gone;

/* A table of the index, for whom may not use its schema as well. */
CREATE FUNCTION pg_temp.oid_of(name text) RETURNS oid LANGUAGE sql AS $$
	SELECT oid FROM pg_class WHERE relname = name AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'matrix')
$$;

/*
 * The calls: expressions that are jsonb. name is a function, controller:action or
 * an endpoint.
 */
CREATE TABLE call (ord serial, name text, expression text, defines boolean DEFAULT false);
GRANT SELECT ON call TO PUBLIC;
INSERT INTO call (name, expression) VALUES
	('kz_create', $$kz_create('matrix', 'items', '{}', 'new')$$),
	('kz_create_or_replace', $$kz_create_or_replace('matrix', 'items', 'there', '{}')$$),
	('kz_replace', $$kz_replace('matrix', 'items', 'there', '{}')$$),
	('kz_update', $$kz_update('matrix', 'items', 'there', '{"n": 2}', source => true)$$),
	('kz_upsert', $$kz_upsert('matrix', 'items', 'there', '{"n": 2}', source => true)$$),
	('kz_delete', $$kz_delete('matrix', 'items', 'there', source => true)$$),
	('kz_delete_fields', $$kz_delete_fields('matrix', 'items', 'there', '{n}', source => true)$$),
	('kz_get', $$kz_get('matrix', 'items', 'there')$$),
	('kz_exists', $$to_jsonb(kz_exists('matrix', 'items', 'there'))$$),
	('kz_count', $$to_jsonb(kz_count('matrix', 'items'))$$),
	('kz_mcreate', $$kz_mcreate('matrix', 'items', '[{"_id": "new", "body": {}}]', strict => true)$$),
	('kz_mcreate_or_replace', $$kz_mcreate_or_replace('matrix', 'items', '[{"_id": "there", "body": {}}]', strict => true)$$),
	('kz_mreplace', $$kz_mreplace('matrix', 'items', '[{"_id": "there", "body": {}}]', strict => true)$$),
	('kz_mupdate', $$kz_mupdate('matrix', 'items', '[{"_id": "there", "body": {"n": 2}}]', strict => true)$$),
	('kz_mupsert', $$kz_mupsert('matrix', 'items', '[{"_id": "there", "changes": {"n": 2}}]', strict => true)$$),
	('kz_mdelete', $$kz_mdelete('matrix', 'items', '{there}', strict => true)$$),
	('kz_mget', $$kz_mget('matrix', 'items', '{there}', strict => true)$$),
	('kz_mexists', $$kz_mexists('matrix', 'items', '{there}', strict => true)$$),
	('kz_update_rows', $$(SELECT jsonb_agg(r) FROM kz_update_rows('matrix', 'items', '{there}', '{"{\"n\": 2}"}', strict => true) AS r)$$),
	('kz_upsert_rows', $$(SELECT jsonb_agg(r) FROM kz_upsert_rows('matrix', 'items', '{there}', '{"{\"n\": 2}"}', strict => true) AS r)$$),
	('kz_merge', $$kz_merge('{}', '{"a": 1}')$$),
	('kz_list_indexes', $$(SELECT jsonb_agg(i) FROM kz_list_indexes() AS i)$$),
	('kz_index_exists', $$to_jsonb(kz_index_exists('matrix'))$$),
	('kz_list_collections', $$(SELECT jsonb_agg(c) FROM kz_list_collections('matrix') AS c)$$),
	('kz_collection_exists', $$to_jsonb(kz_collection_exists('matrix', 'items'))$$),
	('kz_get_mapping', $$kz_get_mapping('matrix', 'items')$$),
	('kz_get_settings', $$kz_get_settings('matrix', 'items')$$),
	('kz_channel', $$to_jsonb(kz_channel('matrix', 'items'))$$),
	('kz_http', $$(SELECT coalesce(body::jsonb, to_jsonb(status)) FROM kz_http('GET', '/matrix/items/there'))$$),
	('kz_http', $$(SELECT body::jsonb FROM kz_http('PUT', '/matrix/items/there', body => '{}'))$$),
	('kz_http', $$(SELECT body::jsonb FROM kz_http('POST', '/v2/vectordb/entities/get', body => '{"dbName": "matrix", "collectionName": "vec", "id": 1}'))$$);
INSERT INTO call (name, expression, defines) VALUES
	('kz_create_index', $$kz_create_index('matrix_new')$$, true),
	('kz_create_index', $$kz_create_index('matrix_adopt')$$, true),
	('kz_delete_index', $$kz_delete_index('matrix_drop')$$, true),
	('kz_delete_index', $$kz_delete_index('matrix')$$, true),
	('kz_create_collection', $$kz_create_collection('matrix', 'new')$$, true),
	('kz_create_collection', $$kz_create_collection('matrix', 'plain')$$, true),
	('kz_create_collection', $$kz_create_collection('matrix', 'items')$$, true),
	('kz_create_collection', $$kz_create_collection('matrix_new', 'items')$$, true),
	('kz_update_collection', $$kz_update_collection('matrix', 'items', settings => '{"a": 1}')$$, true),
	('kz_attach_collection', $$kz_attach_collection('matrix', 'attached', pg_temp.oid_of('plain'))$$, true),
	('kz_delete_collection', $$kz_delete_collection('matrix', 'items')$$, true),
	('kz_truncate_collection', $$kz_truncate_collection('matrix', 'items')$$, true);
INSERT INTO call (name, expression, defines)
SELECT r ->> 'controller' || ':' || (r ->> 'action'), format('kz_request(%L)', r), r ? 'defines'
FROM unnest(ARRAY[
	'{"controller": "auth", "action": "checkToken", "body": {}}',
	'{"controller": "auth", "action": "getCurrentUser"}',
	'{"controller": "auth", "action": "login", "body": {}}',
	'{"controller": "auth", "action": "logout"}',
	'{"controller": "bulk", "action": "deleteByQuery", "index": "matrix", "collection": "items", "body": {"query": {}}}',
	'{"controller": "bulk", "action": "updateByQuery", "index": "matrix", "collection": "items", "body": {"query": {}, "changes": {}}}',
	'{"controller": "bulk", "action": "import", "index": "matrix", "collection": "items", "body": {"bulkData": [{"update": {"_id": "there"}}, {"doc": {"n": 2}}]}}',
	'{"controller": "bulk", "action": "mWrite", "index": "matrix", "collection": "items", "body": {"documents": [{"_id": "there", "body": {}}]}}',
	'{"controller": "bulk", "action": "write", "index": "matrix", "collection": "items", "_id": "there", "body": {}}',
	'{"controller": "collection", "action": "create", "index": "matrix", "collection": "new", "defines": true}',
	'{"controller": "collection", "action": "delete", "index": "matrix", "collection": "items", "defines": true}',
	'{"controller": "collection", "action": "exists", "index": "matrix", "collection": "items"}',
	'{"controller": "collection", "action": "getMapping", "index": "matrix", "collection": "items"}',
	'{"controller": "collection", "action": "getSettings", "index": "matrix", "collection": "items"}',
	'{"controller": "collection", "action": "list", "index": "matrix"}',
	'{"controller": "collection", "action": "refresh", "index": "matrix", "collection": "items"}',
	'{"controller": "collection", "action": "truncate", "index": "matrix", "collection": "items", "defines": true}',
	'{"controller": "collection", "action": "update", "index": "matrix", "collection": "items", "body": {"settings": {"a": 1}}, "defines": true}',
	'{"controller": "collection", "action": "updateMapping", "index": "matrix", "collection": "items", "body": {"properties": {}}, "defines": true}',
	'{"controller": "document", "action": "count", "index": "matrix", "collection": "items"}',
	'{"controller": "document", "action": "create", "index": "matrix", "collection": "items", "_id": "new", "body": {}}',
	'{"controller": "document", "action": "createOrReplace", "index": "matrix", "collection": "items", "_id": "there", "body": {}}',
	'{"controller": "document", "action": "delete", "index": "matrix", "collection": "items", "_id": "there", "source": true}',
	'{"controller": "document", "action": "deleteFields", "index": "matrix", "collection": "items", "_id": "there", "source": true, "body": {"fields": ["n"]}}',
	'{"controller": "document", "action": "deleteByQuery", "index": "matrix", "collection": "items", "body": {"query": {}}}',
	'{"controller": "document", "action": "updateByQuery", "index": "matrix", "collection": "items", "body": {"query": {}, "changes": {}}}',
	'{"controller": "document", "action": "export", "index": "matrix", "collection": "items", "body": {"query": {}}}',
	'{"controller": "document", "action": "scroll", "scrollId": "1"}',
	'{"controller": "document", "action": "search", "index": "matrix", "collection": "items", "body": {"query": {}}}',
	'{"controller": "document", "action": "exists", "index": "matrix", "collection": "items", "_id": "there"}',
	'{"controller": "document", "action": "get", "index": "matrix", "collection": "items", "_id": "there"}',
	'{"controller": "document", "action": "mCreate", "index": "matrix", "collection": "items", "strict": true, "body": {"documents": [{"_id": "new", "body": {}}]}}',
	'{"controller": "document", "action": "mCreateOrReplace", "index": "matrix", "collection": "items", "strict": true, "body": {"documents": [{"_id": "there", "body": {}}]}}',
	'{"controller": "document", "action": "mDelete", "index": "matrix", "collection": "items", "strict": true, "body": {"ids": ["there"]}}',
	'{"controller": "document", "action": "mExists", "index": "matrix", "collection": "items", "strict": true, "body": {"ids": ["there"]}}',
	'{"controller": "document", "action": "mGet", "index": "matrix", "collection": "items", "strict": true, "body": {"ids": ["there"]}}',
	'{"controller": "document", "action": "mReplace", "index": "matrix", "collection": "items", "strict": true, "body": {"documents": [{"_id": "there", "body": {}}]}}',
	'{"controller": "document", "action": "mUpdate", "index": "matrix", "collection": "items", "strict": true, "body": {"documents": [{"_id": "there", "body": {"n": 2}}]}}',
	'{"controller": "document", "action": "mUpsert", "index": "matrix", "collection": "items", "strict": true, "body": {"documents": [{"_id": "there", "changes": {"n": 2}}]}}',
	'{"controller": "document", "action": "replace", "index": "matrix", "collection": "items", "_id": "there", "body": {}}',
	'{"controller": "document", "action": "update", "index": "matrix", "collection": "items", "_id": "there", "source": true, "body": {"n": 2}}',
	'{"controller": "document", "action": "upsert", "index": "matrix", "collection": "items", "_id": "there", "source": true, "body": {"changes": {"n": 2}}}',
	'{"controller": "document", "action": "validate", "index": "matrix", "collection": "items", "body": {}}',
	'{"controller": "index", "action": "create", "index": "matrix_new", "defines": true}',
	'{"controller": "index", "action": "delete", "index": "matrix_drop", "defines": true}',
	'{"controller": "index", "action": "exists", "index": "matrix"}',
	'{"controller": "index", "action": "list"}',
	'{"controller": "index", "action": "mDelete", "body": {"indexes": ["matrix_drop"]}, "defines": true}',
	'{"controller": "index", "action": "stats"}',
	'{"controller": "server", "action": "healthCheck"}',
	'{"controller": "server", "action": "info"}',
	'{"controller": "server", "action": "now"}',
	'{"controller": "server", "action": "publicApi"}']::jsonb[]) AS r;
INSERT INTO call (name, expression, defines)
SELECT path, format('kz_milvus(%L, %L)', path, '{"dbName": "matrix", "collectionName": "vec"}'::jsonb || body::jsonb), path !~ 'entities' AND path ~ 'create|drop|rename|truncate'
FROM (VALUES
	('/v1/vector/collections', '{}'),
	('/v1/vector/collections/create', '{"collectionName": "new", "dimension": 2}'),
	('/v1/vector/collections/describe', '{}'),
	('/v1/vector/collections/drop', '{}'),
	('/v1/vector/upsert', '{"data": {"id": 1, "vector": [3, 4]}}'),
	('/v1/vector/insert', '{"data": {"id": 2, "vector": [3, 4]}}'),
	('/v1/vector/get', '{"id": 1, "outputFields": ["*"]}'),
	('/v1/vector/query', '{"filter": "id > 0", "outputFields": ["*"]}'),
	('/v1/vector/delete', '{"id": 1}'),
	('/v2/vectordb/collections/list', '{}'),
	('/v2/vectordb/collections/has', '{}'),
	('/v2/vectordb/collections/create', '{"collectionName": "new", "dimension": 2}'),
	('/v2/vectordb/collections/create', '{"dimension": 2}'),
	('/v2/vectordb/collections/describe', '{}'),
	('/v2/vectordb/collections/drop', '{}'),
	('/v2/vectordb/collections/drop', '{"collectionName": "absent"}'),
	('/v2/vectordb/collections/rename', '{"newCollectionName": "renamed"}'),
	('/v2/vectordb/collections/truncate', '{}'),
	('/v2/vectordb/collections/get_stats', '{}'),
	('/v2/vectordb/collections/get_load_state', '{}'),
	('/v2/vectordb/collections/load', '{}'),
	('/v2/vectordb/collections/release', '{}'),
	('/v2/vectordb/collections/flush', '{}'),
	('/v2/vectordb/databases/list', '{}'),
	('/v2/vectordb/databases/create', '{"dbName": "matrix_new"}'),
	('/v2/vectordb/databases/drop', '{"dbName": "matrix_drop"}'),
	('/v2/vectordb/databases/describe', '{}'),
	('/v2/vectordb/entities/upsert', '{"data": {"id": 1, "vector": [3, 4]}}'),
	('/v2/vectordb/entities/upsert', '{"data": {"id": 1, "s": "t"}, "partialUpdate": true}'),
	('/v2/vectordb/entities/insert', '{"data": {"id": 2, "vector": [3, 4]}}'),
	('/v2/vectordb/entities/get', '{"id": 1, "outputFields": ["*"]}'),
	('/v2/vectordb/entities/query', '{"filter": "s like \"%\"", "outputFields": ["*"]}'),
	('/v2/vectordb/entities/query', '{"filter": "", "limit": 10, "outputFields": ["count(*)"]}'),
	('/v2/vectordb/entities/delete', '{"filter": "id in [1]"}'),
	('/v2/vectordb/entities/delete', '{"filter": "s != \"\""}')) AS v (path, body);

-- each way to move, rename and take over: what kz made and what is attached; within an
-- index, into another, onto the rest of a collection
INSERT INTO call (name, expression, defines)
SELECT path, format('kz_milvus(%L, %L)', path, body), true
FROM (VALUES
	('/v2/vectordb/collections/rename', '{"collectionName": "trap", "newCollectionName": "renamed"}'),
	('/v2/vectordb/collections/rename', '{"collectionName": "vec", "newDbName": "matrix_target", "newCollectionName": "renamed"}'),
	('/v2/vectordb/collections/rename', '{"collectionName": "trap", "newDbName": "matrix_target", "newCollectionName": "renamed"}'),
	('/v2/vectordb/collections/rename', '{"collectionName": "vec", "newDbName": "matrix_target", "newCollectionName": "stale"}'),
	('/v2/vectordb/collections/rename', '{"collectionName": "trap", "newDbName": "matrix_target", "newCollectionName": "stale"}'),
	('/v2/vectordb/collections/create', '{"dbName": "matrix_target", "collectionName": "stale", "dimension": 2}'),
	('/v2/vectordb/collections/create', '{"dbName": "matrix_target", "collectionName": "fit", "dimension": 2}'),
	('/v1/vector/collections/create', '{"dbName": "matrix_target", "collectionName": "fit", "dimension": 2}'),
	('/v2/vectordb/databases/create', '{"dbName": "matrix_adopt"}'),
	('/v2/vectordb/databases/create', '{"dbName": "matrix_gone"}')) AS v (path, given),
	LATERAL (SELECT '{"dbName": "matrix"}'::jsonb || given::jsonb) AS b (body);
INSERT INTO call (name, expression, defines) VALUES
	('kz_create_collection', $$kz_create_collection('matrix_target', 'fit')$$, true),
	('kz_create_collection', $$kz_create_collection('matrix_target', 'stale')$$, true),
	('kz_attach_collection', $$kz_attach_collection('matrix_target', 'attached', pg_temp.oid_of('plain'))$$, true),
	('kz_attach_collection', $$kz_attach_collection('matrix_target', 'stale', pg_temp.oid_of('plain'))$$, true),
	('kz_create_index', $$kz_create_index('matrix_gone')$$, true),
	('collection:create', $$kz_request('{"controller": "collection", "action": "create", "index": "matrix_target", "collection": "fit"}')$$, true),
	('collection:create', $$kz_request('{"controller": "collection", "action": "create", "index": "matrix_target", "collection": "stale"}')$$, true),
	('index:create', $$kz_request('{"controller": "index", "action": "create", "index": "matrix_adopt"}')$$, true),
	('kz_http', $$(SELECT body::jsonb FROM kz_http('PUT', '/matrix_target/stale'))$$, true),
	('kz_http', $$(SELECT body::jsonb FROM kz_http('POST', '/v2/vectordb/collections/rename', body =>
		'{"dbName": "matrix", "collectionName": "trap", "newDbName": "matrix_target", "newCollectionName": "stale"}'))$$, true);

-- functions of the extension that no call is of, but for the trigger function and
-- the two whose calls have the names of what they do
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND extname = 'kz'
WHERE p.prorettype <> 'trigger'::regtype AND p.proname NOT IN ('kz_request', 'kz_milvus')
	AND NOT EXISTS (SELECT FROM call WHERE name = p.proname AND expression ~ (p.proname || '\('))
ORDER BY 1;
-- actions that no call is of
SELECT controller || ':' || action AS name
FROM jsonb_each(kz_request('{"controller": "server", "action": "publicApi"}') -> 'result') AS c (controller, actions),
	jsonb_object_keys(actions) AS a (action)
EXCEPT SELECT name FROM call ORDER BY name;
-- functions with the rights of another, or that may see what a policy hides
SELECT p.proname FROM pg_proc p WHERE p.probin ~ '[$/]kz$' AND (p.prosecdef OR p.proleakproof OR p.proconfig IS NOT NULL);

-- what a caller may lack, one at a time: how it is taken from somebody who owns all
-- of this (privileges.sql has the other columns)
CREATE TEMPORARY TABLE taking (ord serial, "right" text, statement text);
INSERT INTO taking ("right", statement) VALUES
	('SELECT', 'REVOKE SELECT ON matrix.items, matrix.vec, matrix.plain FROM regress_kz_caller'),
	('SELECT (_source)', 'REVOKE SELECT ON matrix.items, matrix.vec, matrix.plain FROM regress_kz_caller;
		GRANT SELECT (_id, _version) ON matrix.items, matrix.vec, matrix.plain TO regress_kz_caller'),
	('INSERT', 'REVOKE INSERT ON matrix.items, matrix.vec, matrix.plain FROM regress_kz_caller'),
	('UPDATE', 'REVOKE UPDATE ON matrix.items, matrix.vec, matrix.plain FROM regress_kz_caller'),
	('DELETE', 'REVOKE DELETE ON matrix.items, matrix.vec, matrix.plain FROM regress_kz_caller'),
	('own table', 'ALTER TABLE matrix.items OWNER TO regress_kz_other; ALTER TABLE matrix.vec OWNER TO regress_kz_other;
		ALTER TABLE matrix.plain OWNER TO regress_kz_other; ALTER TABLE matrix.trap OWNER TO regress_kz_other;
		GRANT ALL ON matrix.items, matrix.vec, matrix.plain, matrix.trap TO PUBLIC'),
	('usage', 'REVOKE USAGE ON SCHEMA matrix, matrix_adopt, matrix_drop FROM regress_kz_caller'),
	('create in schema', 'REVOKE CREATE ON SCHEMA matrix, matrix_adopt, matrix_drop FROM regress_kz_caller'),
	('own schema', 'ALTER SCHEMA matrix OWNER TO regress_kz_other; ALTER SCHEMA matrix_adopt OWNER TO regress_kz_other;
		ALTER SCHEMA matrix_drop OWNER TO regress_kz_other; GRANT ALL ON SCHEMA matrix, matrix_adopt, matrix_drop TO PUBLIC'),
	('own target table', 'ALTER TABLE matrix_target.fit OWNER TO regress_kz_other; GRANT ALL ON matrix_target.fit TO PUBLIC'),
	('usage of target', 'REVOKE USAGE ON SCHEMA matrix_target FROM regress_kz_caller'),
	('create in target', 'REVOKE CREATE ON SCHEMA matrix_target FROM regress_kz_caller'),
	('own target', 'ALTER SCHEMA matrix_target OWNER TO regress_kz_other; GRANT ALL ON SCHEMA matrix_target TO PUBLIC'),
	('create schemas', format('REVOKE CREATE ON DATABASE %I FROM regress_kz_caller', current_database()));

/* What is stored and known. */
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT concat((SELECT string_agg(i::text, ',' ORDER BY _id) FROM matrix.items AS i), (SELECT string_agg(v::text, ',' ORDER BY _id) FROM matrix.vec AS v),
		(SELECT string_agg(c::text, ',' ORDER BY index, name) FROM kz_catalog.collection AS c), (SELECT string_agg(i::text, ',' ORDER BY name) FROM kz_catalog.index AS i))
$$;

/* Whether an answer says that its request failed, in one of the protocols. */
CREATE FUNCTION pg_temp.failed(answer jsonb) RETURNS boolean LANGUAGE sql AS $$
	SELECT jsonb_typeof(answer) = 'object' AND (coalesce((answer ->> 'status')::int, 200) >= 400 OR coalesce((answer ->> 'code')::int, 200) NOT IN (0, 200))
$$;

/*
 * Evaluates an expression as a role after some preparation, and undoes both. Answers
 * "ok", "failed" for an answer that says so, or the SQLSTATE; and what must not be:
 * a failure that changes something, or a lock that somebody without rights holds.
 */
CREATE FUNCTION pg_temp.attempt(preparation text, expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text;
	answer jsonb;
	outcome text;
BEGIN
	EXECUTE preparation;
	before := pg_temp.state();
	SET LOCAL ROLE regress_kz_caller;
	EXECUTE 'SELECT ' || expression INTO answer;
	SET LOCAL ROLE NONE;
	outcome := CASE WHEN pg_temp.failed(answer) THEN 'failed' ELSE 'ok' END;
	IF preparation = '' AND EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND mode <> 'AccessShareLock'
		AND relation IN (SELECT oid FROM pg_class WHERE relname IN ('index', 'collection', 'items', 'vec'))) THEN
		outcome := outcome || ', LOCKED';
	END IF;
	IF outcome ~ 'failed' OR preparation = '' THEN
		outcome := outcome || CASE WHEN pg_temp.state() IS DISTINCT FROM before THEN ', CHANGED' ELSE '' END;
	END IF;
	RAISE SQLSTATE 'UNDO0' USING MESSAGE = outcome;
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- for the owner of all no call fails but those that nobody can use; without the rights that are listed they are
-- refused, with 42501 and nothing else; and what they do without any right
CREATE FUNCTION pg_temp.all_but(taking text) RETURNS text LANGUAGE sql AS $$
	SELECT 'ALTER TABLE matrix.items OWNER TO regress_kz_caller; ALTER TABLE matrix.vec OWNER TO regress_kz_caller; ALTER TABLE matrix.plain OWNER TO regress_kz_caller;
		ALTER TABLE matrix.trap OWNER TO regress_kz_caller; ALTER TABLE matrix_target.fit OWNER TO regress_kz_caller; ALTER SCHEMA matrix_target OWNER TO regress_kz_caller;
		ALTER SCHEMA matrix OWNER TO regress_kz_caller; ALTER SCHEMA matrix_adopt OWNER TO regress_kz_caller; ALTER SCHEMA matrix_drop OWNER TO regress_kz_caller; '
		|| format('GRANT CREATE ON DATABASE %I TO regress_kz_caller; ', current_database()) || taking
$$;
SELECT name, expression FROM call WHERE pg_temp.attempt(pg_temp.all_but(''), expression) <> 'ok' ORDER BY ord;
CREATE TABLE result AS
SELECT c.ord, name, t.ord AS taking_ord, "right", pg_temp.attempt(pg_temp.all_but(statement), expression) AS outcome
FROM call c JOIN taking t ON defines OR "right" !~ 'target' ORDER BY c.ord, t.ord;
SELECT c.name, string_agg("right", ', ' ORDER BY taking_ord) FILTER (WHERE outcome <> 'ok') AS needs,
	string_agg(DISTINCT outcome, ', ' ORDER BY outcome) FILTER (WHERE outcome <> 'ok') AS without,
	pg_temp.attempt('', expression) AS without_any
FROM call c JOIN result USING (ord) GROUP BY c.ord, c.name, expression ORDER BY c.ord;

-- what a policy hides: no call on documents shows it or changes it, to whom all
-- rights are granted; what a policy does not allow to be written is not written
ALTER TABLE matrix.items ENABLE ROW LEVEL SECURITY;
ALTER TABLE matrix.vec ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON matrix.items USING (false) WITH CHECK (false);
CREATE POLICY p ON matrix.vec USING (false) WITH CHECK (false);
GRANT ALL ON ALL TABLES IN SCHEMA matrix TO regress_kz_caller;
GRANT ALL ON SCHEMA matrix TO regress_kz_caller;
CREATE FUNCTION pg_temp.seen(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := pg_temp.state();
	answer jsonb;
BEGIN
	SET LOCAL ROLE regress_kz_caller;
	EXECUTE 'SELECT ' || expression INTO answer;
	SET LOCAL ROLE NONE;
	IF answer::text ~ 'content' AND expression !~ 'content' THEN
		RETURN 'SHOWN';
	END IF;
	IF pg_temp.state() IS DISTINCT FROM before THEN
		RETURN 'CHANGED';
	END IF;
	RETURN CASE WHEN pg_temp.failed(answer) THEN 'failed' ELSE 'nothing' END;
EXCEPTION WHEN OTHERS THEN
	IF SQLERRM ~ 'content' THEN
		RETURN 'SHOWN';
	END IF;
	RETURN SQLSTATE;
END $$;
SELECT name, pg_temp.seen(expression) FROM call WHERE NOT defines ORDER BY ord;
-- nor does an operator of the caller's see it before the policy is asked
CREATE FUNCTION matrix.peek(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
CREATE OPERATOR matrix.= (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = matrix.peek);
GRANT EXECUTE ON FUNCTION matrix.peek TO PUBLIC;
SET search_path = matrix, pg_catalog, public;
SELECT pg_temp.seen($$kz_milvus('/v2/vectordb/entities/query', '{"dbName": "matrix", "collectionName": "vec", "filter": "s == \"content\""}')$$);
RESET search_path;

-- a view that is a security barrier is no collection, nor is one that is none
CREATE VIEW matrix.barrier WITH (security_barrier) AS SELECT * FROM matrix.items;
SELECT pg_temp.attempt('', $$kz_attach_collection('matrix', 'barrier', 'matrix.barrier')$$);
SELECT kz_attach_collection('matrix', 'barrier', 'matrix.barrier');

-- in all of this nothing was written
SELECT * FROM matrix.items;
SELECT * FROM matrix.vec;

SET client_min_messages = warning;
SELECT kz_delete_index('matrix_drop');
DROP SCHEMA matrix, matrix_adopt, matrix_target CASCADE;
SELECT kz_create_index(index), kz_delete_index(index) FROM unnest('{matrix,matrix_target,matrix_gone}'::text[]) index;
DROP TABLE call, result;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DROP ROLE regress_kz_caller, regress_kz_other;
