--
-- KUZZLE_SERVER
-- The actions of Kuzzle's server and auth controllers.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request comes to: its status with the
-- result, or with the id and the message of the error; times and generated ids
-- are told by a name
CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}', kuid text DEFAULT '-1') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_request(jsonb_build_object('controller', split_part(action, ':', 1),
		'action', split_part(action, ':', 2)) || args, kuid);
	error jsonb := answer->'error';
	told text := CASE WHEN error = 'null' THEN concat_ws(' ', answer->>'status', answer->'result')
		ELSE concat_ws(' ', error->>'status', error->>'id', error->>'message', error->>'errors') END;
BEGIN
	told := regexp_replace(told, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g');
	RETURN regexp_replace(told, '"_id": "[-\w]{20}"', '"_id": generated', 'g');
END $$;

-- now: milliseconds
SELECT jsonb_object_keys(result) AS key, jsonb_typeof(result->'now') AS type,
	abs((result->>'now')::numeric - extract(epoch FROM clock_timestamp()) * 1000) < 60000 AS near, (result->>'now')::numeric % 1 = 0 AS whole
FROM (SELECT kz_request('{"controller": "server", "action": "now"}')->'result' AS result OFFSET 0) AS answer;

-- the clock does not stand still in a transaction
BEGIN;
CREATE TEMP TABLE clock ON COMMIT DROP AS SELECT kz_request('{"controller": "server", "action": "now"}')#>'{result,now}' AS now;
SELECT pg_sleep(0.02);
SELECT kz_request('{"controller": "server", "action": "now"}')#>'{result,now}' > now AS later FROM clock;
COMMIT;

-- healthCheck
SELECT ord, pg_temp.ask('server:healthCheck', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"services": "storageEngine"}'),
	(3, '{"services": "storageEngine,internalCache"}'),
	(4, '{"services": ["memoryStorage"]}'),
	(5, '{"services": []}'),
	(6, '{"services": 1}'),
	(7, '{"services": {}}'),
	(8, '{"services": "other"}'),
	(9, '{"services": ["storageEngine", 1]}'),
	(10, '{"body": {}}')
) AS t (ord, args) ORDER BY ord;

-- publicApi: every action, as it is written in a request; the SDK makes its URLs of it
SELECT controller.key AS controller, action.key AS action, action.value - 'http' AS value, jsonb_path_query_array(action.value, '$.http[*].verb') AS verbs, jsonb_path_query_array(action.value, '$.http[*].path') AS paths
FROM jsonb_each(kz_request('{"controller": "server", "action": "publicApi"}')->'result') AS controller, jsonb_each(controller.value) AS action
ORDER BY controller.key COLLATE "C", action.key COLLATE "C";
-- none of them is unknown; some are not supported yet
SELECT controller.key AS controller, action.key AS action, answer#>>'{error,id}' AS id
FROM jsonb_each(kz_request('{"controller": "server", "action": "publicApi"}')->'result') AS controller, jsonb_each(controller.value) AS action,
	kz_request(jsonb_build_object('controller', controller.key, 'action', action.key)) AS answer
WHERE answer#>>'{error,id}' LIKE 'api.process.%'
ORDER BY controller.key COLLATE "C", action.key COLLATE "C";

SELECT DISTINCT jsonb_object_keys(route) AS key
FROM jsonb_path_query(kz_request('{"controller": "server", "action": "publicApi"}'), '$.result.*.*.http[*]') AS route ORDER BY key;

-- info
SELECT jsonb_object_keys(result) AS key FROM (SELECT kz_request('{"controller": "server", "action": "info"}')->'result' AS result OFFSET 0) AS answer;
SELECT 'kuzzle' AS part, jsonb_object_keys(result#>'{serverInfo,kuzzle}') AS key FROM (SELECT kz_request('{"controller": "server", "action": "info"}')->'result' AS result OFFSET 0) AS answer
UNION ALL
SELECT 'services', jsonb_object_keys(result#>'{serverInfo,services}') FROM (SELECT kz_request('{"controller": "server", "action": "info"}')->'result' AS result OFFSET 0) AS answer
ORDER BY part, key;
SELECT kz_request('{"controller": "server", "action": "info"}')#>'{result,serverInfo,kuzzle,api,routes}' = kz_request('{"controller": "server", "action": "publicApi"}')->'result' AS same_routes,
	kz_request('{"controller": "server", "action": "info"}')#>>'{result,serverInfo,kuzzle,version}' ~ '^2\.\d+\.\d+$' AS version;

-- checkToken: without a token one is anonymous; no token is valid, as there are none
SELECT ord, pg_temp.ask('auth:checkToken', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {}}'),
	(3, '{"body": {"token": ""}}'),
	(4, '{"body": {"token": null}}'),
	(5, '{"body": {"token": "x.y.z"}}'),
	(6, '{"body": {"token": 1}}'),
	(7, '{"body": {"token": []}}'),
	(8, '{"body": []}'),
	(9, '{"token": "x.y.z"}')
) AS t (ord, args) ORDER BY ord;

-- getCurrentUser
SELECT pg_temp.ask('auth:getCurrentUser');
SELECT pg_temp.ask('auth:getCurrentUser', '{"body": {}, "kuid": "mallory"}');
SELECT pg_temp.ask('auth:getCurrentUser', '{}', 'alice');
