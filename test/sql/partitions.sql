--
-- PARTITIONS
-- Partitioned tables as collections, a partition as a collection by itself,
-- and tables with inheritance children, which are not part of a collection.
--
\set SHOW_CONTEXT never

SELECT kz_create_index('parts');

-- by hash of _id: the functions see one table
CREATE TABLE parts.hashed (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)
	PARTITION BY HASH (_id);
CREATE TABLE parts.hashed_0 PARTITION OF parts.hashed FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts.hashed_1 PARTITION OF parts.hashed FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parts.hashed_2 PARTITION OF parts.hashed FOR VALUES WITH (MODULUS 3, REMAINDER 2);
SELECT kz_create_collection('parts', 'hashed');
SELECT attached FROM kz_catalog.collection WHERE index = 'parts' AND name = 'hashed';
SELECT count(kz_upsert('parts', 'hashed', 'id' || n, jsonb_build_object('n', n))) FROM generate_series(1, 30) AS n;
SELECT count(DISTINCT tableoid) AS partitions, count(*) FROM parts.hashed;
SELECT kz_count('parts', 'hashed');
SELECT kz_create('parts', 'hashed', '{"n": 0}', 'a');
SELECT kz_create('parts', 'hashed', '{"n": 0}', 'a');
SELECT kz_get('parts', 'hashed', 'a'), kz_exists('parts', 'hashed', 'a'), kz_exists('parts', 'hashed', 'b');
SELECT kz_update('parts', 'hashed', 'a', '{"m": 1}', source => true);
SELECT kz_update('parts', 'hashed', 'a', '{"m": 1}', source => true);
SELECT kz_update('parts', 'hashed', 'b', '{"m": 1}');
SELECT kz_upsert('parts', 'hashed', 'a', '{"m": 2}', source => true, if_version => 2);
SELECT kz_upsert('parts', 'hashed', 'a', '{"m": 3}', if_version => 2);
SELECT kz_upsert('parts', 'hashed', 'b', '{"m": 1}', defaults => '{"d": 1}', source => true);
SELECT kz_replace('parts', 'hashed', 'a', '{"new": true}');
SELECT kz_create_or_replace('parts', 'hashed', 'a', '{"newer": true}');
SELECT kz_create_or_replace('parts', 'hashed', 'c', '{}');
SELECT kz_delete_fields('parts', 'hashed', 'a', '{newer}', source => true);
SELECT kz_delete('parts', 'hashed', 'a', source => true);
SELECT kz_delete('parts', 'hashed', 'a');

-- rights on the partitioned table are enough
CREATE ROLE regress_kz_user;
GRANT USAGE ON SCHEMA parts TO regress_kz_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON parts.hashed TO regress_kz_user;
SET ROLE regress_kz_user;
SELECT kz_upsert('parts', 'hashed', 'a', '{}'), kz_update('parts', 'hashed', 'a', '{"n": 1}'), kz_delete('parts', 'hashed', 'a');
RESET ROLE;
REVOKE ALL ON parts.hashed FROM regress_kz_user;
REVOKE ALL ON SCHEMA parts FROM regress_kz_user;
DROP ROLE regress_kz_user;

-- by list of _id: an id for which there is no partition is core's error
CREATE TABLE parts.listed (_id text, _version bigint NOT NULL, _source jsonb NOT NULL, PRIMARY KEY (_id))
	PARTITION BY LIST (_id);
CREATE TABLE parts.listed_ab PARTITION OF parts.listed FOR VALUES IN ('a', 'b');
SELECT kz_attach_collection('parts', 'listed', 'parts.listed');
SELECT kz_upsert('parts', 'listed', 'a', '{"n": 1}'), kz_update('parts', 'listed', 'a', '{"n": 2}');
\set VERBOSITY terse
SELECT kz_create('parts', 'listed', '{}', 'c');
SELECT kz_upsert('parts', 'listed', 'c', '{}');
\set VERBOSITY default
SELECT kz_get('parts', 'listed', 'c');
SELECT kz_update('parts', 'listed', 'c', '{}');

-- a partition that appears is written to, one that goes takes its documents along
CREATE TABLE parts.listed_rest PARTITION OF parts.listed DEFAULT;
SELECT kz_upsert('parts', 'listed', 'c', '{"n": 3}');
SELECT tableoid::regclass, _id FROM parts.listed ORDER BY _id;
ALTER TABLE parts.listed DETACH PARTITION parts.listed_ab;
SELECT kz_exists('parts', 'listed', 'a'), kz_count('parts', 'listed');

-- by range, partitioned again, with columns in another order in each partition
CREATE TABLE parts.ranged (_id text COLLATE "C" PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL, extra int DEFAULT 7)
	PARTITION BY RANGE (_id);
