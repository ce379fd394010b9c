--
-- TRIGGERS
-- Triggers and foreign keys of a collection's table do what they do for plain
-- SQL, and the answer is what was stored.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('shop', 'orders');
CREATE TABLE audit (n serial, what text, id text, old_version bigint, new_version bigint, source jsonb);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO audit (what, id, old_version, new_version, source)
	VALUES (concat_ws(' ', TG_WHEN, TG_OP, TG_NAME), coalesce(NEW._id, OLD._id), OLD._version, NEW._version, NEW._source);
	RETURN coalesce(NEW, OLD);
END $$;
CREATE FUNCTION audit_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO audit (what) VALUES (concat_ws(' ', TG_WHEN, TG_OP, TG_NAME));
	RETURN NULL;
END $$;
-- shows the audit since the last time
CREATE FUNCTION audited() RETURNS TABLE (what text, id text, old_version bigint, new_version bigint, source jsonb)
LANGUAGE sql AS $$
	WITH d AS (DELETE FROM audit RETURNING *)
	SELECT what, id, old_version, new_version, source FROM d ORDER BY n
$$;

-- row and statement triggers, before and after, of every command
CREATE TRIGGER a_row BEFORE INSERT OR UPDATE OR DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER b_row AFTER INSERT OR UPDATE OR DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION audit();
SELECT kz_create('shop', 'orders', '{"n": 1}', 'a');
SELECT * FROM audited();
SELECT kz_update('shop', 'orders', 'a', '{"m": 2}');
SELECT * FROM audited();
SELECT kz_upsert('shop', 'orders', 'b', '{"n": 1}');
SELECT * FROM audited();
SELECT kz_replace('shop', 'orders', 'a', '{"n": 3}');
SELECT kz_create_or_replace('shop', 'orders', 'a', '{"n": 4}');
SELECT kz_delete_fields('shop', 'orders', 'a', '{n}');
SELECT kz_delete('shop', 'orders', 'b');
SELECT * FROM audited();

-- nothing written, no trigger fired: no-ops, refusals, reads
SELECT kz_update('shop', 'orders', 'a', '{}');
SELECT kz_upsert('shop', 'orders', 'a', '{}');
SELECT kz_delete_fields('shop', 'orders', 'a', '{x}');
SELECT kz_create('shop', 'orders', '{}', 'a');
SELECT kz_update('shop', 'orders', 'b', '{}');
SELECT kz_get('shop', 'orders', 'a');
SELECT * FROM audited();

-- statement triggers with transition tables
CREATE FUNCTION audit_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO audit (what, id, old_version, new_version, source)
	SELECT TG_OP || ' transition', id, o._version, n._version, n._source
	FROM old_rows AS o (id) JOIN new_rows AS n (id) USING (id);
	RETURN NULL;
END $$;
DROP TRIGGER a_row ON shop.orders;
DROP TRIGGER b_row ON shop.orders;
CREATE TRIGGER a_statement BEFORE UPDATE ON shop.orders EXECUTE FUNCTION audit_statement();
CREATE TRIGGER b_statement AFTER UPDATE ON shop.orders EXECUTE FUNCTION audit_statement();
CREATE TRIGGER c_statement AFTER UPDATE ON shop.orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION audit_transition();
SELECT kz_update('shop', 'orders', 'a', '{"n": 5}');
SELECT kz_update('shop', 'orders', 'a', '{"n": 5}');
SELECT * FROM audited();
DROP TRIGGER a_statement ON shop.orders;
DROP TRIGGER b_statement ON shop.orders;
DROP TRIGGER c_statement ON shop.orders;

-- triggers on columns: an update writes _version and _source; WHEN conditions
CREATE TRIGGER of_source AFTER UPDATE OF _source ON shop.orders FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER of_version AFTER UPDATE OF _version ON shop.orders FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER of_id AFTER UPDATE OF _id ON shop.orders FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER when_large AFTER UPDATE ON shop.orders FOR EACH ROW
	WHEN ((NEW._source->>'n')::int > 100) EXECUTE FUNCTION audit();
SELECT kz_update('shop', 'orders', 'a', '{"n": 6}'), kz_update('shop', 'orders', 'a', '{"n": 101}');
SELECT * FROM audited();
DROP TRIGGER of_source ON shop.orders;
DROP TRIGGER of_version ON shop.orders;
DROP TRIGGER of_id ON shop.orders;
DROP TRIGGER when_large ON shop.orders;

-- a trigger that changes what is stored: the answer tells
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW._source = NEW._source || '{"stamped": true}';
	IF NEW._source ? 'jump' THEN
		NEW._version = 100;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION stamp();
