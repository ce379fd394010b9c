--
-- HTTP_MILVUS
-- Milvus' REST API by HTTP.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only
\pset null NULL

SELECT * FROM kz_http('POST', '/v2/vectordb/collections/create', body => '{"collectionName": "movies", "dimension": 2}');

-- the example of the manual, with an object and with an array
SELECT * FROM kz_http('POST', '/v1/vector/upsert', '{"Authorization": "Bearer root:Milvus", "Content-Type": "application/json"}',
	'{"dbName": "default", "collectionName": "movies", "data": {"id": 1, "vector": [0.1, 0.2], "title": "Metropolis"}}');
SELECT * FROM kz_http('POST', '/v1/vector/upsert', body => '{"collectionName": "movies", "data": [{"id": 1, "vector": [0.1, 0.2]}, {"id": 9007199254740993, "vector": [0.3, 0.4]}]}');
SELECT body FROM kz_http('POST', '/v1/vector/upsert', body => '{"collectionName": "movies", "data": {"id": 2, "vector": [0.1]}}');

-- no type is asked for; the SDK sends this one
SELECT body FROM kz_http('POST', '/v2/vectordb/entities/get', '{"content-type": "text/plain;charset=UTF-8"}', '{"collectionName": "movies", "id": [1]}');

-- large numbers as strings, if the client wants that
SELECT headers, body FROM unnest(ARRAY['{"Accept-Type-Allow-Int64": "false"}', '{"accept-type-allow-int64": "true"}', '{"accept-type-allow-int64": "F"}', '{"accept-type-allow-int64": "maybe"}', '{"accept-type-allow-int64": "off"}', '{"accept-type-allow-int64": "fAlse"}', '{}']::jsonb[]) AS sent,
	LATERAL (SELECT sent AS headers, body FROM kz_http('POST', '/v2/vectordb/entities/query', sent, '{"collectionName": "movies", "filter": "id > 1", "outputFields": ["id"]}')) AS a;

-- the database in a header, unless the body has it; not in the first version
SELECT body FROM kz_http('POST', '/v2/vectordb/collections/has', '{"db-name": "nope"}', '{"collectionName": "movies"}');
SELECT body FROM kz_http('POST', '/v2/vectordb/collections/has', '{"DB-Name": "nope"}', '{"collectionName": "movies", "dbName": "default"}');
SELECT sent, body FROM unnest(ARRAY['{"collectionName": "movies", "dbname": "default"}', '{"collectionName": "movies", "dbName": ""}', '{"collectionName": "movies", "dbName": null}', '{"collectionName": "movies", "dbName": 5}']) AS sent, LATERAL kz_http('POST', '/v2/vectordb/collections/has', '{"DB-Name": "nope"}', sent);
SELECT body FROM kz_http('POST', '/v1/vector/get', '{"DB-Name": "nope"}', '{"collectionName": "movies", "id": 1}');

-- GET has the request in its query
SELECT body FROM kz_http('GET', '/v1/vector/collections');
SELECT body FROM kz_http('GET', '/v1/vector/collections?dbName=nope');
SELECT body FROM kz_http('GET', '/v1/vector/collections/describe?collectionName=movies&dbName=default');
SELECT body FROM kz_http('GET', '/v1/vector/collections/describe');
SELECT body FROM kz_http('GET', '/v1/vector/collections/describe?collectionName=no+where');

-- bodies that are none
SELECT body FROM unnest(ARRAY[NULL, '', ' ', '{', '[]', '5', 'null', '{"collectionName": "\u0000"}', repeat('[', 100000)]) AS sent, LATERAL kz_http('POST', '/v2/vectordb/entities/upsert', body => sent);

-- paths and verbs that there are not
SELECT verb, path, a.* FROM (VALUES ('GET', '/v2/vectordb/entities/upsert'), ('POST', '/v1/vector/collections'), ('PUT', '/v1/vector/upsert'), ('POST', '/v2/vectordb/nope'), ('POST', '/v2/vectordb/'), ('POST', '/v1/vector/entities/upsert'),
	('GET', '/v1/vector/collections?a=%zz')) AS v (verb, path), LATERAL kz_http(verb, path, body => '{}') AS a;
SELECT * FROM kz_http('OPTIONS', '/v2/vectordb/entities/upsert');
-- these are Kuzzle's
SELECT status, body::jsonb#>>'{error,id}' FROM unnest(ARRAY['/v1/vector', '/v2/vectordb', '/v3/vectordb/x']) AS path, LATERAL kz_http('POST', path);
-- nor are the paths of the function others than those of HTTP
SELECT kz_milvus('/v2/vectordb/nope', '{}');
SELECT kz_milvus('entities/upsert', '{}');
SELECT kz_milvus(NULL, '{}');
SELECT kz_milvus('/v2/vectordb/databases/list', NULL);

SELECT kz_delete_index('default');
