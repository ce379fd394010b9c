--
-- MILVUS_READ
-- Entities that Milvus' clients get and query, and those that they delete by key.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request about lib.books comes to: its code with the data,
-- or with the message
CREATE FUNCTION pg_temp.ask(path text, args jsonb, allow_int64 boolean DEFAULT true) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	v1 boolean := path LIKE 'v1:%';
	answer jsonb := kz_milvus(replace(replace(path, 'v1:', '/v1/vector/'), 'v2:', '/v2/vectordb/entities/'),
		'{"dbName": "lib", "collectionName": "books"}' || args, allow_int64);
	keys text[] := CASE WHEN answer ? 'message' THEN '{code,message}' WHEN v1 THEN '{code,data}' ELSE '{code,cost,data}' END;
BEGIN
	IF ARRAY(SELECT jsonb_object_keys(answer) ORDER BY 1) <> keys THEN
		RETURN 'keys that should not be there: ' || answer;
	END IF;
	RETURN concat_ws(' ', answer->>'code', answer->>'data', answer->>'message');
END $$;

SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "lib"}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "lib", "collectionName": "books", "schema": {"enableDynamicField": true, "fields": [
	{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "title", "dataType": "VarChar", "nullable": true, "elementTypeParams": {"max_length": 64}},
	{"fieldName": "pages", "dataType": "Int64", "nullable": true},
	{"fieldName": "price", "dataType": "Double", "nullable": true},
	{"fieldName": "sold", "dataType": "Bool", "nullable": true},
	{"fieldName": "extra", "dataType": "JSON", "nullable": true},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "lib", "collectionName": "names", "schema": {"fields": [
	{"fieldName": "name", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": {"max_length": 64}},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "lib", "collectionName": "empty", "dimension": 2}');
SELECT pg_temp.ask('v2:insert', '{"data": [
	{"id": 10, "title": "ten", "pages": 9007199254740993, "price": 1.50, "sold": true, "extra": {"a": [1, null]}, "v": [0.5, 1], "color": "red", "dims": {"w": 1}},
	{"id": 9, "title": "nine", "v": [0, 0], "color": "blue"}, {"id": -1, "v": [1, 1]}, {"id": "9007199254740993", "title": "große", "v": [1, 0], "N": 9007199254740995}]}');
SELECT pg_temp.ask('v2:insert', '{"collectionName": "names", "data": [{"name": "b", "v": [0, 0]}, {"name": "a", "v": [0, 1]}, {"name": "B", "v": [0, 2]}, {"name": "é", "v": [0, 3]}, {"name": "10", "v": [0, 4]}, {"name": "9", "v": [0, 5]}]}');

-- get: the whole answer of both versions
SELECT kz_milvus('/v1/vector/get', '{"dbName": "lib", "collectionName": "books", "id": 9}');
SELECT kz_milvus('/v2/vectordb/entities/get', '{"dbName": "lib", "collectionName": "books", "id": 9}');
-- one key or several, as numbers or strings, of which some may be missing
SELECT pg_temp.ask('v2:get', '{"id": "9", "outputFields": ["color"]}');
SELECT pg_temp.ask('v2:get', '{"id": [9, "10", -1, 77], "outputFields": ["color"]}');
SELECT pg_temp.ask('v1:get', '{"id": ["9007199254740993", 9007199254740992], "outputFields": ["title"]}');
SELECT pg_temp.ask('v1:get', '{"id": 9007199254740993, "outputFields": ["title"]}', false);
SELECT pg_temp.ask('v2:get', '{"id": 77}');
SELECT pg_temp.ask('v2:get', '{"id": [77, "78"]}');
SELECT pg_temp.ask('v2:get', '{"id": []}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "empty", "id": 1}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "names", "id": ["é", "B", "none"]}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "names", "id": 10}');
SELECT pg_temp.ask('v1:get', '{"collectionName": "names", "id": [9, "b"]}', false);
-- what is no key
SELECT id, pg_temp.ask('v2:get', jsonb_build_object('id', id)) AS v2, substring(pg_temp.ask('v1:get', jsonb_build_object('id', id)) FROM '^\d+') AS v1 FROM unnest(ARRAY[
	'"abc"', '1.5', '1.0', '"1.0"', 'true', '{}', '{"id": 9}', '[9, "x"]', '[true]', '[[9]]', '[null]', '[""]', '" 9"', '9223372036854775808', '"9223372036854775808"']::jsonb[]) WITH ORDINALITY AS t (id, ord) ORDER BY ord;
SELECT id, substring(pg_temp.ask('v2:get', jsonb_build_object('collectionName', 'names', 'id', id)) FROM '^\d+') AS code FROM unnest('{true,"{}","[null]","[[\"a\"]]","[false]"}'::jsonb[]) AS id;
SELECT kz_milvus('/v2/vectordb/entities/get', '{"dbName": "lib", "collectionName": "books"}');
SELECT kz_milvus('/v2/vectordb/entities/get', '{"id": null}');
SELECT kz_milvus('/v1/vector/get', '{"dbName": "lib", "collectionName": "books"}');
SELECT kz_milvus('/v1/vector/get', '{"dbName": "lib", "collectionName": "", "id": 1}');
SELECT kz_milvus('/v2/vectordb/entities/get', '{"dbName": "lib", "collectionName": "none", "id": "x"}');
SELECT kz_milvus('/v2/vectordb/entities/get', '{"dbName": "none", "collectionName": "none", "id": "x"}');
SELECT kz_milvus('/v1/vector/get', '{"dbName": "none", "collectionName": "none", "id": "x"}');
SELECT kz_milvus('/v2/vectordb/entities/get', NULL);

-- what is answered of an entity: the key always; names that are no field are dynamic keys
SELECT names, pg_temp.ask('v2:get', jsonb_build_object('id', 10, 'outputFields', names)) FROM unnest(ARRAY['["*"]', '["title"]', '["title", "title", "id"]', '["color", "v"]', '["none"]', '["dims", "pages"]', '["*", "color"]', '["color", "*"]', '["extra"]', '["Title"]', '["w"]', 'null']::jsonb[])
	WITH ORDINALITY AS t (names, ord) ORDER BY ord;
-- 64-bit integers of the schema are strings for those who ask, but not dynamic ones
SELECT pg_temp.ask('v2:get', '{"id": [10, -1, 9007199254740993]}', false);
SELECT pg_temp.ask('v2:get', '{"id": [10, -1, 9007199254740993], "outputFields": ["pages", "N"]}', true);
-- without the dynamic field there are no other names
SELECT pg_temp.ask('v2:get', '{"collectionName": "names", "id": "a", "outputFields": ["color"]}');
SELECT pg_temp.ask('v2:query', '{"collectionName": "names", "outputFields": ["v", "color"]}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "names", "id": "a", "outputFields": ["*"]}');
SELECT substring(pg_temp.ask('v2:get', '{"id": 9, "outputFields": "color"}') FROM '^\d+'), substring(pg_temp.ask('v2:query', '{"outputFields": [1]}') FROM '^\d+');

-- JSON is answered as its text, an array as protobuf writes it, whatever else as it is
SELECT kz_milvus('/v2/vectordb/collections/create', jsonb_build_object('dbName', 'lib', 'collectionName', 'arrays', 'schema', jsonb_build_object('fields', '[{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "j", "dataType": "JSON", "nullable": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]' ||
	(SELECT jsonb_agg(jsonb_build_object('fieldName', 'a_' || lower(type), 'dataType', 'Array', 'elementDataType', type, 'nullable', true, 'elementTypeParams', '{"max_capacity": 9, "max_length": 9}'::jsonb))
	FROM unnest('{Bool,Int8,Int16,Int32,Int64,Float,Double,VarChar}'::text[]) AS type))));
SELECT pg_temp.ask('v2:insert', '{"collectionName": "arrays", "data": [{"id": 1, "v": [0, 0], "j": {"b": "x", "a": [1, null]}, "a_bool": [true, false], "a_int8": [1], "a_int16": [2], "a_int32": [3], "a_int64": [4, 9007199254740993], "a_float": [0.5], "a_double": [1.50], "a_varchar": ["x", "é"]},
	{"id": 2, "v": [0, 0], "j": "x", "a_int64": []}, {"id": 3, "v": [0, 0], "j": [1]}, {"id": 4, "v": [0, 0], "j": 1.50}, {"id": 5, "v": [0, 0], "j": true}, {"id": 6, "v": [0, 0], "j": null}, {"id": 7, "v": [0, 0], "j": "\"quoted\" \\ \n"}]}');
SELECT jsonb_pretty(kz_milvus('/v2/vectordb/entities/get', '{"dbName": "lib", "collectionName": "arrays", "id": 1}')->'data');
SELECT pg_temp.ask('v2:get', '{"collectionName": "arrays", "id": [1, 2, 3], "outputFields": ["a_int64"]}');
SELECT pg_temp.ask('v2:get', '{"collectionName": "arrays", "id": [1, 2, 3], "outputFields": ["a_int64", "a_int32"]}', false);
SELECT row->'id' AS id, row->'j' AS j, row->>'j' AS text FROM jsonb_array_elements(kz_milvus('/v1/vector/query', '{"dbName": "lib", "collectionName": "arrays", "filter": "id > 0", "outputFields": ["j"]}')->'data') AS row;
SELECT bool_and((row->>'j')::jsonb IS NOT DISTINCT FROM nullif(_source->'j', 'null')) AS all_read_back FROM jsonb_array_elements(kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "arrays"}')->'data') AS row JOIN lib.arrays ON _id = row->>'id';

-- query without a filter answers all, in the order of their keys
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "books", "outputFields": ["title"]}');
SELECT pg_temp.ask('v2:query', '{"filter": "", "outputFields": ["color"]}');
SELECT pg_temp.ask('v2:query', '{"filter": null, "outputFields": ["color"]}', false);
SELECT pg_temp.ask('v2:query', '{"filter": " \n", "outputFields": ["color"]}');
SELECT pg_temp.ask('v1:query', '{"filter": " ", "outputFields": ["color"]}');
SELECT pg_temp.ask('v2:query', '{}');
SELECT pg_temp.ask('v2:query', '{"collectionName": "names"}');
SELECT pg_temp.ask('v2:query', '{"collectionName": "empty"}');
-- as many as there is a limit, from an offset on
SELECT args, pg_temp.ask('v2:query', '{"outputFields": ["id"]}' || args) FROM unnest(ARRAY['{"limit": 2}', '{"limit": 2, "offset": 1}', '{"offset": 3}', '{"limit": 1, "offset": 3}', '{"offset": 4}', '{"limit": 16384}', '{"limit": 1, "offset": 16383}', '{"limit": null, "offset": null}']::jsonb[])
	WITH ORDINALITY AS t (args, ord) ORDER BY ord;
SELECT pg_temp.ask('v1:query', '{"filter": "id > 0", "limit": 1, "offset": 1, "outputFields": ["id"]}');
-- both within a window; without a filter there is a limit
SELECT args, pg_temp.ask('v2:query', args) FROM unnest(ARRAY['{"limit": 0}', '{"limit": 0, "filter": "  "}', '{"limit": 16385}', '{"limit": 1, "offset": 16384}', '{"offset": 16384}', '{"limit": 10000, "offset": 10000}', '{"limit": 9223372036854775807}', '{"limit": 9223372036854775807, "offset": 9223372036854775807}']::jsonb[])
	WITH ORDINALITY AS t (args, ord) ORDER BY ord;
SELECT args, substring(pg_temp.ask('v2:query', args) FROM '^\d+') AS code FROM unnest(ARRAY['{"limit": -1}', '{"limit": 10, "offset": -1}', '{"limit": "1"}', '{"limit": 1.5}', '{"offset": true}', '{"limit": 9223372036854775808}', '{"filter": 1}', '{"filter": ["id > 0"]}']::jsonb[]) WITH ORDINALITY AS t (args, ord) ORDER BY ord;
-- 100 are answered if it is not said how many
SELECT kz_milvus('/v2/vectordb/entities/insert', jsonb_build_object('dbName', 'lib', 'collectionName', 'empty', 'data', (SELECT jsonb_agg(jsonb_build_object('id', i, 'vector', '[0, 0]'::jsonb)) FROM generate_series(1, 150) AS i)))#>'{data,insertCount}' AS count;
SELECT jsonb_array_length(rows) AS n, rows #> '{0,id}' AS first, rows #> '{-1,id}' AS last FROM (SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "empty"}' || args)->'data' AS rows FROM unnest('{"{}","{\"limit\": 150}","{\"offset\": 100}"}'::jsonb[]) AS args) AS q;
SELECT jsonb_array_length(kz_milvus('/v1/vector/query', '{"dbName": "lib", "collectionName": "empty", "filter": "id > 0"}')->'data') AS n;
SELECT jsonb_array_length(kz_milvus('/v2/vectordb/entities/get', jsonb_build_object('dbName', 'lib', 'collectionName', 'empty', 'id', (SELECT jsonb_agg(i) FROM generate_series(0, 200) AS i)))->'data') AS n;

-- count(*)
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "empty", "outputFields": ["count(*)"]}');
SELECT pg_temp.ask('v2:query', '{"outputFields": ["COUNT(*)"]}');
SELECT pg_temp.ask('v2:query', '{"outputFields": ["count(*)"]}', false);
SELECT pg_temp.ask('v2:query', '{"outputFields": ["count(*)"], "limit": 1}');
SELECT pg_temp.ask('v2:query', '{"outputFields": ["count(*)"], "limit": 0}');
SELECT pg_temp.ask('v2:query', '{"filter": "id > 9", "outputFields": ["Count(*)"]}');
SELECT pg_temp.ask('v2:query', '{"filter": "id > 9223372036854775806", "outputFields": ["count(*)"]}', false);
SELECT pg_temp.ask('v1:query', '{"filter": "id > 9", "outputFields": ["count(*)"], "limit": 0}');
SELECT pg_temp.ask('v1:query', '{"filter": "id > 9", "outputFields": ["count(*)"], "limit": 0}', false);
SELECT pg_temp.ask('v1:query', '{"filter": "id > 9", "outputFields": ["count(*)"], "limit": 1}');
SELECT pg_temp.ask('v1:query', '{"filter": "id > 9", "outputFields": ["count(*)"]}');
-- what a query must have
SELECT kz_milvus('/v1/vector/query', '{"dbName": "lib", "collectionName": "books"}');
SELECT kz_milvus('/v1/vector/query', '{"dbName": "lib", "collectionName": "books", "filter": ""}');
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib"}');
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "none"}');
SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "none", "collectionName": "none"}');

