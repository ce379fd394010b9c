--
-- COLLECTIONS
-- An index is a schema and a collection is a table in it: how they are made,
-- changed, listed and deleted, and what becomes of them when plain SQL drops,
-- renames or creates the same objects.
--
\set SHOW_CONTEXT never

-- a collection is an ordinary table with three columns
SELECT kz_create_index('zoo');
SELECT kz_create_collection('zoo', 'birds');
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, c.collname
FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = 'zoo.birds'::regclass AND a.attnum > 0
ORDER BY a.attnum;
SELECT relkind, relpersistence, reloptions, relhastriggers
FROM pg_class WHERE oid = 'zoo.birds'::regclass;
SELECT contype, pg_get_constraintdef(oid), conname ~ '^kz_[0-9a-f]+_pkey$' AS hashed_name
FROM pg_constraint WHERE conrelid = 'zoo.birds'::regclass AND contype = 'p';
SELECT name, schema_name, adopted FROM kz_catalog.index WHERE name = 'zoo';
SELECT index, name, schema_name, table_name, attached FROM kz_catalog.collection WHERE index = 'zoo';

-- an index is made once, a collection as often as one likes
SELECT kz_create_index('zoo');
SELECT kz_create_collection('zoo', 'birds');

-- indexes are listed in order of creation, collections by their bytes
SELECT kz_create_index('annex');
SELECT kz_create_collection('zoo', name)
FROM unnest('{b,a,ab,a-b,_c}'::text[]) WITH ORDINALITY AS names (name, ord) ORDER BY ord;
SELECT name FROM kz_list_indexes() WITH ORDINALITY AS names (name, ord)
WHERE name IN ('annex', 'zoo') ORDER BY ord;
SELECT name FROM kz_list_collections('zoo') WITH ORDINALITY AS names (name, ord) ORDER BY ord;
SELECT * FROM kz_list_collections('annex');

-- a missing index is created along with the collection
SELECT kz_index_exists('farm');
SELECT kz_create_collection('farm', 'cows', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}',
	'{"note": "milk"}');
SELECT kz_index_exists('farm'), kz_collection_exists('farm', 'cows');
SELECT kz_get_mapping('farm', 'cows'), kz_get_settings('farm', 'cows');

-- created again it is updated, and what it holds stays
SELECT kz_upsert('farm', 'cows', 'elsa', '{"name": "Elsa"}');
SELECT kz_create_collection('farm', 'cows', '{"properties": {"born": {"type": "date"}}}', '{"limit": 3}');
SELECT kz_get_mapping('farm', 'cows'), kz_get_settings('farm', 'cows');
SELECT kz_get('farm', 'cows', 'elsa');

-- created again with nothing new, as applications do at every start: nothing is written
SELECT xmin AS before FROM kz_catalog.collection WHERE index = 'farm' AND name = 'cows' \gset
SELECT kz_create_collection('farm', 'cows');
SELECT kz_create_collection('farm', 'cows', '{"dynamic": "strict", "properties": {"born": {"type": "date"}}}', '{"limit": 3}');
SELECT kz_update_collection('farm', 'cows', '{"properties": {"name": {"type": "keyword"}}}', '{}');
SELECT xmin = :'before'::xid AS unchanged FROM kz_catalog.collection WHERE index = 'farm' AND name = 'cows';
SELECT kz_create_collection('farm', 'cows', settings => '{"limit": 3.0}');
SELECT xmin = :'before'::xid AS unchanged FROM kz_catalog.collection WHERE index = 'farm' AND name = 'cows';

-- update: mappings or settings alone
SELECT kz_update_collection('farm', 'cows', mappings => '{"dynamic": "false"}');
SELECT kz_update_collection('farm', 'cows', settings => '{"limit": 4}');
SELECT kz_update_collection('farm', 'cows');
SELECT kz_get_mapping('farm', 'cows'), kz_get_settings('farm', 'cows');

-- truncate: the documents go, the rest stays
SELECT kz_truncate_collection('farm', 'cows');
SELECT kz_count('farm', 'cows'), kz_get_mapping('farm', 'cows'), kz_get_settings('farm', 'cows');

-- what is unknown
SELECT kz_index_exists('desert'), kz_collection_exists('desert', 'x'), kz_collection_exists('farm', 'x');
SELECT kz_delete_index('desert');
SELECT * FROM kz_list_collections('desert');
SELECT kz_delete_collection('desert', 'x');
SELECT kz_delete_collection('farm', 'x');
SELECT kz_update_collection('farm', 'x', '{}');
SELECT kz_truncate_collection('farm', 'x');
SELECT kz_get_mapping('farm', 'x');
SELECT kz_get_settings('desert', 'x');
SELECT kz_get('farm', 'x', 'id');

-- delete a collection: its table goes, the index stays
SELECT kz_delete_collection('farm', 'cows');
SELECT to_regclass('farm.cows'), kz_collection_exists('farm', 'cows'), kz_index_exists('farm');

-- never CASCADE: a view on a table keeps everything where it is
SELECT kz_create_collection('farm', 'cows'), kz_create_collection('farm', 'aviary');
SELECT kz_upsert('farm', 'cows', 'elsa', '{"name": "Elsa"}');
CREATE VIEW cow_names AS SELECT _source->>'name' AS name FROM farm.cows;
\set VERBOSITY sqlstate
SELECT kz_delete_collection('farm', 'cows');
SELECT kz_delete_index('farm');
\set VERBOSITY default
SELECT name FROM kz_list_collections('farm') AS name ORDER BY name COLLATE "C";
SELECT * FROM cow_names;
DROP VIEW cow_names;

