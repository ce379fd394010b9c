/*
 * Unique indexes on _id that take different ids for the same, and ids that are not
 * stored as they are given: what each writer makes of them.
 */
\set SHOW_CONTEXT never
SELECT kz_create_index('ids');
CREATE COLLATION ids."no Case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Makes a table with unique indexes on these, 'a' there and 'A' and 'a ' new, one by one and at once.
CREATE FUNCTION pg_temp.try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'SELECT ' || sql INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
CREATE FUNCTION pg_temp.write(VARIADIC indexes text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	CREATE TABLE ids.t (_id text COLLATE "C" NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL);
	FOR i IN 1 .. cardinality(indexes) LOOP
		EXECUTE format('CREATE UNIQUE INDEX index_%s ON ids.t (%s)', i, indexes[i]);
	END LOOP;
	RETURN NEXT pg_temp.try('kz_attach_collection(''ids'', ''t'', ''ids.t'')');
	IF kz_collection_exists('ids', 't') THEN
		PERFORM kz_create('ids', 't', '{}', 'a');
		RETURN NEXT pg_temp.try('kz_create(''ids'', ''t'', ''{}'', ''a'')');
		RETURN NEXT pg_temp.try('kz_create(''ids'', ''t'', ''{}'', ''A'')');
		RETURN NEXT pg_temp.try('kz_upsert(''ids'', ''t'', ''a '', ''{}'')');
		RETURN NEXT pg_temp.try('kz_upsert(''ids'', ''t'', ''a'', ''{"n": 1}'')');
		RETURN NEXT (SELECT string_agg(concat_ws(': ', e #>> '{document,_id}', e ->> 'reason'), '; ' ORDER BY n)
			FROM jsonb_array_elements(kz_mupsert('ids', 't', '[{"_id": "A", "changes": {}}, {"_id": "a", "changes": {"n": 2}}, {"_id": "a ", "changes": {}},
				{"_id": "b", "changes": {}}, {"_id": "B", "changes": {}}]') -> 'errors') WITH ORDINALITY AS e (e, n));
		RETURN NEXT (SELECT string_agg(concat_ws('.', '"' || _id || '"', _version), ' ' ORDER BY _id) FROM ids.t);
		PERFORM kz_delete_collection('ids', 't');
	END IF;
	DROP TABLE ids.t;
END $$;
SELECT pg_temp.write('_id');
SELECT pg_temp.write('_id', '_id COLLATE ids."no Case"');
SELECT pg_temp.write('_id COLLATE ids."no Case"', '_id COLLATE "POSIX" text_pattern_ops');
SELECT pg_temp.write('_id', '_id bpchar_ops');
SELECT pg_temp.write('_id', '_id COLLATE ids."no Case", _id bpchar_ops');
SELECT pg_temp.write('_id', '_id COLLATE ids."no Case" DESC) INCLUDE (_version');
-- none that makes ids unique
SELECT pg_temp.write('_id COLLATE ids."no Case"');
SELECT pg_temp.write('_id bpchar_ops');
-- a partial one takes no part in it
SELECT pg_temp.write('_id', '_id COLLATE ids."no Case") WHERE (_version = 1');

-- such an index comes and goes between two calls; so do names
SELECT kz_create_collection('ids', 'doc');
SELECT kz_create('ids', 'doc', '{}', 'a') -> '_version' AS version;
CREATE UNIQUE INDEX loose ON ids.doc (_id COLLATE ids."no Case");
SELECT kz_create('ids', 'doc', '{}', 'A');
ALTER COLLATION ids."no Case" RENAME TO no_case;
SELECT kz_create('ids', 'doc', '{}', 'A');
SELECT kz_create('ids', 'doc', '{}', 'b') -> '_version' AS version;
DROP INDEX ids.loose;
SELECT kz_create('ids', 'doc', '{}', 'A') -> '_version' AS version;
SELECT kz_truncate_collection('ids', 'doc');
SELECT kz_delete_collection('ids', 'doc');

/*
 * An update leaves the id alone: the datum that is stored, which may be compressed
 * or out of line. So no index but those that must gets an entry.
 */
CREATE TABLE ids.long (_id text COLLATE "C" PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)
	WITH (toast_tuple_target = 128, fillfactor = 50, autovacuum_enabled = off);
ALTER TABLE ids.long ALTER _source SET STORAGE PLAIN;
SELECT kz_attach_collection('ids', 'long', 'ids.long');
SELECT kz_create('ids', 'long', jsonb_build_object('s', repeat('x', 1800)), repeat('c', 500)) -> '_version' AS version;
ALTER TABLE ids.long ALTER _id SET STORAGE EXTERNAL;
SELECT kz_create('ids', 'long', jsonb_build_object('s', repeat('x', 1800)), repeat('e', 500)) -> '_version' AS version;
SELECT left(_id, 1) AS id, pg_column_size(_id) AS size FROM ids.long ORDER BY _id;
SELECT count(kz_replace('ids', 'long', repeat(id, 500), '{}')) FROM unnest('{c,e}'::text[]) AS id;
SELECT count(kz_update('ids', 'long', repeat(id, 500), jsonb_build_object('n', n))) FROM unnest('{c,e}'::text[]) AS id, generate_series(1, 3) AS n;
SELECT jsonb_array_length(kz_mupsert('ids', 'long', jsonb_build_array(jsonb_build_object('_id', repeat('c', 500), 'changes', '{"m": 1}'::jsonb),
	jsonb_build_object('_id', repeat('e', 500), 'changes', '{"m": 1}'::jsonb))) -> 'successes') AS updated;
SELECT pg_stat_force_next_flush();
SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'ids.long'::regclass;
SELECT left(_id, 1) AS id, length(_id), pg_column_size(_id) AS size, _version, _source -> 'n' AS n, _source -> 'm' AS m FROM ids.long ORDER BY _id;
SET enable_seqscan = off;
SELECT kz_get('ids', 'long', repeat('e', 500)) -> '_version' AS version, (SELECT count(*) FROM ids.long WHERE _id > '') AS indexed;
RESET enable_seqscan;
SELECT kz_delete('ids', 'long', repeat('e', 500)) ->> '_id' = repeat('e', 500) AS deleted;
SELECT count(*) FROM ids.long;
SELECT kz_delete_collection('ids', 'long');

DROP TABLE ids.long;
DROP COLLATION ids.no_case;
SELECT kz_delete_index('ids');
