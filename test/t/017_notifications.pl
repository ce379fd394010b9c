# What is told of changes: the payload of every way to write, through both writers
# and both means; how large it can be; and which paths have changed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Notifications;

start_server();

#
# Every way to write
#
# A case is what is done, and what is told then; a hash has the SQLSTATE of an error
# that it must end with.  Before each, documents() are there.
#
my $by_nobody = '"_kuzzle_info": {"author": "-1", "createdAt": "now", "updatedAt": null, "updater": null}';
my $replaced_by_nobody = '"_kuzzle_info": {"author": "-1", "createdAt": "now", "updatedAt": "now", "updater": "-1"}';
my $updated_by = '"_kuzzle_info": {"updater": "%s", "updatedAt": "now"}';
my $a_replaced = '{"_id": "a", "_version": 4, "_source": {"k": 1}}';

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
	[ 'rejected upsert', milvus('/v2/vectordb/entities/upsert', '{"data": [{"id": 1, "vector": [3, 4]}, {"id": 2, "vector": [1, 2], "bad": 1}]}') ],
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
		[ '{"a": true}', '{"a": false}', '{"a": false}', '["a"]' ],
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
	my @strays;
	foreach ($means eq 'notify' ? notifications($out) : messages($out))
	{
		my ($channel, $payload) = @$_;
		if ($channel eq 'mark') { push @outcomes, []; next }
		my $told = $json->decode($payload);
		push @strays, $channel if $channel ne ($means eq 'message' ? 'kz' : "kz:$told->{index}:$told->{collection}");
		push @{ $outcomes[-1] }, masked($payload);
	}
	pop @outcomes;
	is(scalar(@outcomes), scalar(@cases), "$means, direct writes $direct: all cases were done");
	is("@strays", '', "$means, direct writes $direct: all channels are right");
	my @errors = split(/mark\n/, $err);
	return map { [ ($errors[$_] // '') =~ /ERROR:\s+(\w{5})/ ? $1 : '', $outcomes[$_] ] } 0 .. $#cases;
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
# To the letter
#
set_all('off');
my $listener = session('kz:d:c');
my $writer = session();
$node->safe_psql('postgres', documents() . setting('c', 'notify'));
$writer->query($set_9);
like((heard($listener))[0]->[1], qr/^\{"index":"d","collection":"c","action":"update","event":"write","timestamp":\d{13},"result":\{"_id":"a","_version":4,"_source":\{"n": 9, "o": \{"x": 1, "y": 2\}\},"_updatedFields":\["n"\]\}\}$/,
	'the text of a payload');

# A generated id is told as it was answered.
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
$listener->query('LISTEN "kz:d:become"');
$writer->query(call('become.kz_update', q['x', '{"become": {"m": 1}}']));
is_deeply([ heard_payloads($listener) ],
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
		RETURN jsonb '[1, 1, 1.0, 2, "1", "2", null, true, false, [], [1], [{"a": 1}], {}]' -> floor(random() * 13)::int;
	END $$;
	CREATE FUNCTION random_object(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		object jsonb := '{}';
	BEGIN
		FOR i IN 1 .. floor(random() * 5) LOOP
			object := object || jsonb_build_object(
				'["a", "bb", "é", "a.b", "_kuzzle_info"]'::jsonb ->> floor(random() * 5)::int, random_value(depth));
		END LOOP;
		RETURN object;
	END $$;
	CREATE TABLE pair (n int, before jsonb, after jsonb);
	CREATE PROCEDURE change_pairs() LANGUAGE plpgsql AS $$
	BEGIN
		FOR n IN 1 .. 1200 LOOP
			INSERT INTO pair VALUES (n, random_object(3), random_object(3));
		END LOOP;
		INSERT INTO d.become SELECT n, 1, before FROM pair;
		PERFORM kz_update('d', 'become', n::text, jsonb_build_object('become', after), kuid => 'ada') FROM pair ORDER BY n;
	END $$});
$writer->query('SELECT setseed(0.5)');
is(sqlstate($writer, 'CALL change_pairs()'), '', 'random pairs of documents');
my @told = map { $json->decode($_->[1])->{result} } heard($listener);
my @expected = split(/\n/, $node->safe_psql('postgres', 'SET jit = off; SELECT changed(before, after) FROM pair ORDER BY n'));
is(scalar(@told), 1200, 'each of 1200 random pairs is told');
my ($wrong) = grep { $json->encode($told[$_]->{_updatedFields}) ne $json->encode($json->decode($expected[$_])) } 0 .. $#told;
ok(!defined $wrong, 'with the paths that have changed')
  or diag(map { "$_\n" } $node->safe_psql('postgres', "SELECT before, after FROM pair WHERE n = $wrong + 1"),
	$json->encode($told[$wrong]->{_updatedFields}), $expected[$wrong]);
quit();
done_testing();
