-- What dev/demo shows of its documents: an index is a schema, a collection a
-- table, and plain SQL reads them.

\pset footer off
\pset border 0

\echo Languages by the standards that know them
SELECT concat_ws(' + ',
			CASE WHEN _source ? 'iso_639_3' THEN '639-3' END,
			CASE WHEN _source ? 'iso_639_2' THEN '639-2' END,
			CASE WHEN _source ? 'iso_639_5' THEN '639-5' END) AS standards,
		count(*) AS documents,
		min(_source ->> 'kind') AS kind,
		(array_agg(coalesce(_source #>> '{iso_639_3,name}', _source #>> '{iso_639_2,name}',
			_source #>> '{iso_639_5,name}') ORDER BY _id))[1] AS first
FROM iso.languages
GROUP BY 1
ORDER BY documents DESC;

\echo Countries with the most subdivisions
SELECT c._source #>> '{iso_3166_1,flag}' AS flag,
		c._source #>> '{iso_3166_1,name}' AS country,
		count(*) AS subdivisions
FROM iso.countries AS c
	JOIN iso.subdivisions AS s ON s._source ->> 'country' = c._id
GROUP BY c._id
ORDER BY subdivisions DESC, c._id
LIMIT 5;

\echo 'One document out of two standards: kz_get(''iso'', ''countries'', ''BY'')'
\pset tuples_only on
\pset format unaligned
SELECT jsonb_pretty(kz_get('iso', 'countries', 'BY'));
