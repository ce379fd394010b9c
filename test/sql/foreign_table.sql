--
-- FOREIGN TABLES
-- A collection whose documents are in another server (here: this one again,
-- through postgres_fdw).  Its owner vouches for the uniqueness of _id.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;

CREATE EXTENSION postgres_fdw;
DO $$
BEGIN
	EXECUTE format('CREATE SERVER regress_kz_self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
		split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
	EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER regress_kz_self OPTIONS (user %L)', current_user);
END $$;
CREATE SCHEMA far;
CREATE TABLE far.items (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, note text DEFAULT 'remote');
SELECT kz_create_index('near');
CREATE FOREIGN TABLE near.items (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL)
	SERVER regress_kz_self OPTIONS (schema_name 'far');

-- needs the three columns, typed and NOT NULL; it can have no index
CREATE FOREIGN TABLE near.nullable (_id text, _version bigint, _source jsonb)
	SERVER regress_kz_self OPTIONS (schema_name 'far', table_name 'items');
CREATE FOREIGN TABLE near.untyped (_id varchar NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL)
	SERVER regress_kz_self OPTIONS (schema_name 'far', table_name 'items');
SELECT kz_attach_collection('near', 'nullable', 'near.nullable');
SELECT kz_attach_collection('near', 'untyped', 'near.untyped');
SELECT kz_attach_collection('near', 'items', 'near.items');

-- the functions are the same as on a table
SELECT kz_create('near', 'items', '{"n": 1}', 'a');
SELECT kz_create('near', 'items', '{"n": 1}', 'a');
SELECT length(kz_create('near', 'items', '{"generated": true}')->>'_id') > 0 AS generated;
SELECT kz_count('near', 'items');
SELECT kz_get('near', 'items', 'a'), kz_exists('near', 'items', 'a'), kz_exists('near', 'items', 'b');
SELECT kz_get('near', 'items', 'b');
SELECT kz_update('near', 'items', 'a', '{"deep": {"x": 1}}', source => true);
SELECT kz_update('near', 'items', 'a', '{"deep": {"y": 2}}', source => true);
SELECT kz_update('near', 'items', 'b', '{"n": 2}');
SELECT kz_upsert('near', 'items', 'a', '{"n": 2}', source => true);
SELECT kz_upsert('near', 'items', 'b', '{"n": 2}', defaults => '{"d": {"n": 1}}', source => true);
SELECT kz_upsert('near', 'items', 'b', '{"n": 3}', defaults => '{"d": 0}', source => true, retry_on_conflict => 0);
SELECT kz_replace('near', 'items', 'a', '{"replaced": true}');
SELECT kz_replace('near', 'items', 'c', '{}');
SELECT kz_create_or_replace('near', 'items', 'a', '{"replaced": 2}');
SELECT kz_create_or_replace('near', 'items', 'c', '{"number": 1.00}');
SELECT kz_delete_fields('near', 'items', 'a', '{replaced}', source => true);
SELECT kz_update('near', 'items', 'a', '{"n": 1}', kuid => 'me', source => true) #- '{_source,_kuzzle_info}' AS answer;
SELECT kz_update('near', 'items', 'a', '{"n": 9}', if_version => 1);
SELECT kz_upsert('near', 'items', 'a', '{"n": 9}', if_version => 0);
SELECT kz_delete('near', 'items', 'b', source => true);
SELECT kz_delete('near', 'items', 'b');
SELECT _id, _version, _source - '_kuzzle_info' AS source, note FROM far.items WHERE _id IN ('a', 'b', 'c') ORDER BY _id;

-- a no-op writes nothing there either; 1 and 1.00 are not the same document
SELECT xmin AS before FROM far.items WHERE _id = 'c' \gset
SELECT kz_update('near', 'items', 'c', '{"number": 1.00}');
SELECT kz_upsert('near', 'items', 'c', '{}');
SELECT xmin = :'before'::xid AS unchanged FROM far.items WHERE _id = 'c';
SELECT kz_update('near', 'items', 'c', '{"number": 1}', source => true);

-- several changes in one transaction, and their end
BEGIN;
SELECT kz_upsert('near', 'items', 'd', '{"n": 1}');
SELECT kz_upsert('near', 'items', 'd', '{"n": 2}');
SELECT kz_delete('near', 'items', 'd');
SELECT kz_upsert('near', 'items', 'd', '{"n": 3}', source => true);
SAVEPOINT s;
SELECT kz_update('near', 'items', 'd', '{"n": 4}', source => true);
ROLLBACK TO s;
SELECT kz_get('near', 'items', 'd');
COMMIT;
BEGIN;
SELECT kz_update('near', 'items', 'd', '{"n": 5}', source => true);
ROLLBACK;
SELECT kz_get('near', 'items', 'd');

-- plain SQL on the far table is seen, and merged with
UPDATE far.items SET _source = '{"n": 6, "plain": true}' WHERE _id = 'd';
SELECT kz_update('near', 'items', 'd', '{"n": 7}', source => true);

-- what the far side stores is what is answered, if it says so
CREATE FUNCTION far.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW._source = NEW._source || '{"stamped": true}';
	RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON far.items FOR EACH ROW EXECUTE FUNCTION far.stamp();
SELECT kz_update('near', 'items', 'd', '{"n": 8}', source => true);
SELECT kz_upsert('near', 'items', 'e', '{"n": 8}', source => true);
DROP TRIGGER stamp ON far.items;

-- what it suppresses is told apart from a conflict
CREATE FUNCTION far.suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER suppress BEFORE INSERT OR UPDATE OR DELETE ON far.items FOR EACH ROW EXECUTE FUNCTION far.suppress();
SET statement_timeout = '20s';
SELECT kz_create('near', 'items', '{}', 'f');
SELECT kz_update('near', 'items', 'd', '{"n": 9}');
SELECT kz_delete('near', 'items', 'd');
RESET statement_timeout;
DROP TRIGGER suppress ON far.items;

-- its errors are core's
\set VERBOSITY sqlstate
ALTER TABLE far.items ADD CHECK (_source <> '{}');
SELECT kz_create('near', 'items', '{}', 'f');
ALTER FOREIGN TABLE near.items OPTIONS (ADD updatable 'false');
SELECT kz_upsert('near', 'items', 'd', '{"n": 9}');
ALTER FOREIGN TABLE near.items OPTIONS (DROP updatable);
\set VERBOSITY default

-- rights are those on the foreign table
CREATE ROLE regress_kz_user;
GRANT USAGE ON SCHEMA near TO regress_kz_user;
SET ROLE regress_kz_user;
\set VERBOSITY sqlstate
SELECT kz_get('near', 'items', 'd');
SELECT kz_upsert('near', 'items', 'd', '{}');
\set VERBOSITY default
RESET ROLE;
REVOKE USAGE ON SCHEMA near FROM regress_kz_user;
DROP ROLE regress_kz_user;

-- its inheritance children are not the collection's
CREATE TABLE near.kid () INHERITS (near.items);
INSERT INTO near.kid VALUES ('kid', 1, '{"of": "near"}');
SELECT count(*) AS far, kz_count('near', 'items') = count(*) AS counted, kz_exists('near', 'items', 'kid') FROM far.items;
SELECT kz_get('near', 'items', 'kid');
SELECT kz_update('near', 'items', 'kid', '{"n": 1}');
SELECT kz_delete('near', 'items', 'kid');
SELECT kz_upsert('near', 'items', 'kid', '{"of": "far"}', source => true);
SELECT kz_update('near', 'items', 'kid', '{"n": 1}', source => true);
SELECT kz_delete('near', 'items', 'kid', source => true);
SELECT kz_truncate_collection('near', 'items');
SELECT count(*) AS far, kz_count('near', 'items') FROM far.items;
SELECT * FROM near.kid;
DROP TABLE near.kid;

-- what the far side does not keep NOT NULL is an error, and the session goes on
ALTER TABLE far.items ALTER _version DROP NOT NULL, ALTER _source DROP NOT NULL;
INSERT INTO far.items VALUES ('v', NULL, '{"n": 1}'), ('s', 1, NULL), ('t', 1, '{"n": 1}');
SELECT kz_get('near', 'items', 'v');
SELECT kz_get('near', 'items', 's');
SELECT kz_exists('near', 'items', 's');
SELECT kz_update('near', 'items', 's', '{"n": 2}');
SELECT kz_upsert('near', 'items', 'v', '{"n": 2}');
SELECT kz_delete('near', 'items', 's');
DO $$ BEGIN
	PERFORM kz_get('near', 'items', 's');
EXCEPTION WHEN null_value_not_allowed THEN
	RAISE WARNING '%: %', SQLSTATE, SQLERRM;
END $$;
SELECT kz_update('near', 'items', 't', '{"n": 2}', source => true);
SELECT * FROM far.items ORDER BY _id;

-- truncate reaches the far table; delete only detaches
SELECT kz_truncate_collection('near', 'items');
SELECT count(*) FROM far.items;
SELECT kz_delete_collection('near', 'items');
SELECT to_regclass('near.items');

-- in the schema of the index it is taken up as a table is
SELECT kz_create_collection('near', 'items');
SELECT kz_upsert('near', 'items', 'a', '{"n": 1}');
SELECT attached FROM kz_catalog.collection WHERE index = 'near';
SELECT kz_delete_index('near');

DROP SCHEMA near, far CASCADE;
DROP SERVER regress_kz_self CASCADE;
DROP EXTENSION postgres_fdw;
