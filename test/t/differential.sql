/*
 * kz once more, in plain SQL and PL/pgSQL, for comparison: the functions for
 * documents as API.md, the README and sql/kz.sql describe them, under their own
 * names, for one session at a time. Nothing here is meant to be fast.
 *
 * Errors have kz's codes and ids; their messages are those of the documents
 * only where they show up as the reason of an answer about many documents.
 */

-- the collections: their table, and the properties of strict mappings, or NULL
CREATE TABLE ref_collection (index text, name text, relation text, properties jsonb, PRIMARY KEY (index, name));

CREATE TYPE ref_document AS (version bigint, source jsonb);

-- what is asked for one document, and what became of it
CREATE TYPE ref_entry AS (
	place int, action text, id text, body jsonb, defaults jsonb, defaults_win boolean, fields text[],
	if_version bigint,
	error text, status int, reason text, pass int,
	created boolean, version bigint, source jsonb);

/*
 * Documents
 */

CREATE FUNCTION kz_merge(target jsonb, changes jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
	key text;
	value jsonb;
BEGIN
	FOR key, value IN SELECT * FROM jsonb_each(changes) LOOP
		IF jsonb_typeof(target -> key) = 'object' AND jsonb_typeof(value) = 'object' THEN
			value := kz_merge(target -> key, value);
		END IF;
		target := target || jsonb_build_object(key, value);
	END LOOP;
	RETURN target;
END $$;

-- a document without what the steps lead to; an element of an array becomes null
CREATE FUNCTION ref_remove(document jsonb, steps text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	step text := steps[1];
	is_last boolean := cardinality(steps) = 1;
BEGIN
	IF jsonb_typeof(document) = 'object' AND document ? step THEN
		IF is_last THEN
			RETURN document - step;
		END IF;
		RETURN document || jsonb_build_object(step, ref_remove(document -> step, steps[2:]));
	ELSIF jsonb_typeof(document) = 'array' AND step ~ '^(0|[1-9]\d*)$' AND document -> step::int IS NOT NULL THEN
		RETURN jsonb_set(document, ARRAY[step],
			CASE WHEN is_last THEN 'null' ELSE ref_remove(document -> step::int, steps[2:]) END);
	END IF;
	RETURN document;
END $$;

-- paths such as a.b and a[0].b; a root key that is written like the path wins
CREATE FUNCTION ref_remove_path(document jsonb, path text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN document ? path THEN document - path
		ELSE ref_remove(document, string_to_array(regexp_replace(path, '\[(\d+)\]', '.\1', 'g'), '.')) END
$$;

/*
 * Metadata, on behalf of a kuid. It is always the same moment here: times are
 * not compared.
 */
CREATE FUNCTION ref_stamp(document jsonb, kuid text, how text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN kuid IS NULL THEN document
		ELSE document || jsonb_build_object('_kuzzle_info', CASE how
			WHEN 'created' THEN jsonb_build_object('author', kuid, 'createdAt', 1700000000000,
				'updatedAt', NULL, 'updater', NULL)
			WHEN 'replaced' THEN jsonb_build_object('author', kuid, 'createdAt', 1700000000000,
				'updatedAt', 1700000000000, 'updater', kuid)
			WHEN 'changed' THEN jsonb_build_object('updatedAt', 1700000000000, 'updater', kuid)
			END)
		END
$$;

-- the first field that strict mappings do not know, and where it is
CREATE FUNCTION ref_unknown(properties jsonb, value jsonb, path text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	key text;
	child jsonb;
	found text[];
BEGIN
	IF jsonb_typeof(value) = 'array' THEN
		FOR child IN SELECT * FROM jsonb_array_elements(value) LOOP
			found := coalesce(found, ref_unknown(properties, child, path));
		END LOOP;
	ELSIF jsonb_typeof(value) = 'object' THEN
		FOR key, child IN SELECT * FROM jsonb_each(value) LOOP
			CONTINUE WHEN found IS NOT NULL OR (path IS NULL AND key = '_kuzzle_info');
			IF NOT properties ? key THEN
				found := ARRAY[key, coalesce(path, '_doc')];
			ELSIF coalesce(properties -> key ->> 'type', 'object') IN ('object', 'nested') THEN
				found := ref_unknown(coalesce(properties -> key -> 'properties', '{}'), child, concat_ws('.', path, key));
			END IF;
		END LOOP;
	END IF;
	RETURN found;
END $$;

/*
 * One id
 */

CREATE FUNCTION ref_fail(INOUT e ref_entry, error text, status int, reason text, pass int)
LANGUAGE plpgsql AS $$
BEGIN
	e.error := error;
	e.status := status;
	e.reason := reason;
	e.pass := pass;
END $$;

-- the document that an entry makes of another; without a version there is none
CREATE FUNCTION ref_image(d ref_document, e ref_entry, kuid text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	path text;
BEGIN
	CASE
		WHEN e.action = 'create' THEN
			RETURN ref_stamp(e.body, kuid, 'created');
		WHEN e.action IN ('create_or_replace', 'replace') THEN
			RETURN ref_stamp(e.body, kuid, 'replaced');
		WHEN e.action = 'delete_fields' THEN
			FOREACH path IN ARRAY e.fields LOOP
				d.source := ref_remove_path(d.source, path);
			END LOOP;
			RETURN kz_merge(d.source, ref_stamp('{}', kuid, 'changed'));
		WHEN d.version IS NOT NULL THEN
			RETURN kz_merge(d.source, ref_stamp(e.body, kuid, 'changed'));
		WHEN e.defaults_win THEN
			RETURN ref_stamp(kz_merge(e.body, coalesce(e.defaults, '{}')), kuid, 'created');
		ELSE
			RETURN ref_stamp(kz_merge(coalesce(e.defaults, '{}'), e.body), kuid, 'created');
	END CASE;
END $$;

/*
 * Do what entries of one id ask, one after the other, and write what comes out.
 * What is raised by that is raised.
 */
CREATE FUNCTION ref_apply(c ref_collection, entries ref_entry[], kuid text) RETURNS ref_entry[]
LANGUAGE plpgsql AS $$
DECLARE
	stored ref_document;
	d ref_document;
	e ref_entry;
	image jsonb;
	unknown text[];
	changed boolean := false;
BEGIN
	EXECUTE format('SELECT _version, _source FROM %s WHERE _id = $1 FOR UPDATE', c.relation)
	INTO stored USING entries[1].id;
	d := stored;

	FOR i IN 1 .. cardinality(entries) LOOP
		e := entries[i];
		IF e.action IN ('replace', 'update', 'delete', 'delete_fields') AND d.version IS NULL THEN
			e := ref_fail(e, 'services.storage.not_found', 404, 'document not found',
				CASE WHEN e.action = 'replace' THEN 2 ELSE 3 END);
		ELSIF e.if_version <> coalesce(d.version, 0) THEN
			e := ref_fail(e, 'services.storage.version_conflict', 409, 'Version conflict', 3);
		ELSIF e.action = 'delete' THEN
			e.version := d.version;
			e.source := d.source;
			d := NULL;
			changed := true;
		ELSE
			image := ref_image(d, e, kuid);
			e.created := d.version IS NULL;
			-- What is the same to the last digit is not written.
			IF image::text IS DISTINCT FROM d.source::text THEN
				unknown := ref_unknown(c.properties, image, NULL);
				IF c.properties IS NOT NULL AND unknown IS NOT NULL THEN
					entries[i] := ref_fail(e, 'services.storage.strict_mapping_rejection', 400,
						format('mapping set to strict, dynamic introduction of [%s] within [%s] is not allowed',
							VARIADIC unknown), 3);
					CONTINUE;
				END IF;
				d := (coalesce(d.version, 0) + 1, image);
				changed := true;
			END IF;
			e.version := d.version;
			e.source := d.source;
		END IF;
		entries[i] := e;
	END LOOP;

	IF changed AND d.version IS NULL THEN
		EXECUTE format('DELETE FROM %s WHERE _id = $1', c.relation) USING entries[1].id;
	ELSIF changed AND stored.version IS NULL THEN
		EXECUTE format('INSERT INTO %s VALUES ($1, $2, $3)', c.relation)
		USING entries[1].id, d.version, d.source;
	ELSIF changed THEN
		EXECUTE format('UPDATE %s SET _version = $2, _source = $3 WHERE _id = $1', c.relation)
		USING entries[1].id, d.version, d.source;
	END IF;
	RETURN entries;
END $$;

/*
 * One document
 */

CREATE FUNCTION ref_raise(error text, status int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'KZ' || status, MESSAGE = error, DETAIL = error;
END $$;

CREATE FUNCTION ref_open(index_name text, collection_name text) RETURNS ref_collection
LANGUAGE plpgsql STABLE AS $$
DECLARE
	c ref_collection;
BEGIN
	SELECT * INTO c FROM ref_collection WHERE index = index_name AND name = collection_name;
	IF NOT FOUND THEN
		PERFORM ref_raise(CASE WHEN EXISTS (SELECT FROM ref_collection WHERE index = index_name)
			THEN 'services.storage.unknown_collection' ELSE 'services.storage.unknown_index' END, 412);
	END IF;
	RETURN c;
END $$;

-- an argument that must not be NULL, nor, for a name or an id, empty
CREATE FUNCTION ref_require(argument text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF coalesce(argument, '') = '' THEN
		PERFORM ref_raise('api.assert.missing_argument', 400);
	END IF;
END $$;

CREATE FUNCTION ref_check_id(id text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ref_require(id);
	IF octet_length(id) > 512 THEN
		PERFORM ref_raise('api.assert.invalid_argument', 400);
	END IF;
END $$;

CREATE FUNCTION ref_check_type(document jsonb, expected text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ref_require(document::text);
	IF jsonb_typeof(document) <> expected THEN
		PERFORM ref_raise('api.assert.invalid_type', 400);
	END IF;
END $$;

-- the options that all writing functions share, and others that must not be negative
CREATE FUNCTION ref_check_options(refresh text, VARIADIC naturals bigint[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF refresh NOT IN ('wait_for', 'false', '') THEN
		PERFORM ref_raise('services.storage.invalid_argument', 400);
	ELSIF 0 > ANY (naturals) THEN
		PERFORM ref_raise('api.assert.invalid_argument', 400);
	END IF;
END $$;

-- do what one entry asks, or raise what fails
CREATE FUNCTION ref_write(index text, collection text, INOUT e ref_entry, kuid text)
LANGUAGE plpgsql AS $$
DECLARE
	c ref_collection := ref_open(index, collection);
BEGIN
	IF e.action = 'create' THEN
		e := ref_refuse_stored(c, e);
	END IF;
	IF e.error IS NULL THEN
		e := (ref_apply(c, ARRAY[e], kuid))[1];
	END IF;
	IF e.error IS NOT NULL THEN
		PERFORM ref_raise(e.error, e.status);
	END IF;
END $$;

-- what is stored already cannot be created
CREATE FUNCTION ref_refuse_stored(c ref_collection, INOUT e ref_entry)
LANGUAGE plpgsql AS $$
DECLARE
	is_stored boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE _id = $1)', c.relation) INTO is_stored USING e.id;
	IF is_stored THEN
		e := ref_fail(e, 'services.storage.document_already_exists', 400, 'document already exists', 2);
	END IF;
END $$;

CREATE FUNCTION ref_answer(e ref_entry, VARIADIC keys text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_object_agg(key, value)
	FROM jsonb_each(jsonb_build_object('_id', e.id, '_version', e.version, '_source', e.source, 'created', e.created))
	WHERE key = ANY (keys)
$$;

CREATE FUNCTION ref_new(action text, id text, body jsonb, if_version bigint) RETURNS ref_entry
LANGUAGE plpgsql AS $$
DECLARE
	e ref_entry;
BEGIN
	e.action := action;
	e.id := id;
	e.body := body;
	e.if_version := if_version;
	RETURN e;
END $$;

CREATE FUNCTION kz_create(index text, collection text, body jsonb, id text DEFAULT NULL, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	id := coalesce(id, substr(md5(random()::text), 1, 20));
	PERFORM ref_require(index), ref_require(collection), ref_check_type(body, 'object'), ref_check_id(id),
		ref_check_options(refresh, if_version);
	RETURN ref_answer(ref_write(index, collection, ref_new('create', id, body, if_version), kuid),
		'_id', '_source', '_version');
END $$;

CREATE FUNCTION kz_create_or_replace(index text, collection text, id text, body jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id), ref_check_type(body, 'object'),
		ref_check_options(refresh, if_version);
	RETURN ref_answer(ref_write(index, collection, ref_new('create_or_replace', id, body, if_version), kuid),
		'_id', '_source', '_version', 'created');
END $$;

CREATE FUNCTION kz_replace(index text, collection text, id text, body jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id), ref_check_type(body, 'object'),
		ref_check_options(refresh, if_version);
	RETURN ref_answer(ref_write(index, collection, ref_new('replace', id, body, if_version), kuid),
		'_id', '_source', '_version');
END $$;

CREATE FUNCTION kz_update(index text, collection text, id text, changes jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10, source boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	e ref_entry;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id), ref_check_type(changes, 'object'),
		ref_check_options(refresh, if_version, retry_on_conflict);
	e := ref_write(index, collection, ref_new('update', id, changes, if_version), kuid);
	-- The changes alone; but their metadata are those of the document.
	IF source IS NOT TRUE THEN
		e.source := changes || CASE WHEN kuid IS NULL THEN '{}'
			ELSE jsonb_build_object('_kuzzle_info', e.source -> '_kuzzle_info') END;
	END IF;
	RETURN ref_answer(e, '_id', '_source', '_version');
END $$;

CREATE FUNCTION kz_upsert(index text, collection text, id text, changes jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL,
	defaults jsonb DEFAULT '{}', retry_on_conflict integer DEFAULT 10, source boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	e ref_entry;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id), ref_check_type(changes, 'object'),
		ref_check_type(coalesce(defaults, '{}'), 'object'),
		ref_check_options(refresh, if_version, retry_on_conflict);
	e := ref_new('upsert', id, changes, if_version);
	e.defaults := defaults;
	e := ref_write(index, collection, e, kuid);
	RETURN ref_answer(e, '_id', '_version', 'created', CASE WHEN source THEN '_source' END);
END $$;

CREATE FUNCTION kz_delete(index text, collection text, id text, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL, source boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	e ref_entry;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id), ref_check_options(refresh, if_version);
	e := ref_write(index, collection, ref_new('delete', id, NULL, if_version), kuid);
	RETURN ref_answer(e, VARIADIC CASE WHEN source THEN ARRAY['_id', '_source', '_version'] ELSE ARRAY['_id'] END);
END $$;

CREATE FUNCTION kz_delete_fields(index text, collection text, id text, fields text[], refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, if_version bigint DEFAULT NULL, source boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	e ref_entry := ref_new('delete_fields', id, NULL, if_version);
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id), ref_require(fields::text),
		ref_check_options(refresh, if_version);
	IF array_position(fields, NULL) IS NOT NULL THEN
		PERFORM ref_raise('api.assert.invalid_argument', 400);
	END IF;
	e.fields := fields;
	e := ref_write(index, collection, e, kuid);
	RETURN ref_answer(e, '_id', '_version', CASE WHEN source THEN '_source' END);
END $$;

/*
 * Reading, with the snapshot of the calling statement
 */

CREATE FUNCTION ref_read(index text, collection text, id text) RETURNS ref_document
LANGUAGE plpgsql STABLE AS $$
DECLARE
	c ref_collection := ref_open(index, collection);
	d ref_document;
BEGIN
	EXECUTE format('SELECT _version, _source FROM %s WHERE _id = $1', c.relation) INTO d USING id;
	RETURN d;
END $$;

CREATE FUNCTION kz_get(index text, collection text, id text)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	d ref_document;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id);
	d := ref_read(index, collection, id);
	IF d.version IS NULL THEN
		PERFORM ref_raise('services.storage.not_found', 404);
	END IF;
	RETURN jsonb_build_object('_id', id, '_source', d.source, '_version', d.version);
END $$;

CREATE FUNCTION kz_exists(index text, collection text, id text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_id(id);
	RETURN (ref_read(index, collection, id)).version IS NOT NULL;
END $$;

CREATE FUNCTION kz_count(index text, collection text)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
	result bigint;
BEGIN
	PERFORM ref_require(index), ref_require(collection);
	EXECUTE format('SELECT count(*) FROM %s', (ref_open(index, collection)).relation) INTO result;
	RETURN result;
END $$;

-- {successes, errors} of what is there and what is not, in the order of the ids
CREATE FUNCTION kz_mget(index text, collection text, ids text[], strict boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	errors jsonb := '[]';
	successes jsonb := '[]';
	id text;
	d ref_document;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_require(ids::text);
	IF array_position(ids, NULL) IS NOT NULL THEN
		PERFORM ref_raise('api.assert.invalid_argument', 400);
	END IF;
	FOREACH id IN ARRAY ids LOOP
		d := ref_read(index, collection, id);
		IF d.version IS NULL THEN
			errors := errors || to_jsonb(id);
		ELSE
			successes := successes || jsonb_build_object('_id', id, '_source', d.source, '_version', d.version);
		END IF;
	END LOOP;
	IF strict AND errors <> '[]' THEN
		PERFORM ref_raise('api.process.incomplete_multiple_request', 400);
	END IF;
	RETURN jsonb_build_object('errors', errors, 'successes', successes);
END $$;

CREATE FUNCTION kz_mexists(index text, collection text, ids text[], strict boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	answer jsonb := kz_mget(index, collection, ids, strict);
BEGIN
	RETURN jsonb_set(answer, '{successes}', (
		SELECT coalesce(jsonb_agg(s -> '_id' ORDER BY ord), '[]')
		FROM jsonb_array_elements(answer -> 'successes') WITH ORDINALITY l (s, ord)));
END $$;

/*
 * Many documents
 */

/*
 * Do what entries of one id ask. If that raises an error they are done one by
 * one, and it is that of the one that raises it then.
 */
CREATE FUNCTION ref_attempt(c ref_collection, unit ref_entry[], kuid text) RETURNS ref_entry[]
LANGUAGE plpgsql AS $$
DECLARE
	done ref_entry[] := '{}';
	e ref_entry;
	detail text;
BEGIN
	RETURN ref_apply(c, unit, kuid);
EXCEPTION WHEN OTHERS THEN
	IF cardinality(unit) = 1 THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN ARRAY[ref_fail(unit[1], 'services.storage.unexpected_bad_request', 400, concat_ws(': ', SQLERRM, nullif(detail, '')), 3)];
	END IF;
	FOREACH e IN ARRAY unit LOOP
		done := done || ref_attempt(c, ARRAY[e], kuid);
	END LOOP;
	RETURN done;
END $$;

/*
 * Do what entries ask that have no error yet: in ascending order of their ids,
 * those of one id in the order of the request. What is done together is what
 * stands side by side then and expects no version.
 */
CREATE FUNCTION ref_write_many(index text, collection text, entries ref_entry[], kuid text, strict boolean)
RETURNS ref_entry[] LANGUAGE plpgsql AS $$
DECLARE
	c ref_collection := ref_open(index, collection);
	unit ref_entry[] := '{}';
	done ref_entry[] := '{}';
	e ref_entry;
BEGIN
	-- Whether a document is stored is seen before anything is written.
	FOR i IN 1 .. cardinality(entries) LOOP
		IF entries[i].action = 'create' AND entries[i].error IS NULL THEN
			entries[i] := ref_refuse_stored(c, entries[i]);
		END IF;
	END LOOP;

	FOR e IN SELECT * FROM unnest(entries) u WHERE u.error IS NULL ORDER BY u.id COLLATE "C", u.place LOOP
		IF cardinality(unit) > 0 AND
			(unit[1].id <> e.id OR unit[cardinality(unit)].if_version IS NOT NULL OR e.if_version IS NOT NULL)
		THEN
			done := done || ref_attempt(c, unit, kuid);
			unit := '{}';
		END IF;
		unit := unit || e;
	END LOOP;
	IF cardinality(unit) > 0 THEN
		done := done || ref_attempt(c, unit, kuid);
	END IF;

	entries := ARRAY(
		SELECT u FROM unnest(entries) u WHERE u.error IS NOT NULL UNION ALL SELECT d FROM unnest(done) d);
	IF strict AND EXISTS (SELECT FROM unnest(entries) u WHERE u.error IS NOT NULL) THEN
		PERFORM ref_raise('api.process.incomplete_multiple_request', 400);
	END IF;
	RETURN entries;
END $$;

-- the id of an entry, or what is wrong with it
CREATE FUNCTION ref_set_id(INOUT e ref_entry, id text)
LANGUAGE plpgsql AS $$
BEGIN
	e.id := id;
	IF coalesce(id, '') = '' THEN
		e := ref_fail(e, 'services.storage.unexpected_bad_request', 400, 'document _id must be a string',
			CASE WHEN e.action = 'update' THEN 2 ELSE 1 END);
	ELSIF octet_length(id) > 512 THEN
		e := ref_fail(e, 'api.assert.invalid_argument', 400,
			'Invalid argument "_id". Expected: a string of 1 to 512 bytes', 3);
	END IF;
END $$;

-- what JavaScript takes for false
CREATE FUNCTION ref_is_falsy(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(value IN ('null', 'false', '0', '""'), true)
$$;

-- what is wrong with an entry by itself is found in this order: content, default, id, version
CREATE FUNCTION ref_entry(sent jsonb, place int, action text, content text) RETURNS ref_entry
LANGUAGE plpgsql AS $$
DECLARE
	bad constant text := 'services.storage.unexpected_bad_request';
	id jsonb := sent -> '_id';
	e ref_entry := ref_new(action, NULL, sent -> content, NULL);
BEGIN
	e.place := place;
	e.defaults_win := true;
	IF jsonb_typeof(sent) <> 'object' OR coalesce(jsonb_typeof(e.body), '') <> 'object' THEN
		RETURN ref_fail(e, bad, 400, format('document %s must be an object', content), 1);
	END IF;

	IF action = 'upsert' AND NOT ref_is_falsy(sent -> 'default') THEN
		e.defaults := sent -> 'default';
		IF jsonb_typeof(e.defaults) <> 'object' THEN
			RETURN ref_fail(e, bad, 400, 'document default must be an object', 1);
		END IF;
	END IF;

	e := ref_set_id(e, CASE
		WHEN action IN ('create', 'create_or_replace') AND ref_is_falsy(id) THEN substr(md5(random()::text), 1, 20)
		WHEN jsonb_typeof(id) = 'string' THEN id #>> '{}'
		WHEN action = 'create_or_replace' AND jsonb_typeof(id) = 'number' THEN trim_scale(id::numeric)::text
		WHEN action = 'create_or_replace' AND jsonb_typeof(id) = 'boolean' THEN 'true' END);
	IF e.error IS NOT NULL OR coalesce(jsonb_typeof(sent -> 'if_version'), 'null') = 'null' THEN
		RETURN e;
	END IF;

	IF jsonb_typeof(sent -> 'if_version') <> 'number' OR (sent ->> 'if_version') !~ '^\d+$' THEN
		RETURN ref_fail(e, bad, 400, 'document if_version must be an integer of at least 0', 1);
	END IF;
	e.if_version := sent ->> 'if_version';
	RETURN e;
END $$;

-- keys: what a success has besides _id, _version and, with source, _source
CREATE FUNCTION ref_many(index text, collection text, documents jsonb, action text, content text, keys text[],
	refresh text, kuid text, retry_on_conflict int, strict boolean, source boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	entries ref_entry[];
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_check_type(documents, 'array'),
		ref_check_options(refresh, retry_on_conflict);
	entries := ARRAY(
		SELECT ref_entry(sent, ord::int, action, content)
		FROM jsonb_array_elements(documents) WITH ORDINALITY d (sent, ord));
	IF cardinality(entries) > 0 THEN	-- else nobody asks for the collection
		entries := ref_write_many(index, collection, entries, kuid, strict);
	END IF;
	RETURN jsonb_build_object(
		'errors', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('reason', reason, 'status', status,
				'document', documents -> place - 1) ORDER BY pass, place), '[]')
			FROM unnest(entries) WHERE error IS NOT NULL),
		'successes', (
			SELECT coalesce(jsonb_agg(success ORDER BY place), '[]')
			FROM unnest(entries) e, LATERAL (
				SELECT jsonb_object_agg(key, value) AS success
				FROM jsonb_each(jsonb_build_object('_id', e.id, '_version', e.version, '_source', e.source,
					'status', CASE WHEN e.created THEN 201 ELSE 200 END, 'created', e.created,
					'result', CASE WHEN e.created THEN 'created' ELSE 'updated' END))
				WHERE key = ANY (keys || '{_id,_version,status}') OR (key = '_source' AND ref_many.source IS NOT FALSE)) s
			WHERE error IS NULL));
END $$;

CREATE FUNCTION kz_mcreate(index text, collection text, documents jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, strict boolean DEFAULT false, source boolean DEFAULT true)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT ref_many(index, collection, documents, 'create', 'body', '{created,result}', refresh, kuid, NULL, strict, source)
$$;

CREATE FUNCTION kz_mcreate_or_replace(index text, collection text, documents jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, strict boolean DEFAULT false, source boolean DEFAULT true)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT ref_many(index, collection, documents, 'create_or_replace', 'body', '{created,result}', refresh, kuid, NULL,
		strict, source)
$$;

CREATE FUNCTION kz_mreplace(index text, collection text, documents jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, strict boolean DEFAULT false, source boolean DEFAULT true)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT ref_many(index, collection, documents, 'replace', 'body', '{created,result}', refresh, kuid, NULL, strict, source)
$$;

CREATE FUNCTION kz_mupdate(index text, collection text, documents jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false, source boolean DEFAULT true)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT ref_many(index, collection, documents, 'update', 'body', '{}', refresh, kuid, retry_on_conflict, strict, source)
$$;

CREATE FUNCTION kz_mupsert(index text, collection text, documents jsonb, refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false, source boolean DEFAULT true)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT ref_many(index, collection, documents, 'upsert', 'changes', '{created}', refresh, kuid, retry_on_conflict,
		strict, source)
$$;

-- an id that comes more than once counts once
CREATE FUNCTION kz_mdelete(index text, collection text, ids text[], refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, strict boolean DEFAULT false)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	entries ref_entry[] := '{}';
	e ref_entry;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_require(ids::text), ref_check_options(refresh);
	FOR i IN 1 .. cardinality(ids) LOOP
		CONTINUE WHEN ids[i] <> '' AND ids[i] = ANY (ids[:i - 1]);
		e := ref_set_id(ref_new('delete', NULL, NULL, NULL), ids[i]);
		e.place := i;
		entries := entries || e;
	END LOOP;
	entries := ref_write_many(index, collection, entries, kuid, strict);
	RETURN jsonb_build_object(
		'errors', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('_id', id, 'reason', reason, 'status', status)
				ORDER BY pass, place), '[]')
			FROM unnest(entries) WHERE error IS NOT NULL),
		'successes', (
			SELECT coalesce(jsonb_agg(id ORDER BY place), '[]') FROM unnest(entries) WHERE error IS NULL));
END $$;

/*
 * Many documents, as rows
 */

CREATE FUNCTION ref_rows(index text, collection text, ids text[], changes jsonb[], defaults jsonb[], action text,
	refresh text, kuid text, retry_on_conflict int, strict boolean, source boolean, if_versions bigint[])
RETURNS TABLE (ord bigint, _id text, status integer, created boolean, _version bigint, _source jsonb, reason text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	bad constant text := 'services.storage.unexpected_bad_request';
	entries ref_entry[] := '{}';
	e ref_entry;
BEGIN
	PERFORM ref_require(index), ref_require(collection), ref_require(ids::text), ref_require(changes::text),
		ref_check_options(refresh, VARIADIC retry_on_conflict || if_versions);
	IF cardinality(changes) <> cardinality(ids) OR cardinality(defaults) <> cardinality(ids)
		OR cardinality(if_versions) <> cardinality(ids) THEN
		PERFORM ref_raise('api.assert.invalid_argument', 400);
	END IF;
	FOR i IN 1 .. cardinality(ids) LOOP
		e := ref_new(action, ids[i], changes[i], if_versions[i]);
		e.place := i;
		e.defaults := nullif(defaults[i], 'null');
		IF coalesce(jsonb_typeof(changes[i]), '') <> 'object' THEN
			e := ref_fail(e, bad, 400, 'document changes must be an object', 1);
		ELSIF jsonb_typeof(defaults[i]) NOT IN ('object', 'null') THEN
			e := ref_fail(e, bad, 400, 'document default must be an object', 1);
		ELSE
			e := ref_set_id(e, ids[i]);
		END IF;
		entries := entries || e;
	END LOOP;
	IF cardinality(entries) > 0 THEN
		entries := ref_write_many(index, collection, entries, kuid, strict);
	END IF;
	RETURN QUERY
		SELECT u.place::bigint, u.id, coalesce(u.status, CASE WHEN u.created THEN 201 ELSE 200 END),
			CASE WHEN u.error IS NULL THEN u.created END, CASE WHEN u.error IS NULL THEN u.version END,
			CASE WHEN u.error IS NULL AND ref_rows.source IS NOT FALSE THEN u.source END, u.reason
		FROM unnest(entries) u ORDER BY u.place;
END $$;

CREATE FUNCTION kz_update_rows(index text, collection text, ids text[], changes jsonb[], refresh text DEFAULT 'false',
	silent boolean DEFAULT false, kuid text DEFAULT NULL, retry_on_conflict integer DEFAULT 10,
	strict boolean DEFAULT false, source boolean DEFAULT true, if_versions bigint[] DEFAULT NULL)
RETURNS TABLE (ord bigint, _id text, status integer, created boolean, _version bigint, _source jsonb, reason text)
LANGUAGE sql AS $$
	SELECT * FROM ref_rows(index, collection, ids, changes, NULL, 'update', refresh, kuid, retry_on_conflict, strict,
		source, if_versions)
$$;

CREATE FUNCTION kz_upsert_rows(index text, collection text, ids text[], changes jsonb[], defaults jsonb[] DEFAULT NULL,
	refresh text DEFAULT 'false', silent boolean DEFAULT false, kuid text DEFAULT NULL,
	retry_on_conflict integer DEFAULT 10, strict boolean DEFAULT false, source boolean DEFAULT true,
	if_versions bigint[] DEFAULT NULL)
RETURNS TABLE (ord bigint, _id text, status integer, created boolean, _version bigint, _source jsonb, reason text)
LANGUAGE sql AS $$
	SELECT * FROM ref_rows(index, collection, ids, changes, defaults, 'upsert', refresh, kuid, retry_on_conflict, strict,
		source, if_versions)
$$;
