--
-- MILVUS_FILTER
-- Filters of Milvus: what they find, what nothing is known about, and what is refused.
--
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only

SELECT kz_milvus('/v2/vectordb/collections/create', '{"collectionName": "f", "schema": {"enableDynamicField": true, "fields": [
	{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "b", "dataType": "Bool", "nullable": true},
	{"fieldName": "n", "dataType": "Int32", "nullable": true},
	{"fieldName": "f", "dataType": "Float", "nullable": true},
	{"fieldName": "s", "dataType": "VarChar", "nullable": true, "elementTypeParams": {"max_length": 100}},
	{"fieldName": "j", "dataType": "JSON", "nullable": true},
	{"fieldName": "a", "dataType": "Array", "nullable": true, "elementDataType": "Int64", "elementTypeParams": {"max_capacity": 4}},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": "2"}}]}}');
SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"collectionName": "f", "data": [
	{"id": 1, "v": [1, 2], "a": [1, 2], "j": {"q": 1, "l": [1, [2, 3]], "o": {}}, "b": true, "f": 1.5, "n": 10, "s": "abc", "k": 5, "tags": ["x", "y"], "big": 9007199254740993},
	{"id": 2, "v": [1, 2], "a": [3], "j": {"q": "one"}, "b": false, "f": 2, "n": 20, "s": "a_c%", "k": "5", "tags": "x", "big": 9007199254740992},
	{"id": 3, "v": [1, 2], "n": 5, "k": 5.0, "e": {"x": [null, {}]}, "s": "back\\\\slash"},
	{"id": 4, "v": [1, 2], "s": "zeta", "f": -1}]}');
-- Stored with plain SQL, unfit for the schema in all ways: no filter may fail on it.
INSERT INTO "default".f VALUES ('-7', 1, '{"id": "x", "n": "ten", "f": [], "s": 5, "b": "yes", "j": null, "a": {}, "k": {"k": 1}}'), ('odd', 1, '[1]');

-- the keys of what a filter finds, or why it is refused
CREATE FUNCTION pg_temp.found(filter text, params jsonb DEFAULT '{}', collection text DEFAULT 'f') RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(a->>'message', '-> ' || (SELECT coalesce(string_agg(coalesce(e->>'id', 'null'), ','), 'none') FROM jsonb_array_elements(a->'data') AS e))
	FROM kz_milvus('/v2/vectordb/entities/query', jsonb_build_object('collectionName', collection, 'filter', filter,
		'outputFields', '["id"]'::jsonb, 'exprParams', params)) AS a
$$;
CREATE FUNCTION pg_temp.show(VARIADIC filters text[]) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', filter, replace(replace(pg_temp.found(filter), 'failed to create query plan: cannot parse expression: ' || filter || ', ', ''), ': invalid parameter', ''))
	FROM unnest(filters) AS filter
$$;

-- the primary key
SELECT pg_temp.show(
	'id == 1',
	'1 == id',
	'id in [1,3,99]',
	'id not in [1]',
	'id > 2',
	'id != 2',
	'1 < id <= 3',
	'5 >= id > 1',
	'id in []',
	'id == -7',
	'id == 9223372036854775807',
	'id == -9223372036854775808',
	'id == 9223372036854775808',
	'id == 1.5',
	'id == "1"',
	'id like "1"');

-- integers; of null nothing is known
SELECT pg_temp.show(
	'n == 10',
	'n != 10',
	'not (n == 10)',
	'not n == 10',
	'n in [10,5]',
	'n not in [10]',
	'n > 6 and n < 15',
	'6 < n <= 20',
	'20 >= n > 5',
	'n is null',
	'n is not null',
	'n IS NOT NULL',
	'n > 1.5',
	'n in [1.5]',
	'n == 0x0A',
	'n == 012',
	'n == 0b1010',
	'n == "10"',
	'n == true',
	'-5 < n',
	'n == 08',
	'n == 0b2',
	'n == 10a');

-- floats
SELECT pg_temp.show(
	'f > 1.5',
	'f == 2',
	'f >= 1',
	'f == 1.5e0',
	'f < .5',
	'f == 15e-1',
	'f == 1.',
	'f == 0x1.8p0',
	'f > 1e400',
	'f > 1e308',
	'f in [2, 1.5]');

