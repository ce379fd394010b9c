# Calls for many documents under load and under fire: many clients with
# overlapping requests, and calls that are given up in the middle.
#
# KZ_SOAK is for how many seconds each load runs: 30 if it is not set, fewer for a
# quick look.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{KZ_SOAK} || 30;
my $clients = 8;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;

# A deadlock is to be found before its transactions could get out of it.
$node->append_conf('postgresql.conf', q{
	fsync = off
	max_connections = 30
	max_wal_size = 4GB
	deadlock_timeout = 10ms});
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION kz});

#
# Many clients
#
# A client writes batches of random ids, in random order, some of them twice.
# The ids come from a window that is the same for all clients and moves on with
# their calls, so that there are always documents to create. Each change adds a
# key of its own and says in "last" which it is.
#
# Once its transaction has committed, the client notes what was acknowledged.
#
$node->safe_psql('postgres', q{
	CREATE SCHEMA load;
	CREATE TABLE load.acknowledged (id text, version bigint, change text, as_written boolean);
	CREATE TABLE load.refused (id text, status int, change text);
	CREATE SEQUENCE load.calls;

	CREATE PROCEDURE load.client(client int, seconds float, retries int, width int, batch int)
	LANGUAGE plpgsql AS $$
	DECLARE
		finish timestamptz := clock_timestamp() + seconds * interval '1 second';
		first int;
		ids text[];
		names text[];
		changes jsonb[];
		answer jsonb;
	BEGIN
		PERFORM setseed(client / 10.0);
		FOR turn IN 1 .. 1000000 LOOP
			first := nextval('load.calls') / 8;
			SELECT array_agg('d' || first + floor(random() * width)::int),
				array_agg(change),
				array_agg(jsonb_build_object(change, true, 'last', change))
			INTO ids, names, changes
			FROM (SELECT format('%s.%s.%s', client, turn, i) AS change
				FROM generate_series(1, batch) i) s;
			IF turn % 2 = 0 THEN
				answer := kz_mupsert('load', 'docs', (
						SELECT jsonb_agg(jsonb_build_object('_id', id, 'changes', change))
						FROM unnest(ids, changes) u (id, change)),
					retry_on_conflict => retries);
				-- An error has its entry, a success the document as it was then.
				answer := (
					SELECT jsonb_agg(jsonb_build_object('_id', _id, 'status', status,
						'_version', _version, 'change', change, '_source', source))
					FROM (
						SELECT entry->>'_id', (entry->>'status')::int, entry->'_version',
							entry#>>'{_source,last}', entry->'_source'
						FROM jsonb_array_elements(answer->'successes') entry
						UNION ALL
						SELECT entry#>>'{document,_id}', (entry->>'status')::int, NULL,
							entry#>>'{document,changes,last}', NULL
						FROM jsonb_array_elements(answer->'errors') entry)
						s (_id, status, _version, change, source));
			ELSE
				answer := (
					SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('change', names[ord]))
					FROM kz_upsert_rows('load', 'docs', ids, changes,
						retry_on_conflict => retries) r);
			END IF;
			COMMIT;

			INSERT INTO load.acknowledged
			SELECT entry->>'_id', (entry->>'_version')::bigint, entry->>'change',
				(entry->'_source') ? (entry->>'change') AND
				entry#>>'{_source,last}' = entry->>'change'
			FROM jsonb_array_elements(answer) entry
			WHERE (entry->>'status')::int < 400;
			INSERT INTO load.refused
			SELECT entry->>'_id', (entry->>'status')::int, entry->>'change'
			FROM jsonb_array_elements(answer) entry
			WHERE (entry->>'status')::int >= 400;
			COMMIT;
			EXIT WHEN clock_timestamp() > finish;
		END LOOP;
	END $$;

	-- The same load in plain SQL, up to the first deadlock of any client: a
	-- sequence keeps what it is told by a transaction that fails.
	CREATE TABLE load.plain (id text PRIMARY KEY, version bigint, source jsonb);
	CREATE SEQUENCE load.deadlocks;
	CREATE PROCEDURE load.plain_client(client int, seconds float, width int, batch int)
	LANGUAGE plpgsql AS $$
	DECLARE
		finish timestamptz := clock_timestamp() + seconds * interval '1 second';
	BEGIN
		PERFORM setseed(client / 10.0);
		FOR turn IN 1 .. 1000000 LOOP
			BEGIN
				INSERT INTO load.plain AS p
				SELECT 'd' || i, 1, jsonb_build_object(client || '.' || turn, true)
				FROM (SELECT i FROM generate_series(0, width - 1) i ORDER BY random() LIMIT batch) s
				ON CONFLICT (id) DO UPDATE
				SET version = p.version + 1, source = p.source || EXCLUDED.source;
			EXCEPTION WHEN deadlock_detected THEN
				PERFORM nextval('load.deadlocks');
				RAISE;
			END;
			COMMIT;
			EXIT WHEN clock_timestamp() > finish OR (SELECT is_called FROM load.deadlocks);
		END LOOP;
	END $$;});

