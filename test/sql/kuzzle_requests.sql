--
-- KUZZLE_REQUESTS
-- Requests to Kuzzle's API side by side in one statement, and odd ones.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only

CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', a->>'status', a#>>'{error,id}', left(a#>>'{error,message}', 120), left(a->>'result', 120))
	FROM kz_request(jsonb_build_object('controller', split_part(action, ':', 1), 'action', split_part(action, ':', 2), 'index', 'zoo', 'collection', 'cats') || args) AS a
$$;
SELECT kz_create_collection('zoo', 'cats');

-- each request sees what those before it have done
SELECT pg_temp.ask(action, args) ~ pattern AS seen
FROM (VALUES
	(1, 'document:create', '{"_id": "a", "body": {"n": 1}}'::jsonb, '^200 '),
	(2, 'document:get', '{"_id": "a"}', '^200 .*"n": 1'),
	(3, 'document:count', '{}', '{"count": 1}'),
	(4, 'document:mGet', '{"body": {"ids": ["a", "b"]}}', '"errors": \["b"\]'),
	(5, 'index:create', '{"index": "park"}', '^200'),
	(6, 'index:list', '{}', '"zoo", "park"'),
	(7, 'document:delete', '{"_id": "a"}', '^200 '),
	(8, 'document:exists', '{"_id": "a"}', '^200 false')) AS v (n, action, args, pattern);
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "park", "collectionName": "c", "dimension": 2}') ->> 'code' AS made,
	kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "park", "collectionName": "c", "data": {"id": 1, "vector": [1, 2]}}') ->> 'code' AS upserted,
	kz_milvus('/v2/vectordb/entities/get', '{"dbName": "park", "collectionName": "c", "id": 1}') -> 'data' AS found,
	kz_milvus('/v2/vectordb/collections/get_stats', '{"dbName": "park", "collectionName": "c"}') -> 'data' AS counted;

-- a keyword of Kuzzle's storage
SELECT pg_temp.ask('document:' || action, '{"_id": "r", "body": {"_routing": 1, "a": 1}}') FROM unnest(ARRAY['create', 'createOrReplace', 'replace', 'update']) AS action;

-- only the actions that Kuzzle gives it to read how often to retry
SELECT pg_temp.ask('document:' || action, '{"retryOnConflict": "x", "body": {"documents": []}}') FROM unnest(ARRAY['mCreate', 'mCreateOrReplace', 'mReplace', 'mUpdate', 'mUpsert']) AS action;

-- numbers as ids: those with thousands of digits are none, and nobody waits for all of their digits
SELECT pg_temp.ask('document:mGet', '{"body": {"ids": [1, 1.50, 1e3]}}');
SELECT pg_temp.ask('document:' || action, '{"body": {"ids": ["a", 1e600]}}') FROM unnest(ARRAY['mGet', 'mExists', 'mDelete']) AS action;
SELECT pg_temp.ask('bulk:import', '{"body": {"bulkData": [{"delete": {"_id": 1e600}}]}}');
SET kz.documents_fetch_limit = 100;
SELECT pg_temp.ask('document:mGet', jsonb_build_object('body', jsonb_build_object('ids', (SELECT jsonb_agg(1e131000) FROM generate_series(1, 20000)))));
SELECT pg_temp.ask('document:mGet', jsonb_build_object('body', jsonb_build_object('ids', (SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 101)))));
RESET kz.documents_fetch_limit;

-- names come before types
SELECT pg_temp.ask('collection:create', '{"index": "Zoo", "body": {"mappings": 3}}');
SELECT pg_temp.ask('collection:create', '{"collection": "ca*ts", "body": {"mappings": 3}}');
SELECT pg_temp.ask('collection:create', '{"body": {"mappings": 3}}');

-- an error that only looks like one of kz's is PostgreSQL's
SELECT pg_temp.ask('index:delete', '{"index": "ghost"}');
CREATE FUNCTION pg_temp.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE 'not today' USING ERRCODE = 'KZ412', DETAIL = 'services.storage.unknown_index';
END $$;
CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION pg_temp.refuse();
SELECT pg_temp.ask('index:create', '{"index": "new"}');
DROP EVENT TRIGGER refuse;

SELECT kz_delete_index('zoo');
SELECT kz_delete_index('park');
