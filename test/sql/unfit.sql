--
-- UNFIT
-- A table that is no collection (any more), whatever the catalogue says: nothing
-- is done to it, and nothing else is held up by it.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('unfit', 'made', settings => '{"a": 1}');
SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "unfit", "collectionName": "vec", "dimension": 2}');
CREATE TABLE unfit.own (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('unfit', 'attached', 'unfit.own');
SELECT kz_upsert('unfit', name, 'a', '{}') ->> 'created' FROM unnest('{made,attached}'::text[]) name;
ALTER TABLE unfit.made RENAME _source TO source;
ALTER TABLE unfit.own RENAME _source TO source;
ALTER TABLE unfit.vec ALTER _version DROP NOT NULL;

SELECT kz_truncate_collection('unfit', 'made');
SELECT kz_truncate_collection('unfit', 'attached');
SELECT kz_update_collection('unfit', 'made', settings => '{"a": 2}');
SELECT kz_create_collection('unfit', 'made', settings => '{"a": 2}');
SELECT r -> 'status' AS status, r #> '{error,id}' AS error
FROM unnest('{truncate,update}'::text[]) action,
	kz_request(jsonb_build_object('controller', 'collection', 'action', action, 'index', 'unfit', 'collection', 'made', 'body', '{"settings": {"a": 2}}'::jsonb)) r;
SELECT kz_milvus('/v2/vectordb/collections/' || action, '{"dbName": "unfit", "collectionName": "vec", "newCollectionName": "renamed"}')
FROM unnest('{truncate,rename}'::text[]) action;
SELECT * FROM unfit.made;
SELECT kz_get_settings('unfit', 'made');

-- what applications do at every start changes nothing, so it succeeds
SELECT kz_create_collection('unfit', 'made');

-- one that is deleted is let go as it is, be it attached or made by kz
BEGIN;
SELECT kz_delete_collection('unfit', 'attached'), kz_delete_collection('unfit', 'made');
SELECT kz_milvus('/v2/vectordb/collections/drop', '{"dbName": "unfit", "collectionName": "vec"}');
SELECT * FROM unfit.own, unfit.made, unfit.vec;
SELECT kz_list_collections('unfit');
SELECT kz_create_collection('unfit', 'made');
ROLLBACK;
BEGIN;
SELECT kz_delete_index('unfit');
SELECT relname FROM pg_class WHERE relnamespace = 'unfit'::regnamespace AND relkind = 'r' ORDER BY 1;
ROLLBACK;

-- a catalogue that leads to any table, with a superuser who asks
CREATE TABLE unfit.precious (secret text);
INSERT INTO unfit.precious VALUES ('kept');
BEGIN;
UPDATE kz_catalog.collection SET table_name = 'precious', schema_name = 'unfit' WHERE index = 'unfit';
SELECT kz_truncate_collection('unfit', 'made');
ROLLBACK;
BEGIN;
UPDATE kz_catalog.collection SET table_name = 'precious', schema_name = 'unfit' WHERE index = 'unfit';
SELECT kz_delete_collection('unfit', 'made');
SELECT * FROM unfit.precious;
ROLLBACK;

-- mended, they are collections again
ALTER TABLE unfit.made RENAME source TO _source;
ALTER TABLE unfit.vec ALTER _version SET NOT NULL;
SELECT kz_update_collection('unfit', 'made', settings => '{"a": 2}'), kz_truncate_collection('unfit', 'made'), kz_count('unfit', 'made');
SET client_min_messages = warning;
SELECT kz_delete_index('unfit');
DROP SCHEMA unfit CASCADE;
