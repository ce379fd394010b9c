/*
 * kz_mget and kz_mexists: many documents read at once.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mget', 'doc');
SELECT kz_mcreate('mget', 'doc', '[{"_id": "a", "body": {"n": 1.00}}, {"_id": "b", "body": {}},
	{"_id": "c", "body": {"o": {"x": null}}}]', source => false) -> 'errors' AS errors;
SELECT kz_update('mget', 'doc', 'b', '{"n": 2}') -> '_version' AS version;

-- the order of the request; duplicates are kept; what is not there is listed by its id
SELECT kz_mget('mget', 'doc', '{c,a,b}');
SELECT kz_mexists('mget', 'doc', '{c,a,b}');
SELECT kz_mget('mget', 'doc', '{b,z,a,z,b,A,1}');
SELECT kz_mexists('mget', 'doc', '{b,z,a,z,b,A,1}');
SELECT kz_mget('mget', 'doc', '{y,z}'), kz_mexists('mget', 'doc', '{y,z}');
-- arrays of any shape
SELECT kz_mexists('mget', 'doc', '{{a,z},{b,y}}'), kz_mexists('mget', 'doc', '[7:8]={a,z}');
-- an id that could not be stored is not there
SELECT length(kz_mget('mget', 'doc', ARRAY[repeat('x', 513)]) #>> '{errors,0}') AS get, length(kz_mexists('mget', 'doc', ARRAY[repeat('x', 513)]) #>> '{errors,0}') AS exists;

-- no id: the collection is not looked at
SELECT kz_mget('mget', 'doc', '{}'), kz_mexists('mget', 'doc', '{}', strict => true);
SELECT kz_mget('mget', 'unknown', '{}'), kz_mexists('unknown', 'unknown', '{}');
SELECT kz_mget('mget', 'unknown', '{a}');
SELECT kz_mexists('unknown', 'doc', '{a}');

-- strict: all or an error
SELECT kz_mget('mget', 'doc', '{b,a}', strict => true), kz_mexists('mget', 'doc', '{b,a}', strict => true);
SELECT kz_mget('mget', 'doc', '{b,z,a,y}', strict => true);
SELECT kz_mexists('mget', 'doc', '{b,z,a,y}', strict => true);
SELECT kz_mget('mget', 'doc', '{b,z}', strict => NULL), kz_mexists('mget', 'doc', '{b,z}', strict => NULL);

-- NULL is no array and no id
SELECT kz_mget('mget', 'doc', NULL);
SELECT kz_mexists('mget', 'doc', NULL);
SELECT kz_mget('mget', 'doc', ARRAY['a', NULL]);
SELECT kz_mexists('mget', 'doc', ARRAY[NULL, 'a']);
SELECT kz_mget(NULL, 'doc', '{a}');
SELECT kz_mexists('mget', '', '{a}');

-- readers see the snapshot of the calling statement
SELECT jsonb_array_length(kz_mupsert('mget', 'doc', '[{"_id": "d", "changes": {}}]') -> 'errors') AS errors, kz_mexists('mget', 'doc', '{d}');
SELECT kz_mexists('mget', 'doc', '{d}');
-- and write nothing
BEGIN READ ONLY;
SELECT kz_mget('mget', 'doc', '{d,e}'), kz_mexists('mget', 'doc', '{d,e}');
COMMIT;

-- the bytes of a document are those that are stored, also of one that is out of line
SELECT kz_create('mget', 'doc', jsonb_build_object('big', string_agg(md5(i::text), ''), 'n', 1.50), 'big') -> '_version' AS version
	FROM generate_series(1, 1000) AS i;
SELECT record_image_eq(ROW(entry -> '_source'), ROW(_source)) AS same_bytes, _id
FROM jsonb_array_elements(kz_mget('mget', 'doc', '{big,c,a}') -> 'successes') AS entry JOIN mget.doc ON _id = entry ->> '_id' ORDER BY _id;
-- many
SELECT jsonb_array_length(kz_mcreate('mget', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', 'm' || i, 'body', jsonb_build_object('i', i)))
	FROM generate_series(1, 5000) AS i)) -> 'successes') AS created;
SELECT count(*), bool_and(entry ->> '_id' = 'm' || 2 * n AND (entry #>> '{_source,i}')::int = 2 * n AND entry ->> '_version' = '1') AS right_ones
FROM jsonb_array_elements(kz_mget('mget', 'doc', (SELECT array_agg('m' || 2 * i ORDER BY i)
	FROM generate_series(1, 5000) AS i)) -> 'successes') WITH ORDINALITY AS e (entry, n);
SELECT jsonb_array_length(kz_mexists('mget', 'doc', (SELECT array_agg('m' || 2 * i ORDER BY i) FROM generate_series(1, 5000) AS i)) -> 'errors') AS errors;

SELECT kz_delete_index('mget');
