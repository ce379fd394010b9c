# Memory of one long session: flat over many calls, and over many collections
# that come and go.

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
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "leak", "collectionName": "entities", "dimension": 2}');
	CREATE FUNCTION used() RETURNS bigint VOLATILE LANGUAGE sql AS
		'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts'});

# The smallest piece that palloc hands out takes 24 bytes with its header, so a
# leak of one piece a call would be 480 000.  What is used counts, not what is
# allocated: the next block of the server's caches has 512 kB, and whether they need
# it just then is chance.
my $calls = 20000;
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

# Over many transactions of one session, with errors among them.
my %call = (
	kz_upsert => q{kz_upsert('leak', 'docs', 'd' || (1 + i % 1000), jsonb_build_object('u', i))},
	kz_update => q{kz_update('leak', 'docs', 'd' || (1 + i % 1000), jsonb_build_object('u', -i))},
	kz_get => q{kz_get('leak', 'docs', 'd' || i)},
	kz_mupsert => q{kz_mupsert('leak', 'docs', jsonb_build_array(
		jsonb_build_object('_id', 'd' || (1 + i % 1000), 'changes', jsonb_build_object('m', i)),
		jsonb_build_object('_id', 'd' || (1 + i % 1000), 'changes', jsonb_build_object('n', i)),
		jsonb_build_object('_id', 'bad')))},
	# each keeps a subtransaction, which the server remembers to the end of the transaction
	kz_milvus => q{kz_milvus('/v2/vectordb/entities/upsert', format('{"dbName": "leak", "collectionName": "entities", "data": [{"id": %s, "vector": [1, 2]}]}', i)::jsonb)},
	kz_upsert_rows => q{(SELECT count(*) FROM kz_upsert_rows('leak', 'docs',
		ARRAY['d' || (1 + i % 1000), NULL], ARRAY[jsonb_build_object('r', i), NULL]))});

sub in_transactions
{
	my ($count, $call) = @_;

	return qq{
		DO \$\$ BEGIN
			FOR i IN 1 .. $count LOOP
				PERFORM $call;
				BEGIN
					PERFORM kz_get('leak', 'docs', 'absent');
				EXCEPTION WHEN SQLSTATE 'KZ404' THEN
					NULL;
				END;
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

	cmp_ok($grown, '<=', $tolerance, "$function: $calls calls in 1 000 transactions");
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
