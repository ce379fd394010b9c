--
-- KUZZLE_COLLECTION
-- The actions of Kuzzle's collection controller.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request about zoo.cats comes to: its status with the
-- result, or with the id and the message of the error; times and generated ids
-- are told by a name
CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}', kuid text DEFAULT '-1') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_request(jsonb_build_object('controller', split_part(action, ':', 1),
		'action', split_part(action, ':', 2), 'index', 'zoo', 'collection', 'cats') || args, kuid);
	error jsonb := answer->'error';
	told text := CASE WHEN error = 'null' THEN concat_ws(' ', answer->>'status', answer->'result')
		ELSE concat_ws(' ', error->>'status', error->>'id', error->>'message', error->>'errors') END;
BEGIN
	told := regexp_replace(told, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g');
	RETURN regexp_replace(told, '"_id": "[-\w]{20}"', '"_id": generated', 'g');
END $$;

-- create: the index, too; of what exists it is an update
SELECT pg_temp.ask('collection:create');
SELECT pg_temp.ask('index:list');
SELECT pg_temp.ask('collection:create', '{"body": {"mappings": {"dynamic": "strict", "_meta": {"by": "me"}, "properties": {"name": {"type": "keyword"}}}, "settings": {"index": {"number_of_replicas": 2}}}}');
SELECT pg_temp.ask('collection:create', '{"body": {"mappings": {"properties": {"age": {"type": "integer"}}}}}');
SELECT pg_temp.ask('collection:getMapping');
SELECT pg_temp.ask('collection:create', '{"collection": "deprecated", "body": {"properties": {"name": {"type": "keyword"}}}}');
SELECT pg_temp.ask('collection:create', '{"collection": "deprecated2", "body": {"dynamic": true}}');
SELECT pg_temp.ask('collection:create', '{"collection": "deprecated3", "body": {"_meta": {"x": 1}}}');
SELECT pg_temp.ask('collection:create', '{"collection": "empty", "body": {}}');
SELECT pg_temp.ask('collection:create', '{"collection": "empty2", "body": {"mappings": {}, "settings": {}}}');
SELECT name, pg_temp.ask('collection:getMapping', jsonb_build_object('collection', name)) FROM kz_list_collections('zoo') AS name ORDER BY name;

-- names: index, collection, reserved, and only then the mappings
SELECT ord, pg_temp.ask('collection:create', args) FROM (VALUES
	(1, '{"index": "Zoo", "collection": "Cats"}'::jsonb),
	(2, '{"collection": "Cats"}'),
	(3, '{"collection": "_kuzzle_keep"}'),
	(4, '{"index": "a b", "collection": "_kuzzle_keep", "body": {"mappings": {"wrong": 1}}}'),
	(5, '{"collection": "a%b", "body": {"mappings": {"wrong": 1}}}'),
	(6, '{"collection": "_all"}'),
	(7, '{"index": null}'),
	(8, '{"collection": null}'),
	(9, '{"index": "", "collection": ""}'),
	(10, '{"collection": 1}'),
	(11, '{"collection": []}'),
	(12, '{"index": "new", "collection": "refused", "body": {"mappings": {"wrong": 1}}}'),
	(13, '{"index": "new", "collection": "refused", "body": {"mappings": {"properties": {"a": {"properties": {}, "wrong": 1}}}}}'),
	(14, '{"index": "new", "collection": "refused", "body": {"mappings": {"dynamic": "maybe"}}}'),
	(15, '{"index": "new", "collection": "refused", "body": {"mappings": {"dynamic": 1}}}'),
	(16, '{"index": "new", "collection": "refused", "body": {"mappings": []}}'),
	(17, '{"index": "new", "collection": "refused", "body": {"mappings": "x"}}'),
	(18, '{"index": "new", "collection": "refused", "body": {"mappings": {"properties": 1}}}'),
	(19, '{"index": "new", "collection": "refused", "body": {"settings": []}}'),
	(20, '{"index": "new", "collection": "refused", "body": {"settings": 1}}'),
	(21, '{"index": "new", "collection": "refused", "body": []}'),
	(22, '{"index": "new", "collection": "refused", "body": [{}]}')
) AS t (ord, args) ORDER BY ord;
SELECT pg_temp.ask('collection:create', jsonb_build_object('collection', repeat('c', 127)));
SELECT pg_temp.ask('collection:create', jsonb_build_object('collection', repeat('c', 126)));
SELECT pg_temp.ask('index:exists', '{"index": "new"}');

-- exists: also of an index that is not there
SELECT ord, pg_temp.ask('collection:exists', args) FROM (VALUES
	(1, '{}'::jsonb), (2, '{"collection": "none"}'), (3, '{"index": "nowhere"}'), (4, '{"collection": "Not A Name"}'), (5, '{"index": ""}'), (6, '{"collection": ""}'), (7, '{"collection": false}')
) AS t (ord, args) ORDER BY ord;

-- list: by name
SELECT pg_temp.ask('collection:delete', jsonb_build_object('collection', repeat('c', 126)));
SELECT ord, pg_temp.ask('collection:list', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"collection": "any"}'),
	(3, '{"type": "all"}'),
	(4, '{"type": "stored"}'),
	(5, '{"type": "realtime"}'),
	(6, '{"type": "other"}'),
	(7, '{"type": 1}'),
	(8, '{"type": ""}'),
	(9, '{"type": null}'),
	(10, '{"from": 1}'),
	(11, '{"size": 2}'),
	(12, '{"from": 1, "size": 2}'),
	(13, '{"from": "4", "size": "2"}'),
	(14, '{"from": 0, "size": 0}'),
	(15, '{"from": 100}'),
	(16, '{"from": "x"}'),
	(17, '{"size": 1.5}'),
	(18, '{"size": []}'),
	(19, '{"index": "nowhere"}'),
	(20, '{"index": null}'),
	(21, '{"index": "nowhere", "type": "other"}'),
	(22, '{"from": -1}'),
	(23, '{"size": -1}')
) AS t (ord, args) ORDER BY ord;
SELECT pg_temp.ask('index:create', '{"index": "bare"}');
SELECT pg_temp.ask('collection:list', '{"index": "bare"}');
SELECT pg_temp.ask('index:delete', '{"index": "bare"}');

