--
-- PRIVILEGES
-- Functions on documents need the rights on the table that their statement in
-- plain SQL would need, whether or not there is anything to do. Without one the
-- call fails, also one for many documents.
--
\set SHOW_CONTEXT never

CREATE ROLE regress_kz_owner;
CREATE ROLE regress_kz_user;
CREATE SCHEMA store AUTHORIZATION regress_kz_owner;
SELECT kz_create_index('store');
SET ROLE regress_kz_owner;
SELECT kz_create_collection('store', 'items');
SELECT kz_upsert('store', 'items', 'there', '{"n": 1}');
RESET ROLE;

/*
 * Makes the call as that role after granting it these rights, and undoes both.
 * Answers "ok" or the SQLSTATE.
 */
CREATE FUNCTION pg_temp.attempt(caller text, rights text, call text) RETURNS text LANGUAGE plpgsql STRICT AS $$
BEGIN
	EXECUTE rights;
	EXECUTE format('SET LOCAL ROLE %I', caller);
	EXECUTE call;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = 'undo';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'UNDO0' THEN 'ok' ELSE SQLSTATE END;
END $$;

-- GRANT of some rights on the table, and USAGE on its schema
CREATE FUNCTION pg_temp.grants(VARIADIC rights text[]) RETURNS text LANGUAGE sql AS $$
	SELECT 'GRANT USAGE ON SCHEMA store TO regress_kz_user; '
		|| coalesce('GRANT ' || string_agg(r, ', ') || ' ON store.items TO regress_kz_user', '')
	FROM unnest(rights) AS r
$$;

-- each function: the rights it needs, on a document that is there, one that is
-- not, and (where there is such a thing) a change that changes nothing
CREATE TEMPORARY TABLE call (ord serial, name text, needs text[], there text, absent text, nothing text);
INSERT INTO call (name, needs, there, absent, nothing) VALUES
	('create', '{SELECT,INSERT}',
		$$SELECT kz_create('store', 'items', '{}', 'there')$$, $$SELECT kz_create('store', 'items', '{}', 'absent')$$, NULL),
	('create, new id', '{SELECT,INSERT}', NULL, $$SELECT kz_create('store', 'items', '{}')$$, NULL),
	('create_or_replace', '{SELECT,INSERT,UPDATE}',
		$$SELECT kz_create_or_replace('store', 'items', 'there', '{"n": 2}')$$,
		$$SELECT kz_create_or_replace('store', 'items', 'absent', '{}')$$,
		$$SELECT kz_create_or_replace('store', 'items', 'there', '{"n": 1}')$$),
	('replace', '{SELECT,UPDATE}',
		$$SELECT kz_replace('store', 'items', 'there', '{"n": 2}')$$,
		$$SELECT kz_replace('store', 'items', 'absent', '{}')$$,
		$$SELECT kz_replace('store', 'items', 'there', '{"n": 1}')$$),
	('update', '{SELECT,UPDATE}',
		$$SELECT kz_update('store', 'items', 'there', '{"n": 2}')$$,
		$$SELECT kz_update('store', 'items', 'absent', '{"n": 2}')$$,
		$$SELECT kz_update('store', 'items', 'there', '{}')$$),
	('upsert', '{SELECT,INSERT,UPDATE}',
		$$SELECT kz_upsert('store', 'items', 'there', '{"n": 2}')$$,
		$$SELECT kz_upsert('store', 'items', 'absent', '{"n": 2}')$$,
		$$SELECT kz_upsert('store', 'items', 'there', '{}')$$),
	('mupsert', '{SELECT,INSERT,UPDATE}',
		$$SELECT kz_mupsert('store', 'items', '[{"_id": "there", "changes": {"n": 2}}]')$$,
		$$SELECT kz_mupsert('store', 'items', '[{"_id": "absent", "changes": {"n": 2}}]')$$,
		$$SELECT kz_mupsert('store', 'items', '[{"_id": "there", "changes": {}}]')$$),
	('delete', '{SELECT,DELETE}',
		$$SELECT kz_delete('store', 'items', 'there')$$, $$SELECT kz_delete('store', 'items', 'absent')$$, NULL),
	('delete_fields', '{SELECT,UPDATE}',
		$$SELECT kz_delete_fields('store', 'items', 'there', '{n}')$$,
		$$SELECT kz_delete_fields('store', 'items', 'absent', '{n}')$$,
		$$SELECT kz_delete_fields('store', 'items', 'there', '{m}')$$),
	('get', '{SELECT}',
		$$SELECT kz_get('store', 'items', 'there')$$, $$SELECT kz_get('store', 'items', 'absent')$$, NULL),
	('exists', '{SELECT}',
		$$SELECT kz_exists('store', 'items', 'there')$$, $$SELECT kz_exists('store', 'items', 'absent')$$, NULL),
	('count', '{SELECT}', $$SELECT kz_count('store', 'items')$$, NULL, NULL);
