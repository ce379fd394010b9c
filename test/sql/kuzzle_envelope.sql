--
-- KUZZLE_ENVELOPE
-- What every answer of kz_request has, whatever the action: its keys, what it
-- echoes, and how a request is taken apart.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- an answer without what differs from run to run: the name of the node, and a
-- requestId that was made
CREATE FUNCTION pg_temp.blank(answer jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(answer::text,
		'"node": "knode-postgresql-elephant-\d+"', '"node": NODE'),
		'"requestId": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"', '"requestId": UUID')
$$;
-- the outcome in short
CREATE FUNCTION pg_temp.outcome(answer jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', answer->>'status', answer->'result', answer#>>'{error,id}', answer#>>'{error,message}')
$$;

SELECT kz_create_collection('zoo', 'cats');
SELECT kz_create('zoo', 'cats', '{"name": "Tom"}', 'tom');

-- an answer as a whole: a success, one without a result, a failure, a failure
-- of the envelope itself
SELECT pg_temp.blank(kz_request('{"controller": "document", "action": "get", "index": "zoo", "collection": "cats", "_id": "tom", "requestId": "r-1"}'));
SELECT pg_temp.blank(kz_request('{"controller": "index", "action": "create", "index": "park"}'));
SELECT pg_temp.blank(kz_request('{"controller": "document", "action": "get", "index": "zoo", "collection": "cats", "_id": "jerry", "requestId": "r-2", "volatile": {"sdk": ["x"], "n": 1}}'));
SELECT pg_temp.blank(kz_request('{"controller": "document", "action": "get", "index": "zoo", "collection": "cats", "_id": "tom", "requestId": "r-3", "body": "text"}'));
SELECT pg_temp.blank(kz_request('{"controller": "index", "action": "delete", "index": "park"}'));

-- the port in the name of the node is that of the server
SELECT kz_request('{"controller": "server", "action": "now"}')->>'node' = 'knode-postgresql-elephant-' || current_setting('port') AS node;

-- null results are results
SELECT ord, kz_request(request) ? 'result' AS has_result, kz_request(request)->'result' AS result
FROM (VALUES
	(1, '{"controller": "collection", "action": "refresh", "index": "zoo", "collection": "cats"}'::jsonb),
	(2, '{"controller": "collection", "action": "update", "index": "zoo", "collection": "cats", "body": {}}'),
	(3, '{"controller": "document", "action": "exists", "index": "zoo", "collection": "cats", "_id": "jerry"}'),
	(4, '{"controller": "document", "action": "get", "index": "zoo", "collection": "cats", "_id": "jerry"}')
) AS t (ord, request) ORDER BY ord;

-- requestId: echoed, or made anew for each request; index and collection are
-- there if they were in the request; volatile is always there
SELECT ord, pg_temp.blank(kz_request('{"controller": "server", "action": "healthCheck"}' || request) - 'result')
FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"requestId": "mine"}'),
	(3, '{"requestId": ""}'),
	(4, '{"requestId": null}'),
	(5, '{"index": "nowhere"}'),
	(6, '{"collection": "nothing"}'),
	(7, '{"index": "nowhere", "collection": "nothing", "_id": "x", "other": [1]}'),
	(8, '{"volatile": null}'),
	(9, '{"volatile": {}}'),
	(10, '{"volatile": {"a": {"b": [null, 1.50, "ü"]}}}'),
	(11, '{"jwt": null}'),
	(12, '{"body": null}'),
	(13, '{"body": {}}'),
	(14, '{"body": []}')
) AS t (ord, request) ORDER BY ord;
SELECT kz_request('{"controller": "server", "action": "now"}')->>'requestId'
	<> kz_request('{"controller": "server", "action": "now"}')->>'requestId' AS differ;

-- what cannot be taken apart: such errors have a message and a status alone
SELECT array_agg(key ORDER BY key) AS keys FROM jsonb_object_keys(kz_request('{"controller": "server", "action": "now", "body": true}')) AS key;
-- and of what is echoed, only what has its type is
SELECT ord, answer->'status' AS status, answer->'error' AS error, answer->'result' AS result,
	concat_ws(' ', answer->'controller', answer->'action', answer->'volatile', jsonb_typeof(answer->'requestId')) AS echo