-- all levels of consistency are as good; others there are none
SELECT level, substring(pg_temp.ask('v2:get', jsonb_build_object('id', 77, 'consistencyLevel', level)) FROM '^\d+') AS get, substring(pg_temp.ask('v2:query', jsonb_build_object('limit', 1, 'consistencyLevel', level)) FROM '^\d+') AS query
FROM unnest('{"\"Strong\"","\"Session\"","\"Bounded\"","\"Eventually\"","\"Customized\"","\"strong\"","\"BOUNDED\"","\"x\"",1,null}'::jsonb[]) WITH ORDINALITY AS t (level, ord) ORDER BY ord;
-- there is one partition
SELECT pg_temp.ask('v2:get', '{"id": 77, "partitionNames": ["_default"]}');
SELECT pg_temp.ask('v2:query', '{"limit": 1, "outputFields": ["id"], "partitionNames": ["_default"]}');
SELECT pg_temp.ask('v2:query', '{"limit": 1, "outputFields": ["id"], "partitionNames": []}');
SELECT pg_temp.ask('v2:get', '{"id": 9, "partitionNames": ["_default", "p"]}');
SELECT pg_temp.ask('v2:query', '{"partitionNames": ["p"]}');
SELECT pg_temp.ask('v2:upsert', '{"partitionName": "_default", "data": {"id": 9, "title": "nine", "v": [0, 0], "color": "blue"}}');
SELECT pg_temp.ask('v2:upsert', '{"partitionName": "", "data": {"id": 9, "title": "nine", "v": [0, 0], "color": "blue"}}');
SELECT pg_temp.ask('v2:upsert', '{"partitionName": "p", "data": {"id": 9, "v": [9, 9]}}');
SELECT pg_temp.ask('v2:insert', '{"partitionName": "p", "data": {"id": 90, "v": [9, 9]}}');
SELECT pg_temp.ask('v2:delete', '{"partitionName": "p", "filter": "id == 9"}');
SELECT substring(pg_temp.ask('v2:upsert', '{"partitionName": 1, "data": {"id": 9, "v": [9, 9]}}') FROM '^\d+');
SELECT _id, _source->'v' AS v FROM lib.books WHERE _id IN ('9', '90');

