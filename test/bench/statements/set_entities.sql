INSERT INTO bench.entities_:dimension (_id, _version, _source)
SELECT e->>'id', 1, e FROM jsonb_array_elements(:documents::jsonb->'data') AS e
ON CONFLICT (_id) DO UPDATE SET _source = EXCLUDED._source;
