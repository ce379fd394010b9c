--
-- KUZZLE_DOCUMENT
-- The actions of Kuzzle's document controller for one document.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request about zoo.cats comes to: its status with the
-- result, or with the id and the message of the error; times and generated ids
-- are told by a name
CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}', kuid text DEFAULT '-1') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_request(jsonb_build_object('controller', split_part(action, ':', 1),
		'action', split_part(action, ':', 2), 'index', 'zoo', 'collection', 'cats') || args, kuid);
	error jsonb := answer->'error';
	told text := CASE WHEN error = 'null' THEN concat_ws(' ', answer->>'status', answer->'result')
		ELSE concat_ws(' ', error->>'status', error->>'id', error->>'message', error->>'errors') END;
BEGIN
	told := regexp_replace(told, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g');
	RETURN regexp_replace(told, '"_id": "[-\w]{20}"', '"_id": generated', 'g');
END $$;

SELECT kz_create_collection('zoo', 'cats');
SELECT kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}, "den": {"properties": {"x": {"type": "integer"}}}}}');

-- create
SELECT pg_temp.ask('document:create', '{"_id": "tom", "body": {"name": "Tom", "a": {"b": 1}}}');
SELECT pg_temp.ask('document:create', '{"_id": "tom", "body": {"name": "Thomas"}}');
SELECT pg_temp.ask('document:create', '{"body": {}}');
SELECT pg_temp.ask('document:create', '{"_id": null, "body": {}}');
SELECT pg_temp.ask('document:create', '{"_id": "", "body": {}}');
SELECT pg_temp.ask('document:create', '{"_id": "_search", "body": {}}', 'alice');
SELECT pg_temp.ask('document:create', '{"_id": "own", "body": {"n": 1, "_kuzzle_info": {"author": "mallory", "more": 1}, "o": {"_kuzzle_info": 1}}}', 'alice');
SELECT pg_temp.ask('document:create', '{"_id": "none", "body": null}');
SELECT pg_temp.ask('document:create', '{"_id": "none", "body": [{"n": 1}]}');
SELECT pg_temp.ask('document:create', '{"_id": "none", "body": []}');
SELECT _id, _source->'n' AS n FROM zoo.cats WHERE length(_id) < 20 ORDER BY _id;

-- get and exists
SELECT pg_temp.ask('document:get', '{"_id": "tom"}');
SELECT pg_temp.ask('document:get', '{"_id": "jerry"}');
SELECT pg_temp.ask('document:get', '{"_id": "_search"}');
SELECT pg_temp.ask('document:exists', '{"_id": "tom"}');
SELECT pg_temp.ask('document:exists', '{"_id": "jerry"}');
SELECT pg_temp.ask('document:exists', '{"_id": "_search"}');

-- update: the answer has the changes and the whole metadata, or with source the document
SELECT pg_temp.ask('document:update', '{"_id": "own", "body": {"n": 2}}', 'bob');
SELECT pg_temp.ask('document:update', '{"_id": "own", "body": {"n": 3, "_kuzzle_info": {"author": "mallory", "more": 1}}}', 'bob');
SELECT pg_temp.ask('document:update', '{"_id": "own", "source": true, "body": {"a": {"b": 1}}}');
SELECT pg_temp.ask('document:update', '{"_id": "own", "source": true, "body": {"a": {"c": null}, "a.b": 2, "n": {}, "o": [1]}}');
SELECT pg_temp.ask('document:update', '{"_id": "own", "body": {}}', 'bob');
SELECT pg_temp.ask('document:update', '{"_id": "own", "source": false, "body": {"n": 4}}');
SELECT pg_temp.ask('document:update', '{"_id": "jerry", "body": {"n": 1}}');
SELECT pg_temp.ask('document:update', '{"_id": "own"}');
SELECT pg_temp.ask('document:update', '{"_id": "own", "body": []}');
SELECT pg_temp.ask('document:get', '{"_id": "own"}');

