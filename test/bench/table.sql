SELECT "case", variant, way, unit,
	CASE WHEN unit LIKE 'µs%' THEN round(median::numeric, 2) ELSE round(median::numeric) END AS median,
	CASE WHEN unit LIKE 'µs%' THEN round(min::numeric, 2) ELSE round(min::numeric) END AS min,
	CASE WHEN unit LIKE 'µs%' THEN round(max::numeric, 2) ELSE round(max::numeric) END AS max,
	round(ratio::numeric, 2) AS ratio,
	relation || ' ' || bar AS bar,
	CASE reached WHEN true THEN 'yes' WHEN false THEN 'NO' END AS reached,
	round(wal_replica) AS "WAL replica", round(wal_logical) AS "WAL logical"
FROM bench.report ORDER BY place
