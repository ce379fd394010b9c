--
-- KUZZLE_MDOCUMENT
-- The actions of Kuzzle's document controller for many documents.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- what the answer to a request about zoo.cats comes to: its status with the
-- result, or with the id and the message of the error; times and generated ids
-- are told by a name
CREATE FUNCTION pg_temp.ask(action text, args jsonb DEFAULT '{}', kuid text DEFAULT '-1') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := kz_request(jsonb_build_object('controller', split_part(action, ':', 1),
		'action', split_part(action, ':', 2), 'index', 'zoo', 'collection', 'cats') || args, kuid);
	error jsonb := answer->'error';
	told text := CASE WHEN error = 'null' THEN concat_ws(' ', answer->>'status', answer->'result')
		ELSE concat_ws(' ', error->>'status', error->>'id', error->>'message', error->>'errors') END;
BEGIN
	told := regexp_replace(told, '"(createdAt|updatedAt)": \d{13}\M', '"\1": now', 'g');
	RETURN regexp_replace(told, '"_id": "[-\w]{20}"', '"_id": generated', 'g');
END $$;

-- the same, a line for each entry
CREATE FUNCTION pg_temp.list(action text, args jsonb, kuid text DEFAULT '-1') RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	told text := pg_temp.ask(action, args, kuid);
	result jsonb := CASE WHEN told LIKE '200 %' THEN replace(substr(told, 5), ': now', ': "now"')::jsonb END;
BEGIN
	IF result IS NULL THEN
		RETURN NEXT told;
	ELSE
		RETURN QUERY SELECT key || ': ' || entry
		FROM jsonb_each(result) AS lists (key, list), jsonb_array_elements(list) WITH ORDINALITY AS entries (entry, ord)
		ORDER BY key DESC, ord;
	END IF;
END $$;

SELECT kz_create_collection('zoo', 'cats');
SELECT kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}');

-- mCreate
SELECT pg_temp.list('document:mCreate', '{"body": {"documents": [
	{"_id": "b", "body": {"n": 1}}, {"_id": "a", "body": {"n": 2, "_kuzzle_info": {"author": "mallory"}}}]}}', 'alice');
SELECT pg_temp.list('document:mCreate', '{"body": {"documents": [
	{"_id": "b", "body": {"n": 3}}, {"_id": "c", "body": []}, {"_id": "d"}, {"_id": "e", "body": {"n": 4}, "more": true}, {"body": null}, {"_id": "a", "body": {}}, {"_id": "f", "body": "text"}]}}');
SELECT pg_temp.ask('document:mCreate', '{"body": {"documents": [{"body": {"n": 1}}]}}');
SELECT pg_temp.ask('document:mCreate', '{"body": {"documents": [{"_id": "", "body": {"n": 2}}]}}');
SELECT pg_temp.ask('document:mCreate', '{"body": {"documents": [{"_id": null, "body": {"n": 3}}]}}');
-- the same id twice: the second overwrites the first
SELECT pg_temp.list('document:mCreate', '{"body": {"documents": [{"_id": "twice", "body": {"n": 1}}, {"_id": "twice", "body": {"m": 2}}]}}', 'alice');
SELECT pg_temp.ask('document:get', '{"_id": "twice"}');

-- mCreateOrReplace: author and createdAt are new
SELECT pg_temp.list('document:mCreateOrReplace', '{"body": {"documents": [
	{"_id": "a", "body": {"n": 5, "_kuzzle_info": 1}}, {"_id": "g", "body": {}}, {"_id": 7, "body": {"n": 7}}, {"_id": true, "body": {"n": 8}}, {"_id": "h", "body": 1}]}}', 'bob');
SELECT pg_temp.list('document:mCreateOrReplace', '{"source": false, "body": {"documents": [{"_id": "a", "body": {"n": 6}}, {"_id": "h", "body": {}}]}}');
SELECT pg_temp.list('document:mCreateOrReplace', '{"source": "false", "body": {"documents": [{"_id": "a", "body": {"n": 7}}]}}');
SELECT pg_temp.list('document:mCreateOrReplace', '{"source": true, "body": {"documents": [{"_id": "a", "body": {"n": 8}}]}}');
SELECT pg_temp.ask('document:mCreateOrReplace', '{"body": {"documents": [{"body": {"n": 1}}, {"_id": "", "body": {"n": 1}}, {"_id": 0, "body": {"n": 1}}]}}');

