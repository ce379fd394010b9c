--
-- The report as JSON.  Variables: rounds, documents, operations, cores, settings,
-- mariadb (its version, if it was there).
--
SELECT jsonb_pretty(jsonb_build_object(
	'server', current_setting('server_version'),
	'kz', (SELECT extversion FROM pg_extension WHERE extname = 'kz'),
	'mariadb', nullif(:'mariadb', ''),
	'cores', :cores,
	'settings', btrim(:'settings'),
	'rounds', :rounds,
	'documents', :documents,
	'operations', :operations,
	'rows', (SELECT jsonb_agg(jsonb_build_object('case', "case", 'variant', variant, 'way', way, 'unit', unit,
			'median', median, 'min', min, 'max', max, 'ratio', ratio,
			'bar', relation || ' ' || bar, 'reached', reached,
			'wal_replica', wal_replica, 'wal_logical', wal_logical) ORDER BY place)
		FROM bench.report)));
