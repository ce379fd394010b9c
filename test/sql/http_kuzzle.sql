--
-- HTTP_KUZZLE
-- Kuzzle's API by HTTP: routes, arguments, bodies, headers and what is refused.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only
\pset null NULL

-- the answer without what differs from run to run; an error alone has itself in it once more
CREATE FUNCTION pg_temp.ask(method text, target text, headers jsonb DEFAULT '{}', body text DEFAULT NULL, kuid text DEFAULT 'me') RETURNS text
LANGUAGE sql AS $$
	SELECT regexp_replace(concat_ws(' ', a.status, answer->>'controller' || ':' || (answer->>'action'), e->>'id', e->>'message', answer->'result',
		CASE WHEN alone THEN 'alone ' || (answer - 'message' - 'props' - 'error')::text END,
		CASE WHEN alone AND answer->'error' IS DISTINCT FROM answer - 'error' THEN 'not alone' END), '("createdAt|"updatedAt|"_version)": \d+\M', '\1": n', 'g')
	FROM kz_http(method, target, headers, body, kuid) AS a, LATERAL (SELECT a.body::jsonb) AS j (answer), LATERAL (SELECT NOT answer ? 'controller') AS k (alone),
		LATERAL (SELECT answer->'error' WHERE NOT alone UNION ALL SELECT NULL WHERE alone) AS l (e)
$$;

SELECT kz_create_collection('nyc', 'taxi');

-- the example of the manual
SELECT pg_temp.ask('PUT', '/nyc/taxi/ride/_update?refresh=wait_for&retryOnConflict=3&source', body => '{"a": 1}');
SELECT pg_temp.ask('POST', '/nyc/taxi/ride/_upsert', body => '{"changes": {"a": 1}, "default": {"b": 2}}');
SELECT pg_temp.ask('PUT', '/nyc/taxi/ride/_update?refresh=wait_for&retryOnConflict=3&source', body => '{"a": 2}');
SELECT pg_temp.ask('PUT', '/nyc/taxi/ride/_update?refresh=wait_for&retryOnConflict=3', body => '{"a": 3}');

-- every route comes to its action: an action that it does not find would say so
SELECT verb, path, pg_temp.ask(verb, path, body => CASE WHEN verb IN ('GET', 'DELETE') AND path !~ '_mDelete|_query|_fields' THEN NULL ELSE '{"body": 1}' END)
FROM (VALUES
	('POST', '/no/where/_create'), ('POST', '/no/where/x/_create'), ('PUT', '/no/where/x'), ('PUT', '/no/where/x/_replace'),
	('PATCH', '/no/where/x/_update'), ('PUT', '/no/where/x/_update'), ('POST', '/no/where/x/_upsert'), ('PUT', '/no/where/x/_upsert'),
	('GET', '/no/where/x'), ('GET', '/no/where/x/_exists'), ('DELETE', '/no/where/x'), ('DELETE', '/no/where/x/_fields'),
	('POST', '/no/where/_mCreate'), ('POST', '/no/where/_mUpsert'), ('PUT', '/no/where/_mCreateOrReplace'), ('PUT', '/no/where/_mReplace'),
	('PATCH', '/no/where/_mUpdate'), ('PUT', '/no/where/_mUpdate'), ('DELETE', '/no/where/_mDelete'), ('GET', '/no/where/_mGet?ids=a'),
	('POST', '/no/where/_mGet'), ('POST', '/no/where/_mExists'), ('POST', '/no/where/_count'), ('POST', '/no/where/_validate'),
	('GET', '/no/where/_search'), ('POST', '/no/where/_search'), ('GET', '/_scroll/x'), ('DELETE', '/no/where/_query'), ('PUT', '/no/where/_query'),
	('GET', '/no/where/_export'), ('POST', '/no/where/_export'), ('POST', '/no/where/_bulk'), ('POST', '/no/where/_write'), ('POST', '/no/where/_mWrite'),
	('DELETE', '/no/where/_bulk/_query'), ('PATCH', '/no/where/_bulk/_query'), ('POST', '/no/where'), ('DELETE', '/no/where'),
	('GET', '/no/where/_exists'), ('GET', '/no/where/_mapping'), ('GET', '/no/where/_settings'), ('PUT', '/no/where/_mapping'), ('GET', '/no/_list'),
	('POST', '/no/where/_refresh'), ('DELETE', '/no/where/_truncate'), ('POST', '/No/_create'), ('GET', '/no/_exists'), ('DELETE', '/no'), ('DELETE', '/_mDelete'),
	('GET', '/_list'), ('POST', '/_checkToken'), ('GET', '/_me')) AS routes (verb, path);
