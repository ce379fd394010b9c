/*
 * kz_delete_fields: fields removed from a document by their paths, which are
 * those of lodash: a.b, a[0].b, ["a.b"].
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('fields', 'doc');
SELECT kz_create('fields', 'doc', '{"a": {"b": 1, "c": 2}, "l": [1, {"x": 2, "y": 3}], "n": 1.00}', 'a') -> '_version' AS version;

-- the answer is the id and the version; with source also the document
SELECT kz_delete_fields('fields', 'doc', 'a', '{a.b}');
SELECT kz_delete_fields('fields', 'doc', 'a', '{l[1].x}', source => true);
SELECT kz_delete_fields(index => 'fields', collection => 'doc', id => 'a', fields => ARRAY['n'], refresh => 'wait_for', silent => true,
	if_version => 3, source => false);
SELECT * FROM fields.doc ORDER BY _id;
-- nothing to remove: the version stays
SELECT kz_delete_fields('fields', 'doc', 'a', '{n,a.b}', source => true);
-- an absent document is not found
SELECT kz_delete_fields('fields', 'doc', 'absent', '{a}');
SELECT kz_delete_fields('fields', 'doc', 'absent', '{}');

-- what is left of a document, and whether that was a change
CREATE FUNCTION pg_temp.without(document jsonb, VARIADIC fields text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	before jsonb := kz_create_or_replace('fields', 'doc', 'b', document);
	after jsonb := kz_delete_fields('fields', 'doc', 'b', fields, source => true);
BEGIN
	RETURN (after -> '_source')::text || CASE (after -> '_version')::int - (before -> '_version')::int
		WHEN 0 THEN ' unchanged' WHEN 1 THEN '' ELSE ' wrong version' END;
END $$;

-- one field: a path through objects and arrays
SELECT path, pg_temp.without('{"a": {"b": {"c": 1}, "d": 2}, "l": [{"x": 1, "y": 2}, [3, [4, 5]], "s"], "s": "text", "n": null}', path) AS rest
FROM unnest(ARRAY['a', 'a.b', 'a.b.c', 'a.d', 'n', 's', 'l', 'l[0].x', 'l.0.y', 'a["b"].c', 'a[''b''][''c'']', '["a"]["d"]', 'a[b].c'])
	WITH ORDINALITY p(path, ord) ORDER BY ord;
-- an element of an array becomes null, so that the others keep their places
SELECT path, pg_temp.without('{"l": [{"x": 1}, [2, [3, 4]], "s"]}', path) AS rest
FROM unnest(ARRAY['l[0]', 'l[1]', 'l[2]', 'l.2', 'l["2"]', 'l[1][0]', 'l[1][1]', 'l[1][1][0]', 'l[1].1.1'])
	WITH ORDINALITY p(path, ord) ORDER BY ord;
-- what is not there is ignored: keys, elements, anything inside of scalars
SELECT path, pg_temp.without('{"a": {"b": 1}, "l": [1, {"x": 2}], "s": "text", "n": null, "t": true}', path) AS rest
FROM unnest(ARRAY['x', 'x.y.z', 'a.x', 'a.b.c', 'a[0]', 'A', 'l[2]', 'l[99999999999999999999]', 'l[-1]', 'l.-1', 'l[01]', 'l[1.5]', 'l.x', 'l[1].y', 'l[0].x',
	's[0]', 's.x', 'n.x', 't.x', 's[0][1].a', 'a.b.', '.a', 'a..b', '', '[]', '.'])
	WITH ORDINALITY p(path, ord) ORDER BY ord;

-- a key of the document that is written like the path wins over the path
SELECT path, pg_temp.without('{"a.b": 1, "a": {"b": 2, "c.d": 3, "c": {"d": 4}}, "l[0]": 5, "l": [6], "[\"a\"]": 7}', path) AS rest
FROM unnest(ARRAY['a.b', 'l[0]', '["a"]', '["a.b"]', 'a["c.d"]', 'a.c.d', 'a.b.c'])
	WITH ORDINALITY p(path, ord) ORDER BY ord;
-- keys that need brackets: dots, brackets, quotes, the empty key; digits are keys of objects as well
SELECT path, pg_temp.without('{"x": {"": 1, "a.b": 2, "a]b": 3, "\"": 4, "0": 5, "-1": 6, "é 日": 7, "''": 8}}', path) AS rest
FROM unnest(ARRAY['x[""]', 'x["a.b"]', 'x["a]b"]', 'x[''"'']', 'x["\""]', 'x[0]', 'x.0', 'x["-1"]', 'x[-1]', 'x.é 日', 'x["é 日"]', 'x["''"]'])
	WITH ORDINALITY p(path, ord) ORDER BY ord;
SELECT pg_temp.without('{"": 1, "a": 2}', '') AS empty_key, pg_temp.without('{"é": 1, "e": 2}', 'é') AS accent,
	pg_temp.without('{"0": 1, "1": 2}', '[0]') AS digits, pg_temp.without('{"a b": 1, "a-b": 2, "$": 3}', 'a b', '$') AS others;

-- several fields, one after the other
SELECT pg_temp.without('{"a": {"b": 1, "c": 2}, "d": 3, "e": 4}', 'a.b', 'd', 'absent') AS several;
SELECT pg_temp.without('{"a": {"b": 1, "c": 2}}', 'a', 'a.b') AS parent_first, pg_temp.without('{"a": {"b": 1, "c": 2}}', 'a.b', 'a') AS child_first;
SELECT pg_temp.without('{"l": [{"x": 1}, 2, 3]}', 'l[0]', 'l[0].x', 'l[1]', 'l[1]') AS elements;
SELECT pg_temp.without('{"a": 1}', 'a', 'a') AS twice, pg_temp.without('{"a": 1, "b": 2}', 'a', 'b') AS all_of_them;
-- an object that is emptied stays
SELECT pg_temp.without('{"a": {"b": {"c": 1}}}', 'a.b.c') AS emptied;
-- no fields: nothing to do
SELECT kz_delete_fields('fields', 'doc', 'a', '{}'), kz_delete_fields('fields', 'doc', 'a', ARRAY[]::text[], source => true);

-- the rest keeps its digits, and its bytes are those that jsonb itself makes
SELECT pg_temp.without('{"a": 1.00, "b": 12345678901234567890.10, "c": [1.0, 2], "d": {"e": 1e-10, "f": 0}}', 'd.f', 'c[1]') AS digits;
SELECT kz_create_or_replace('fields', 'doc', 'many', jsonb_object_agg(repeat('k', i % 40) || i, jsonb_build_object('i', i, 'l', jsonb_build_array(i, 'x', i)))) -> 'created' AS created
FROM generate_series(1, 200) i;
SELECT kz_delete_fields('fields', 'doc', 'many', array_agg(repeat('k', i % 40) || i || (ARRAY['', '.i', '.l[1]'])[1 + i % 3]))
FROM generate_series(1, 200, 2) i;
SELECT (SELECT count(*) FROM jsonb_object_keys(_source)) AS keys, record_image_eq(ROW(_source), ROW(_source::text::jsonb)) AS same_bytes,
	_source -> 'kkk3' AS third, _source -> 'kkkk4' AS fourth, _source -> 'kkkkk5' AS fifth, _source -> 'kkkkkkk7' AS seventh
FROM fields.doc WHERE _id = 'many';
-- a path is as deep as it likes
SELECT pg_temp.without((repeat('{"a":', 500) || '{"x": 1}' || repeat('}', 500))::jsonb, repeat('a.', 500) || 'x')
	= (repeat('{"a":', 500) || '{}' || repeat('}', 500))::jsonb::text AS deep;
SELECT pg_temp.without('{"a": 1}', repeat('a.', 100000) || 'x', repeat('[0]', 100000)) AS deeper_than_the_document;

-- every path of random documents: what is left is what #- leaves, or null where it was an element
CREATE FUNCTION pg_temp.random_json(depth int) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	kind int := CASE WHEN depth = 0 THEN 9 WHEN depth > 3 THEN floor(random() * 4) ELSE floor(random() * 12) END;
	pool text[] := '{a,b,aa,a.b,"a longer key",é,日本,0,"",_kuzzle_info}';
	result jsonb := '{}';
BEGIN
	CASE
		WHEN kind = 0 THEN RETURN 'null';
		WHEN kind = 1 THEN RETURN to_jsonb(random() < 0.5);
		WHEN kind = 2 THEN RETURN to_jsonb(round((random() * 1000)::numeric, floor(random() * 20)::int));
		WHEN kind = 3 THEN RETURN to_jsonb(repeat('é"', floor(random() * 20)::int));
		WHEN kind < 7 THEN
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
SELECT setseed(0.5);
CREATE TEMP TABLE random_document AS SELECT i, pg_temp.random_json(0) AS document FROM generate_series(1, 100) i;
WITH RECURSIVE node(i, document, steps, path, value, element) AS (
	SELECT i, document, '{}'::text[], '', document, false FROM random_document
	UNION ALL
	SELECT i, document, steps || child.step, path || child.written, child.value, child.element
	FROM node, LATERAL (
		SELECT key, '["' || key || '"]', value, false
		FROM jsonb_each(CASE jsonb_typeof(node.value) WHEN 'object' THEN node.value ELSE '{}' END)
		UNION ALL
		SELECT (place - 1)::text, '[' || place - 1 || ']', e, true
		FROM jsonb_array_elements(CASE jsonb_typeof(node.value) WHEN 'array' THEN node.value ELSE '[]' END) WITH ORDINALITY a(e, place)
	) child(step, written, value, element)
)
SELECT count(*) > 1500 AS many_paths, count(*) FILTER (WHERE element) > 250 AS many_elements,
	count(*) FILTER (WHERE pg_temp.without(document, path) <>
		CASE WHEN NOT element THEN (document #- steps)::text
			WHEN value = 'null' THEN document::text || ' unchanged'
			ELSE jsonb_set(document, steps, 'null')::text END) AS wrong
FROM node WHERE path <> '';

-- what plain SQL has stored need not be an object
UPDATE fields.doc SET _source = '[1, {"a": 2}]' WHERE _id = 'a';
SELECT kz_delete_fields('fields', 'doc', 'a', '{[0],[1].a}', source => true);
UPDATE fields.doc SET _source = '3' WHERE _id = 'a';
SELECT kz_delete_fields('fields', 'doc', 'a', '{a,[0],""}', source => true);

-- too deep for the stack is a clear error, or none
CREATE FUNCTION pg_temp.removed_or_refused(levels int) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	RETURN kz_delete_fields('fields', 'doc', 'deep', ARRAY[repeat('a.', levels) || 'x'], source => true) -> '_source'
		= (repeat('{"a":', levels) || '{}' || repeat('}', levels))::jsonb;
EXCEPTION WHEN statement_too_complex THEN
	RETURN true;
END $$;
SELECT kz_create('fields', 'doc', (repeat('{"a":', 5000) || '{"x": 1}' || repeat('}', 5000))::jsonb, 'deep') -> '_version' AS version;
SET max_stack_depth = '100kB';
SELECT pg_temp.removed_or_refused(5000);
RESET max_stack_depth;
SELECT pg_temp.removed_or_refused(5000);

-- stray brackets and dots mean what they mean to lodash (each on what the one before it left)
SELECT kz_create('fields', 'doc', '{"": null, "[": {"a": 2}, "b": {"a]b": true}, "c": "s", "a.b": ""}', 'stray') -> '_version' AS version;
SELECT path, kz_delete_fields('fields', 'doc', 'stray', ARRAY[path], source => true)->'_source' AS source
FROM (VALUES ('["b"].a]b'), ('[.a'), ('].'), ('["c"]]'), ('["a.b"][')) AS paths(path)
ORDER BY path COLLATE "C";

-- a long path costs no more than its length
SET statement_timeout = '5s';
SELECT kz_delete_fields('fields', 'doc', 'stray', ARRAY[repeat('[', 200000), repeat('["', 200000), repeat('[''\', 200000),
	repeat('.', 200000), repeat('[]', 200000)], source => true) ? '_source' AS done;
RESET statement_timeout;


-- many at once, as if one after the other: a root key that is gone wins no longer
SELECT kz_create('fields', 'doc', '{"a.b": 1, "a": {"b": 2, "c": [1, 2, {"d": 3, "e": 4}], "f": {"g": 1}}}', 'several') -> '_version' AS created;
SELECT kz_delete_fields('fields', 'doc', 'several', '{a.b, a.b, a.c[2].d, "a[''c''][0]", a.c.9, a.c[0].x, a.f, a.f.g, none}', source => true) -> '_source' AS rest;
SELECT kz_delete_fields('fields', 'doc', 'several', '{a.c[1], a}', source => true) -> '_source' AS rest;
SELECT kz_create('fields', 'doc', '{"a.b": 1, "a": {"b": 2}}', 'quoted') -> '_version' AS created;
SELECT kz_delete_fields('fields', 'doc', 'quoted', '{"[\"a.b\"]", a.b}', source => true) -> '_source' AS rest;

-- thousands of a large document
SELECT kz_create('fields', 'doc', (SELECT jsonb_object_agg('k' || g, g) FROM generate_series(1, 20000) g), 'large') -> '_version' AS created;
SET statement_timeout = '10s';
SELECT kz_delete_fields('fields', 'doc', 'large', (SELECT array_agg('k' || g) FROM generate_series(2, 20000) g), source => true) -> '_source' AS rest;
RESET statement_timeout;

SELECT kz_delete_index('fields');
