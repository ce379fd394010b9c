--
-- NAMES
-- Which names an index and a collection may have, and the physical name that
-- stands in where PostgreSQL cannot use the name as it is.
--
\set SHOW_CONTEXT never
SET client_encoding = 'UTF8';

-- what a statement answers, or the SQLSTATE and the DETAIL of its error
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, nullif(detail, ''));
END $$;

SELECT kz_create_index('names');

-- names that are refused, for an index and for a collection
CREATE TEMPORARY TABLE refused (ord serial, what text, name text);
INSERT INTO refused (what, name)
SELECT coalesce(nullif(what, ''), 'character ' || name), 'a' || name || 'b'
FROM (VALUES ('', '\'), ('', '/'), ('', '*'), ('', '?'), ('', '"'), ('', '<'), ('', '>'), ('', '|'),
	('', ','), ('', '+'), ('', '#'), ('', ':'), ('', '.'), ('', '&'), ('', '%'),
	('a space', ' '), ('a tab', E'\t'), ('a carriage return', E'\r'), ('a newline', E'\n')) AS bad (what, name);
INSERT INTO refused (what, name) VALUES
	('upper case', 'Shop'),
	('upper case at the end', 'shoP'),
	('127 bytes', repeat('a', 127)),
	('127 bytes, 64 characters', repeat(E'\u00e9', 63) || 'a'),
	('a leading forbidden character', '*a'),
	('a trailing forbidden character', 'a*'),
	('all', '_all'),
	('empty', '');
SELECT what,
	pg_temp.outcome(format('SELECT kz_create_index(%L)', name)) AS index,
	pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', 'names', name)) AS collection
FROM refused ORDER BY ord;
SELECT kz_create_index('sh op');
SELECT kz_create_collection('names', 'it ems');
SELECT kz_create_collection('names', '_kuzzle_keep');
SELECT kz_attach_collection('names', 'it ems', 'refused');
SELECT kz_attach_collection('names', '_kuzzle_keep', 'refused');
SELECT * FROM kz_list_collections('names');

-- the index name is looked at before the collection name, that before the mappings
SELECT pg_temp.outcome($$SELECT kz_create_collection('NAMES', 'ITEMS', '{"bad": 1}')$$);
SELECT pg_temp.outcome($$SELECT kz_create_collection('names', 'ITEMS', '{"bad": 1}')$$);
SELECT pg_temp.outcome($$SELECT kz_create_collection('names', '_kuzzle_keep', '{"bad": 1}')$$);

-- documents are not found under a bad name; they are not checked for it again
SELECT kz_exists('sh op', 'items', 'x');
SELECT kz_exists('names', 'it ems', 'x');

-- names that are accepted
CREATE TEMPORARY TABLE accepted (ord serial, what text, name text);
INSERT INTO accepted (what, name) VALUES
	('one letter', 'x'),
	('leading underscore', '_under'),
	('leading dash', '-dash'),
	('leading digit', '1digit'),
	('backtick', 'a`b'),
	('single quote', 'o''brien;--'),
	('brackets and more', '(a)[b]{c}=$1@!~^'),
	('a keyword', 'select'),
	('63 bytes', repeat('b', 63)),
	('64 bytes', repeat('b', 64)),
	('126 bytes', repeat('c', 126)),
	('126 bytes, 63 characters', repeat(E'\u00e9', 63)),
	('64 bytes, cut inside a character', repeat('d', 40) || repeat(E'\u20ac', 8)),
	('emoji', E'\U0001F600'),
	('another reserved name', '_kuzzle_keep_');
SELECT what,
	pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', 'names', name)) AS created,
	pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L)', 'names', name, 'id', '{}')) AS written,
	pg_temp.outcome(format('SELECT kz_collection_exists(%L, %L)', 'names', name)) AS exists
FROM accepted ORDER BY ord;

-- the table has that name up to 63 bytes, beyond that a shortened one with a hash
SELECT what, table_name = a.name AS same, octet_length(table_name::text) <= 63 AS fits,
	table_name ~ '^kz_.*_[0-9a-f]{16}$' AS hashed,
	to_regclass(format('%I.%I', schema_name, table_name)) IS NOT NULL AS there
FROM accepted a JOIN kz_catalog.collection c ON c.index = 'names' AND c.name = a.name
ORDER BY ord;

-- the same for indexes and their schemas
SELECT what,
	pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', name, 'items')) AS created,
	pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L)', name, 'items', 'id', '{}')) AS written
FROM accepted ORDER BY ord;
SELECT what, schema_name = a.name AS same, octet_length(schema_name::text) <= 63 AS fits,
	schema_name ~ '^kz_.*_[0-9a-f]{16}$' AS hashed,
	to_regnamespace(quote_ident(schema_name)) IS NOT NULL AS there
FROM accepted a JOIN kz_catalog.index i USING (name) ORDER BY ord;
SELECT what, pg_temp.outcome(format('SELECT kz_delete_index(%L)', name)) AS deleted FROM accepted ORDER BY ord;
SELECT count(*) FROM kz_catalog.index JOIN accepted USING (name);

