--
-- ROW-LEVEL SECURITY
-- Policies decide what a caller sees and writes, as in plain SQL; a row that
-- they hide is never overwritten, and its id is never free.
--
\set SHOW_CONTEXT never

CREATE ROLE regress_kz_alice;
CREATE ROLE regress_kz_bob;
CREATE ROLE regress_kz_auditor BYPASSRLS;
CREATE ROLE regress_kz_owner;
CREATE SCHEMA diary AUTHORIZATION regress_kz_owner;
GRANT USAGE ON SCHEMA diary TO PUBLIC;
SELECT kz_create_index('diary');
SET ROLE regress_kz_owner;
SELECT kz_create_collection('diary', 'pages');
GRANT SELECT, INSERT, UPDATE, DELETE ON diary.pages TO regress_kz_alice, regress_kz_bob, regress_kz_auditor;
ALTER TABLE diary.pages ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_pages ON diary.pages USING (_source->>'by' = current_user);

-- the owner is not bound by policies that are not forced
SELECT kz_upsert('diary', 'pages', 'bobs', '{"by": "regress_kz_bob"}');
SELECT kz_upsert('diary', 'pages', 'nobodys', '{"n": 1}');

-- visible: everything as usual
SET ROLE regress_kz_alice;
SELECT kz_create('diary', 'pages', '{"by": "regress_kz_alice"}', 'alices');
SELECT kz_update('diary', 'pages', 'alices', '{"n": 1}', source => true);
SELECT kz_upsert('diary', 'pages', 'alices', '{"n": 2}', source => true);
SELECT kz_replace('diary', 'pages', 'alices', '{"by": "regress_kz_alice", "n": 3}');
SELECT kz_create_or_replace('diary', 'pages', 'alices', '{"by": "regress_kz_alice", "n": 4}');
SELECT kz_delete_fields('diary', 'pages', 'alices', '{n}', source => true);
SELECT kz_get('diary', 'pages', 'alices');
SELECT kz_update('diary', 'pages', 'alices', '{}');
SELECT kz_exists('diary', 'pages', 'alices'), kz_count('diary', 'pages');

-- hidden: as if it were not there
SELECT kz_get('diary', 'pages', 'bobs');
SELECT kz_exists('diary', 'pages', 'bobs');
SELECT kz_update('diary', 'pages', 'bobs', '{"n": 1}');
SELECT kz_replace('diary', 'pages', 'bobs', '{"by": "regress_kz_alice"}');
SELECT kz_delete('diary', 'pages', 'bobs');
SELECT kz_delete_fields('diary', 'pages', 'bobs', '{by}');

-- but its id is taken
SELECT kz_create('diary', 'pages', '{"by": "regress_kz_alice"}', 'bobs');
SELECT kz_upsert('diary', 'pages', 'bobs', '{"by": "regress_kz_alice"}');
SELECT kz_create_or_replace('diary', 'pages', 'bobs', '{"by": "regress_kz_alice"}');

-- what the policy does not let in is core's error
SELECT kz_create('diary', 'pages', '{"by": "regress_kz_bob"}', 'forged');
SELECT kz_upsert('diary', 'pages', 'forged', '{}');
SELECT kz_update('diary', 'pages', 'alices', '{"by": "regress_kz_bob"}');
SELECT kz_upsert('diary', 'pages', 'alices', '{"by": null}');
SELECT kz_replace('diary', 'pages', 'alices', '{}');
SELECT kz_delete_fields('diary', 'pages', 'alices', '{by}');

-- with row_security off the caller is told, and gets nothing
SET row_security = off;
\set VERBOSITY sqlstate
SELECT kz_get('diary', 'pages', 'alices');
SELECT kz_count('diary', 'pages');
SELECT kz_upsert('diary', 'pages', 'alices', '{"n": 9}');
\set VERBOSITY default
RESET row_security;

