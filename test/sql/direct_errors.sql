/*
 * What the server raises about a row of a plain table is what it raises about
 * INSERT, UPDATE and DELETE: code, message, detail and all that drivers read.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('direct_errors', 'doc');
SELECT kz_create('direct_errors', 'doc', '{"n": 1, "name": "one"}', 'one') -> '_version' AS version;

/*
 * Runs a call of kz, and the statement that would write the same row; each is
 * undone. Answers the fields of both errors, and whether they are the same.
 */
CREATE FUNCTION pg_temp.raised(statement text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
	schema_name text;
	table_name text;
	column_name text;
	constraint_name text;
	type_name text;
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, schema_name = SCHEMA_NAME, table_name = TABLE_NAME,
		column_name = COLUMN_NAME, constraint_name = CONSTRAINT_NAME, type_name = PG_DATATYPE_NAME;
	RETURN ARRAY[SQLSTATE, message, detail, hint, schema_name, table_name, column_name, constraint_name, type_name];
END $$;
CREATE FUNCTION pg_temp.compare(call text, statement text, OUT same boolean, OUT raised text) LANGUAGE plpgsql AS $$
DECLARE
	by_call text[] := pg_temp.raised('SELECT ' || call);
	by_statement text[] := pg_temp.raised(statement);
BEGIN
	same := by_call = by_statement;
	raised := array_to_string(by_call, ' | ') || CASE WHEN same THEN '' ELSE E'\nBUT ' || array_to_string(by_statement, ' | ') END;
END $$;

-- CHECKs: in the order of their names, and before any index is asked
ALTER TABLE direct_errors.doc ADD CONSTRAINT b_positive CHECK ((_source ->> 'n')::int > 0), ADD CONSTRAINT a_not_seven CHECK (_source ->> 'n' <> '7'),
	ADD CONSTRAINT c_version CHECK (_version < 3), ADD CONSTRAINT d_id CHECK (_id <> 'forbidden');
CREATE UNIQUE INDEX by_name ON direct_errors.doc ((_source ->> 'name'));
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": 0}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"n": 0}')$$);
SELECT * FROM pg_temp.compare($$kz_upsert('direct_errors', 'doc', 'one', '{"n": 0}')$$, $$UPDATE direct_errors.doc SET _version = 2, _source = '{"n": 0, "name": "one"}' WHERE _id = 'one'$$);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": 7}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"n": 7}')$$);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{}', 'forbidden')$$, $$INSERT INTO direct_errors.doc VALUES ('forbidden', 1, '{}')$$);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": "x"}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"n": "x"}')$$);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": -1, "name": "one"}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"n": -1, "name": "one"}')$$);
-- a NULL passes; so does what is not written
SELECT kz_create('direct_errors', 'doc', '{}', 'two') -> '_version' AS version, kz_update('direct_errors', 'doc', 'two', '{"n": 1}') -> '_version' AS updated;
SELECT * FROM pg_temp.compare($$kz_update('direct_errors', 'doc', 'two', '{"n": 2}')$$, $$UPDATE direct_errors.doc SET _version = 3, _source = '{"n": 2}' WHERE _id = 'two'$$);
SELECT kz_update('direct_errors', 'doc', 'two', '{"n": 1}') -> '_version' AS unchanged;
-- one that asks where the row is
ALTER TABLE direct_errors.doc ADD CONSTRAINT here CHECK (tableoid = 'direct_errors.doc'::regclass), ADD CONSTRAINT whole CHECK (doc IS NOT NULL);
SELECT kz_upsert('direct_errors', 'doc', 'here', '{"n": 1}') -> '_version' AS version, kz_update('direct_errors', 'doc', 'here', '{"n": 2}') -> '_version' AS updated,
	jsonb_array_length(kz_mcreate('direct_errors', 'doc', '[{"_id": "here too", "body": {}}]') -> 'successes') AS created,
	jsonb_array_length(kz_mdelete('direct_errors', 'doc', '{here,here too}') -> 'successes') AS deleted;
