--
-- MILVUS_COLLECTIONS
-- The endpoints of Milvus' API about collections.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on

-- the answer to a request, with a made-up number in the place of a collection's id
CREATE FUNCTION pg_temp.ask(path text, request jsonb DEFAULT '{}', allow_int64 boolean DEFAULT true) RETURNS text
LANGUAGE sql AS $$
	SELECT regexp_replace(kz_milvus('/v2/vectordb/' || path, request, allow_int64)::text, '"collectionID": [1-9]\d+\M', '"collectionID": 1')
$$;
CREATE FUNCTION pg_temp.ask1(path text, request jsonb DEFAULT '{}', allow_int64 boolean DEFAULT true) RETURNS text
LANGUAGE sql AS $$
	SELECT kz_milvus('/v1/vector/' || path, request, allow_int64)::text
$$;

-- a field; some that most collections have
CREATE FUNCTION pg_temp.field(name text, type text, more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('fieldName', name, 'dataType', type) || more
$$;
CREATE FUNCTION pg_temp.key() RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.field('id', 'Int64', '{"isPrimary": true}') $$;
CREATE FUNCTION pg_temp.vector(name text DEFAULT 'v') RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.field(name, 'FloatVector', '{"elementTypeParams": {"dim": 4}}') $$;

-- creates a collection c of these fields, and drops it
CREATE FUNCTION pg_temp.try_fields(VARIADIC fields jsonb[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'c', 'schema', jsonb_build_object('fields', fields)));
BEGIN
	PERFORM pg_temp.ask('collections/drop', '{"collectionName": "c"}');
	RETURN answer;
END $$;
-- the same for a field beside a key and a vector
CREATE FUNCTION pg_temp.try(name text, type text, more jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
	SELECT pg_temp.try_fields(pg_temp.key(), pg_temp.vector(), pg_temp.field(name, type, more))
$$;
-- the same for a request in the quick form
CREATE FUNCTION pg_temp.try_quick(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := pg_temp.ask('collections/create', '{"collectionName": "c", "dimension": 4}' || request);
BEGIN
	PERFORM pg_temp.ask('collections/drop', '{"collectionName": "c"}');
	RETURN answer;
END $$;

-- nothing is there, and nothing is made by looking
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask1('collections');
SELECT pg_temp.ask('collections/has', '{"collectionName": "c"}');
SELECT pg_temp.ask('collections/get_load_state', '{"collectionName": "c"}');
SELECT kz_list_indexes();

-- an empty body: an error, unless the request is a GET
SELECT path, pg_temp.ask('collections/' || path, NULL) FROM unnest(ARRAY['list', 'has', 'create', 'describe', 'drop', 'rename', 'truncate', 'get_stats', 'get_load_state', 'load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT pg_temp.ask1('collections', NULL);
SELECT pg_temp.ask1('collections/describe', NULL);
SELECT pg_temp.ask1('collections/create', NULL);
SELECT pg_temp.ask1('collections/drop', NULL);

-- what is no object
SELECT body, kz_milvus('/v2/vectordb/collections/has', body)->>'code' FROM unnest(ARRAY['[]', '"c"', '1', 'true', '[{"collectionName": "c"}]']::jsonb[]) WITH ORDINALITY AS t (body, ord) ORDER BY ord;

-- unknown paths
SELECT path, kz_milvus(path, '{"collectionName": "c"}') FROM unnest(ARRAY['', '/', 'collections/list', '/v1/vector/collections/list', '/v1/vector/collections/has', '/v2/vectordb/collections', '/v2/vectordb/collections/', '/v2/vectordb/collections/list/', '/v2/vectordb/Collections/list', '/v3/vectordb/collections/list', '/v2/vector/collections/list']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;

-- what is required: one thing, several; null and "" are nothing
SELECT path, pg_temp.ask('collections/' || path) FROM unnest(ARRAY['has', 'create', 'describe', 'drop', 'rename', 'truncate', 'get_stats', 'get_load_state', 'load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT request, pg_temp.ask('collections/rename', request) FROM unnest(ARRAY['{"newCollectionName": "d"}', '{"collectionName": "c"}', '{"collectionName": null, "newCollectionName": ""}', '{"collectionName": "", "newCollectionName": null}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT request, pg_temp.ask('collections/has', request) FROM unnest(ARRAY['{"collectionName": null}', '{"collectionName": ""}', '{"name": "c"}', '{"collectionname": ""}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT path, pg_temp.ask1(path) FROM unnest(ARRAY['collections/describe', 'collections/create', 'collections/drop']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT request, pg_temp.ask1('collections/create', request) FROM unnest(ARRAY['{"collectionName": "c"}', '{"dimension": 4}', '{"collectionName": null, "dimension": null}', '{"collectionName": "", "dimension": 4}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;

-- JSON of a wrong type
SELECT request, pg_temp.ask('collections/has', request) FROM unnest(ARRAY['{"collectionName": 1}', '{"collectionName": true}', '{"collectionName": []}', '{"collectionName": {}}', '{"collectionName": "c", "dbName": 1}', '{"collectionName": "c", "dbName": ["default"]}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT path, pg_temp.ask('collections/' || path, '{"collectionName": {}, "newCollectionName": "d"}') FROM unnest(ARRAY['create', 'describe', 'drop', 'rename', 'truncate', 'get_stats', 'get_load_state', 'load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT pg_temp.ask('collections/list', '{"dbName": {}}');
SELECT pg_temp.ask1('collections', '{"dbName": 1}');
SELECT pg_temp.ask1('collections/describe', '{"collectionName": 1}');
SELECT pg_temp.ask1('collections/drop', '{"collectionName": false}');
SELECT request, pg_temp.ask('collections/rename', '{"collectionName": "c", "newCollectionName": "d"}' || request) FROM unnest(ARRAY['{"newCollectionName": 1}', '{"newDbName": 1}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT request, pg_temp.try_quick(request) FROM unnest(ARRAY['{"dimension": "4"}', '{"dimension": 4.5}', '{"dimension": true}', '{"dimension": []}', '{"idType": 1}', '{"autoID": "true"}', '{"autoID": 1}', '{"metricType": 2}', '{"primaryFieldName": 1}', '{"vectorFieldName": {}}', '{"params": []}', '{"params": 1}', '{"description": 1}', '{"schema": []}', '{"schema": "x"}', '{"indexParams": 1}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT request, pg_temp.ask1('collections/create', '{"collectionName": "c", "dimension": 4}' || request) FROM unnest(ARRAY['{"collectionName": 1}', '{"dimension": "4"}', '{"dbName": 1}', '{"description": 1}', '{"metricType": 2}', '{"primaryField": 1}', '{"vectorField": 1}', '{"enableDynamicField": "true"}', '{"enableDynamicField": 1}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT schema, pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'c', 'schema', schema)) FROM unnest(ARRAY['{"fields": {}}', '{"fields": "x"}', '{"fields": [1]}', '{"fields": [[]]}', '{"fields": [], "autoID": 1}', '{"fields": [], "enableDynamicField": "x"}', '{"fields": [], "functions": {}}', '{"fields": [{"fieldName": 1}]}', '{"fields": [{"fieldName": "a", "dataType": 5}]}', '{"fields": [{"fieldName": "a", "dataType": "Int64", "isPrimary": "x"}]}', '{"fields": [{"fieldName": "a", "dataType": "Int64", "isPartitionKey": 1}]}', '{"fields": [{"fieldName": "a", "dataType": "Int64", "nullable": 1}]}', '{"fields": [{"fieldName": "a", "dataType": "Array", "elementDataType": 1}]}', '{"fields": [{"fieldName": "a", "dataType": "Int64", "elementTypeParams": []}]}']::jsonb[]) WITH ORDINALITY AS t (schema, ord) ORDER BY ord;
SELECT indexes, pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'c', 'schema', jsonb_build_object('fields', jsonb_build_array(pg_temp.key(), pg_temp.vector())), 'indexParams', indexes)) FROM unnest(ARRAY['{}', '"x"', '[1]', '[[]]', '[{"fieldName": 1}]', '[{"fieldName": "v", "indexName": 1}]', '[{"fieldName": "v", "metricType": 1}]']::jsonb[]) WITH ORDINALITY AS t (indexes, ord) ORDER BY ord;

-- the types are looked at before what is required, and before the database
SELECT pg_temp.ask('collections/has', '{"dbName": 1}');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "c", "newDbName": 1}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "c", "dimension": "x", "dbName": "nowhere"}');
SELECT pg_temp.ask1('collections/create', '{"collectionName": "c", "dimension": "x", "dbName": "nowhere"}');
SELECT pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'c', 'dimension', 'x', 'schema', jsonb_build_object('fields', jsonb_build_array(pg_temp.key(), pg_temp.vector()))));
SELECT pg_temp.ask1('collections/create', '{"dimension": "x"}');
SELECT pg_temp.ask1('collections/drop', '{"dbName": 1}');
SELECT pg_temp.ask('collections/list');

-- no such database, no such collection
SELECT path, pg_temp.ask('collections/' || path, '{"collectionName": "c", "newCollectionName": "d", "dimension": 4, "dbName": "nowhere"}') FROM unnest(ARRAY['list', 'has', 'create', 'describe', 'drop', 'rename', 'truncate', 'get_stats', 'get_load_state', 'load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT path, pg_temp.ask1('collections' || path, '{"collectionName": "c", "dimension": 4, "dbName": "nowhere"}') FROM unnest(ARRAY['', '/describe', '/create', '/drop']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT path, pg_temp.ask('collections/' || path, '{"collectionName": "c", "newCollectionName": "d"}') FROM unnest(ARRAY['has', 'describe', 'drop', 'rename', 'truncate', 'get_stats', 'get_load_state', 'load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT path, pg_temp.ask1('collections/' || path, '{"collectionName": "c"}') FROM unnest(ARRAY['describe', 'drop']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT kz_list_indexes();

-- the quick form: the defaults; it makes the default database's index
SELECT pg_temp.ask('collections/create', '{"collectionName": "quick", "dimension": 4}');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "quick"}');
SELECT pg_temp.ask1('collections/describe', '{"collectionName": "quick"}');
SELECT kz_list_indexes();
-- everything chosen, keys in any case, keys nobody knows
SELECT pg_temp.ask('collections/create', '{"COLLECTIONNAME": "Chosen", "Dimension": 8, "idtype": "VarChar", "AutoId": true, "metrictype": "IP", "primaryfieldname": "Key", "VectorFieldName": "Embedding", "DBNAME": "default", "unknown": {"x": 1}, "description": "all of it", "params": {"max_length": 100, "enableDynamicField": false, "shardsNum": 3, "consistencyLevel": "Strong", "ttlSeconds": 60}}');
SELECT pg_temp.ask('collections/describe', '{"collectionname": "Chosen", "dbname": "default", "x": []}');
SELECT pg_temp.ask1('collections/describe', '{"CollectionName": "Chosen"}');
SELECT pg_temp.ask('collections/has', '{"collectionName": "chosen"}');
-- null is absent; so is "", where there is a default
SELECT pg_temp.ask('collections/create', '{"collectionName": "nulls", "dimension": 4, "dbName": null, "idType": null, "autoID": null, "metricType": null, "primaryFieldName": null, "vectorFieldName": null, "schema": null, "indexParams": null, "params": null, "description": null}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "empty", "dimension": 4, "dbName": "", "idType": "", "metricType": "", "primaryFieldName": "", "vectorFieldName": "", "schema": {}, "params": {}}');
SELECT name, (kz_milvus('/v2/vectordb/collections/describe', jsonb_build_object('collectionName', name))->'data') - '{collectionName,collectionID}'::text[] = (kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "quick"}')->'data') - '{collectionName,collectionID}'::text[] FROM unnest(ARRAY['nulls', 'empty']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT pg_temp.ask('collections/drop', jsonb_build_object('collectionName', name)) FROM unnest(ARRAY['Chosen', 'nulls', 'empty']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;

-- the dimension, of which there must be one
SELECT request, pg_temp.try_quick(request) FROM unnest(ARRAY['{"dimension": null}', '{"dimension": 0}', '{"dimension": -1}', '{"dimension": 1}', '{"dimension": 2}', '{"dimension": 32768}', '{"dimension": 32769}', '{"schema": {"autoID": true}}', '{"dimension": null, "schema": {"fields": null}}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
-- the type of the key; a VarChar needs a length
SELECT request, pg_temp.try_quick(request) FROM unnest(ARRAY['{"idType": "Int64"}', '{"idType": "int64"}', '{"idType": "INT64"}', '{"idType": "Int32"}', '{"idType": "VarChar"}', '{"idType": "varchar"}', '{"idType": "VarChar", "params": {}}', '{"idType": "VarChar", "params": {"max_length": null}}', '{"idType": "VarChar", "params": {"max_length": 0}}', '{"idType": "VarChar", "params": {"max_length": 1}}', '{"idType": "Varchar", "params": {"max_length": 65535}}', '{"idType": "VarChar", "params": {"max_length": "65535"}}', '{"idType": "VarChar", "params": {"max_length": 65536}}', '{"idType": "varchar", "params": {"max_length": 5}}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
-- metrics, consistency, shards, names of fields
SELECT request, pg_temp.try_quick(request) FROM unnest(ARRAY['{"metricType": "L2"}', '{"metricType": "IP"}', '{"metricType": "COSINE"}', '{"metricType": "l2"}', '{"metricType": "EUCLID"}', '{"params": {"consistencyLevel": "Strong"}}', '{"params": {"consistencyLevel": "Session"}}', '{"params": {"consistencyLevel": "Bounded"}}', '{"params": {"consistencyLevel": "Eventually"}}', '{"params": {"consistencyLevel": "Customized"}}', '{"params": {"consistencyLevel": "strong"}}', '{"params": {"shardsNum": 1}}', '{"params": {"shardsNum": 16}}', '{"params": {"shardsNum": 17}}', '{"primaryFieldName": "1d"}', '{"vectorFieldName": "a-b"}', '{"primaryFieldName": "same", "vectorFieldName": "same"}', '{"vectorFieldName": "id"}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;

-- the first version's create: the server makes the keys, the metric is L2
SELECT pg_temp.ask1('collections/create', '{"collectionName": "first", "dimension": 4}');
SELECT pg_temp.ask1('collections/describe', '{"collectionName": "first"}');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "first"}');
-- what it doesn't know it ignores: idType, autoID, params and the schema among it
SELECT pg_temp.ask1('collections/create', '{"collectionName": "second", "DIMENSION": 8, "metrictype": "IP", "primaryField": "Key", "vectorField": "Embedding", "enabledynamicfield": false, "description": "v1", "idType": "VarChar", "autoID": false, "primaryFieldName": "k", "vectorFieldName": "w", "dbName": "default"}');
SELECT pg_temp.ask1('collections/describe', '{"collectionName": "second", "DbName": "default"}');
SELECT request, pg_temp.ask1('collections/create', '{"collectionName": "first", "dimension": 4}' || request) FROM unnest(ARRAY['{"schema": {"fields": []}}', '{"schema": 1}', '{"params": 1}', '{"params": {"consistencyLevel": "Strong"}}', '{"idType": 1, "autoID": 1, "indexParams": 1}', '{"metricType": "COSINE"}', '{"metricType": "L2", "primaryField": "id", "vectorField": "vector", "enableDynamicField": true, "description": ""}', '{"enableDynamicField": false}', '{"dimension": 1}', '{"dimension": 32769}', '{"metricType": "nothing"}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT pg_temp.ask1('collections');
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask1('collections/drop', '{"collectionName": "first"}');
SELECT pg_temp.ask1('collections/drop', '{"COLLECTIONNAME": "second"}');
SELECT pg_temp.ask1('collections/drop', '{"collectionName": "first"}');

-- a schema: fields of all types
SELECT pg_temp.ask('collections/create', '{"collectionName": "custom", "dimension": 99, "idType": "nothing", "metricType": "nothing", "description": "outer", "schema": {"autoID": true, "enableDynamicField": true, "fields": [
	{"fieldName": "key", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": {"max_length": "36"}},
	{"fieldName": "b", "dataType": "Bool", "defaultValue": true},
	{"fieldName": "i8", "dataType": "Int8", "defaultValue": -128},
	{"fieldName": "i16", "dataType": "Int16", "nullable": true},
	{"fieldName": "i32", "dataType": "Int32", "nullable": true, "defaultValue": 5},
	{"fieldName": "i64", "dataType": "Int64", "isPartitionKey": true},
	{"fieldName": "f", "dataType": "Float", "defaultValue": 1.5},
	{"fieldName": "d", "dataType": "Double", "defaultValue": -2},
	{"fieldName": "s", "dataType": "VarChar", "elementTypeParams": {"max_length": 10}, "defaultValue": "none"},
	{"fieldName": "j", "dataType": "JSON", "nullable": true},
	{"fieldName": "a", "dataType": "Array", "elementDataType": "VarChar", "elementTypeParams": {"max_length": 20, "max_capacity": 30}},
	{"fieldName": "fv", "dataType": "FloatVector", "elementTypeParams": {"dim": "4"}},
	{"fieldName": "bv", "dataType": "BinaryVector", "elementTypeParams": {"dim": 16}},
	{"fieldName": "hv", "dataType": "Float16Vector", "elementTypeParams": {"dim": 2}},
	{"fieldName": "bfv", "dataType": "BFloat16Vector", "elementTypeParams": {"dim": 2}},
	{"fieldName": "sv", "dataType": "SparseFloatVector"},
	{"fieldName": "iv", "dataType": "Int8Vector", "elementTypeParams": {"dim": 2}}
]}, "indexParams": [{"fieldName": "fv", "indexName": "by_fv", "metricType": "L2"}, {"fieldName": "bv", "metricType": "HAMMING"}]}');
SELECT kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "custom"}') #- '{data,fields}' #- '{data,collectionID}';
SELECT field FROM jsonb_array_elements(kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "custom"}')->'data'->'fields') WITH ORDINALITY AS t (field, ord) ORDER BY ord;
SELECT kz_milvus('/v1/vector/collections/describe', '{"collectionName": "custom"}') #- '{data,fields}';
SELECT field FROM jsonb_array_elements(kz_milvus('/v1/vector/collections/describe', '{"collectionName": "custom"}')->'data'->'fields') WITH ORDINALITY AS t (field, ord) ORDER BY ord;
SELECT pg_temp.ask('collections/drop', '{"collectionName": "custom"}');
-- a dynamic field must be asked for; keys in any case
SELECT pg_temp.ask('collections/create', '{"collectionName": "plain", "Schema": {"FIELDS": [{"fieldname": "id", "DATATYPE": "Int64", "isprimary": true, "nullable": null, "defaultValue": null, "elementTypeParams": null}, {"FieldName": "v", "datatype": "FloatVector", "ELEMENTTYPEPARAMS": {"dim": 4}, "unknown": 1}], "autoID": null, "enableDynamicField": null, "functions": [], "unknown": 1}, "indexParams": []}');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "plain"}');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "plain"}');
-- an index of a field that isn't there
SELECT pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'c', 'schema', jsonb_build_object('fields', jsonb_build_array(pg_temp.key(), pg_temp.vector())), 'indexParams', '[{"fieldName": "w", "metricType": "L2"}]'::jsonb));
SELECT pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'c', 'schema', jsonb_build_object('fields', jsonb_build_array(pg_temp.key(), pg_temp.vector())), 'indexParams', '[{"fieldName": "v", "metricType": "nothing"}]'::jsonb));

-- the key: one, of the right type, never null, without a default
SELECT pg_temp.try_fields(pg_temp.vector());
SELECT pg_temp.try_fields(pg_temp.key(), pg_temp.vector(), pg_temp.field('other', 'Int64', '{"isPrimary": true}'));
SELECT type, pg_temp.try_fields(pg_temp.field('id', type, '{"isPrimary": true, "elementTypeParams": {"max_length": 5}}'), pg_temp.vector()) FROM unnest(ARRAY['Int64', 'VarChar', 'Int32', 'Bool', 'Double', 'JSON']) WITH ORDINALITY AS t (type, ord) ORDER BY ord;
SELECT pg_temp.try_fields(pg_temp.field('id', 'VarChar', '{"isPrimary": true}'), pg_temp.vector());
SELECT pg_temp.try_fields(pg_temp.field('id', 'Int64', '{"isPrimary": true, "nullable": true}'), pg_temp.vector());
SELECT pg_temp.try_fields(pg_temp.field('id', 'Int64', '{"isPrimary": true, "defaultValue": 1}'), pg_temp.vector());
SELECT pg_temp.try_fields(pg_temp.field('v', 'FloatVector', '{"isPrimary": true, "elementTypeParams": {"dim": 4}}'));
-- vectors: one at least, ten at most
SELECT pg_temp.ask('collections/create', '{"collectionName": "c", "schema": {"fields": []}}');
SELECT pg_temp.try_fields(pg_temp.key());
SELECT n, pg_temp.try_fields(VARIADIC pg_temp.key() || (SELECT array_agg(pg_temp.vector('v' || i)) FROM generate_series(1, n) AS i)) FROM unnest(ARRAY[1, 10, 11]) AS n ORDER BY n;
-- fields: 64 at most
SELECT n, pg_temp.try_fields(VARIADIC ARRAY[pg_temp.key(), pg_temp.vector()] || (SELECT array_agg(pg_temp.field('f' || i, 'Int64')) FROM generate_series(3, n) AS i)) FROM unnest(ARRAY[64, 65]) AS n ORDER BY n;

-- dimensions
SELECT type, dim, pg_temp.try('w', type, jsonb_build_object('elementTypeParams', jsonb_build_object('dim', dim))) FROM (VALUES
	(1, 'FloatVector', '-1'::jsonb), (2, 'FloatVector', '0'), (3, 'FloatVector', '1'), (4, 'FloatVector', '2'), (5, 'FloatVector', '32768'), (6, 'FloatVector', '32769'), (7, 'FloatVector', '99999999999'),
	(8, 'FloatVector', '"2"'), (9, 'FloatVector', '"x"'), (10, 'FloatVector', '""'), (11, 'FloatVector', '2.5'), (12, 'FloatVector', 'true'), (13, 'FloatVector', 'null'),
	(14, 'Float16Vector', '1'), (15, 'Float16Vector', '2'), (16, 'Float16Vector', '32769'), (17, 'BFloat16Vector', '1'), (18, 'BFloat16Vector', '32768'), (19, 'Int8Vector', '1'), (20, 'Int8Vector', '32769'),
	(21, 'BinaryVector', '8'), (22, 'BinaryVector', '7'), (23, 'BinaryVector', '12'), (24, 'BinaryVector', '262144'), (25, 'BinaryVector', '262145'), (26, 'BinaryVector', '262152'), (27, 'BinaryVector', '0'),
	(28, 'SparseFloatVector', 'null'), (29, 'SparseFloatVector', '4')
) AS t (ord, type, dim) ORDER BY ord;
SELECT type, pg_temp.try('w', type) FROM unnest(ARRAY['FloatVector', 'BinaryVector', 'Float16Vector', 'BFloat16Vector', 'Int8Vector', 'SparseFloatVector']) WITH ORDINALITY AS t (type, ord) ORDER BY ord;
SELECT pg_temp.try('w', 'FloatVector', '{"elementTypeParams": {"dim": 4}, "nullable": true}');
SELECT pg_temp.try('w', 'FloatVector', '{"elementTypeParams": {"dim": 4}, "defaultValue": [1, 2, 3, 4]}');

-- lengths and capacities
SELECT length, pg_temp.try('s', 'VarChar', jsonb_build_object('elementTypeParams', jsonb_build_object('max_length', length))) FROM unnest(ARRAY['-1', '0', '1', '65535', '65536', '"65535"', '"0"', '"many"', '1.5', 'null']::jsonb[]) WITH ORDINALITY AS t (length, ord) ORDER BY ord;
SELECT pg_temp.try('s', 'VarChar');
SELECT parameters, pg_temp.try('a', 'Array', jsonb_build_object('elementDataType', 'Int64', 'elementTypeParams', parameters)) FROM unnest(ARRAY['{"max_capacity": -1}', '{"max_capacity": 0}', '{"max_capacity": 1}', '{"max_capacity": 4096}', '{"max_capacity": "4096"}', '{"max_capacity": 4097}', '{"max_capacity": "x"}', '{"max_capacity": null}', '{}', 'null']::jsonb[]) WITH ORDINALITY AS t (parameters, ord) ORDER BY ord;
SELECT parameters, pg_temp.try('a', 'Array', jsonb_build_object('elementDataType', 'VarChar', 'elementTypeParams', parameters)) FROM unnest(ARRAY['{"max_capacity": 5, "max_length": 5}', '{"max_capacity": 5}', '{"max_length": 5}', '{"max_capacity": 5, "max_length": 0}', '{"max_capacity": 5, "max_length": 65536}']::jsonb[]) WITH ORDINALITY AS t (parameters, ord) ORDER BY ord;
SELECT element, pg_temp.try('a', 'Array', jsonb_build_object('elementDataType', element, 'elementTypeParams', '{"max_capacity": 5, "max_length": 5, "dim": 4}'::jsonb)) FROM unnest(ARRAY['Bool', 'Int8', 'Int16', 'Int32', 'Int64', 'Float', 'Double', 'VarChar', 'JSON', 'Array', 'FloatVector', 'SparseFloatVector', 'int64', '', NULL]) WITH ORDINALITY AS t (element, ord) ORDER BY ord;

-- names of data types are case-sensitive
SELECT type, pg_temp.try('f', type, '{"elementTypeParams": {"max_length": 5, "max_capacity": 5, "dim": 8}}') FROM unnest(ARRAY['Bool', 'Int8', 'Int16', 'Int32', 'Int64', 'Float', 'Double', 'VarChar', 'JSON', 'bool', 'INT64', 'Varchar', 'Json', 'floatVector', 'String', '', NULL]) WITH ORDINALITY AS t (type, ord) ORDER BY ord;

-- defaults: of the field's type, within its range
SELECT type, value, pg_temp.try('f', type, jsonb_build_object('defaultValue', value, 'elementTypeParams', '{"max_length": 5}'::jsonb)) FROM (VALUES
	(1, 'Bool', 'true'::jsonb), (2, 'Bool', 'false'), (3, 'Bool', '"true"'), (4, 'Bool', '1'), (5, 'Bool', '[]'),
	(11, 'Int8', '127'), (12, 'Int8', '-128'), (13, 'Int8', '128'), (14, 'Int8', '-129'), (15, 'Int8', '"1"'), (16, 'Int8', '1.5'), (17, 'Int8', 'true'),
	(21, 'Int16', '32767'), (22, 'Int16', '-32768'), (23, 'Int16', '32768'), (24, 'Int16', '-32769'), (25, 'Int16', '{}'),
	(31, 'Int32', '2147483647'), (32, 'Int32', '-2147483648'), (33, 'Int32', '2147483648'), (34, 'Int32', '-2147483649'), (35, 'Int32', '"x"'),
	(41, 'Int64', '9223372036854775807'), (42, 'Int64', '-9223372036854775808'), (43, 'Int64', '9223372036854775808'), (44, 'Int64', '-9223372036854775809'), (45, 'Int64', '1.5'), (46, 'Int64', '"5"'), (47, 'Int64', 'null'),
	(51, 'Float', '1.5'), (52, 'Float', '-3'), (53, 'Float', '1e38'), (54, 'Float', '1e39'), (55, 'Float', '"1.5"'), (56, 'Float', 'false'),
	(61, 'Double', '1.5'), (62, 'Double', '1e308'), (63, 'Double', '1e309'), (64, 'Double', '"NaN"'),
	(71, 'VarChar', '"fives"'), (72, 'VarChar', '"sixers"'), (73, 'VarChar', '""'), (74, 'VarChar', '"éé"'), (75, 'VarChar', '"ééé"'), (76, 'VarChar', '5'), (77, 'VarChar', 'true'), (78, 'VarChar', '{}'),
	(81, 'JSON', '{}'), (82, 'JSON', '"x"'), (83, 'JSON', 'null')
) AS t (ord, type, value) ORDER BY ord;
SELECT pg_temp.try('a', 'Array', '{"elementDataType": "Int64", "elementTypeParams": {"max_capacity": 5}, "defaultValue": [1]}');

-- names of fields; words of filters, which are keywords in lower case or in capitals, are none
SELECT name, pg_temp.try(name, 'Int64') FROM unnest(ARRAY['f', '_', 'F9_', 'select', 'Order', '_id', '_source', 'ünder', '9f', 'a-b', 'a b', 'a.b', 'a"b', 'fé', '$f', '', NULL,
	'and', 'or', 'not', 'in', 'like', 'exists', 'true', 'false', 'json_contains', 'json_contains_all', 'json_contains_any', 'array_contains', 'array_contains_all', 'array_contains_any', 'array_length', 'is', 'null', 'RowID', 'Timestamp', '$meta',
	'AND', 'OR', 'NOT', 'IN', 'LIKE', 'EXISTS', 'True', 'TRUE', 'False', 'FALSE', 'JSON_CONTAINS', 'ARRAY_LENGTH',
	'rowid', 'timestamp', 'And', 'android', 'v', 'V', ' trimmed', 'trimmed ']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT length, regexp_replace(pg_temp.try(repeat('n', length), 'Int64'), 'n{63,}', 'nnn', 'g') FROM unnest(ARRAY[63, 64, 255, 256]) AS length ORDER BY length;
SELECT pg_temp.try_fields(pg_temp.key(), pg_temp.vector(), pg_temp.field('id', 'Int64'));
SELECT pg_temp.try_fields(pg_temp.key(), pg_temp.vector(), pg_temp.field('x', 'Int64'), pg_temp.field('y', 'Int64'), pg_temp.field('x', 'VarChar', '{"elementTypeParams": {"max_length": 5}}'));
-- nothing of all that was refused is there
SELECT pg_temp.ask('collections/list');

-- names of collections
SELECT name, pg_temp.ask('collections/create', jsonb_build_object('collectionName', name, 'dimension', 4)) FROM unnest(ARRAY['c', 'Z', '_', '_c9', 'Upper', 'UPPER', 'upper', 'select', 'TABLE', 'user', 'default', 'pg_class', 'kz_catalog', '_kuzzle_keep', '_all',
	'9c', '-c', '$c', 'é', 'cé', 'c-d', 'c d', ' c', 'c.d', 'c"d', 'c''d', 'c/d', 'c%d', E'c\n']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT length, regexp_replace(pg_temp.ask('collections/create', jsonb_build_object('collectionName', repeat('n', length), 'dimension', 4)), 'n{63,}', 'nnn', 'g') FROM unnest(ARRAY[62, 63, 64, 65, 254, 255, 256]) AS length ORDER BY length;
SELECT length, regexp_replace(pg_temp.ask1('collections/create', jsonb_build_object('collectionName', repeat('m', length), 'dimension', 4)), 'm{63,}', 'mmm', 'g') FROM unnest(ARRAY[255, 256]) AS length ORDER BY length;
SELECT pg_temp.ask1('collections/create', '{"collectionName": "9c", "dimension": 4}');
-- names that are too long for PostgreSQL have a hash in the table's name; case makes a difference
SELECT regexp_replace(name, '(n|m){60,}', '\1\1\1'), length(name), table_name = name, length(table_name) <= 63, to_regclass(format('%I.%I', schema_name, table_name)) IS NOT NULL FROM kz_catalog.collection WHERE index = 'default' ORDER BY name, length(name);
-- all of them can be used by their names
SELECT count(*), count(*) FILTER (WHERE kz_milvus('/v2/vectordb/collections/describe', jsonb_build_object('collectionName', name))->'data'->>'collectionName' = name) AS described,
	count(*) FILTER (WHERE kz_milvus('/v2/vectordb/entities/insert', jsonb_build_object('collectionName', name, 'data', '[{"id": 1, "vector": [1, 2, 3, 4]}]'::jsonb)) = '{"code": 0, "cost": 0, "data": {"insertCount": 1, "insertIds": [1]}}') AS inserted
FROM kz_list_collections('default') AS name WHERE name NOT LIKE 'mm%';
SELECT kz_milvus('/v2/vectordb/collections/get_stats', jsonb_build_object('collectionName', name)), count(*) FROM kz_list_collections('default') AS name GROUP BY 1 ORDER BY 2;
-- the list is of all of them
SELECT jsonb_agg(name ORDER BY name) = (SELECT jsonb_agg(listed ORDER BY listed) FROM jsonb_array_elements_text(kz_milvus('/v2/vectordb/collections/list', '{}')->'data') AS listed) FROM kz_list_collections('default') AS name;
SELECT DISTINCT kz_milvus('/v2/vectordb/collections/drop', jsonb_build_object('collectionName', name)) FROM kz_list_collections('default') AS name WHERE name <> 'quick';
SELECT pg_temp.ask('collections/list');

-- created again: in the same form it is well, in another it is not
SELECT request, pg_temp.ask('collections/create', '{"collectionName": "quick", "dimension": 4}' || request) FROM unnest(ARRAY['{}', '{"unknown": 1}', '{"idType": "Int64", "autoID": false, "metricType": "COSINE", "primaryFieldName": "id", "vectorFieldName": "vector", "params": {"enableDynamicField": true, "shardsNum": 1, "consistencyLevel": "Bounded"}, "dbName": "default"}',
	'{"dimension": 8}', '{"autoID": true}', '{"metricType": "L2"}', '{"idType": "VarChar", "params": {"max_length": 10}}', '{"primaryFieldName": "key"}', '{"vectorFieldName": "embedding"}', '{"params": {"enableDynamicField": false}}', '{"dimension": 1}', '{"dimension": "x"}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT pg_temp.ask1('collections/create', '{"collectionName": "quick", "dimension": 4}');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "quick"}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "quick", "dimension": 4}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "quick", "dimension": 5}');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "quick"}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "again", "schema": {"enableDynamicField": false, "fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "nullable": true, "defaultValue": "x"}]}}');
SELECT ord, pg_temp.ask('collections/create', jsonb_build_object('collectionName', 'again', 'schema', schema)) FROM (VALUES
	(1, '{"enableDynamicField": false, "fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "nullable": true, "defaultValue": "x"}]}'::jsonb),
	(2, '{"FIELDS": [{"isPrimary": true, "DataType": "Int64", "fieldname": "id", "nullable": false}, {"elementtypeparams": {"dim": "4"}, "datatype": "FloatVector", "FIELDNAME": "v"}, {"defaultvalue": "x", "Nullable": true, "elementTypeParams": {"max_length": "9"}, "dataType": "VarChar", "fieldName": "n"}], "autoID": false}'),
	(3, '{"enableDynamicField": true, "fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "nullable": true, "defaultValue": "x"}]}'),
	(4, '{"autoID": true, "fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "nullable": true, "defaultValue": "x"}]}'),
	(5, '{"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}]}'),
	(6, '{"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 10}, "nullable": true, "defaultValue": "x"}]}'),
	(7, '{"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "nullable": true, "defaultValue": "y"}]}'),
	(8, '{"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "defaultValue": "x"}]}'),
	(9, '{"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "Float16Vector", "elementTypeParams": {"dim": 4}}, {"fieldName": "n", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}, "nullable": true, "defaultValue": "x"}]}')
) AS t (ord, schema) ORDER BY ord;
-- the id stays the collection's, and is each collection's own
SELECT kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "quick"}')->'data'->'collectionID' AS id \gset
SELECT pg_temp.ask('collections/create', '{"collectionName": "quick", "dimension": 4}');
SELECT kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "quick"}')->'data'->>'collectionID' = :'id', kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "again"}')->'data'->>'collectionID' <> :'id';

-- load, release and flush do nothing, and everything is always loaded
SELECT path, pg_temp.ask('collections/' || path, '{"collectionName": "quick", "unknown": 1}'), pg_temp.ask('collections/get_load_state', '{"collectionName": "quick"}') FROM unnest(ARRAY['load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT pg_temp.ask('collections/get_load_state', '{"COLLECTIONNAME": "quick", "dbName": "default"}');
SELECT pg_temp.ask('collections/has', '{"CollectionName": "quick"}');

-- the number of rows is exact, and a number whatever is said of Int64
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "again"}');
SELECT pg_temp.ask('entities/upsert', '{"collectionName": "quick", "data": [{"id": 1, "vector": [4, 3, 2, 1]}, {"id": 2, "vector": [1, 2, 3, 4]}, {"id": 3, "vector": [1, 2, 3, 4]}]}');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "quick"}', false);
SELECT pg_temp.ask('entities/delete', '{"collectionName": "quick", "filter": "id == 2"}');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "quick", "DBNAME": "default"}', NULL);

-- truncate: the collection stays, with its schema
SELECT pg_temp.ask('collections/truncate', '{"collectionName": "quick"}');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "quick"}');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "quick"}');
SELECT pg_temp.ask('collections/truncate', '{"collectionName": "quick"}');

-- rename: within the database and to another; the rows and the schema go along
SELECT pg_temp.ask('entities/insert', '{"collectionName": "quick", "data": [{"id": 7, "vector": [1, 2, 3, 4]}]}');
SELECT pg_temp.ask('databases/create', '{"dbName": "Other"}');
SELECT request, pg_temp.ask('collections/rename', '{"collectionName": "quick", "newCollectionName": "Renamed"}' || request) FROM unnest(ARRAY['{"newCollectionName": "9"}', '{"newCollectionName": "a b"}', '{"newCollectionName": "a.b"}', '{"newDbName": "nowhere"}', '{"dbName": "nowhere"}', '{"dbName": "Other"}', '{"collectionName": "nothing"}', '{"newCollectionName": "again"}', '{"newCollectionName": "quick"}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT regexp_replace(pg_temp.ask('collections/rename', jsonb_build_object('collectionName', 'quick', 'newCollectionName', repeat('n', 256))), 'n{63,}', 'nnn');
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "quick", "newCollectionName": "Renamed"}');
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "quick"}');
SELECT kz_milvus('/v2/vectordb/collections/describe', '{"collectionName": "Renamed"}')->'data'->>'collectionID' = :'id';
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "Renamed"}');
SELECT pg_temp.ask('collections/rename', '{"COLLECTIONNAME": "Renamed", "newcollectionname": "moved", "NEWDBNAME": "Other"}');
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask('collections/list', '{"dbName": "Other"}');
SELECT pg_temp.ask1('collections', '{"dbName": "Other"}');
SELECT pg_temp.ask('entities/get', '{"collectionName": "moved", "dbName": "Other", "id": 7}');
SELECT pg_temp.ask('entities/upsert', '{"collectionName": "moved", "dbName": "Other", "data": {"id": 8, "vector": [1, 2, 3, 4]}}');
-- the old name is free, also for a collection of another form
SELECT pg_temp.ask('collections/create', '{"collectionName": "quick", "dimension": 8}');
-- the same name in two databases is two collections; null and "" leave the database
SELECT pg_temp.ask('collections/create', '{"collectionName": "moved", "dimension": 2}');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "moved", "newCollectionName": "moved", "dbName": "Other", "newDbName": "default"}');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "moved", "newCollectionName": "moved2", "dbName": "Other", "newDbName": null}');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "moved2", "newCollectionName": "moved3", "dbName": "Other", "newDbName": ""}');
SELECT pg_temp.ask('collections/rename', jsonb_build_object('collectionName', 'moved3', 'newCollectionName', repeat('n', 255), 'dbName', 'Other', 'newDbName', 'default'));
SELECT pg_temp.ask('collections/get_stats', jsonb_build_object('collectionName', repeat('n', 255)));
SELECT pg_temp.ask('collections/rename', jsonb_build_object('collectionName', repeat('n', 255), 'newCollectionName', 'back', 'newDbName', 'Other'));
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "back", "dbName": "Other"}');
SELECT pg_temp.ask('collections/list', '{"dbName": "Other"}');
SELECT index, name, table_name = name, to_regclass(format('%I.%I', schema_name, table_name)) IS NOT NULL FROM kz_catalog.collection ORDER BY 1, 2;

-- two of the same name come into one database
SELECT pg_temp.ask('collections/create', '{"collectionName": "twin", "dimension": 2}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "twin", "dimension": 2, "dbName": "Other"}');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "twin", "newCollectionName": "other_twin", "newDbName": "Other"}');
SELECT pg_temp.ask('collections/list', '{"dbName": "Other"}');
SELECT pg_temp.ask('collections/drop', jsonb_build_object('collectionName', name, 'dbName', 'Other')) FROM unnest(ARRAY['twin', 'other_twin']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;

-- drop: with its table; one that isn't there is well for the second version
SELECT pg_temp.ask('collections/drop', '{"collectionName": "back", "dbName": "Other"}');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "back", "dbName": "Other"}');
SELECT pg_temp.ask1('collections/drop', '{"collectionName": "back", "dbName": "Other"}');
SELECT to_regclass('"Other".back'), pg_temp.ask('collections/list', '{"dbName": "Other"}');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "moved"}');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "again"}');
-- names that are none
SELECT pg_temp.ask('collections/drop', '{"collectionName": "a b"}');
SELECT pg_temp.ask('collections/has', '{"collectionName": "a b"}');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "9"}');

