/*
 * Documents and ids of all sizes in a plain table: in the row, compressed, out
 * of line; with all of them what comes back is what was given.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('direct_documents', 'doc');

-- text of a length that does not compress (much), and one that does
CREATE FUNCTION pg_temp.noise(length int, seed text = '') RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT left(string_agg(md5(seed || i), ''), length) FROM generate_series(0, length / 32) AS i
$$;
CREATE TEMP TABLE sample AS
SELECT n, kind || ' ' || length AS id, jsonb_build_object('kind', kind, 'text', CASE kind WHEN 'noise' THEN pg_temp.noise(length) ELSE repeat('x', length) END) AS source
FROM (SELECT row_number() OVER () AS n, * FROM unnest('{plain,noise}'::text[]) AS kind, unnest('{1,100,1900,2100,7900,8200,20000,100000,3000000}'::int[]) AS length) AS s;

-- what each function stores and answers
SELECT count(*) FROM sample WHERE kz_create('direct_documents', 'doc', source, id) -> '_source' <> source;
SELECT count(*), count(*) FILTER (WHERE d._source = s.source AND d._version = 1) AS stored, count(*) FILTER (WHERE kz_get('direct_documents', 'doc', id) -> '_source' = source) AS got
FROM direct_documents.doc AS d JOIN sample AS s ON id = _id;
-- where they are
SELECT id, pg_column_size(_source) < 2100 AS compressed_or_small
FROM sample JOIN direct_documents.doc ON _id = id ORDER BY n;
-- a change of little in what is large; nothing; larger, smaller, and back
SELECT count(kz_update('direct_documents', 'doc', id, '{"little": 1}')) FROM sample;
SELECT count(*) FROM sample JOIN direct_documents.doc ON _id = id WHERE _source = source || '{"little": 1}' AND _version = 2;
SELECT count(*) FROM sample WHERE kz_upsert('direct_documents', 'doc', id, source) -> '_version' = '2';
SELECT count(kz_replace('direct_documents', 'doc', id, jsonb_build_object('text', pg_temp.noise(400000 - length(source ->> 'text') / 10)))) FROM sample;
SELECT count(kz_replace('direct_documents', 'doc', id, '{"small": 1}')) FROM sample;
SELECT count(kz_create_or_replace('direct_documents', 'doc', id, source)) FROM sample;
SELECT count(*) FROM sample JOIN direct_documents.doc ON _id = id WHERE _source = source AND _version = 5;
SELECT count(kz_delete_fields('direct_documents', 'doc', id, '{text}')) FROM sample WHERE n % 2 = 0;
SELECT count(*) FROM sample WHERE kz_delete('direct_documents', 'doc', id, source => true) -> '_source' = CASE n % 2 WHEN 0 THEN source - 'text' ELSE source END;
-- what was out of line is gone with its row
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'direct_documents.doc'::regclass \gset
SELECT (SELECT count(*) FROM direct_documents.doc) AS rows, (SELECT count(*) FROM :toast) AS out_of_line;

-- many at once, some more than once
SELECT jsonb_array_length(answer -> 'successes') AS successes, answer -> 'errors' AS errors FROM kz_mupsert('direct_documents', 'doc',
	(SELECT jsonb_agg(jsonb_build_object('_id', id, 'changes', source || jsonb_build_object('i', i)) ORDER BY i, id DESC) FROM sample, generate_series(1, 2) AS i), source => false) AS answer;
SELECT count(*) FROM sample JOIN direct_documents.doc ON _id = id WHERE _source = source || '{"i": 2}' AND _version = 2;
SELECT kz_truncate_collection('direct_documents', 'doc');

-- documents and ids that come out of line or compressed from another table
CREATE TABLE direct_documents.origin (n int, id text, source jsonb);
ALTER TABLE direct_documents.origin ALTER source SET STORAGE EXTERNAL;
INSERT INTO direct_documents.origin SELECT * FROM sample;
SELECT count(kz_upsert('direct_documents', 'doc', id, source, defaults => source)) FROM direct_documents.origin;
SELECT count(*) FROM kz_update_rows('direct_documents', 'doc', (SELECT array_agg(id ORDER BY n) FROM direct_documents.origin), (SELECT array_agg(source || '{"rows": 1}' ORDER BY n) FROM direct_documents.origin));
SELECT count(*) FROM direct_documents.origin JOIN direct_documents.doc ON _id = id WHERE _source = source || '{"rows": 1}';
DROP TABLE direct_documents.origin;
DELETE FROM direct_documents.doc;
-- other ways of storing
ALTER TABLE direct_documents.doc ALTER _source SET STORAGE EXTERNAL;
SELECT count(kz_create('direct_documents', 'doc', source, id)) FROM sample WHERE n % 3 = 0;
ALTER TABLE direct_documents.doc ALTER _source SET STORAGE MAIN, ALTER _id SET STORAGE EXTERNAL;
SELECT count(kz_create('direct_documents', 'doc', source, id)) FROM sample WHERE n % 3 = 1;
ALTER TABLE direct_documents.doc ALTER _source SET STORAGE EXTENDED, SET (toast_tuple_target = 128);
SELECT count(kz_create('direct_documents', 'doc', source, id)) FROM sample WHERE n % 3 = 2;
SELECT count(kz_update('direct_documents', 'doc', id, '{"little": 1}')) FROM sample;
SELECT count(*) FROM sample JOIN direct_documents.doc ON _id = id WHERE _source = source || '{"little": 1}' AND _version = 2;
-- a row that cannot be stored in any way
ALTER TABLE direct_documents.doc ALTER _source SET STORAGE PLAIN;
SELECT kz_update('direct_documents', 'doc', 'plain 1', jsonb_build_object('text', repeat('x', 9000)));
SELECT answer #> '{errors,0,reason}' AS reason, jsonb_array_length(answer -> 'successes') AS successes FROM kz_mupsert('direct_documents', 'doc',
	jsonb_build_array('{"_id": "p1", "changes": {}}'::jsonb, jsonb_build_object('_id', 'p2', 'changes', jsonb_build_object('text', repeat('x', 9000))), '{"_id": "p3", "changes": {}}'::jsonb), source => false) AS answer;
ALTER TABLE direct_documents.doc ALTER _source SET STORAGE EXTENDED;
SELECT kz_truncate_collection('direct_documents', 'doc');

-- ids of every length, of characters of one byte to four, and what is alike but for its end
CREATE TEMP TABLE id AS SELECT left(pg_temp.noise(512, n::text), n) AS id FROM generate_series(1, 512) AS n
	UNION ALL SELECT repeat('i', n) FROM generate_series(1, 512) AS n UNION ALL SELECT repeat('é', n) FROM generate_series(1, 256, 15) AS n
	UNION ALL SELECT repeat('漢', n) FROM generate_series(1, 170, 13) AS n UNION ALL SELECT repeat('😀', n) FROM generate_series(1, 128, 9) AS n
	UNION ALL SELECT unnest(ARRAY['a', 'A', 'a ', ' a', E'a\t', E'a\n', 'a%', 'a_', '''', '"', '\', '\x61', '{}', 'NULL', 'é', E'e\u0301']);
SELECT count(*), count(DISTINCT id), max(octet_length(id)) FROM id;
SELECT count(kz_create('direct_documents', 'doc', jsonb_build_object('id', id), id)) FROM (SELECT DISTINCT id FROM id) AS i WHERE octet_length(id) % 2 = 0;
SELECT jsonb_array_length(kz_mupsert('direct_documents', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', id, 'changes', jsonb_build_object('id', id))) FROM id)) -> 'successes') AS successes;
SELECT count(kz_update('direct_documents', 'doc', id, jsonb_build_object('length', octet_length(id)))) FROM (SELECT DISTINCT id FROM id) AS i;
SELECT count(*), count(*) FILTER (WHERE _source = jsonb_build_object('id', _id, 'length', octet_length(_id))) AS right, count(*) FILTER (WHERE kz_get('direct_documents', 'doc', _id) ->> '_id' = _id) AS found,
	min(_version), max(_version) FROM direct_documents.doc;
SELECT kz_create('direct_documents', 'doc', '{}', repeat('i', 513));
SELECT jsonb_array_length(kz_mdelete('direct_documents', 'doc', (SELECT array_agg(id) FROM id)) -> 'successes') AS deleted, kz_count('direct_documents', 'doc');
SELECT kz_count('direct_documents', 'doc');

-- a table that is full of versions of its rows, within one transaction and over many
BEGIN;
SELECT count(kz_upsert('direct_documents', 'doc', 'v' || i % 3, jsonb_build_object('i', i, 'text', pg_temp.noise(i % 3 * 1000, i::text)))) FROM generate_series(1, 600) AS i;
SAVEPOINT s;
SELECT count(kz_upsert('direct_documents', 'doc', 'v' || i % 3, jsonb_build_object('i', i, 'text', pg_temp.noise(i % 3 * 1000, i::text)))) FROM generate_series(601, 900) AS i;
ROLLBACK TO s;
SELECT count(kz_upsert('direct_documents', 'doc', 'v' || i % 3, jsonb_build_object('i', i))) FROM generate_series(598, 603) AS i;
COMMIT;
SELECT _id, _version, _source -> 'i' AS i, length(_source ->> 'text') FROM direct_documents.doc ORDER BY _id;
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		PERFORM kz_upsert('direct_documents', 'doc', 'w' || i % 2, jsonb_build_object('i', i));
		PERFORM kz_mdelete('direct_documents', 'doc', ARRAY['w' || (i + 1) % 2]);
		IF i % 7 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
SELECT * FROM direct_documents.doc WHERE _id LIKE 'w%' ORDER BY _id;

-- no-ops assign no transaction id and write nothing, whatever the size
SELECT count(kz_create('direct_documents', 'doc', source, id)) FROM sample;
VACUUM direct_documents.doc;
BEGIN;
SELECT count(kz_upsert('direct_documents', 'doc', id, source)), count(kz_replace('direct_documents', 'doc', id, source)) FROM sample;
SELECT jsonb_array_length(kz_mupsert('direct_documents', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', id, 'changes', source)) FROM sample)) -> 'successes') AS unchanged;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;

DROP TABLE sample, id;
SELECT kz_delete_index('direct_documents');
