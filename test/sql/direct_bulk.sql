/*
 * Calls for many documents on a plain table: new documents are inserted in runs.
 * Whatever interrupts a run, each document gets what it would get alone.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('direct_bulk', 'doc');

-- an entry: document i has the number i
CREATE FUNCTION pg_temp.entry(i int, changes jsonb = '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('_id', to_char(i, 'FM00000'), 'changes', jsonb_build_object('i', i) || changes)
$$;
/*
 * Makes the call, and compares its answer with the table: successes and errors
 * in the order of the request, their reasons, and whether the table has what the
 * answer says.
 */
CREATE FUNCTION pg_temp.mupsert(documents jsonb, OUT created bigint, OUT updated bigint, OUT errors text, OUT in_order boolean, OUT stored boolean, OUT rows bigint)
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_mupsert('direct_bulk', 'doc', documents);
BEGIN
	SELECT count(*) FILTER (WHERE status = 201), count(*) FILTER (WHERE status = 200),
		string_agg(concat_ws(' ', e #>> '{document,_id}', e ->> 'status', e ->> 'reason'), E'\n' ORDER BY n) FILTER (WHERE status >= 400),
		array_agg(e -> '_id' ORDER BY n) FILTER (WHERE status < 400) = (SELECT array_agg(d -> '_id' ORDER BY n) FROM jsonb_array_elements(documents) WITH ORDINALITY AS s (d, n)
			WHERE d NOT IN (SELECT f -> 'document' FROM jsonb_array_elements(answer -> 'errors') AS f))
	INTO created, updated, errors, in_order
	FROM jsonb_array_elements((answer -> 'successes') || (answer -> 'errors')) WITH ORDINALITY AS a (e, n), LATERAL (SELECT (e ->> 'status')::int) AS s (status);
	SELECT bool_and(d._version = (e ->> '_version')::bigint AND d._source = e -> '_source') INTO stored
	FROM (SELECT DISTINCT ON (e ->> '_id') e FROM jsonb_array_elements(answer -> 'successes') WITH ORDINALITY AS a (e, n) ORDER BY e ->> '_id', n DESC) AS last
		LEFT JOIN direct_bulk.doc AS d ON d._id = e ->> '_id';
	SELECT count(*) INTO rows FROM direct_bulk.doc;
END $$;
-- rows in the order in which they lie, in short: how many stretches of consecutive numbers
CREATE FUNCTION pg_temp.stretches() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT _id::int - lag(_id::int) OVER (ORDER BY ctid) AS step FROM direct_bulk.doc) AS s WHERE step IS DISTINCT FROM 1
$$;

-- 3000 new ones, in any order of the request; they lie in the order of their ids
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i) ORDER BY md5(i::text)) FROM generate_series(1, 3000) AS i));
SELECT pg_temp.stretches();
-- again: nothing is new
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i) ORDER BY i) FROM generate_series(1, 3000) AS i));
-- every third is there already
SELECT kz_truncate_collection('direct_bulk', 'doc');
SELECT count(kz_create('direct_bulk', 'doc', '{"old": true}', to_char(i, 'FM00000'))) FROM generate_series(3, 3000, 3) AS i;
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i) ORDER BY -i) FROM generate_series(1, 3000) AS i));
SELECT count(*), count(*) FILTER (WHERE _source ? 'old' AND _version = 2) FROM direct_bulk.doc;
-- ids more than once, at a distance and side by side, new and old
SELECT kz_truncate_collection('direct_bulk', 'doc');
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i % 1500, jsonb_build_object('k' || i / 1500, i)) ORDER BY i) FROM generate_series(0, 3499) AS i));
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(2000 + i / 5, jsonb_build_object('k' || i % 5, i)) ORDER BY i) FROM generate_series(0, 2999) AS i));
SELECT _version, count(*), min(_id), max(_id), count(*) FILTER (WHERE _source ? 'k2') AS k2 FROM direct_bulk.doc GROUP BY _version ORDER BY 1;