# Let all clients run at once what is given for each number; returns what they
# say on stderr. A call that raises an error ends its client.
sub run_clients
{
	my ($call) = @_;
	my @stderr = ('') x $clients;
	my @running = map {
		IPC::Run::start(
			[ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', sprintf($call, $_) ],
			'<', \undef, '>', \my $stdout, '2>', \$stderr[$_])
	} 0 .. $clients - 1;

	$_->finish foreach @running;
	return join '', @stderr;
}

# How many deadlocks the server has logged since the log had this size.
sub deadlocks
{
	my ($size) = @_;

	return scalar(() = substr(slurp_file($node->logfile), $size) =~ /deadlock detected/g);
}

# Every document is what its acknowledged changes make when they are replayed
# by version: versions 1 to n without a gap, the keys of all changes, "last" of
# the last one. Empty if so, else some that are not.
my $replay = q{
	SELECT coalesce(id, _id), stored, versions, _version
	FROM (
		SELECT id, count(*) AS stored, count(DISTINCT version) AS versions,
			min(version) AS first, max(version) AS last,
			jsonb_object_agg(change, true)
			|| jsonb_build_object('last', (array_agg(change ORDER BY version DESC))[1]) AS source
		FROM load.acknowledged
		GROUP BY id) replayed
	FULL JOIN load.docs ON _id = id
	WHERE (stored = _version AND versions = _version AND first = 1 AND last = _version
		AND source = _source) IS NOT TRUE
	ORDER BY 1 LIMIT 5};

foreach my $run ([ 10, 200, 50 ], [ 0, 60, 30 ])
{
	my ($retries, $width, $batch) = @$run;
	my $name = "retry_on_conflict => $retries";
	my $log = -s $node->logfile;

	$node->safe_psql('postgres', q{
		TRUNCATE load.acknowledged, load.refused;
		SELECT kz_create_collection('load', 'docs');
		SELECT kz_truncate_collection('load', 'docs')});
	is(run_clients("CALL load.client(%d, $seconds, $retries, $width, $batch)"), '',
		"$name: no call fails");

	my ($acknowledged, $documents, $conflicts, $others) =
		split /\|/, $node->safe_psql('postgres', q{
			SELECT (SELECT count(*) FROM load.acknowledged),
				(SELECT count(*) FROM load.docs),
				(SELECT count(*) FROM load.refused WHERE status = 409),
				(SELECT count(*) FROM load.refused WHERE status <> 409)});

	note("$name: $acknowledged changes of $documents documents, $conflicts conflicts");
	cmp_ok($acknowledged, '>', $documents, "$name: documents were changed again and again");
	is($others, 0, "$name: no document fails but by a conflict");
	if ($retries > 0)
	{
		is($conflicts, 0, "$name: nor by one");
	}
	else
	{
		cmp_ok($conflicts, '>', 0, "$name: some do");
	}
	is(deadlocks($log), 0, "$name: no deadlock");
	is($node->safe_psql('postgres', $replay), '',
		"$name: every document is what its acknowledged changes make");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FROM load.acknowledged WHERE as_written IS NOT TRUE}),
		0, "$name: every answer shows the document with its change");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FROM load.refused JOIN load.docs ON _id = id WHERE _source ? change}),
		0, "$name: nothing that was refused is in a document");
}

# The counter-proof: this load does deadlock if nobody puts it in order.
my $log = -s $node->logfile;
like(run_clients('CALL load.plain_client(%d, 20, 200, 50)'), qr/deadlock detected/,
	'the same in plain INSERT ... ON CONFLICT deadlocks');
cmp_ok(deadlocks($log), '>', 0, 'which is in the log');

#
# Calls that are given up in the middle
#
# The table grows while a call is at work in it, which tells that it is in the
# middle.
#
my $many = 100_000;
$node->safe_psql('postgres', qq{
	SELECT kz_create_collection('big', 'docs');
	-- What has been given up makes no room for what follows.
	ALTER TABLE big.docs SET (autovacuum_enabled = off);
	CREATE TABLE big.request AS
	SELECT name, jsonb_agg(jsonb_build_object('_id', lpad(i::text, 6, '0'),
			'changes', jsonb_build_object('n', i, name, repeat('x', 100)))) AS documents
	FROM generate_series(1, $many) i, unnest(ARRAY['create', 'change']) name
	GROUP BY name});

sub many
{
	my ($request, $options) = @_;

	return qq{SELECT jsonb_array_length(
		kz_mupsert('big', 'docs', documents, source => false$options)->'successes')
		FROM big.request WHERE name = '$request'};
}

sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query('\set VERBOSITY sqlstate');
	return $session;
}

# SQLSTATE of what the statement raises in this session, empty if it succeeds.
sub sqlstate
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	$session->query($sql) if $sql;
	$session->query('SELECT 1');
	my $err = $session->{stderr};
	$session->{stderr} = '';
	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : '';
}

