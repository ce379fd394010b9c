--
-- REPLACED
-- The table of a collection dropped by plain SQL, and something of that name
-- in its place that is no table: the collection is unknown until it is created
-- again, beside what has taken its name.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('lost', name)
FROM unnest('{a_composite,a_matview,a_sequence,a_view,an_index,stays}'::text[]) WITH ORDINALITY AS names (name, ord) ORDER BY ord;
SELECT kz_upsert('lost', name, 'a', '{"old": true}')
FROM kz_list_collections('lost') WITH ORDINALITY AS names (name, ord) ORDER BY ord;
DROP TABLE lost.a_composite, lost.a_matview, lost.a_sequence, lost.a_view, lost.an_index;
CREATE TYPE lost.a_composite AS (_id text, _version bigint, _source jsonb);
CREATE MATERIALIZED VIEW lost.a_matview AS SELECT * FROM lost.stays;
CREATE SEQUENCE lost.a_sequence;
CREATE VIEW lost.a_view AS SELECT * FROM lost.stays;
CREATE UNIQUE INDEX an_index ON lost.stays (_id);

-- what a statement answers, or the SQLSTATE and the DETAIL of its error
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, nullif(detail, ''));
END $$;

-- unknown, to every function
CREATE TEMPORARY TABLE gone AS
SELECT name FROM unnest('{a_composite,a_matview,a_sequence,a_view,an_index}'::text[]) AS name;
SELECT name, kz_collection_exists('lost', name),
	pg_temp.outcome(format('SELECT kz_get(%L, %L, %L)', 'lost', name, 'a')) AS get
FROM gone ORDER BY name;
SELECT * FROM kz_list_collections('lost');
SELECT call, pg_temp.outcome('SELECT ' || call) AS outcome
FROM unnest(ARRAY[
	'kz_create(''lost'', ''a_view'', ''{}'')',
	'kz_upsert(''lost'', ''a_view'', ''a'', ''{}'')',
	'kz_delete(''lost'', ''a_view'', ''a'')',
	'kz_exists(''lost'', ''a_view'', ''a'')',
	'kz_count(''lost'', ''a_view'')',
	'kz_get_mapping(''lost'', ''a_view'')',
	'kz_get_settings(''lost'', ''a_view'')',
	'kz_update_collection(''lost'', ''a_view'', ''{}'')',
	'kz_truncate_collection(''lost'', ''a_view'')',
	'kz_delete_collection(''lost'', ''a_view'')']) WITH ORDINALITY AS calls (call, ord) ORDER BY ord;
SELECT kz_upsert('lost', 'a_view', 'a', '{}');
SELECT kz_get('lost', 'stays', 'a');

-- created again: another table, empty, and what has the name stays
SELECT name, pg_temp.outcome(format('SELECT kz_create_collection(%L, %L)', 'lost', name)) AS created,
	pg_temp.outcome(format('SELECT kz_upsert(%L, %L, %L, %L, source => true)', 'lost', name, 'a', '{"new": true}')) AS written
FROM gone ORDER BY name;
SELECT name, kz_collection_exists('lost', name), kz_count('lost', name), table_name ~ ('^kz_' || name || '_[0-9a-f]{16}$') AS hashed, attached
FROM gone JOIN kz_catalog.collection USING (name) WHERE index = 'lost' ORDER BY name;
SELECT * FROM kz_list_collections('lost');
SELECT relname, relkind FROM pg_class JOIN gone ON relname = name
WHERE relnamespace = 'lost'::regnamespace ORDER BY relname;

-- the name is free again: the collection stays where it is
DROP VIEW lost.a_view;
SELECT kz_create_collection('lost', 'a_view');
SELECT kz_get('lost', 'a_view', 'a'), to_regclass('lost.a_view');

DROP INDEX lost.an_index;
DROP MATERIALIZED VIEW lost.a_matview;
DROP SEQUENCE lost.a_sequence;
DROP TYPE lost.a_composite;
SELECT kz_delete_index('lost');
SELECT to_regnamespace('lost');
