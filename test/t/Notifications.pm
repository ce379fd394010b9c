# What the tests of notifications share: a server with collections of all kinds,
# what is done to them, and what is told then, as text that can be compared.
package Notifications;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use PostgreSQL::Test::Cluster;

our @EXPORT = qw($json $node $a_was $b_was $a_has_9 $a_is_9 $b_is_9 $new_is_1 $set_9
	call decoded documents heard heard_payloads heard_payloads_of hung_up many masked messages milvus
	notifications one quit request rows session set_all setting sqlstate start_server);

our $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $started = time;

our $node;

# Start a server with a collection of each kind: d.c, and those that documents() fills.
sub start_server
{
	$node = PostgreSQL::Test::Cluster->new('main');
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', q{
		fsync = off
		max_prepared_transactions = 10});
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION kz;
		SELECT kz_create_collection('d', 'c');
		CREATE TABLE d.checked (_id text PRIMARY KEY, _version bigint NOT NULL,
			_source jsonb NOT NULL CHECK (NOT _source ? 'bad'));
		CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER suppress BEFORE INSERT OR UPDATE ON d.checked FOR EACH ROW
			WHEN (NEW._source ? 'suppressed') EXECUTE FUNCTION suppress();
		SELECT kz_create_collection('d', 'checked');
		CREATE TABLE d.parts (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)
			PARTITION BY HASH (_id);
		CREATE TABLE d.parts_0 PARTITION OF d.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE d.parts_1 PARTITION OF d.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		SELECT kz_create_collection('d', 'parts');
		CREATE SCHEMA remote;
		CREATE TABLE remote.far (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
		CREATE EXTENSION postgres_fdw;
		DO $$ BEGIN
			EXECUTE format('CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw
				OPTIONS (host %L, port %L, dbname %L)',
				split_part(current_setting('unix_socket_directories'), ',', 1),
				current_setting('port'), current_database());
		END $$;
		CREATE USER MAPPING FOR CURRENT_USER SERVER self;
		CREATE FOREIGN TABLE d.far (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL)
			SERVER self OPTIONS (schema_name 'remote');
		SELECT kz_attach_collection('d', 'far', 'd.far');
		CREATE TABLE remote.mine (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL,
			note text DEFAULT 'mine');
		SELECT kz_attach_collection('d', 'mine', 'remote.mine');
		SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "m"}');
		SELECT kz_milvus('/v2/vectordb/collections/create',
			'{"dbName": "m", "collectionName": "v", "dimension": 2}');
		ALTER TABLE m.v ADD CHECK (NOT _source ? 'bad')});
	return;
}

# What is in each of the tables before a case of the tests.
my @tables = qw(d.c d.checked d.parts remote.far remote.mine);

sub documents
{
	return join(";\n", map { (
		"DELETE FROM $_",
		qq[INSERT INTO $_ VALUES ('a', 3, '{"n": 1, "o": {"x": 1, "y": 2}}'), ('b', 1, '{"n": 2}')]) } @tables)
	  . q[; DELETE FROM m.v; INSERT INTO m.v VALUES ('1', 1, '{"id": 1, "c": 1, "vector": [1, 2]}');];
}

#
# What is done
#

# A call of a function, for d.c if the name does not say otherwise, and a request
# to Kuzzle's API and to Milvus'.
sub call
{
	my ($function, @arguments) = @_;
	my $collection = $function =~ s/^(\w+)\.// ? $1 : 'c';

	return "SELECT $function(" . join(', ', "'d'", "'$collection'", @arguments) . ')';
}

sub rows
{
	return 'SELECT count(*) FROM (' . call(@_) =~ s/^SELECT/SELECT * FROM/r . ') r';
}

sub request
{
	my ($what, $arguments, @kuid) = @_;
	my ($controller, $action) = split(/:/, $what);

	return sprintf(q[SELECT kz_request('{"controller": "%s", "action": "%s", "index": "d", "collection": "c"}' || %s)],
		$controller, $action, join(', ', "jsonb '$arguments'", map { "'$_'" } @kuid));
}

sub milvus
{
	my ($path, $arguments) = @_;

	return qq[SELECT kz_milvus('$path', '{"dbName": "m", "collectionName": "v"}' || jsonb '$arguments')];
}

sub set_all
{
	my ($means) = @_;

	$node->safe_psql('postgres', qq{
		SELECT kz_update_collection(index, name, settings => '{"notifications": "$means"}') FROM kz_catalog.collection});
	return;
}

sub setting
{
	my ($collection, $means) = @_;

	return "SELECT kz_update_collection('d', '$collection', settings => '{\"notifications\": \"$means\"}')";
}

