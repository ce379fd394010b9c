--
-- CACHE
-- What a session remembers of a collection is forgotten when anybody changes
-- it: by kz, by plain SQL, by a rollback.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('memo', 'notes');
SELECT kz_upsert('memo', 'notes', 'a', '{"n": 1}');

-- mappings changed in a transaction count in it, and no longer after its rollback
BEGIN;
SELECT kz_update_collection('memo', 'notes', '{"dynamic": "strict"}', '{"s": 1}');
SELECT kz_get_mapping('memo', 'notes'), kz_get_settings('memo', 'notes');
SAVEPOINT s;
SELECT kz_update('memo', 'notes', 'a', '{"n": 2}');
ROLLBACK TO s;
ROLLBACK;
SELECT kz_get_mapping('memo', 'notes'), kz_get_settings('memo', 'notes');
SELECT kz_update('memo', 'notes', 'a', '{"n": 2}');

-- likewise with a savepoint
BEGIN;
SELECT kz_update('memo', 'notes', 'a', '{"n": 3}');
SAVEPOINT s;
SELECT kz_update_collection('memo', 'notes', '{"dynamic": "strict"}');
SAVEPOINT t;
SELECT kz_update('memo', 'notes', 'a', '{"n": 4}');
ROLLBACK TO s;
SELECT kz_update('memo', 'notes', 'a', '{"n": 4}');
COMMIT;

-- likewise inside one statement
DO $$
BEGIN
	PERFORM kz_update('memo', 'notes', 'a', '{"n": 5}');
	BEGIN
		PERFORM kz_update_collection('memo', 'notes', '{"dynamic": "strict"}');
		PERFORM kz_update('memo', 'notes', 'a', '{"n": 6}');
	EXCEPTION WHEN SQLSTATE 'KZ400' THEN
		RAISE NOTICE '%', SQLERRM;
	END;
	PERFORM kz_update('memo', 'notes', 'a', '{"n": 6}');
END $$;
SELECT kz_get('memo', 'notes', 'a');

-- a collection created, dropped, or deleted in a transaction that is rolled back
BEGIN;
SELECT kz_create_collection('memo', 'short'), kz_upsert('memo', 'short', 'a', '{}');
ROLLBACK;
SELECT kz_exists('memo', 'short', 'a');
BEGIN;
SELECT kz_delete_collection('memo', 'notes');
SAVEPOINT s;
SELECT kz_get('memo', 'notes', 'a');
ROLLBACK TO s;
SELECT kz_create_collection('memo', 'notes'), kz_upsert('memo', 'notes', 'b', '{}'), kz_exists('memo', 'notes', 'a');
ROLLBACK;
SELECT kz_get('memo', 'notes', 'a'), kz_exists('memo', 'notes', 'b');
BEGIN;
DROP TABLE memo.notes;
SAVEPOINT s;
SELECT kz_get('memo', 'notes', 'a');
ROLLBACK;
SELECT kz_get('memo', 'notes', 'a');

-- the catalogue changed by plain SQL, even where triggers are switched off
UPDATE kz_catalog.collection SET mappings = '{"dynamic": "strict", "properties": {}}' WHERE index = 'memo';
SELECT kz_update('memo', 'notes', 'a', '{"n": 7}');
SET session_replication_role = replica;
UPDATE kz_catalog.collection SET mappings = '{"dynamic": "false", "properties": {}}' WHERE index = 'memo';
RESET session_replication_role;
SELECT kz_update('memo', 'notes', 'a', '{"n": 7}');
BEGIN;
DELETE FROM kz_catalog.collection WHERE index = 'memo';
SAVEPOINT s;
SELECT kz_get('memo', 'notes', 'a');
ROLLBACK TO s;
TRUNCATE kz_catalog.index;
SELECT kz_get('memo', 'notes', 'a');
ROLLBACK;
SELECT kz_get('memo', 'notes', 'a');

-- columns added, filled, dropped and renamed between calls
ALTER TABLE memo.notes ADD extra int DEFAULT 1;
SELECT kz_update('memo', 'notes', 'a', '{"n": 8}');
ALTER TABLE memo.notes ADD more text, ALTER extra TYPE text;
SELECT kz_update('memo', 'notes', 'a', '{"n": 9}', source => true);
SELECT kz_upsert('memo', 'notes', 'b', '{"n": 1}');
SELECT * FROM memo.notes ORDER BY _id;
ALTER TABLE memo.notes DROP extra, DROP more;
SELECT kz_update('memo', 'notes', 'a', '{"n": 10}', source => true);
ALTER TABLE memo.notes RENAME _source TO source;
SELECT kz_get('memo', 'notes', 'a');
ALTER TABLE memo.notes RENAME source TO _source;
SELECT kz_get('memo', 'notes', 'a');

