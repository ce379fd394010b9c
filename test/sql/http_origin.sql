--
-- HTTP_ORIGIN
-- What pages of other sites are told, in every answer by HTTP.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only
\pset null NULL

SELECT kz_create_collection('pages', 'c');

-- all that can be answered: successes, failures, refusals before any action, what there is not, and what a browser asks before
CREATE TEMP TABLE requests (n serial, method text, target text, body text, headers jsonb DEFAULT '{}');
INSERT INTO requests (method, target, body) VALUES
	('PUT', '/pages/c/a', '{"x": 1}'), ('GET', '/pages/c/a', NULL), ('GET', '/pages/c/none', NULL), ('GET', '/no/such/path/at/all', NULL), ('PURGE', '/', NULL),
	('PUT', '/pages/c/a', '{'), ('POST', '/_query', '{"controller": "no"}'), ('GET', '/_healthcheck', NULL), ('HEAD', '/', NULL), ('OPTIONS', '/pages/c/a', NULL), ('GET', '/%zz', NULL),
	('POST', '/v2/vectordb/collections/create', '{"collectionName": "pages", "dimension": 2}'), ('POST', '/v2/vectordb/entities/get', '{"collectionName": "none"}'), ('POST', '/v2/vectordb/entities/get', '{'),
	('GET', '/v1/vector/collections', NULL), ('POST', '/v2/vectordb/nothing', '{}'), ('OPTIONS', '/v2/vectordb/entities/get', NULL), ('OPTIONS', '/v2/vectordb/nothing', NULL);
INSERT INTO requests (method, target, body, headers) VALUES ('PUT', '/pages/c/a', '{}', '{"Content-Type": "text/plain"}'), ('GET', '/_now', NULL, '{"X-Kuzzle-Volatile": "{"}');

-- without a page that asks, and with one
SELECT r.method, r.target, a.status, a.headers->>'Access-Control-Allow-Origin', a.headers->>'Access-Control-Allow-Credentials', a.headers->>'Vary'
FROM requests AS r, LATERAL kz_http(r.method, r.target, r.headers, r.body) AS a ORDER BY n;
SELECT r.method, r.target, a.status, a.headers->>'Access-Control-Allow-Origin', a.headers->>'Access-Control-Allow-Credentials', a.headers->>'Vary'
FROM requests AS r, LATERAL kz_http(r.method, r.target, r.headers || '{"origin": "https://there.example"}', r.body) AS a ORDER BY n;

-- an answer keeps what was promised before: the same methods and headers in all of an API
SELECT DISTINCT r.target ~ '^/v[12]/vector' AS milvus, a.headers->>'Access-Control-Allow-Methods', a.headers->>'Access-Control-Allow-Headers'
FROM requests AS r, LATERAL kz_http(r.method, r.target, r.headers, r.body) AS a ORDER BY milvus;

-- the wildcard never with credentials; what can't stand in a header is no origin
SELECT to_jsonb(sent), target, a.headers->'Access-Control-Allow-Origin', a.headers->'Access-Control-Allow-Credentials'
FROM unnest(ARRAY['null', 'http://there' || chr(13) || chr(10) || 'Set-Cookie: b', 'http://thére', '']) AS sent, unnest(ARRAY['/_now', '/v1/vector/collections']) AS target,
	LATERAL kz_http('GET', target, jsonb_build_object('Origin', sent)) AS a ORDER BY target, sent COLLATE "C";

-- clean up
SELECT kz_delete_index('pages');
SELECT body FROM kz_http('POST', '/v2/vectordb/collections/drop', body => '{"collectionName": "pages"}');
SELECT kz_delete_index('default');
