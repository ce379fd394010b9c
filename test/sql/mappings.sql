--
-- MAPPINGS
-- What mappings may say, how an update is merged into them, and dynamic:
-- strict, which refuses unknown fields at any depth of the stored document.
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

SELECT kz_create_index('maps');

-- nothing said: unknown fields are stored
SELECT kz_create_collection('maps', 'plain');
SELECT kz_get_mapping('maps', 'plain'), kz_get_settings('maps', 'plain');
SELECT kz_upsert('maps', 'plain', 'a', '{"any": {"thing": [1, {"goes": null}]}}', source => true);

-- what is refused, at any depth; nothing is created then
SELECT mappings, pg_temp.outcome(format('SELECT kz_create_collection(%L, %L, %L)', 'maps', 'refused', mappings))
FROM (VALUES
	(1, '{"property": {}}'),
	(2, '{"type": "object"}'),
	(3, '{"properties": {}, "dinamic": "strict"}'),
	(4, '{"properties": {"a": {"properties": {}, "dinamic": "strict"}}}'),
	(5, '{"properties": {"a": {"properties": {"b": {"properties": {}, "index": true}}}}}'),
	(6, '{"dynamic": "yes"}'),
	(7, '{"dynamic": "runtime"}'),
	(8, '{"dynamic": 1}'),
	(9, '{"dynamic": null}'),
	(10, '{"dynamic": {"strict": true}}'),
	(11, '{"properties": {"a": {"properties": {}, "dynamic": "no"}}}'),
	(12, '{"properties": {"a": {"properties": {"b": {"properties": {}, "dynamic": 0}}}}}'),
	(13, '{"properties": []}'),
	(14, '{"properties": "a"}'),
	(15, '{"properties": {"a": "keyword"}}'),
	(16, '{"properties": {"a": {"properties": 1}}}'),
	(17, '[]'),
	(18, '"strict"'),
	(19, 'null')
) AS t (ord, mappings) ORDER BY ord;
SELECT pg_temp.outcome($$SELECT kz_create_collection('maps', 'refused', '{}', '[]')$$);
SELECT pg_temp.outcome($$SELECT kz_update_collection('maps', 'plain', '{"bad": 1}', '{"x": 1}')$$);
SELECT kz_collection_exists('maps', 'refused'), kz_get_settings('maps', 'plain');
SELECT kz_create_collection('maps', 'refused', '{"properties": {"a": {"properties": {}, "dynamic": "no"}}}');

-- the definition of a field is not looked into, and NULL is the default
SELECT kz_create_collection('maps', 'fields',
	'{"properties": {"a": {"type": "keyword", "boost": 2, "fields": {"raw": {"type": "text"}}}, "b": {"anything": 1}},
	  "dynamic_templates": [{"x": {}}]}');
SELECT kz_get_mapping('maps', 'fields');
SELECT kz_create_collection('maps', 'nulls', NULL, NULL);
SELECT kz_get_mapping('maps', 'nulls'), kz_get_settings('maps', 'nulls');

-- booleans become strings, at any depth
SELECT kz_create_collection('maps', 'booleans',
	'{"dynamic": true, "properties": {"a": {"dynamic": false, "properties": {"b": {"dynamic": true, "properties": {}}}}}}');
SELECT kz_get_mapping('maps', 'booleans');
SELECT kz_upsert('maps', 'booleans', 'a', '{"new": 1}');
SELECT kz_get('maps', 'booleans', 'a');

-- an update is merged in: properties in depth, dynamic and _meta replaced if given
SELECT kz_create_collection('maps', 'merged',
	'{"dynamic": "true", "_meta": {"by": "me", "n": 1},
	  "properties": {"name": {"type": "keyword"}, "at": {"properties": {"city": {"type": "keyword"}}}}}');
SELECT kz_update_collection('maps', 'merged',
	'{"properties": {"age": {"type": "integer"}, "at": {"properties": {"zip": {"type": "keyword"}}}}}');
