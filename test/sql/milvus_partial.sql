--
-- MILVUS_PARTIAL
-- Upserts that change part of an entity, and operations on the elements of arrays.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to an upsert comes to: its code with the data, or with the message
CREATE FUNCTION pg_temp.upsert(args jsonb, allow_int64 boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "part", "collectionName": "full"}' || args, allow_int64);
BEGIN
	RETURN concat_ws(' ', answer->>'code', answer->>'data', answer->>'message');
END $$;
CREATE FUNCTION pg_temp.partial(data jsonb, more jsonb DEFAULT '{}') RETURNS text
RETURN pg_temp.upsert(jsonb_build_object('partialUpdate', true, 'data', data) || more);
CREATE FUNCTION pg_temp.stored(id text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN concat_ws(' ', _version, _source) FROM part.full WHERE _id = id;
END $$;

SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "part"}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "part", "collectionName": "full", "schema": {"enableDynamicField": true, "fields": [
	{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "t", "dataType": "VarChar", "elementTypeParams": {"max_length": 8}},
	{"fieldName": "n", "dataType": "Int32", "nullable": true},
	{"fieldName": "d", "dataType": "Int8", "defaultValue": 7},
	{"fieldName": "j", "dataType": "JSON", "nullable": true},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT pg_temp.upsert('{"data": {"id": 1, "t": "one", "n": 1, "d": 1, "j": {"a": {"b": 1}}, "v": [1, 1], "x": {"a": 1}, "y": 1}}');
SELECT pg_temp.stored('1');

-- fields that are not sent keep their values, also those with a default
SELECT pg_temp.partial('{"id": 1, "n": 2}');
SELECT pg_temp.stored('1');
SELECT pg_temp.partial('[{"id": "1", "v": [2, 2], "t": "two"}]');
SELECT pg_temp.stored('1');
-- null is a value for a field that may be null, and the default for one that has one
SELECT pg_temp.partial('{"id": 1, "n": null, "d": null, "j": null}');
SELECT pg_temp.stored('1');
-- and refused where it would be
SELECT pg_temp.partial('{"id": 1, "v": null}');
-- JSON is replaced as a whole
SELECT pg_temp.partial('{"id": 1, "j": {"a": {"b": 1}, "c": 1}}');
SELECT pg_temp.partial('{"id": 1, "j": {"a": {"d": 2}}}');
SELECT pg_temp.stored('1');
-- dynamic keys are merged one level deep, and none is removed
SELECT pg_temp.partial('{"id": 1, "x": {"b": 2}, "z": 1, "y": null}');
SELECT pg_temp.stored('1');
-- nothing but the key changes nothing
SELECT pg_temp.partial('{"id": 1}');
SELECT pg_temp.stored('1');
SELECT pg_temp.partial('{"id": 1, "n": null, "z": 1}');
SELECT pg_temp.stored('1');
-- values are converted and checked as always
SELECT pg_temp.partial('{"id": 1, "n": "5", "t": 1.50}');
SELECT pg_temp.stored('1');
SELECT row, pg_temp.partial('{"id": 1}' || row) FROM unnest(ARRAY['{"n": "x"}', '{"n": 2147483648}', '{"v": [1]}', '{"v": "x"}', '{"t": "much too long"}', '{"$meta": 1}', '{"id": "x"}', '{"id": 1.5}', '{"id": ""}']::jsonb[]) AS row;
SELECT left(pg_temp.partial(jsonb_build_object('id', 1, 'w', repeat('x', 70000))), 90);
SELECT left(pg_temp.partial(jsonb_build_object('id', 1, 'j', jsonb_build_array(repeat('x', 70000)))), 90);
SELECT pg_temp.stored('1');

-- the key must be there
SELECT pg_temp.partial('{"n": 1}');
SELECT pg_temp.partial('{"id": null, "n": 1}');
SELECT pg_temp.partial('[{"id": 1, "n": 1}, {"n": 1}]');
-- an entity that is not there is made, if nothing that it must have is missing
SELECT pg_temp.partial('{"id": 2, "t": "two", "v": [2, 2]}');
SELECT pg_temp.partial('{"id": 3, "t": "three", "v": [3, 3], "n": 3, "d": 3, "j": 3, "x": 3}');
SELECT pg_temp.stored('2');
SELECT pg_temp.stored('3');
SELECT pg_temp.partial('{"id": 4, "t": "four"}');
SELECT pg_temp.partial('{"id": 4, "v": [4, 4], "n": 4}');
SELECT pg_temp.partial('{"id": 4, "x": 4}');
SELECT pg_temp.stored('4') IS NULL AS none;
-- several of them, answered in the order of the request; all or none is written
SELECT pg_temp.partial('[{"id": 6, "t": "six", "v": [6, 6]}, {"id": 2, "t": "2", "v": [2, 3]}, {"id": 5, "t": "five", "v": [5, 5]}, {"id": 1, "t": "1", "v": [1, 1]}]');
SELECT place, pg_temp.partial(jsonb_insert('[{"id": 2, "n": 20}, {"id": 6, "n": 60}]', ARRAY[place::text], '{"id": 4, "n": 40}')) FROM generate_series(0, 2) AS place ORDER BY place;
SELECT pg_temp.partial('[{"id": 2, "n": 20}, {"id": 3, "n": "x"}]');
SELECT pg_temp.partial('[{"id": 2, "n": 20}, {"id": 6, "n": 60}]');
SELECT _id, _version, _source - '{j,x,y,z}'::text[] AS rest FROM part.full ORDER BY _id;
SELECT pg_temp.upsert('{"partialUpdate": true, "data": [{"id": 9007199254740993, "t": "big", "v": [0, 0]}, {"id": 1, "t": "1", "v": [0, 0]}]}', false);
SELECT pg_temp.upsert('{"partialUpdate": true, "data": [{"id": "9007199254740993", "t": "bigger"}]}', false);
SELECT pg_temp.stored('9007199254740993');
-- all entities of a request have the same fields; dynamic keys are not counted
SELECT pg_temp.partial('[{"id": 1, "n": 1}, {"id": 2, "t": "x"}]');
SELECT pg_temp.partial('[{"id": 1, "n": 1}, {"id": 2}]');
SELECT pg_temp.partial('[{"id": 1}, {"id": 2, "v": [0, 0]}, {"id": 3, "v": [0, 0]}]');
SELECT pg_temp.partial('[{"id": 1, "n": null}, {"id": 2, "n": 1}]');
SELECT pg_temp.partial('[{"id": 1, "p": 1}, {"id": 2, "q": 2}, {"id": 3}]');
SELECT _id, _source - '{j,t,d,v}'::text[] AS rest FROM part.full WHERE _id IN ('1', '2', '3') ORDER BY _id;
-- after the dimensions, before keys that are there twice
SELECT pg_temp.partial('[{"id": 1, "v": [0]}, {"id": 1}]');
SELECT pg_temp.partial('[{"id": 1, "v": [0, 0]}, {"id": 1}]');

-- what they come to together is no longer than what is sent at once
SELECT pg_temp.upsert('{"data": {"id": 7, "v": [0, 0]}}');
SELECT key, substring(pg_temp.partial(jsonb_build_object('id', 7, key, repeat('x', 30000))) FROM '^\d+') AS code FROM unnest('{a,b,c}'::text[]) AS key;
SELECT _version, length((_source - '{id,t,n,d,j,v}'::text[])::text) FROM part.full WHERE _id = '7';

-- the first version does the same
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": "part", "collectionName": "full", "partialUpdate": true, "data": {"id": 2, "n": 21}}');
SELECT pg_temp.stored('2');
-- false and null are whole entities
SELECT pg_temp.upsert('{"partialUpdate": null, "data": {"id": 2, "n": 22, "v": [0, 0]}}');
SELECT pg_temp.stored('2');
SELECT pg_temp.upsert('{"partialupdate": false, "data": {"id": 2, "t": "x"}}');
SELECT pg_temp.upsert('{"PartialUpdate": true, "data": {"id": 2, "t": "x"}}');
SELECT pg_temp.stored('2');
-- an insert knows none
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "part", "collectionName": "full", "partialUpdate": true, "data": {"id": 2, "t": "x"}}');
-- without the dynamic field other keys are refused here, too
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "part", "collectionName": "names", "schema": {"fields": [
	{"fieldName": "k", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": {"max_length": 8}}, {"fieldName": "n", "dataType": "Int64"}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT pg_temp.upsert('{"collectionName": "names", "data": [{"k": "é", "n": 1, "v": [0, 0]}, {"k": "5", "n": 1, "v": [0, 0]}]}');
SELECT pg_temp.partial('{"k": "é", "x": 1}', '{"collectionName": "names"}');
SELECT pg_temp.partial('{"k": "é", "n": null}', '{"collectionName": "names"}');
SELECT pg_temp.partial('[{"k": "é", "n": 2}, {"k": 5, "n": "3"}]', '{"collectionName": "names"}');
SELECT pg_temp.partial('[{"k": "", "n": 2}]', '{"collectionName": "names"}');
SELECT pg_temp.partial('[{"n": 2}]', '{"collectionName": "names"}');
SELECT * FROM part.names ORDER BY _id;

-- operations on arrays
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "part", "collectionName": "lists", "schema": {"enableDynamicField": true, "fields": [
	{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "tags", "dataType": "Array", "nullable": true, "elementDataType": "VarChar", "elementTypeParams": {"max_capacity": 4, "max_length": 8}},
	{"fieldName": "nums", "dataType": "Array", "nullable": true, "elementDataType": "Int64", "elementTypeParams": {"max_capacity": 4}},
	{"fieldName": "flags", "dataType": "Array", "nullable": true, "elementDataType": "Double", "elementTypeParams": {"max_capacity": 4}},
	{"fieldName": "n", "dataType": "Int64", "nullable": true},
	{"fieldName": "j", "dataType": "JSON", "nullable": true},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT pg_temp.upsert('{"collectionName": "lists", "data": [{"id": 1, "tags": ["a", "b"], "nums": [1, 2], "flags": [1.5], "n": 1, "v": [0, 0]}, {"id": 2, "v": [0, 0], "j": [1], "dyn": [1]}]}');
-- one operation for the field tags, or several
CREATE FUNCTION pg_temp.ops(ops jsonb, data jsonb, more jsonb DEFAULT '{}') RETURNS text
RETURN pg_temp.upsert('{"collectionName": "lists"}' || jsonb_build_object('fieldOps', CASE jsonb_typeof(ops) WHEN 'string' THEN jsonb_build_array(jsonb_build_object('fieldName', 'tags', 'op', ops)) ELSE ops END, 'data', data) || more);
CREATE FUNCTION pg_temp.lists() RETURNS TABLE (_id text, _version bigint, rest jsonb) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT l._id, l._version, l._source - '{id,v}'::text[] FROM part.lists AS l ORDER BY l._id;
END $$;
-- append puts elements at the end, remove takes all that are equal, replace does what is always done; the first two are partial updates
SELECT pg_temp.ops('"ARRAY_APPEND"', '[{"id": 1, "tags": ["c", "a"]}]');
SELECT * FROM pg_temp.lists();
SELECT pg_temp.ops('"ARRAY_REMOVE"', '{"id": 1, "tags": ["a", "x"]}');
SELECT * FROM pg_temp.lists();
SELECT pg_temp.ops('"REPLACE"', '{"id": 1, "tags": ["r"]}', '{"partialUpdate": true}');
SELECT * FROM pg_temp.lists();
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 1, "tags": []}');
SELECT pg_temp.ops('"ARRAY_REMOVE"', '{"id": 1, "tags": []}');
SELECT pg_temp.ops('"ARRAY_REMOVE"', '{"id": 1, "tags": ["r"]}', '{"partialUpdate": false}');
SELECT * FROM pg_temp.lists();
-- replace alone is none
SELECT pg_temp.ops('"REPLACE"', '{"id": 1, "tags": ["r"]}');
SELECT pg_temp.ops('"REPLACE"', '{"id": 1, "tags": ["s"], "v": [0, 0]}');
SELECT * FROM pg_temp.lists();
-- an array that is null has no elements
SELECT pg_temp.ops('[{"fieldName": "nums", "op": "ARRAY_APPEND"}]', '[{"id": 1, "nums": [7]}, {"id": 2, "nums": [8]}]');
SELECT pg_temp.ops('[{"fieldName": "flags", "op": "ARRAY_REMOVE"}]', '[{"id": 2, "flags": [8]}]');
SELECT * FROM pg_temp.lists();
-- names of operations in any case, blanks around them
SELECT pg_temp.ops('"  array_Append\t"', '{"id": 2, "tags": ["a"]}');
SELECT pg_temp.ops('"array_remove"', '{"id": 2, "tags": ["b"]}');
SELECT pg_temp.ops('" Replace "', '{"id": 2, "tags": ["c"]}', '{"partialUpdate": true}');
SELECT kz_milvus('/v1/vector/upsert', '{"dbName": "part", "collectionName": "lists", "fieldOps": [{"fieldname": "tags", "OP": "array_append"}], "data": {"id": 2, "tags": ["d"]}}');
-- several fields, and others beside them
SELECT pg_temp.ops('[{"fieldName": "tags", "op": "ARRAY_APPEND"}, {"fieldName": "nums", "op": "ARRAY_REMOVE"}, {"fieldName": "flags", "op": "REPLACE"}]', '[{"id": 2, "tags": ["e"], "nums": [8], "flags": [1], "n": 5, "dyn": [2]}]');
SELECT * FROM pg_temp.lists();
-- numbers are equal by their value, strings by theirs
SELECT pg_temp.upsert('{"collectionName": "lists", "data": {"id": 1, "nums": [1, 2, 1, 9007199254740993], "flags": [1.0, 1.50, 2], "v": [0, 0]}}');
SELECT pg_temp.ops('[{"fieldName": "nums", "op": "ARRAY_REMOVE"}, {"fieldName": "flags", "op": "ARRAY_REMOVE"}]', '{"id": 1, "nums": [1, 9007199254740992], "flags": [1, 1.5]}');
SELECT _source->'nums' AS nums, _source->'flags' AS flags FROM part.lists WHERE _id = '1';
-- no more than there is room for; nothing of the request is written then
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 2, "tags": ["f"]}');
SELECT pg_temp.ops('"ARRAY_APPEND"', '[{"id": 1, "tags": ["f"]}, {"id": 2, "tags": ["g"]}]');
SELECT pg_temp.ops('"ARRAY_APPEND"', '[{"id": 1, "tags": ["a", "b", "c", "d", "e"]}]');
SELECT pg_temp.ops('"ARRAY_APPEND"', '[{"id": 2, "tags": ["a"]}, {"id": 1, "tags": ["b"]}]');
SELECT * FROM pg_temp.lists();
-- elements are checked as always
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 1, "tags": [1]}');
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 1, "tags": "a"}');
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 1, "tags": ["much too long"]}');
-- an entity that is not there gets the elements
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 3, "tags": ["a"], "v": [0, 0]}');
SELECT pg_temp.ops('"ARRAY_APPEND"', '{"id": 4, "tags": ["a"]}');
SELECT * FROM pg_temp.lists();

