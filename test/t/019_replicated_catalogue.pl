# The catalogue itself comes by logical replication, as when a database moves to
# another server by FOR ALL TABLES: sessions of the subscriber that know a collection
# are told what the apply worker changes, and what the first copy brings.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init(allows_streaming => 'logical');
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach ('publisher', 'subscriber');
$node->safe_psql($_, 'CREATE EXTENSION kz') foreach ('publisher', 'subscriber');
$node->safe_psql('publisher', q{
	SELECT kz_create_collection('s', 'c', '{"dynamic": "strict", "properties": {"a": {"type": "integer"}}}')});
$node->safe_psql('publisher', q{CREATE PUBLICATION p FOR ALL TABLES});
$node->safe_psql('publisher', q{SELECT pg_create_logical_replication_slot('s1', 'pgoutput')});
$node->safe_psql('subscriber', q{
	CREATE SCHEMA s;
	CREATE TABLE s.c (_id text COLLATE "C" PRIMARY KEY, _version bigint NOT NULL, _source jsonb NOT NULL)});

# A session that stays, and is asked before anything comes.
my $session = $node->background_psql('subscriber', on_error_stop => 0);
$session->query('\set VERBOSITY sqlstate');
my $n = 0;
my $warnings = '';

sub answers
{
	my ($sql, $expected, $name) = @_;
	my $answer = $session->query("SELECT $sql");
	my $state = $session->{stderr} =~ /ERROR:\s+(\w{5})/ ? $1 : '';

	$warnings .= $_ foreach $session->{stderr} =~ /WARNING.*/g;
	$session->{stderr} = '';
	is($answer . $state, $expected, $name);
	return;
}

sub upsert
{
	my ($field) = @_;

	$n++;
	return qq{kz_upsert('s', 'c', 'here', '{"$field": $n}')->'_id'};
}

answers(upsert('a'), 'KZ412', 'there is no collection yet');
$node->safe_psql('subscriber', sprintf
	q{CREATE SUBSCRIPTION catalogue CONNECTION '%s' PUBLICATION p WITH (create_slot = false, slot_name = s1)},
	$node->connstr('publisher') =~ s/'/''/gr);
$node->wait_for_subscription_sync($node, 'catalogue', 'subscriber');
answers(upsert('a'), '"here"', 'the first copy brings it');
answers(upsert('other'), 'KZ400', 'with its strict mapping');

sub changes
{
	my ($sql) = @_;

	$node->safe_psql('publisher', $sql);
	$node->wait_for_catchup('catalogue');
	return;
}

changes(q{UPDATE kz_catalog.collection SET mappings = '{}'});
answers(upsert('other'), '"here"', 'a row that is updated is noticed');
changes(q{SELECT kz_update_collection('s', 'c', '{"dynamic": "strict"}')});
answers(upsert('more'), 'KZ400', 'also by a function of kz');
changes(q{DELETE FROM kz_catalog.collection});
answers(upsert('a'), 'KZ412', 'one that is deleted');
changes(q{INSERT INTO kz_catalog.collection VALUES ('s', 'c', 's', 'c', true, '{}', '{}', 1)});
answers(upsert('more'), '"here"', 'one that is inserted');
changes(q{TRUNCATE kz_catalog.index});
answers(upsert('a'), 'KZ412', 'and that all are gone');
is($warnings, '', 'nothing is warned of');
$session->quit;

$node->safe_psql('subscriber', 'ALTER SUBSCRIPTION catalogue DISABLE; ALTER SUBSCRIPTION catalogue SET (slot_name = NONE)');
$node->safe_psql('subscriber', 'DROP SUBSCRIPTION catalogue');
$node->stop;
done_testing();
