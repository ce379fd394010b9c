/*
 * Errors of calls for many documents: those of the call, and those that
 * PostgreSQL raises about one document, which leave the others alone.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('bulk', 'doc');

-- what a statement answers, or the SQLSTATE and the message of its error
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
-- an answer in short: for each document its id and its version, or the status and the reason
CREATE FUNCTION pg_temp.short(answer jsonb) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', entry ->> 'status', coalesce(entry #>> '{document,_id}', entry ->> '_id'), entry ->> '_version', entry ->> 'reason')
	FROM jsonb_array_elements((answer -> 'errors') || (answer -> 'successes')) WITH ORDINALITY AS e (entry, n) ORDER BY n
$$;

-- arguments: the same errors from every function
CREATE TEMPORARY TABLE call (ord serial, name text, needs text[], documents text);
INSERT INTO call (name, needs, documents) VALUES
	('kz_mcreate', '{SELECT,INSERT}', '[{"_id": "a", "body": {}}]'),
	('kz_mcreate_or_replace', '{SELECT,INSERT,UPDATE}', '[{"_id": "a", "body": {}}]'),
	('kz_mreplace', '{SELECT,UPDATE}', '[{"_id": "a", "body": {}}]'),
	('kz_mupdate', '{SELECT,UPDATE}', '[{"_id": "a", "body": {}}]'),
	('kz_mupsert', '{SELECT,INSERT,UPDATE}', '[{"_id": "a", "changes": {}}]'),
	('kz_mdelete', '{SELECT,DELETE}', '{a}'),
	('kz_mget', '{SELECT}', '{a}'),
	('kz_mexists', '{SELECT}', '{a}');
GRANT SELECT ON call TO PUBLIC;
SELECT problem, pg_temp.outcome(format('SELECT %s(%s)', name, format(arguments, quote_literal(documents)))) AS outcome, count(*), bool_and(name LIKE 'kz_m%') AS bulk
FROM call, (VALUES (1, 'NULL index', 'NULL, ''doc'', %s'), (2, 'empty index', ''''', ''doc'', %s'), (3, 'NULL collection', '''bulk'', NULL, %s'),
	(4, 'empty collection', '''bulk'', '''', %s'), (5, 'unknown index', '''none'', ''doc'', %s'), (6, 'unknown collection', '''bulk'', ''none'', %s'))
	AS p (p, problem, arguments)
GROUP BY p, problem, outcome ORDER BY p, outcome;
SELECT problem, outcome, string_agg(name, ' ' ORDER BY ord) AS functions
FROM call, (VALUES (1, 'NULL documents', 'NULL'), (2, 'object', '''{}'''), (3, 'string', '''"[]"'''), (4, 'number', '''1'''), (5, 'null', '''null'''),
	(6, 'refresh', '''[{}]'', refresh => ''yes''')) AS p (p, problem, documents),
	LATERAL (SELECT pg_temp.outcome(format('SELECT %s(''bulk'', ''doc'', %s)', name, p.documents))) AS o (outcome)
WHERE name NOT IN ('kz_mdelete', 'kz_mget', 'kz_mexists')
GROUP BY p, problem, outcome ORDER BY p, outcome;
SELECT kz_mupsert('bulk', 'doc', '{}');
SELECT kz_mupsert('bulk', 'doc', '[]', retry_on_conflict => -1);

-- rights: without one of them 42501 for the call, whatever the documents are; with all of them (and USAGE) no more is needed
CREATE ROLE regress_kz_user;
CREATE FUNCTION pg_temp.as_user(rights text[], statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'GRANT USAGE ON SCHEMA bulk TO regress_kz_user; GRANT ' || array_to_string(rights, ', ') || ' ON bulk.doc TO regress_kz_user';
	SET LOCAL ROLE regress_kz_user;
	EXECUTE statement INTO answer;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'UNDO0' THEN 'ok' ELSE SQLSTATE END;
END $$;
SELECT name, pg_temp.as_user(needs, call) AS allowed,
	(SELECT string_agg(need || ' ' || pg_temp.as_user(array_remove('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}', need), call), ', ' ORDER BY n)
	FROM unnest(needs) WITH ORDINALITY AS u (need, n)) AS without,
	pg_temp.as_user('{TRUNCATE}', format('SELECT %s(''bulk'', ''doc'', %L)', name, CASE WHEN documents LIKE '[%' THEN '[1]' ELSE '{b}' END)) AS bad_documents
FROM call, LATERAL (SELECT format('SELECT %s(''bulk'', ''doc'', %L)', name, documents)) AS c (call) ORDER BY ord;

SELECT pg_temp.as_user('{SELECT,UPDATE}', $$SELECT ord FROM kz_update_rows('bulk', 'doc', '{a}', ARRAY['{}'::jsonb])$$) AS update_rows,
	pg_temp.as_user('{SELECT,INSERT}', $$SELECT ord FROM kz_update_rows('bulk', 'doc', '{NULL}', ARRAY['{}'::jsonb])$$) AS update_rows_without,
	pg_temp.as_user('{SELECT,INSERT,UPDATE}', $$SELECT ord FROM kz_upsert_rows('bulk', 'doc', '{a}', ARRAY['{}'::jsonb])$$) AS upsert_rows,
	pg_temp.as_user('{SELECT,UPDATE}', $$SELECT ord FROM kz_upsert_rows('bulk', 'doc', '{NULL}', ARRAY['{}'::jsonb])$$) AS upsert_rows_without;
-- an empty list is answered without a look at the collection, but for kz_mdelete
SELECT name, pg_temp.as_user('{TRUNCATE}', format('SELECT %s(''bulk'', ''doc'', %L)', name, CASE WHEN documents LIKE '[%' THEN '[]' ELSE '{}' END)) AS outcome FROM call ORDER BY ord;

-- read-only transactions: every function that writes is refused by its name
SELECT jsonb_array_length(kz_mcreate('bulk', 'doc', '[{"_id": "a", "body": {}}]') -> 'successes') AS created;
BEGIN READ ONLY;
SELECT pg_temp.outcome(format('SELECT %s(''bulk'', ''doc'', %L)', name, documents)) FROM call ORDER BY ord;
SELECT pg_temp.outcome('SELECT * FROM kz_update_rows(''bulk'', ''doc'', ''{a}'', ARRAY[''{}''::jsonb])'),
	pg_temp.outcome('SELECT * FROM kz_upsert_rows(''bulk'', ''doc'', ''{a}'', ARRAY[''{}''::jsonb])'), pg_temp.outcome('SELECT kz_mdelete(''bulk'', ''doc'', ''{}'')');
COMMIT;
SELECT * FROM bulk.doc;

-- CHECK, NOT NULL and unique constraints, a generated column: the others are written
ALTER TABLE bulk.doc ADD n int GENERATED ALWAYS AS ((_source ->> 'n')::int) STORED CHECK (n > 0), ADD name text GENERATED ALWAYS AS (_source ->> 'name') STORED UNIQUE;
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "f", "changes": {"n": 1, "name": "ann"}}, {"_id": "e", "changes": {"n": -1}},
	{"_id": "d", "changes": {"n": 2, "name": "bob"}},
	{"_id": "c", "changes": {"n": "two"}}, {"_id": "b", "changes": {"n": 3, "name": "bob"}}, {"_id": "a", "changes": {"n": 4, "name": "ann"}}]'));
SELECT * FROM bulk.doc ORDER BY _id;
-- in every function; what is in the way may be stored, or come before it in the order of the ids
SELECT pg_temp.short(kz_mcreate('bulk', 'doc', '[{"_id": "h", "body": {"name": "eve"}}, {"_id": "g", "body": {"name": "eve"}},
	{"_id": "i", "body": {"name": "bob"}}, {"_id": "a", "body": {}}]'));
SELECT pg_temp.short(kz_mcreate_or_replace('bulk', 'doc', '[{"_id": "i", "body": {"n": 0}}, {"_id": "a", "body": {"n": 5}},
	{"_id": "b", "body": {"n": 6, "name": "eve"}}]'));
SELECT pg_temp.short(kz_mreplace('bulk', 'doc', '[{"_id": "b", "body": {"n": 0}}, {"_id": "a", "body": {"n": 6}}, {"_id": "zz", "body": {"n": 0}}]'));
SELECT pg_temp.short(kz_mupdate('bulk', 'doc', '[{"_id": "b", "body": {"name": "eve"}}, {"_id": "a", "body": {"name": "bob"}},
	{"_id": "b", "body": {"n": 7}}, {"_id": "d", "body": {"name": "eve"}}]'));
SELECT ord, _id, status, _version, reason FROM kz_upsert_rows('bulk', 'doc', '{j,b,a}', ARRAY['{"name": "ann"}', '{"n": -8}', '{"n": 8}']::jsonb[]);
SELECT ord, _id, status, _version, reason FROM kz_update_rows('bulk', 'doc', '{b,a}', ARRAY['{"n": 99999999999}', '{"n": 9}']::jsonb[]);
SELECT _id, _version, n, name FROM bulk.doc ORDER BY _id;
-- a name that is handed on within the call, in the order of the ids, is free
SELECT pg_temp.short(kz_mupdate('bulk', 'doc', '[{"_id": "g", "body": {"name": "fay"}}]'));
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "h", "changes": {"name": "fay"}}, {"_id": "g", "changes": {"name": "hal"}}]'));
-- strict: the reason in the hint, nothing written
SELECT kz_mupsert('bulk', 'doc', '[{"_id": "k", "changes": {"n": 1}}, {"_id": "l", "changes": {"n": 0}}]', strict => true);
SELECT kz_mexists('bulk', 'doc', '{k,l}');

-- the same id more than once: if the one write raises, its steps are done one by one
SELECT kz_mupsert('bulk', 'doc', '[{"_id": "m", "changes": {"n": 1}}, {"_id": "m", "changes": {"n": 2, "x": 1}},
	{"_id": "m", "changes": {"n": -3}}]') -> 'successes' AS successes;
-- what is written is what they come to, so a step that would not have passed alone is none in between
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "l", "changes": {"n": 1}}, {"_id": "l", "changes": {"n": -2}}, {"_id": "l", "changes": {"n": 3}}]'));
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "m", "changes": {"n": 3}}, {"_id": "o", "changes": {"n": 1}}, {"_id": "m", "changes": {"n": -3}},
	{"_id": "n", "changes": {"n": -1}},
	{"_id": "m", "changes": {"name": "bob"}}, {"_id": "m", "changes": {"n": 4, "y": 1}}, {"_id": "n", "changes": {"n": 1}}, {"_id": "m", "changes": {"n": -4}}]'));
SELECT _id, _version, _source FROM bulk.doc WHERE _id IN ('m', 'n', 'o') ORDER BY _id;
-- also with documents that take memory of their own
SELECT answer #>> '{errors,0,reason}' AS reason,
	jsonb_array_length(answer -> 'errors') AS errors, count(*), min(length(entry ->> '_source')) AS min, max(length(entry ->> '_source')) AS max
FROM kz_mupsert('bulk', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', 'large' || i / 3, 'changes',
	jsonb_build_object('k' || i % 3, repeat('x', 50000), 'n', 2 - i % 3)))
	FROM generate_series(0, 29) AS i)) AS answer, jsonb_array_elements(answer -> 'successes') AS entry GROUP BY 1, 2;
ALTER TABLE bulk.doc DROP n, DROP name;

-- a value too large for an index
CREATE INDEX large ON bulk.doc ((_source ->> 'large'));
SELECT regexp_replace(pg_temp.short(kz_mupsert('bulk', 'doc', jsonb_build_array('{"_id": "q", "changes": {"large": "no"}}'::jsonb,
	jsonb_build_object('_id', 'p', 'changes', jsonb_build_object('large', (SELECT string_agg(md5(i::text), '')
	FROM generate_series(1, 400) AS i)))))), ' \d+ .*', ' …');
DROP INDEX bulk.large;

-- a trigger: its exception of any code is the document's, but for the classes of conflicts, cancellation, resources and internal errors
CREATE FUNCTION bulk.raise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW._source ? 'raise' THEN
		RAISE EXCEPTION 'raised %', NEW._source ->> 'raise' USING ERRCODE = NEW._source ->> 'raise', HINT = 'a hint';
	ELSIF NEW._source ? 'vanish' THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER raise BEFORE INSERT OR UPDATE ON bulk.doc FOR EACH ROW EXECUTE FUNCTION bulk.raise();
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "r3", "changes": {}}, {"_id": "r2", "changes": {"raise": "MY001"}}, {"_id": "r1", "changes": {}},
	{"_id": "q", "changes": {"vanish": 1}},
	{"_id": "r4", "changes": {"raise": "42501"}}, {"_id": "r5", "changes": {"vanish": 1}}, {"_id": "r2", "changes": {"n": 1}}]'));
SELECT state, outcome
FROM unnest('{P0001,P0004,22012,23505,42P01,42501,55000,54001,KZ404,0A000,25006,25P02,40001,40P01,53100,53200,53300,55P03,57014,57P01,58030,08006,F0000,XX000,XX001,55006,42P10}'::text[])
	WITH ORDINALITY AS s (state, n), pg_temp.outcome(format('SELECT string_agg(s, ''; '' ORDER BY n)
	FROM pg_temp.short(kz_mupsert(''bulk'', ''doc'', %L)) WITH ORDINALITY AS a (s, n)',
		format('[{"_id": "s3", "changes": {"by": %1$s}}, {"_id": "s2", "changes": {"raise": %1$s}}, {"_id": "s1", "changes": {}}]', to_jsonb(state)))) AS outcome
ORDER BY n;
SELECT * FROM bulk.doc WHERE _id LIKE 's%' ORDER BY _id;
-- such an error takes everything along that was written before it
SELECT kz_mupsert('bulk', 'doc', '[{"_id": "s9", "changes": {}}, {"_id": "s7", "changes": {}}, {"_id": "s8", "changes": {"raise": "53100"}},
	{"_id": "s6", "changes": {"raise": "P0001"}}]');
SELECT kz_mexists('bulk', 'doc', '{s6,s7,s8,s9}');
DROP TRIGGER raise ON bulk.doc;
DROP FUNCTION bulk.raise();
-- so is that of an AFTER trigger
CREATE FUNCTION bulk.reciprocal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / (NEW._source ->> 'n')::int; RETURN NULL; END $$;
CREATE TRIGGER reciprocal AFTER INSERT OR UPDATE ON bulk.doc FOR EACH ROW EXECUTE FUNCTION bulk.reciprocal();
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "t2", "changes": {"n": 0}}, {"_id": "t1", "changes": {"n": 2}}, {"_id": "t3", "changes": {"n": 3}},
	{"_id": "t2", "changes": {"n": 4}}]'));
DROP TRIGGER reciprocal ON bulk.doc;
DROP FUNCTION bulk.reciprocal();

-- a deferred constraint fires at COMMIT, and fails the transaction; made immediate it is the document's again
CREATE TABLE bulk.parent (name text PRIMARY KEY);
INSERT INTO bulk.parent VALUES ('here');
ALTER TABLE bulk.doc ADD parent text GENERATED ALWAYS AS (_source ->> 'parent') STORED;
ALTER TABLE bulk.doc ADD CONSTRAINT parent FOREIGN KEY (parent) REFERENCES bulk.parent DEFERRABLE INITIALLY DEFERRED;
SELECT kz_mupsert('bulk', 'doc', '[{"_id": "u1", "changes": {"parent": "here"}}, {"_id": "u2", "changes": {"parent": "gone"}}]');
BEGIN;
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "u1", "changes": {"parent": "here"}}, {"_id": "u2", "changes": {"parent": "gone"}}]'));
COMMIT;
SELECT kz_mexists('bulk', 'doc', '{u1,u2}');
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "u1", "changes": {"parent": "here"}}, {"_id": "u2", "changes": {"parent": "gone"}}]'));
COMMIT;
SELECT kz_mexists('bulk', 'doc', '{u1,u2}');
ALTER TABLE bulk.doc DROP parent;
DROP TABLE bulk.parent;

-- a policy: WITH CHECK is the document's 403; what it hides is suppressed, or not there
GRANT USAGE ON SCHEMA bulk TO regress_kz_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON bulk.doc TO regress_kz_user;
SELECT kz_truncate_collection('bulk', 'doc'), jsonb_array_length(kz_mcreate('bulk', 'doc', '[{"_id": "v1", "body": {}}, {"_id": "v2", "body": {"hidden": 1}},
	{"_id": "v3", "body": {}}]') -> 'successes');
ALTER TABLE bulk.doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON bulk.doc USING (NOT _source ? 'hidden') WITH CHECK (NOT _source ? 'bad');
SET ROLE regress_kz_user;
SELECT pg_temp.short(kz_mupsert('bulk', 'doc', '[{"_id": "v1", "changes": {"bad": 1}}, {"_id": "v2", "changes": {"n": 1}},
	{"_id": "v3", "changes": {"n": 1}}, {"_id": "v4", "changes": {"bad": 1}}, {"_id": "v5", "changes": {}}]'));
SELECT pg_temp.short(kz_mupdate('bulk', 'doc', '[{"_id": "v2", "body": {}}, {"_id": "v3", "body": {"bad": 1}}]'));
SELECT kz_mexists('bulk', 'doc', '{v1,v2}'), kz_mget('bulk', 'doc', '{v1,v2}'), kz_mdelete('bulk', 'doc', '{v2,v3}');
RESET ROLE;
SELECT * FROM bulk.doc ORDER BY _id;

-- an error within a savepoint that is undone, and the session after all of this
BEGIN;
SAVEPOINT s;
SELECT pg_temp.outcome($$SELECT kz_mcreate('bulk', 'doc', '[{"_id": "w", "body": {}}]')$$) IS NOT NULL AS answered;
ROLLBACK TO s;
SELECT kz_mexists('bulk', 'doc', '{w}');
COMMIT;

DROP TABLE call;
SELECT kz_delete_index('bulk');
DROP ROLE regress_kz_user;
