# ALTER EXTENSION kz UPDATE from each released version makes what CREATE EXTENSION
# makes today, of objects that users refer to, and sessions of before go on.
#
# A server finds its files by where its programs are: a copy of it gets the released
# script, which is not installed.

use strict;
use warnings;

use File::Basename;
use File::Copy;
use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WholeDatabase;

my $released = "$FindBin::Bin/../upgrade";

# Copy the server's programs, libraries and scripts to a folder, each to where it is
# below the folder that all have in common; return where the programs are then.
sub copy_server
{
	my ($to) = @_;
	my ($bindir, $libdir, $sharedir) = map { chomp(my $dir = `$ENV{PG_CONFIG} --$_`); $dir } qw(bindir pkglibdir sharedir);
	my @above = split m{/}, dirname($bindir);

	pop @above while grep { index("$_/", join('/', @above) . '/') != 0 } $bindir, $libdir, $sharedir;
	my $common = join('/', @above);
	foreach my $dir ($bindir, $libdir, $sharedir)
	{
		my $copy = $to . substr($dir, length($common));
		next if -e $copy;
		system_or_bail('mkdir', '-p', dirname($copy));
		system_or_bail('cp', '-R', $dir, $copy);
	}
	return $to . substr($bindir, length($common));
}

# What CREATE EXTENSION makes, object by object: who owns it, who may do what with
# it, its comment and its definition.
my $members = q{
	WITH member AS (
		SELECT classid, objid, pg_identify_object(classid, objid, 0) AS what
		FROM pg_depend
		WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'kz'))
	SELECT what::text, obj_description(objid, classid::regclass::text),
		(SELECT pg_get_functiondef(objid) || proowner::regrole || coalesce(proacl::text, '')
			FROM pg_proc WHERE oid = objid AND classid = 'pg_proc'::regclass),
		(SELECT nspowner::regrole || coalesce(nspacl::text, '')
			FROM pg_namespace WHERE oid = objid AND classid = 'pg_namespace'::regclass),
		(SELECT relowner::regrole || relkind::text || coalesce(relacl::text, '') || coalesce(reloptions::text, '')
			FROM pg_class WHERE oid = objid AND classid = 'pg_class'::regclass),
		(SELECT string_agg(format('%s %s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull,
				attcollation::regcollation, col_description(attrelid, attnum)), ', ' ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = objid AND classid = 'pg_class'::regclass AND attnum > 0),
		(SELECT string_agg(format('%s %s %s', pg_get_triggerdef(t.oid), tgenabled, obj_description(t.oid, 'pg_trigger')), ', ' ORDER BY tgname)
			FROM pg_trigger t WHERE tgrelid = objid AND classid = 'pg_class'::regclass),
		(SELECT string_agg(pg_get_constraintdef(c.oid), ', ' ORDER BY conname)
			FROM pg_constraint c WHERE conrelid = objid AND classid = 'pg_class'::regclass)
	FROM member
	UNION ALL
	SELECT 'version', extversion, extrelocatable::text, extowner::regrole::text, c::regclass::text, condition, NULL, NULL
	FROM pg_extension LEFT JOIN unnest(extconfig, extcondition) u(c, condition) ON true WHERE extname = 'kz'
	ORDER BY 1, 5};

my $server = PostgreSQL::Test::Utils::tempdir;
my $bindir = copy_server($server);
local $ENV{PG_CONFIG} = "$bindir/pg_config";
chomp(my $extensions = `$ENV{PG_CONFIG} --sharedir`);
copy($_, "$extensions/extension") or die "$_: $!" foreach glob "$released/kz--*.sql";

my $node = PostgreSQL::Test::Cluster->new('main', install_path => dirname($bindir));
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE keeper LOGIN;
	CREATE ROLE reader;
	CREATE DATABASE fresh OWNER keeper TEMPLATE template0});
my $revoke = 'REVOKE EXECUTE ON FUNCTION kz_merge(jsonb, jsonb) FROM PUBLIC';
run_sql($node, 'fresh', 'keeper', "CREATE EXTENSION kz; $revoke");

foreach my $version (map { /kz--([\d.]+)\.sql$/ } glob "$released/kz--*.sql")
{
	updated_is_fresh($version, $_) foreach 'keeper', $node->safe_psql('postgres', 'SELECT current_user');
}

# A database with the extension of this version, which belongs to keeper, is updated
# by this user.
sub updated_is_fresh
{
	my ($version, $updater) = @_;
	my $name = "$version, updated by $updater";
	my $db = 'from_' . $version =~ tr/./_/r . "_$updater";

	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER keeper TEMPLATE template0");
	make_whole($node, $db, 'keeper', $version);
	run_sql($node, $db, 'keeper', qq{
		$revoke;
		CREATE FUNCTION zoo.feed(id text) RETURNS jsonb LANGUAGE sql
			BEGIN ATOMIC SELECT kz_upsert('zoo', 'animals', id, '{"fed": true}'); END;
		CREATE VIEW zoo.seen AS SELECT _id, kz_get('zoo', 'animals', _id) AS document FROM zoo.animals;
		GRANT SELECT ON zoo.seen TO reader});

	# The library is today's from the begin.
	my $session = $node->background_psql($db, on_error_stop => 0);
	like($session->query(q{SELECT kz_upsert('zoo', 'strict', 't', '{"a": 2}')}), qr/"created": true/,
		"$name: today's library does what the old script names");
	my $before = state_of($node, $db);

	run_sql($node, $db, $updater, 'ALTER EXTENSION kz UPDATE');
	is($node->safe_psql($db, $members), $node->safe_psql('fresh', $members), "$name: the same as CREATE EXTENSION makes");
	is(state_of($node, $db), $before, "$name: documents and catalogue are what they were");

	like($session->query(q{SELECT kz_upsert('zoo', 'strict', 't', '{"a": 3}')}), qr/"_version": 2/,
		"$name: a session of before goes on");
	run_sql($node, $db, 'keeper', q{SELECT kz_update_collection('zoo', 'strict',
		'{"dynamic": "strict", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}')});
	like($session->query(q{SELECT kz_upsert('zoo', 'strict', 't', '{"b": 3}')}), qr/"_version": 3/,
		"$name: and sees what changes");
	$session->quit;

	is(run_sql($node, $db, 'keeper', q{SELECT zoo.feed('a11'); SELECT document FROM zoo.seen WHERE _id = 'a11'}),
		qq({"_id": "a11", "created": false, "_version": 2}\n)
		. '{"_id": "a11", "_source": {"fed": true, "name": "animal 11"}, "_version": 2}',
		"$name: functions and views of users");
	is($node->safe_psql($db, q{SELECT has_table_privilege('reader', 'zoo.seen', 'SELECT')}), 't', "$name: and their rights");
	run_sql($node, $db, 'keeper', 'DROP VIEW zoo.seen; DROP FUNCTION zoo.feed(text)');
	works_as_before($node, $db, 'keeper', $name);
	return;
}

done_testing();
