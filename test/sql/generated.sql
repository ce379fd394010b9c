--
-- FURTHER COLUMNS
-- Generated, identity, default and plain columns of an attached table, its
-- CHECKs and unique indexes: kept, computed and enforced at each write.
--
\set SHOW_CONTEXT never

SELECT kz_create_index('people');
CREATE SEQUENCE people.serial;
CREATE TABLE people.person (
	nr bigint GENERATED ALWAYS AS IDENTITY,
	_id text NOT NULL UNIQUE,
	dropped int NOT NULL DEFAULT 0,
	_source jsonb NOT NULL,
	name text GENERATED ALWAYS AS (_source->>'name') STORED UNIQUE,
	age int GENERATED ALWAYS AS ((_source->>'age')::int) STORED CHECK (age < 150),
	tag text NOT NULL DEFAULT 'none',
	note text,
	serial int DEFAULT nextval('people.serial'),
	_version bigint NOT NULL,
	checked boolean CONSTRAINT has_name CHECK (_source ? 'name')
);
ALTER TABLE people.person DROP dropped;
SELECT kz_attach_collection('people', 'persons', 'people.person');

-- creation fills what is not ours by its default
SELECT kz_create('people', 'persons', '{"name": "Ann", "age": 40}', 'ann');
SELECT kz_upsert('people', 'persons', 'bob', '{"name": "Bob"}', defaults => '{"age": 20}', source => true);
SELECT kz_create_or_replace('people', 'persons', 'cid', '{"name": "Cid", "age": 30}');
SELECT * FROM people.person ORDER BY nr;

-- a change computes generated columns anew and keeps the others
UPDATE people.person SET tag = 'vip', note = 'hello', checked = true WHERE _id = 'ann';
SELECT kz_update('people', 'persons', 'ann', '{"age": 41}', source => true);
SELECT * FROM people.person WHERE _id = 'ann';
SELECT kz_upsert('people', 'persons', 'ann', '{"name": "Anna"}', source => true);
SELECT kz_delete_fields('people', 'persons', 'ann', '{age}', source => true);
SELECT * FROM people.person WHERE _id = 'ann';
SELECT kz_replace('people', 'persons', 'ann', '{"name": "Ann", "age": 42}');
SELECT kz_create_or_replace('people', 'persons', 'ann', '{"name": "Ann", "age": 43}');
SELECT * FROM people.person WHERE _id = 'ann';

-- a no-op leaves the row alone, and the sequences too
SELECT kz_upsert('people', 'persons', 'ann', '{"age": 43}');
SELECT nr, p.serial, _version, s.last_value FROM people.person p, people.serial s WHERE _id = 'ann';

-- columns that plain SQL changes are not counted, and not lost
UPDATE people.person SET note = 'changed' WHERE _id = 'ann';
SELECT kz_update('people', 'persons', 'ann', '{"age": 44}');
SELECT note, _version FROM people.person WHERE _id = 'ann';

-- errors of the table are core's, and nothing is written
SELECT kz_create('people', 'persons', '{"name": "Ann"}', 'ann2');
SELECT kz_upsert('people', 'persons', 'ann2', '{"name": "Ann"}');
SELECT kz_update('people', 'persons', 'bob', '{"name": "Ann"}');
\set VERBOSITY terse
SELECT kz_create('people', 'persons', '{"name": "Dan", "age": 150}', 'dan');
SELECT kz_update('people', 'persons', 'bob', '{"age": 150}');
SELECT kz_create('people', 'persons', '{}', 'dan');
SELECT kz_delete_fields('people', 'persons', 'bob', '{name}');
SELECT kz_update('people', 'persons', 'bob', '{"age": "old"}');
\set VERBOSITY default
SELECT kz_get('people', 'persons', 'bob'), kz_exists('people', 'persons', 'dan');

-- the unique index of the user's is not the one that decides about creation
SELECT kz_delete('people', 'persons', 'ann');
SELECT kz_create('people', 'persons', '{"name": "Ann"}', 'ann2');
SELECT kz_upsert('people', 'persons', 'ann2', '{"age": 1}', source => true);

-- deleted and created again it is a new row
SELECT kz_delete('people', 'persons', 'ann2', source => true);
SELECT kz_upsert('people', 'persons', 'ann2', '{"name": "Ann"}');
SELECT tag, note, checked, _version FROM people.person WHERE _id = 'ann2';

-- columns that come and go between calls
ALTER TABLE people.person ADD upper_name text GENERATED ALWAYS AS (upper(_source->>'name')) STORED;
SELECT kz_update('people', 'persons', 'bob', '{"name": "Bobby"}');
SELECT name, upper_name FROM people.person WHERE _id = 'bob';
ALTER TABLE people.person DROP name, DROP note, ADD note int DEFAULT 5;
SELECT kz_update('people', 'persons', 'bob', '{"name": "Ann"}');
SELECT kz_upsert('people', 'persons', 'eve', '{"name": "Eve"}');
SELECT _id, upper_name, note FROM people.person ORDER BY _id COLLATE "C";

-- a deferred unique constraint is looked at when the transaction ends
DELETE FROM people.person WHERE _id = 'ann2';
ALTER TABLE people.person ADD CONSTRAINT one_name UNIQUE (upper_name) DEFERRABLE INITIALLY DEFERRED;
BEGIN;
SELECT kz_update('people', 'persons', 'eve', '{"name": "Ann"}')->'_version' AS version;
SELECT kz_update('people', 'persons', 'bob', '{"name": "Bob"}')->'_version' AS version;
COMMIT;
BEGIN;
SELECT kz_update('people', 'persons', 'eve', '{"name": "Bob"}')->'_version' AS version;
COMMIT;
SELECT _id, upper_name FROM people.person ORDER BY _id COLLATE "C";

-- an exclusion constraint
ALTER TABLE people.person ADD EXCLUDE (note WITH =) WHERE (note > 5);
UPDATE people.person SET note = 6 WHERE _id = 'eve';
ALTER TABLE people.person ALTER note SET DEFAULT 6;
SELECT kz_upsert('people', 'persons', 'fay', '{"name": "Fay"}');
SELECT kz_update('people', 'persons', 'eve', '{"name": "Eve"}')->'_version' AS version;

SELECT kz_delete_index('people');
SELECT count(*) FROM people.person;
SET client_min_messages = warning;
DROP SCHEMA people CASCADE;
