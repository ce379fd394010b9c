--
-- What is measured: a line is one way to do a case, in the order of the table
-- that comes out.  schema.sql says what the columns mean.  Variables:
-- single_documents, tables, overlap_clients, memory.
--

-- One document, with prepared statements, 40 a pipeline.  Bars are for the
-- first size.  Of large documents there are fewer.
INSERT INTO bench.row (name, variant, way, script, statement, kind, filler, sends, documents, settings, compared, relation, bar)
SELECT name, variant, way, script, statement, coalesce(kind_of_way, kind), filler, sends, greatest(:single_documents / share, 40), settings,
	compared, CASE WHEN filler = 100 AND sends = 'whole' THEN relation END,
	CASE WHEN filler = 100 AND sends = 'whole' THEN bar END
FROM (VALUES
	(1,		'S1',	'stored, 200 B',	'change',	100,	'whole',	1),
	(2,		'S1',	'part of 200 B',	'change',	100,	'part',		1),
	(3,		'S1',	'part of 2 kB',		'change',	1800,	'part',		5),
	(4,		'S1',	'part of 20 kB',	'change',	20000,	'part',		50),
	(5,		'S2',	'new, 200 B',		'new',		100,	'whole',	1),
	(6,		'S2',	'new, 2 kB',		'new',		1800,	'whole',	5),
	(7,		'S2',	'new, 20 kB',		'new',		20000,	'whole',	50),
	(8,		'S3',	'no change, 200 B',	'same',		100,	'whole',	1),
	(9,		'S3',	'no change, 2 kB',	'same',		1800,	'part',		5),
	(10,	'S3',	'no change, 20 kB',	'same',		20000,	'part',		50),
	(11,	'S4',	'stored, 200 B',	'change',	100,	'whole',	1),
	(12,	'K1',	'stored, 200 B',	'change',	100,	'whole',	1)
) AS v (v, name, variant, kind, filler, sends, share)
JOIN (VALUES
	(1,		'S1',	'kz',				'pipeline',	'kz_upsert',	NULL,	'',							NULL,	NULL,	NULL),
	(2,		'S1',	'shallow',			'pipeline',	'shallow',		NULL,	'',							'peer',	'>=',	1.05),
	(3,		'S1',	'deep',				'pipeline',	'deep',			NULL,	'',							'peer',	'>=',	2.0),
	(4,		'S1',	'raw',				'pipeline',	'update',		NULL,	'',							'peer',	NULL,	NULL),
	(5,		'S1',	'mariadb',			'on_mariadb', 'single',		NULL,	'',							'peer',	NULL,	NULL),
	(5.5,		'S1',	'echo',				'pipeline',	'echo',			'same',	'',							'peer',	NULL,	NULL),
	(6,		'S2',	'kz',				'pipeline',	'kz_upsert',	NULL,	'',							NULL,	NULL,	NULL),
	(7,		'S2',	'shallow',			'pipeline',	'shallow',		NULL,	'',							'peer',	'>=',	1.1),
	(8,		'S2',	'raw',				'pipeline',	'insert',		NULL,	'',							'peer',	NULL,	NULL),
	(9,		'S2',	'mariadb',			'on_mariadb', 'single',		NULL,	'',							'peer',	NULL,	NULL),
	(10,	'S3',	'kz',				'pipeline',	'kz_update',	NULL,	'',							NULL,	NULL,	NULL),
	(11,	'S3',	'shallow',			'pipeline',	'shallow',		NULL,	'',							'peer',	'>=',	2.0),
	(12,	'S4',	'kz',				'pipeline',	'kz_upsert',	NULL,	'',							NULL,	NULL,	NULL),
	(13,	'S4',	'kz through SQL',	'pipeline',	'kz_upsert',	NULL,	'-c kz.direct_writes=off',	'peer',	NULL,	NULL),
	(14,	'K1',	'kz',				'pipeline',	'kz_upsert',	NULL,	'',							NULL,	NULL,	NULL),
	(15,	'K1',	'kz_request',		'pipeline',	'kz_request',	NULL,	'',							'peer',	'<=',	1.35)
) AS w (w, name, way, script, statement, kind_of_way, settings, compared, relation, bar) USING (name)
WHERE way <> 'mariadb' OR filler = 100
ORDER BY v, w;

