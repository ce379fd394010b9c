/*
 * kz_delete: a document removed.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('delete', 'doc');
SELECT kz_create('delete', 'doc', jsonb_build_object('i', i), 'd' || i) ->> '_id' AS _id FROM generate_series(1, 6) i;
SELECT kz_update('delete', 'doc', 'd2', '{"more": 1.0}');

-- the answer is the id; with source also what was deleted
SELECT kz_delete('delete', 'doc', 'd1');
SELECT kz_delete('delete', 'doc', 'd2', source => true);
SELECT kz_delete(index => 'delete', collection => 'doc', id => 'd3', refresh => 'wait_for', silent => true, if_version => 1, source => false);
SELECT * FROM "delete".doc ORDER BY _id;
SELECT kz_exists('delete', 'doc', 'd1'), kz_count('delete', 'doc');

-- absent, or absent by now: not found
SELECT kz_delete('delete', 'doc', 'absent');
SELECT kz_delete('delete', 'doc', 'd1');
SELECT kz_delete('delete', 'doc', 'D4', source => true);

-- created again, it starts at version 1
SELECT kz_create('delete', 'doc', '{"again": true}', 'd2');
SELECT kz_upsert('delete', 'doc', 'd1', '{"again": true}');

-- undone with its transaction; seen inside of it
BEGIN;
SELECT kz_delete('delete', 'doc', 'd4');
SELECT kz_exists('delete', 'doc', 'd4');
SAVEPOINT s;
SELECT kz_delete('delete', 'doc', 'd4');
ROLLBACK TO s;
SELECT kz_create('delete', 'doc', '{"new": true}', 'd4');
SELECT kz_delete('delete', 'doc', 'd4', source => true);
ROLLBACK;
SELECT kz_get('delete', 'doc', 'd4');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kz_delete('delete', 'doc', 'd5', source => true);
SELECT kz_delete('delete', 'doc', 'd5');
ROLLBACK;

-- every document of a query, while it reads them; the same one twice fails as a whole
SELECT kz_delete('delete', 'doc', id) FROM unnest('{d4,d4}'::text[]) id;
SELECT kz_delete('delete', 'doc', _id, source => true) FROM "delete".doc ORDER BY _id;
SELECT kz_count('delete', 'doc');

SELECT kz_delete_index('delete');
