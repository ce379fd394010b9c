/*
 * kz_upsert: changes merged into a document, which is created from the
 * defaults and the changes if it is not there.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('upsert', 'doc');

-- created, then updated, then unchanged: the same call three times, with another change in between
SELECT kz_upsert('upsert', 'doc', 'a', '{"n": 1}');
SELECT kz_upsert('upsert', 'doc', 'a', '{"m": {"x": 1}}');
SELECT kz_upsert('upsert', 'doc', 'a', '{"m": {"x": 1}}');
SELECT * FROM "upsert".doc ORDER BY _id;
-- with source the answer also holds the whole document
SELECT kz_upsert('upsert', 'doc', 'a', '{"m": {"y": 2}}', source => true);
SELECT kz_upsert('upsert', 'doc', 'b', '{"m": {"y": 2}}', source => true);
SELECT kz_upsert('upsert', 'doc', 'b', '{"m": {"y": 2}}', source => true);

-- on creation the changes are merged over the defaults, in depth
SELECT kz_upsert('upsert', 'doc', 'c', '{"a": 1, "o": {"x": 1}, "l": [1], "z": null}',
	defaults => '{"a": 2, "b": 3, "o": {"x": 2, "y": 3}, "l": [2, 3], "z": 4}', source => true);
-- once it is there, defaults are ignored, even for keys that it has not
SELECT kz_upsert('upsert', 'doc', 'c', '{"a": 5}', defaults => '{"a": 6, "new": 7}', source => true);
SELECT kz_upsert('upsert', 'doc', 'c', '{}', defaults => '{"new": 7}', source => true);
-- defaults alone, changes alone, neither
SELECT kz_upsert('upsert', 'doc', 'd', '{}', defaults => '{"only": {"defaults": 1.00}}', source => true);
SELECT kz_upsert('upsert', 'doc', 'e', '{"only": "changes"}', defaults => '{}', source => true);
SELECT kz_upsert('upsert', 'doc', 'f', '{}', source => true);
SELECT kz_upsert('upsert', 'doc', 'g', '{"x": 1}', defaults => NULL, source => true);
-- keys of the defaults are literal too; a _kuzzle_info without a kuid is data
SELECT kz_upsert('upsert', 'doc', 'h', '{"a.b": 1}', defaults => '{"a": {"b": 2}, "_kuzzle_info": {"author": "me"}}', source => true);

-- all options, by name
SELECT kz_upsert(index => 'upsert', collection => 'doc', id => 'i', changes => '{"x": 1}', refresh => 'wait_for', silent => true,
	if_version => 0, defaults => '{"y": 2}', retry_on_conflict => 0, source => true);

-- the first of many creates, the others merge; every call counts the version
SELECT kz_upsert('upsert', 'doc', 'counter', jsonb_build_object('k' || i % 3, i), defaults => '{"from": "defaults"}', source => true)
FROM generate_series(1, 5) i;
SELECT count(*) FILTER (WHERE (answer ->> 'created')::boolean) AS created, max((answer ->> '_version')::int) AS version
FROM generate_series(1, 1000) i, LATERAL kz_upsert('upsert', 'doc', 'hot', jsonb_build_object('i', i)) answer;
SELECT _version, _source FROM "upsert".doc WHERE _id = 'hot';

-- many documents from a query, the second time merged into the first
SELECT kz_upsert('upsert', 'doc', 'm' || i % 3, jsonb_build_object('i' || i, i)) FROM generate_series(1, 6) i;
SELECT * FROM "upsert".doc WHERE _id LIKE 'm%' ORDER BY _id;

-- deleted, then upserted: created again, with the defaults and from version 1
SELECT kz_delete('upsert', 'doc', 'a');
SELECT kz_upsert('upsert', 'doc', 'a', '{"n": 2}', defaults => '{"again": true}', source => true);
-- created and updated in one transaction; undone with it
BEGIN;
SELECT kz_upsert('upsert', 'doc', 't', '{"n": 1}');
SELECT kz_upsert('upsert', 'doc', 't', '{"m": 1}', source => true);
SELECT kz_delete('upsert', 'doc', 't');
SELECT kz_upsert('upsert', 'doc', 't', '{"o": 1}', source => true);
ROLLBACK;
SELECT kz_exists('upsert', 'doc', 't');

-- stricter isolation levels, with and without retries
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT kz_upsert('upsert', 'doc', 'rr', '{"n": 1}', retry_on_conflict => 0);
SELECT kz_upsert('upsert', 'doc', 'rr', '{"n": 2}', retry_on_conflict => 10);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kz_upsert('upsert', 'doc', 'rr', '{"n": 3}', source => true);
SELECT kz_upsert('upsert', 'doc', 'ser', '{"n": 3}', source => true);
COMMIT;

-- a procedure that commits between its calls, and goes on after a rollback
DO $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		PERFORM kz_upsert('upsert', 'doc', 'procedure', jsonb_build_object('k' || i, i));
		COMMIT;
	END LOOP;
	PERFORM kz_delete('upsert', 'doc', 'procedure');
	ROLLBACK;
	PERFORM kz_upsert('upsert', 'doc', 'procedure', '{"last": true}');
END $$;
SELECT kz_get('upsert', 'doc', 'procedure');
-- a cursor upserts as it is fetched from
BEGIN;
DECLARE c CURSOR FOR SELECT kz_upsert('upsert', 'doc', 'cursor' || i, '{}') FROM generate_series(1, 3) i;
FETCH 1 FROM c;
SELECT kz_upsert('upsert', 'doc', 'cursor2', '{"before": "the cursor"}');
FETCH 1 FROM c;
COMMIT;
SELECT _id, _source FROM "upsert".doc WHERE _id LIKE 'cursor%' ORDER BY _id;

-- plain SQL beside it
INSERT INTO "upsert".doc VALUES ('plain', 12, '{"by": "hand"}');
SELECT kz_upsert('upsert', 'doc', 'plain', '{"and": "kz"}', source => true);

-- bytes of what is stored are those that jsonb itself makes, created or merged
SELECT kz_upsert('upsert', 'doc', 'many', jsonb_object_agg(repeat('k', i % 40) || i, i), defaults => '{"n": 1.00, "kk": {"": null}}') FROM generate_series(1, 70) i;
SELECT kz_upsert('upsert', 'doc', 'many', jsonb_object_agg(repeat('k', i % 40) || i, jsonb_build_object('i', i))) FROM generate_series(40, 110) i;
SELECT (SELECT count(*) FROM jsonb_object_keys(_source)) AS keys, record_image_eq(ROW(_source), ROW(_source::text::jsonb)) AS same_bytes
FROM "upsert".doc WHERE _id = 'many';

SELECT kz_delete_index('upsert');