-- strings
SELECT pg_temp.show(
	's == "abc"',
	's == ''abc''',
	's > ''b''',
	's like "a%"',
	's like "a\_%"',
	's like "a\\_%"',
	's like "%\\%"',
	's like "a\\_c\\%"',
	's like "%\\\\%"',
	's like "back%\\slash"',
	's like "BACK%"',
	's like "a_c%"',
	's in ["abc", "zeta"]',
	's not in ["abc"]',
	's == 5',
	's == "\x61bc"',
	's == "\141bc"',
	's == "\u0061bc"',
	's == "\u00e9"',
	's == "\x00"',
	's == "\xff"',
	's == "\ud800"',
	's == "\q"',
	's == "abc',
	E's == "a\nb"');

-- booleans
SELECT pg_temp.show(
	'b == true',
	'b == True',
	'b == TRUE',
	'b != true',
	'b == false',
	'b',
	'not b',
	'b > true',
	'b in [true]',
	'b == 1');

-- dynamic keys: what is not there is different
SELECT pg_temp.show(
	'k == 5',
	'k != 5',
	'k > 4',
	'k <= 5',
	'k in [5,"5"]',
	'k not in [5]',
	'k like "5"',
	'not (k == 5)',
	'nokey != 1',
	'nokey == 1',
	'nokey > 1',
	'nokey in [1]',
	'nokey not in [1]',
	'nokey is null',
	'k is null',
	'k is not null',
	'big == 9007199254740993',
	'big > 9007199254740992',
	'$meta["k"] == 5',
	'$meta["n"] == 5',
	'$meta == 5',
	'$meta[0] == 5',
	'k["k"] == 1',
	'k == [5]',
	'tags == "x"',
	'tags[0] == "x"');

-- JSON
SELECT pg_temp.show(
	'j["q"] == 1',
	'j["q"] != 1',
	'not (j["q"] == 1)',
	'j["l"][1][0] == 2',
	'j[''q''] == "one"',
	'j["q"] in [1, "one"]',
	'j is null',
	'j is not null',
	'j["q"] is null',
	'j["nope"] != 1',
	'j == 1',
	'n["x"] == 1',
	'j[-1] == 1',
	'j["q" == 1');

-- exists
SELECT pg_temp.show(
	'exists k',
	'exists nokey',
	'exists e',
	'exists j["q"]',
	'exists j["o"]',
	'EXISTS k',
	'not exists k',
	'exists j',
	'exists n',
	'exists 1');

-- arrays
SELECT pg_temp.show(
	'json_contains(j["l"], 1)',
	'json_contains(j["l"], 1.0)',
	'json_contains(j["l"], "1")',
	'json_contains(j["l"], [2,3])',
	'json_contains(j["l"], [3])',
	'json_contains_any(tags, ["x","q"])',
	'ARRAY_CONTAINS_ALL(tags, ["x","y"])',
	'json_contains_all(j["l"], [1, [2, 3]])',
	'json_contains(tags, "x")',
	'not json_contains(tags, "x")',
	'array_contains(a, 3)',
	'not array_contains(a, 3)',
	'array_contains_any(a, [3, 1])',
	'array_length(a) == 2',
	'array_length(tags) > 1',
	'array_length(tags) != 2',
	'ARRAY_LENGTH(j["l"]) < 3',
	'a[0] == 1',
	'a[9] == 1',
	'a[0] == 1.5',
	'a == [3]',
	'a != [3]',
	'a["x"] == 1',
	'a in [1]',
	'json_contains_any(tags, [])',
	'json_contains_any(tags, "x")',
	'json_contains(n, 1)',
	'array_length(n) == 1',
	'array_length(a) == "2"');

-- arithmetic
SELECT pg_temp.show(
	'n + 5 == 15',
	'n - 5 == 5',
	'n * 2 > 25',
	'n % 3 == 2',
	'n / 3 == 3',
	'f / 2 == 0.75',
	'k * 2 == 10',
	'k * 2 != 10',
	'5 + n == 15',
	'2 ** 3 == 8',
	'n == 2 ** 3 + 2',
	'n == 5 + 5 * 1',
	'n == (5 + 5)',
	'n ** 2 == 4',
	'n + n == 20',
	'n + 1 + 1 == 12',
	'n / 0 == 1',
	'n % 0 == 1',
	'n % 1.5 == 1',
	's + 1 == 2',
	'1 / 0 == 1',
	'9223372036854775807 + 1 == n',
	'1e308 * 10 == f',
	'- n == 3',
	'+5 == n',
	'n == - - 10',
	'n == -(-10)');