FROM (SELECT ord, kz_request(request) AS answer FROM (VALUES
	(1, '{"controller": "server", "action": "now", "body": "x"}'::jsonb),
	(2, '{"controller": "server", "action": "now", "body": 1}'),
	(3, '{"controller": "server", "action": "now", "body": false}'),
	(4, '{"controller": "server", "action": "now", "volatile": "x"}'),
	(5, '{"controller": "server", "action": "now", "volatile": 1}'),
	(6, '{"controller": "server", "action": "now", "volatile": true}'),
	(7, '{"controller": "server", "action": "now", "volatile": []}'),
	(8, '{"controller": "server", "action": "now", "jwt": 1}'),
	(9, '{"controller": "server", "action": "now", "jwt": {}}'),
	(10, '{"controller": 1, "action": "now"}'),
	(11, '{"controller": ["server"], "action": "now"}'),
	(12, '{"controller": "server", "action": 1}'),
	(13, '{"controller": "server", "action": {}}'),
	(14, '{"controller": "server", "action": "now", "requestId": 1}'),
	(15, '{"controller": "server", "action": "now", "requestId": ["x"]}'),
	(16, '{"controller": 1, "action": 2, "volatile": 3, "requestId": 4, "body": 5, "jwt": 6}')
) AS t (ord, request) OFFSET 0) AS answers ORDER BY ord;

-- no object at all
SELECT ord, pg_temp.blank(kz_request(request)) FROM (VALUES
	(1, '[]'::jsonb), (2, 'null'), (3, '"document:get"'), (4, '1'), (5, 'true'), (6, '[{"controller": "server", "action": "now"}]')
) AS t (ord, request) ORDER BY ord;
SELECT kz_request(NULL);

-- controller and action: missing, then unknown
SELECT ord, pg_temp.outcome(kz_request(request)) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"action": "get"}'),
	(3, '{"controller": "", "action": ""}'),
	(4, '{"controller": null}'),
	(5, '{"controller": "document"}'),
	(6, '{"controller": "document", "action": ""}'),
	(7, '{"controller": "document", "action": null}'),
	(8, '{"controller": "zoo"}'),
	(9, '{"controller": "zoo", "action": "feed"}'),
	(10, '{"controller": "Document", "action": "get"}'),
	(11, '{"controller": "document ", "action": "get"}'),
	(12, '{"controller": "document", "action": "feed"}'),
	(13, '{"controller": "document", "action": "Get"}'),
	(14, '{"controller": "document", "action": "mcreate"}'),
	(15, '{"controller": "index", "action": "get"}'),
	(16, '{"controller": "collection", "action": "constructor"}'),
	(17, '{"controller": "bulk", "action": ""}'),
	(18, '{"controller": "server", "action": "shutdown"}'),
	(19, '{"controller": "auth", "action": "feed"}'),
	(20, '{"controller": "%s", "action": "%1$s"}'),
	(21, '{"controller": "document", "action": "%2%1%n"}')
) AS t (ord, request) ORDER BY ord;

-- actions that Kuzzle has and kz has not
SELECT ord, pg_temp.outcome(kz_request(request || '{"index": "zoo", "collection": "cats"}')) FROM (VALUES
	(1, '{"controller": "document", "action": "search", "body": {}}'::jsonb),
	(2, '{"controller": "document", "action": "scroll", "scrollId": "x"}'),
	(3, '{"controller": "document", "action": "export"}'),
	(4, '{"controller": "document", "action": "count", "body": {"query": {"match_all": {}}}}'),
	(5, '{"controller": "document", "action": "updateByQuery", "body": {"query": {}, "changes": {}}}'),
	(6, '{"controller": "document", "action": "deleteByQuery", "body": {"query": {"match_all": {}}}}'),
	(7, '{"controller": "document", "action": "deleteByQuery"}'),
	(8, '{"controller": "bulk", "action": "updateByQuery", "body": {"query": {}, "changes": {}}}'),
	(9, '{"controller": "bulk", "action": "deleteByQuery", "body": {"query": {}}}'),
	(10, '{"controller": "realtime", "action": "subscribe", "body": {}}'),
	(11, '{"controller": "auth", "action": "login", "strategy": "local", "body": {}}'),
	(12, '{"controller": "collection", "action": "getSpecifications"}'),
	(13, '{"controller": "admin", "action": "resetDatabase"}')
) AS t (ord, request) ORDER BY ord;
SELECT kz_count('zoo', 'cats');

-- targets and index or collection exclude each other, before anything else is looked at
SELECT ord, pg_temp.outcome(kz_request(request)) FROM (VALUES
	(1, '{"controller": "document", "action": "search", "index": "zoo", "targets": []}'::jsonb),
	(2, '{"controller": "document", "action": "search", "collection": "cats", "targets": [{"index": "zoo"}]}'),
	(3, '{"controller": "document", "action": "feed", "index": "zoo", "targets": []}'),
	(4, '{"controller": "document", "targets": [], "index": "zoo"}')
) AS t (ord, request) ORDER BY ord;

