# Requests of Kuzzle's protocol that no client would send: valid envelopes for
# every action, mutated from a fixed seed. Whatever comes, the server lives, the
# answer is a well-formed envelope, and a request that fails has written nothing.
#
# KZ_FUZZ is how many requests: 20000 if it is not set. KZ_FUZZ_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Mutation;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $requests = $ENV{KZ_FUZZ} || 20_000;
my $seed = $ENV{KZ_FUZZ_SEED} || 20_260_101;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	fsync = off
	autovacuum = off
	max_wal_size = 4GB
	log_min_messages = warning});
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION kz});

# A request with all that its action takes.
sub request
{
	my ($action, %args) = @_;
	my ($controller, $name) = split /:/, $action;

	return { controller => $controller, action => $name, index => 'zoo', collection => 'cats', %args };
}

my %write = (refresh => 'wait_for', silent => $true);
my %bulk = (%write, strict => $false);
my $document = { name => 'Tom', n => number(1), o => { x => [ number(1), undef ], y => {} } };
my $entries = [ { _id => 'tom', body => $document }, { _id => 'new', body => {} }, { body => { n => number(2) } } ];
my $changes = [
	{ _id => 'tom', changes => $document, default => { d => $true } },
	{ _id => 'new', changes => {}, default => { o => {} } },
	{ _id => 'tom', changes => { n => undef } } ];

my @seeds = (
	request('document:create', _id => 'new', body => $document, %write),
	request('document:create', body => $document, collection => 'lions'),
	request('document:createOrReplace', _id => 'tom', body => $document, %write),
	request('document:replace', _id => 'tom', body => $document, %write),
	request('document:update', _id => 'tom', body => $document, %write, source => $true, retryOnConflict => number(3)),
	request('document:update', _id => 'leo', body => { name => 'Leo' }, collection => 'lions'),
	request('document:upsert', _id => 'new', body => { changes => $document, default => { d => number(1) } }, %write, source => $true,
		retryOnConflict => number(3)),
	request('document:upsert', _id => 'leo', body => { changes => { name => 'Leo' } }, collection => 'lions'),
	request('document:delete', _id => 'tom', %write, source => $true),
	request('document:deleteFields', _id => 'tom', body => { fields => [ 'o.x[0]', 'name', 'o.y.z', '["n"]' ] }, %write, source => $true),
	request('document:get', _id => 'tom'),
	request('document:exists', _id => 'tom'),
	request('document:count', from => number(0), size => number(10), scroll => '1m', lang => 'koncorde'),
	request('document:validate', body => $document),
	request('document:mCreate', body => { documents => $entries }, %bulk),
	request('document:mCreateOrReplace', body => { documents => $entries }, %bulk, source => $false),
	request('document:mReplace', body => { documents => $entries }, %bulk),
	request('document:mUpdate', body => { documents => $entries }, %bulk, retryOnConflict => number(3)),
	request('document:mUpsert', body => { documents => $changes }, %bulk, retryOnConflict => number(3)),
	request('document:mUpsert', body => { documents => $changes }, collection => 'lions', strict => $true),
	request('document:mDelete', body => { ids => [ 'tom', 'none', 'felix', 'tom' ] }, %bulk),
	request('document:mGet', body => { ids => [ 'tom', 'none', 'felix', 'tom' ] }, strict => $false),
	request('document:mExists', ids => 'tom,none', strict => $true),
	request('document:search', body => { query => {} }),
	request('bulk:import', body => { bulkData => [
		{ index => { _id => 'tom' } }, $document, { create => { _id => 'new' } }, {},
		{ update => { _id => 'tom' } }, { doc => $document, upsert => { n => number(1) } }, { delete => { _id => 'felix' } } ] },
		strict => $false, refresh => 'wait_for'),
	request('bulk:write', _id => 'tom', body => $document, refresh => 'wait_for', notify => $true),
	request('bulk:mWrite', body => { documents => $entries }, refresh => 'wait_for', notify => $true, strict => $false),
	request('index:create', index => 'park'),
	request('index:delete', index => 'park'),
	request('index:mDelete', body => { indexes => [ 'park', 'none' ] }),
	request('index:exists'),
	request('index:list', countCollection => $true),
	request('index:stats'),
	request('collection:create', collection => 'new', body => {
		mappings => { dynamic => 'strict', _meta => { n => number(1) }, properties => { o => { properties => { x => { type => 'keyword' } } } } },
		settings => { index => { number_of_replicas => number(1) } } }),
	request('collection:update', body => { mappings => { properties => { name => { type => 'text' } } }, settings => {}, reindexCollection => $true }),
	request('collection:updateMapping', body => { dynamic => 'false', properties => { name => { type => 'text' } } }),
	request('collection:getMapping', includeKuzzleMeta => $true),
	request('collection:getSettings'),
	request('collection:exists'),
	request('collection:list', type => 'stored', from => number(0), size => number(2)),
	request('collection:refresh'),
	request('collection:truncate', collection => 'new'),
	request('collection:delete', collection => 'new'),
	request('server:now', volatile => { sdkName => 'js@7.17.1', sdkInstanceId => 'x' }, requestId => 'mine', jwt => 'x.y.z'),
	request('server:healthCheck', services => [ 'storageEngine' ]),
	request('server:info'),
	request('server:publicApi'),
	request('auth:checkToken', body => { token => 'x.y.z' }),
	request('auth:getCurrentUser'));

