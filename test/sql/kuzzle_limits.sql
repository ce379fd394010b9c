--
-- KUZZLE_LIMITS
-- How many documents a request of Kuzzle's may write and read:
-- kz.documents_write_limit and kz.documents_fetch_limit.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request about zoo.cats comes to: its status with the
-- result, or with the id and the message of the error; times and generated ids
-- are told by a name
CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}', kuid text DEFAULT '-1') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_request(jsonb_build_object('controller', split_part(action, ':', 1),
		'action', split_part(action, ':', 2), 'index', 'zoo', 'collection', 'cats') || args, kuid);
	error jsonb := answer->'error';
	told text := CASE WHEN error = 'null' THEN concat_ws(' ', answer->>'status', answer->'result')
		ELSE concat_ws(' ', error->>'status', error->>'id', error->>'message', error->>'errors') END;
BEGIN
	told := regexp_replace(told, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g');
	RETURN regexp_replace(told, '"_id": "[-\w]{20}"', '"_id": generated', 'g');
END $$;

-- entries for documents 1 to n, and their ids
CREATE FUNCTION pg_temp.documents(n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('body', jsonb_build_object('documents', coalesce(jsonb_agg(
		jsonb_build_object('_id', 'd' || i, 'body', '{}'::jsonb, 'changes', '{}'::jsonb) ORDER BY i), '[]')))
	FROM generate_series(1, n) AS i
$$;
CREATE FUNCTION pg_temp.ids(n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('body', jsonb_build_object('ids', jsonb_agg('d' || i ORDER BY i))) FROM generate_series(1, n) AS i
$$;
-- the outcome: how many succeeded and failed, or the error
CREATE FUNCTION pg_temp.count(action text, args jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', answer->>'status', jsonb_array_length(answer#>'{result,successes}'), jsonb_array_length(answer#>'{result,errors}'),
		answer#>>'{error,id}', answer#>>'{error,message}', answer#>'{error,props}', jsonb_array_length(answer#>'{error,errors}'))
	FROM kz_request(jsonb_build_object('controller', split_part(action, ':', 1), 'action', split_part(action, ':', 2),
		'index', 'zoo', 'collection', 'cats') || args) AS answer
$$;
-- how many documents there are by now
CREATE FUNCTION pg_temp.stored() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN kz_count('zoo', 'cats'); END $$;

SELECT kz_create_collection('zoo', 'cats');
SHOW kz.documents_write_limit;
SHOW kz.documents_fetch_limit;

-- 200 documents are written, 201 are not, nor is any of them
SELECT ord, action, pg_temp.count(action, pg_temp.documents(201)), pg_temp.stored() FROM (VALUES
	(1, 'document:mCreate'), (2, 'document:mCreateOrReplace'), (3, 'document:mReplace'), (4, 'document:mUpdate'), (5, 'document:mUpsert')
) AS t (ord, action) ORDER BY ord;
SELECT ord, action, pg_temp.count(action, pg_temp.documents(200)), pg_temp.stored() FROM (VALUES
	(1, 'document:mCreate'), (2, 'document:mCreateOrReplace'), (3, 'document:mReplace'), (4, 'document:mUpdate'), (5, 'document:mUpsert')
) AS t (ord, action) ORDER BY ord;
-- entries count, whether they could be written or not
SELECT pg_temp.count('document:mCreate', jsonb_build_object('body', jsonb_build_object('documents', (SELECT jsonb_agg(1) FROM generate_series(1, 201)))));
SELECT pg_temp.count('document:mCreate', jsonb_build_object('body', jsonb_build_object('documents', (SELECT jsonb_agg(1) FROM generate_series(1, 200)))));
SELECT pg_temp.count('document:mUpsert', jsonb_build_object('body', jsonb_build_object('documents', (SELECT jsonb_agg('{"_id": "same", "changes": {}}'::jsonb) FROM generate_series(1, 201)))));
-- before the collection is looked for, after the other arguments
SELECT pg_temp.count('document:mCreate', '{"collection": "none"}' || pg_temp.documents(201));
SELECT pg_temp.count('document:mCreate', '{"collection": ""}' || pg_temp.documents(201));
SELECT pg_temp.count('document:mUpdate', '{"retryOnConflict": "x"}' || pg_temp.documents(201));
SELECT pg_temp.count('document:mCreate', '{"strict": true}' || pg_temp.documents(201));

-- of a deletion, the documents that are there count
SELECT pg_temp.count('bulk:mWrite', pg_temp.documents(201));
SELECT pg_temp.count('document:mDelete', pg_temp.ids(201)), pg_temp.stored();
SELECT pg_temp.count('document:mDelete', pg_temp.ids(200)), pg_temp.stored();
SELECT pg_temp.count('document:mDelete', pg_temp.ids(300)), pg_temp.stored();

-- bulk:* has no limit
SELECT pg_temp.count('bulk:mWrite', pg_temp.documents(300)), pg_temp.stored();
SELECT pg_temp.count('bulk:import', jsonb_build_object('body', jsonb_build_object('bulkData', (
	SELECT jsonb_agg(line ORDER BY i, part) FROM generate_series(1, 300) AS i,
		LATERAL (VALUES (1, jsonb_build_object('index', jsonb_build_object('_id', 'd' || i))), (2, '{}')) AS lines (part, line))))), pg_temp.stored();

-- 10000 ids are read, 10001 are not
SELECT pg_temp.count('document:mGet', pg_temp.ids(10000));
SELECT pg_temp.count('document:mGet', pg_temp.ids(10001));
SELECT pg_temp.count('document:mExists', pg_temp.ids(10000));
SELECT pg_temp.count('document:mExists', pg_temp.ids(10001));
SELECT pg_temp.count('document:mExists', jsonb_build_object('ids', pg_temp.ids(10001)#>'{body,ids}'));
SELECT pg_temp.count('document:mExists', jsonb_build_object('ids', repeat('d,', 10000) || 'd'));
SELECT pg_temp.count('document:mGet', '{"collection": "none"}' || pg_temp.ids(10001));
SELECT pg_temp.count('document:mGet', '{"collection": ""}' || pg_temp.ids(10001));

-- anybody may set them, also for a transaction alone
CREATE ROLE regress_kz_visitor;
SET ROLE regress_kz_visitor;
SET kz.documents_write_limit = 2;
SET kz.documents_fetch_limit = 3;
RESET ROLE;
SELECT pg_temp.count('document:mUpdate', pg_temp.documents(2));
SELECT pg_temp.count('document:mUpdate', pg_temp.documents(3));
SELECT pg_temp.count('document:mDelete', pg_temp.ids(3));
SELECT pg_temp.count('document:mDelete', pg_temp.ids(2)), pg_temp.stored();
SELECT pg_temp.count('document:mDelete', '{"body": {"ids": ["d300", "d300", "d300", 1, null]}}'), pg_temp.stored();
SELECT pg_temp.count('document:mDelete', '{"collection": "none"}' || pg_temp.ids(3));
SELECT pg_temp.count('document:mGet', pg_temp.ids(3));
SELECT pg_temp.count('document:mGet', pg_temp.ids(4));
BEGIN;
SET LOCAL kz.documents_write_limit = 5;
SELECT pg_temp.count('document:mUpdate', pg_temp.documents(5));
COMMIT;
SELECT pg_temp.count('document:mUpdate', pg_temp.documents(5));

-- 0 is none
SET kz.documents_write_limit = 0;
SET kz.documents_fetch_limit = 0;
SELECT pg_temp.count('document:mUpsert', pg_temp.documents(1000));
SELECT pg_temp.count('document:mGet', pg_temp.ids(10001));
SELECT pg_temp.count('document:mDelete', pg_temp.ids(1000)), pg_temp.stored();

-- they are for requests of Kuzzle's, not for SQL
SET kz.documents_write_limit = 1;
SET kz.documents_fetch_limit = 1;
SELECT jsonb_array_length(kz_mupsert('zoo', 'cats', pg_temp.documents(3)#>'{body,documents}')->'successes') AS written;
SELECT jsonb_array_length(kz_mget('zoo', 'cats', '{d1,d2,d3}')->'successes') AS got;
SELECT jsonb_array_length(kz_mdelete('zoo', 'cats', '{d1,d2,d3}')->'successes') AS deleted;

SET kz.documents_write_limit = -1;
SET kz.documents_fetch_limit = -1;
SET kz.documents_write_limit = 'many';
RESET kz.documents_write_limit;
RESET kz.documents_fetch_limit;

-- an id has 1 to 512 bytes
SELECT pg_temp.ask('document:create', jsonb_build_object('_id', repeat('é', 256), 'body', '{}'::jsonb)) LIKE '200 %' AS created;
SELECT ord, action, pg_temp.ask(action, jsonb_build_object('_id', repeat('i', 513)) || args) FROM (VALUES
	(1, 'document:create', '{"body": {}}'::jsonb),
	(2, 'document:createOrReplace', '{"body": {}}'),
	(3, 'document:upsert', '{"body": {"changes": {}}}'),
	(4, 'bulk:write', '{"body": {}}'),
	(5, 'document:exists', '{}')
) AS t (ord, action, args) ORDER BY ord;
SELECT replace(pg_temp.ask('document:mCreate', jsonb_build_object('body', jsonb_build_object('documents', jsonb_build_array(
	jsonb_build_object('_id', repeat('i', 513), 'body', '{}'::jsonb))))), repeat('i', 513), 'i…i');

-- numbers, texts and depth are those of jsonb
SELECT pg_temp.ask('document:upsert', '{"_id": "n", "source": true, "body": {"changes": {"big": 123456789012345678901234567890, "small": 1e-30, "scale": 1.50, "zero": -0, "text": "é\u0001\"\\/ 🐈", "": {"": 1}}}}');
SELECT pg_temp.ask('document:update', '{"_id": "n", "body": {"big": 123456789012345678901234567890.5}}');
SELECT pg_temp.ask('document:upsert', jsonb_build_object('_id', 'deep', 'body', jsonb_build_object('changes', (repeat('{"a":', 1000) || '1' || repeat('}', 1000))::jsonb)));
SELECT pg_temp.ask('document:upsert', jsonb_build_object('_id', 'deep', 'body', jsonb_build_object('changes', (repeat('{"a":', 1000) || '2' || repeat('}', 1000))::jsonb)));

SELECT kz_delete_index('zoo');
DROP ROLE regress_kz_visitor;
