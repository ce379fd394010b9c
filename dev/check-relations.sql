/*
 * For a database in which tests run: before a table or an index is dropped, all
 * are looked at.  What is wrong fails the command that drops, and with it the
 * test.
 *
 * Tables are looked at as a whole, with their TOAST; B-trees, the only indexes
 * that amcheck knows, for whether there is an entry for every row.
 */
CREATE SCHEMA relations;
CREATE EXTENSION amcheck SCHEMA relations;

CREATE FUNCTION relations.check() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
	candidate record;
	problem text;
BEGIN
	FOR candidate IN
		SELECT c.oid::regclass AS name, ARRAY[c.oid, nullif(c.reltoastrelid, 0)] AS heaps
		FROM pg_class AS c JOIN pg_am AS am ON am.oid = c.relam
		WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relpersistence <> 't' AND am.amname = 'heap'
		ORDER BY c.oid
	LOOP
		BEGIN
			EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT', candidate.name);
			SELECT string_agg(concat_ws(' ', msg, blkno, offnum), '; ') INTO problem
			FROM relations.verify_heapam(candidate.heaps[1], check_toast => true);
			IF problem IS NOT NULL THEN
				RAISE EXCEPTION 'table % is corrupt: %', candidate.name, problem USING ERRCODE = 'data_corrupted';
			END IF;
			PERFORM relations.bt_index_check(i.indexrelid, heapallindexed => true)
			FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS am ON am.oid = c.relam
			WHERE i.indrelid = ANY (candidate.heaps) AND i.indisvalid AND i.indisready AND am.amname = 'btree';
			-- also unlocks the table
			RAISE EXCEPTION USING ERRCODE = 'LOOKD';
		EXCEPTION
			WHEN SQLSTATE 'LOOKD' THEN
			WHEN lock_not_available OR undefined_table THEN	-- somebody else is dropping it
		END;
	END LOOP;
END $$;

CREATE FUNCTION relations.check_before_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
	PERFORM relations.check();
END $$;

CREATE EVENT TRIGGER check_before_drop ON ddl_command_start
	WHEN TAG IN ('DROP TABLE', 'DROP INDEX', 'DROP SCHEMA', 'DROP OWNED', 'DROP EXTENSION')
	EXECUTE FUNCTION relations.check_before_drop();
