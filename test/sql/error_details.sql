/*
 * What PostgreSQL says of the one document that it refuses: its message with the
 * DETAIL, as far as the role may read what is in there. And what is no document's
 * fault but the table's.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('details', 'doc');
CREATE TABLE details.parent (name text PRIMARY KEY);
ALTER TABLE details.doc ADD secret text DEFAULT 'hidden', ADD parent text GENERATED ALWAYS AS (_source ->> 'parent') STORED REFERENCES details.parent,
	ADD CONSTRAINT small CHECK ((_source ->> 'n')::int < 10);
CREATE UNIQUE INDEX by_mail ON details.doc ((_source ->> 'mail'));
CREATE FUNCTION details.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING MESSAGE = 'refused', DETAIL = coalesce(NEW._source ->> 'detail', ''), HINT = 'a hint';
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON details.doc FOR EACH ROW WHEN (NEW._source ? 'detail') EXECUTE FUNCTION details.refuse();
SELECT kz_create('details', 'doc', '{"mail": "x"}', 'old') -> '_version' AS version;

CREATE FUNCTION pg_temp.reasons(documents jsonb) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', e ->> 'status', e #>> '{document,_id}', e ->> 'reason') FROM jsonb_array_elements(kz_mupsert('details', 'doc', documents) -> 'errors') AS e
$$;
SELECT '[{"_id": "1", "changes": {"n": 10}}, {"_id": "2", "changes": {"mail": "x"}}, {"_id": "3", "changes": {"parent": "gone"}},
	{"_id": "4", "changes": {"detail": "why\nnot"}}, {"_id": "5", "changes": {"detail": null}}, {"_id": "6", "changes": {"n": "six"}}]' AS documents \gset
SELECT pg_temp.reasons(:'documents');
-- a long one is cut
SELECT right(r, 10), length(r) < 700 AS cut FROM pg_temp.reasons(jsonb_build_array(jsonb_build_object('_id', '7', 'changes', jsonb_build_object('detail', repeat('x', 1000))))) AS r;
-- where else it is shown
SELECT * FROM kz_upsert_rows('details', 'doc', '{2}', '{"{\"mail\": \"x\"}"}');
SELECT kz_mupsert('details', 'doc', '[{"_id": "2", "changes": {"mail": "x"}}]', strict => true);
SELECT kz_request('{"controller": "document", "action": "upsert", "index": "details", "collection": "doc", "_id": "2", "body": {"changes": {"mail": "x"}}}') #>> '{error,message}' AS message;
-- what another call of ours says, whose DETAIL is an id of the error
CREATE OR REPLACE FUNCTION details.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM kz_get(''details'', ''doc'', ''none''); RETURN NEW; END';
SELECT pg_temp.reasons('[{"_id": "1", "changes": {"detail": 1}}]');
DROP TRIGGER refuse ON details.doc;

-- a role that may read the columns of a document only, and one that a policy binds
CREATE ROLE regress_kz_columns;
GRANT USAGE ON SCHEMA details TO regress_kz_columns;
GRANT SELECT (_id, _version, _source), INSERT (_id, _version, _source), UPDATE (_version, _source) ON details.doc TO regress_kz_columns;
SELECT '[{"_id": "1", "changes": {"n": 10}}, {"_id": "2", "changes": {"mail": "x"}}]' AS documents \gset
SET ROLE regress_kz_columns;
SELECT pg_temp.reasons(:'documents');
INSERT INTO details.doc (_id, _version, _source) VALUES ('2', 1, '{"mail": "x"}');
RESET ROLE;
GRANT SELECT, INSERT, UPDATE ON details.doc TO regress_kz_columns;
SET ROLE regress_kz_columns;
SELECT pg_temp.reasons(:'documents');
RESET ROLE;
CREATE POLICY own ON details.doc USING (_id <> 'old');
ALTER TABLE details.doc ENABLE ROW LEVEL SECURITY;
SET ROLE regress_kz_columns;
SELECT pg_temp.reasons(:'documents');
RESET ROLE;
ALTER TABLE details.doc DISABLE ROW LEVEL SECURITY;

-- a publication that the table does not serve: whatever the documents
ALTER TABLE details.doc DROP COLUMN parent, DROP COLUMN secret;
SET client_min_messages = error;	-- wal_level may be what it likes
CREATE PUBLICATION regress_kz_details FOR TABLE details.doc WHERE (_source ->> 'n' <> '7');
RESET client_min_messages;
SELECT pg_temp.reasons('[{"_id": "a", "changes": {}}, {"_id": "old", "changes": {"n": 1}}]');
SELECT kz_update('details', 'doc', 'old', '{"n": 1}');
SELECT kz_request('{"controller": "document", "action": "update", "index": "details", "collection": "doc", "_id": "old", "body": {"n": 1}}');
SELECT _id, _version FROM details.doc ORDER BY _id;
SELECT pg_temp.reasons('[{"_id": "a", "changes": {}}, {"_id": "b", "changes": {"n": 10}}]');
ALTER TABLE details.doc REPLICA IDENTITY FULL;
SELECT pg_temp.reasons('[{"_id": "a", "changes": {"m": 1}}, {"_id": "old", "changes": {"n": 1}}, {"_id": "b", "changes": {"n": 10}}]');
SELECT _id, _version FROM details.doc ORDER BY _id;
DROP PUBLICATION regress_kz_details;

DROP OWNED BY regress_kz_columns;
DROP ROLE regress_kz_columns;
SELECT kz_delete_collection('details', 'doc');
DROP TABLE details.parent;
DROP FUNCTION details.refuse();
SELECT kz_delete_index('details');
