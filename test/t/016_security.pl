# What somebody with few rights, or with nothing but the bodies of requests, tries:
# hostile strings in every argument, traps in the search_path, tables that run their
# owner's code, settings, requests that are made to take time and memory, and
# versions at the ends of their range. SECURITY.md says what is promised.
#
# KZ_BOMB is how many times larger the bombs are than in the short form: 1 if it is
# not set.

use strict;
use utf8;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $scale = $ENV{KZ_BOMB} || 1;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ "--encoding=UTF8", "--no-locale" ]);
$node->append_conf('postgresql.conf', q{
	fsync = off
	autovacuum = off
	client_min_messages = warning
	max_stack_depth = 2MB});
$node->start;

# Run statements in the database; what they print, without line ends at the end.
sub run
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, $sql, on_error_stop => 0, extra_params => ['-q']);

	die "psql: $err" if $status != 0;
	$out =~ s/(?<=At": )\d+/0/g;
	return ($out, $err);
}

# The extension in the schema that everybody has, and in one of its own.
my %schemas = (shared => 'public', apart => 'kz');
foreach my $database (sort keys %schemas)
{
	my $schema = $schemas{$database};

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE SCHEMA IF NOT EXISTS $schema; CREATE EXTENSION kz SCHEMA $schema");
}