-- what could be computed wrongly, or not at all
INSERT INTO "default".f VALUES ('9007199254740992', 1, '{"id": 9007199254740992, "k": 1e131000, "f": -1e131000, "list": [10, 20, 30], "o": {"-1": 7}, "deep": {"x": 1}}');
UPDATE "default".f SET _source = jsonb_set(_source, '{deep}', (repeat('[', 2000) || repeat(']', 2000))::jsonb) WHERE _id = '9007199254740992';
SELECT pg_temp.show(
	'k * 1e308 > 1',
	'k / 1e-308 != 1',
	'f * 1e308 < 1',
	'id == 2 ** 53',
	'2 ** 62 == 4611686018427387904',
	'2 ** -1 == 0.5',
	'0 ** -1 == 1',
	'0x1p53 == 9007199254740992',
	'list["-1"] == 30',
	'list["01"] == 20',
	'list["1"] == 20',
	'list[1] == 20',
	'o["-1"] == 7',
	'$metalist == 1',
	'n + 1.5 == 11.5',
	'n + 1 == 1.5',
	'f % 2 == 1',
	'array_length(a) == 1.5',
	'array_contains(a, "x")',
	'array_contains_any(a, [1, 1.5])',
	'array_contains(a, [1])',
	'a == ["x"]',
	'match_least(a, 1)',
	'json_contains_any(list, [1, 2, 3, 4, 5, 6, 7, 8, 9, 30])',
	'not json_contains_any(list, [1, 2, 3, 4, 5, 6, 7, 8, 9, 30])',
	'json_contains_any(j["l"], [7, [2, 3.0]])',
	'json_contains_all(j["l"], [[2, 3], 4])');
SELECT pg_temp.found('k * {x} > 1', '{"x": 1e131000}');
SELECT pg_temp.found('{x} * {x} > 1', '{"x": 1e308}');
SELECT pg_temp.found('id == {x}', '{"x": 9223372036854775808}');
SET max_stack_depth = '250kB';
SELECT pg_temp.found('exists deep');
RESET max_stack_depth;
DELETE FROM "default".f WHERE _id = '9007199254740992';

-- fields with fields
SELECT pg_temp.show(
	'n < id',
	'n > id',
	'f > n',
	's == s',
	'b == b',
	's < n',
	'k == n',
	'j == n',
	'a == a',
	'b < b');

-- and, or, not
SELECT pg_temp.show(
	'n == 10 || n == 5 && id == 3',
	'(n == 10 || n == 5) && id == 3',
	'n == 10 and true',
	'n == 10 or true',
	'n == 10 OR n == 5',
	'n == 10 AND n == 5',
	'!(n == 10)',
	'not not (n==10)',
	'not (n > 100)',
	'not (n > 100 or k == 5)',
	'n is null or n == 5',
	'n == 10 and',
	'and',
	'n == 10 or or n == 5',
	'(((n == 10)))',
	'n == 10)',
	'((n == 10)',
	'()',
	'not',
	'(n == 10) == true',
	'1 and 2');

-- constants
SELECT pg_temp.show(
	'1 == 1',
	'true',
	'false',
	'not false',
	'"a" == "a"',
	'"a" < "b"',
	'1 < 2',
	'1 == "1"',
	'1 in [1]',
	'5',
	'"x"',
	'[1]',
	'');

-- what is read and refused, and what is not even read
SELECT pg_temp.show(
	'n & 1 == 1',
	'n | 1 == 1',
	'n ^ 1 == 1',
	'n << 1 == 2',
	'n >> 1 == 2',
	'n = 1',
	'n <> 1',
	'n == 1;',
	'n == 1 -- x',
	'n == @',
	'text_match(s, "x")',
	'phrase_match(s, "x", 1)',
	'random_sample(0.1)',
	'ST_WITHIN(s, "x")',
	'nope(s)',
	'v == 1',
	'v is null',
	's == "a'' or 1=1; --"',
	's == ''x'''' or true or s == ''''y''',
	'n in [1,',
	'n in [1 2]',
	'n in 1',
	'n in [n]',
	'n in [[1]]',
	'n like "1"',
	's like n',
	's like 5',
	'1 is null',
	'n not null',
	'n is',
	'n not like "x"',
	'k[',
	'k[]',
	'é == 1',
	'n == 1 é');

