/*
 * The load of dev/demo-load: the JSON files of Debian's iso-codes become
 * documents, each file by one call of kz_mupsert.
 *
 * Several standards tell something about the same language.  Each standard's
 * entry goes under a key of its own, so the files can come in any order and as
 * often as one likes: what is there already is not written again.
 *
 * For comparison, a copy of the documents gets the same by one call of kz_upsert
 * for each entry.  The copy is made before anything is loaded, so that both ways
 * find the same documents, in the first run and in later ones.
 *
 * Run by psql with -v dir=DIRECTORY OF THE FILES.  Progress and results are
 * notices, which dev/demo-load turns into a bar and a table.
 */

SET client_min_messages = warning;

SELECT kz_create_collection('iso', 'languages') \g /dev/null
SELECT kz_create_collection('iso', 'countries') \g /dev/null
SELECT kz_create_collection('iso', 'subdivisions') \g /dev/null

-- A run that was interrupted has left its copy behind.
DROP SCHEMA IF EXISTS iso_one_by_one CASCADE;
SELECT kz_create_collection('iso_one_by_one', 'languages') \g /dev/null
SELECT kz_create_collection('iso_one_by_one', 'countries') \g /dev/null
SELECT kz_create_collection('iso_one_by_one', 'subdivisions') \g /dev/null
INSERT INTO iso_one_by_one.languages (_id, _version, _source) SELECT _id, _version, _source FROM iso.languages;
INSERT INTO iso_one_by_one.countries (_id, _version, _source) SELECT _id, _version, _source FROM iso.countries;
INSERT INTO iso_one_by_one.subdivisions (_id, _version, _source) SELECT _id, _version, _source FROM iso.subdivisions;

CREATE TEMP TABLE entry (
	standard text NOT NULL,
	collection text NOT NULL,
	ord bigint NOT NULL,
	id text NOT NULL,
	changes jsonb NOT NULL,
	defaults jsonb NOT NULL,
	n bigint GENERATED ALWAYS AS IDENTITY
);

CREATE FUNCTION pg_temp.microseconds_since(start timestamptz) RETURNS bigint
LANGUAGE sql AS $$ SELECT (1000000 * extract(epoch FROM clock_timestamp() - start))::bigint $$;

/*
 * Upserts all entries of a standard by one call, and says what that did to the
 * table: kz counts a version up with every change it writes, so the number of
 * documents and the sum of their versions before and after tell.  How many WAL
 * records were written is PostgreSQL's own count.
 *
 * In kz_mupsert, "default" wins over the changes, in kz_upsert it is the other
 * way round: all the same here, where they have no key in common.
 */
CREATE PROCEDURE pg_temp.load(standard text)
LANGUAGE plpgsql AS $$
DECLARE
	collection text;
	entries bigint;
	documents jsonb;
	census text;
	before record;
	after record;
	created bigint;
	written bigint;
	start timestamptz;
	plan jsonb;
	microseconds bigint;
BEGIN
	SELECT min(e.collection), count(*),
			jsonb_agg(jsonb_build_object('_id', id, 'changes', changes, 'default', defaults) ORDER BY ord)
		INTO collection, entries, documents
		FROM entry AS e WHERE e.standard = load.standard;
	census := format(
		'SELECT count(*) AS documents, coalesce(sum(_version), 0) AS versions FROM iso.%I', collection);
	EXECUTE census INTO before;
	start := clock_timestamp();
	EXECUTE format(
		'EXPLAIN (ANALYZE, WAL, FORMAT JSON)
		 SELECT kz_mupsert(''iso'', %L, %L, strict => true, source => false)',
		collection, documents) INTO plan;
	COMMIT;
	microseconds := pg_temp.microseconds_since(start);
	EXECUTE census INTO after;
	created := after.documents - before.documents;
	written := after.versions - before.versions;
	RAISE INFO 'loaded|%|%|%|%|%|%|%|%', collection, standard, entries, created,
		written - created, entries - written, plan #>> '{0,Plan,WAL Records}', microseconds;
END $$;

\set content `cat :'dir'/iso_639-3.json`
INSERT INTO entry
SELECT 'ISO 639-3', 'languages', ord, e ->> 'alpha_3', jsonb_build_object('iso_639_3', e),
	'{"kind": "language", "first_seen_in": "ISO 639-3"}'
