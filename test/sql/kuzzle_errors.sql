--
-- KUZZLE_ERRORS
-- Every error that an action of kz_request answers with: its id, its code and
-- what fills its message. And what PostgreSQL raises: about the one document
-- it is an answer, all else is raised.
--
\set SHOW_CONTEXT never
\pset format unaligned

-- the error that is the answer to a request about zoo.cats; its code as Kuzzle
-- writes it
CREATE FUNCTION pg_temp.error(action text, args jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', error->>'status', error->>'id', '0x' || lpad(to_hex((error->>'code')::int), 8, '0'), error->'props', error->>'message', error->'errors', error->'count',
		CASE WHEN answer->'status' <> error->'status' OR answer->'result' <> 'null' THEN answer::text END)
	FROM (SELECT answer, answer->'error' AS error
		FROM kz_request(jsonb_build_object('controller', split_part(action, ':', 1), 'action', split_part(action, ':', 2),
			'index', 'zoo', 'collection', 'cats') || args) AS answer) AS answers
$$;

SELECT kz_create_collection('zoo', 'cats', '{"properties": {"age": {"type": "integer"}}}');
SELECT kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {}}');
SELECT kz_create('zoo', 'cats', '{}', 'tom');

-- the catalogue
SELECT ord, pg_temp.error(action, args) FROM (VALUES
	(1, 'document:get', '{"_id": "tom", "index": "nowhere"}'::jsonb),
	(2, 'document:get', '{"_id": "tom", "collection": "none"}'),
	(3, 'document:mGet', jsonb_build_object('ids', repeat('x,', 10000) || 'x')),
	(4, 'document:mCreate', jsonb_build_object('body', jsonb_build_object('documents', (SELECT jsonb_agg(1) FROM generate_series(1, 201))))),
	(5, 'document:get', '{"_id": "jerry"}'),
	(6, 'document:get', '{"_id": "_search"}'),
	(7, 'document:create', '{"_id": "tom", "body": {}}'),
	(8, 'document:delete', '{"_id": "tom", "refresh": "true"}'),
	(9, 'collection:create', '{"collection": "new", "body": {"mappings": {"wrong": 1}}}'),
	(10, 'collection:create', '{"collection": "_kuzzle_keep"}'),
	(11, 'collection:update', '{"body": {"mappings": {"properties": {"age": {"type": "text"}}}}}'),
	(12, 'bulk:import', '{"body": {"bulkData": [{"feed": {}}]}}'),
	(13, 'index:create', '{}'),
	(14, 'index:create', '{"index": "Zoo"}'),
	(15, 'collection:create', '{"collection": "Cats"}'),
	(16, 'document:create', '{"collection": "lions", "body": {"age": 1}}'),
	(17, 'bulk:import', '{"body": {"bulkData": [{"update": {"_id": "tom"}}, {"script": "x"}]}}'),
	(18, 'document:get', '{"_id": 1}'),
	(19, 'document:get', '{}'),
	(20, 'document:create', '{}'),
	(21, 'collection:list', '{"type": "other"}'),
	(22, 'document:search', '{"targets": []}'),
	(23, 'zoo:feed', '{}'),
	(24, 'document:feed', '{}'),
	(25, 'document:search', '{"body": {}}'),
	(26, 'document:count', '{"body": {"query": {"match_all": {}}}}'),
	(27, 'server:now', '{"volatile": {"sdkName": "js@6.0.0"}}'),
	(28, 'document:mUpdate', '{"strict": true, "body": {"documents": [{"_id": "jerry", "body": {}}, {"_id": 1, "body": {}}]}}'),
	(29, 'document:mDelete', '{"strict": true, "body": {"ids": ["jerry"]}}'),
	(30, 'document:mExists', '{"strict": true, "ids": "jerry"}')
) AS t (ord, action, args) ORDER BY ord;

-- a quote and a percent sign in what fills a message are text like any other
SELECT pg_temp.error('document:get', '{"_id": "%s \"%1$s\" %2 %n", "index": "zoo"}');

--
-- What PostgreSQL raises about the one document
--
CREATE FUNCTION zoo.no_dogs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW._source ? 'dog' THEN
		RAISE EXCEPTION 'no dogs here, not even "%"', NEW._source->>'dog' USING HINT = 'Try a cat.';
	END IF;
	RETURN CASE WHEN NEW._source ? 'ghost' THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER no_dogs BEFORE INSERT OR UPDATE ON zoo.cats FOR EACH ROW EXECUTE FUNCTION zoo.no_dogs();