-- an update keeps what Kuzzle does not know in the metadata, and makes what is missing
SELECT kz_create('zoo', 'cats', '{"n": 1}', 'bare') IS NOT NULL AS created;
SELECT kz_create('zoo', 'cats', '{"_kuzzle_info": {"author": "x", "createdAt": 1, "mine": true}}', 'odd') IS NOT NULL AS created;
SELECT pg_temp.ask('document:update', '{"_id": "bare", "body": {"n": 2}}', 'bob');
SELECT pg_temp.ask('document:update', '{"_id": "odd", "body": {"n": 2}}', 'bob');

-- nothing changed but the time: written all the same
SELECT pg_temp.ask('document:update', '{"_id": "bare", "body": {"n": 2}}', 'carol');

-- upsert: an update of what is there, where defaults do not count
SELECT pg_temp.ask('document:upsert', '{"_id": "own", "body": {"changes": {"n": 5}, "default": {"never": 1}}}', 'carol');
SELECT pg_temp.ask('document:upsert', '{"_id": "own", "source": true, "body": {"changes": {"a": {"d": [1, {}]}}}}', 'carol');
-- or else a creation, where the changes win over the defaults
SELECT pg_temp.ask('document:upsert', '{"_id": "new", "body": {"changes": {"n": 1}}}', 'carol');
SELECT pg_temp.ask('document:get', '{"_id": "new"}');
SELECT pg_temp.ask('document:upsert', '{"_id": "new2", "source": true, "body": {"changes": {"n": 1, "o": {"x": 1}}, "default": {"n": 2, "m": 3, "o": {"x": 2, "y": 2}}}}', 'carol');
SELECT pg_temp.ask('document:upsert', '{"_id": "new3", "source": true, "body": {"changes": {"_kuzzle_info": {"author": "mallory"}}, "default": {"_kuzzle_info": {"author": "mallory", "more": 1}, "n": 1}}}', 'carol');
SELECT pg_temp.ask('document:upsert', '{"_id": "new4", "source": true, "body": {"changes": {}}}', 'carol');
SELECT pg_temp.ask('document:upsert', '{"_id": "new5", "source": true, "body": {"changes": {}, "default": {}, "n": 1}, "default": {"root": "is no place for it"}}', 'carol');
-- SDKs call the defaults by another name, or put them beside the body; default in the body comes first
SELECT ord, pg_temp.ask('document:upsert', jsonb_build_object('_id', 'defaults' || ord, 'source', true) || args, 'carol') FROM (VALUES
	(1, '{"body": {"changes": {}, "defaults": {"n": 1}}}'::jsonb),
	(2, '{"body": {"changes": {}}, "defaults": {"n": 2}}'),
	(3, '{"body": {"changes": {}, "default": {"n": 3}, "defaults": {"n": 0}}, "defaults": {"n": 0}}'),
	(4, '{"body": {"changes": {}, "defaults": {"n": 4}}, "defaults": {"n": 0}}'),
	(5, '{"body": {"changes": {}, "defaults": []}}'),
	(6, '{"body": {"changes": {}}, "defaults": []}'),
	(7, '{"body": {"changes": {}}, "defaults": "n"}')
) AS t (ord, args) ORDER BY ord;
SELECT pg_temp.ask('document:upsert', '{"_id": "none"}');
SELECT pg_temp.ask('document:upsert', '{"_id": "none", "body": {}}');
SELECT pg_temp.ask('document:upsert', '{"_id": "none", "body": {"changes": null}}');
SELECT pg_temp.ask('document:upsert', '{"_id": "none", "body": {"changes": {}, "default": null}}');
SELECT pg_temp.ask('document:upsert', '{"_id": "none", "body": {"changes": {}, "default": []}}');
SELECT pg_temp.ask('document:upsert', '{"_id": "none", "body": {"default": {}}}');

-- createOrReplace and replace: all four of the metadata, whether created or replaced
SELECT pg_temp.ask('document:createOrReplace', '{"_id": "own", "body": {"n": 6}}', 'dave');
SELECT pg_temp.ask('document:createOrReplace', '{"_id": "fresh", "body": {"n": 1, "_kuzzle_info": {"author": "mallory"}}}', 'dave');
SELECT pg_temp.ask('document:replace', '{"_id": "fresh", "body": {"m": 1, "_kuzzle_info": {"author": "mallory"}}}', 'erin');
SELECT pg_temp.ask('document:replace', '{"_id": "jerry", "body": {}}');
SELECT pg_temp.ask('document:createOrReplace', '{"_id": "fresh"}');
SELECT pg_temp.ask('document:replace', '{"_id": "fresh"}');
SELECT pg_temp.ask('document:createOrReplace', '{"_id": "fresh", "body": [1]}');
SELECT pg_temp.ask('document:replace', '{"_id": "fresh", "body": []}');