-- the table rewritten, its indexes made anew, its statistics taken
VACUUM FULL memo.notes;
REINDEX TABLE memo.notes;
ANALYZE memo.notes;
SELECT kz_update('memo', 'notes', 'a', '{"n": 11}'), kz_upsert('memo', 'notes', 'c', '{}');
TRUNCATE memo.notes;
SELECT kz_count('memo', 'notes'), kz_upsert('memo', 'notes', 'a', '{"n": 12}');
DISCARD PLANS;
SELECT kz_update('memo', 'notes', 'a', '{"n": 13}');
DISCARD ALL;
\set SHOW_CONTEXT never
SELECT kz_update('memo', 'notes', 'a', '{"n": 14}');

-- a trigger, then none
CREATE FUNCTION memo.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW._source = NEW._source || '{"stamped": true}';
	RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON memo.notes FOR EACH ROW EXECUTE FUNCTION memo.stamp();
SELECT kz_update('memo', 'notes', 'a', '{"n": 15}', source => true);
DROP TRIGGER stamp ON memo.notes;
SELECT kz_replace('memo', 'notes', 'a', '{"n": 16}');

-- two tables change places
SELECT kz_create_collection('memo', 'letters');
SELECT kz_upsert('memo', 'letters', 'a', '{"letter": true}');
BEGIN;
ALTER TABLE memo.notes RENAME TO between;
ALTER TABLE memo.letters RENAME TO notes;
SELECT kz_get('memo', 'notes', 'a');
SAVEPOINT s;
SELECT kz_get('memo', 'letters', 'a');
ROLLBACK TO s;
ALTER TABLE memo.between RENAME TO letters;
COMMIT;
SELECT kz_get('memo', 'notes', 'a'), kz_get('memo', 'letters', 'a');
SELECT kz_update('memo', 'notes', 'a', '{"n": 17}', source => true);

-- two tables change places, twice, while a trigger holds up an update of one of
-- them: each call uses the table that has the name then
CREATE FUNCTION memo.swap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE 'notes: %, letters: %', kz_get('memo', 'notes', 'a'), kz_get('memo', 'letters', 'a');
	ALTER TABLE memo.notes RENAME TO between;
	ALTER TABLE memo.letters RENAME TO notes;
	ALTER TABLE memo.between RENAME TO letters;
	RAISE NOTICE 'notes: %, letters: %', kz_get('memo', 'notes', 'a'), kz_get('memo', 'letters', 'a');
	ALTER TABLE memo.notes RENAME TO between;
	ALTER TABLE memo.letters RENAME TO notes;
	ALTER TABLE memo.between RENAME TO letters;
	RETURN CASE WHEN NEW._source ? 'suppressed' THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER swap BEFORE UPDATE ON memo.notes FOR EACH ROW EXECUTE FUNCTION memo.swap();
SELECT kz_update('memo', 'notes', 'a', '{"swapped": 1}', source => true);
SELECT kz_update('memo', 'notes', 'a', '{"suppressed": 1}');
DROP TRIGGER swap ON memo.notes;
SELECT kz_get('memo', 'notes', 'a'), kz_get('memo', 'letters', 'a');

-- another table under the same name, in one call with what uses it
DO $$
BEGIN
	PERFORM kz_upsert('memo', 'notes', 'a', '{"n": 18}');
	DROP TABLE memo.notes;
	CREATE TABLE memo.notes (_source jsonb NOT NULL, _id text PRIMARY KEY, _version bigint NOT NULL);
	RAISE NOTICE '%', kz_upsert('memo', 'notes', 'a', '{"n": 19}');
	DROP TABLE memo.notes;
	PERFORM kz_get('memo', 'notes', 'a');
EXCEPTION WHEN SQLSTATE 'KZ412' THEN
	RAISE NOTICE '%', SQLERRM;
END $$;
SELECT kz_get('memo', 'notes', 'a');

-- the schema moved away and another in its place
ALTER SCHEMA memo RENAME TO memo_old;
SELECT kz_get('memo', 'notes', 'a');
CREATE SCHEMA memo;
CREATE TABLE memo.notes (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_upsert('memo', 'notes', 'a', '{"new": "schema"}');
DROP TABLE memo_old.notes;
ALTER TABLE memo.notes SET SCHEMA memo_old;
SELECT kz_get('memo', 'notes', 'a');
ALTER TABLE memo_old.notes SET SCHEMA memo;
SELECT kz_get('memo', 'notes', 'a');

-- a view in place of the table, then a partitioned table
DROP TABLE memo.notes;
CREATE VIEW memo.notes AS SELECT 'a'::text AS _id, 1::bigint AS _version, '{}'::jsonb AS _source;
SELECT kz_get('memo', 'notes', 'a');
DROP VIEW memo.notes;
CREATE TABLE memo.notes (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL) PARTITION BY HASH (_id);
CREATE TABLE memo.notes_0 PARTITION OF memo.notes FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT kz_upsert('memo', 'notes', 'a', '{"n": 1}'), kz_update('memo', 'notes', 'a', '{"n": 2}', source => true);

SET client_min_messages = warning;
DROP TABLE memo.notes;
SELECT kz_delete_index('memo');
DROP SCHEMA IF EXISTS memo, memo_old CASCADE;
