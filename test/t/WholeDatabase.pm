# A database that has of everything: what makes it, what it holds, and what it must
# still be able to do after it was moved.
package WholeDatabase;

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw(run_sql sqlstate_of make_whole state_of works_as_before);

my $long = 'x' x 100;

# Run SQL as somebody; dies if it fails.
sub run_sql
{
	my ($node, $db, $user, $sql) = @_;

	return $node->safe_psql($db, $sql,
		connstr => $node->connstr($db) . " user=$user");
}

# SQLSTATE of what the statement raises, empty if it succeeds.
sub sqlstate_of
{
	my ($node, $db, $user, $sql) = @_;
	my ($rc, $out, $err) = $node->psql($db, "\\set VERBOSITY sqlstate\n$sql",
		connstr => $node->connstr($db) . " user=$user");

	return $err =~ /ERROR:\s+(\w{5})/ ? $1 : '';
}

# Indexes not in order of name, one gone again, long names, collections that kz made,
# attached ones, a partitioned one, one that is written through SQL, one of Milvus; with
# the extension of this version, if it is given.
sub make_whole
{
	my ($node, $db, $user, $version) = @_;
	$version = $version ? "VERSION '$version'" : '';

	run_sql($node, $db, $user, qq{
	CREATE EXTENSION kz $version;
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
	FROM generate_series(1, 5) i;

	-- what users put on a table of kz, and documents that do not fit into a row
	ALTER TABLE zoo.animals ADD CHECK (NOT _source ? 'bad');
	CREATE INDEX ON zoo.animals ((_source->>'name'));
	CREATE INDEX ON zoo.animals USING gin (_source);
	SELECT kz_create('zoo', 'animals', jsonb_build_object('song',
		(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i)), 'bird');

	CREATE TABLE metro.watched (
		_id text PRIMARY KEY,
		_version bigint NOT NULL,
		_source jsonb NOT NULL,
		day text GENERATED ALWAYS AS (_source->>'day') STORED);
	CREATE FUNCTION metro.watch() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		NEW._source := NEW._source || '{"seen": true}';
		RETURN NEW;
	END \$\$;
	CREATE TRIGGER watch BEFORE INSERT OR UPDATE ON metro.watched FOR EACH ROW EXECUTE FUNCTION metro.watch();
	ALTER TABLE metro.watched ENABLE ROW LEVEL SECURITY;
	CREATE POLICY all_of_it ON metro.watched USING (true);
	SELECT kz_attach_collection('metro', 'watched', 'metro.watched');
	SELECT kz_create('metro', 'watched', '{"day": "Monday"}', 'm');

	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "zoo", "collectionName": "films",
		"schema": {"enableDynamicField": true, "fields": [
			{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
			{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');
	SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "zoo", "collectionName": "films",
		"data": [{"id": 1, "v": [0.1, 0.2], "title": "M"}, {"id": 2, "v": [1, 2], "year": 1927}]}')});
	return;
}

# Everything that a dump has to carry: the catalogue and all documents, as text.
sub state_of
{
	my ($node, $db, $without) = @_;
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

# What it must still be able to do elsewhere, as this user; it is used up by that.
sub works_as_before
{
	my ($node, $db, $user, $name) = @_;

	is(run_sql($node, $db, $user, q{
			SELECT kz_create_index('alpha');
			SELECT string_agg(i, ' ') FROM (
				SELECT i FROM kz_list_indexes() WITH ORDINALITY l(i, n)
				ORDER BY n DESC LIMIT 2) last}),
		qq({"acknowledged": true}\nalpha adopted),
		"$name: an index made after the restore comes last");

	is(run_sql($node, $db, $user, q{
			SELECT count(*), bool_and((kz_upsert(index, name, 'new', '{"a": 1}')
				->>'created')::boolean)
			FROM kz_catalog.collection}),
		'9|t', "$name: every collection takes new documents");
	is(run_sql($node, $db, $user, q{
			SELECT kz_update('zoo', 'animals', 'a1', '{"legs": 4}', source => true)}),
		'{"_id": "a1", "_source": {"legs": 4, "name": "animal 1"}, "_version": 3}',
		"$name: a version counts on");

	is(sqlstate_of($node, $db, $user,
			q{SELECT kz_update('zoo', 'strict', 's', '{"unknown": 1}')}),
		'KZ400', "$name: mappings bind");
	is(sqlstate_of($node, $db, $user, q{SELECT kz_create('metro', 'events', '{}', 'e1')}),
		'KZ400', "$name: unique indexes are back");
	is(sqlstate_of($node, $db, $user, q{SELECT kz_update('zoo', 'animals', 'a1', '{"bad": 1}')}),
		'23514', "$name: constraints bind");
	is(run_sql($node, $db, $user, q{
			SELECT kz_update('metro', 'watched', 'm', '{"day": "Friday", "seen": false}', source => true);
			SELECT day FROM metro.watched WHERE _id = 'm'}),
		qq({"_id": "m", "_source": {"day": "Friday", "seen": true}, "_version": 2}\nFriday),
		"$name: triggers fire, columns are generated");

	is(run_sql($node, $db, $user, q{
			SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "zoo", "collectionName": "films", "partialUpdate": true,
				"data": [{"id": 1, "year": 1931}]}')->'code';
			SELECT kz_milvus('/v2/vectordb/entities/query', '{"dbName": "zoo", "collectionName": "films",
				"filter": "year > 1930", "outputFields": ["*"]}')->'data';
			SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "zoo", "collectionName": "films",
				"data": [{"id": 3, "v": [1, 2, 3]}]}')->'code'}),
		qq(0\n[{"v": [0.1, 0.2], "id": 1, "year": 1931, "title": "M"}]\n1804),
		"$name: Milvus' collection has its entities and its schema");

	run_sql($node, $db, $user, qq{
		SELECT kz_delete_collection('metro', 'events');
		SELECT kz_delete_collection('metro', 'parts');
		SELECT kz_delete_collection('zoo', 'animals');
		SELECT kz_delete_collection('zoo', '$long');
		SELECT kz_delete_index('adopted')});
	is(run_sql($node, $db, $user, qq{
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

1;
