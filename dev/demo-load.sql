/*
 * The main job of dev/demo: the JSON files of Debian's iso-codes become
 * documents, one kz_upsert each.
 *
 * Several standards tell something about the same language.  Each standard's
 * entry goes under a key of its own, so the files can come in any order and as
 * often as one likes: what is there already is not written again.
 *
 * Run by psql with -v dir=DIRECTORY OF THE FILES.  Progress and results are
 * notices, which dev/demo turns into a bar and a table.
 */

SET client_min_messages = warning;

SELECT kz_create_collection('iso', 'languages') \g /dev/null
SELECT kz_create_collection('iso', 'countries') \g /dev/null
SELECT kz_create_collection('iso', 'subdivisions') \g /dev/null

CREATE TEMP TABLE entry (
	ord bigint PRIMARY KEY,
	id text NOT NULL,
	changes jsonb NOT NULL,
	defaults jsonb NOT NULL
);

/*
 * Upserts all of "entry", 250 documents a transaction, and says what that did
 * to the table: kz counts a version up with everything it writes, so the number
 * of documents and the sum of their versions before and after tell.  How many
 * WAL records were written is PostgreSQL's own count.
 */
CREATE PROCEDURE pg_temp.load(title text, collection text)
LANGUAGE plpgsql AS $$
DECLARE
	chunk constant bigint := 250;
	census constant text := format(
		'SELECT count(*) AS documents, coalesce(sum(_version), 0) AS versions FROM iso.%I', collection);
	entries bigint;
	before record;
	after record;
	created bigint;
	written bigint;
	plan jsonb;
	wal bigint := 0;
	ms numeric := 0;
BEGIN
	SELECT count(*) INTO entries FROM entry;
	EXECUTE census INTO before;
	FOR i IN 1 .. entries BY chunk LOOP
		EXECUTE format(
			'EXPLAIN (ANALYZE, WAL, FORMAT JSON)
			 SELECT kz_upsert(''iso'', %L, id, changes, defaults => defaults)
			   FROM entry WHERE ord BETWEEN %s AND %s',
			collection, i, i + chunk - 1) INTO plan;
		COMMIT;
		wal := wal + (plan #>> '{0,Plan,WAL Records}')::bigint;
		ms := ms + (plan #>> '{0,Execution Time}')::numeric;
		RAISE INFO 'progress|%|%|%', title, least(i + chunk - 1, entries), entries;
	END LOOP;
	EXECUTE census INTO after;
	created := after.documents - before.documents;
	written := after.versions - before.versions;
	RAISE INFO 'loaded|%|%|%|%|%|%|%|%', title, collection, entries,
		created, written - created, entries - written, wal, round(ms);
	TRUNCATE entry;
END $$;

\set content `cat :'dir'/iso_639-3.json`
INSERT INTO entry
SELECT ord, e ->> 'alpha_3', jsonb_build_object('iso_639_3', e),
	'{"kind": "language", "first_seen_in": "ISO 639-3"}'
FROM jsonb_array_elements(:'content'::jsonb -> '639-3') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 639-3', 'languages');

\set content `cat :'dir'/iso_639-2.json`
INSERT INTO entry
SELECT ord, e ->> 'alpha_3', jsonb_build_object('iso_639_2', e),
	'{"kind": "group of languages", "first_seen_in": "ISO 639-2"}'
FROM jsonb_array_elements(:'content'::jsonb -> '639-2') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 639-2', 'languages');

\set content `cat :'dir'/iso_639-5.json`
INSERT INTO entry
SELECT ord, e ->> 'alpha_3', jsonb_build_object('iso_639_5', e),
	'{"kind": "group of languages", "first_seen_in": "ISO 639-5"}'
FROM jsonb_array_elements(:'content'::jsonb -> '639-5') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 639-5', 'languages');

\set content `cat :'dir'/iso_3166-1.json`
INSERT INTO entry
SELECT ord, e ->> 'alpha_2', jsonb_build_object('iso_3166_1', e),
	'{"kind": "country", "first_seen_in": "ISO 3166-1"}'
FROM jsonb_array_elements(:'content'::jsonb -> '3166-1') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 3166-1', 'countries');

-- Two former countries can have had the same code, so they are told apart by a
-- further level, their code of four letters.
\set content `cat :'dir'/iso_3166-3.json`
INSERT INTO entry
SELECT ord, e ->> 'alpha_2',
	jsonb_build_object('iso_3166_3', jsonb_build_object(e ->> 'alpha_4', e)),
	'{"kind": "former country", "first_seen_in": "ISO 3166-3"}'
FROM jsonb_array_elements(:'content'::jsonb -> '3166-3') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 3166-3', 'countries');

\set content `cat :'dir'/iso_3166-2.json`
INSERT INTO entry
SELECT ord, e ->> 'code',
	jsonb_build_object('country', split_part(e ->> 'code', '-', 1), 'iso_3166_2', e),
	'{"kind": "subdivision", "first_seen_in": "ISO 3166-2"}'
FROM jsonb_array_elements(:'content'::jsonb -> '3166-2') WITH ORDINALITY AS a (e, ord);
CALL pg_temp.load('ISO 3166-2', 'subdivisions');

-- A reader that finds rows whose transaction nobody has looked at yet may have
-- to clean up behind it, which can be WAL of its own: do that now.
VACUUM (ANALYZE) iso.languages, iso.countries, iso.subdivisions;
