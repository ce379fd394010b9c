# What takes several real sessions: settings seen at once, many writers at few
# documents, waits that are given up, parallel workers, a crash.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'max_connections = 30');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	SELECT kz_create_collection('live', 'docs');
	SELECT kz_create('live', 'docs', '{"n": 0}', 'd')});

# A session that stays open and goes on after an error.
sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query('\set VERBOSITY sqlstate');
	return $session;
}

# End a session that the server has ended already, whether psql knows or not.
sub hung_up
{
	my ($session) = @_;

	$session->{run}->kill_kill;
	return;
}

# SQLSTATE of what the statement raises in this session, empty if it succeeds.
sub sqlstate
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	$session->query($sql);
	return last_sqlstate($session);
}

sub last_sqlstate
{
	my ($session) = @_;
	my $err = $session->{stderr};

	$session->{stderr} = '';
	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : '';
}

# Send a statement that is going to wait for a lock; return its backend's pid
# once it does.
sub send_and_wait
{
	my ($session, $sql) = @_;
	my $pid = $session->query('SELECT pg_backend_pid()');

	$session->query_until(qr/sent/, "\\echo sent\n$sql;\n");
	$node->poll_query_until('postgres', qq{
		SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid})
	  or die 'the statement does not wait';
	return $pid;
}

sub document
{
	my ($id) = @_;

	return $node->safe_psql('postgres', "SELECT kz_get('live', 'docs', '$id')");
}

my $unchanged = '{"_id": "d", "_source": {"n": 0}, "_version": 1}';

#
# Settings
#
my $reader = session();
my $writer = session();
is(sqlstate($reader, q{SELECT kz_update('live', 'docs', 'd', '{"n": 0}')}), '',
	'a session has the collection in its cache');
$writer->query(q{SELECT kz_update_collection('live', 'docs',
	'{"dynamic": "strict", "properties": {"n": {"type": "integer"}}}')});
is(sqlstate($reader, q{SELECT kz_update('live', 'docs', 'd', '{"x": 0}')}), 'KZ400',
	'it obeys mappings that another session has made strict');
is($reader->query(q{SELECT kz_get_mapping('live', 'docs')->>'dynamic'}), 'strict',
	'and reads them');
$writer->query(q{SELECT kz_update_collection('live', 'docs', '{"dynamic": "false"}',
	'{"custom": 1}')});
is($reader->query(q{SELECT kz_get_settings('live', 'docs')}), '{"custom": 1}',
	'it reads settings that another session has changed');
$writer->query(q{SELECT kz_create_collection('later', 'docs')});
is(sqlstate($reader, q{SELECT kz_upsert('later', 'docs', 'l', '{}')}), '',
	'it knows a collection that another session has just made');
$writer->query(q{SELECT kz_delete_index('later')});
is(sqlstate($reader, q{SELECT kz_upsert('later', 'docs', 'l', '{}')}), 'KZ412',
	'and forgets it with the index');
is(document('d'), $unchanged, 'nothing was written by what was refused');

#
# Waits that are given up
#
$writer->query('BEGIN');
$writer->query(q{SELECT kz_update('live', 'docs', 'd', '{"writer": 1}')});
my %waits = (
	kz_update => q{SELECT kz_update('live', 'docs', 'd', '{"reader": 1}')},
	kz_upsert => q{SELECT kz_upsert('live', 'docs', 'd', '{"reader": 1}')},
	kz_replace => q{SELECT kz_replace('live', 'docs', 'd', '{"reader": 1}')},
	kz_delete => q{SELECT kz_delete('live', 'docs', 'd')});
foreach my $function (sort keys %waits)
{
	$reader->query(q{SET lock_timeout = '100ms'});
	is(sqlstate($reader, $waits{$function}), '55P03',
		"$function: lock_timeout passes through");
	$reader->query('RESET lock_timeout');

	# The error undoes the setting, for which a RESET could take too long.
	$reader->query(q{BEGIN; SET LOCAL statement_timeout = '100ms'});
	is(sqlstate($reader, $waits{$function}), '57014',
		"$function: statement_timeout passes through");
	$reader->query('ROLLBACK');

	my $pid = send_and_wait($reader, $waits{$function});
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	is($reader->query('SELECT 1'), '1', "$function: the session is usable after a cancel");
	is(last_sqlstate($reader), '57014', "$function: cancel passes through");
}
is($reader->query(q{SELECT kz_get('live', 'docs', 'd')}), $unchanged,
	'nothing was written by what was given up');

