--
-- BLOCKED
-- A collection with the setting index.blocks.write refuses writes, by whatever way
-- in, and until it is turned off.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on

-- what a statement answers, or the SQLSTATE and the message of its error
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;

SELECT kz_create_collection('shut', 'docs', settings => '{"index": {"blocks": {"write": true}, "number_of_replicas": 1}}');
INSERT INTO shut.docs VALUES ('a', 1, '{"n": 1}');
SELECT kz_create('shut', 'docs', '{}', 'b');

-- every function that writes documents
SELECT statement, pg_temp.outcome('SELECT ' || statement) = 'KZ403: The collection "shut":"docs" refuses writes: its setting index.blocks.write is true.' AS refused
FROM unnest(ARRAY[
	$$kz_create('shut', 'docs', '{}', 'b')$$,
	$$kz_create_or_replace('shut', 'docs', 'b', '{}')$$,
	$$kz_replace('shut', 'docs', 'a', '{}')$$,
	$$kz_update('shut', 'docs', 'a', '{}')$$,
	$$kz_upsert('shut', 'docs', 'a', '{"n": 2}')$$,
	$$kz_delete('shut', 'docs', 'none')$$,
	$$kz_delete_fields('shut', 'docs', 'a', '{n}')$$,
	$$kz_mcreate('shut', 'docs', '[{"body": {}}]')$$,
	$$kz_mcreate_or_replace('shut', 'docs', '[{"body": {}}]')$$,
	$$kz_mreplace('shut', 'docs', '[{"_id": "a", "body": {}}]')$$,
	$$kz_mupdate('shut', 'docs', '[{"_id": "a", "body": {}}]')$$,
	$$kz_mupsert('shut', 'docs', '[{"_id": "a", "changes": {}}]')$$,
	$$kz_mdelete('shut', 'docs', '{a}')$$,
	$$(kz_update_rows('shut', 'docs', '{a}', '{"{}"}')).reason$$,
	$$(kz_upsert_rows('shut', 'docs', '{a}', '{"{}"}')).reason$$]) WITH ORDINALITY AS s (statement, ord) ORDER BY ord;

-- requests are answered; nothing of it is done
SELECT action, a->>'status', a#>>'{error,id}', a#>>'{error,message}' FROM (VALUES
	('document:upsert', '{"_id": "a", "body": {"changes": {}}}'), ('document:delete', '{"_id": "a"}'), ('document:mCreate', '{"body": {"documents": [{"body": {}}]}}'),
	('bulk:write', '{"_id": "a", "body": {}}'), ('bulk:import', '{"body": {"bulkData": [{"delete": {"_id": "a"}}]}}')) AS v (action, args),
	LATERAL kz_request(args::jsonb || jsonb_build_object('controller', split_part(action, ':', 1), 'action', split_part(action, ':', 2), 'index', 'shut', 'collection', 'docs')) AS a;
SELECT status FROM kz_http('PUT', '/shut/docs/a/_update', body => '{"n": 2}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "shut", "collectionName": "m", "dimension": 2}')->'code';
SELECT kz_update_collection('shut', 'm', settings => '{"blocks": {"write": "true"}}');
SELECT kz_milvus(path, body::jsonb || '{"dbName": "shut", "collectionName": "m"}') FROM (VALUES
	('/v2/vectordb/entities/upsert', '{"data": [{"id": 1, "vector": [1, 2]}]}'), ('/v2/vectordb/entities/delete', '{"filter": "id in [1]"}'), ('/v2/vectordb/entities/query', '{}')) AS v (path, body);

-- reading goes on, and so do definitions; plain SQL knows nothing of it
SELECT kz_get('shut', 'docs', 'a'), kz_exists('shut', 'docs', 'b'), kz_count('shut', 'docs'), kz_mget('shut', 'docs', '{a}');
SELECT kz_update_collection('shut', 'docs', '{"properties": {"n": {"type": "integer"}}}');
UPDATE shut.docs SET _version = 2;
SELECT kz_get_settings('shut', 'docs');

-- rights are looked at before
CREATE ROLE regress_kz_reader;
GRANT USAGE ON SCHEMA shut TO regress_kz_reader;
SET ROLE regress_kz_reader;
SELECT pg_temp.outcome($$SELECT kz_upsert('shut', 'docs', 'a', '{}')$$);
RESET ROLE;

-- ways to write it; the last that is given counts, and the others are gone
SELECT settings, pg_temp.outcome(format('SELECT kz_update_collection(%L, %L, settings => %L)', 'shut', 'docs', settings)) AS update, kz_get_settings('shut', 'docs') AS stored,
	left(pg_temp.outcome($$SELECT kz_upsert('shut', 'docs', 'a', '{}')$$), 5) AS upsert
FROM unnest(ARRAY[
	'{"index": {"blocks": {"write": "false"}}}', '{"index.blocks.write": true}', '{"blocks": {"write": false}}', '{"blocks.write": "true"}', '{"index": {"blocks.write": false}}',
	'{"index.blocks": {"write": true}}', '{"index": {"number_of_replicas": 2}}', '{"index": {"blocks": {"write": null}}}', '{"index": {"blocks": {"read_only": true}}}',
	'{"index": {"blocks": true}}', '{"index": "none"}', '{"blocks.write": true}', '{"index": {"blocks": {"write": 1}}}', '{"index.blocks.write": "yes"}', '{"blocks": {"write": {}}}', '{"blocks": {"write": "false"}}'])
	WITH ORDINALITY AS s (settings, ord) ORDER BY ord;
SELECT kz_create_collection('shut', 'bad', settings => '{"blocks.write": "maybe"}');

-- what somebody else has put there can't be obeyed
UPDATE kz_catalog.collection SET settings = '{"index": {"blocks": {"write": "maybe"}}}' WHERE index = 'shut';
SELECT kz_upsert('shut', 'docs', 'b', '{}')->'created';
UPDATE kz_catalog.collection SET settings = '{"index.blocks.write": true}' WHERE index = 'shut';
SELECT pg_temp.outcome($$SELECT kz_upsert('shut', 'docs', 'b', '{}')$$);

-- the collection as a whole is no document
SELECT kz_truncate_collection('shut', 'docs');
SELECT kz_delete_collection('shut', 'docs');
DROP OWNED BY regress_kz_reader;
DROP ROLE regress_kz_reader;
SELECT kz_delete_index('shut');
