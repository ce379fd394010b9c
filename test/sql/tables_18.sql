--
-- TABLES OF POSTGRESQL 18
-- What tables can have since then: virtual generated columns, NOT NULL that is
-- not validated, constraints that are not enforced, keys over periods of time.
--
\set SHOW_CONTEXT never
SELECT current_setting('server_version_num')::int < 180000 AS earlier \gset
\if :earlier
\quit
\endif

SELECT kz_create_index('later');

-- a virtual column is computed when it is read, checked when a document is written
CREATE TABLE later.person (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL,
	age int GENERATED ALWAYS AS ((_source ->> 'age')::int) VIRTUAL NOT NULL CHECK (age < 150),
	name text GENERATED ALWAYS AS (_source ->> 'name'));
SELECT kz_attach_collection('later', 'person', 'later.person');
SELECT kz_create('later', 'person', '{"name": "Ann", "age": 40}', 'ann');
SELECT kz_update('later', 'person', 'ann', '{"age": 41}', source => true);
SELECT e #>> '{document,_id}' AS id, e -> 'status' AS status, split_part(e ->> 'reason', ': ', 1) AS reason FROM jsonb_array_elements(kz_mupsert('later', 'person',
	'[{"_id": "ann", "changes": {"name": "Anna"}}, {"_id": "bob", "changes": {"age": 20}}, {"_id": "old", "changes": {"age": 150}}, {"_id": "eve", "changes": {}}]') -> 'errors') AS e;
SELECT kz_upsert('later', 'person', 'ann', '{"age": 41}');
SELECT _id, _version, age, name FROM later.person ORDER BY _id;
\set VERBOSITY terse
SELECT kz_create('later', 'person', '{"age": 150}', 'old');
SELECT kz_update('later', 'person', 'ann', '{"age": null}');
SELECT kz_update('later', 'person', 'ann', '{"age": "old"}');
\set VERBOSITY default

-- a column of a document is not generated, be it virtual
CREATE TABLE later.generated (_id text PRIMARY KEY, _version bigint GENERATED ALWAYS AS (1) VIRTUAL NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('later', 'generated', 'later.generated');

-- NOT NULL that is not validated says nothing about the rows that are there
CREATE TABLE later.unsure (_id text UNIQUE, _version bigint NOT NULL, _source jsonb NOT NULL, note text);
INSERT INTO later.unsure VALUES (NULL, 1, '{}');
ALTER TABLE later.unsure ADD CONSTRAINT has_id NOT NULL _id NOT VALID;
SELECT kz_attach_collection('later', 'unsure', 'later.unsure');
DELETE FROM later.unsure;
ALTER TABLE later.unsure VALIDATE CONSTRAINT has_id;
SELECT kz_attach_collection('later', 'unsure', 'later.unsure');
SELECT kz_create('later', 'unsure', '{"n": 1}', 'a'), kz_update('later', 'unsure', 'a', '{"n": 2}');
-- but it refuses NULL in the rows that come
ALTER TABLE later.unsure ADD CONSTRAINT has_note NOT NULL note NOT VALID;
SELECT kz_create('later', 'unsure', '{"n": 1}', 'b');
ALTER TABLE later.unsure DROP CONSTRAINT has_note;
SELECT kz_create('later', 'unsure', '{"n": 1}', 'b');
-- what is taken from a collection while it is one
ALTER TABLE later.unsure DROP CONSTRAINT has_id;
SELECT kz_get('later', 'unsure', 'b');
ALTER TABLE later.unsure ADD CONSTRAINT has_id NOT NULL _id NOT VALID;
SELECT kz_get('later', 'unsure', 'b');
ALTER TABLE later.unsure VALIDATE CONSTRAINT has_id;
SELECT kz_get('later', 'unsure', 'b');

-- a CHECK that is not enforced is none
SELECT kz_create_collection('later', 'plain');
ALTER TABLE later.plain ADD CONSTRAINT positive CHECK ((_source ->> 'n')::int > 0) NOT ENFORCED;
SET kz.direct_writes = on;
SET client_min_messages = debug1;
SELECT kz_upsert('later', 'plain', 'a', '{"n": -1}');
RESET client_min_messages;
RESET kz.direct_writes;
SELECT kz_mcreate('later', 'plain', '[{"_id": "b", "body": {"n": -2}}, {"_id": "c", "body": {"n": 3}}]') -> 'errors' AS errors;
ALTER TABLE later.plain DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK ((_source ->> 'n')::int > 0) NOT VALID;
\set VERBOSITY terse
SELECT kz_update('later', 'plain', 'b', '{"n": -3}');
\set VERBOSITY default
SELECT kz_update('later', 'plain', 'b', '{"n": 2}');

-- a unique key over time is kept; it is not the one that tells documents apart
CREATE TABLE later.stay (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, rooms int4range DEFAULT '[1,9)',
	days int4range DEFAULT '[1,8)', UNIQUE (rooms, days WITHOUT OVERLAPS));
SELECT kz_attach_collection('later', 'stay', 'later.stay');
SELECT kz_upsert('later', 'stay', 'first', '{"n": 1}');
SELECT kz_upsert('later', 'stay', 'first', '{"n": 2}');
\set VERBOSITY terse
SELECT kz_upsert('later', 'stay', 'second', '{"n": 1}');
SELECT kz_create('later', 'stay', '{"n": 1}', 'second');
\set VERBOSITY default
SELECT e #>> '{document,_id}' AS id, e -> 'status' AS status, split_part(e ->> 'reason', ': ', 1) AS reason FROM jsonb_array_elements(kz_mupsert('later', 'stay',
	'[{"_id": "first", "changes": {"n": 3}}, {"_id": "second", "changes": {"n": 1}}]') -> 'errors') AS e;
ALTER TABLE later.stay ALTER days SET DEFAULT '[8,9)';
SELECT kz_upsert('later', 'stay', 'second', '{"n": 1}');
SELECT _id, _version, days FROM later.stay ORDER BY _id;

-- nor is it without another
ALTER TABLE later.stay DROP CONSTRAINT stay_pkey;
SELECT kz_get('later', 'stay', 'second');

SELECT kz_delete_index('later');
SET client_min_messages = warning;
DROP SCHEMA later CASCADE;