GRANT SELECT ON call TO regress_kz_user;

-- the owner may do everything
SELECT name, pg_temp.attempt('regress_kz_owner', '', there) AS there, pg_temp.attempt('regress_kz_owner', '', absent) AS absent,
	pg_temp.attempt('regress_kz_owner', '', nothing) AS nothing
FROM call ORDER BY ord;

-- a role with exactly the rights that are needed
SELECT name, pg_temp.attempt('regress_kz_user', pg_temp.grants(VARIADIC needs), there) AS there,
	pg_temp.attempt('regress_kz_user', pg_temp.grants(VARIADIC needs), absent) AS absent,
	pg_temp.attempt('regress_kz_user', pg_temp.grants(VARIADIC needs), nothing) AS nothing
FROM call ORDER BY ord;

-- a role with all rights but one of those
SELECT name, need AS without,
	pg_temp.attempt('regress_kz_user', pg_temp.grants(VARIADIC rest), there) AS there,
	pg_temp.attempt('regress_kz_user', pg_temp.grants(VARIADIC rest), absent) AS absent,
	pg_temp.attempt('regress_kz_user', pg_temp.grants(VARIADIC rest), nothing) AS nothing
FROM call, unnest(needs) WITH ORDINALITY AS n (need, need_ord),
	LATERAL (SELECT array_agg(r) FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS r WHERE r <> need) AS a (rest)
ORDER BY ord, need_ord;

-- no rights on the table at all; all of them, but not USAGE on the schema
SELECT name,
	pg_temp.attempt('regress_kz_user', 'GRANT USAGE ON SCHEMA store TO regress_kz_user', coalesce(there, absent)) AS no_grants,
	pg_temp.attempt('regress_kz_user', 'GRANT USAGE ON SCHEMA store TO regress_kz_user', coalesce(absent, there)) AS no_grants_absent,
	pg_temp.attempt('regress_kz_user', 'GRANT ALL ON store.items TO regress_kz_user', coalesce(there, absent)) AS no_usage,
	pg_temp.attempt('regress_kz_user', 'GRANT ALL ON store.items TO regress_kz_user', coalesce(absent, there)) AS no_usage_absent
FROM call ORDER BY ord;

-- rights on the columns are as good, if they cover the columns in question;
-- DELETE is no right on columns
SELECT name,
	pg_temp.attempt('regress_kz_user', pg_temp.grants('SELECT (_id, _version, _source)', 'INSERT (_id, _version, _source)',
		'UPDATE (_version, _source)', 'DELETE'), coalesce(there, absent)) AS all_columns,
	pg_temp.attempt('regress_kz_user', pg_temp.grants('SELECT (_id, _source)', 'INSERT', 'UPDATE', 'DELETE'),
		coalesce(there, absent)) AS select_less,
	pg_temp.attempt('regress_kz_user', pg_temp.grants('SELECT', 'INSERT (_id, _source)', 'UPDATE', 'DELETE'),
		coalesce(absent, there)) AS insert_less,
	pg_temp.attempt('regress_kz_user', pg_temp.grants('SELECT', 'INSERT', 'UPDATE (_source)', 'DELETE'),
		coalesce(there, absent)) AS update_less
