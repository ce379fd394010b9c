# Memory of one long session: flat over many calls, and over many collections
# that come and go.
#
# KZ_LEAK is how many calls of each kind: 10000 if it is not set.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	SELECT kz_create_collection('leak', 'docs');
	SELECT kz_create_collection('leak', 'few');
	SELECT kz_create_collection('leak', 'strict', '{"dynamic": "strict"}');
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "leak", "collectionName": "entities", "dimension": 2}');
	CREATE FUNCTION used() RETURNS bigint VOLATILE LANGUAGE sql AS
		'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts'});

# The smallest piece that palloc hands out takes 24 bytes with its header, so a
# leak of one piece a call would be 240 000 for 10 000 calls.  What is used counts, not
# what is allocated: the next block of the server's caches has 512 kB, and whether
# they need it just then is chance.
my $calls = $ENV{KZ_LEAK} || 10_000;
my $tolerance = 128 * 1024;

# Each call has a document of its own: for a row that one transaction writes
# twice the server itself keeps a combined command id until it ends.
my @calls = (
	[ 'kz_upsert, creating', q{kz_upsert('leak', 'docs', 'd' || i, jsonb_build_object('n', i, 'o', jsonb_build_object('i', i)))} ],
	[ 'kz_upsert', q{kz_upsert('leak', 'docs', 'd' || i, jsonb_build_object('n', -i), defaults => '{"a": 1}')} ],
	[ 'kz_update', q{kz_update('leak', 'docs', 'd' || i, jsonb_build_object('n', i), kuid => 'me', source => true)} ],
	[ 'kz_update, nothing to change', q{kz_update('leak', 'docs', 'd' || i, '{}')} ],
	[ 'kz_get', q{kz_get('leak', 'docs', 'd' || i)} ],
	[ 'kz_exists', q{kz_exists('leak', 'docs', 'd' || i)} ],
	[ 'kz_mget', q{kz_mget('leak', 'docs', ARRAY['d' || i, 'absent'])} ],
	[ 'kz_mexists', q{kz_mexists('leak', 'docs', ARRAY['d' || i, 'absent'])} ],
	[ 'kz_replace', q{kz_replace('leak', 'docs', 'd' || i, jsonb_build_object('r', i))} ],
	[ 'kz_delete_fields', q{kz_delete_fields('leak', 'docs', 'd' || i, ARRAY['r'])} ],
	[ 'kz_delete', q{kz_delete('leak', 'docs', 'd' || i, source => true)} ],
	[ 'kz_create', q{kz_create('leak', 'docs', jsonb_build_object('n', i), 'd' || i)} ],
	[ 'kz_request', q{kz_request(jsonb_build_object('controller', 'document', 'action', 'update', 'index', 'leak', 'collection', 'docs',
		'_id', 'd' || i, 'body', jsonb_build_object('r', i)))} ],
	[ 'kz_milvus, with a filter', q{kz_milvus('/v2/vectordb/entities/query', format('{"dbName": "leak", "collectionName": "entities", "filter": "id == %s and k != 1"}', i)::jsonb)} ],
	[ 'kz_http', q{(kz_http('PUT', format('/leak/docs/d%s/_update?source', i), '{}', '{"h": 1}')).body} ],
	[ 'kz_http, failing', q{(kz_http('GET', format('/leak/docs/absent%s?x=%%zz', i), '{"Content-Type": "text/plain"}', 'no JSON')).body} ],
	[ 'kz_milvus, failing', q{kz_milvus('/v2/vectordb/entities/query', format('{"dbName": "leak", "collectionName": "entities", "filter": "id == %s and"}', i)::jsonb)} ],
	[ 'kz_milvus by kz_http', q{(kz_http('POST', '/v2/vectordb/entities/get', '{}', format('{"dbName": "leak", "collectionName": "entities", "id": [%s]}', i))).body} ],
	[ 'kz_get_mapping and the like', q{(kz_get_mapping('leak', 'docs'), kz_get_settings('leak', 'docs'), kz_collection_exists('leak', 'x' || i), kz_index_exists('x' || i))::text} ],
	[ 'kz_merge', q{kz_merge(jsonb_build_object('a', i), jsonb_build_object('b', i))} ]);

foreach my $call (@calls)
{
	my ($name, $sql) = @$call;

	# In one statement: measured behind a warm-up and at the end, by the
	# statement itself, so that memory it would free when it ends counts, too.
	my $grown = $node->safe_psql('postgres', qq{
		SELECT max(used) - min(used) FROM (
			SELECT $sql AS answer,
				CASE WHEN i IN (2000, 2000 + $calls) THEN used() END AS used
			FROM generate_series(1, 2000 + $calls) i
			OFFSET 0) s
		WHERE answer IS NOT NULL});
	cmp_ok($grown, '<=', $tolerance, "$name: $calls calls in one statement");
}

# Over many transactions of one session, with errors among them.  Functions for many
# documents keep a subtransaction each, which the server remembers to the end of the
# transaction.
my $id = q{'d' || (1 + i % 1000)};
my $entries = qq{jsonb_build_array(jsonb_build_object('_id', $id, 'body', jsonb_build_object('m', i)),
	jsonb_build_object('_id', 'new' || i, 'body', '{}'), jsonb_build_object('_id', 'bad'))};
