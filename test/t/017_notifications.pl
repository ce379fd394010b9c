# What listeners are told of changes: the payload of every way to write, through
# both writers and both means; what is told of transactions, in which order, and
# with which limits; and who can turn it on.

use strict;
use warnings;

use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $started = time;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', q{
	fsync = off
	max_prepared_transactions = 10});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	SELECT kz_create_collection('d', 'c');
	CREATE TABLE d.checked (_id text PRIMARY KEY, _version bigint NOT NULL,
		_source jsonb NOT NULL CHECK (NOT _source ? 'bad'));
	CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER suppress BEFORE INSERT OR UPDATE ON d.checked FOR EACH ROW
		WHEN (NEW._source ? 'suppressed') EXECUTE FUNCTION suppress();
	SELECT kz_create_collection('d', 'checked');
	CREATE TABLE d.parts (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)
		PARTITION BY HASH (_id);
	CREATE TABLE d.parts_0 PARTITION OF d.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE d.parts_1 PARTITION OF d.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	SELECT kz_create_collection('d', 'parts');
	CREATE SCHEMA remote;
	CREATE TABLE remote.far (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
	CREATE EXTENSION postgres_fdw;
	DO $$ BEGIN
		EXECUTE format('CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw
			OPTIONS (host %L, port %L, dbname %L)',
			split_part(current_setting('unix_socket_directories'), ',', 1),
			current_setting('port'), current_database());
	END $$;
	CREATE USER MAPPING FOR CURRENT_USER SERVER self;
	CREATE FOREIGN TABLE d.far (_id text NOT NULL, _version bigint NOT NULL, _source jsonb NOT NULL)
		SERVER self OPTIONS (schema_name 'remote');
	SELECT kz_attach_collection('d', 'far', 'd.far');
	CREATE TABLE remote.mine (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL,
		note text DEFAULT 'mine');
	SELECT kz_attach_collection('d', 'mine', 'remote.mine');
	SELECT kz_milvus('/v2/vectordb/databases/create', '{"dbName": "m"}');
	SELECT kz_milvus('/v2/vectordb/collections/create',
		'{"dbName": "m", "collectionName": "v", "dimension": 2}');
	ALTER TABLE m.v ADD CHECK (NOT _source ? 'bad')});

#
# What is expected and what came, as text that can be compared
#

# One notification as it should be: of a call for one document, and for many, as a
# list of actions and results.  More is what else it must have, or have otherwise.
sub one
{
	my ($action, $result, %more) = @_;

	return $json->encode({ head(%more), kind($action), result => $json->decode($result) });
}

sub many
{
	my ($results, %more) = @_;
	my (@results, %actions);

	for (my $i = 0; $i < @$results; $i += 2)
	{
		$actions{$results->[$i]} = 1;
		push @results, { kind($results->[$i]), %{ $json->decode($results->[ $i + 1 ]) } };
	}
	return $json->encode({
		head(%more), keys %actions == 1 ? kind(keys %actions) : (), results => \@results });
}

sub head
{
	return (index => 'd', collection => 'c', timestamp => 'now', @_);
}

sub kind
{
	my ($action) = @_;

	return (action => $action, event => $action eq 'delete' ? 'delete' : 'write');
}

# A payload in the same form.  The time of the call, which must be one of this
# test, is 'now' wherever it is.
sub masked
{
	my ($payload) = @_;
	my $told = $json->decode($payload);
	my $now = $told->{timestamp};

	return $payload if $now !~ /^\d{13}$/ || $now < 1000 * $started || $now > 1000 * (time + 1);
	$payload =~ s/("(?:timestamp|createdAt|updatedAt)": ?)$now\b/$1"now"/g;
	return $json->encode($json->decode($payload));
}

# [channel, payload] of each notification that psql has printed, and of each
# message that test_decoding has.
sub notifications
{
	return map { [ /^Asynchronous notification "(.*)" with payload "(.*)" received from/ ] }
	  grep { /^Asynchronous/ } split(/\n/, $_[0]);
}

sub messages
{
	my @messages;

	foreach (grep { /^message/ } split(/\n/, $_[0]))
	{
		my ($prefix, $size, $content) = /^message: transactional: 1 prefix: (.*?), sz: (\d+) content:(.*)$/
		  or die $_;
		die "$content does not have $size bytes" if length($content) != $size;
		push @messages, [ $prefix, $content ];
	}
	return @messages;
}

#
# Every way to write
#
# A case is what is done, and what is told then: {} has the SQLSTATE of an error
# that it must end with.  Before each, a to d in d.c and the other tables are as
# documents() makes them.
#
my @tables = qw(d.c d.checked d.parts remote.far remote.mine);

sub documents
{
	return join(";\n", map { (
		"DELETE FROM $_",
		qq[INSERT INTO $_ VALUES ('a', 3, '{"n": 1, "o": {"x": 1, "y": 2}}'), ('b', 1, '{"n": 2}')]) } @tables)
	  . q[; DELETE FROM m.v; INSERT INTO m.v VALUES ('1', 1, '{"id": 1, "c": 1, "vector": [1, 2]}');];
}

# A call of a function, for d.c if the name does not say otherwise, and a request
# to Kuzzle's API and to Milvus'.
sub call
{
	my ($function, @arguments) = @_;
	my $collection = $function =~ s/^(\w+)\.// ? $1 : 'c';

	return "SELECT $function(" . join(', ', "'d'", "'$collection'", @arguments) . ')';
}

sub rows
{
	return 'SELECT count(*) FROM (' . call(@_) =~ s/^SELECT/SELECT * FROM/r . ') r';
}

sub request
{
	my ($what, $arguments, @kuid) = @_;
	my ($controller, $action) = split(/:/, $what);

	return sprintf(q[SELECT kz_request('{"controller": "%s", "action": "%s", "index": "d", "collection": "c"}' || %s)],
		$controller, $action, join(', ', "jsonb '$arguments'", map { "'$_'" } @kuid));
}

sub milvus
{
	my ($path, $arguments) = @_;

	return qq[SELECT kz_milvus('$path', '{"dbName": "m", "collectionName": "v"}' || jsonb '$arguments')];
}

my $by_nobody = '"_kuzzle_info": {"author": "-1", "createdAt": "now", "updatedAt": null, "updater": null}';
my $replaced_by_nobody = '"_kuzzle_info": {"author": "-1", "createdAt": "now", "updatedAt": "now", "updater": "-1"}';
my $updated_by = '"_kuzzle_info": {"updater": "%s", "updatedAt": "now"}';
my $a_was = '"_id": "a", "_version": 3, "_source": {"n": 1, "o": {"x": 1, "y": 2}}';
my $b_was = '"_id": "b", "_version": 1, "_source": {"n": 2}';
my $a_has_9 = '"_id": "a", "_version": 4, "_source": {"n": 9, "o": {"x": 1, "y": 2}}';
my $a_is_9 = qq[{$a_has_9, "_updatedFields": ["n"]}];
my $b_is_9 = '{"_id": "b", "_version": 2, "_source": {"n": 9}, "_updatedFields": ["n"]}';
my $new_is_1 = '{"_id": "new", "_version": 1, "_source": {"n": 1}}';
my $a_replaced = '{"_id": "a", "_version": 4, "_source": {"k": 1}}';
my $set_9 = call('kz_update', q['a', '{"n": 9}']);

sub b_is_9_by
{
	return sprintf(qq[{"_id": "b", "_version": 2, "_source": {"n": 9, $updated_by}, "_updatedFields": ["n"]}], $_[0]);
}