-- what is wrong with operations
SELECT ord, ops, pg_temp.ops(ops, '{"id": 1, "tags": ["z"], "nums": [1], "n": 1, "j": [1], "dyn": [1], "v": [0, 0]}') FROM unnest(ARRAY[
	'"APPEND"', '""', '"ARRAY_APPEND x"', '[{"fieldName": "tags"}]', '[{"fieldName": "tags", "op": null}]', '[{"fieldName": "tags", "op": "REPLACE"}, {"fieldName": "n", "op": "x"}]',
	'[{"fieldName": "n", "op": "ARRAY_APPEND"}]', '[{"fieldName": "j", "op": "ARRAY_APPEND"}]', '[{"fieldName": "v", "op": "ARRAY_REMOVE"}]', '[{"fieldName": "id", "op": "ARRAY_APPEND"}]',
	'[{"fieldName": "dyn", "op": "ARRAY_APPEND"}]', '[{"fieldName": "none", "op": "ARRAY_APPEND"}]', '[{"fieldName": "", "op": "ARRAY_APPEND"}]', '[{"op": "ARRAY_APPEND"}]', '[{"fieldName": "TAGS", "op": "ARRAY_APPEND"}]',
	'[{"fieldName": "tags", "op": "ARRAY_APPEND"}, {"fieldName": "tags", "op": "ARRAY_APPEND"}]', '[{"fieldName": "tags", "op": "ARRAY_APPEND"}, {"fieldName": "tags", "op": "REPLACE"}]',
	'[{"fieldName": "flags", "op": "ARRAY_APPEND"}]', '[{"fieldName": "tags", "op": "ARRAY_APPEND"}, {"fieldName": "flags", "op": "ARRAY_REMOVE"}]']::jsonb[]) WITH ORDINALITY AS t (ops, ord) ORDER BY ord;
