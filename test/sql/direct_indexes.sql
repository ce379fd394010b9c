/*
 * Indexes of all sorts on a plain table: after inserts, updates and deletes, one
 * by one and many at once, each finds what reading the table finds.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('direct_indexes', 'doc');
CREATE UNIQUE INDEX by_name ON direct_indexes.doc ((_source ->> 'name'));
CREATE UNIQUE INDEX by_active_mail ON direct_indexes.doc (lower(_source ->> 'mail')) WHERE (_source ->> 'active')::boolean;
CREATE INDEX by_source ON direct_indexes.doc USING gin (_source);
CREATE INDEX by_path ON direct_indexes.doc USING gin (_source jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX by_version_brin ON direct_indexes.doc USING brin (_version) WITH (pages_per_range = 1, autosummarize = off);
CREATE INDEX by_id_hash ON direct_indexes.doc USING hash (_id);
CREATE INDEX by_version ON direct_indexes.doc (_version DESC) INCLUDE (_id);
CREATE INDEX by_n ON direct_indexes.doc (((_source ->> 'n')::int) NULLS FIRST, _id COLLATE "C" text_pattern_ops);
CREATE INDEX by_length ON direct_indexes.doc USING brin (length(_source ->> 'name'));

/*
 * For each index queries that it can answer: how many rows they find by it, and
 * whether these are those that reading the table finds. "kz" is the key.
 */
CREATE FUNCTION pg_temp.found() RETURNS TABLE (query text, index name, count bigint, same boolean) LANGUAGE plpgsql AS $$
DECLARE
	plan text;
	from_index text[];
	from_table text[];
	ids CONSTANT text := 'SELECT array_agg(_id ORDER BY _id COLLATE "C") FROM direct_indexes.doc WHERE ';
BEGIN
	FOR query, index IN VALUES ('_id = ''id-7''', 'kz'), ('_id >= ''id''', 'kz'), ('_source ->> ''name'' = ''name 7''', 'by_name'), ('_source ->> ''name'' > ''''', 'by_name'),
		('lower(_source ->> ''mail'') > '''' AND (_source ->> ''active'')::boolean', 'by_active_mail'),
		('_source ? ''tag''', 'by_source'), ('_source @> ''{"tag": 1}''', 'by_path'), ('_source @> ''{"tag": 2}''', 'by_path'),
		('_version BETWEEN 2 AND 3', 'by_version_brin'), ('length(_source ->> ''name'') = 6', 'by_length'),
		('_id = ''id-8''', 'by_id_hash'), ('_version > 1', 'by_version'), ('_version = 1', 'by_version'), ('(_source ->> ''n'')::int < 5', 'by_n'),
		('(_source ->> ''n'')::int IS NULL', 'by_n')
	LOOP
		-- only this index: the others are not there for a moment
		BEGIN
			EXECUTE (SELECT 'DROP INDEX ' || string_agg(i.indexrelid::regclass::text, ', ') FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
				WHERE i.indrelid = 'direct_indexes.doc'::regclass AND NOT i.indisprimary AND c.relname <> found.index);
			IF index <> 'kz' THEN
				EXECUTE (SELECT format('ALTER TABLE direct_indexes.doc DROP CONSTRAINT %I', conname) FROM pg_constraint
					WHERE conrelid = 'direct_indexes.doc'::regclass AND contype = 'p');
			END IF;
			SET LOCAL enable_seqscan = off;
			EXECUTE 'EXPLAIN (FORMAT JSON) ' || ids || query INTO plan;
			EXECUTE ids || query INTO from_index;
			SET LOCAL enable_seqscan = on;
			SET LOCAL enable_indexscan = off;
			SET LOCAL enable_indexonlyscan = off;
			SET LOCAL enable_bitmapscan = off;
			EXECUTE ids || query INTO from_table;
			RAISE EXCEPTION USING ERRCODE = 'UNDO0';
		EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
		END;
		count := coalesce(cardinality(from_index), 0);
		same := from_index IS NOT DISTINCT FROM from_table AND plan LIKE '%Index Name": "' || index || '%';
		RETURN NEXT;
	END LOOP;