-- and so does every route that is published
SELECT count(*) > 50 AS many, count(*) FILTER (WHERE pg_temp.ask(verb, path) NOT LIKE '___ ' || controller || ':' || action || ' %') AS lost
FROM (SELECT a->>'controller', a->>'action', h->>'verb', regexp_replace(h->>'path', ':\w+', 'No:', 'g')
	FROM jsonb_path_query(kz_request('{"controller": "server", "action": "publicApi"}'), '$.result.*.*') AS a, jsonb_array_elements(a->'http') AS h) AS routes (controller, action, verb, path);
SELECT verb, path, status, body::jsonb->>'controller', body::jsonb->>'action' FROM (VALUES ('GET', '/'), ('GET', '/_serverInfo'), ('GET', '/_now'), ('GET', '/_publicApi'), ('GET', '/_healthCheck'),
	('GET', '/_storageStats'), ('PUT', '/nyc/bus'), ('DELETE', '/nyc/bus')) AS routes (verb, path), LATERAL kz_http(verb, path);

-- a literal part wins over a parameter, and there is no way back
SELECT pg_temp.ask('GET', '/nyc/taxi/_search');
SELECT pg_temp.ask('GET', '/_list/taxi/ride');
SELECT pg_temp.ask('GET', '/nyc/_list/ride');
SELECT pg_temp.ask('GET', '/nyc/taxi/_mGet/_exists');
SELECT pg_temp.ask('POST', '/nyc/taxi/_mCreate/_create', body => '{}');
SELECT pg_temp.ask('PUT', '/_list/_now');

-- paths: decoding, slashes
SELECT pg_temp.ask('PUT', '/nyc/taxi/r%C3%A9%2F%3f%20%2b+', body => '{}');
SELECT _id FROM nyc.taxi WHERE _id LIKE 'ré%';
SELECT pg_temp.ask('GET', '/nyc/taxi/r%C3%A9%2F%3F%20%2B+/');
SELECT pg_temp.ask('GET', 'http://localhost:7512/nyc/taxi/ride?x=1#fragment');
SELECT pg_temp.ask('GET', path) FROM unnest(ARRAY['/nyc/taxi/%C3', '/nyc/taxi/%', '/nyc/taxi/%zz', '/nyc/taxi/%00', '//taxi/ride', '/nyc//ride', '/nyc/taxi/ride//', 'nyc/taxi/ride', '/nyc/taxi/a/b', '/nyc/taxi/a/b/c/d/e/f/g/h/i/j', '/nyc/taxi/ride?a=%C3', '/' || repeat('x', 100000)]) AS path;

-- the query: strings, flags by being there, lists
SELECT pg_temp.ask('GET', '/nyc/taxi/_mGet?ids=ride,nope');
SELECT pg_temp.ask('GET', '/nyc/taxi/_mGet?ids=["ride","no,pe"]');
SELECT pg_temp.ask('GET', '/nyc/taxi/_mGet?ids=%5B"ride"');
SELECT pg_temp.ask('DELETE', '/nyc/taxi/_mDelete?strict=false', body => '{"ids": ["nope"]}');
SELECT pg_temp.ask('DELETE', '/nyc/taxi/_mDelete', body => '{"ids": ["nope"]}');
SELECT pg_temp.ask('POST', '/nyc/taxi/flag/_upsert?source=false', body => '{"changes": {"a": "b"}}');
SELECT pg_temp.ask('POST', '/nyc/taxi/flag/_upsert', body => '{"changes": {"a": "b"}}');
-- the one that Kuzzle reads as it is
SELECT pg_temp.ask('PUT', '/nyc/taxi/_mCreateOrReplace?source=false', body => '{"documents": [{"_id": "flag", "body": {"a": "b"}}]}');
SELECT pg_temp.ask('PUT', '/nyc/taxi/_mCreateOrReplace?source', body => '{"documents": [{"_id": "flag", "body": {"a": "b"}}]}');
SELECT pg_temp.ask('POST', '/nyc/taxi/flag/_upsert?retryOnConflict=x', body => '{"changes": {}}');
SELECT pg_temp.ask('POST', '/nyc/taxi/flag/_upsert?refresh=soon', body => '{"changes": {}}');
SELECT pg_temp.ask('POST', '/nyc/taxi/flag/_upsert?index=other&_id=other&collection=other&controller=server&action=now&body=x&kuid=other', body => '{"changes": {"by": "path"}}');
SELECT pg_temp.ask('GET', '/nyc/_list?from=1&from=0&size=1&&=');