SELECT kz_create('shop', 'orders', '{"n": 1}', 'c');
SELECT kz_upsert('shop', 'orders', 'd', '{"n": 1}', source => true);
SELECT kz_update('shop', 'orders', 'a', '{"n": 7}', source => true);
SELECT kz_upsert('shop', 'orders', 'a', '{"n": 8, "stamped": false}', source => true);
SELECT kz_replace('shop', 'orders', 'a', '{"n": 9}');
SELECT kz_create_or_replace('shop', 'orders', 'a', '{"n": 10}');
SELECT kz_delete_fields('shop', 'orders', 'a', '{stamped}', source => true);
SELECT kz_update('shop', 'orders', 'a', '{"jump": true}', source => true);
SELECT kz_get('shop', 'orders', 'a');
SELECT kz_update('shop', 'orders', 'a', '{"jump": 1}', if_version => 100)->'_version' AS version;
DROP TRIGGER stamp ON shop.orders;

-- a trigger that raises: its error, nothing written
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no % of %', lower(TG_OP), coalesce(NEW._id, OLD._id) USING ERRCODE = 'SH001';
END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT kz_create('shop', 'orders', '{}', 'e');
SELECT kz_upsert('shop', 'orders', 'a', '{"n": 11}');
SELECT kz_delete('shop', 'orders', 'a');
SELECT kz_update('shop', 'orders', 'a', '{}')->'_version' AS version;
DROP TRIGGER refuse ON shop.orders;

-- a deferred constraint trigger: at the end of the transaction
CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON shop.orders DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION refuse();
BEGIN;
SELECT kz_update('shop', 'orders', 'a', '{"n": 12}')->'_source' AS source;
COMMIT;
SELECT kz_get('shop', 'orders', 'a')#>'{_source,n}' AS n;
DROP TRIGGER refuse ON shop.orders;

-- foreign keys, both ways
CREATE TABLE invoice (order_id text REFERENCES shop.orders (_id));
CREATE TABLE note (order_id text REFERENCES shop.orders (_id) ON DELETE CASCADE);
INSERT INTO invoice VALUES ('c');
INSERT INTO note VALUES ('c'), ('d');
SELECT kz_delete('shop', 'orders', 'c');
SELECT kz_update('shop', 'orders', 'c', '{"n": 2}')->'_version' AS version;
SELECT kz_delete('shop', 'orders', 'd');
SELECT * FROM note ORDER BY order_id;
DROP TABLE invoice, note;
CREATE TABLE customer (name text PRIMARY KEY);
INSERT INTO customer VALUES ('ann');
ALTER TABLE shop.orders ADD customer text GENERATED ALWAYS AS (_source->>'customer') STORED REFERENCES customer;
SELECT kz_update('shop', 'orders', 'c', '{"customer": "ann"}')->'_version' AS version;
SELECT kz_update('shop', 'orders', 'c', '{"customer": "bob"}');
ALTER TABLE shop.orders DROP customer;
DROP TABLE customer;

-- a trigger that calls kz itself: on another collection and on its own
SELECT kz_create_collection('shop', 'stock');
CREATE FUNCTION take_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kz_upsert('shop', 'stock', 'last', jsonb_build_object('order', NEW._id, 'version', NEW._version));
	PERFORM kz_upsert('shop', 'orders', 'summary', jsonb_build_object('orders', kz_count('shop', 'orders')));
	PERFORM kz_delete('shop', 'orders', 'gone') WHERE kz_exists('shop', 'orders', 'gone');
	RETURN NULL;
END $$;
CREATE TRIGGER take_stock AFTER INSERT OR UPDATE ON shop.orders FOR EACH ROW
	WHEN (NEW._id NOT IN ('summary', 'gone')) EXECUTE FUNCTION take_stock();
SELECT kz_upsert('shop', 'orders', 'gone', '{}');
SELECT kz_upsert('shop', 'orders', 'f', '{"n": 1}', source => true);
SELECT kz_update('shop', 'orders', 'f', '{"n": 2}', source => true);
SELECT kz_get('shop', 'stock', 'last'), kz_get('shop', 'orders', 'summary'), kz_exists('shop', 'orders', 'gone');
DROP TRIGGER take_stock ON shop.orders;

-- a trigger that changes the very row under the write: core's error, no loop
CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kz_upsert('shop', 'orders', NEW._id, '{"interfered": true}');
	RETURN NEW;
END $$;
CREATE TRIGGER interfere BEFORE UPDATE ON shop.orders FOR EACH ROW
	WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION interfere();
SET statement_timeout = '5s';
SELECT kz_update('shop', 'orders', 'f', '{"n": 3}');
DROP TRIGGER interfere ON shop.orders;

-- a trigger that creates the id first: the upsert merges into it, create is too late
CREATE TRIGGER interfere BEFORE INSERT ON shop.orders FOR EACH ROW
	WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION interfere();
SELECT kz_upsert('shop', 'orders', 'g', '{"n": 1}', source => true);
SELECT kz_create('shop', 'orders', '{"n": 1}', 'h');
RESET statement_timeout;
SELECT kz_get('shop', 'orders', 'g');

SELECT kz_delete_index('shop');
DROP TABLE audit;
DROP FUNCTION audit(), audit_statement(), audited(), audit_transition(), stamp(), refuse(), take_stock(), interfere();
