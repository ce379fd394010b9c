--
-- HOSTILE CATALOGUE
-- Whoever owns the catalogue may put anything into its rows, and a superuser may
-- hang anything on its tables: that is an error, no crash, and over when it is
-- undone.
--
\set SHOW_CONTEXT never

CREATE ROLE regress_kz_owner;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kz_owner;
GRANT CREATE ON SCHEMA public TO regress_kz_owner;
DROP EXTENSION kz;
SET ROLE regress_kz_owner;
CREATE EXTENSION kz;
SELECT kz_create_collection('odd', 'items', '{"properties": {"a": {"type": "keyword"}}}', '{"s": 1}');
SELECT kz_upsert('odd', 'items', 'a', '{"a": "x"}');

-- mappings that are none: what a statement answers after these have been put
-- into the catalogue
CREATE FUNCTION pg_temp.outcome(odd_mappings jsonb, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
BEGIN
	UPDATE kz_catalog.collection SET mappings = odd_mappings WHERE index = 'odd';
	EXECUTE statement INTO answer;
	RAISE SQLSTATE 'ZZZZZ' USING MESSAGE = answer, DETAIL = 'no error';		-- rolls back
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || concat_ws(', ', SQLERRM, detail);
END $$;
SELECT odd_mappings, statement, pg_temp.outcome(odd_mappings::jsonb, 'SELECT ' || statement)
FROM unnest(ARRAY[
	'{"dynamic": "strict", "properties": 5}',
	'{"properties": {"a": 5}}',
	'{"properties": {"a": {"properties": {"b": {"properties": []}}}}}',
	'{"dynamic": {"strict": 1}}',
	'[1]',
	'5',
	'null']) WITH ORDINALITY AS m (odd_mappings, m),
	unnest(ARRAY[
	'kz_upsert(''odd'', ''items'', ''a'', ''{"a": {"b": 1}, "c": 2}'')',
	'kz_get_mapping(''odd'', ''items'')',
	'kz_update_collection(''odd'', ''items'', ''{"properties": {"a": {"type": "text"}}}'')',
	'kz_create_collection(''odd'', ''items'')']) WITH ORDINALITY AS s (statement, s)
ORDER BY m, s;

-- the same in a transaction, as psql shows it
BEGIN;
UPDATE kz_catalog.collection SET mappings = '{"dynamic": "strict", "properties": 5}' WHERE index = 'odd';
SELECT kz_upsert('odd', 'items', 'a', '{"a": "y"}');
ROLLBACK;
BEGIN;
UPDATE kz_catalog.collection SET mappings = '{"dynamic": "strict", "properties": 5}' WHERE index = 'odd';
SAVEPOINT s;
SELECT kz_get_mapping('odd', 'items');
ROLLBACK TO s;
SELECT kz_update_collection('odd', 'items', '{"properties": {}}');
ROLLBACK TO s;
-- such a collection can still be deleted
SELECT kz_delete_collection('odd', 'items');
ROLLBACK;
SELECT kz_update('odd', 'items', 'a', '{"a": "z"}', source => true);
SELECT kz_get_mapping('odd', 'items');
RESET ROLE;

-- further indexes: the catalogue can be read, but not written
CREATE INDEX odd_expression ON kz_catalog.collection ((lower(name)));
SELECT kz_create_collection('odd', 'more');
SELECT kz_delete_collection('odd', 'items');
SELECT kz_update_collection('odd', 'items', settings => '{"s": 2}');
SELECT kz_list_collections('odd'), kz_get('odd', 'items', 'a');
DROP INDEX kz_catalog.odd_expression;
SELECT kz_create_collection('odd', 'more');
CREATE INDEX odd_predicate ON kz_catalog.index (position) WHERE adopted;
SELECT kz_create_index('odder');
SELECT kz_create_collection('odd', 'still_more');
SELECT kz_delete_index('odd');
SELECT to_regnamespace('odder'), kz_index_exists('odd');
DROP INDEX kz_catalog.odd_predicate;
SELECT kz_create_index('odder');
SELECT kz_delete_index('odder');

-- a table of another kind in the place of one of the two
BEGIN;
ALTER EXTENSION kz DROP TABLE kz_catalog.index;
DROP TABLE kz_catalog.index;
CREATE TABLE kz_catalog.index (name text COLLATE "C" PRIMARY KEY, schema_name name NOT NULL,
	adopted boolean NOT NULL, position bigint NOT NULL) PARTITION BY HASH (name);
SELECT kz_list_indexes();
ROLLBACK;

-- the primary key is found by what it is and not by its name
BEGIN;
ALTER TABLE kz_catalog.index RENAME CONSTRAINT index_pkey TO swap;
ALTER TABLE kz_catalog.collection RENAME CONSTRAINT collection_pkey TO index_pkey;
ALTER TABLE kz_catalog.index RENAME CONSTRAINT swap TO collection_pkey;
SELECT index, array(SELECT kz_list_collections(index)) AS collections FROM kz_list_indexes() AS index ORDER BY 1;
ROLLBACK;

-- no place behind the last
BEGIN;
UPDATE kz_catalog.collection SET position = 9223372036854775807;
SELECT kz_create_collection('hostile_catalogue', 'late');
ROLLBACK;

SELECT kz_delete_index('odd');
DROP EXTENSION kz;
CREATE EXTENSION kz;
DROP OWNED BY regress_kz_owner;
DROP ROLE regress_kz_owner;