ALTER TABLE direct_errors.doc DROP CONSTRAINT here, DROP CONSTRAINT whole;
-- one that is not validated for what is there counts for what is written
UPDATE direct_errors.doc SET _source = '{"old": true}' WHERE _id = 'two';
ALTER TABLE direct_errors.doc DROP CONSTRAINT c_version, ADD CONSTRAINT not_old CHECK (NOT _source ? 'old') NOT VALID;
SELECT * FROM pg_temp.compare($$kz_update('direct_errors', 'doc', 'two', '{"n": 2}')$$, $$UPDATE direct_errors.doc SET _version = 3, _source = '{"n": 2, "old": true}' WHERE _id = 'two'$$);
SELECT kz_delete_fields('direct_errors', 'doc', 'two', '{old}') -> '_version' AS version;
-- a long row is cut in the detail
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', jsonb_build_object('n', 0, 'x', repeat('x', 100)), repeat('i', 100))$$,
	$$INSERT INTO direct_errors.doc VALUES (repeat('i', 100), 1, jsonb_build_object('n', 0, 'x', repeat('x', 100)))$$);
-- one who may not read the whole row is not shown it
CREATE ROLE regress_kz_user;
GRANT USAGE ON SCHEMA direct_errors TO regress_kz_user;
GRANT SELECT (_id, _version, _source), INSERT (_id, _version, _source), UPDATE (_version, _source) ON direct_errors.doc TO regress_kz_user;
SET ROLE regress_kz_user;
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": 0}', 'a')$$, $$INSERT INTO direct_errors.doc (_id, _version, _source) VALUES ('a', 1, '{"n": 0}')$$);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"name": "one"}', 'a')$$, $$INSERT INTO direct_errors.doc (_id, _version, _source) VALUES ('a', 1, '{"name": "one"}')$$);
SELECT kz_create('direct_errors', 'doc', '{"n": 1}', 'by columns') -> '_version' AS version, kz_update('direct_errors', 'doc', 'by columns', '{"n": 2}') -> '_version' AS updated;
RESET ROLE;
-- a column that such a user may not read is none that the writer needs
REVOKE ALL ON direct_errors.doc FROM regress_kz_user;
GRANT INSERT, UPDATE, SELECT (_id, _source) ON direct_errors.doc TO regress_kz_user;
SET ROLE regress_kz_user;
SELECT kz_get('direct_errors', 'doc', 'by columns');
RESET ROLE;
DROP OWNED BY regress_kz_user;
DROP ROLE regress_kz_user;

-- unique indexes of the user's
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"name": "one"}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"name": "one"}')$$);
SELECT * FROM pg_temp.compare($$kz_update('direct_errors', 'doc', 'two', '{"name": "one"}')$$, $$UPDATE direct_errors.doc SET _version = 3, _source = '{"n": 2, "name": "one"}' WHERE _id = 'two'$$);
SELECT * FROM pg_temp.compare($$kz_create_or_replace('direct_errors', 'doc', 'a', '{"name": "one"}')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"name": "one"}')$$);
-- the id comes first, and its being taken is no error of the server's
SELECT kz_create('direct_errors', 'doc', '{"name": "one"}', 'one');
SELECT kz_mcreate('direct_errors', 'doc', '[{"_id": "a", "body": {"name": "one"}}, {"_id": "one", "body": {"name": "one"}}]');
SELECT kz_upsert('direct_errors', 'doc', 'one', '{"name": "one", "n": 3}');
DROP INDEX direct_errors.by_name;
ALTER TABLE direct_errors.doc ADD CONSTRAINT source_and_version UNIQUE NULLS NOT DISTINCT (_source, _version);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": 5}', 'b'), kz_create('direct_errors', 'doc', '{"n": 5}', 'c')$$,
	$$INSERT INTO direct_errors.doc VALUES ('b', 1, '{"n": 5}'), ('c', 1, '{"n": 5}')$$);
ALTER TABLE direct_errors.doc DROP CONSTRAINT source_and_version;

