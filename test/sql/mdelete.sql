/*
 * kz_mdelete: deletes documents.
 */
\set SHOW_CONTEXT never
SELECT kz_create_collection('mdelete', 'doc');
SELECT jsonb_array_length(kz_mcreate('mdelete', 'doc', (SELECT jsonb_agg(jsonb_build_object('_id', chr(96 + i), 'body', jsonb_build_object('n', i)) ORDER BY i)
	FROM generate_series(1, 26) AS i)) -> 'successes') AS created;

SELECT kz_mdelete('mdelete', 'doc', '{a}');
-- the order of the request
SELECT kz_mdelete('mdelete', 'doc', '{e,b,d}');
SELECT string_agg(_id, '' ORDER BY _id) FROM mdelete.doc;

-- mixed: ids that are none first, then what is not there; the others are deleted
SELECT kz_mdelete('mdelete', 'doc', ARRAY['zz', 'c', NULL, 'a', 'f', '', 'A']);
-- an id that comes more than once counts once, there or not; NULL and '' are no ids
SELECT kz_mdelete('mdelete', 'doc', ARRAY['h', 'g', 'yy', 'h', 'yy', 'g', 'h', NULL, '', NULL, '']);
-- all bad, none
SELECT kz_mdelete('mdelete', 'doc', ARRAY['a', NULL, 'b']);
SELECT kz_mdelete('mdelete', 'doc', '{}');
-- no id at all: the collection is looked at nevertheless
SELECT kz_mdelete('mdelete', 'unknown', '{}');
SELECT kz_mdelete('unknown', 'doc', '{}');
SELECT kz_mdelete('mdelete', 'unknown', '{a}');
-- an id that could not be stored is not there
SELECT answer #> '{errors,0,status}' AS status, length(answer #>> '{errors,0,_id}') AS length, answer -> 'successes' AS successes
FROM kz_mdelete('mdelete', 'doc', ARRAY[repeat('x', 513)]) AS answer;

-- strict: nothing is deleted unless all can be
SELECT kz_mdelete('mdelete', 'doc', '{i,a,j,b}', strict => true);
SELECT kz_mdelete('mdelete', 'doc', ARRAY['i', NULL], strict => true);
SELECT count(*) FROM mdelete.doc WHERE _id IN ('i', 'j');
SELECT kz_mdelete('mdelete', 'doc', '{i,j,i}', strict => true);

-- the options; NULL is the default; no array is an error
SELECT kz_mdelete(index => 'mdelete', collection => 'doc', ids => '{k}', refresh => 'wait_for', silent => true, kuid => 'ada', strict => false);
SELECT kz_mdelete('mdelete', 'doc', '{l,a}', refresh => NULL, silent => NULL, kuid => NULL, strict => NULL);
SELECT kz_mdelete('mdelete', 'doc', NULL);
SELECT kz_mdelete('mdelete', 'doc', '{l,a}', refresh => 'true');
-- arrays of any shape
SELECT kz_mdelete('mdelete', 'doc', '{{m,n},{o,a}}'), kz_mdelete('mdelete', 'doc', '[5:6]={p,q}');

-- deleted and created again in one transaction
BEGIN;
SELECT kz_mdelete('mdelete', 'doc', '{r,s}');
SELECT kz_mupsert('mdelete', 'doc', '[{"_id": "r", "changes": {}}]') #> '{successes,0}' AS created;
SELECT kz_mdelete('mdelete', 'doc', '{s,r}');
ROLLBACK;
SELECT string_agg(_id, '' ORDER BY _id) FROM mdelete.doc;

-- what PostgreSQL raises about one document leaves the others alone: a foreign key, a trigger; or suppresses
CREATE TABLE mdelete.reference (id text REFERENCES mdelete.doc);
INSERT INTO mdelete.reference VALUES ('t'), ('v');
CREATE FUNCTION mdelete.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD._id = 'w' THEN
		RAISE EXCEPTION 'not %', OLD._id USING ERRCODE = 'MD001';
	ELSIF OLD._id = 'x' THEN
		RETURN NULL;
	END IF;
	RETURN OLD;
END $$;
CREATE TRIGGER guard BEFORE DELETE ON mdelete.doc FOR EACH ROW EXECUTE FUNCTION mdelete.guard();
SELECT answer -> 'successes' AS successes, jsonb_array_elements(answer -> 'errors') AS error FROM kz_mdelete('mdelete', 'doc', '{z,x,a,w,v,u,t,s}') AS answer;
SELECT kz_mdelete('mdelete', 'doc', '{y,w}', strict => true);
SELECT string_agg(_id, '' ORDER BY _id) FROM mdelete.doc;
-- each id is deleted once, so a trigger fires once
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT kz_mdelete('mdelete', 'doc', '{y,r,y}');
SELECT n_tup_del FROM pg_stat_xact_user_tables WHERE relid = 'mdelete.doc'::regclass;
ROLLBACK;

DROP TABLE mdelete.reference;
DROP TRIGGER guard ON mdelete.doc;
DROP FUNCTION mdelete.guard();
SELECT kz_delete_index('mdelete');
