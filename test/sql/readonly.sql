--
-- READ-ONLY TRANSACTIONS
-- Every function that writes is refused there by its name, also when there is
-- nothing to write; the others work.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('archive', 'papers');
SELECT kz_upsert('archive', 'papers', 'a', '{"n": 1}');
CREATE TABLE archive.lying_there (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);

-- what a statement answers, or the SQLSTATE and the message of its error
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;

CREATE TEMPORARY TABLE call (ord serial, writes boolean, statement text);
INSERT INTO call (writes, statement) VALUES
	(true, $$kz_create('archive', 'papers', '{}', 'b')$$),
	(true, $$kz_create('archive', 'papers', '{}', 'a')$$),
	(true, $$kz_create_or_replace('archive', 'papers', 'a', '{"n": 2}')$$),
	(true, $$kz_create_or_replace('archive', 'papers', 'a', '{"n": 1}')$$),
	(true, $$kz_replace('archive', 'papers', 'a', '{"n": 2}')$$),
	(true, $$kz_replace('archive', 'papers', 'b', '{}')$$),
	(true, $$kz_update('archive', 'papers', 'a', '{"n": 2}')$$),
	(true, $$kz_update('archive', 'papers', 'a', '{"n": 1}')$$),
	(true, $$kz_update('archive', 'papers', 'b', '{}')$$),
	(true, $$kz_upsert('archive', 'papers', 'a', '{"n": 2}')$$),
	(true, $$kz_upsert('archive', 'papers', 'a', '{}')$$),
	(true, $$kz_upsert('archive', 'papers', 'b', '{}')$$),
	(true, $$kz_delete('archive', 'papers', 'a')$$),
	(true, $$kz_delete('archive', 'papers', 'b')$$),
	(true, $$kz_delete_fields('archive', 'papers', 'a', '{n}')$$),
	(true, $$kz_delete_fields('archive', 'papers', 'a', '{}')$$),
	(true, $$kz_create_index('archive2')$$),
	(true, $$kz_delete_index('archive')$$),
	(true, $$kz_create_collection('archive', 'papers2')$$),
	(true, $$kz_create_collection('archive', 'papers')$$),
	(true, $$kz_create_collection('archive', 'lying_there')$$),
	(true, $$kz_update_collection('archive', 'papers', '{"dynamic": "strict"}')$$),
	(true, $$kz_update_collection('archive', 'papers')$$),
	(true, $$kz_attach_collection('archive', 'attached', 'archive.lying_there')$$),
	(true, $$kz_truncate_collection('archive', 'papers')$$),
	(true, $$kz_delete_collection('archive', 'papers')$$),
	(false, $$kz_get('archive', 'papers', 'a')$$),
	(false, $$kz_exists('archive', 'papers', 'a')$$),
	(false, $$kz_count('archive', 'papers')$$),
	(false, $$kz_index_exists('archive')$$),
	(false, $$kz_collection_exists('archive', 'papers')$$),
	(false, $$kz_get_mapping('archive', 'papers')$$),
	(false, $$kz_get_settings('archive', 'papers')$$),
	(false, $$(SELECT count(*) FROM kz_list_indexes() AS name WHERE name = 'archive')$$),
	(false, $$(SELECT string_agg(name, ',' ORDER BY name) FROM kz_list_collections('archive') AS name)$$),
	(false, $$kz_merge('{"a": 1}', '{"b": 2}')$$);

BEGIN READ ONLY;
SELECT statement, pg_temp.outcome('SELECT ' || statement) FROM call ORDER BY ord;
COMMIT;

-- a transaction may become read-only after its first write
BEGIN;
SELECT kz_upsert('archive', 'papers', 'a', '{"n": 2}');
SET TRANSACTION READ ONLY;
SELECT kz_get('archive', 'papers', 'a');
SELECT kz_upsert('archive', 'papers', 'a', '{"n": 3}');
ROLLBACK;

-- or be so in a part of it
BEGIN;
SAVEPOINT part;
SET TRANSACTION READ ONLY;
SELECT kz_upsert('archive', 'papers', 'a', '{}');
ROLLBACK TO part;
SELECT kz_upsert('archive', 'papers', 'a', '{"n": 4}');
COMMIT;

-- or by default
SET default_transaction_read_only = on;
SELECT kz_delete('archive', 'papers', 'a');
SELECT kz_get('archive', 'papers', 'a');
RESET default_transaction_read_only;

-- nothing was written but what was allowed above
SELECT * FROM archive.papers ORDER BY _id;
SELECT kz_index_exists('archive2'), kz_get_mapping('archive', 'papers');
SELECT * FROM kz_list_collections('archive');

DROP TABLE call, archive.lying_there;
SELECT kz_delete_index('archive');
