--
-- RIGHTS
-- What managing indexes and collections needs: the matrix of rights, and that
-- nobody gains a right by it.
--
\set SHOW_CONTEXT never

CREATE ROLE regress_kz_maker;		-- may create schemas
CREATE ROLE regress_kz_guest;		-- may create tables in the schema of the maker
CREATE ROLE regress_kz_nobody;		-- may nothing
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kz_maker;

-- what a statement answers as that role, or the SQLSTATE and the message of its error
CREATE FUNCTION pg_temp.outcome(caller text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', caller);
	EXECUTE statement INTO answer;
	RESET ROLE;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || CASE WHEN SQLSTATE LIKE 'KZ%' THEN ': ' || SQLERRM ELSE '' END;
END $$;

-- create index: CREATE on the database; the schema belongs to the caller
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_create_index('made')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_create_collection('made', 'items')$$);
SELECT kz_index_exists('made');
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_create_index('made')$$);
SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'made';

-- create collection: CREATE on the schema; the table belongs to the caller
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_create_collection('made', 'items')$$);
GRANT USAGE ON SCHEMA made TO regress_kz_guest, regress_kz_nobody;
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_create_collection('made', 'items')$$);
SELECT kz_collection_exists('made', 'items');
GRANT CREATE ON SCHEMA made TO regress_kz_guest;
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_create_collection('made', 'items')$$);
SELECT relowner::regrole FROM pg_class WHERE oid = 'made.items'::regclass;
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_create_collection('made', 'others')$$);

-- update, truncate, delete collection: owner of the table, nobody else, whatever
-- is granted; the owner of the schema is not the owner of the table
GRANT ALL ON made.items, made.others TO regress_kz_guest, regress_kz_maker;
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_upsert('made', 'items', 'a', '{}')$$);
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_upsert('made', 'others', 'a', '{}')$$);
SELECT statement,
	pg_temp.outcome('regress_kz_nobody', statement) AS nobody,
	pg_temp.outcome('regress_kz_maker', statement) AS owner_of_schema
FROM (VALUES
	(1, $$SELECT kz_update_collection('made', 'items', '{"dynamic": "strict"}')$$),
	(2, $$SELECT kz_update_collection('made', 'items')$$),
	(3, $$SELECT kz_create_collection('made', 'items', '{"dynamic": "strict"}')$$),
	(4, $$SELECT kz_create_collection('made', 'items')$$),
	(5, $$SELECT kz_truncate_collection('made', 'items')$$),
	(6, $$SELECT kz_delete_collection('made', 'items')$$)
) AS t (ord, statement) ORDER BY ord;
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_delete_collection('made', 'others')$$);
SELECT kz_get_mapping('made', 'items'), kz_count('made', 'items'), kz_count('made', 'others');
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_update_collection('made', 'items', '{"dynamic": "true"}')$$);
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_truncate_collection('made', 'items')$$);

-- what is unknown is unknown to everybody; names are no secret
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_delete_index('nowhere')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_delete_collection('made', 'nothing')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT string_agg(c, ',' ORDER BY c) FROM kz_list_collections('made') AS c$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_get_mapping('made', 'items')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_collection_exists('made', 'items')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT count(*) FROM kz_list_indexes() AS i WHERE i = 'made'$$);

-- attach: owner of the relation and CREATE on the schema of the index
CREATE SCHEMA own AUTHORIZATION regress_kz_nobody;
SET ROLE regress_kz_nobody;
CREATE TABLE own.items (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
GRANT ALL ON SCHEMA own TO PUBLIC;
GRANT ALL ON own.items TO PUBLIC;
RESET ROLE;
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_attach_collection('made', 'own', 'own.items')$$) AS no_create_on_schema,
	pg_temp.outcome('regress_kz_guest', $$SELECT kz_attach_collection('made', 'own', 'own.items')$$) AS not_the_owner,
	pg_temp.outcome('regress_kz_maker', $$SELECT kz_attach_collection('made', 'own', 'made.items')$$) AS owner_of_schema;
