CREATE EXTENSION kz;

CREATE PROCEDURE kz_fuzz(target text, arguments text[]) LANGUAGE c AS '$libdir/kz', 'kz_fuzz';

SELECT kz_create_collection('fuzz', 'docs');

SELECT kz_create_collection('fuzz', 'strict', '{"dynamic": "strict", "properties": {"a": {}, "b": {"properties": {"a": {}}}, "k1": {"type": "date"}}}');

SELECT kz_create('fuzz', c, '{"a": 1, "b": {"a": [1, 2]}}', 'd' || i) FROM generate_series(0, 2) AS i, unnest('{docs,strict}'::text[]) AS c;

SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "fuzz", "collectionName": "milvus", "dimension": 2}');

SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "fuzz", "collectionName": "typed", "schema": {"enableDynamicField": true, "fields": [
	{"fieldName": "id", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": {"max_length": 10}},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}},
	{"fieldName": "n", "dataType": "Int32", "nullable": true},
	{"fieldName": "f", "dataType": "Float", "nullable": true},
	{"fieldName": "b", "dataType": "Bool", "nullable": true},
	{"fieldName": "j", "dataType": "JSON", "nullable": true},
	{"fieldName": "a", "dataType": "Array", "nullable": true, "elementDataType": "Int64", "elementTypeParams": {"max_capacity": 4}}]}}');

SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "fuzz", "collectionName": "milvus", "data": [{"id": 1, "vector": [1, 2], "x": {"y": [1]}}, {"id": 2, "vector": [0, 1]}]}');

SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "fuzz", "collectionName": "typed", "data": [{"id": "a", "v": [1, 2], "n": 1, "j": {"k": 1}, "a": [1, 2]}, {"id": "b", "v": [0, 1], "dyn": "x"}]}');

CREATE TABLE fuzz.entities (_id text PRIMARY KEY, _version bigint, _source jsonb);

-- Every kind of value where a filter expects another one, or nothing.
INSERT INTO fuzz.entities
SELECT i, i, jsonb_build_object('id', i, 'v', '[1, 2]'::jsonb) || source::jsonb
FROM unnest(ARRAY['{}',
	'{"n": 10, "f": 1.5, "s": "abc", "b": true, "j": {"q": 1, "r": {"0": "x", "s": [1, null, "a"]}}, "a": [1, 2], "t": ["x", "y"], "k": 5}',
	'{"n": null, "f": null, "s": null, "b": null, "j": null, "a": null, "t": null, "k": null}',
	'{"n": 0, "f": 0, "s": "", "b": false, "j": {}, "a": [], "t": [], "k": ""}',
	'{"n": -9223372036854775808, "f": 1e308, "s": "a%_\\", "j": [], "k": [1, [2, "a"], {"0": 1}]}',
	'{"n": 9223372036854775807, "f": -1e-308, "s": "a", "j": [1, 2, "a"], "a": [10, 9223372036854775807], "k": {"a": {"b": null}}}',
	'{"n": 1, "f": 10, "s": "a", "j": "a", "t": ["a", ""], "k": "a", "l": [1, 2]}',
	'{"n": 2, "f": 2.0, "s": "10", "j": 10, "k": 10.0, "l": ["a"]}',
	'{"j": {"q": null, "r": [], "01": 1, "-1": 2, " 1": 3}, "k": true, "l": {}}',
	'{"j": {"q": "1", "r": [[1], [2, [3]]]}, "k": 1e400, "l": 1e1001}',
	'{"j": true, "k": false, "l": null, "s": "\u20ac\u00e9"}',
	'{"j": 1e-400, "k": -1e1001, "l": 9007199254740993}']) WITH ORDINALITY AS e(source, i);