SELECT jsonb_pretty(kz_get_mapping('maps', 'merged'));
SELECT kz_update_collection('maps', 'merged', '{"dynamic": "strict", "_meta": {"by": "you"}}');
SELECT kz_get_mapping('maps', 'merged') - 'properties' AS rest;
SELECT kz_update_collection('maps', 'merged', '{"properties": {"at": {"dynamic": false, "properties": {}}}}');
SELECT kz_get_mapping('maps', 'merged')#>'{properties,at}' AS at;

-- the type of a field stays; then the settings stay too
SELECT kz_update_collection('maps', 'merged', '{"properties": {"age": {"type": "keyword"}}}', '{"n": 1}');
SELECT kz_update_collection('maps', 'merged', '{"properties": {"at": {"properties": {"zip": {"type": "integer"}}}}}');
SELECT pg_temp.outcome($$SELECT kz_update_collection('maps', 'merged', '{"properties": {"at": {"type": "keyword"}}}')$$);
SELECT pg_temp.outcome($$SELECT kz_update_collection('maps', 'merged', '{"properties": {"age": {"properties": {}}}}')$$);
SELECT pg_temp.outcome($$SELECT kz_create_collection('maps', 'merged', '{"properties": {"age": {"type": "long"}}}')$$);
SELECT kz_update_collection('maps', 'merged', '{"properties": {"age": {"type": "integer"}}}');
SELECT kz_get_mapping('maps', 'merged')#>'{properties,age}' AS age, kz_get_settings('maps', 'merged');

-- strict: unknown fields are refused, wherever they are; the first in key order is named
SELECT kz_create_collection('maps', 'strict',
	'{"dynamic": "strict", "properties": {
		"name": {"type": "keyword"},
		"place": {"type": "geo_point"},
		"address": {"properties": {"city": {"type": "keyword"}, "geo": {"properties": {"lat": {"type": "float"}}}}},
		"children": {"type": "nested", "properties": {"name": {"type": "keyword"}}},
		"free": {"dynamic": "false", "properties": {
			"tight": {"dynamic": "strict", "properties": {"x": {"type": "integer"}}},
			"inherits": {"properties": {"y": {"type": "integer"}}}}}}}');
SELECT body, pg_temp.outcome(format('SELECT kz_create(%L, %L, %L, %L)', 'maps', 'strict', body, 'doc' || ord))
FROM (VALUES
	(1, '{}'),
	(2, '{"name": "x"}'),
	(3, '{"other": 1}'),
	(4, '{"zz": 1, "y": 1, "x": 1}'),
	(5, '{"other": null}'),
	(6, '{"other": []}'),
	(7, '{"other": {}}'),
	(8, '{"address": {"city": "Oslo", "geo": {"lat": 1}}}'),
	(9, '{"address": {"city": "Oslo", "street": "x"}}'),
	(10, '{"address": {"geo": {"lat": 1, "lon": null}}}'),
	(11, '{"address": null}'),
	(12, '{"address": []}'),
	(13, '{"children": [{"name": "a"}, {"name": "b"}]}'),
	(14, '{"children": [{"name": "a"}, {"name": "b", "age": 1}]}'),
	(15, '{"children": [[{"name": "a"}, [{"age": 1}]]]}'),
	(16, '{"children": {"age": 1}}'),
	(17, '{"free": {"anything": {"at": "all"}}}'),
	(18, '{"free": {"tight": {"x": 1}}}'),
	(19, '{"free": {"tight": {"x": 1, "z": 1}}}'),
	(20, '{"free": {"inherits": {"y": 1, "z": 1}}}'),
	(21, '{"address.city": "Oslo"}'),
	(22, '{"place": {"lat": 1, "lon": 2}}'),
	(23, '{"_kuzzle_info": {"author": "me", "more": 1}}'),
	(24, '{"address": {"_kuzzle_info": 1}}')
) AS t (ord, body) ORDER BY ord;
SELECT kz_create('maps', 'strict', '{"address": {"geo": {"lon": 1}}}');