-- many arguments; of one name the last
SELECT pg_temp.ask('GET', '/nyc/_exists?' || string_agg('a' || n || '=', '&' ORDER BY n)) FROM generate_series(1, 50000) AS n;
SELECT pg_temp.ask('GET', '/nyc/_list?' || repeat('size=9&', 50000) || 'size=1');
SELECT pg_temp.ask('GET', 'nyc/taxi/ride?to=http://there');

-- bodies
SELECT pg_temp.ask('POST', '/nyc/taxi/b/_upsert', body => body) FROM unnest(ARRAY[NULL, '', '  ', 'null', '5', '[]', '"x"', '{}', '{"changes": {"a": 1}} x', '{"changes": ', '{"changes": {"a": "\u0000"}}', '{"changes": {"a": 1e200000}}',
	'{"changes": {"a": "\ud800"}}', repeat('[', 100000), repeat('{"a":', 100000)]) AS body;
SELECT pg_temp.ask('POST', '/nyc/taxi/form/_create', '{"content-type": "application/x-www-form-urlencoded"}', 'a=1&b=%20x+y&a=2&c&=d&e=');
SELECT pg_temp.ask('POST', '/nyc/taxi/form2/_create', '{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}', 'a=%zz');
SELECT pg_temp.ask('POST', '/nyc/taxi/multi/_create', '{"content-type": ["multipart/form-data; boundary=\"xx\""]}',
	E'preamble\r\n--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\nval\r\nue\r\n--xx\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; name=b\r\n\r\n\r\n--xx--\r\n');
SELECT pg_temp.ask('POST', '/nyc/taxi/multi2/_create', headers, body) FROM (VALUES
	('{"content-type": "multipart/form-data"}'::jsonb, E'--xx--\r\n'), ('{"content-type": "multipart/form-data; boundary=xx"}', E'--xx\r\n'),
	('{"content-type": "multipart/form-data; boundary=xx"}', E'--xx\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nx\r\n--xx--'),
	('{"content-type": "multipart/form-data; boundary=xx"}', E'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'),
	('{"content-type": "multipart/form-data; boundary=xx"}', 'nothing')) AS v (headers, body);
SELECT pg_temp.ask('POST', '/nyc/taxi/type/_upsert', headers, '{"changes": {}}') FROM unnest(ARRAY['{"content-type": "text/plain"}', '{"CONTENT-TYPE": "Application/JSON"}', '{"content-type": "application/json;charset=\"UTF-8\""}',
	'{"content-type": "application/json; charset=latin1"}', '{"content-encoding": "gzip"}', '{"content-encoding": "identity"}', '{"content-type": 5}', '{"content-type": ""}', '{"content-type": []}']::jsonb[]) AS headers;
-- the first fifty characters of what can't be read
SELECT body::jsonb#>>'{message}' FROM kz_http('POST', '/nyc/taxi/b/_upsert', body => repeat('é', 80));
-- what is nested too deeply is refused before something runs out of stack; brackets in strings nest nothing
SELECT pg_temp.ask('POST', '/nyc/taxi/deep/_create', body => format('{"a": %s1%s}', repeat('[', 4000), repeat(']', 4000))) ~ '^200 ';
SELECT pg_temp.ask('POST', '/nyc/taxi/deep/_upsert', body => format('{"changes": {"a": %s1%s}}', repeat('{"a":', n), repeat('}', n))) ~ '^400 alone ' FROM unnest(ARRAY[5000, 11000, 13000]) AS n;
SELECT pg_temp.ask('POST', '/nyc/taxi/flat/_create', body => format('{"a": "\"%s"}', repeat('[', 10000))) ~ '^200 ';
SELECT pg_temp.ask('POST', '/nyc/taxi/many/_create', '{"content-type": "multipart/form-data; boundary=xx"}', string_agg(format(E'--xx\r\nContent-Disposition: form-data; name=a\r\n\r\n%s\r\n', n), '' ORDER BY n) || '--xx--') FROM generate_series(1, 20000) AS n;
-- a type matters only if there is a body
SELECT pg_temp.ask('GET', '/nyc/taxi/type', '{"content-type": "text/plain"}');