ALTER TABLE zoo.cats ADD CONSTRAINT weight_is_positive CHECK ((_source->>'weight')::numeric > 0);
CREATE UNIQUE INDEX one_owner ON zoo.cats ((_source->>'owner'));
SELECT kz_upsert('zoo', 'cats', 'felix', '{"owner": "pat"}');

SELECT ord, action, pg_temp.error(action, args) FROM (VALUES
	(1, 'document:create', '{"_id": "a", "body": {"weight": 0}}'::jsonb),
	(2, 'document:create', '{"_id": "a", "body": {"weight": "heavy"}}'),
	(3, 'document:create', '{"_id": "a", "body": {"owner": "pat"}}'),
	(4, 'document:create', '{"_id": "a", "body": {"dog": "Spike"}}'),
	(5, 'document:create', '{"_id": "a", "body": {"ghost": true}}'),
	(6, 'document:createOrReplace', '{"_id": "tom", "body": {"weight": -1}}'),
	(7, 'document:replace', '{"_id": "tom", "body": {"owner": "pat"}}'),
	(8, 'document:update', '{"_id": "tom", "body": {"dog": "Butch"}}'),
	(9, 'document:upsert', '{"_id": "tom", "body": {"changes": {"owner": "pat"}}}'),
	(10, 'document:upsert', '{"_id": "a", "body": {"changes": {}, "default": {"weight": 0}}}'),
	(11, 'document:update', '{"_id": "tom", "body": {"ghost": true}}'),
	(12, 'bulk:write', '{"_id": "tom", "body": {"weight": 0}}'),
	(13, 'document:mUpsert', '{"strict": true, "body": {"documents": [{"_id": "a", "changes": {"weight": 0}}, {"_id": "b", "changes": {"weight": 1}}, {"_id": "c", "changes": {"owner": "pat"}}, {"_id": "d", "changes": {"dog": "Tyke"}}, {"_id": "e", "changes": {"ghost": 1}}]}}')
) AS t (ord, action, args) ORDER BY ord;
SELECT kz_request('{"controller": "document", "action": "mCreate", "index": "zoo", "collection": "cats", "body": {"documents": [{"_id": "f", "body": {"weight": 0}}, {"_id": "g", "body": {"owner": "pat"}}, {"_id": "b", "body": {}}]}}')->'result' AS result;
SELECT kz_request('{"controller": "bulk", "action": "import", "index": "zoo", "collection": "cats", "body": {"bulkData": [{"index": {"_id": "f"}}, {"weight": 0}, {"create": {"_id": "h"}}, {"weight": 2}, {"update": {"_id": "h"}}, {"doc": {"dog": "Spike"}}]}}')->'result' AS result;
SELECT _id, _version, _source - '_kuzzle_info' AS source FROM zoo.cats ORDER BY _id;

-- the transaction goes on after such an answer
BEGIN;
SELECT pg_temp.error('document:create', '{"_id": "i", "body": {"weight": 0}}');
SELECT kz_request('{"controller": "document", "action": "create", "index": "zoo", "collection": "cats", "_id": "i", "body": {"weight": 3}}')#>'{result,_version}' AS version;
SELECT pg_temp.error('document:update', '{"_id": "i", "body": {"owner": "pat"}}');
COMMIT;
SELECT kz_exists('zoo', 'cats', 'i');
DROP TRIGGER no_dogs ON zoo.cats;
DROP FUNCTION zoo.no_dogs();

-- a policy
CREATE ROLE regress_kz_warden;
GRANT USAGE ON SCHEMA zoo TO regress_kz_warden;
GRANT SELECT, INSERT, UPDATE, DELETE ON zoo.cats TO regress_kz_warden;
ALTER TABLE zoo.cats ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON zoo.cats USING (_source->>'warden' = current_user);
SET ROLE regress_kz_warden;
SELECT kz_request('{"controller": "document", "action": "create", "index": "zoo", "collection": "cats", "_id": "mine", "body": {"warden": "regress_kz_warden"}}')#>'{result,_version}' AS version;
RESET ROLE;
CREATE FUNCTION pg_temp.as_warden(action text, args jsonb) RETURNS text LANGUAGE plpgsql SET role = 'regress_kz_warden' AS $$
BEGIN
	RETURN (kz_request(jsonb_build_object('controller', split_part(action, ':', 1), 'action', split_part(action, ':', 2),
			'index', 'zoo', 'collection', 'cats') || args)->'error') - 'props';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || replace(SQLERRM, current_database(), 'of the tests');
