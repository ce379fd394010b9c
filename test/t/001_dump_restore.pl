# A database with collections is dumped and restored as any other: documents,
# catalogue and the order of creation come back, and everything works as before.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my $super = $node->safe_psql('postgres', 'SELECT current_user');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $long = 'x' x 100;

# Run SQL as somebody; dies if it fails.
sub run_sql
{
	my ($db, $user, $sql) = @_;

	return $node->safe_psql($db, $sql,
		connstr => $node->connstr($db) . " user=$user");
}

# SQLSTATE of what the statement raises, empty if it succeeds.
sub sqlstate
{
	my ($db, $user, $sql) = @_;
	my ($rc, $out, $err) = $node->psql($db, "\\set VERBOSITY sqlstate\n$sql",
		connstr => $node->connstr($db) . " user=$user");

	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : '';
}

# An empty database that belongs to keeper, who is no superuser.
sub new_database
{
	my ($db) = @_;

	$node->safe_psql('postgres',
		"CREATE DATABASE $db OWNER keeper TEMPLATE template0");
	return $db;
}

# Everything that a dump has to carry: the catalogue and all documents, as text.
sub state
{
	my ($db, $without) = @_;
	my $tables = $node->safe_psql($db, qq{
		SELECT format('SELECT %L, t.* FROM %I.%I t ORDER BY _id;',
			index || '/' || name, schema_name, table_name)
		FROM kz_catalog.collection ORDER BY position});
	$tables = join("\n", grep { !$without || !/$without/ } split(/\n/, $tables));

	return $node->safe_psql($db, qq{
		SELECT name, schema_name, adopted, position
		FROM kz_catalog.index ORDER BY position;
		SELECT index, name, schema_name, table_name, attached, mappings,
			settings, position
		FROM kz_catalog.collection ORDER BY position;
		SELECT * FROM kz_list_indexes();
		$tables});
}

# What a restored database must still be able to do, as this user.
sub works
{
	my ($db, $user, $name) = @_;

	is(run_sql($db, $user, q{
			SELECT kz_create_index('alpha');
			SELECT string_agg(i, ' ') FROM (
				SELECT i FROM kz_list_indexes() WITH ORDINALITY l(i, n)
				ORDER BY n DESC LIMIT 2) last}),
		qq({"acknowledged": true}\nalpha adopted),
		"$name: an index made after the restore comes last");

	is(run_sql($db, $user, q{
			SELECT count(*), bool_and((kz_upsert(index, name, 'new', '{"a": 1}')
				->>'created')::boolean)
			FROM kz_catalog.collection}),
		'7|t', "$name: every collection takes new documents");
	is(run_sql($db, $user, q{
			SELECT kz_update('zoo', 'animals', 'a1', '{"legs": 4}', source => true)}),
		'{"_id": "a1", "_source": {"legs": 4, "name": "animal 1"}, "_version": 3}',
		"$name: a version counts on");

	is(sqlstate($db, $user,
			q{SELECT kz_update('zoo', 'strict', 's', '{"unknown": 1}')}),
		'KZ400', "$name: mappings bind");
	is(sqlstate($db, $user, q{SELECT kz_create('metro', 'events', '{}', 'e1')}),
		'KZ400', "$name: unique indexes are back");

	run_sql($db, $user, qq{
		SELECT kz_delete_collection('metro', 'events');
		SELECT kz_delete_collection('metro', 'parts');
		SELECT kz_delete_collection('zoo', 'animals');
		SELECT kz_delete_collection('zoo', '$long');
		SELECT kz_delete_index('adopted')});
	is(run_sql($db, $user, qq{
			SELECT to_regclass('public.events') IS NOT NULL,
				to_regclass('metro.parts') IS NOT NULL,
				to_regclass('zoo.animals') IS NOT NULL,
				(SELECT count(*) FROM pg_class c JOIN pg_namespace n
					ON n.oid = relnamespace
					WHERE nspname = 'zoo' AND relkind = 'r' AND relname LIKE 'kz%'),
				to_regnamespace('adopted') IS NOT NULL}),
		't|t|f|0|t',
		"$name: what kz made is dropped, what was attached or adopted stays");
	return;
}