-- another role in the same session has its own rows
SET ROLE regress_kz_bob;
SELECT kz_get('diary', 'pages', 'bobs');
SELECT kz_get('diary', 'pages', 'alices');
SELECT kz_count('diary', 'pages');
SELECT kz_update('diary', 'pages', 'bobs', '{"n": 1}');
SELECT kz_delete('diary', 'pages', 'alices');

-- who bypasses policies sees everything
SET ROLE regress_kz_auditor;
SELECT kz_count('diary', 'pages'), kz_get('diary', 'pages', 'alices');
SELECT kz_update('diary', 'pages', 'nobodys', '{"n": 2}');

-- forced: the owner is bound as well
SET ROLE regress_kz_owner;
ALTER TABLE diary.pages FORCE ROW LEVEL SECURITY;
SELECT kz_count('diary', 'pages');
SELECT kz_get('diary', 'pages', 'bobs');
SELECT kz_update('diary', 'pages', 'bobs', '{"n": 2}');
SELECT kz_upsert('diary', 'pages', 'bobs', '{"n": 2}');
SELECT kz_create('diary', 'pages', '{"by": "regress_kz_owner"}', 'owners');
ALTER TABLE diary.pages NO FORCE ROW LEVEL SECURITY;
SELECT kz_count('diary', 'pages');

-- WITH CHECK apart from USING: alice sees all, and writes only her own
DROP POLICY own_pages ON diary.pages;
CREATE POLICY read_all ON diary.pages FOR SELECT USING (true);
CREATE POLICY write_own ON diary.pages FOR INSERT WITH CHECK (_source->>'by' = current_user);
CREATE POLICY change_own ON diary.pages FOR UPDATE USING (true) WITH CHECK (_source->>'by' = current_user);
SET ROLE regress_kz_alice;
SELECT kz_get('diary', 'pages', 'bobs');
SELECT kz_create('diary', 'pages', '{}', 'bobs');
SELECT kz_create('diary', 'pages', '{}', 'forged');
SELECT kz_create('diary', 'pages', '{"by": "regress_kz_alice"}', 'alices2');
SELECT kz_update('diary', 'pages', 'bobs', '{"n": 3}');
SELECT kz_update('diary', 'pages', 'bobs', '{"n": 3, "by": "regress_kz_alice"}', source => true);

-- no policy for a command: nothing passes; a no-op is no command
SELECT kz_delete('diary', 'pages', 'alices');
SELECT kz_update('diary', 'pages', 'nobodys', '{"n": 2}');

-- writing what one may not read
SET ROLE regress_kz_owner;
DROP POLICY read_all ON diary.pages;
CREATE POLICY read_own ON diary.pages FOR SELECT USING (_source->>'by' = current_user);
DROP POLICY write_own ON diary.pages;
CREATE POLICY write_all ON diary.pages FOR INSERT WITH CHECK (true);
SET ROLE regress_kz_alice;
\set VERBOSITY sqlstate
SELECT kz_create('diary', 'pages', '{"by": "regress_kz_bob"}', 'letter');
SELECT kz_upsert('diary', 'pages', 'letter', '{"by": "regress_kz_bob"}');
\set VERBOSITY default

-- a restrictive policy narrows the others
SET ROLE regress_kz_owner;
CREATE POLICY short_ones ON diary.pages AS RESTRICTIVE FOR ALL USING (length(_source::text) < 60);
SET ROLE regress_kz_alice;
SELECT kz_update('diary', 'pages', 'alices', '{"text": "much too long a text for this diary"}');
SELECT kz_get('diary', 'pages', 'alices');

-- policies gone: the session notices
SET ROLE regress_kz_owner;
ALTER TABLE diary.pages DISABLE ROW LEVEL SECURITY;
SET ROLE regress_kz_bob;
SELECT kz_count('diary', 'pages');
RESET ROLE;
SELECT _id, _version, _source FROM diary.pages ORDER BY _id;

SELECT kz_delete_index('diary');
DROP SCHEMA diary;
DROP ROLE regress_kz_alice, regress_kz_bob, regress_kz_auditor, regress_kz_owner;
