--
-- The documents, and the table that they are in.
--
\set ON_ERROR_STOP
CREATE EXTENSION kz;
-- with the table, the fillfactor and the key that kz gives to a collection
SELECT kz_create_collection('bench', 'docs') AS created \gset

-- Six keys, one of them an object, one an array; about 100 bytes without the
-- filler.  The number tells a changed document (not 0) from one that was
-- filled in (0).
CREATE FUNCTION bench.changes(number int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('name', 'name of a document', 'number', number, 'flag', true,
		'place', jsonb_build_object('city', 'Sometown', 'zip', 10000 + number),
		'tags', jsonb_build_array('a', 'bc', 'def'))
$$;

-- The same with so many bytes of filler, that do not compress.
CREATE TABLE bench.filler AS
SELECT string_agg(md5(i::text), '' ORDER BY i) AS filler FROM generate_series(1, 1000) AS i;

CREATE FUNCTION bench.document(number int, filler int) RETURNS jsonb
LANGUAGE sql STABLE AS $$
	SELECT bench.changes(number) || jsonb_build_object('filler', left(f.filler, document.filler)) FROM bench.filler AS f
$$;

-- What a client sends of it: the whole or part.
CREATE FUNCTION bench.sent(sends text, number int, filler int) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE sends WHEN 'whole' THEN bench.document(number, filler) ELSE bench.changes(number) END::text
$$;

-- Ids have the same length whatever the number of documents.
CREATE FUNCTION bench.id(i int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT (1000000000 + i)::text
$$;

-- The table as it is before each measurement.
CREATE FUNCTION bench.fill(documents int, filler int) RETURNS void
LANGUAGE sql AS $$
	TRUNCATE bench.docs;
	INSERT INTO bench.docs
	SELECT bench.id(i), 1, document
	FROM generate_series(1, documents) AS i, (SELECT bench.document(0, filler) AS document OFFSET 0) AS d
$$;

-- How many documents a measurement has changed or made.
CREATE FUNCTION bench.changed() RETURNS bigint
LANGUAGE sql AS $$
	SELECT count(*) FROM bench.docs WHERE _source->'number' <> '0'
$$;
