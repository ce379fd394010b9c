# Databases of other encodings than UTF-8.  What a client gives by escapes is UTF-8
# there as well: by HTTP, by SQL and in filters one finds the same documents; what
# can't be held is refused, with a word of why, and nothing is raised.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

# What each statement gives, as a line, to a client that speaks UTF-8; in the place of
# an error, its SQLSTATE.
sub answers
{
	my ($database, @statements) = @_;
	my ($stdout, $stderr);

	$node->psql($database,
		"\\encoding UTF8\n\\set VERBOSITY sqlstate\n" . join(";\n", @statements, ''), stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	is($stderr, '', "$database: nothing is raised");
	return [ split(/\n/, $stdout) ];
}

# What the server's parser of JSON says of an escape that it can't hold: 15 whatever the
# conversion says, later ones this.
my $unheld = q(~ 'has no equivalent in encoding|conversion between UTF8 and SQL_ASCII is not supported|could not be translated');

# é is in all of these, € in none but SQL_ASCII, which takes any bytes.
my $e = "\xC3\xA9";
my $form = q('{"content-type": "application/x-www-form-urlencoded"}');
my $schema = q({"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true},
	{"fieldName": "s", "dataType": "VarChar", "elementTypeParams": {"max_length": 5}},
	{"fieldName": "a", "dataType": "Array", "elementDataType": "VarChar", "elementTypeParams": {"max_length": 5, "max_capacity": 2}},
	{"fieldName": "v", "dataType": "FloatVector", "elementTypeParams": {"dim": 2}}]});

sub http { my ($what, @arguments) = @_; return "SELECT $what FROM kz_http(" . join(', ', @arguments) . ')'; }
sub message { my ($what) = @_; return http("status, body::jsonb#>>'{error,message}'", @_[ 1 .. $#_ ]); }
sub upsert { my ($id, $s, $a) = @_; return qq(SELECT kz_milvus('/v2/vectordb/entities/upsert', '{"collectionName": "m", "data": {"id": $id, "s": "$s", "a": ["$a"], "v": [1, 2]}}') ->> 'code'); }
sub filter { my ($filter) = @_; return qq(SELECT kz_milvus('/v2/vectordb/entities/query', '{"collectionName": "m", "filter": "s == \\"$filter\\"", "outputFields": ["id"]}')::text); }

my @same = (
	[ q(SELECT count(kz_create_collection('i', 'c'))) => '1' ],
	[ qq(SELECT kz_upsert('i', 'c', 'caf$e', '{"by": "sql"}') ->> 'created') => 'true' ],
	[ http('status', q('GET'), q('/i/c/caf%C3%A9')) => '200' ],
	[ http('status', q('GET'), qq('/i/c/caf$e')) => '200' ],
	[ http(q(body::jsonb->'result'->>'_version'), q('PUT'), q('/i/c/caf%c3%a9/_upsert'), q('{}'), q('{"changes": {"by": "http"}}')) => '2' ],
	[ message('', q('GET'), q('/i/c/caf%E9')) => '400|Invalid argument "url". Expected: UTF-8' ],
	[ message('', q('GET'), q('/_now?requestId=%E9')) => '400|Invalid argument "url". Expected: UTF-8' ],
	[ http(q(body::jsonb->>'requestId'), q('GET'), q('/_now?requestId=%C3%A9+%C3%A9')) => "$e $e" ],
	[ http(q(body::jsonb->'result'->'_source'->>'name'), q('POST'), q('/i/c/_create'), $form, qq('name=Z%C3%BCrich%20$e')) => "Z\xC3\xBCrich $e" ],
	[ qq(SELECT octet_length(convert_to(kz_channel(repeat('$e', 60), 'c'), 'SQL_ASCII')) < 64) => 't' ],
	[ qq(SELECT right(kz_channel(repeat('$e', 60), 'c'), 18) LIKE '::%') => 't' ],
	[ qq(SELECT kz_milvus('/v2/vectordb/collections/create', '{"collectionName": "m", "schema": $schema}') ->> 'code') => '0' ],
	[ upsert(1, "caf$e", $e) => '0' ],
	[ upsert(2, "caf$e$e", $e) => '1100' ],
	[ upsert(2, $e, "caf$e$e") => '1100' ],
	[ filter('caf\\\\xC3\\\\xA9') => '{"code": 0, "cost": 0, "data": [{"id": 1}]}' ],
	[ filter('caf\\\\u00e9') => '{"code": 0, "cost": 0, "data": [{"id": 1}]}' ],
	[ filter("caf$e") => '{"code": 0, "cost": 0, "data": [{"id": 1}]}' ],
	[ filter('\\\\xE9') => q({"code": 1100, "message": "failed to create query plan: cannot parse expression: s == \"\\\\xE9\", error: string with characters that can't be stored at position 6: invalid parameter"}) ]);

for my $encoding ('LATIN1', 'EUC_JP', 'SQL_ASCII')
{
	my $has_all = $encoding eq 'SQL_ASCII';
	my $expected = "characters of the database's encoding, $encoding";
	my @tests = @same;

	$node->safe_psql('postgres', "CREATE DATABASE $encoding TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$node->safe_psql(lc $encoding, 'CREATE EXTENSION kz');
	push @tests,
	  $has_all ?
		# its text may be anything; only what JSON escapes would have to be converted
		([ http('status', q('GET'), q('/i/c/%E2%82%AC')) => '404' ],
		[ http("status, body $unheld", q('PUT'), q('/i/c/1/_upsert'), q('{}'), q('{"changes": {"city": "Z\\u00fcrich"}}')) => '400|t' ]) :
		([ message('', q('GET'), q('/i/c/%E2%82%AC')) => qq(400|Invalid argument "url". Expected: $expected) ],
		[ message('', q('GET'), q('/_now?requestId=%E2%82%AC')) => qq(400|Invalid argument "url". Expected: $expected) ],
		[ http(q(status, body::jsonb->>'message'), q('POST'), q('/i/c/_create'), $form, q('a=%E2%82%AC')) =>
			qq(400|Unable to convert the HTTP body to JSON: a=%E2%82%AC (expected: $expected)) ],
		[ http(q(body::jsonb#>>'{code}', body::jsonb->>'message'), q('GET'), q('/v1/vector/collections?dbName=%E2%82%AC')) =>
			"1801|can only accept json format request, error: malformed query, expected: $expected" ],
		[ http("status, body $unheld", q('PUT'), q('/i/c/1/_upsert'), q('{}'), q('{"changes": {"city": "\\u20ac"}}')) => '400|t' ],
		[ http(q(body::jsonb->'result'->>'created'), q('PUT'), q('/i/c/1/_upsert'), q('{}'), q('{"changes": {"city": "Z\\u00fcrich"}}')) => 'true' ],
		[ qq(SELECT _source->>'city' FROM i.c WHERE _id = '1') => "Z\xC3\xBCrich" ],
		[ filter('\\\\u20ac') => q({"code": 1100, "message": "failed to create query plan: cannot parse expression: s == \"\\\\u20ac\", error: string with characters that can't be stored at position 6: invalid parameter"}) ]);
	is_deeply(answers(lc $encoding, map { $_->[0] } @tests), [ map { $_->[1] } @tests ], "$encoding: answers");
}

done_testing();