-- values beside the filter
SELECT pg_temp.found('id == {x}', '{"x": 3}');
SELECT pg_temp.found('id in {x}', '{"x": [3, 4]}');
SELECT pg_temp.found('s == {x}', '{"x": "zeta''; DROP"}');
SELECT pg_temp.found('s == {x} or f > {y}', '{"x": "zeta", "y": 1.75}');
SELECT pg_temp.found('b == {x}', '{"x": true}');
SELECT pg_temp.found('n == {x}', '{"x": 10.0}');
SELECT pg_temp.found('n == {x}', '{"x": "10"}');
SELECT pg_temp.found('n == {x}', '{"y": 10}');
SELECT pg_temp.found('n == {x}', '{"x": null}');
SELECT pg_temp.found('n == {x}', '{"x": {}}');
SELECT pg_temp.found('n == {x', '{"x": 10}');
SELECT kz_milvus('/v2/vectordb/entities/query', '{"collectionName": "f", "filter": "n == {x}", "exprParams": []}');

-- many and deep
SELECT pg_temp.found('id in [' || string_agg(i::text, ',') || ']') FROM generate_series(2, 20000) AS i;
SELECT pg_temp.found('n in [' || string_agg(i::text, ',') || ',]') FROM generate_series(6, 20000) AS i;
SELECT pg_temp.found('k not in [' || string_agg(i::text, ',') || ']') FROM generate_series(6, 20000) AS i;
SELECT pg_temp.found(string_agg('n == ' || i, ' or ')) FROM generate_series(6, 3000) AS i;
SELECT pg_temp.found(string_agg('n != ' || i, ' and ')) FROM generate_series(6, 3000) AS i;
SELECT pg_temp.found(repeat('(', 190) || 'n == 10' || repeat(')', 190));
SELECT right(pg_temp.found(deep), 70) FROM (VALUES (repeat('(', 10000) || 'n == 10' || repeat(')', 10000)), (repeat('not ', 10000) || 'n == 10'),
	(repeat('!', 10000)), (repeat('-', 10000) || '1 == n'), ('n in ' || repeat('[', 10000)), (repeat('json_contains(', 10000)), (repeat('2 ** ', 10000) || '1 == n'),
	(repeat('exists ', 10000))) AS v (deep);
SELECT length(pg_temp.found('k' || repeat('["k"]', 10000) || ' == 1'));

-- a schema without dynamic fields, with a key of text
SELECT kz_milvus('/v2/vectordb/collections/create', '{"collectionName": "t", "schema": {"fields": [
	{"fieldName": "id", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": {"max_length": 100}},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
SELECT kz_milvus('/v2/vectordb/entities/insert', '{"collectionName": "t", "data": [{"id": "é", "v": [1, 2]}, {"id": "a", "v": [1, 2]}, {"id": "B", "v": [1, 2]}, {"id": "10", "v": [1, 2]}]}');
SELECT filter, pg_temp.found(filter, collection => 't') FROM unnest(ARRAY['', 'id == "a"', 'id > "B"', 'id <= "B"', 'id in ["a", "é"]', 'id like "_"', 'id != "a"', 'id == 10', 'x == 1', '$meta["x"] == 1', 'exists x']) AS filter;

-- the index is used for the key
SET enable_seqscan = off;
BEGIN;
SELECT pg_temp.found('id in [1, 2] and n == 10');
SELECT pg_stat_get_xact_numscans(indexrelid) > 0 FROM pg_index WHERE indrelid = '"default".f'::regclass;
COMMIT;
RESET enable_seqscan;

-- delete: what the filter finds, by its keys or not; never everything
CREATE FUNCTION pg_temp.delete(filter text) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', filter, a->>'code', a->'data'->>'deleteCount', a->>'message', (SELECT string_agg(_id, ',' ORDER BY _id) FROM "default".f))
	FROM kz_milvus('/v2/vectordb/entities/delete', jsonb_build_object('collectionName', 'f', 'filter', filter)) AS a
$$;
SELECT pg_temp.delete(filter) FROM unnest(ARRAY['   ', 'true', '1 == 1', 'n == 10 or true', 'n == ', 'id in [99, 98]', 'n == 10', 'id == 2', 'id in [3, 3, 99]', 'nokey != 1']) AS filter;
SELECT string_agg(_id, ',' ORDER BY _id) FROM "default".f;

SELECT kz_delete_index('default');