#
# Hostile strings in every argument that can hold one. The arguments come from
# pg_proc, so that no function is left out; in requests, every string is replaced.
#
$node->safe_psql('shared', q{
	CREATE TABLE canary AS SELECT 1 AS alive;
	SELECT kz_create_collection('inj', 'docs');
	SELECT kz_create('inj', 'docs', '{"a": 1}', 'a');
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "inj", "collectionName": "vec", "dimension": 2}');
	CREATE TABLE inj.plain (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
	CREATE TABLE hostile (string text);
	INSERT INTO hostile (string) VALUES
		($$'; DROP TABLE canary; --$$), ($$\'; DROP TABLE canary; --$$), 
		($$'); DROP TABLE canary; --$$), ($$") VALUES (1); DROP TABLE canary; --$$), ($$" OR 1 == 1 OR id == "$$), ($x$$$; DROP TABLE canary; $$$x$),
		('$1'), ('--'), ('%s%s%s%n%m%1$s%'), ('{x}'), ('%27%3B%20DROP%20TABLE%20canary%3B%20--'),
		(E'a\nb'), (E'\x01\x02\x1b[31m'), (E'\u2019; DROP TABLE canary; --'), (E'\u2028\u202e'), (E'e\u0301'),
		(U&'\D83D\DE00'), ('U&"d\0061t\+000061"'), ('E''\047'''), ('pg_temp.docs'), ('"inj"."docs"'),
		('select'), ('user'), ('InJ'), (''), ('\'), ('1e131071'),
		(repeat('x', 64)), (repeat(E'\u00e9', 32)), (repeat('''', 126)), (repeat('"', 1000)), (repeat('$', 126)), (repeat('%', 2000)), (repeat('\', 2001));

	/* The statement's outcome, which is undone: ok or the SQLSTATE. */
	CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $f$
	BEGIN
		EXECUTE statement;
		IF (SELECT count(*) FROM canary WHERE alive = 1) <> 1 THEN
			RETURN 'INJECTED';
		END IF;
		RAISE SQLSTATE 'UNDO0';
	EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
		RETURN 'ok';
	WHEN OTHERS THEN
		RETURN SQLSTATE || CASE WHEN SQLSTATE ~ '^(KZ|22|54)' THEN '' ELSE ' ' || left(SQLERRM, 200) END;
	END $f$;

	/* Documents made of one by putting a string in the place of each of its strings, and of the keys of those. */
	CREATE FUNCTION with_string(document jsonb, string text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $f$
	DECLARE
		key text;
		value jsonb;
		i int := 0;
	BEGIN
		IF jsonb_typeof(document) = 'object' THEN
			FOR key, value IN SELECT * FROM jsonb_each(document) LOOP
				RETURN QUERY SELECT document || jsonb_build_object(key, w) FROM with_string(value, string) AS w;
				RETURN NEXT document || jsonb_build_object(string, value);
			END LOOP;
		ELSIF jsonb_typeof(document) = 'array' THEN
			FOR value IN SELECT * FROM jsonb_array_elements(document) LOOP
				RETURN QUERY SELECT jsonb_set(document, ARRAY[i::text], w) FROM with_string(value, string) AS w;
				i := i + 1;
			END LOOP;
		ELSIF jsonb_typeof(document) = 'string' THEN
			RETURN NEXT to_jsonb(string);
		END IF;
	END $f$;

	-- an argument is of a kind, which has a value that is good
	CREATE TABLE good (name text, type regtype, value text);
	INSERT INTO good VALUES ('index', 'text', 'inj'), ('collection', 'text', 'docs'), ('id', 'text', 'a'), ('refresh', 'text', 'false'), ('kuid', 'text', 'me'),
		('ids', 'text[]', '{a}'), ('fields', 'text[]', '{a}'), ('changes', 'jsonb[]', '{"{\"a\": 2}"}'), ('defaults', 'jsonb[]', '{"{}"}'),
		('documents', 'jsonb', '[{"_id": "a", "body": {"k": "v"}, "changes": {"k": "v"}, "default": {}}]'), ('mappings', 'jsonb', '{"dynamic": "true", "properties": {"a": {"type": "keyword"}}}'),
		('settings', 'jsonb', '{"k": "v"}'), ('body', 'jsonb', '{"k": "v"}'), ('changes', 'jsonb', '{"k": "v"}'), ('defaults', 'jsonb', '{"k": "v"}'),
		('target', 'jsonb', '{"k": "v"}'), ('relation', 'regclass', 'inj.plain'), ('method', 'text', 'GET'), ('target', 'text', '/inj/docs/a'),
		('headers', 'jsonb', '{"Origin": "o", "Authorization": "Bearer t", "X-Kuzzle-Volatile": "{}", "Content-Type": "application/json"}'), ('body', 'text', '{}'),
		('request', 'jsonb', '{"controller": "document", "action": "get", "index": "inj", "collection": "docs", "_id": "a", "requestId": "r", "jwt": "t", "volatile": {"sdkName": "js@7"}}'),
		('path', 'text', '/v2/vectordb/entities/query');

	CREATE VIEW argument AS
	SELECT p.oid, p.proname, a.name, t.oid::regtype AS type, a.ord, coalesce(g.value, CASE WHEN a.ord <= p.pronargs - p.pronargdefaults THEN 'MISSING' END) AS value
	FROM pg_proc p, unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (oid, ord), unnest(p.proargnames[:p.pronargs]) WITH ORDINALITY AS a (name, ord)
		LEFT JOIN good g ON g.name = a.name
	WHERE p.probin ~ '[$/]kz$' AND p.prokind = 'f' AND t.ord = a.ord AND (g.type = t.oid OR g.type IS NULL);

	/* A call of a function with one argument in the place of its own. */
	CREATE FUNCTION call_with(function oid, at bigint, value text) RETURNS text LANGUAGE sql AS $f$
		SELECT format('SELECT %I(%s)', min(proname), string_agg(format('%I => %L::%s', name, CASE WHEN ord = at THEN call_with.value ELSE argument.value END, type), ', ' ORDER BY ord)
			FILTER (WHERE ord = at OR argument.value IS NOT NULL))
		FROM argument WHERE oid = function
	$f$;
});

is($node->safe_psql('shared', q{SELECT string_agg(proname || ' ' || name, ', ') FROM argument WHERE value = 'MISSING'}), '',
	'there is a good value for every argument that has no default');
is($node->safe_psql('shared', q{SELECT count(*) FROM pg_proc p WHERE probin ~ '[$/]kz$' AND pronargs > 0 AND NOT EXISTS (SELECT FROM argument a WHERE a.oid = p.oid)}), '0',
	'all functions are called');

foreach my $settings ('', 'SET standard_conforming_strings = off; SET backslash_quote = on; SET quote_all_identifiers = on; SET kz.direct_writes = off;')
{
	# Settings of quotes matter to strings that have some.
	$node->safe_psql('shared', q{DELETE FROM hostile WHERE string !~ '[\\\\''"$]'}) if $settings;
	my ($out, $err) = run('shared', qq{
		SET client_min_messages = error; $settings
		CREATE TEMPORARY TABLE attempted AS
		SELECT statement, attempt(statement) AS outcome FROM (
			SELECT call_with(a.oid, a.ord, string) AS statement FROM argument a, hostile WHERE type = 'text'::regtype
			UNION ALL
			SELECT call_with(a.oid, a.ord, ARRAY[string]::text) FROM argument a, hostile WHERE type = 'text[]'::regtype
			UNION ALL
			SELECT call_with(a.oid, a.ord, w::text) FROM argument a, hostile, with_string(value::jsonb, string) AS w WHERE type = 'jsonb'::regtype
			UNION ALL
			SELECT call_with(a.oid, a.ord, ARRAY[jsonb_build_object(string, string)]::text) FROM argument a, hostile WHERE type = 'jsonb[]'::regtype
			UNION ALL
			SELECT format('SELECT kz_request(%L)', w)
			FROM unnest(ARRAY[
				'{"controller": "collection", "action": "create", "index": "inj", "collection": "new", "body": {"mappings": {"properties": {"a": {"type": "keyword"}}}}}',
				'{"controller": "document", "action": "deleteFields", "index": "inj", "collection": "docs", "_id": "a", "body": {"fields": ["a.b"]}}',
				'{"controller": "bulk", "action": "import", "index": "inj", "collection": "docs", "body": {"bulkData": [{"index": {"_id": "b"}}, {"k": "v"}]}}',
				'{"controller": "index", "action": "mDelete", "body": {"indexes": ["none"]}}']::jsonb[]) AS r, hostile, with_string(r, string) AS w
			UNION ALL
			SELECT format('SELECT kz_milvus(%L, %L)', '/v2/vectordb/' || path, w)
			FROM (VALUES
				('collections/create', '{"dbName": "inj", "collectionName": "new", "idType": "VarChar", "primaryFieldName": "p", "vectorFieldName": "v", "dimension": 2, "params": {"max_length": 10}}'),
				('collections/rename', '{"dbName": "inj", "collectionName": "vec", "newCollectionName": "moved", "newDbName": "inj"}'),
				('entities/insert', '{"dbName": "inj", "collectionName": "vec", "data": [{"id": "5", "vector": [1, 2], "k": "v"}]}'),
				('entities/query', '{"dbName": "inj", "collectionName": "vec", "filter": "k == {x} and s like ''a''", "exprParams": {"x": "v"}, "outputFields": ["k"]}'),
				('entities/delete', '{"dbName": "inj", "collectionName": "vec", "filter": "k in [''a''] or json_contains(l, ''b'')"}')) AS m (path, body),
				hostile, with_string(body::jsonb, string) AS w
			UNION ALL
			SELECT format('SELECT kz_milvus(''/v2/vectordb/entities/query'', %L)', jsonb_build_object('dbName', 'inj', 'collectionName', 'vec', 'filter', f))
			FROM hostile, unnest(ARRAY[string, 'k == "' || string || '"', 'k == ''' || string || '''', 'meta["' || string || '"] == 1', 'k like "' || string || '"']) AS f
			UNION ALL
			SELECT format('SELECT * FROM kz_http(%L, %L, %L, %L)', 'POST', '/' || string || '/docs/_create?' || string || '=' || string,
				jsonb_build_object('Content-Type', 'multipart/form-data; boundary=' || string, string, string), string)
			FROM hostile
		) AS s;
		SELECT count(*) > 3000 FROM attempted;
		SELECT count(*) > 100 FROM attempted WHERE outcome = 'ok';
		SELECT DISTINCT outcome || ': ' || left(statement, 300) FROM attempted WHERE outcome !~ '^(ok|KZ4..|22...|54...)\$' LIMIT 10});

	is($err, '', "hostile strings: no error [$settings]");
	is($out, "t\nt", "hostile strings are data in every argument [$settings]");
}
is($node->safe_psql('shared', 'SELECT alive FROM canary'), '1', 'the canary is alive');

#
# Traps in the search_path. The same calls with and without them answer the same.
# What is better matched by a trap than by the server's own: types, operators,
# functions, aggregates, tables.
#
sub calls
{
	my ($schema) = @_;
	my $sql = q{
		SELECT KZ.kz_create_collection('path', 'items', '{"dynamic": "strict", "properties": {"n": {"type": "integer"}, "s": {"type": "keyword"}}}');
		SELECT KZ.kz_attach_collection('path', 'triggered', 'trapped.triggered_table');
		SELECT KZ.kz_mcreate('path', 'items', '[{"_id": "a", "body": {"n": 1}}, {"_id": "b", "body": {"n": 2}}]');
		SELECT KZ.kz_mupsert('path', 'items', '[{"_id": "a", "changes": {"s": "x"}}, {"_id": "c", "changes": {"n": 3}, "default": {"s": "y"}}]');
		SELECT KZ.kz_mupsert('path', 'triggered', '[{"_id": "a", "changes": {"s": "x"}}, {"_id": "a", "changes": {"n": 3}}]');
		SELECT * FROM KZ.kz_upsert_rows('path', 'triggered', '{a,d}', ARRAY['{"n": 4}', '{"n": 5}']::pg_catalog.jsonb[]);
		SELECT KZ.kz_update('path', 'triggered', 'a', '{"n": 6}', source => true), KZ.kz_count('path', 'triggered'), KZ.kz_delete('path', 'triggered', 'a');
		SELECT KZ.kz_mget('path', 'triggered', '{a,d}'), KZ.kz_mexists('path', 'items', '{a,z}'), KZ.kz_mdelete('path', 'items', '{a}');
		SELECT pg_catalog.jsonb_path_query(KZ.kz_request('{"controller": "index", "action": "stats"}'), '$.result.indexes[*] ? (@.name == "path").collections[*].documentCount'::pg_catalog.jsonpath);
		SELECT KZ.kz_request('{"controller": "index", "action": "list", "countCollection": true}') #> '{result,collections,path}';
		SELECT KZ.kz_request('{"controller": "bulk", "action": "import", "index": "path", "collection": "items", "requestId": "r", "body": {"bulkData": [{"delete": {"_id": "b"}}, {"index": {"_id": "e"}}, {"n": 1}]}}') -> 'result';
		SELECT KZ.kz_request('{"controller": "document", "action": "deleteFields", "index": "path", "collection": "items", "_id": "e", "requestId": "r", "body": {"fields": ["n"]}}') -> 'result';
		SELECT status, body::pg_catalog.jsonb -> 'result' FROM KZ.kz_http('PUT', '/path/items/f', body => '{"n": 7}');
		SELECT KZ.kz_milvus('/v2/vectordb/collections/create', '{"dbName": "path", "collectionName": "vec", "dimension": 2}');
		SELECT KZ.kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "path", "collectionName": "vec", "data": [{"id": 1, "vector": [1, 2], "s": "abc", "n": 3, "l": [1, "x"]}, {"id": 2, "vector": [1, 2], "o": {"k": 1.5}}]}');
		SELECT KZ.kz_milvus('/v2/vectordb/entities/upsert', '{"dbName": "path", "collectionName": "vec", "partialUpdate": true, "data": {"id": 1, "n": 4}}');
		};
	foreach my $filter ('id in [1, 2]', 'id > 0 and id < 5', 's == \"abc\"', 'not (s == \"abc\")', 's like \"a%\"', 's > \"aaa\"', 'n + 1 == 5', 'n % 3 == 1', 'n / 2 >= 2', 'n * 2 in [8]',
		'1 < n <= 4', 'o[\"k\"] != 2', 'exists o', 'o is null', 's is not null', 'json_contains(l, \"x\")', 'json_contains_any(l, [1, 2, 3, 4, 5, 6, 7, 8, 9, [1]])',
		'json_contains_all(l, [1])', 'array_length(l) == 2', 'n == 4 or s in [\"abc\", \"d\"]', '')
	{
		$sql .= qq{SELECT KZ.kz_milvus('/v2/vectordb/entities/query', \$j\${"dbName": "path", "collectionName": "vec", "limit": 9, "filter": "$filter", "outputFields": ["n"]}\$j\$) -> 'data';\n};
	}
	$sql .= q{
		SELECT KZ.kz_milvus('/v2/vectordb/entities/query', '{"dbName": "path", "collectionName": "vec", "outputFields": ["count(*)"]}') -> 'data';
		SELECT KZ.kz_milvus('/v2/vectordb/collections/rename', '{"dbName": "path", "collectionName": "vec", "newCollectionName": "moved"}');
		SELECT KZ.kz_milvus('/v2/vectordb/entities/delete', '{"dbName": "path", "collectionName": "moved", "filter": "n == 4"}') -> 'data';
		SELECT KZ.kz_milvus('/v2/vectordb/collections/get_stats', '{"dbName": "path", "collectionName": "moved"}') -> 'data';
		SELECT KZ.kz_truncate_collection('path', 'items'), KZ.kz_delete_collection('path', 'moved');
		SELECT KZ.kz_delete_index('path');};
	return $sql =~ s/\bKZ\./$schema./gr =~ s/ (->|#>) '/ OPERATOR(pg_catalog.$1) '/gr;
}

my $table = q{
	CREATE SCHEMA IF NOT EXISTS trapped;
	CREATE TABLE trapped.triggered_table (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
	CREATE OR REPLACE FUNCTION trapped.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER t BEFORE INSERT ON trapped.triggered_table FOR EACH ROW EXECUTE FUNCTION trapped.nothing();};
my $traps = q{
	CREATE SCHEMA hostile;
	CREATE FUNCTION hostile.spring() RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
	DO $do$
	DECLARE
		pair text[];
		operator text;
		name text;
	BEGIN
		FOREACH pair SLICE 1 IN ARRAY '{{text,text},{bigint,bigint},{integer,integer},{xid,xid},{xid,integer},{oid,oid},{jsonb,jsonb},{jsonb,text},{jsonb,text[]},{jsonb[],jsonb[]},{numeric,numeric},{boolean,boolean},{name,name},{name,text}}'::text[] LOOP
			EXECUTE format('CREATE FUNCTION hostile.op(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', pair[1], pair[2], 'BEGIN RAISE EXCEPTION ''trapped''; END');
			FOREACH operator IN ARRAY '{=,<>,<,>,<=,>=,||,->,->>,#>,#>>,?,@>,<@,+,-,*,/,%,~,~~}'::text[] LOOP
				EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.op)', operator, pair[1], pair[2]);
			END LOOP;
		END LOOP;
		FOREACH pair SLICE 1 IN ARRAY '{{lower,text},{upper,text},{length,text},{jsonb_typeof,jsonb},{jsonb_array_length,jsonb},{jsonb_array_elements,jsonb},{jsonb_path_exists,"jsonb, jsonpath"},
			{mod,"numeric, numeric"},{div,"numeric, numeric"},{numeric_mul,"numeric, numeric"},{numeric_add,"numeric, numeric"},{numeric_sub,"numeric, numeric"},{numeric_div,"numeric, numeric"},
			{to_jsonb,anyelement},{quote_ident,text},{pg_total_relation_size,regclass},{current_user,""},{now,""},{text,jsonb},{numeric,text},{numeric,jsonb}}'::text[] LOOP
			EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', pair[1], pair[2], CASE WHEN pair[1] = 'to_jsonb' THEN 'jsonb' ELSE 'text' END, 'BEGIN RAISE EXCEPTION ''trapped''; END');
		END LOOP;
		CREATE AGGREGATE hostile.count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '1000');
		CREATE AGGREGATE hostile.max(bigint) (SFUNC = int8larger, STYPE = bigint, INITCOND = '1000');
		FOREACH name IN ARRAY '{text,int8,int4,jsonb,bool,name,oid,xid,numeric,jsonpath,regclass}'::text[] LOOP
			EXECUTE format('CREATE DOMAIN hostile.%I AS pg_catalog.int4 CHECK (false)', name);
		END LOOP;
		FOREACH name IN ARRAY '{index,collection,pg_class,pg_namespace,pg_type,pg_proc,pg_index,items,vec,triggered,triggered_table,kz_catalog,path}'::text[] LOOP
			EXECUTE format('CREATE TABLE hostile.%I (_id pg_catalog.text PRIMARY KEY, _version pg_catalog.int8 NOT NULL, _source pg_catalog.jsonb NOT NULL)', name);
			EXECUTE format('CREATE TEMPORARY TABLE %I (_id pg_catalog.text PRIMARY KEY, _version pg_catalog.int8 NOT NULL, _source pg_catalog.jsonb NOT NULL)', name);
		END LOOP;
		CREATE COLLATION hostile."C" (provider = libc, locale = 'POSIX');
	END $do$;
	CREATE FUNCTION pg_temp.jsonb_typeof(jsonb) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
	SET search_path = pg_temp, hostile, pg_catalog, public;};

my %answers;
foreach my $database (sort keys %schemas)
{
	my $schema = $schemas{$database};

	foreach my $direct ('on', 'off')
	{
		my $name = "$database, kz.direct_writes = $direct";
		my $set = "SET kz.direct_writes = $direct;";
		my ($plain, $err) = run($database, $table . $set . calls($schema));
		is($err, '', "the calls work [$name]");
		$node->safe_psql($database, 'DROP TABLE trapped.triggered_table');
		$answers{"$database $direct"} = $plain;

		my ($out, $trapped) = run($database, "$table $traps $set SELECT 'a'::pg_catalog.text = 'a'::pg_catalog.text;");
		like($trapped, qr/trapped/, "the trap works [$name]");
		$node->safe_psql($database, 'DROP SCHEMA hostile CASCADE; DROP TABLE trapped.triggered_table');
		($out, $trapped) = run($database, $table . $traps . $set . calls($schema));
		is($trapped, '', "no trap is sprung [$name]");
		is($out, $plain, "the answers are the same under traps [$name]");
		$node->safe_psql($database, 'DROP SCHEMA hostile CASCADE; DROP TABLE trapped.triggered_table');
	}
}
is($answers{'apart off'}, $answers{'shared on'}, 'the answers are the same in every schema and with both writers');

#
# Settings: what anybody may set changes no answer
#
my @settings = map { "SET $_" } ("DateStyle = 'German, DMY'", "extra_float_digits = -15", "bytea_output = escape", "lc_numeric = 'C'", "IntervalStyle = sql_standard",
	'standard_conforming_strings = off', 'quote_all_identifiers = on', 'transform_null_equals = on', 'array_nulls = off', 'backslash_quote = off', 'xmloption = document',
	'plan_cache_mode = force_custom_plan', 'plan_cache_mode = force_generic_plan', 'enable_indexscan = off', 'enable_bitmapscan = off', 'enable_seqscan = off', 'enable_sort = off',
	'work_mem = 64', 'maintenance_work_mem = 1024', 'temp_buffers = 100', 'jit_above_cost = 0', 'force_parallel_mode = on', 'force_parallel_mode = regress', 'max_stack_depth = 100',
	'check_function_bodies = off', 'default_toast_compression = pglz', 'session_replication_role = replica', 'synchronous_commit = off', 'gin_fuzzy_search_limit = 1',
	"client_encoding = 'SQL_ASCII'", "client_encoding = 'LATIN1'", 'row_security = off', 'default_transaction_deferrable = on', 'constraint_exclusion = on', 'from_collapse_limit = 1',
	'geqo_threshold = 2', "default_transaction_isolation = 'serializable'", "default_transaction_isolation = 'repeatable read'", "TimeZone = 'Pacific/Chatham'", 'kz.documents_write_limit = 0',
	'kz.documents_write_limit = 2147483647', 'kz.documents_fetch_limit = 0', "idle_in_transaction_session_timeout = 1", 'cursor_tuple_fraction = 0', 'vacuum_cost_delay = 100', 'kz.unknown = x');
@settings = map { $node->pg_version >= 16 ? s/force_parallel_mode/debug_parallel_query/r : $_ } @settings;
foreach my $setting (@settings)
{
	my ($out, $err) = run('apart', "$table $setting; " . calls('kz'));
	$err =~ s/^psql:.*\bkz\.unknown\b.*\n?(DETAIL:.*\n?)?//mg;
	is($err, '', "no error with $setting");
	is($out, $answers{'apart on'}, "the same answers with $setting");
	$node->safe_psql('apart', 'DROP TABLE trapped.triggered_table');
}
my ($out, $err) = run('apart', "$table SET kz.documents_write_limit = 1; SET kz.documents_fetch_limit = 1; SELECT kz.kz_request(
	'{\"controller\": \"document\", \"action\": \"mGet\", \"index\": \"i\", \"collection\": \"c\", \"body\": {\"ids\": [\"a\", \"b\"]}}') #>> '{error,id}'; DROP TABLE trapped.triggered_table");
is($out, 'services.storage.get_limit_exceeded', 'a limit of one document is one');
foreach my $bad ('kz.documents_write_limit = -1', 'kz.documents_fetch_limit = 2147483648', 'kz.direct_writes = maybe')
{
	($out, $err) = run('apart', "SELECT kz.kz_merge('{}', '{}'); SET $bad");
	like($err, qr/ERROR:  .*(outside the valid range|invalid value for parameter|requires a Boolean value)/, "refused: $bad");
}
($out, $err) = run('apart', q{SELECT kz.kz_create_collection('ro', 'c'); SET default_transaction_read_only = on; SELECT kz.kz_upsert('ro', 'c', 'a', '{}');
	SELECT kz.kz_milvus('/v2/vectordb/collections/create', '{"collectionName": "ro", "dimension": 2}'); SELECT kz.kz_count('ro', 'c')});
like($err, qr/read-only.*read-only/s, 'read-only transactions write and define nothing');
is($out, qq{{"acknowledged": true}\n0}, 'and read');

#
# Code of the owner of a table, in a trigger, a default, a CHECK, an index and a
# policy: run as the caller where a statement in SQL would run it, and nowhere else
#
$node->safe_psql('shared', q{
	CREATE ROLE attacker;
	CREATE SCHEMA own AUTHORIZATION attacker;
	CREATE TABLE ran (what text, who text);
	GRANT INSERT ON ran TO PUBLIC;
	GRANT USAGE ON SCHEMA public TO PUBLIC;
	SET ROLE attacker;
	CREATE FUNCTION own.note(what text, value anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM own.put(what); RETURN value; END $$;
	CREATE FUNCTION own.put(what text) RETURNS void LANGUAGE sql VOLATILE AS 'INSERT INTO public.ran VALUES (what, current_user)';
	CREATE FUNCTION own.on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM own.put('trigger ' || tg_op); RETURN coalesce(NEW, OLD); END $$;
	CREATE TABLE own.items (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL CHECK (own.note('check', _source) IS NOT NULL),
		extra int DEFAULT own.note('default', 1));
	CREATE INDEX ON own.items (own.note('index', _version));
	CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON own.items FOR EACH ROW EXECUTE FUNCTION own.on_row();
	CREATE TRIGGER s BEFORE TRUNCATE ON own.items FOR EACH STATEMENT EXECUTE FUNCTION own.on_row();
	ALTER TABLE own.items ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON own.items USING (own.note('policy', true));
	RESET ROLE;
	SELECT kz_create_index('own')});
sub ran
{
	my ($sql) = @_;
	my ($out, $err) = run('shared', "BEGIN; SET client_min_messages = error; $sql; COMMIT; \\echo ran\nSELECT string_agg(DISTINCT what || ' as ' || who, ', ' ORDER BY what || ' as ' || who) FROM ran; TRUNCATE ran;");

	return ($out =~ s/.*^ran\n?//msr) . $err;
}
my $superuser = $node->safe_psql('shared', 'SELECT current_user');
foreach my $quiet (q{kz_create_collection('own', 'items')}, q{kz_delete_collection('own', 'items')}, q{kz_attach_collection('own', 'items', 'own.items')},
	q{kz_update_collection('own', 'items', '{"dynamic": "true"}')}, q{kz_get_mapping('own', 'items')}, q{kz_request('{"controller": "collection", "action": "list", "index": "own"}')},
	q{kz_request('{"controller": "index", "action": "stats"}')}, q{kz_count('own', 'items')}, q{kz_exists('own', 'items', 'absent')})
{
	is(ran("SELECT $quiet"), '', "runs nothing of the owner's as a superuser: $quiet");
}
foreach my $pair ([ q{kz_create('own', 'items', '{}', 'a')}, q{INSERT INTO own.items VALUES ('a', 1, '{}') ON CONFLICT (_id) DO NOTHING RETURNING _version} ],
	[ q{kz_update('own', 'items', 'a', '{"n": 1}')}, q{UPDATE own.items SET _version = 2, _source = '{"n": 1}' WHERE _id = 'a' RETURNING _version} ],
	[ q{kz_delete('own', 'items', 'a')}, q{DELETE FROM own.items WHERE _id = 'a'} ], [ q{kz_truncate_collection('own', 'items')}, q{TRUNCATE own.items} ])
{
	my ($call, $statement) = @$pair;

	$node->safe_psql('shared', q{TRUNCATE own.items; INSERT INTO own.items VALUES ('a', 1, '{}'); TRUNCATE ran}) if $call !~ /create/;
	$node->safe_psql('shared', q{TRUNCATE own.items; TRUNCATE ran}) if $call =~ /create/;
	my $core = ran($statement);
	$node->safe_psql('shared', q{TRUNCATE own.items; INSERT INTO own.items VALUES ('a', 1, '{}'); TRUNCATE ran}) if $call !~ /create/;
	$node->safe_psql('shared', q{TRUNCATE own.items; TRUNCATE ran}) if $call =~ /create/;
	like($core, qr/ as \Q$superuser\E/, "the server runs code of the owner's as the caller: $statement");
	is(ran("SELECT $call"), $core, "and so does kz: $call");
}

#
# Versions and counts at the ends of their range
#
$node->safe_psql('shared', q{
	CREATE TABLE inj.versions (_id text PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL);
	SELECT kz_attach_collection('inj', 'versions', 'inj.versions');
	INSERT INTO inj.versions VALUES ('max', 9223372036854775807, '{}'), ('last', 9223372036854775806, '{}'), ('zero', 0, '{}'), ('min', -9223372036854775808, '{}')});
foreach my $direct ('on', 'off')
{
	my ($out, $err) = run('shared', qq{
		\\set VERBOSITY sqlstate
		BEGIN; SET LOCAL kz.direct_writes = $direct;
		SELECT kz_update('inj', 'versions', 'last', '{"n": 1}') -> '_version';
		SELECT kz_update('inj', 'versions', 'min', '{"n": 1}') -> '_version';
		SELECT kz_update('inj', 'versions', 'zero', '{"n": 1}', if_version => 9223372036854775807) -> '_version';
		ROLLBACK; SET kz.direct_writes = $direct;
		SELECT kz_update('inj', 'versions', 'max', '{"n": 1}') -> '_version';
		SELECT kz_update('inj', 'versions', 'max', '{}', if_version => 9223372036854775807) -> '_version';
		SELECT kz_update('inj', 'versions', 'zero', '{"n": 1}', if_version => 0) -> '_version';
		SELECT kz_update('inj', 'versions', 'min', '{"n": 1}', if_version => -9223372036854775808) -> '_version';
		SELECT kz_update('inj', 'versions', 'zero', '{"n": 1}', retry_on_conflict => -1) -> '_version';
		SELECT kz_mupdate('inj', 'versions', '[{"_id": "last", "body": {"n": 2}}, {"_id": "last", "body": {"n": 3}}]') #> '{errors,0,status}';
		SELECT kz_mupdate('inj', 'versions', '[{"_id": "zero", "body": {"n": 3}, "if_version": 9223372036854775808}, {"_id": "zero", "body": {}, "if_version": 1e400}]') -> 'errors' -> 1 -> 'status';
		BEGIN; SELECT kz_update('inj', 'versions', 'zero', '{"n": 1}', retry_on_conflict => 2147483647) -> '_version'; ROLLBACK;
		UPDATE inj.versions SET _version = 9223372036854775806, _source = '{}' WHERE _id = 'last';
		SELECT string_agg(_id || ' ' || _version || ' ' || _source, ', ' ORDER BY _id) FROM inj.versions;});
	is($out, qq{9223372036854775807\n-9223372036854775807\n9223372036854775807\n400\n400\n1\nlast 9223372036854775806 {}, max 9223372036854775807 {}, min -9223372036854775808 {}, zero 0 {}},
		"versions at the ends of their range [kz.direct_writes = $direct]");
	is(join(' ', $err =~ /ERROR:  (\w+)/g), 'KZ409 22003 KZ409 KZ400 KZ400', "and the errors [kz.direct_writes = $direct]");
}

#
# Bombs: each is done or refused, and a timeout ends it
#
$node->safe_psql('shared', q{
	SELECT kz_create_collection('bomb', 'docs');
	SELECT kz_create('bomb', 'docs', '{}', 'there');
	SELECT kz_milvus('/v2/vectordb/collections/create', '{"dbName": "bomb", "collectionName": "vec", "dimension": 2}');
	SELECT kz_milvus('/v2/vectordb/entities/insert', '{"dbName": "bomb", "collectionName": "vec", "data": {"id": 1, "vector": [1, 2], "s": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "n": 1e308}}');
	CREATE FUNCTION nested(levels bigint) RETURNS text LANGUAGE sql AS $$ SELECT repeat('{"a":', levels::int) || '1' || repeat('}', levels::int) $$;
	CREATE FUNCTION keys(n bigint) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, n) AS i $$;
	CREATE FUNCTION query(filter text) RETURNS text LANGUAGE sql AS
		$$ SELECT kz_milvus('/v2/vectordb/entities/query', jsonb_build_object('dbName', 'bomb', 'collectionName', 'vec', 'filter', filter))::text $$;
	CREATE FUNCTION terms(n bigint, word text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg('n == ' || i, word) FROM generate_series(1, n) AS i $$;});
my @bombs = (
	[ 'a document of 2000 levels', q{kz_upsert('bomb', 'docs', 'deep', nested(2000)::jsonb)} ],
	[ 'and a merge into it', q{kz_upsert('bomb', 'docs', 'deep', replace(nested(2000), '1', '2')::jsonb)} ],
	[ 'as HTTP: too deep', q{(SELECT status FROM kz_http('PUT', '/bomb/docs/d', body => nested(10000000 / 6)))} ],
	[ 'as HTTP: brackets', q{(SELECT status FROM kz_http('PUT', '/bomb/docs/d', body => repeat('[', 5000000 * N)))} ],
	[ 'a large document', q{kz_upsert('bomb', 'docs', 'large', jsonb_build_object('s', repeat('x', 20000000 * N)))} ],
	[ 'and a change to it', q{kz_upsert('bomb', 'docs', 'large', '{"n": 1}')} ],
	[ 'many keys', q{kz_upsert('bomb', 'docs', 'keys', keys(100000 * N))} ],
	[ 'and changes to all', q{kz_upsert('bomb', 'docs', 'keys', (SELECT jsonb_object_agg(key, 0) FROM jsonb_each(keys(100000 * N))))} ],
	[ 'and many fields removed', q{kz_delete_fields('bomb', 'docs', 'keys', (SELECT array_agg('k' || i) FROM generate_series(1, 200 * N) AS i))} ],
	[ 'a path of many steps', q{kz_delete_fields('bomb', 'docs', 'deep', ARRAY[repeat('a.', 100000 * N)])} ],
	[ 'a number of many digits', q{kz_upsert('bomb', 'docs', 'number', '{"n": 1e131071, "m": -1e-16383}')} ],
	[ 'many documents', q{kz_mupsert('bomb', 'docs', (SELECT jsonb_agg(jsonb_build_object('_id', i::text, 'changes', '{}'::jsonb)) FROM generate_series(1, 50000 * N) AS i))} ],
	[ 'many creations of what is there', q{kz_mcreate('bomb', 'docs', (SELECT jsonb_agg('{"_id": "there", "body": {}}'::jsonb) FROM generate_series(1, 100000 * N)))} ],
	[ 'many creations of one', q{kz_mcreate('bomb', 'docs', (SELECT jsonb_agg('{"_id": "one", "body": {}}'::jsonb) FROM generate_series(1, 100000 * N)))} ],
	[ 'many changes to one', q{kz_mupsert('bomb', 'docs', (SELECT jsonb_agg(jsonb_build_object('_id', 'grows', 'changes', jsonb_build_object('k' || i, i))) FROM generate_series(1, 3000 * N) AS i))} ],
	[ 'a long filter', q{query('s == "' || repeat('x', 1000000 * N) || '"')} ],
	[ 'a filter of many terms', q{query(terms(20000 * N, ' or '))} ],
	[ 'a filter of many terms that all count', q{query(terms(20000 * N, ' and '))} ],
	[ 'a list of many', q{query('n in [' || (SELECT string_agg(i::text, ',') FROM generate_series(1, 100000 * N) AS i) || ']')} ],
	[ 'a filter of many parentheses', q{query(repeat('(', 500000 * N))} ],
	[ 'a filter of many negations', q{query(repeat('not ', 300000 * N) || 'n == 1')} ],
	[ 'a pattern of many wildcards', q{query('s like "' || repeat('%a', 28) || '%b"')} ],
	[ 'a pattern of very many wildcards', q{query('s like "' || repeat('%a', 500000 * N) || '%b"')} ],
	[ 'powers', q{query('n == 9 ** 9 ** 9 ** 9')} ],
	[ 'products', q{query('n == 1e300' || repeat(' * 1e300', 100000))} ],
	[ 'a product with a stored number', q{query('n * 1e308 > 1')} ],
	[ 'percent signs', q{(SELECT status FROM kz_http('GET', '/' || repeat('%25', 1000000 * N)))} ],
	[ 'many arguments', q{(SELECT status FROM kz_http('GET', '/bomb/docs/there?' || (SELECT string_agg('a' || i || '=%25', '&') FROM generate_series(1, 100000 * N) AS i)))} ],
	[ 'many fields of a form', q{(SELECT status FROM kz_http('PUT', '/bomb/docs/form', '{"Content-Type": "application/x-www-form-urlencoded"}', (SELECT string_agg('a' || i || '=1', '&') FROM generate_series(1, 100000 * N) AS i)))} ],
	[ 'many names of a form', q{(SELECT status FROM kz_http('PUT', '/bomb/docs/form', '{"Content-Type": "application/x-www-form-urlencoded"}', repeat('a&', 300000 * N)))} ],
	[ 'many parts', q{(SELECT status FROM kz_http('PUT', '/bomb/docs/parts', '{"Content-Type": "multipart/form-data; boundary=x"}', repeat(E'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n', 30000 * N) || '--x--'))} ],
	[ 'many boundaries', q{(SELECT status FROM kz_http('PUT', '/bomb/docs/parts', '{"Content-Type": "multipart/form-data; boundary=x"}', repeat(E'--x\r\n', 300000 * N)))} ],
	[ 'many headers', q{(SELECT status FROM kz_http('POST', '/_query', keys(100000 * N), '{}'))} ],
	[ 'deep mappings', q{kz_create_collection('bomb', 'deep', ('{"properties": ' || repeat('{"a": {"properties": ', 1000) || '{}' || repeat('}}', 1000) || '}')::jsonb)} ],
	[ 'a name of many parts', q{kz_create_collection('bomb', 'dots', jsonb_build_object('properties', jsonb_build_object(repeat('a.', 100000 * N) || 'a', '{}'::jsonb)))} ],
	[ 'many names of few objects', q{kz_create_collection('bomb', 'dotted', (SELECT jsonb_build_object('properties', jsonb_object_agg('a.b' || i % 100 || '.c' || i, '{}'::jsonb)) FROM generate_series(1, 20000 * N) AS i))} ],
	[ 'wide settings', q{kz_create_collection('bomb', 'wide', settings => keys(100000 * N))} ]);

# The SQLSTATE of a bomb and how long it took, with a timeout.
sub blow
{
	my ($expression, $timeout) = @_;
	my $start = clock_gettime(CLOCK_MONOTONIC);

	$expression =~ s/\bN\b/$scale/g;
	my ($out, $err) = run('shared', "\\set VERBOSITY sqlstate\nSET jit_above_cost = 0; SET statement_timeout = '$timeout'; DO \$do\$ BEGIN PERFORM $expression; END \$do\$");
	return (($err =~ /ERROR:  (\w+)/ ? $1 : $err), clock_gettime(CLOCK_MONOTONIC) - $start);
}
my $limit = 20 * $scale;
foreach my $bomb (@bombs)
{
	my ($state, $seconds) = blow($bomb->[1], '60s');

	note sprintf('%s: %s, %.2f s', $bomb->[0], $state || 'done', $seconds);
	ok($state =~ /^(|KZ4..|54...|22...)$/ && $seconds < $limit, "$bomb->[0]: done or refused") or diag("$state, $seconds s");
}
foreach my $bomb (@bombs)
{
	my ($state, $seconds) = blow($bomb->[1], '20ms');

	# A machine may be slow once, not twice.
	($state, $seconds) = blow($bomb->[1], '20ms') if $seconds >= 3;
	ok($state =~ /^(|KZ4..|54...|22...|57014)$/ && $seconds < 3, "$bomb->[0]: ended by a timeout") or diag("$state, $seconds s");
}

is($node->safe_psql('shared', q{SELECT kz_get('inj', 'docs', 'a') -> '_version'}), '1', 'the server is there');
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|terminated by signal|XX000|cache lookup failed/, 'and has no complaint in its log');

done_testing();