-- mReplace
SELECT pg_temp.list('document:mReplace', '{"body": {"documents": [
	{"_id": "none", "body": {"n": 1}}, {"_id": "a", "body": {"m": 1, "_kuzzle_info": {"author": "mallory"}}}, {"_id": 1, "body": {}}, {"body": {}}, {"_id": "b", "body": []}, {"_id": 2}]}}', 'carol');

-- mUpdate: successes have the document as a whole
SELECT pg_temp.list('document:mUpdate', '{"body": {"documents": [
	{"_id": "none", "body": {"n": 1}}, {"_id": "a", "body": {"n": 1, "_kuzzle_info": {"author": "mallory"}}}, {"_id": 1, "body": {}}, {"body": {"x": 1}}, {"_id": "b", "body": null},
	{"_id": "a", "body": {"o": {"p": null}}}, {"_id": "", "body": {"x": 2}}]}}', 'dave');

-- mUpsert: the default wins over the changes, and counts for new documents only
SELECT pg_temp.list('document:mUpsert', '{"body": {"documents": [
	{"_id": "a", "changes": {"o": {"q": 1}, "_kuzzle_info": {"author": "mallory"}}, "default": {"never": 1}},
	{"_id": "new", "changes": {"n": 1, "o": {"x": 1, "y": 1}}, "default": {"n": 2, "d": 1, "o": {"x": 2}, "_kuzzle_info": {"author": "mallory"}}},
	{"_id": "new2", "changes": {}},
	{"_id": "new2", "changes": {"n": 1}, "default": {"n": 2}},
	{"_id": "new3", "changes": {"n": 1}, "default": null},
	{"_id": "new4", "changes": {"n": 1}, "default": false},
	{"_id": "new5", "changes": {"n": 1}, "default": ""},
	{"_id": "new6", "changes": {"n": 1}, "default": 0}]}}', 'erin');
SELECT pg_temp.list('document:mUpsert', '{"body": {"documents": [
	{"_id": "x", "changes": []}, {"_id": "x", "body": {}}, {"_id": "x", "changes": {}, "default": 1}, {"_id": "x", "changes": {}, "default": []}, {"changes": {}}, {"_id": 3, "changes": {}},
	{"_id": null, "changes": {}}, {"_id": "", "changes": {}}, {"changes": 1, "default": 1}, {"default": {}}, {"_id": 4, "changes": {}, "default": true}]}}');
SELECT pg_temp.ask('document:exists', '{"_id": "x"}');

-- source is for mCreateOrReplace alone
SELECT ord, pg_temp.ask(action, '{"source": false}' || args, 'erin') FROM (VALUES
	(1, 'document:mCreate', '{"body": {"documents": [{"_id": "sourced", "body": {"n": 1}}]}}'::jsonb),
	(2, 'document:mReplace', '{"body": {"documents": [{"_id": "sourced", "body": {"n": 2}}]}}'),
	(3, 'document:mUpdate', '{"body": {"documents": [{"_id": "sourced", "body": {"n": 3}}]}}'),
	(4, 'document:mUpsert', '{"body": {"documents": [{"_id": "sourced", "changes": {"n": 4}}]}}')
) AS t (ord, action, args) ORDER BY ord;

-- an entry may name the version that it expects
SELECT pg_temp.list('document:mUpdate', '{"body": {"documents": [
	{"_id": "a", "body": {"v": 1}, "if_version": 9}, {"_id": "a", "body": {"v": 2}, "if_version": 9}, {"_id": "g", "body": {"v": 1}, "if_version": "1"}, {"_id": "g", "body": {"v": 1}, "if_version": null},
	{"_id": "b", "body": {}, "if_version": -1}]}}', 'frank');

