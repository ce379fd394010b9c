--
-- NOTIFICATIONS
-- What needs no listener: the setting and its errors by every way in, the names
-- of channels, and that no answer is another where changes are told.
-- What is told has its own test, t/017_notifications.pl.
--
\set SHOW_CONTEXT never
-- whether the server can write messages is its own matter
SET client_min_messages = error;

-- off, notify, message, or nothing
SELECT kz_create_collection('told', 'docs', settings => '{"notifications": "notify", "limit": 3}');
SELECT kz_get_settings('told', 'docs');
SELECT kz_update_collection('told', 'docs', settings => '{"notifications": "message"}');
SELECT kz_update_collection('told', 'docs', settings => '{"limit": 4}');
SELECT kz_get_settings('told', 'docs');
SELECT kz_create_collection('told', 'docs', settings => '{"notifications": "off"}');
SELECT kz_update_collection('told', 'docs', settings => '{"notifications": null}');
SELECT kz_update_collection('told', 'docs', settings => NULL);
SELECT kz_get_settings('told', 'docs');

-- anything else is refused, by every way in, and nothing of the call is done
SELECT kz_update_collection('told', 'docs', '{"dynamic": "strict"}', '{"notifications": "loud", "limit": 5}');
SELECT kz_create_collection('told', 'docs', settings => '{"notifications": true}');
SELECT kz_create_collection('told', 'new', settings => '{"notifications": "NOTIFY"}');
SELECT kz_create_collection('untold', 'new', settings => '{"notifications": ""}');
SELECT kz_collection_exists('told', 'new'), kz_index_exists('untold');
SELECT action, value, answer->'status' AS status, answer#>>'{error,id}' AS id, answer#>>'{error,message}' AS message
FROM unnest('{create,update}'::text[]) AS action,
	unnest('{"\"loud\"", 5, "[\"notify\"]", "{\"notify\": true}", "false", "\"notify \""}'::text[]) AS value,
	kz_request(jsonb_build_object('controller', 'collection', 'action', action, 'index', 'told', 'collection', 'docs',
		'body', jsonb_build_object('settings', jsonb_build_object('notifications', value::jsonb)))) AS answer;
SELECT status, body::jsonb#>>'{error,id}' AS id
FROM kz_http('PUT', '/told/docs', body => '{"settings": {"notifications": "loud"}}');
SELECT kz_get_settings('told', 'docs'), kz_get_mapping('told', 'docs');

-- Kuzzle's way, and HTTP's
SELECT answer->'status' AS status
FROM kz_request('{"controller": "collection", "action": "update", "index": "told", "collection": "docs",
	"body": {"settings": {"notifications": "notify"}}}') AS answer;
SELECT kz_get_settings('told', 'docs');
SELECT status FROM kz_http('PUT', '/told/docs', body => '{"settings": {"notifications": "off"}}');
SELECT kz_get_settings('told', 'docs');

-- it is no setting of Milvus', nor can its properties be one of ours
SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "told_vectors"}')->'code' AS code;
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "told_vectors", "collectionName": "v", "dimension": 2,
	"params": {"notifications": "notify"}}')->'code' AS code;
SELECT kz_get_settings('told_vectors', 'v') ? 'notifications' AS on;
SELECT kz_update_collection('told_vectors', 'v', settings => '{"notifications": "notify"}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "told_vectors", "collectionName": "v",
	"data": [{"id": 1, "vector": [1, 2]}]}')->'data' AS inserted;

-- channels: what is there need not be, and what is too long gets a hash
SELECT kz_channel('told', 'docs'), kz_channel('no', 'such');
SELECT kz_channel(repeat('i', 30), repeat('c', 29)), kz_channel(repeat('i', 30), repeat('c', 30));
SELECT length(channel), octet_length(channel), channel
FROM unnest(ARRAY['é', 'a' || repeat('é', 28), repeat('é', 29), 'a' || repeat('é', 29), repeat('é', 63), repeat('漢字', 30), repeat('🚕', 30)]) AS name,
	kz_channel('told', name) AS channel;
SELECT count(DISTINCT kz_channel('told', repeat('x', 100) || n)) AS channels, max(octet_length(kz_channel('told', repeat('x', 100) || n))) AS bytes
FROM generate_series(1, 1000) AS n;
SELECT kz_channel(repeat('x', 60) || 'y', 'z') <> kz_channel(repeat('x', 60), 'yz') AS differ;
SELECT kz_channel(NULL, 'docs');
SELECT kz_channel('told', NULL);
SELECT kz_channel('', 'docs');
SELECT kz_channel('told', '');
SELECT provolatile, proparallel FROM pg_proc WHERE oid = 'kz_channel'::regproc;

