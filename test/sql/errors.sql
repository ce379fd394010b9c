/*
 * The catalogue of errors: each entry raised once, with its SQLSTATE, message,
 * detail (its id, Kuzzle's where Kuzzle has such an error) and hint.  One is
 * never raised: services.storage.write_forbidden is an entry in the answers for
 * many documents.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('errors', 'doc', '{"properties": {"age": {"type": "integer"}}}');
SELECT kz_create_collection('errors', 'strict', '{"dynamic": "strict", "properties": {"known": {"properties": {"x": {"type": "keyword"}}}}}');
SELECT kz_create('errors', 'doc', '{"n": 1}', 'a') -> '_version' AS version;
CREATE TABLE errors.plain (_id text, _version bigint, _source jsonb);
CREATE TABLE errors.fitting (LIKE errors.doc INCLUDING ALL);

-- a collection whose trigger lets nothing through
SELECT kz_create_collection('errors', 'suppressed');
CREATE FUNCTION errors.suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER suppress BEFORE INSERT ON errors.suppressed FOR EACH ROW EXECUTE FUNCTION errors.suppress();
-- one whose trigger forbids what it does not like
SELECT kz_create_collection('errors', 'guarded');
CREATE FUNCTION errors.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE insufficient_privilege USING MESSAGE = format('document "%s" is not for you', NEW._id), HINT = 'Ask for it.';
END $$;
CREATE TRIGGER guard BEFORE INSERT ON errors.guarded FOR EACH ROW WHEN (NEW._source ? 'secret') EXECUTE FUNCTION errors.guard();
-- one whose table has lost its shape
SELECT kz_create_collection('errors', 'unfit');
ALTER TABLE errors.unfit ALTER COLUMN _version DROP NOT NULL;

CREATE FUNCTION pg_temp.try(call text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || call;
	state := '00000';
EXCEPTION WHEN others THEN
	state := SQLSTATE;
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

\pset format unaligned
\pset expanded on
SELECT error.* FROM (VALUES
	-- KZ400, arguments
	(1, $$kz_update('errors', 'doc', NULL, '{}')$$),
	(2, $$kz_update('errors', 'doc', 'a', '[]')$$),
	(3, $$kz_update('errors', 'doc', 'a', '{}', retry_on_conflict => -1)$$),
	(4, $$kz_update('errors', 'doc', 'a', '{}', refresh => 'true')$$),
	-- KZ400, documents
	(5, $$kz_create('errors', 'doc', '{}', 'a')$$),
	(6, $$kz_create('errors', 'strict', '{"known": {"x": 1, "unknown": 2}}')$$),
	(7, $$kz_mupsert('errors', 'doc', '[{"_id": "m", "changes": {}}, {"_id": "a", "changes": []}]', strict => true)$$),
	-- KZ400, names and mappings
	(8, $$kz_create_index('Errors')$$),
	(9, $$kz_create_collection('errors', 'a b')$$),
	(10, $$kz_create_collection('errors', '_kuzzle_keep')$$),
	(11, $$kz_create_collection('errors', 'new', '{"propertees": {}}')$$),
	(12, $$kz_update_collection('errors', 'doc', '{"properties": {"age": {"type": "keyword"}}}')$$),
	-- KZ403
	(13, $$kz_create('errors', 'suppressed', '{}', 'a')$$),
	-- KZ404
	(14, $$kz_get('errors', 'doc', 'absent')$$),
	-- KZ409
	(15, $$kz_update('errors', 'doc', 'a', '{}', if_version => 7)$$),
	-- KZ412
	(16, $$kz_get('unknown', 'doc', 'a')$$),
	(17, $$kz_get('errors', 'unknown', 'a')$$),
	(18, $$kz_create_index('errors')$$),
	(19, $$kz_attach_collection('errors', 'doc', 'errors.fitting')$$),
	(20, $$kz_attach_collection('errors', 'plain', 'errors.plain')$$),
	(21, $$kz_get('errors', 'unfit', 'a')$$),
	(22, $$kz_create('errors', 'unfit', '{}')$$)
) call(ord, call), pg_temp.try(call) error ORDER BY ord;
\pset expanded off
\pset format aligned

-- what is forbidden is told by its status where it concerns one document among many; else it is PostgreSQL's own error
SELECT kz_mupsert('errors', 'guarded', '[{"_id": "a", "changes": {"secret": 1}}, {"_id": "b", "changes": {}}]');
SELECT error.* FROM pg_temp.try($$kz_upsert('errors', 'guarded', 'a', '{"secret": 1}')$$) error;
SELECT * FROM errors.guarded ORDER BY _id;

-- PostgreSQL's own errors keep their codes: a constraint of the user's, a read-only transaction
ALTER TABLE errors.doc ADD CONSTRAINT small CHECK ((_source ->> 'n')::int < 10);
SELECT state, message, detail FROM pg_temp.try($$kz_update('errors', 'doc', 'a', '{"n": 10}')$$) ORDER BY state;
SELECT state, message FROM pg_temp.try($$kz_update('errors', 'doc', 'a', '{"n": "ten"}')$$) ORDER BY state;
BEGIN READ ONLY;
SELECT state, message, detail FROM pg_temp.try($$kz_update('errors', 'doc', 'a', '{"n": 2}')$$) ORDER BY state;
ROLLBACK;

-- an exception handler can tell them apart by code
DO $$
BEGIN
	PERFORM kz_get('errors', 'doc', 'absent');
EXCEPTION
	WHEN SQLSTATE 'KZ404' THEN
		RAISE NOTICE 'not found, so created: %', kz_create('errors', 'doc', '{"n": 2}', 'absent') -> '_version';
END $$;
-- none of all these has written anything but that
SELECT * FROM errors.doc ORDER BY _id;
SELECT * FROM errors.suppressed;
SELECT * FROM kz_list_collections('errors') c ORDER BY c;

DROP TABLE errors.plain, errors.fitting;
DROP TRIGGER suppress ON errors.suppressed;
DROP TRIGGER guard ON errors.guarded;
DROP FUNCTION errors.suppress(), errors.guard();
ALTER TABLE errors.unfit ALTER COLUMN _version SET NOT NULL;
SELECT kz_delete_index('errors');
