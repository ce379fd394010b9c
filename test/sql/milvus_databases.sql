--
-- MILVUS_DATABASES
-- The endpoints of Milvus' API about databases.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on

-- the answer to a request, with a made-up number in the place of a database's id
CREATE FUNCTION pg_temp.ask(path text, request jsonb DEFAULT '{}', allow_int64 boolean DEFAULT true) RETURNS text
LANGUAGE sql AS $$
	SELECT regexp_replace(kz_milvus('/v2/vectordb/' || path, request, allow_int64)::text, '"dbID": [1-9]\d*\M', '"dbID": 1')
$$;

-- the default database is there before anything is in it, and before it is an index
SELECT pg_temp.ask('databases/list');
SELECT kz_milvus('/v2/vectordb/databases/describe', '{"dbName": "default"}')->'data'->>'dbName';
SELECT pg_temp.ask('collections/list', '{"dbName": "default"}');
SELECT kz_index_exists('default');

-- what is no request: an empty body, no object, an unknown path
SELECT path, pg_temp.ask('databases/' || path, NULL) FROM unnest(ARRAY['list', 'create', 'drop', 'describe']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT path, kz_milvus('/v2/vectordb/databases/' || path, '[]')->'code' FROM unnest(ARRAY['list', 'create', 'drop', 'describe']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT path, kz_milvus(path, '{"dbName": "shop"}') FROM unnest(ARRAY['/v2/vectordb/databases', '/v2/vectordb/databases/', '/v2/vectordb/databases/has', '/v1/vector/databases', '/v1/vector/databases/list', '/v1/vector/databases/create']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;

-- what is required; null and "" are nothing
SELECT path, pg_temp.ask('databases/' || path) FROM unnest(ARRAY['list', 'create', 'drop', 'describe']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;
SELECT request, pg_temp.ask('databases/create', request) FROM unnest(ARRAY['{"dbName": null}', '{"dbName": ""}', '{"name": "shop"}', '{"DBNAME": ""}', '{"properties": {}}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;

-- JSON of a wrong type, which is looked at before what is required
SELECT path, request, pg_temp.ask('databases/' || path, request) FROM unnest(ARRAY['create', 'drop', 'describe']) WITH ORDINALITY AS t (path, ord), unnest(ARRAY['{"dbName": 1}', '{"dbName": []}']::jsonb[]) WITH ORDINALITY AS u (request, ord2) ORDER BY ord, ord2;
SELECT request, pg_temp.ask('databases/create', request) FROM unnest(ARRAY['{"dbName": "shop", "properties": 1}', '{"dbName": "shop", "properties": []}', '{"properties": "x"}']::jsonb[]) WITH ORDINALITY AS t (request, ord) ORDER BY ord;
SELECT pg_temp.ask('databases/drop', '{"dbName": "shop"}');
SELECT pg_temp.ask('databases/list', '{"dbName": 1}');

-- no such database
SELECT path, pg_temp.ask('databases/' || path, '{"dbName": "shop"}') FROM unnest(ARRAY['drop', 'describe']) WITH ORDINALITY AS t (path, ord) ORDER BY ord;

-- create, in order; keys in any case, keys nobody knows
SELECT pg_temp.ask('databases/create', '{"dbName": "shop"}');
SELECT pg_temp.ask('databases/create', '{"DBNAME": "Archive", "unknown": [1]}');
SELECT pg_temp.ask('databases/create', '{"dbname": "archive", "properties": {}}');
SELECT pg_temp.ask('databases/create', '{"dbName": "more", "properties": null}');
SELECT pg_temp.ask('databases/list');
SELECT pg_temp.ask('databases/list', '{"dbName": "shop", "unknown": 1}', false);
SELECT pg_temp.ask('databases/describe', '{"DbName": "Archive"}');
SELECT count(DISTINCT kz_milvus('/v2/vectordb/databases/describe', jsonb_build_object('dbName', name))->'data'->'dbID') FROM unnest(ARRAY['default', 'shop', 'Archive', 'archive', 'more']) AS name;
SELECT name, pg_temp.ask('collections/list', jsonb_build_object('dbName', name)) FROM unnest(ARRAY['shop', 'Archive', 'archive', 'ARCHIVE']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
-- not twice, and not the default one
SELECT pg_temp.ask('databases/create', '{"dbName": "shop"}');
SELECT pg_temp.ask('databases/create', '{"dbName": "default"}');

-- a database is an index, and an index a database
SELECT kz_list_indexes();
SELECT nspname FROM pg_namespace WHERE nspname IN ('shop', 'Archive', 'archive', 'more', 'default') ORDER BY nspname COLLATE "C";
SELECT kz_create_index('zoo');
SELECT kz_create_index('a-b');
SELECT pg_temp.ask('databases/list');
SELECT pg_temp.ask('databases/create', '{"dbName": "zoo"}');
SELECT pg_temp.ask('databases/describe', '{"dbName": "a-b"}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "c", "dbName": "a-b", "dimension": 4}');
SELECT pg_temp.ask('collections/list', '{"dbName": "a-b"}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "a-b"}');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "c", "dbName": "a-b"}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "a-b"}');

-- names that are none
SELECT name, pg_temp.ask('databases/create', jsonb_build_object('dbName', name)) FROM unnest(ARRAY['9d', '-d', '$d', 'é', 'dé', 'd-e', 'd e', ' d', 'd.e', 'd"e', 'd''e', 'd/e', 'd%e', E'd\t']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT length, regexp_replace(pg_temp.ask('databases/create', jsonb_build_object('dbName', repeat('d', length))), 'd{63,}', 'ddd', 'g') FROM unnest(ARRAY[63, 64, 255, 256]) AS length ORDER BY length;
-- names that PostgreSQL can't use, or not so, or uses itself
SELECT name, pg_temp.ask('databases/create', jsonb_build_object('dbName', name)) FROM unnest(ARRAY['d', '_', '_9', 'TABLE', 'select', 'user', 'Default', 'pg_mine', 'pg_catalog', 'information_schema', 'kz_catalog']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT regexp_replace(name, 'd{63,}', 'ddd'), length(name), schema_name = name, adopted, to_regnamespace(quote_ident(schema_name)) IS NOT NULL FROM kz_catalog.index WHERE name NOT IN ('default', 'shop', 'Archive', 'archive', 'more', 'zoo') ORDER BY position;
-- each of them holds a collection, and is dropped without it
CREATE FUNCTION pg_temp.use(database text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	request jsonb := jsonb_build_object('dbName', database, 'collectionName', 'c', 'dimension', 2, 'data', '{"id": 1, "vector": [1, 2]}'::jsonb);
	path text;
	answer jsonb;
	told text;
BEGIN
	FOREACH path IN ARRAY '{collections/create,entities/insert,collections/list,collections/get_stats,databases/drop,collections/drop,databases/drop,databases/drop}'::text[] LOOP
		answer := kz_milvus('/v2/vectordb/' || path, request);
		told := concat_ws(' ', told, answer->'code', nullif(answer->'data', '{}'));
	END LOOP;
	RETURN told;
END $$;
SELECT left(name, 20), pg_temp.use(name) FROM kz_list_indexes() WITH ORDINALITY AS t (name, ord) WHERE name NOT IN ('default', 'shop', 'Archive', 'archive', 'more', 'zoo') ORDER BY ord;
SELECT pg_temp.ask('databases/list');
SELECT count(*) FROM pg_namespace WHERE nspname ~ '^(d+|_|_9|TABLE|select|user|Default)$' OR nspname LIKE 'kz\_%' AND nspname <> 'kz_catalog';

-- a collection of the same name in two databases is two
SELECT pg_temp.ask('collections/create', '{"collectionName": "goods", "dimension": 2, "dbName": "shop"}');
SELECT pg_temp.ask('collections/create', '{"collectionName": "goods", "dimension": 4, "dbName": "Archive"}');
SELECT pg_temp.ask('entities/insert', '{"collectionName": "goods", "dbName": "shop", "data": [{"id": 1, "vector": [1, 2]}]}');
SELECT name, pg_temp.ask('collections/get_stats', jsonb_build_object('collectionName', 'goods', 'dbName', name)) FROM unnest(ARRAY['shop', 'Archive', 'archive', 'default']) WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT kz_get('shop', 'goods', '1');

-- drop: not the default one, not what holds collections, of whoever
SELECT pg_temp.ask('databases/drop', '{"dbName": "default"}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "shop"}');
SELECT kz_create_collection('zoo', 'cats');
SELECT pg_temp.ask('databases/drop', '{"dbName": "zoo"}');
SELECT kz_collection_exists('zoo', 'cats'), kz_get('shop', 'goods', '1') IS NOT NULL;
SELECT kz_delete_collection('zoo', 'cats');
SELECT pg_temp.ask('databases/drop', '{"DBNAME": "zoo", "unknown": 1}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "zoo"}');
SELECT pg_temp.ask('collections/list', '{"dbName": "zoo"}');
SELECT kz_index_exists('zoo'), to_regnamespace('zoo');
-- a collection whose table is gone is none
BEGIN;
DROP TABLE "Archive".goods;
SELECT pg_temp.ask('databases/drop', '{"dbName": "Archive"}');
SELECT pg_temp.ask('databases/list');
ROLLBACK;
-- so is a database whose schema is gone
BEGIN;
DROP SCHEMA more;
SELECT pg_temp.ask('databases/list');
SELECT pg_temp.ask('databases/describe', '{"dbName": "more"}');
SELECT pg_temp.ask('databases/create', '{"dbName": "more"}');
SELECT pg_temp.ask('databases/list');
ROLLBACK;
-- a schema that was there becomes a database, and stays when that is dropped
CREATE SCHEMA lent;
CREATE TABLE lent.other ();
SELECT pg_temp.ask('databases/create', '{"dbName": "lent"}');
SELECT pg_temp.ask('collections/list', '{"dbName": "lent"}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "lent"}');
SELECT to_regnamespace('lent'), to_regclass('lent.other');
DROP TABLE lent.other;
DROP SCHEMA lent;

-- the default database's index is made by what is put there
SELECT kz_index_exists('default');
BEGIN;
SELECT pg_temp.ask('collections/create', '{"collectionName": "c", "dimension": 2}');
SELECT pg_temp.ask('databases/list');
SELECT pg_temp.ask('databases/describe', '{"dbName": "default"}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "default"}');
ROLLBACK;
SELECT kz_index_exists('default');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "nothing", "newCollectionName": "c", "dbName": "shop", "newDbName": "default"}');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "goods", "newCollectionName": "9", "dbName": "shop", "newDbName": "default"}');
SELECT kz_index_exists('default');
SELECT pg_temp.ask('collections/rename', '{"collectionName": "goods", "newCollectionName": "goods", "dbName": "shop", "newDbName": "default"}');
SELECT pg_temp.ask('databases/list');
SELECT pg_temp.ask('collections/get_stats', '{"collectionName": "goods"}');
SELECT pg_temp.ask('databases/drop', '{"dbName": "shop"}');
SELECT pg_temp.ask('collections/drop', '{"collectionName": "goods"}');
-- without collections it is still there, and can't be dropped
SELECT pg_temp.ask('databases/drop', '{"dbName": "default"}');
SELECT pg_temp.ask('databases/list');

-- rights: without them PostgreSQL's error is raised, and nothing is half done
CREATE ROLE regress_kz_milvus;
CREATE FUNCTION pg_temp.outcome(path text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN regexp_replace(kz_milvus('/v2/vectordb/databases/' || path, request)::text, '"dbID": [1-9]\d*\M', '"dbID": 1');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.outcomes() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', path, request, pg_temp.outcome(path, request)) FROM (VALUES
		(1, 'list', '{}'::jsonb),
		(2, 'describe', '{"dbName": "more"}'),
		(3, 'describe', '{"dbName": "absent"}'),
		(4, 'create', '{"dbName": "new"}'),
		(5, 'create', '{"dbName": "more"}'),
		(6, 'create', '{"dbName": "9"}'),
		(7, 'drop', '{"dbName": "more"}'),
		(8, 'drop', '{"dbName": "Archive"}'),
		(9, 'drop', '{"dbName": "absent"}'),
		(10, 'drop', '{"dbName": "default"}')
	) AS t (ord, path, request) ORDER BY ord
$$;
SET ROLE regress_kz_milvus;
SELECT pg_temp.outcomes();
RESET ROLE;
SELECT pg_temp.ask('databases/list');
SELECT to_regnamespace('more'), to_regnamespace('new');
-- who may create schemas creates databases, and drops these
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_kz_milvus', current_database()); END $$;
SET ROLE regress_kz_milvus;
SELECT pg_temp.outcome('create', '{"dbName": "mine"}');
SELECT pg_temp.outcome('drop', '{"dbName": "more"}');
SELECT pg_temp.outcome('drop', '{"dbName": "mine"}');
SELECT pg_temp.outcome('create', '{"dbName": "mine"}');
RESET ROLE;
SELECT pg_temp.ask('databases/list');
SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'mine';
SELECT pg_temp.ask('databases/drop', '{"dbName": "mine"}');
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_kz_milvus', current_database()); END $$;

-- a read-only transaction
BEGIN READ ONLY;
SELECT pg_temp.outcomes();
COMMIT;
SELECT pg_temp.ask('databases/list');

DROP ROLE regress_kz_milvus;
SELECT name, kz_delete_index(name) FROM kz_list_indexes() WITH ORDINALITY AS t (name, ord) ORDER BY ord;
SELECT pg_temp.ask('databases/list');
