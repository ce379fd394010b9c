/*
 * Which tables are written directly and which through SQL: each call says so at
 * the level debug1. What it does is the same either way.
 */
\set SHOW_CONTEXT never
SET kz.direct_writes = on;
SELECT kz_create_collection('writers', 'plain');
-- the server's cache of schema names also says at that level when it grows: let it do so now
SELECT count(to_regnamespace('none' || i)) FROM generate_series(1, 30) AS i;

-- every function, in both ways
SET client_min_messages = debug1;
SELECT kz_create('writers', 'plain', '{"n": 1}', 'a');
SELECT kz_create_or_replace('writers', 'plain', 'a', '{"n": 2}');
SELECT kz_replace('writers', 'plain', 'a', '{"n": 3}');
SELECT kz_update('writers', 'plain', 'a', '{"m": 1}');
SELECT kz_upsert('writers', 'plain', 'a', '{"o": 1}');
SELECT kz_delete_fields('writers', 'plain', 'a', '{m}', source => true);
SELECT kz_mcreate('writers', 'plain', '[{"_id": "b", "body": {}}, {"_id": "a", "body": {}}]');
SELECT kz_mcreate_or_replace('writers', 'plain', '[{"_id": "b", "body": {"n": 1}}]');
SELECT kz_mreplace('writers', 'plain', '[{"_id": "b", "body": {"n": 2}}]');
SELECT kz_mupdate('writers', 'plain', '[{"_id": "b", "body": {"m": 1}}]');
SELECT kz_mupsert('writers', 'plain', '[{"_id": "b", "changes": {"m": 1}}, {"_id": "c", "changes": {}}]');
SELECT * FROM kz_update_rows('writers', 'plain', '{c}', ARRAY['{"n": 1}']::jsonb[]);
SELECT * FROM kz_upsert_rows('writers', 'plain', '{c}', ARRAY['{"n": 2}']::jsonb[]);
SELECT kz_get('writers', 'plain', 'a'), kz_exists('writers', 'plain', 'a'), kz_count('writers', 'plain');
SELECT kz_mget('writers', 'plain', '{a}'), kz_mexists('writers', 'plain', '{a}');
SELECT kz_mdelete('writers', 'plain', '{b}');
SELECT kz_delete('writers', 'plain', 'a', source => true);
SET kz.direct_writes = off;
SELECT kz_upsert('writers', 'plain', 'a', '{"n": 1}');
SELECT kz_get('writers', 'plain', 'a');
SELECT kz_mupsert('writers', 'plain', '[{"_id": "a", "changes": {}}, {"_id": "b", "changes": {}}]');
SET kz.direct_writes = on;
SELECT kz_upsert('writers', 'plain', 'a', '{"n": 1}');
-- not for a call that fails before it comes to that
SELECT kz_upsert('writers', 'none', 'a', '{}');
RESET client_min_messages;

/*
 * Makes a collection of the table that a definition creates (%1$s stands for its
 * name), writes to it in many ways, and drops it. Answers what was in it. The
 * first call says which writer it has.
 */