-- headers: token, request id, volatile, origin; who it is does not come from them
SELECT a.status, a.headers - 'X-Kuzzle-Node', a.body::jsonb - 'node' FROM kz_http('POST', '/nyc/taxi/h/_upsert', '{"X-KUZZLE-request-id": "rid", "x-kuzzle-volatile": "{\"sdkName\": \"js@7\"}", "authorization": "Bearer x.y.z", "origin": "http://there"}',
	'{"changes": {}, "jwt": "no"}', 'me') AS a;
SELECT pg_temp.ask('GET', '/nyc/taxi/h', headers) FROM unnest(ARRAY['{"x-kuzzle-volatile": "{"}', '{"x-kuzzle-volatile": "5"}', '{"x-kuzzle-volatile": "{\"sdkName\": \"js@6\"}"}', '{"authorization": "Basic x"}', '{"kuid": "you"}']::jsonb[]) AS headers;
SELECT _source#>>'{_kuzzle_info,author}' FROM nyc.taxi WHERE _id = 'h';
SELECT _source - '_kuzzle_info' FROM nyc.taxi WHERE _id = 'flag' AND _source#>>'{_kuzzle_info,author}' = 'me' AND _source ? 'by';
SELECT a.body::jsonb->>'requestId' = a.headers->>'X-Kuzzle-Request-Id', (a.headers->>'X-Kuzzle-Request-Id')::uuid IS NOT NULL FROM kz_http('GET', '/_now') AS a;

-- what can't stand in a header does not come into one
SELECT a.headers ? 'X-Kuzzle-Request-Id', a.body::jsonb->'requestId' FROM kz_http('GET', '/_now?requestId=a%0D%0ASet-Cookie:b') AS a;
SELECT a.headers ? 'X-Kuzzle-Request-Id' FROM kz_http('POST', '/_query', body => '{"controller": "server", "action": "now", "requestId": "a\nb"}') AS a;
SELECT a.headers ? 'X-Kuzzle-Request-Id' FROM kz_http('GET', '/_now', '{"x-kuzzle-request-id": "é"}') AS a;
SELECT a.headers ? 'Access-Control-Allow-Origin', a.headers->>'Vary' FROM kz_http('GET', '/_now', '{"origin": "http://there\r\nSet-Cookie: b"}') AS a;

-- what is answered before any action
SELECT * FROM kz_http('HEAD', '/');
SELECT * FROM kz_http('GET', '/_healthcheck');
SELECT status, body FROM kz_http('GET', '/_ready');
SELECT status, headers - 'X-Kuzzle-Request-Id' - 'X-Kuzzle-Node', body::jsonb->'result' FROM kz_http('OPTIONS', '/any/thing', '{"Origin": "http://there"}');
SELECT verb, path, status FROM (VALUES ('GET', '/_healthcheck/'), ('GET', '/_ready/'), ('POST', '/_query/'), ('GET', '/_ready//'), ('GET', '/_readyx')) AS v (verb, path), LATERAL kz_http(verb, path, body => '{"controller": "server", "action": "now"}');
SELECT pg_temp.ask(verb, '/nyc/taxi/h') FROM unnest(ARRAY['HEAD', 'TRACE', 'get', '', 'CONNECT']) AS verb;
SELECT pg_temp.ask('POST', '/_query', body => body) FROM unnest(ARRAY['{"controller": "document", "action": "get", "index": "nyc", "collection": "taxi", "_id": "form"}', '{"controller": "no"}', '[]', NULL, '{']) AS body;
SELECT regexp_replace(body, 'elephant-\d+', 'elephant') FROM kz_http('GET', '/nyc/_exists?pretty', '{"x-kuzzle-request-id": "rid"}');
SELECT body ~ E'^{\n    "' FROM kz_http('GET', '/_now?pretty');

-- null arguments
SELECT status FROM kz_http('GET', '/', NULL, NULL, NULL);
SELECT kz_http(NULL, '/');
SELECT kz_http('GET', NULL);
SELECT kz_http('GET', '/', '[]');

-- PostgreSQL's own errors are raised
BEGIN READ ONLY;
SELECT kz_http('POST', '/nyc/taxi/x/_create', body => '{}');
ROLLBACK;

SELECT kz_delete_index('_list');
SELECT kz_delete_index('nyc');
