/*
 * _kuzzle_info: kept by kz in the document when a kuid is given; data like any
 * other when it is not.
 */
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT kz_create_collection('metadata', 'doc');
SELECT set_config('test.start', floor(extract(epoch FROM clock_timestamp()) * 1000)::text, false) IS NOT NULL AS started;

-- shows a time as "now" if it is whole milliseconds since this test began; the next call is in another one
CREATE FUNCTION pg_temp.masked(answer jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	path text[];
BEGIN
	FOREACH path SLICE 1 IN ARRAY '{{_source,_kuzzle_info,createdAt},{_source,_kuzzle_info,updatedAt}}'::text[] LOOP
		IF jsonb_typeof(answer #> path) = 'number' AND answer #>> path ~ '^\d+$' AND (answer #>> path)::numeric
			BETWEEN current_setting('test.start')::numeric AND ceil(extract(epoch FROM clock_timestamp()) * 1000)
		THEN
			answer := jsonb_set(answer, path, '"now"');
		END IF;
	END LOOP;
	PERFORM pg_sleep(0.002);
	RETURN answer;
END $$;
CREATE FUNCTION pg_temp.stored(id text) RETURNS jsonb
LANGUAGE sql AS $$ SELECT pg_temp.masked(kz_get('metadata', 'doc', id)) $$;

-- created: author and createdAt; the other two are there and null
SELECT pg_temp.masked(kz_create('metadata', 'doc', '{"n": 1}', 'a', kuid => 'ada'));
SELECT pg_temp.stored('a');
-- updated: updatedAt and updater; the first two stay.  Without source the answer has the changes and the whole _kuzzle_info
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'a', '{"m": {"x": 1}}', kuid => 'bob'));
SELECT pg_temp.stored('a');
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'a', '{"m": {"y": 2}}', kuid => 'eve', source => true));
-- nothing else to change is a change all the same
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'a', '{}', kuid => 'bob'));
-- upserted
SELECT kz_upsert('metadata', 'doc', 'a', '{"n": 2}', kuid => 'ada');
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'a', '{"n": 3}', kuid => 'bob', source => true));
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'b', '{"n": 3}', kuid => 'bob', defaults => '{"d": 1}', source => true));
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'b', '{"n": 4}', kuid => 'ada', defaults => '{"d": 2}', source => true));
-- fields deleted
SELECT kz_delete_fields('metadata', 'doc', 'b', '{d}', kuid => 'eve');
SELECT pg_temp.masked(kz_delete_fields('metadata', 'doc', 'b', '{absent}', kuid => 'fay', source => true));
-- replaced, or created or replaced: all four, and the former author is gone
SELECT pg_temp.masked(kz_replace('metadata', 'doc', 'a', '{"r": 1}', kuid => 'guy'));
SELECT pg_temp.stored('a');
SELECT pg_temp.masked(kz_create_or_replace('metadata', 'doc', 'a', '{"r": 2}', kuid => 'hal'));
SELECT pg_temp.masked(kz_create_or_replace('metadata', 'doc', 'c', '{"r": 2}', kuid => 'hal'));
SELECT pg_temp.stored('c');
-- deleted: a kuid changes nothing
SELECT pg_temp.masked(kz_delete('metadata', 'doc', 'c', kuid => 'ida', source => true));

-- createdAt never moves, updatedAt does, also within a transaction
SELECT kz_create('metadata', 'doc', '{}', 't', kuid => 'ada') #>> '{_source,_kuzzle_info,createdAt}' AS created \gset
SELECT pg_sleep(0.01);
SELECT (info -> 'createdAt')::bigint = :created AS created_stays, (info -> 'updatedAt')::bigint > :created AS updated_moves
FROM (SELECT kz_update('metadata', 'doc', 't', '{}', kuid => 'ada') #> '{_source,_kuzzle_info}') u(info);
BEGIN;
SELECT kz_update('metadata', 'doc', 't', '{}', kuid => 'ada') #>> '{_source,_kuzzle_info,updatedAt}' AS updated \gset
SELECT pg_sleep(0.002);
SELECT (info -> 'createdAt')::bigint = :created AS created_stays, (info -> 'updatedAt')::bigint > :updated AS updated_moves
FROM (SELECT kz_update('metadata', 'doc', 't', '{}', kuid => 'ada') #> '{_source,_kuzzle_info}') u(info);
COMMIT;

-- whoever it is: anonymous, unicode, quotes
SELECT kz_create('metadata', 'doc', '{}', 'k' || ord, kuid => kuid) #>> '{_source,_kuzzle_info,author}' = kuid AS author,
	kz_update('metadata', 'doc', 'k' || ord, '{}', kuid => kuid) #>> '{_source,_kuzzle_info,updater}' = kuid AS updater
FROM unnest(ARRAY['-1', 'é日', '"', 'null', repeat('x', 1000)]) WITH ORDINALITY k(kuid, ord) ORDER BY ord;

-- a _kuzzle_info of the caller's is dropped where there is a kuid, whatever it is
SELECT pg_temp.masked(kz_create('metadata', 'doc', '{"n": 1, "_kuzzle_info": {"author": "mallory", "x": 1}}', 'd', kuid => 'ada'));
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'd', '{"m": 1, "_kuzzle_info": {"author": "mallory", "x": 1}}', kuid => 'bob'));
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'd', '{"_kuzzle_info": null}', kuid => 'bob', source => true));
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'd', '{"_kuzzle_info": "mallory"}', kuid => 'eve', source => true));
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'e', '{"n": 1, "_kuzzle_info": {"x": 1}}', kuid => 'eve',
	defaults => '{"_kuzzle_info": {"author": "mallory"}}', source => true));