FROM jsonb_array_elements(:'content'::jsonb -> '639-3') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 639-3');

\set content `cat :'dir'/iso_639-2.json`
INSERT INTO entry
SELECT 'ISO 639-2', 'languages', ord, e ->> 'alpha_3', jsonb_build_object('iso_639_2', e),
	'{"kind": "group of languages", "first_seen_in": "ISO 639-2"}'
FROM jsonb_array_elements(:'content'::jsonb -> '639-2') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 639-2');

\set content `cat :'dir'/iso_639-5.json`
INSERT INTO entry
SELECT 'ISO 639-5', 'languages', ord, e ->> 'alpha_3', jsonb_build_object('iso_639_5', e),
	'{"kind": "group of languages", "first_seen_in": "ISO 639-5"}'
FROM jsonb_array_elements(:'content'::jsonb -> '639-5') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 639-5');

\set content `cat :'dir'/iso_3166-1.json`
INSERT INTO entry
SELECT 'ISO 3166-1', 'countries', ord, e ->> 'alpha_2', jsonb_build_object('iso_3166_1', e),
	'{"kind": "country", "first_seen_in": "ISO 3166-1"}'
FROM jsonb_array_elements(:'content'::jsonb -> '3166-1') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 3166-1');

-- Two former countries can have had the same code, so they are told apart by a
-- further level, their code of four letters.
\set content `cat :'dir'/iso_3166-3.json`
INSERT INTO entry
SELECT 'ISO 3166-3', 'countries', ord, e ->> 'alpha_2',
	jsonb_build_object('iso_3166_3', jsonb_build_object(e ->> 'alpha_4', e)),
	'{"kind": "former country", "first_seen_in": "ISO 3166-3"}'
FROM jsonb_array_elements(:'content'::jsonb -> '3166-3') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 3166-3');

\set content `cat :'dir'/iso_3166-2.json`
INSERT INTO entry
SELECT 'ISO 3166-2', 'subdivisions', ord, e ->> 'code',
	jsonb_build_object('country', split_part(e ->> 'code', '-', 1), 'iso_3166_2', e),
	'{"kind": "subdivision", "first_seen_in": "ISO 3166-2"}'
FROM jsonb_array_elements(:'content'::jsonb -> '3166-2') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 3166-2');

-- A reader that finds rows whose transaction nobody has looked at yet may have
-- to clean up behind it, which can be WAL of its own: do that now.
VACUUM (ANALYZE) iso.languages, iso.countries, iso.subdivisions;

/*
 * The same one by one: psql sends a statement for each entry, and commits after
 * every 250.
 */
CREATE PROCEDURE pg_temp.tell(message text)
LANGUAGE plpgsql AS $$ BEGIN RAISE INFO '%', message; END $$;

SELECT count(*) AS entries, clock_timestamp() AS start FROM entry \gset
\o /dev/null
BEGIN;
SELECT format('SELECT kz_upsert(''iso_one_by_one'', %L, %L, %L, defaults => %L)',
			collection, id, changes, defaults),
		CASE WHEN n % 250 = 0 THEN format('COMMIT; CALL pg_temp.tell(''progress|%s|%s''); BEGIN', n, :entries) END
FROM entry
ORDER BY n \gexec
COMMIT;
\o
CALL pg_temp.tell(format('compared|%s', pg_temp.microseconds_since(:'start')));

DO $$ BEGIN
	IF EXISTS (
		SELECT
		FROM (
				SELECT _id, _version, _source FROM iso.languages UNION ALL
				SELECT _id, _version, _source FROM iso.countries UNION ALL
				SELECT _id, _version, _source FROM iso.subdivisions) AS a
			FULL JOIN (
				SELECT _id, _version, _source FROM iso_one_by_one.languages UNION ALL
				SELECT _id, _version, _source FROM iso_one_by_one.countries UNION ALL
				SELECT _id, _version, _source FROM iso_one_by_one.subdivisions) AS b USING (_id)
		WHERE (a._version, a._source) IS DISTINCT FROM (b._version, b._source))
	THEN
		RAISE 'the two ways did not come to the same documents';
	END IF;
END $$;

SELECT kz_delete_index('iso_one_by_one') \g /dev/null
VACUUM kz_catalog.index, kz_catalog.collection;
