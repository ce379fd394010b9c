--
-- MILVUS_UPSERT
-- Entities that Milvus' clients insert and upsert: keys and counts, what becomes
-- of an entity that is there, and which of several errors is told.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request about vec.things comes to: its code with the data,
-- or with the message
CREATE FUNCTION pg_temp.ask(path text, args jsonb, allow_int64 boolean DEFAULT true) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	v1 boolean := path LIKE 'v1:%';
	answer jsonb := kz_milvus(replace(replace(path, 'v1:', '/v1/vector/'), 'v2:', '/v2/vectordb/entities/'),
		'{"dbName": "vec", "collectionName": "things"}' || args, allow_int64);
	keys text[] := CASE WHEN answer ? 'message' THEN '{code,message}' WHEN v1 THEN '{code,data}' ELSE '{code,cost,data}' END;
BEGIN
	IF ARRAY(SELECT jsonb_object_keys(answer) ORDER BY 1) <> keys THEN
		RETURN 'keys that should not be there: ' || answer;
	END IF;
	RETURN concat_ws(' ', answer->>'code', answer->>'data', answer->>'message');
END $$;
CREATE FUNCTION pg_temp.make(name text, definition jsonb) RETURNS jsonb
RETURN kz_milvus('/v2/vectordb/collections/create', jsonb_build_object('dbName', 'vec', 'collectionName', name) || definition);

SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "vec"}');
SELECT pg_temp.make('things', '{"dimension": 2}');
SELECT pg_temp.make('full', '{"schema": {"enableDynamicField": true, "fields": [
	{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "title", "dataType": "VarChar", "elementTypeParams": {"max_length": 8}},
	{"fieldName": "color", "dataType": "VarChar", "nullable": true, "elementTypeParams": {"max_length": "8"}},
	{"fieldName": "size", "dataType": "Int32", "defaultValue": 7},
	{"fieldName": "state", "dataType": "VarChar", "nullable": true, "defaultValue": "new", "elementTypeParams": {"max_length": 8}},
	{"fieldName": "big", "dataType": "Int64", "nullable": true},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT pg_temp.make('strict', '{"schema": {"fields": [
	{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": "2"}}]}}');
SELECT pg_temp.make('names', '{"dimension": 2, "idType": "VarChar", "params": {"max_length": 65535}}');
SELECT pg_temp.make('short', '{"dimension": 2, "idType": "VarChar", "params": {"max_length": "4"}}');

-- the request as the documentation shows it, with one entity and with several
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": "vec", "collectionName": "things", "data": {"id": 1, "vector": [0.5, 1], "color": "red"}}');
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": "vec", "collectionName": "things", "data": [{"id": 3, "vector": [0, 0]}, {"id": 1, "vector": [0.5, 2], "size": 3}, {"id": 2, "vector": [1, 1]}]}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "things", "data": [{"id": 5, "vector": [0, 0]}, {"id": 4, "vector": [1, 1]}]}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "things", "data": {"id": 6, "vector": [0, 0]}}');
SELECT kz_milvus('/v1/vector/insert', '{"dbName": "vec", "collectionName": "things", "data": {"id": 7, "vector": [0, 0]}}');
SELECT kz_milvus('/v1/vector/insert', '{"dbName": "vec", "collectionName": "things", "data": [{"id": 9, "vector": [0, 0]}, {"id": 8, "vector": [1, 1]}]}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "vec", "collectionName": "things", "data": [{"id": 11, "vector": [0, 0]}, {"id": 10, "vector": [1, 1]}]}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "vec", "collectionName": "things", "data": {"id": 12, "vector": [1, 1]}}');
-- keys of the request match whatever their case, and unknown ones mean nothing
SELECT pg_temp.ask('v2:upsert', '{"DATA": {"id": 13, "vector": [0, 0]}, "colour": "red", "shard": null}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"DBNAME": "vec", "collectionname": "things", "Data": {"id": 14, "vector": [0, 0]}}');
-- an entity is a document, whose id is the text of its key
SELECT * FROM vec.things ORDER BY _id::bigint;

-- without a database it is the default one
SELECT kz_milvus('/v2/vectordb/collections/create', '{"collectionName": "milvus_upsert", "dimension": 2}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"collectionName": "milvus_upsert", "data": {"id": 1, "vector": [0, 0]}}');
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": null, "collectionName": "milvus_upsert", "data": {"id": 2, "vector": [0, 0]}}');
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": "", "collectionName": "milvus_upsert", "data": {"id": 3, "vector": [0, 0]}}');
SELECT _id, _version FROM "default".milvus_upsert ORDER BY _id;
SELECT kz_milvus('/v2/vectordb/collections/drop', '{"collectionName": "milvus_upsert"}');

-- an upsert replaces the whole entity: what it omits is null or the default again,
-- and dynamic keys vanish
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": {"id": 1, "title": "a", "color": "red", "size": 9, "state": "old", "big": 5, "v": [1, 2], "extra": {"a": 1}, "more": [1]}}');
SELECT _version, _source FROM vec.full;
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": {"id": 1, "title": "b", "v": [3, 4], "other": true}}');
SELECT _version, _source FROM vec.full;
-- null is as good as nothing where there may be none
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": {"id": 1, "title": null, "color": null, "size": null, "state": null, "big": null, "v": [3, 4], "other": null}}');
SELECT _version, _source FROM vec.full;
SELECT pg_temp.ask('v2:insert', '{"collectionName": "full", "data": [{"id": 2, "v": [3, 4]}, {"id": 3, "title": "c", "state": "", "v": [3, 4]}]}');
SELECT _source FROM vec.full WHERE _id <> '1' ORDER BY _id;
-- the number is that of the entities sent, whether they are new, changed or neither
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 2, "v": [3, 4]}, {"id": 30, "v": [0, 0]}, {"id": 3, "title": "d", "v": [3, 4]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 2, "v": [3, 4]}, {"id": 30, "v": [0, 0]}, {"id": 3, "title": "d", "v": [3, 4]}]}', false);

