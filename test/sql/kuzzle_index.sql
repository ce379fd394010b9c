--
-- KUZZLE_INDEX
-- The actions of Kuzzle's index controller.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request comes to: its status with the
-- result, or with the id and the message of the error; times and generated ids
-- are told by a name
CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}', kuid text DEFAULT '-1') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_request(jsonb_build_object('controller', split_part(action, ':', 1),
		'action', split_part(action, ':', 2)) || args, kuid);
	error jsonb := answer->'error';
	told text := CASE WHEN error = 'null' THEN concat_ws(' ', answer->>'status', answer->'result')
		ELSE concat_ws(' ', error->>'status', error->>'id', error->>'message', error->>'errors') END;
BEGIN
	told := regexp_replace(told, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g');
	RETURN regexp_replace(told, '"_id": "[-\w]{20}"', '"_id": generated', 'g');
END $$;

-- create: nothing is the result; a name that is taken is told before one that is bad
SELECT pg_temp.ask('index:create', '{"index": "zoo"}');
SELECT pg_temp.ask('index:create', '{"index": "zoo"}');
SELECT pg_temp.ask('index:create', '{"index": "park", "body": {}, "collection": "ignored"}');
SELECT pg_temp.ask('index:create');
SELECT pg_temp.ask('index:create', '{"index": null}');
SELECT pg_temp.ask('index:create', '{"index": ""}');
SELECT pg_temp.ask('index:create', '{"index": 1}');
SELECT pg_temp.ask('index:create', '{"index": ["zoo"]}');
SELECT ord, to_json(pg_temp.ask('index:create', jsonb_build_object('index', name))) AS ask FROM (VALUES
	(1, 'Zoo'), (2, 'a b'), (3, E'a\tb'), (4, E'a\rb'), (5, E'a\nb'), (6, E'a\\b'), (7, 'a/b'), (8, 'a*b'), (9, 'a?b'), (10, 'a"b'), (11, 'a<b'), (12, 'a>b'), (13, 'a|b'),
	(14, 'a,b'), (15, 'a+b'), (16, 'a#b'), (17, 'a:b'), (18, 'a.b'), (19, 'a&b'), (20, 'a%b'), (21, '_all'), (22, ' '), (23, 'zooA')
) AS t (ord, name) ORDER BY ord;
-- 126 bytes are the limit
SELECT pg_temp.ask('index:create', jsonb_build_object('index', repeat('i', 126)));
SELECT pg_temp.ask('index:create', jsonb_build_object('index', repeat('i', 127)));
SELECT pg_temp.ask('index:create', jsonb_build_object('index', repeat('é', 63)));
SELECT pg_temp.ask('index:create', jsonb_build_object('index', repeat('é', 63) || 'e'));
SELECT pg_temp.ask('index:create', '{"index": "_under"}');
SELECT pg_temp.ask('index:create', '{"index": "-minus"}');
SELECT pg_temp.ask('index:create', '{"index": "it''s(é)=[ok];{$1}~^`@!"}');

-- exists
SELECT ord, pg_temp.ask('index:exists', args) FROM (VALUES
	(1, '{"index": "zoo"}'::jsonb), (2, '{"index": "nowhere"}'), (3, '{"index": "Zoo"}'), (4, '{"index": "not a name"}'), (5, '{}'), (6, '{"index": ""}'), (7, '{"index": {}}')
) AS t (ord, args) ORDER BY ord;

-- list: in the order of creation
SELECT pg_temp.ask('index:list');
SELECT pg_temp.ask('collection:create', '{"index": "park", "collection": "trees"}');
SELECT pg_temp.ask('collection:create', '{"index": "park", "collection": "lawns"}');
SELECT pg_temp.ask('collection:create', '{"index": "lake", "collection": "fish"}');
SELECT pg_temp.ask('index:mDelete', jsonb_build_object('body', jsonb_build_object('indexes', ARRAY[repeat('i', 126), repeat('é', 63), '_under', '-minus', 'it''s(é)=[ok];{$1}~^`@!'])));
SELECT pg_temp.ask('index:list', '{"countCollection": true}');
SELECT pg_temp.ask('index:list', '{"countCollection": false}');
SELECT pg_temp.ask('index:list', '{"countCollection": null}');
SELECT pg_temp.ask('index:list', '{"countCollection": "true"}');

-- stats: an index without a collection is absent
SELECT pg_temp.ask('document:mCreate', '{"index": "park", "collection": "trees", "source": false, "body": {"documents": [{"_id": "a", "body": {}}, {"_id": "b", "body": {}}]}}') IS NOT NULL AS created;
SELECT answer->'status' AS status, entry->>'name' AS index, (entry->>'size')::bigint > 0 AS has_size, collection->>'name' AS collection,
	collection->'documentCount' AS documents, (collection->>'size')::bigint > 0 AS has_size
FROM (SELECT kz_request('{"controller": "index", "action": "stats"}') AS answer OFFSET 0) AS stats,
	jsonb_array_elements(answer#>'{result,indexes}') AS entry, jsonb_array_elements(entry->'collections') AS collection
ORDER BY entry->>'name', collection->>'name';
SELECT (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(result) AS key) AS keys,
	(SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(result#>'{indexes,0}') AS key) AS keys_of_index,
	(SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(result#>'{indexes,0,collections,0}') AS key) AS keys_of_collection,
	(result->>'size')::bigint = (SELECT sum((entry->>'size')::bigint) FROM jsonb_array_elements(result->'indexes') AS entry) AS adds_up,
	(SELECT bool_and((entry->>'size')::bigint = (SELECT sum((collection->>'size')::bigint) FROM jsonb_array_elements(entry->'collections') AS collection))
		FROM jsonb_array_elements(result->'indexes') AS entry) AS indexes_add_up
FROM (SELECT kz_request('{"controller": "index", "action": "stats"}')->'result' AS result OFFSET 0) AS stats;

-- delete
SELECT pg_temp.ask('index:delete', '{"index": "lake"}');
SELECT pg_temp.ask('index:delete', '{"index": "lake"}');
SELECT pg_temp.ask('index:delete');
SELECT pg_temp.ask('index:delete', '{"index": ""}');
SELECT pg_temp.ask('index:delete', '{"index": true}');
SELECT pg_temp.ask('document:get', '{"index": "lake", "collection": "fish", "_id": "a"}');

-- mDelete: unknown names are skipped
SELECT ord, pg_temp.ask('index:mDelete', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {}}'),
	(3, '{"body": {"indexes": []}}'),
	(4, '{"body": {"indexes": ["nowhere", "zoo", "Not A Name", "zoo"]}}'),
	(5, '{"body": {"indexes": "park"}}'),
	(6, '{"body": {"indexes": null}}'),
	(7, '{"body": {"indexes": {}}}'),
	(8, '{"body": {"indexes": [1, "nor"]}}'),
	(9, '{"body": {"indexes": [null]}}'),
	(10, '{"body": []}'),
	(11, '{"indexes": ["park"]}'),
	(12, '{"index": "park"}')
) AS t (ord, args) ORDER BY ord;
SELECT pg_temp.ask('index:list');

-- a failed request leaves nothing: none of the indexes, if one cannot be deleted
CREATE ROLE regress_kz_keeper;
CREATE SCHEMA kept AUTHORIZATION regress_kz_keeper;
SELECT kz_create_index('kept');
SELECT pg_temp.ask('index:create', '{"index": "goes"}');
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_kz_keeper', current_database()); END $$;
SET ROLE regress_kz_keeper;
SELECT kz_request('{"controller": "index", "action": "mDelete", "body": {"indexes": ["kept", "goes"]}}');
SELECT kz_request('{"controller": "index", "action": "delete", "index": "goes"}');
RESET ROLE;
SELECT pg_temp.ask('index:list');
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_kz_keeper', current_database()); END $$;
SET ROLE regress_kz_keeper;
\set VERBOSITY sqlstate
SELECT kz_request('{"controller": "index", "action": "create", "index": "mine"}');
\set VERBOSITY default
RESET ROLE;

SELECT jsonb_array_length(kz_request(jsonb_build_object('controller', 'index', 'action', 'mDelete', 'body',
	jsonb_build_object('indexes', (SELECT jsonb_agg(name) FROM kz_list_indexes() AS name))))#>'{result,deleted}') AS deleted;
SELECT pg_temp.ask('index:list');
SELECT pg_temp.ask('index:list', '{"countCollection": true}');
SELECT pg_temp.ask('index:stats');
DROP SCHEMA kept;
DROP ROLE regress_kz_keeper;