-- documents without an id are new in any case
SELECT jsonb_array_length(answer -> 'successes') AS successes, count(DISTINCT e ->> '_id') AS ids, bool_and(e #>> '{_source,i}' = (n - 1)::text) AS in_order
FROM kz_mcreate('direct_bulk', 'doc', (SELECT jsonb_agg(jsonb_build_object('body', jsonb_build_object('i', i)) ORDER BY i) FROM generate_series(0, 1999) AS i)) AS answer,
	jsonb_array_elements(answer -> 'successes') WITH ORDINALITY AS s (e, n) GROUP BY 1;
SELECT kz_truncate_collection('direct_bulk', 'doc');

-- a CHECK, in the middle of a run, at its ends, alone, and all over
ALTER TABLE direct_bulk.doc ADD CONSTRAINT small CHECK ((_source ->> 'n')::int < 100);
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('n', CASE i WHEN 1500 THEN 100 ELSE 0 END)) ORDER BY i) FROM generate_series(1, 3000) AS i));
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('n', CASE WHEN i IN (3001, 5000) THEN 100 ELSE 0 END)) ORDER BY i) FROM generate_series(3001, 5000) AS i));
SELECT * FROM pg_temp.mupsert(jsonb_build_array(pg_temp.entry(5001, '{"n": 100}')));
SELECT created, length(errors) AS errors, in_order, stored, rows
FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('n', i % 2 * 100)) ORDER BY i) FROM generate_series(5002, 5101) AS i));
-- an error that is none of PostgreSQL's: nothing is interrupted
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(CASE i WHEN 6500 THEN '{"_id": "06500"}' WHEN 6501 THEN '{"_id": 6501, "changes": {}}' ELSE pg_temp.entry(i) END ORDER BY i)
	FROM generate_series(6001, 7000) AS i));
-- a cast that fails is that of the CHECK
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('n', CASE i WHEN 7100 THEN '"many"'::jsonb ELSE '1' END)) ORDER BY i) FROM generate_series(7001, 7200) AS i));
ALTER TABLE direct_bulk.doc DROP CONSTRAINT small;

-- a unique index of the user's: taken by an older row, by an earlier one of the run, by one of another run
SELECT kz_truncate_collection('direct_bulk', 'doc');
CREATE UNIQUE INDEX by_name ON direct_bulk.doc ((_source ->> 'name'));
SELECT kz_create('direct_bulk', 'doc', '{"name": "old"}', '00000') -> '_version' AS version;
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('name', CASE i WHEN 700 THEN 'old' WHEN 900 THEN 'n800' WHEN 2500 THEN 'n100' WHEN 2999 THEN 'n3000'
	ELSE 'n' || i END)) ORDER BY i) FROM generate_series(1, 3000) AS i));
SELECT _id, _source FROM direct_bulk.doc WHERE _source ->> 'name' IN ('old', 'n100', 'n800', 'n3000') ORDER BY _id;
-- a name that an old document gives up in the same call is free for those with greater ids
SELECT * FROM pg_temp.mupsert(jsonb_build_array(pg_temp.entry(800, '{"name": "given up"}'), pg_temp.entry(900, '{"name": "n800"}'), pg_temp.entry(4000, '{"name": "n1"}'),
	pg_temp.entry(4001, '{"name": "n3001"}'), pg_temp.entry(50, '{"name": "n60"}'), pg_temp.entry(60, '{"name": "n50"}')));
-- a new document comes before a change of one with a greater id, though it could wait, and after one with a lesser
SELECT * FROM pg_temp.mupsert(jsonb_build_array(pg_temp.entry(4001, '{"name": "first"}'), pg_temp.entry(3500, '{"name": "first"}'), pg_temp.entry(70, '{"name": "second"}'), pg_temp.entry(71, '{"name": "n71"}'),
	pg_temp.entry(3600, '{"name": "second"}'), pg_temp.entry(3700, '{"name": "n70"}')));
