# A physical standby that checks every page which it replays, and a logical
# subscriber, while there is load: both have what the primary has. On the standby
# everything that reads works, also while collections come and go, and everything
# that writes is refused; promoted, it goes on where the primary was.
#
# KZ_SOAK is for how many seconds each load runs: 3 if it is not set.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{KZ_SOAK} || 3;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');

# Nobody who reads on the standby is to be in the way of replay for long, nor to be
# told that it did not wait for him. It would have to if rows were removed that he can
# see: hence the feedback.
$primary->append_conf('postgresql.conf', q{
	fsync = off
	log_statement = none
	shared_buffers = 32MB
	max_connections = 40
	autovacuum_naptime = 1s
	wal_consistency_checking = all
	hot_standby_feedback = on
	wal_receiver_status_interval = 1s
	max_standby_streaming_delay = 100s});
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	CREATE EXTENSION amcheck;
	CREATE SCHEMA load;

	SELECT kz_create_collection('live', name) FROM unnest(ARRAY['docs', 'indexed', 'passing']) name;
	CREATE INDEX ON live.indexed ((_source->>'last'));
	CREATE INDEX ON live.indexed USING gin (_source);
	CREATE TABLE public.parts (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL) PARTITION BY HASH (_id);
	CREATE TABLE public.part_0 PARTITION OF public.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE public.part_1 PARTITION OF public.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	SELECT kz_attach_collection('live', 'parts', 'public.parts');
	SELECT kz_create('live', name, '{"generation": 0}', 'one') FROM unnest(ARRAY['docs', 'passing']) name;
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "live", "collectionName": "entities",
		"schema": {"enableDynamicField": true, "fields": [
			{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
			{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]}}');

	-- A change, once in a while one that is stored outside of the row.
	CREATE FUNCTION load.change(name text) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
		SELECT jsonb_build_object('last', name, 'key' || (random() * 20)::int, name) ||
			CASE WHEN random() < 0.05 THEN jsonb_build_object('pad',
				(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 200))) ELSE '{}' END
	$$;

	-- Some documents that all clients change, and others that few do.
	CREATE FUNCTION load.entries(name text, count int) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
		SELECT jsonb_agg(jsonb_build_object('_id', (random() * CASE i % 2 WHEN 0 THEN 20 ELSE 20000 END)::int::text,
			'changes', load.change(name)))
		FROM generate_series(1, count) i
	$$;

	-- A collection goes and comes again, at one moment or after one, or is emptied.
	CREATE PROCEDURE load.recreate(seconds float) LANGUAGE plpgsql AS $$
	DECLARE
		finish timestamptz := clock_timestamp() + seconds * interval '1 second';
		generation int := 0;
	BEGIN
		WHILE clock_timestamp() < finish OR generation <= 10 LOOP
			generation := generation + 1;
			IF generation % 3 = 0 THEN
				PERFORM kz_truncate_collection('live', 'passing');
			ELSE
				PERFORM kz_delete_collection('live', 'passing');
				IF generation % 2 = 0 THEN
					COMMIT;
				END IF;
				PERFORM kz_create_collection('live', 'passing');
			END IF;
			PERFORM kz_create('live', 'passing', jsonb_build_object('generation', generation), 'one');
			COMMIT;
		END LOOP;
	END $$;

	-- Its generation, which only grows; the one of before if it is not there.
	CREATE FUNCTION load.generation(before int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		generation int;
	BEGIN
		generation := kz_get('live', 'passing', 'one')#>>'{_source,generation}';
		IF generation < before OR generation IS NULL THEN
			RAISE 'generation % after %', generation, before;
		END IF;
		RETURN generation;
	EXCEPTION WHEN SQLSTATE 'KZ404' OR SQLSTATE 'KZ412' THEN
		RETURN before;
	END $$;

	-- What a statement answers, or the SQLSTATE of its error.
	CREATE FUNCTION load.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
	BEGIN
		EXECUTE statement INTO answer;
		RETURN answer;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;});

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# The subscriber makes its collections itself; what comes are their documents. One
# table is identified by its key, the other by whole rows.
my @published = ('live.docs', 'live.indexed', 'live.entities');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', 'log_statement = none');
$subscriber->start;
$subscriber->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	SELECT kz_create_collection('live', name) FROM unnest(ARRAY['docs', 'indexed', 'entities']) name});
$primary->safe_psql('postgres', q{
	ALTER TABLE live.indexed REPLICA IDENTITY FULL;
	CREATE PUBLICATION documents FOR TABLE } . join ', ', @published);
