/*
 * Bad input: an error that names the argument and says what to do; nothing is
 * written, and the session goes on.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('bad_input', 'doc');
SELECT kz_create('bad_input', 'doc', '{"n": 1}', 'a') -> '_version' AS version;

-- outcome of a call: state, message, detail, hint; and whether the documents are as they were
CREATE FUNCTION pg_temp.try(call text, OUT outcome text, OUT unchanged boolean)
LANGUAGE plpgsql AS $$
DECLARE
	before text := (SELECT string_agg(d::text || xmin || xmax, '' ORDER BY _id) FROM bad_input.doc d);
	message text;
	detail text;
	hint text;
BEGIN
	BEGIN
		EXECUTE call INTO outcome;
	EXCEPTION WHEN others THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		outcome := concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''), nullif(hint, ''));
	END;
	unchanged := before = (SELECT string_agg(d::text || xmin || xmax, '' ORDER BY _id) FROM bad_input.doc d);
	-- the session is usable: a good call right after it
	IF kz_get('bad_input', 'doc', 'a') -> '_version' <> '1' OR kz_update('bad_input', 'doc', 'a', '{}') -> '_version' <> '1' THEN
		unchanged := false;
	END IF;
END $$;

-- a document, changes and defaults are objects
SELECT format(call, value) AS call, outcome, unchanged
FROM unnest(ARRAY['[]', '[{"n": 2}]', '"text"', '1', 'true', 'null']) WITH ORDINALITY v(value, place),
	unnest(ARRAY['kz_create(''bad_input'', ''doc'', %L, ''b'')', 'kz_create_or_replace(''bad_input'', ''doc'', ''a'', %L)', 'kz_replace(''bad_input'', ''doc'', ''a'', %L)',
		'kz_update(''bad_input'', ''doc'', ''a'', %L)', 'kz_upsert(''bad_input'', ''doc'', ''a'', %L)',
		'kz_upsert(''bad_input'', ''doc'', ''b'', ''{}'', defaults => %L)']) WITH ORDINALITY f(call, ord),
	pg_temp.try('SELECT ' || format(call, value))
WHERE place = 1 OR ord = 4 ORDER BY ord, place;
-- defaults are looked at even where they are not needed
SELECT outcome, unchanged FROM pg_temp.try($$SELECT kz_upsert('bad_input', 'doc', 'a', '{}', defaults => '[]')$$);
-- the wrong type is what counts, not whether the document is there
SELECT outcome, unchanged FROM pg_temp.try($$SELECT kz_update('bad_input', 'doc', 'absent', '[]')$$);

-- an id has 1 to 512 bytes
SELECT call, replace(outcome, repeat('x', 513), '<513 bytes>') AS outcome, unchanged
FROM unnest(ARRAY['kz_create(''bad_input'', ''doc'', ''{}'', %L)', 'kz_create_or_replace(''bad_input'', ''doc'', %L, ''{}'')', 'kz_replace(''bad_input'', ''doc'', %L, ''{}'')',
		'kz_update(''bad_input'', ''doc'', %L, ''{}'')', 'kz_upsert(''bad_input'', ''doc'', %L, ''{}'')', 'kz_delete(''bad_input'', ''doc'', %L)',
		'kz_delete_fields(''bad_input'', ''doc'', %L, ''{}'')', 'kz_get(''bad_input'', ''doc'', %L)', 'kz_exists(''bad_input'', ''doc'', %L)']) WITH ORDINALITY f(call, ord),
	pg_temp.try('SELECT ' || format(call, repeat('x', 513))) ORDER BY ord;
SELECT call, outcome, unchanged
FROM unnest(ARRAY['kz_create(''bad_input'', ''doc'', ''{}'', '''')', 'kz_upsert(''bad_input'', ''doc'', '''', ''{}'')', 'kz_get(''bad_input'', ''doc'', '''')']) WITH ORDINALITY f(call, ord),
	pg_temp.try('SELECT ' || call) ORDER BY ord;
-- an id of a megabyte does not fill the log
SELECT length(outcome) < 10000 AS short, unchanged FROM pg_temp.try($$SELECT kz_upsert('bad_input', 'doc', repeat('x', 1000000), '{}')$$);

-- nor does any other argument
SELECT argument, left(outcome, 5) AS state, length(outcome) < 1500 AS short, unchanged
FROM (VALUES
	(1, 'index', 'kz_upsert(repeat(''x'', 1000000), ''doc'', ''a'', ''{}'')'),
	(2, 'collection', 'kz_upsert(''bad_input'', repeat(''x'', 1000000), ''a'', ''{}'')'),
	(3, 'id', 'kz_get(''bad_input'', ''doc'', repeat(''x'', 1000000))'),
	(4, 'refresh', 'kz_upsert(''bad_input'', ''doc'', ''a'', ''{"n": 2}'', refresh => repeat(''x'', 1000000))'),
	(5, 'index of kz_create_index', 'kz_create_index(repeat(''x'', 1000000))'),
	(6, 'index of kz_delete_index', 'kz_delete_index(repeat(''x'', 1000000))'),
	(7, 'collection of kz_create_collection', 'kz_create_collection(''bad_input'', repeat(''x'', 1000000))'),
	(8, 'collection of kz_delete_collection', 'kz_delete_collection(''bad_input'', repeat(''x'', 1000000))'),
	(9, 'mappings', 'kz_create_collection(''bad_input'', ''other'', jsonb_build_object(repeat(''x'', 1000000), 1))')
) AS t (ord, argument, call), pg_temp.try('SELECT ' || call) ORDER BY ord;
-- what is left of it ends where a character ends
SELECT split_part(outcome, E'\n', 1) = 'KZ412 The index "x' || repeat('é', 299) || '..." does not exist.' AS clipped
FROM pg_temp.try($$SELECT kz_upsert('x' || repeat('é', 1000), 'doc', 'a', '{}')$$);

-- unknown index, unknown collection: each function
CREATE TEMP TABLE every_function (ord serial, call text);
INSERT INTO every_function (call) VALUES
	('kz_create(%L, %L, ''{}'')'), ('kz_create_or_replace(%L, %L, ''a'', ''{}'')'), ('kz_replace(%L, %L, ''a'', ''{}'')'), ('kz_update(%L, %L, ''a'', ''{}'')'),
	('kz_upsert(%L, %L, ''a'', ''{}'')'), ('kz_delete(%L, %L, ''a'')'), ('kz_delete_fields(%L, %L, ''a'', ''{n}'')'), ('kz_get(%L, %L, ''a'')'), ('kz_exists(%L, %L, ''a'')'), ('kz_count(%L, %L)');
SELECT call, outcome, unchanged FROM every_function, pg_temp.try('SELECT ' || format(call, 'bad_input', 'nope')) ORDER BY ord;
SELECT call, outcome, unchanged FROM every_function, pg_temp.try('SELECT ' || format(call, 'nope', 'doc')) ORDER BY ord;
-- names are taken as they are: case, quotes, wildcards, catalogs, dots, and of any length
SELECT name, split_part(outcome, E'\n', 1) AS outcome, unchanged
FROM unnest(ARRAY['DOC', '"doc"', 'd%', 'doc; DROP TABLE doc', 'bad_input.doc', 'pg_class', 'doc ', 'é']) WITH ORDINALITY n(name, ord),
	pg_temp.try(format('SELECT kz_upsert(%L, %L, ''a'', ''{"n": 2}'')', 'bad_input', name)) ORDER BY ord;
SELECT name, split_part(outcome, E'\n', 1) AS outcome, unchanged
FROM unnest(ARRAY['BAD_INPUT', 'bad_input"', '%', 'pg_catalog', 'public', 'information_schema', 'pg_temp', '_all']) WITH ORDINALITY n(name, ord),
	pg_temp.try(format('SELECT kz_upsert(%L, %L, ''a'', ''{"n": 2}'')', name, 'doc')) ORDER BY ord;
SELECT left(outcome, 5) AS state, unchanged
FROM unnest('{64,127,1000,100000}'::int[]) length, pg_temp.try(format('SELECT kz_upsert(%L, %L, ''a'', ''{"n": 2}'')', 'bad_input', repeat('x', length))) ORDER BY length;

-- refresh is 'false', 'wait_for' or empty
SELECT value, outcome, unchanged
FROM unnest(ARRAY['true', 'WAIT_FOR', 'wait_for ', '1']) WITH ORDINALITY v(value, place),
	pg_temp.try(format('SELECT kz_upsert(''bad_input'', ''doc'', ''a'', ''{"n": 2}'', refresh => %L)', value)) ORDER BY place;
SELECT value, outcome
FROM unnest(ARRAY['false', 'wait_for', '']) WITH ORDINALITY v(value, place),
	pg_temp.try(format('SELECT kz_upsert(''bad_input'', ''doc'', ''a'', ''{"n": 1}'', refresh => %L)', value)) ORDER BY place;
-- each writing function looks at it, and at if_version
SELECT format(call, '…') AS call, split_part(outcome, E'\n', 1) AS outcome, unchanged
FROM unnest(ARRAY['refresh => ''true''', 'if_version => -1']) WITH ORDINALITY o(option, place),
	unnest(ARRAY['kz_create(''bad_input'', ''doc'', ''{}'', %s)', 'kz_create_or_replace(''bad_input'', ''doc'', ''a'', ''{}'', %s)', 'kz_replace(''bad_input'', ''doc'', ''a'', ''{}'', %s)',
		'kz_update(''bad_input'', ''doc'', ''a'', ''{}'', %s)', 'kz_upsert(''bad_input'', ''doc'', ''a'', ''{}'', %s)', 'kz_delete(''bad_input'', ''doc'', ''a'', %s)',
		'kz_delete_fields(''bad_input'', ''doc'', ''a'', ''{n}'', %s)']) WITH ORDINALITY f(call, ord),
	pg_temp.try('SELECT ' || format(call, option)) ORDER BY place, ord;
SELECT outcome, unchanged FROM pg_temp.try($$SELECT kz_update('bad_input', 'doc', 'a', '{"n": 2}', if_version => -1)$$);
-- retry_on_conflict is not negative
SELECT value, outcome, unchanged
FROM unnest('{-1,-2147483648}'::int[]) value, pg_temp.try(format('SELECT kz_update(''bad_input'', ''doc'', ''a'', ''{"n": 2}'', retry_on_conflict => %s)', value)) ORDER BY value;
SELECT outcome, unchanged FROM pg_temp.try($$SELECT kz_upsert('bad_input', 'doc', 'b', '{"n": 2}', retry_on_conflict => -1)$$);
SELECT outcome FROM pg_temp.try($$SELECT kz_upsert('bad_input', 'doc', 'a', '{"n": 1}', retry_on_conflict => 2147483647)$$);
-- fields are strings
SELECT outcome, unchanged FROM pg_temp.try($$SELECT kz_delete_fields('bad_input', 'doc', 'a', '{n,NULL}')$$);
SELECT outcome, unchanged FROM pg_temp.try($$SELECT kz_delete_fields('bad_input', 'doc', 'absent', '{NULL}')$$);

-- the same without a function around it: what psql shows
SELECT kz_update('bad_input', 'doc', 'a', '[]');
SELECT kz_update('bad_input', 'doc', '', '{}');
SELECT kz_update('bad_input', 'nope', 'a', '{}');
SELECT kz_update('nope', 'doc', 'a', '{}');
SELECT kz_update('bad_input', 'doc', 'a', '{}', refresh => 'true');
SELECT kz_update('bad_input', 'doc', 'a', '{}', retry_on_conflict => -1);
-- a statement that fails at its last row has written none
SELECT kz_upsert('bad_input', 'doc', 'row' || i, CASE WHEN i < 3 THEN '{}' ELSE '[]' END::jsonb) FROM generate_series(1, 3) i;
SELECT * FROM bad_input.doc ORDER BY _id;
-- in a transaction, an error aborts it as any other; a savepoint saves it
BEGIN;
SELECT kz_update('bad_input', 'doc', 'a', '{"n": 2}');
SAVEPOINT s;
SELECT kz_update('bad_input', 'doc', 'a', '[]');
SELECT kz_update('bad_input', 'doc', 'a', '{"n": 3}');
ROLLBACK TO s;
SELECT kz_update('bad_input', 'doc', 'a', '{"n": 4}');
COMMIT;
SELECT * FROM bad_input.doc ORDER BY _id;

SELECT kz_delete_index('bad_input');