-- update: mappings are merged, dynamic and _meta replaced
SELECT ord, pg_temp.ask('collection:update', args) FROM (VALUES
	(1, '{"body": {"mappings": {"dynamic": "false", "_meta": {"new": 1}, "properties": {"at": {"properties": {"city": {"type": "keyword"}}}}}}}'::jsonb),
	(2, '{"body": {"settings": {"index": {"blocks": {"write": false}}}}}'),
	(3, '{"body": {}}'),
	(4, '{}'),
	(5, '{"body": {"reindexCollection": true}}'),
	(6, '{"body": {"mappings": {"properties": {"age": {"type": "keyword"}}}}}'),
	(7, '{"body": {"mappings": {"wrong": {}}}}'),
	(8, '{"body": {"mappings": []}}'),
	(9, '{"body": {"settings": "x"}}'),
	(10, '{"body": []}'),
	(11, '{"body": {}, "collection": "none"}'),
	(12, '{"body": {}, "index": "nowhere"}'),
	(13, '{"body": {}, "index": null}'),
	(14, '{"body": {}, "collection": ""}')
) AS t (ord, args) ORDER BY ord;
SELECT pg_temp.ask('collection:getMapping');
-- settings and mappings come together or not at all
SELECT kz_get_settings('zoo', 'cats');
SELECT pg_temp.ask('collection:update', '{"body": {"settings": {"lost": 1}, "mappings": {"properties": {"age": {"type": "keyword"}}}}}');
SELECT kz_get_settings('zoo', 'cats');

-- two mappings that are good by themselves need not be so together
SELECT pg_temp.ask('collection:create', '{"collection": "merged", "body": {"mappings": {"dynamic": "strict", "properties": {"leaf": {"boost": 1}, "tree": {"properties": {"x": {}}}}}}}');
SELECT pg_temp.ask('collection:update', '{"collection": "merged", "body": {"mappings": {"properties": {"leaf": {"properties": {"x": {}}}}}}}');
SELECT pg_temp.ask('collection:update', '{"collection": "merged", "body": {"mappings": {"properties": {"tree": {"boost": 1}}}}}');
SELECT pg_temp.ask('collection:updateMapping', '{"collection": "merged", "body": {"properties": {"tree": {"boost": 1}}}}');
SELECT pg_temp.ask('collection:create', '{"collection": "merged", "body": {"mappings": {"properties": {"tree": {"boost": 1}}}}}');
SELECT pg_temp.ask('document:upsert', '{"collection": "merged", "_id": "a", "body": {"changes": {"tree": {"x": 1}}}}');
SELECT pg_temp.ask('collection:getMapping', '{"collection": "merged"}');
SELECT pg_temp.ask('collection:delete', '{"collection": "merged"}');

