# What sixteen clients did to a few documents at once, recorded and checked as
# test/history/README.md says: with both writers, at each isolation level, and with
# tables that kz writes through SQL. The checker itself is tried on histories made
# by hand, on upserts with known bugs, and at levels that were not asked for.
#
# KZ_HISTORY multiplies the number of transactions; 1 if it is not set.
# KZ_HISTORY_SEED begins with another seed.

use strict;
use warnings;

use File::Basename;
use File::Copy;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $times = $ENV{KZ_HISTORY} || 1;
my $seed = $ENV{KZ_HISTORY_SEED} || 1;
my $transactions = 30 * $times;
my $history = dirname(__FILE__) . '/../history';
my $dir = PostgreSQL::Test::Utils::tempdir;

# The Python that Debian's python3-psycopg is for.
my $python = '/usr/bin/python3';

note("KZ_HISTORY_SEED=$seed, $transactions transactions of each client");

sub header
{
	my ($file) = @_;

	open(my $lines, '<', $file) or die "$file: $!";
	return decode_json(scalar <$lines>);
}

# What the checker says, and the kinds of anomalies in it.
sub check
{
	my @arguments = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $python, "$history/check.py", @arguments ], '>', \$out, '2>', \$err);
	my $status = $? >> 8;
	my %kinds = map { $_ => 1 } $out =~ /\d+ anomalies: (.+)/g;

	$kinds{"failed: $err"} = 1 if $status != (%kinds ? 1 : 0);
	return ($out, [ sort keys %kinds ]);
}

#
# Histories made by hand
#
my %tried;
foreach my $file (sort glob "$history/{good,bad}/*.jsonl")
{
	my $header = header($file);
	my $name = basename($file, '.jsonl');
	my ($out, $kinds) = check($file);

	is_deeply($kinds, $header->{wrong}, "$name: $header->{what}") or diag($out);
	is(scalar @$kinds > 0 ? 1 : 0, $file =~ m{/bad/} ? 1 : 0, "$name is in the right folder");
	$tried{$_} = 1 foreach @$kinds;
}
my %known = map { $_ => 1 } slurp_file("$history/check.py") =~ /self\.wrong\("([^"]+)"/g;
is_deeply([ sort keys %tried ], [ sort keys %known ], 'there is a history for each kind of anomaly');

#
# Histories recorded
#
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ "--encoding=UTF8", "--no-locale" ]);
$node->append_conf('postgresql.conf', qq{
	fsync = off
	max_connections = 30
	log_statement = none
	autovacuum_naptime = 1s});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION kz');

# Record a history; returns its file.
my $recorded = 0;
sub record
{
	my %options = (transactions => $transactions, seed => $seed + $recorded, @_);
	my $file = "$dir/" . ++$recorded . '.jsonl';
	my $err = '';

	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
	IPC::Run::run([ $python, "$history/record.py", map { ("--$_", $options{$_}) } sort keys %options ],
		'>', $file, '2>', \$err)
	  or BAIL_OUT("record.py: $err");
	return $file;
}

# A history without anomalies; kept if it has any.
sub accept_history
{
	my ($name, $file) = @_;
	my ($out, $kinds) = check($file);

	note($out);
	if (!is_deeply($kinds, [], "$name: no anomalies"))
	{
		diag($out);
		copy($file, $PostgreSQL::Test::Utils::log_path);
	}
	foreach my $what ('changes', 'changes failed', 'deletions', 'reads')
	{
		my ($count) = $out =~ /(\d+) $what\b/;

		cmp_ok($count, '>', $what eq 'deletions' ? 0 : 100, "$name: $what");
	}
	my ($documents) = $out =~ /(\d+) documents/;
	my ($unsure) = $out =~ /order unsure: (\d+)/;
	cmp_ok($unsure, '<=', $documents / 10, "$name: of most documents it is known in which order they came and went");
	like($out, qr/[1-9]\d* serialization failures/, "$name: transactions were in each other's way")
	  unless $name =~ /read committed/;
	return;
}

# A history in which the anomaly is found.
sub refuse_history
{
	my ($name, $kind, @arguments) = @_;
	my ($out, $kinds) = check(@arguments);

	ok((grep { $_ eq $kind } @$kinds), "$name: $kind") or diag($out);
	return;
}

my @runs = (
	(map { my $isolation = $_; map { [ 'plain', $_, $isolation ] } 'on', 'off' } 'read committed', 'repeatable read', 'serializable'),
	(map { my $collection = $_; map { [ $collection, 'on', $_ ] } 'read committed', 'serializable' } 'trigger', 'policy', 'partitioned'));
my %files;
foreach my $run (@runs)
{
	my ($collection, $direct, $isolation) = @$run;
	my $name = "$collection, direct writes $direct, $isolation";
	my $file = record(collection => $collection, direct => $direct, isolation => $isolation,
		documents => $isolation eq 'read committed' ? 5 : 12);

	like(header($file)->{access}, $collection eq 'plain' && $direct eq 'on' ? qr/accessed directly/ : qr/accessed through SQL/,
		"$name: the writer is the one that was meant");
	accept_history($name, $file);
	push @{ $files{$isolation} }, $file;
}

# The load is such that it would show if a level were less than it says.
refuse_history('read committed for repeatable read', 'non-repeatable read', '--as', 'repeatable read', @{ $files{'read committed'} });
refuse_history('read committed for repeatable read', 'broken snapshot', '--as', 'repeatable read', @{ $files{'read committed'} });
refuse_history('repeatable read for serializable', 'not serializable', '--as', 'serializable', @{ $files{'repeatable read'} });

# Upserts with a bug each.
my %bugs = (stale => 'lost update', unseen => 'lost update', replacing => 'lost update', dropping => 'two lives');
foreach my $bug (sort keys %bugs)
{
	refuse_history("upsert_$bug", $bugs{$bug}, record(transactions => 40, upsert => "history.upsert_$bug"));
}

$node->stop;
done_testing();