-- keys of 64 bits, as numbers and as strings
SELECT pg_temp.ask('v2:upsert', '{"data": [{"id": 9007199254740993, "vector": [0, 0]}, {"id": "9007199254740995", "vector": [0, 0]}, {"id": -9223372036854775808, "vector": [0, 0]}, {"id": "9223372036854775807", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"data": [{"id": "9007199254740993", "vector": [1, 0]}, {"id": 9007199254740995, "vector": [1, 0]}, {"id": "-9223372036854775808", "vector": [1, 0]}, {"id": 9223372036854775807, "vector": [1, 0]}]}', false);
SELECT pg_temp.ask('v1:upsert', '{"data": {"id": "9007199254740993", "vector": [2, 0]}}');
SELECT pg_temp.ask('v1:upsert', '{"data": {"id": 9007199254740993, "vector": [3, 0]}}', false);
SELECT pg_temp.ask('v1:insert', '{"data": [{"id": 9007199254740997, "vector": [0, 0]}]}', false);
SELECT pg_temp.ask('v2:insert', '{"data": [{"id": "9007199254740999", "vector": [0, 0]}]}', false);
SELECT pg_temp.ask('v2:insert', '{"data": [{"id": "-0", "vector": [0, 0]}, {"id": "007", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"data": [{"id": "-0", "vector": [0, 0]}, {"id": "0015", "vector": [0, 0]}]}');
SELECT _id, _version, jsonb_typeof(_source->'id'), _source FROM vec.things WHERE length(_id) > 2 OR _id IN ('0', '15') ORDER BY _id::numeric;
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": {"id": 4, "big": "9007199254740993", "v": [0, 0]}}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "full", "id": 4}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "full", "id": 4}', false);
-- and those that are none
SELECT id, pg_temp.ask('v2:upsert', jsonb_build_object('data', jsonb_build_object('id', id, 'vector', '[0, 0]'::jsonb))) FROM unnest(ARRAY[
	'9223372036854775808', '-9223372036854775809', '"9223372036854775808"', '1e20', '1.5', '1.0', '"1.0"', '"1e3"', '"abc"', '"0x10"', '" 1"', '"1 "', '"1_000"', '"-"',
	'"--1"', '"٣"', '""', 'null', 'true', 'false', '[]', '[1]', '{}', '{"id": 1}']::jsonb[]) WITH ORDINALITY AS t (id, ord) ORDER BY ord;
