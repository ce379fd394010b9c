# The memory of a call for 100 000 documents: the most that a fresh backend ever
# had resident, beside what the server needs to do no more than parse the same
# text into a jsonb.

use strict;
use warnings;

use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc of Linux and Unix-domain sockets'
  unless $^O eq 'linux' && -r '/proc/self/status' && $use_unix_sockets;

my $many = 100_000;

# Little of what is resident is to be shared memory.
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	fsync = off
	autovacuum = off
	max_wal_size = 4GB
	shared_buffers = 16MB});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION kz;
	SELECT kz_create_collection('memory', 'docs')});

#
# A client of the wire protocol: psql has no parameters in all versions, and in
# a literal the text would go through the parser of SQL, with copies of its own.
#

sub send_message
{
	my ($socket, $type, $body) = @_;

	print {$socket} $type, pack('N', 4 + length $body), $body or die "send: $!";
	return;
}

# The next message, but for what may come at any time.
sub receive_message
{
	my ($socket) = @_;

	for (;;)
	{
		my ($head, $body) = ('', '');

		(read($socket, $head, 5) // 0) == 5 or die 'the server hung up';
		my ($type, $length) = unpack('aN', $head);
		$length == 4 || read($socket, $body, $length - 4) or die 'the server hung up';
		die "the server says: " . ($body =~ tr/\0/ /r) if $type eq 'E';
		return ($type, $body) unless $type =~ /[SNKA]/;
	}
}

# Receive up to ReadyForQuery; returns the only field of the only row, if any.
sub receive_value
{
	my ($socket) = @_;
	my $value;

	for (;;)
	{
		my ($type, $body) = receive_message($socket);

		return $value if $type eq 'Z';
		$value = substr($body, 6) if $type eq 'D';
	}
}

sub query
{
	my ($socket, $sql, @parameters) = @_;

	send_message($socket, 'P', "\0$sql\0" . pack('n', 0));
	send_message($socket, 'B', "\0\0" . pack('nn', 0, scalar @parameters)
		. join('', map { pack('N/a*', $_) } @parameters) . pack('n', 0));
	send_message($socket, 'E', "\0" . pack('N', 0));
	send_message($socket, 'S', '');
	$socket->flush;
	return receive_value($socket);
}

# What a backend that does nothing else has at most, in kB, and the value that
# it returns.
sub peak
{
	my ($sql, $parameter) = @_;
	my $socket = IO::Socket::UNIX->new(
		Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "connect: $!";
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	my $startup = pack('N', 196608) . "user\0$user\0database\0postgres\0\0";

	print {$socket} pack('N', 4 + length $startup), $startup;
	$socket->flush;
	receive_value($socket);

	my $pid = query($socket, 'SELECT pg_backend_pid()');
	my $value = query($socket, $sql, $parameter);
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;

	send_message($socket, 'X', '');
	$socket->flush;
	close $socket;
	return ($kb, $value);
}

# Documents of about 300 bytes; the words make those of two requests differ.
sub request
{
	my ($word) = @_;

	return '[' . join(',', map { sprintf(
		'{"_id": "document-%06d", "changes": {"name": "%s of %06d", "number": %d, "flag": true, '
		. '"place": {"street": "%s Street %d", "city": "Sometown"}, "tags": ["a", "bc", "def"], '
		. '"filler": "%s"}}', $_, $word, $_, 7 * $_, $word, $_, 'x' x 100) } 1 .. $many) . ']';
}

my $create = request('Creation');
my $change = request('Change');
my ($parsed, $count) = peak('SELECT jsonb_array_length($1::jsonb)', $create);
is($count, $many, 'the text is an array of all documents');
note(sprintf('text %d kB, %d bytes a document; to parse it takes %d kB, %.1f times the text',
	length($create) / 1024, length($create) / $many, $parsed, $parsed * 1024 / length $create));

# Within 1.25 times of that, and 4 times the answer if it has the documents.
sub check
{
	my ($name, $request, $source) = @_;
	my ($kb, $answer) = peak(
		"SELECT kz_mupsert('memory', 'docs', \$1, source => $source)", $request);
	my $answer_kb = length($answer) / 1024;
	my $bar = 1.25 * $parsed + ($source eq 'true' ? 4 * $answer_kb : 0);

	is(scalar(() = $answer =~ /"status": 20[01]/g), $many, "$name: all are written");
	cmp_ok($kb, '<=', $bar, "$name: within the memory allowed");
	note(sprintf('%s: %d kB, %.2f times the parsing; answer %d kB, allowed %d kB',
		$name, $kb, $kb / $parsed, $answer_kb, $bar));
	return;
}

check('creation', $create, 'false');
check('change', $change, 'false');
check('no change', $change, 'false');
check('change, with documents', $create, 'true');
$node->safe_psql('postgres', q{SELECT kz_truncate_collection('memory', 'docs')});
check('creation, with documents', $create, 'true');

$node->stop;
done_testing();