-- A thousand documents a call.
INSERT INTO bench.row (name, variant, way, script, statement, kind, compared, relation, bar) VALUES
	('B1', 'stored, whole answer',	'kz',		'batch',	'kz_mupsert',			'change',	NULL,	NULL,	NULL),
	('B1', 'stored, whole answer',	'set',		'batch',	'set_answer',			'change',	'peer',	'>=',	1.8),
	('B1', 'stored, whole answer',	'mariadb',	'on_mariadb', 'many_answer',			'change',	'peer',	NULL,	NULL),
	('B1', 'stored, whole answer',	'echo',		'batch',	'echo_many',			'same',		'peer',	NULL,	NULL),
	('B1', 'stored, no documents',	'kz',		'batch',	'kz_mupsert_short',		'change',	NULL,	NULL,	NULL),
	('B1', 'stored, no documents',	'set',		'batch',	'set',					'change',	'peer',	'>=',	1.25),
	('B1', 'stored, no documents',	'mariadb',	'on_mariadb', 'many',					'change',	'peer',	NULL,	NULL),
	('B1', 'stored, no documents',	'parse',	'batch',	'parse_many',			'same',		'peer',	NULL,	NULL),
	('B2', 'new, whole answer',		'kz',		'batch',	'kz_mupsert',			'new',		NULL,	NULL,	NULL),
	('B2', 'new, whole answer',		'set',		'batch',	'set_answer',			'new',		'peer',	'>=',	2.5),
	('B2', 'new, whole answer',		'mariadb',	'on_mariadb', 'many_answer',			'new',		'peer',	NULL,	NULL),
	('B2', 'new, no documents',		'kz',		'batch',	'kz_mupsert_short',		'new',		NULL,	NULL,	NULL),
	('B2', 'new, no documents',		'set',		'batch',	'set',					'new',		'peer',	'>=',	1.7),
	('B2', 'new, no documents',		'copy',		'files',	'copy',					'new',		'peer',	'>=',	0.55),
	('B2', 'new, no documents',		'mariadb',	'on_mariadb', 'many',					'new',		'peer',	NULL,	NULL),
	('B3', 'no change, whole answer', 'kz',		'batch',	'kz_mupsert',			'same',		NULL,	NULL,	NULL),
	('B3', 'no change, whole answer', 'kz, changes', 'batch', 'kz_mupsert',			'change',	'peer',	'>=',	3),
	('B3', 'no change, whole answer', 'echo',	'batch',	'echo_many',			'same',		'peer',	NULL,	NULL);

-- A thousand entities of Milvus a call.
INSERT INTO bench.row (name, variant, way, script, statement, filler, compared, relation, bar)
SELECT 'V1', dimension || ' dimensions', way, 'entities', statement, dimension, compared,
	CASE WHEN dimension = 128 THEN relation END, CASE WHEN dimension = 128 THEN bar END
FROM unnest(ARRAY[128, 768]) AS dimension,
	(VALUES
		(1, 'kz',		'kz_milvus',		NULL,	NULL,	NULL),
		(2, 'set',			'set_entities',		'peer',	'>=',	1.3),
		(3, 'parse',		'parse_entities',	'peer',	NULL,	NULL)
	) AS w (place, way, statement, compared, relation, bar)
ORDER BY dimension, w.place;

-- What is to write nothing: the WAL records of one call by EXPLAIN, and for
-- comparison those of a call that changes what is stored.
INSERT INTO bench.row (name, variant, way, unit, script, statement, kind, relation, bar) VALUES
	('S3', 'no change, 200 B',		'kz',			'WAL records', 'explain', 'kz_update',	'same',		'<=',	0),
	('S3', 'no change, 200 B',		'kz, changes',	'WAL records', 'explain', 'kz_update',	'change',	NULL,	NULL),
	('B3', 'no change, whole answer', 'kz',			'WAL records', 'explain', 'kz_mupsert',	'same',		'<=',	0),
	('B3', 'no change, whole answer', 'kz, changes', 'WAL records', 'explain', 'kz_mupsert', 'change',	NULL,	NULL);

-- By the size of a call.
INSERT INTO bench.row (name, variant, way, script, statement, size, compared, relation, bar)
SELECT 'G1', size || ' a call', 'kz', 'batch', 'kz_mupsert', size, 'best', CASE WHEN size >= 100 THEN '<=' END,
	CASE WHEN size >= 100 THEN 1.25 END