END $$;

-- one by one
SELECT count(kz_create('direct_indexes', 'doc', jsonb_build_object('name', 'name ' || i, 'mail', 'M' || i || '@example.org', 'active', i % 2 = 0, 'n', i, 'tag', i % 3), 'id-' || i))
FROM generate_series(1, 20) AS i;
SELECT * FROM pg_temp.found();
SELECT count(kz_update('direct_indexes', 'doc', 'id-' || i, jsonb_build_object('name', 'other ' || i, 'tag', 2, 'active', true))) FROM generate_series(1, 20, 4) AS i;
SELECT count(kz_upsert('direct_indexes', 'doc', 'id-' || i, jsonb_build_object('n', i % 7), defaults => jsonb_build_object('name', 'name ' || i))) FROM generate_series(15, 25) AS i;
SELECT count(kz_replace('direct_indexes', 'doc', 'id-' || i, '{"tag": 1}')), count(kz_delete('direct_indexes', 'doc', 'id-' || i + 1)),
	count(kz_delete_fields('direct_indexes', 'doc', 'id-' || i + 2, '{n,mail}')) FROM generate_series(2, 20, 6) AS i;
SELECT * FROM pg_temp.found();

-- many at once: new, with further steps for some, and over the old
SELECT jsonb_array_length(answer -> 'successes') AS successes, answer -> 'errors' AS errors
FROM kz_mupsert('direct_indexes', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', 'many-' || i % 2800, 'changes',
	jsonb_build_object('name', 'many ' || i % 2800 || '/' || i / 2800, 'n', i % 50, 'tag', i % 4, 'active', i % 2 = 0, 'mail', i % 2800)))
	FROM generate_series(0, 2999) AS i), source => false) AS answer;
SELECT * FROM pg_temp.found();
SELECT jsonb_array_length(answer -> 'successes') AS successes, answer -> 'errors' AS errors
FROM kz_mcreate_or_replace('direct_indexes', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', 'many-' || i, 'body', jsonb_build_object('name', 'again ' || i, 'n', i % 5)))
	FROM generate_series(2700, 3100) AS i)) AS answer;
SELECT jsonb_array_length(kz_mdelete('direct_indexes', 'doc', (SELECT array_agg('many-' || i) FROM generate_series(1, 3000, 2) AS i)) -> 'successes') AS deleted;
SELECT * FROM pg_temp.found();
-- names that were deleted are free, others are not
SELECT kz_create('direct_indexes', 'doc', '{"name": "again 3001"}', 'taken');
SELECT kz_create('direct_indexes', 'doc', '{"name": "many 1/0"}', 'free') -> '_version' AS version;
SELECT kz_update('direct_indexes', 'doc', 'free', '{"name": "again 3001"}');
SELECT kz_create('direct_indexes', 'doc', '{"active": true, "mail": "2"}', 'taken');
SELECT kz_create('direct_indexes', 'doc', '{"active": false, "mail": "2"}', 'free too') -> '_version' AS version;
SELECT kz_update('direct_indexes', 'doc', 'free too', '{"active": true}');
-- undone, kept in part
BEGIN;
SELECT kz_update('direct_indexes', 'doc', 'free', '{"name": "kept"}') -> '_version' AS version;
SAVEPOINT s;
SELECT kz_update('direct_indexes', 'doc', 'free', '{"name": "undone"}') -> '_version' AS version, kz_create('direct_indexes', 'doc', '{"name": "undone too"}', 'undone') -> '_version' AS version;
ROLLBACK TO s;
SELECT kz_create('direct_indexes', 'doc', '{"name": "undone"}', 'second') -> '_version' AS version;
COMMIT;
SELECT _id, _source FROM direct_indexes.doc WHERE _source ->> 'name' IN ('kept', 'undone', 'undone too') ORDER BY _id;
SELECT * FROM pg_temp.found();

