--
-- KUZZLE_BULK
-- The actions of Kuzzle's bulk controller: they write documents as they are,
-- and as many as are sent.
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

-- import, with bulkData as the body
CREATE FUNCTION pg_temp.import(VARIADIC data jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.ask('bulk:import', jsonb_build_object('body', jsonb_build_object('bulkData', to_jsonb(data))), 'alice')
$$;

SELECT kz_create_collection('zoo', 'cats');
CREATE TEMP VIEW stored AS
	SELECT _id, _version, regexp_replace(_source::text, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g') AS source FROM zoo.cats;
SELECT kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}');

-- write: createOrReplace without metadata; what the user gives is data
SELECT pg_temp.ask('bulk:write', '{"_id": "w", "body": {"n": 1}}');
SELECT pg_temp.ask('bulk:write', '{"_id": "w", "body": {"n": 2, "_kuzzle_info": {"author": "me"}}}', 'alice');
SELECT pg_temp.ask('bulk:write', '{"body": {"n": 3}}');
SELECT pg_temp.ask('bulk:write', '{"_id": "", "body": {"n": 4}}');
SELECT pg_temp.ask('bulk:write', '{"_id": null, "body": {}}');
SELECT ord, pg_temp.ask('bulk:write', args) FROM (VALUES
	(1, '{"_id": 1, "body": {}}'::jsonb),
	(2, '{"_id": "x"}'),
	(3, '{"_id": "x", "body": []}'),
	(4, '{"_id": "x", "body": {}, "notify": true, "refresh": true}'),
	(5, '{"_id": "x", "body": {}, "notify": 1}'),
	(6, '{"_id": "x", "body": {}, "refresh": {}}'),
	(7, '{"_id": "x", "body": {}, "index": ""}'),
	(8, '{"_id": "x", "body": {}, "collection": "none"}'),
	(9, '{"_id": "x", "body": {}, "index": "nowhere"}'),
	(10, '{"_id": "l", "collection": "lions", "body": {"age": 1}}')
) AS t (ord, args) ORDER BY ord;

-- mWrite
SELECT pg_temp.ask('bulk:mWrite', '{"body": {"documents": [{"_id": "w", "body": {"n": 5}}, {"_id": "v", "body": {"_kuzzle_info": {"author": "me"}}}, {"_id": "u", "body": []}, {"_id": 7, "body": {}}]}}');
SELECT pg_temp.ask('bulk:mWrite', '{"body": {"documents": [{"body": {"n": 6}}]}}');
SELECT pg_temp.ask('bulk:mWrite', '{"strict": true, "body": {"documents": [{"_id": "s", "body": {"n": 7}}, {"_id": "t", "body": null}]}}');
SELECT pg_temp.ask('bulk:mWrite', '{"collection": "lions", "body": {"documents": [{"_id": "a", "body": {"name": "A"}}, {"_id": "b", "body": {"age": 1}}]}}');
SELECT ord, pg_temp.ask('bulk:mWrite', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {}}'),
	(3, '{"body": {"documents": {}}}'),
	(4, '{"body": {"documents": null}}'),
	(5, '{"body": {"documents": []}}'),
	(6, '{"body": {"documents": []}, "collection": "none"}'),
	(7, '{"body": {"documents": [{"_id": "x", "body": {}}]}, "collection": "none"}'),
	(8, '{"body": {"documents": []}, "strict": "x"}'),
	(9, '{"body": {"documents": []}, "notify": "x"}'),
	(10, '{"body": {"documents": []}, "refresh": 1}'),
	(11, '{"body": {"documents": []}, "index": ""}')
) AS t (ord, args) ORDER BY ord;
SELECT * FROM stored WHERE length(_id) < 20 ORDER BY _id;
SELECT pg_temp.ask('collection:truncate');

-- import: index, create, update, delete
SELECT pg_temp.import('{"index": {"_id": "a"}}', '{"n": 1, "_kuzzle_info": {"author": "mallory"}}', '{"index": {"_id": "a"}}', '{"n": 2}',
	'{"create": {"_id": "b"}}', '{"n": 3}', '{"create": {"_id": "a"}}', '{"n": 4}',
	'{"update": {"_id": "a"}}', '{"doc": {"m": {"x": 1}}}', '{"update": {"_id": "none"}}', '{"doc": {"n": 5}}',
	'{"delete": {"_id": "b"}}', '{"delete": {"_id": "none"}}');
SELECT * FROM stored ORDER BY _id;
SELECT pg_temp.import('{"update": {"_id": "c"}}', '{"doc": {"n": 1}, "upsert": {"m": 1}}', '{"update": {"_id": "d"}}', '{"doc": {"n": 1}, "doc_as_upsert": true}',
	'{"update": {"_id": "c", "retry_on_conflict": 3}}', '{"doc": {"n": 2, "_kuzzle_info": {"author": "mallory"}}, "upsert": {"never": 1}}');
SELECT * FROM stored ORDER BY _id;
-- what is in upsert is all that a new document has; of doc_as_upsert only true counts
SELECT pg_temp.import('{"update": {"_id": "i"}}', '{"doc": {"n": 1}, "upsert": {"m": 1}}', '{"update": {"_id": "j"}}', '{"doc": {"n": 1}, "doc_as_upsert": false}',
	'{"update": {"_id": "k"}}', '{"doc": {"n": 1}, "doc_as_upsert": true, "upsert": {"m": 1}}');
