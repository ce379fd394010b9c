/*
 * Where calls are made from: each sees what was written before it, by kz or by
 * SQL, in the same statement or around it, and leaves the statement that it is
 * part of as it was.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('direct_calls', name) ->> 'acknowledged' AS acknowledged FROM unnest('{doc,log}'::text[]) AS name;

-- one document several times in one statement
SELECT kz_upsert('direct_calls', 'doc', 'a', jsonb_build_object('k' || i, i), source => true) -> '_source' AS source FROM generate_series(1, 3) AS i;
SELECT kz_update('direct_calls', 'doc', 'a', '{"n": 1}') -> '_version' AS updated, kz_delete('direct_calls', 'doc', 'a') AS deleted, kz_create('direct_calls', 'doc', '{"n": 2}', 'a') -> '_version' AS created,
	kz_replace('direct_calls', 'doc', 'a', '{"n": 3}') -> '_version' AS replaced, kz_delete_fields('direct_calls', 'doc', 'a', '{n}') -> '_version' AS stripped,
	kz_upsert('direct_calls', 'doc', 'a', '{"n": 4}', source => true) -> '_source' AS upserted;
SELECT kz_delete('direct_calls', 'doc', 'a'), kz_upsert('direct_calls', 'doc', 'a', jsonb_build_object('i', i)) -> '_version' AS version FROM generate_series(1, 3) AS i;
-- the statement itself sees what was there when it began
SELECT kz_upsert('direct_calls', 'doc', 'b', jsonb_build_object('i', i)) -> '_version' AS version, (SELECT count(*) FROM direct_calls.doc WHERE i > 0) AS rows, kz_count('direct_calls', 'doc') AS counted
FROM generate_series(1, 2) AS i;
-- a statement that writes the table itself: before, in RETURNING, and after
INSERT INTO direct_calls.doc VALUES ('s', 1, '{"by": "SQL"}') RETURNING kz_upsert('direct_calls', 'doc', _id, '{"and": "kz"}', source => true);
UPDATE direct_calls.doc SET _source = _source || '{"again": "SQL"}', _version = _version + 1 WHERE _id = 's' RETURNING kz_update('direct_calls', 'doc', _id, '{"again": "kz"}', source => true);
WITH w AS (INSERT INTO direct_calls.doc VALUES ('t', 1, '{"by": "SQL"}') RETURNING _id) SELECT kz_upsert('direct_calls', 'doc', _id, '{"and": "kz"}', source => true) FROM w;
WITH w AS (SELECT kz_upsert('direct_calls', 'doc', 't', '{"first": "kz"}')) UPDATE direct_calls.doc SET _version = _version + 10 WHERE _id = 's' AND (SELECT count(*) FROM w) = 1;
DELETE FROM direct_calls.doc WHERE _id = 's' RETURNING kz_upsert('direct_calls', 'doc', _id, '{"new": true}');
-- what the statement is about to write is written by kz first: core's error
UPDATE direct_calls.doc SET _version = _version WHERE _id = 's' AND kz_update('direct_calls', 'doc', 's', '{"x": 1}') IS NOT NULL;
DELETE FROM direct_calls.doc WHERE _id = 's' AND kz_delete('direct_calls', 'doc', 's') IS NOT NULL;
SELECT * FROM direct_calls.doc ORDER BY _id;

-- functions: SQL, plpgsql, one that catches, one that is called by the other
CREATE FUNCTION direct_calls.by_sql(id text, n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT kz_upsert('direct_calls', 'doc', id, jsonb_build_object('sql', n));
	UPDATE direct_calls.doc SET _version = _version + 100 WHERE _id = id;
	SELECT kz_upsert('direct_calls', 'doc', id, '{"last": true}', source => true);
$$;
SELECT direct_calls.by_sql('f', i) FROM generate_series(1, 2) AS i;
CREATE FUNCTION direct_calls.by_plpgsql(id text, depth int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kz_upsert('direct_calls', 'doc', id, jsonb_build_object('d' || depth, depth));
	IF depth > 0 THEN
		BEGIN
			PERFORM direct_calls.by_plpgsql(id, depth - 1);
			PERFORM kz_mupsert('direct_calls', 'doc', jsonb_build_array(jsonb_build_object('_id', id || depth, 'changes', '{}'::jsonb), jsonb_build_object('_id', id, 'changes', '{"many": 1}'::jsonb)));
			PERFORM 1 / (depth % 2);
		EXCEPTION WHEN division_by_zero THEN
			PERFORM kz_upsert('direct_calls', 'doc', id, jsonb_build_object('undone', depth));
		END;
	END IF;
	RETURN (kz_get('direct_calls', 'doc', id) ->> '_version')::bigint;
END $$;
SELECT direct_calls.by_plpgsql('g', 3);
SELECT * FROM direct_calls.doc WHERE _id LIKE 'g%' ORDER BY _id;

-- a CHECK whose function reads the collection, writes another one, or this one
CREATE FUNCTION direct_calls.checked(id text, source jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	CASE source ->> 'check'
		WHEN 'read' THEN
			RETURN kz_exists('direct_calls', 'doc', source ->> 'other');
		WHEN 'log' THEN
			PERFORM kz_upsert('direct_calls', 'log', id, source);
		WHEN 'other' THEN
			PERFORM kz_upsert('direct_calls', 'doc', id || '+', '{"by": "CHECK"}');
		WHEN 'many' THEN
			PERFORM kz_mupsert('direct_calls', 'doc', jsonb_build_array(jsonb_build_object('_id', id || '+', 'changes', '{"by": "CHECK"}'::jsonb),
				jsonb_build_object('_id', id || '-', 'changes', '{"by": "CHECK"}'::jsonb)));
		WHEN 'same' THEN
			PERFORM kz_upsert('direct_calls', 'doc', id, '{"check": "no more", "by": "CHECK"}');
		WHEN 'error' THEN
			PERFORM kz_get('direct_calls', 'doc', 'none');
		WHEN 'caught' THEN
			BEGIN
				PERFORM kz_upsert('direct_calls', 'log', id, '{"undone": true}'), kz_get('direct_calls', 'doc', 'none');
			EXCEPTION WHEN SQLSTATE 'KZ404' THEN
				PERFORM kz_upsert('direct_calls', 'log', id, '{"caught": true}');
			END;
		ELSE
	END CASE;
	RETURN true;
END $$;
ALTER TABLE direct_calls.doc ADD CONSTRAINT checked CHECK (direct_calls.checked(_id, _source));
SET statement_timeout = '20s';
SELECT kz_create('direct_calls', 'doc', '{"check": "read", "other": "a"}', 'c1') -> '_version' AS version;
SELECT kz_create('direct_calls', 'doc', '{"check": "read", "other": "none"}', 'c2') -> '_version' AS version;
SELECT kz_create('direct_calls', 'doc', '{"check": "log"}', 'c2') -> '_version' AS version, kz_update('direct_calls', 'doc', 'c2', '{"n": 1}') -> '_version' AS updated;
SELECT kz_create('direct_calls', 'doc', '{"check": "other"}', 'c3') -> '_version' AS version, kz_update('direct_calls', 'doc', 'c3', '{"n": 1}') -> '_version' AS updated;
SELECT kz_create('direct_calls', 'doc', '{"check": "many"}', 'c4') -> '_version' AS version, kz_update('direct_calls', 'doc', 'c4', '{"n": 1}') -> '_version' AS updated;
SELECT kz_create('direct_calls', 'doc', '{"check": "error"}', 'c5');
SELECT kz_create('direct_calls', 'doc', '{"check": "caught"}', 'c5') -> '_version' AS version, kz_update('direct_calls', 'doc', 'c5', '{"n": 1}') -> '_version' AS updated;
-- the very document, under the write: merged into what was created first, or core's error
SELECT kz_upsert('direct_calls', 'doc', 'c6', '{"check": "same", "n": 1}', source => true);
SELECT kz_create('direct_calls', 'doc', '{"check": "same"}', 'c7');
SELECT kz_upsert('direct_calls', 'doc', 'c7', '{}') -> 'created' AS created;
SELECT kz_update('direct_calls', 'doc', 'c7', '{"check": "same"}');
-- many of them
SELECT jsonb_array_length(answer -> 'successes') AS successes, answer -> 'errors' AS errors
FROM kz_mupsert('direct_calls', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', 'm' || i, 'changes', jsonb_build_object('i', i, 'other', 'm1', 'check', (ARRAY['read', 'log', 'other', 'many', 'caught', 'none'])[i % 6 + 1])) ORDER BY i)
	FROM generate_series(1, 60) AS i), source => false) AS answer;
SELECT jsonb_array_length(answer -> 'successes') AS successes, answer -> 'errors' AS errors
FROM kz_mupsert('direct_calls', 'doc', '[{"_id": "n1", "changes": {}}, {"_id": "n2", "changes": {"check": "same"}}, {"_id": "n3", "changes": {"check": "error"}}, {"_id": "n4", "changes": {"check": "other"}},
	{"_id": "n4+", "changes": {"n": 4}}, {"_id": "n5", "changes": {"check": "read", "other": "n1"}}, {"_id": "n6", "changes": {"check": "read", "other": "n7"}}]', source => false) AS answer;
RESET statement_timeout;
SELECT * FROM direct_calls.doc WHERE _id >= 'c' AND _id NOT LIKE 'g%' AND _id NOT LIKE 'm%' ORDER BY _id;
SELECT _source ->> 'check' AS check, _source ->> 'by' AS by, _version, count(*), min(_id), max(_id) FROM direct_calls.doc WHERE _id LIKE 'm%' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT _source - 'i' AS source, count(*), min(_id), max(_id) FROM direct_calls.log GROUP BY 1 ORDER BY 2, 3;
ALTER TABLE direct_calls.doc DROP CONSTRAINT checked;
SELECT kz_truncate_collection('direct_calls', 'log');

-- an index whose function reads a collection
CREATE FUNCTION direct_calls.indexed(id text, source jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
BEGIN
	RETURN (source ->> 'i') || CASE WHEN kz_exists('direct_calls', 'log', id) THEN ' is logged' ELSE '' END;
END $$;
SELECT jsonb_array_length(kz_mcreate('direct_calls', 'log', '[{"_id": "x1", "body": {}}, {"_id": "x3", "body": {}}]') -> 'successes') AS successes;
CREATE INDEX indexed ON direct_calls.doc (direct_calls.indexed(_id, _source)) WHERE _source ? 'i';
SELECT kz_create('direct_calls', 'doc', '{"i": "x1"}', 'x1') -> '_version' AS version, kz_update('direct_calls', 'doc', 'x1', '{"i": "x2"}') -> '_version' AS updated;
SELECT jsonb_array_length(kz_mupsert('direct_calls', 'doc', '[{"_id": "x2", "changes": {"i": "x3"}}, {"_id": "x3", "changes": {"i": "x4"}}, {"_id": "x1", "changes": {"i": "x5"}}]') -> 'successes') AS successes;
SET enable_seqscan = off;
SELECT _id, direct_calls.indexed(_id, _source) FROM direct_calls.doc WHERE direct_calls.indexed(_id, _source) LIKE 'x%' AND _source ? 'i' ORDER BY _id;
RESET enable_seqscan;
DROP INDEX direct_calls.indexed;

-- a trigger of another table, a policy, a view, a default
CREATE TABLE direct_calls.plain (id text, answer jsonb DEFAULT kz_upsert('direct_calls', 'doc', 'default', '{"n": 1}'));
CREATE FUNCTION direct_calls.fired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kz_upsert('direct_calls', 'doc', NEW.id, jsonb_build_object('op', TG_OP, 'rows', (SELECT count(*) FROM direct_calls.plain)));
	RETURN NEW;
END $$;
CREATE TRIGGER fired_before BEFORE INSERT ON direct_calls.plain FOR EACH ROW EXECUTE FUNCTION direct_calls.fired();
CREATE CONSTRAINT TRIGGER fired_after AFTER INSERT OR UPDATE ON direct_calls.plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION direct_calls.fired();
INSERT INTO direct_calls.plain (id) VALUES ('y1'), ('y1'), ('y2');
CREATE VIEW direct_calls.view AS SELECT id, kz_upsert('direct_calls', 'doc', id, '{"view": true}', source => true) -> '_source' AS source FROM direct_calls.plain;
SELECT * FROM direct_calls.view ORDER BY id;
SELECT _id, _version, _source FROM direct_calls.doc WHERE _id IN ('y1', 'y2', 'default') ORDER BY _id;

-- cursors: savepoints come and go between its calls
BEGIN;
DECLARE c CURSOR FOR SELECT i, kz_upsert('direct_calls', 'doc', 'z', jsonb_build_object('c' || i, i)) -> '_version' AS version FROM generate_series(1, 5) AS i;
FETCH 1 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
SELECT kz_upsert('direct_calls', 'doc', 'z', '{"undone": true}') -> '_version' AS version;
ROLLBACK TO s;
FETCH 1 FROM c;
SAVEPOINT t;
FETCH 1 FROM c;
RELEASE t;
FETCH 1 FROM c;
COMMIT;
SELECT _version, _source FROM direct_calls.doc WHERE _id = 'z';
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT kz_upsert('direct_calls', 'doc', 'z', jsonb_build_object('h' || i, i)) -> '_version' AS version FROM generate_series(1, 2) AS i;
COMMIT;
FETCH ALL FROM h;
CLOSE h;

-- levels that keep their snapshot: its own writes are seen, kz's and others, and errors undo what they should
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT kz_upsert('direct_calls', 'doc', 'rr', jsonb_build_object('i', i)) -> '_version' AS version FROM generate_series(1, 3) AS i;
INSERT INTO direct_calls.doc VALUES ('rr2', 1, '{}');
SELECT kz_update('direct_calls', 'doc', 'rr2', '{"n": 1}') -> '_version' AS version, kz_delete('direct_calls', 'doc', 'rr') AS deleted;
SAVEPOINT s;
SELECT kz_mupsert('direct_calls', 'doc', '[{"_id": "rr", "changes": {}}, {"_id": "rr2", "changes": {"m": 1}}, {"_id": "rr3", "changes": {}}]', source => false) -> 'errors' AS errors;
SELECT kz_create('direct_calls', 'doc', '{}', 'rr3');
ROLLBACK TO s;
SELECT kz_mexists('direct_calls', 'doc', '{rr,rr2,rr3}');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kz_upsert('direct_calls', 'doc', 'ser', jsonb_build_object('i', i)) -> '_version' AS version FROM generate_series(1, 2) AS i;
SELECT kz_mupsert('direct_calls', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', 'ser' || i % 50, 'changes', jsonb_build_object('i', i))) FROM generate_series(1, 100) AS i), source => false) -> 'errors' AS errors;
SELECT kz_delete('direct_calls', 'doc', 'ser'), kz_upsert('direct_calls', 'doc', 'ser', '{}') -> 'created' AS created;
COMMIT;
SELECT count(*), max(_version) FROM direct_calls.doc WHERE _id LIKE 'ser%';

-- an error in the middle of a statement undoes the whole of it
ALTER TABLE direct_calls.doc ADD CONSTRAINT small CHECK ((_source ->> 'small')::int < 4);
SELECT kz_upsert('direct_calls', 'doc', 'e' || i, jsonb_build_object('small', i)) FROM generate_series(1, 5) AS i;
SELECT count(*) FROM direct_calls.doc WHERE _id LIKE 'e%';
DO $$
BEGIN
	FOR i IN 1 .. 6 LOOP
		BEGIN
			PERFORM kz_upsert('direct_calls', 'doc', 'e' || i, jsonb_build_object('small', i)), kz_upsert('direct_calls', 'doc', 'e', jsonb_build_object('small', i - 1));
		EXCEPTION WHEN check_violation THEN
			PERFORM kz_upsert('direct_calls', 'doc', 'e', jsonb_build_object('failed', i));
		END;
	END LOOP;
END $$;
SELECT * FROM direct_calls.doc WHERE _id LIKE 'e%' ORDER BY _id;
ALTER TABLE direct_calls.doc DROP CONSTRAINT small;

-- no writing by whoever only replays what others have written; triggers are none of kz's business there
SET session_replication_role = replica;
SELECT kz_upsert('direct_calls', 'doc', 'replica', '{"n": 1}'), kz_update('direct_calls', 'doc', 'replica', '{"n": 2}') -> '_version' AS version, kz_delete('direct_calls', 'doc', 'replica');
RESET session_replication_role;

-- readers in parallel workers
SELECT jsonb_array_length(kz_mupsert('direct_calls', 'log', (SELECT jsonb_agg(jsonb_build_object('_id', 'p' || i, 'changes', jsonb_build_object('i', i))) FROM generate_series(1, 3000) AS i)) -> 'successes') AS successes;
BEGIN;
SELECT kz_update('direct_calls', 'log', 'p1', '{"mine": true}') -> '_version' AS version;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT count(kz_get('direct_calls', 'log', _id)), count(*) FILTER (WHERE kz_get('direct_calls', 'log', _id) -> '_version' = to_jsonb(_version)) AS same, count(*) FILTER (WHERE kz_exists('direct_calls', 'log', 'p1')) AS there FROM direct_calls.log;
COMMIT;

DROP TABLE direct_calls.plain CASCADE;
DROP FUNCTION direct_calls.by_sql, direct_calls.by_plpgsql, direct_calls.checked, direct_calls.indexed, direct_calls.fired;
SELECT kz_delete_index('direct_calls');
