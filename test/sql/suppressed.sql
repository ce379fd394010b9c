--
-- SUPPRESSED WRITES
-- A write that a trigger or a policy lets vanish, or a row that is hidden from
-- the caller, is no conflict: it is KZ403, names the table, and is not retried.
--
\set SHOW_CONTEXT never
SET statement_timeout = '5s';

SELECT kz_create_collection('vault', 'gold');
SELECT kz_upsert('vault', 'gold', 'a', '{"n": 1}');
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;

-- insert
CREATE TRIGGER suppress BEFORE INSERT ON vault.gold FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT kz_create('vault', 'gold', '{}', 'b');
\set VERBOSITY sqlstate
SELECT kz_create('vault', 'gold', '{}');
\set VERBOSITY default
SELECT kz_upsert('vault', 'gold', 'b', '{}');
SELECT kz_upsert('vault', 'gold', 'b', '{}', retry_on_conflict => 0);
SELECT kz_upsert('vault', 'gold', 'b', '{}', if_version => 0);
SELECT kz_create_or_replace('vault', 'gold', 'b', '{}');
-- what inserts nothing is not concerned
SELECT kz_upsert('vault', 'gold', 'a', '{"n": 2}');
SELECT kz_create('vault', 'gold', '{}', 'a');
DROP TRIGGER suppress ON vault.gold;

-- update
CREATE TRIGGER suppress BEFORE UPDATE ON vault.gold FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT kz_update('vault', 'gold', 'a', '{"n": 3}');
SELECT kz_update('vault', 'gold', 'a', '{"n": 3}', retry_on_conflict => 0);
SELECT kz_update('vault', 'gold', 'a', '{"n": 3}', if_version => 2);
SELECT kz_upsert('vault', 'gold', 'a', '{"n": 3}');
SELECT kz_replace('vault', 'gold', 'a', '{"n": 3}');
SELECT kz_create_or_replace('vault', 'gold', 'a', '{"n": 3}');
SELECT kz_delete_fields('vault', 'gold', 'a', '{n}');
-- a no-op writes nothing that could be suppressed
SELECT kz_update('vault', 'gold', 'a', '{"n": 2}');
SELECT kz_upsert('vault', 'gold', 'c', '{}');
SELECT kz_delete('vault', 'gold', 'c');
DROP TRIGGER suppress ON vault.gold;

-- delete
CREATE TRIGGER suppress BEFORE DELETE ON vault.gold FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT kz_delete('vault', 'gold', 'a');
SELECT kz_delete('vault', 'gold', 'a', if_version => 2, source => true);
DROP TRIGGER suppress ON vault.gold;

-- a trigger that leads the row elsewhere: the error takes that back
CREATE TABLE vault.elsewhere (LIKE vault.gold);
CREATE FUNCTION divert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO vault.elsewhere VALUES (NEW._id, NEW._version, NEW._source);
	RETURN NULL;
END $$;
CREATE TRIGGER divert BEFORE INSERT ON vault.gold FOR EACH ROW EXECUTE FUNCTION divert();
SELECT kz_upsert('vault', 'gold', 'b', '{}');
SELECT count(*) FROM vault.elsewhere;
DROP TRIGGER divert ON vault.gold;

-- a trigger of a partition counts as one of the table
CREATE TABLE vault.silver (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL) PARTITION BY HASH (_id);
CREATE TABLE vault.silver_0 PARTITION OF vault.silver FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT kz_create_collection('vault', 'silver');
SELECT kz_upsert('vault', 'silver', 'a', '{"n": 1}');
CREATE TRIGGER suppress BEFORE INSERT OR UPDATE OR DELETE ON vault.silver_0 FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT kz_upsert('vault', 'silver', 'a', '{"n": 2}');
SELECT kz_upsert('vault', 'silver', 'b', '{"n": 2}');
SELECT kz_delete('vault', 'silver', 'a');

-- a policy that shows the row, but not to UPDATE or DELETE
CREATE ROLE regress_kz_guard;
GRANT USAGE ON SCHEMA vault TO regress_kz_guard;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.gold TO regress_kz_guard;
ALTER TABLE vault.gold ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON vault.gold FOR SELECT USING (NOT _source ? 'hidden');
CREATE POLICY add ON vault.gold FOR INSERT WITH CHECK (true);
CREATE POLICY change ON vault.gold FOR UPDATE USING (false);
CREATE POLICY remove ON vault.gold FOR DELETE USING (false);
SELECT kz_upsert('vault', 'gold', 'h', '{"hidden": true}');
SET ROLE regress_kz_guard;
SELECT kz_get('vault', 'gold', 'a');
SELECT kz_update('vault', 'gold', 'a', '{"n": 4}');
SELECT kz_update('vault', 'gold', 'a', '{"n": 4}', retry_on_conflict => 0);
SELECT kz_upsert('vault', 'gold', 'a', '{"n": 4}');
SELECT kz_replace('vault', 'gold', 'a', '{"n": 4}');
SELECT kz_create_or_replace('vault', 'gold', 'a', '{"n": 4}');
SELECT kz_delete_fields('vault', 'gold', 'a', '{n}');
SELECT kz_delete('vault', 'gold', 'a');
SELECT kz_upsert('vault', 'gold', 'a', '{"n": 2}');

-- a row that the caller does not see has the id
SELECT kz_create('vault', 'gold', '{}', 'h');
SELECT kz_upsert('vault', 'gold', 'h', '{}');
SELECT kz_upsert('vault', 'gold', 'h', '{}', retry_on_conflict => 0);
SELECT kz_create_or_replace('vault', 'gold', 'h', '{}');
SELECT kz_get('vault', 'gold', 'h');
SELECT kz_update('vault', 'gold', 'h', '{}');
SELECT kz_delete('vault', 'gold', 'h');

-- in the other isolation levels it is the same error, no 40001
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT kz_update('vault', 'gold', 'a', '{"n": 4}');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kz_upsert('vault', 'gold', 'h', '{}');
ROLLBACK;
RESET ROLE;

-- the table is named as it is, not as the collection
ALTER TABLE vault.gold DISABLE ROW LEVEL SECURITY;
CREATE TRIGGER suppress BEFORE INSERT ON vault.elsewhere FOR EACH ROW EXECUTE FUNCTION suppress();
ALTER TABLE vault.elsewhere ADD PRIMARY KEY (_id);
ALTER TABLE vault.elsewhere RENAME TO "Else Where";
SELECT kz_attach_collection('vault', 'other', 'vault."Else Where"');
SELECT kz_upsert('vault', 'other', 'a', '{}');

-- nothing of all this was written
SELECT * FROM vault.gold ORDER BY _id;
SELECT * FROM vault.silver ORDER BY _id;
SELECT * FROM vault."Else Where";

RESET statement_timeout;
DROP TABLE vault."Else Where", vault.silver;
SELECT kz_delete_index('vault');
SELECT to_regnamespace('vault');
DROP FUNCTION suppress(), divert();
DROP ROLE regress_kz_guard;
