--
-- What test/bench/bulk measures.
--
\set ON_ERROR_STOP
CREATE EXTENSION kz;
SELECT kz_create_collection('bench', 'docs') AS created \gset

CREATE FUNCTION bench.doc(i int, n int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('name', 'name of ' || i, 'number', n, 'flag', true,
		'place', jsonb_build_object('city', 'Sometown', 'zip', i),
		'tags', jsonb_build_array('a', 'b', n), 'filler', repeat('x', 100))
$$;

CREATE FUNCTION bench.id(i int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT 'd' || to_char(i, 'FM0000000')
$$;

-- the calls of a round, as the text that a client would send
CREATE TABLE bench.request (call int, documents text, count int);
CREATE TABLE bench.result (fresh boolean, size int, way text, answer boolean, rate float);

-- prepare(documents, total, size, round, fresh): fill the table, and make calls
-- of so many documents each for so many in all, all stored or all new
CREATE FUNCTION bench.prepare(documents int, total int, size int, round int, fresh boolean) RETURNS void
LANGUAGE sql AS $$
	TRUNCATE bench.docs, bench.request;
	INSERT INTO bench.docs SELECT bench.id(i), 1, bench.doc(i, 0) FROM generate_series(1, documents) AS i;
	INSERT INTO bench.request
	SELECT (place - 1) / size,
		jsonb_agg(jsonb_build_object('_id', bench.id(i), 'changes', bench.doc(i, round)) ORDER BY random())::text, count(*)
	FROM (SELECT i, row_number() OVER (ORDER BY random()) AS place
			FROM generate_series(1 + documents * fresh::int, documents + documents * fresh::int) AS i) AS shuffled
	WHERE place <= total
	GROUP BY 1;
$$;

-- one call each way; the peer's merge is shallow, which is less work
CREATE FUNCTION bench.call_kz(documents jsonb, answer boolean) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN kz_mupsert('bench', 'docs', documents, source => answer);
END $$;

CREATE FUNCTION bench.call_set(documents jsonb, answer boolean) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	IF answer THEN
		WITH written AS (
			INSERT INTO bench.docs AS t (_id, _version, _source)
			SELECT DISTINCT ON (e->>'_id') e->>'_id', 1, e->'changes'
			FROM jsonb_array_elements(documents) AS e ORDER BY e->>'_id'
			ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = t._source || EXCLUDED._source
			RETURNING _id, _version, _source, xmax = 0 AS created)
		SELECT jsonb_build_object('errors', '[]'::jsonb, 'successes',
			jsonb_agg(jsonb_build_object('_id', _id, '_source', _source, '_version', _version,
				'created', created, 'status', CASE WHEN created THEN 201 ELSE 200 END)))
		INTO result FROM written;
	ELSE
		INSERT INTO bench.docs AS t (_id, _version, _source)
		SELECT DISTINCT ON (e->>'_id') e->>'_id', 1, e->'changes'
		FROM jsonb_array_elements(documents) AS e ORDER BY e->>'_id'
		ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = t._source || EXCLUDED._source;
	END IF;
	RETURN result;
END $$;

-- measure(way, fresh, size, answer): do all calls, with a commit for each or, of
-- small ones, for a thousand documents
CREATE PROCEDURE bench.measure(way text, fresh boolean, size int, answer boolean)
LANGUAGE plpgsql AS $$
DECLARE
	call record;
	result text;
	total int := 0;
	start timestamptz := clock_timestamp();
BEGIN
	FOR call IN SELECT documents, count FROM bench.request ORDER BY request.call LOOP
		IF way = 'kz' THEN
			result := bench.call_kz(call.documents::jsonb, answer);
		ELSE
			result := bench.call_set(call.documents::jsonb, answer);
		END IF;
		total := total + call.count;
		IF size >= 1000 OR total % 1000 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
	COMMIT;
	INSERT INTO bench.result
	VALUES (fresh, size, way, answer, total / extract(epoch FROM clock_timestamp() - start));
END $$;

CREATE VIEW bench.report AS
SELECT CASE WHEN fresh THEN 'new' ELSE 'existing' END AS documents, size AS a_call, answer AS whole_answer,
	round(kz) AS kz_a_second, round(set) AS set_a_second, round((kz / set)::numeric, 2) AS ratio
FROM (SELECT fresh, size, answer,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FILTER (WHERE way = 'kz') AS kz,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FILTER (WHERE way = 'set') AS set
		FROM bench.result GROUP BY fresh, size, answer) AS medians
ORDER BY fresh, size, answer DESC;