-- a collection of kz is none of Milvus'
SELECT kz_create_collection('default', 'ours');
SELECT kz_create('default', 'ours', '{"n": 1}', 'a');
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask1('collections');
SELECT path, pg_temp.ask('collections/' || path, '{"collectionName": "ours", "newCollectionName": "d"}') FROM unnest(ARRAY['has', 'describe', 'drop', 'rename', 'truncate', 'get_stats', 'get_load_state', 'load', 'release', 'flush']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT path, pg_temp.ask1('collections/' || path, '{"collectionName": "ours"}') FROM unnest(ARRAY['describe', 'drop']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT pg_temp.ask('entities/query', '{"collectionName": "ours", "filter": ""}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "ours", "dimension": 4}');
SELECT pg_temp.ask1('collections/create', '{"collectionName": "ours", "dimension": 4}');
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"collectionName": "quick", "newCollectionName": "ours"}')->'code';
SELECT pg_temp.ask('collections/has', '{"collectionName": "quick"}');
SELECT kz_get('default', 'ours', 'a');
-- settings that only look like Milvus' don't make it one
SELECT kz_create_collection('default', 'alike', '{}', '{"milvus": {"id": 1, "definition": {"fields": []}}}');
SELECT pg_temp.ask('collections/describe', '{"collectionName": "alike"}');
SELECT kz_delete_collection('default', 'alike');

-- one of Milvus' is a collection of kz
SELECT pg_temp.ask('entities/insert', '{"collectionName": "quick", "data": [{"id": 9007199254740993, "vector": [1, 2, 3, 4, 5, 6, 7, 8], "more": "x"}]}');
SELECT kz_list_collections('default');
SELECT kz_collection_exists('default', 'quick');
SELECT kz_get('default', 'quick', '9007199254740993');
SELECT kz_get_mapping('default', 'quick');
-- its schema outlives what kz does to mappings and settings
SELECT kz_update_collection('default', 'quick', '{"_meta": {"by": "me"}}');
SELECT pg_temp.ask('collections/has', '{"collectionName": "quick"}');
SELECT kz_create_collection('default', 'quick', '{}', '{"index": {"number_of_replicas": 1}}');
SELECT pg_temp.ask('collections/has', '{"collectionName": "quick"}');
SELECT pg_temp.ask('entities/get', '{"collectionName": "quick", "id": "9007199254740993", "outputFields": ["more"]}');
-- without the table it isn't there, for either of them
BEGIN;
DROP TABLE "default".quick;
SELECT pg_temp.ask('collections/has', '{"collectionName": "quick"}');
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "quick"}');
ROLLBACK;
SELECT kz_delete_collection('default', 'quick');
SELECT pg_temp.ask('collections/has', '{"collectionName": "quick"}');

