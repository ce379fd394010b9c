INSERT INTO bench.docs AS t (_id, _version, _source) VALUES (:id, 1, jsonb_build_object('number', :number::bigint))
ON CONFLICT (_id) DO UPDATE SET _version = t._version + 1, _source = t._source || EXCLUDED._source;
