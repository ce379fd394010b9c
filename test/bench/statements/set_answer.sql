WITH written AS (
	INSERT INTO bench.docs AS t (_id, _version, _source)
	SELECT DISTINCT ON (e->>'_id') e->>'_id', 1, e->'changes' FROM jsonb_array_elements(:documents) AS e ORDER BY e->>'_id'
	ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = t._source || EXCLUDED._source
	RETURNING _id, _version, _source, xmax = 0 AS created)
SELECT jsonb_build_object('errors', '[]'::jsonb, 'successes',
	jsonb_agg(jsonb_build_object('_id', _id, '_source', _source, '_version', _version, 'created', created,
		'status', CASE WHEN created THEN 201 ELSE 200 END)))
FROM written;