CREATE FUNCTION pg_temp.write(definition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format(definition, 'writers.t');
	PERFORM kz_attach_collection('writers', 't', 'writers.t');
	SET client_min_messages = debug1;
	PERFORM kz_upsert('writers', 't', 'b', '{"n": 1}');
	SET client_min_messages = warning;
	PERFORM kz_create('writers', 't', '{"n": 2}', 'a'), kz_update('writers', 't', 'a', '{"m": 1}'), kz_update('writers', 't', 'a', '{"m": 1}'),
		kz_replace('writers', 't', 'b', '{"n": 3}'), kz_create_or_replace('writers', 't', 'd', '{"n": 4}'), kz_delete_fields('writers', 't', 'a', '{n}'),
		kz_delete('writers', 't', 'd');
	PERFORM kz_mupsert('writers', 't', '[{"_id": "f", "changes": {"n": 5}}, {"_id": "e", "changes": {"n": 6}}, {"_id": "a", "changes": {"n": 7}},
		{"_id": "e", "changes": {"m": 6}}, {"_id": "g", "changes": {"n": 8}}]');
	PERFORM kz_mdelete('writers', 't', '{g,h}');
	RETURN QUERY SELECT concat_ws(' ', d ->> '_id', d ->> '_version', d ->> '_source')
		FROM jsonb_array_elements(kz_mget('writers', 't', '{a,b,c,d,e,f,g}') -> 'successes') AS d;
	RESET client_min_messages;
	SET CONSTRAINTS ALL IMMEDIATE;
	PERFORM kz_delete_collection('writers', 't');
	DROP TABLE writers.t CASCADE;
END $$;
-- the usual columns, in the usual order
\set columns '_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL'
\set create 'CREATE TABLE %1$s (' :columns ')'

-- plain tables
SELECT pg_temp.write(:'create');
SELECT pg_temp.write('CREATE UNLOGGED TABLE %1$s (' || :'columns' || ')');
SELECT pg_temp.write('CREATE TABLE %1$s (_source jsonb NOT NULL DEFAULT ''[]'', _version bigint NOT NULL DEFAULT 7, _id text COLLATE "C" UNIQUE NOT NULL DEFAULT ''x'')');
SELECT pg_temp.write(:'create' || '; ALTER TABLE %1$s ADD CHECK (_version > 0), ADD CONSTRAINT u UNIQUE (_source) INCLUDE (_id); CREATE UNIQUE INDEX ON %1$s (lower(_id))');
SELECT pg_temp.write('CREATE TABLE %1$s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id) INCLUDE (_version)');
SELECT pg_temp.write(:'create' || '; CREATE INDEX ON %1$s USING gin (_source); CREATE INDEX ON %1$s USING hash (_id); CREATE INDEX ON %1$s USING brin (_version)');
SELECT pg_temp.write(:'create' || ' WITH (fillfactor = 50); ALTER TABLE %1$s REPLICA IDENTITY FULL');

-- keys with another operator class
SELECT pg_temp.write('CREATE TABLE %1$s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id text_pattern_ops)');
SELECT pg_temp.write('CREATE TABLE %1$s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id varchar_ops DESC)');
CREATE FUNCTION writers.compare(text, text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT bttextcmp($2, $1)';
CREATE OPERATOR CLASS writers.backwards FOR TYPE text USING btree AS
	OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 writers.compare (text, text);
SELECT pg_temp.write('CREATE TABLE %1$s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id writers.backwards)');
-- elsewhere than in the key it is no matter
SELECT pg_temp.write(:'create' || '; CREATE UNIQUE INDEX ON %1$s ((_id || ''!'') writers.backwards)');
DROP OPERATOR FAMILY writers.backwards USING btree CASCADE;
DROP FUNCTION writers.compare(text, text);

-- further columns
SELECT pg_temp.write('CREATE TABLE %1$s (' || :'columns' || ', note text)');
SELECT pg_temp.write('CREATE TABLE %1$s (' || :'columns' || ', n int GENERATED ALWAYS AS ((_source ->> ''n'')::int) STORED)');
SELECT pg_temp.write('CREATE TABLE %1$s (n bigint GENERATED ALWAYS AS IDENTITY, ' || :'columns' || ')');
SELECT pg_temp.write('CREATE TABLE %1$s (' || :'columns' || ', dropped int); ALTER TABLE %1$s DROP dropped');

-- triggers, those of foreign keys too, and those that are disabled
CREATE FUNCTION writers.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
SELECT pg_temp.write(:'create' || '; CREATE TRIGGER t BEFORE UPDATE ON %1$s FOR EACH ROW EXECUTE FUNCTION writers.trigger()');
SELECT pg_temp.write(:'create' || '; CREATE TRIGGER t AFTER DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION writers.trigger()');
SELECT pg_temp.write(:'create' || '; CREATE TRIGGER t BEFORE TRUNCATE ON %1$s EXECUTE FUNCTION writers.trigger()');
SELECT pg_temp.write(:'create' || '; CREATE TRIGGER t AFTER INSERT ON %1$s REFERENCING NEW TABLE AS new EXECUTE FUNCTION writers.trigger()');
SELECT pg_temp.write(:'create' || '; CREATE CONSTRAINT TRIGGER t AFTER INSERT ON %1$s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION writers.trigger()');
SELECT pg_temp.write(:'create' || '; CREATE TRIGGER t BEFORE INSERT ON %1$s FOR EACH ROW EXECUTE FUNCTION writers.trigger(); ALTER TABLE %1$s DISABLE TRIGGER t');
SET session_replication_role = replica;
SELECT pg_temp.write(:'create' || '; CREATE TRIGGER t BEFORE INSERT ON %1$s FOR EACH ROW EXECUTE FUNCTION writers.trigger()');
RESET session_replication_role;
CREATE TABLE writers.name (name text PRIMARY KEY);
INSERT INTO writers.name SELECT chr(i) FROM generate_series(ascii('a'), ascii('z')) AS i;
SELECT pg_temp.write(:'create' || '; ALTER TABLE %1$s ADD FOREIGN KEY (_id) REFERENCES writers.name');
SELECT pg_temp.write(:'create' || '; CREATE TABLE writers.reference (id text REFERENCES %1$s)');
DROP TABLE writers.name, writers.reference;

-- rules
SELECT pg_temp.write(:'create' || '; CREATE RULE r AS ON DELETE TO %1$s WHERE OLD._id = ''none'' DO INSTEAD NOTHING');

-- partitions and children
SELECT pg_temp.write(:'create' || ' PARTITION BY HASH (_id); CREATE TABLE writers.part PARTITION OF %1$s FOR VALUES WITH (MODULUS 1, REMAINDER 0)');
SELECT pg_temp.write('CREATE TABLE writers.parent (' || :'columns' || ') PARTITION BY HASH (_id); CREATE TABLE %1$s PARTITION OF writers.parent FOR VALUES WITH (MODULUS 1, REMAINDER 0)');
SELECT pg_temp.write('DROP TABLE writers.parent; CREATE TABLE writers.parent (' || :'columns' || ') PARTITION BY HASH (_id);
	CREATE TABLE %1$s PARTITION OF writers.parent FOR VALUES WITH (MODULUS 1, REMAINDER 0); ALTER TABLE writers.parent DETACH PARTITION %1$s');
SELECT pg_temp.write(:'create' || '; CREATE TABLE writers.child () INHERITS (%1$s)');
SELECT pg_temp.write('DROP TABLE writers.parent; CREATE TABLE writers.parent (' || :'columns' || '); CREATE TABLE %1$s (PRIMARY KEY (_id)) INHERITS (writers.parent)');
DROP TABLE writers.parent;

-- exclusion and deferrable constraints
SELECT pg_temp.write(:'create' || '; ALTER TABLE %1$s ADD EXCLUDE USING hash (_source WITH =)');
SELECT pg_temp.write(:'create' || '; ALTER TABLE %1$s ADD UNIQUE (_source) DEFERRABLE');
SELECT pg_temp.write(:'create' || '; ALTER TABLE %1$s ADD UNIQUE (_id, _version) DEFERRABLE INITIALLY DEFERRED');

-- another table access method, if only by its name
CREATE ACCESS METHOD regress_kz_heap TYPE TABLE HANDLER heap_tableam_handler;
SELECT pg_temp.write(:'create' || ' USING regress_kz_heap');
DROP ACCESS METHOD regress_kz_heap;

-- foreign tables (of this server)
SET client_min_messages = warning;
CREATE EXTENSION postgres_fdw;
DO $$
BEGIN
	EXECUTE format('CREATE SERVER regress_kz_self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
		split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
	EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER regress_kz_self OPTIONS (user %L)', current_user);
END $$;
CREATE TABLE writers.far (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
CREATE FOREIGN TABLE writers.near (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL) SERVER regress_kz_self OPTIONS (schema_name 'writers', table_name 'far');
SELECT kz_attach_collection('writers', 'near', 'writers.near');
SET client_min_messages = debug1;
SELECT kz_upsert('writers', 'near', 'a', '{"n": 1}'), kz_update('writers', 'near', 'a', '{"n": 2}'), kz_get('writers', 'near', 'a');
SET client_min_messages = warning;
SELECT kz_delete_collection('writers', 'near');
DROP SERVER regress_kz_self CASCADE;
DROP EXTENSION postgres_fdw;
DROP TABLE writers.far;
RESET client_min_messages;

-- row-level security counts where it is in force for the user
CREATE ROLE regress_kz_owner;
CREATE ROLE regress_kz_user;
CREATE ROLE regress_kz_bypass BYPASSRLS;
SELECT kz_create_collection('writers', 'secured');
ALTER TABLE writers.secured OWNER TO regress_kz_owner;
GRANT USAGE ON SCHEMA writers TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON writers.secured TO regress_kz_user, regress_kz_bypass;
CREATE FUNCTION pg_temp.as_role(role text, id text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	SET LOCAL client_min_messages = debug1;
	answer := kz_upsert('writers', 'secured', id, '{}');
	SET LOCAL client_min_messages = notice;
	RESET ROLE;
	RETURN answer;
END $$;
CREATE TEMP TABLE role AS SELECT * FROM (VALUES (1, 'owner', 'regress_kz_owner'::name), (2, 'user', 'regress_kz_user'), (3, 'bypass', 'regress_kz_bypass'), (4, 'superuser', current_user)) AS r (n, id, role);
SELECT pg_temp.as_role(role, id) FROM role ORDER BY n;
CREATE POLICY all_rows ON writers.secured USING (true);
SELECT pg_temp.as_role('regress_kz_user', 'user');
ALTER TABLE writers.secured ENABLE ROW LEVEL SECURITY;
SELECT pg_temp.as_role(role, id) FROM role ORDER BY n;
ALTER TABLE writers.secured FORCE ROW LEVEL SECURITY;
SELECT pg_temp.as_role(role, id) FROM role ORDER BY n;
-- one who wants to be told if rows are hidden is told by SQL
SET row_security = off;
SELECT pg_temp.as_role('regress_kz_user', 'user');
SELECT pg_temp.as_role('regress_kz_bypass', 'bypass');
RESET row_security;
SELECT count(*), min(_version), max(_version) FROM writers.secured;
SELECT kz_delete_collection('writers', 'secured');
DROP TABLE role;
DROP ROLE regress_kz_owner, regress_kz_user, regress_kz_bypass;

-- the choice follows the table from call to call, in a transaction too
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.say(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	SET client_min_messages = debug1;
	PERFORM kz_upsert('writers', 'plain', 'z', jsonb_build_object('n', n));
	SET client_min_messages = warning;
	RETURN (SELECT _version || ' ' || _source::text FROM writers.plain WHERE _id = 'z');
END $$;
BEGIN;
SELECT pg_temp.say(1);
CREATE TRIGGER t BEFORE UPDATE ON writers.plain FOR EACH ROW EXECUTE FUNCTION writers.trigger();
SELECT pg_temp.say(2);
DROP TRIGGER t ON writers.plain;
SELECT pg_temp.say(3);
ALTER TABLE writers.plain ADD note text;
SELECT pg_temp.say(4);
SAVEPOINT s;
ALTER TABLE writers.plain ADD CHECK (note > 'a');
SELECT pg_temp.say(5);
ROLLBACK TO s;
SELECT pg_temp.say(6);
ROLLBACK;
SELECT pg_temp.say(7);
CREATE RULE r AS ON DELETE TO writers.plain DO INSTEAD NOTHING;
SELECT pg_temp.say(8);
DROP RULE r ON writers.plain;
-- whether there were rules is forgotten by VACUUM only
VACUUM writers.plain;
SELECT pg_temp.say(9);
ALTER TABLE writers.plain ADD CONSTRAINT e EXCLUDE USING hash (_id WITH =);
SELECT pg_temp.say(10);
ALTER TABLE writers.plain DROP CONSTRAINT e;
SELECT pg_temp.say(11);
-- another key
SELECT conname AS key FROM pg_constraint WHERE conrelid = 'writers.plain'::regclass AND contype = 'p' \gset
ALTER TABLE writers.plain DROP CONSTRAINT :"key", ADD PRIMARY KEY (_id);
SELECT pg_temp.say(12);
ALTER TABLE writers.plain RENAME TO other;
ALTER TABLE writers.other RENAME TO plain;
SELECT pg_temp.say(13);
RESET client_min_messages;

DROP FUNCTION writers.trigger();
SELECT kz_delete_index('writers');
RESET kz.direct_writes;