-- two names that begin with the same 63 bytes do not collide
SELECT kz_create_collection('names', repeat('e', 100) || n) FROM generate_series(1, 2) AS n ORDER BY n;
SELECT kz_upsert('names', repeat('e', 100) || n, 'id', jsonb_build_object('n', n)) FROM generate_series(1, 2) AS n ORDER BY n;
SELECT kz_get('names', repeat('e', 100) || n, 'id') FROM generate_series(1, 2) AS n ORDER BY n;
SELECT count(DISTINCT table_name) FROM kz_catalog.collection WHERE index = 'names' AND name LIKE 'eeee%';

-- names that PostgreSQL makes by itself are free: keys, array types
SELECT pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', 'names', name))
FROM unnest('{y,y_pkey,z_pkey,z,_w,w,v,_v}'::text[]) WITH ORDINALITY AS names (name, ord) ORDER BY ord;
SELECT name, table_name FROM kz_catalog.collection
WHERE index = 'names' AND name ~ '^_?[vwyz](_pkey)?$' ORDER BY name;
SELECT pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L)', 'names', name, 'id', '{}'))
FROM unnest('{y,y_pkey,z_pkey,z,_w,w,v,_v}'::text[]) WITH ORDINALITY AS names (name, ord) ORDER BY ord;

-- a name taken by another kind of object gets a hashed table beside it
CREATE VIEW names.a_view AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW names.a_matview AS SELECT 1 AS one;
CREATE SEQUENCE names.a_sequence;
CREATE INDEX an_index ON names.y ((_source->'a'));
CREATE TYPE names.an_enum AS ENUM ('one');
CREATE TYPE names.a_composite AS (one int);
CREATE DOMAIN names.a_domain AS int;
SELECT name, pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', 'names', name)) AS created,
	pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L)', 'names', name, 'id', '{}')) AS written
FROM unnest('{a_view,a_matview,a_sequence,an_index,an_enum,a_composite,a_domain}'::text[]) WITH ORDINALITY AS names (name, ord)
ORDER BY ord;
SELECT name, table_name ~ ('^kz_' || name || '_[0-9a-f]{16}$') AS hashed
FROM kz_catalog.collection WHERE index = 'names' AND name ~ '^an?_' ORDER BY name;

-- a table that is there is taken up if it fits, and never stepped around
CREATE TABLE names.unfit (_id int);
SELECT kz_create_collection('names', 'unfit');
SELECT kz_collection_exists('names', 'unfit');

-- index names that PostgreSQL keeps for itself
SELECT name, pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', name, 'items')) AS created,
	pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L)', name, 'items', 'id', '{}')) AS written
FROM unnest('{pg_x,pg_catalog,pg_toast,pg_temp,information_schema,kz_catalog}'::text[]) WITH ORDINALITY AS names (name, ord)
ORDER BY ord;
SELECT name, adopted, schema_name ~ ('^kz_' || name || '_[0-9a-f]{16}$') AS hashed
FROM kz_catalog.index WHERE name ~ '^pg_' OR name IN ('information_schema', 'kz_catalog') ORDER BY name;
SELECT name, pg_temp.outcome(format('SELECT kz_delete_index(%L)', name)) AS deleted
FROM unnest('{pg_x,pg_catalog,pg_toast,pg_temp,information_schema,kz_catalog}'::text[]) WITH ORDINALITY AS names (name, ord)
ORDER BY ord;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^kz_' ORDER BY nspname;

-- the schema of one index is not the schema of another
SELECT kz_create_collection('kz_catalog', 'items');
SELECT kz_upsert('kz_catalog', 'items', 'id', '{}');
SELECT schema_name AS hashed FROM kz_catalog.index WHERE name = 'kz_catalog' \gset
SELECT kz_create_index(:'hashed');
SELECT kz_create_collection(:'hashed', 'items');
SELECT kz_index_exists(:'hashed'), kz_count('kz_catalog', 'items');
SELECT kz_delete_index('kz_catalog');
SELECT kz_create_index(:'hashed');
SELECT kz_create_index('kz_catalog');
SELECT kz_delete_index(:'hashed');
SELECT to_regnamespace(:'hashed');

-- public is a schema like any other: its owner may make it an index
CREATE ROLE regress_kz_stranger;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kz_stranger;
SET ROLE regress_kz_stranger;
\set VERBOSITY sqlstate
SELECT kz_create_index('public');
SELECT kz_create_collection('public', 'kz_names_items');
\set VERBOSITY default
RESET ROLE;
SELECT kz_create_index('public');
SELECT schema_name, adopted FROM kz_catalog.index WHERE name = 'public';
SELECT kz_create_collection('public', 'kz_names_items');
SELECT kz_upsert('public', 'kz_names_items', 'id', '{}');
SELECT to_regclass('public.kz_names_items');
SELECT kz_delete_index('public');
SELECT to_regclass('public.kz_names_items'), to_regnamespace('public');

-- a schema of somebody else is not adopted either
CREATE SCHEMA mine;
SET ROLE regress_kz_stranger;
\set VERBOSITY sqlstate
SELECT kz_create_index('mine');
\set VERBOSITY default
RESET ROLE;
SELECT kz_index_exists('mine');
DROP SCHEMA mine;

REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_kz_stranger;
DROP ROLE regress_kz_stranger;
DROP INDEX names.an_index;
SELECT kz_delete_index('names');
SET client_min_messages = warning;
DROP SCHEMA names CASCADE;