# Given up while waiting for a document that is being created.
$writer->query(q{SELECT kz_create('live', 'docs', '{"writer": 1}', 'new')});
$reader->query(q{SET lock_timeout = '100ms'});
is(sqlstate($reader, q{SELECT kz_upsert('live', 'docs', 'new', '{"reader": 1}')}), '55P03',
	'kz_upsert: lock_timeout passes through while another creates');
$reader->query('RESET lock_timeout');

# Inside a transaction, up to a savepoint.
$reader->query('BEGIN');
$reader->query('SAVEPOINT before');
$reader->query(q{SET LOCAL lock_timeout = '100ms'});
is(sqlstate($reader, $waits{kz_update}), '55P03', 'given up inside a transaction');
$reader->query('ROLLBACK TO before');
is(sqlstate($reader, q{SELECT kz_create('live', 'docs', '{}', 'mine')}), '',
	'which goes on from its savepoint');
$reader->query('COMMIT');

$writer->query('COMMIT');
is(sqlstate($reader, $waits{kz_update}), '', 'once the other has committed, it is written');
is(document('d'), '{"_id": "d", "_source": {"n": 0, "reader": 1, "writer": 1}, "_version": 3}',
	'and merged');
is(document('new'), '{"_id": "new", "_source": {"writer": 1}, "_version": 1}',
	'what another session created is whole');
is(document('mine'), '{"_id": "mine", "_source": {}, "_version": 1}',
	'what followed the savepoint is there');