SELECT _id, _version, _source FROM direct_bulk.doc WHERE _source ->> 'name' IN ('first', 'second', 'n70') ORDER BY _id;
-- all steps of one id together; one by one if they come to what is taken
SELECT * FROM pg_temp.mupsert(jsonb_build_array(pg_temp.entry(5000, '{"name": "old"}'), pg_temp.entry(5000, '{"name": "n5000"}'), pg_temp.entry(5001, '{"name": "n5001"}'),
	pg_temp.entry(5001, '{"name": "old"}'), pg_temp.entry(5002, '{"name": "n5002"}')));
SELECT _id, _version, _source FROM direct_bulk.doc WHERE _id >= '05000' ORDER BY _id;
-- strict: all or nothing
SELECT kz_mupsert('direct_bulk', 'doc', (SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('name', CASE i WHEN 6500 THEN 'old' ELSE 'n' || i END)) ORDER BY i)
	FROM generate_series(6000, 7000) AS i), strict => true);
SELECT count(*) FROM direct_bulk.doc WHERE _id >= '06000';
-- a key too large for the index
SELECT created, regexp_replace(errors, 'requires .*', 'requires …') AS errors, in_order, stored, rows FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, jsonb_build_object('name', CASE i
	WHEN 7050 THEN (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 300) AS j) ELSE 'n' || i END)) ORDER BY i) FROM generate_series(7001, 7100) AS i));
DROP INDEX direct_bulk.by_name;

-- if_version ends a run, and so does what is expected not to be there
SELECT kz_truncate_collection('direct_bulk', 'doc');
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i) || CASE i % 10 WHEN 3 THEN '{"if_version": 0}'::jsonb WHEN 5 THEN '{"if_version": 1}' ELSE '{}' END ORDER BY i) FROM generate_series(1, 30) AS i));
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, '{"m": 1}') || CASE i % 10 WHEN 3 THEN '{"if_version": 1}'::jsonb WHEN 5 THEN '{"if_version": 0}' ELSE '{}' END ORDER BY i)
	FROM generate_series(1, 40) AS i));

-- an entry that expects a version comes after those before it of the same id, which wait until then
SELECT * FROM pg_temp.mupsert(jsonb_build_array(pg_temp.entry(101), pg_temp.entry(102), pg_temp.entry(102, '{"m": 1}') || '{"if_version": 1}', pg_temp.entry(102, '{"m": 2}') || '{"if_version": 1}',
	pg_temp.entry(102, '{"m": 3}') || '{"if_version": 2}', pg_temp.entry(103), pg_temp.entry(103, '{"m": 1}') || '{"if_version": 0}', pg_temp.entry(104)));

-- large ones among them, so that a run is full by its bytes
SELECT kz_truncate_collection('direct_bulk', 'doc');
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, CASE i % 50 WHEN 0 THEN jsonb_build_object('x', (SELECT string_agg(md5((i + j)::text), '') FROM generate_series(1, 2000) AS j)) ELSE '{}' END)
	ORDER BY i) FROM generate_series(1, 500) AS i));
SELECT count(*), sum(length(_source ->> 'x')), pg_relation_size(reltoastrelid) > 0 AS out_of_line FROM direct_bulk.doc, pg_class AS c WHERE c.oid = 'direct_bulk.doc'::regclass GROUP BY c.oid;

-- within one transaction: savepoints, errors that are caught, several calls
SELECT kz_truncate_collection('direct_bulk', 'doc');
BEGIN;
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i)) FROM generate_series(1, 100) AS i));
SAVEPOINT s;
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, '{"undone": 1}')) FROM generate_series(51, 150) AS i));
ROLLBACK TO s;
SELECT * FROM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i, '{"kept": 1}')) FROM generate_series(91, 110) AS i));
RELEASE s;
DO $$
BEGIN
	PERFORM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i)) FROM generate_series(200, 300) AS i));
	PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
	PERFORM pg_temp.mupsert((SELECT jsonb_agg(pg_temp.entry(i)) FROM generate_series(290, 310) AS i));