# Restore what was dumped with these options and compare, then use it.
sub restored_is_same
{
	my ($name, $db, $user, $before) = @_;

	is(state($db), $before, "$name: same documents and catalogue");
	works($db, $user, $name);
	return;
}

#
# The database: indexes not in order of name, one gone again, long names,
# collections that kz made, attached ones, a partitioned one.
#
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN');
new_database('origin');
run_sql('origin', 'keeper', qq{
	CREATE EXTENSION kz;
	SELECT kz_create_index('zoo');
	SELECT kz_create_index('gone');
	SELECT kz_create_index('metro');
	SELECT kz_create_index('$long');
	SELECT kz_delete_index('gone');
	CREATE SCHEMA adopted;
	SELECT kz_create_index('adopted');

	SELECT kz_create_collection('zoo', 'animals', settings => '{"custom": 1}');
	SELECT kz_create_collection('zoo', 'strict',
		'{"dynamic": "strict", "properties": {"a": {"type": "integer"}},
			"_meta": {"by": "keeper"}}');
	SELECT kz_create_collection('zoo', '$long');
	SELECT kz_create_collection('$long', '$long');
	SELECT kz_create_collection('adopted', 'strict_pkey');

	CREATE TABLE public.events (
		number serial,
		_id text COLLATE "C" NOT NULL,
		_version bigint NOT NULL,
		_source jsonb NOT NULL,
		seen timestamptz);
	CREATE UNIQUE INDEX ON public.events (_id);
	SELECT kz_attach_collection('metro', 'events', 'public.events');
	CREATE TABLE metro.parts (
		_id text PRIMARY KEY,
		_version bigint NOT NULL,
		_source jsonb NOT NULL) PARTITION BY HASH (_id);
	CREATE TABLE metro.part_0 PARTITION OF metro.parts
		FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE metro.part_1 PARTITION OF metro.parts
		FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	SELECT kz_attach_collection('metro', 'parts', 'metro.parts');

	SELECT count(kz_create('zoo', 'animals',
		jsonb_build_object('name', 'animal ' || i), 'a' || i))
	FROM generate_series(1, 50) i;
	SELECT count(kz_update('zoo', 'animals', 'a' || i, '{"legs": 2}'))
	FROM generate_series(1, 10) i;
	SELECT kz_delete('zoo', 'animals', 'a50');
	SELECT kz_create('zoo', 'strict', '{"a": 1}', 's');
	SELECT kz_create('zoo', '$long', '{"long": "name"}', 'l');
	SELECT kz_create('$long', '$long', '{"long": "names"}', 'l');
	SELECT kz_create('adopted', 'strict_pkey', '{"n": 1.00}', 'p');
	SELECT count(kz_create('metro', 'events', '{"e": null}', 'e' || i))
	FROM generate_series(1, 5) i;
	SELECT count(kz_create('metro', 'parts', '{"e": []}', 'e' || i))
	FROM generate_series(1, 5) i;});
my $before = state('origin');
is(run_sql('origin', 'keeper', q{SELECT string_agg(left(i, 7), ' ') FROM kz_list_indexes() i}),
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
	run_sql($db, $user, "\\i $dir/$db.sql");
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
is(state('partial', qr/zoo\/animals/), state('origin', qr/zoo\/animals/),
	'without one table: the others and the catalogue are the same');
is(sqlstate('partial', 'keeper', q{SELECT kz_get('zoo', 'animals', 'a1')}),
	'KZ412', 'without its table a collection is unknown');
run_sql('partial', 'keeper', q{
	SELECT kz_create_collection('zoo', 'animals');
	SELECT kz_create('zoo', 'animals', '{"legs": 2, "name": "animal 1"}', 'a1');
	SELECT kz_update('zoo', 'animals', 'a1', '{"legs": 3}')});
works('partial', 'keeper', 'made again');

# The dump changed nothing in the database it was taken from.
is(state('origin'), $before, 'the origin is as it was');
works('origin', 'keeper', 'origin');

$node->stop;
done_testing();
