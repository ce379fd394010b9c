# Who is told of changes, and when: settings in other sessions, the order of
# commits, listeners that die, rights, triggers, two phases, dumps.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Notifications;

start_server();

#
# Settings of other sessions
#
set_all('off');
my $listener = session('kz:d:c', 'kz:d:checked');
my $writer = session();
my $session = session();

$node->safe_psql('postgres', documents());
$session->query($set_9);
is_deeply([ heard($listener) ], [], 'off: nothing is told');
$writer->query('BEGIN');
$writer->query(setting('c', 'notify'));
$session->query(call('kz_update', q['b', '{"n": 3}']));
is_deeply([ heard($listener) ], [], 'a setting that is not committed does not count');
$writer->query('COMMIT');
$session->query(call('kz_update', q['b', '{"n": 9}']));
is_deeply([ heard_payloads($listener) ],
	[ one(update => '{"_id": "b", "_version": 3, "_source": {"n": 9}, "_updatedFields": ["n"]}') ],
	'one that is counts at once in another session');
is((heard($listener))[0], undef, 'and is told once');
$session->query('BEGIN');
$session->query(setting('c', 'off'));
$session->query(call('kz_update', q['b', '{"n": 4}']));
$session->query('ROLLBACK');
$session->query(call('kz_update', q['b', '{"n": 10}']));
is_deeply([ heard_payloads($listener) ],
	[ one(update => '{"_id": "b", "_version": 4, "_source": {"n": 10}, "_updatedFields": ["n"]}') ],
	'a setting that is rolled back does not count');

#
# The order of commits
#
# Clients change documents that they have in common, and at the end of each
# transaction one of their own, which says which it is.  What logical decoding
# shows is the order of commits.
#
$node->safe_psql('postgres', q{
	SELECT pg_create_logical_replication_slot('s', 'test_decoding');
	CREATE PROCEDURE client(client int)
	LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM setseed(client / 10.0);
		FOR turn IN 1 .. 60 LOOP
			PERFORM kz_mupsert('d', 'c', (
				SELECT coalesce(jsonb_agg(jsonb_build_object('_id', 'hot-' || n, 'changes', jsonb_build_object('by', client, 'turn', turn))), '[]')
				FROM generate_series(1, 5) n WHERE random() < 0.5), source => false);
			BEGIN
				PERFORM kz_upsert('d', 'c', 'undone-' || client, '{"n": 1}');
				RAISE EXCEPTION 'no';
			EXCEPTION WHEN OTHERS THEN
			END;
			PERFORM kz_upsert('d', 'c', 'last-' || client, jsonb_build_object('turn', turn));
			IF random() < 0.2 THEN ROLLBACK; ELSE COMMIT; END IF;
		END LOOP;
	END $$});

# Each document's versions, and the order in which the last ones of transactions
# came, in one list.
sub orders
{
	my %versions;

	foreach (@_)
	{
		my ($id, $version) = @$_;
		push @{ $versions{ $id =~ /^last/ ? 'last' : $id } }, "$id/$version";
	}
	return \%versions;
}

sub run_clients
{
	my @said = ('') x 4;
	my @running = map {
		IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', "CALL client($_)" ],
			'<', \undef, '>&', \$said[ $_ - 1 ]) } 1 .. 4;

	$_->finish or die "a client failed: @said" foreach @running;
	return;
}

