--
-- DOTTED
-- Names with dots are paths, in mappings and in documents that are held against
-- them: "a.b" is b in the object a.  Merging knows nothing of it.
--
\set SHOW_CONTEXT never

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

SELECT kz_create_index('dots');

-- either form of a mapping takes either form of a document, and refuses the same
SELECT kz_create_collection('dots', 'dotted', '{"dynamic": "strict", "properties": {"a.b": {"type": "keyword"}, "a.o.x": {"type": "integer"}}}');
SELECT kz_create_collection('dots', 'nested', '{"dynamic": "strict", "properties": {"a": {"properties": {"b": {"type": "keyword"}, "o": {"properties": {"x": {"type": "integer"}}}}}}}');
SELECT kz_get_mapping('dots', 'dotted') = kz_get_mapping('dots', 'nested') AS same, kz_get_mapping('dots', 'dotted');
SELECT body, pg_temp.outcome(format('SELECT kz_create(%L, %L, %L, %L)', 'dots', 'dotted', body, ord)) AS dotted,
	pg_temp.outcome(format('SELECT kz_create(%L, %L, %L, %L)', 'dots', 'nested', body, ord)) AS nested
FROM (VALUES
	(1, '{"a": {"b": "x"}}'),
	(2, '{"a.b": "x"}'),
	(3, '{"a": {"o": {"x": 1}}}'),
	(4, '{"a.o": {"x": 1}}'),
	(5, '{"a": {"o.x": 1}}'),
	(6, '{"a.o.x": 1}'),
	(7, '{"a": [{"o.x": 1}, {"b": "y"}]}'),
	(8, '{"a": {"b": "x"}, "a.o.x": 1}'),
	(9, '{"a.c": 1}'),
	(10, '{"a.o": {"y": 1}}'),
	(11, '{"a.o.y": 1}'),
	(12, '{"a": [{"b": "x"}, {"o.y": null}]}'),
	(13, '{"c.a": 1}'),
	(14, '{"a.o.x.y": 1}'),
	(15, '{"a..b": 1}'),
	(16, '{".a": 1}'),
	(17, '{"a.": 1}'),
	(18, '{"a": {".": 1}}'),
	(19, '{"": 1}'),
	(20, '{"_kuzzle_info.author": "me"}')
) AS t (ord, body) ORDER BY ord;
SELECT kz_mcreate('dots', 'dotted', '[{"_id": "m", "body": {"a.o.y": 1}}]')#>>'{errors,0,reason}';
SELECT kz_request('{"controller": "document", "action": "create", "index": "dots", "collection": "dotted", "_id": "k", "body": {"a.o.y": 1}}')#>>'{error,message}';

-- merging takes keys as they are
SELECT kz_merge('{"a": {"b": 1}}', '{"a.b": 2}');
SELECT kz_upsert('dots', 'dotted', '1', '{"a.b": "y"}', source => true);

-- what belongs together is put together, at any depth
SELECT mappings, pg_temp.outcome(format('SELECT kz_create_collection(%L, %L, %L)', 'dots', 'put' || ord, mappings)),
	pg_temp.outcome(format('SELECT kz_get_mapping(%L, %L)->%L', 'dots', 'put' || ord, 'properties')) AS properties
FROM (VALUES
	(1, '{"properties": {"a.b": {"type": "keyword"}, "a.c": {"type": "text"}, "d": {"type": "date"}, "a": {"dynamic": true, "properties": {"e": {"type": "long"}}}}}'),
	(2, '{"properties": {"a": {"type": "nested"}, "a.b": {"properties": {"c.d": {"type": "keyword"}}}}}'),
	(3, '{"properties": {"o": {"properties": {"x.y": {"type": "keyword"}, "x": {"properties": {"y": {"type": "keyword"}, "z": {}}}}}}}'),
	(4, '{"properties": {"a.b": {"properties": {"x": {}}}, "a": {"properties": {"b": {"type": "object", "properties": {"y": {}}}}}}}'),
	(5, '{"properties": {"a.b": {"type": "keyword", "fields": {"c.d": {"type": "text"}}}}}'),
	-- what does not is refused
	(6, '{"properties": {"a": {"type": "keyword"}, "a.b": {"type": "keyword"}}}'),
	(7, '{"properties": {"a.b": {"type": "keyword"}, "a": {"properties": {"b": {"type": "text"}}}}}'),
	(8, '{"properties": {"a.b": {"type": "keyword"}, "a.b.c": {"type": "text"}}}'),
	(9, '{"properties": {"a": {"boost": 2}, "a.b": {"type": "text"}}}'),
	(10, '{"properties": {"a.b": 5}}'),
	(11, '{"properties": {"a.b": {"properties": 5}, "a": {"properties": {"b": {"properties": {"c": {}}}}}}}'),
	(12, '{"properties": {"a..b": {}}}'),
	(13, '{"properties": {".a": {}}}'),
	(14, '{"properties": {"o": {"properties": {"a.": {}}}}}'),
	(15, '{"properties": {".": {}}}'),
	(16, '{"properties": {"": {}}}'),
	(17, '{"properties": {"a.b": {"dynamic": "maybe"}}}')
) AS t (ord, mappings) ORDER BY ord;
SELECT pg_temp.outcome(format('SELECT kz_create_collection(%L, %L, jsonb_build_object(%L, jsonb_build_object(%L, %L::jsonb)))', 'dots', 'deep', 'properties', repeat('a.', n) || 'a', '{}')) ~ '^(\{|54001)'
FROM unnest(ARRAY[100, 1000000]) AS n;

-- an update is one of the same field
SELECT kz_update_collection('dots', 'put1', '{"properties": {"a.f": {"type": "keyword"}, "d.x": {"type": "keyword"}}}');
SELECT kz_update_collection('dots', 'put1', '{"properties": {"a.f": {"type": "keyword"}, "a.b": {"type": "keyword"}}}');
SELECT kz_update_collection('dots', 'put1', '{"properties": {"a.b": {"type": "text"}}}');
SELECT kz_get_mapping('dots', 'put1')->'properties' AS properties;

-- version 0.1.0 stored names as they came, also those that are refused now
UPDATE kz_catalog.collection SET mappings = '{"dynamic": "strict", "properties": {"a.b": {"type": "keyword"}, "x..y": {"type": "keyword"}, "c": {"type": "keyword", "boost": 2}, "c.d": {"type": "keyword"}}}'
WHERE index = 'dots' AND name = 'nested';
SELECT kz_get_mapping('dots', 'nested')->'properties' AS properties;
SELECT body, pg_temp.outcome(format('SELECT kz_create(%L, %L, %L, %L)', 'dots', 'nested', body, 'old' || ord)) AS outcome
FROM (VALUES
	(1, '{"a.b": "x"}'),
	(2, '{"a": {"b": "x"}}'),
	(3, '{"x..y": "x", "c": "x"}'),
	(4, '{"c.d": "x"}'),
	(5, '{"a.c": "x"}'),
	(6, '{"x.y": "x"}'),
	(7, '{"x..z": "x"}')
) AS t (ord, body) ORDER BY ord;
UPDATE kz_catalog.collection SET mappings = mappings #- '{properties,c.d}' WHERE index = 'dots' AND name = 'nested';
SELECT kz_update_collection('dots', 'nested', '{"properties": {"a.n": {"type": "keyword"}}}');
SELECT mappings FROM kz_catalog.collection WHERE index = 'dots' AND name = 'nested';
SELECT kz_upsert('dots', 'nested', 'old8', '{"a.n": "x", "x..y": "x"}');

SELECT kz_delete_index('dots');