SELECT kz_collection_exists('made', 'own');
GRANT CREATE ON SCHEMA made TO regress_kz_nobody;
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_attach_collection('made', 'own', 'own.items')$$);
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_delete_collection('made', 'own')$$);

-- nothing is gained by attaching: documents need the rights on the table
REVOKE ALL ON own.items FROM PUBLIC;
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_get('made', 'own', 'a')$$) AS get,
	pg_temp.outcome('regress_kz_maker', $$SELECT kz_upsert('made', 'own', 'a', '{}')$$) AS upsert;
-- and a name that is taken stays what it is
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_attach_collection('made', 'others', 'own.items')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_delete_collection('made', 'own')$$);
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_attach_collection('made', 'others', 'own.items')$$);
SELECT table_name, attached FROM kz_catalog.collection WHERE index = 'made' AND name = 'others';

-- a fitting table of another owner is not taken up
CREATE TABLE made.lying_there (LIKE own.items INCLUDING ALL);
SELECT pg_temp.outcome('regress_kz_guest', $$SELECT kz_create_collection('made', 'lying_there')$$),
	pg_temp.outcome('regress_kz_maker', $$SELECT kz_create_collection('made', 'lying_there')$$);
SELECT kz_collection_exists('made', 'lying_there');

-- a member of the role that owns counts as the owner
GRANT regress_kz_guest TO regress_kz_nobody;
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_update_collection('made', 'items', '{"dynamic": "false"}')$$);
REVOKE regress_kz_guest FROM regress_kz_nobody;

-- everybody reads the catalogue, nobody writes to it or hangs anything on it
SELECT statement, pg_temp.outcome('regress_kz_maker', statement)
FROM (VALUES
	(1, $$SELECT count(*) FROM kz_catalog.index WHERE name = 'made'$$),
	(2, $$SELECT count(*) FROM kz_catalog.collection WHERE index = 'made'$$),
	(3, $$INSERT INTO kz_catalog.index VALUES ('stolen', 'made', true, 1)$$),
	(4, $$INSERT INTO kz_catalog.collection VALUES ('made', 'stolen', 'made', 'others', true, '{}', '{}', 1)$$),
	(5, $$UPDATE kz_catalog.collection SET table_name = 'others' WHERE name = 'items'$$),
	(6, $$UPDATE kz_catalog.index SET schema_name = 'own' WHERE name = 'made'$$),
	(7, $$DELETE FROM kz_catalog.collection$$),
	(8, $$DELETE FROM kz_catalog.index$$),
	(9, $$TRUNCATE kz_catalog.collection$$),
	(10, $$TRUNCATE kz_catalog.index, kz_catalog.collection$$),
	(11, $$LOCK kz_catalog.index IN ACCESS EXCLUSIVE MODE$$),
	(12, $$SELECT * FROM kz_catalog.index FOR UPDATE$$),
	(13, $$CREATE TABLE kz_catalog.mine (a int)$$),
	(14, $$CREATE TRIGGER mine AFTER INSERT ON kz_catalog.index EXECUTE FUNCTION kz_catalog.invalidate_cache()$$),
	(15, $$ALTER TABLE kz_catalog.index DISABLE TRIGGER ALL$$),
	(16, $$DROP TABLE kz_catalog.collection$$),
	(17, $$SELECT kz_catalog.invalidate_cache()$$)
) AS t (ord, statement) ORDER BY ord;

-- delete index: owner of the schema, who may drop what is in it as in plain SQL
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_delete_index('made')$$),
	pg_temp.outcome('regress_kz_guest', $$SELECT kz_delete_index('made')$$);
SELECT kz_index_exists('made'), kz_collection_exists('made', 'items');
DROP TABLE made.lying_there;
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_delete_index('made')$$);
SELECT kz_index_exists('made'), to_regnamespace('made'), to_regclass('made.items');

-- a schema is adopted by its owner, who needs no right to create another; the
-- fitting table in it is taken up by its owner
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_create_index('own')$$) AS not_the_owner,
	pg_temp.outcome('regress_kz_nobody', $$SELECT kz_create_index('own')$$) AS owner;