-- the answers of calls, which are undone
CREATE FUNCTION pg_temp.answers(setting text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
	call text;
	answer text;
	answers text[];
BEGIN
	PERFORM kz_update_collection('told', 'docs', settings => jsonb_build_object('notifications', setting));
	FOREACH call IN ARRAY ARRAY[
		$call$ kz_create('told', 'docs', '{"n": 1}', 'new') $call$,
		$call$ kz_create('told', 'docs', '{"n": 1}', 'a') $call$,
		$call$ kz_create_or_replace('told', 'docs', 'a', '{"k": 1}') $call$,
		$call$ kz_replace('told', 'docs', 'a', '{"k": 1}') $call$,
		$call$ kz_update('told', 'docs', 'a', '{"k": 1}') $call$,
		$call$ kz_update('told', 'docs', 'a', '{"n": 1}', source => true) $call$,
		$call$ kz_upsert('told', 'docs', 'a', '{"k": 1}') $call$,
		$call$ kz_upsert('told', 'docs', 'a', '{"k": 1}', source => true) $call$,
		$call$ kz_delete_fields('told', 'docs', 'a', '{n}') $call$,
		$call$ kz_delete_fields('told', 'docs', 'a', '{n}', source => true) $call$,
		$call$ kz_delete('told', 'docs', 'a') $call$,
		$call$ kz_delete('told', 'docs', 'a', source => true) $call$,
		$call$ kz_mcreate('told', 'docs', '[{"_id": "a", "body": {}}, {"_id": "new", "body": {}}]') $call$,
		$call$ kz_mupdate('told', 'docs', '[{"_id": "a", "body": {"k": 1}}, {"_id": "zz", "body": {}}]') $call$,
		$call$ kz_mupdate('told', 'docs', '[{"_id": "a", "body": {"k": 1}}, {"_id": "zz", "body": {}}]', source => false) $call$,
		$call$ kz_mupsert('told', 'docs', '[{"_id": "a", "changes": {"k": 1}}, {"_id": "b", "changes": {"k": 1}}]') $call$,
		$call$ kz_mupsert('told', 'docs', '[{"_id": "a", "changes": {"k": 1}}, {"_id": "b", "changes": {"k": 1}}]', source => false) $call$,
		$call$ kz_mreplace('told', 'docs', '[{"_id": "a", "body": {"k": 1}}]') $call$,
		$call$ kz_mdelete('told', 'docs', '{a,zz,b}') $call$,
		$call$ (SELECT jsonb_agg(r) FROM kz_update_rows('told', 'docs', '{a,zz}', ARRAY[jsonb '{"k": 1}', '{}']) AS r) $call$,
		$call$ (SELECT jsonb_agg(r) FROM kz_upsert_rows('told', 'docs', '{a,new}', ARRAY[jsonb '{"k": 1}', '{}'], source => false) AS r) $call$,
		$call$ kz_request('{"controller": "document", "action": "delete", "index": "told", "collection": "docs", "_id": "a"}')->'result' $call$,
		$call$ kz_request('{"controller": "document", "action": "mDelete", "index": "told", "collection": "docs",
			"body": {"ids": ["a", "b"]}}')->'result' $call$,
		$call$ kz_request('{"controller": "bulk", "action": "mWrite", "index": "told", "collection": "docs", "notify": true,
			"body": {"documents": [{"_id": "a", "body": {"k": 1}}]}}')->'result' $call$,
		$call$ kz_request('{"controller": "bulk", "action": "import", "index": "told", "collection": "docs",
			"body": {"bulkData": [{"delete": {"_id": "a"}}]}}')->'result' $call$]
	LOOP
		BEGIN
			EXECUTE 'SELECT ' || call INTO answer;
			RAISE EXCEPTION USING errcode = 'UNDO0';
		EXCEPTION
			WHEN SQLSTATE 'UNDO0' THEN answers := answers || answer;
			WHEN OTHERS THEN answers := answers || format('%s: %s', SQLSTATE, SQLERRM);
		END;
	END LOOP;
	RETURN answers;
END $$;
SELECT kz_mcreate('told', 'docs', '[{"_id": "a", "body": {"n": 1, "k": 0}}, {"_id": "b", "body": {"k": 1}}]', source => false);
SELECT unnest(pg_temp.answers('off')) AS answer;
SELECT setting, pg_temp.answers(setting) = pg_temp.answers('off') AS same
FROM unnest('{notify,message}'::text[]) AS setting;
SELECT kz_get('told', 'docs', 'a'), kz_count('told', 'docs');

SELECT kz_delete_index('told'), kz_delete_index('told_vectors');
