# A database with collections is dumped and restored as any other: documents,
# catalogue and the order of creation come back, and everything works as before.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WholeDatabase;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my $super = $node->safe_psql('postgres', 'SELECT current_user');
my $dir = PostgreSQL::Test::Utils::tempdir;

# An empty database that belongs to keeper, who is no superuser.
sub new_database
{
	my ($db) = @_;

	$node->safe_psql('postgres',
		"CREATE DATABASE $db OWNER keeper TEMPLATE template0");
	return $db;
}

# Restore what was dumped with these options and compare, then use it.
sub restored_is_same
{
	my ($name, $db, $user, $before) = @_;

	is(state_of($node, $db), $before, "$name: same documents and catalogue");
	works_as_before($node, $db, $user, $name);
	return;
}

#
# The database
#
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN');
new_database('origin');
make_whole($node, 'origin', 'keeper');
my $before = state_of($node, 'origin');
is(run_sql($node, 'origin', 'keeper', q{SELECT string_agg(left(i, 7), ' ') FROM kz_list_indexes() i}),
	'zoo metro xxxxxxx adopted', 'indexes are listed in order of creation');

#
# Whole
#
foreach my $user ($super, 'keeper')
{
	my @from = ('-U', $user, '-d', $node->connstr('origin'));

	my $db = new_database("custom_$user");
	$node->command_ok([ 'pg_dump', '-Fc', @from, '-f', "$dir/$db.dump" ],
		"pg_dump, custom format, as $user");
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', '-U', $user, '-d', $node->connstr($db), "$dir/$db.dump" ],
		"pg_restore as $user");
	restored_is_same("custom format as $user", $db, 'keeper', $before);

	$db = new_database("plain_$user");
	$node->command_ok([ 'pg_dump', @from, '-f', "$dir/$db.sql" ],
		"pg_dump, plain, as $user");
	run_sql($node, $db, $user, "\\i $dir/$db.sql");
	restored_is_same("plain as $user", $db, 'keeper', $before);

	$db = new_database("no_owner_$user");
	$node->command_ok([ 'pg_dump', '-Fc', '--no-owner', @from, '-f', "$dir/$db.dump" ],
		"pg_dump --no-owner as $user");
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', '--no-owner', '-U', $user,
			'-d', $node->connstr($db), "$dir/$db.dump" ],
		"pg_restore --no-owner as $user");
	restored_is_same("--no-owner as $user", $db, $user, $before);

	$db = new_database("parallel_$user");
	$node->command_ok([ 'pg_dump', '-Fd', '-j2', @from, '-f', "$dir/$db" ],
		"pg_dump, two jobs, as $user");
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', '-j2', '-U', $user, '-d', $node->connstr($db), "$dir/$db" ],
		"pg_restore, two jobs, as $user");
	restored_is_same("two jobs as $user", $db, 'keeper', $before);

	$db = new_database("halves_$user");
	foreach my $half ('schema-only', 'data-only')
	{
		$node->command_ok([ 'pg_dump', '-Fc', "--$half", @from, '-f', "$dir/$db.$half" ],
			"pg_dump --$half as $user");
		$node->command_ok(
			[ 'pg_restore', '--exit-on-error', '-U', $user, '-d', $node->connstr($db), "$dir/$db.$half" ],
			"restored --$half as $user");
	}
	restored_is_same("schema, then data, as $user", $db, 'keeper', $before);
}

#
# In the hands of another role: who restores without owners owns what he restores.
#
$node->safe_psql('postgres', 'CREATE ROLE heir LOGIN');
new_database('inherited');
$node->safe_psql('postgres', 'ALTER DATABASE inherited OWNER TO heir');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '--no-owner', '-U', 'heir',
		'-d', $node->connstr('inherited'), "$dir/no_owner_keeper.dump" ],
	'pg_restore --no-owner as the owner of another database');
restored_is_same('another owner', 'inherited', 'heir', $before);

#
# One table left out: its catalogue row is restored, the collection is unknown,
# all others are whole; it can be made again.
#
new_database('partial');
$node->command_ok(
	[ 'pg_dump', '-Fc', '--exclude-table=zoo.animals', '-d', $node->connstr('origin'),
		'-f', "$dir/partial.dump" ],
	'pg_dump --exclude-table');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', $node->connstr('partial'), "$dir/partial.dump" ],
	'pg_restore without one table');
is(state_of($node, 'partial', qr/zoo\/animals/), state_of($node, 'origin', qr/zoo\/animals/),
	'without one table: the others and the catalogue are the same');
is(sqlstate_of($node, 'partial', 'keeper', q{SELECT kz_get('zoo', 'animals', 'a1')}),
	'KZ412', 'without its table a collection is unknown');
run_sql($node, 'partial', 'keeper', q{
	SELECT kz_create_collection('zoo', 'animals');
	ALTER TABLE zoo.animals ADD CHECK (NOT _source ? 'bad');
	SELECT kz_create('zoo', 'animals', '{"legs": 2, "name": "animal 1"}', 'a1');
	SELECT kz_update('zoo', 'animals', 'a1', '{"legs": 3}')});
works_as_before($node, 'partial', 'keeper', 'made again');

# The dump changed nothing in the database it was taken from.
is(state_of($node, 'origin'), $before, 'the origin is as it was');
works_as_before($node, 'origin', 'keeper', 'origin');

$node->stop;
done_testing();
