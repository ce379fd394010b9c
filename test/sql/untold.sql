--
-- UNTOLD
-- A session is told of each change of the catalogue by triggers that are ENABLE
-- ALWAYS. Where they are not, or not there, it reads the catalogue again in each
-- transaction, and warns once that it does.
--
\set SHOW_CONTEXT never

SELECT tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgrelid IN ('kz_catalog.index'::regclass, 'kz_catalog.collection'::regclass) ORDER BY 1, 2;
SELECT kz_create_collection('untold', 'docs');
SELECT kz_upsert('untold', 'docs', 'a', '{"n": 1}');

-- what somebody does in a session where ordinary triggers are off
CREATE FUNCTION pg_temp.make(dynamic text) RETURNS void LANGUAGE sql SET session_replication_role = replica AS $$
	UPDATE kz_catalog.collection SET mappings = jsonb_build_object('dynamic', dynamic, 'properties', '{}'::jsonb) WHERE index = 'untold'
$$;
-- what a call answers that changes a document: strict mappings refuse it
CREATE FUNCTION pg_temp.try() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN kz_upsert('untold', 'docs', 'b', jsonb_build_object('at', clock_timestamp())) ->> '_version';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- as installed
SELECT pg_temp.make('strict');
SELECT pg_temp.try();
SELECT pg_temp.make('false');
SELECT pg_temp.try();

-- as a restore with --disable-triggers leaves it
ALTER TABLE kz_catalog.collection DISABLE TRIGGER ALL;
ALTER TABLE kz_catalog.collection ENABLE TRIGGER ALL;
SELECT pg_temp.try();
SELECT pg_temp.make('strict');
SELECT pg_temp.try();
SELECT pg_temp.make('false');
SELECT pg_temp.try();
-- a call within a transaction that has begun may not see it, the next one does
BEGIN;
SELECT pg_temp.try();
COMMIT;
SELECT pg_temp.make('strict');
BEGIN;
SELECT pg_temp.try();
ROLLBACK;
SELECT pg_temp.make('false');
SELECT pg_temp.try();

-- one of them is enough, another session warns as well
\c -
\set SHOW_CONTEXT never
ALTER TABLE kz_catalog.collection ENABLE ALWAYS TRIGGER invalidate_cache;
SELECT kz_get('untold', 'docs', 'a');
SELECT kz_get('untold', 'docs', 'a');
ALTER TABLE kz_catalog.collection ENABLE ALWAYS TRIGGER invalidate_cache_on_truncate;
\c -
\set SHOW_CONTEXT never
SELECT kz_get('untold', 'docs', 'a');
ALTER TABLE kz_catalog.index DISABLE TRIGGER invalidate_cache;
SELECT kz_get('untold', 'docs', 'a');
ALTER TABLE kz_catalog.index ENABLE ALWAYS TRIGGER invalidate_cache;
\c -
\set SHOW_CONTEXT never
SELECT kz_get('untold', 'docs', 'a');
-- dropped, or put there again for fewer changes
DROP TRIGGER invalidate_cache ON kz_catalog.index;
SELECT kz_get('untold', 'docs', 'a');
\c -
\set SHOW_CONTEXT never
CREATE TRIGGER invalidate_cache AFTER UPDATE OF schema_name ON kz_catalog.index FOR EACH ROW EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER more AFTER INSERT OR DELETE ON kz_catalog.index FOR EACH ROW EXECUTE FUNCTION kz_catalog.invalidate_cache();
ALTER TABLE kz_catalog.index ENABLE ALWAYS TRIGGER invalidate_cache, ENABLE ALWAYS TRIGGER more;
SELECT kz_get('untold', 'docs', 'a');
-- no trigger at all
\c -
\set SHOW_CONTEXT never
DROP TRIGGER more ON kz_catalog.index;
DROP TRIGGER invalidate_cache ON kz_catalog.index;
DROP TRIGGER invalidate_cache_on_truncate ON kz_catalog.index;
SELECT kz_get('untold', 'docs', 'a');
SELECT kz_get('untold', 'docs', 'a');

-- as 0.1.0 had it: good enough not to warn
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kz_catalog.index
	FOR EACH STATEMENT EXECUTE FUNCTION kz_catalog.invalidate_cache();
ALTER TABLE kz_catalog.index ENABLE ALWAYS TRIGGER invalidate_cache;
\c -
\set SHOW_CONTEXT never
SELECT kz_get('untold', 'docs', 'a');

SELECT kz_delete_index('untold');
DROP EXTENSION kz;
CREATE EXTENSION kz;