-- updateMapping answers with all properties, those of the metadata too
SELECT pg_temp.ask('collection:updateMapping', '{"body": {"properties": {"at": {"properties": {"zip": {"type": "keyword"}}}}}}');
SELECT ord, pg_temp.ask('collection:updateMapping', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {"properties": {"age": {"type": "keyword"}}}}'),
	(3, '{"body": {"mappings": {}}}'),
	(4, '{"body": {"dynamic": "x"}}'),
	(5, '{"body": []}'),
	(6, '{"body": {}, "collection": "none"}'),
	(7, '{"body": {}, "index": "nowhere"}'),
	(8, '{"body": {}, "index": ""}')
) AS t (ord, args) ORDER BY ord;

-- getMapping
SELECT ord, pg_temp.ask('collection:getMapping', args) FROM (VALUES
	(1, '{"includeKuzzleMeta": true}'::jsonb),
	(2, '{"includeKuzzleMeta": false}'),
	(3, '{"includeKuzzleMeta": null}'),
	(4, '{"includeKuzzleMeta": "true"}'),
	(5, '{"collection": "none"}'),
	(6, '{"index": "nowhere"}'),
	(7, '{"index": ""}'),
	(8, '{"collection": "empty", "includeKuzzleMeta": true}')
) AS t (ord, args) ORDER BY ord;

-- getSettings: what Kuzzle shows without being told, and what was told; all are strings
SELECT pg_temp.ask('collection:getSettings');
SELECT pg_temp.ask('collection:update', '{"collection": "empty2", "body": {"settings": {"number_of_shards": 3, "index": {"analysis": {"a": [1, true], "b": null, "c": 1.50}}, "blocks": {"read": true}}}}');
SELECT pg_temp.ask('collection:getSettings', '{"collection": "empty2"}');
SELECT pg_temp.ask('collection:update', '{"collection": "empty2", "body": {"settings": {"index": "none"}}}');
SELECT pg_temp.ask('collection:getSettings', '{"collection": "empty2"}');
SELECT pg_temp.ask('collection:getSettings', '{"collection": "empty"}');
SELECT pg_temp.ask('collection:getSettings', '{"collection": "none"}');
SELECT pg_temp.ask('collection:getSettings', '{"index": "nowhere"}');
SELECT pg_temp.ask('collection:getSettings', '{"collection": null}');

-- refresh, truncate, delete
SELECT pg_temp.ask('document:mCreate', '{"body": {"documents": [{"_id": "a", "body": {}}, {"_id": "b", "body": {}}]}}') LIKE '200 %' AS created;
SELECT ord, action, pg_temp.ask(action, args) FROM (VALUES
	(1, 'collection:refresh', '{}'::jsonb),
	(2, 'collection:refresh', '{"collection": "none"}'),
	(3, 'collection:refresh', '{"index": "nowhere"}'),
	(4, 'collection:refresh', '{"index": ""}'),
	(5, 'document:count', '{}'),
	(6, 'collection:truncate', '{"collection": "none"}'),
	(7, 'collection:truncate', '{"index": "nowhere"}'),
	(8, 'collection:truncate', '{"collection": ""}'),
	(9, 'collection:truncate', '{}'),
	(10, 'document:count', '{}'),
	(11, 'collection:getMapping', '{}'),
	(12, 'collection:delete', '{"collection": "none"}'),
	(13, 'collection:delete', '{"index": "nowhere"}'),
	(14, 'collection:delete', '{"index": 1}'),
	(15, 'collection:delete', '{}'),
	(16, 'collection:delete', '{}'),
	(17, 'document:count', '{}'),
	(18, 'index:exists', '{}')
) AS t (ord, action, args) ORDER BY ord;

-- the last collection goes, the index stays
SELECT name, pg_temp.ask('collection:delete', jsonb_build_object('collection', name)) FROM kz_list_collections('zoo') AS name ORDER BY name;
SELECT pg_temp.ask('collection:list');

SELECT kz_delete_index('zoo');
