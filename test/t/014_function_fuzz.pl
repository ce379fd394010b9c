# Calls of all functions of the extension with arguments that nobody would give, from
# a fixed seed: mutated documents, hostile names, numbers of any size, NULL for
# anything. Whatever comes, the server lives, an error says what the caller did wrong,
# and what is answered and stored can be dumped and restored.
#
# KZ_FUZZ is how many calls: 20000 if it is not set. KZ_FUZZ_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Mutation;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{KZ_FUZZ} || 20_000;
my $seed = $ENV{KZ_FUZZ_SEED} || 20_260_101;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	fsync = off
	autovacuum = off
	log_min_messages = warning});
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION kz});

#
# Arguments: by the name of the argument, else by its type; as SQL writes them
#

my $document = { name => 'Tom', n => number(1), o => { x => [ number(1), undef ], y => {} } };
my @entries = (
	[ { _id => 'tom', body => $document }, { _id => 'new', body => {} }, { body => { n => number('2.50') } } ],
	[ { _id => 'tom', changes => $document, default => { d => $true } }, { _id => 'new', changes => {} }, { _id => 'tom', changes => { n => undef } } ],
	[ { _id => 'tom', body => { n => number(1) }, if_version => number(1) } ]);
my $mappings = { dynamic => 'strict', _meta => { n => number(1) }, properties => { o => { properties => { x => { type => 'keyword' } } }, name => { type => 'text' } } };
my $envelope = { controller => 'document', action => 'mUpsert', index => 'zoo', collection => 'cats', body => { documents => $entries[1] } };
my $entities = { dbName => 'zoo', collectionName => 'fish', data => [ { id => number(1), vector => [ number(1), number('2.5') ], x => $document } ] };
@Mutation::samples = ($document, @entries, $mappings, $envelope, $entities);

my @huge = ('1e1000', '-1e-1000', '1' . '0' x 2000, '0.' . '0' x 2000 . '1', '9' x 300 . '.' . '9' x 300);

