--
-- EXTENSION IN A SCHEMA OF ITS OWN
-- CREATE EXTENSION kz SCHEMA kz: the functions are there, the catalogue is in
-- kz_catalog all the same, and nothing depends on the search_path.
--
\set SHOW_CONTEXT never

DROP EXTENSION kz;
SELECT to_regnamespace('kz_catalog');
CREATE SCHEMA kz;
CREATE EXTENSION kz SCHEMA kz;

-- functions in kz, catalogue and its trigger function in kz_catalog, nothing in public
SELECT DISTINCT pronamespace::regnamespace FROM pg_proc WHERE proname LIKE 'kz\_%' ORDER BY 1;
SELECT relname FROM pg_class WHERE relnamespace = 'kz_catalog'::regnamespace AND relkind = 'r' ORDER BY relname;
SELECT extconfig::regclass[] FROM pg_extension WHERE extname = 'kz';

-- by qualified names
SET search_path = '';
SELECT kz.kz_create_collection('house', 'rooms', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}}}');
SELECT kz.kz_upsert('house', 'rooms', 'a', '{"n": 1}');
SELECT kz.kz_update('house', 'rooms', 'a', '{"n": 2}', source => true);
SELECT kz.kz_get('house', 'rooms', 'a'), kz.kz_count('house', 'rooms');
SELECT kz.kz_create('house', 'rooms', '{"m": 1}', 'b');
SELECT kz.kz_merge('{"a": 1}', '{"b": 2}');

-- and by the search_path
SET search_path = kz;
SELECT kz_replace('house', 'rooms', 'a', '{"n": 3}');
SELECT kz_delete('house', 'rooms', 'a', source => true);
SELECT * FROM kz_list_collections('house');
SELECT * FROM kz_list_indexes() AS name WHERE name = 'house';
SELECT kz_delete_index('house');
RESET search_path;

-- an ordinary role needs USAGE on that schema and nothing more
CREATE ROLE regress_kz_user;
SET ROLE regress_kz_user;
\set VERBOSITY sqlstate
SELECT kz.kz_index_exists('house');
\set VERBOSITY default
RESET ROLE;
GRANT USAGE ON SCHEMA kz TO regress_kz_user;
SET ROLE regress_kz_user;
SELECT kz.kz_index_exists('house');
RESET ROLE;

-- it stays where it was created
ALTER EXTENSION kz SET SCHEMA public;

-- back again for everybody else
DROP EXTENSION kz;
REVOKE USAGE ON SCHEMA kz FROM regress_kz_user;
DROP ROLE regress_kz_user;
DROP SCHEMA kz;
CREATE EXTENSION kz;
SELECT DISTINCT pronamespace::regnamespace FROM pg_proc WHERE proname LIKE 'kz\_%' ORDER BY 1;