my %call = (
	kz_upsert => qq{kz_upsert('leak', 'docs', $id, jsonb_build_object('u', i))},
	kz_update => qq{kz_update('leak', 'docs', $id, jsonb_build_object('u', -i))},
	kz_create_or_replace => qq{kz_create_or_replace('leak', 'docs', $id, jsonb_build_object('c', i))},
	kz_get => q{kz_get('leak', 'docs', 'd' || i)},
	kz_count => q{kz_count('leak', 'few')},
	kz_list_collections => q{(SELECT count(*) FROM kz_list_collections('leak'))},
	kz_update_collection => q{kz_update_collection('leak', 'strict', jsonb_build_object('_meta', jsonb_build_object('i', i % 7)))},
	kz_mcreate => qq{kz_mcreate('leak', 'few', $entries)},
	kz_mcreate_or_replace => qq{kz_mcreate_or_replace('leak', 'docs', $entries)},
	kz_mreplace => qq{kz_mreplace('leak', 'docs', $entries)},
	kz_mupdate => qq{kz_mupdate('leak', 'docs', $entries)},
	kz_mupsert => qq{kz_mupsert('leak', 'docs', jsonb_build_array(
		jsonb_build_object('_id', $id, 'changes', jsonb_build_object('m', i)),
		jsonb_build_object('_id', $id, 'changes', jsonb_build_object('n', i)),
		jsonb_build_object('_id', 'bad')))},
	kz_mdelete => q{kz_mdelete('leak', 'few', ARRAY['new' || i, 'absent'])},
	kz_milvus => q{kz_milvus('/v2/vectordb/entities/upsert', format('{"dbName": "leak", "collectionName": "entities", "data": [{"id": %s, "vector": [1, 2]}]}', i)::jsonb)},
	'kz_milvus, deleting' => q{kz_milvus('/v2/vectordb/entities/delete', format('{"dbName": "leak", "collectionName": "entities", "filter": "id == %s"}', i)::jsonb)},
	kz_http => qq{kz_http('POST', '/leak/docs/_mUpsert', '{}', jsonb_build_object('documents', jsonb_build_array(
		jsonb_build_object('_id', $id, 'changes', jsonb_build_object('m', i)), jsonb_build_object('_id', 1)))::text)},
	kz_upsert_rows => qq{(SELECT count(*) FROM kz_upsert_rows('leak', 'docs',
		ARRAY[$id, NULL], ARRAY[jsonb_build_object('r', i), NULL]))},
	kz_update_rows => qq{(SELECT count(*) FROM kz_update_rows('leak', 'docs',
		ARRAY[$id, 'absent'], ARRAY[jsonb_build_object('r', i), '{}']))},
	'kz_upsert, refused' => q{kz_upsert('leak', 'strict', 'd', jsonb_build_object('unknown' || i, 1))},
	'kz_create, refused' => q{kz_create('leak', 'docs', '{}', 'd1')},
	'kz_create_collection, refused' => q{kz_create_collection('leak', 'new', '{"dynamic": 1}')});

sub in_transactions
{
	my ($count, $call) = @_;
	my $guarded = join '', map { qq{
				BEGIN
					PERFORM $_;
				EXCEPTION WHEN OTHERS THEN
					IF SQLSTATE NOT LIKE 'KZ%' THEN
						RAISE;
					END IF;
				END;} } $call, q{kz_get('leak', 'docs', 'absent')};

	return qq{
		DO \$\$ BEGIN
			FOR i IN 1 .. $count LOOP $guarded
				IF i % 20 = 0 THEN
					COMMIT;
				END IF;
			END LOOP;
		END \$\$;};
}

foreach my $function (sort keys %call)
{
	my $warm_up = in_transactions(2000, $call{$function});
	my $run = in_transactions($calls, $call{$function});
	my $grown = $node->safe_psql('postgres', qq{
		$warm_up
		SELECT used() AS before \\gset
		$run
		SELECT used() - :before});

	cmp_ok($grown, '<=', $tolerance, "$function: $calls calls in many transactions");
}

# Collections that come, are used and go.  What the session keeps of each, plans
# above all, must go with it: one forgotten plan takes 8 kB and more.  The server's
# own caches keep 1 to 2 kB of a table that is gone, whoever made and used it.  Names
# are new in every round.
my $collections = 300;
my $bound = 3 * 1024 * $collections;

# A DO block that runs these statements for each collection of a round, %s.
sub for_each_collection
{
	my ($round, $statements) = @_;

	$statements =~ s/%s/'round${round}_' || i/g;
	return qq{
		DO \$\$ BEGIN
			FOR i IN 1 .. $collections LOOP
				$statements
				COMMIT;
			END LOOP;
		END \$\$;};
}

my $make = q{PERFORM kz_create_collection('leak', %s);};
my $use = q{
	PERFORM kz_upsert('leak', %s, 'd', '{"a": 1}');
	PERFORM kz_update('leak', %s, 'd', '{"a": 2}');
	PERFORM kz_get('leak', %s, 'd');
	PERFORM kz_delete('leak', %s, 'd');};
my $drop = q{PERFORM kz_delete_collection('leak', %s);};

my ($first, $second) = map { for_each_collection($_, $make . $use . $drop) } (1, 2);
cmp_ok($node->safe_psql('postgres', qq{
		$first
		SELECT used() AS before \\gset
		$second
		SELECT used() - :before}),
	'<=', $bound, "$collections collections made, used and deleted");

# The same where another session deletes them.  What belonged to them may stay until
# the next round, so that every round after the first must look the same.
my $session = $node->background_psql('postgres');
my @used;
foreach my $round (3, 4, 5)
{
	$node->safe_psql('postgres', for_each_collection($round, $make));
	$session->query_safe(for_each_collection($round, $use));
	$node->safe_psql('postgres', for_each_collection($round, $drop));
	$session->query_safe(q{SELECT kz_get('leak', 'docs', 'd1')});
	push @used, $session->query_safe('SELECT used()');
}
$session->quit;
cmp_ok($used[2] - $used[1], '<=', $bound,
	"$collections collections used here, made and deleted by other sessions");

$node->stop;
done_testing();