#
# What is told
#
our $a_was = '"_id": "a", "_version": 3, "_source": {"n": 1, "o": {"x": 1, "y": 2}}';
our $b_was = '"_id": "b", "_version": 1, "_source": {"n": 2}';
our $a_has_9 = '"_id": "a", "_version": 4, "_source": {"n": 9, "o": {"x": 1, "y": 2}}';
our $a_is_9 = qq[{$a_has_9, "_updatedFields": ["n"]}];
our $b_is_9 = '{"_id": "b", "_version": 2, "_source": {"n": 9}, "_updatedFields": ["n"]}';
our $new_is_1 = '{"_id": "new", "_version": 1, "_source": {"n": 1}}';
our $set_9 = call('kz_update', q['a', '{"n": 9}']);

# One notification as it should be: of a call for one document, and for many, as a
# list of actions and results.  More is what else it must have, or have otherwise.
sub one
{
	my ($action, $result, %more) = @_;

	return $json->encode({ head(%more), kind($action), result => $json->decode($result) });
}

sub many
{
	my ($results, %more) = @_;
	my (@results, %actions);

	for (my $i = 0; $i < @$results; $i += 2)
	{
		$actions{$results->[$i]} = 1;
		push @results, { kind($results->[$i]), %{ $json->decode($results->[ $i + 1 ]) } };
	}
	return $json->encode({
		head(%more), keys %actions == 1 ? kind(keys %actions) : (), results => \@results });
}

sub head
{
	return (index => 'd', collection => 'c', timestamp => 'now', @_);
}

sub kind
{
	my ($action) = @_;

	return (action => $action, event => $action eq 'delete' ? 'delete' : 'write');
}

# A payload in the same form.  The time of the call, which must be one of this
# test, is 'now' wherever it is.  Perl's time, in whole seconds, is read from a
# coarser clock than the server's: of a new second it can know some ms later.
sub masked
{
	my ($payload) = @_;
	my $told = $json->decode($payload);
	my $now = $told->{timestamp};

	return $payload if $now !~ /^\d{13}$/ || $now < 1000 * $started || $now >= 1000 * (time + 2);
	$payload =~ s/("(?:timestamp|createdAt|updatedAt)": ?)$now\b/$1"now"/g;
	return $json->encode($json->decode($payload));
}

# [channel, payload] of each notification that psql has printed, and of each
# message that test_decoding has.
sub notifications
{
	return map { [ /^Asynchronous notification "(.*)" with payload "(.*)" received from/ ] }
	  grep { /^Asynchronous/ } split(/\n/, $_[0]);
}

sub messages
{
	my @messages;

	foreach (grep { /^message/ } split(/\n/, $_[0]))
	{
		my ($prefix, $size, $content) = /^message: transactional: 1 prefix: (.*?), sz: (\d+) content:(.*)$/
		  or die $_;
		die "$content does not have $size bytes" if length($content) != $size;
		push @messages, [ $prefix, $content ];
	}
	return @messages;
}

# What a slot has to tell since it was asked last.
sub decoded
{
	return messages($node->safe_psql('postgres', q{
		SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL) WHERE data LIKE 'message%'}));
}

#
# Sessions
#
my @sessions;

# A session that stays open and goes on after an error; it listens to channels.
sub session
{
	my (@channels) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query('\set VERBOSITY sqlstate');
	$session->query(qq{LISTEN "$_"}) foreach @channels, @channels ? 'mark' : ();
	push @sessions, $session;
	return $session;
}

# What a session has been told since it was asked last.  Its own mark comes after
# all that was committed before.
sub heard
{
	my ($session) = @_;
	my @heard = notifications($session->query("NOTIFY mark, 'x'"));

	return grep { $_->[0] ne 'mark' } @heard;
}

sub heard_payloads
{
	return map { masked($_->[1]) } heard(@_);
}

# SQLSTATE of what the statement raises, empty if it succeeds.
sub sqlstate
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	$session->query($sql);
	my ($sqlstate) = $session->{stderr} =~ /ERROR:\s+(\w{5})/;
	$session->{stderr} = '';
	return $sqlstate // '';
}

# The same of a session of its own, which does this and ends.
sub heard_payloads_of
{
	my ($database, $sql) = @_;

	return map { masked($_->[1]) } notifications($node->safe_psql($database, qq{LISTEN "kz:d:c"; $sql}));
}

# Kill the client of a session.
sub hung_up
{
	my ($session) = @_;

	$session->{run}->kill_kill(grace => 0);
	@sessions = grep { $_ != $session } @sessions;
	return;
}

# End all sessions.
sub quit
{
	$_->quit foreach splice(@sessions);
	return;
}

1;
