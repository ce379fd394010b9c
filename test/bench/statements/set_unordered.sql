INSERT INTO bench.docs AS t (_id, _version, _source)
SELECT e->>'_id', 1, e->'changes' FROM jsonb_array_elements(:documents) AS e
ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = t._source || EXCLUDED._source;
