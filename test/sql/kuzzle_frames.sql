--
-- KUZZLE_FRAMES
-- What Kuzzle's SDKs and its command line send for upsert and update, to the
-- last key.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- the answer to a frame as a client sees it
CREATE FUNCTION pg_temp.send(frame jsonb, kuid text DEFAULT '-1') RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(jsonb_pretty(kz_request(frame, kuid) - 'node'), '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g')
$$;

SELECT kz_create_collection('nyc-open-data', 'yellow-taxi');

-- a document as it is stored
CREATE FUNCTION pg_temp.stored(id text) RETURNS text LANGUAGE sql AS $$
	SELECT _version || ' ' || regexp_replace(_source::text, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g')
	FROM "nyc-open-data"."yellow-taxi" WHERE _id = id
$$;

--
-- The Dart SDK: the id of the instance and a bare version in volatile, refresh
-- always said, defaults in the body under the name they have in the SDK
--

-- upsert(index, collection, id, changes)
SELECT pg_temp.send('{"action": "upsert", "body": {"changes": {"capacity": 4}, "defaults": {}}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data",
	"requestId": "0d0b9ee2-6f5c-4d3c-8d5a-52be6df5a8ab", "refresh": "false", "_id": "some-id",
	"volatile": {"sdkInstanceId": "5a9b1e5e-2a0c-4d7e-93a4-0f7f2a5d1b11", "sdkName": "2.0.0"}}');
-- upsert(…, defaults: …, waitForRefresh: true, retryOnConflict: 5, source: true), twice
SELECT pg_temp.send('{"action": "upsert", "body": {"changes": {"capacity": 4}, "defaults": {"category": "suv", "capacity": 1}}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data",
	"requestId": "4f2f7f0a-93c5-4ff5-b6c4-70f0b6a6d1a2", "refresh": "wait_for", "_id": "other-id",
	"volatile": {"sdkInstanceId": "5a9b1e5e-2a0c-4d7e-93a4-0f7f2a5d1b11", "sdkName": "2.0.0"}, "retryOnConflict": 5, "source": true}');
SELECT pg_temp.send('{"action": "upsert", "body": {"changes": {"driver": {"name": "Sirkis"}}, "defaults": {"category": "limousine"}}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data",
	"requestId": "a4d8b4a0-1f6a-4a3e-8e2b-6c1d0c9b7f33", "refresh": "wait_for", "_id": "other-id",
	"volatile": {"sdkInstanceId": "5a9b1e5e-2a0c-4d7e-93a4-0f7f2a5d1b11", "sdkName": "2.0.0"}, "retryOnConflict": 5, "source": true}');
-- update(index, collection, id, document), with and without source
SELECT pg_temp.send('{"action": "update", "body": {"capacity": 5}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data",
	"requestId": "b7d1f1c8-3f0a-4b52-a7c7-8e1f0f3c2d44", "refresh": "false", "_id": "some-id",
	"volatile": {"sdkInstanceId": "5a9b1e5e-2a0c-4d7e-93a4-0f7f2a5d1b11", "sdkName": "2.0.0"}}');
SELECT pg_temp.send('{"action": "update", "body": {"capacity": 6}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data",
	"requestId": "b7d1f1c8-3f0a-4b52-a7c7-8e1f0f3c2d45", "refresh": "wait_for", "_id": "some-id", "jwt": "a.b.c",
	"volatile": {"sdkInstanceId": "5a9b1e5e-2a0c-4d7e-93a4-0f7f2a5d1b11", "sdkName": "2.0.0"}, "retryOnConflict": 10, "source": true}', 'driver');
SELECT pg_temp.stored('some-id');
SELECT pg_temp.stored('other-id');

--
-- kourou: the version of the SDK that it is built on, silent and source as
-- booleans, numbers as the text they were on the command line
--

-- kourou document:update <index> <collection> <id> <body>
SELECT pg_temp.send('{"controller": "document", "action": "update", "index": "nyc-open-data", "collection": "yellow-taxi", "_id": "some-id", "body": {"capacity": 7},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c66", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');
-- kourou document:update <index> <collection> <id> <body> -a silent=true
SELECT pg_temp.send('{"controller": "document", "action": "update", "index": "nyc-open-data", "collection": "yellow-taxi", "_id": "some-id", "silent": true, "body": {"capacity": 8},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c67", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');
-- kourou document:upsert … -a retryOnConflict=3 -a source=true -a refresh=wait_for
SELECT pg_temp.send('{"controller": "document", "action": "upsert", "index": "nyc-open-data", "collection": "yellow-taxi", "_id": "third-id", "retryOnConflict": "3", "source": true, "refresh": "wait_for",
	"body": {"changes": {"capacity": 9}, "default": {"category": "suv", "capacity": 1}},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c68", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');
-- kourou document:upsert … -a refresh=false
SELECT pg_temp.send('{"controller": "document", "action": "upsert", "index": "nyc-open-data", "collection": "yellow-taxi", "_id": "third-id", "refresh": false, "body": {"changes": {"capacity": 10}},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c69", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');
-- kourou document:get and document:count: it sends an empty body where there is none
SELECT pg_temp.send('{"controller": "document", "action": "get", "index": "nyc-open-data", "collection": "yellow-taxi", "_id": "third-id", "body": {},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c6a", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');
SELECT pg_temp.send('{"controller": "document", "action": "count", "index": "nyc-open-data", "collection": "yellow-taxi", "body": {},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c6b", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');
-- kourou document:update of a document that is not there
SELECT pg_temp.send('{"controller": "document", "action": "update", "index": "nyc-open-data", "collection": "yellow-taxi", "_id": "nobody", "body": {},
	"requestId": "6f0a3c9e-0f5b-4a36-9e64-0cf1f0c55c6c", "volatile": {"client": "kourou@1.2.0", "sdkInstanceId": "e3f8a2c0-7b1d-4f5e-8a90-1c2d3e4f5a6b", "sdkName": "js@7.15.0"}}');

--
-- The JavaScript SDK: options are copied to the root, so that default is there
-- twice
--

-- upsert(index, collection, id, changes, {default: …, retryOnConflict: 2, refresh: 'wait_for'})
SELECT pg_temp.send('{"_id": "fourth-id", "action": "upsert", "body": {"changes": {"capacity": 4}, "default": {"category": "sedan"}}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data",
	"default": {"category": "sedan"}, "refresh": "wait_for", "requestId": "9d8c7b6a-5f4e-4d3c-8b2a-190807060504", "retryOnConflict": 2,
	"volatile": {"sdkInstanceId": "11111111-2222-4333-8444-555555555555", "sdkName": "js@7.17.1"}}');
-- update(index, collection, id, content, {source: true, silent: true})
SELECT pg_temp.send('{"_id": "fourth-id", "action": "update", "body": {"capacity": 5}, "collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data", "silent": true, "source": true,
	"requestId": "9d8c7b6a-5f4e-4d3c-8b2a-190807060505", "volatile": {"sdkInstanceId": "11111111-2222-4333-8444-555555555555", "sdkName": "js@7.17.1"}}');
-- mUpsert(index, collection, documents, {strict: false, retryOnConflict: 1})
SELECT pg_temp.send('{"action": "mUpsert", "body": {"documents": [{"_id": "fourth-id", "changes": {"capacity": 6}}, {"_id": "fifth-id", "changes": {"capacity": 7}, "default": {"category": "sedan"}}]},
	"collection": "yellow-taxi", "controller": "document", "index": "nyc-open-data", "strict": false, "retryOnConflict": 1,
	"requestId": "9d8c7b6a-5f4e-4d3c-8b2a-190807060506", "volatile": {"sdkInstanceId": "11111111-2222-4333-8444-555555555555", "sdkName": "js@7.17.1"}}');
SELECT pg_temp.stored('fourth-id');
SELECT pg_temp.stored('fifth-id');

SELECT kz_delete_index('nyc-open-data');
