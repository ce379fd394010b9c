--
-- DROP AND CREATE AGAIN
-- Documents belong to their users: DROP EXTENSION leaves every table where it
-- is, and after CREATE EXTENSION collections are taken up with their data.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('attic', 'boxes', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}}}');
SELECT kz_create_collection('attic', repeat('long', 20));
SELECT kz_create_collection('attic', 'boxes_pkey');
SELECT kz_upsert('attic', 'boxes', 'a', '{"n": 1}'), kz_update('attic', 'boxes', 'a', '{"n": 2}');
SELECT kz_upsert('attic', repeat('long', 20), 'a', '{"long": true}');
SELECT kz_create_collection('pg_attic', 'boxes');
SELECT kz_upsert('pg_attic', 'boxes', 'a', '{"pg": true}');
CREATE SCHEMA cellar;
CREATE TABLE cellar.bottles (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('attic', 'bottles', 'cellar.bottles');
SELECT kz_upsert('attic', 'bottles', 'a', '{"wine": true}');
CREATE TABLE attic.own (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_create_collection('attic', 'own');

-- a drop that is taken back leaves everything as it was
BEGIN;
DROP EXTENSION kz;
\set VERBOSITY sqlstate
SAVEPOINT s;
SELECT kz_get('attic', 'boxes', 'a');
ROLLBACK TO s;
\set VERBOSITY default
CREATE EXTENSION kz;
SELECT kz_index_exists('attic'), kz_collection_exists('attic', 'boxes');
ROLLBACK;
SELECT kz_get('attic', 'boxes', 'a');

-- no table is a member of the extension, so all survive
DROP EXTENSION kz;
SELECT * FROM attic.boxes;
SELECT * FROM cellar.bottles;
SELECT count(*) FROM pg_class WHERE relnamespace = 'attic'::regnamespace AND relkind = 'r';
SELECT to_regnamespace('kz_catalog');

-- created again the catalogue is empty, in this session too
CREATE EXTENSION kz;
SELECT (SELECT count(*) FROM kz_catalog.index) AS indexes, (SELECT count(*) FROM kz_catalog.collection) AS collections;
SELECT kz_index_exists('attic');
SELECT kz_get('attic', 'boxes', 'a');

-- collections are taken up, those with another physical name as well
SELECT kz_create_collection('attic', 'boxes');
SELECT kz_create_collection('attic', repeat('long', 20));
SELECT kz_create_collection('attic', 'boxes_pkey');
SELECT kz_create_collection('attic', 'own');
SELECT kz_create_collection('pg_attic', 'boxes');
SELECT kz_get('attic', 'boxes', 'a');
SELECT kz_get('attic', repeat('long', 20), 'a');
SELECT kz_get('pg_attic', 'boxes', 'a');
SELECT kz_update('attic', 'boxes', 'a', '{"free": true}', source => true);
SELECT kz_get_mapping('attic', 'boxes');
SELECT left(name, 10) AS name, attached FROM kz_catalog.collection WHERE index = 'attic' ORDER BY kz_catalog.collection.name;

-- a table of another schema has to be attached again
SELECT kz_collection_exists('attic', 'bottles');
SELECT kz_attach_collection('attic', 'bottles', 'cellar.bottles');
SELECT kz_get('attic', 'bottles', 'a');

-- kz still knows which tables it made, and drops those only
SELECT kz_delete_collection('attic', 'boxes');
SELECT to_regclass('attic.boxes');
SELECT kz_delete_index('attic');
SELECT relname FROM pg_class WHERE relnamespace = 'attic'::regnamespace AND relkind = 'r';
SELECT count(*) FROM cellar.bottles;

-- the schemas were there before the indexes were, and stay
SELECT schema_name ~ '^kz_pg_attic_' AS hashed, adopted, schema_name AS physical FROM kz_catalog.index WHERE name = 'pg_attic' \gset
SELECT :'hashed' AS hashed, :'adopted' AS adopted;
SELECT kz_delete_index('pg_attic');
SELECT to_regnamespace(quote_ident(:'physical')) IS NOT NULL AS there;
SET client_min_messages = warning;
DROP SCHEMA attic, cellar, :"physical" CASCADE;