-- deleteFields: paths as in lodash; of an array null stays
SELECT pg_temp.ask('document:createOrReplace', '{"_id": "fields", "body": {"a": {"b": 1, "c": 2}, "a.b": 3, "l": [{"x": 1, "y": 2}, 5, 6], "z": 1}}', 'dave') IS NOT NULL AS created;
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": {"fields": ["a.b"]}}', 'erin');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "source": true, "body": {"fields": ["a.b", "l[0].x", "absent", "a.absent.deep"]}}', 'erin');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "source": true, "body": {"fields": ["l[1]", "z"]}}', 'frank');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "source": true, "body": {"fields": ["_kuzzle_info"]}}', 'frank');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "source": true, "body": {"fields": []}}', 'grace');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "jerry", "body": {"fields": ["a"]}}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields"}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": {}}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": {"fields": "a"}}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": {"fields": null}}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": ["a"]}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": {"fields": ["a", 1]}}');
SELECT pg_temp.ask('document:deleteFields', '{"_id": "fields", "body": {"fields": [null]}}');

-- delete
SELECT pg_temp.ask('document:delete', '{"_id": "fresh"}');
SELECT pg_temp.ask('document:delete', '{"_id": "fresh"}');
SELECT pg_temp.ask('document:delete', '{"_id": "own", "source": true}');
SELECT pg_temp.ask('document:create', '{"_id": "own", "body": {"again": true}}');

-- count: without a query
SELECT pg_temp.ask('document:count');
SELECT pg_temp.ask('document:count', '{"body": null}');
SELECT pg_temp.ask('document:count', '{"body": {}}');
SELECT pg_temp.ask('document:count', '{"from": 3, "size": "7", "scroll": "1m", "lang": "elasticsearch"}');
SELECT pg_temp.ask('document:count', '{"body": {"query": {}}}');
SELECT pg_temp.ask('document:count', '{"collection": "lions"}');

-- validate: there are no specifications, so any document will do
SELECT pg_temp.ask('document:validate', '{"body": {"n": 1}}');
SELECT pg_temp.ask('document:validate');

-- an index or a collection that is not there, for every action, after its arguments
SELECT ord, action, pg_temp.ask(action, '{"_id": "tom", "index": "nowhere"}' || args),
	pg_temp.ask(action, '{"_id": "tom", "collection": "nothing"}' || args)
FROM (VALUES
	(1, 'document:create', '{"body": {}}'::jsonb),
	(2, 'document:createOrReplace', '{"body": {}}'),
	(3, 'document:replace', '{"body": {}}'),
	(4, 'document:update', '{"body": {}}'),
	(5, 'document:upsert', '{"body": {"changes": {}}}'),
	(6, 'document:delete', '{}'),
	(7, 'document:deleteFields', '{"body": {"fields": []}}'),
	(8, 'document:get', '{}'),
	(9, 'document:exists', '{}'),
	(10, 'document:count', '{}'),
	(11, 'document:update', '{"body": {}, "silent": 1}'),
	(12, 'document:upsert', '{"body": {}}')
) AS t (ord, action, args) ORDER BY ord;
SELECT pg_temp.ask('document:get', '{"_id": "tom", "index": "nowhere", "collection": "nothing"}');
SELECT pg_temp.ask('document:get', '{"_id": "tom", "index": "Not A Name!", "collection": "%"}');