-- what a request did is undone with its transaction
BEGIN;
SELECT pg_temp.ask('collections/create', '{"collectionName": "undone", "dimension": 4}');
SELECT pg_temp.ask('collections/has', '{"collectionName": "undone"}');
ROLLBACK;
SELECT pg_temp.ask('collections/has', '{"collectionName": "undone"}');

-- rights: without them PostgreSQL's error is raised, and nothing is half done
CREATE ROLE regress_kz_milvus;
SELECT pg_temp.ask('collections/create', '{"collectionName": "kept", "dimension": 2}');
SELECT pg_temp.ask('entities/insert', '{"collectionName": "kept", "data": [{"id": 1, "vector": [1, 2]}]}');
CREATE FUNCTION pg_temp.outcome(path text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN regexp_replace(kz_milvus(path, request)::text, '"collectionID": [1-9]\d+\M', '"collectionID": 1');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.outcomes() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', path, pg_temp.outcome(path, '{"collectionName": "kept"}' || request)) FROM (VALUES
		(1, '/v2/vectordb/collections/list', '{}'::jsonb),
		(2, '/v1/vector/collections', '{}'),
		(3, '/v2/vectordb/collections/has', '{}'),
		(4, '/v2/vectordb/collections/describe', '{}'),
		(5, '/v1/vector/collections/describe', '{}'),
		(6, '/v2/vectordb/collections/get_load_state', '{}'),
		(7, '/v2/vectordb/collections/load', '{}'),
		(8, '/v2/vectordb/collections/release', '{}'),
		(9, '/v2/vectordb/collections/flush', '{}'),
		(10, '/v2/vectordb/collections/get_stats', '{}'),
		(11, '/v2/vectordb/collections/create', '{"dimension": 2}'),
		(12, '/v2/vectordb/collections/create', '{"dimension": 4}'),
		(13, '/v2/vectordb/collections/create', '{"dimension": 2, "collectionName": "more"}'),
		(14, '/v2/vectordb/collections/create', '{"dimension": 2, "collectionName": "more", "dbName": "Other"}'),
		(15, '/v1/vector/collections/create', '{"dimension": 2, "collectionName": "more"}'),
		(16, '/v2/vectordb/collections/truncate', '{}'),
		(17, '/v2/vectordb/collections/rename', '{"newCollectionName": "more"}'),
		(18, '/v2/vectordb/collections/rename', '{"newCollectionName": "more", "newDbName": "Other"}'),
		(19, '/v2/vectordb/collections/drop', '{}'),
		(20, '/v1/vector/collections/drop', '{}'),
		(21, '/v2/vectordb/collections/drop', '{"collectionName": "absent"}')
	) AS t (ord, path, request) ORDER BY ord