-- an index that is made, rebuilt or dropped in the middle of a transaction counts from then on
BEGIN;
SELECT kz_upsert('direct_indexes', 'doc', 'x-1', '{"code": "A"}') -> '_version' AS version;
CREATE UNIQUE INDEX by_code ON direct_indexes.doc ((_source ->> 'code'));
SELECT kz_upsert('direct_indexes', 'doc', 'x-2', '{"code": "B"}') -> '_version' AS version;
REINDEX TABLE direct_indexes.doc;
SELECT kz_upsert('direct_indexes', 'doc', 'x-2', '{"code": "C"}') -> '_version' AS version;
SELECT kz_mupsert('direct_indexes', 'doc', '[{"_id": "x-3", "changes": {"code": "A"}}, {"_id": "x-4", "changes": {"code": "B"}}]', source => false);
DROP INDEX direct_indexes.by_code;
SELECT kz_mupsert('direct_indexes', 'doc', '[{"_id": "x-3", "changes": {"code": "A"}}, {"_id": "x-4", "changes": {"code": "B"}}]', source => false);
COMMIT;
CREATE INDEX by_code ON direct_indexes.doc ((_source ->> 'code'));
SET enable_seqscan = off;
SELECT _id, _source FROM direct_indexes.doc WHERE _source ->> 'code' >= 'A' ORDER BY _id;
RESET enable_seqscan;

-- a table that is written anew between two calls: the rows are elsewhere
BEGIN;
SELECT kz_update('direct_indexes', 'doc', 'x-1', '{"code": "D"}') -> '_version' AS version;
CLUSTER direct_indexes.doc USING by_name;
SELECT kz_update('direct_indexes', 'doc', 'x-1', '{"code": "E"}') -> '_version' AS version;
ALTER TABLE direct_indexes.doc ALTER _version TYPE bigint USING _version + 100;
SELECT kz_update('direct_indexes', 'doc', 'x-1', '{"code": "F"}') -> '_version' AS version, kz_create('direct_indexes', 'doc', '{}', 'x-5') -> '_version' AS created;
COMMIT;
VACUUM FULL direct_indexes.doc;
SELECT kz_update('direct_indexes', 'doc', 'x-1', '{"code": "G"}');
SELECT * FROM pg_temp.found();

/*
 * What the server does to keep indexes small: a change of what no index covers
 * leaves no index a new entry, and _version is not among what that takes.
 */
SELECT kz_create_collection('direct_indexes', 'hot');
ALTER TABLE direct_indexes.hot SET (autovacuum_enabled = off);
CREATE INDEX by_id_hash_hot ON direct_indexes.hot USING hash (_id);
SELECT count(kz_create('direct_indexes', 'hot', '{"n": 0}', 'h' || i)) FROM generate_series(1, 10) AS i;
SELECT count(kz_update('direct_indexes', 'hot', 'h' || i % 10 + 1, jsonb_build_object('n', i))) FROM generate_series(1, 40) AS i;
SELECT count(*) FROM kz_upsert_rows('direct_indexes', 'hot', '{h1,h2,h3}', array_fill('{"n": 100}'::jsonb, '{3}'));
SELECT pg_stat_force_next_flush();
SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'direct_indexes.hot'::regclass;
-- an index on the document takes that away
CREATE INDEX by_n_hot ON direct_indexes.hot ((_source -> 'n'));
SELECT count(kz_update('direct_indexes', 'hot', 'h' || i, '{"m": 1}')) FROM generate_series(1, 10) AS i;
SELECT kz_delete('direct_indexes', 'hot', 'h10');
SELECT pg_stat_force_next_flush();
SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del, n_live_tup FROM pg_stat_user_tables WHERE relid = 'direct_indexes.hot'::regclass;
-- what is found by a chain of row versions, after they were pruned too
SELECT count(kz_update('direct_indexes', 'hot', 'h1', jsonb_build_object('i', i))) FROM generate_series(1, 500) AS i;
VACUUM direct_indexes.hot;
SELECT kz_update('direct_indexes', 'hot', 'h1', '{"last": true}', source => true);

SELECT kz_delete_index('direct_indexes');
