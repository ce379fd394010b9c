--
-- ALTERED CATALOGUE
-- What was done to the catalogue's tables and undone does no harm: a column that was
-- added and dropped, one that was made again elsewhere in its table.
--
\set SHOW_CONTEXT never

SELECT kz_create_collection('altered', 'items', '{"dynamic": "strict", "properties": {"a": {"type": "keyword"}}}', '{"s": 1}');
SELECT kz_upsert('altered', 'items', 'a', '{"a": "x"}');

-- a further column: refused, and the hint is right
ALTER TABLE kz_catalog.index ADD extra text;
SELECT kz_list_collections('altered');
ALTER TABLE kz_catalog.index DROP extra;
ALTER TABLE kz_catalog.collection ADD extra int NOT NULL DEFAULT 7, ADD more jsonb;
SELECT kz_upsert('altered', 'items', 'a', '{"a": "y"}');
ALTER TABLE kz_catalog.collection DROP extra, DROP more;

-- all is read and written as before
CREATE FUNCTION pg_temp.check_all(new text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT kz_get_mapping('altered', 'items');
	RETURN NEXT kz_get_settings('altered', 'items');
	RETURN NEXT kz_update_collection('altered', 'items', settings => '{"s": 2}') -> 'acknowledged';
	RETURN NEXT kz_create_collection('altered', new, settings => '{"new": true}') -> 'acknowledged';
	RETURN NEXT kz_create_collection('altered_' || new, 'other') -> 'acknowledged';
	RETURN NEXT kz_upsert('altered', new, 'b', '{}') -> 'created';
	RETURN NEXT kz_delete_collection('altered', new) -> 'acknowledged';
	RETURN NEXT (SELECT string_agg(i, ' ') FROM kz_list_indexes() i WHERE i ~ 'altered');
	RETURN NEXT kz_delete_index('altered_' || new) -> 'acknowledged';
	RETURN NEXT (SELECT string_agg(i, ' ') FROM kz_list_indexes() i WHERE i ~ 'altered');
	RETURN NEXT (SELECT string_agg(c, ' ') FROM kz_list_collections('altered') c);
	RETURN NEXT kz_upsert('altered', 'items', 'a', jsonb_build_object('a', new), source => true) -> '_source';
END $$;
SELECT pg_temp.check_all('one');
SELECT index, name, schema_name, table_name, attached, mappings, settings FROM kz_catalog.collection WHERE index = 'altered';

-- columns that were made again, at the end
ALTER TABLE kz_catalog.index ADD made bigint NOT NULL DEFAULT 0;
UPDATE kz_catalog.index SET made = position;
ALTER TABLE kz_catalog.index DROP position;
ALTER TABLE kz_catalog.index RENAME made TO position;
ALTER TABLE kz_catalog.collection ADD made name NOT NULL DEFAULT 'items';
ALTER TABLE kz_catalog.collection DROP table_name;
ALTER TABLE kz_catalog.collection RENAME made TO table_name;
SELECT pg_temp.check_all('two');

-- of another name or type: refused
BEGIN;
ALTER TABLE kz_catalog.collection RENAME table_name TO relname;
SELECT kz_list_collections('altered');
ROLLBACK;
BEGIN;
ALTER TABLE kz_catalog.collection ALTER table_name TYPE text;
SELECT kz_list_collections('altered');
ROLLBACK;

-- with another primary key, by which no row can be found: refused
ALTER TABLE kz_catalog.collection DROP CONSTRAINT collection_pkey, ADD PRIMARY KEY (position);
SELECT kz_list_collections('altered');
SELECT kz_update_collection('altered', 'items', settings => '{"s": 3}');
ALTER TABLE kz_catalog.collection DROP CONSTRAINT collection_pkey, ADD PRIMARY KEY (name, index);
SELECT kz_list_collections('altered');
ALTER TABLE kz_catalog.collection DROP CONSTRAINT collection_pkey, ADD PRIMARY KEY (index, name, position);
SELECT kz_update_collection('altered', 'items', settings => '{"s": 3}');
ALTER TABLE kz_catalog.collection DROP CONSTRAINT collection_pkey, ADD PRIMARY KEY (index, name) DEFERRABLE;
SELECT kz_list_collections('altered');
ALTER TABLE kz_catalog.collection DROP CONSTRAINT collection_pkey, ADD PRIMARY KEY (index, name);
SELECT pg_temp.check_all('three');

SELECT kz_delete_index('altered');
DROP EXTENSION kz;
CREATE EXTENSION kz;
