# Sixty-four clients and one document, with both writers: nothing is lost, nothing
# is done twice, and all indexes are sound afterwards.
#
# KZ_CALLS is how many calls a client does: 20 if it is not set.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{KZ_CALLS} || 20;
my $clients = 64;
my $all = $clients * $calls;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# A deadlock is to be found before its transactions could get out of it.
$node->append_conf('postgresql.conf', qq{
	fsync = off
	max_connections = @{[ $clients + 10 ]}
	deadlock_timeout = 10ms});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	CREATE EXTENSION amcheck;
	SELECT kz_create_collection('hot', name) FROM unnest(ARRAY['docs', 'mail']) name;
	CREATE UNIQUE INDEX ON hot.mail ((_source->>'mail'));
	CREATE INDEX ON hot.mail USING gin (_source);

	-- read, add one, and write only what was read; again if somebody was faster
	CREATE FUNCTION hot.increment() RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		document jsonb;
		attempts int := 1;
	BEGIN
		LOOP
			document := kz_get('hot', 'docs', 'one');
			BEGIN
				PERFORM kz_update('hot', 'docs', 'one',
					jsonb_build_object('n', (document#>>'{_source,n}')::int + 1),
					if_version => (document->>'_version')::bigint);
				RETURN attempts;
			EXCEPTION WHEN SQLSTATE 'KZ409' THEN
				attempts := attempts + 1;
			END;
		END LOOP;
	END $$;

	-- the same without asking for the version, to see that losses are noticed
	CREATE FUNCTION hot.increment_badly() RETURNS void LANGUAGE sql AS $$
		SELECT kz_replace('hot', 'docs', 'one',
			jsonb_build_object('n', (kz_get('hot', 'docs', 'one')#>>'{_source,n}')::int + 1))
	$$;

	-- a key of its own for each call, whose document says when it was acknowledged
	CREATE SEQUENCE hot.calls;
	CREATE TABLE hot.acknowledged (key text PRIMARY KEY, version bigint, created boolean);
	CREATE FUNCTION hot.restart() RETURNS void LANGUAGE sql AS $$
		TRUNCATE hot.acknowledged;
		SELECT kz_truncate_collection('hot', 'docs');
	$$});

# Run SQL on all clients at once, each so many times; no call may fail.
sub load
{
	my ($name, $sql, $count) = @_;

	$node->pgbench("--no-vacuum --client=$clients --jobs=2 --transactions=$count", 0,
		[ qr{processed: @{[ $clients * $count ]}/@{[ $clients * $count ]}} ], [qr{^$}],
		$name, { "007_$name" => $sql });
	return;
}

sub is_sql
{
	my ($sql, $expected, $name) = @_;

	is($node->safe_psql('postgres', $sql), $expected, $name);
	return;
}

foreach my $direct ('on', 'off')
{
	my $tag = "direct writes $direct";

	$node->safe_psql('postgres', "ALTER DATABASE postgres SET kz.direct_writes = $direct");
	my ($rc, $out, $err) = $node->psql('postgres',
		q{SET client_min_messages = debug1; SELECT kz_count('hot', 'docs')});
	like($err, $direct eq 'on' ? qr/accessed directly/ : qr/kz.direct_writes is off/, $tag);

	# By the version that was read
	$node->safe_psql('postgres', q{SELECT hot.restart(); SELECT kz_create('hot', 'docs', '{"n": 0}', 'one')});
	load("increment_$direct", 'SELECT hot.increment();', $calls);
	is_sql(q{SELECT _version, _source->'n' FROM hot.docs}, ($all + 1) . "|$all", "$tag: no increment is lost");

	# The check would notice it
	$node->safe_psql('postgres', q{SELECT hot.restart(); SELECT kz_create('hot', 'docs', '{"n": 0}', 'one')});
	load("increment_badly_$direct", 'SELECT hot.increment_badly();', $calls);
	is_sql(qq{SELECT (_source->'n')::int < $all FROM hot.docs}, 't',
		"$tag: increments that overwrite each other are lost");

	# By merging: ten retries, the default, are enough, as all but the first attempt lock
	$node->safe_psql('postgres', q{SELECT hot.restart(); SELECT kz_create('hot', 'docs', '{}', 'one')});
	load("update_$direct", q{
		INSERT INTO hot.acknowledged
		SELECT key, (kz_update('hot', 'docs', 'one', jsonb_build_object(key, true))->>'_version')::bigint
		FROM concat(:client_id::text, '.', nextval('hot.calls')::text) AS key;}, $calls);
	is_sql(q{SELECT count(*), count(DISTINCT version), bool_and(_source ? key), max(version) = max(_version)
		FROM hot.acknowledged, hot.docs}, "$all|$all|t|t", "$tag: each change is there, each with a version of its own");
	is_sql(q{SELECT count(*) FROM hot.docs, jsonb_object_keys(_source)}, $all, "$tag: and nothing else");

	# A document that is not there at first
	$node->safe_psql('postgres', q{SELECT hot.restart()});
	load("upsert_$direct", q{
		INSERT INTO hot.acknowledged
		SELECT key, (answer->>'_version')::bigint, (answer->>'created')::boolean
		FROM concat(:client_id::text, '.', nextval('hot.calls')::text) AS key,
			LATERAL kz_upsert('hot', 'docs', 'one', jsonb_build_object(key, true)) AS answer;}, $calls);
	is_sql(q{SELECT count(*), count(DISTINCT version), bool_and(_source ? key), count(*) FILTER (WHERE created), max(_version)
		FROM hot.acknowledged, hot.docs}, "$all|$all|t|1|$all", "$tag: created once, changed by all others");

	# One that is deleted again and again.  Every life begins with version 1, and what
	# was acknowledged after the last deletion is what is left.
	$node->safe_psql('postgres', q{SELECT hot.restart()});
	load("delete_$direct", q{
		SELECT :client_id = 0 AS deletes \gset
		\if :deletes
			SELECT kz_mdelete('hot', 'docs', ARRAY['one']);
		\else
			INSERT INTO hot.acknowledged
			SELECT key, (answer->>'_version')::bigint, (answer->>'created')::boolean
			FROM concat(:client_id::text, '.', nextval('hot.calls')::text) AS key,
				LATERAL kz_upsert('hot', 'docs', 'one', jsonb_build_object(key, true)) AS answer;
		\endif}, $calls);
	is_sql(q{SELECT count(*), count(*) FILTER (WHERE created) = count(*) FILTER (WHERE version = 1) FROM hot.acknowledged},
		($all - $calls) . '|t', "$tag: created where there was none");
	is_sql(q{SELECT count(*) = max(_version), bool_and(EXISTS (SELECT FROM hot.acknowledged WHERE acknowledged.key = k))
		FROM hot.docs, jsonb_object_keys(_source) k}, 't|t', "$tag: as many changes as versions, all of them acknowledged");

	# Many documents a call, in random order, in a table with further indexes; with
	# direct writes they are new
	load("bulk_$direct", q{
		SELECT kz_mupsert('hot', 'mail', jsonb_agg(jsonb_build_object('_id', i, 'changes',
			jsonb_build_object('mail', i || '@x', 'tag', :client_id::text, 'at', clock_timestamp()))), source => false)
		FROM (SELECT (random() * 300)::int::text AS i FROM generate_series(1, 20)) s;}, $calls);
	is_sql(q{SELECT sum(_version) > count(*), count(*) = count(DISTINCT _source->>'mail') FROM hot.mail}, 't|t',
		"$tag: calls for many documents");

	is_sql(q{SELECT count(bt_index_check(indexrelid, heapallindexed => true))
		FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_am a ON a.oid = relam
		WHERE amname = 'btree' AND indrelid IN ('hot.docs'::regclass, 'hot.mail'::regclass)}, 3,
		"$tag: the btree indexes have every row");
	is_sql(q{SET enable_seqscan = off; SELECT count(*) FROM hot.mail WHERE _source ? 'mail'},
		$node->safe_psql('postgres', q{SELECT count(*) FROM hot.mail}), "$tag: and so has that with GIN");
}

unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|FATAL|XX\d{3}/, 'no deadlock, nothing worse');
$node->stop;
done_testing();