-- an SDK too old for the protocol is turned away, after controller and action are known
SELECT ord, pg_temp.outcome(kz_request(request)) FROM (VALUES
	(1, '{"controller": "document", "action": "get", "volatile": {"sdkName": "js@6.2.1"}}'::jsonb),
	(2, '{"controller": "document", "action": "get", "volatile": {"sdkName": "js@7.0.0"}}'),
	(3, '{"controller": "document", "action": "get", "volatile": {"sdkName": "js@7.17.1", "sdkInstanceId": "x"}}'),
	(4, '{"controller": "document", "action": "get", "volatile": {"sdkName": "js@10.0.0"}}'),
	(5, '{"controller": "document", "action": "feed", "volatile": {"sdkName": "js@6.2.1"}}'),
	(6, '{"controller": "document", "action": "get", "volatile": {"sdkName": "2.0.0"}}'),
	(7, '{"controller": "document", "action": "get", "volatile": {"sdkName": "cobol@1.0.0"}}'),
	(8, '{"controller": "document", "action": "get", "volatile": {"sdkName": "js@"}}'),
	(9, '{"controller": "document", "action": "get", "volatile": {"sdkName": "@6"}}'),
	(10, '{"controller": "document", "action": "get", "volatile": {"sdkName": 6}}'),
	(11, '{"controller": "document", "action": "get", "volatile": {"sdkName": "php@3.2.0"}}'),
	(12, '{"controller": "document", "action": "get", "volatile": {"sdkName": "php@4.0.0"}}'),
	(13, '{"controller": "document", "action": "get", "volatile": {"sdkName": "JS@6.0.0"}}'),
	(14, '{"controller": "document", "action": "get", "volatile": {"sdkName": "js@beta"}}'),
	(15, '{"controller": "document", "action": "get", "volatile": {"sdkVersion": "5.1.0", "sdkName": "js@7.0.0"}}'),
	(16, '{"controller": "document", "action": "get", "volatile": {"sdkVersion": ""}}')
) AS t (ord, request) ORDER BY ord;

-- who asks is told by the second argument, and by nothing in the request
SELECT kz_request('{"controller": "document", "action": "create", "index": "zoo", "collection": "cats", "_id": "anonymous", "body": {}}')#>>'{result,_source,_kuzzle_info,author}' AS author;
SELECT kz_request('{"controller": "document", "action": "create", "index": "zoo", "collection": "cats", "_id": "alices", "body": {}, "kuid": "mallory", "jwt": "mallory", "volatile": {"kuid": "mallory"}}', 'alice')#>>'{result,_source,_kuzzle_info,author}' AS author;
SELECT kz_request(request => '{"controller": "document", "action": "update", "index": "zoo", "collection": "cats", "_id": "alices", "body": {"kuid": "data"}, "kuid": "mallory"}', kuid => 'bob')#>>'{result,_source,kuid}' AS kuid;
SELECT _source#>>'{_kuzzle_info,author}' AS author, _source#>>'{_kuzzle_info,updater}' AS updater FROM zoo.cats WHERE _id = 'alices';
SELECT kz_request('{"controller": "document", "action": "create", "index": "zoo", "collection": "cats", "_id": "nobodys", "body": {}}', NULL)#>>'{result,_source,_kuzzle_info,author}' AS author;

-- arguments that no action knows are of no interest
SELECT pg_temp.outcome(kz_request('{"controller": "document", "action": "exists", "index": "zoo", "collection": "cats", "_id": "tom", "": 1, "Body": 2, "error": {"status": 500}, "status": 1, "result": false, "room": "x", "node": 3, "headers": 4}'));

-- what is asked can come from a table, and many requests from one statement
SELECT count(*) FILTER (WHERE answer->>'status' = '200') AS successes, count(DISTINCT answer->>'requestId') AS request_ids
FROM (SELECT kz_request(jsonb_build_object('controller', 'document', 'action', 'create', 'index', 'zoo', 'collection', 'cats',
		'_id', 'cat-' || i, 'body', jsonb_build_object('n', i))) AS answer FROM generate_series(1, 100) AS i OFFSET 0) AS answers;

-- as in SQL, what was written is gone with the transaction
BEGIN;
SELECT pg_temp.outcome(kz_request('{"controller": "document", "action": "delete", "index": "zoo", "collection": "cats", "_id": "tom"}'));
ROLLBACK;
SELECT kz_exists('zoo', 'cats', 'tom');

-- a read-only transaction reads; a write is refused by PostgreSQL itself
BEGIN READ ONLY;
SELECT pg_temp.outcome(kz_request('{"controller": "document", "action": "exists", "index": "zoo", "collection": "cats", "_id": "tom"}'));
SELECT pg_temp.outcome(kz_request('{"controller": "document", "action": "delete", "index": "zoo", "collection": "cats", "_id": "tom"}'));
ROLLBACK;

-- any search_path will do
SET search_path = pg_catalog;
SELECT public.kz_request('{"controller": "document", "action": "exists", "index": "zoo", "collection": "cats", "_id": "tom"}')->'result' AS result;
RESET search_path;

SELECT kz_delete_index('zoo');