FROM unnest(ARRAY[10, 100, 1000, 10000]) AS size ORDER BY size;

-- By the size of the table; at last what ten times the documents add.
INSERT INTO bench.row (name, variant, way, script, statement, documents, compared)
SELECT 'G2', documents || ' documents', way, 'pipeline', statement, documents, compared
FROM unnest(string_to_array(:'tables', ',')::int[]) AS documents,
	(VALUES (1, 'kz', 'kz_upsert', NULL), (2, 'shallow', 'shallow', 'peer')) AS w (place, way, statement, compared)
ORDER BY documents, w.place;
INSERT INTO bench.row (name, variant, way, unit, compared, relation, bar) VALUES
	('G2', 'slope',	'kz',		'µs per tenfold',	NULL,	NULL,	NULL),
	('G2', 'slope',	'shallow',	'µs per tenfold',	'peer',	'>=',	1);

-- By the number of clients, all on one document.
INSERT INTO bench.row (name, variant, way, unit, script, statement, clients, compared, relation, bar)
SELECT 'H1', 'clients: ' || clients, way, unit, script, statement, clients, compared, relation,
	CASE WHEN clients > 1 OR unit <> 'µs' THEN bar END
FROM unnest(ARRAY[1, 8, 64]) AS clients,
	(VALUES
		(1, 'kz',		'µs',			'one',	'kz_update_one',	'one',	'>=',	0.9),
		(2, 'kz',		'errors',		NULL,	NULL,				NULL,	'<=',	0),
		(3, 'kz',		'lost updates',	NULL,	NULL,				NULL,	'<=',	0),
		(4, 'shallow',	'µs',			'one',	'shallow_one',		'one',	NULL,	NULL)
	) AS w (w, way, unit, script, statement, compared, relation, bar)
ORDER BY clients, w;

-- Overlapping calls.  A deadlock is found quickly, as it is not its duration
-- that is of interest.
INSERT INTO bench.row (name, variant, way, unit, script, statement, size, clients, settings, compared, relation, bar)
SELECT 'H2', 'overlapping', way, unit, script, statement, 100, :overlap_clients, '-c deadlock_timeout=10ms',
	compared, relation, bar
FROM (VALUES
	(1, 'kz',				'µs',			'overlap',	'kz_mupsert_short',	NULL,	NULL,	NULL),
	(2, 'kz',				'deadlocks',	NULL,		NULL,				NULL,	'<=',	0),
	(3, 'kz',				'errors',		NULL,		NULL,				NULL,	'<=',	0),
	(4, 'kz',				'lost updates',	NULL,		NULL,				NULL,	'<=',	0),
	(5, 'set, unordered',	'µs',			'overlap',	'set_unordered',	'peer',	NULL,	NULL),
	(6, 'set, unordered',	'deadlocks',	NULL,		NULL,				NULL,	NULL,	NULL)
) AS w (w, way, unit, script, statement, compared, relation, bar)
ORDER BY w;

-- By what the collection tells of it.
INSERT INTO bench.row (name, variant, way, script, statement, clients, compared)
SELECT 'N1', 'clients: ' || clients, way, 'notifications', 'kz_upsert', clients, compared
FROM unnest(ARRAY[1, 8]) AS clients,
	(VALUES (1, 'kz', NULL), (2, 'kz, message', 'peer'), (3, 'kz, notify', 'peer'), (4, 'kz, notify, listener', 'peer')) AS w (w, way, compared)
ORDER BY clients, w;

-- Memory: the script of that name says of what.  To parse is the server's own.
INSERT INTO bench.row (name, variant, way, unit, script, relation, bar) VALUES
	('M1', :'memory' || ' in one call',	'parse',						'kB',	'memory',	NULL,	NULL),
	('M1', :'memory' || ' in one call',	'new, no documents',			'kB',	NULL,		'<=',	1.25),
	('M1', :'memory' || ' in one call',	'stored, no documents',			'kB',	NULL,		'<=',	1.25),
	('M1', :'memory' || ' in one call',	'no change, no documents',		'kB',	NULL,		'<=',	1.25),
	('M1', :'memory' || ' in one call',	'stored, less 4 answers',		'kB',	NULL,		'<=',	1.25),
	('M1', :'memory' || ' in one call',	'new, less 4 answers',			'kB',	NULL,		'<=',	1.25);
