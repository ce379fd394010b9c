/*
 * kz_mcreate_or_replace: creates documents or replaces stored ones as a whole.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mcreate_or_replace', 'doc');

-- the entries of an answer, as they are listed
CREATE FUNCTION pg_temp.entries(answer jsonb, OUT list text, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT list, entry
	FROM (VALUES (1, 'errors'), (2, 'successes')) AS l (ord, list), jsonb_array_elements(answer -> list) WITH ORDINALITY AS e (entry, n)
	ORDER BY l.ord, n
$$;
CREATE FUNCTION pg_temp.call(documents jsonb) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT * FROM pg_temp.entries(kz_mcreate_or_replace('mcreate_or_replace', 'doc', documents))
$$;

-- created, replaced, replaced by the same
SELECT kz_mcreate_or_replace('mcreate_or_replace', 'doc', '[{"_id": "b", "body": {"n": 1, "m": 1}}]');
SELECT * FROM pg_temp.call('[{"_id": "c", "body": {"n": 3}}, {"_id": "b", "body": {"n": 2}}, {"_id": "a", "body": {}}]') AS (list text, entry jsonb);
SELECT * FROM pg_temp.call('[{"_id": "c", "body": {"n": 3}}, {"_id": "b", "body": {"n": 2.0}}, {"_id": "a", "body": {}}]') AS (list text, entry jsonb);
SELECT * FROM mcreate_or_replace.doc ORDER BY _id;

-- the same id three times: one row version is written, each step is reported
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT * FROM pg_temp.call('[{"_id": "t", "body": {"n": 1}}, {"_id": "t", "body": {"m": 2}}, {"_id": "t", "body": {"m": 2}}]') AS (list text, entry jsonb);
SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'mcreate_or_replace.doc'::regclass;
COMMIT;
SELECT * FROM mcreate_or_replace.doc WHERE _id = 't';

-- ids: numbers and true for their text; generated where JavaScript sees none
SELECT list, CASE WHEN entry ->> '_id' ~ '^[A-Za-z0-9_-]{20}$' THEN entry || '{"_id": "generated"}' ELSE entry END AS entry
FROM pg_temp.call('[{"_id": 7, "body": {}}, {"_id": -1.50, "body": {}}, {"_id": true, "body": {}}, {"_id": "7", "body": {"same": 7}},
	{"body": {"i": 0}}, {"_id": null, "body": {"i": 1}}, {"_id": "", "body": {"i": 2}}, {"_id": 0, "body": {"i": 3}}, {"_id": -0.0, "body": {"i": 4}},
	{"_id": false, "body": {"i": 5}}]') AS (list text, entry jsonb);
SELECT count(DISTINCT _id) FROM mcreate_or_replace.doc WHERE _source ? 'i';
SELECT _id, _version, _source FROM mcreate_or_replace.doc WHERE _id IN ('7', '-1.5', 'true') ORDER BY _id;

-- entries that are wrong by themselves
SELECT * FROM pg_temp.call('[1, "text", null, true, [], {}, {"_id": "x1"}, {"_id": "x2", "body": null}, {"_id": "x3", "body": []}, {"_id": "x4", "body": "{}"},
	{"_id": "x5", "changes": {}, "extra": 1.00}, {"_id": {"o": 1}, "body": {}}, {"_id": ["a"], "body": {}}, {"_id": [], "body": 1}]') AS (list text, entry jsonb);
-- mixed with good ones; what only storing finds comes last
SELECT kz_update_collection('mcreate_or_replace', 'doc', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "o": {"properties": {"x": {"type": "integer"}}}}}');
SELECT * FROM pg_temp.call('[{"_id": "m3", "body": {"o": {"x": 1, "b": 1}}}, {"_id": "m2", "body": {"n": 1}}, {"_id": "c", "body": {"n": 1, "b": 1}},
	{"_id": "m1", "body": 1}, {"_id": "a", "body": {"n": 5}}, {"_id": "m0", "body": {"n": 1}, "if_version": 3}]') AS (list text, entry jsonb);
SELECT answer #> '{errors,0,reason}' AS reason, answer #> '{errors,0,status}' AS status, length(answer #>> '{errors,0,document,_id}') AS length
FROM kz_mcreate_or_replace('mcreate_or_replace', 'doc', jsonb_build_array(jsonb_build_object('_id', repeat('x', 513), 'body', '{}'::jsonb))) AS answer;
-- a document that changes nothing is not looked at again
SELECT * FROM pg_temp.call('[{"_id": "t", "body": {"m": 2}}, {"_id": "t", "body": {"m": 3}}]') AS (list text, entry jsonb);
SELECT kz_create_collection('mcreate_or_replace', 'free');

-- all bad, none
SELECT * FROM pg_temp.call('[{}, {"_id": "a", "body": {"b": 1}}]') AS (list text, entry jsonb);
SELECT kz_mcreate_or_replace('mcreate_or_replace', 'doc', '[]'), kz_mcreate_or_replace('unknown', 'unknown', '[]');
SELECT kz_mcreate_or_replace('mcreate_or_replace', 'unknown', '[{}]');

-- if_version
SELECT * FROM pg_temp.entries(kz_mcreate_or_replace('mcreate_or_replace', 'free', '[{"_id": "v1", "body": {"n": 1}, "if_version": 0},
	{"_id": "v1", "body": {"n": 2}, "if_version": 1},
	{"_id": "v1", "body": {"n": 3}, "if_version": 1}, {"_id": "v1", "body": {"n": 4}, "if_version": 0}, {"_id": "v2", "body": {}, "if_version": 1},
	{"_id": "v3", "body": {}, "if_version": -1}, {"_id": "v3", "body": {}, "if_version": "1"}]'));
SELECT * FROM mcreate_or_replace.free ORDER BY _id;

-- source false, strict
SELECT kz_mcreate_or_replace('mcreate_or_replace', 'free', '[{"_id": "v1", "body": {"n": 5}}, {"_id": "v4", "body": {}}]', source => false);
SELECT kz_mcreate_or_replace('mcreate_or_replace', 'free', '[{"_id": "v1", "body": {"n": 6}}, {"_id": "v5", "body": {}}, {}]', strict => true);
SELECT * FROM mcreate_or_replace.free ORDER BY _id;
SELECT kz_mcreate_or_replace('mcreate_or_replace', 'free',
	'[{"_id": "v1", "body": {"n": 6}}]', refresh => NULL, silent => NULL, kuid => NULL, strict => NULL, source => NULL);

-- metadata with a kuid: all four, created or replaced; what was there is lost, what is sent is dropped
SELECT entry - '_source' AS entry, source - '{createdAt,updatedAt}'::text[] AS info, source -> 'createdAt' = source -> 'updatedAt' AS same_time
FROM pg_temp.entries(kz_mcreate_or_replace('mcreate_or_replace', 'free', '[{"_id": "k", "body": {"_kuzzle_info": {"more": 1}}},
	{"_id": "v1", "body": {"n": 6}}]', kuid => 'ada')), LATERAL (SELECT entry #> '{_source,_kuzzle_info}') AS s (source);
SELECT entry - '_source' AS entry, entry #>> '{_source,_kuzzle_info,author}' AS author
FROM pg_temp.entries(kz_mcreate_or_replace('mcreate_or_replace', 'free', '[{"_id": "k", "body": {}}]', kuid => 'bob'));
SELECT * FROM pg_temp.entries(kz_mcreate_or_replace('mcreate_or_replace', 'free', '[{"_id": "k", "body": {"n": 1}}]'));

SELECT kz_delete_index('mcreate_or_replace');
