/*
 * What a CHECK or an index looks at is what stands in the table when a document is
 * written, also where the code that looks is in the constraint of a domain.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('domains', 'doc');
CREATE FUNCTION domains.has_room(text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN (SELECT count(*) FROM domains.doc) < 3; END';
CREATE DOMAIN domains.plain AS text;
CREATE DOMAIN domains.limited AS text CHECK (domains.has_room(VALUE));
CREATE DOMAIN domains.nested AS domains.limited;
CREATE TYPE domains.pair AS (a domains.limited, b int);
CREATE DOMAIN domains.list AS text[] CHECK (domains.has_room(VALUE[1]));
CREATE DOMAIN domains.pairs AS domains.pair;

-- Five new documents at once, with the table as a definition leaves it, which is then undone: there is room for three.
CREATE FUNCTION pg_temp.fill(definition text) RETURNS TABLE (successes int, errors int, ids text) LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	EXECUTE definition;
	answer := kz_mupsert('domains', 'doc', '[{"_id": "1", "changes": {"x": "1"}}, {"_id": "2", "changes": {"x": "2"}}, {"_id": "3", "changes": {"x": "3"}},
		{"_id": "4", "changes": {"x": "4"}}, {"_id": "5", "changes": {"x": "5"}}]');
	successes := jsonb_array_length(answer -> 'successes');
	errors := jsonb_array_length(answer -> 'errors');
	SELECT string_agg(_id, ' ' ORDER BY _id) FROM domains.doc INTO ids;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
	RETURN NEXT;
END $$;
SELECT definition, pg_temp.fill('ALTER TABLE domains.doc ADD CHECK (' || definition || ')') FROM unnest(ARRAY[
	'(_source ->> ''x'')::domains.limited IS NOT NULL',
	'(_source ->> ''x'')::domains.nested IS NOT NULL',
	'ARRAY[_source ->> ''x'']::domains.limited[] IS NOT NULL',
	'ARRAY[_source ->> ''x'']::domains.list IS NOT NULL',
	'(''{'' || (_source ->> ''x'') || ''}'')::domains.limited[] IS NOT NULL',
	'ROW(_source ->> ''x'', 1)::domains.pair IS NOT NULL',
	'ROW(_source ->> ''x'', 1)::domains.pairs IS NOT NULL',
	'(''('' || (_source ->> ''x'') || '',1)'')::domains.pair IS NOT NULL',
	'CASE WHEN _version > 0 THEN coalesce((_source ->> ''x'')::domains.limited, '''') ELSE '''' END <> ''z''',
	'jsonb_populate_record(NULL::domains.pair, _source) IS NOT NULL']) WITH ORDINALITY AS d (definition, n) ORDER BY n;
SELECT definition, pg_temp.fill('CREATE INDEX ON domains.doc ' || definition) FROM unnest(ARRAY[
	'(((_source ->> ''x'')::domains.limited))',
	'(_version) WHERE (_source ->> ''x'')::domains.limited IS NOT NULL']) WITH ORDINALITY AS d (definition, n) ORDER BY n;

-- a domain, and a function of an index, that come to look at rows later
ALTER TABLE domains.doc ADD CONSTRAINT c CHECK ((_source ->> 'x')::domains.plain IS NOT NULL);
SELECT pg_temp.fill('');
SELECT pg_temp.fill('ALTER DOMAIN domains.plain ADD CHECK (domains.has_room(VALUE))');
ALTER TABLE domains.doc DROP CONSTRAINT c;
CREATE INDEX by_plain ON domains.doc (((_source ->> 'x')::domains.plain));
SELECT pg_temp.fill('');
DROP INDEX domains.by_plain;
CREATE FUNCTION domains.same(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE INDEX by_same ON domains.doc (domains.same(_source ->> 'x'));
SELECT pg_temp.fill('');
SELECT pg_temp.fill($$CREATE OR REPLACE FUNCTION domains.same(text) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN
	IF NOT domains.has_room($1) THEN RAISE check_violation USING MESSAGE = ''no room''; END IF; RETURN $1; END'$$);
DROP INDEX domains.by_same;

SELECT kz_delete_collection('domains', 'doc');
SET client_min_messages = warning;
DROP FUNCTION domains.same(text), domains.has_room(text) CASCADE;
DROP DOMAIN domains.pairs, domains.list;
DROP TYPE domains.pair CASCADE;
DROP DOMAIN domains.nested, domains.limited, domains.plain;
SELECT kz_delete_index('domains');