sub quote { return defined $_[0] ? "'" . ($_[0] =~ s/'/''/gr) . "'" : 'NULL' }

# JSON of a value that is like one of these, more or less.
sub json
{
	my $value = copy(pick(@_));

	$value = mutate($value) for 1 .. int rand 4;
	my $json = to_json($value);
	$json =~ s/(?<=[:\[,])\d+(?=[,\]}])/pick(@huge)/e if rand() < 0.1;
	return $json;
}

sub any_string
{
	my $value = any_value(9);

	return !defined $value ? undef : ref $value ? $$value : $value;
}

my %by_name = (
	index => sub { rand() < 0.8 ? 'zoo' : any_string() },
	collection => sub { rand() < 0.8 ? pick('cats', 'lions') : any_string() },
	relation => sub { pick('zoo.cats', 'pg_class', 'plain', 'zoo') },
	documents => sub { json(@entries) },
	mappings => sub { json($mappings) },
	request => sub { json($envelope, $entities) },
	path => sub { '/v2/vectordb/' . pick('entities/upsert', 'entities/insert', 'collections/describe', 'entities/get', 'x') },
	refresh => sub { pick('wait_for', 'false', any_string()) },
	method => sub { pick('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', any_string()) },
	target => sub { '/zoo/cats/' . (any_string() // '') });
my %by_type = (
	text => sub { rand() < 0.6 ? pick('tom', 'new', 'felix') : any_string() },
	jsonb => sub { json($document) },
	boolean => sub { pick('true', 'false') },
	integer => sub { pick(0, 1, -1, 100, 2147483647, -2147483648) },
	bigint => sub { pick(0, 1, 2, -1, '9223372036854775807', '-9223372036854775808') },
	'text[]' => sub { list(sub { pick('tom', 'new', 'felix', 'o.x[0]', '["n"]', any_string()) }) },
	'jsonb[]' => sub { list(sub { json($document) }) },
	'bigint[]' => sub { list(sub { pick(1, 2, -1) }) });

# An array, now and then one with other bounds, of two dimensions, or with a NULL.
sub list
{
	my ($element) = @_;
	my @elements = map { rand() < 0.05 ? 'NULL' : '"' . (($element->() // '') =~ s/(["\\])/\\$1/gr) . '"' } 1 .. int rand 5;
	my $list = '{' . join(',', @elements) . '}';

	return $list unless @elements && rand() < 0.1;
	return rand() < 0.5 ? "{$list}" : sprintf('[5:%d]=%s', 4 + @elements, $list);
}

sub argument
{
	my ($name, $type) = @_;
	my $make = $by_name{$name} // $by_type{$type} // die "no values for $name of type $type";

	return 'NULL' if rand() < 0.04;
	return quote($make->()) . "::$type";
}

# All functions with their arguments, required ones first; those that delete a lot are
# left for seldom.
my @functions;
foreach my $line (split /\n/, $node->safe_psql('postgres', q{
	SELECT p.proname, p.pronargs - p.pronargdefaults, p.proretset OR t.typtype <> 'b',
		string_agg(a.name || ' ' || format_type(a.type, NULL), ',' ORDER BY a.i)
	FROM pg_proc AS p JOIN pg_type AS t ON t.oid = p.prorettype
		JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		LEFT JOIN LATERAL unnest(p.proargnames, p.proargtypes::oid[]) WITH ORDINALITY AS a(name, type, i) ON a.i <= p.pronargs
	WHERE p.pronamespace = 'public'::regnamespace
	GROUP BY p.oid, p.proname, p.pronargs, p.pronargdefaults, p.proretset, t.typtype ORDER BY p.oid}))
{
	my ($name, $required, $rows, $arguments) = split /\|/, $line;

	push @functions, [ $name, $required, $rows eq 't', map { [ split / /, $_, 2 ] } split /,/, $arguments ];
}
cmp_ok(scalar @functions, '>', 35, 'there are functions to call');

srand($seed);
sub random_call
{
	my $function = pick(@functions);
	$function = pick(@functions) while $function->[0] =~ /delete_(index|collection)|truncate/ && rand() < 0.7;
	my ($name, $required, $rows, @arguments) = @$function;
	my @given;

	foreach my $i (0 .. $#arguments)
	{
		next if $i >= $required && rand() < 0.5;
		push @given, "$arguments[$i][0] => " . argument(@{ $arguments[$i] });
	}
	return $rows ? "SELECT to_jsonb(r) FROM $name(" . join(', ', @given) . ') AS r'
	  : "SELECT to_jsonb($name(" . join(', ', @given) . '))';
}

$node->safe_psql('postgres', q{
	CREATE SCHEMA fuzz;
	CREATE TABLE plain (_id text PRIMARY KEY, n int);
	CREATE TABLE fuzz.call (i int PRIMARY KEY, statement text);
	CREATE TABLE fuzz.outcome (i int, state text, message text, flaw text);

	CREATE PROCEDURE fuzz.set_up() LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM kz_delete_index(name) FROM kz_list_indexes() AS name;
		PERFORM kz_create_collection('zoo', 'cats');
		PERFORM kz_create_collection('zoo', 'lions', '{"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}');
		PERFORM kz_create('zoo', 'cats', '{"name": "Tom", "o": {"x": [1, 2]}}', 'tom');
		PERFORM kz_create('zoo', 'cats', '{}', 'felix');
		PERFORM kz_milvus('/v2/vectordb/collections/create', '{"dbName": "zoo", "collectionName": "fish", "dimension": 2}');
	END $$;

	CREATE PROCEDURE fuzz.run(first int, last int) LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		answer jsonb;
		changed boolean;
	BEGIN
		CALL fuzz.set_up();
		FOR r IN SELECT * FROM fuzz.call WHERE i BETWEEN first AND last ORDER BY i LOOP
			BEGIN
				-- read to the end, as a client would
				FOR answer IN EXECUTE r.statement LOOP
					IF answer::text::jsonb <> answer THEN
						RAISE EXCEPTION 'the answer is no JSON' USING ERRCODE = 'XX001';
					END IF;
				END LOOP;
				INSERT INTO fuzz.outcome VALUES (r.i, '00000');
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO fuzz.outcome VALUES (r.i, SQLSTATE, SQLERRM,
					CASE WHEN SQLSTATE !~ '^(KZ|22|54|42501|42704|3F000|42P01|42809|0A000|2200)' OR SQLERRM = '' THEN 'unexpected' END);
			END;
		END LOOP;
		FOR r IN SELECT * FROM kz_catalog.collection LOOP
			EXECUTE format('SELECT count(*) > 0 FROM %I.%I WHERE _source::text::jsonb <> _source', r.schema_name, r.table_name) INTO changed;
			IF changed THEN
				INSERT INTO fuzz.outcome VALUES (last, '00000', 'a restore would change what is stored', 'stored');
			END IF;
		END LOOP;
	END $$;});

my $file = $node->basedir . '/calls';
open(my $fh, '>', $file) or die "$file: $!";
print $fh "$_\t" . (random_call() =~ s/([\\\t\n\r])/{"\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r"}->{$1}/ger) . "\n" for 1 .. $calls;
close($fh);
$node->safe_psql('postgres', "COPY fuzz.call FROM '$file' (ENCODING 'UTF8')");

# Both writers take turns; what is stored must be what a restore would make of it.
my $run = 100;
for (my $first = 1; $first <= $calls; $first += $run)
{
	my ($status, undef, $stderr) = $node->psql('postgres', sprintf('SET kz.direct_writes = %s; CALL fuzz.run(%d, %d)',
		$first / $run % 2 ? 'on' : 'off', $first, $first + $run - 1), on_error_stop => 1);
	next if $status == 0;
	fail("calls from $first") or diag $stderr;
	last;
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM fuzz.outcome'), $calls, 'all calls have an outcome');
is($node->safe_psql('postgres', q{
	SELECT state, message, count, left(statement, 1000) FROM
		(SELECT DISTINCT ON (state) state, message, i, count(*) OVER (PARTITION BY state) FROM fuzz.outcome WHERE flaw IS NOT NULL ORDER BY state, i) AS o
		JOIN fuzz.call USING (i) ORDER BY i}),
	'', "every error is about what the caller gave (seed $seed)");

SKIP:
{
	skip 'too few calls', 3 if $calls < 5000;
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM fuzz.outcome WHERE state = '00000'}), '>', $calls / 10, 'many calls succeed');
	cmp_ok($node->safe_psql('postgres', q{SELECT count(DISTINCT message) FROM fuzz.outcome}), '>', 100, 'many different errors are met');
	is($node->safe_psql('postgres', q{
		SELECT count(DISTINCT split_part(split_part(statement, '(kz_', 2), '(', 1)) > 0 FROM fuzz.call JOIN fuzz.outcome USING (i) WHERE state = '00000'}),
		't', 'functions are called');
}

my $log = slurp_file($node->logfile);
is(join("\n", grep { /PANIC:|TRAP:|WARNING:|XX000|terminated by signal/ } split /\n/, $log), '', 'the server has nothing to report');

$node->stop;
done_testing();
