--
-- A document is judged with all earlier survivors of the call in place, however
-- many culprits there are, and in a time that grows with the call and not with
-- its square.
--
\set SHOW_CONTEXT never
SELECT kz_create_collection('bulk_survivors', name) ->> 'acknowledged' AS acknowledged
FROM unnest('{tree,pairs,layers,one,delete}'::text[]) AS name;

-- culprits(count): so many documents that a CHECK rejects, each behind a good one
CREATE FUNCTION pg_temp.culprits(count int) RETURNS SETOF jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('_id', 'm' || to_char(n, 'FM0000') || suffix, 'changes', changes)
	FROM generate_series(1, count) AS n,
		(VALUES ('a', '{}'::jsonb), ('b', '{"n": "bad"}')) AS two(suffix, changes)
$$;

-- written(collection, culprits, documents): what becomes of documents behind so
-- many culprits, without the culprits themselves
CREATE FUNCTION pg_temp.written(collection text, culprits int, documents jsonb)
RETURNS TABLE (answer text) LANGUAGE plpgsql AS $$
DECLARE
	result jsonb := kz_mupsert('bulk_survivors', collection, documents ||
		(SELECT jsonb_agg(c) FROM pg_temp.culprits(culprits) AS c), source => false);
BEGIN
	RETURN QUERY
	SELECT concat_ws(' ', success->>'_id', success->>'status')
	FROM jsonb_array_elements(result->'successes') AS success WHERE success->>'_id' > 'n'
	UNION ALL
	SELECT concat_ws(' ', error->'document'->>'_id', error->>'status', error->>'reason')
	FROM jsonb_array_elements(result->'errors') AS error WHERE error->'document'->>'_id' > 'n'
	ORDER BY 1;
	EXECUTE format('DELETE FROM bulk_survivors.%I', collection);
END $$;

-- children whose parent is in the same call, with a culprit between them
ALTER TABLE bulk_survivors.tree
	ADD parent text GENERATED ALWAYS AS (_source->>'parent') STORED REFERENCES bulk_survivors.tree (_id),
	ADD CHECK ((_source->>'n') IS DISTINCT FROM 'bad');
SELECT culprits, answer FROM unnest('{1,40,400}'::int[]) AS culprits,
	pg_temp.written('tree', culprits, '[{"_id": "n1", "changes": {}}, {"_id": "n2", "changes": {"n": "bad"}},
		{"_id": "t1", "changes": {"parent": "n1"}}, {"_id": "t2", "changes": {"parent": "n0"}}]')
ORDER BY culprits, answer;

-- a document that is in the way of another, and is rejected itself
ALTER TABLE bulk_survivors.pairs ADD CHECK ((_source->>'n') IS DISTINCT FROM 'bad');
CREATE UNIQUE INDEX pairs_u ON bulk_survivors.pairs ((_source->>'u'));
CREATE UNIQUE INDEX pairs_v ON bulk_survivors.pairs ((_source->>'v'));
SELECT culprits, answer FROM unnest('{1,40,400}'::int[]) AS culprits,
	pg_temp.written('pairs', culprits, '[{"_id": "n1", "changes": {"u": 1}}, {"_id": "n2", "changes": {"n": "bad"}},
		{"_id": "n3", "changes": {"u": 1, "v": 5}}, {"_id": "n4", "changes": {"v": 5}}]')
ORDER BY culprits, answer;

-- many layers of documents that are in the way of later ones
ALTER TABLE bulk_survivors.layers ADD CHECK ((_source->>'n') IS DISTINCT FROM 'bad');
CREATE UNIQUE INDEX layers_u ON bulk_survivors.layers ((_source->>'u'));
SET statement_timeout = '20s';
SELECT jsonb_array_length(answer->'successes') AS written, jsonb_array_length(answer->'errors') AS rejected
FROM (SELECT jsonb_agg(jsonb_build_object('_id', to_char(layer, 'FM0000') || kind || to_char(n, 'FM0000'),
			'changes', CASE kind WHEN 'm' THEN '{"n": "bad"}'::jsonb ELSE jsonb_build_object('u', layer || '-' || n) END)) AS documents
		FROM generate_series(1, 64) AS layer, generate_series(1, CASE layer WHEN 64 THEN 1000 ELSE layer END) AS n,
			unnest('{l,m,n}'::text[]) AS kind
		WHERE kind <> 'm' OR n = 1) AS request,
	LATERAL kz_mupsert('bulk_survivors', 'layers', documents, source => false) AS answer;
SELECT count(*), count(DISTINCT _source->>'u') AS different FROM bulk_survivors.layers;

-- one id, a thousand times, every second time rejected
ALTER TABLE bulk_survivors.one ADD CHECK ((_source->>'n') IS DISTINCT FROM 'bad');
SELECT jsonb_array_length(answer->'successes') AS written, jsonb_array_length(answer->'errors') AS rejected
FROM (SELECT jsonb_agg(jsonb_build_object('_id', 'x', 'changes',
			jsonb_build_object('n', CASE n % 2 WHEN 0 THEN 'bad' ELSE n::text END)) ORDER BY n) AS documents
		FROM generate_series(1, 1000) AS n) AS request,
	LATERAL kz_mupsert('bulk_survivors', 'one', documents, source => false) AS answer;
SELECT _id, _version, _source FROM bulk_survivors.one;

-- numbers whose digits would fill the memory
SELECT jsonb_array_length(answer->'errors') AS rejected, answer->'errors'->0->>'reason' AS reason
FROM (SELECT jsonb_agg('{"_id": "x", "changes": {}, "if_version": 1e131000}'::jsonb) AS documents
		FROM generate_series(1, 2000)) AS request,
	LATERAL kz_mupsert('bulk_survivors', 'one', documents) AS answer;
SELECT kz_mupsert('bulk_survivors', 'one', '[{"_id": "x", "changes": {"n": "last"}, "if_version": 9223372036854775807},
	{"_id": "x", "changes": {}, "if_version": 9223372036854775808}]') -> 'errors' AS errors;
RESET statement_timeout;

-- an id that is to be deleted twice is deleted once, also where a trigger looks on
CREATE FUNCTION pg_temp.refuse_first() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF nextval('pg_temp.tries') <= 1 THEN
		RAISE EXCEPTION 'not yet';
	END IF;
	RETURN OLD;
END $$;
CREATE TEMP SEQUENCE tries;
SELECT kz_create('bulk_survivors', 'delete', '{}', 'a') ->> '_id' AS _id;
CREATE TRIGGER refuse_first BEFORE DELETE ON bulk_survivors.delete
	FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse_first();
SELECT kz_mdelete('bulk_survivors', 'delete', '{a,a}'), kz_count('bulk_survivors', 'delete');

SELECT kz_delete_index('bulk_survivors');
