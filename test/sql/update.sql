/*
 * kz_update: changes merged into a document that is there.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('update', 'doc');
SELECT kz_create('update', 'doc', '{"name": "Ada", "address": {"city": "London", "zip": "W1"}, "tags": ["x", "y"]}', 'a');

-- the answer's _source is the changes alone, or with source the whole document
SELECT kz_update('update', 'doc', 'a', '{"address": {"city": "Paris"}}');
SELECT kz_update('update', 'doc', 'a', '{"address": {"country": "FR"}}', source => true);
SELECT kz_update('update', 'doc', 'a', '{"tags": ["z"]}', source => false);
SELECT * FROM "update".doc ORDER BY _id;

-- the rule is that of kz_merge
SELECT kz_update('update', 'doc', 'a', '{"address": null, "a.b": {}, "name": {"first": "Ada"}}', source => true);
SELECT kz_update('update', 'doc', 'a', '{"address": {"back": true}, "a.b": {"c": 1}}', source => true);
SELECT kz_update('update', 'doc', 'a', '{"n": 1.10}', source => true);
-- a _kuzzle_info without a kuid is data like any other
SELECT kz_update('update', 'doc', 'a', '{"_kuzzle_info": {"author": "me"}}');
SELECT kz_update('update', 'doc', 'a', '{"_kuzzle_info": {"x": 1}}', source => true);

-- all options, by name
SELECT kz_update(index => 'update', collection => 'doc', id => 'a', changes => '{"n": 2}', refresh => 'wait_for', silent => true,
	if_version => 9, retry_on_conflict => 0, source => false);

-- an absent document is not found, and none is made
SELECT kz_update('update', 'doc', 'absent', '{"n": 1}');
SELECT kz_update('update', 'doc', 'absent', '{}');
SELECT kz_update('update', 'doc', 'A', '{"n": 1}');
SELECT kz_count('update', 'doc');

-- one statement may update one document many times: each sees what the one before has written
SELECT kz_create('update', 'doc', '{}', 'counter');
SELECT kz_update('update', 'doc', 'counter', jsonb_build_object('k' || i, i)) ->> '_version' AS version FROM generate_series(1, 5) i;
SELECT kz_get('update', 'doc', 'counter');
-- and many documents, while it reads them from the very same table
SELECT kz_create('update', 'doc', jsonb_build_object('i', i), 'n' || i) ->> '_id' AS _id FROM generate_series(1, 5) i;
SELECT kz_update('update', 'doc', _id, jsonb_build_object('double', (_source ->> 'i')::int * 2), source => true)
FROM "update".doc WHERE _id LIKE 'n%' ORDER BY _id DESC;
SELECT _id, _version, _source FROM "update".doc WHERE _id LIKE 'n%' ORDER BY _id;

-- plain SQL beside it: what it wrote is what the next update merges into; its version counts on
UPDATE "update".doc SET _source = '{"plain": {"sql": 1}}', _version = 41 WHERE _id = 'n1';
SELECT kz_update('update', 'doc', 'n1', '{"plain": {"kz": 2}}', source => true);
INSERT INTO "update".doc VALUES ('inserted', 7, '{"by": "hand"}');
SELECT kz_update('update', 'doc', 'inserted', '{"and": "kz"}', source => true);

-- even something that is no object: changes replace it
UPDATE "update".doc SET _source = '[{"plain": "sql"}]' WHERE _id = 'inserted';
SELECT kz_update('update', 'doc', 'inserted', '{"now": "an object"}', source => true);
-- the largest version has no next one
UPDATE "update".doc SET _version = 9223372036854775807 WHERE _id = 'inserted';
SELECT kz_update('update', 'doc', 'inserted', '{"n": 1}');
SELECT kz_update('update', 'doc', 'inserted', '{}') -> '_version' AS version;
-- in RETURNING, kz sees what the statement has written so far
UPDATE "update".doc SET _source = '{"by": "SQL"}', _version = 1 WHERE _id = 'inserted'
	RETURNING kz_update('update', 'doc', _id, '{"and": "kz"}', source => true);
SELECT * FROM "update".doc WHERE _id = 'inserted';
-- rows that the transaction has locked itself are in nobody's way
BEGIN;
SELECT _id FROM "update".doc WHERE _id = 'inserted' FOR UPDATE;
SELECT kz_update('update', 'doc', 'inserted', '{"locked": 1}');
SAVEPOINT s;
SELECT _id FROM "update".doc WHERE _id = 'inserted' FOR SHARE;
SELECT kz_update('update', 'doc', 'inserted', '{"locked": 2}');
ROLLBACK TO s;
SELECT kz_update('update', 'doc', 'inserted', '{"again": 3}', retry_on_conflict => 0, source => true);
COMMIT;

-- a function's loop, and a transaction that sees its own writes
DO $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM kz_update('update', 'doc', 'counter', jsonb_build_object('loop', i));
	END LOOP;
END $$;
BEGIN;
SELECT kz_update('update', 'doc', 'counter', '{"k1": "one"}');
SELECT kz_update('update', 'doc', 'counter', '{"k2": "two"}', source => true);
SAVEPOINT s;
SELECT kz_update('update', 'doc', 'counter', '{"k3": "undone"}') -> '_version' AS version;
ROLLBACK TO s;
SELECT kz_update('update', 'doc', 'counter', '{"k4": "four"}', source => true);
COMMIT;
SELECT kz_get('update', 'doc', 'counter');
BEGIN;
SELECT kz_update('update', 'doc', 'counter', '{"k1": "undone"}') -> '_version' AS version;
ROLLBACK;
SELECT kz_get('update', 'doc', 'counter') -> '_version' AS version;

-- in the stricter isolation levels too
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT kz_update('update', 'doc', 'n2', '{"level": "repeatable read"}', source => true);
SELECT kz_update('update', 'doc', 'n2', '{"twice": true}', source => true);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kz_update('update', 'doc', 'n2', '{"level": "serializable"}', source => true);
COMMIT;

-- a prepared statement, as drivers use it, keeps working beyond its custom plans
PREPARE change (text, jsonb) AS SELECT kz_update('update', 'doc', $1, $2) -> '_version' AS version;
EXECUTE change ('n3', '{"p": 1}');
EXECUTE change ('n3', '{"p": 2}');
EXECUTE change ('n3', '{"p": 3}');
EXECUTE change ('n3', '{"p": 4}');
EXECUTE change ('n3', '{"p": 5}');
EXECUTE change ('n3', '{"p": 6}');
EXECUTE change ('n3', '{"p": 7}');
DEALLOCATE change;

-- a big document stays whole when a small part of it changes, and the other way round
SELECT kz_create('update', 'doc', jsonb_build_object('text', repeat('0123456789', 50000), 'n', 1), 'big') ->> '_id' AS _id;
SELECT kz_update('update', 'doc', 'big', '{"n": 2}');
SELECT length(_source ->> 'text') AS length, _source -> 'n' AS n, _version FROM "update".doc WHERE _id = 'big';
SELECT length(kz_update('update', 'doc', 'n4', jsonb_build_object('text', repeat('é', 50000)), source => true) -> '_source' ->> 'text') AS length;
SELECT length(_source ->> 'text') AS length, _source - 'text' AS rest, _version FROM "update".doc WHERE _id = 'n4';

SELECT kz_delete_index('update');