foreach my $means (qw(notify message))
{
	$node->safe_psql('postgres', setting('c', $means) . q{;
		DELETE FROM d.c;
		SELECT pg_replication_slot_advance('s', pg_current_wal_lsn())});
	run_clients();
	my @stream = split(/\n/, $node->safe_psql('postgres', q{SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL)}));
	my @written = map { /^table d\.c: (?:INSERT|UPDATE): _id\[text\]:'(.*?)' _version\[bigint\]:(\d+)/ ? [ $1, $2 ] : () } @stream;
	my @told = map { $json->decode($_->[1]) } $means eq 'notify' ? heard($listener) : messages(join("\n", @stream));
	my $orders = orders(map { [ $_->{_id}, $_->{_version} ] } map { $_->{result} // @{ $_->{results} } } @told);

	is_deeply($orders, orders(@written), "$means: what is told has the order of commits");
	is(scalar(grep { $_ ne join(' ', sort { ($a =~ s/.*\///r) <=> ($b =~ s/.*\///r) } split / /) }
		map { join(' ', @{ $orders->{$_} }) } grep { !/^last/ } keys %$orders), 0, "$means: versions ascend");
	cmp_ok(scalar(@{ $orders->{last} }), '>', 100, "$means: there was something to tell");
}
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('s')} . ';' . setting('c', 'notify'));

#
# Listeners that die
#
sub queue_usage
{
	return $node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()');
}

# One that is in a transaction keeps the queue; its client is killed, then a
# backend is ended.
my $slow = session('kz:d:c');
$node->poll_query_until('postgres', 'SELECT pg_notification_queue_usage() = 0') or die 'the queue is not empty';
$slow->query('BEGIN');
$writer->query(call('kz_mupsert', q[(SELECT jsonb_agg(jsonb_build_object('_id', n::text, 'changes', jsonb_build_object('n', n)))
	FROM generate_series(1, 10000) n), source => false]) . ' \g /dev/null');
cmp_ok(queue_usage(), '>', 0, 'a listener in a transaction keeps notifications in the queue');
cmp_ok(scalar(heard($listener)), '>', 100, 'another one hears them');
hung_up($slow);
ok($node->poll_query_until('postgres', 'SELECT pg_notification_queue_usage() = 0'), 'once it was killed, the queue is emptied');
my $gone = session('kz:d:c');
my $pid = $gone->query('SELECT pg_backend_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
hung_up($gone);
is(sqlstate($writer, call('kz_upsert', q['a', '{"n": 1}'])), '', 'a call succeeds');
is(scalar(heard($listener)), 1, 'and the other listener hears it');

#
# Who can turn it on
#
$node->safe_psql('postgres', documents() . setting('c', 'off') . q{;
	CREATE ROLE guest LOGIN;
	GRANT USAGE ON SCHEMA d TO guest;
	GRANT SELECT, INSERT, UPDATE, DELETE ON d.c, d.checked TO guest;
	GRANT CREATE ON DATABASE postgres TO guest;
	ALTER TABLE d.checked ENABLE ROW LEVEL SECURITY;
	CREATE POLICY visible ON d.checked USING (_id <> 'b')});
my $settings = $node->safe_psql('postgres', 'SELECT * FROM kz_catalog.collection ORDER BY 1, 2');
my $guest = session();
my $stranger = session('kz:d:c');
$_->query('SET SESSION AUTHORIZATION guest') foreach $guest, $stranger;

my @attempts = (
	[ setting('c', 'notify'), '42501' ],
	[ q[SELECT kz_create_collection('d', 'c', settings => '{"notifications": "notify"}')], '42501' ],
	[ q[SELECT kz_attach_collection('d', 'other', 'd.c')], '42501' ],
	[ request('collection:update', '{"body": {"settings": {"notifications": "notify"}}}'), '42501' ],
	[ request('collection:create', '{"body": {"settings": {"notifications": "notify"}}}'), '42501' ],
	[ q[SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "d", "collectionName": "c", "dimension": 2,
		"params": {"notifications": "notify"}}')], '' ],
	[ q[SELECT kz_milvus('/v2/vectordb/collections/alter_properties', '{"dbName": "d", "collectionName": "c",
		"properties": {"notifications": "notify"}}')], '' ],
	[ q[UPDATE kz_catalog.collection SET settings = '{"notifications": "notify"}'], '42501' ],
	[ q[INSERT INTO kz_catalog.collection SELECT index, 'other', schema_name, table_name, attached, mappings,
		'{"notifications": "notify"}', 99 FROM kz_catalog.collection WHERE name = 'c'], '42501' ],
	[ q[SELECT kz_create_index('own')], '' ],
	[ q[SELECT kz_attach_collection('own', 'c', 'd.c')], '42501' ]);
foreach my $attempt (@attempts)
{
	is(sqlstate($guest, $attempt->[0]), $attempt->[1], "guest: $attempt->[0]");
}
is($node->safe_psql('postgres', q{SELECT * FROM kz_catalog.collection WHERE index <> 'own' ORDER BY 1, 2}), $settings,
	'guest has changed no setting');
is(sqlstate($guest, $set_9), '', 'guest writes');
is_deeply([ heard($listener) ], [], 'and nothing is told');

# The owner turns it on: who writes needs no more rights, and nothing is told of
# what a policy does not let him write.
$node->safe_psql('postgres', setting('checked', 'notify') . ';' . setting('c', 'notify'));
is(sqlstate($guest, call('checked.kz_update', q['b', '{"n": 9}'])), 'KZ404', 'guest does not see the document');
is(sqlstate($guest, call('checked.kz_upsert', q['b', '{"n": 9}'])), '42501', 'and can not make it');
$guest->query(call('checked.kz_mupsert', q['[{"_id": "b", "changes": {"n": 9}}, {"_id": "a", "changes": {"n": 9}}]']));
is_deeply([ heard_payloads($listener) ], [ many([ update => $a_is_9 ], collection => 'checked') ],
	'what a policy refuses is not told');
$guest->query(call('kz_delete', q['b']));
is_deeply([ heard_payloads($listener) ], [ one(delete => "{$b_was}") ], 'what guest writes is told');
is(scalar(heard($stranger)), 1, 'to everybody who listens');

# What a superuser has put into the catalogue is off, unless it is one of the
# settings.
foreach my $hostile ('5', '"notify"', '["notifications"]', '["notifications", "notify"]', '{"notifications": 5}', '{"notifications": "NOTIFY"}',
	'{"notifications": ["notify"]}', '{"notifications": {"notify": true}}', '{"notifications": ""}', '{"notifications": "notif"}',
	'{"notifications": true}', '{"notifications": null}', '{}', 'null')
{
	$session->query(qq{UPDATE kz_catalog.collection SET settings = '$hostile' WHERE index = 'd' AND name = 'c'});
	is(sqlstate($writer, call('kz_create_or_replace', q['a', jsonb_build_object('at', clock_timestamp())])), '',
		"settings $hostile: a call succeeds");
	is_deeply([ heard($listener) ], [], "settings $hostile: nothing is told");
}
$session->query(q{UPDATE kz_catalog.collection SET settings = '{"notifications": "notify"}' WHERE index = 'd' AND name = 'c'});
$writer->query(call('kz_delete', q['a']));
is(scalar(heard($listener)), 1, 'a setting that a superuser has written is obeyed');

#
# A trigger that writes elsewhere: each collection's setting is its own.
#
$node->safe_psql('postgres', documents() . q{
	SELECT kz_create_collection('d', 'log');
	CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM kz_create('d', 'log', NEW._source, NEW._id || NEW._version);
		IF NEW._source ? 'late' THEN
			RAISE EXCEPTION 'no';
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER log AFTER UPDATE ON d.parts FOR EACH ROW EXECUTE FUNCTION log()});
$session = session('kz:d:parts', 'kz:d:log');
my $logged = one(create => '{"_id": "b2", "_version": 1, "_source": {"n": 9}}', collection => 'log');
my $changed = one(update => $b_is_9, collection => 'parts');
foreach my $case ([ 'off', 'off' ], [ 'off', 'notify', $logged ], [ 'notify', 'off', $changed ], [ 'notify', 'notify', $logged, $changed ])
{
	my ($parts, $log, @expected_of_both) = @$case;
	$node->safe_psql('postgres', documents() . 'DELETE FROM d.log;' . setting('parts', $parts) . ';' . setting('log', $log));
	$writer->query(call('parts.kz_update', q['b', '{"n": 9}']));
	is_deeply([ heard_payloads($session) ], \@expected_of_both, "a trigger writes to another collection: $parts, $log");
}
$node->safe_psql('postgres', documents() . 'DELETE FROM d.log');
$writer->query(call('parts.kz_mupdate', q['[{"_id": "a", "body": {"late": 1}}, {"_id": "b", "body": {"n": 9}}]']));
is_deeply([ heard_payloads($session) ], [ $logged, many([ update => $b_is_9 ], collection => 'parts') ],
	'what a trigger has written before its row was rejected is not told');

#
# Channels
#
foreach my $name ('é' x 40, 'é' x 41, 'éx' x 30)
{
	$node->safe_psql('postgres', qq{SELECT kz_create_collection('d', '$name', settings => '{"notifications": "notify"}')});
	my $its = $node->safe_psql('postgres', qq{SELECT kz_channel('d', '$name')});
	$session->query(qq{LISTEN "$its"});
	$writer->query(qq{SELECT kz_create('d', '$name', '{}', 'x')});
	is_deeply([ map { $_->[0] } heard($session) ], [ $its ], "LISTEN works with the channel of $name");
}

#
# Two phases, a dump, and a server without logical decoding
#
$node->safe_psql('postgres', documents() . setting('c', 'notify') . ';' . setting('checked', 'message'));
$writer->query('BEGIN');
$writer->query($set_9);
is(sqlstate($writer, q{PREPARE TRANSACTION 'p'}), '0A000', 'PREPARE TRANSACTION is refused after a notification');
is_deeply([ heard($listener) ], [], 'and nothing is told');
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')});
$writer->query('BEGIN');
$writer->query(call('checked.kz_update', q['b', '{"n": 9}']));
is(sqlstate($writer, q{PREPARE TRANSACTION 'p'}), '', 'but not after a message');
is(scalar(decoded()), 0, 'which is not told before the transaction is committed');
$writer->query(q{COMMIT PREPARED 'p'});
is_deeply([ map { masked($_->[1]) } decoded() ], [ one(update => $b_is_9, collection => 'checked') ], 'and is then');
quit();

$node->safe_psql('postgres', 'DROP PROCEDURE client; DROP FOREIGN TABLE d.far; CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'sh', '-c', 'pg_dump -d "$1" | psql -X -q -v ON_ERROR_STOP=1 -d "$2"', 'sh',
		$node->connstr('postgres'), $node->connstr('restored') ], 'dumped and restored');
is_deeply([ heard_payloads_of('restored', $set_9) ], [ one(update => $a_is_9) ], 'a restored collection notifies');

$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('s')});
$node->append_conf('postgresql.conf', 'wal_level = replica');
$node->restart;
my ($rc, $out, $err) = $node->psql('postgres', setting('c', 'message') . ";\n" . call('kz_update', q['b', '{"n": 9}']) . ";\n"
	. call('kz_mdelete', q['{b}']) . ";\n" . setting('c', 'notify'));
is($rc, 0, 'without wal_level = logical calls succeed');
is(scalar(() = $err =~ /WARNING/g), 1, 'with one warning');
like($err, qr/WARNING:  no notifications are written while wal_level is less than "logical"/, 'which says why');
$node->safe_psql('postgres', documents() . setting('c', 'message'));
my $lsn = $node->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn()");
$node->safe_psql('postgres', $set_9);
my ($stdout) = run_command([ 'pg_waldump', '--rmgr=LogicalMessage', '-p', $node->data_dir . '/pg_wal', '-s', $lsn ]);
is($stdout, '', 'no message is in the WAL');
$node->safe_psql('postgres', documents() . setting('c', 'notify'));
is_deeply([ heard_payloads_of('postgres', $set_9) ], [ one(update => $a_is_9) ], 'and NOTIFY works');

done_testing();