-- a search cannot be done yet
SELECT pg_temp.ask('v2:search', '{"data": [[0, 0]], "limit": 1}') ~ '^\d+ .*pgvector' AS v2, pg_temp.ask('v1:search', '{"vector": [0, 0]}') ~ '^\d+ .*pgvector' AS v1;
SELECT kz_milvus('/v2/vectordb/entities/search', '{"dbName": "lib", "collectionName": "books"}');
SELECT kz_milvus('/v1/vector/search', '{"dbName": "lib", "collectionName": "books"}');
SELECT kz_milvus('/v2/vectordb/entities/search', '{"dbName": "lib", "collectionName": "none", "data": [[0, 0]]}');
-- a level that there is not is named by all that read
SELECT path, kz_milvus('/v2/vectordb/entities/' || path, '{"dbName": "lib", "collectionName": "books", "id": 1, "data": [[0, 0]], "consistencyLevel": "Weak"}') FROM unnest(ARRAY['get', 'query', 'search']) AS path;

-- documents that Kuzzle's side or plain SQL has made need not fit, but can be read: with
-- their key, without dynamic keys that are null
SELECT kz_upsert('lib', 'books', '100', '{"color": "green"}');
SELECT kz_upsert('lib', 'books', 'not a number', '{"id": "not a number", "title": {"a": 1}, "pages": "many", "extra": 5, "v": "none"}');
SELECT kz_upsert('lib', 'books', '1.5', '{"id": 1.5, "title": 5, "pages": [1], "v": [1, 2, 3], "dyn": null, "price": "x", "sold": 3}');
SELECT kz_upsert('lib', 'books', '99999999999999999999', '{"id": 99999999999999999999}');
SELECT kz_upsert('lib', 'arrays', '8', '{"id": 8, "j": "x", "a_int64": 5, "a_varchar": {"x": 1}, "a_int8": [null, "x"], "a_bool": "x", "v": [0, 0]}');
UPDATE lib.names SET _source = '{}' WHERE _id = 'a';
SELECT pg_temp.ask('v2:get', '{"id": 100, "outputFields": ["title", "color", "v"]}');
SELECT pg_temp.ask('v2:get', '{"id": 100, "outputFields": ["color"]}', false);
SELECT row FROM jsonb_array_elements(kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "books"}')->'data') AS row ORDER BY row->'v', row->'id';
SELECT row FROM jsonb_array_elements(kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "books"}', false)->'data') AS row ORDER BY row->'v', row->'id';
SELECT pg_temp.ask('v2:query', '{"outputFields": ["count(*)"]}');
SELECT jsonb_array_length(kz_milvus('/v2/vectordb/entities/query', '{"dbName": "lib", "collectionName": "books", "filter": "id >= 0 or pages > 5 or price < 1.5 or sold == true or title like \"t%\""}')->'data') > 0 AS found;
SELECT pg_temp.ask('v2:get', '{"collectionName": "arrays", "id": 8}', false);
SELECT pg_temp.ask('v2:get', '{"collectionName": "names", "id": ["a", "b"]}');
SELECT pg_temp.ask('v2:query', '{"collectionName": "names", "limit": 3}');
-- and be replaced or changed
SELECT pg_temp.ask('v2:upsert', '{"data": {"id": 100, "v": [0, 0]}}');
SELECT pg_temp.ask('v2:upsert', '{"collectionName": "names", "partialUpdate": true, "data": {"name": "a", "v": [7, 7]}}');
SELECT _source FROM lib.books WHERE _id = '100';
SELECT _source FROM lib.names WHERE _id = 'a';