CREATE TABLE parts.ranged_low PARTITION OF parts.ranged FOR VALUES FROM (MINVALUE) TO ('m') PARTITION BY HASH (_id);
CREATE TABLE parts.ranged_low_0 PARTITION OF parts.ranged_low FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts.ranged_low_1 (extra int, _source jsonb NOT NULL, gone int, _version bigint NOT NULL, _id text COLLATE "C" NOT NULL);
ALTER TABLE parts.ranged_low_1 DROP gone;
ALTER TABLE parts.ranged_low ATTACH PARTITION parts.ranged_low_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parts.ranged_high PARTITION OF parts.ranged FOR VALUES FROM ('m') TO (MAXVALUE);
SELECT kz_attach_collection('parts', 'ranged', 'parts.ranged');
SELECT kz_upsert('parts', 'ranged', id, jsonb_build_object('id', id)) FROM unnest('{a,b,c,d,e,m,z}'::text[]) AS id ORDER BY id COLLATE "C";
SELECT kz_update('parts', 'ranged', id, '{"twice": true}')->'_version' AS version FROM unnest('{a,b,c,d,e,m,z}'::text[]) AS id ORDER BY id COLLATE "C";
SELECT count(DISTINCT tableoid) AS partitions, count(*), min(extra), max(extra) FROM parts.ranged;
SELECT kz_get('parts', 'ranged', 'b'), kz_get('parts', 'ranged', 'z');
SELECT kz_delete('parts', 'ranged', id) FROM unnest('{a,b,c,d,e}'::text[]) AS id ORDER BY id COLLATE "C";
SELECT kz_count('parts', 'ranged');

-- a partition by itself is a collection too, over the same rows
SELECT kz_attach_collection('parts', 'high', 'parts.ranged_high');
SELECT kz_get('parts', 'high', 'm');
SELECT kz_update('parts', 'high', 'm', '{"from": "partition"}');
SELECT kz_get('parts', 'ranged', 'm');
SELECT kz_upsert('parts', 'high', 'n', '{"from": "partition"}');
SELECT kz_get('parts', 'ranged', 'n');
SELECT kz_delete('parts', 'ranged', 'n');
SELECT kz_exists('parts', 'high', 'n');
\set VERBOSITY terse
SELECT kz_upsert('parts', 'high', 'a', '{}');
\set VERBOSITY default

-- row triggers on a partitioned table fire for its partitions
CREATE FUNCTION parts.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW._source = NEW._source || jsonb_build_object('in', TG_TABLE_NAME);
	RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON parts.ranged FOR EACH ROW EXECUTE FUNCTION parts.stamp();
SELECT kz_upsert('parts', 'ranged', 'x', '{}', source => true), kz_update('parts', 'ranged', 'm', '{"n": 1}', source => true);
DROP TRIGGER stamp ON parts.ranged;

-- split by another column: no unique index on _id alone is possible, so it does not fit
CREATE TABLE parts.split (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL, tenant int NOT NULL DEFAULT 0,
	PRIMARY KEY (_id, tenant)) PARTITION BY LIST (tenant);
SELECT kz_attach_collection('parts', 'split', 'parts.split');

-- truncate reaches all partitions; delete detaches them as a whole
SELECT kz_truncate_collection('parts', 'ranged');
SELECT kz_count('parts', 'ranged'), kz_count('parts', 'high');
SELECT kz_delete_collection('parts', 'ranged');
SELECT to_regclass('parts.ranged_low_1'), kz_collection_exists('parts', 'high');

-- inheritance children are other tables: their rows are not the collection's
SELECT kz_create_collection('parts', 'parent');
CREATE TABLE parts.child () INHERITS (parts.parent);
INSERT INTO parts.child VALUES ('a', 5, '{"child": true}');
SELECT kz_count('parts', 'parent'), kz_exists('parts', 'parent', 'a');
SELECT kz_get('parts', 'parent', 'a');
SELECT kz_update('parts', 'parent', 'a', '{"n": 1}');
SELECT kz_upsert('parts', 'parent', 'a', '{"n": 1}');
SELECT kz_update('parts', 'parent', 'a', '{"n": 2}');
SELECT kz_delete('parts', 'parent', 'a');
SELECT tableoid::regclass, * FROM parts.parent ORDER BY _id;
SELECT kz_upsert('parts', 'parent', 'b', '{}');
SELECT kz_truncate_collection('parts', 'parent');
SELECT tableoid::regclass, _id FROM parts.parent ORDER BY _id;

DROP TABLE parts.child;
SELECT kz_delete_index('parts');
SET client_min_messages = warning;
DROP SCHEMA parts CASCADE;