-- what an index makes of a row
CREATE INDEX by_ratio ON direct_errors.doc (((_source ->> 'n')::int / (_source ->> 'by')::int));
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": 5, "by": 0}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"n": 5, "by": 0}')$$);
SELECT * FROM pg_temp.compare($$kz_update('direct_errors', 'doc', 'two', '{"n": 5, "by": 0}')$$, $$UPDATE direct_errors.doc SET _source = '{"n": 5, "by": 0}' WHERE _id = 'two'$$);
SELECT * FROM pg_temp.compare($$kz_create('direct_errors', 'doc', '{"n": 5, "by": "zero"}', 'a')$$, $$INSERT INTO direct_errors.doc VALUES ('a', 1, '{"n": 5, "by": "zero"}')$$);
DROP INDEX direct_errors.by_ratio;
CREATE INDEX by_x ON direct_errors.doc ((_source ->> 'x'));
SELECT same, left(raised, 5) AS code FROM pg_temp.compare($$kz_create('direct_errors', 'doc', (SELECT jsonb_build_object('x', string_agg(md5(i::text), '')) FROM generate_series(1, 400) AS i), 'a')$$,
	$$INSERT INTO direct_errors.doc SELECT 'a', 1, jsonb_build_object('x', string_agg(md5(i::text), '')) FROM generate_series(1, 400) AS i$$);
DROP INDEX direct_errors.by_x;

-- _version does not go beyond its type
UPDATE direct_errors.doc SET _version = 9223372036854775807 WHERE _id = 'two';
SELECT kz_update('direct_errors', 'doc', 'two', '{"n": 9}');
SELECT kz_mupdate('direct_errors', 'doc', '[{"_id": "two", "body": {"n": 9}}, {"_id": "one", "body": {"n": 9}}]', source => false);
SELECT kz_delete('direct_errors', 'doc', 'two', source => true) -> '_version' AS version;

-- a row that cannot be told from others in a publication can be inserted, and no more; so for plain SQL
CREATE TABLE direct_errors.published (_id text NOT NULL UNIQUE, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('direct_errors', 'published', 'direct_errors.published');
SET client_min_messages = error;	-- wal_level may be what it likes
CREATE PUBLICATION regress_kz_publication FOR TABLE direct_errors.published;
RESET client_min_messages;
SELECT kz_create('direct_errors', 'published', '{"n": 1}', 'a') -> '_version' AS version, kz_mcreate('direct_errors', 'published', '[{"_id": "b", "body": {}}, {"_id": "c", "body": {}}]', source => false);
SELECT * FROM pg_temp.compare($$kz_update('direct_errors', 'published', 'a', '{"n": 2}')$$, $$UPDATE direct_errors.published SET _version = 2 WHERE _id = 'a'$$);
SELECT * FROM pg_temp.compare($$kz_delete('direct_errors', 'published', 'a')$$, $$DELETE FROM direct_errors.published WHERE _id = 'a'$$);
SELECT kz_upsert('direct_errors', 'published', 'a', '{"n": 1}') -> '_version' AS unchanged, kz_upsert('direct_errors', 'published', 'd', '{"n": 1}') -> '_version' AS created;
SELECT kz_mupsert('direct_errors', 'published', '[{"_id": "a", "changes": {"n": 2}}, {"_id": "e", "changes": {}}]', source => false);
SELECT kz_mdelete('direct_errors', 'published', '{a,z}');
ALTER TABLE direct_errors.published REPLICA IDENTITY USING INDEX published__id_key;
SELECT kz_update('direct_errors', 'published', 'a', '{"n": 2}'), kz_delete('direct_errors', 'published', 'b');
ALTER TABLE direct_errors.published REPLICA IDENTITY NOTHING;
SELECT kz_update('direct_errors', 'published', 'a', '{"n": 3}');
ALTER TABLE direct_errors.published REPLICA IDENTITY FULL;
SELECT kz_update('direct_errors', 'published', 'a', '{"n": 3}'), kz_delete('direct_errors', 'published', 'c');
DROP PUBLICATION regress_kz_publication;
SELECT * FROM direct_errors.published ORDER BY _id;

-- after all of this
SELECT * FROM direct_errors.doc ORDER BY _id;
SELECT kz_delete_collection('direct_errors', 'published');
DROP TABLE direct_errors.published;
SELECT kz_delete_index('direct_errors');
