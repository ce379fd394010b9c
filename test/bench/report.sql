--
-- What comes out of the results: bench.report, a line for each of bench.row.
--

-- What ten times the documents add, by the line that fits best.
INSERT INTO bench.result (place, round, value)
SELECT slope.place, round, regr_slope(value, log(sized.documents))
FROM bench.row AS slope
JOIN bench.row AS sized ON sized.name = slope.name AND sized.way = slope.way AND sized.unit = 'µs'
JOIN bench.result ON result.place = sized.place
WHERE slope.unit = 'µs per tenfold'
GROUP BY slope.place, round;

CREATE VIEW bench.report AS
WITH figures AS (
	SELECT bench.row.*, median, min, max, own_ratio, wal_replica, wal_logical
	FROM bench.row,
		LATERAL (
			SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value) FILTER (WHERE round > 0) AS median,
				min(value) FILTER (WHERE round > 0), max(value) FILTER (WHERE round > 0),
				percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio) AS own_ratio,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) FILTER (WHERE round > 0 AND script <> 'notifications') AS wal_replica,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) FILTER (WHERE round = 0 OR script = 'notifications') AS wal_logical
			FROM bench.result WHERE result.place = bench.row.place) AS r),
compared AS (
	SELECT *, CASE compared
			-- of two slopes only if both rise
			WHEN 'peer' THEN CASE WHEN least(median, ours) > 0 THEN median / ours END
			WHEN 'best' THEN median / min(median) FILTER (WHERE bar IS NOT NULL) OVER (PARTITION BY name)
			WHEN 'one' THEN min(median) FILTER (WHERE clients = 1 AND compared = 'one') OVER (PARTITION BY name, way) / median
			ELSE own_ratio
		END AS ratio
	FROM (SELECT *, min(median) FILTER (WHERE way = 'kz') OVER (PARTITION BY name, variant, unit) AS ours
			FROM figures) AS f)
SELECT row_number() OVER (ORDER BY first, place) AS place, name AS "case", variant, way, unit, median, min, max, ratio, relation, bar,
	-- where there is nothing to compare, the worst round must keep the bar
	CASE WHEN compared = 'peer' AND relation = '>=' THEN median >= bar * ours
		WHEN relation = '>=' THEN ratio >= bar
		WHEN relation = '<=' THEN coalesce(ratio, max) <= bar
	END AS reached,
	wal_replica, wal_logical, documents, size, clients, filler
FROM compared, LATERAL (SELECT min(place) AS first FROM bench.row AS r WHERE r.name = compared.name AND r.variant = compared.variant) AS f;