SELECT pg_temp.outcome('regress_kz_maker', $$SELECT kz_create_collection('own', 'items')$$) AS not_the_owner,
	pg_temp.outcome('regress_kz_nobody', $$SELECT kz_create_collection('own', 'items')$$) AS owner;
SELECT pg_temp.outcome('regress_kz_nobody', $$SELECT kz_delete_index('own')$$);
SELECT to_regclass('own.items');
DROP TABLE own.items;
DROP SCHEMA own;

-- an index that is made again has nothing of what somebody else attached to it
-- before its schema was dropped
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kz_guest;
CREATE SCHEMA own AUTHORIZATION regress_kz_guest;
SET ROLE regress_kz_guest;
CREATE TABLE own.items (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
GRANT ALL ON SCHEMA own TO PUBLIC;
GRANT ALL ON own.items TO PUBLIC;
SELECT kz_create_index('shop');
SELECT kz_attach_collection('shop', 'orders', 'own.items');
DROP SCHEMA shop;
SET ROLE regress_kz_maker;
SELECT kz_create_index('shop');
SELECT kz_list_collections('shop');
SELECT kz_collection_exists('shop', 'orders');
SELECT kz_upsert('shop', 'orders', 'a', '{"secret": true}');
SELECT kz_create_collection('shop', 'orders');
SELECT kz_upsert('shop', 'orders', 'a', '{"secret": true}');
SELECT kz_delete_index('shop');
-- likewise where a collection makes the index
SET ROLE regress_kz_guest;
SELECT kz_create_index('shop');
SELECT kz_attach_collection('shop', 'orders', 'own.items');
DROP SCHEMA shop;
SET ROLE regress_kz_maker;
SELECT kz_create_collection('shop', 'wares');
SELECT kz_list_collections('shop');
SELECT kz_upsert('shop', 'orders', 'a', '{"secret": true}');
SELECT kz_delete_index('shop');
RESET ROLE;
SELECT * FROM own.items;
DROP TABLE own.items;
DROP SCHEMA own;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_kz_guest;

-- the extension is trusted: whoever may create in the database may install it,
-- and then owns the catalogue
SELECT DISTINCT trusted, superuser, relocatable FROM pg_available_extension_versions WHERE name = 'kz';
DROP EXTENSION kz;
GRANT CREATE ON SCHEMA public TO regress_kz_maker;
SET ROLE regress_kz_maker;
CREATE EXTENSION kz;
SELECT kz_create_collection('made', 'items');
SELECT kz_upsert('made', 'items', 'a', '{}');

-- the owner may spoil it by ALTER TABLE: that is an error, no crash
BEGIN;
ALTER TABLE kz_catalog.index ALTER schema_name DROP NOT NULL;
UPDATE kz_catalog.index SET schema_name = NULL;
SELECT count(*) FROM kz_list_indexes();
ROLLBACK;
BEGIN;
ALTER TABLE kz_catalog.collection ADD one text DEFAULT 'x', ADD two text DEFAULT 'y', ADD three bigint DEFAULT 3, ADD four bigint DEFAULT 4;
SELECT count(*) FROM kz_list_collections('made');
ROLLBACK;
BEGIN;
ALTER TABLE kz_catalog.collection ALTER mappings TYPE text USING repeat('A', 1000);
SELECT kz_get_mapping('made', 'items');
ROLLBACK;
BEGIN;
ALTER TABLE kz_catalog.collection DROP position;
SELECT kz_create_collection('made', 'more');
ROLLBACK;

SELECT kz_delete_index('made');
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class
WHERE relnamespace = 'kz_catalog'::regnamespace AND relkind = 'r' ORDER BY relname;
SET ROLE regress_kz_guest;
SELECT count(*) FROM kz_list_indexes();
RESET ROLE;
DROP EXTENSION kz;
CREATE EXTENSION kz;

DROP OWNED BY regress_kz_maker, regress_kz_guest, regress_kz_nobody;
DROP ROLE regress_kz_maker, regress_kz_guest, regress_kz_nobody;
