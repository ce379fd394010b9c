--
-- STATS
-- What tells of all collections leaves out those that cannot be read, and goes on:
-- index:stats, which opens them, and lists, which don't.
--
\set SHOW_CONTEXT never

CREATE ROLE regress_kz_reader;
SELECT kz_create_collection('stats', name) FROM unnest('{bare,columns,dropped,filtered,granted,unfit}'::text[]) name;
SELECT kz_create_collection('stats_hidden', 'granted');
SELECT kz_create_collection('stats_none', 'bare');
SELECT kz_upsert('stats', name, 'a', '{}') ->> 'created' AS created FROM unnest('{bare,columns,filtered,granted,unfit}'::text[]) name;
GRANT USAGE ON SCHEMA stats, stats_none TO regress_kz_reader;
GRANT SELECT ON stats.granted, stats.filtered, stats.dropped, stats.unfit, stats_hidden.granted TO regress_kz_reader;
GRANT SELECT (_id, _version, _source) ON stats.columns TO regress_kz_reader;
ALTER TABLE stats.filtered ENABLE ROW LEVEL SECURITY;
ALTER TABLE stats.unfit RENAME _source TO source;
DROP TABLE stats.dropped;

CREATE FUNCTION pg_temp.stats(OUT status jsonb, OUT index text, OUT collections text, OUT adds_up boolean) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT answer -> 'status', entry ->> 'name',
		(SELECT string_agg(concat(c ->> 'name', ' ', c ->> 'documentCount'), ', ' ORDER BY c ->> 'name') FROM jsonb_array_elements(entry -> 'collections') c),
		(answer #>> '{result,size}')::bigint >= (entry ->> 'size')::bigint AND (entry ->> 'size')::bigint =
			(SELECT sum((c ->> 'size')::bigint) FROM jsonb_array_elements(entry -> 'collections') c)
	FROM kz_request('{"controller": "index", "action": "stats"}') answer
		LEFT JOIN LATERAL jsonb_array_elements(answer #> '{result,indexes}') entry ON entry ->> 'name' ~ '^stats'
	ORDER BY entry ->> 'name'
$$;
-- who may read all of them
SELECT * FROM pg_temp.stats();
SET ROLE regress_kz_reader;
SELECT * FROM pg_temp.stats();
-- a policy that is not to be applied silently
SET row_security = off;
SELECT * FROM pg_temp.stats();
RESET row_security;
-- one that fails
RESET ROLE;
CREATE POLICY failing ON stats.filtered USING (_version / 0 = 1);
SET ROLE regress_kz_reader;
SELECT * FROM pg_temp.stats();
SELECT kz_list_collections('stats');
SELECT kz_request('{"controller": "collection", "action": "list", "index": "stats"}') #> '{result,collections}' @> '[{"name": "unfit"}]' AS lists;
RESET ROLE;
REVOKE ALL ON SCHEMA stats, stats_none FROM regress_kz_reader;
SET ROLE regress_kz_reader;
SELECT * FROM pg_temp.stats();
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA stats CASCADE;
SELECT kz_create_index('stats');
SELECT kz_delete_index(index) FROM unnest('{stats,stats_hidden,stats_none}'::text[]) index;
DROP ROLE regress_kz_reader;