my @cases = (
	# one document
	[ 'kz_create', call('kz_create', q['{"n": 1}', 'new']), one(create => $new_is_1) ],
	[ 'kz_create, there already', call('kz_create', q['{"n": 1}', 'a']), { error => 'KZ400' } ],
	[ 'kz_create_or_replace, new', call('kz_create_or_replace', q['new', '{"n": 1}']), one(create => $new_is_1) ],
	[ 'kz_create_or_replace', call('kz_create_or_replace', q['a', '{"k": 1}']), one(replace => $a_replaced) ],
	[ 'kz_replace', call('kz_replace', q['a', '{"k": 1}']), one(replace => $a_replaced) ],
	[ 'kz_replace, the same', call('kz_replace', q['b', '{"n": 2}']) ],
	[ 'kz_replace, absent', call('kz_replace', q['zz', '{}']), { error => 'KZ404' } ],
	[ 'kz_update', $set_9, one(update => $a_is_9) ],
	[ 'kz_update, nothing to change', call('kz_update', q['a', '{"o": {"x": 1}}']) ],
	[ 'kz_update, absent', call('kz_update', q['zz', '{"n": 9}']), { error => 'KZ404' } ],
	[ 'kz_update, another version', call('kz_update', q['a', '{"n": 9}', if_version => 1]), { error => 'KZ409' } ],
	[ 'kz_upsert', call('kz_upsert', q['a', '{"n": 9}', defaults => '{"d": 1}']), one(update => $a_is_9) ],
	[ 'kz_upsert, new', call('kz_upsert', q['new', '{"n": 1}', defaults => '{"n": 5}']), one(create => $new_is_1) ],
	[ 'kz_upsert, nothing to change', call('kz_upsert', q['b', '{"n": 2}']) ],
	[ 'kz_delete_fields', call('kz_delete_fields', q['a', '{o.x,n}']),
		one(update => '{"_id": "a", "_version": 4, "_source": {"o": {"y": 2}}, "_updatedFields": ["n", "o.x"]}') ],
	[ 'kz_delete_fields, none there', call('kz_delete_fields', q['a', '{zz}']) ],
	[ 'kz_delete', call('kz_delete', q['a']), one(delete => "{$a_was}") ],
	[ 'kz_delete, absent', call('kz_delete', q['zz']), { error => 'KZ404' } ],

	# many
	[ 'kz_mcreate', call('kz_mcreate', q['[{"_id": "new", "body": {"n": 1}}, {"_id": "a", "body": {}}]']),
		many([ create => $new_is_1 ]) ],
	[ 'kz_mcreate_or_replace', call('kz_mcreate_or_replace',
			q['[{"_id": "new", "body": {"n": 1}}, {"_id": "a", "body": {"k": 1}}, {"_id": "b", "body": {"n": 2}}]']),
		many([ create => $new_is_1, replace => $a_replaced ]) ],
	[ 'kz_mreplace', call('kz_mreplace', q['[{"_id": "zz", "body": {}}, {"_id": "a", "body": {"k": 1}}]']),
		many([ replace => $a_replaced ]) ],
	[ 'kz_mupdate', call('kz_mupdate',
			q['[{"_id": "b", "body": {"n": 9}}, {"_id": "zz", "body": {}}, {"_id": "a", "body": {"n": 9}}]']),
		many([ update => $b_is_9, update => $a_is_9 ]) ],
	[ 'kz_mupsert', call('kz_mupsert', q['[{"_id": "new", "changes": {"n": 1}}, {"_id": "", "changes": {}},
			{"_id": "a", "changes": {"n": 9}}, {"_id": "b", "changes": {"n": 2}}]', source => false]),
		many([ create => $new_is_1, update => $a_is_9 ]) ],
	[ 'kz_mupsert, nothing to change', call('kz_mupsert', q['[{"_id": "b", "changes": {"n": 2}}]']) ],
	[ 'kz_mupsert, nothing', call('kz_mupsert', q['[]']) ],
	[ 'kz_mdelete', call('kz_mdelete', q['{b,zz,a}']), many([ delete => "{$b_was}", delete => "{$a_was}" ]) ],
	[ 'kz_update_rows', rows('kz_update_rows', q['{a,zz,b}', ARRAY[jsonb '{"n": 9}', '{}', '{"n": 2}'], source => false]),
		many([ update => $a_is_9 ]) ],
	[ 'kz_upsert_rows', rows('kz_upsert_rows', q['{b,new}', ARRAY[jsonb '{"n": 9}', '{"n": 1}']]),
		many([ update => $b_is_9, create => $new_is_1 ]) ],
	[ 'one document many times', call('kz_mupsert', q['[{"_id": "new", "changes": {"n": 1}},
			{"_id": "b", "changes": {"n": 9}}, {"_id": "new", "changes": {"n": 1}}, {"_id": "new", "changes": {"m": {"k": 2}}}]']),
		many([ create => $new_is_1, update => $b_is_9,
			update => '{"_id": "new", "_version": 2, "_source": {"n": 1, "m": {"k": 2}}, "_updatedFields": ["m.k"]}' ]) ],
	[ 'strict', call('kz_mupdate', q['[{"_id": "b", "body": {"n": 9}}, {"_id": "zz", "body": {}}]', strict => true]),
		{ error => 'KZ400' } ],
	[ 'strict rows', rows('kz_update_rows', q['{b,zz}', ARRAY[jsonb '{"n": 9}', '{}'], strict => true]),
		{ error => 'KZ400' } ],

	# options
	[ 'silent', call('kz_update', q['a', '{"n": 9}', silent => true]) ],
	[ 'silent, many', call('kz_mdelete', q['{a}', silent => true]) ],
	[ 'silent, rows', rows('kz_update_rows', q['{a}', ARRAY[jsonb '{"n": 9}'], silent => true]) ],
	[ 'silent NULL', call('kz_update', q['a', '{"n": 9}', silent => NULL]), one(update => $a_is_9) ],
	[ 'kuid', call('kz_update', q['a', '{"n": 9}', kuid => 'ad"a']),
		one(update => sprintf(qq[{"_id": "a", "_version": 4, "_source": {"n": 9, "o": {"x": 1, "y": 2}, $updated_by},
			"_updatedFields": ["n"]}], 'ad\"a'), kuid => 'ad"a') ],
	[ 'kuid of 512 bytes', call('kz_delete', q['a', kuid => repeat('é', 256)]),
		one(delete => "{$a_was}", kuid => "\x{e9}" x 256) ],
	[ 'kuid of 513 bytes', call('kz_delete', q['a', kuid => repeat('x', 513)]), one(delete => "{$a_was}") ],

	# transactions
	[ 'rollback', "BEGIN; $set_9; ROLLBACK" ],
	[ 'savepoint', "BEGIN; SAVEPOINT s; $set_9; ROLLBACK TO s; " . call('kz_delete', q['b']) . '; COMMIT',
		one(delete => "{$b_was}") ],
	[ 'released savepoint', "BEGIN; SAVEPOINT s; $set_9; RELEASE s; COMMIT", one(update => $a_is_9) ],
	[ 'exception block', "DO \$\$ BEGIN
			BEGIN " . $set_9 =~ s/SELECT/PERFORM/r . "; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END;
			BEGIN PERFORM kz_delete('d', 'c', 'b'); EXCEPTION WHEN OTHERS THEN NULL; END; END \$\$",
		one(delete => "{$b_was}") ],
	[ 'error in an exception block', "DO \$\$ BEGIN
			PERFORM kz_delete('d', 'c', 'b');
			PERFORM kz_delete('d', 'c', 'b'); EXCEPTION WHEN OTHERS THEN NULL; END \$\$" ],
	[ 'error at commit', "BEGIN; $set_9; SELECT 1 / 0; COMMIT", { error => '22012' } ],
	[ 'many calls', "BEGIN; " . join('; ', $set_9, call('kz_delete', q['b']), $set_9, call('kz_delete', q['a'])) . '; COMMIT',
		one(update => $a_is_9), one(delete => "{$b_was}"), one(delete => "{$a_has_9}") ],
	[ 'repeatable read', "BEGIN ISOLATION LEVEL REPEATABLE READ; $set_9; COMMIT", one(update => $a_is_9) ],
	[ 'serializable', "BEGIN ISOLATION LEVEL SERIALIZABLE; $set_9; COMMIT", one(update => $a_is_9) ],
	[ 'many calls of one statement', "SELECT kz_update('d', 'c', id, '{\"n\": 9}') FROM unnest('{b,a}'::text[]) id",
		one(update => $b_is_9), one(update => $a_is_9) ],

	# what PostgreSQL rejects
	[ 'a culprit', call('checked.kz_mupsert', q['[{"_id": "b", "changes": {"n": 9}}, {"_id": "x", "changes": {"bad": 1}},
			{"_id": "a", "changes": {"n": 9}}, {"_id": "y", "changes": {"bad": 1}}, {"_id": "new", "changes": {"n": 1}}]']),
		many([ update => $b_is_9, update => $a_is_9, create => $new_is_1 ], collection => 'checked') ],
	[ 'a culprit among many of one document', call('checked.kz_mupdate',
			q['[{"_id": "b", "body": {"n": 9}}, {"_id": "b", "body": {"bad": 1}}, {"_id": "b", "body": {"n": 8}}]']),
		many([ update => $b_is_9, update => '{"_id": "b", "_version": 3, "_source": {"n": 8}, "_updatedFields": ["n"]}' ],
			collection => 'checked') ],
	[ 'what a trigger suppresses', call('checked.kz_mupsert', q['[{"_id": "b", "changes": {"suppressed": 1}},
			{"_id": "x", "changes": {"suppressed": 1}}, {"_id": "a", "changes": {"n": 9}}]']),
		many([ update => $a_is_9 ], collection => 'checked') ],
	[ 'culprits alone', call('checked.kz_mupdate', q['[{"_id": "b", "body": {"bad": 1}}]']) ],
	[ 'a culprit by itself', call('checked.kz_update', q['b', '{"bad": 1}']), { error => '23514' } ],
	[ 'a culprit of a request', request('document:update', '{"collection": "checked", "_id": "b", "body": {"bad": 1}}') ],
	[ 'a culprit of a strict request', request('document:mUpdate', '{"collection": "checked", "strict": true, "body": {"documents": [
			{"_id": "a", "body": {"bad": 1}}, {"_id": "b", "body": {"n": 9}}]}}'),
		many([ update => b_is_9_by('-1') ],
			collection => 'checked', kuid => '-1') ],

	# tables that are not plain
	(map { my $table = $_; (
		[ "$table: upsert", call("$table.kz_upsert", q['a', '{"n": 9}']), one(update => $a_is_9, collection => $table) ],
		[ "$table: create", call("$table.kz_create", q['{"n": 1}', 'new']), one(create => $new_is_1, collection => $table) ],
		[ "$table: delete", call("$table.kz_delete", q['a']), one(delete => "{$a_was}", collection => $table) ],
		[ "$table: many", call("$table.kz_mupsert", q['[{"_id": "new", "changes": {"n": 1}}, {"_id": "a", "changes": {"n": 9}}]']),
			many([ create => $new_is_1, update => $a_is_9 ], collection => $table) ],
		[ "$table: nothing to change", call("$table.kz_update", q['b', '{"n": 2}']) ]) } qw(parts far mine)),

	# Kuzzle
	[ 'document:create', request('document:create', '{"_id": "new", "body": {"n": 1}}'),
		one(create => qq[{"_id": "new", "_version": 1, "_source": {"n": 1, $by_nobody}}], kuid => '-1') ],
	[ 'document:createOrReplace', request('document:createOrReplace', '{"_id": "a", "body": {"k": 1}}'),
		one(replace => qq[{"_id": "a", "_version": 4, "_source": {"k": 1, $replaced_by_nobody}}], kuid => '-1') ],
	[ 'document:replace', request('document:replace', '{"_id": "a", "body": {"k": 1}}'),
		one(replace => qq[{"_id": "a", "_version": 4, "_source": {"k": 1, $replaced_by_nobody}}], kuid => '-1') ],
	[ 'document:update', request('document:update', '{"_id": "b", "body": {"n": 9}}', 'ada'),
		one(update => b_is_9_by('ada'),
			kuid => 'ada') ],
	[ 'document:update, silent', request('document:update', '{"_id": "b", "body": {"n": 9}, "silent": true}') ],
	[ 'document:update, absent', request('document:update', '{"_id": "zz", "body": {"n": 9}}') ],
	[ 'document:upsert', request('document:upsert', '{"_id": "new", "body": {"changes": {"n": 1}, "default": {"m": 1}}}'),
		one(create => qq[{"_id": "new", "_version": 1, "_source": {"n": 1, "m": 1, $by_nobody}}], kuid => '-1') ],
	[ 'document:deleteFields', request('document:deleteFields', '{"_id": "a", "body": {"fields": ["o"]}}'),
		one(update => sprintf(qq[{"_id": "a", "_version": 4, "_source": {"n": 1, $updated_by}, "_updatedFields": ["o.x", "o.y"]}],
			'-1'), kuid => '-1') ],
	[ 'document:delete', request('document:delete', '{"_id": "b"}'), one(delete => "{$b_was}", kuid => '-1') ],
	[ 'document:mCreate', request('document:mCreate', '{"body": {"documents": [{"_id": "new", "body": {"n": 1}}, {"_id": "a", "body": {}}]}}'),
		many([ create => qq[{"_id": "new", "_version": 1, "_source": {"n": 1, $by_nobody}}] ], kuid => '-1') ],
	[ 'document:mCreateOrReplace', request('document:mCreateOrReplace', '{"body": {"documents": [{"_id": "new", "body": {"n": 1}}]}}'),
		many([ create => qq[{"_id": "new", "_version": 1, "_source": {"n": 1, $replaced_by_nobody}}] ], kuid => '-1') ],
	[ 'document:mReplace', request('document:mReplace', '{"body": {"documents": [{"_id": "a", "body": {"k": 1}}]}}'),
		many([ replace => qq[{"_id": "a", "_version": 4, "_source": {"k": 1, $replaced_by_nobody}}] ], kuid => '-1') ],
	[ 'document:mUpdate', request('document:mUpdate', '{"body": {"documents": [{"_id": "b", "body": {"n": 9}}, {"_id": "zz", "body": {}}]}}'),
		many([ update => b_is_9_by('-1') ],
			kuid => '-1') ],
	[ 'document:mUpdate, strict', request('document:mUpdate',
			'{"strict": true, "body": {"documents": [{"_id": "b", "body": {"n": 9}}, {"_id": "zz", "body": {}}]}}'),
		many([ update => b_is_9_by('-1') ],
			kuid => '-1') ],
	[ 'document:mUpdate, silent', request('document:mUpdate', '{"silent": true, "body": {"documents": [{"_id": "b", "body": {"n": 9}}]}}') ],
	[ 'document:mUpsert', request('document:mUpsert', '{"body": {"documents": [{"_id": "b", "changes": {"n": 9}}]}}'),
		many([ update => b_is_9_by('-1') ],
			kuid => '-1') ],
	[ 'document:mDelete', request('document:mDelete', '{"body": {"ids": ["b", "zz"]}}'), many([ delete => "{$b_was}" ], kuid => '-1') ],
	[ 'bulk:write', request('bulk:write', '{"_id": "a", "body": {"k": 1}}') ],
	[ 'bulk:write, notify', request('bulk:write', '{"_id": "a", "body": {"k": 1}, "notify": true}'), one(replace => $a_replaced) ],
	[ 'bulk:mWrite', request('bulk:mWrite', '{"body": {"documents": [{"_id": "a", "body": {"k": 1}}]}}') ],
	[ 'bulk:mWrite, notify', request('bulk:mWrite',
			'{"notify": true, "body": {"documents": [{"_id": "a", "body": {"k": 1}}, {"_id": "new", "body": {"n": 1}}]}}'),
		many([ replace => $a_replaced, create => $new_is_1 ]) ],
	[ 'bulk:import', request('bulk:import', '{"notify": true, "body": {"bulkData": [{"index": {"_id": "a"}}, {"k": 1}, {"delete": {"_id": "b"}}]}}') ],

	# Milvus
	[ 'insert', milvus('/v2/vectordb/entities/insert', '{"data": [{"id": 2, "vector": [1, 2]}]}'),
		many([ create => '{"_id": "2", "_version": 1, "_source": {"id": 2, "vector": [1, 2]}}' ], index => 'm', collection => 'v') ],
	[ 'upsert', milvus('/v2/vectordb/entities/upsert', '{"data": [{"id": 2, "vector": [1, 2]}, {"id": 1, "vector": [3, 4]}]}'),
		many([ create => '{"_id": "2", "_version": 1, "_source": {"id": 2, "vector": [1, 2]}}',
			replace => '{"_id": "1", "_version": 2, "_source": {"id": 1, "vector": [3, 4]}}' ], index => 'm', collection => 'v') ],
	[ 'partial upsert', milvus('/v2/vectordb/entities/upsert', '{"partialUpdate": true, "data": [{"id": 1, "c": 2}]}'),
		many([ update => '{"_id": "1", "_version": 2, "_source": {"id": 1, "c": 2, "vector": [1, 2]}, "_updatedFields": ["c"]}' ],
			index => 'm', collection => 'v') ],
	[ 'refused upsert', milvus('/v2/vectordb/entities/upsert', '{"data": [{"id": 1, "vector": [3, 4]}, {"id": 2}]}') ],
	[ 'rejected upsert', milvus('/v2/vectordb/entities/upsert', '{"data": [{"id": 2, "vector": [1, 2]}, {"id": 1, "vector": [3, 4], "bad": 1}]}') ],
	[ 'delete', milvus('/v2/vectordb/entities/delete', '{"filter": "c == 1"}'),
		many([ delete => '{"_id": "1", "_version": 1, "_source": {"id": 1, "c": 1, "vector": [1, 2]}}' ], index => 'm', collection => 'v') ],
	[ 'v1 insert', milvus('/v1/vector/insert', '{"data": [{"id": 2, "vector": [1, 2]}]}'),
		many([ create => '{"_id": "2", "_version": 1, "_source": {"id": 2, "vector": [1, 2]}}' ], index => 'm', collection => 'v') ],
	[ 'v1 upsert', milvus('/v1/vector/upsert', '{"data": [{"id": 1, "vector": [3, 4]}]}'),
		many([ replace => '{"_id": "1", "_version": 2, "_source": {"id": 1, "vector": [3, 4]}}' ], index => 'm', collection => 'v') ],
	[ 'v1 delete', milvus('/v1/vector/delete', '{"id": [1, 9]}'),
		many([ delete => '{"_id": "1", "_version": 1, "_source": {"id": 1, "c": 1, "vector": [1, 2]}}' ], index => 'm', collection => 'v') ],

	# HTTP
	[ 'kz_http', q[SELECT kz_http('PUT', '/d/c/b/_update', body => '{"n": 9}', kuid => 'ada')],
		one(update => b_is_9_by('ada'),
			kuid => 'ada') ],
	[ 'kz_http, silent', q[SELECT kz_http('PUT', '/d/c/b/_update?silent', body => '{"n": 9}')] ],
	[ 'kz_http, Milvus', q[SELECT kz_http('POST', '/v2/vectordb/entities/delete', body =>
			'{"dbName": "m", "collectionName": "v", "filter": "id in [1]"}')],
		many([ delete => '{"_id": "1", "_version": 1, "_source": {"id": 1, "c": 1, "vector": [1, 2]}}' ], index => 'm', collection => 'v') ],

	# not kz
	[ 'plain SQL', q[UPDATE d.c SET _source = '{}'] ],
	[ 'truncate', call('kz_truncate_collection') ],

	# leaves
	(map { [ "$_->[0] to $_->[1]",
			qq[INSERT INTO d.c VALUES ('l', 1, '$_->[0]'); ] . call('kz_upsert', "'l', '$_->[1]'"),
			one(update => qq[{"_id": "l", "_version": 2, "_source": $_->[2], "_updatedFields": $_->[3]}]) ] } (
		[ '{"a": {"b": {"c": 1, "d": 1}}}', '{"a": {"b": {"c": 2}}}', '{"a": {"b": {"c": 2, "d": 1}}}', '["a.b.c"]' ],
		[ '{"a": [1, {"b": 1}]}', '{"a": [1, {"b": 2}]}', '{"a": [1, {"b": 2}]}', '["a"]' ],
		[ '{}', '{"a": {"b": {}}, "c": []}', '{"a": {"b": {}}, "c": []}', '["a.b", "c"]' ],
		[ '{"a": {"b": 1}}', '{"a": 1}', '{"a": 1}', '["a"]' ],
		[ '{"a": 1}', '{"a": {"b": 1, "c": {"d": null}}}', '{"a": {"b": 1, "c": {"d": null}}}', '["a.b", "a.c.d"]' ],
		[ '{"a": null}', '{"a": false}', '{"a": false}', '["a"]' ],
		[ '{"a": 1}', '{"a": "1"}', '{"a": "1"}', '["a"]' ],
		[ '{"a": 1}', '{"a": 1.0}', '{"a": 1.0}', '["a"]' ],
		[ '{"a.b": 1, "a": {"b": 1}}', '{"a.b": 2}', '{"a.b": 2, "a": {"b": 1}}', '["a.b"]' ],
		[ '{"bb": 1, "c": 1}', '{"c": 2, "bb": 2, "é": 1}', '{"bb": 2, "c": 2, "é": 1}', '["c", "bb", "é"]' ],
		[ '{"_kuzzle_info": 1}', '{"_kuzzle_info": 2}', '{"_kuzzle_info": 2}', '["_kuzzle_info"]' ])));

# Do all cases, in one session; [SQLSTATE, payloads] of each.  A case ends with a
# mark, both where its errors are and where what it has told is.
sub run_cases
{
	my ($means, $direct) = @_;
	my ($listen, $mark) = $means eq 'notify'
	  ? (join(';', map { "LISTEN \"$_\"" } qw(kz:m:v mark), map { "kz:d:$_" } qw(c checked parts far mine)), "NOTIFY mark, 'x'")
	  : ('', "SELECT pg_logical_emit_message(true, 'mark', 'x')");
	my $script = join("\n", '\set VERBOSITY sqlstate', "SET kz.direct_writes = $direct;", "$listen;",
		map { (documents(), "$_->[1];", "$mark;", '\warn mark') } @cases);

	set_all($means);
	$node->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('s', 'test_decoding')") if $means eq 'message';
	my ($rc, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
	if ($means eq 'message')
	{
		$out = $node->safe_psql('postgres', q{
			SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL);
			SELECT pg_drop_replication_slot('s')});
	}

	my @outcomes = ([]);
	foreach ($means eq 'notify' ? notifications($out) : messages($out))
	{
		my ($channel, $payload) = @$_;
		if ($channel eq 'mark') { push @outcomes, []; next }
		my $told = $json->decode($payload);
		is($channel, $means eq 'message' ? 'kz' : "kz:$told->{index}:$told->{collection}", 'its channel')
		  if $channel ne 'kz' && $channel ne "kz:$told->{index}:$told->{collection}";
		push @{ $outcomes[-1] }, masked($payload);
	}
	pop @outcomes;
	my @errors = split(/mark\n/, $err);
	return map { [ ($errors[$_] // '') =~ /ERROR:\s+(\w{5})/ ? $1 : '', $outcomes[$_] ] } 0 .. $#cases;
}

sub set_all
{
	my ($means) = @_;

	$node->safe_psql('postgres', qq{
		SELECT kz_update_collection(index, name, settings => '{"notifications": "$means"}') FROM kz_catalog.collection});
	return;
}

foreach my $means (qw(notify message))
{
	foreach my $direct (qw(on off))
	{
		my @outcomes = run_cases($means, $direct);
		foreach my $i (0 .. $#cases)
		{
			my ($name, $sql, @expected) = @{ $cases[$i] };
			my $error = @expected && ref $expected[0] ? shift(@expected)->{error} : '';
			my ($sqlstate, $told) = @{ $outcomes[$i] };

			is(join("\n", $sqlstate, @$told), join("\n", $error, @expected), "$means, direct writes $direct: $name");
		}
	}
}


#
# Sessions that listen, and others
#
set_all('off');
my @sessions;

# A session that stays open and goes on after an error; it listens to channels.
sub session
{
	my (@channels) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query('\set VERBOSITY sqlstate');
	$session->query(qq{LISTEN "$_"}) foreach @channels, @channels ? 'mark' : ();
	push @sessions, $session;
	return $session;
}

# What a session has been told since it was asked last.  Its own mark comes after
# all that was committed before.
sub heard
{
	my ($session) = @_;
	my @heard = notifications($session->query("NOTIFY mark, 'x'"));

	return grep { $_->[0] ne 'mark' } @heard;
}

sub heard_payloads
{
	return map { masked($_->[1]) } heard(@_);
}

# SQLSTATE of what the statement raises, empty if it succeeds.
sub sqlstate
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	$session->query($sql);
	my ($sqlstate) = $session->{stderr} =~ /ERROR:\s+(\w{5})/;
	$session->{stderr} = '';
	return $sqlstate // '';
}

sub setting
{
	my ($collection, $means) = @_;

	return "SELECT kz_update_collection('d', '$collection', settings => '{\"notifications\": \"$means\"}')";
}

my $listener = session('kz:d:c', 'kz:d:checked');
my $writer = session();
my $session = session();

$node->safe_psql('postgres', documents());
$session->query($set_9);
is_deeply([ heard($listener) ], [], 'off: nothing is told');
$writer->query('BEGIN');
$writer->query(setting('c', 'notify'));
$session->query(call('kz_update', q['b', '{"n": 3}']));
is_deeply([ heard($listener) ], [], 'a setting that is not committed does not count');
$writer->query('COMMIT');
$session->query(call('kz_update', q['b', '{"n": 9}']));
is_deeply([ heard_payloads($listener) ],
	[ one(update => '{"_id": "b", "_version": 3, "_source": {"n": 9}, "_updatedFields": ["n"]}') ],
	'one that is counts at once in another session');
is((heard($listener))[0], undef, 'and is told once');
$session->query('BEGIN');
$session->query(setting('c', 'off'));
$session->query(call('kz_update', q['b', '{"n": 4}']));
$session->query('ROLLBACK');
$session->query(call('kz_update', q['b', '{"n": 10}']));
is_deeply([ heard_payloads($listener) ],
	[ one(update => '{"_id": "b", "_version": 4, "_source": {"n": 10}, "_updatedFields": ["n"]}') ],
	'a setting that is rolled back does not count');
$session->query(call('kz_update', qq['b', '{"n": $_}'])) foreach 11, 12;
is($node->safe_psql('postgres', "SELECT kz_get('d', 'c', 'b')"), '{"_id": "b", "_source": {"n": 12}, "_version": 6}', 'both changed');
my ($first) = heard($listener);
like($first->[1], qr/^\{"index":"d","collection":"c","action":"update","event":"write","timestamp":\d{13},"result":\{"_id":"b","_version":5,"_source":\{"n": 11},"_updatedFields":\["n"\]}}$/,
	'the text of a payload');

#
# A generated id is told as it was answered.
#
my $created = $json->decode($writer->query("SELECT kz_create('d', 'c', '{}')"));
is_deeply([ heard_payloads($listener) ], [ one(create => qq[{"_id": "$created->{_id}", "_version": 1, "_source": {}}]) ],
	'a generated id');

#
# Limits
#

# A document that fills a notification to the byte, and one byte more.
sub filler
{
	my ($id, $length) = @_;

	return call('kz_create', qq[jsonb_build_object('t', repeat('x', $length)), '$id']);
}

$writer->query(filler('f', 100));
my ($payload) = map { $_->[1] } heard($listener);
# A bracket that only those for many have has its place in every notification.
my $most = 7998 - length($payload) + 100;
$writer->query(filler('g', $most));
($payload) = map { $_->[1] } heard($listener);
is(length($payload), 7998, 'a notification is filled to the byte');
is(length($json->decode($payload)->{result}->{_source}->{t}), $most, 'with the whole document');
$writer->query(filler('h', $most + 1));
is_deeply([ heard_payloads($listener) ], [ one(create => '{"_id": "h", "_version": 1, "truncated": true}') ],
	'a longer one comes without its source');
$writer->query(call('kz_update', q['h', '{"u": 1}']));
is_deeply([ heard_payloads($listener) ],
	[ one(update => '{"_id": "h", "_version": 2, "_updatedFields": ["u"], "truncated": true}') ],
	'an update of a longer one has its paths');
$writer->query(call('kz_update', q['h', (SELECT jsonb_object_agg('key' || k, k) FROM generate_series(1, 1000) k)]));
is_deeply([ heard_payloads($listener) ], [ one(update => '{"_id": "h", "_version": 3, "truncated": true}') ],
	'if not even they fit, it has not');
$writer->query(call('kz_mdelete', q['{h,f}']));
is_deeply([ heard_payloads($listener) ], [ many([ delete => '{"_id": "h", "_version": 3, "truncated": true}',
		delete => '{"_id": "f", "_version": 1, "_source": {"t": "' . 'x' x 100 . '"}}' ]) ],
	'among many, one is truncated');

# What is much shorter as text than as it is stored
$writer->query(call('kz_create', q[jsonb_build_object('t', (SELECT jsonb_agg(n % 10) FROM generate_series(1, 2600) n)), 'short']));
is(scalar(@{ $json->decode((heard($listener))[0]->[1])->{result}->{_source}->{t} }), 2600, 'short numbers fit');

# Two documents of a call that fill a notification together, and that just do not.
sub pair
{
	my ($length) = @_;

	$writer->query(call('kz_mcreate_or_replace', qq[jsonb_build_array(
		jsonb_build_object('_id', 'p', 'body', jsonb_build_object('t', repeat('x', 100), 'n', $length)),
		jsonb_build_object('_id', 'q', 'body', jsonb_build_object('t', repeat('x', $length), 'n', $length)))]));
	return map { $_->[1] } heard($listener);
}

($payload) = pair(1000);
$most = 7999 - length($payload) + 1000;
$writer->query(call('kz_mdelete', q['{p,q}']));
heard($listener);
is_deeply([ map { length } pair($most) ], [ 7999 ], 'many fill a notification to the byte');
$writer->query(call('kz_mdelete', q['{p,q}']));
heard($listener);
is_deeply([ map { scalar @{ $json->decode($_)->{results} } } pair($most + 1) ], [ 1, 1 ], 'or come in two');

# Everything that can't be left out, as long as it can be.
my $longest = 'x' x 126;
$node->safe_psql('postgres', qq{
	SELECT kz_create_collection('$longest', '$longest', settings => '{"notifications": "notify"}')});
my $channel = $node->safe_psql('postgres', "SELECT kz_channel('$longest', '$longest')");
is(length($channel), 63, 'a long name has a channel of 63 bytes');
my $far_away = session($channel);
$writer->query(qq{SELECT kz_mcreate('$longest', '$longest', jsonb_build_array(jsonb_build_object('_id', repeat(E'\\x01', 512),
	'body', jsonb_build_object('t', repeat('x', 8000)))), kuid => repeat(E'\\x01', 512))});
my @heard = heard_payloads($far_away);
is_deeply(\@heard, [ many([ create => '{"_id": "' . '\u0001' x 512 . '", "_version": 1, "truncated": true}' ],
		index => $longest, collection => $longest, kuid => "\x01" x 512) ],
	'the longest names, id and user fit');

# Ten thousand documents: all there, once and in order, in so many notifications.
sub is_complete
{
	my ($name, $limit, $fewest, $most_of_them, @payloads) = @_;
	my $head = qr/^\{"index":"d","collection":"c","action":"create","event":"write","timestamp":\d{13},"results":\[(.*)\]\}$/;
	my $results = join(',', map { $_ =~ $head } @payloads);

	is(scalar(grep { length > $limit } @payloads), 0, "$name: none is too long");
	ok($results eq join(',', map {
		qq[{"_id":"$_","_version":1,"action":"create","event":"write","_source":{"t": "] . 'é' x 20 . qq[$_"}}] } 1 .. 10000),
		"$name: all documents are there");
	cmp_ok(scalar(@payloads), '>=', $fewest, "$name: in many");
	cmp_ok(scalar(@payloads), '<=', $most_of_them, "$name: but not too many");
	return;
}

my $many = q[(SELECT jsonb_agg(jsonb_build_object('_id', n::text, 'body', jsonb_build_object('t', repeat('é', 20) || n)))
	FROM generate_series(1, 10000) n), source => false];
$writer->query(call('kz_mcreate', $many) . ' \g /dev/null');
is_complete('notify', 7999, 150, 200, map { $_->[1] } heard($listener));
$writer->query(call('kz_mdelete', q[(SELECT array_agg(n::text) FROM generate_series(1, 10000) n), silent => true]) . ' \g /dev/null');

# Messages are longer, and leave nothing out but too many paths.
sub decoded
{
	return messages($node->safe_psql('postgres', q{
		SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL) WHERE data LIKE 'message%'}));
}

$node->safe_psql('postgres', setting('c', 'message') . q[; SELECT pg_create_logical_replication_slot('s', 'test_decoding')]);
$writer->query(call('kz_mcreate', $many) . ' \g /dev/null');
is_complete('message', 1024 * 1024, 2, 3, map { $_->[1] } decoded());
$writer->query(call('kz_upsert', q['big', jsonb_build_object('t', repeat('x', 2000000))]));
my ($big) = map { $_->[1] } decoded();
ok($big =~ /"_source":\{"t": "(x+)"\}\}\}$/ && length($1) == 2000000, 'message: a large document is whole');

# So many leaves that their paths have 64 kB, with a separator each, and one byte more.
foreach my $more (0, 1)
{
	my $last = 'z' x (64 * 1024 - 5000 * 10 - 1 + $more);
	$writer->query(call('kz_update', qq['b', jsonb_build_object('$last', $more, 'o$more',
		(SELECT jsonb_object_agg(lpad(n::text, 6, '0'), n) FROM generate_series(1, 5000) n))]));
	my ($told) = map { $json->decode($_->[1])->{result} } decoded();
	my $paths = $told->{_updatedFields} // [];
	is(scalar(@$paths) . ($told->{truncated} // ''), $more ? '0' . $json->true : 5001,
		$more ? 'message: too many paths' : 'message: as many paths as there can be');
}

#
# The order of commits
#
# Clients change documents that they have in common, and at the end of each
# transaction one of their own, which says which it is.  What logical decoding
# shows is the order of commits.
#
$node->safe_psql('postgres', documents() . q{
	CREATE PROCEDURE client(client int)
	LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM setseed(client / 10.0);
		FOR turn IN 1 .. 60 LOOP
			PERFORM kz_mupsert('d', 'c', (
				SELECT coalesce(jsonb_agg(jsonb_build_object('_id', 'hot-' || n, 'changes', jsonb_build_object('by', client, 'turn', turn))), '[]')
				FROM generate_series(1, 5) n WHERE random() < 0.5), source => false);
			BEGIN
				PERFORM kz_upsert('d', 'c', 'undone-' || client, '{"n": 1}');
				RAISE EXCEPTION 'no';
			EXCEPTION WHEN OTHERS THEN
			END;
			PERFORM kz_upsert('d', 'c', 'last-' || client, jsonb_build_object('turn', turn));
			IF random() < 0.2 THEN ROLLBACK; ELSE COMMIT; END IF;
		END LOOP;
	END $$});

# Each document's versions, and the order in which the last ones of transactions
# came, in one list.
sub orders
{
	my %versions;

	foreach (@_)
	{
		my ($id, $version) = @$_;
		push @{ $versions{ $id =~ /^last/ ? 'last' : $id } }, "$id/$version";
	}
	return \%versions;
}

sub run_clients
{
	my @said = ('') x 4;
	my @running = map {
		IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', "CALL client($_)" ],
			'<', \undef, '>&', \$said[ $_ - 1 ]) } 1 .. 4;

	$_->finish or die "a client failed: @said" foreach @running;
	return;
}

foreach my $means (qw(notify message))
{
	$node->safe_psql('postgres', setting('c', $means) . q{;
		DELETE FROM d.c;
		SELECT pg_replication_slot_advance('s', pg_current_wal_lsn())});
	run_clients();
	my @stream = split(/\n/, $node->safe_psql('postgres', q{SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL)}));
	my @written = map { /^table d\.c: (?:INSERT|UPDATE): _id\[text\]:'(.*?)' _version\[bigint\]:(\d+)/ ? [ $1, $2 ] : () } @stream;
	my @told = map { $json->decode($_->[1]) } $means eq 'notify' ? heard($listener) : messages(join("\n", @stream));
	my $orders = orders(map { [ $_->{_id}, $_->{_version} ] } map { $_->{result} // @{ $_->{results} } } @told);

	is_deeply($orders, orders(@written), "$means: what is told has the order of commits");
	is(scalar(grep { $_ ne join(' ', sort { ($a =~ s/.*\///r) <=> ($b =~ s/.*\///r) } split / /) }
		map { join(' ', @{ $orders->{$_} }) } grep { !/^last/ } keys %$orders), 0, "$means: versions ascend");
	cmp_ok(scalar(@{ $orders->{last} }), '>', 100, "$means: there was something to tell");
}
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('s')} . ';' . setting('c', 'notify'));

#
# Listeners that die
#
sub queue_usage
{
	return $node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()');
}

# One that is in a transaction keeps the queue; its client is killed, then a
# backend is ended.
my $slow = session('kz:d:c');
$node->poll_query_until('postgres', 'SELECT pg_notification_queue_usage() = 0') or die 'the queue is not empty';
$slow->query('BEGIN');
$writer->query(call('kz_mupsert', $many =~ s/'body'/'changes'/r) . ' \g /dev/null');
cmp_ok(queue_usage(), '>', 0, 'a listener in a transaction keeps notifications in the queue');
cmp_ok(scalar(heard($listener)), '>', 100, 'another one hears them');
$slow->{run}->kill_kill(grace => 0);
pop @sessions;
ok($node->poll_query_until('postgres', 'SELECT pg_notification_queue_usage() = 0'), 'once it was killed, the queue is emptied');
my $gone = session('kz:d:c');
my $pid = $gone->query('SELECT pg_backend_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
$gone->{run}->kill_kill;
pop @sessions;
is(sqlstate($writer, call('kz_upsert', q['a', '{"n": 1}'])), '', 'a call succeeds');
is(scalar(heard($listener)), 1, 'and the other listener hears it');

#
# Who can turn it on
#
$node->safe_psql('postgres', documents() . setting('c', 'off') . q{;
	CREATE ROLE guest LOGIN;
	GRANT USAGE ON SCHEMA d TO guest;
	GRANT SELECT, INSERT, UPDATE, DELETE ON d.c, d.checked TO guest;
	GRANT CREATE ON DATABASE postgres TO guest;
	ALTER TABLE d.checked ENABLE ROW LEVEL SECURITY;
	CREATE POLICY visible ON d.checked USING (_id <> 'b')});
my $settings = $node->safe_psql('postgres', 'SELECT * FROM kz_catalog.collection ORDER BY 1, 2');
my $guest = session();
my $stranger = session('kz:d:c');
$_->query('SET SESSION AUTHORIZATION guest') foreach $guest, $stranger;

my @attempts = (
	[ setting('c', 'notify'), '42501' ],
	[ q[SELECT kz_create_collection('d', 'c', settings => '{"notifications": "notify"}')], '42501' ],
	[ q[SELECT kz_attach_collection('d', 'other', 'd.c')], '42501' ],
	[ request('collection:update', '{"body": {"settings": {"notifications": "notify"}}}'), '42501' ],
	[ request('collection:create', '{"body": {"settings": {"notifications": "notify"}}}'), '42501' ],
	[ q[SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "d", "collectionName": "c", "dimension": 2,
		"params": {"notifications": "notify"}}')], '' ],
	[ q[SELECT kz_milvus('/v2/vectordb/collections/alter_properties', '{"dbName": "d", "collectionName": "c",
		"properties": {"notifications": "notify"}}')], '' ],
	[ q[UPDATE kz_catalog.collection SET settings = '{"notifications": "notify"}'], '42501' ],
	[ q[INSERT INTO kz_catalog.collection SELECT index, 'other', schema_name, table_name, attached, mappings,
		'{"notifications": "notify"}', 99 FROM kz_catalog.collection WHERE name = 'c'], '42501' ],
	[ q[SELECT kz_create_index('own')], '' ],
	[ q[SELECT kz_attach_collection('own', 'c', 'd.c')], '42501' ]);
foreach my $attempt (@attempts)
{
	is(sqlstate($guest, $attempt->[0]), $attempt->[1], "guest: $attempt->[0]");
}
is($node->safe_psql('postgres', q{SELECT * FROM kz_catalog.collection WHERE index <> 'own' ORDER BY 1, 2}), $settings,
	'guest has changed no setting');
is(sqlstate($guest, $set_9), '', 'guest writes');
is_deeply([ heard($listener) ], [], 'and nothing is told');

# The owner turns it on: who writes needs no more rights, and nothing is told of
# what a policy does not let him write.
$node->safe_psql('postgres', setting('checked', 'notify') . ';' . setting('c', 'notify'));
is(sqlstate($guest, call('checked.kz_update', q['b', '{"n": 9}'])), 'KZ404', 'guest does not see the document');
is(sqlstate($guest, call('checked.kz_upsert', q['b', '{"n": 9}'])), '42501', 'and can not make it');
$guest->query(call('checked.kz_mupsert', q['[{"_id": "b", "changes": {"n": 9}}, {"_id": "a", "changes": {"n": 9}}]']));
is_deeply([ heard_payloads($listener) ], [ many([ update => $a_is_9 ], collection => 'checked') ],
	'what a policy refuses is not told');
$guest->query(call('kz_delete', q['b']));
is_deeply([ heard_payloads($listener) ], [ one(delete => "{$b_was}") ], 'what guest writes is told');
is(scalar(heard($stranger)), 1, 'to everybody who listens');

# What a superuser has put into the catalogue is off, unless it is one of the
# settings.
foreach my $hostile ('5', '"notify"', '["notifications", "notify"]', '{"notifications": 5}', '{"notifications": "NOTIFY"}',
	'{"notifications": ["notify"]}', '{"notifications": {"notify": true}}', '{"notifications": ""}', '{"notifications": "notif"}',
	'{"notifications": true}', '{"notifications": null}', '{}', 'null')
{
	$session->query(qq{UPDATE kz_catalog.collection SET settings = '$hostile' WHERE index = 'd' AND name = 'c'});
	is(sqlstate($writer, call('kz_create_or_replace', q['a', jsonb_build_object('at', clock_timestamp())])), '',
		"settings $hostile: a call succeeds");
	is_deeply([ heard($listener) ], [], "settings $hostile: nothing is told");
}
$session->query(q{UPDATE kz_catalog.collection SET settings = '{"notifications": "notify"}' WHERE index = 'd' AND name = 'c'});
$writer->query(call('kz_delete', q['a']));
is(scalar(heard($listener)), 1, 'a setting that a superuser has written is obeyed');

#
# Triggers
#
# What a BEFORE trigger makes of a document is what is told; here it makes any
# document of any other.
#
$node->safe_psql('postgres', q{
	SELECT kz_create_collection('d', 'become', settings => '{"notifications": "notify"}');
	CREATE FUNCTION become() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		NEW._source := NEW._source -> 'become';
		RETURN NEW;
	END $$;
	CREATE TRIGGER become BEFORE UPDATE ON d.become FOR EACH ROW EXECUTE FUNCTION become();
	INSERT INTO d.become VALUES ('x', 1, '{"n": 1}')});
$session->query('LISTEN "kz:d:become"');
$session->query('LISTEN mark');
$writer->query(call('become.kz_update', q['x', '{"become": {"m": 1}}']));
is_deeply([ heard_payloads($session) ],
	[ one(update => '{"_id": "x", "_version": 2, "_source": {"m": 1}, "_updatedFields": ["m", "n"]}', collection => 'become') ],
	'what a trigger has stored is told');

# Random pairs of documents, compared by another way to say the same: the leaves
# of each as a set.  One that is new, or other, counts; one that is gone counts if
# what it was in is still an object with something in it, up to where it is gone.
$node->safe_psql('postgres', q{
	CREATE FUNCTION nodes(doc jsonb, OUT path text[], OUT value jsonb) RETURNS SETOF record LANGUAGE sql AS $$
		WITH RECURSIVE node (path, value) AS (
			VALUES ('{}'::text[], doc)
			UNION ALL
			SELECT path || key, e.value
			FROM node, jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS e (key, value)
			WHERE key <> '_kuzzle_info')
		TABLE node $$;
	CREATE FUNCTION is_leaf(value jsonb) RETURNS bool LANGUAGE sql AS $$
		SELECT jsonb_typeof(value) <> 'object' OR value = '{}' $$;
	CREATE FUNCTION changed(before jsonb, after jsonb) RETURNS jsonb LANGUAGE sql AS $$
		WITH b AS MATERIALIZED (SELECT * FROM nodes(before)), a AS MATERIALIZED (SELECT * FROM nodes(after)),
		found AS (
			SELECT path FROM a
			WHERE is_leaf(value) AND NOT EXISTS (SELECT FROM b WHERE b.path = a.path AND b.value::text = a.value::text)
			UNION
			SELECT path FROM b
			WHERE is_leaf(value) AND EXISTS (
				SELECT FROM generate_subscripts(path, 1) AS depth
				WHERE NOT EXISTS (SELECT FROM a WHERE a.path = b.path[:depth])
					AND EXISTS (SELECT FROM a WHERE a.path = b.path[:depth - 1] AND (depth = 1 OR NOT is_leaf(a.value)))))
		SELECT coalesce(jsonb_agg(array_to_string(path, '.') ORDER BY (
			SELECT string_agg(lpad(octet_length(key)::text, 4, '0') || key || E'\x01', '' ORDER BY place)
			FROM unnest(path) WITH ORDINALITY AS k (key, place)) COLLATE "C"), '[]')
		FROM found WHERE path <> '{}' $$;
	CREATE FUNCTION random_value(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		IF depth > 0 AND random() < 0.6 THEN
			RETURN random_object(depth - 1);
		END IF;
		RETURN jsonb '[1, 1, 1.0, 2, "1", "", null, true, false, [], [1], [{"a": 1}], {}]' -> floor(random() * 13)::int;
	END $$;
	CREATE FUNCTION random_object(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		object jsonb := '{}';
	BEGIN
		FOR i IN 1 .. floor(random() * 5) LOOP
			object := object || jsonb_build_object(
				'["a", "b", "bb", "é", "a.b", "", "_kuzzle_info"]'::jsonb ->> floor(random() * 7)::int, random_value(depth));
		END LOOP;
		RETURN object;
	END $$;
	CREATE TABLE pair (n int, before jsonb, after jsonb);
	CREATE PROCEDURE change_pairs() LANGUAGE plpgsql AS $$
	BEGIN
		FOR n IN 1 .. 400 LOOP
			INSERT INTO pair VALUES (n, random_object(3), random_object(3));
		END LOOP;
		INSERT INTO d.become SELECT n, 1, before FROM pair;
		PERFORM kz_update('d', 'become', n::text, jsonb_build_object('become', after), kuid => 'ada') FROM pair ORDER BY n;
	END $$});
$writer->query('SELECT setseed(0.5)');
is(sqlstate($writer, 'CALL change_pairs()'), '', 'random pairs of documents');
my @told = map { $json->decode($_->[1])->{result} } heard($session);
my @expected = split(/\n/, $node->safe_psql('postgres', 'SET jit = off; SELECT changed(before, after) FROM pair ORDER BY n'));
is(scalar(@told), 400, 'each of 400 random pairs is told');
my ($wrong) = grep { $json->encode($told[$_]->{_updatedFields}) ne $json->encode($json->decode($expected[$_])) } 0 .. $#told;
ok(!defined $wrong, 'with the paths that have changed')
  or diag(map { "$_\n" } $node->safe_psql('postgres', "SELECT before, after FROM pair WHERE n = $wrong + 1"),
	$json->encode($told[$wrong]->{_updatedFields}), $expected[$wrong]);

# A trigger that writes elsewhere: each collection's setting is its own.
$node->safe_psql('postgres', documents() . q{
	SELECT kz_create_collection('d', 'log');
	CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM kz_create('d', 'log', NEW._source, NEW._id || NEW._version);
		IF NEW._source ? 'late' THEN
			RAISE EXCEPTION 'no';
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER log AFTER UPDATE ON d.parts FOR EACH ROW EXECUTE FUNCTION log()});
$session->query(qq{LISTEN "kz:d:$_"}) foreach qw(parts log);
my $logged = one(create => '{"_id": "b2", "_version": 1, "_source": {"n": 9}}', collection => 'log');
my $changed = one(update => $b_is_9, collection => 'parts');
foreach my $case ([ 'off', 'off' ], [ 'off', 'notify', $logged ], [ 'notify', 'off', $changed ], [ 'notify', 'notify', $logged, $changed ])
{
	my ($parts, $log, @expected_of_both) = @$case;
	$node->safe_psql('postgres', documents() . 'DELETE FROM d.log;' . setting('parts', $parts) . ';' . setting('log', $log));
	$writer->query(call('parts.kz_update', q['b', '{"n": 9}']));
	is_deeply([ heard_payloads($session) ], \@expected_of_both, "a trigger writes to another collection: $parts, $log");
}
$node->safe_psql('postgres', documents() . 'DELETE FROM d.log');
$writer->query(call('parts.kz_mupdate', q['[{"_id": "a", "body": {"late": 1}}, {"_id": "b", "body": {"n": 9}}]']));
is_deeply([ heard_payloads($session) ], [ $logged, many([ update => $b_is_9 ], collection => 'parts') ],
	'what a trigger has written before its row was rejected is not told');

#
# Channels
#
foreach my $name ('é' x 40, 'é' x 41, 'éx' x 30)
{
	$node->safe_psql('postgres', qq{SELECT kz_create_collection('d', '$name', settings => '{"notifications": "notify"}')});
	my $its = $node->safe_psql('postgres', qq{SELECT kz_channel('d', '$name')});
	$session->query(qq{LISTEN "$its"});
	$writer->query(qq{SELECT kz_create('d', '$name', '{}', 'x')});
	is_deeply([ map { $_->[0] } heard($session) ], [ $its ], "LISTEN works with the channel of $name");
}

#
# Two phases, a dump, and a server without logical decoding
#
$node->safe_psql('postgres', documents() . setting('c', 'notify') . ';' . setting('checked', 'message'));
$writer->query('BEGIN');
$writer->query($set_9);
is(sqlstate($writer, q{PREPARE TRANSACTION 'p'}), '0A000', 'PREPARE TRANSACTION is refused after a notification');
is_deeply([ heard($listener) ], [], 'and nothing is told');
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')});
$writer->query('BEGIN');
$writer->query(call('checked.kz_update', q['b', '{"n": 9}']));
is(sqlstate($writer, q{PREPARE TRANSACTION 'p'}), '', 'but not after a message');
is(scalar(decoded()), 0, 'which is not told before the transaction is committed');
$writer->query(q{COMMIT PREPARED 'p'});
is_deeply([ map { masked($_->[1]) } decoded() ], [ one(update => $b_is_9, collection => 'checked') ], 'and is then');
$_->quit foreach @sessions;

$node->safe_psql('postgres', 'DROP PROCEDURE client; DROP TABLE pair; DROP FOREIGN TABLE d.far; CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'sh', '-c', 'pg_dump -d "$1" | psql -X -q -v ON_ERROR_STOP=1 -d "$2"', 'sh',
		$node->connstr('postgres'), $node->connstr('restored') ], 'dumped and restored');
is_deeply([ heard_payloads_of('restored', $set_9) ], [ one(update => $a_is_9) ], 'a restored collection notifies');

sub heard_payloads_of
{
	my ($database, $sql) = @_;

	return map { masked($_->[1]) } notifications($node->safe_psql($database, qq{LISTEN "kz:d:c"; $sql}));
}

$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('s')});
$node->append_conf('postgresql.conf', 'wal_level = replica');
$node->restart;
my ($rc, $out, $err) = $node->psql('postgres', setting('c', 'message') . ";\n" . call('kz_update', q['b', '{"n": 9}']) . ";\n"
	. call('kz_mdelete', q['{b}']) . ";\n" . setting('c', 'notify'));
is($rc, 0, 'without wal_level = logical calls succeed');
is(scalar(() = $err =~ /WARNING/g), 1, 'with one warning');
like($err, qr/WARNING:  no notifications are written while wal_level is less than "logical"/, 'which says why');
$node->safe_psql('postgres', documents() . setting('c', 'message'));
my $lsn = $node->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn()");
$node->safe_psql('postgres', $set_9);
my ($stdout) = run_command([ 'pg_waldump', '--rmgr=LogicalMessage', '-p', $node->data_dir . '/pg_wal', '-s', $lsn ]);
is($stdout, '', 'no message is in the WAL');
$node->safe_psql('postgres', documents() . setting('c', 'notify'));
is_deeply([ heard_payloads_of('postgres', $set_9) ], [ one(update => $a_is_9) ], 'and NOTIFY works');

done_testing();
