/*
 * kz_mupsert: changes merged into documents, which are created from the changes
 * with "default" merged over them if they are not there.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mupsert', 'doc');

-- the entries of an answer, as they are listed
CREATE FUNCTION pg_temp.entries(answer jsonb, OUT list text, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT list, entry
	FROM (VALUES (1, 'errors'), (2, 'successes')) AS l (ord, list), jsonb_array_elements(answer -> list) WITH ORDINALITY AS e (entry, n)
	ORDER BY l.ord, n
$$;

-- created, then updated, then unchanged
SELECT kz_mupsert('mupsert', 'doc', '[{"_id": "a", "changes": {"n": 1}}]');
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "c", "changes": {"n": 3}}, {"_id": "b", "changes": {}},
	{"_id": "a", "changes": {"m": {"x": 1}}}]'));
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "c", "changes": {"n": 3}}, {"_id": "b", "changes": {}},
	{"_id": "a", "changes": {"m": {"y": 2}}}]'));
SELECT * FROM mupsert.doc ORDER BY _id;

-- on creation the default wins over the changes, in depth; unlike in kz_upsert
SELECT kz_mupsert('mupsert', 'doc', '[{"_id": "d", "changes": {"a": 1, "o": {"x": 1, "z": 1}, "l": [1], "n": null},
	"default": {"a": 2, "b": 3, "o": {"x": 2, "y": 3}, "l": [2, 3], "n": 4}}]') #> '{successes,0,_source}' AS source;
SELECT kz_upsert('mupsert', 'doc', 'e', '{"a": 1, "o": {"x": 1, "z": 1}, "l": [1], "n": null}',
	defaults => '{"a": 2, "b": 3, "o": {"x": 2, "y": 3}, "l": [2, 3], "n": 4}', source => true) -> '_source' AS source;
-- of a document that is there the default is ignored
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "d", "changes": {"a": 5}, "default": {"a": 6, "new": 7}},
	{"_id": "c", "changes": {}, "default": {"new": 7}}]'));
-- a default that JavaScript takes for none
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "f1", "changes": {}, "default": null}, {"_id": "f2", "changes": {}, "default": false},
	{"_id": "f3", "changes": {}, "default": 0}, {"_id": "f4", "changes": {}, "default": ""}, {"_id": "f5", "changes": {}, "default": {}}]'));

-- entries that are wrong by themselves: changes, then default, then the id
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[1, "text", null, true, [], {}, {"_id": "x"}, {"_id": "x", "changes": null},
	{"_id": "x", "changes": [{}]},
	{"_id": "x", "changes": "{}"}, {"_id": "x", "body": {}}, {"_id": 7, "changes": 7, "default": 7},
	{"_id": "x", "changes": {}, "default": true}, {"_id": "x", "changes": {}, "default": 1}, {"_id": "x", "changes": {}, "default": "a"},
	{"_id": "x", "changes": {}, "default": []}, {"_id": 7, "changes": {}, "default": []},
	{"changes": {}}, {"_id": null, "changes": {}}, {"_id": "", "changes": {}}, {"_id": 7, "changes": {}}, {"_id": 0, "changes": {}}, {"_id": false, "changes": {}},
	{"_id": {}, "changes": {}}, {"_id": ["a"], "changes": {}, "extra": 1.00}]'));
-- a default that is wrong counts even where it would not be used
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "a", "changes": {"n": 2}, "default": 1}, {"_id": "a", "changes": {"n": 3}}]'));

-- mixed: what only storing finds comes last
SELECT kz_create_collection('mupsert', 'strict', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "o": {"properties": {"x": {"type": "integer"}}}}}');
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'strict', '[{"_id": "d", "changes": {"n": 1, "b": 2}}, {"_id": "c", "changes": {"n": 1}},
	{"_id": "b", "changes": {}, "default": {"o": {"y": 1}}},
	{"_id": 1, "changes": {}}, {"_id": "a", "changes": {"n": 1}, "if_version": 1}, {"_id": "a", "changes": {"n": 1}}, {"changes": 1},
	{"_id": "c", "changes": {}, "default": {"b": 1}}]'));
SELECT * FROM mupsert.strict ORDER BY _id;
SELECT answer #> '{errors,0,reason}' AS reason, answer #> '{errors,0,status}' AS status, length(answer #>> '{errors,0,document,_id}') AS length
FROM kz_mupsert('mupsert', 'doc', jsonb_build_array(jsonb_build_object('_id', repeat('x', 513), 'changes', '{}'::jsonb))) AS answer;

-- all bad, none
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'strict', '[{"_id": "c", "changes": {"b": 1}}, {}]'));
SELECT kz_mupsert('mupsert', 'doc', '[]'), kz_mupsert('unknown', 'unknown', '[]', strict => true);
SELECT kz_mupsert('mupsert', 'unknown', '[{}]');

-- the same id three times: each step is reported, one row version is written
SELECT kz_create_collection('mupsert', 'twice');
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'twice', '[{"_id": "t", "changes": {"n": 1}, "default": {"d": 1}}, {"_id": "s", "changes": {}},
	{"_id": "t", "changes": {"m": 2}, "default": {"d": 2}}, {"_id": "t", "changes": {"m": 2}}]'));
SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'mupsert.twice'::regclass;
COMMIT;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'twice', '[{"_id": "t", "changes": {"n": 2}}, {"_id": "t", "changes": {"n": 3}},
	{"_id": "t", "changes": {"n": 3}}]'));
SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'mupsert.twice'::regclass;
COMMIT;
SELECT ctid, * FROM mupsert.twice ORDER BY _id;
-- a step that fails takes no part; the steps around it do
SELECT kz_update_collection('mupsert', 'twice', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "m": {"type": "integer"}, "d": {"type": "integer"}}}');
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'twice', '[{"_id": "t", "changes": {"n": 4}}, {"_id": "t", "changes": {"b": 4}},
	{"_id": "t", "changes": {"m": 4}},
	{"_id": "r", "changes": {"b": 4}}, {"_id": "r", "changes": {"m": 4}}]'));

-- one with row triggers sees each step as it is; a statement trigger does not count
CREATE TABLE mupsert.seen (ord serial, what text, id text, version bigint, source jsonb);
CREATE FUNCTION mupsert.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO mupsert.seen (what, id, version, source) VALUES (TG_OP, NEW._id, NEW._version, NEW._source);
	RETURN NEW;
END $$;
CREATE TRIGGER see AFTER INSERT OR UPDATE ON mupsert.doc FOR EACH ROW EXECUTE FUNCTION mupsert.see();
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "t", "changes": {"n": 1}, "default": {"d": 1}}, {"_id": "s", "changes": {}},
	{"_id": "t", "changes": {"m": 2}}, {"_id": "t", "changes": {"m": 2}}, {"_id": "t", "changes": {"m": 3}}]'));
SELECT what, id, version, source FROM mupsert.seen ORDER BY ord;
DROP TRIGGER see ON mupsert.doc;
-- a trigger that changes what is stored: the answer and the next step have it
CREATE FUNCTION mupsert.count_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW._source = NEW._source || jsonb_build_object('steps', coalesce((NEW._source ->> 'steps')::int, 0) + 1);
	RETURN NEW;
END $$;
CREATE TRIGGER count_steps BEFORE INSERT OR UPDATE ON mupsert.doc FOR EACH ROW EXECUTE FUNCTION mupsert.count_steps();
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'doc', '[{"_id": "u", "changes": {"n": 1}}, {"_id": "u", "changes": {"n": 2}},
	{"_id": "u", "changes": {"n": 2}}]'));
DROP TRIGGER count_steps ON mupsert.doc;

-- documents are written in the order of the bytes of their ids, and answered in that of the request
ALTER TABLE mupsert.twice ADD written serial;
SELECT entry -> '_id' AS id FROM pg_temp.entries(kz_mupsert('mupsert', 'twice', '[{"_id": "éa", "changes": {}}, {"_id": "z", "changes": {}},
	{"_id": "_", "changes": {}},
	{"_id": "aa", "changes": {}}, {"_id": "Z", "changes": {}}, {"_id": "a", "changes": {}}, {"_id": "zz", "changes": {}}, {"_id": "-", "changes": {}}]'));
SELECT _id FROM mupsert.twice WHERE _source = '{}' ORDER BY written;
SELECT bool_and(entry ->> '_id' = (500 - n)::text) AS order_of_request, count(*)
FROM jsonb_array_elements(kz_mupsert('mupsert', 'twice', (SELECT jsonb_agg(jsonb_build_object('_id', (500 - i)::text, 'changes', '{}'::jsonb) ORDER BY i)
	FROM generate_series(1, 499) AS i)) -> 'successes') WITH ORDINALITY AS e (entry, n);
SELECT bool_and(_id > before) AS order_of_ids FROM (SELECT _id, lag(_id) OVER (ORDER BY written) AS before FROM mupsert.twice WHERE _id ~ '^\d') AS w;

-- if_version: of several entries of one id each has its own, and they are not written together
SELECT kz_create_collection('mupsert', 'version');
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT * FROM pg_temp.entries(kz_mupsert('mupsert', 'version', '[{"_id": "v", "changes": {"n": 0}, "if_version": 1},
	{"_id": "v", "changes": {"n": 1}, "if_version": 0}, {"_id": "v", "changes": {"n": 2}, "if_version": 0},
	{"_id": "v", "changes": {"n": 3}, "if_version": 1}, {"_id": "v", "changes": {"n": 4}}, {"_id": "v", "changes": {"n": 4}, "if_version": 3},
	{"_id": "v", "changes": {}, "if_version": 2},
	{"_id": "w", "changes": {}, "if_version": null}, {"_id": "w", "changes": {}, "if_version": -1}, {"_id": "w", "changes": {}, "if_version": 1.5},
	{"_id": "w", "changes": {}, "if_version": "1"},
	{"_id": "w", "changes": {}, "if_version": {}}]'));
SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'mupsert.version'::regclass;
COMMIT;

-- source false, strict, the other options, NULL for all of them
SELECT kz_mupsert('mupsert', 'strict', '[{"_id": "c", "changes": {"n": 2}}, {"_id": "d", "changes": {}}, {"_id": "c", "changes": {"b": 2}}]', source => false);
SELECT kz_mupsert('mupsert', 'strict', '[{"_id": "c", "changes": {"n": 3}}, {"_id": "e", "changes": {"b": 1}}, {"_id": "f", "changes": {}},
	{"_id": "c"}]', strict => true);
SELECT kz_mupsert('mupsert', 'strict', '[{"_id": "c", "changes": {"n": 3}}]', strict => true, retry_on_conflict => 0, refresh => '', silent => true);
SELECT kz_mupsert('mupsert', 'strict', '[{"_id": "c", "changes": {"n": 4}}, {"_id": "c", "changes": {"b": 1}}]', refresh => NULL, silent => NULL, kuid => NULL,
	retry_on_conflict => NULL, strict => NULL, source => NULL);
SELECT * FROM mupsert.strict ORDER BY _id;

-- metadata with a kuid: as kz_upsert keeps it; _kuzzle_info of changes and default is dropped
SELECT list, CASE WHEN created IS NULL THEN entry ELSE jsonb_set(entry #- '{_source,_kuzzle_info,createdAt}', '{_source,_kuzzle_info,updatedAt}',
	coalesce(to_jsonb(updated - created < 10000 AND updated >= created), 'null')) END AS entry
FROM pg_temp.entries(kz_mupsert('mupsert', 'version',
	'[{"_id": "k", "changes": {"_kuzzle_info": {"author": "forged"}}, "default": {"_kuzzle_info": {"author": "forged", "more": 1}}},
	{"_id": "k", "changes": {"_kuzzle_info": {"author": "forged"}}}, {"_id": "l", "changes": {}}, {"_id": "k"}]', kuid => 'ada')),
	LATERAL (SELECT (entry #>> '{_source,_kuzzle_info,createdAt}')::numeric, (entry #>> '{_source,_kuzzle_info,updatedAt}')::numeric) AS i (created, updated);
SELECT kz_mupsert('mupsert', 'version', '[{"_id": "m", "changes": {"_kuzzle_info": 1}, "default": {"_kuzzle_info": {"author": "data"}}}]');

DROP FUNCTION mupsert.see(), mupsert.count_steps();
DROP TABLE mupsert.seen;
SELECT kz_delete_index('mupsert');
