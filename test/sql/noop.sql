/*
 * A call that leaves the document as it is writes nothing: no row version, no
 * WAL, no transaction id, no lock, and _version stays.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('noop', 'doc');
SELECT kz_create('noop', 'doc', '{"n": 1, "s": "a", "o": {"x": 1.0, "y": {}}, "l": [1, {"z": null}], "": null}', 'a');

-- number of WAL records that a query writes
CREATE FUNCTION pg_temp.wal_records(query text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, WAL, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	RETURN coalesce((plan -> 0 -> 'Plan' ->> 'WAL Records')::bigint, 0);
END $$;

-- what a call does to the row of document a; each call is a transaction of its own
CREATE FUNCTION pg_temp.effect(call text, OUT what text, OUT version text, OUT row_version text, OUT wal text, OUT xid text)
LANGUAGE plpgsql AS $$
DECLARE
	before record;
	after record;
	records bigint;
BEGIN
	PERFORM pg_sleep(0.002);	-- a kuid's updatedAt counts milliseconds
	SELECT xmin, xmax, ctid, _version, _source INTO before FROM noop.doc WHERE _id = 'a';
	records := pg_temp.wal_records('SELECT ' || call);
	xid := CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN 'none' ELSE 'assigned' END;
	SELECT xmin, xmax, ctid, _version, _source INTO after FROM noop.doc WHERE _id = 'a';
	version := CASE after._version - before._version WHEN 0 THEN 'stays' WHEN 1 THEN 'next' ELSE 'wrong' END;
	row_version := CASE WHEN record_image_eq(before, after) THEN 'same' ELSE 'new' END;
	wal := CASE records WHEN 0 THEN '0' ELSE 'some' END;
	what := replace(call, '''noop'', ''doc'', ''a'', ', '');
END $$;

-- an update that merges to what is there
VACUUM noop.doc;
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"o": {}}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"o": {"x": 1.0, "y": {}}, "": null}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"l": [1, {"z": null}], "s": "a"}', source => true)$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1}', if_version => 1, retry_on_conflict => 0, refresh => 'wait_for', silent => true)$$);
-- an upsert; defaults of a document that is there do not count
SELECT * FROM pg_temp.effect($$kz_upsert('noop', 'doc', 'a', '{}')$$);
SELECT * FROM pg_temp.effect($$kz_upsert('noop', 'doc', 'a', '{"n": 1}', defaults => '{"new": 1}', source => true)$$);
-- a replacement by the same document
SELECT * FROM pg_temp.effect($$kz_replace('noop', 'doc', 'a', '{"": null, "l": [1, {"z": null}], "n": 1, "o": {"y": {}, "x": 1.0}, "s": "a"}')$$);
SELECT * FROM pg_temp.effect($$kz_create_or_replace('noop', 'doc', 'a', '{"": null, "l": [1, {"z": null}], "n": 1, "o": {"y": {}, "x": 1.0}, "s": "a"}')$$);
-- fields that are not there, or none
SELECT * FROM pg_temp.effect($$kz_delete_fields('noop', 'doc', 'a', '{absent,o.absent,l[7],n.x}')$$);
SELECT * FROM pg_temp.effect($$kz_delete_fields('noop', 'doc', 'a', '{}', source => true)$$);
-- readers
SELECT * FROM pg_temp.effect($$kz_get('noop', 'doc', 'a'), kz_exists('noop', 'doc', 'a'), kz_count('noop', 'doc')$$);
-- the answers are those of a document at rest
SELECT kz_update('noop', 'doc', 'a', '{"n": 1}');
SELECT kz_update('noop', 'doc', 'a', '{}', source => true);
SELECT kz_upsert('noop', 'doc', 'a', '{"n": 1}');
SELECT kz_replace('noop', 'doc', 'a', kz_get('noop', 'doc', 'a') -> '_source') -> '_version' AS version;
SELECT kz_create_or_replace('noop', 'doc', 'a', kz_get('noop', 'doc', 'a') -> '_source') - '_source' AS answer;
SELECT kz_delete_fields('noop', 'doc', 'a', '{absent}');

-- the same written out: the row is the same, and the transaction has no id
SELECT xmin, xmax, ctid FROM noop.doc WHERE _id = 'a' \gset
BEGIN;
SELECT kz_upsert('noop', 'doc', 'a', '{"o": {"x": 1.0}}');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;
SELECT xmin = :'xmin'::xid AS xmin, xmax = :'xmax'::xid AS xmax, ctid = :'ctid'::tid AS ctid FROM noop.doc WHERE _id = 'a';
-- hundreds of them in one statement
SELECT count(kz_create('noop', 'doc', jsonb_build_object('i', i), 'n' || i)) FROM generate_series(1, 500) i;
VACUUM noop.doc;
SELECT pg_temp.wal_records($$SELECT kz_upsert('noop', 'doc', 'n' || i, jsonb_build_object('i', i)) FROM generate_series(1, 500) i$$) AS records;
SELECT pg_temp.wal_records($$SELECT kz_update('noop', 'doc', _id, _source) FROM noop.doc$$) AS records;
SELECT kz_truncate_collection('noop', 'doc');
SELECT kz_create('noop', 'doc', '{"n": 1, "s": "a", "o": {"x": 1.0, "y": {}}, "l": [1, {"z": null}], "": null}', 'a') -> '_version' AS version;

-- what differs in a single byte is a change: digits, types, case, order of an array, a null more
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1.00}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1.0}')$$);
SELECT * FROM pg_temp.effect($$kz_upsert('noop', 'doc', 'a', '{"n": "1"}')$$);
SELECT * FROM pg_temp.effect($$kz_upsert('noop', 'doc', 'a', '{"s": "A"}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"l": [{"z": null}, 1]}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"null": null}')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"o": {"y": {"": {}}}}')$$);
SELECT * FROM pg_temp.effect($$kz_replace('noop', 'doc', 'a', '{"n": 1}')$$);
SELECT * FROM pg_temp.effect($$kz_replace('noop', 'doc', 'a', '{"n": 1.00}')$$);
SELECT * FROM pg_temp.effect($$kz_create_or_replace('noop', 'doc', 'a', '{"n": 1}')$$);
SELECT * FROM pg_temp.effect($$kz_create_or_replace('noop', 'doc', 'a', '{"n": 1, "m": {"o": 1}}')$$);
SELECT * FROM pg_temp.effect($$kz_delete_fields('noop', 'doc', 'a', '{absent,m.o}')$$);
SELECT kz_get('noop', 'doc', 'a');

-- with a kuid nothing is without effect: updatedAt moves
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{}', kuid => 'ada')$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1}', kuid => 'ada')$$);
SELECT * FROM pg_temp.effect($$kz_upsert('noop', 'doc', 'a', '{"n": 1}', kuid => 'ada')$$);
SELECT * FROM pg_temp.effect($$kz_delete_fields('noop', 'doc', 'a', '{}', kuid => 'ada')$$);
SELECT * FROM pg_temp.effect($$kz_replace('noop', 'doc', 'a', '{"n": 1}', kuid => 'ada')$$);
SELECT * FROM pg_temp.effect($$kz_create_or_replace('noop', 'doc', 'a', '{"n": 1}', kuid => 'ada')$$);
-- without one, what a kuid has left is data: the same update changes nothing
VACUUM noop.doc;
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1}')$$);

-- a document out of line is compared whole
SELECT kz_replace('noop', 'doc', 'a', jsonb_build_object('n', 1, 'big', string_agg(md5(i::text), ''))) -> '_version' AS version FROM generate_series(1, 1000) i;
VACUUM noop.doc;
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1}')$$);
SELECT * FROM pg_temp.effect($$kz_replace('noop', 'doc', 'a', (SELECT _source FROM noop.doc WHERE _id = 'a'))$$);
SELECT * FROM pg_temp.effect($$kz_update('noop', 'doc', 'a', '{"n": 1.0}')$$);

SELECT kz_delete_index('noop');
