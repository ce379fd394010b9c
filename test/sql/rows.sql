/*
 * kz_update_rows and kz_upsert_rows: arrays in, a row for each element out.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('rows', 'doc');

-- a row for each element, in the order of the arrays; the changes win over the defaults, as in kz_upsert
SELECT * FROM kz_upsert_rows('rows', 'doc', '{c,a,b}', ARRAY['{"n": 3, "o": {"x": 1}}', '{"n": 1}', '{}']::jsonb[],
	ARRAY['{"n": 4, "o": {"x": 2, "y": 2}}', NULL, '{"d": 1}']::jsonb[]);
-- of a document that is there the defaults are ignored; what changes nothing keeps its version
SELECT * FROM kz_upsert_rows('rows', 'doc', '{a,b,c}', ARRAY['{"m": 1}', '{}', '{"n": 5}']::jsonb[], ARRAY['{"d": 2}', '{"d": 2}', '{"d": 2}']::jsonb[]);
SELECT * FROM kz_update_rows('rows', 'doc', '{c,z,a}', ARRAY['{"o": {"z": 3}}', '{}', '{"m": 1}']::jsonb[]);
SELECT * FROM "rows".doc ORDER BY _id;

-- rows that are wrong by themselves, and those that storing finds
SELECT ord, left(_id, 10) AS _id, status, created, _version, _source, reason FROM kz_upsert_rows('rows', 'doc',
	ARRAY['d', NULL, '', 'd', 'd', 'd', NULL, 'd', repeat('x', 513), 'd', 'e'],
	ARRAY[NULL, '{}', '{}', '[]', '1', 'null', 'null', '{}', '{}', '{}', '{}']::jsonb[],
	ARRAY[NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]', NULL, 'null', '{"e": 1}']::jsonb[]);
SELECT ord, left(_id, 10) AS _id, status, created, _version, _source, reason FROM kz_update_rows('rows', 'doc',
	ARRAY['d', NULL, '', 'a', 'a', 'y', NULL, repeat('x', 513), 'e'], ARRAY[NULL, '{}', '{}', '[]', '"a"', '{}', 'null', '{}', '{"e": 2}']::jsonb[]);

-- the same id three times
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT * FROM kz_upsert_rows('rows', 'doc', '{t,t,e,t}', ARRAY['{"n": 1}', '{"m": 2}', '{"e": 3}', '{"m": 2}']::jsonb[], ARRAY['{"d": 1}', '{"d": 2}', NULL, NULL]::jsonb[]);
SELECT n_tup_ins, n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = '"rows".doc'::regclass;
COMMIT;

-- expected versions, NULL for any
SELECT * FROM kz_upsert_rows('rows', 'doc', '{t,t,t,v,v,v}', ARRAY['{"i": 1}', '{"i": 2}', '{"i": 3}', '{"i": 1}', '{"i": 2}', '{"i": 3}']::jsonb[],
	if_versions => '{2,2,NULL,0,0,1}');
SELECT * FROM kz_update_rows('rows', 'doc', '{v,v,z}', ARRAY['{"i": 4}', '{"i": 5}', '{}']::jsonb[], if_versions => '{2,2,1}');
SELECT * FROM kz_update_rows('rows', 'doc', '{v}', ARRAY['{"i": 4}']::jsonb[], if_versions => '{-1}');

-- source false, strict, the other options, NULL for all of them
SELECT * FROM kz_upsert_rows('rows', 'doc', '{v,w}', ARRAY['{"i": 6}', '{}']::jsonb[], source => false, retry_on_conflict => 0, refresh => 'wait_for', silent => true);
SELECT * FROM kz_update_rows('rows', 'doc', '{v,z}', ARRAY['{"i": 7}', '{}']::jsonb[], source => false);
SELECT * FROM kz_update_rows('rows', 'doc', '{v,z,y}', ARRAY['{"i": 8}', '{}', '{}']::jsonb[], strict => true);
SELECT * FROM kz_upsert_rows('rows', 'doc', '{v,x,NULL}', ARRAY['{"i": 8}', '{}', '{}']::jsonb[], strict => true);
SELECT * FROM "rows".doc WHERE _id IN ('v', 'x') ORDER BY _id;
SELECT * FROM kz_upsert_rows('rows', 'doc', '{v,w}', ARRAY['{"i": 8}', '{}']::jsonb[], defaults => NULL, refresh => NULL, silent => NULL, kuid => NULL,
	retry_on_conflict => NULL, strict => NULL, source => NULL, if_versions => NULL);
SELECT * FROM kz_update_rows('rows', 'doc', '{v,z}', ARRAY['{"i": 9}', '{}']::jsonb[], refresh => NULL, silent => NULL, kuid => NULL,
	retry_on_conflict => NULL, strict => NULL, source => NULL, if_versions => NULL);
SELECT ord, _id, status, created, _version, _source #- '{_kuzzle_info,createdAt}' #- '{_kuzzle_info,updatedAt}' AS _source
FROM kz_upsert_rows('rows', 'doc', '{k,k}', ARRAY['{"_kuzzle_info": 1}', '{}']::jsonb[], ARRAY['{"_kuzzle_info": {"more": 1}}', NULL]::jsonb[], kuid => 'ada');

-- nothing in, nothing out
SELECT * FROM kz_upsert_rows('rows', 'doc', '{}', '{}');
SELECT * FROM kz_update_rows('rows', 'doc', '{}', '{}', strict => true);
-- arrays must be there, and be equally long
SELECT * FROM kz_upsert_rows('rows', 'doc', NULL, '{}');
SELECT * FROM kz_upsert_rows('rows', 'doc', '{}', NULL);
SELECT * FROM kz_update_rows('rows', 'doc', '{a}', NULL);
SELECT * FROM kz_update_rows(NULL, 'doc', '{a}', ARRAY['{}']::jsonb[]);
SELECT * FROM kz_upsert_rows('rows', 'doc', '{a,b}', ARRAY['{"no": 1}']::jsonb[]);
SELECT * FROM kz_update_rows('rows', 'doc', '{a}', ARRAY['{"no": 1}', '{"no": 1}']::jsonb[]);
SELECT * FROM kz_upsert_rows('rows', 'doc', '{a,b}', ARRAY['{"no": 1}', '{"no": 1}']::jsonb[], ARRAY['{}']::jsonb[]);
SELECT * FROM kz_upsert_rows('rows', 'doc', '{a,b}', ARRAY['{"no": 1}', '{"no": 1}']::jsonb[], if_versions => '{0}');
SELECT * FROM kz_update_rows('rows', 'doc', '{a}', ARRAY['{"no": 1}']::jsonb[], if_versions => '{}');
SELECT * FROM kz_update_rows('rows', 'doc', '{a}', ARRAY['{"no": 1}']::jsonb[], retry_on_conflict => -1);
SELECT * FROM kz_update_rows('rows', 'doc', '{a}', ARRAY['{"no": 1}']::jsonb[], refresh => 'yes');
SELECT * FROM kz_update_rows('rows', 'unknown', '{a}', ARRAY['{}']::jsonb[]);
SELECT * FROM kz_upsert_rows('unknown', 'doc', '{a}', ARRAY['{}']::jsonb[]);
SELECT count(*) FROM "rows".doc WHERE _source ? 'no';

-- LIMIT, EXISTS and a cursor that is not read to its end cut rows, but no writes
SELECT ord, _id FROM kz_upsert_rows('rows', 'doc', '{l1,l2,l3}', ARRAY['{}', '{}', '{}']::jsonb[]) LIMIT 1;
SELECT EXISTS (SELECT FROM kz_upsert_rows('rows', 'doc', '{l4,l5,l6}', ARRAY['{}', '{}', '{}']::jsonb[]));
SELECT (kz_upsert_rows('rows', 'doc', '{l7,l8,l9}', ARRAY['{}', '{}', '{}']::jsonb[])).ord LIMIT 1;
BEGIN;
DECLARE c CURSOR FOR SELECT ord, _id FROM kz_update_rows('rows', 'doc', '{l1,l2,l3}', ARRAY['{"u": 1}', '{"u": 1}', '{"u": 1}']::jsonb[]);
FETCH 1 FROM c;
COMMIT;
SELECT string_agg(_id || ':' || _version, ' ' ORDER BY _id) FROM "rows".doc WHERE _id LIKE 'l%';

-- rows are joined to what they came from by ord
SELECT given.id, given.n, answer.status, answer._version
FROM unnest('{p2,p1,p2}'::text[], '{1,2,3}'::int[]) WITH ORDINALITY AS given (id, n, ord)
	JOIN kz_upsert_rows('rows', 'doc', '{p2,p1,p2}', ARRAY['{"n": 1}', '{"n": 2}', '{"n": 3}']::jsonb[]) AS answer USING (ord)
ORDER BY ord;

-- fed from a staging table, in one call by array_agg, and in chunks
CREATE TABLE "rows".staging (n int, id text, changes jsonb);
INSERT INTO "rows".staging SELECT i, CASE WHEN i % 100 = 0 THEN NULL ELSE 's' || i % 700 END, jsonb_build_object('n' || i / 700, i)
	FROM generate_series(1, 1400) AS i;
SELECT answer.status, count(*), count(created), min(_version), max(_version), min(reason)
FROM (SELECT array_agg(id ORDER BY n), array_agg(changes ORDER BY n) FROM "rows".staging) AS s (ids, changes),
	kz_upsert_rows('rows', 'doc', ids, changes, source => false) AS answer
GROUP BY answer.status ORDER BY answer.status;
SELECT count(*), count(*) FILTER (WHERE _source = jsonb_build_object('n0', substr(_id, 2)::int, 'n1', substr(_id, 2)::int + 700)) AS merged
FROM "rows".doc WHERE _id LIKE 's%';
SELECT chunk, answer.status, count(*), sum(ord)
FROM (SELECT n / 500, array_agg(id ORDER BY n), array_agg(changes || '{"again": true}' ORDER BY n) FROM "rows".staging GROUP BY n / 500) AS s (chunk, ids, changes),
	kz_update_rows('rows', 'doc', ids, changes) AS answer
GROUP BY chunk, answer.status ORDER BY chunk, answer.status;
SELECT count(*) FROM "rows".doc WHERE _source ? 'again';
-- what failed is put aside with its reason
CREATE TABLE "rows".rejected AS
	SELECT n, status, reason
	FROM (SELECT array_agg(id ORDER BY n), array_agg(changes ORDER BY n), array_agg(n ORDER BY n) FROM "rows".staging WHERE n <= 200) AS s (ids, changes, ns),
		kz_upsert_rows('rows', 'doc', ids, changes) AS answer, LATERAL (SELECT ns[answer.ord]) AS given (n)
	WHERE reason IS NOT NULL;
SELECT * FROM "rows".rejected ORDER BY n;

-- from PL/pgSQL, and in a transaction that is undone
DO $$
DECLARE
	answer record;
BEGIN
	FOR answer IN SELECT * FROM kz_upsert_rows('rows', 'doc', '{q1,q2}', ARRAY['{"q": 1}', 'null']::jsonb[]) LOOP
		RAISE NOTICE '%', answer;
	END LOOP;
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
END $$;
SELECT kz_exists('rows', 'doc', 'q1');

DROP TABLE "rows".staging, "rows".rejected;
SELECT kz_delete_index('rows');