-- strict mappings know the metadata, and refuse the rest at any depth
SELECT pg_temp.ask('document:create', '{"collection": "lions", "_id": "leo", "body": {"name": "Leo"}}');
SELECT pg_temp.ask('document:create', '{"collection": "lions", "_id": "none", "body": {"age": 3}}');
SELECT pg_temp.ask('document:createOrReplace', '{"collection": "lions", "_id": "none", "body": {"den": {"x": 1, "y": 2}}}');
SELECT pg_temp.ask('document:replace', '{"collection": "lions", "_id": "leo", "body": {"age": null}}');
SELECT pg_temp.ask('document:update', '{"collection": "lions", "_id": "leo", "body": {"den": {"y": []}}}');
SELECT pg_temp.ask('document:upsert', '{"collection": "lions", "_id": "leo", "body": {"changes": {"age": 3}}}');
SELECT pg_temp.ask('document:upsert', '{"collection": "lions", "_id": "none", "body": {"changes": {}, "default": {"age": 3}}}');
SELECT pg_temp.ask('document:upsert', '{"collection": "lions", "_id": "leo", "source": true, "body": {"changes": {"den": {"x": 1}}, "default": {"age": 3}}}');
SELECT _id, _version FROM zoo.lions ORDER BY _id;

-- the order of checks: the arguments in the order of Kuzzle, then what is stored
SELECT ord, action, pg_temp.ask(action, args) FROM (VALUES
	(1, 'document:create', '{"_id": 1, "index": null, "body": null}'::jsonb),
	(2, 'document:create', '{"index": "", "body": null, "silent": 1}'),
	(3, 'document:create', '{"index": "", "collection": "", "body": null}'),
	(4, 'document:create', '{"collection": "", "body": null}'),
	(5, 'document:create', '{"index": "nowhere", "body": null}'),
	(6, 'document:createOrReplace', '{"_id": "", "body": null, "silent": 1}'),
	(7, 'document:createOrReplace', '{"_id": "tom", "body": null, "silent": 1, "refresh": 1}'),
	(8, 'document:createOrReplace', '{"_id": "tom", "body": {}, "silent": 1, "refresh": 1, "index": ""}'),
	(9, 'document:createOrReplace', '{"_id": "tom", "body": {}, "refresh": 1, "index": ""}'),
	(10, 'document:createOrReplace', '{"_id": "tom", "body": {}, "index": "", "collection": ""}'),
	(11, 'document:update', '{"_id": "", "body": null}'),
	(12, 'document:update', '{"_id": "tom", "body": null, "silent": 1}'),
	(13, 'document:update', '{"_id": "tom", "body": {}, "silent": 1, "refresh": 1}'),
	(14, 'document:update', '{"_id": "tom", "body": {}, "refresh": 1, "source": 1}'),
	(15, 'document:update', '{"_id": "tom", "body": {}, "source": 1, "index": ""}'),
	(16, 'document:upsert', '{"_id": "", "body": null}'),
	(17, 'document:upsert', '{"_id": "tom", "body": {"default": 1}, "silent": 1}'),
	(18, 'document:upsert', '{"_id": "tom", "body": {"changes": {}, "default": 1}, "silent": 1}'),
	(19, 'document:upsert', '{"_id": "tom", "body": {"changes": {}}, "silent": 1, "refresh": 1, "source": 1}'),
	(20, 'document:upsert', '{"_id": "tom", "body": {"changes": {}}, "refresh": 1, "source": 1}'),
	(21, 'document:upsert', '{"_id": "tom", "body": {"changes": {}}, "source": 1, "index": ""}'),
	(22, 'document:delete', '{"_id": "", "silent": 1}'),
	(23, 'document:delete', '{"_id": "tom", "silent": 1, "refresh": 1}'),
	(24, 'document:delete', '{"_id": "tom", "refresh": 1, "source": 1}'),
	(25, 'document:delete', '{"_id": "tom", "source": 1, "index": ""}'),
	(26, 'document:deleteFields', '{"_id": "", "body": null}'),
	(27, 'document:deleteFields', '{"_id": "tom", "body": {}, "silent": 1}'),
	(28, 'document:deleteFields', '{"_id": "tom", "body": {"fields": []}, "source": 1, "index": ""}'),
	(29, 'document:get', '{"_id": "", "index": ""}'),
	(30, 'document:get', '{"_id": "_search", "index": "", "collection": ""}'),
	(31, 'document:exists', '{"_id": 1, "index": ""}'),
	(32, 'document:count', '{"from": "x", "index": ""}'),
	(33, 'document:count', '{"body": {"query": []}, "index": ""}')
) AS t (ord, action, args) ORDER BY ord;

SELECT kz_delete_index('zoo');
