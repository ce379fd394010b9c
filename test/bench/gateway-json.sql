--
-- The report as JSON.  Variables: rounds, seconds, documents, cores, pool, node,
-- settings.
--
SELECT jsonb_pretty(jsonb_build_object(
	'server', current_setting('server_version'),
	'kz', (SELECT extversion FROM pg_extension WHERE extname = 'kz'),
	'node', :'node',
	'cores', :cores,
	'connections', :pool,
	'settings', btrim(:'settings'),
	'rounds', :rounds,
	'seconds', :seconds,
	'documents', :documents,
	'rows', (SELECT jsonb_agg(to_jsonb(r) - 'place' ORDER BY place) FROM bench.gateway_report AS r),
	'memory', (SELECT jsonb_agg(to_jsonb(m) ORDER BY kb) FROM bench.memory_report AS m)));