$$;
SET ROLE regress_kz_milvus;
SELECT pg_temp.outcomes();
RESET ROLE;
SELECT pg_temp.ask('collections/list');
SELECT pg_temp.ask('collections/list', '{"dbName": "Other"}');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "kept"}');
-- CREATE and USAGE on the schema are enough to create, and to own what was created
GRANT CREATE, USAGE ON SCHEMA "default" TO regress_kz_milvus;
SET ROLE regress_kz_milvus;
SELECT pg_temp.outcome('/v2/vectordb/collections/create', '{"collectionName": "mine", "dimension": 2}');
SELECT pg_temp.outcome('/v2/vectordb/collections/get_stats', '{"collectionName": "mine"}');
SELECT pg_temp.outcome('/v2/vectordb/collections/truncate', '{"collectionName": "mine"}');
SELECT pg_temp.outcome('/v2/vectordb/collections/rename', '{"collectionName": "mine", "newCollectionName": "still_mine"}');
SELECT pg_temp.outcome('/v2/vectordb/collections/rename', '{"collectionName": "still_mine", "newCollectionName": "mine", "newDbName": "Other"}');
SELECT pg_temp.outcome('/v2/vectordb/collections/truncate', '{"collectionName": "kept"}');
SELECT pg_temp.outcome('/v2/vectordb/collections/drop', '{"collectionName": "kept"}');
SELECT pg_temp.outcome('/v2/vectordb/collections/drop', '{"collectionName": "still_mine"}');
RESET ROLE;
SELECT pg_temp.ask('collections/list');

-- a read-only transaction
BEGIN READ ONLY;
SELECT pg_temp.outcomes();
COMMIT;
SELECT pg_temp.ask('collections/list');

REVOKE ALL ON SCHEMA "default" FROM regress_kz_milvus;
DROP ROLE regress_kz_milvus;
SELECT kz_delete_index('Other');
SELECT kz_delete_index('default');