# The backend that waits is ended: nothing is written, nobody else is harmed.
$writer->query('BEGIN');
$writer->query(q{SELECT kz_update('live', 'docs', 'd', '{"writer": 2}')});
my $pid = send_and_wait($reader, q{SELECT kz_update('live', 'docs', 'd', '{"reader": 2}')});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
$node->poll_query_until('postgres',
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
$writer->query('COMMIT');
is(document('d'), '{"_id": "d", "_source": {"n": 0, "reader": 1, "writer": 2}, "_version": 4}',
	'a terminated session has written nothing');
hung_up($reader);
$writer->quit;

#
# Many writers at few documents: each call adds a key of its own.
#
$node->safe_psql('postgres', q{
	SELECT kz_create_collection('hot', 'docs');
	CREATE TABLE hot.taken (answer jsonb);
	CREATE SEQUENCE hot.key});
my $clients = 8;
my $calls = 250;

# pgbench: no client may fail; its options are those of the test.
sub bench
{
	my ($name, %scripts) = @_;

	$node->pgbench("-n -c $clients -j 4 -t $calls", 0,
		[qr{processed: ${\($clients * $calls)}/${\($clients * $calls)}}],
		[qr{^$}], $name, \%scripts);
	return;
}

my $keys = q{
	SELECT count(*), (SELECT sum(_version) FROM hot.docs)
	FROM hot.docs, jsonb_object_keys(_source)};

bench('eight clients upsert three documents',
	'upsert' => q{
		\set id random(1, 3)
		SELECT kz_upsert('hot', 'docs', 'd' || :id,
			jsonb_build_object('k' || nextval('hot.key'), :client_id));
	});
my $written = $clients * $calls;
is($node->safe_psql('postgres', $keys), "$written|$written",
	'every upsert is in its document, and was counted once');

bench('eight clients update them',
	'update' => q{
		\set id random(1, 3)
		SELECT kz_update('hot', 'docs', 'd' || :id,
			jsonb_build_object('k' || nextval('hot.key'), :client_id));
	});
$written += $clients * $calls;
is($node->safe_psql('postgres', $keys), "$written|$written",
	'every update is in its document, and was counted once');

# A delete returns what it took away: no key may be in neither place.
$node->safe_psql('postgres', q{SELECT kz_truncate_collection('hot', 'docs')});
bench('upserts and deletes of the same documents',
	'mixed_upsert@4' => q{
		\set id random(1, 3)
		SELECT kz_upsert('hot', 'docs', 'd' || :id,
			jsonb_build_object('k' || nextval('hot.key'), :client_id),
			retry_on_conflict => 1000);
	},
	'mixed_delete@1' => q{
		\set id random(1, 3)
		DO $$ BEGIN
			INSERT INTO hot.taken SELECT kz_delete('hot', 'docs', 'd' || :id, source => true);
		EXCEPTION WHEN SQLSTATE 'KZ404' OR SQLSTATE 'KZ409' THEN
			NULL;
		END $$;
	});
is($node->safe_psql('postgres', qq{
		WITH document AS (
			SELECT _version, _source FROM hot.docs
			UNION ALL
			SELECT (answer->'_version')::bigint, answer->'_source' FROM hot.taken)
		SELECT (SELECT count(*) FROM document, jsonb_object_keys(_source))
				= currval - $written,
			(SELECT sum(_version) FROM document) = currval - $written
		FROM (SELECT last_value AS currval FROM hot.key) s}),
	't|t', 'every upsert is in the document it found or made, or went with it');

#
# Parallel workers
#
my $parallel = sprintf(q{
	SET %s = on;
	SET max_parallel_workers_per_gather = 2;
	SET parallel_setup_cost = 0;
	SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0;
	SET parallel_leader_participation = off;},
	$node->safe_psql('postgres', 'SHOW server_version_num') >= 160000
	? 'debug_parallel_query' : 'force_parallel_mode');
$node->safe_psql('postgres', q{
	SELECT kz_create_collection('par', 'docs');
	SELECT count(kz_create('par', 'docs', jsonb_build_object('n', i), 'd' || i))
	FROM generate_series(1, 1000) i;
	CREATE TABLE par.ids AS SELECT 'd' || i AS id FROM generate_series(1, 2000) i;
	ANALYZE par.ids});
my %readers = (
	kz_exists => q{SELECT count(*) FROM par.ids WHERE kz_exists('par', 'docs', id)},
	kz_get => q{SELECT sum((kz_get('par', 'docs', id)#>>'{_source,n}')::int) FROM par.ids
		WHERE length(id) < 5 AND id <> 'd2000'},
	kz_merge => q{SELECT count(*) FROM par.ids
		WHERE kz_merge(jsonb_build_object('a', id), '{"b": {}}') ? 'b'},
	kz_count => q{SELECT count(*) FROM par.ids
		WHERE length(id) < 4 AND kz_count('par', 'docs') > length(id)});
my %answers = (kz_exists => 1000, kz_get => 499500, kz_merge => 2000, kz_count => 99);
foreach my $function (sort keys %readers)
{
	like($node->safe_psql('postgres',
			"$parallel EXPLAIN (VERBOSE, COSTS OFF) $readers{$function}"),
		qr/Gather.*\Q$function\E/s, "$function: planned for workers");
	is($node->safe_psql('postgres', "$parallel $readers{$function}"),
		$answers{$function}, "$function: works in workers");
}
my ($rc, $out, $err) = $node->psql('postgres', qq{
	\\set VERBOSITY sqlstate
	$parallel
	SELECT count(kz_get('par', 'docs', id)) FROM par.ids});
like($err, qr/ERROR:\s+KZ404/, 'an error in a worker keeps its code');

#
# A crash
#
$writer = session();
$writer->query('BEGIN');
$writer->query(q{SELECT kz_upsert('live', 'docs', 'open', '{"lost": true}')});
$writer->query(q{SELECT kz_update('live', 'docs', 'd', '{"lost": true}')});
$node->safe_psql('postgres', q{
	SELECT kz_upsert('live', 'docs', 'last', '{"kept": true}');
	SELECT kz_update_collection('par', 'docs', '{"dynamic": "true"}')});
my $all = q{
	SELECT * FROM live.docs ORDER BY _id;
	SELECT * FROM hot.docs ORDER BY _id;
	SELECT * FROM kz_catalog.index ORDER BY position;
	SELECT * FROM kz_catalog.collection ORDER BY position};
my $before = $node->safe_psql('postgres', $all);
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $all), $before,
	'after a crash there is what was committed, and nothing else');
is($node->safe_psql('postgres', q{SELECT kz_upsert('par', 'docs', 'd1', '{"after": 1}')}),
	'{"_id": "d1", "created": false, "_version": 2}', 'and it is written to as before');
hung_up($writer);

$node->stop;
done_testing();
