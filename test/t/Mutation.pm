# Values as JSON has them, made and changed at random: for tests that send what no
# client would send.  Values are hashes, arrays, undef, strings, and a reference to a
# string for what JSON writes without quotes.  The caller calls srand.
package Mutation;

use strict;
use warnings;
no warnings 'recursion';

use Exporter 'import';

our @EXPORT = qw($true $false number pick copy any_value places mutate to_json);

our ($true, $false) = (\'true', \'false');

# What pieces are taken from, besides what is listed here.
our @samples = ({ a => 1 });

sub number
{
	my ($digits) = @_;

	return \$digits;
}

my @strings = ('', 'x', 'tom', 'zoo', 'cats', 'lions', 'new', 'park', '_search', '_all', '_kuzzle_keep', '_kuzzle_info', 'wait_for', 'false',
	'true', 'null', '3', '-1', '1.5', '1e3', ' 7 ', '0x10', 'NaN', 'Infinity', 'a.b', 'o.x[0]', 'o[', '["o"]["x"]', 'tom,felix', '%s %1 %n', '"', "'", '\\',
	'js@6.0.0', 'a b', 'Zoo', "\x01", "\x{7f}", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x88", 'x' x 127, "\xc3\xa9" x 257, 'x' x 5000, 'strict', 'keyword');
my @numbers = ('0', '-0', '1', '-1', '2', '1.5', '1.0', '1e3', '1e400', '1e-400', '9007199254740993', '2147483648', '-2147483649', '9223372036854775808',
	'123456789012345678901234567890.5');
my @keys = ('_id', 'index', 'collection', 'controller', 'action', 'body', 'volatile', 'requestId', 'jwt', 'refresh', 'silent', 'source', 'strict', 'retryOnConflict', 'ids',
	'documents', 'changes', 'default', 'defaults', 'fields', 'bulkData', 'doc', 'upsert', 'script', 'doc_as_upsert', 'create', 'delete', 'update', 'indexes', 'mappings', 'settings',
	'properties', 'dynamic', '_meta', 'type', 'from', 'size', 'targets', 'query', 'if_version', 'services', 'token', '_kuzzle_info', 'sdkName', 'kuid', 'name', 'n', 'o', 'x', '', 'a.b');

sub pick { return $_[ int rand @_ ] }

sub copy
{
	my ($value) = @_;

	return { map { $_ => copy($value->{$_}) } keys %$value } if ref $value eq 'HASH';
	return [ map { copy($_) } @$value ] if ref $value eq 'ARRAY';
	return $value;
}

# Any value; the deeper, the simpler.
sub any_value
{
	my ($depth) = @_;
	my $kind = int rand($depth > 3 ? 8 : 11);

	return undef if $kind == 0;
	return pick($true, $false) if $kind == 1;
	return number(pick(@numbers)) if $kind < 4;
	return pick(@strings) if $kind < 8;
	return [ map { any_value($depth + 1) } 1 .. int rand 4 ] if $kind == 8;
	return copy(pick(places(pick(@samples)))->()) if $kind == 9;
	return { map { pick(@keys) => any_value($depth + 1) } 1 .. int rand 4 };
}

# All places in a value, in an order that is always the same; each is a function
# that returns what is there and, called with a list, puts that list there.
sub places
{
	my ($value) = @_;
	my @places;

	if (ref $value eq 'HASH')
	{
		foreach my $key (sort keys %$value)
		{
			push @places, sub {
				my $old = $value->{$key};
				if (@_ == 1) { $value->{$key} = $_[0] }
				elsif (@_) { delete $value->{$key}; $value->{ pick(@keys) } = $_[1] if defined $_[1] }
				return $old;
			}, places($value->{$key});
		}
	}
	elsif (ref $value eq 'ARRAY')
	{
		foreach my $i (0 .. $#$value)
		{
			push @places, sub {
				my $old = $value->[$i];
				splice @$value, $i, 1, @_ if @_;
				return $old;
			}, places($value->[$i]);
		}
	}
	return @places;
}

# Change one thing in a request.
sub mutate
{
	my ($request) = @_;
	my $place = pick(places($request));
	my $kind = int rand 12;

	return any_value(0) unless $place;
	if ($kind < 5) { $place->(any_value(0)) }
	elsif ($kind == 5) { $place->(undef, undef) }
	elsif ($kind == 6) { $place->(undef, copy($place->())) }
	elsif ($kind == 7) { $place->([ copy($place->()) ]) }
	elsif ($kind == 8) { $place->({ pick(@keys) => copy($place->()) }) }
	elsif ($kind == 9) { $request->{ pick(@keys) } = any_value(0) if ref $request eq 'HASH' }
	elsif ($kind == 10)
	{
		my $container = pick(grep { ref $_ } map { $_->() } places($request));

		if (ref $container eq 'HASH') { $container->{ pick(@keys) } = any_value(1) }
		elsif (ref $container eq 'ARRAY') { push @$container, map { copy($_) } @$container, any_value(1) }
	}
	else
	{
		my $value = $place->();

		for (1 .. int rand 200) { $value = rand() < 0.5 ? [$value] : { o => $value } }
		$place->($value);
	}
	return $request;
}

sub to_json
{
	my ($value) = @_;

	return 'null' unless defined $value;
	return '{' . join(',', map { to_json($_) . ':' . to_json($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
	return '[' . join(',', map { to_json($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return $$value if ref $value;
	return '"' . $value =~ s/(["\\])/\\$1/gr =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ger . '"';
}

1;