-- strict mappings: reasons for each document, in the words of Elasticsearch
SELECT pg_temp.list('document:mCreate', '{"collection": "lions", "body": {"documents": [{"_id": "a", "body": {"name": "A"}}, {"_id": "b", "body": {"age": 1}}]}}');
SELECT pg_temp.list('document:mUpdate', '{"collection": "lions", "body": {"documents": [{"_id": "a", "body": {"o": {"p": 1}}}, {"_id": "a", "body": {"name": "AA"}}]}}');
SELECT pg_temp.list('document:mUpsert', '{"collection": "lions", "body": {"documents": [{"_id": "a", "changes": {"age": 1}}, {"_id": "c", "changes": {"name": "C"}, "default": {"age": 1}}]}}');

-- mGet and mExists: the order of the request, duplicates kept; ids from the body or from the arguments
SELECT pg_temp.list('document:mGet', '{"collection": "lions", "body": {"ids": ["none", "a", "a", "nor", "none"]}}');
SELECT pg_temp.list('document:mExists', '{"collection": "lions", "body": {"ids": ["none", "a", "a", "nor", "none"]}}');
SELECT ord, pg_temp.ask('document:mExists', args), pg_temp.ask('document:mGet', '{"collection": "lions"}' || args) FROM (VALUES
	(1, '{"ids": ["a", "none"]}'::jsonb),
	(2, '{"ids": "a,none"}'),
	(3, '{"ids": "a"}'),
	(4, '{"ids": ["none"], "body": {"ids": ["a"]}}'),
	(5, '{"ids": ["none"], "body": {"ids": []}}'),
	(6, '{"ids": ["none"], "body": {}}'),
	(7, '{"body": {"ids": []}}'),
	(8, '{"ids": []}'),
	(9, '{"body": {"ids": [1, 1.50, "1"]}}'),
	(10, '{"body": {"ids": "a"}}'),
	(11, '{"body": {"ids": [null]}}'),
	(12, '{"body": {"ids": [{}]}}'),
	(13, '{"body": {"ids": [true]}}'),
	(14, '{"body": {"ids": [""]}}'),
	(15, '{}'),
	(16, '{"body": {}}'),
	(17, '{"body": ["a"]}'),
	(18, '{"ids": 1}'),
	(19, '{"ids": null}'),
	(20, '{"body": {"ids": null}}'),
	(21, '{"ids": ""}'),
	(22, '{"ids": [null]}'),
	(23, '{"ids": ",a,,"}')
) AS t (ord, args) ORDER BY ord;

-- mDelete: each id once
SELECT pg_temp.list('document:mDelete', '{"body": {"ids": ["none", "c", "new2", 5, "new3", "new2", null, "none", "", true]}}');
SELECT pg_temp.ask('document:mExists', '{"body": {"ids": ["new2", "new3", "new4"]}}');
SELECT ord, pg_temp.ask('document:mDelete', args) FROM (VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {}}'),
	(3, '{"body": {"ids": null}}'),
	(4, '{"body": {"ids": "new4"}}'),
	(5, '{"body": {"ids": []}}'),
	(6, '{"body": ["new4"]}')
) AS t (ord, args) ORDER BY ord;
SELECT pg_temp.ask('document:exists', '{"_id": "new4"}');

-- what documents is, and where it is missing
SELECT ord, action, pg_temp.ask(action, args) FROM
	(VALUES (1, 'document:mCreate'), (2, 'document:mCreateOrReplace'), (3, 'document:mReplace'), (4, 'document:mUpdate'), (5, 'document:mUpsert')) AS actions (ord, action),
	(VALUES
	(1, '{}'::jsonb),
	(2, '{"body": {}}'),
	(3, '{"body": []}'),
	(4, '{"body": {"documents": null}}'),
	(5, '{"body": {"documents": {}}}'),
	(6, '{"body": {"documents": "x"}}'),
	(7, '{"body": {"documents": []}}'),
	(8, '{"documents": []}'),
	(9, '{"body": {"documents": []}, "collection": "nothing"}'),
	(10, '{"body": {"documents": []}, "index": "nowhere"}'),
	(11, '{"body": {"documents": [{"_id": "x", "body": {}, "changes": {}}]}, "collection": "nothing"}'),
	(12, '{"body": {"documents": [{"_id": "x", "body": 1, "changes": 1}]}, "index": "nowhere"}')
) AS t (part, args) ORDER BY ord, part;
SELECT pg_temp.ask('document:mDelete', '{"body": {"ids": []}, "collection": "nothing"}');
SELECT pg_temp.ask('document:mGet', '{"body": {"ids": []}, "collection": "nothing"}');
SELECT pg_temp.ask('document:mExists', '{"body": {"ids": ["a"]}, "index": "nowhere"}');

