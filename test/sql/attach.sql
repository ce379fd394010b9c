--
-- ATTACH
-- Which tables that are already there can be made a collection, which cannot
-- and why, and what happens when an attached table is altered afterwards.
--
\set SHOW_CONTEXT never

SELECT kz_create_index('shop');

/*
 * Creates a table with this definition (%s stands for its name), attaches it,
 * writes and reads one document, and drops the table.  Answers that document,
 * or the SQLSTATE and the message of the error.
 */
CREATE FUNCTION pg_temp.attach(definition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	EXECUTE format(definition, 'shop.candidate');
	PERFORM kz_attach_collection('shop', 'goods', 'shop.candidate');
	PERFORM kz_upsert('shop', 'goods', 'a', '{"n": 1}');
	PERFORM kz_update('shop', 'goods', 'a', '{"n": 2}');
	answer = kz_get('shop', 'goods', 'a');
	PERFORM kz_delete_collection('shop', 'goods');
	DROP TABLE shop.candidate;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;

-- what fits
SELECT what, pg_temp.attach(definition) FROM (VALUES
	(1, 'the shape itself', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(2, 'columns in another order', 'CREATE TABLE %s (_source jsonb NOT NULL, note text, _version bigint NOT NULL, _id text PRIMARY KEY)'),
	(3, 'COLLATE "C"', 'CREATE TABLE %s (_id text COLLATE "C" PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(4, 'unique index that is no primary key', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id)'),
	(5, 'unique index with INCLUDE', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id) INCLUDE (_version)'),
	(6, 'a partial index beside a fitting one', 'CREATE TABLE %s (_id text NOT NULL UNIQUE, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id) WHERE _version > 0'),
	(7, 'another primary key', 'CREATE TABLE %s (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, _id text NOT NULL UNIQUE, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(8, 'a nullable column', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, note text)'),
	(9, 'a column with a default', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, note text NOT NULL DEFAULT ''x'')'),
	(10, 'a generated column', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, n int NOT NULL GENERATED ALWAYS AS ((_source->>''n'')::int) STORED)'),
	(11, 'defaults on our columns', 'CREATE TABLE %s (_id text PRIMARY KEY DEFAULT ''x'', _version bigint NOT NULL DEFAULT 9, _source jsonb NOT NULL DEFAULT ''{}'')'),
	(12, 'dropped columns', 'CREATE TABLE %s (a int, _id text PRIMARY KEY, b int NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); ALTER TABLE %1$s DROP a, DROP b'),
	(13, 'an unlogged table', 'CREATE UNLOGGED TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)')
) AS t (ord, what, definition) ORDER BY ord;

-- what does not fit
CREATE COLLATION shop.no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT what, pg_temp.attach(definition) FROM (VALUES
	(1, 'no _id', 'CREATE TABLE %s (id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(2, 'no _version', 'CREATE TABLE %s (_id text PRIMARY KEY, _source jsonb NOT NULL)'),
	(3, 'no _source', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL)'),
	(4, '_id varchar', 'CREATE TABLE %s (_id varchar PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(5, '_id uuid', 'CREATE TABLE %s (_id uuid PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(6, '_version int', 'CREATE TABLE %s (_id text PRIMARY KEY, _version int NOT NULL, _source jsonb NOT NULL)'),
	(7, '_source json', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source json NOT NULL)'),
	(8, '_id nullable', 'CREATE TABLE %s (_id text UNIQUE, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(9, '_version nullable', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint, _source jsonb NOT NULL)'),
	(10, '_source nullable', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb)'),
	(11, '_version generated', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL GENERATED ALWAYS AS (1) STORED, _source jsonb NOT NULL)'),
	(12, '_version identity', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint GENERATED ALWAYS AS IDENTITY, _source jsonb NOT NULL)'),
	(13, 'nondeterministic collation', 'CREATE TABLE %s (_id text COLLATE shop.no_case PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(14, 'no unique index', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE INDEX ON %1$s (_id)'),
	(15, 'partial', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id) WHERE _version > 0'),
	(16, 'deferrable', 'CREATE TABLE %s (_id text NOT NULL UNIQUE DEFERRABLE, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(17, 'deferrable primary key', 'CREATE TABLE %s (_id text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, _version bigint NOT NULL, _source jsonb NOT NULL)'),
	(18, 'two columns', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL, UNIQUE (_id, _version))'),
	(19, 'an expression', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (lower(_id))'),
	(20, 'unique on another column', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL UNIQUE, _source jsonb NOT NULL)'),
	(21, 'unique only by a nondeterministic collation', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL); CREATE UNIQUE INDEX ON %1$s (_id COLLATE shop.no_case)'),
	(22, 'exclusion constraint', 'CREATE TABLE %s (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL, EXCLUDE (_id WITH =))'),
	(23, 'another column NOT NULL without default', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, note text NOT NULL)'),
	(24, 'deferrable, beside one that fits', 'CREATE TABLE %s (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, UNIQUE (_id) DEFERRABLE)'),
	(25, 'one that fits, beside a deferrable one', 'CREATE TABLE %s (_id text NOT NULL UNIQUE, _version bigint NOT NULL, _source jsonb NOT NULL, PRIMARY KEY (_id) DEFERRABLE INITIALLY DEFERRED)')
) AS t (ord, what, definition) ORDER BY ord;
SELECT * FROM kz_list_collections('shop');

-- an index that is not valid
CREATE TABLE shop.invalid (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL);
INSERT INTO shop.invalid VALUES ('a', 1, '{}'), ('a', 1, '{}');
\set VERBOSITY sqlstate
CREATE UNIQUE INDEX CONCURRENTLY ON shop.invalid (_id);
\set VERBOSITY default
TRUNCATE shop.invalid;
SELECT kz_attach_collection('shop', 'goods', 'shop.invalid');
REINDEX TABLE shop.invalid;
SELECT kz_attach_collection('shop', 'goods', 'shop.invalid');
SELECT kz_delete_collection('shop', 'goods');
DROP TABLE shop.invalid;

-- relations of other kinds, and tables that are not a user's own
CREATE TABLE shop.fitting (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
CREATE VIEW shop.a_view AS SELECT * FROM shop.fitting;
CREATE MATERIALIZED VIEW shop.a_matview AS SELECT * FROM shop.fitting;
CREATE UNIQUE INDEX ON shop.a_matview (_id);
CREATE SEQUENCE shop.a_sequence;
CREATE TYPE shop.a_type AS (_id text, _version bigint, _source jsonb);
CREATE TEMPORARY TABLE temporary_goods (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('shop', 'goods', 'shop.a_view');
SELECT kz_attach_collection('shop', 'goods', 'shop.a_matview');
SELECT kz_attach_collection('shop', 'goods', 'shop.a_sequence');
SELECT kz_attach_collection('shop', 'goods', 'shop.a_type');
SELECT kz_attach_collection('shop', 'goods', 'shop.fitting_pkey');
\set VERBOSITY sqlstate
SELECT kz_attach_collection('shop', 'goods', 'temporary_goods');
\set VERBOSITY default
SELECT kz_attach_collection('shop', 'goods', 'pg_catalog.pg_class');
SELECT kz_attach_collection('shop', 'goods', 'information_schema.sql_features');
SELECT kz_attach_collection('shop', 'goods', 'kz_catalog.collection');
SELECT kz_collection_exists('shop', 'goods');

-- even in the right shape, a table of an extension or of the catalogs is not taken
ALTER EXTENSION kz ADD TABLE shop.fitting;
SELECT kz_attach_collection('shop', 'goods', 'shop.fitting');
ALTER EXTENSION kz DROP TABLE shop.fitting;
CREATE TABLE information_schema.goods (LIKE shop.fitting INCLUDING ALL);
SELECT kz_attach_collection('shop', 'goods', 'information_schema.goods');
DROP TABLE information_schema.goods;

-- arguments
SELECT kz_attach_collection('shop', 'goods', NULL);
SELECT kz_attach_collection('nowhere', 'goods', 'shop.fitting');
SELECT kz_attach_collection('shop', 'Goods', 'shop.fitting');

-- one name, one table
SELECT kz_attach_collection('shop', 'goods', 'shop.fitting');
SELECT kz_attach_collection('shop', 'goods', 'shop.fitting');
SELECT kz_attach_collection('shop', 'wares', 'shop.fitting');
CREATE TABLE shop.wares (LIKE shop.fitting INCLUDING ALL);
SELECT kz_attach_collection('shop', 'goods', 'shop.wares');
SELECT kz_create_collection('shop', 'made');
SELECT kz_attach_collection('shop', 'wares', 'shop.made');
SELECT name, schema_name, table_name, attached FROM kz_catalog.collection WHERE index = 'shop' ORDER BY name;

-- any schema, any name
CREATE SCHEMA "Far ""Away""";
CREATE TABLE "Far ""Away"""."It's a Table" (LIKE shop.fitting INCLUDING ALL);
SELECT kz_attach_collection('shop', 'far', '"Far ""Away"""."It''s a Table"');
SELECT kz_upsert('shop', 'far', 'a', '{"n": 1}', source => true);
SELECT kz_update('shop', 'far', 'a', '{"n": 2}');
SELECT kz_count('shop', 'far'), kz_exists('shop', 'far', 'a');
SELECT * FROM "Far ""Away"""."It's a Table";
SELECT kz_truncate_collection('shop', 'far');
SELECT count(*) FROM "Far ""Away"""."It's a Table";

-- what an attached table holds are documents
INSERT INTO shop.fitting VALUES ('a', 41, '{"n": 1}');
SELECT kz_get('shop', 'goods', 'a');
SELECT kz_update('shop', 'goods', 'a', '{"m": 2}', source => true);

DROP VIEW shop.a_view;
DROP MATERIALIZED VIEW shop.a_matview;

-- altered so that it no longer fits: a clear error; fits again: works
ALTER TABLE shop.fitting DROP CONSTRAINT fitting_pkey;
SELECT kz_get('shop', 'goods', 'a');
SELECT kz_update('shop', 'goods', 'a', '{"m": 3}');
SELECT kz_count('shop', 'goods');
ALTER TABLE shop.fitting ADD UNIQUE (_id);
SELECT kz_update('shop', 'goods', 'a', '{"m": 3}');
ALTER TABLE shop.fitting ALTER _source DROP NOT NULL;
SELECT kz_upsert('shop', 'goods', 'b', '{}');
ALTER TABLE shop.fitting ALTER _source SET NOT NULL;
ALTER TABLE shop.fitting ADD note text NOT NULL DEFAULT '';
ALTER TABLE shop.fitting ALTER note DROP DEFAULT;
SELECT kz_upsert('shop', 'goods', 'b', '{}');
ALTER TABLE shop.fitting DROP note;
ALTER TABLE shop.fitting RENAME _version TO version;
SELECT kz_delete('shop', 'goods', 'a');
ALTER TABLE shop.fitting RENAME version TO _version;
ALTER TABLE shop.fitting ALTER _version TYPE int;
SELECT kz_delete('shop', 'goods', 'a');
ALTER TABLE shop.fitting ALTER _version TYPE bigint;
SELECT kz_upsert('shop', 'goods', 'b', '{}'), kz_delete('shop', 'goods', 'a');

-- what no longer fits can still be detached
ALTER TABLE shop.fitting ALTER _source DROP NOT NULL;
SELECT kz_delete_collection('shop', 'goods');
SELECT count(*) FROM shop.fitting;

SELECT kz_delete_index('shop');
SET client_min_messages = warning;
DROP SCHEMA shop, "Far ""Away""" CASCADE;
