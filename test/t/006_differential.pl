# The same random calls three times: with direct writes, through SQL, and with
# kz written once more in PL/pgSQL (differential.sql). Answers, errors and
# tables must be the same.
#
# KZ_SEED repeats a run, KZ_CALLS is how many statements it has: 10000 if it is
# not set; below 500 not all functions may come.

use strict;
use warnings;

use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{KZ_SEED} || 1;
my $calls = $ENV{KZ_CALLS} || 10_000;
my $dir = PostgreSQL::Test::Utils::tempdir;

srand($seed);
note("KZ_SEED=$seed, $calls statements");

#
# Random values
#
my @ids = map { "d$_" } 1 .. 9;
push @ids, 'é', 'D1', 'true', '7';
my $too_long = 'x' x 513;

sub pick { return $_[ rand @_ ]; }
sub chance { return rand() < $_[0]; }

# SQL literals
sub quote
{
	my ($string) = @_;

	return 'NULL' unless defined $string;
	return "'" . ($string =~ s/'/''/gr) . "'";
}

sub array_of
{
	my ($type, @elements) = @_;

	return 'ARRAY[' . join(', ', map { quote($_) } @elements) . "]::${type}[]";
}

# JSON, as text
sub string { return '"' . $_[0] . '"'; }

sub object
{
	my @pairs = @_;
	my $text = '';

	while (my ($key, $value) = splice(@pairs, 0, 2))
	{
		$text .= ($text eq '' ? '' : ', ') . string($key) . ": $value";
	}
	return "{$text}";
}

sub scalar_value
{
	return pick('null', 'true', 'false', 0, 1, 1, '1.0', '1.00', '1e2', '-1', '2.5', '12345678901234567890.10',
		'""', '"s"', '"é"', q("it's"), '"a \\"quoted\\" \\\\"');
}

# Too random to be compressed, so that it is stored out of line.
sub big_string
{
	return string(join '', map { chr(97 + rand 26) } 1 .. 2200 + rand 2000);
}

sub value
{
	my ($depth) = @_;
	my $kind = rand;

	return scalar_value() if $depth == 0 || $kind < 0.5;
	return '[' . join(', ', map { value($depth - 1) } 1 .. rand 4) . ']' if $kind < 0.65;
	return object(map { pick(qw(a b x y)), value($depth - 1) } 1 .. rand 4);
}

# The body of a document, or changes; what fits the collection, mostly.
sub document
{
	my ($collection) = @_;
	my %fields;

	$fields{ pick(qw(a b o l n), 'a.b', 'é') } = value(3) for 1 .. rand 5;
	# for the paths with a place in an array
	$fields{l} = '[' . join(', ', map { value(2) } 1 .. 1 + rand 2) . ']' if $fields{l} && chance(0.7);
	$fields{_kuzzle_info} = value(1) if chance(0.02);
	if ($collection eq 'checked')
	{
		delete $fields{n};
		$fields{n} = pick(1 .. 6, 1 .. 6, '-1', 7, '"x"', 'null') if chance(0.4);
		$fields{email} = string(pick(qw(a b c d e f)) . '@example.org') if chance(0.5);
		$fields{email} = big_string() if chance(0.005);
	}
	elsif ($collection eq 'strict')
	{
		delete @fields{ 'a.b', 'é' };
		$fields{o} = object(map { $_ => value(1) } grep { chance(0.3) } chance(0.1) ? qw(x y z) : qw(x y))
		  if $fields{o} && chance(0.8);
		$fields{unknown} = 1 if chance(0.1);
	}
	$fields{big} = big_string() if chance(0.02);
	return object(map { $_ => $fields{$_} } sort keys %fields);
}

sub not_an_object { return pick('null', '1', '"{}"', '[]', '[{}]', 'true'); }
sub paths { return map { pick('a', 'b', 'o', 'a.b', 'a.x', 'o.x', 'o.y', 'l[0]', 'a[1]', 'l[0].x', 'a[0][1]', 'b.a.x', 'no.such', 'big') } 1 .. rand 4; }

#
# Random calls
#
my $kuids = 0;

# A call with arguments by name, some of which are wrong now and then.
sub call
{
	my ($function, $collection, @arguments) = @_;
	my %bad = (
		index => [ 'NULL', q('') ],
		collection => [ 'NULL', q('') ],
		id => [ 'NULL', q(''), "'$too_long'" ],
		body => [ 'NULL', map { quote($_) } 'null', '[]', '1' ],
		changes => $function =~ /rows/ ? ['NULL'] : [ 'NULL', q('"a"'), q('[{}]') ],
		documents => [ 'NULL', q('{}'), q('1') ],
		defaults => $function =~ /rows/ ? [] : [ q('[]'), q('null') ],
		ids => ['NULL'],
		fields => [ 'NULL', q(ARRAY['a', NULL]) ],
		refresh => [ q('true'), q('yes') ],
		if_version => ['-1'],
		retry_on_conflict => ['-1']);

	unshift @arguments, index => q('diff'), collection => quote($collection);
	if (chance(0.02))
	{
		my $i = 2 * int(rand(@arguments / 2));
		my $values = $bad{ $arguments[$i] };

		# An id that is NULL is none that is wrong to kz_create.
		$arguments[ $i + 1 ] = pick(@$values)
		  if $values && @$values && !($function eq 'kz_create' && $arguments[$i] eq 'id');
	}
	elsif (chance(0.01))
	{
		$arguments[ pick(1, 3) ] = q('unknown');
	}
	my $text = '';
	while (my ($name, $value) = splice(@arguments, 0, 2))
	{
		$text .= ($text eq '' ? '' : ', ') . "$name => $value";
	}
	return "$function($text)";
}

# The options of a writing function: some of the common ones, and of its own
# those that are named. No two calls have the same kuid, so that none is a no-op
# only because it comes within a millisecond.
sub options
{
	my ($collection, @own) = @_;
	my @options;

	push @options, refresh => pick(qw('false' 'wait_for' '' NULL)) if chance(0.1);
	push @options, silent => pick(qw(true false NULL)) if chance(0.1);
	push @options, kuid => quote('user' . ++$kuids) if chance($collection eq 'stamped' ? 0.9 : 0.02);
	push @options, if_version => pick(0, 1, 1, 2, 2, 3, 4, 'NULL') if chance(0.2) && grep { $_ eq 'if_version' } @own;
	push @options, retry_on_conflict => pick(0, 1, 'NULL') if chance(0.1) && grep { $_ eq 'retry_on_conflict' } @own;
	push @options, source => pick(qw(true true false NULL)) if chance(0.5) && grep { $_ eq 'source' } @own;
	push @options, strict => pick(qw(true true false NULL)) if chance(0.15) && grep { $_ eq 'strict' } @own;
	return @options;
}

# An entry for many documents, sometimes a wrong one.
sub entry
{
	my ($function, $collection, $content, $id) = @_;
	my %entry = (_id => string($id), $content => document($collection));

	$entry{default} = document($collection) if $content eq 'changes' && chance(0.4);
	$entry{if_version} = pick(0, 1, 2, 3, 'null') if chance(0.15);
	$entry{_id} = $id if $id =~ /^(7|true)$/ && chance(0.5);
	$entry{more} = scalar_value() if chance(0.05);
	if (chance(0.05))
	{
		my $kind = int rand 6;

		return not_an_object() if $kind == 0;
		$entry{$content} = not_an_object() if $kind == 1;
		delete $entry{$content} if $kind == 2;
		$entry{default} = pick(not_an_object(), 'false', 0, '""', '0.0') if $kind == 3;
		$entry{if_version} = pick('-1', '1.5', '"1"', '{}', 'true') if $kind == 4;
		# Where an id would be made, nobody could say which.
		$entry{_id} = pick('{}', '["a"]', $function =~ /create/ ? '[]' : ('""', 'null', 0, 7, 'true')) if $kind == 5;
	}
	return object(map { $_ => $entry{$_} } sort keys %entry);
}

# The ids of a batch: a few of few, so that some come more than once.
sub batch_ids
{
	my @some = map { pick(@ids) } 1 .. 1 + rand 6;

	return map { pick(@some) } 1 .. rand 8;
}

my %single = (
	kz_create => sub { my $c = shift; (body => quote(document($c)), id => quote(pick(@ids)), options($c, 'if_version')) },
	kz_create_or_replace => sub { my $c = shift; (id => quote(pick(@ids)), body => quote(document($c)), options($c, 'if_version')) },
	kz_replace => sub { my $c = shift; (id => quote(pick(@ids)), body => quote(document($c)), options($c, 'if_version')) },
	kz_update => sub { my $c = shift; (id => quote(pick(@ids)), changes => quote(document($c)), options($c, 'if_version', 'retry_on_conflict', 'source')) },
	kz_upsert => sub {
		my $c = shift;
		(id => quote(pick(@ids)), changes => quote(document($c)), (chance(0.5) ? (defaults => quote(document($c))) : ()),
			options($c, 'if_version', 'retry_on_conflict', 'source'));
	},
	kz_delete => sub { my $c = shift; (id => quote(pick(@ids)), options($c, 'if_version', 'source')) },
	kz_delete_fields => sub { my $c = shift; (id => quote(pick(@ids)), fields => array_of('text', paths()), options($c, 'if_version', 'source')) },
	kz_get => sub { (id => quote(pick(@ids))) },
	kz_exists => sub { (id => quote(pick(@ids))) },
	kz_count => sub { () });
my %many = (
	kz_mcreate => 'body', kz_mcreate_or_replace => 'body', kz_mreplace => 'body', kz_mupdate => 'body',
	kz_mupsert => 'changes');
foreach my $function (keys %many)
{
	$many{$function} = do
	{
		my $content = $many{$function};
		sub {
			my $c = shift;
			my @entries = map { entry($function, $c, $content, $_) } batch_ids();

			push @entries, entry($function, $c, $content, $too_long) if chance(0.01);
			return (documents => quote('[' . join(', ', @entries) . ']'),
				options($c, 'strict', 'source', $content eq 'changes' || $function eq 'kz_mupdate' ? 'retry_on_conflict' : ()));
		}
	};
}
$many{kz_mdelete} = sub {
	my $c = shift;
	return (ids => array_of('text', batch_ids(), chance(0.1) ? pick(undef, '', $too_long) : ()), options($c, 'strict'));
};
foreach my $function ('kz_mget', 'kz_mexists')
{
	$many{$function} = sub {
		return (ids => array_of('text', batch_ids(), chance(0.05) ? pick(undef, '', $too_long) : ()),
			chance(0.1) ? (strict => 'true') : ());
	};
}
my %rows;
foreach my $function ('kz_update_rows', 'kz_upsert_rows')
{
	$rows{$function} = sub {
		my $c = shift;
		my @ids = map { chance(0.06) ? pick(undef, '', $too_long) : $_ } batch_ids();
		# now and then one too many
		my $places = sub { return (@ids, chance(0.02) ? 'd1' : ()) };
		my @arguments = (ids => array_of('text', @ids),
			changes => array_of('jsonb', map { chance(0.06) ? pick(undef, not_an_object()) : document($c) } $places->()));

		push @arguments, defaults => array_of('jsonb', map { pick(undef, 'null', chance(0.04) ? not_an_object() : document($c), document($c)) } $places->())
		  if $function eq 'kz_upsert_rows' && chance(0.5);
		push @arguments, if_versions => array_of('bigint', map { pick(undef, undef, 0, 1, 2, 3) } $places->()) if chance(0.2);
		return (@arguments, options($c, 'strict', 'source', 'retry_on_conflict'));
	};
}

# How often each comes, beside the readers.
my @writers = (
	(qw(kz_create kz_create_or_replace kz_replace kz_delete_fields)) x 2, ('kz_update', 'kz_upsert') x 4, ('kz_delete') x 2);
my @many = (qw(kz_mcreate kz_mcreate_or_replace kz_mreplace kz_mdelete kz_mget kz_mexists), ('kz_mupdate', 'kz_mupsert') x 3);
my @collections = qw(plain plain checked checked strict stamped);

sub random_call
{
	my $collection = pick(@collections);
	my $kind = rand;
	my $function =
	    $kind < 0.45 ? pick(@writers)
	  : $kind < 0.60 ? pick(qw(kz_get kz_get kz_exists kz_count))
	  : pick(@many);

	return call($function, $collection, ($single{$function} // $many{$function})->($collection));
}

#
# The script: numbered statements
#
my @statements;

sub statement { push @statements, join(' ', @_); return; }

# A call, alone or with others in one statement, or one whose error is caught.
sub call_statement
{
	my $kind = rand;

	if ($kind < 0.06)
	{
		my $function = pick(sort keys %rows);
		my $collection = pick(@collections);

		statement('SELECT * FROM ' . call($function, $collection, $rows{$function}->($collection)) . ';');
	}
	elsif ($kind < 0.12)
	{
		statement('SELECT ' . join(', ', map { random_call() } 1 .. 2 + rand 2) . ';');
	}
	elsif ($kind < 0.20)
	{
		statement('SELECT attempt($call$' . random_call() . '$call$);');
	}
	elsif ($kind < 0.22)
	{
		statement(q{SELECT id, kz_delete('diff', 'plain', id) FROM (SELECT kz_create('diff', 'plain', }
			  . quote(document('plain')) . q{)->>'_id' AS id OFFSET 0) s;});
	}
	else
	{
		statement('SELECT ' . random_call() . ';');
	}
	return;
}

# A transaction whose parts may be undone; a part that fails is.
sub transaction
{
	statement('BEGIN ' . pick('', '', 'ISOLATION LEVEL REPEATABLE READ', 'ISOLATION LEVEL SERIALIZABLE') . ';');
	for (1 .. 1 + rand 4)
	{
		statement('SAVEPOINT s;');
		call_statement() for 1 .. 1 + rand 4;
		tables() if chance(0.05);
		push @statements, chance(0.25)
		  ? 'ROLLBACK TO s;'
		  : "\\if :ERROR\nROLLBACK TO s;\n\\else\nRELEASE s;\n\\endif";
	}
	call_statement() if chance(0.3);
	if (chance(0.1))
	{
		# Ids that kz makes are not the same, and must not stay.
		my $function = pick('kz_mcreate', 'kz_mcreate_or_replace');

		statement("SELECT $function('diff', 'plain', "
			  . quote('[' . join(', ', map { object(body => document('plain'), _id => pick('null', '""', 0, 'false')) } 1 .. 3) . ']')
			  . ');');
		statement('ROLLBACK;');
		return;
	}
	statement(chance(0.75) ? 'COMMIT;' : 'ROLLBACK;');
	return;
}

sub tables
{
	statement("SELECT _id, _version, _source::text FROM diff.$_ ORDER BY _id;") for qw(plain checked strict stamped);
	return;
}

# What may happen to a table between calls.
sub disturb
{
	my $id = quote(pick(@ids));

	statement(
		pick(
			'VACUUM diff.plain;',
			'VACUUM FREEZE diff.checked;',
			'REINDEX TABLE diff.checked;',
			'CREATE INDEX IF NOT EXISTS by_a ON diff.plain ((_source->>\'a\')) WHERE _version > 1;',
			'DROP INDEX IF EXISTS diff.by_a;',
			'ALTER TABLE diff.checked DROP CONSTRAINT IF EXISTS not_seven;',
			"ALTER TABLE diff.checked DROP CONSTRAINT IF EXISTS not_seven,
				ADD CONSTRAINT not_seven CHECK (_source->>'n' <> '7') NOT VALID;",
			"UPDATE diff.plain SET _version = 9223372036854775806 WHERE _id = $id;",
			"INSERT INTO diff.stamped VALUES ($id, 1, '{\"_kuzzle_info\": {\"author\": \"sql\"}}') ON CONFLICT DO NOTHING;",
			"DELETE FROM diff.strict WHERE _id = $id;",
			'DISCARD ALL;'));
	return;
}

while (@statements < $calls)
{
	chance(0.06) ? transaction() : call_statement();
	disturb() if chance(0.01);
	tables() if chance(0.004);
}
tables();

# What no statement calls would pass unseen.
my %called = map { $_ => 1 } map { /\b(kz_\w+)\(/g } @statements;
is(join(' ', sort keys %called), join(' ', sort(keys %single, keys %many, keys %rows)), 'all functions are called');

#
# Three databases
#
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	fsync = off
	max_wal_size = 4GB
	# A call that never ends is an answer that differs.
	statement_timeout = 60s});
$node->start;

my $strict = '{"n": {"type": "integer"}, "a": {}, "b": {"type": "nested"}, "l": {"type": "keyword"}, "email": {"type": "keyword"},
	"big": {"type": "text"}, "o": {"properties": {"x": {"type": "keyword"}, "y": {"type": "keyword"}}}}';
my $common = q{
	ALTER TABLE diff.checked ADD CONSTRAINT is_positive CHECK ((_source->>'n')::int > 0),
		ADD CONSTRAINT not_seven CHECK (_source->>'n' <> '7');
	CREATE UNIQUE INDEX by_email ON diff.checked ((_source->>'email'));
	CREATE INDEX by_content ON diff.strict USING gin (_source);

	-- what psql would show
	CREATE FUNCTION attempt(call text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
		message text;
		detail text;
		hint text;
		schema_name text;
		table_name text;
		constraint_name text;
	BEGIN
		EXECUTE 'SELECT ' || call INTO answer;
		RETURN answer;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
			schema_name = SCHEMA_NAME, table_name = TABLE_NAME, constraint_name = CONSTRAINT_NAME;
		RETURN concat_ws(E'\n', 'ERROR:  ' || SQLSTATE || ': ' || message, 'DETAIL:  ' || nullif(detail, ''),
			'HINT:  ' || nullif(hint, ''), 'SCHEMA NAME:  ' || nullif(schema_name, ''),
			'TABLE NAME:  ' || nullif(table_name, ''), 'CONSTRAINT NAME:  ' || nullif(constraint_name, ''));
	END $$;};
my $reference = dirname(__FILE__) . '/differential.sql';

sub make_kz
{
	my ($db, $direct) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0;
		ALTER DATABASE $db SET kz.direct_writes = $direct");
	$node->safe_psql($db, qq{
		CREATE EXTENSION kz;
		SELECT kz_create_collection('diff', name) FROM unnest(ARRAY['plain', 'checked', 'stamped']) name;
		SELECT kz_create_collection('diff', 'strict', '{"dynamic": "strict", "properties": $strict}');
		$common});
	return;
}

# After the reference comes SQL that may change it.
sub make_reference
{
	my ($db, $change) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, "CREATE SCHEMA diff;\n"
		  . join('', map { qq{
			CREATE TABLE diff.$_ (_id text COLLATE "C" PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);}
		  } qw(plain checked strict stamped))
		  . slurp_file($reference)
		  . qq{
			INSERT INTO ref_collection
			SELECT 'diff', name, 'diff.' || name, CASE WHEN name = 'strict' THEN '$strict'::jsonb END
			FROM unnest(ARRAY['plain', 'checked', 'strict', 'stamped']) name;
			$common
			$change});
	return;
}

# What psql shows of each of the first statements, what cannot be the same left out.
sub run_script
{
	my ($count, @dbs) = @_;
	my @runs;
	my $n = 0;
	my $script = "$dir/script.sql";

	open(my $fh, '>', $script) or die "$script: $!";
	print $fh "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n";
	print $fh "\\echo #" . $n++ . "\n$_\n" foreach @statements[ 0 .. $count - 1 ];
	close($fh);

	foreach my $db (@dbs)
	{
		my $run = { file => "$dir/$db.out" };

		$run->{harness} = IPC::Run::start(
			[ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr($db), '-f', $script ],
			'<', \undef, '>', $run->{file}, '2>&1');
		push @runs, $run;
	}
	$_->{harness}->finish foreach @runs;
	return map { read_answers($_->{file}) } @runs;
}

sub read_answers
{
	my ($file) = @_;
	my $output = slurp_file($file);

	$output =~ s/^psql:\S+:\d+: //mg;
	$output =~ s/^LOCATION: .*\n//mg;
	$output =~ s/"(createdAt|updatedAt)": \d+/"$1": 0/g;
	$output =~ s/"_id": "[-\w]{20}"/"_id": "made"/g;	# twenty characters, of which no other id is made
	$output =~ s/^[-\w]{20}\|(?=\{"_id")/made|/mg;
	$output =~ s/references tuple \(\d+,\d+\)/references tuple/g;

	my @answers = split(/^#\d+\n/m, $output, -1);
	shift @answers;
	return \@answers;
}

# Of kz's own errors the reference knows only the code and the id, and of the
# reason of a conflict that it is one.
sub without_texts
{
	my ($answers) = @_;

	return [ map {
			s/^ERROR:  (KZ\d+): .*/ERROR:  $1/mgr
			  =~ s/(^DETAIL:  (?:services|api)\..*\n)HINT: .*\n?/$1/mgr
			  =~ s/Version conflict on document .*?(?:there is none|there is version \d+|it is \d+)\./Version conflict/gr
	} @$answers ];
}

# the statement that is answered in two ways, or undef
sub first_difference
{
	my ($left, $right) = @_;
	my $last = @$left > @$right ? $#$left : $#$right;

	foreach my $i (0 .. $last)
	{
		return $i if ($left->[$i] // 'no answer') ne ($right->[$i] // 'no answer');
	}
	return undef;
}

# Fail, and show the first difference, unless both answered the same to all.
sub same_answers
{
	my ($name, $left, $right) = @_;
	my $i = first_difference($left, $right);

	ok(!defined $i && @$left == @statements, $name);
	diag(scalar(@$left), ' answers to ', scalar(@statements), ' statements') if @$left != @statements;
	diag("KZ_SEED=$seed, statement $i:\n$statements[$i]\n--- one answer\n", $left->[$i] // 'none',
		"--- the other\n", $right->[$i] // 'none')
	  if defined $i;
	return;
}

make_kz('direct', 'on');
make_kz('through_sql', 'off');
make_reference('reference', '');

foreach my $collection (qw(plain checked strict stamped))
{
	my ($rc, $out, $err) = $node->psql('direct', "SET client_min_messages = debug1; SELECT kz_count('diff', '$collection')");
	like($err, qr/is accessed directly/, "$collection is accessed directly");
	($rc, $out, $err) = $node->psql('through_sql', "SET client_min_messages = debug1; SELECT kz_count('diff', '$collection')");
	like($err, qr/through SQL: kz.direct_writes is off/, "$collection is accessed through SQL");
}

my ($direct, $through_sql, $expected) = run_script(scalar @statements, 'direct', 'through_sql', 'reference');
same_answers('direct writes answer as writes through SQL', $direct, $through_sql);
same_answers('kz answers as the reference', without_texts($direct), without_texts($expected));

# A reference that merges only the first level, as || does, must be told apart,
# and that among the first statements, not by breaking down.
make_reference('wrong', q{
	CREATE OR REPLACE FUNCTION kz_merge(target jsonb, changes jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT AS 'SELECT target || changes'});
my $few = @statements < 500 ? @statements : 500;
my ($wrong) = run_script($few, 'wrong');
is(scalar @$wrong, $few, 'a reference with another rule answers');
ok(defined first_difference(without_texts([ @$expected[ 0 .. $few - 1 ] ]), without_texts($wrong)), '... and does not pass');

my %codes;
$codes{$_}++ foreach map { /^ERROR:  (\w{5})/mg } @$direct;
note(join ', ', map { "$_: $codes{$_}" } sort keys %codes);

#
# What is stored is in all indexes, too.
#
foreach my $db ('direct', 'through_sql')
{
	$node->safe_psql($db, 'CREATE EXTENSION amcheck');
	is($node->safe_psql($db, q{
			SELECT count(bt_index_check(indexrelid, heapallindexed => true)) > 4
			FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_am a ON a.oid = relam
			WHERE amname = 'btree' AND indrelid::regclass::text LIKE 'diff.%'}),
		't', "$db: every row is in the btree indexes");
	is($node->safe_psql($db, q{
			SET enable_seqscan = off;
			SELECT count(*) FROM diff.strict WHERE _source @> '{}' OR _source ? 'a'}),
		$node->safe_psql($db, 'SELECT count(*) FROM diff.strict'), "$db: and in that with GIN");
}

$node->stop;
done_testing();
