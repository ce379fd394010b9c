# Sixty-four clients and one document, and many clients with many documents, with
# both writers: what was acknowledged is there, exactly once, nobody sees an error,
# and all indexes are sound afterwards.
#
# KZ_HOT multiplies the number of calls; 1 if it is not set.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $soak = $ENV{KZ_HOT} || 1;
my $clients = 64;
my $bulk_clients = 16;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;

# Vacuum is to come by while there is load.
$node->append_conf('postgresql.conf', qq{
	fsync = off
	max_connections = @{[ $clients + 10 ]}
	shared_buffers = 64MB
	deadlock_timeout = 100ms
	autovacuum_naptime = 1s});
$node->start;

# A change adds the name of its call to "calls" of the document. Once its
# transaction has committed, its client notes in a transaction of its own what was
# acknowledged.
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	CREATE EXTENSION amcheck;
	SELECT kz_create_collection('hot', name) FROM unnest(ARRAY['docs', 'mail']) name;
	CREATE UNIQUE INDEX mail_unique ON hot.mail ((_source->>'mail'));
	CREATE INDEX mail_gin ON hot.mail USING gin (_source);
	CREATE TABLE hot.acknowledged (id text, call text, version bigint, created boolean);
	CREATE TABLE hot.incremented (n int, version bigint, conflicts int);
	CREATE TABLE hot.deleted (answer jsonb);
	CREATE TABLE hot.absent (call text);
	CREATE SEQUENCE hot.overtaken;

	CREATE FUNCTION hot.change(call text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
		SELECT jsonb_build_object('calls', jsonb_build_object(call, true))
	$$;

	-- Read, add one, write if it is still the version that was read; once more if
	-- it is not. Each attempt is a transaction, which sees what has been committed.
	CREATE PROCEDURE hot.increment(INOUT n int, INOUT version bigint, INOUT conflicts int)
	LANGUAGE plpgsql AS $$
	DECLARE
		document jsonb;
	BEGIN
		LOOP
			document := kz_get('hot', 'docs', 'one');
			n := (document#>>'{_source,n}')::int + 1;
			BEGIN
				version := kz_update('hot', 'docs', 'one', jsonb_build_object('n', n),
					if_version => (document->>'_version')::bigint)->>'_version';
			EXCEPTION WHEN SQLSTATE 'KZ409' THEN
				conflicts := conflicts + 1;
			END;
			COMMIT;
			EXIT WHEN version > 0;
		END LOOP;
	END $$;

	-- Version 0 if there is no document.
	CREATE FUNCTION hot.update_if_there(call text) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN kz_update('hot', 'docs', 'one', hot.change(call),
			retry_on_conflict => 1000)->>'_version';
	EXCEPTION WHEN SQLSTATE 'KZ404' THEN
		RETURN 0;
	END $$;

	-- kz_delete never locks ahead, which would need the right to update: where
	-- others write all the time they may be faster than all of its ten retries.
	CREATE PROCEDURE hot.delete_if_there() LANGUAGE plpgsql AS $$
	DECLARE
		done boolean := false;
	BEGIN
		LOOP
			BEGIN
				INSERT INTO hot.deleted SELECT kz_delete('hot', 'docs', 'one', source => true);
				done := true;
			EXCEPTION
				WHEN SQLSTATE 'KZ404' THEN
					done := true;
				WHEN SQLSTATE 'KZ409' THEN
					PERFORM nextval('hot.overtaken');
			END;
			COMMIT;
			EXIT WHEN done;
		END LOOP;
	END $$;

	-- Twenty documents of a window that moves on with the calls of a client, so that
	-- there are always some to create, and others to do it at the same time. Format
	-- makes the value for the unique index from the id and the call.
	CREATE PROCEDURE hot.many(client int, turn int, step int, width int, format text)
	LANGUAGE plpgsql AS $$
	DECLARE
		call text := client || '.' || turn;
		answer jsonb;
	BEGIN
		answer := kz_mupsert('hot', 'mail', (
				SELECT jsonb_agg(jsonb_build_object('_id', id, 'changes',
					hot.change(call)
					|| jsonb_build_object('mail', format(format, id, call), 'last', client)))
				FROM (SELECT 'd' || i AS id FROM generate_series(step * turn, step * turn + width - 1) i
					ORDER BY random() LIMIT 20) s),
			source => false);
		COMMIT;
		INSERT INTO hot.acknowledged
		SELECT entry->>'_id', call, (entry->>'_version')::bigint,
			(entry->>'created')::boolean
		FROM jsonb_array_elements(answer->'successes') entry;
		IF answer->'errors' <> '[]' THEN
			RAISE '%', answer->'errors';
		END IF;
	END $$;

	-- Opens one gate after the other, each once all clients wait for it; says how
	-- many have seen them all.
	CREATE FUNCTION hot.open(gates int, clients int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		complete int := 0;
	BEGIN
		FOR gate IN 1 .. gates LOOP
			FOR attempt IN 1 .. 5000 LOOP
				IF (SELECT count(*) = clients FROM pg_locks
					WHERE locktype = 'advisory' AND objid = gate AND NOT granted)
				THEN
					complete := complete + 1;
					EXIT;
				END IF;
				PERFORM pg_sleep(0.002);
			END LOOP;
			PERFORM pg_advisory_unlock(gate);
		END LOOP;
		RETURN complete;
	END $$});

# Errors in the server's log since it had this size, other than those of autovacuum,
# which may be late or in the way.
sub logged
{
	my ($size) = @_;

	return join "\n", grep { !/autovacuum/ } substr(slurp_file($node->logfile), $size) =~ /(?:WARNING|ERROR|FATAL|PANIC): .*/g;
}

# Run a script on so many clients at once, for each so many times. Each call has a
# :turn, counted from 1. No call may fail, not even one that is caught by pgbench.
sub load
{
	my ($name, $count, $turns, $script) = @_;
	my $file = $name =~ s/\W+/_/gr;
	my $all = $count * $turns;
	my $log = -s $node->logfile;

	$node->pgbench("-n -c $count -j 2 -t $turns -D turn=0", 0,
		[ qr{processed: $all/$all\b} ], [ qr{^$} ], "$name: no call fails",
		{ $file => "\\set turn :turn + 1\n$script" });
	is(logged($log), '', "$name: no error in the log");
	return;
}

sub is_sql
{
	my ($sql, $expected, $name) = @_;

	is($node->safe_psql('postgres', $sql), $expected, $name);
	return;
}

# Begin with the document that is given, or without any.
sub begin_with
{
	my ($body) = @_;

	$node->safe_psql('postgres', q{
		TRUNCATE hot.acknowledged, hot.incremented, hot.deleted, hot.absent;
		SELECT kz_truncate_collection('hot', name) FROM unnest(ARRAY['docs', 'mail']) name});
	$node->safe_psql('postgres', qq{SELECT kz_create('hot', 'docs', '$body', 'one')}) if $body;
	return;
}

# Begin with a document that a first call has made.
sub begin_with_first
{
	begin_with('{"calls": {"first": true}}');
	$node->safe_psql('postgres',
		q{INSERT INTO hot.acknowledged VALUES ('one', 'first', 1, true)});
	return;
}

# Every document, stored or deleted, is what the acknowledged calls that it names
# have made: versions 1 to n without a gap or a second of the same number, created
# by the first of them and by no other. Says which are not, and how many calls were
# acknowledged that are in no document or in several.
sub check_replay
{
	my ($collection, $name) = @_;

	is_sql(qq{
		CREATE TEMP TABLE document AS
		SELECT row_number() OVER () AS life, *
		FROM (
			SELECT _id, _version, _source FROM hot.$collection
			UNION ALL
			SELECT answer->>'_id', (answer->'_version')::bigint, answer->'_source' FROM hot.deleted) s;

		SELECT _id, _version, count(*), count(DISTINCT version), count(*) FILTER (WHERE created)
		FROM document
		CROSS JOIN jsonb_object_keys(_source->'calls') name
		LEFT JOIN hot.acknowledged ON id = _id AND call = name
		GROUP BY life, _id, _version
		HAVING (count(*) = _version AND count(DISTINCT version) = _version AND min(version) = 1
			AND max(version) = _version AND bool_and(created = (version = 1))) IS NOT TRUE
		ORDER BY 1, 2 LIMIT 5;

		SELECT id, call, version, count(life)
		FROM hot.acknowledged
		LEFT JOIN document ON _id = id AND _source->'calls' ? call
		GROUP BY id, call, version
		HAVING count(*) <> 1 OR count(life) <> 1
		ORDER BY 1, 2 LIMIT 5},
		'', "$name: the documents are what the acknowledged calls have made");
	return;
}

# What the table has can be found by each of the further indexes.
sub check_further_indexes
{
	my ($count, $name) = @_;
	my $by_index = 'SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;';
	my $by_table = 'SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;';
	my %queries = (
		mail_gin => qq{
			SELECT client, count(_id), string_agg(_id, ',' ORDER BY _id)
			FROM generate_series(0, $count - 1) client
			LEFT JOIN hot.mail ON _source @> jsonb_build_object('last', client)
			GROUP BY client ORDER BY client},
		mail_unique => q{
			SELECT mail, _id FROM (SELECT _source->>'mail' AS mail FROM hot.mail OFFSET 0) s
			LEFT JOIN hot.mail ON _source->>'mail' = mail ORDER BY 1, 2});

	foreach my $index (sort keys %queries)
	{
		like($node->safe_psql('postgres', "$by_index EXPLAIN $queries{$index}"),
			qr/Scan (?:using|on) $index/, "$name: $index is used");
		is($node->safe_psql('postgres', "$by_index $queries{$index}"),
			$node->safe_psql('postgres', "$by_table $queries{$index}"),
			"$name: $index finds what the table has");
	}
	return;
}

sub load_and_check
{
	my ($direct) = @_;
	my $tag = "direct writes $direct";

	# By the version that was read
	my $turns = 40 * $soak;
	my $all = $clients * $turns;
	my $name = "$tag, increment";

	begin_with('{"n": 0}');
	load($name, $clients, $turns, q{
		CALL hot.increment(0, 0, 0) \gset
		INSERT INTO hot.incremented VALUES (:n, :version, :conflicts);
	});
	is_sql(q{SELECT _version, _source FROM hot.docs}, ($all + 1) . qq(|{"n": $all}),
		"$name: none is lost");
	is_sql(q{
		SELECT count(*), count(DISTINCT n), min(n), max(n), bool_and(version = n + 1)
		FROM hot.incremented},
		"$all|$all|1|$all|t", "$name: each was acknowledged with a number of its own");
	my $conflicts = $node->safe_psql('postgres', 'SELECT sum(conflicts) FROM hot.incremented');
	note("$name: $conflicts conflicts");
	cmp_ok($conflicts, '>', 0, "$name: the clients were in each other's way");

	# By merging. The default of retry_on_conflict, 10, is enough for any number of
	# clients: the second attempt locks the row before it reads.
	$turns = 50 * $soak;
	$all = $clients * $turns;
	$name = "$tag, update";
	begin_with_first();
	load($name, $clients, $turns, q{
		SELECT kz_update('hot', 'docs', 'one', hot.change(:client_id || '.' || :turn))->>'_version'
			AS version \gset
		INSERT INTO hot.acknowledged VALUES ('one', :client_id || '.' || :turn, :version, false);
	});
	is_sql(qq{
		SELECT _version, (SELECT count(*) FROM jsonb_object_keys(_source->'calls')),
			(SELECT count(*) FROM generate_series(0, $clients - 1) client, generate_series(1, $turns) turn
			WHERE _source->'calls' ? (client || '.' || turn))
		FROM hot.docs},
		join('|', $all + 1, $all + 1, $all), "$name: every key is there");
	check_replay('docs', $name);

	# Documents that are not there, each of them for all clients at once. Ten retries
	# are enough here, too, as nobody deletes.
	$turns = 25 * $soak;
	$all = $clients * $turns;
	$name = "$tag, upsert";
	begin_with();
	my $gates = $node->background_psql('postgres');
	$gates->query("SELECT count(pg_advisory_lock(gate)) FROM generate_series(1, $turns) gate");
	$gates->query_until(qr/sent/, "\\echo sent\nSELECT hot.open($turns, $clients) AS complete \\gset\n");
	load($name, $clients, $turns, q{
		SELECT pg_advisory_xact_lock_shared(:turn);
		SELECT answer->>'_version' AS version, answer->>'created' AS created
		FROM kz_upsert('hot', 'docs', 'd' || :turn, hot.change(:client_id || '.' || :turn)) answer \gset
		INSERT INTO hot.acknowledged
		VALUES ('d' || :turn, :client_id || '.' || :turn, :version, :created);
	});
	like($gates->query('\echo :complete'), qr/^$turns$/m, "$name: all began at once");
	$gates->quit;
	is_sql(q{SELECT count(*), min(_version), max(_version) FROM hot.docs}, "$turns|$clients|$clients",
		"$name: one document each, with every change");
	is_sql(q{SELECT count(*), count(*) FILTER (WHERE created) FROM hot.acknowledged},
		"$all|$turns", "$name: each was created once");
	check_replay('docs', $name);

	# A document that one of the clients deletes again and again. Each deletion that
	# comes in between takes a retry, so there is no number that is always enough:
	# 1000 is far more than there are deletions. kz_update may find no document,
	# kz_upsert may not fail at all.
	$turns = 50 * $soak;
	$all = ($clients - 1) * $turns;
	$name = "$tag, delete";
	begin_with_first();
	load($name, $clients, $turns, q{
		\if :client_id = 0
			CALL hot.delete_if_there();
		\else
			\if (:client_id + :turn) % 2 = 0
				SELECT hot.update_if_there(:client_id || '.' || :turn) AS version, 'false' AS created \gset
			\else
				SELECT answer->>'_version' AS version, answer->>'created' AS created
				FROM kz_upsert('hot', 'docs', 'one', hot.change(:client_id || '.' || :turn),
					retry_on_conflict => 1000) answer \gset
			\endif
			\if :version > 0
				INSERT INTO hot.acknowledged
				VALUES ('one', :client_id || '.' || :turn, :version, :created);
			\else
				INSERT INTO hot.absent VALUES (:client_id || '.' || :turn);
			\endif
		\endif
	});
	my ($changes, $absent, $deleted, $overtaken) = split /\|/, $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM hot.acknowledged), (SELECT count(*) FROM hot.absent),
			(SELECT count(*) FROM hot.deleted), nextval('hot.overtaken') - 1;
		ALTER SEQUENCE hot.overtaken RESTART});
	note("$name: $changes changes, $absent updates of nothing, $deleted deletions"
		. ", which were overtaken $overtaken times");
	is($changes + $absent, $all + 1, "$name: each call was acknowledged or found nothing");
	cmp_ok($deleted, '>', 0, "$name: documents were deleted");
	check_replay('docs', $name);
	is_sql(q{
		SELECT count(*) FROM hot.absent, (
			SELECT _source FROM hot.docs UNION ALL SELECT answer->'_source' FROM hot.deleted) s
		WHERE _source->'calls' ? call},
		0, "$name: what found no document is in none");

	# Many documents a call, in random order, with further indexes: first few that are
	# changed often, each call with values of its own for the unique one; then many that
	# are new to most calls, each document with a value that stays.
	foreach my $kind ([ 'changed', $bulk_clients, 40 * $soak, 2, 60, '%s.%s@x' ],
		[ 'created', $clients, 30 * $soak, 100, 100, '%s@x' ])
	{
		my ($what, $count, $turns, $step, $width, $format) = @$kind;
		my $all = 20 * $count * $turns;
		my $before = 0;

		$name = "$tag, many $what";
		begin_with();

		# Two that create the same document through SQL may deadlock in the unique
		# index, which ON CONFLICT (_id) does not look at: there all exist before.
		if ($direct eq 'off' && $what eq 'created')
		{
			$before = $node->safe_psql('postgres', qq{
				INSERT INTO hot.acknowledged
				SELECT _id, 'first', _version, created
				FROM generate_series($step, $step * $turns + $width - 1) i
				CROSS JOIN kz_upsert_rows('hot', 'mail', ARRAY['d' || i], ARRAY[hot.change('first')]);
				SELECT count(*) FROM hot.mail});
		}
		load($name, $count, $turns, "CALL hot.many(:client_id, :turn, $step, $width, '$format');");
		is_sql(q{SELECT count(*), (SELECT sum(_version) FROM hot.mail) FROM hot.acknowledged},
			join('|', $all + $before, $all + $before),
			"$name: every change was acknowledged, and counted once");
		check_replay('mail', $name);
		check_further_indexes($count, $name);
	}

	# All indexes have all rows, and no others.
	is_sql(q{
		SELECT count(bt_index_check(indexrelid, heapallindexed => true))
		FROM pg_class t
		JOIN pg_index ON indrelid IN (t.oid, reltoastrelid)
		JOIN pg_class i ON i.oid = indexrelid
		JOIN pg_am a ON a.oid = i.relam
		WHERE t.oid IN ('hot.docs'::regclass, 'hot.mail'::regclass) AND amname = 'btree'},
		5, "$tag: the btree indexes of both collections and of their TOAST tables are sound");
	return;
}

foreach my $direct ('on', 'off')
{
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET kz.direct_writes = $direct");
	my ($rc, $out, $err) = $node->psql('postgres',
		q{SET client_min_messages = debug1; SELECT kz_upsert('hot', 'docs', 'any', '{}')});
	like($err, $direct eq 'on' ? qr/is accessed directly/ : qr/through SQL: kz.direct_writes is off/,
		"direct writes $direct: they are");
	load_and_check($direct);
}

$node->command_ok([ 'pg_amcheck', '--heapallindexed', 'postgres' ],
	'all tables and btree indexes of the database are sound');

$node->stop;
done_testing();