$subscriber->safe_psql('postgres', sprintf
	q{CREATE SUBSCRIPTION documents CONNECTION '%s' PUBLICATION documents},
	$primary->connstr('postgres') =~ s/'/''/gr);
$subscriber->wait_for_subscription_sync($primary, 'documents');

#
# Load
#
my $files = 0;
my $timeout = IPC::Run::timeout($seconds + $PostgreSQL::Test::Utils::timeout_default);

# Start pgbench with scripts, each for so many of its transactions.
sub start_pgbench
{
	my ($node, $clients, $options, @scripts) = @_;
	my @files;

	while (my ($weight, $script) = splice(@scripts, 0, 2))
	{
		my $file = $node->basedir . '/script' . ++$files;

		append_to_file($file, $script);
		push @files, '-f', "$file\@$weight";
	}
	my %run = (stdout => '', stderr => '');
	$run{run} = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $clients, '-T', $seconds, split(' ', $options), @files, $node->connstr('postgres') ],
		'<', \undef, '>', \$run{stdout}, '2>', \$run{stderr}, $timeout);
	return \%run;
}

sub finish_pgbench
{
	my ($run, $name) = @_;

	$run->{run}->finish;
	my ($count) = $run->{stdout} =~ /transactions actually processed: (\d+)/;
	note("$name: " . ($count // 'no') . ' transactions');
	is($run->{stderr}, '', "$name: no call fails");
	cmp_ok($count // 0, '>', 10, "$name: there were many");
	return;
}

# Half of the clients with each writer.
sub start_writers
{
	my ($node) = @_;
	my $name = q{:client_id || '.' || :random_seed};

	return start_pgbench($node, 6, '', map({ ($_->[0], join "\n",
				'\set direct :client_id % 2',
				'\set id random(0, 20)',
				q{SELECT set_config('kz.direct_writes', (:direct = 1)::text, false);}, $_->[1]) }
			[ 4, "SELECT kz_upsert('live', 'docs', :id::text, load.change($name), retry_on_conflict => 1000);" ],
			[ 2, "SELECT kz_mupsert('live', 'docs', load.entries($name, 30), retry_on_conflict => 1000);" ],
			[ 2, "SELECT kz_mupsert('live', 'indexed', load.entries($name, 30), retry_on_conflict => 1000);" ],
			[ 1, "SELECT kz_mupsert('live', 'parts', load.entries($name, 10), retry_on_conflict => 1000);" ],
			[ 1, "SELECT kz_mdelete('live', 'docs', ARRAY[:id::text]);" ],
			[ 1, "SELECT kz_mdelete('live', 'indexed', ARRAY[:id::text]);" ],
			[ 1, "BEGIN;\nSELECT kz_upsert('live', 'docs', :id::text, load.change($name), retry_on_conflict => 1000);\nROLLBACK;" ],
			[ 1, qq{SELECT kz_request(jsonb_build_object('controller', 'document', 'action', 'upsert', 'index', 'live',
				'collection', 'docs', '_id', :id::text, 'body', jsonb_build_object('changes', load.change($name))));} ],
			[ 2, qq{SELECT kz_milvus('/v2/vectordb/entities/upsert', jsonb_build_object('dbName', 'live', 'collectionName', 'entities',
				'partialUpdate', true, 'data', jsonb_build_array(load.change($name) || jsonb_build_object('id', :id, 'v', ARRAY[1, 2]))));} ],
			[ 1, "SELECT kz_milvus('/v2/vectordb/entities/delete', jsonb_build_object('dbName', 'live', 'collectionName', 'entities', 'filter', 'id == ' || :id));" ]));
}

# What reads, with an id. All these answer, whatever is there.
my @reads = (
	q{kz_exists('live', 'docs', '%id')},
	q{kz_count('live', 'docs')},
	q{kz_mget('live', 'docs', ARRAY['%id', '1', 'none'])},
	q{kz_mget('live', 'parts', ARRAY['%id', '1', 'none'])},
	q{kz_mexists('live', 'indexed', ARRAY['%id', '1', 'none'])},
	q{kz_index_exists('live')},
	q{kz_collection_exists('live', 'docs')},
	q{kz_get_mapping('live', 'docs')},
	q{kz_get_settings('live', 'docs')},
	q{(SELECT array_agg(name) FROM kz_list_indexes() name)},
	q{(SELECT array_agg(name) FROM kz_list_collections('live') name WHERE name <> 'passing')},
	q{kz_merge('{"a": 1}', '{"b": 2}')},
	q{kz_request('{"controller": "document", "action": "get", "index": "live", "collection": "docs", "_id": "%id"}')->'result'},
	q{kz_request('{"controller": "document", "action": "mGet", "index": "live", "collection": "docs", "body": {"ids": ["%id", "1"]}}')->'result'},
	q{kz_request('{"controller": "collection", "action": "getMapping", "index": "live", "collection": "docs"}')->'result'},
	q{kz_request('{"controller": "index", "action": "list"}')->'result'},
	q{kz_milvus('/v2/vectordb/entities/query', '{"dbName": "live", "collectionName": "entities", "filter": "id >= %id", "outputFields": ["*"]}')},
	q{kz_milvus('/v2/vectordb/entities/query', '{"dbName": "live", "collectionName": "entities", "filter": "", "outputFields": ["count(*)"]}')},
	q{kz_milvus('/v2/vectordb/entities/get', '{"dbName": "live", "collectionName": "entities", "id": [%id, 1], "outputFields": ["*"]}')},
	q{kz_milvus('/v2/vectordb/collections/describe', '{"dbName": "live", "collectionName": "entities"}')},
	q{kz_milvus('/v2/vectordb/collections/get_stats', '{"dbName": "live", "collectionName": "entities"}')},
	q{kz_milvus('/v2/vectordb/databases/list', '{}')},
	q{(SELECT body::jsonb->'result' FROM kz_http('GET', '/live/docs/%id'))},
	q{(SELECT body::jsonb->'result' FROM kz_http('GET', '/live/_list?from=0&size=1'))},
	q{(SELECT body FROM kz_http('POST', '/v2/vectordb/entities/query', body =>
		'{"dbName": "live", "collectionName": "entities", "filter": "id == %id"}'))});

sub with_id
{
	my ($read, $id) = @_;

	return $read =~ s/%id/$id/gr;
}

sub start_readers
{
	my ($node) = @_;

	return start_pgbench($node, 4, '-D generation=0',
		10 => 'SELECT load.generation(:generation) AS generation \gset',
		5 => join "\n", "\\set id random(0, 20)", map { 'SELECT ' . with_id($_, ':id') . ';' } @reads);
}

# All that is stored, in short.
sub state_of
{
	my ($node, @tables) = @_;

	@tables = (@published, 'live.passing', 'public.parts', 'kz_catalog.index', 'kz_catalog.collection') if !@tables;
	return $node->safe_psql('postgres', join '', map {
			"SELECT '$_', count(*), md5(string_agg(t::text, '' ORDER BY t::text COLLATE \"C\")) FROM $_ t;\n" } @tables);
}

sub outcome
{
	my ($node, $call) = @_;

	return $node->safe_psql('postgres', 'SELECT load.outcome($statement$SELECT ' . $call . '$statement$)');
}

#
# Equal under load
#
my $writers = start_writers($primary);
my $readers = start_readers($standby);
my ($recreated, $recreate_stderr) = ('', '');
my $recreate = IPC::Run::start([ 'psql', '-XAtq', '-d', $primary->connstr('postgres'), '-c', "CALL load.recreate($seconds)" ],
	'<', \undef, '>', \$recreated, '2>', \$recreate_stderr);
finish_pgbench($writers, 'writing on the primary');
finish_pgbench($readers, 'reading on the standby');
$recreate->finish;
is($recreate_stderr, '', 'a collection was made again and again');
cmp_ok($primary->safe_psql('postgres', q{SELECT kz_get('live', 'passing', 'one')#>>'{_source,generation}'}), '>', 10,
	'many times');

$primary->wait_for_catchup($standby);
my $state = state_of($primary);
is(state_of($standby), $state, 'the standby has what the primary has');
unlike($state, qr/\|0\|/, 'which is something in every table');
foreach my $table (@published)
{
	cmp_ok($primary->safe_psql('postgres', "SELECT max(_version) FROM $table"), '>', 2, "$table was changed again and again");
}
$standby->command_ok([ 'pg_amcheck', '--heapallindexed', 'postgres' ],
	'all tables and btree indexes of the standby are sound');

$primary->wait_for_catchup('documents');
is(state_of($subscriber, @published), state_of($primary, @published), 'the subscriber has the same documents');
is($subscriber->safe_psql('postgres', q{
		SELECT count(*) > 0, bool_and(kz_get('live', 'docs', _id) = jsonb_build_object('_id', _id, '_version', _version, '_source', _source))
		FROM live.docs}),
	't|t', 'and reads them');

#
# Reads
#
$primary->safe_psql('postgres', q{
	SELECT kz_upsert('live', 'docs', id, '{"there": true}') FROM unnest(ARRAY['1', '7']) id;
	SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "live", "collectionName": "entities", "data": [{"id": 7, "v": [1, 2]}]}')});
$primary->wait_for_catchup($standby);
foreach my $read (map { with_id($_, 7) } q{kz_get('live', 'docs', '%id')}, @reads)
{
	my $answer = outcome($primary, $read);

	isnt($answer =~ /^(?:\w{5})?$/, 1, "the primary answers $read") or diag $answer;
	is(outcome($standby, $read), $answer, 'and the standby the same');
}

#
# Writes
#
my %writes = (
	kz_create => [ q{'live', 'docs', '{}', 'new'}, q{'live', 'docs', '{}'}, q{'live', 'docs', '{}', '7'} ],
	kz_create_or_replace => [ q{'live', 'docs', 'new', '{}'} ],
	kz_replace => [ q{'live', 'docs', '7', '{}'} ],
	kz_update => [ q{'live', 'docs', '7', '{"new": 1}'}, q{'live', 'docs', '7', '{"there": true}'}, q{'live', 'docs', 'new', '{}'},
		q{'live', 'parts', '7', '{"new": 1}'} ],
	kz_upsert => [ q{'live', 'docs', '7', '{"new": 1}'}, q{'live', 'docs', 'new', '{}'}, q{'live', 'parts', '7', '{"new": 1}'} ],
	kz_delete => [ q{'live', 'docs', '7'}, q{'live', 'docs', 'new'} ],
	kz_delete_fields => [ q{'live', 'docs', '7', '{there}'} ],
	kz_mcreate => [ q{'live', 'docs', '[{"_id": "new", "body": {}}]'} ],
	kz_mcreate_or_replace => [ q{'live', 'docs', '[{"_id": "new", "body": {}}]'} ],
	kz_mreplace => [ q{'live', 'docs', '[{"_id": "7", "body": {}}]'} ],
	kz_mupdate => [ q{'live', 'docs', '[{"_id": "7", "body": {}}]'} ],
	kz_mupsert => [ q{'live', 'docs', '[{"_id": "7", "changes": {}}, {"_id": "new", "changes": {}}]'} ],
	kz_mdelete => [ q{'live', 'docs', '{7}'} ],
	kz_update_rows => [ q{'live', 'docs', '{7}', '{"{}"}'} ],
	kz_upsert_rows => [ q{'live', 'docs', '{7}', '{"{}"}'} ],
	kz_create_index => [ q{'new'}, q{'live'} ],
	kz_delete_index => [ q{'live'} ],
	kz_create_collection => [ q{'live', 'new'}, q{'live', 'docs'} ],
	kz_update_collection => [ q{'live', 'docs', '{"dynamic": "strict"}'} ],
	kz_attach_collection => [ q{'live', 'new', 'public.part_0'} ],
	kz_delete_collection => [ q{'live', 'docs'} ],
	kz_truncate_collection => [ q{'live', 'docs'} ],
	kz_request => [ map { sprintf q{'{"controller": "%s", "action": "%s", "index": "live", "collection": "%s", %s}'}, @$_ }
		[ 'document', 'create', 'docs', '"_id": "new", "body": {}' ],
		[ 'document', 'createOrReplace', 'docs', '"_id": "new", "body": {}' ],
		[ 'document', 'replace', 'docs', '"_id": "7", "body": {}' ],
		[ 'document', 'update', 'docs', '"_id": "7", "body": {}' ],
		[ 'document', 'upsert', 'docs', '"_id": "7", "body": {"changes": {}}' ],
		[ 'document', 'delete', 'docs', '"_id": "7"' ],
		[ 'document', 'deleteFields', 'docs', '"_id": "7", "body": {"fields": ["there"]}' ],
		[ 'document', 'mCreate', 'docs', '"body": {"documents": [{"_id": "new", "body": {}}]}' ],
		[ 'document', 'mCreateOrReplace', 'docs', '"body": {"documents": [{"_id": "new", "body": {}}]}' ],
		[ 'document', 'mReplace', 'docs', '"body": {"documents": [{"_id": "7", "body": {}}]}' ],
		[ 'document', 'mUpdate', 'docs', '"body": {"documents": [{"_id": "7", "body": {}}]}' ],
		[ 'document', 'mUpsert', 'docs', '"body": {"documents": [{"_id": "7", "changes": {}}]}' ],
		[ 'document', 'mDelete', 'docs', '"body": {"ids": ["7"]}' ],
		[ 'bulk', 'import', 'docs', '"body": {"bulkData": [{"index": {"_id": "new"}}, {"a": 1}]}' ],
		[ 'bulk', 'write', 'docs', '"_id": "new", "body": {}' ],
		[ 'bulk', 'mWrite', 'docs', '"body": {"documents": [{"_id": "new", "body": {}}]}' ],
		[ 'collection', 'create', 'new', '"body": {}' ],
		[ 'collection', 'update', 'docs', '"body": {"mappings": {"dynamic": "strict"}}' ],
		[ 'collection', 'updateMapping', 'docs', '"body": {"dynamic": "strict"}' ],
		[ 'collection', 'delete', 'docs', '"body": {}' ],
		[ 'collection', 'truncate', 'docs', '"body": {}' ],
		[ 'index', 'delete', '', '"body": {}' ] ],
	kz_milvus => [ map { sprintf q{'/v2/vectordb/%s', '{"dbName": "live", "collectionName": "entities"%s}'}, @$_ }
		[ 'entities/insert', ', "data": [{"id": 100, "v": [1, 2]}]' ],
		[ 'entities/upsert', ', "data": [{"id": 7, "v": [1, 2]}]' ],
		[ 'entities/upsert', ', "data": [{"id": 7, "new": 1}], "partialUpdate": true' ],
		[ 'entities/delete', ', "filter": "id == 7"' ],
		[ 'collections/drop', '' ],
		[ 'collections/rename', ', "newCollectionName": "new"' ],
		[ 'collections/truncate', '' ] ],
	kz_http => [
		q{'PUT', '/live/docs/7/_upsert', body => '{"changes": {}}'},
		q{'DELETE', '/live/docs/7'},
		q{'PUT', '/live/new'},
		q{'POST', '/v2/vectordb/entities/upsert', body => '{"dbName": "live", "collectionName": "entities", "data": [{"id": 7, "v": [1, 2]}]}'} ]);
push @{ $writes{kz_request} },
	q{'{"controller": "index", "action": "create", "index": "new"}'},
	q{'{"controller": "index", "action": "mDelete", "body": {"indexes": ["live"]}}'};
push @{ $writes{kz_milvus} },
	q{'/v2/vectordb/databases/create', '{"dbName": "new"}'},
	q{'/v2/vectordb/collections/create', '{"dbName": "live", "collectionName": "new", "dimension": 2}'},
	q{'/v1/vector/delete', '{"dbName": "live", "collectionName": "entities", "id": 7}'};

is(join(' ', sort keys %writes), $standby->safe_psql('postgres', q{
		SELECT string_agg(proname, ' ' ORDER BY proname COLLATE "C") FROM (
			SELECT DISTINCT proname FROM pg_proc WHERE proname LIKE 'kz\_%' AND provolatile = 'v') f}),
	'all functions that may write are tried');
is($standby->safe_psql('postgres', q{
		SELECT string_agg(path, ' ' ORDER BY path COLLATE "C")
		FROM jsonb_each(kz_request('{"controller": "server", "action": "publicApi"}')->'result') c (controller, actions)
		CROSS JOIN jsonb_object_keys(actions) action
		CROSS JOIN concat(controller, ':', action) path
		WHERE NOT path IN ('} . join("', '", map { /"controller": "(\w+)", "action": "(\w+)"/ ? "$1:$2" : () } @{ $writes{kz_request} }) . q{')}),
	join(' ', qw(
		auth:checkToken auth:getCurrentUser auth:login auth:logout
		bulk:deleteByQuery bulk:updateByQuery
		collection:exists collection:getMapping collection:getSettings collection:list collection:refresh
		document:count document:deleteByQuery document:exists document:export document:get document:mExists document:mGet
		document:scroll document:search document:updateByQuery document:validate
		index:exists index:list index:stats
		server:healthCheck server:info server:now server:publicApi)),
	'all actions of Kuzzle, but those that read or are not there');

$state = state_of($primary);
foreach my $direct ('on', 'off')
{
	$primary->safe_psql('postgres', "ALTER DATABASE postgres SET kz.direct_writes = $direct");
	$primary->wait_for_catchup($standby);
	foreach my $function (sort keys %writes)
	{
		my @calls = map { "$function($_)" } @{ $writes{$function} };

		is(join(' ', map { outcome($standby, $_) } @calls), join(' ', map { '25006' } @calls),
			"direct writes $direct: the standby refuses $function");
	}
}
is(state_of($standby), $state, 'nothing is written there');

#
# A session that stays
#
my $session = $standby->background_psql('postgres', on_error_stop => 0);
$session->query('\set VERBOSITY sqlstate');

sub answers
{
	my ($sql, $expected, $name) = @_;
	my $answer = $session->query("SELECT $sql");
	my $state = $session->{stderr} =~ /ERROR:\s+(\w{5})/ ? $1 : '';

	$session->{stderr} = '';
	is($answer . $state, $expected, $name);
	return;
}

sub on_primary
{
	my ($sql) = @_;

	$primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby);
	return;
}

my $read = q{kz_get('live', 'passing', 'one')->'_source'};
my $query = q{kz_milvus('/v2/vectordb/entities/query', '{"dbName": "live", "collectionName": "films", "filter": "id == 1"}')};
on_primary(q{
	SELECT kz_create_or_replace('live', 'passing', 'one', '{"a": "first"}');
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "live", "collectionName": "films", "dimension": 2}');
	SELECT kz_milvus('/v1/vector/insert', '{"dbName": "live", "collectionName": "films", "data": {"id": 1, "vector": [1, 2]}}')});
answers($read, '{"a": "first"}', 'a session reads a collection');
answers("($query->'data')", '[{"id": 1, "vector": [1, 2]}]', 'and one of Milvus');
on_primary(q{
	SELECT kz_delete_collection('live', 'passing');
	SELECT kz_milvus('/v2/vectordb/collections/drop', '{"dbName": "live", "collectionName": "films"}')});
answers($read, 'KZ412', 'it forgets it once that is dropped');
answers("$query->'code'", '100', 'and the one of Milvus');
on_primary(q{
	SELECT kz_create_collection('live', 'passing', '{"dynamic": "strict", "properties": {"a": {"type": "keyword"}}}');
	SELECT kz_create('live', 'passing', '{"a": "second"}', 'one');
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "live", "collectionName": "films", "dimension": 2, "idType": "VarChar", "params": {"max_length": 10}}');
	SELECT kz_milvus('/v1/vector/insert', '{"dbName": "live", "collectionName": "films", "data": {"id": "1", "vector": [3, 4]}}')});
answers($read, '{"a": "second"}', 'it finds the one that is made next');
answers(($query =~ s/== 1/== \\"1\\"/r) . q{->'data'}, '[{"id": "1", "vector": [3, 4]}]', 'also that of Milvus, with its new schema');
on_primary(q{SELECT kz_update_collection('live', 'passing', '{"properties": {"b": {"type": "keyword"}}}', '{"custom": 1}')});
answers(q{kz_get_mapping('live', 'passing')#>>'{properties,b,type}'}, 'keyword', 'it reads mappings that have changed');
answers(q{kz_get_settings('live', 'passing')}, '{"custom": 1}', 'and settings');
answers(q{kz_upsert('live', 'passing', 'one', '{"b": "x"}')}, '25006', 'it cannot write');

#
# Promotion
#
$primary->stop;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'it is not promoted';
answers(q{kz_upsert('live', 'passing', 'one', '{"b": "x"}', source => true)},
	'{"_id": "one", "_source": {"a": "second", "b": "x"}, "created": false, "_version": 2}',
	'once the standby is promoted the session writes, and versions count on');
answers(q{kz_upsert('live', 'passing', 'one', '{"unknown": 1}')}, 'KZ400', 'mappings bind');
answers(q{kz_create_collection('live', 'later')}, '{"acknowledged": true}', 'it makes collections');
$session->quit;
$writers = start_writers($standby);
finish_pgbench($writers, 'writing after promotion');
$standby->command_ok([ 'pg_amcheck', '--parent-check', '--heapallindexed', '--rootdescend', 'postgres' ],
	'all tables and btree indexes are sound afterwards');

foreach my $node ($primary, $standby, $subscriber)
{
	is(join("\n", slurp_file($node->logfile) =~ /(?:PANIC|TRAP|inconsistent page|terminated by signal).*/g), '',
		$node->name . ' has nothing to report');
}
$standby->stop;
$subscriber->stop;
done_testing();