SELECT pg_temp.masked(kz_replace('metadata', 'doc', 'd', '{"_kuzzle_info": {"author": "mallory", "x": 1}}', kuid => 'ada'));
SELECT pg_temp.masked(kz_create_or_replace('metadata', 'doc', 'd', '{"_kuzzle_info": [1]}', kuid => 'ada'));
SELECT pg_temp.masked(kz_create_or_replace('metadata', 'doc', 'f', '{"_kuzzle_info": [1]}', kuid => 'ada'));
-- at the root only: deeper down the key is data
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'd', '{"o": {"_kuzzle_info": {"author": "data"}}}', kuid => 'bob', source => true));

-- without a kuid it is data: nothing is injected, nothing is kept apart
SELECT kz_create('metadata', 'doc', '{"n": 1}', 'g');
SELECT kz_create('metadata', 'doc', '{"_kuzzle_info": {"author": "me", "x": 1}}', 'h');
SELECT kz_update('metadata', 'doc', 'h', '{"_kuzzle_info": {"x": 2}}');
SELECT kz_update('metadata', 'doc', 'h', '{"_kuzzle_info": {"y": 3}}', source => true);
SELECT kz_upsert('metadata', 'doc', 'h', '{"_kuzzle_info": {"x": null}}', source => true);
SELECT kz_upsert('metadata', 'doc', 'i', '{"_kuzzle_info": {"x": 1}}', defaults => '{"_kuzzle_info": {"y": 2}}', source => true);
SELECT kz_delete_fields('metadata', 'doc', 'h', '{_kuzzle_info.x}', source => true);
SELECT kz_replace('metadata', 'doc', 'h', '{"_kuzzle_info": "mine"}');
SELECT kz_create_or_replace('metadata', 'doc', 'h', '{"no": "info"}');
-- what a kuid has stored stays through updates without one, and goes with a replacement
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'e', '{"n": 2}', source => true));
SELECT kz_update('metadata', 'doc', 'e', '{"n": 3}');
SELECT kz_replace('metadata', 'doc', 'e', '{"n": 4}');

-- a document that has none gets the two of an update; keys that are not kz's own survive
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'g', '{}', kuid => 'ada', source => true));
SELECT pg_temp.masked(kz_delete_fields('metadata', 'doc', 'h', '{no}', kuid => 'ada', source => true));
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'i', '{"n": 1}', kuid => 'ada', source => true));
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'i', '{"n": 2}', kuid => 'bob'));
-- deleted by its path it is made anew
SELECT pg_temp.masked(kz_delete_fields('metadata', 'doc', 'i', '{_kuzzle_info,n}', kuid => 'ada', source => true));
-- a stored one that is no object is replaced
SELECT kz_create('metadata', 'doc', '{"n": 1, "_kuzzle_info": "text"}', 'j') -> '_version' AS version;
SELECT pg_temp.masked(kz_update('metadata', 'doc', 'j', '{"n": 2}', kuid => 'ada'));
SELECT kz_replace('metadata', 'doc', 'j', '{"_kuzzle_info": [1, 2]}') -> '_version' AS version;
SELECT pg_temp.masked(kz_upsert('metadata', 'doc', 'j', '{}', kuid => 'ada', source => true));
SELECT kz_replace('metadata', 'doc', 'j', '{"_kuzzle_info": null}') -> '_version' AS version;
SELECT pg_temp.masked(kz_delete_fields('metadata', 'doc', 'j', '{}', kuid => 'ada', source => true));

-- among keys of every length it is where jsonb looks for it, and the bytes are jsonb's own
SELECT kz_create('metadata', 'doc', jsonb_object_agg(repeat('z', 1 + i % 20) || i, i), 'many', kuid => 'ada') ? '_source' AS created FROM generate_series(1, 100) i;
SELECT kz_upsert('metadata', 'doc', 'many', jsonb_object_agg(repeat('A', 1 + i % 20) || i, i), kuid => 'bob') -> 'created' AS created FROM generate_series(1, 100) i;
SELECT _source #>> '{_kuzzle_info,author}' AS author, _source @> '{"_kuzzle_info": {"updater": "bob"}}' AS contained, (SELECT count(*) FROM jsonb_object_keys(_source)) AS keys
FROM metadata.doc WHERE _id = 'many';
SELECT count(*) AS documents, bool_and(record_image_eq(ROW(_source), ROW(_source::text::jsonb))) AS same_bytes FROM metadata.doc;

SELECT kz_delete_index('metadata');
