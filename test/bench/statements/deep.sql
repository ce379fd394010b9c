INSERT INTO bench.docs AS t (_id, _version, _source) VALUES (:id, 1, :changes)
ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = bench.merge(t._source, EXCLUDED._source)
RETURNING _version, xmax = 0;
