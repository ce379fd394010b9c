/*
 * Thousands of documents in one call: what it costs in subtransactions, that
 * nothing is lost with many culprits among them, and other kinds of tables.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('many', 'doc');

-- entries for kz_mupsert: document i has the number i, and what the changes say
CREATE FUNCTION pg_temp.documents(first int, last int, changes jsonb = '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('_id', to_char(i, 'FM00000'), 'changes', jsonb_build_object('i', i) || changes) ORDER BY i)
	FROM generate_series(first, last) AS i
$$;
/*
 * Live subtransaction ids of this transaction: those that began after it, up to
 * the newest that has written a row, and are neither undone nor another session's.
 */
CREATE FUNCTION many.live_subtransactions(relation regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	top bigint := pg_current_xact_id()::text::bigint;
	newest bigint;
BEGIN
	EXECUTE format('SELECT max(((xmin::text::bigint - $1 %% (1::bigint << 32) + (1::bigint << 32)) %% (1::bigint << 32)) + $1) FROM %s
		WHERE pg_xact_status((($1 >> 32 << 32) + xmin::text::bigint)::text::xid8) = ''in progress''', relation) INTO newest USING top;
	RETURN (SELECT count(*) FROM generate_series(top + 1, newest) AS x
		WHERE pg_xact_status(x::text::xid8) = 'in progress' AND NOT EXISTS (SELECT FROM pg_locks
			WHERE locktype = 'transactionid' AND transactionid = x::text::xid8::xid AND pid <> pg_backend_pid()));
END $$;

-- it counts those that are kept, and not those that are undone
CREATE TABLE many.counted (n int);
BEGIN;
DO $$
BEGIN
	FOR i IN 1 .. 9 LOOP
		BEGIN
			INSERT INTO many.counted VALUES (i);
			PERFORM 1 / (i % 3);
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
SELECT many.live_subtransactions('many.counted');
COMMIT;
DROP TABLE many.counted;

-- 10 000 documents: one subtransaction writes them all, by every function
BEGIN;
SELECT jsonb_array_length(answer -> 'errors') AS errors, count(*), bool_and((entry #>> '{_source,i}')::int = n) AS order_of_request,
	bool_and(entry ->> '_version' = '1') AS created
FROM kz_mupsert('many', 'doc', pg_temp.documents(1, 10000)) AS answer, jsonb_array_elements(answer -> 'successes') WITH ORDINALITY AS e (entry, n) GROUP BY 1;
SELECT count(DISTINCT xmin::text) AS writers, many.live_subtransactions('many.doc') FROM many.doc;
COMMIT;
BEGIN;
SELECT jsonb_array_length(kz_mupdate('many', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', entry -> '_id', 'body', '{"u": 1}'::jsonb) ORDER BY i DESC)
	FROM jsonb_array_elements(pg_temp.documents(1, 2000)) WITH ORDINALITY AS d (entry, i)), source => false) -> 'successes') AS updated;
SELECT count(DISTINCT xmin::text) AS writers, many.live_subtransactions('many.doc') FROM many.doc WHERE _version = 2;
COMMIT;
BEGIN;
SELECT jsonb_array_length(kz_mdelete('many', 'doc', (SELECT array_agg(to_char(i, 'FM00000')) FROM generate_series(8001, 10000) AS i)) -> 'successes') AS deleted;
SELECT count(*) FROM kz_upsert_rows('many', 'doc', (SELECT array_agg('r' || i ORDER BY i)
	FROM generate_series(1, 2000) AS i), array_fill('{"r": 1}'::jsonb, '{2000}'));
SELECT count(DISTINCT xmin::text) AS writers FROM many.doc WHERE _source ? 'r';
COMMIT;
SELECT kz_count('many', 'doc');
-- errors that are found before PostgreSQL could object cost nothing more
BEGIN;
SELECT jsonb_array_length(answer -> 'errors') AS errors, jsonb_array_length(answer -> 'successes') AS successes
FROM kz_mupdate('many', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', to_char(i, 'FM00000'), 'body', CASE WHEN i % 2 = 0 THEN '{"v": 1}'::jsonb END))
	FROM generate_series(1, 10000, 3) AS i)) AS answer;
SELECT count(DISTINCT xmin::text) AS writers, many.live_subtransactions('many.doc') FROM many.doc WHERE _source ? 'v';
COMMIT;

-- a batch that changes nothing writes nothing: no WAL, no transaction id, no row version
VACUUM many.doc;
CREATE FUNCTION pg_temp.wal_records(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, WAL, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	RETURN coalesce((plan -> 0 -> 'Plan' ->> 'WAL Records')::bigint, 0);
END $$;
SELECT count(*) AS before, sum(hashtext(ROW(xmin, xmax, ctid)::text)) AS rows_before FROM many.doc \gset
BEGIN;
SELECT pg_temp.wal_records($$SELECT kz_mupsert('many', 'doc', pg_temp.documents(2001, 3000))$$) AS upsert,
	pg_temp.wal_records($$SELECT kz_mupdate('many', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', _id, 'body', _source)) FROM many.doc))$$) AS update,
	pg_temp.wal_records($$SELECT kz_mreplace('many', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', _id, 'body', _source)) FROM many.doc))$$) AS replace,
	pg_temp.wal_records($$SELECT kz_mcreate_or_replace('many', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', _id, 'body', _source))
		FROM many.doc))$$) AS create_or_replace,
	pg_temp.wal_records($$SELECT kz_mcreate('many', 'doc', '[{"_id": "00001", "body": {}}, {}]')$$) AS create,
	pg_temp.wal_records($$SELECT kz_mdelete('many', 'doc', '{none,09000}')$$) AS delete,
	pg_temp.wal_records($$SELECT * FROM kz_update_rows('many', 'doc', '{00003,none}', ARRAY['{}', '{}']::jsonb[])$$) AS update_rows,
	pg_temp.wal_records($$SELECT * FROM kz_upsert_rows('many', 'doc', '{00003,00003}', ARRAY['{}', '{"i": 3}']::jsonb[])$$) AS upsert_rows,
	pg_temp.wal_records($$SELECT kz_mget('many', 'doc', '{00001,none}'), kz_mexists('many', 'doc', '{00001,none}')$$) AS readers;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;
SELECT count(*) = :before AS same_number, sum(hashtext(ROW(xmin, xmax, ctid)::text)) = :rows_before AS same_rows FROM many.doc;

/*
 * Culprits.  A sequence forgets nothing when a subtransaction is undone: it
 * keeps the most live subtransaction ids that a document now and then has seen.
 */
CREATE SEQUENCE many.most MINVALUE 0;
CREATE FUNCTION many.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setval('many.most', greatest((SELECT last_value FROM many.most), many.live_subtransactions(TG_RELID)));
	RETURN NULL;
END $$;
-- makes the call, and shows what became of the documents
CREATE FUNCTION pg_temp.attempt(collection text, documents jsonb, OUT successes bigint, OUT errors bigint, OUT reasons text, OUT first text, OUT last text, OUT in_order boolean,
	OUT stored bigint, OUT stored_all boolean, OUT most_at_most_64 boolean, OUT live_at_most_64 boolean) LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	PERFORM setval('many.most', 0);
	answer := kz_mupsert('many', collection, documents);
	SELECT count(*), min(entry #>> '{document,_id}'), max(entry #>> '{document,_id}'), string_agg(DISTINCT regexp_replace(entry ->> 'reason', ': (Failing row contains|Key) .*', ''), '; '),
		(SELECT array_agg(d -> '_id' ORDER BY n) FROM jsonb_array_elements(documents) WITH ORDINALITY AS s (d, n)
			WHERE d -> '_id' IN (SELECT e #> '{document,_id}' FROM jsonb_array_elements(answer -> 'errors') AS e))
			= array_agg(entry #> '{document,_id}' ORDER BY n)
	INTO errors, first, last, reasons, in_order FROM jsonb_array_elements(answer -> 'errors') WITH ORDINALITY AS e (entry, n);
	EXECUTE format('SELECT count(*) FROM many.%I', collection) INTO stored;
	EXECUTE format('SELECT count(*), coalesce(bool_and(_id IS NOT NULL AND d._source = e.entry -> ''_source'' AND e.entry -> ''_version'' = to_jsonb(d._version)), true)
		FROM jsonb_array_elements($1) AS e (entry) LEFT JOIN many.%I AS d ON _id = entry ->> ''_id''', collection) INTO successes, stored_all USING answer -> 'successes';
	most_at_most_64 := (SELECT last_value <= 64 FROM many.most);
	live_at_most_64 := coalesce(many.live_subtransactions(format('many.%I', collection)::regclass), 0) <= 64;
END $$;

-- every other document of 10 000: each is found, all others are written
SELECT kz_create_collection('many', 'alternating');
ALTER TABLE many.alternating ADD CHECK ((_source ->> 'i')::int % 2 = 0);
CREATE TRIGGER look AFTER INSERT ON many.alternating FOR EACH ROW WHEN (NEW._id LIKE '%498') EXECUTE FUNCTION many.look();
SELECT * FROM pg_temp.attempt('alternating', pg_temp.documents(1, 10000));
SELECT last_value BETWEEN 8 AND 64 AS looked FROM many.most;
-- again: those that are there are updated, the others fail again
SELECT * FROM pg_temp.attempt('alternating', pg_temp.documents(1, 10000, '{"again": true}'));
SELECT count(*), min(_version), max(_version) FROM many.alternating;

-- each has its own error
SELECT kz_create_collection('many', 'own');
ALTER TABLE many.own ADD n int GENERATED ALWAYS AS ((_source ->> 'n')::int) STORED;
SELECT count(*), count(DISTINCT entry ->> 'reason'),
	bool_and(entry ->> 'reason' = format('invalid input syntax for type integer: "x%s"', entry #>> '{document,changes,i}')) AS its_own
FROM jsonb_array_elements(kz_mupsert('many', 'own', (SELECT jsonb_agg(CASE WHEN n % 3 = 0 THEN jsonb_set(d, '{changes,n}', to_jsonb('x' || n)) ELSE d END)
	FROM jsonb_array_elements(pg_temp.documents(1, 3000)) WITH ORDINALITY AS s (d, n))) -> 'errors') AS entry;
SELECT kz_count('many', 'own');

-- documents 5001 to 10000 are in the way of 1 to 5000 only
SELECT kz_create_collection('many', 'distant');
ALTER TABLE many.distant ADD k int GENERATED ALWAYS AS ((_source ->> 'i')::int % 5000) STORED UNIQUE;
CREATE TRIGGER look AFTER INSERT ON many.distant FOR EACH ROW WHEN (NEW._id LIKE '%500') EXECUTE FUNCTION many.look();
SELECT * FROM pg_temp.attempt('distant', pg_temp.documents(1, 10000));
-- each of two is in the way of the one after the next, so that a search for culprits that undoes what is before a culprit misses the next one
SELECT kz_create_collection('many', 'pairs');
ALTER TABLE many.pairs ADD k int GENERATED ALWAYS AS ((_source ->> 'i')::int / 4 * 2 + (_source ->> 'i')::int % 2) STORED UNIQUE;
CREATE TRIGGER look AFTER INSERT ON many.pairs FOR EACH ROW WHEN (NEW._id LIKE '%00') EXECUTE FUNCTION many.look();
SELECT * FROM pg_temp.attempt('pairs', pg_temp.documents(0, 399));
-- nothing but culprits
SELECT kz_create_collection('many', 'none');
ALTER TABLE many.none ADD CHECK (_id = '');
SELECT successes, errors, reasons, in_order, stored FROM pg_temp.attempt('none', pg_temp.documents(1, 2000));
-- culprits beside a subtransaction of the caller's, and undone with it
BEGIN;
SAVEPOINT s;
SELECT successes, errors, stored FROM pg_temp.attempt('none', pg_temp.documents(1, 100)), kz_mupsert('many', 'own', '[{"_id": "saved", "changes": {}}]');
ROLLBACK TO s;
SELECT kz_mexists('many', 'own', '{saved,00001}');
COMMIT;

-- a partitioned table: as any other, each step of one id is written by itself
CREATE TABLE many.parts (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, CHECK (_source <> '{}')) PARTITION BY HASH (_id);
CREATE TABLE many.parts_0 PARTITION OF many.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE many.parts_1 PARTITION OF many.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT kz_create_collection('many', 'parts');
SELECT jsonb_array_elements(kz_mupsert('many', 'parts', '[{"_id": "b", "changes": {"n": 1}}, {"_id": "a", "changes": {}}, {"_id": "b", "changes": {"n": 2}},
	{"_id": "c", "changes": {}, "default": {"n": 3}}, {"_id": "b", "changes": {"n": 2}}]')
	-> 'successes') AS success;
SELECT kz_mupdate('many', 'parts', '[{"_id": "c", "body": {"n": 4}}, {"_id": "a", "body": {}}]', source => false), kz_mdelete('many', 'parts', '{b,a}');
SELECT * FROM pg_temp.attempt('parts', (SELECT jsonb_agg(CASE WHEN n % 2 = 0 THEN jsonb_set(d, '{changes}', '{}') ELSE d END)
	FROM jsonb_array_elements(pg_temp.documents(1, 1000)) WITH ORDINALITY AS s (d, n)));
SELECT count(DISTINCT tableoid) AS partitions, count(*) FROM many.parts;

-- a foreign table (of this server): what the far side objects to is the document's error
SET client_min_messages = warning;
CREATE EXTENSION postgres_fdw;
DO $$
BEGIN
	EXECUTE format('CREATE SERVER regress_kz_self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
		split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
	EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER regress_kz_self OPTIONS (user %L)', current_user);
END $$;
CREATE TABLE many.far (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, CHECK (_source <> '{"bad": 1}'));
CREATE FOREIGN TABLE many.near (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL) SERVER regress_kz_self OPTIONS (schema_name 'many', table_name 'far');
SELECT kz_attach_collection('many', 'near', 'many.near');
SELECT entry
FROM kz_mupsert('many', 'near', '[{"_id": "c", "changes": {"n": 1}}, {"_id": "b", "changes": {"bad": 1}}, {"_id": "a", "changes": {"n": 2}},
	{"_id": "c", "changes": {"m": 1}}, {"_id": "c", "changes": {"m": 1}}]') AS answer,
	jsonb_array_elements((answer -> 'errors') || (answer -> 'successes')) WITH ORDINALITY AS e (entry, n) ORDER BY n;
SELECT kz_mcreate('many', 'near', '[{"_id": "a", "body": {}}]') -> 'errors' AS errors, kz_mdelete('many', 'near', '{a,b}');
SELECT kz_mget('many', 'near', '{c,a}');
SELECT * FROM many.far ORDER BY _id;
DROP SERVER regress_kz_self CASCADE;
DROP EXTENSION postgres_fdw;

SELECT kz_delete_index('many');
DROP SCHEMA many CASCADE;
RESET client_min_messages;