END $$;
COMMIT;
SELECT _source - 'i' AS source, count(*), min(_id), max(_id) FROM direct_bulk.doc GROUP BY 1 ORDER BY 3;
-- two calls in one statement, the second on what the first has written
SELECT jsonb_array_length(kz_mupsert('direct_bulk', 'doc', (SELECT jsonb_agg(pg_temp.entry(i, '{"first": 1}')) FROM generate_series(300, 320) AS i)) -> 'successes') AS first,
	jsonb_array_length(kz_mupsert('direct_bulk', 'doc', (SELECT jsonb_agg(pg_temp.entry(i, '{"second": 1}')) FROM generate_series(310, 330) AS i)) -> 'successes') AS second,
	jsonb_array_length(kz_mdelete('direct_bulk', 'doc', (SELECT array_agg(to_char(i, 'FM00000')) FROM generate_series(1, 305) AS i)) -> 'successes') AS deleted;
SELECT _source - 'i' AS source, _version, count(*), min(_id), max(_id) FROM direct_bulk.doc GROUP BY 1, 2 ORDER BY 4;
-- a query that reads the table sees what was there when it began
SELECT count(*), bool_and(updated) FROM (SELECT _id, (kz_mupsert('direct_bulk', 'doc', jsonb_build_array(jsonb_build_object('_id', _id, 'changes', '{"third": 1}'::jsonb),
	jsonb_build_object('_id', _id || '+', 'changes', '{"third": 1}'::jsonb))) #>> '{successes,1,created}')::boolean AS updated FROM direct_bulk.doc) AS s;
SELECT count(*), count(*) FILTER (WHERE _id LIKE '%+') AS new FROM direct_bulk.doc;

-- an insert waits, one is refused without a write, one raises an error: the first is a duplicate in another index
SELECT kz_create_collection('direct_bulk', 'mail');
ALTER TABLE direct_bulk.mail ADD CHECK (_source ->> 'n' <> '7');
CREATE UNIQUE INDEX ON direct_bulk.mail ((_source ->> 'email'));
SELECT kz_create('direct_bulk', 'mail', '{"email": "x"}', 'z');
SELECT e #>> '{document,_id}' AS id, e ->> 'status' AS status, e ->> 'reason' AS reason FROM jsonb_array_elements(kz_mcreate('direct_bulk', 'mail',
	'[{"_id": "a", "body": {"email": "x"}}, {"_id": "b", "body": {}, "if_version": 3}, {"_id": "c", "body": {"n": 7}}]') -> 'errors') AS e;

-- a CHECK whose function becomes one that looks at rows: each document is judged with those before it in place
SELECT kz_create_collection('direct_bulk', 'few');
CREATE FUNCTION direct_bulk.has_room(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE direct_bulk.few ADD CHECK (direct_bulk.has_room(_source));
SELECT kz_create('direct_bulk', 'few', '{}', '0') -> '_version' AS version;
CREATE OR REPLACE FUNCTION direct_bulk.has_room(jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN (SELECT count(*) FROM direct_bulk.few) < 3; END';
SELECT jsonb_array_length(answer -> 'successes') AS successes, jsonb_array_length(answer -> 'errors') AS errors
FROM kz_mcreate('direct_bulk', 'few', (SELECT jsonb_agg(jsonb_build_object('_id', i::text, 'body', '{}'::jsonb)) FROM generate_series(1, 4) AS i)) AS answer;
SELECT kz_delete_collection('direct_bulk', 'few');
DROP FUNCTION direct_bulk.has_room(jsonb);

SELECT kz_delete_index('direct_bulk');