SELECT pg_temp.ask('v2:upsert', '{"data": {"vector": [0, 0]}}');
SELECT pg_temp.ask('v1:upsert', '{"data": {"vector": [0, 0]}}');
SELECT pg_temp.ask('v2:insert', '{"data": {"vector": [0, 0]}}');
SELECT pg_temp.ask('v1:insert', '{"data": [{"id": 40, "vector": [0, 0]}, {"id": null, "vector": [0, 0]}]}');

-- keys that are strings; what is none is taken by its text
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": [{"id": "b", "vector": [0, 0]}, {"id": "a", "vector": [0, 0]}, {"id": " a ", "vector": [0, 0]}, {"id": "A", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": [{"id": "ключ", "vector": [0, 0]}, {"id": "鍵", "vector": [0, 0]}, {"id": "🔑", "vector": [0, 0]}, {"id": "e\u0301", "vector": [0, 0]}, {"id": "é", "vector": [0, 0]}]}', false);
SELECT pg_temp.ask('v1:upsert', '{"collectionName": "names", "data": [{"id": "it''s \"quoted\" \\ back", "vector": [0, 0]}, {"id": "a\nb\tc", "vector": [0, 0]}, {"id": "_search", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": [{"id": 5, "vector": [0, 0]}, {"id": 1.50, "vector": [0, 0]}, {"id": true, "vector": [0, 0]}, {"id": [1], "vector": [0, 0]}]}', false);
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": [{"id": "5", "vector": [1, 1]}]}');
SELECT _id, _version, _source->'id' AS id FROM vec.names ORDER BY _id COLLATE "C";
-- there must be something in them
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": {"id": "", "vector": [0, 0]}}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": {"id": null, "vector": [0, 0]}}');
SELECT pg_temp.ask('v1:upsert', '{"collectionName": "names", "data": {"vector": [0, 0]}}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "names", "data": [{"id": "z", "vector": [0, 0]}, {"id": "", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "names", "data": [{"vector": [0, 0]}]}');
-- and not too much: bytes count
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "short", "data": [{"id": "abcd", "vector": [0, 0]}, {"id": "éé", "vector": [0, 0]}, {"id": "🔑", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "short", "data": [{"id": "x", "vector": [0, 0]}, {"id": "abcde", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "short", "data": [{"id": "ééé", "vector": [0, 0]}]}');
SELECT left(pg_temp.ask('v2:upsert', jsonb_build_object('collectionName', 'names', 'data', jsonb_build_object('id', repeat('k', n), 'vector', '[0, 0]'::jsonb))), 80) FROM generate_series(512, 513) AS n;
SELECT pg_temp.ask('v2:upsert', jsonb_build_object('collectionName', 'names', 'data', jsonb_build_object('id', repeat('é', 257), 'vector', '[0, 0]'::jsonb)));
SELECT count(*), max(octet_length(_id)) FROM vec.names;
SELECT _id FROM vec.short ORDER BY _id;

-- one key twice in a request is refused, however it is written
SELECT pg_temp.ask('v2:upsert', '{"data": [{"id": 50, "vector": [0, 0]}, {"id": 51, "vector": [0, 0]}, {"id": 50, "vector": [1, 1]}]}');
SELECT pg_temp.ask('v2:upsert', '{"data": [{"id": 50, "vector": [0, 0]}, {"id": "50", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v1:upsert', '{"data": [{"id": "050", "vector": [0, 0]}, {"id": 50, "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "data": [{"id": 50, "vector": [0, 0]}, {"id": "50", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:insert', '{"data": [{"id": 50, "vector": [0, 0]}, {"id": 50, "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"partialUpdate": true, "data": [{"id": 1, "a": 1}, {"id": "1", "a": 2}]}');

-- an entity that is there is not inserted, nor is one beside it
SELECT pg_temp.ask('v2:insert', '{"data": [{"id": 52, "vector": [0, 0]}, {"id": 1, "vector": [9, 9]}]}');
SELECT pg_temp.ask('v1:insert', '{"data": {"id": "1", "vector": [9, 9]}}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "names", "data": [{"id": "a", "vector": [9, 9]}, {"id": "c", "vector": [9, 9]}]}');

-- one bad entity refuses the request, wherever it stands
SELECT bad, place, pg_temp.ask('v2:upsert', jsonb_build_object('data', jsonb_insert('[{"id": 60, "vector": [0, 0]}, {"id": 1, "vector": [8, 8]}]', ARRAY[place::text], bad)))
FROM (VALUES (1, '{"id": "x", "vector": [0, 0]}'::jsonb), (2, '{"id": 61}'), (3, '{"id": 61, "vector": [0, 0, 0]}'), (4, '{"id": 61, "vector": [0, "0"]}'),
	(5, '{"id": 61, "vector": [0, 0], "$meta": {}}'), (6, '{"id": 60, "vector": [0, 0]}'), (7, '7'), (8, '[]'), (9, 'null')) AS b (ord, bad), generate_series(0, 2) AS place ORDER BY ord, place;
SELECT place, pg_temp.ask('v1:insert', jsonb_build_object('data', jsonb_insert('[{"id": 60, "vector": [0, 0]}, {"id": 62, "vector": [8, 8]}]', ARRAY[place::text], '{"id": 61, "vector": null}')))
FROM generate_series(0, 2) AS place ORDER BY place;
SELECT place, pg_temp.ask('v2:insert', jsonb_build_object('data', jsonb_insert('[{"id": 60, "vector": [0, 0]}, {"id": 62, "vector": [8, 8]}]', ARRAY[place::text], '{"id": 1, "vector": [0, 0]}')))
FROM generate_series(0, 2) AS place ORDER BY place;
SELECT count(*) FROM vec.things WHERE _id IN ('40', '50', '51', '52', '60', '61', '62') OR _source->'vector' IN ('[8, 8]', '[9, 9]');
SELECT count(*) FROM vec.names WHERE _id IN ('', 'z', '50', 'c') OR _source->'vector' = '[9, 9]';

-- keys that the server makes
SELECT pg_temp.make('autos', '{"dimension": 2, "autoID": true}');
SELECT pg_temp.make('autonames', '{"dimension": 2, "autoID": true, "idType": "VarChar", "params": {"max_length": 64}}');
SELECT kz_milvus('/v1/vector/collections/create', '{"dbName": "vec", "collectionName": "first", "dimension": 2}');
CREATE FUNCTION pg_temp.masked(told text) RETURNS text RETURN regexp_replace(told, '\d{15,19}', 'generated', 'g');
SELECT pg_temp.masked(pg_temp.ask('v2:insert', '{"collectionName": "autos", "data": [{"vector": [0, 0], "n": 1}, {"vector": [1, 1], "n": 2}, {"id": null, "vector": [1, 1], "n": 3}]}'));
SELECT pg_temp.masked(pg_temp.ask('v2:insert', '{"collectionName": "autos", "data": {"vector": [0, 0], "n": 4}}', false));
SELECT pg_temp.masked(pg_temp.ask('v1:insert', '{"collectionName": "autos", "data": {"vector": [0, 0], "n": 5}}'));
SELECT pg_temp.masked(pg_temp.ask('v1:insert', '{"collectionName": "first", "data": [{"vector": [0, 0], "n": 1}, {"vector": [0, 0], "n": 2}]}', false));
SELECT pg_temp.masked(pg_temp.ask('v2:insert', '{"collectionName": "autonames", "data": [{"vector": [0, 0], "n": 1}]}'));
SELECT count(*), count(DISTINCT _id), bool_and(_id = _source->>'id' AND jsonb_typeof(_source->'id') = 'number' AND _id::bigint > 0) AS fit FROM vec.autos;
SELECT jsonb_typeof(_source->'id'), _id = _source->>'id' AS fit FROM vec.autonames;
-- are not for the client to give
SELECT pg_temp.ask('v2:insert', '{"collectionName": "autos", "data": [{"vector": [0, 0]}, {"id": 5, "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "autos", "data": [{"id": "", "vector": [0, 0]}]}');
SELECT pg_temp.ask('v1:insert', '{"collectionName": "first", "data": {"id": "5", "vector": [0, 0]}}');
-- nor to upsert with the first version, whatever the data
SELECT pg_temp.ask('v1:upsert', '{"collectionName": "first", "data": {"id": 1, "vector": [0, 0]}}');
SELECT pg_temp.ask('v1:upsert', '{"collectionName": "autos", "data": {"vector": [0, 0]}}');
SELECT pg_temp.ask('v1:upsert', '{"collectionName": "autos", "data": []}');
SELECT pg_temp.ask('v1:upsert', '{"collectionName": "autos", "data": {"id": "x"}}');
-- with the second, the old entity goes, and the new one gets a new key
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "autos", "data": [{"vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "autos", "data": [{"id": null, "vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "autos", "data": [{"id": 4, "vector": [0, 0]}, {"id": 4, "vector": [0, 0]}]}');
SELECT _id AS one FROM vec.autos WHERE _source->'n' = '1' \gset
SELECT kz_milvus('/v2/vectordb/entities/upsert', jsonb_build_object('dbName', 'vec', 'collectionName', 'autos', 'data', jsonb_build_array(
	'{"id": 5, "vector": [7, 7], "n": 20}'::jsonb, jsonb_build_object('id', :one, 'vector', '[7, 7]'::jsonb, 'n', 10))), false) AS answer \gset
SELECT :'answer'::jsonb #- '{data,upsertIds}' AS answer;
SELECT i, _source->'n' AS n, _source->'vector' AS vector, _version, _id = _source->>'id' AS fit, _id IN (:'one', '5') AS old
FROM jsonb_array_elements_text(:'answer'::jsonb #> '{data,upsertIds}') WITH ORDINALITY AS t (id, i) LEFT JOIN vec.autos ON _id = id ORDER BY i;
SELECT count(*) AS entities, count(*) FILTER (WHERE _id IN (:'one', '5')) AS old FROM vec.autos;
SELECT _id AS one FROM vec.autonames \gset
SELECT pg_temp.masked(pg_temp.ask('v2:upsert', jsonb_build_object('collectionName', 'autonames', 'data', jsonb_build_object('id', :'one', 'vector', '[7, 7]'::jsonb))));
SELECT count(*), bool_or(_id = :'one') AS old, min(_source->>'vector') AS vector FROM vec.autonames;

-- the order of the checks
-- what the request must have
SELECT kz_milvus('/v2/vectordb/entities/upsert', NULL);
SELECT kz_milvus('/v1/vector/upsert', NULL);
SELECT body, left(kz_milvus('/v2/vectordb/entities/upsert', body)::text, 60) FROM unnest('{"[]",1,null,"\"x\""}'::jsonb[]) AS body;
SELECT ord, kz_milvus('/v2/vectordb/entities/upsert', body), kz_milvus('/v1/vector/upsert', body) FROM unnest(ARRAY['{}', '{"collectionName": "things"}', '{"data": []}', '{"collectionName": "", "data": []}',
	'{"collectionName": null, "data": {}}', '{"collectionName": "things", "data": null}', '{"dbName": "none", "collectionName": "none"}']::jsonb[])
	WITH ORDINALITY AS t (body, ord) ORDER BY ord;
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "none"}');
SELECT kz_milvus('/v1/vector/insert', '{"dbName": "none", "data": {}}');
-- what cannot be decoded comes before all else
SELECT body, kz_milvus('/v2/vectordb/entities/upsert', body)->'code' AS v2, kz_milvus('/v1/vector/upsert', body)->'code' AS v1 FROM unnest(ARRAY[
	'{"dbName": 1, "collectionName": "things", "data": []}', '{"dbName": "vec", "collectionName": 1, "data": []}', '{"collectionName": ["things"]}',
	'{"dbName": "none", "collectionName": "none", "data": 1}', '{"collectionName": "things", "data": ""}', '{"dbName": "none", "collectionName": "none", "data": "x"}', '{"dbName": "none", "collectionName": "none", "data": true}',
	'{"dbName": "none", "collectionName": "none", "data": [1]}', '{"dbName": "none", "collectionName": "none", "data": [{}, []]}',
	'{"dbName": "none", "collectionName": "none", "data": {}, "partialUpdate": "x"}', '{"dbName": "none", "collectionName": "none", "data": {}, "partialUpdate": 1}',
	'{"dbName": "none", "collectionName": "none", "data": {}, "fieldOps": {}}', '{"dbName": "none", "collectionName": "none", "data": {}, "fieldOps": [1]}',
	'{"collectionName": "things", "partialUpdate": "x"}', '{"dbName": "none", "collectionName": "none", "data": [1], "fieldOps": [{"fieldName": "a", "op": "x"}]}']::jsonb[])
	WITH ORDINALITY AS t (body, ord) ORDER BY ord;
-- then operations on fields, then the database, then the collection, then whether there are entities
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "none", "collectionName": "things", "data": [], "fieldOps": [{"fieldName": "a", "op": "x"}]}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "none", "collectionName": "things", "data": []}');
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": "none", "collectionName": "things", "data": []}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "none", "collectionName": "things", "data": []}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "none", "data": []}');
SELECT kz_milvus('/v1/vector/insert', '{"dbName": "vec", "collectionName": "none", "data": {}}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "not a name", "data": {}}');
SELECT kz_create_collection('vec', 'plain');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "plain", "data": {}}');
SELECT pg_temp.ask('v2:upsert', '{"data": []}');
SELECT pg_temp.ask('v1:upsert', '{"data": []}');
SELECT pg_temp.ask('v2:insert', '{"data": []}');
-- an empty entity lacks its first field
SELECT pg_temp.ask('v2:upsert', '{"data": {}}');
SELECT pg_temp.ask('v2:upsert', '{"data": [{}]}');
-- entities in their order, of each the fields in the order of the schema, then what is no field
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "size": "x", "v": [0, 0]}, {"id": "x", "v": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "$meta": 1, "v": "x", "big": "x", "size": "x"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "$meta": 1, "v": "x", "big": "x"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "$meta": 1, "v": "x"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "$meta": 1, "v": [0, 0]}]}');
-- only then the columns: dimensions, keys that are there twice, keys that are not there, lengths
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "title": "much too long", "v": [0, 0]}, {"id": 1, "v": [0]}, {"id": 2, "size": "x", "v": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "title": "much too long", "v": [0, 0]}, {"id": 1, "v": [0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "title": "much too long", "v": [0, 0]}, {"id": 1, "v": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "autos", "data": [{"id": 1, "vector": [0, 0]}, {"id": 1, "vector": [0, 0]}, {"vector": [0, 0]}]}');
SELECT pg_temp.ask('v2:upsert', '{"partialUpdate": true, "collectionName": "full", "data": [{"id": 1, "title": "much too long"}, {"title": "x"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "full", "data": [{"id": 1, "title": "x", "v": [0, 0]}, {"id": 2, "title": "much too long", "v": [0, 0]}, {"id": 3, "color": "much longer yet", "v": [0, 0]}]}');

-- a request of a thousand entities answers with their keys in its order
SELECT answer->'code' AS code, answer #> '{data,upsertCount}' AS count, answer #> '{data,upsertIds}' = ids AS in_order
FROM (SELECT jsonb_agg(i * 7919 % 1009 + 1000 ORDER BY i) AS ids, jsonb_agg(jsonb_build_object('id', i * 7919 % 1009 + 1000, 'vector', jsonb_build_array(i, 0)) ORDER BY i) AS data FROM generate_series(1, 1000) AS i) AS d,
	kz_milvus('/v2/vectordb/entities/upsert', jsonb_build_object('dbName', 'vec', 'collectionName', 'strict', 'data', (SELECT jsonb_agg(e - 'vector' || jsonb_build_object('v', e->'vector') ORDER BY i) FROM jsonb_array_elements(data) WITH ORDINALITY AS t (e, i)))) AS answer;
SELECT count(*), sum((_source->>'id')::int), sum((_source->'v'->>0)::int) FROM vec.strict;

-- what PostgreSQL refuses about one entity refuses the request
SELECT pg_temp.make('guarded', '{"dimension": 2}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "guarded", "data": [{"id": 1, "vector": [0, 0], "color": "red"}, {"id": 2, "vector": [0, 0], "color": "blue"}]}');
-- a constraint
ALTER TABLE vec.guarded ADD CONSTRAINT positive CHECK ((_source->>'id')::bigint > 0);
SELECT place, pg_temp.ask('v2:upsert', jsonb_build_object('collectionName', 'guarded', 'data', jsonb_insert('[{"id": 1, "vector": [1, 1]}, {"id": 3, "vector": [1, 1]}]', ARRAY[place::text], '{"id": -1, "vector": [1, 1]}')))
FROM generate_series(0, 2) AS place ORDER BY place;
SELECT pg_temp.ask('v1:insert', '{"collectionName": "guarded", "data": [{"id": 3, "vector": [1, 1]}, {"id": -1, "vector": [1, 1]}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "guarded", "data": [{"id": 3, "vector": [1, 1], "color": "green"}]}');
ALTER TABLE vec.guarded DROP CONSTRAINT positive;
-- a unique index on an expression
CREATE UNIQUE INDEX colors ON vec.guarded ((_source->>'color'));
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "guarded", "data": [{"id": 4, "vector": [2, 2], "color": "white"}, {"id": 1, "vector": [2, 2], "color": "blue"}]}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "guarded", "data": [{"id": 5, "vector": [2, 2], "color": "black"}, {"id": 4, "vector": [2, 2], "color": "black"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "guarded", "partialUpdate": true, "data": [{"id": 1, "color": "blue"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "guarded", "data": [{"id": 3, "vector": [1, 1], "color": "green"}, {"id": 1, "vector": [0, 0], "color": "red"}]}');
DROP INDEX vec.colors;
-- triggers
CREATE FUNCTION pg_temp.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW._source->>'color' = 'raise' THEN RAISE EXCEPTION 'no such color'; END IF;
	IF NEW._source->>'color' = 'skip' THEN RETURN NULL; END IF;
	NEW._source := NEW._source || jsonb_build_object('touched', TG_OP);
	RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON vec.guarded FOR EACH ROW EXECUTE FUNCTION pg_temp.guard();
SELECT place, pg_temp.ask('v2:upsert', jsonb_build_object('collectionName', 'guarded', 'data', jsonb_insert('[{"id": 1, "vector": [3, 3]}, {"id": 6, "vector": [3, 3]}]', ARRAY[place::text], '{"id": 2, "vector": [3, 3], "color": "raise"}')))
FROM generate_series(0, 2) AS place ORDER BY place;
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "guarded", "data": [{"id": 1, "vector": [3, 3]}, {"id": 2, "vector": [3, 3], "color": "skip"}]}');
SELECT pg_temp.ask('v1:insert', '{"collectionName": "guarded", "data": [{"id": 6, "vector": [3, 3]}, {"id": 7, "vector": [3, 3], "color": "skip"}]}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "guarded", "data": [{"id": 8, "vector": [0, 0]}, {"id": 1, "vector": [0, 0]}]}');
DROP TRIGGER guard ON vec.guarded;
SELECT _id, _version, _source - '{id,_id}'::text[] AS rest FROM vec.guarded ORDER BY _id;
-- policies
CREATE ROLE regress_kz_milvus;
GRANT USAGE ON SCHEMA vec TO regress_kz_milvus;
GRANT SELECT, INSERT, UPDATE, DELETE ON vec.guarded TO regress_kz_milvus;
CREATE POLICY small ON vec.guarded USING ((_source->>'id')::bigint < 3) WITH CHECK ((_source->'vector'->>0)::float < 5);
ALTER TABLE vec.guarded ENABLE ROW LEVEL SECURITY;
SET ROLE regress_kz_milvus;
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "guarded", "data": [{"id": 1, "vector": [4, 4]}, {"id": 2, "vector": [5, 5]}]}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "guarded", "data": [{"id": 1, "vector": [4, 4]}, {"id": 8, "vector": [4, 4]}]}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "guarded", "partialUpdate": true, "data": [{"id": 1, "vector": [4, 4]}, {"id": 8, "vector": [4, 4]}]}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "vec", "collectionName": "guarded", "data": [{"id": 0, "vector": [4, 4]}, {"id": -1, "vector": [5, 5]}]}');
SELECT kz_milvus('/v2/vectordb/entities/get', '{"dbName": "vec", "collectionName": "guarded", "id": [1, 8]}');
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "vec", "collectionName": "guarded", "outputFields": ["color"]}');
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "vec", "collectionName": "guarded", "outputFields": ["count(*)"]}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "vec", "collectionName": "guarded", "id": [8]}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "guarded", "data": [{"id": 0, "vector": [4, 4]}, {"id": 2, "vector": [4, 4]}]}');
RESET ROLE;
SELECT _id, _version, _source->'vector' AS vector FROM vec.guarded ORDER BY _id;
-- rights are another matter: they are PostgreSQL's to tell
REVOKE UPDATE ON vec.guarded FROM regress_kz_milvus;
SET ROLE regress_kz_milvus;
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "vec", "collectionName": "guarded", "data": {"id": 2, "vector": [4, 4]}}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "vec", "collectionName": "guarded", "data": {"id": -2, "vector": [4, 4]}}');
RESET ROLE;

DROP OWNED BY regress_kz_milvus;
DROP ROLE regress_kz_milvus;
SELECT kz_delete_index('vec');
SELECT kz_delete_index('default');
