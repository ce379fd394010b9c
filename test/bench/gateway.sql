--
-- What test/bench/gateway measures, and what comes out of it.
--
CREATE TABLE bench.load (clients int, way text, round int, rate float8, p50 float8, p99 float8);
COMMENT ON COLUMN bench.load.rate IS 'answers a second';
COMMENT ON COLUMN bench.load.p50 IS 'of the latency, in ms; so is p99';

CREATE TABLE bench.memory (protocol text, clients int, kb int);
COMMENT ON TABLE bench.memory IS 'what the gateway has resident, with so many idle clients';

-- What each way of the gateway is compared with.
CREATE TABLE bench.peer (way text PRIMARY KEY, gateway text, bar numeric);
INSERT INTO bench.peer VALUES
	('pgbench, kz_http', 'gateway, HTTP', 0.7),
	('Node.js, HTTP', 'gateway, HTTP', 2),
	('pgbench, kz_request', 'gateway, WebSocket', 0.7);

CREATE VIEW bench.gateway_report AS
WITH figures AS (
	SELECT clients, way, min(rate), max(rate),
		percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) AS median,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY p50) AS p50,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY p99) AS p99
	FROM bench.load GROUP BY clients, way)
SELECT f.clients, f.way, f.median, f.min, f.max, f.p50, f.p99, ours.median / f.median AS ratio, bar,
	ours.median / f.median >= bar AS reached,
	row_number() OVER (ORDER BY f.clients, coalesce(peer.gateway, f.way), peer.gateway IS NOT NULL, bar) AS place
FROM figures AS f
	LEFT JOIN bench.peer USING (way)
	LEFT JOIN figures AS ours ON ours.clients = f.clients AND ours.way = peer.gateway;

CREATE VIEW bench.memory_report AS
SELECT protocol, clients, kb, (kb - min(kb) FILTER (WHERE clients = 0) OVER ()) / nullif(clients, 0)::numeric AS kb_each
FROM bench.memory;
