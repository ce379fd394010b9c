--
-- What test/bench/run works on: the documents, the requests for many of them,
-- and the results.  Variables: documents, operations, overlap_clients,
-- overlap_calls, files.
--
\ir documents.sql

-- Entities of Milvus, with vectors of two sizes; numbers of six digits do not compress.
SELECT kz_milvus('/v2/vectordb/collections/create', jsonb_build_object(
	'dbName', 'bench', 'collectionName', 'entities_' || dimension, 'dimension', dimension))
FROM unnest(ARRAY[128, 768]) AS dimension \g /dev/null

CREATE FUNCTION bench.entity(i int, dimension int, number int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('id', i, 'number', number, 'color', 'red', 'vector',
		jsonb_agg(((hashint8extended(k, i + number) & 16777215) % 1000000 / 1000000.0)::numeric(7, 6)))
	FROM generate_series(1, dimension) AS k
$$;

-- Both tables as they are before a measurement, and what it has changed.
CREATE FUNCTION bench.fill_entities(dimension int, entities int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('TRUNCATE bench.entities_%s', dimension);
	EXECUTE format('INSERT INTO bench.entities_%s SELECT i::text, 1, bench.entity(i, $1, 0) FROM generate_series(1, $2) AS i', dimension)
	USING dimension, entities;
END $$;

CREATE FUNCTION bench.changed_entities() RETURNS bigint
LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM bench.entities_128 WHERE _source->'number' <> '0') +
		(SELECT count(*) FROM bench.entities_768 WHERE _source->'number' <> '0')
$$;

-- The peer with the same rule as ours: objects are merged at every depth.
CREATE FUNCTION bench.merge(stored jsonb, changes jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	merged jsonb := stored || changes;
	k text;
	v jsonb;
BEGIN
	FOR k, v IN SELECT key, value FROM jsonb_each(changes)
		WHERE jsonb_typeof(value) = 'object' AND jsonb_typeof(stored->key) = 'object'
	LOOP
		merged := jsonb_set(merged, ARRAY[k], bench.merge(stored->k, v));
	END LOOP;
	RETURN merged;
END $$;

-- Requests for many documents, as the text that a client sends: of each kind and
-- size so many calls as make up the operations of a measurement.
CREATE TABLE bench.request (kind text, size int, call int, documents text, PRIMARY KEY (kind, size, call));

CREATE FUNCTION bench.make_requests(kind text, size int, first int, documents int, total int, number int) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO bench.request
	SELECT kind, size, (place - 1) / size + 1,
		jsonb_agg(jsonb_build_object('_id', bench.id(i), 'changes', document) ORDER BY place)::text
	FROM (SELECT i, row_number() OVER (ORDER BY random()) AS place
			FROM generate_series(first, first + documents - 1) AS i) AS shuffled,
		(SELECT bench.document(number, 100) AS document OFFSET 0) AS d
	WHERE place <= greatest(total / size, 1) * size
	GROUP BY (place - 1) / size
$$;

SELECT setseed(0.5) \g /dev/null
SELECT bench.make_requests('change', size, 1, :documents, :operations, 1),
	bench.make_requests('new', size, :documents + 1, :documents, :operations, 1),
	bench.make_requests('same', size, 1, :documents, :operations, 0)
FROM unnest(ARRAY[10, 100, 1000, 10000]) AS size \g /dev/null

-- Batches of 100 of the first 1000 documents; no two set the same number, so
-- that each call changes each of its documents.
INSERT INTO bench.request
SELECT 'overlap', 100, call, jsonb_agg(jsonb_build_object('_id', bench.id(i), 'changes', bench.changes(call)))::text
FROM generate_series(1, :overlap_clients * :overlap_calls) AS call,
	LATERAL (SELECT i FROM generate_series(1, 1000) AS i WHERE call > 0 ORDER BY random() LIMIT 100) AS members
GROUP BY call;

-- Entities, a thousand a call; of the larger ones there are fewer.
INSERT INTO bench.request
SELECT 'entities ' || dimension, 1000, call,
	jsonb_build_object('dbName', 'bench', 'collectionName', 'entities_' || dimension, 'data',
		(SELECT jsonb_agg(bench.entity(i, dimension, 1) ORDER BY hashint4(i)) FROM generate_series(1000 * call - 999, 1000 * call) AS i))::text
FROM (VALUES (128, 1000), (768, 4000)) AS v (dimension, share), generate_series(1, greatest(:operations / share, 1)) AS call;

-- New documents once more, as files for COPY.
SELECT format('COPY (SELECT e->>%L, 1, e->%L FROM bench.request, jsonb_array_elements(documents::jsonb) AS e
		WHERE kind = %L AND size = 1000 AND call = %s) TO %L',
	'_id', 'changes', 'new', call, :'files' || '/' || call)
FROM bench.request WHERE kind = 'new' AND size = 1000 \gexec

-- What is measured is in cases.sql.
CREATE TABLE bench.row (
	place int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	variant text NOT NULL,
	way text NOT NULL,
	unit text NOT NULL DEFAULT 'µs',
	script text,
	statement text,
	documents int NOT NULL DEFAULT :documents,
	filler int NOT NULL DEFAULT 100,
	sends text NOT NULL DEFAULT 'whole' CHECK (sends IN ('whole', 'part')),
	kind text NOT NULL DEFAULT 'change' CHECK (kind IN ('change', 'new', 'same')),
	size int NOT NULL DEFAULT 1000,
	clients int NOT NULL DEFAULT 1,
	settings text NOT NULL DEFAULT '',
	compared text CHECK (compared IN ('peer', 'best', 'one')),
	relation text CHECK (relation IN ('>=', '<=')),
	bar numeric,
	UNIQUE (name, variant, way, unit)
);
COMMENT ON COLUMN bench.row.unit IS 'of the figure; µs: microseconds a document, from the time that all took together';
COMMENT ON COLUMN bench.row.script IS 'how it is measured: a function of the script run; NULL: comes out of another measurement';
COMMENT ON COLUMN bench.row.statement IS 'what is measured: a file of the folder statements, or for MariaDB a case of mariadb.sh';
COMMENT ON COLUMN bench.row.kind IS 'change: stored documents; new: new ones; same: stored ones, to what they are already';
COMMENT ON COLUMN bench.row.sends IS 'whole: the document; part: all of it but the filler';
COMMENT ON COLUMN bench.row.size IS 'documents a call, where a call has many';
COMMENT ON COLUMN bench.row.compared IS
'peer: kz is so many times as fast as this row; best: this row takes so many times what the best takes; one: this row is so many times as fast as one client';
COMMENT ON COLUMN bench.row.bar IS 'for the ratio, or where nothing is compared, for the figure itself';

-- Round 0 is the pass for the WAL bytes of wal_level logical.
CREATE TABLE bench.result (place int REFERENCES bench.row, round int, value float8, wal float8, ratio float8);
