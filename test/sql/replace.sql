/*
 * kz_replace and kz_create_or_replace: a document stored as a whole.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('replace', 'doc');
SELECT kz_create('replace', 'doc', '{"a": 1, "o": {"x": 1}}', 'a');

-- kz_replace: nothing of the old document remains
SELECT kz_replace('replace', 'doc', 'a', '{"b": 2, "o": {"y": 2}}');
SELECT * FROM "replace".doc ORDER BY _id;
SELECT kz_replace('replace', 'doc', 'a', '{}');
SELECT kz_replace(index => 'replace', collection => 'doc', id => 'a', body => '{"c": 3}', refresh => '', silent => true, if_version => 3);
-- absent: not found, and not created
SELECT kz_replace('replace', 'doc', 'absent', '{"a": 1}');
SELECT kz_exists('replace', 'doc', 'absent');

-- kz_create_or_replace: tells which of the two it did
SELECT kz_create_or_replace('replace', 'doc', 'b', '{"a": {"b": 1}}');
SELECT kz_create_or_replace('replace', 'doc', 'b', '{"a": {"c": 2}}');
SELECT kz_create_or_replace(index => 'replace', collection => 'doc', id => 'b', body => '{"d": 3}', refresh => 'wait_for', silent => false, if_version => 2);
SELECT kz_create_or_replace(index => 'replace', collection => 'doc', id => 'c', body => '{"d": 3}', if_version => 0);
SELECT * FROM "replace".doc ORDER BY _id;

-- what is equal in value but not in digits is a change
SELECT kz_replace('replace', 'doc', 'c', '{"d": 3.0}');
SELECT kz_create_or_replace('replace', 'doc', 'c', '{"d": 3.00}');
-- what is stored already is not written again, and the answer says so by the version
SELECT kz_replace('replace', 'doc', 'c', '{"d": 3.00}');
SELECT kz_create_or_replace('replace', 'doc', 'c', '{"d": 3.00}');

-- keys that look like the answer's own, and _kuzzle_info without a kuid, are data
SELECT kz_replace('replace', 'doc', 'c', '{"_id": "x", "_version": 99, "_kuzzle_info": {"author": "me"}}');
SELECT kz_create_or_replace('replace', 'doc', 'c', '{"_source": {}, "_kuzzle_info": null}');
SELECT _source FROM "replace".doc WHERE _id = 'c';

-- several times in one statement and one transaction
SELECT kz_create_or_replace('replace', 'doc', 'd', jsonb_build_object('i', i)) FROM generate_series(1, 3) i;
BEGIN;
SELECT kz_replace('replace', 'doc', 'd', '{"i": 4}');
SELECT kz_delete('replace', 'doc', 'd');
SELECT kz_replace('replace', 'doc', 'd', '{"i": 5}');
ROLLBACK;
BEGIN;
SELECT kz_delete('replace', 'doc', 'd');
SELECT kz_create_or_replace('replace', 'doc', 'd', '{"i": 6}');
COMMIT;
SELECT kz_get('replace', 'doc', 'd');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kz_replace('replace', 'doc', 'd', '{"i": 7}');
SELECT kz_create_or_replace('replace', 'doc', 'd', '{"i": 8}');
SELECT kz_create_or_replace('replace', 'doc', 'e', '{"i": 9}');
COMMIT;

-- plain SQL beside it: its version counts on
UPDATE "replace".doc SET _version = 100 WHERE _id = 'd';
SELECT kz_replace('replace', 'doc', 'd', '{"i": 10}');

-- big for small, small for big
SELECT length(kz_replace('replace', 'doc', 'd', jsonb_build_object('text', repeat('x', 500000)))::text) > 500000 AS big;
SELECT length(_source ->> 'text') AS length FROM "replace".doc WHERE _id = 'd';
SELECT kz_create_or_replace('replace', 'doc', 'd', '{"text": ""}');

SELECT kz_delete_index('replace');
