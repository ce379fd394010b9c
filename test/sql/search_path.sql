--
-- SEARCH PATH
-- Whatever schemas the caller's search_path names, and whatever operators,
-- functions, types and tables are there, kz uses PostgreSQL's own.
--
\set SHOW_CONTEXT never

-- a schema with a trap for every name that an extension might use carelessly
CREATE SCHEMA hostile;
DO $$
DECLARE
	type text;
	operator text;
	name text;
BEGIN
	FOREACH type IN ARRAY '{text,bigint,integer,oid,xid,name,jsonb,regclass,"char",boolean}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION hostile.trap_operator(%s, %1$s) RETURNS boolean LANGUAGE plpgsql AS %L',
			type, 'BEGIN RAISE EXCEPTION ''trapped''; END');
		FOREACH operator IN ARRAY '{=,<>,<,>,<=,>=,||,->,?,@>,+,~}'::text[] LOOP
			EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %2$s, FUNCTION = hostile.trap_operator)',
				operator, type);
		END LOOP;
	END LOOP;
	FOREACH name IN ARRAY '{lower,upper,md5,quote_ident,length,octet_length,now,jsonb_typeof,to_jsonb,sha256,has_schema_privilege,hashtext,count,max,nextval}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION hostile.%I(text) RETURNS text LANGUAGE plpgsql AS %L',
			name, 'BEGIN RAISE EXCEPTION ''trapped''; END');
	END LOOP;
	FOREACH name IN ARRAY '{text,bigint,int8,int4,jsonb,bool,boolean,name,oid,xid,regclass,tid}'::text[] LOOP
		EXECUTE format('CREATE TYPE hostile.%I AS (trapped int)', name);
	END LOOP;
	FOREACH name IN ARRAY '{index,collection,pg_class,pg_namespace,pg_index,pg_attribute,items,kz_catalog}'::text[] LOOP
		EXECUTE format('CREATE TABLE hostile.%I (trapped int)', name);
	END LOOP;
END $$;
CREATE AGGREGATE hostile.max(bigint) (SFUNC = int8larger, STYPE = bigint, INITCOND = '99');
CREATE COLLATION hostile."C" (provider = libc, locale = 'POSIX');
CREATE TEMPORARY TABLE items (trapped int);
CREATE TEMPORARY TABLE collection (trapped int);
CREATE TABLE public.kz_attach_me (_id pg_catalog.text PRIMARY KEY, _version pg_catalog.int8 NOT NULL, _source pg_catalog.jsonb NOT NULL);

-- the trap works
SET search_path = hostile, pg_temp, pg_catalog, public;
SELECT 'a'::pg_catalog.text = 'a'::pg_catalog.text;

-- everything works under it
SELECT kz_create_index('safe');
SELECT kz_create_collection('safe', 'items', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "m": {"type": "integer"}}}');
SELECT kz_create_collection('safe', pg_catalog.repeat('long', 20));
SELECT kz_update_collection('safe', 'items', settings => '{"s": 1}');
SELECT kz_attach_collection('safe', 'attached', 'public.kz_attach_me');
SELECT kz_create('safe', 'items', '{"n": 1}', 'a');
SELECT kz_upsert('safe', 'items', 'b', '{"n": 1}', defaults => '{"m": 1}', source => true);
SELECT kz_upsert('safe', 'items', 'b', '{"n": 2}', if_version => 1);
SELECT kz_update('safe', 'items', 'b', '{"n": 3}', source => true);
SELECT kz_update('safe', 'items', 'b', '{"n": 3}');
SELECT kz_replace('safe', 'items', 'b', '{"n": 4}');
SELECT kz_create_or_replace('safe', 'items', 'b', '{"n": 5}');
SELECT kz_create_or_replace('safe', 'items', 'c', '{"n": 5, "m": 6}');
SELECT kz_delete_fields('safe', 'items', 'c', '{m}', source => true);
SELECT kz_get('safe', 'items', 'a'), kz_exists('safe', 'items', 'a'), kz_count('safe', 'items');
SELECT kz_delete('safe', 'items', 'a', source => true);
SELECT kz_upsert('safe', 'attached', 'a', '{"n": 1}'), kz_update('safe', 'attached', 'a', '{"n": 2}'), kz_delete('safe', 'attached', 'a');
SELECT kz_get_mapping('safe', 'items'), kz_get_settings('safe', 'items');
SELECT kz_index_exists('safe'), kz_collection_exists('safe', 'items');
SELECT * FROM kz_list_collections('safe');
SELECT kz_merge('{"a": {"b": 1}}', '{"a": {"c": 2}}');
SELECT kz_create('safe', 'items', '{}', 'b');
SELECT kz_update('safe', 'items', 'z', '{}');
SELECT kz_get('safe', 'absent', 'z');
SELECT kz_truncate_collection('safe', 'items');
SELECT kz_delete_collection('safe', 'attached');

-- the tables were made with PostgreSQL's own types and collation, at their place
RESET search_path;
SELECT a.attname, tn.nspname, t.typname, cn.nspname, c.collname
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
	LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = c.collnamespace
WHERE a.attrelid = 'safe.items'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT position < 99 AS counted FROM kz_catalog.index WHERE name = 'safe';

-- with an empty path
SET search_path = '';
SELECT public.kz_create_collection('safe', 'more');
SELECT public.kz_upsert('safe', 'more', 'a', '{"n": 1}'), public.kz_update('safe', 'more', 'a', '{"n": 2}', source => true);
SELECT public.kz_get('safe', 'more', 'a'), public.kz_count('safe', 'more');
SELECT public.kz_delete('safe', 'more', 'a');
SELECT public.kz_delete_collection('safe', 'more');

-- a path that changes between calls changes nothing
SET search_path = hostile, pg_catalog;
SELECT public.kz_upsert('safe', 'items', 'a', '{"n": 1}');
SET search_path = pg_catalog;
SELECT public.kz_upsert('safe', 'items', 'a', '{"n": 2}');
SET search_path = hostile, pg_catalog;
SELECT public.kz_upsert('safe', 'items', 'a', '{"n": 3}', source => true);
SELECT public.kz_delete_index('safe');

-- the catalogue's trigger, too, fires under any path
DELETE FROM kz_catalog.index WHERE name OPERATOR(pg_catalog.=) 'safe';

RESET search_path;
SELECT kz_index_exists('safe'), to_regnamespace('safe');
SET client_min_messages = warning;
DROP TABLE public.kz_attach_me;
DROP SCHEMA hostile CASCADE;
