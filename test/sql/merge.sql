/*
 * kz_merge: the one rule of merging.  For each key of the changes, two objects
 * are merged in depth; anything else replaces what was there.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- every pair of types under one key: rows are targets, columns are changes
WITH value(ord, v) AS (
	VALUES (1, 'null'::jsonb), (2, 'true'), (3, '1'), (4, '"s"'),
		(5, '[]'), (6, '[1]'), (7, '{}'), (8, '{"x": 1}')
)
SELECT v AS target,
	kz_merge(jsonb_build_object('k', v), '{"k": null}') -> 'k' AS "null",
	kz_merge(jsonb_build_object('k', v), '{"k": true}') -> 'k' AS "true",
	kz_merge(jsonb_build_object('k', v), '{"k": 2}') -> 'k' AS "2",
	kz_merge(jsonb_build_object('k', v), '{"k": "t"}') -> 'k' AS "t",
	kz_merge(jsonb_build_object('k', v), '{"k": []}') -> 'k' AS "[]",
	kz_merge(jsonb_build_object('k', v), '{"k": [2]}') -> 'k' AS "[2]",
	kz_merge(jsonb_build_object('k', v), '{"k": {}}') -> 'k' AS "{}",
	kz_merge(jsonb_build_object('k', v), '{"k": {"y": 2}}') -> 'k' AS "{y: 2}"
FROM value ORDER BY ord;

-- the same at the root: two objects are merged, anything else is replaced
WITH value(ord, v) AS (
	VALUES (1, 'null'::jsonb), (2, 'true'), (3, '1'), (4, '"s"'),
		(5, '[]'), (6, '[1]'), (7, '{}'), (8, '{"x": 1}')
)
SELECT v AS target,
	kz_merge(v, 'null') AS "null", kz_merge(v, 'true') AS "true",
	kz_merge(v, '2') AS "2", kz_merge(v, '"t"') AS "t",
	kz_merge(v, '[]') AS "[]", kz_merge(v, '[2]') AS "[2]",
	kz_merge(v, '{}') AS "{}", kz_merge(v, '{"y": 2}') AS "{y: 2}"
FROM value ORDER BY ord;

-- a key the target has not is added, a key the changes have not is kept
SELECT kz_merge('{"a": 1}', '{"b": 2}');
-- objects are merged at any depth, and only the path that changes does
SELECT kz_merge('{"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": 4}',
	'{"a": {"b": {"c": 9, "g": 5}}}');
-- an empty object over an object changes nothing; over anything else it replaces
SELECT kz_merge('{"a": {"b": 1}}', '{"a": {}}'), kz_merge('{"a": 1}', '{"a": {}}'),
	kz_merge('{"a": {}}', '{"a": {"b": {}}}'), kz_merge('{}', '{}');
-- arrays are replaced as a whole, objects inside of them too
SELECT kz_merge('{"a": [{"x": 1}, 2, 3]}', '{"a": [{"y": 2}]}');
-- null is a value that is stored; objects inside what replaces keep their nulls
SELECT kz_merge('{"a": 1, "b": {"c": 1}}', '{"a": null, "b": {"c": null, "d": {"e": null}}}');
-- SQL NULL in, SQL NULL out
SELECT kz_merge(NULL, '{}') IS NULL, kz_merge('{}', NULL) IS NULL, kz_merge(NULL, NULL) IS NULL;
-- arguments by name
SELECT kz_merge(changes => '{"a": 2}', target => '{"a": 1}');

-- keys are literal: dots, brackets, spaces, the empty key; case matters
SELECT kz_merge('{"a": {"b": 1}, "A": 0}', '{"a.b": 2, "a[0]": 3, " a": 4, "": {"": 5}}');
SELECT kz_merge('{"": {"x": 1}}', '{"": {"": null}}');
-- unicode in keys and values; composed and decomposed forms are two keys
SELECT kz_merge(U&'{"\00E9": 1, "\65E5\672C": {"\+01F600": "a"}}',
	U&'{"e\0301": 2, "\65E5\672C": {"\+01F600": "\+01F601", "\05D0": "\0627"}}')
	= U&'{"\00E9": 1, "e\0301": 2, "\65E5\672C": {"\+01F600": "\+01F601", "\05D0": "\0627"}}' AS unicode;

-- numbers keep every digit: those that are merged in, those that stay, those beside
SELECT kz_merge('{"a": 1.00, "b": 12345678901234567890.123456789012345678900, "c": 0.10, "d": -0.0}',
	'{"c": 1.000, "e": 98765432109876543210, "f": 1e30, "g": 1E-20}');
SELECT kz_merge('{"a": 1}', '{"a": 1.00}'), kz_merge('{"a": 1.00}', '{"a": 1}');
WITH big(n) AS (SELECT ('1' || repeat('0', 400) || '.' || repeat('7', 400))::numeric)
SELECT kz_merge(jsonb_build_object('n', n), '{"m": 1e400}') ->> 'n' = n::text AS kept,
	kz_merge('{"m": 1}', jsonb_build_object('n', n)) ->> 'n' = n::text AS added,
	kz_merge('{}', '{"m": 1e400}') ->> 'm' = '1' || repeat('0', 400) AS exponent
FROM big;

-- the rule written in plpgsql, to compare with
CREATE FUNCTION pg_temp.reference(target jsonb, changes jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	key text;
	value jsonb;
BEGIN
	IF jsonb_typeof(target) <> 'object' OR jsonb_typeof(changes) <> 'object' THEN
		RETURN changes;
	END IF;
	FOR key, value IN SELECT * FROM jsonb_each(changes) LOOP
		IF target ? key THEN
			value := pg_temp.reference(target -> key, value);
		END IF;
		target := target || jsonb_build_object(key, value);
	END LOOP;
	RETURN target;
END $$;

-- the same document, and byte by byte what jsonb makes of its text
CREATE FUNCTION pg_temp.agrees(target jsonb, changes jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT m::text = pg_temp.reference(target, changes)::text AND record_image_eq(ROW(m), ROW(m::text::jsonb))
	FROM kz_merge(target, changes) m
$$;

-- a document of n keys of 1 to 40 bytes; every third one holds an object
CREATE FUNCTION pg_temp.document(n int, step int, value text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(jsonb_object_agg(
		repeat(chr(97 + (i * 7) % 26), 1 + (i * 11) % 37) || i * step,
		CASE WHEN i % 3 = 0 THEN jsonb_build_object(value, i, repeat('k', i % 5), value)
			ELSE to_jsonb(value || i) END), '{}')
	FROM generate_series(1, n) i
$$;

-- sizes around 32 and 64 keys (where jsonb stores offsets instead of lengths), in every combination
SELECT count(*) AS pairs, bool_and(pg_temp.agrees(pg_temp.document(a, s, 'old'), pg_temp.document(b, 1, 'new'))) AS agree
FROM unnest('{0,1,2,15,31,32,33,34,63,64,65,66,97,200}'::int[]) a,
	unnest('{0,1,2,15,31,32,33,34,63,64,65,66,97,200}'::int[]) b, generate_series(1, 3) s;
-- keys sort by length, then by bytes, whatever side they come from
SELECT kz_merge('{"bb": 1, "z": 1, "aaaa": 1, "B": 1}', '{"a": 2, "bbb": 2, "ab": 2, "aaab": 2, "\u00e9": 2}');

-- operators find everything in a merged document of many keys
WITH side AS (
	SELECT pg_temp.document(150, 2, 'old') AS target, pg_temp.document(130, 1, 'new') AS changes
), merged AS (
	SELECT *, kz_merge(target, changes) AS m FROM side
)
SELECT m @> changes AS contains, m <@ pg_temp.reference(target, changes) AS contained,
	(SELECT count(*) FROM jsonb_object_keys(m)) AS keys,
	(SELECT bool_and(m ? k AND m -> k = pg_temp.reference(target, changes) -> k
			AND m #> ARRAY[k, 'new'] IS NOT DISTINCT FROM pg_temp.reference(target, changes) -> k -> 'new')
		FROM jsonb_object_keys(pg_temp.reference(target, changes)) k) AS found,
	m ?| ARRAY['no such key'] AS missing,
	(m - ARRAY(SELECT jsonb_object_keys(changes))) <@ target AS rest
FROM merged;

-- random documents: keys from a small pool, so that the two sides meet
CREATE FUNCTION pg_temp.random_json(depth int) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	kind int := CASE WHEN depth = 0 THEN 5 ELSE floor(random() * 10) END;
	pool text[] := '{"",a,b,aa,"a.b",key,"a longer key",é,日本,_kuzzle_info}';
	result jsonb := '{}';
BEGIN
	IF depth > 4 AND kind > 4 THEN
		kind := kind - 5;
	END IF;
	CASE kind
		WHEN 0 THEN RETURN 'null';
		WHEN 1 THEN RETURN to_jsonb(random() < 0.5);
		WHEN 2 THEN RETURN to_jsonb(round((random() * 1000)::numeric, floor(random() * 30)::int));
		WHEN 3 THEN RETURN to_jsonb(repeat('é"\', floor(random() * 50)::int));
		WHEN 4 THEN RETURN to_jsonb(floor(random() * 10)::int);
		WHEN 9 THEN
			RETURN (SELECT coalesce(jsonb_agg(pg_temp.random_json(depth + 1)), '[]')
				FROM generate_series(1, floor(random() * 4)::int));
		ELSE
			FOR i IN 1 .. floor(random() * 7) LOOP
				result := result || jsonb_build_object(pool[1 + floor(random() * 10)::int],
					pg_temp.random_json(depth + 1));
			END LOOP;
			RETURN result;
	END CASE;
END $$;

SELECT setseed(0.25);
CREATE TEMP TABLE random_pair AS
	SELECT i, pg_temp.random_json(0) AS target, pg_temp.random_json(0) AS changes, pg_temp.random_json(i % 2) AS more
	FROM generate_series(1, 2500) i;
SELECT count(*) AS pairs, count(*) FILTER (WHERE pg_temp.agrees(target, changes)) AS agree,
	count(*) FILTER (WHERE pg_temp.agrees(more, changes)) AS agree_any_root
FROM random_pair;
-- merging twice changes nothing more; a document merged into itself stays; {} is neutral on both sides
SELECT bool_and(record_image_eq(ROW(kz_merge(kz_merge(target, changes), changes)), ROW(kz_merge(target, changes)))) AS idempotent,
	bool_and(record_image_eq(ROW(kz_merge(target, target)), ROW(target))) AS itself,
	bool_and(record_image_eq(ROW(kz_merge(target, '{}')), ROW(target))) AS right_neutral,
	bool_and(record_image_eq(ROW(kz_merge('{}', changes)), ROW(changes))) AS left_neutral
FROM random_pair;
-- parts of the changes given one after the other come to the same
SELECT bool_and((SELECT m FROM (SELECT kz_merge(kz_merge(target, coalesce(one, '{}')), coalesce(two, '{}'))) step(m))::text
	= kz_merge(target, changes)::text) AS stepwise
FROM random_pair, LATERAL (
	SELECT jsonb_object_agg(key, value) FILTER (WHERE length(key) % 2 = 0) AS one,
		jsonb_object_agg(key, value) FILTER (WHERE length(key) % 2 = 1) AS two
	FROM jsonb_each(changes)) part;

-- stored documents: short headers, compressed, and out of line, on either side
CREATE TEMP TABLE stored (i int, compressed jsonb, external jsonb);
ALTER TABLE stored ALTER COLUMN external SET STORAGE EXTERNAL;
INSERT INTO stored
	SELECT n, d, d FROM unnest('{0,1,3,40,400,700}'::int[]) n, LATERAL (SELECT pg_temp.document(n, 1, 'old')) doc(d);
SELECT i, pg_column_size(compressed) < pg_column_size(external) AS smaller,
	pg_temp.agrees(compressed, '{"a": {"b": 1}}') AS target_compressed,
	pg_temp.agrees(external, '{"a": {"b": 1}}') AS target_external,
	pg_temp.agrees('{"a": {"b": 1}}', compressed) AS changes_compressed,
	pg_temp.agrees(compressed, external) AS both,
	kz_merge(compressed, external)::text = external::text AS same
FROM stored ORDER BY i;
-- strings of a megabyte
SELECT length(m ->> 'a') AS a, length(m ->> 'b') AS b, m ->> 'c' AS c
FROM kz_merge(jsonb_build_object('a', repeat('x', 1000000), 'c', 1), jsonb_build_object('b', repeat('é', 1000000))) m;

-- deep documents are merged, or refused with a clear error
CREATE FUNCTION pg_temp.deep(levels int, leaf text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT (repeat('{"a":', levels) || leaf || repeat('}', levels))::jsonb $$;
CREATE FUNCTION pg_temp.merged_or_refused(target jsonb, changes jsonb, expected jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	RETURN kz_merge(target, changes)::text = expected::text;
EXCEPTION WHEN statement_too_complex THEN
	RETURN true;
END $$;
SELECT kz_merge(pg_temp.deep(1000, '{"x": 1}'), pg_temp.deep(1000, '{"y": 2}'))::text
	= pg_temp.deep(1000, '{"x": 1, "y": 2}')::text AS merged;
CREATE TEMP TABLE deep AS
	SELECT pg_temp.deep(5000, '{"x": 1}') AS target, pg_temp.deep(5000, '{"y": 2}') AS changes,
		pg_temp.deep(5000, '{"x": 1, "y": 2}') AS merged;
SELECT pg_temp.merged_or_refused(target, changes, merged) AS merged_or_refused FROM deep;
SET max_stack_depth = '100kB';
SELECT pg_temp.merged_or_refused(target, changes, merged) AS merged_or_refused FROM deep;
RESET max_stack_depth;
SELECT kz_merge('{"still": 1}', '{"here": 2}');

-- IMMUTABLE: good enough for a generated column and its index
CREATE TEMP TABLE derived (base jsonb, overlay jsonb, whole jsonb GENERATED ALWAYS AS (kz_merge(base, overlay)) STORED);
CREATE INDEX ON derived ((kz_merge(base, overlay) ->> 'a'));
INSERT INTO derived VALUES ('{"a": {"x": 1}}', '{"a": {"y": 2}}'), ('{"a": 1}', NULL);
SELECT whole FROM derived ORDER BY whole;
