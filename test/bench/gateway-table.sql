SELECT clients, way, round(median) AS "per second", round(min) AS min, round(max) AS max,
	round(p50::numeric, 2) AS "p50, ms", round(p99::numeric, 2) AS "p99, ms", round(ratio::numeric, 2) AS ratio,
	'>= ' || bar AS bar, CASE reached WHEN true THEN 'yes' WHEN false THEN 'NO' END AS reached
FROM bench.gateway_report ORDER BY place;

SELECT protocol AS "idle clients", clients AS number, kb AS "kB resident", round(kb_each, 1) AS "kB each"
FROM bench.memory_report ORDER BY kb;
