--
-- MILVUS_VALUES
-- What becomes of the values that Milvus' clients send for each type of field,
-- of those for no field, and how long they may be.
--
\set SHOW_CONTEXT never
\pset format unaligned

SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "val"}');

-- a collection of its own for each type, with the field f
CREATE FUNCTION pg_temp.make(name text, field jsonb) RETURNS text
RETURN kz_milvus('/v2/vectordb/collections/create', jsonb_build_object('dbName', 'val', 'collectionName', name, 'schema', jsonb_build_object('fields', jsonb_build_array(
	'{"fieldName": "id", "dataType": "Int64", "isPrimary": true}'::jsonb, '{"fieldName": "f"}' || field) ||
	CASE WHEN field->>'dataType' LIKE '%Vector' THEN '[]' ELSE '{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}' END::jsonb))) - 'data';
-- upserts an entity with a value for f, or without if it is NULL; what is stored
-- for it then, or the code and the message
CREATE FUNCTION pg_temp.put(name text, value jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
	stored text;
BEGIN
	EXECUTE format('DELETE FROM val.%I', name);
	answer := kz_milvus('/v2/vectordb/entities/upsert', jsonb_build_object('dbName', 'val', 'collectionName', name, 'data',
		'{"id": 1}' || CASE WHEN name LIKE '%vector%' THEN '{}' ELSE '{"v": [0, 0]}' END::jsonb || CASE WHEN value IS NULL THEN '{}' ELSE jsonb_build_object('f', value) END));
	EXECUTE format('SELECT _source->''f'' FROM val.%I', name) INTO stored;
	IF (answer->>'code' = '0') = (stored IS NULL) THEN
		RETURN concat_ws(' ', 'answered', answer, 'but stored', stored);
	END IF;
	RETURN coalesce(stored, concat_ws(' ', answer->>'code', answer->>'message'));
END $$;
-- the same for many values, of which not all is shown
CREATE FUNCTION pg_temp.try(name text, VARIADIC tried jsonb[]) RETURNS TABLE (sent text, stored text)
LANGUAGE sql AS 'SELECT left(value::text, 45), left(pg_temp.put($1, value), 150) FROM unnest($2) WITH ORDINALITY AS t (value, ord) ORDER BY ord';

SELECT type, pg_temp.make(lower(type), jsonb_build_object('dataType', type, 'elementTypeParams', '{"max_length": 16}'::jsonb))
FROM unnest('{Bool,Int8,Int16,Int32,Int64,Float,Double,VarChar,JSON}'::text[]) AS type;
SELECT type, pg_temp.make('array_' || lower(type), jsonb_build_object('dataType', 'Array', 'elementDataType', type, 'elementTypeParams', '{"max_capacity": 4, "max_length": 4}'::jsonb))
FROM unnest('{Bool,Int8,Int16,Int32,Int64,Float,Double,VarChar}'::text[]) AS type;
SELECT type, pg_temp.make(lower(type), jsonb_build_object('dataType', type, 'elementTypeParams', params::jsonb))
FROM (VALUES ('FloatVector', '{"dim": 2}'), ('BinaryVector', '{"dim": 16}'), ('Float16Vector', '{"dim": 2}'), ('BFloat16Vector', '{"dim": 2}'), ('Int8Vector', '{"dim": 2}'), ('SparseFloatVector', '{}')) AS t (type, params);

-- the same values for all simple types
SELECT lower(type) AS type, value, pg_temp.put(lower(type), value)
FROM unnest('{Bool,Int8,Int16,Int32,Int64,Float,Double,VarChar,JSON}'::text[]) WITH ORDINALITY AS k (type, i),
	unnest(ARRAY[NULL, 'null', '""', 'true', 'false', '0', '1', '-1', '1.0', '1.5', '"1"', '"-1"', '"1.0"', '"1.5"', '"true"', '"abc"', '[]', '[1]', '{}', '{"a": 1}']::jsonb[]) WITH ORDINALITY AS v (value, j)
ORDER BY i, j;

-- integers: all there are, and not one more
SELECT * FROM pg_temp.try('int8', '127', '-128', '"127"', '127.0', '"127.0"', '128', '-129', '"128"', '128.0', '1e2', '1e30', '"1e2"', '" 1"', '"9223372036854775808"');
SELECT * FROM pg_temp.try('int16', '32767', '-32768', '"-32768"', '32768', '-32769', '"32768"');
SELECT * FROM pg_temp.try('int32', '2147483647', '-2147483648', '"2147483647"', '2147483648', '-2147483649', '"-2147483649"');
SELECT * FROM pg_temp.try('int64', '9223372036854775807', '-9223372036854775808', '"9223372036854775807"', '9007199254740993', '9223372036854775808', '-9223372036854775809', '"9223372036854775808"');

-- floats: numbers keep their digits
SELECT * FROM pg_temp.try('float', '0.1', '-2.50', '16777217', '3.4e38', '1e-50', '"2.5"', '"-1e3"', '".5"', '1e39', '-1e39', '"1e39"', '1e400', '"1e400"', '"1,5"', '" 1"', '"1 "', '"0x1"', '"-"', '"1e"', '"e1"');
SELECT * FROM pg_temp.try('double', '0.1', '1e39', '"1e39"', '1.7e308', '1e-400', '9007199254740993', '1e309', '-1e309', '"1e309"');
-- what is no number is another kind of mistake
SELECT value, substring(pg_temp.put('float', value) FROM '^\d+ ') AS float, substring(pg_temp.put('double', value) FROM '^\d+ ') AS double FROM unnest(ARRAY['"NaN"', '"nan"', '"Inf"', '"-Infinity"']::jsonb[]) AS value;

-- booleans
SELECT * FROM pg_temp.try('bool', '"1"', '"t"', '"T"', '"TRUE"', '"true"', '"True"', '"0"', '"f"', '"F"', '"FALSE"', '"false"', '"False"');
SELECT * FROM pg_temp.try('bool', '2', '1.0', '"tRUE"', '"yes"', '"on"', '" true"', '"tr"');

-- strings: everything has a text; bytes count
SELECT * FROM pg_temp.try('varchar', '"é"', '"日本"', '"🔑"', '"a\"b\\c\nd"', '"1234567890123456"', '"éééééééé"', '1.50', '12345678901234567', '{"b": 1, "a": [true, null]}', '"<&>"');
SELECT * FROM pg_temp.try('varchar', '"12345678901234567"', '"ééééééééé"', '123456789012345678', '{"a": 1, "b": 22222}');

-- JSON: a string stays one
SELECT * FROM pg_temp.try('json', '"x"', '"{\"a\": 1}"', '"null"', '{"a": {"b": [1, null, 1.50]}, "": 0}', '[[], {}]', '9007199254740993', 'null');

-- arrays: of elements of their type
SELECT kind, value, pg_temp.put('array_' || kind, value)
FROM unnest('{bool,int8,int16,int32,int64,float,double,varchar}'::text[]) WITH ORDINALITY AS k (kind, i),
	unnest(ARRAY[NULL, 'null', '""', '"[]"', '1', '{}', '[]', '[true]', '[1]', '[-1, 2]', '[1.5]', '["a"]', '["1"]', '[null]', '[[1]]', '[{}]', '[1, "a"]']::jsonb[]) WITH ORDINALITY AS v (value, j)
ORDER BY i, j;
SELECT * FROM pg_temp.try('array_int8', '[127, -128]', '[128]', '[-129]');
SELECT * FROM pg_temp.try('array_int16', '[32767, -32768]', '[32768]');
SELECT * FROM pg_temp.try('array_int32', '[2147483647]', '[2147483648]');
SELECT * FROM pg_temp.try('array_int64', '[9223372036854775807]', '[9223372036854775808]');
SELECT * FROM pg_temp.try('array_float', '[3.4e38]', '[1e39]');
SELECT * FROM pg_temp.try('array_varchar', '["abcd", "éé", ""]', '["abcde"]', '["", "ééé"]');
-- as many as there is room for
SELECT * FROM pg_temp.try('array_int64', '[1, 2, 3, 4]', '[1, 2, 3, 4, 5]');
SELECT pg_temp.make('array_large', '{"dataType": "Array", "elementDataType": "Int8", "elementTypeParams": {"max_capacity": 4096}}');
SELECT n, left(pg_temp.put('array_large', (SELECT jsonb_agg(1) FROM generate_series(1, n))), 100) FROM generate_series(4096, 4097) AS n;

-- vectors
SELECT * FROM pg_temp.try('floatvector', NULL, 'null', '""', '"[0, 1]"', '1', 'true', '{}', '[0, 1]', '[0.1, -2.50]', '[9007199254740993, 3.4e38]', '["0", "1"]', '[0, null]', '[0, true]', '[[0, 1]]', '[0, [1]]', '[0, 1e39]');
SELECT * FROM pg_temp.try('floatvector', '[]', '[0]', '[0, 1, 2]');
SELECT * FROM pg_temp.try('binaryvector', NULL, 'null', '[0, 255]', '"AAE="', '[0, 256]', '[0, -1]', '[0, 1.5]', '["0", 1]', '"not base64"', '{}', '1');
SELECT pg_temp.put('binaryvector', value) ~ '^1804 ' AS refused, value FROM unnest('{[0],[0\,1\,2],[],"\"AAEC\""}'::jsonb[]) AS value;
SELECT * FROM pg_temp.try('float16vector', NULL, '[0.5, 1]', '"AAAAAA=="', '["0", 1]', '"?"');
SELECT * FROM pg_temp.try('bfloat16vector', 'null', '[0.5, 1]', '"AAAAAA=="', '[0, {}]');
SELECT * FROM pg_temp.try('int8vector', 'null', '[-128, 127]', '[0, 128]', '[0, 0.5]', '["0", 1]');
SELECT kind, pg_temp.put(kind, value) ~ '^1804 ' AS refused, value FROM unnest('{float16vector,bfloat16vector,int8vector}'::text[]) WITH ORDINALITY AS k (kind, i), unnest('{[0],[0\,1\,2],[]}'::jsonb[]) AS value ORDER BY i, value;
SELECT * FROM pg_temp.try('sparsefloatvector', NULL, 'null', '{"1": 0.5, "100": 0.25}', '{"indices": [1, 100], "values": [0.5, 0.25]}', '{"indices": [1], "values": [0.5, 0.25]}', '{"x": 1}', '{"-1": 1}', '{"1": "1"}', '[1, 2]', '1');
-- the smallest and the largest
SELECT pg_temp.make('largevector', '{"dataType": "FloatVector", "elementTypeParams": {"dim": 32768}}');
SELECT n, left(pg_temp.put('largevector', (SELECT jsonb_agg(i % 10) FROM generate_series(1, n) AS i)), 120) FROM generate_series(32767, 32769) AS n;
SELECT kz_milvus('/v1/vector/upsert', jsonb_build_object('dbName', 'val', 'collectionName', 'largevector', 'data', jsonb_build_object('id', 1, 'f', (SELECT jsonb_agg(i / 8.0) FROM generate_series(1, 32768) AS i))));
SELECT jsonb_array_length(answer #> '{data,0,f}') AS dim, answer #> '{data,0,f,32767}' = '4096' AS last FROM kz_milvus('/v2/vectordb/entities/get', '{"dbName": "val", "collectionName": "largevector", "id": 1}') AS answer;

-- nullable fields and those with a default: nothing and null are enough
SELECT type, pg_temp.make('nullable_' || lower(type), jsonb_build_object('dataType', type, 'nullable', true, 'elementDataType', 'Int8', 'elementTypeParams', '{"max_length": 8, "max_capacity": 2}'::jsonb))
FROM unnest('{Bool,Int8,Int64,Float,VarChar,JSON,Array}'::text[]) AS type;
SELECT type, value, pg_temp.put('nullable_' || type, value)
FROM unnest('{bool,int8,int64,float,varchar,json,array}'::text[]) WITH ORDINALITY AS k (type, i), unnest(ARRAY[NULL, 'null', '""']::jsonb[]) WITH ORDINALITY AS v (value, j) ORDER BY i, j;
SELECT type, pg_temp.make('default_' || lower(type), jsonb_build_object('dataType', type, 'defaultValue', value::jsonb, 'nullable', type IN ('Bool', 'Double'), 'elementTypeParams', '{"max_length": 8}'::jsonb))
FROM (VALUES ('Bool', 'true'), ('Int8', '-5'), ('Int64', '9007199254740993'), ('Float', '0.5'), ('Double', '2'), ('VarChar', '"é"')) AS t (type, value);
SELECT type, value, pg_temp.put('default_' || type, value)
FROM unnest('{bool,int8,int64,float,double,varchar}'::text[]) WITH ORDINALITY AS k (type, i), unnest(ARRAY[NULL, 'null', '""', '1']::jsonb[]) WITH ORDINALITY AS v (value, j) ORDER BY i, j;

-- the longest string has 65535 bytes
SELECT pg_temp.make('long', '{"dataType": "VarChar", "elementTypeParams": {"max_length": 65535}}');
SELECT n, c, length(pg_temp.put('long', to_jsonb(repeat(c, n)))) FROM (VALUES (65535, 'x'), (21845, '日')) AS t (n, c);
SELECT n, c, pg_temp.put('long', to_jsonb(repeat(c, n))) FROM (VALUES (65536, 'x'), (21846, '日')) AS t (n, c);
-- JSON has 65536, as it is written without spaces
SELECT n, length(pg_temp.put('json', jsonb_build_object('k', repeat('x', n)))) FROM (VALUES (65000), (65528)) AS t (n);
SELECT n, substring(pg_temp.put('json', jsonb_build_object('k', repeat('x', n))) FROM '^1100 .*exceeds max length') FROM (VALUES (65529), (100000)) AS t (n);
SELECT n, length(pg_temp.put('json', to_jsonb(repeat('x', n)))) FROM (VALUES (65534)) AS t (n);
SELECT n, substring(pg_temp.put('json', to_jsonb(repeat('x', n))) FROM '^1100 .*exceeds max length') FROM (VALUES (65535)) AS t (n);
SELECT n, length(pg_temp.put('json', (SELECT jsonb_agg(1) FROM generate_series(1, n)))) FROM (VALUES (20000), (32767)) AS t (n);
SELECT n, substring(pg_temp.put('json', (SELECT jsonb_agg(1) FROM generate_series(1, n))) FROM '^1100 .*exceeds max length') FROM (VALUES (32768)) AS t (n);

-- keys that are no field: none without the dynamic field, not even if they have no value
CREATE FUNCTION pg_temp.row(name text, entity jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
	stored text;
BEGIN
	EXECUTE format('DELETE FROM val.%I', name);
	answer := kz_milvus('/v1/vector/upsert', jsonb_build_object('dbName', 'val', 'collectionName', name, 'data', '{"id": 1, "v": [0, 0]}' || entity));
	EXECUTE format('SELECT _source - ''{id,v}''::text[] FROM val.%I', name) INTO stored;
	RETURN coalesce(stored, concat_ws(' ', answer->>'code', answer->>'message'));
END $$;
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "val", "collectionName": "off", "schema": {"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT entity, pg_temp.row('off', entity) FROM unnest(ARRAY['{}', '{"x": 1}', '{"x": null}', '{"ID": 1}', '{"$meta": {}}', '{"": 1}']::jsonb[]) WITH ORDINALITY AS t (entity, ord) ORDER BY ord;
-- any but $meta with it; those that are null are not there
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "val", "collectionName": "on", "dimension": 2, "vectorFieldName": "v"}');
SELECT entity, pg_temp.row('on', entity) FROM unnest(ARRAY['{}', '{"x": 1, "Y": "y", "z": true}', '{"x": null, "y": 0}', '{"x": null}', '{"ID": 1, "V": []}', '{"$meta": {}}', '{"$meta": null}', '{"$Meta": 1, "$": 2}',
	'{"": 1, "a b": 2, "ключ": 3, "_id": 4, "_source": 5, "count(*)": 6, "*": 7}', '{"o": {"a": null, "b": {"c": [null]}}, "l": [null, 1], "e": {}}', '{"s": ""}']::jsonb[]) WITH ORDINALITY AS t (entity, ord) ORDER BY ord;
-- numbers without a point are integers, those with one are not; both keep their digits
SELECT pg_temp.row('on', '{"a": 1, "b": 1.0, "c": 1.50, "d": -0, "e": 9007199254740993, "f": -9223372036854775808, "g": 0.1, "h": 1e3, "i": 1.5e-3, "j": [1.0, 9223372036854775807]}');
SELECT kz_milvus('/v2/vectordb/entities/get', '{"dbName": "val", "collectionName": "on", "id": 1}', false);
-- all of them together have 65536 bytes, as they are written without spaces
SELECT n, length(pg_temp.row('on', jsonb_build_object('k', repeat('x', n)))) FROM (VALUES (65000), (65528)) AS t (n);
SELECT n, substring(pg_temp.row('on', jsonb_build_object('k', repeat('x', n))) FROM '^1100 .*exceeds max length') FROM (VALUES (65529), (200000)) AS t (n);
SELECT n, length(pg_temp.row('on', jsonb_build_object('a', repeat('x', 30000), 'b', repeat('x', n)))) FROM (VALUES (35521)) AS t (n);
SELECT n, substring(pg_temp.row('on', jsonb_build_object('a', repeat('x', 30000), 'b', repeat('x', n))) FROM '^1100 .*exceeds max length') FROM (VALUES (35522)) AS t (n);
SELECT n, substring(pg_temp.row('on', jsonb_build_object('k', repeat('é', n))) FROM '^1100 .*exceeds max length') FROM (VALUES (32765)) AS t (n);
SELECT n, length(pg_temp.row('on', jsonb_build_object('k', (SELECT jsonb_agg(1) FROM generate_series(1, n))))) FROM (VALUES (20000), (32764)) AS t (n);

SELECT kz_delete_index('val');
