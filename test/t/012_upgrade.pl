# pg_upgrade takes a database with collections along: documents, catalogue and the
# order of creation, tables of all kinds with what is on them, and everything works
# as before.
#
# KZ_OLD_BINDIR is where the programs of an older major are, which has kz, too;
# without it there is nothing to upgrade from. dev/check-upgrade sets it.

use strict;
use warnings;

use File::Basename;
use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WholeDatabase;

plan skip_all => 'KZ_OLD_BINDIR does not say where an older server is' unless $ENV{KZ_OLD_BINDIR};

my $old = PostgreSQL::Test::Cluster->new('old', install_path => dirname($ENV{KZ_OLD_BINDIR}));
$old->init;
$old->start;
note('from ' . $old->safe_psql('postgres', 'SELECT version()'));
$old->safe_psql('postgres', q{
	CREATE ROLE keeper LOGIN;
	CREATE DATABASE origin OWNER keeper TEMPLATE template0});
make_whole($old, 'origin', 'keeper');
$old->safe_psql('origin', 'CREATE EXTENSION amcheck');

# Everybody has noticed by now what there is; and rows are in all states that
# pg_upgrade has to do with: deleted, updated, frozen.
$old->safe_psql('origin', q{
	SELECT kz_delete('zoo', 'animals', 'a' || i) FROM generate_series(20, 25) i;
	VACUUM FREEZE zoo.strict});
my $before = state_of($old, 'origin');
$old->stop;

foreach my $mode ('--copy', '--link')
{
	my $new = PostgreSQL::Test::Cluster->new('new' . $mode =~ s/\W+/_/r);
	my $bindir = $new->config_data('--bindir');

	# Since 18 the default is another than what the old cluster has.
	$new->init(extra => [ $new->pg_version >= 18 ? '--no-data-checksums' : () ]);
	my @upgrade = (
		'pg_upgrade', '--no-sync', $mode,
		'--old-datadir' => $old->data_dir, '--new-datadir' => $new->data_dir,
		'--old-bindir' => $ENV{KZ_OLD_BINDIR}, '--new-bindir' => $bindir,
		'--socketdir' => $new->host, '--old-port' => $old->port, '--new-port' => $new->port);

	chdir $PostgreSQL::Test::Utils::tmp_check or die "chdir: $!";
	$new->command_ok([ @upgrade, '--check' ], "pg_upgrade $mode --check finds nothing to complain about");
	$new->command_ok(\@upgrade, "pg_upgrade $mode");
	$new->start;
	note('to ' . $new->safe_psql('postgres', 'SELECT version()'));
	cmp_ok($new->pg_version, '>', $old->pg_version, "$mode: the server is a newer one");
	is(state_of($new, 'origin'), $before, "$mode: same documents and catalogue");
	$new->command_ok([ 'pg_amcheck', '--parent-check', '--heapallindexed', 'origin' ],
		"$mode: all tables and btree indexes are sound");
	foreach my $direct ('on', 'off')
	{
		my (undef, undef, $stderr) = $new->psql('origin', qq{
			SET client_min_messages = debug1;
			SET kz.direct_writes = $direct;
			SELECT kz_upsert('zoo', 'animals', 'bird', '{"written": "$direct"}')});
		like($stderr, $direct eq 'on' ? qr/is accessed directly/ : qr/through SQL: kz.direct_writes is off/,
			"$mode: direct writes are $direct");
	}
	is($new->safe_psql('origin', q{SELECT _version, _source->'written' FROM zoo.animals WHERE _id = 'bird'}),
		'3|"off"', "$mode: both ways write");
	works_as_before($new, 'origin', 'keeper', $mode);
	$new->stop;
}

done_testing();