SELECT _id, _source - '_kuzzle_info' AS source FROM zoo.cats WHERE _id IN ('i', 'j', 'k') ORDER BY _id;
-- whoever creates by an update has updated it, whatever is sent
SELECT pg_temp.import('{"update": {"_id": "l"}}', '{"doc": {"n": 1}, "upsert": {"m": 1, "_kuzzle_info": {"author": "mallory"}}}');
SELECT * FROM stored WHERE _id IN ('i', 'k', 'l') ORDER BY _id;
DELETE FROM zoo.cats WHERE _id = 'l';
SELECT pg_temp.import('{"index": {}}', '{"n": 1}');
SELECT pg_temp.import('{"create": {"_id": null}}', '{"n": 1}');
-- the index and the collection are those of the request
SELECT pg_temp.import('{"index": {"_id": "e", "_index": "elsewhere", "_type": "other"}}', '{"n": 1}');
-- a document with the keys of an operation is a document
SELECT pg_temp.import('{"index": {"_id": "f"}}', '{"delete": {"_id": "a"}}', '{"index": {"_id": "g"}}', '{"index": {"_id": "h"}}');
SELECT pg_temp.ask('document:mExists', '{"body": {"ids": ["a", "f", "g", "h"]}}');
-- each in its turn
SELECT pg_temp.import('{"delete": {"_id": "f"}}', '{"create": {"_id": "f"}}', '{"n": 1}', '{"delete": {"_id": "f"}}', '{"delete": {"_id": "f"}}', '{"index": {"_id": "f"}}', '{"n": 2}');
SELECT pg_temp.ask('document:get', '{"_id": "f"}');
-- strict mappings
SELECT pg_temp.ask('bulk:import', '{"collection": "lions", "body": {"bulkData": [{"index": {"_id": "c"}}, {"name": "C"}, {"index": {"_id": "d"}}, {"age": 1}, {"update": {"_id": "c"}}, {"doc": {"age": 2}}]}}');
SELECT pg_temp.ask('bulk:import', '{"collection": "lions", "strict": true, "body": {"bulkData": [{"index": {"_id": "e"}}, {"name": "E"}, {"create": {"_id": "c"}}, {"name": "CC"}]}}');
SELECT _id, _version, _source - '_kuzzle_info' AS source FROM zoo.lions ORDER BY _id;

-- what is refused as a whole; nothing is written then
SELECT pg_temp.ask('collection:truncate');
SELECT ord, pg_temp.ask('bulk:import', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {}}'),
	(3, '{"body": {"bulkData": null}}'),
	(4, '{"body": {"bulkData": {}}}'),
	(5, '{"body": {"bulkData": "x"}}'),
	(6, '{"body": [{"index": {}}]}'),
	(7, '{"body": {"bulkData": []}}'),
	(8, '{"body": {"bulkData": [{"index": {"_id": "x"}}]}}'),
	(9, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"create": {"_id": "y"}}]}}'),
	(10, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"feed": {"_id": "y"}}, {}]}}'),
	(11, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {}, {}]}}'),
	(12, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, "index", {}]}}'),
	(13, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"index": "y"}, {}]}}'),
	(14, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"index": {"_id": "y"}, "create": {"_id": "z"}}, {}]}}'),
	(15, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"index": {"_id": "y"}}, "text"]}}'),
	(16, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"update": {"_id": "y"}}, {"script": "ctx._source.n += 1"}]}}'),
	(17, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"update": {"_id": "y"}}, {"script": {"source": "x"}, "upsert": {}}]}}'),
	(18, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"update": {"_id": "y"}}, {"n": 1}]}}'),
	(19, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"update": {"_id": "y"}}, {"doc": 1}]}}'),
	(20, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"update": {}}, {"doc": {}}]}}'),
	(30, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"update": {"_id": "y"}}, {"doc": {}, "upsert": []}]}}'),
	(21, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"delete": {}}]}}'),
	(22, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}, {"index": {"_id": []}}, {}]}}'),
	(23, '{"body": {"bulkData": []}, "collection": "none"}'),
	(24, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}]}, "collection": "none"}'),
	(25, '{"body": {"bulkData": [{"index": {"_id": "x"}}, {}]}, "index": "nowhere"}'),
	(26, '{"body": {"bulkData": []}, "index": ""}'),
	(27, '{"body": {"bulkData": []}, "collection": ""}'),
	(28, '{"body": {"bulkData": []}, "strict": 1}'),
	(29, '{"body": {"bulkData": []}, "refresh": []}')
) AS t (ord, args) ORDER BY ord;
SELECT * FROM stored ORDER BY _id;

-- the rights that all operations need are looked at before the first is done
CREATE ROLE regress_kz_importer;
GRANT USAGE ON SCHEMA zoo TO regress_kz_importer;
GRANT SELECT, INSERT, UPDATE ON zoo.cats TO regress_kz_importer;
SET ROLE regress_kz_importer;
SELECT pg_temp.import('{"index": {"_id": "own"}}', '{}', '{"delete": {"_id": "own"}}', '{"index": {"_id": "own"}}', '{}');
SELECT pg_temp.import('{"index": {"_id": "own"}}', '{}');
RESET ROLE;
REVOKE ALL ON zoo.cats FROM regress_kz_importer;
REVOKE ALL ON SCHEMA zoo FROM regress_kz_importer;
DROP ROLE regress_kz_importer;

-- an id may be a number
SELECT pg_temp.import('{"index": {"_id": 5}}', '{"n": 1}', '{"delete": {"_id": 5}}');

DROP VIEW stored;
SELECT kz_delete_index('zoo');
