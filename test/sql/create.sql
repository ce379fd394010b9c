/*
 * kz_create: a new document, under an id that is given or generated.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('create', 'doc');

-- the answer holds the document and its first version; so does the table
SELECT kz_create('create', 'doc', '{"name": "first", "n": 1.00}', 'a');
SELECT * FROM "create".doc ORDER BY _id;
-- arguments by name, in any order
SELECT kz_create(id => 'b', body => '{}', collection => 'doc', index => 'create', refresh => 'wait_for', silent => true);

-- an id that is taken is refused, whatever the body says, and the stored document stays
SELECT kz_create('create', 'doc', '{"name": "second"}', 'a');
SELECT kz_create('create', 'doc', '{"name": "first", "n": 1.00}', 'a');
SELECT * FROM "create".doc ORDER BY _id;

-- a generated id has 20 characters of URL-safe base64
SELECT answer ->> '_id' AS generated, answer - '_id' AS rest
FROM kz_create('create', 'doc', '{"generated": 1}') answer \gset
SELECT :'generated' ~ '^[A-Za-z0-9_-]{20}$' AS well_formed, :'rest' AS rest, kz_get('create', 'doc', :'generated') -> '_source' AS stored;
SELECT kz_create('create', 'doc', '{"generated": 2}', NULL) ->> '_id' ~ '^[A-Za-z0-9_-]{20}$' AS well_formed;
-- no two are the same, and each call of a query makes its own
SELECT count(DISTINCT kz_create('create', 'doc', jsonb_build_object('bulk', i)) ->> '_id') AS ids
FROM generate_series(1, 1000) i;
SELECT count(*) AS documents, count(DISTINCT _source) AS bodies, bool_and(_id ~ '^[A-Za-z0-9_-]{20}$') AS well_formed,
	bool_and(_version = 1) AS first_version
FROM "create".doc WHERE _source ? 'bulk';
DELETE FROM "create".doc WHERE _source ? 'bulk' OR _source ? 'generated';

-- keys that look like the answer's own are data
SELECT kz_create('create', 'doc', '{"_id": "x", "_version": 7, "_source": {"_id": "y"}, "id": 1}', 'own');
SELECT kz_get('create', 'doc', 'own');
-- the body is stored as it is: empty keys, unicode, digits, nulls, empty containers
SELECT kz_create('create', 'doc', '{"": null, "é": "日本", "n": 12345678901234567890.10, "o": {}, "a": [], "x.y": 1}', 'as it is');
SELECT _source FROM "create".doc WHERE _id = 'as it is';
-- a big body (out of line), and one of a thousand keys
SELECT (kz_create('create', 'doc', jsonb_build_object('big', repeat('0123456789', 100000)), 'big') -> '_source' ->> 'big') = repeat('0123456789', 100000) AS big;
SELECT kz_create('create', 'doc', jsonb_object_agg('key' || i, i), 'many') -> '_source' -> 'key777' AS many FROM generate_series(1, 1000) i;
SELECT _id, octet_length(_source ->> 'big') AS big, (SELECT count(*) FROM jsonb_object_keys(_source)) AS keys
FROM "create".doc WHERE _id IN ('big', 'many') ORDER BY _id;

-- a creation that is rolled back has not happened
BEGIN;
SELECT kz_create('create', 'doc', '{}', 'undone') ->> '_id' AS _id;
SELECT kz_exists('create', 'doc', 'undone');
ROLLBACK;
SELECT kz_exists('create', 'doc', 'undone');
-- an error inside a savepoint leaves the rest of the transaction alone
BEGIN;
SELECT kz_create('create', 'doc', '{"kept": true}', 'kept') ->> '_id' AS _id;
SAVEPOINT s;
SELECT kz_create('create', 'doc', '{"kept": false}', 'kept');
ROLLBACK TO s;
SELECT kz_create('create', 'doc', '{}', 'kept too') ->> '_id' AS _id;
COMMIT;
SELECT _id, _source FROM "create".doc WHERE _id LIKE 'kept%' ORDER BY _id;
-- the same id twice in one statement: the statement fails as a whole
SELECT kz_create('create', 'doc', '{}', id) FROM unnest('{twice,twice}'::text[]) id;
SELECT kz_exists('create', 'doc', 'twice');

-- a deleted id can be created again and starts at version 1
SELECT kz_delete('create', 'doc', 'a');
SELECT kz_create('create', 'doc', '{"again": true}', 'a');
-- one collection's ids are no other's
SELECT kz_create_collection('create', 'other');
SELECT kz_create('create', 'other', '{"in": "other"}', 'a');
SELECT kz_get('create', 'doc', 'a') -> '_source' AS doc, kz_get('create', 'other', 'a') -> '_source' AS other;

SELECT kz_delete_index('create');
