/*
 * kz_get, kz_exists, kz_count: reading; and which ids there can be.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('get', 'doc');
SELECT kz_create_collection('get', 'empty');
SELECT kz_create('get', 'doc', '{"a": {"b": [1, 2.50, null]}}', 'a') ->> '_id' AS _id;
SELECT kz_update('get', 'doc', 'a', '{"n": 1}') ->> '_version' AS version;

-- a document that is there
SELECT kz_get('get', 'doc', 'a');
SELECT kz_exists('get', 'doc', 'a'), kz_count('get', 'doc');
SELECT kz_get(id => 'a', collection => 'doc', index => 'get') -> '_version' AS version;
-- and what is not
SELECT kz_get('get', 'doc', 'b');
SELECT kz_get('get', 'empty', 'a');
SELECT kz_exists('get', 'doc', 'b'), kz_exists('get', 'empty', 'a'), kz_count('get', 'empty');
-- plain SQL wrote it
INSERT INTO "get".doc VALUES ('plain', 9, '{"by": "hand"}'), ('scalar', 1, '"no object"');
SELECT kz_get('get', 'doc', 'plain'), kz_get('get', 'doc', 'scalar');
DELETE FROM "get".doc WHERE _id IN ('plain', 'scalar');

-- an unknown index comes before an unknown collection
SELECT kz_get('get', 'nope', 'a');
SELECT kz_get('nope', 'doc', 'a');
SELECT kz_exists('get', 'nope', 'a');
SELECT kz_exists('nope', 'nope', 'a');
SELECT kz_count('get', 'nope');
SELECT kz_count('nope', 'doc');
-- readers read what is in a collection only: a plain table of the schema is none
CREATE TABLE "get".plain (LIKE "get".doc);
SELECT kz_get('get', 'plain', 'a');
SELECT kz_count('get', 'plain');
DROP TABLE "get".plain;

-- any string of 1 to 512 bytes is an id, and no two are alike
CREATE TEMP TABLE id (ord serial, name text, id text COLLATE "C");
INSERT INTO id (name, id) VALUES
	('accent', U&'\00E9'), ('accent, decomposed', U&'e\0301'), ('emoji', U&'\+01F600'), ('right to left', U&'\05D0'),
	('upper case', 'A'), ('space', ' '), ('spaces', '  '), ('trailing space', 'a '), ('newline', E'a\nb'), ('tab', E'\t'),
	('control', E'\x01\x7f'), ('quote', ''''), ('quotes', '"''"'), ('backslash', '\'), ('dollar', '$1'), ('percent', '%s%n'),
	('like', '%'), ('like, one', '_'), ('slash', '/../'), ('json', '{"_id": "a"}'), ('number', '1'), ('number, long', '01'),
	('underscore', '_search'), ('SQL', '''; DROP TABLE "get".doc; --'), ('null', 'null'), ('NULL', 'NULL'), ('comma', 'a,b'),
	('byte order mark', U&'\FEFFa'), ('512 bytes', repeat('x', 512)), ('512 bytes, 256 characters', repeat('é', 256));
SELECT name,
	kz_create('get', 'doc', jsonb_build_object('name', name), id) = jsonb_build_object('_id', id, '_source', jsonb_build_object('name', name), '_version', 1) AS created
FROM id ORDER BY ord;
SELECT count(*) AS ids, bool_and(kz_get('get', 'doc', id) = jsonb_build_object('_id', id, '_source', jsonb_build_object('name', name), '_version', 1)) AS got,
	bool_and(kz_exists('get', 'doc', id)) AS found, bool_or(kz_exists('get', 'empty', id)) AS found_elsewhere
FROM id;
SELECT kz_count('get', 'doc') = count(*) + 1 AS counted FROM id;
SELECT count(*) AS updated FROM id WHERE kz_update('get', 'doc', id, '{"u": 1}') @> jsonb_build_object('_id', id, '_version', 2);
SELECT count(*) AS upserted FROM id WHERE kz_upsert('get', 'doc', id, '{"u": 2}') = jsonb_build_object('_id', id, '_version', 3, 'created', false);
SELECT count(*) AS replaced FROM id WHERE kz_replace('get', 'doc', id, '{"u": 3}') @> jsonb_build_object('_id', id, '_version', 4);
SELECT count(*) AS deleted FROM id WHERE kz_delete('get', 'doc', id) = jsonb_build_object('_id', id);
SELECT kz_count('get', 'doc');
-- 513 bytes and the empty string are none, to read or to write
SELECT kz_get('get', 'doc', repeat('x', 513));
SELECT kz_exists('get', 'doc', 'x' || repeat('é', 256));
SELECT kz_create('get', 'doc', '{}', repeat('x', 513));
SELECT kz_get('get', 'doc', '');
SELECT kz_exists('get', 'doc', '');

-- readers see the snapshot of the calling statement: not what the same statement writes, as any query
SELECT kz_create('get', 'doc', '{}', 'snapshot') ->> '_id' AS created, kz_exists('get', 'doc', 'snapshot'), kz_count('get', 'doc');
SELECT kz_exists('get', 'doc', 'snapshot'), kz_count('get', 'doc');
SELECT kz_update('get', 'doc', 'snapshot', '{"n": 1}') -> '_version' AS updated, kz_get('get', 'doc', 'snapshot') -> '_version' AS got;
SELECT kz_delete('get', 'doc', 'snapshot'), kz_exists('get', 'doc', 'snapshot');
-- a transaction sees what its earlier statements have written
BEGIN;
SELECT kz_create('get', 'doc', '{"mine": true}', 'mine') ->> '_id' AS _id;
SELECT kz_get('get', 'doc', 'mine'), kz_count('get', 'doc');
ROLLBACK;
-- readers in queries: over a table, in a subquery, in WHERE, in a read-only transaction
BEGIN READ ONLY;
SELECT id, kz_exists('get', 'doc', id) FROM unnest('{a,b}'::text[]) id WHERE kz_count('get', 'doc') = 1 ORDER BY id;
SELECT (SELECT kz_get('get', 'doc', _id) -> '_source' -> 'a') AS a FROM "get".doc ORDER BY _id;
COMMIT;

SELECT kz_delete_index('get');
