# Requests of HTTP to Kuzzle's API that no client would send, mutated from a fixed
# seed: verbs, paths, queries, headers and bodies, cut up and put together anew.
# Whatever comes, no error is raised, the answer is well-formed, and a request that
# fails has written nothing.  (009_milvus_fuzz has those to Milvus' API.)
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
	log_min_messages = warning});
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION kz});

srand($seed);

#
# Routes, as the server tells them; arguments, bodies
#

my @routes = map { [ split / /, $_ ] } split /\n/, $node->safe_psql('postgres', q{
	SELECT concat_ws(' ', http->>'verb', http->>'path')
	FROM jsonb_each(kz_request('{"controller": "server", "action": "publicApi"}')->'result') AS c(name, actions),
		jsonb_each(actions) AS a(name, action), jsonb_array_elements(action->'http') AS http
	ORDER BY c.name, a.name, http->>'path', http->>'verb'});
cmp_ok(scalar @routes, '>', 40, 'there are routes');

my $document = { name => 'Tom', n => number(1), o => { x => [ number(1), undef ] } };
my $entries = [ { _id => 'tom', body => $document }, { _id => 'new', body => {} }, { body => {} } ];
my @bodies = ($document, $document, { documents => $entries }, { changes => $document, default => { d => number(1) } },
	{ documents => [ { _id => 'tom', changes => $document, default => {} } ] }, { ids => [ 'tom', 'none', 'felix' ] },
	{ fields => [ 'o.x[0]', 'name' ] }, { mappings => { dynamic => 'strict', properties => { n => { type => 'long' } } } },
	{ properties => { n => { type => 'long' } } }, { bulkData => [ { index => { _id => 'tom' } }, $document, { delete => { _id => 'felix' } } ] },
	{ controller => 'document', action => 'update', index => 'zoo', collection => 'cats', _id => 'tom', body => $document }, { indexes => ['park'] });
@Mutation::samples = @bodies;
my @arguments = ('source', 'source=true', 'refresh=wait_for', 'refresh=false', 'retryOnConflict=3', 'retryOnConflict=x', 'ids=tom,felix', 'ids=tom&ids=felix',
	'strict', 'strict=false', 'silent', 'from=0', 'size=2', 'type=stored', 'includeKuzzleMeta', '_id=new', 'index=park', 'collection=lions', 'action=delete',
	'controller=server', 'jwt=x.y.z', 'a%5Bb%5D=1', '%c3%a9=%e2%82%ac', 'x=%zz', '%00', 'x=%ff', 'x=+%2B', '=', '&&', 'x=1=2', 'volatile=%7B%7D', 'body={}');
my @pieces = ('/', '//', '%2F', '%', '%4', '%00', '%ff', '%c3%a9', '?', '#', '&', '=', '+', ' ', '..', '_', '*', "'", '"', '\\', ':', 'http://h', '_create', '_update',
	'zoo', 'cats', 'lions', 'tom', 'new', 'x' x 200, "\x{e9}", "\x01");

sub path
{
	my ($path) = @_;
	my %values = (index => [ 'zoo', 'zoo', 'zoo', 'park' ], collection => [ 'cats', 'cats', 'lions', 'new' ], _id => [ 'tom', 'tom', 'felix', 'new', 'l%C3%A9o' ]);

	$path =~ s/:(\w+)/pick(@{ $values{$1} || ['x'] })/ge;
	$path .= '?' . join('&', map { pick(@arguments) } 0 .. rand 3) if rand() < 0.5;
	foreach (1 .. (rand() < 0.3 ? 1 + rand 2 : 0))
	{
		substr($path, rand length $path, pick(0, 0, 1, 3)) = pick(@pieces);
	}
	return $path;
}

