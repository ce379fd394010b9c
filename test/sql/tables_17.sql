--
-- TABLES OF POSTGRESQL 17
-- What tables can have since then: identity columns of partitioned tables, a
-- collation that comes with the server, the right to maintain.
--
\set SHOW_CONTEXT never
SELECT current_setting('server_version_num')::int < 170000 AS earlier \gset
\if :earlier
\quit
\endif

SELECT kz_create_index('later');

-- partitions count from one sequence; a document takes a number when it is made
CREATE TABLE later.hashed (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, nr int GENERATED ALWAYS AS IDENTITY)
	PARTITION BY HASH (_id);
CREATE TABLE later.hashed_0 PARTITION OF later.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE later.hashed_1 PARTITION OF later.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT kz_attach_collection('later', 'hashed', 'later.hashed');
SELECT kz_upsert('later', 'hashed', 'id' || n, '{}') ->> '_version' AS version FROM generate_series(1, 4) AS n;
SELECT kz_mupsert('later', 'hashed', '[{"_id": "id1", "changes": {"n": 1}}, {"_id": "id5", "changes": {"n": 5}}]', source => false) -> 'errors' AS errors;
SELECT _id, _version, nr FROM later.hashed ORDER BY nr;
SELECT count(DISTINCT tableoid) AS partitions FROM later.hashed;

-- ids in that collation, in the order of their bytes
CREATE TABLE later.builtin (_id text COLLATE pg_c_utf8 PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
SELECT kz_attach_collection('later', 'builtin', 'later.builtin');
SELECT kz_mupsert('later', 'builtin', '[{"_id": "é", "changes": {"n": 1}}, {"_id": "e", "changes": {"n": 2}}, {"_id": "É", "changes": {"n": 3}}, {"_id": "é", "changes": {"m": 4}}]', source => false) -> 'errors' AS errors;
SELECT _id, _version, _source FROM later.builtin ORDER BY _id;
SELECT kz_get('later', 'builtin', 'é'), kz_update('later', 'builtin', 'É', '{"n": 4}'), kz_exists('later', 'builtin', 'è');

-- the right to maintain a table is no right to its documents
CREATE ROLE regress_kz_maintainer;
GRANT USAGE ON SCHEMA later TO regress_kz_maintainer;
GRANT MAINTAIN ON later.builtin TO regress_kz_maintainer;
SET ROLE regress_kz_maintainer;
SELECT kz_get('later', 'builtin', 'e');
SELECT kz_upsert('later', 'builtin', 'e', '{}');
SELECT kz_delete_collection('later', 'builtin');
RESET ROLE;
DROP OWNED BY regress_kz_maintainer;
DROP ROLE regress_kz_maintainer;

-- maintenance runs with a search_path of its own: an index that calls kz does not mind
SELECT kz_create_collection('later', 'merged');
CREATE INDEX by_merged ON later.merged (kz_merge(_source, '{"a": 1}'));
SELECT kz_upsert('later', 'merged', 'a', '{"n": 1}');
REINDEX TABLE later.merged;
VACUUM FULL later.merged;
SELECT kz_update('later', 'merged', 'a', '{"n": 2}', source => true);

SELECT kz_delete_index('later');
SET client_min_messages = warning;
DROP SCHEMA later CASCADE;