END $$;
SELECT ord, pg_temp.as_warden(action, args) FROM (VALUES
	(1, 'document:create', '{"_id": "theirs", "body": {}}'::jsonb),
	(2, 'document:update', '{"_id": "mine", "body": {"warden": "other"}}'),
	(3, 'document:upsert', '{"_id": "theirs", "body": {"changes": {}}}'),
	(4, 'document:get', '{"_id": "felix"}'),
	(5, 'document:update', '{"_id": "felix", "body": {}}'),
	(6, 'document:create', '{"_id": "felix", "body": {"warden": "regress_kz_warden"}}'),
	(7, 'document:upsert', '{"_id": "felix", "body": {"changes": {"warden": "regress_kz_warden"}}}')
) AS t (ord, action, args) ORDER BY ord;
ALTER TABLE zoo.cats DISABLE ROW LEVEL SECURITY;

-- a conflict: another write of the same id came first
CREATE FUNCTION zoo.interfere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kz_create('zoo', 'lions', '{}', NEW._id);
	RETURN NEW;
END $$;
CREATE TRIGGER interfere BEFORE INSERT ON zoo.lions FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION zoo.interfere();
SELECT pg_temp.error('document:upsert', '{"collection": "lions", "_id": "a", "retryOnConflict": 0, "body": {"changes": {}}}');
SELECT pg_temp.error('document:create', '{"collection": "lions", "_id": "a3", "body": {}}');
SELECT _id FROM zoo.lions ORDER BY _id;
-- upsert retries ten times unless told otherwise, mUpsert never
SELECT ord, kz_request(jsonb_build_object('controller', 'document', 'action', action, 'index', 'zoo', 'collection', 'lions') || args) #> path AS part FROM (VALUES
	(1, 'upsert', '{"_id": "b", "body": {"changes": {}}}'::jsonb, '{result}'::text[]),
	(2, 'upsert', '{"_id": "c", "retryOnConflict": "1", "body": {"changes": {}}}', '{result}'),
	(3, 'mUpsert', '{"body": {"documents": [{"_id": "d", "changes": {}}]}}', '{result,errors}'),
	(4, 'mUpsert', '{"retryOnConflict": 1, "body": {"documents": [{"_id": "e", "changes": {}}]}}', '{result,errors}')
) AS t (ord, action, args, path) ORDER BY ord;
DROP TRIGGER interfere ON zoo.lions;
DROP FUNCTION zoo.interfere();

--
-- What PostgreSQL raises about anything else is raised
--
SELECT ord, pg_temp.as_warden(action, args) FROM (VALUES
	(1, 'document:get', '{"collection": "lions", "_id": "a"}'::jsonb),
	(2, 'document:create', '{"collection": "lions", "_id": "z", "body": {}}'),
	(3, 'document:mUpsert', '{"collection": "lions", "body": {"documents": [{"_id": "z", "changes": {}}]}}'),
	(4, 'document:count', '{"collection": "lions"}'),
	(5, 'collection:create', '{"collection": "new"}'),
	(6, 'collection:delete', '{}'),
	(7, 'collection:truncate', '{}'),
	(8, 'collection:update', '{}'),
	(9, 'index:delete', '{}'),
	(10, 'index:create', '{"index": "new"}')
) AS t (ord, action, args) ORDER BY ord;

-- a document that is too large for an index of the user's
CREATE INDEX ON zoo.cats ((_source->>'text'));
SELECT pg_temp.error('document:create', jsonb_build_object('_id', 'large', 'body', jsonb_build_object('text',
	(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) AS i))));

-- a table that no longer is what a collection needs
ALTER TABLE zoo.lions ALTER _version DROP NOT NULL;
SELECT pg_temp.error('document:get', '{"collection": "lions", "_id": "a"}');
SELECT pg_temp.error('collection:truncate', '{"collection": "lions"}');
SELECT pg_temp.error('collection:delete', '{"collection": "lions"}');
-- which lets go of the table
SELECT count(*) FROM zoo.lions;
DROP TABLE zoo.lions;

SELECT kz_delete_index('zoo');
DROP ROLE regress_kz_warden;
