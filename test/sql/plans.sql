--
-- Rows are found by their key, however small the table was when the session
-- first used it: a plan that reads the whole table would do so for the rest of
-- a load that makes it grow.
--
\set SHOW_CONTEXT never
SELECT kz_create_collection('plans', 'doc');
SELECT kz_create('plans', 'doc', '{"n": 0}', id => 'first');
VACUUM ANALYZE plans.doc;
\c

BEGIN;
SELECT count(kz_upsert('plans', 'doc', 'id-' || i, '{"n": 1}')) FROM generate_series(1, 20) AS i;
SELECT count(kz_update('plans', 'doc', 'id-' || i, '{"n": 2}')) FROM generate_series(1, 20) AS i;
SELECT count(kz_get('plans', 'doc', 'id-' || i)) FROM generate_series(1, 20) AS i;
SELECT count(kz_delete('plans', 'doc', 'id-' || i)) FROM generate_series(1, 20) AS i;
SELECT seq_scan, idx_scan > 0 AS by_key
FROM pg_stat_xact_user_tables WHERE schemaname = 'plans' AND relname = 'doc';
COMMIT;

-- the setting that this takes is the user's own again
SHOW enable_seqscan;

SELECT kz_delete_index('plans');
