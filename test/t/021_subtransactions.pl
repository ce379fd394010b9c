# Subtransactions that kz begins, and what is raised where they end: connections of a
# foreign collection that break, and backends that are short of memory. Whatever
# happens, no session is left in an aborted transaction that it has not begun.
#
# KZ_KILLS is the number of calls while connections are being killed; 200 if it is
# not set.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{KZ_KILLS} || 200;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;

# Long messages are part of the test; the log needs none of them.
$node->append_conf('postgresql.conf', q{
	fsync = off
	autovacuum = off
	shared_buffers = 16MB
	log_min_messages = fatal});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	SELECT kz_create_collection('d', 'c')});

# A session that stays open and goes on after an error.
sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query('\set VERBOSITY sqlstate');
	return $session;
}

# SQLSTATE of what the statement raises or warns of in this session, empty if it does not.
sub sqlstate
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	$session->query($sql);
	my ($state) = $session->{stderr} =~ /(?:ERROR|WARNING|FATAL):\s+(\w{5})/;
	return $state // '';
}

# Whether a session can go on: it has no transaction, so ROLLBACK warns of that.
sub is_free
{
	my ($session) = @_;

	return sqlstate($session, 'SELECT 1') eq '' && sqlstate($session, 'ROLLBACK') eq '25P01'
	  && sqlstate($session, 'SELECT 1') eq '';
}

#
# A connection that breaks
#

my $has_fdw = $node->safe_psql('postgres',
	q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'});

sub make_foreign
{
	$node->safe_psql('postgres', q{
		CREATE EXTENSION postgres_fdw;
		DO $$ BEGIN
			EXECUTE format('CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw
				OPTIONS (host %L, port %L, dbname %L, application_name ''far'')',
				split_part(current_setting('unix_socket_directories'), ',', 1),
				current_setting('port'), current_database());
		END $$;
		CREATE USER MAPPING FOR CURRENT_USER SERVER self;
		CREATE SCHEMA far;
		CREATE TABLE far.docs (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
		CREATE FOREIGN TABLE d.docs (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL)
			SERVER self OPTIONS (schema_name 'far');
		SELECT kz_attach_collection('d', 'docs', 'd.docs')});
	return;
}

# Connections are killed at any moment while documents are written, until enough calls
# have been made and some have met it.
sub check_kills
{
	my $writer = session();
	my $seen = 0;
	my $stuck = 0;
	my $done = 0;
	my ($out, $err) = ('', '');

	$writer->query(q{SET application_name = 'writer'});
	my $killer = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', q{
			DO $$ BEGIN
				WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'writer') LOOP
					PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
						WHERE application_name = 'far' AND state = 'idle in transaction';
					PERFORM pg_sleep(random() * 0.008);
					PERFORM pg_stat_clear_snapshot();
				END LOOP;
			END $$} ], '>', \$out, '2>', \$err);
	while ($done < $calls || ($seen < 5 && $done < 100 * $calls))
	{
		my $state = sqlstate($writer,
			"SELECT kz_mupsert('d', 'docs', '[{\"_id\": \"k\", \"changes\": {\"n\": $done}}]')");

		$seen++ if $state =~ /^(08|57P01)/;
		$stuck++ if $state eq '25P02';
		last if $stuck;
		$done++;
	}
	cmp_ok($seen, '>', 0, 'connections were killed');
	is($stuck, 0, 'no call has left the session in a transaction');
	ok(is_free($writer), 'and the session goes on');
	note("$done calls, $seen broken connections");
	$writer->quit;
	$killer->finish;
	return;
}

SKIP:
{
	skip 'there is no postgres_fdw', 1 unless $has_fdw;
	make_foreign();
	check_kills();
}

#
# No memory for an error
#

# What is raised has so many long texts that between the most that making them takes
# and what a copy of all takes there are several of the limits that are tried.
my $megabytes = 4;
my $texts = join(', ', map { "$_ = repeat('x', $megabytes << 20)" }
	qw(MESSAGE DETAIL HINT COLUMN CONSTRAINT DATATYPE TABLE SCHEMA));