# Send a statement, let it grow the table by 1 MB or wait for a lock, and end it: by
# one statement, as a call takes less than a second.
sub end_in_the_middle
{
	my ($session, $sql, $how, $when) = @_;
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $size = $node->safe_psql('postgres', q{SELECT pg_relation_size('big.docs')});
	my $reached = $when eq 'at work'
	  ? "pg_relation_size('big.docs') > $size + 1024 * 1024"
	  : "(SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid)";
	my $err;

	$session->query_until(qr/sent/, "\\echo sent\n$sql;\n");
	$node->psql('postgres', qq{
		DO \$\$ BEGIN
			FOR turn IN 1 .. 100000 LOOP
				PERFORM pg_stat_clear_snapshot();
				EXIT WHEN $reached;
				PERFORM pg_sleep(0.001);
			END LOOP;
			IF NOT $reached OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid AND state = 'active') THEN
				RAISE 'no';
			END IF;
			PERFORM pg_${how}_backend($pid);
		END \$\$}, stderr => \$err);
	is($err, '', "$how: the call is $when");
	return;
}

# Number of documents, how many of them have been changed, and the sum of all
# versions.
sub stored
{
	return $node->safe_psql('postgres', q{
		SELECT count(*), count(*) FILTER (WHERE _source ? 'change'), coalesce(sum(_version), 0)
		FROM big.docs});
}

my $session = session();
my $blocker = session();

end_in_the_middle($session, many('create', ''), 'cancel', 'at work');
is(sqlstate($session), '57014', 'a call that creates is cancelled');
is(stored(), '0|0|0', 'nothing is written');
is($session->query(many('create', '')), $many, 'the session is usable');
is(stored(), "$many|0|$many", 'and writes all');

end_in_the_middle($session, many('change', ''), 'cancel', 'at work');
is(sqlstate($session), '57014', 'a call that changes is cancelled');
is(stored(), "$many|0|$many", 'nothing is written');

# Not even where it isolates the errors of documents, which it is not one of.
$node->safe_psql('postgres', q{
	ALTER TABLE big.docs ADD CHECK (NOT (_source ? 'change') OR (_source->>'n')::int % 1000 <> 0)});
end_in_the_middle($session, many('change', ''), 'cancel', 'at work');
is(sqlstate($session), '57014', 'a call with documents in error is cancelled');
is(stored(), "$many|0|$many", 'nothing is written');
$node->safe_psql('postgres', q{ALTER TABLE big.docs DROP CONSTRAINT docs__source_check});

# Up to a savepoint.
$session->query('BEGIN');
$session->query(q{SELECT kz_upsert('big', 'docs', 'before', '{}')});
$session->query('SAVEPOINT before');
end_in_the_middle($session, many('change', ''), 'cancel', 'at work');
is(sqlstate($session), '57014', 'a call inside a transaction is cancelled');
$session->query('ROLLBACK TO before');
is(sqlstate($session, q{SELECT kz_upsert('big', 'docs', 'after', '{}')}), '',
	'which goes on from its savepoint');
$session->query('COMMIT');
is(stored(), sprintf('%d|0|%d', $many + 2, $many + 2), 'only what was around it is written');
$session->query(q{SELECT kz_mdelete('big', 'docs', ARRAY['before', 'after'])});

# While it waits for a document in the middle, and by timeouts.
$blocker->query('BEGIN');
$blocker->query(q{SELECT kz_update('big', 'docs', '050000', '{"blocked": true}')});
end_in_the_middle($session, many('change', ''), 'cancel', 'waiting');
is(sqlstate($session), '57014', 'a call that waits is cancelled');
foreach my $retries (0, 10)
{
	my $call = many('change', ", retry_on_conflict => $retries");

	$session->query(q{SET lock_timeout = '100ms'});
	is(sqlstate($session, $call), '55P03', "$retries retries: lock_timeout passes through");
	$session->query('RESET lock_timeout');
}
$session->query(q{SET statement_timeout = '1s'});
is(sqlstate($session, many('change', '')), '57014',
	'statement_timeout passes through while the call waits');
$session->query('RESET statement_timeout');
$blocker->query('ROLLBACK');

# The error undoes the setting, for which a RESET could take too long.
$session->query(q{BEGIN; SET LOCAL statement_timeout = '50ms'});
is(sqlstate($session, many('change', '')), '57014',
	'statement_timeout passes through while the call is at work');
$session->query('ROLLBACK');
is(stored(), "$many|0|$many", 'nothing is written by what was given up');

# A session that is ended.
end_in_the_middle($session, many('change', ''), 'terminate', 'at work');
$node->poll_query_until('postgres', q{
	SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE '%kz_mupsert%' AND pid <> pg_backend_pid()});
is(stored(), "$many|0|$many", 'nothing is written by a session that was terminated');
$session->{run}->kill_kill;

is($blocker->query(many('change', '')), $many, 'and nobody else is harmed');
is(stored(), sprintf('%d|%d|%d', $many, $many, 2 * $many), 'all is written in the end');
$blocker->quit;

$node->stop;
done_testing();
