# Clients write as fast as they can when the server crashes: a backend or the
# postmaster is killed, or the server is stopped at once. After recovery every
# change that was acknowledged is there exactly once, nothing that was refused is,
# and a call whose answer got lost is there as a whole or not at all.
#
# What dies is processes, not the machine, so fsync is off: what a process has
# handed to the kernel stays. What PostgreSQL does against the rest is its own.
#
# KZ_CRASH is how many crashes: 3 if it is not set. KZ_CRASH_SEED is the seed of
# what is asked and when it crashes.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{KZ_CRASH} || 3;
my $seed = $ENV{KZ_CRASH_SEED} || 20_260_101;
my $clients = 8;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;

# Checkpoints and vacuum are to be there when it happens.
$node->append_conf('postgresql.conf', q{
	fsync = off
	restart_after_crash = on
	log_statement = none
	max_connections = 30
	min_wal_size = 32MB
	max_wal_size = 64MB
	checkpoint_timeout = 30s
	autovacuum_naptime = 1s});
$node->start;

$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	CREATE EXTENSION amcheck;
	SELECT kz_create_collection('crash', 'docs');
	ALTER TABLE crash.docs ADD CHECK (NOT _source ? 'bad');
	CREATE INDEX ON crash.docs ((_source->>'last'));
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "crash", "collectionName": "entities",
		"schema": {"enableDynamicField": true, "fields": [
			{"fieldName": "id", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": {"max_length": 100}},
			{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
	CREATE TABLE crash.deleted (call text, answer jsonb)});

#
# Calls
#
# A change adds a key of its own to the document and says in "last" which it is, so
# that none can be written twice, or lost, without a trace in the keys, in "last" or
# in _version. A deletion keeps what it has deleted, in the same transaction.
#
# Before a call its client notes what it is about to ask; then the answers; then the
# SQLSTATE. psql prints an answer when the server has said that the statement is
# done, which is after its commit, and ends when the connection does.
#
sub object
{
	my ($change) = @_;
	my $pad = $change->{pad} ? qq(, "pad": "$change->{pad}") : '';
	my $bad = $change->{bad} ? ', "bad": true' : '';

	return qq({"calls": {"$change->{key}": true}, "last": "$change->{key}"$pad$bad});
}

sub upsert
{
	my ($change) = @_;

	return sprintf "SELECT kz_upsert('crash', 'docs', '%s', '%s', retry_on_conflict => 1000);\n",
		$change->{id}, object($change);
}

sub mupsert
{
	my ($strict, @changes) = @_;

	return sprintf "SELECT kz_mupsert('crash', 'docs', '[%s]', retry_on_conflict => 1000, strict => %s, source => false);\n",
		join(', ', map { sprintf '{"_id": "%s", "changes": %s}', $_->{id}, object($_) } @changes),
		$strict;
}

# How often, how many changes, and the statements. What is in %doomed can't succeed.
my %kinds = (
	upsert => [ 8, 1, \&upsert ],
	update => [ 6, 1, sub {
		sprintf "SELECT kz_update('crash', 'docs', '%s', '%s', retry_on_conflict => 1000);\n",
			$_[0]{id}, object($_[0]) } ],
	request => [ 4, 1, sub {
		sprintf qq(SELECT kz_request('{"controller": "document", "action": "upsert", "index": "crash", "collection": "docs", "_id": "%s", "body": {"changes": %s}}');\n),
			$_[0]{id}, object($_[0]) } ],
	mupsert => [ 6, 20, sub { mupsert('false', @_) } ],
	entities => [ 3, 4, sub {
		sprintf qq(SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "crash", "collectionName": "entities", "partialUpdate": true, "data": [%s]}');\n),
			join(', ', map { qq({"id": "$_->{id}", "v": [1, 2], "$_->{key}": true, "last": "$_->{key}"}) } @_) } ],
	transaction => [ 2, 2, sub { join '', "BEGIN;\n", map({ upsert($_) } @_), "COMMIT;\n" } ],
	delete => [ 1, 0, sub {
		"INSERT INTO crash.deleted SELECT '$_[0]', kz_delete('crash', 'docs', '$_[1]', source => true) RETURNING answer;\n" } ],
	rolled_back => [ 1, 2, sub { join '', "BEGIN;\n", map({ upsert($_) } @_), "ROLLBACK;\n" } ],
	strict => [ 1, 5, sub { mupsert('true', @_) } ],
	check => [ 1, 1, \&upsert ]);
my %doomed = map { $_ => 1 } qw(rolled_back strict check);
my @often = map { ($_) x $kinds{$_}[0] } sort keys %kinds;

# Documents are those that all clients change again and again, or come from a window
# that moves on with the calls of a client, so that there are always some to create.
sub some_id
{
	my ($round, $turn, $new) = @_;

	return sprintf 'r%d.%s', $round, rand() < $new ? 'n' . (2 * $turn + int rand 60) : 'h' . int rand 30;
}

# The call of a client with this number.
sub call
{
	my ($round, $client, $turn) = @_;
	my $kind = $often[ rand @often ];
	my (undef, $count, $statements) = @{ $kinds{$kind} };
	my $call = "k${round}_${client}_$turn";
	my @changes = map { {
		key => "${call}_$_",
		id => some_id($round, $turn, $kind eq 'update' ? 0 : $count > 2 ? 0.8 : 0.2)
			. ($kind eq 'entities' ? ".$_" : ''),
		bad => $kind eq 'check',
		pad => rand() < 0.03 && join('', map { sprintf '%08x', rand 2**32 } 1 .. 400) } } 1 .. $count;
	my @arguments = @changes;

	# Calls for many put themselves in order.
	@changes = @arguments = sort { $a->{id} cmp $b->{id} } @changes if $count == 2;

	# A document of which all versions are bad harms no other.
	@{ $changes[-1] }{qw(bad id)} = (1, "r$round.bad")
	  if $kind eq 'strict' || ($kind eq 'mupsert' && rand() < 0.3);
	@arguments = ($call, some_id($round, $turn, 0)) if $kind eq 'delete';

	return sprintf qq(\\echo '? {"call": "%s", "kind": "%s", "changes": [%s]}'\n%s\\echo = :SQLSTATE\n),
		$call, $kind,
		join(', ', map { sprintf '{"key": "%s", "id": "%s", "doomed": %s}', $_->{key}, $_->{id},
				$_->{bad} || $doomed{$kind} ? 'true' : 'false' } @changes),
		$statements->(@arguments);
}

sub file_of
{
	my ($round, $client) = @_;

	return $node->basedir . "/acknowledged.$round.$client";
}

# Start a client, in a process that feeds it until the connection is lost.
sub start_client
{
	my ($round, $client, $direct) = @_;
	my $psql = sprintf "psql -XAtq -d '%s application_name=writer' >%s 2>%s",
		$node->connstr('postgres'), file_of($round, $client), file_of($round, $client) . '.stderr';
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	srand($seed + 1000 * $round + $client);
	$SIG{PIPE} = 'DEFAULT';
	open(my $input, '|-', "exec $psql") or die "psql: $!";
	print $input "SET kz.direct_writes = $direct;\n";
	for (my $turn = 1; ; $turn++)
	{
		print $input call($round, $client, $turn);
	}
}

#
# Crashes
#
# Each returns when the server is there again.
#
sub kill_backend
{
	my @pids = split /\n/, $node->safe_psql('postgres',
		q{SELECT pid FROM pg_stat_activity WHERE application_name = 'writer' ORDER BY pid});

	usleep(1_000_000 * rand);
	kill(9, $pids[ rand @pids ]) or die "kill: $!";
	return sub { $node->poll_query_until('postgres', 'SELECT true') or die 'the server did not recover' };
}

sub stop_at_once
{
	usleep(1_000_000 * rand);
	$node->stop('immediate');
	return sub { $node->start };
}

# Backends notice the end of the postmaster when they wait for their client; no other
# can start before all are gone, nor before init has reaped the one that was killed.
sub kill_postmaster
{
	my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;

	usleep(1_000_000 * rand);
	$node->kill9;
	return sub {
		for (my $attempt = 0; kill(0, $pid) || !$node->start(fail_ok => 1); $attempt++)
		{
			die kill(0, $pid) ? 'nobody reaps the postmaster' : 'the server did not start' if $attempt > 300;
			usleep(100_000);
		}
	};
}

#
# The judge is another server, which does not crash. It has all that was noted, and
# copies of all documents.
#
my $judge = PostgreSQL::Test::Cluster->new('judge');
$judge->init;
$judge->append_conf('postgresql.conf', q{
	fsync = off
	log_statement = none
	jit = off
	work_mem = 64MB});
$judge->start;
$judge->safe_psql('postgres', q{
	CREATE TABLE line (n bigserial PRIMARY KEY, line text);
	CREATE TABLE call (call text PRIMARY KEY, kind text, changes jsonb, answers jsonb[], sqlstate text);
	CREATE TABLE change (key text PRIMARY KEY, call text, kind text, id text, doomed boolean, state text,
		version bigint, created boolean);

	-- A life is a document that is stored or was deleted.
	CREATE TABLE life (n serial PRIMARY KEY, deletion text, collection text, id text, version bigint, last text, source jsonb);
	CREATE TABLE life_key (n int, collection text, id text, key text, PRIMARY KEY (n, key));

	-- The changes of a call that were acknowledged. In an answer to many, errors have
	-- their entry, and successes are in the order of the others.
	CREATE FUNCTION acknowledged(kind text, changes jsonb, answers jsonb[])
	RETURNS TABLE (key text, version bigint, created boolean)
	LANGUAGE sql AS $$
		SELECT changes[i::int - 1]->>'key', (answer->'_version')::bigint, (answer->'created')::boolean
		FROM unnest(answers) WITH ORDINALITY a (answer, i)
		WHERE kind IN ('upsert', 'update', 'check')
			OR kind = 'transaction' AND cardinality(answers) = jsonb_array_length(changes)
		UNION ALL
		SELECT changes[0]->>'key', (answers[1]#>'{result,_version}')::bigint, (answers[1]#>'{result,created}')::boolean
		WHERE kind = 'request' AND answers[1]->>'status' = '200'
		UNION ALL
		SELECT change->>'key', NULL, NULL
		FROM jsonb_array_elements(changes) change
		WHERE kind = 'entities' AND answers[1]->>'code' = '0'
		UNION ALL
		SELECT key, (success->'_version')::bigint, (success->'created')::boolean
		FROM (
			SELECT change->>'key' AS key, row_number() OVER (ORDER BY i) AS i
			FROM jsonb_array_elements(changes) WITH ORDINALITY c (change, i)
			WHERE NOT change->>'key' IN (
				SELECT error#>>'{document,changes,last}' FROM jsonb_array_elements(answers[1]->'errors') error)) k
		JOIN jsonb_array_elements(answers[1]->'successes') WITH ORDINALITY s (success, i) USING (i)
		WHERE kind IN ('mupsert', 'strict')
	$$;

	-- What the clients have noted. A call without an SQLSTATE was in flight; psql has
	-- none for an error that is no answer of the server, but that there is none.
	CREATE PROCEDURE read_lines() LANGUAGE sql AS $$
		INSERT INTO call
		SELECT marker->>'call', marker->>'kind', marker->'changes', answers, sqlstate
		FROM (
			SELECT max(substr(line, 3)) FILTER (WHERE line ^@ '?')::jsonb AS marker,
				array_agg(line::jsonb ORDER BY n) FILTER (WHERE line ~ '^[^?=]') AS answers,
				nullif(max(substr(line, 3)) FILTER (WHERE line ^@ '='), '') AS sqlstate
			FROM (SELECT *, count(*) FILTER (WHERE line ^@ '?') OVER (ORDER BY n) AS call FROM line) l
			GROUP BY call) c;
		WITH new AS MATERIALIZED (SELECT * FROM call WHERE NOT call IN (SELECT call FROM change))
		INSERT INTO change
		SELECT change->>'key', call, kind, change->>'id', (change->'doomed')::boolean,
			CASE WHEN sqlstate IS NULL THEN 'in flight' WHEN a.key IS NULL THEN 'refused' ELSE 'acknowledged' END,
			version, created
		FROM new
		CROSS JOIN jsonb_array_elements(changes) change
		LEFT JOIN (
			SELECT a.* FROM new CROSS JOIN acknowledged(kind, changes, answers) a WHERE sqlstate = '00000') a
			ON a.key = change->>'key';
		TRUNCATE line;
		ANALYZE;
	$$});

sub is_judged
{
	my ($sql, $expected, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($judge->safe_psql('postgres', $sql), $expected, $name);
	return;
}

# Give the judge what the clients of a round have noted. After an error without an
# SQLSTATE psql may come as far as to the next call before it finds that there is no
# connection to send it by: that one has not been asked.
sub tell_notes
{
	my ($round) = @_;
	my $file = file_of($round, 'all');

	append_to_file($file, slurp_file(file_of($round, $_)) =~ s/^= \n\K.*//msr) foreach 1 .. $clients;
	$judge->safe_psql('postgres', qq{
		COPY line (line) FROM '$file' (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02');
		CALL read_lines()});
	return;
}

# Give the judge all documents that there are or have been.
sub tell_documents
{
	my $file = $node->basedir . '/documents';

	$node->safe_psql('postgres', qq{
		COPY (
			SELECT NULL, 'docs', _id, _version, _source->>'last', _source FROM crash.docs
			UNION ALL
			SELECT NULL, 'entities', _id, _version, _source->>'last', _source FROM crash.entities
			UNION ALL
			SELECT call, 'docs', answer->>'_id', (answer->'_version')::bigint, answer#>>'{_source,last}', answer->'_source'
			FROM crash.deleted)
		TO '$file'});
	$judge->safe_psql('postgres', qq{
		TRUNCATE life, life_key;
		COPY life (deletion, collection, id, version, last, source) FROM '$file';
		INSERT INTO life_key
		SELECT n, collection, id, key
		FROM life
		CROSS JOIN jsonb_object_keys(CASE collection WHEN 'docs' THEN source->'calls' ELSE source END) key
		WHERE collection = 'docs' OR key ~ '^k[0-9]';
		ANALYZE});
	return;
}

sub check_judged
{
	my ($name) = @_;

	is_judged(q{
		SELECT kind, sqlstate, count(*) FROM call
		WHERE sqlstate <> '00000' AND NOT (kind, sqlstate) IN (('update', 'KZ404'), ('delete', 'KZ404'),
			('delete', 'KZ409'), ('strict', 'KZ400'), ('check', '23514'))
		GROUP BY kind, sqlstate ORDER BY kind, sqlstate},
		'', "$name: no call fails for no reason");
	is_judged(q{
		SELECT key, kind, doomed FROM change
		WHERE state = 'acknowledged' AND doomed
			OR state = 'refused' AND NOT doomed AND NOT kind IN ('update', 'request')
		ORDER BY key LIMIT 5},
		'', "$name: what is refused is what has to be");

	# The versions of a life are 1 to n, one for each change that it has. The
	# acknowledged ones say which they are; those in flight fill the gaps.
	is_judged(q{
		SELECT l.n, l.collection, l.id, l.version, count(*), count(c.key), count(c.version), count(DISTINCT c.version), last
		FROM life l
		JOIN life_key k ON k.n = l.n
		LEFT JOIN change c ON c.key = k.key AND c.id = l.id AND (c.kind = 'entities') = (l.collection = 'entities')
		GROUP BY l.n
		HAVING (count(*) = l.version AND count(c.key) = l.version
			AND count(c.version) = count(DISTINCT c.version)
			AND coalesce(min(c.version), 1) >= 1 AND coalesce(max(c.version), 1) <= l.version
			AND coalesce(bool_and(created = (c.version = 1)), true)
			AND bool_or(c.key = last)
			AND coalesce(max(c.key) FILTER (WHERE c.version = l.version), last) = last) IS NOT TRUE
		ORDER BY l.n LIMIT 5},
		'', "$name: every document is what its changes make, each of them once");
	is_judged(q{
		SELECT count(*) FROM life WHERE NOT n IN (SELECT n FROM life_key)},
		0, "$name: there is no document without a change");
	is_judged(q{
		SELECT c.key, call, kind, c.id, state, count(n)
		FROM change c LEFT JOIN life_key l ON l.key = c.key
		GROUP BY c.key
		HAVING count(n) > 1 OR count(n) = 0 AND state = 'acknowledged' OR count(n) = 1 AND (state = 'refused' OR doomed)
		ORDER BY c.key LIMIT 5},
		'', "$name: acknowledged changes are there once, refused ones are not");
	is_judged(q{
		SELECT call, kind, count(*), count(n)
		FROM change LEFT JOIN life_key USING (key)
		WHERE state = 'in flight' AND NOT doomed
		GROUP BY call, kind
		HAVING count(n) NOT IN (0, count(*))
		ORDER BY call},
		'', "$name: a call in flight is there as a whole or not at all");
	is_judged(q{
		SELECT call, sqlstate, count(n)
		FROM call FULL JOIN life ON deletion = call
		WHERE kind = 'delete' OR deletion IS NOT NULL
		GROUP BY call.call
		HAVING (CASE WHEN sqlstate = '00000' THEN count(n) = 1
			AND answers = array_agg(jsonb_build_object('_id', id, '_version', version, '_source', source))
			WHEN sqlstate IS NULL THEN count(n) < 2
			ELSE count(n) = 0 END AND kind = 'delete') IS NOT TRUE
		ORDER BY call LIMIT 5},
		'', "$name: what was deleted is deleted as acknowledged");
	return;
}

sub check_server
{
	my ($name) = @_;

	$node->command_ok([ 'pg_amcheck', '--parent-check', '--heapallindexed', '--rootdescend', 'postgres' ],
		"$name: all tables and btree indexes are sound");
	is($node->safe_psql('postgres', q{
			SELECT count(*) FILTER (WHERE kz_get('crash', 'docs', _id)
					IS DISTINCT FROM jsonb_build_object('_id', _id, '_version', _version, '_source', _source)),
				count(*) - kz_count('crash', 'docs')
			FROM crash.docs}),
		'0|0', "$name: every document can be read");
	return;
}

# Load until a crash; then recover and check.
sub round
{
	my ($round) = @_;
	my ($how, $crash) = @{ ([ 'a backend is killed', \&kill_backend ], [ 'immediate stop', \&stop_at_once ],
			[ 'the postmaster is killed', \&kill_postmaster ])[ ($round - 1) % 3 ] };
	my @direct = @{ ([ 'on', 'on' ], [ 'off', 'off' ], [ 'on', 'off' ])[ ($round - 1 + int(($round - 1) / 3)) % 3 ] };
	my $name = sprintf 'round %d, %s, direct writes %s', $round, $how, join '/', @direct;
	my $log = -s $node->logfile;
	my @pids = map { start_client($round, $_, $direct[ $_ % 2 ]) } 1 .. $clients;

	# All are at work before it comes.
	for my $client (1 .. $clients)
	{
		usleep(10_000) until -s file_of($round, $client);
	}
	my $recover = $crash->();
	waitpid($_, 0) foreach @pids;
	$recover->();
	like(substr(slurp_file($node->logfile), $log), qr/automatic recovery in progress/, "$name: it crashed and recovered");

	tell_notes($round);
	is_judged(qq{
		SELECT count(*) > 0, count(*) <= $clients, count(*) = count(DISTINCT split_part(call, '_', 2))
		FROM call WHERE sqlstate IS NULL AND call ^@ 'k${round}_'},
		't|t|t', "$name: there were calls in flight, at most one of a client");
	tell_documents();
	check_judged($name);
	check_server($name);
	return;
}

foreach my $direct ('on', 'off')
{
	my (undef, undef, $stderr) = $node->psql('postgres',
		qq{SET client_min_messages = debug1; SET kz.direct_writes = $direct; SELECT kz_update('crash', 'docs', 'any', '{}')});
	like($stderr, $direct eq 'on' ? qr/is accessed directly/ : qr/through SQL: kz.direct_writes is off/,
		"direct writes $direct: they are");
}

srand($seed);
round($_) foreach 1 .. $rounds;

# There was something to lose, and all kinds of calls met the crash or not.
note($judge->safe_psql('postgres', q{
	SELECT format('%s calls for %s changes of %s documents in %s collections, %s of them deleted', (SELECT count(*) FROM call), (SELECT count(*) FROM change),
		count(*), count(DISTINCT collection), count(deletion)) FROM life;
	SELECT format('%s: %s acknowledged, %s refused, %s in flight, of which %s are there', kind, count(*) FILTER (WHERE state = 'acknowledged'),
		count(*) FILTER (WHERE state = 'refused'), count(*) FILTER (WHERE state = 'in flight'), count(n) FILTER (WHERE state = 'in flight'))
	FROM change LEFT JOIN life_key USING (key) GROUP BY kind ORDER BY kind}));
is_judged(qq{
	SELECT string_agg(kind, ' ' ORDER BY kind) FROM (SELECT kind FROM change WHERE state = 'acknowledged' GROUP BY kind HAVING count(*) > 10 * $rounds) k},
	'entities mupsert request transaction update upsert', 'all kinds of changes were acknowledged');
is_judged(q{SELECT count(deletion) > 0 FROM life}, 't', 'documents were deleted');
is(join("\n", slurp_file($node->logfile) =~ /(?:PANIC|TRAP):.*/g), '', 'the server does not panic');

$node->stop;
$judge->stop;
done_testing();
