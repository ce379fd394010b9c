INSERT INTO bench.docs AS t (_id, _version, _source)
SELECT DISTINCT ON (e->>'_id') e->>'_id', 1, e->'changes' FROM jsonb_array_elements(:documents) AS e ORDER BY e->>'_id'
ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = t._source || EXCLUDED._source;
