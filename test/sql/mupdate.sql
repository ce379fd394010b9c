/*
 * kz_mupdate: merges changes, the "body" of each entry, into stored documents.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mupdate', 'doc');
SELECT kz_mcreate('mupdate', 'doc', '[{"_id": "a", "body": {"n": 1, "o": {"x": 1}}}, {"_id": "b", "body": {"n": 2}},
	{"_id": "c", "body": {"n": 3}}]', source => false) -> 'errors' AS errors;

-- the entries of an answer, as they are listed
CREATE FUNCTION pg_temp.entries(answer jsonb, OUT list text, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT list, entry
	FROM (VALUES (1, 'errors'), (2, 'successes')) AS l (ord, list), jsonb_array_elements(answer -> list) WITH ORDINALITY AS e (entry, n)
	ORDER BY l.ord, n
$$;

-- the whole document is answered; changes are merged in depth; keys are literal
SELECT kz_mupdate('mupdate', 'doc', '[{"_id": "a", "body": {"o": {"y": 2}, "o.x": 3}}]');
-- the order of the request; what changes nothing keeps its version
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "c", "body": {"l": [1, null]}}, {"_id": "b", "body": {"n": 2}},
	{"_id": "a", "body": {"n": null}}]'));
SELECT * FROM mupdate.doc ORDER BY _id;

-- entries that are wrong by themselves; an id that is no string is found in the second pass
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"body": {}}, {"_id": null, "body": {}}, {"_id": "", "body": {}}, {"_id": 7, "body": {"n": 1}},
	{"_id": 0, "body": {}},
	{"_id": true, "body": {}}, {"_id": {}, "body": {}}, {"_id": ["a"], "body": {}}, 1, "text", null, [], {}, {"_id": "a"}, {"_id": "a", "body": null},
	{"_id": "a", "body": []}, {"_id": "a", "body": "{}"}, {"_id": "a", "changes": {}}, {"_id": 7, "body": 7, "extra": 1.0}]'));
-- passes: wrong by itself, the id, what storing finds; mixed with good ones
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "y", "body": {"n": 1}}, {"_id": "c", "body": {"n": 4}},
	{"_id": "b", "body": {"m": 1}, "if_version": 9},
	{"_id": "x", "body": {"n": 1}, "extra": 1}, {"_id": 1, "body": {}}, {"_id": "y", "body": {}, "if_version": 1}, {"_id": "a", "body": 1},
	{"_id": "a", "body": {"n": 4}}, {"_id": "a", "body": {}, "if_version": -1}]'));
SELECT answer #> '{errors,0,reason}' AS reason, answer #> '{errors,0,status}' AS status, length(answer #>> '{errors,0,document,_id}') AS length
FROM kz_mupdate('mupdate', 'doc', jsonb_build_array(jsonb_build_object('_id', repeat('x', 513), 'body', '{}'::jsonb))) AS answer;

-- the same id more than once: each step sees those before it, one row version is written
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "b", "body": {"m": 1}}, {"_id": "y", "body": {}}, {"_id": "b", "body": {"k": {"z": 1}}},
	{"_id": "y", "body": {}},
	{"_id": "b", "body": {"m": 1, "k": {}}}, {"_id": "b", "body": {"m": 1.0}}]'));
SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'mupdate.doc'::regclass;
COMMIT;
-- changes that undo each other are written nevertheless: each step counts
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "c", "body": {"n": 5}}, {"_id": "c", "body": {"n": 4}}]'));
SELECT * FROM mupdate.doc ORDER BY _id;

-- all bad, none
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "y", "body": {}}, {}, {"_id": 1, "body": {}}]'));
SELECT kz_mupdate('mupdate', 'doc', '[]'), kz_mupdate('unknown', 'unknown', '[]');
SELECT kz_mupdate('unknown', 'doc', '[{}]');

-- if_version: of several entries each has its own; an absent document wins over it
SELECT _id, _version FROM mupdate.doc ORDER BY _id;
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "c", "body": {"v": 1}, "if_version": 5}, {"_id": "c", "body": {"v": 2}, "if_version": 5},
	{"_id": "c", "body": {"v": 3}}, {"_id": "c", "body": {"v": 3}, "if_version": 7}, {"_id": "b", "body": {"v": 1}, "if_version": 0},
	{"_id": "y", "body": {}, "if_version": 0},
	{"_id": "b", "body": {"v": 1}, "if_version": null}, {"_id": "b", "body": {}, "if_version": "1"}]'));

-- a strict mapping: the merged document is checked, but not one that stays as it is
SELECT kz_update_collection('mupdate', 'doc', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "m": {"type": "integer"}, "v": {"type": "integer"},
	"k": {"properties": {"z": {"type": "integer"}}}}}');
SELECT * FROM pg_temp.entries(kz_mupdate('mupdate', 'doc', '[{"_id": "a", "body": {"n": 4}}, {"_id": "a", "body": {"n": 6}},
	{"_id": "b", "body": {"k": {"z": 2, "b": 2}}},
	{"_id": "b", "body": {"k": {"z": 3}}}, {"_id": "b", "body": {"b": 1}}]'));

-- source false, strict, retries
SELECT kz_mupdate('mupdate', 'doc', '[{"_id": "b", "body": {"n": 8}},
	{"_id": "y", "body": {"n": 1}}]', source => false, retry_on_conflict => 0, refresh => 'wait_for', silent => true);
SELECT kz_mupdate('mupdate', 'doc', '[{"_id": "b", "body": {"n": 9}}, {"_id": "y", "body": {}}, {"_id": "b", "body": {"n": 10}}]', strict => true);
SELECT kz_mupdate('mupdate', 'doc', '[{"_id": "b", "body": {"n": 9}}]', strict => true);
SELECT kz_mupdate('mupdate', 'doc', '[{"_id": "b", "body": {"n": 10}},
	{"_id": "y", "body": {}}]', refresh => NULL, silent => NULL, kuid => NULL, retry_on_conflict => NULL,
	strict => NULL, source => NULL);
SELECT kz_mupdate('mupdate', 'doc', '[{"_id": "b", "body": {"n": 11}}]', retry_on_conflict => -1);
SELECT * FROM mupdate.doc ORDER BY _id;

-- metadata with a kuid: updater and updatedAt are set, the rest stays; what is sent is dropped
SELECT kz_create_collection('mupdate', 'stamped');
SELECT kz_create('mupdate', 'stamped', '{"n": 1, "_kuzzle_info": {"author": "eve", "createdAt": 1, "updatedAt": null, "updater": null, "more": [1]}}', 'a') -> '_version' AS version;
SELECT kz_create('mupdate', 'stamped', '{"n": 1}', 'b') -> '_version' AS version;
SELECT list, jsonb_set(entry, '{_source,_kuzzle_info,updatedAt}', to_jsonb(
	abs((entry #>> '{_source,_kuzzle_info,updatedAt}')::numeric - extract(epoch FROM now()) * 1000) < 10000)) AS entry
FROM pg_temp.entries(kz_mupdate('mupdate', 'stamped', '[{"_id": "a", "body": {"_kuzzle_info": {"author": "forged"}}}, {"_id": "b", "body": {}}]', kuid => 'ada'));
-- the error shows the document as it was sent
SELECT kz_mupdate('mupdate', 'stamped', '[{"_id": "y", "body": {"n": 1}}]', kuid => 'ada');

SELECT kz_delete_index('mupdate');
