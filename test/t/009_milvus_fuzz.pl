# Requests to Milvus' REST API that no client would send, by HTTP: valid bodies and
# filters, cut up and put together anew from a fixed seed. Whatever comes, no error
# is raised, the answer is well-formed, and a request that fails has written nothing.
#
# KZ_FUZZ is how many requests: 20000 if it is not set. KZ_FUZZ_SEED is the seed.

use strict;
use utf8;
use warnings;

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

srand($seed);
sub pick { return $_[ int rand @_ ] }

#
# Filters: words in any order, or good ones with a word put in or cut out
#
my @words = (split(' ', q{id n f s b j a v k tags nokey $meta ( ) [ ] { } {x} {y} , == != < <= > >= in not ! and or && ||
	+ - * / % ** & | ^ ~ << >> = like exists is null 1 0 10 1.5 1e308 1e-308 9223372036854775807 9223372036854775808
	0x1F 0b1 017 .5 1. 1e400 "x" 'y' "\x41" "\xff" "\u0000" "%_\\\\" " \\ true FALSE [1,2,] [] ["a",1] [[1],2]
	json_contains( array_length( json_contains_any( ARRAY_CONTAINS_ALL( text_match( ["q"] [0] [99] é ; -- /* $1 $$}),
	'not in', 'is null', 'is not null', '"a b"', "\t", '@');
my @filters = ('n == 10', 'n + 1 == 2', 'k * 2 > 1', '1 < n <= 5', 'j["q"] in [1, "one"]', 'json_contains(tags, "x")',
	'exists k', 's like "a%"', 'n == {x}', 'id in {y}', 'not (a[0] == 1)', '2 ** 3 == n', 'array_length(tags) > 1', 'n == -1',
	'id == 1', 'id in [1, 2, 3]', 'n is null', 'k != 5', 'f / 2 < 1', 'b == true', 's > "a" and n > 1');

sub filter
{
	return join(pick(' ', ' ', ''), map { pick(@words) } 1 .. 1 + rand 10) if rand() < 0.4;

	my $filter = join(pick(' and ', ' or '), map { pick(@filters) } 1 .. 1 + rand 3);
	foreach (1 .. rand 3)
	{
		substr($filter, rand(length($filter) + 1), pick(0, 0, 1, 3)) = pick(@words)
		  if length($filter) > 3;
	}
	return $filter;
}

sub string { return '"' . ($_[0] =~ s/(["\\])/\\$1/gr =~ s/\t/\\t/gr) . '"' }

#
# Bodies: JSON with values of all kinds in the places of others, or cut
#
my @values = ('null', 'true', '0', '1', '-1', '1.5', '1e400', '9223372036854775808', '"1"', '"x"', '""', '[]', '{}', '[1, 2]',
	'[1, "x"]', '[[1]]', '{"a": 1}', '[null]', '"é"', '"\u0000"', '1.0', '"1.0"', '"NaN"', '[0.1, 1e39]', '[1, 2, 3]');
my $entity = '{"id": 1, "v": [1, 2], "n": 10, "f": 1.5, "s": "abc", "b": true, "j": {"q": 1}, "a": [1, 2], "k": 5, "tags": ["x", "y"]}';
my @bodies = (
	map({ [ '/v2/vectordb/entities/upsert', qq({"collectionName": "c", "data": $_}) ] }
		"[$entity]", '[{"id": 2, "v": [1, 2]}, {"id": 3, "v": [0, 1], "dyn": {"x": [1]}}]', '{"id": "4", "v": [1, 2], "n": "7"}'),
	[ '/v2/vectordb/entities/upsert', '{"collectionName": "c", "partialUpdate": true, "data": [{"id": 1, "n": 11}, {"id": 5, "v": [1, 2]}]}' ],
	[ '/v2/vectordb/entities/upsert', '{"collectionName": "c", "fieldOps": [{"fieldName": "a", "op": "ARRAY_APPEND"}], "data": [{"id": 1, "a": [3]}]}' ],
	[ '/v2/vectordb/entities/insert', qq({"collectionName": "c", "data": [$entity]}) ],
	[ '/v2/vectordb/entities/insert', '{"collectionName": "auto", "data": [{"vector": [1, 2], "x": 1}]}' ],
	[ '/v1/vector/upsert', qq({"dbName": "default", "collectionName": "c", "data": $entity}) ],
	[ '/v1/vector/insert', '{"collectionName": "auto", "data": {"vector": [1, 2]}}' ],
	[ '/v2/vectordb/entities/get', '{"collectionName": "c", "id": [1, "2", 3], "outputFields": ["n", "k", "*"]}' ],
	[ '/v1/vector/get', '{"collectionName": "c", "id": 1, "outputFields": ["s"]}' ],
	[ '/v1/vector/delete', '{"collectionName": "c", "id": [1, 2]}' ],
	[ '/v2/vectordb/collections/create', '{"collectionName": "new", "dimension": 2, "idType": "VarChar", "params": {"max_length": 10}}' ],
	[ '/v2/vectordb/collections/create', '{"collectionName": "new", "schema": {"autoId": true, "fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
		{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": "2"}}, {"fieldName": "s", "dataType": "VarChar", "defaultValue": "x", "elementTypeParams": {"max_length": 5}}]}}' ],
	map({ [ "/v2/vectordb/collections/$_", '{"collectionName": "new"}' ] }
		qw(drop describe has get_stats get_load_state truncate load flush)),
	[ '/v2/vectordb/collections/rename', '{"collectionName": "new", "newCollectionName": "newer", "newDbName": "default"}' ],
	[ '/v2/vectordb/collections/drop', '{"collectionName": "newer"}' ],
	map({ [ "/v2/vectordb/databases/$_", '{"dbName": "other"}' ] } qw(create drop describe list)));

sub body
{
	my ($body) = @_;

	foreach (1 .. rand 4)
	{
		my @places;
		# what stands behind a colon, a comma or a bracket: a scalar, or how a container begins
		push @places, [ $-[1], $+[1] - $-[1] ]
		  while $body =~ /(?<=[:,\[] )?("(?:[^"\\]|\\.)*"|-?[\d.e]+|true|null|\[|\{)/g;
		last unless @places;
		my ($at, $length) = @{ pick(@places) };
		substr($body, $at, $length) = pick(@values) if rand() < 0.9;
	}
	substr($body, rand length $body, pick(1, 2, 10)) = pick('', '"', '{', ']', ',', '\\') if rand() < 0.1;
	return $body;
}

sub request
{
	my $choice = rand;
	my $more = pick('', '"limit": 3', '"offset": 1', '"outputFields": ["count(*)"]', '"outputFields": ["n", "nokey"]',
		'"consistencyLevel": "Strong"', '"partitionNames": ["_default"]', '"limit": ' . pick(@values));

	$more = ", $more" if $more;
	return ('/v2/vectordb/entities/query', '{"collectionName": "c", "exprParams": {"x": 10, "y": [1, 2]}, "filter": ' . string(filter()) . "$more}")
	  if $choice < 0.35;
	return ('/v2/vectordb/entities/delete', '{"collectionName": "c", "exprParams": {"x": 10, "y": [1]}, "filter": ' . string(filter()) . '}')
	  if $choice < 0.45;
	return ('/v1/vector/query', '{"collectionName": "c", "filter": ' . string(filter()) . "$more}") if $choice < 0.5;

	my ($path, $body) = @{ pick(@bodies) };
	return ($path, rand() < 0.2 ? $body : body($body));
}

my $file = $node->basedir . '/requests';
open(my $fh, '>:encoding(UTF-8)', $file) or die "$file: $!";
foreach my $i (1 .. $requests)
{
	my ($path, $body) = request();
	$body =~ s/([\\\t\n\r])/{"\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r"}->{$1}/ge;
	print $fh "$i\t$path\t$body\n";
}
close($fh);

$node->safe_psql('postgres', qq{
	CREATE EXTENSION kz;
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"collectionName": "c", "schema": {"enableDynamicField": true, "fields": [
		{"fieldName": "id", "dataType": "Int64", "isPrimary": true}, {"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}},
		{"fieldName": "n", "dataType": "Int32", "nullable": true}, {"fieldName": "f", "dataType": "Float", "nullable": true},
		{"fieldName": "s", "dataType": "VarChar", "nullable": true, "elementTypeParams": {"max_length": 10}}, {"fieldName": "b", "dataType": "Bool", "nullable": true},
		{"fieldName": "j", "dataType": "JSON", "nullable": true},
		{"fieldName": "a", "dataType": "Array", "nullable": true, "elementDataType": "Int64", "elementTypeParams": {"max_capacity": 4}}]}}');
	SELECT kz_milvus('/v1/vector/collections/create', '{"collectionName": "auto", "dimension": 2}');
	CREATE SCHEMA fuzz;
	CREATE TABLE fuzz.request (i int PRIMARY KEY, path text, body text);
	COPY fuzz.request FROM '$file';
	CREATE TABLE fuzz.answer (i int, status int, code int, message text, wrote boolean, finding text);

	-- what is stored, as far as it can be told cheaply
	CREATE FUNCTION fuzz.state() RETURNS text LANGUAGE sql AS \$\$
		SELECT concat((SELECT concat(count(*), '.', sum(_version), '.', sum(hashtext(_source::text))) FROM "default".c), '/',
			(SELECT count(*) FROM "default".auto), '/', (SELECT count(*) FROM kz_catalog.collection), (SELECT count(*) FROM kz_catalog.index))
	\$\$;
	CREATE PROCEDURE fuzz.run(first int, last int) LANGUAGE plpgsql AS \$\$
	DECLARE
		r record;
		a record;
		body jsonb;
		before text := fuzz.state();
		after text;
		failed boolean;
		finding text;
	BEGIN
		FOR r IN SELECT * FROM fuzz.request WHERE i BETWEEN first AND last ORDER BY i LOOP
			finding := NULL;
			BEGIN
				SELECT * INTO a FROM kz_http('POST', r.path, '{}', r.body);
				body := a.body::jsonb;
				failed := body->>'code' <> CASE WHEN r.path LIKE '/v1/%' THEN '200' ELSE '0' END;
				finding := CASE WHEN a.status <> 200 THEN 'status'
					WHEN jsonb_typeof(body->'code') IS DISTINCT FROM 'number' THEN 'no code'
					WHEN failed AND (body ? 'data' OR coalesce(body->>'message', '') = '') THEN 'malformed failure'
					WHEN NOT failed AND NOT body ? 'data' THEN 'malformed success' END;
			EXCEPTION WHEN OTHERS THEN
				finding := SQLSTATE || ' ' || SQLERRM;
				failed := true;
			END;
			after := fuzz.state();
			IF failed AND after <> before THEN
				finding := concat_ws(', ', finding, 'failed, but wrote');
			END IF;
			INSERT INTO fuzz.answer VALUES (r.i, a.status, (body->>'code')::int, body->>'message', after <> before, finding);
			before := after;
			COMMIT;
		END LOOP;
	END \$\$});

for (my $first = 1; $first <= $requests; $first += 1000)
{
	my ($status, undef, $stderr) = $node->psql('postgres', "CALL fuzz.run($first, $first + 999)", on_error_stop => 1);
	is($status, 0, "requests from $first") or diag $stderr;
	last if $status;
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM fuzz.answer}), $requests, 'all are answered');
is($node->safe_psql('postgres', q{
		SELECT finding, path, body, message FROM fuzz.answer JOIN fuzz.request USING (i) WHERE finding IS NOT NULL ORDER BY i LIMIT 5}),
	'', "no error is raised, every answer is well-formed, a failure writes nothing (seed $seed)");

SKIP:
{
	skip 'few requests', 3 if $requests < 5000;
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM fuzz.answer WHERE message IS NULL}), '>', $requests / 10, 'many requests succeed');
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM fuzz.answer WHERE wrote}), '>', $requests / 50, 'many requests write');
	cmp_ok($node->safe_psql('postgres', q{SELECT count(DISTINCT code) FROM fuzz.answer}), '>', 8, 'many different codes are met');
}
my $log = slurp_file($node->logfile);
is(join("\n", grep { /PANIC:|TRAP:|WARNING:|XX000|terminated by signal/ } split /\n/, $log), '', 'the server has nothing to report');

$node->stop;
done_testing();
