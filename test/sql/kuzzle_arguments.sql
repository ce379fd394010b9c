--
-- KUZZLE_ARGUMENTS
-- Every argument of every action: absent, and with a value of each type. The
-- rows tell, for each argument, which values lead to which outcome.
--
\set SHOW_CONTEXT never
\pset format unaligned

SELECT kz_create_collection('zoo', 'cats');
SELECT kz_create('zoo', 'cats', '{"n": 1}', 'tom') -> '_version' AS version;

-- the outcome of a request, which is undone
CREATE FUNCTION pg_temp.outcome(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
	error jsonb;
BEGIN
	BEGIN
		answer := kz_request(request);
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		NULL;
	END;
	error := answer->'error';
	RETURN CASE WHEN error = 'null' THEN answer->>'status'
		ELSE concat_ws(' ', error->>'status', coalesce(error->>'id' || ' ' || (error->>'props'), error->>'message')) END;
END $$;

-- a request for each action, with all that it takes
CREATE TEMP TABLE request (ord serial, action text, args jsonb);
INSERT INTO request (action, args) VALUES
	('document:create', '{"index": "zoo", "collection": "cats", "_id": "new", "body": {"n": 1}, "refresh": "wait_for", "silent": true}'),
	('document:createOrReplace', '{"index": "zoo", "collection": "cats", "_id": "new", "body": {"n": 1}, "refresh": "wait_for", "silent": true}'),
	('document:replace', '{"index": "zoo", "collection": "cats", "_id": "tom", "body": {"n": 1}, "refresh": "wait_for", "silent": true}'),
	('document:update', '{"index": "zoo", "collection": "cats", "_id": "tom", "body": {"n": 1}, "refresh": "wait_for", "silent": true, "source": true, "retryOnConflict": 1}'),
	('document:upsert', '{"index": "zoo", "collection": "cats", "_id": "tom", "body": {"changes": {}, "default": {}}, "refresh": "wait_for", "silent": true, "source": true, "retryOnConflict": 1}'),
	('document:delete', '{"index": "zoo", "collection": "cats", "_id": "tom", "refresh": "wait_for", "silent": true, "source": true}'),
	('document:deleteFields', '{"index": "zoo", "collection": "cats", "_id": "tom", "body": {"fields": ["n"]}, "refresh": "wait_for", "silent": true, "source": true}'),
	('document:get', '{"index": "zoo", "collection": "cats", "_id": "tom"}'),
	('document:exists', '{"index": "zoo", "collection": "cats", "_id": "tom"}'),
	('document:count', '{"index": "zoo", "collection": "cats", "from": 0, "size": 1, "scroll": "1m", "lang": "elasticsearch"}'),
	('document:validate', '{"index": "zoo", "collection": "cats", "body": {"n": 1}}'),
	('document:mCreate', '{"index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "new", "body": {}}]}, "refresh": "wait_for", "silent": true, "strict": true}'),
	('document:mCreateOrReplace', '{"index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "new", "body": {}}]}, "refresh": "wait_for", "silent": true, "strict": true, "source": true}'),
	('document:mReplace', '{"index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "tom", "body": {}}]}, "refresh": "wait_for", "silent": true, "strict": true}'),
	('document:mUpdate', '{"index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "tom", "body": {}}]}, "refresh": "wait_for", "silent": true, "strict": true, "retryOnConflict": 1}'),
	('document:mUpsert', '{"index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "tom", "changes": {}}]}, "refresh": "wait_for", "silent": true, "strict": true, "retryOnConflict": 1}'),
	('document:mDelete', '{"index": "zoo", "collection": "cats", "body": {"ids": ["tom"]}, "refresh": "wait_for", "silent": true, "strict": true}'),
	('document:mGet', '{"index": "zoo", "collection": "cats", "body": {"ids": ["tom"]}, "strict": true}'),
	('document:mExists', '{"index": "zoo", "collection": "cats", "ids": ["tom"], "strict": true}'),
	('bulk:import', '{"index": "zoo", "collection": "cats", "body": {"bulkData": [{"index": {}}, {}]}, "refresh": "wait_for", "strict": true}'),
	('bulk:write', '{"index": "zoo", "collection": "cats", "_id": "new", "body": {"n": 1}, "refresh": "wait_for", "notify": true}'),
	('bulk:mWrite', '{"index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "new", "body": {}}]}, "refresh": "wait_for", "notify": true, "strict": true}'),
	('index:create', '{"index": "new"}'),
	('index:delete', '{"index": "zoo"}'),
	('index:mDelete', '{"body": {"indexes": ["zoo"]}}'),
	('index:exists', '{"index": "zoo"}'),
	('index:list', '{"countCollection": true}'),
	('index:stats', '{}'),
	('collection:create', '{"index": "zoo", "collection": "new", "body": {"mappings": {}, "settings": {}}}'),
	('collection:update', '{"index": "zoo", "collection": "cats", "body": {"mappings": {}, "settings": {}, "reindexCollection": true}}'),
	('collection:updateMapping', '{"index": "zoo", "collection": "cats", "body": {"properties": {}, "dynamic": "strict", "_meta": {}}}'),
	('collection:getMapping', '{"index": "zoo", "collection": "cats", "includeKuzzleMeta": true}'),
	('collection:getSettings', '{"index": "zoo", "collection": "cats"}'),
	('collection:exists', '{"index": "zoo", "collection": "cats"}'),
	('collection:list', '{"index": "zoo", "type": "all", "from": 0, "size": 1}'),
	('collection:refresh', '{"index": "zoo", "collection": "cats"}'),
	('collection:truncate', '{"index": "zoo", "collection": "cats"}'),
	('collection:delete', '{"index": "zoo", "collection": "cats"}'),
	('server:now', '{}'),
	('server:healthCheck', '{"services": ["storageEngine"]}'),
	('server:info', '{}'),
	('server:publicApi', '{}'),
	('auth:checkToken', '{"body": {"token": "x"}}'),
	('auth:getCurrentUser', '{}');
UPDATE request SET args = args || jsonb_build_object('controller', split_part(action, ':', 1), 'action', split_part(action, ':', 2));

-- as they are
SELECT action, pg_temp.outcome(args) FROM request WHERE pg_temp.outcome(args) <> '200' ORDER BY ord;

-- a body, an index and a collection disturb no action that has none
SELECT action, pg_temp.outcome('{"body": {}, "index": "zoo", "collection": "cats", "_id": "tom"}' || args) AS outcome FROM request
WHERE pg_temp.outcome('{"body": {}, "index": "zoo", "collection": "cats", "_id": "tom"}' || args) <> '200' ORDER BY ord;

-- their arguments, those in the body too where it is no document
CREATE TEMP TABLE argument AS
SELECT action, ord, key, ARRAY[key] AS path FROM request, jsonb_object_keys(args) AS key
WHERE key NOT IN ('controller', 'action')
UNION ALL
SELECT action, ord, 'body.' || key, ARRAY['body', key] FROM request, jsonb_object_keys(args->'body') AS key WHERE key <> 'n';

-- each outcome with the values that lead to it (in what fills the message, a
-- value is told by an ellipsis), then the actions where it is so
CREATE TEMP TABLE outcome AS
SELECT ord, action, key, place, value, replace(pg_temp.outcome(
		CASE WHEN value = 'absent' THEN args #- path ELSE jsonb_set(args, path, value::jsonb) END),
		CASE WHEN value ~ '^"\w' THEN value ELSE '' END, '…') AS outcome
FROM argument JOIN request USING (ord, action), (VALUES
	(1, 'absent'), (2, 'null'), (3, 'false'), (4, 'true'), (5, '0'), (6, '2'), (7, '-1'), (8, '1.5'), (9, '1e99'), (10, '""'), (11, '"3"'), (12, '"x"'), (13, '"true"'), (14, '"false"'),
	(15, '"wait_for"'), (16, '[]'), (17, '["x"]'), (18, '[1]'), (19, '{}'), (20, '{"x": {}}')
) AS v (place, value);
SELECT key, values, outcome, string_agg(action, ', ' ORDER BY ord) AS actions
FROM (
	SELECT key, ord, action, outcome, string_agg(value, ', ' ORDER BY place) AS values, min(place) AS place
	FROM outcome GROUP BY key, ord, action, outcome) AS grouped
GROUP BY key, values, outcome
ORDER BY key COLLATE "C", min(place), min(ord), outcome COLLATE "C";

-- an integer may be in a string, as parseFloat of JavaScript reads it
SELECT ord, value, pg_temp.outcome(jsonb_build_object('controller', 'collection', 'action', 'list', 'index', 'zoo', 'from', value)) AS outcome,
	kz_request(jsonb_build_object('controller', 'collection', 'action', 'list', 'index', 'zoo', 'from', value))#>'{result,from}' AS "from"
FROM (VALUES
	(1, '"12"'::jsonb), (2, '" 12 "'), (3, '"+12"'), (4, '"-12"'), (5, '"12.0"'), (6, '"1.2e1"'), (7, '"12 apples"'), (8, '"12.5"'), (9, '12.0'), (10, '"0x10"'),
	(11, '"Infinity"'), (12, '"-inf"'), (13, '"nan"'), (14, '"e1"'), (15, '" "'), (16, '99999999999'), (17, '-99999999999')
) AS t (ord, value) ORDER BY ord;

-- nothing was written by any of them
SELECT _id, _version, _source FROM zoo.cats ORDER BY _id;
SELECT * FROM kz_list_indexes();
-- flags as command lines send them: kourou document:update ... -a silent=true
SELECT flag, kz_request(format('{"controller": "document", "action": "upsert", "index": "zoo", "collection": "cats", "_id": "flag", "source": %s, "body": {"changes": {"n": 1}}}', flag)::jsonb)->'result' ? '_source' AS source,
	kz_request(format('{"controller": "document", "action": "mGet", "index": "zoo", "collection": "cats", "strict": %s, "ids": ["none"]}', flag)::jsonb)->'status' AS strict
FROM unnest(ARRAY['true', '"true"', 'false', '"false"', '"True"']) AS flag;

SELECT kz_delete_index('zoo');
