/*
 * kz_mreplace: replaces stored documents as a whole; an id that is not stored
 * is an error of that document.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mreplace', 'doc');
SELECT kz_mcreate('mreplace', 'doc', '[{"_id": "a", "body": {"n": 1}}, {"_id": "b", "body": {"n": 2}},
	{"_id": "c", "body": {"n": 3}}]', source => false) -> 'errors' AS errors;

-- the entries of an answer, as they are listed
CREATE FUNCTION pg_temp.entries(answer jsonb, OUT list text, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT list, entry
	FROM (VALUES (1, 'errors'), (2, 'successes')) AS l (ord, list), jsonb_array_elements(answer -> list) WITH ORDINALITY AS e (entry, n)
	ORDER BY l.ord, n
$$;

SELECT kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"m": 1}}]');
-- the order of the request; one that changes nothing keeps its version
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "c", "body": {"n": 33}}, {"_id": "b", "body": {"n": 2}}, {"_id": "a", "body": {}}]'));
SELECT * FROM mreplace.doc ORDER BY _id;

-- entries that are wrong by themselves: the body is looked at first, then the id, which must be a string
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[1, "text", null, false, [], {}, {"_id": "a"}, {"_id": "a", "body": null}, {"_id": "a", "body": []},
	{"_id": "a", "body": "{}"}, {"_id": 7, "body": 7}, {"body": {}}, {"_id": null, "body": {}}, {"_id": "", "body": {}}, {"_id": 7, "body": {}},
	{"_id": 0, "body": {}}, {"_id": true, "body": {}}, {"_id": {}, "body": {}}, {"_id": ["a"], "body": {}, "extra": 1.0}]'));

-- passes: wrong by itself, not stored, what storing finds; mixed with good ones
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "b", "body": {}, "if_version": 9}, {"_id": "y", "body": {"n": 1}},
	{"_id": "c", "body": {"n": 4}},
	{"_id": "x", "body": {"n": 1}, "extra": 1}, {"_id": 1, "body": {}}, {"_id": "y", "body": {}, "if_version": 1}, {"_id": "a", "body": 1},
	{"_id": "a", "body": {"n": 4}}]'));
SELECT answer #> '{errors,0,reason}' AS reason, answer #> '{errors,0,status}' AS status, length(answer #>> '{errors,0,document,_id}') AS length
FROM kz_mreplace('mreplace', 'doc', jsonb_build_array(jsonb_build_object('_id', repeat('x', 513), 'body', '{}'::jsonb))) AS answer;
-- the same id more than once
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"n": 5}}, {"_id": "y", "body": {}}, {"_id": "a", "body": {"n": 6}},
	{"_id": "y", "body": {}},
	{"_id": "a", "body": {"n": 6}}]'));
SELECT * FROM mreplace.doc ORDER BY _id;

-- all bad, none
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "y", "body": {}}, {}]'));
SELECT kz_mreplace('mreplace', 'doc', '[]'), kz_mreplace('unknown', 'unknown', '[]');
SELECT kz_mreplace('mreplace', 'unknown', '[{}]');

-- if_version: the stored one, or a conflict; of several entries each has its own
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"v": 1}, "if_version": 5}, {"_id": "a", "body": {"v": 2}, "if_version": 5},
	{"_id": "a", "body": {"v": 3}, "if_version": 6}, {"_id": "b", "body": {}, "if_version": 0}, {"_id": "b", "body": {"v": 1}, "if_version": 1.0},
	{"_id": "b", "body": {}, "if_version": -1}, {"_id": "b", "body": {}, "if_version": 1.5}]'));

-- a strict mapping
SELECT kz_update_collection('mreplace', 'doc', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "o": {"properties": {"x": {"type": "integer"}}}}}');
SELECT * FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "c", "body": {"b": 1}}, {"_id": "c", "body": {"n": 7}},
	{"_id": "b", "body": {"o": {"x": {}, "y": {}}}}]'));
SELECT * FROM mreplace.doc ORDER BY _id;

-- source false, strict
SELECT kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"n": 8}}, {"_id": "y", "body": {"n": 1}}]', source => false);
SELECT kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"n": 9}}, {"_id": "y", "body": {}}, {"_id": "c", "body": {"n": 9}},
	{"_id": "z", "body": {}}]', strict => true);
SELECT kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"n": 9}}]', strict => true);
SELECT kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"n": 10}},
	{"_id": "y", "body": {"n": 1}}]', refresh => NULL, silent => NULL, kuid => NULL, strict => NULL, source => NULL);
SELECT * FROM mreplace.doc ORDER BY _id;

-- metadata with a kuid: all four; the error shows the document without
SELECT list, entry - '_source' AS entry, info - '{createdAt,updatedAt}'::text[] AS info, info -> 'createdAt' = info -> 'updatedAt' AS same_time
FROM pg_temp.entries(kz_mreplace('mreplace', 'doc', '[{"_id": "a", "body": {"_kuzzle_info": {"more": 1}}}, {"_id": "y", "body": {}}]', kuid => 'ada')),
	LATERAL (SELECT entry #> '{_source,_kuzzle_info}') AS s (info);

SELECT kz_delete_index('mreplace');