FROM call ORDER BY ord;

-- also if only the column of the id is left out, and whatever would be read or written
SELECT name,
	pg_temp.attempt('regress_kz_user', rights.no_select, there) AS select_there,
	pg_temp.attempt('regress_kz_user', rights.no_select, absent) AS select_absent,
	pg_temp.attempt('regress_kz_user', rights.no_insert, there) AS insert_there,
	pg_temp.attempt('regress_kz_user', rights.no_insert, absent) AS insert_absent,
	pg_temp.attempt('regress_kz_user', rights.no_insert, nothing) AS insert_nothing
FROM call, (SELECT pg_temp.grants('SELECT (_version, _source)', 'INSERT', 'UPDATE', 'DELETE'),
	pg_temp.grants('SELECT', 'INSERT (_version, _source)', 'UPDATE', 'DELETE')) AS rights (no_select, no_insert)
ORDER BY ord;

-- rights through PUBLIC and through another role
SELECT name,
	pg_temp.attempt('regress_kz_user', 'GRANT USAGE ON SCHEMA store TO PUBLIC; GRANT SELECT, INSERT, UPDATE, DELETE ON store.items TO PUBLIC',
		coalesce(there, absent)) AS public,
	pg_temp.attempt('regress_kz_user', 'GRANT regress_kz_owner TO regress_kz_user', coalesce(there, absent)) AS member
FROM call ORDER BY ord;

-- an owner who has given up his rights
SELECT name, pg_temp.attempt('regress_kz_owner', 'REVOKE ALL ON store.items FROM regress_kz_owner', coalesce(there, absent)) AS revoked,
	pg_temp.attempt('regress_kz_owner', 'REVOKE ALL ON SCHEMA store FROM regress_kz_owner', coalesce(there, absent)) AS no_usage
FROM call ORDER BY ord;

-- the error is core's
GRANT USAGE ON SCHEMA store TO regress_kz_user;
SET ROLE regress_kz_user;
SELECT kz_upsert('store', 'items', 'there', '{}');
SELECT kz_get('store', 'items', 'there');
RESET ROLE;
REVOKE USAGE ON SCHEMA store FROM regress_kz_user;
SET ROLE regress_kz_user;
SELECT kz_upsert('store', 'items', 'there', '{}');
RESET ROLE;

-- rights count as they are at each call, in one session and with kept plans
GRANT USAGE ON SCHEMA store TO regress_kz_user;
GRANT SELECT, INSERT, UPDATE ON store.items TO regress_kz_user;
SET ROLE regress_kz_user;
SELECT kz_upsert('store', 'items', 'there', '{"n": 2}');
RESET ROLE;
REVOKE UPDATE ON store.items FROM regress_kz_user;
SET ROLE regress_kz_user;
\set VERBOSITY sqlstate
SELECT kz_upsert('store', 'items', 'there', '{"n": 3}');
\set VERBOSITY default
SELECT kz_get('store', 'items', 'there');
RESET ROLE;

-- a SECURITY DEFINER function acts with the rights of its owner
REVOKE ALL ON store.items FROM regress_kz_user;
SET ROLE regress_kz_owner;
CREATE FUNCTION store.count_up(id text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER
AS $$ SELECT kz_upsert('store', 'items', id, '{"n": 4}', source => true) $$;
SET ROLE regress_kz_user;
SELECT store.count_up('there');
\set VERBOSITY sqlstate
SELECT kz_upsert('store', 'items', 'there', '{"n": 5}');
\set VERBOSITY default
RESET ROLE;

-- in all of this nothing was written but what was allowed above
SELECT * FROM store.items ORDER BY _id;

DROP FUNCTION store.count_up(text);
SELECT kz_delete_index('store');
DROP SCHEMA store;
DROP TABLE call;
DROP ROLE regress_kz_owner, regress_kz_user;
