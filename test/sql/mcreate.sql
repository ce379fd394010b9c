/*
 * kz_mcreate: creates documents; an id that is stored already is an error of
 * that document.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mcreate', 'doc');

-- the entries of an answer, as they are listed
CREATE FUNCTION pg_temp.entries(answer jsonb, OUT list text, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT list, entry
	FROM (VALUES (1, 'errors'), (2, 'successes')) AS l (ord, list), jsonb_array_elements(answer -> list) WITH ORDINALITY AS e (entry, n)
	ORDER BY l.ord, n
$$;
-- those with generated ids, which are shown as what they should be
CREATE FUNCTION pg_temp.generated(answer jsonb, OUT list text, OUT entry jsonb) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT list, CASE WHEN entry ->> '_id' ~ '^[A-Za-z0-9_-]{20}$' THEN entry || '{"_id": "generated"}' ELSE entry END
	FROM pg_temp.entries(answer)
$$;

SELECT kz_mcreate('mcreate', 'doc', '[{"_id": "a", "body": {"n": 1}}]');
-- the answer has the order of the request
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc',
	'[{"_id": "d", "body": {"n": 4}}, {"_id": "c", "body": {"n": 3}}, {"_id": "b", "body": {}}]'));
SELECT * FROM mcreate.doc ORDER BY _id;

-- no id, or what JavaScript takes for none: one is generated
SELECT * FROM pg_temp.generated(kz_mcreate('mcreate', 'doc', '[{"body": {"i": 0}}, {"_id": null, "body": {"i": 1}}, {"_id": "", "body": {"i": 2}},
	{"_id": 0, "body": {"i": 3}}, {"_id": false, "body": {"i": 4}}, {"_id": 0.00, "body": {"i": 5}}]'));
SELECT count(DISTINCT _id) FROM mcreate.doc WHERE _source ? 'i';

-- entries that are wrong by themselves: not an object, no body, a body or an id of the wrong type;
-- the body is looked at first; the error has the entry as it was sent, whole
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[1, "text", null, true, [], [{"body": {}}], {},
	{"_id": "x1"}, {"_id": "x2", "body": null}, {"_id": "x3", "body": []}, {"_id": "x4", "body": "{}"}, {"_id": "x5", "body": 0},
	{"_id": "x6", "changes": {}}, {"_id": "x7", "_source": {}, "extra": {"k": [1.00]}}, {"_id": 7, "body": 1},
	{"_id": 7, "body": {"n": 1}}, {"_id": -1.50, "body": {}}, {"_id": true, "body": {}}, {"_id": {}, "body": {}}, {"_id": ["a"], "body": {}}]'));

-- errors come by pass: what is wrong by itself, what is stored already, what storing finds; in each the order of the request
SELECT entries.* FROM kz_mcreate('mcreate', 'doc', jsonb_insert('[{"_id": "f", "body": {"n": 6}}, {"_id": "c", "body": {"new": 1}}, {"_id": "z"},
	{"_id": "e", "body": {"n": 5}, "extra": 1},
	{"_id": "a", "body": {}, "extra": 2}, {"_id": 1, "body": {}}]', '{1}', jsonb_build_object('_id', repeat('x', 513), 'body', '{}'::jsonb))) AS answer,
	pg_temp.entries(jsonb_set(answer, '{errors,4,document,_id}', to_jsonb(length(answer #>> '{errors,4,document,_id}')))) AS entries;
SELECT kz_exists('mcreate', 'doc', repeat('é', 256)), kz_mcreate('mcreate', 'doc', jsonb_build_array(
	jsonb_build_object('_id', repeat('é', 256), 'body', '{}'::jsonb))) #> '{successes,0,status}' AS status;

-- all good, all bad, none; none does not even look at the collection
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "b", "body": {"x": 1}}, {"_id": "a", "body": {"x": 1}}, {"_id": "a", "body": {"x": 1}}]'));
SELECT kz_mcreate('mcreate', 'doc', '[]');
SELECT kz_mcreate('mcreate', 'unknown', '[]'), kz_mcreate('unknown', 'unknown', '[]', strict => true);
SELECT kz_mcreate('mcreate', 'unknown', '[{}]');
SELECT kz_mcreate('unknown', 'doc', '[{}]');

-- a new id more than once: what is stored counts, so the others replace the first
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "t", "body": {"n": 1}}, {"_id": "u", "body": {}},
	{"_id": "t", "body": {"m": 2}}, {"_id": "t", "body": {"m": 2}}, {"_id": "t", "body": {"m": 2.0}}]'));
SELECT * FROM mcreate.doc WHERE _id = 't';
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "t", "body": {"n": 1}}, {"_id": "t", "body": {"n": 2}}]'));

-- if_version: 0, or no condition; nothing else can be
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "v0", "body": {}, "if_version": 0}, {"_id": "v1", "body": {}, "if_version": null},
	{"_id": "v2", "body": {}, "if_version": 1}, {"_id": "v3", "body": {}, "if_version": 9007199254740993}, {"_id": "a", "body": {}, "if_version": 1},
	{"_id": "a", "body": {}, "if_version": 0}]'));
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "w", "body": {}, "if_version": -1}, {"_id": "w", "body": {}, "if_version": 0.5},
	{"_id": "w", "body": {}, "if_version": "0"}, {"_id": "w", "body": {}, "if_version": false}, {"_id": "w", "body": {}, "if_version": []},
	{"_id": "w", "body": {}, "if_version": 1e30}, {"_id": 1, "body": {}, "if_version": -1}, {"_id": "w", "body": 1, "if_version": -1}]'));
-- of several entries of one id each has its own
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "w", "body": {"n": 1}, "if_version": 0}, {"_id": "w", "body": {"n": 2}, "if_version": 0},
	{"_id": "w", "body": {"n": 3}, "if_version": 1}, {"_id": "w", "body": {"n": 4}}]'));

-- a strict mapping names the field and where it is
SELECT kz_create_collection('mcreate', 'strict', '{"dynamic": "strict",
	"properties": {"n": {"type": "integer"}, "o": {"properties": {"x": {"type": "keyword"}, "p": {"properties": {"y": {"type": "keyword"}}}}}}}');
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'strict', '[{"_id": "a", "body": {"n": 1, "b": 2}}, {"_id": "b", "body": {"n": 1}},
	{"_id": "c", "body": {"o": {"x": 1, "b": 2}}}, {"_id": "d", "body": {"o": {"p": {"y": 1, "c": {}}}}}, {"_id": "e", "body": {"o": [{"x": 1}, {"z": 1}]}},
	{"_id": "f", "body": {"_kuzzle_info": {"author": "me"}}}]'));
-- what is stored is looked at once, before anything is written: an error in between does not matter
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'strict', '[{"_id": "g", "body": {"n": 1}}, {"_id": "g", "body": {"b": 1}}, {"_id": "g", "body": {"n": 3}},
	{"_id": "h", "body": {"b": 1}}, {"_id": "h", "body": {"n": 1}}, {"_id": "h", "body": {"n": 2}}]'));
SELECT * FROM mcreate.strict ORDER BY _id;

-- source false leaves out the documents; refresh and silent change nothing
SELECT * FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "s1", "body": {"n": 1}}, {"_id": "s1", "body": {"n": 2}}, {"_id": "a", "body": {"n": 3}}]',
	refresh => 'wait_for', silent => true, source => false));

-- strict: one error, and nothing is written
SELECT kz_mcreate('mcreate', 'doc', '[{"_id": "st1", "body": {}}, {"_id": "a", "body": {}}, {"body": 1}, {"_id": "st2", "body": {}}]', strict => true);
SELECT count(*) FROM mcreate.doc WHERE _id LIKE 'st%';
SELECT kz_mcreate('mcreate', 'doc', '[{"_id": "st1", "body": {}}, {"_id": "st2", "body": {}}]', strict => true, source => false);

-- metadata with a kuid: author and createdAt; what the caller sends is dropped; the error has none
CREATE FUNCTION pg_temp.stamped(entry jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_set(entry, '{_source,_kuzzle_info,createdAt}',
		to_jsonb(abs((entry #>> '{_source,_kuzzle_info,createdAt}')::numeric - extract(epoch FROM now()) * 1000) < 10000)), entry)
$$;
SELECT list, pg_temp.stamped(entry) AS entry FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "k1", "body": {"n": 1}},
	{"_id": "k2", "body": {"_kuzzle_info": {"author": "forged", "more": 1}}}, {"_id": "a", "body": {"n": 1}}]', kuid => 'ada'));
SELECT list, entry FROM pg_temp.entries(kz_mcreate('mcreate', 'doc', '[{"_id": "k3", "body": {"_kuzzle_info": {"author": "data"}}}]'));

-- NULL for an option is its default
SELECT kz_mcreate('mcreate', 'doc', '[{"_id": "n", "body": {"n": 1}}, {"_id": "a", "body": {}}]', refresh => NULL, silent => NULL, kuid => NULL,
	strict => NULL, source => NULL);

SELECT kz_delete_index('mcreate');