sub encode { return $_[0] =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X', ord $1/ger }

# The body in one of its forms, with the header that tells which.
sub body
{
	my $value = copy(pick(@bodies));
	my $form = rand;

	$value = mutate($value) for 1 .. pick(0, 0, 1, 2);
	if ($form < 0.1 && ref $value eq 'HASH')
	{
		return ('application/x-www-form-urlencoded', join '&', map { encode($_) . '=' . encode(to_json($value->{$_})) } sort keys %$value);
	}
	if ($form < 0.2 && ref $value eq 'HASH')
	{
		return ('multipart/form-data; boundary=' . pick('b', '"b"', '', 'bb'),
			join('', map { qq(--b\r\nContent-Disposition: form-data; name="$_") . pick('', '', '; filename="f"') . "\r\n\r\n" . to_json($value->{$_}) . "\r\n" } sort keys %$value)
			  . pick('--b--', "--b--\r\n", ''));
	}
	return (pick('application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'text/plain', 'application/json; charset=x'), to_json($value));
}

sub headers
{
	my ($type) = @_;
	my %headers = rand() < 0.9 ? (pick('Content-Type', 'content-type') => $type) : ();

	$headers{'X-Kuzzle-Volatile'} = to_json(any_value(2)) if rand() < 0.1;
	$headers{'X-Kuzzle-Request-Id'} = any_value(3) if rand() < 0.1;
	$headers{'Authorization'} = pick('Bearer x.y.z', 'Basic', any_value(3)) if rand() < 0.1;
	$headers{'Content-Encoding'} = pick('identity', 'gzip', '') if rand() < 0.05;
	return to_json(rand() < 0.05 ? mutate(\%headers) : \%headers);
}

my @lines;
foreach my $i (1 .. $requests)
{
	my ($verb, $path) = @{ pick(@routes) };
	my ($type, $body) = body();
	my $headers = headers($type);

	$verb = pick('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'get', 'X', '') if rand() < 0.1;
	substr($body, rand length $body, pick(0, 1, 10)) = pick('', '"', '{', ']', ',', '\\', "\r\n", '--b') if rand() < 0.1;
	$body = '' if rand() < ($verb eq 'GET' ? 0.8 : 0.1);
	$headers = '{}' unless $headers =~ /^\{/;
	my $line = join "\t", $i, map { s/([\\\t\n\r])/{"\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r"}->{$1}/ger } $verb, path($path), $headers, $body;
	utf8::encode($line) unless utf8::decode(my $copy = $line);
	push @lines, $line;
}

$node->safe_psql('postgres', q{
	CREATE SCHEMA fuzz;
	CREATE TABLE fuzz.request (i int PRIMARY KEY, verb text, target text, headers jsonb, body text);
	CREATE TABLE fuzz.answer (i int, status int, id text, wrote boolean, flaw text);

	-- what is stored
	CREATE FUNCTION fuzz.digest() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		c record;
		part text;
		digest text := (SELECT concat(count(*), sum(hashtextextended(i::text, 0))) FROM kz_catalog.index AS i);
	BEGIN
		FOR c IN SELECT * FROM kz_catalog.collection ORDER BY schema_name, table_name LOOP
			EXECUTE format('SELECT concat(count(*), sum(hashtextextended(t::text, 0))) FROM %I.%I AS t', c.schema_name, c.table_name) INTO part;
			digest := concat(digest, c, part);
		END LOOP;
		RETURN md5(digest);
	END $$;

	-- What is wrong with an answer; NULL if nothing is.
	CREATE FUNCTION fuzz.flaw(verb text, status int, headers jsonb, body text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		envelope jsonb;
	BEGIN
		IF status IS NULL OR status NOT BETWEEN 200 AND 599 THEN
			RETURN 'status';
		END IF;
		IF EXISTS (SELECT FROM jsonb_each(headers) WHERE jsonb_typeof(value) <> 'string' OR value #>> '{}' ~ '[\r\n]') THEN
			RETURN 'headers';
		END IF;
		IF coalesce(body, '') = '' THEN
			RETURN CASE WHEN verb NOT IN ('HEAD', 'OPTIONS') THEN 'no body' END;
		END IF;
		IF headers->>'Content-Type' !~ '^application/json' THEN
			RETURN NULL;
		END IF;
		envelope := body;
		IF envelope ? 'status' AND (envelope->>'status')::int <> status THEN
			RETURN 'another status in the body';
		END IF;
		IF status >= 400 AND jsonb_typeof(coalesce(envelope->'error', envelope)) <> 'object' THEN
			RETURN 'a failure without a reason';
		END IF;
		RETURN NULL;
	END $$;

	CREATE PROCEDURE fuzz.set_up() LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM kz_delete_index(name) FROM kz_list_indexes() AS name;
		PERFORM kz_create_collection('zoo', 'cats');
		PERFORM kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}');
		PERFORM kz_create_index('park');
		PERFORM kz_create('zoo', 'cats', '{"name": "Tom", "o": {"x": [1, 2]}}', 'tom');
		PERFORM kz_create('zoo', 'cats', '{}', 'felix');
	END $$;

	CREATE PROCEDURE fuzz.run(first int, last int) LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		a record;
		wrong text;
		id text;
		before text;
		after text;
	BEGIN
		CALL fuzz.set_up();
		before := fuzz.digest();
		FOR r IN SELECT * FROM fuzz.request WHERE i BETWEEN first AND last ORDER BY i LOOP
			SELECT NULL::int AS status, NULL::jsonb AS headers, NULL::text AS body INTO a;
			BEGIN
				SELECT * INTO a FROM kz_http(r.verb, r.target, r.headers, r.body, CASE r.i % 3 WHEN 0 THEN 'alice' WHEN 1 THEN 'bob' END);
				wrong := fuzz.flaw(r.verb, a.status, a.headers, a.body);
			EXCEPTION WHEN OTHERS THEN
				wrong := SQLSTATE || ' ' || SQLERRM;
			END;
			after := fuzz.digest();
			id := substring(a.body FROM '"id":\s*"([a-z_.]+)"');
			IF a.status >= 400 AND after <> before AND id IS DISTINCT FROM 'api.process.incomplete_multiple_request' THEN
				wrong := concat_ws(', ', wrong, 'a request that failed has written');
			ELSIF r.verb IN ('GET', 'HEAD', 'OPTIONS') AND after <> before THEN
				wrong := concat_ws(', ', wrong, 'a request that only reads has written');
			END IF;
			INSERT INTO fuzz.answer VALUES (r.i, a.status, id, after <> before, wrong);
			before := after;
		END LOOP;
	END $$;});
$node->safe_psql('postgres', "SET client_encoding = 'UTF8';\nCOPY fuzz.request FROM stdin;\n" . join("\n", @lines) . "\n\\.\n");
is($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.request'), $requests, 'all requests are made');

my $run = 250;
for (my $first = 1; $first <= $requests; $first += $run)
{
	my ($status, undef, $stderr) = $node->psql('postgres', sprintf('SET kz.direct_writes = %s; CALL fuzz.run(%d, %d)',
		$first / $run % 2 ? 'on' : 'off', $first, $first + $run - 1), on_error_stop => 1);
	next if $status == 0;
	fail("requests from $first") or diag $stderr;
	last;
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.answer'), $requests, 'all are answered');
is($node->safe_psql('postgres', q{
	SELECT flaw, count, i, status, verb, target, headers, left(body, 500) FROM
		(SELECT DISTINCT ON (flaw) flaw, i, status, count(*) OVER (PARTITION BY flaw) FROM fuzz.answer WHERE flaw IS NOT NULL ORDER BY flaw, i) AS f
		JOIN fuzz.request USING (i) ORDER BY i}),
	'', "no error is raised, every answer is well-formed, a failure writes nothing (seed $seed)");

SKIP:
{
	skip 'too few requests', 3 if $requests < 5000;
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.answer WHERE status = 200'), '>', $requests / 10, 'many requests succeed');
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.answer WHERE wrote'), '>', $requests / 50, 'many requests write');
	cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT id) FROM fuzz.answer'), '>', 10, 'many different errors are met');
}

my $log = slurp_file($node->logfile);
is(join("\n", grep { /PANIC:|TRAP:|WARNING:|XX000|terminated by signal/ } split /\n/, $log), '', 'the server has nothing to report');

$node->stop;
done_testing();