$node->safe_psql('postgres', qq{
	CREATE FUNCTION long(state text) RETURNS void LANGUAGE plpgsql AS \$\$
	BEGIN
		RAISE EXCEPTION USING ERRCODE = state, $texts;
	END \$\$;
	CREATE TABLE d.checked (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		PERFORM long(NEW._source->>'state');
		RETURN NEW;
	END \$\$;
	CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON d.checked FOR EACH ROW
		WHEN (NEW._source ? 'state') EXECUTE FUNCTION refuse();
	SELECT kz_create_collection('d', 'checked');
	CREATE FUNCTION go_on() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		PERFORM long('P0001');
	EXCEPTION WHEN raise_exception THEN
		RETURN NEW;
	END \$\$;
	CREATE TABLE d.caught (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
	CREATE TRIGGER go_on BEFORE INSERT OR UPDATE ON d.caught FOR EACH ROW EXECUTE FUNCTION go_on();
	SELECT kz_create_collection('d', 'caught');
	CREATE FUNCTION refuse_table() RETURNS event_trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		IF EXISTS (SELECT FROM pg_class WHERE relname = 'refused') THEN
			PERFORM long('KZ999');
		END IF;
	END \$\$;
	CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse_table()});

sub has_prlimit
{
	my ($out, $err) = ('', '');

	return $^O eq 'linux' && -r '/proc/self/status'
	  && eval { IPC::Run::run([ 'prlimit', '--version' ], '>', \$out, '2>', \$err) };
}

sub limit
{
	my ($pid, $bytes) = @_;

	system_or_bail('prlimit', "--pid=$pid", "--as=$bytes:");
	return;
}

sub size
{
	my ($pid) = @_;
	my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m;

	return $kilobytes << 10;
}

# Call with ever more memory, until it is enough: then the answer is as expected. The
# session goes on each time.
sub check_memory
{
	my ($name, $sql, $expected) = @_;
	my $session = session();
	my $pid = $session->query('SELECT pg_backend_pid()');
	my ($short, $stuck, $state) = (0, 0, '');

	# What is cached is there, and once there was memory.
	sqlstate($session, $sql);
	for (my $step = 0; $step < 60; $step++)
	{
		limit($pid, size($pid) + $step * ($megabytes << 21));
		$state = sqlstate($session, $sql);
		$short++ if $state eq '53200';
		limit($pid, 'unlimited');
		unless (is_free($session))
		{
			$stuck++;
			last;
		}
		last if $state eq $expected;
	}
	cmp_ok($short, '>', 1, "$name: memory was short");
	is($stuck, 0, "$name: the session goes on");
	is($state, $expected, "$name: and works when there is memory");
	$session->quit;
	return;
}

my $culprit = '{"_id": "a", "changes": {"state": "P0001"}}';
my $canceled = '{"_id": "b", "changes": {"state": "57014"}}';

SKIP:
{
	skip 'needs prlimit, and /proc of Linux', 1 unless has_prlimit();
	check_memory('an error of a document', "SELECT kz_mupsert('d', 'checked', '[$culprit]')", '');
	check_memory('one that goes on', "SELECT kz_mupsert('d', 'checked', '[$culprit, $canceled]')", '57014');
	# PL/pgSQL has no memory to end a subtransaction of its own, inside of ours.
	check_memory('one that a trigger catches',
		q{SELECT kz_mupsert('d', 'caught', jsonb_build_array(jsonb_build_object('_id', 'a', 'changes', jsonb_build_object('r', random()))))}, '');
	check_memory('a request', q{SELECT kz_request('{"controller": "document", "action": "upsert",
		"index": "d", "collection": "checked", "_id": "a", "body": {"changes": {"state": "P0001"}}}')}, '');
	check_memory('a definition', q{SELECT kz_request('{"controller": "collection", "action": "create",
		"index": "d", "collection": "refused"}')}, 'KZ999');
	check_memory('a body that is no JSON', qq{SELECT status FROM kz_http('POST', '/d/c/_create',
		'{"content-type": "application/json"}', repeat('x', $megabytes << 20))}, '');
	check_memory('a body by HTTP', qq{SELECT status FROM kz_http('PUT', '/d/c/_mUpsert',
		'{"content-type": "application/json"}', '{"documents": [{"_id": "a", "changes": {"x": "'
		|| repeat('x', $megabytes << 20) || random() || '"}}]}')}, '');
}

$node->stop;
done_testing();
