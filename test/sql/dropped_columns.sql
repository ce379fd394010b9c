/*
 * Columns that were dropped are none: a table that had others is a plain one again,
 * and is written as such. In new rows they are null.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('dropped', 'doc');
SELECT kz_create('dropped', 'doc', '{"n": 0}', 'before') -> '_version' AS version;

-- another column, and no more
SET client_min_messages = warning;
SET kz.direct_writes = on;
SELECT count(to_regnamespace('none' || i)) FROM generate_series(1, 30) AS i;
CREATE FUNCTION pg_temp.writer() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	SET client_min_messages = debug1;
	answer := kz_get('dropped', 'doc', 'before');
	SET client_min_messages = warning;
	RETURN answer;
END $$;
SELECT pg_temp.writer();
ALTER TABLE dropped.doc ADD note text NOT NULL DEFAULT 'x';
SELECT pg_temp.writer();
ALTER TABLE dropped.doc DROP note;
SELECT pg_temp.writer();
ALTER TABLE dropped.doc ADD g int GENERATED ALWAYS AS ((_source ->> 'n')::int) STORED, ADD i bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX ON dropped.doc (g);
SELECT pg_temp.writer();
ALTER TABLE dropped.doc DROP g, DROP i;
SELECT pg_temp.writer();
-- one of a document itself, in another place then
BEGIN;
ALTER TABLE dropped.doc ADD source2 jsonb NOT NULL DEFAULT '{"moved": true}';
ALTER TABLE dropped.doc DROP _source;
ALTER TABLE dropped.doc RENAME source2 TO _source;
SELECT pg_temp.writer();
ROLLBACK;
RESET kz.direct_writes;
RESET client_min_messages;

/*
 * Makes a collection of the table that a definition creates (%1$s stands for its
 * name), writes to it in many ways, and shows the rows.
 */
CREATE FUNCTION pg_temp.write(definition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format(definition, 'dropped.t');
	PERFORM kz_attach_collection('dropped', 't', 'dropped.t');
	PERFORM kz_upsert('dropped', 't', 'b', '{"n": 1}');
	PERFORM kz_create('dropped', 't', '{"n": 2}', 'a'), kz_update('dropped', 't', 'a', '{"m": 1}'), kz_update('dropped', 't', 'a', '{"m": 1}'),
		kz_replace('dropped', 't', 'b', '{"n": 3}'), kz_create_or_replace('dropped', 't', 'd', '{"n": 4}'), kz_delete_fields('dropped', 't', 'a', '{n}'),
		kz_delete('dropped', 't', 'd');
	PERFORM kz_mupsert('dropped', 't', '[{"_id": "f", "changes": {"n": 5}}, {"_id": "e", "changes": {"n": 6}}, {"_id": "a", "changes": {"n": 7}},
		{"_id": "e", "changes": {"m": 6}}, {"_id": "g", "changes": {"n": 8}}]');
	PERFORM kz_mdelete('dropped', 't', '{g,h}');
	RETURN QUERY SELECT t::text FROM dropped.t ORDER BY _id COLLATE "C";
	PERFORM kz_delete_collection('dropped', 't');
	DROP TABLE dropped.t;
END $$;
SELECT pg_temp.write('CREATE TABLE %1$s (a int NOT NULL, _id text PRIMARY KEY, b text DEFAULT ''b'', _version bigint NOT NULL, _source jsonb NOT NULL, c jsonb);
	ALTER TABLE %1$s DROP a, DROP b, DROP c');
SELECT pg_temp.write('CREATE TABLE %1$s (_source jsonb NOT NULL, a int, _version bigint NOT NULL, b int, _id text PRIMARY KEY);
	ALTER TABLE %1$s DROP a, DROP b; ALTER TABLE %1$s ADD c int NOT NULL DEFAULT 7; ALTER TABLE %1$s DROP c');
SELECT pg_temp.write('CREATE TABLE %1$s (a int, _id text NOT NULL, _version bigint NOT NULL, b bigint GENERATED ALWAYS AS (_version) STORED, _source jsonb NOT NULL);
	ALTER TABLE %1$s DROP a; CREATE UNIQUE INDEX ON %1$s (_id) INCLUDE (_version); CREATE INDEX ON %1$s ((_source -> ''n''), _id); ALTER TABLE %1$s DROP b');
SELECT pg_temp.write('CREATE TABLE %1$s (a int, _id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, note text, b int);
	ALTER TABLE %1$s DROP a, DROP b; ALTER TABLE %1$s REPLICA IDENTITY FULL');
SELECT pg_temp.write('CREATE TABLE %1$s (a int, _id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL) PARTITION BY HASH (_id);
	ALTER TABLE %1$s DROP a; CREATE TABLE dropped.p (b int, _source jsonb NOT NULL, _version bigint NOT NULL, _id text NOT NULL);
	ALTER TABLE dropped.p DROP b; ALTER TABLE %1$s ATTACH PARTITION dropped.p FOR VALUES WITH (MODULUS 1, REMAINDER 0)');

-- constraints and indexes, and rows of before, between and after
ALTER TABLE dropped.doc ADD CONSTRAINT small CHECK ((_source ->> 'n')::int < 10);
CREATE UNIQUE INDEX by_mail ON dropped.doc ((_source ->> 'mail'));
SELECT kz_update('dropped', 'doc', 'before', '{"mail": "b"}', source => true);
SELECT kz_mupsert('dropped', 'doc', '[{"_id": "1", "changes": {"mail": "1"}}, {"_id": "2", "changes": {"n": 10}}, {"_id": "3", "changes": {"mail": "b"}},
	{"_id": "before", "changes": {"n": 1}}, {"_id": "4", "changes": {"n": 4}}]') - 'errors' AS answer;
ALTER TABLE dropped.doc ADD note text DEFAULT 'x';
SELECT kz_upsert('dropped', 'doc', '5', '{"n": 5}') -> '_version' AS version;
ALTER TABLE dropped.doc DROP note;
SELECT kz_mupsert('dropped', 'doc', '[{"_id": "5", "changes": {"m": 5}}, {"_id": "6", "changes": {"n": 6}}, {"_id": "7", "changes": {"n": 7}}]', source => false) -> 'errors' AS errors;
SELECT kz_delete('dropped', 'doc', '4');
SELECT * FROM dropped.doc ORDER BY _id;
SELECT kz_get('dropped', 'doc', '5'), kz_count('dropped', 'doc');
VACUUM FULL dropped.doc;
SELECT kz_update('dropped', 'doc', '5', '{"m": 6}') -> '_version' AS version, kz_create('dropped', 'doc', '{}', '8') -> '_version' AS created;

-- what is published needs an identity
SET client_min_messages = error;
CREATE PUBLICATION regress_kz_dropped FOR TABLE dropped.doc;
RESET client_min_messages;
SELECT kz_update('dropped', 'doc', '5', '{"m": 7}') -> '_version' AS version;
ALTER TABLE dropped.doc REPLICA IDENTITY NOTHING;
SELECT kz_update('dropped', 'doc', '5', '{"m": 8}');
ALTER TABLE dropped.doc REPLICA IDENTITY FULL;
SELECT kz_update('dropped', 'doc', '5', '{"m": 8}') -> '_version' AS version, kz_delete('dropped', 'doc', '8');
SELECT * FROM dropped.doc WHERE _id = '5';
DROP PUBLICATION regress_kz_dropped;

SELECT kz_delete_index('dropped');
