/*
 * NULL, argument by argument: for what has no default an error that names the
 * argument, never a silent NULL; for an option its default.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('null_arguments', 'doc');
SELECT kz_create('null_arguments', 'doc', '{"n": 1, "m": {"x": 1}}', 'a') -> '_version' AS version;
CREATE TABLE null_arguments.attachable (LIKE null_arguments.doc INCLUDING ALL);

-- the answer of a call, or its error; either way the call is undone
CREATE FUNCTION pg_temp.try(call text, OUT answer text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE call INTO answer;
	RAISE EXCEPTION USING errcode = 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		NULL;
	WHEN others THEN
		state := SQLSTATE;
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

-- every function with good arguments: those it needs, and its options with their defaults
CREATE TEMP TABLE good (ord serial, function text, needed text[], options text[]);
INSERT INTO good (function, needed, options) VALUES
	('kz_create', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'body', '''{"b": 1}'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL']),
	('kz_create_or_replace', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a''', 'body', '''{"b": 1}'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL']),
	('kz_replace', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a''', 'body', '''{"b": 1}'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL']),
	('kz_update', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a''', 'changes', '''{"b": 1}'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL', 'retry_on_conflict', '10', 'source', 'false']),
	('kz_upsert', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''new''', 'changes', '''{"b": 1}'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL', 'defaults', '''{}''', 'retry_on_conflict', '10', 'source', 'false']),
	('kz_delete', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL', 'source', 'false']),
	('kz_delete_fields', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a''', 'fields', '''{n}'''],
		ARRAY['refresh', '''false''', 'silent', 'false', 'kuid', 'NULL', 'if_version', 'NULL', 'source', 'false']),
	('kz_get', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a'''], '{}'),
	('kz_exists', ARRAY['index', '''null_arguments''', 'collection', '''doc''', 'id', '''a'''], '{}'),
	('kz_count', ARRAY['index', '''null_arguments''', 'collection', '''doc'''], '{}'),
	('kz_create_index', ARRAY['index', '''null_arguments_new'''], '{}'),
	('kz_delete_index', ARRAY['index', '''null_arguments'''], '{}'),
	('kz_index_exists', ARRAY['index', '''null_arguments'''], '{}'),
	('kz_create_collection', ARRAY['index', '''null_arguments''', 'collection', '''new'''], ARRAY['mappings', '''{}''', 'settings', '''{}''']),
	('kz_update_collection', ARRAY['index', '''null_arguments''', 'collection', '''doc'''], ARRAY['mappings', 'NULL', 'settings', 'NULL']),
	('kz_attach_collection', ARRAY['index', '''null_arguments''', 'collection', '''new''', 'relation', '''null_arguments.attachable'''], '{}'),
	('kz_delete_collection', ARRAY['index', '''null_arguments''', 'collection', '''doc'''], '{}'),
	('kz_truncate_collection', ARRAY['index', '''null_arguments''', 'collection', '''doc'''], '{}'),
	('kz_get_mapping', ARRAY['index', '''null_arguments''', 'collection', '''doc'''], '{}'),
	('kz_get_settings', ARRAY['index', '''null_arguments''', 'collection', '''doc'''], '{}'),
	('kz_list_collections', ARRAY['index', '''null_arguments'''], '{}'),
	('kz_collection_exists', ARRAY['index', '''null_arguments''', 'collection', '''doc''']	, '{}');
-- a call in which one argument, which may also be an option, is given another value
CREATE FUNCTION pg_temp.call(function text, needed text[], argument text, value text) RETURNS text
LANGUAGE sql AS $$
	SELECT format('SELECT %s(%s)', function, string_agg(needed[i] || ' => ' || needed[i + 1], ', '))
	FROM (SELECT CASE WHEN argument = ANY (needed)
		THEN needed[:array_position(needed, argument)] || value || needed[array_position(needed, argument) + 2:]
		ELSE needed || ARRAY[argument, value] END) n(needed), generate_series(1, cardinality(needed), 2) i
$$;

-- the calls above are good as they are
SELECT function, state, message FROM good, pg_temp.try(pg_temp.call(function, needed, needed[1], needed[2])) WHERE state IS NOT NULL ORDER BY ord;
-- each argument NULL in turn; all of them are the same kind of error
SELECT function, needed[i] AS "null", state, message, hint
FROM good, generate_series(1, cardinality(needed), 2) i, pg_temp.try(pg_temp.call(function, needed, needed[i], 'NULL'))
ORDER BY ord, i;
SELECT DISTINCT detail
FROM good, generate_series(1, cardinality(needed), 2) i, pg_temp.try(pg_temp.call(function, needed, needed[i], 'NULL'));
-- the empty string is no index, collection or id either
SELECT function, needed[i] AS empty, state, message, detail
FROM good, generate_series(1, cardinality(needed), 2) i, pg_temp.try(pg_temp.call(function, needed, needed[i], ''''''))
WHERE needed[i] IN ('index', 'collection', 'id')
ORDER BY ord, i;
SELECT state, message, detail FROM pg_temp.try($$SELECT kz_create('null_arguments', 'doc', '{}', '')$$);

-- each option NULL in turn answers what its default answers, and leaves the same documents
SELECT count(*) AS options, bool_and(given.state IS NULL AND omitted.state IS NULL AND defaulted.state IS NULL) AS no_error,
	bool_and((given.answer::jsonb - id) = (omitted.answer::jsonb - id) AND (given.answer::jsonb - id) = (defaulted.answer::jsonb - id)) AS same_answer
FROM good, generate_series(1, cardinality(options), 2) i,
	LATERAL (SELECT CASE function WHEN 'kz_create' THEN '_id' ELSE '' END) generated(id),
	pg_temp.try(pg_temp.call(function, needed, options[i], 'NULL')) given,
	pg_temp.try(pg_temp.call(function, needed, needed[1], needed[2])) omitted,
	pg_temp.try(pg_temp.call(function, needed, options[i], options[i + 1])) defaulted;
-- all options NULL at once
SELECT function, CASE function WHEN 'kz_create' THEN (answer::jsonb - '_id')::text ELSE answer END AS answer, state, message
FROM good, LATERAL (SELECT needed || array_agg(CASE WHEN i % 2 = 1 THEN options[i] ELSE 'NULL' END ORDER BY i) FROM generate_series(1, cardinality(options)) i) every(argument),
	pg_temp.try(pg_temp.call(function, argument, argument[1], argument[2]))
WHERE options <> '{}' ORDER BY ord;
-- no id: one is generated
SELECT kz_create('null_arguments', 'doc', '{}', NULL) ->> '_id' ~ '^[A-Za-z0-9_-]{20}$' AS generated;
DELETE FROM null_arguments.doc WHERE _id <> 'a';
-- kz_merge is strict, as an operator would be
SELECT kz_merge(NULL, '{}') IS NULL AS target, kz_merge('{}', NULL) IS NULL AS changes;
-- NULL is not the JSON null, which is of the wrong type
SELECT kz_update('null_arguments', 'doc', 'a', NULL);
SELECT kz_update('null_arguments', 'doc', 'a', 'null');

-- after all that the document is what it was
SELECT * FROM null_arguments.doc ORDER BY _id;
SELECT * FROM kz_list_collections('null_arguments') c ORDER BY c;
DROP TABLE null_arguments.attachable;
SELECT kz_delete_index('null_arguments');
