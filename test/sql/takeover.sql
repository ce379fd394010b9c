--
-- TAKEOVER
-- A name in an index leads whoever uses it to a table. Nobody puts one where he may
-- not create tables, a table is one collection, and a schema is one index, whatever
-- way a row of the catalogue comes.
--
\set SHOW_CONTEXT never

-- an index of somebody's, where another has no right at all, and hers
CREATE ROLE regress_kz_victim;
CREATE ROLE regress_kz_intruder;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kz_victim, regress_kz_intruder;
SET ROLE regress_kz_victim;
SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "vic"}');
CREATE TABLE vic.secret (s text);
INSERT INTO vic.secret VALUES ('topsecret');
SET ROLE regress_kz_intruder;
SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "mal"}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "mal", "collectionName": "orig", "dimension": 2}');
CREATE TABLE mal.trap (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('mal', 'trap', 'mal.trap');
SELECT kz_update_collection('mal', 'trap', settings => (SELECT settings FROM kz_catalog.collection WHERE index = 'mal' AND name = 'orig'));

-- neither what kz made nor what is attached, whatever has that name there
SELECT kz_attach_collection('vic', 'payments', 'mal.trap');
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "mal", "collectionName": "orig", "newDbName": "vic", "newCollectionName": "payments"}');
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "mal", "collectionName": "trap", "newDbName": "vic", "newCollectionName": "payments"}');
SET ROLE regress_kz_victim;
SELECT kz_create_collection('vic', 'stale', settings => '{"mine": true}');
DROP TABLE vic.stale;
SET ROLE regress_kz_intruder;
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "mal", "collectionName": "trap", "newDbName": "vic", "newCollectionName": "stale"}');
SELECT index, name, schema_name, table_name FROM kz_catalog.collection WHERE index IN ('vic', 'mal') ORDER BY index, name;

-- so what the owner of the index writes goes into a table of hers
CREATE FUNCTION mal.steal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_user = 'regress_kz_victim' THEN
		GRANT USAGE ON SCHEMA vic TO regress_kz_intruder;
		GRANT SELECT ON vic.secret TO regress_kz_intruder;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER steal BEFORE INSERT ON mal.trap FOR EACH ROW EXECUTE FUNCTION mal.steal();
GRANT USAGE ON SCHEMA mal TO PUBLIC;
GRANT ALL ON mal.trap TO PUBLIC;
SET ROLE regress_kz_victim;
SELECT kz_upsert('vic', 'payments', 'p1', '{"card": "4111"}');
SELECT kz_create_collection('vic', 'payments');
SELECT kz_upsert('vic', 'payments', 'p1', '{"card": "4111"}');
SET ROLE regress_kz_intruder;
SELECT * FROM vic.secret;
SELECT * FROM mal.trap;

-- the same within one index, once the right is gone
SET ROLE regress_kz_victim;
GRANT USAGE, CREATE ON SCHEMA vic TO regress_kz_intruder;
SET ROLE regress_kz_intruder;
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "mal", "collectionName": "trap", "newDbName": "vic", "newCollectionName": "guest"}');
SET ROLE regress_kz_victim;
REVOKE ALL ON SCHEMA vic FROM regress_kz_intruder;
SET ROLE regress_kz_intruder;
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "vic", "collectionName": "guest", "newCollectionName": "orders"}');
-- she may still take it away
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "vic", "collectionName": "guest", "newDbName": "mal", "newCollectionName": "back"}');
SELECT index, name, schema_name, table_name FROM kz_catalog.collection WHERE index IN ('vic', 'mal') ORDER BY index, name;
RESET ROLE;

-- event triggers that make a collection of each new table, and an index of each
-- new schema: under another name that is refused, under the same one it is that one
CREATE SCHEMA auto;
CREATE FUNCTION auto.attach() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
	made record;
BEGIN
	FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type IN ('table', 'schema') LOOP
		CASE current_setting('auto.does', true)
			WHEN 'attach as' THEN PERFORM kz_attach_collection('auto', 'auto', made.objid::regclass) WHERE made.object_type = 'table';
			WHEN 'attach' THEN PERFORM kz_attach_collection('auto', 'd', made.objid::regclass) WHERE made.object_type = 'table';
			WHEN 'adopt' THEN PERFORM kz_create_index('adopt') WHERE made.object_type = 'schema';
			ELSE NULL;
		END CASE;
	END LOOP;
END $$;
SELECT kz_create_index('auto');
CREATE EVENT TRIGGER regress_kz_auto ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA') EXECUTE FUNCTION auto.attach();
SET auto.does = 'attach as';
SELECT kz_create_collection('auto', 'd');
SELECT kz_list_collections('auto');
CREATE TABLE auto.plain (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_create_collection('auto', 'plain');
SELECT kz_delete_collection('auto', 'auto');
SET auto.does = 'nothing';
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "auto", "collectionName": "vec", "dimension": 2}');
SET auto.does = 'attach as';
SELECT kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "auto", "collectionName": "vec", "newCollectionName": "other"}');
SET auto.does = 'attach';
SELECT kz_create_collection('auto', 'd', settings => '{"given": true}');
SELECT index, name, table_name, attached, settings FROM kz_catalog.collection WHERE index = 'auto' AND name <> 'vec' ORDER BY name;
SELECT kz_upsert('auto', 'd', 'a', '{}'), kz_delete_collection('auto', 'd');
SELECT _id FROM auto.d;
SET auto.does = 'adopt';
SELECT kz_create_index('adopt');
SELECT name, adopted FROM kz_catalog.index WHERE name = 'adopt';
DROP EVENT TRIGGER regress_kz_auto;

-- a row of an index that is gone is in nobody's way
SELECT kz_create_index('gone');
CREATE TABLE auto.free (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('gone', 'free', 'auto.free');
SELECT kz_attach_collection('auto', 'free', 'auto.free');
DROP SCHEMA gone;
SELECT kz_attach_collection('auto', 'free', 'auto.free');

SET client_min_messages = warning;
SELECT kz_delete_index(index) FROM unnest('{vic,mal,auto,adopt}'::text[]) index;
DROP SCHEMA vic, mal, auto, adopt CASCADE;
SELECT kz_create_index('gone');
SELECT kz_delete_index('gone');
DROP OWNED BY regress_kz_victim, regress_kz_intruder;
DROP ROLE regress_kz_victim, regress_kz_intruder;