-- entries that are no objects
SELECT ord, action, pg_temp.ask(action, '{"body": {"documents": [null, 1, "x", true, [], {}]}}') FROM
	(VALUES (1, 'document:mCreate'), (2, 'document:mCreateOrReplace'), (3, 'document:mReplace'), (4, 'document:mUpdate'), (5, 'document:mUpsert')) AS actions (ord, action)
ORDER BY ord;

-- the order of checks: strict, silent, refresh, documents, index, collection, retryOnConflict
SELECT ord, pg_temp.ask('document:mUpsert', args) FROM (VALUES
	(1, '{"strict": 1, "silent": 1}'::jsonb),
	(2, '{"silent": 1, "refresh": 1}'),
	(3, '{"refresh": 1, "body": {}}'),
	(4, '{"body": {}, "index": ""}'),
	(5, '{"body": {"documents": []}, "index": "", "collection": ""}'),
	(6, '{"body": {"documents": []}, "collection": "", "retryOnConflict": "x"}'),
	(7, '{"body": {"documents": []}, "retryOnConflict": "x"}')
) AS t (ord, args) ORDER BY ord;

-- strict: what succeeded stays written, and the answer is an error that has the errors
SELECT jsonb_pretty(kz_request('{"controller": "document", "action": "mCreate", "index": "zoo", "collection": "lions", "strict": true, "body": {"documents": [
	{"_id": "s1", "body": {"name": "1"}}, {"_id": "s2", "body": {"age": 1}}, {"_id": "a", "body": {}}]}}') - 'node' - 'requestId');
SELECT pg_temp.ask('document:mExists', '{"collection": "lions", "body": {"ids": ["s1", "s2"]}}');
SELECT ord, action, pg_temp.ask(action, '{"collection": "lions", "strict": true}' || args) FROM (VALUES
	(1, 'document:mCreate', '{"body": {"documents": [{"_id": "t1", "body": {}}, {"_id": "t2", "body": 1}]}}'::jsonb),
	(2, 'document:mCreateOrReplace', '{"body": {"documents": [{"_id": "t2", "body": {}}, {"_id": "t3", "body": 1}]}}'),
	(3, 'document:mReplace', '{"body": {"documents": [{"_id": "none", "body": {}}, {"_id": "t1", "body": {"name": "R"}}]}}'),
	(4, 'document:mUpdate', '{"body": {"documents": [{"_id": "none", "body": {}}, {"_id": "t2", "body": {"name": "U"}}]}}'),
	(5, 'document:mUpsert', '{"body": {"documents": [{"_id": "t3", "changes": {"name": "P"}}, {"changes": {}}]}}'),
	(6, 'document:mDelete', '{"body": {"ids": ["s1", "none", 1]}}'),
	(7, 'document:mGet', '{"body": {"ids": ["t1", "none"]}}'),
	(8, 'document:mExists', '{"body": {"ids": ["none", "t1"]}}'),
	(9, 'document:mExists', '{"body": {"ids": ["t1"]}}'),
	(10, 'document:mUpsert', '{"body": {"documents": [{"_id": "t3", "changes": {"name": "PP"}}]}, "silent": true}')
) AS t (ord, action, args) ORDER BY ord;
SELECT _id, _version, _source->>'name' AS name FROM zoo.lions ORDER BY _id;

SELECT kz_delete_index('zoo');