-- strict below a root that is not
SELECT kz_create_collection('maps', 'below', '{"properties": {"a": {"dynamic": "strict", "properties": {"b": {"properties": {}}}}}}');
SELECT pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L)', 'maps', 'below', 'id', changes))
FROM (VALUES (1, '{"x": 1}'), (2, '{"a": {"x": 1}}'), (3, '{"a": {"b": {"x": 1}}}'), (4, '{"a": {"b": {}}}')) AS t (ord, changes)
ORDER BY ord;

-- every write of a document is checked, and _kuzzle_info accepted
TRUNCATE maps.strict;
SELECT kz_create('maps', 'strict', '{"name": "x"}', 'a', kuid => 'me')->'_version' AS version;
SELECT kz_update('maps', 'strict', 'a', '{"address": {"city": "Oslo"}}', kuid => 'me')->'_version' AS version;
SELECT kz_update('maps', 'strict', 'a', '{"address": {"street": 1}}');
SELECT kz_upsert('maps', 'strict', 'a', '{"address": {"street": 1}}');
SELECT kz_upsert('maps', 'strict', 'b', '{"address": {"street": 1}}');
SELECT kz_upsert('maps', 'strict', 'b', '{"name": "y"}', defaults => '{"address": {"zip": 1}}');
SELECT kz_upsert('maps', 'strict', 'a', '{"name": "y"}', defaults => '{"ignored": 1}');
SELECT kz_replace('maps', 'strict', 'a', '{"other": 1}');
SELECT kz_create_or_replace('maps', 'strict', 'a', '{"other": 1}');
SELECT kz_create_or_replace('maps', 'strict', 'b', '{"other": 1}');
SELECT kz_get('maps', 'strict', 'a') #- '{_source,_kuzzle_info}' AS document, kz_count('maps', 'strict');

-- what is missing is missing first, and what is there already is there first
SELECT kz_update('maps', 'strict', 'nobody', '{"other": 1}');
SELECT kz_create('maps', 'strict', '{"other": 1}', 'a');

-- a stored document that offends: a no-op is no write, any other change is refused
INSERT INTO maps.strict VALUES ('c', 1, '{"name": "c", "bad": 1, "worse": {"x": 2}}');
SELECT kz_update('maps', 'strict', 'c', '{"name": "c"}');
SELECT kz_upsert('maps', 'strict', 'c', '{"bad": 1}');
SELECT kz_delete_fields('maps', 'strict', 'c', '{nothing}');
SELECT kz_replace('maps', 'strict', 'c', '{"bad": 1, "name": "c", "worse": {"x": 2}}')->'_version' AS version;
SELECT kz_update('maps', 'strict', 'c', '{"name": "d"}');
SELECT kz_update('maps', 'strict', 'c', '{"name": "c"}', kuid => 'me');
SELECT kz_delete_fields('maps', 'strict', 'c', '{bad}');
SELECT kz_delete_fields('maps', 'strict', 'c', '{bad,worse}', source => true);
SELECT kz_update('maps', 'strict', 'c', '{"name": "d"}', source => true);
INSERT INTO maps.strict VALUES ('d', 1, '{"bad": 1}');
SELECT kz_get('maps', 'strict', 'd'), kz_delete('maps', 'strict', 'd');

-- mappings changed: the next write goes by the new ones
SELECT kz_update_collection('maps', 'strict', '{"properties": {"other": {"type": "integer"}}}');
SELECT kz_update('maps', 'strict', 'c', '{"other": 1}');
SELECT kz_update_collection('maps', 'strict', '{"dynamic": false}');
SELECT kz_update('maps', 'strict', 'c', '{"another": 1}', source => true);
SELECT kz_truncate_collection('maps', 'strict');
SELECT kz_get_mapping('maps', 'strict')->'dynamic' AS dynamic;

SELECT kz_delete_index('maps');
