/*
 * if_version: write only if the stored version is this one; 0 = the document
 * must not exist.  Anything else is a conflict that is never retried.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('if_version', 'doc');
SELECT kz_create('if_version', 'doc', '{"n": 1}', 'stored') -> '_version' AS version;
SELECT kz_update('if_version', 'doc', 'stored', '{"n": 2}') -> '_version' AS version;
SELECT kz_update('if_version', 'doc', 'stored', '{"n": 3}') -> '_version' AS version;

-- the answer of a call, or its error; either way the call is undone
CREATE FUNCTION pg_temp.try(call text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	message text;
BEGIN
	EXECUTE 'SELECT ' || call INTO answer;
	RAISE EXCEPTION USING errcode = 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		RETURN answer;
	WHEN others THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
		RETURN SQLSTATE || ' ' || message;
END $$;

-- every writing function, with the version absent, 0, equal, older, newer, the largest, negative; the stored one is 3
CREATE TEMP TABLE function (ord serial, name text, call text);
INSERT INTO function (name, call) VALUES
	('create', $$kz_create('if_version', 'doc', '{"c": 1}', %L, if_version => %s)$$),
	('create_or_replace', $$kz_create_or_replace('if_version', 'doc', %L, '{"r": 1}', if_version => %s)$$),
	('replace', $$kz_replace('if_version', 'doc', %L, '{"r": 1}', if_version => %s)$$),
	('update', $$kz_update('if_version', 'doc', %L, '{"u": 1}', if_version => %s)$$),
	('upsert', $$kz_upsert('if_version', 'doc', %L, '{"u": 1}', if_version => %s)$$),
	('delete', $$kz_delete('if_version', 'doc', %L, if_version => %s)$$),
	('delete_fields', $$kz_delete_fields('if_version', 'doc', %L, '{n}', if_version => %s)$$);
SELECT name, version AS if_version, pg_temp.try(format(call, 'stored', version)) AS stored_3
FROM function, unnest('{"NULL",0,3,2,4,9223372036854775807,-1}'::text[]) WITH ORDINALITY v(version, place)
ORDER BY function.ord, place;
-- the same where there is no such document
SELECT name, version AS if_version, pg_temp.try(format(call, 'absent', version)) AS absent
FROM function, unnest('{"NULL",0,3,-1}'::text[]) WITH ORDINALITY v(version, place)
ORDER BY function.ord, place;
SELECT * FROM if_version.doc ORDER BY _id;

-- a change that would change nothing must meet the version all the same
SELECT kz_update('if_version', 'doc', 'stored', '{"n": 3}', if_version => 3);
SELECT kz_update('if_version', 'doc', 'stored', '{"n": 3}', if_version => 2);
SELECT kz_upsert('if_version', 'doc', 'stored', '{}', if_version => 3);
SELECT kz_upsert('if_version', 'doc', 'stored', '{}', if_version => 0);
SELECT kz_replace('if_version', 'doc', 'stored', '{"n": 3}', if_version => 4);
SELECT kz_delete_fields('if_version', 'doc', 'stored', '{absent}', if_version => 1);
-- retries do not help
SELECT kz_update('if_version', 'doc', 'stored', '{"n": 4}', if_version => 2, retry_on_conflict => 10);
SELECT kz_upsert('if_version', 'doc', 'stored', '{"n": 4}', if_version => 2, retry_on_conflict => 10);
SELECT kz_upsert('if_version', 'doc', 'absent', '{"n": 4}', if_version => 2, retry_on_conflict => 10);

-- read, change, write if nobody else did: the second writer of the two is refused
SELECT kz_get('if_version', 'doc', 'stored') -> '_version' AS version \gset
SELECT kz_update('if_version', 'doc', 'stored', '{"by": "first"}', if_version => :version);
SELECT kz_update('if_version', 'doc', 'stored', '{"by": "second"}', if_version => :version);
SELECT kz_get('if_version', 'doc', 'stored');
-- the version of the answer is the one to go on with
SELECT kz_create_or_replace('if_version', 'doc', 'stored', '{"by": "first"}', if_version => 4);
SELECT kz_replace('if_version', 'doc', 'stored', '{"by": "second"}', if_version => 5);
SELECT kz_delete_fields('if_version', 'doc', 'stored', '{by}', if_version => 6);
SELECT kz_delete('if_version', 'doc', 'stored', if_version => 6);
SELECT kz_delete('if_version', 'doc', 'stored', if_version => 7);
-- 0 creates once
SELECT kz_upsert('if_version', 'doc', 'once', '{"n": 1}', if_version => 0);
SELECT kz_upsert('if_version', 'doc', 'once', '{"n": 1}', if_version => 0);
SELECT kz_create_or_replace('if_version', 'doc', 'twice', '{"n": 1}', if_version => 0);
SELECT kz_create_or_replace('if_version', 'doc', 'twice', '{"n": 1}', if_version => 0);
SELECT kz_create('if_version', 'doc', '{"n": 1}', 'thrice', if_version => 0);
SELECT kz_create('if_version', 'doc', '{"n": 1}', if_version => 0) ? '_id' AS generated;
-- versions that plain SQL has written are versions too
INSERT INTO if_version.doc VALUES ('zero', 0, '{}'), ('large', 9223372036854775806, '{}');
SELECT kz_update('if_version', 'doc', 'large', '{"n": 1}', if_version => 9223372036854775806);
SELECT kz_update('if_version', 'doc', 'zero', '{"n": 1}', if_version => 0);

SELECT kz_delete_index('if_version');