-- a foreign key on a table has to go first in the same way
CREATE TABLE farm.milk (cow text REFERENCES farm.cows);
\set VERBOSITY sqlstate
SELECT kz_truncate_collection('farm', 'cows');
SELECT kz_delete_index('farm');
\set VERBOSITY default
SELECT kz_count('farm', 'cows');

-- delete an index: other tables of its schema are not touched, and keep it
ALTER TABLE farm.milk DROP CONSTRAINT milk_cow_fkey;
SELECT kz_delete_index('farm');
SELECT kz_index_exists('farm'), to_regnamespace('farm'), to_regclass('farm.cows'), to_regclass('farm.milk');

-- that schema is adopted when the index is created again, and outlives it
DROP TABLE farm.milk;
SELECT kz_create_collection('farm', 'cows');
SELECT adopted FROM kz_catalog.index WHERE name = 'farm';
SELECT kz_delete_index('farm');
SELECT to_regnamespace('farm'), to_regclass('farm.cows');
DROP SCHEMA farm;

-- delete an index: attached tables are detached, wherever they are
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.fish (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('annex', 'fish', 'elsewhere.fish');
SELECT kz_create_collection('annex', 'made');
SELECT kz_upsert('annex', 'fish', 'nemo', '{}');
SELECT kz_delete_index('annex');
SELECT to_regnamespace('annex'), to_regclass('annex.made'), (SELECT count(*) FROM elsewhere.fish);
SELECT kz_index_exists('annex'), kz_collection_exists('annex', 'fish');
SELECT count(*) FROM kz_catalog.collection WHERE index = 'annex';

-- delete a collection: an attached table is only detached
SELECT kz_create_index('annex');
SELECT kz_attach_collection('annex', 'fish', 'elsewhere.fish');
SELECT kz_delete_collection('annex', 'fish');
SELECT kz_collection_exists('annex', 'fish'), (SELECT count(*) FROM elsewhere.fish);
SELECT kz_delete_index('annex');
DROP SCHEMA elsewhere CASCADE;

-- a fitting table in the schema is taken up, with what is in it
CREATE SCHEMA aquarium;
CREATE TABLE aquarium.eels (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
INSERT INTO aquarium.eels VALUES ('moray', 7, '{"long": true}');
SELECT kz_create_collection('aquarium', 'eels', '{"properties": {"long": {"type": "boolean"}}}');
SELECT attached FROM kz_catalog.collection WHERE index = 'aquarium';
SELECT kz_get('aquarium', 'eels', 'moray'), kz_get_mapping('aquarium', 'eels');
SELECT kz_delete_collection('aquarium', 'eels');
SELECT * FROM aquarium.eels;
DROP TABLE aquarium.eels;

-- a table dropped by plain SQL: the collection is unknown, until one is there
SELECT kz_create_collection('aquarium', 'eels', '{"dynamic": "strict"}');
SELECT kz_upsert('aquarium', 'eels', 'moray', '{}');
DROP TABLE aquarium.eels;
SELECT kz_get('aquarium', 'eels', 'moray');
SELECT kz_upsert('aquarium', 'eels', 'moray', '{}');
SELECT kz_delete_collection('aquarium', 'eels');
SELECT kz_collection_exists('aquarium', 'eels');
SELECT * FROM kz_list_collections('aquarium');
CREATE TABLE aquarium.eels (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_upsert('aquarium', 'eels', 'moray', '{}');
SELECT kz_collection_exists('aquarium', 'eels');
SELECT * FROM kz_list_collections('aquarium');

-- but that table is not of kz's making, so kz does not drop it
SELECT kz_delete_collection('aquarium', 'eels');
SELECT count(*) FROM aquarium.eels;
DROP TABLE aquarium.eels;

-- in another shape it does not fit
SELECT kz_create_collection('aquarium', 'eels');
DROP TABLE aquarium.eels;
CREATE TABLE aquarium.eels (_id text, _version bigint, _source jsonb);
SELECT kz_upsert('aquarium', 'eels', 'moray', '{}');
DROP TABLE aquarium.eels;

-- create_collection makes it again, as a new one
SELECT kz_create_collection('aquarium', 'eels');
SELECT kz_get_mapping('aquarium', 'eels');
SELECT kz_upsert('aquarium', 'eels', 'moray', '{"new": true}');

-- a table renamed by plain SQL: unknown under the old name, and back again
ALTER TABLE aquarium.eels RENAME TO snakes;
SELECT kz_get('aquarium', 'eels', 'moray');
SELECT kz_get('aquarium', 'snakes', 'moray');
ALTER TABLE aquarium.snakes RENAME TO eels;
SELECT kz_get('aquarium', 'eels', 'moray');

-- a schema renamed or dropped by plain SQL: the index is unknown
ALTER SCHEMA aquarium RENAME TO terrarium;
SELECT kz_get('aquarium', 'eels', 'moray');
SELECT kz_index_exists('aquarium'), kz_collection_exists('aquarium', 'eels');
SELECT count(*) FROM kz_list_indexes() AS name WHERE name = 'aquarium';
ALTER SCHEMA terrarium RENAME TO aquarium;
SELECT kz_get('aquarium', 'eels', 'moray');
SET client_min_messages = warning;
DROP SCHEMA aquarium CASCADE;
RESET client_min_messages;
SELECT kz_get('aquarium', 'eels', 'moray');
SELECT kz_delete_index('aquarium');
SELECT kz_create_index('aquarium');
SELECT kz_collection_exists('aquarium', 'eels');
SELECT kz_create_collection('aquarium', 'eels');
SELECT kz_count('aquarium', 'eels');
SELECT kz_delete_index('aquarium');
SELECT kz_delete_index('zoo');
SELECT to_regnamespace('aquarium'), to_regnamespace('zoo');
