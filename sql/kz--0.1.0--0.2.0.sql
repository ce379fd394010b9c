/*
 * What has changed in kz.sql since 0.1.0.
 */

-- complain if the script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION kz UPDATE" to load this file. \quit

/*
 * The triggers that tell sessions of changes fire for each row, so that a
 * replication worker fires them, too.
 */
DROP TRIGGER invalidate_cache ON kz_catalog.index;
DROP TRIGGER invalidate_cache ON kz_catalog.collection;
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE ON kz_catalog.index
	FOR EACH ROW EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER invalidate_cache_on_truncate
	AFTER TRUNCATE ON kz_catalog.index
	FOR EACH STATEMENT EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE ON kz_catalog.collection
	FOR EACH ROW EXECUTE FUNCTION kz_catalog.invalidate_cache();
CREATE TRIGGER invalidate_cache_on_truncate
	AFTER TRUNCATE ON kz_catalog.collection
	FOR EACH STATEMENT EXECUTE FUNCTION kz_catalog.invalidate_cache();
ALTER TABLE kz_catalog.index
	ENABLE ALWAYS TRIGGER invalidate_cache,
	ENABLE ALWAYS TRIGGER invalidate_cache_on_truncate;
ALTER TABLE kz_catalog.collection
	ENABLE ALWAYS TRIGGER invalidate_cache,
	ENABLE ALWAYS TRIGGER invalidate_cache_on_truncate;
COMMENT ON TRIGGER invalidate_cache ON kz_catalog.index IS
'Tells every session that the indexes have changed.';
COMMENT ON TRIGGER invalidate_cache_on_truncate ON kz_catalog.index IS
'Tells every session that all indexes have gone.';
COMMENT ON TRIGGER invalidate_cache ON kz_catalog.collection IS
'Tells every session that the collections have changed.';
COMMENT ON TRIGGER invalidate_cache_on_truncate ON kz_catalog.collection IS
'Tells every session that all collections have gone.';

/*
 * What functions say of themselves.
 */
COMMENT ON FUNCTION kz_catalog.invalidate_cache() IS
'Trigger of the catalogue tables: makes every session read the catalogue again.';

COMMENT ON FUNCTION kz_delete_index(text) IS
'Deletes an index, whose schema the caller must own: drops the tables that kz made and that still fit, '
'detaches the others, drops the schema if kz made it and nothing else is in it. Never cascades. Returns '
'{"acknowledged": true}. Raises KZ412 if the index is unknown.';

COMMENT ON FUNCTION kz_create_collection(text, text, jsonb, jsonb) IS
'Creates a collection, and its index if that is missing; takes up a fitting table that is '
'already there; updates a collection that exists. Returns {"acknowledged": true}. Raises KZ400 '
'for a bad name, bad mappings or a bad setting, KZ412 if a table is there that does not fit, 42501 '
'without CREATE on the schema, or for a table of somebody else. Settings are kept as they are given; '
'kz obeys "notifications": "off", "notify" (see kz_channel) or "message" (for logical decoding, with the '
'prefix kz), and "index.blocks.write": true, which has all writes of documents refused with KZ403.';

COMMENT ON FUNCTION kz_update_collection(text, text, jsonb, jsonb) IS
'Merges mappings and settings into those of a collection, whose table the caller must own; NULL '
'leaves them. Returns {"acknowledged": true}. Raises KZ412 if the collection is unknown or its table '
'does not fit any more, KZ400 for bad mappings, a changed field type or a bad setting.';

COMMENT ON FUNCTION kz_delete_collection(text, text) IS
'Deletes a collection, whose table the caller must own: drops a table that kz made and that still '
'fits, detaches any other. Returns {"acknowledged": true}. Raises KZ412 if the collection is unknown.';

COMMENT ON FUNCTION kz_truncate_collection(text, text) IS
'Removes all documents of a collection, whose table the caller must own; mappings and settings '
'stay. Returns {"acknowledged": true}. Raises KZ412 if the collection is unknown or its table does '
'not fit any more.';