@Mutation::samples = @seeds;

srand($seed);
my @lines;
for my $i (1 .. $requests)
{
	my $request = copy(pick(@seeds));

	# Most are still to reach an action.
	my %kept = rand() < 0.8 ? map { $_ => $request->{$_} } qw(controller action) : ();

	$request = mutate($request) for 1 .. 1 + int rand 3;
	%$request = (%$request, %kept) if ref $request eq 'HASH';
	push @lines, join("\t", $i, to_json($request) =~ s/\\/\\\\/gr);
}

#
# In the server: ask, and look at the answer.
#

$node->safe_psql('postgres', q{
	CREATE SCHEMA fuzz;
	CREATE TABLE fuzz.request (i int PRIMARY KEY, request jsonb NOT NULL);
	CREATE TABLE fuzz.finding (i int, what text);
	CREATE TABLE fuzz.answered (id text, code bigint, status int, wrote boolean);

	-- What is wrong with an answer; NULL if nothing is.
	CREATE FUNCTION fuzz.flaw(request jsonb, answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		error jsonb := answer->'error';
		status int;
		object jsonb := CASE jsonb_typeof(request) WHEN 'object' THEN request ELSE '{}' END;
		keys text[];
	BEGIN
		IF answer IS NULL OR jsonb_typeof(answer) <> 'object' THEN
			RETURN 'the answer is no object';
		END IF;
		IF jsonb_typeof(answer->'status') <> 'number' OR answer->>'status' !~ '^[2-5]\d\d$' THEN
			RETURN 'status';
		END IF;
		status := answer->>'status';

		keys := ARRAY['action', 'controller', 'error', 'headers', 'node', 'requestId', 'status', 'volatile']
			|| CASE WHEN status = 200 AND (answer->>'controller', answer->>'action') = ('index', 'create') THEN '{}' ELSE '{result}'::text[] END
			|| CASE WHEN object ? 'index' THEN '{index}' ELSE '{}'::text[] END
			|| CASE WHEN object ? 'collection' THEN '{collection}' ELSE '{}'::text[] END;
		IF (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(answer) AS key)
			<> (SELECT array_agg(key ORDER BY key) FROM unnest(keys) AS key) THEN
			RETURN 'keys';
		END IF;
		IF answer->'index' <> object->'index' OR answer->'collection' <> object->'collection' THEN
			RETURN 'index or collection';
		END IF;
		IF answer->'controller' <> (CASE jsonb_typeof(object->'controller') WHEN 'string' THEN object->'controller' ELSE 'null' END)
			OR answer->'action' <> (CASE jsonb_typeof(object->'action') WHEN 'string' THEN object->'action' ELSE 'null' END) THEN
			RETURN 'controller or action';
		END IF;
		IF answer->'volatile' <> (CASE jsonb_typeof(object->'volatile') WHEN 'object' THEN object->'volatile' ELSE 'null' END) THEN
			RETURN 'volatile';
		END IF;
		IF (CASE WHEN jsonb_typeof(object->'requestId') = 'string' AND object->>'requestId' <> '' THEN answer->'requestId' <> object->'requestId'
			ELSE answer->>'requestId' !~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' END) THEN
			RETURN 'requestId';
		END IF;
		IF answer->'headers' <> '{}' OR answer->>'node' !~ '^knode-postgresql-elephant-\d+$' THEN
			RETURN 'headers or node';
		END IF;

		IF status = 200 THEN
			RETURN CASE WHEN error <> 'null' THEN 'an error with status 200'
				WHEN answer->>'action' ~ '^m(Create|CreateOrReplace|Replace|Update|Upsert|Write)$'
				AND jsonb_array_length(answer#>'{result,successes}') + jsonb_array_length(answer#>'{result,errors}')
					<> jsonb_array_length(request#>'{body,documents}') THEN 'an entry without an outcome'
				WHEN answer->>'action' IN ('create', 'createOrReplace', 'replace', 'write', 'update', 'upsert') AND answer->>'controller' IN ('document', 'bulk')
				AND (answer->>'action' NOT IN ('update', 'upsert') OR request->'source' = 'true')
				AND kz_get(answer->>'index', answer->>'collection', answer#>>'{result,_id}') <> (answer->'result') - 'created' THEN 'not what is stored'
				END;
		END IF;
		IF answer->'result' <> 'null' THEN
			RETURN 'a result with an error';
		END IF;
		IF jsonb_typeof(error) <> 'object' OR error->'status' <> answer->'status' OR jsonb_typeof(error->'message') <> 'string' OR error->>'message' = '' THEN
			RETURN 'error';
		END IF;
		IF NOT error ? 'id' THEN
			RETURN CASE WHEN status <> 400 OR (SELECT count(*) FROM jsonb_object_keys(error)) <> 2 THEN 'error without id' END;
		END IF;
		IF jsonb_typeof(error->'id') <> 'string' OR jsonb_typeof(error->'code') <> 'number' OR jsonb_typeof(error->'props') <> 'array'
			OR EXISTS (SELECT FROM jsonb_array_elements(error->'props') AS prop WHERE jsonb_typeof(prop) <> 'string')
			OR (SELECT count(*) FROM jsonb_object_keys(error)) <> (CASE error->>'id' WHEN 'api.process.incomplete_multiple_request' THEN 7 ELSE 5 END) THEN
			RETURN 'keys of the error';
		END IF;
		IF error->>'id' = 'api.process.incomplete_multiple_request'
			AND (error->>'count')::int IS DISTINCT FROM jsonb_array_length(error->'errors') THEN
			RETURN 'count of errors';
		END IF;
		RETURN NULL;
	END $$;

	-- All that is stored, in one number.
	CREATE FUNCTION fuzz.digest() RETURNS numeric LANGUAGE plpgsql AS $$
	DECLARE
		collection record;
		part numeric;
		sum numeric := (SELECT coalesce(sum(hashtextextended(i::text, 0)), 0) FROM kz_catalog.index AS i)
			+ (SELECT coalesce(sum(hashtextextended(c::text, 0)), 0) FROM kz_catalog.collection AS c);
	BEGIN
		FOR collection IN SELECT schema_name, table_name FROM kz_catalog.collection LOOP
			EXECUTE format('SELECT coalesce(sum(hashtextextended(%1$L || t::text, 0)), 0) FROM %2$I.%1$I AS t',
				collection.table_name, collection.schema_name) INTO part;
			sum := sum + part;
		END LOOP;
		RETURN sum;
	END $$;

	-- Make all as it was in the beginning.
	CREATE PROCEDURE fuzz.set_up() LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM kz_delete_index(name) FROM kz_list_indexes() AS name;
		PERFORM kz_create_collection('zoo', 'cats');
		PERFORM kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}');
		PERFORM kz_create_index('park');
		PERFORM kz_create('zoo', 'cats', '{"name": "Tom", "o": {"x": [1, 2]}}', 'tom');
		PERFORM kz_create('zoo', 'cats', '{}', 'felix');
		PERFORM kz_create('zoo', 'lions', '{"name": "Leo"}', 'leo');
	END $$;

	CREATE PROCEDURE fuzz.run(first int, last int) LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		answer jsonb;
		flaw text;
		before numeric;
		after numeric;
	BEGIN
		CALL fuzz.set_up();
		before := fuzz.digest();
		FOR r IN SELECT * FROM fuzz.request WHERE i BETWEEN first AND last ORDER BY i LOOP
			BEGIN
				answer := kz_request(r.request, CASE r.i % 3 WHEN 0 THEN 'alice' WHEN 1 THEN 'bob' END);
				flaw := fuzz.flaw(r.request, answer);
			EXCEPTION WHEN OTHERS THEN
				answer := NULL;
				flaw := SQLSTATE || ' ' || SQLERRM;
			END;
			after := fuzz.digest();
			INSERT INTO fuzz.answered SELECT answer#>>'{error,id}', (answer#>>'{error,code}')::bigint, (answer->>'status')::int, after <> before
			WHERE answer IS NOT NULL;
			IF flaw IS NULL AND after <> before THEN
				flaw := CASE WHEN answer->>'status' <> '200' AND answer#>>'{error,id}' IS DISTINCT FROM 'api.process.incomplete_multiple_request'
					THEN 'a request that failed has written'
					WHEN answer->>'action' ~ '^(get.*|mGet|exists|mExists|count|validate|list|stats|refresh|search)$' OR answer->>'controller' IN ('server', 'auth')
					THEN 'a request that only reads has written' END;
			END IF;
			IF flaw IS NOT NULL THEN
				INSERT INTO fuzz.finding VALUES (r.i, flaw || E'\n' || r.request || E'\n' || coalesce(answer::text, ''));
			END IF;
			before := after;
		END LOOP;
	END $$;});

$node->safe_psql('postgres',
	"SET client_encoding = 'UTF8';\nCOPY fuzz.request FROM stdin;\n" . join("\n", @lines) . "\n\\.\n");
is($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.request'), $requests, 'all requests are jsonb');

# A run begins with the same documents; some have the other writer, some low limits.
my $run = 250;
my $backends = 0;
for (my $first = 1; $first <= $requests; $first += 10 * $run)
{
	my $sql = '';

	for my $i (0 .. 9)
	{
		my $start = $first + $i * $run;

		$sql .= sprintf "SET kz.direct_writes = %s; SET kz.documents_write_limit = %d; SET kz.documents_fetch_limit = %d; CALL fuzz.run(%d, %d);\n",
			$i % 2 ? 'on' : 'off', $i % 5 ? 200 : 2, $i % 4 ? 10000 : 2, $start, $start + $run - 1;
	}
	my ($status, undef, $stderr) = $node->psql('postgres', $sql, on_error_stop => 1);
	is($status, 0, "requests from $first") or diag $stderr;
	last if $status != 0;
}

# One example of each flaw will do.
my $findings = $node->safe_psql('postgres', q{
	SELECT string_agg(format('%s times, first with request %s: %s', count, i, left(what, 1000)), E'\n' ORDER BY i)
	FROM (SELECT DISTINCT ON (flaw) i, what, count(*) OVER (PARTITION BY flaw) AS count
		FROM (SELECT i, what, split_part(what, E'\n', 1) AS flaw FROM fuzz.finding) AS f
		ORDER BY flaw, i) AS flaws});
is($findings, '', "every answer is well-formed, whatever the request (seed $seed)");

# An id is always told with the same code and the same status.
is($node->safe_psql('postgres', q{
	SELECT id FROM fuzz.answered WHERE id IS NOT NULL GROUP BY id HAVING count(DISTINCT (code, status)) > 1 ORDER BY id}),
	'', 'each id has one code and one status');

# The mutants are neither all good nor all bad in the same way.
SKIP:
{
	skip 'too few requests', 3 if $requests < 5000;
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.answered WHERE status = 200'), '>', $requests / 10, 'many requests succeed');
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.answered WHERE wrote'), '>', $requests / 20, 'many requests write');
	cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT id) FROM fuzz.answered'), '>', 20, 'many different errors are met');
}

my $log = slurp_file($node->logfile);
is(join("\n", grep { /PANIC:|TRAP:|WARNING:|XX000|terminated by signal/ } split /\n/, $log), '', 'the server has nothing to report');

$node->stop;
done_testing();