SELECT pg_temp.ops('"ARRAY_APPEND"', '[{"id": 1, "tags": ["z"]}, {"id": 2}]');
-- what is no list of operations
SELECT ops, substring(pg_temp.upsert(jsonb_build_object('collectionName', 'lists', 'data', '{"id": 1, "v": [0, 0]}'::jsonb, 'fieldOps', ops)) FROM '^\d+') AS code FROM unnest(ARRAY['{}', '"REPLACE"', '1', '[1]', '["REPLACE"]', '[null]', '[[]]', '[{"fieldName": 1, "op": "REPLACE"}]', '[{"fieldName": "tags", "op": 1}]']::jsonb[]) AS ops;
SELECT * FROM pg_temp.lists();
-- none at all
SELECT pg_temp.ops('[]', '{"id": 3, "tags": ["z"], "v": [0, 0]}');
SELECT pg_temp.ops('null', '{"id": 3, "tags": ["y"], "v": [0, 0]}');
SELECT * FROM pg_temp.lists();

-- where the server makes the keys, a partial update keeps them
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "part", "collectionName": "autos", "dimension": 2, "autoID": true}')->'code' AS code;
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "part", "collectionName": "autos", "data": {"vector": [0, 0], "n": 1}}')#>>'{data,insertIds,0}' AS id \gset
SELECT kz_milvus('/v2/vectordb/entities/upsert', jsonb_build_object('dbName', 'part', 'collectionName', 'autos', 'partialUpdate', true, 'data', jsonb_build_object('id', :'id', 'n', 2))) #>> '{data,upsertIds,0}' = :'id' AS same_id;
SELECT _id = :'id' AS same_id, _version, _source - 'id' AS rest FROM part.autos;

-- what PostgreSQL refuses about one entity refuses all
ALTER TABLE part.lists ADD CONSTRAINT small CHECK ((_source->>'n')::bigint < 10);
SELECT place, pg_temp.partial(jsonb_insert('[{"id": 1, "n": 9}, {"id": 3, "n": 9}]', ARRAY[place::text], '{"id": 2, "n": 10}'), '{"collectionName": "lists"}') FROM generate_series(0, 2) AS place ORDER BY place;
SELECT * FROM pg_temp.lists();

-- entities that plain SQL has made something else of
INSERT INTO part.lists VALUES ('20', 1, '{}'), ('21', 1, '{"tags": "none", "id": "x"}'), ('22', 1, '{"tags": ["a", null, {}]}');
SELECT pg_temp.ops('"ARRAY_APPEND"', '[{"id": 20, "tags": ["a"]}, {"id": 21, "tags": ["b"]}, {"id": 22, "tags": ["c"]}]');
SELECT _id, _version, _source FROM part.lists WHERE length(_id) = 2 ORDER BY _id;

SELECT kz_delete_index('part');