-- the first version deletes by key, or by filter; it does not say how much
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "lib", "collectionName": "names", "id": "b"}');
SELECT pg_temp.ask('v1:delete', '{"collectionName": "names", "id": ["B", "none", "é", "B"]}');
SELECT pg_temp.ask('v1:delete', '{"collectionName": "names", "id": 9}');
SELECT _id FROM lib.names ORDER BY _id;
SELECT pg_temp.ask('v1:delete', '{"id": [77]}');
SELECT pg_temp.ask('v1:delete', '{"id": []}');
SELECT pg_temp.ask('v1:delete', '{"id": "9007199254740993"}');
SELECT pg_temp.ask('v1:delete', '{"id": [9, "10"], "filter": null}');
SELECT _id FROM lib.books ORDER BY _id COLLATE "C";
SELECT id, pg_temp.ask('v1:delete', jsonb_build_object('id', id)) FROM unnest('{"\"x\"",1.5,true,"{}","[-1, \"x\"]","[null]"}'::jsonb[]) AS id;
SELECT pg_temp.ask('v1:get', '{"id": -1, "outputFields": ["id"]}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "lib", "collectionName": "books"}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "lib", "collectionName": "books", "id": null, "filter": null}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "lib", "collectionName": "books", "filter": ""}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "lib", "collectionName": "books", "filter": " "}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "lib", "collectionName": "none", "id": 1}');
SELECT kz_milvus('/v1/vector/delete', '{"dbName": "none", "collectionName": "none", "id": 1}');
-- the second by filter alone
SELECT kz_milvus('/v2/vectordb/entities/delete', '{"dbName": "lib", "collectionName": "books", "id": 100}');
SELECT kz_milvus('/v2/vectordb/entities/delete', '{"dbName": "lib", "collectionName": "books", "filter": "id in [100, -1, 77, 100]"}');
SELECT count(*) FROM lib.books WHERE _id IN ('100', '-1');
-- a delete that PostgreSQL refuses deletes nothing
CREATE FUNCTION pg_temp.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF OLD._id = ''5'' THEN RAISE EXCEPTION ''five stays''; END IF; RETURN OLD; END';
CREATE TRIGGER keep BEFORE DELETE ON lib.empty FOR EACH ROW EXECUTE FUNCTION pg_temp.keep();
SELECT pg_temp.ask('v1:delete', '{"collectionName": "empty", "id": [4, 5, 6]}') LIKE '%five stays' AS refused;
SELECT count(*) FROM lib.empty;
SELECT pg_temp.ask('v1:delete', '{"collectionName": "empty", "id": [4, 6]}');
SELECT count(*) FROM lib.empty;

SELECT kz_delete_index('lib');
