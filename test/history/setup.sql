-- What record.py needs: a role that no privilege exempts from anything, the
-- collection with what makes kz go different ways, and upserts as they are often
-- written, to see that check.py finds what is wrong with them.

DO $$
BEGIN
	SET LOCAL client_min_messages = error;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'history_client') THEN
		CREATE ROLE history_client;
	END IF;
	DROP SCHEMA IF EXISTS history CASCADE;
	PERFORM kz_create_index('history');
	GRANT USAGE ON SCHEMA history TO history_client;
END $$;

CREATE PROCEDURE history.make(kind text) LANGUAGE plpgsql AS $$
BEGIN
	IF kind = 'partitioned' THEN
		CREATE TABLE history.docs (_id text COLLATE "C" PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)
			PARTITION BY HASH (_id);
		CREATE TABLE history.docs_0 PARTITION OF history.docs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE history.docs_1 PARTITION OF history.docs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		PERFORM kz_attach_collection('history', 'docs', 'history.docs');
	ELSE
		PERFORM kz_create_collection('history', 'docs');
	END IF;
	GRANT SELECT, INSERT, UPDATE, DELETE ON history.docs TO history_client;

	IF kind = 'trigger' THEN
		CREATE FUNCTION history.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER pass BEFORE INSERT OR UPDATE ON history.docs FOR EACH ROW EXECUTE FUNCTION history.pass();
	ELSIF kind = 'policy' THEN
		ALTER TABLE history.docs ENABLE ROW LEVEL SECURITY;
		CREATE POLICY everybody ON history.docs USING (_version > 0);
	END IF;
END $$;

-- Upserts with a bug each, with the arguments and the answer of kz_upsert, which
-- they call for the rest. They wait where another session has to come in.

-- Merges into what was read a moment ago, whatever has been written since.
CREATE FUNCTION history.upsert_stale(index text, collection text, id text, changes jsonb, defaults jsonb,
	if_version bigint, retry_on_conflict int, source boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	version bigint;
	document jsonb;
BEGIN
	SELECT kz_merge(_source, changes) INTO document FROM history.docs WHERE _id = id;
	PERFORM pg_sleep(0.001);
	UPDATE history.docs SET _version = _version + 1, _source = document WHERE _id = id AND document IS NOT NULL
	RETURNING _version INTO version;
	IF NOT FOUND THEN
		RETURN kz_upsert(index, collection, id, changes, defaults => defaults, source => true);
	END IF;
	RETURN jsonb_build_object('_id', id, '_version', version, '_source', document, 'created', false);
END $$;

-- Says that it has written, and does not look whether the row was still there to
-- be written.
CREATE FUNCTION history.upsert_unseen(index text, collection text, id text, changes jsonb, defaults jsonb,
	if_version bigint, retry_on_conflict int, source boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	version bigint;
	document jsonb;
BEGIN
	SELECT _version, kz_merge(_source, changes) INTO version, document FROM history.docs WHERE _id = id;
	IF NOT FOUND THEN
		RETURN kz_upsert(index, collection, id, changes, defaults => defaults, source => true);
	END IF;
	PERFORM pg_sleep(0.001);
	UPDATE history.docs SET _version = version + 1, _source = document WHERE _id = id AND _version = version;
	RETURN jsonb_build_object('_id', id, '_version', version + 1, '_source', document, 'created', false);
END $$;

-- Replaces the document that another session has just inserted.
CREATE FUNCTION history.upsert_replacing(index text, collection text, id text, changes jsonb, defaults jsonb,
	if_version bigint, retry_on_conflict int, source boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	version bigint;
BEGIN
	IF EXISTS (SELECT FROM history.docs WHERE _id = id) THEN
		RETURN kz_upsert(index, collection, id, changes, defaults => defaults, source => true);
	END IF;
	PERFORM pg_sleep(0.001);
	INSERT INTO history.docs AS stored VALUES (id, 1, kz_merge(defaults, changes))
	ON CONFLICT (_id) DO UPDATE SET _version = stored._version + 1, _source = excluded._source
	RETURNING _version INTO version;
	RETURN jsonb_build_object('_id', id, '_version', version, '_source', kz_merge(defaults, changes), 'created', version = 1);
END $$;

-- Says that it has created the document, though another session has done so, and
-- drops the changes.
CREATE FUNCTION history.upsert_dropping(index text, collection text, id text, changes jsonb, defaults jsonb,
	if_version bigint, retry_on_conflict int, source boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM history.docs WHERE _id = id) THEN
		RETURN kz_upsert(index, collection, id, changes, defaults => defaults, source => true);
	END IF;
	PERFORM pg_sleep(0.001);
	INSERT INTO history.docs VALUES (id, 1, kz_merge(defaults, changes)) ON CONFLICT (_id) DO NOTHING;
	RETURN jsonb_build_object('_id', id, '_version', 1, '_source', kz_merge(defaults, changes), 'created', true);
END $$;
