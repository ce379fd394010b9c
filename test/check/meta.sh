#!/usr/bin/env bash
#
# META.json must be what PGXN takes: the keys, and the form of each value, of version
# 1.0.0 of its specification, https://pgxn.org/spec/.  Files that it names must be in what
# is released.  To mend a violation, correct the key that is named.

perl -MJSON::PP -e '
use strict;
use warnings;

my ($bad, $meta) = 0;

sub wrong { print "META.json, $_[0]: $_[1]\n"; $bad = 1; }

# Each of these is given a value, and tells whether it is one.
sub text { !ref $_[0] && defined $_[0] && $_[0] =~ /\S/ }
sub term { text($_[0]) && length $_[0] > 1 && $_[0] !~ m{[\s/\\[:cntrl:]]} }
sub tag { text($_[0]) && length $_[0] <= 256 && $_[0] !~ m{[/\\[:cntrl:]]} }
sub url { text($_[0]) && $_[0] =~ m{^[a-z][a-z+.-]*://\S+$} }
sub mail { text($_[0]) && $_[0] =~ /^[^\s@]+@[^\s@]+$/ }
sub version { text($_[0]) && $_[0] =~ /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[A-Za-z][0-9A-Za-z-]*)?$/ }
sub range
{
	my ($value) = @_;
	return 0 if !text($value);
	return !grep { !/^\s*(?:[<>]=?|[!=]=)?\s*(\S+)\s*$/ || ($1 ne "0" && !version($1)) } split /,/, $value, -1;
}
sub several
{
	my ($test, $value) = @_;
	return $test->($value) || ref $value eq "ARRAY" && @$value > 0 && !grep { !$test->($_) } @$value;
}
sub one_of { my %known = map { $_ => 1 } @_; sub { text($_[0]) && $known{$_[0]} } }
sub file { text($_[0]) && $_[0] !~ m{^/|\.\.} && -f $_[0] }

my $license = one_of(qw(agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2
	gpl_3 lgpl_2_1 lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib
	open_source restricted unrestricted unknown));

# look(WHERE, OBJECT, KEY => [TEST, REQUIRED], ...): a key that is not listed must begin
# with x_.
sub look
{
	my ($where, $object, %keys) = @_;
	if (ref $object ne "HASH") { wrong($where, "must be an object"); return; }
	for my $key (sort keys %keys)
	{
		my ($test, $required) = @{$keys{$key}};
		if (!exists $object->{$key}) { wrong("$where$key", "is missing") if $required; }
		elsif (!$test->($object->{$key})) { wrong("$where$key", "is not what it must be"); }
	}
	for my $key (sort keys %$object) { wrong("$where$key", "is not known") if !$keys{$key} && $key !~ /^x_/i; }
}

# each_of(WHERE, OBJECT, TEST OF KEYS, SUB): look at each member, by its name.
sub each_of
{
	my ($where, $object, $test, $do) = @_;
	if (ref $object ne "HASH") { wrong($where, "must be an object"); return; }
	for my $key (sort keys %$object)
	{
		if (!$test->($key)) { wrong("$where$key", "is no such name"); next; }
		$do->("$where$key", $object->{$key});
	}
}

sub any { 1 }

{ local (@ARGV, $/) = "META.json"; $meta = decode_json(<>); }
look("", $meta,
	name => [\&term, 1], version => [\&version, 1], abstract => [\&text, 1], maintainer => [sub { several(\&text, @_) }, 1],
	license => [sub { several($license, @_) || ref $_[0] eq "HASH" && !grep { !url($_) } values %{$_[0]} }, 1],
	provides => [sub { ref $_[0] eq "HASH" && %{$_[0]} }, 1], "meta-spec" => [\&any, 1],
	description => [\&text], generated_by => [\&text], no_index => [\&any], prereqs => [\&any],
	release_status => [one_of(qw(stable testing unstable))], resources => [\&any],
	tags => [sub { several(\&tag, @_) }]);
look("meta-spec.", $meta->{"meta-spec"}, version => [sub { version(@_) && $_[0] =~ /^1\.0\./ }, 1], url => [\&url]);
each_of("provides.", $meta->{provides}, \&term, sub {
	look("$_[0].", $_[1], file => [\&file, 1], version => [\&version, 1], abstract => [\&text], docfile => [\&file]) });
each_of("prereqs.", $meta->{prereqs} // {}, one_of(qw(configure build test runtime develop)), sub {
	each_of("$_[0].", $_[1], one_of(qw(requires recommends suggests conflicts)), sub {
		each_of("$_[0].", $_[1], \&term, sub { wrong($_[0], "is no range of versions") if !range($_[1]) }) }) });
look("resources.", $meta->{resources} // {}, homepage => [\&url], license => [sub { several(\&url, @_) }],
	bugtracker => [sub { look("resources.bugtracker.", $_[0], web => [\&url], mailto => [\&mail]); 1 }],
	repository => [sub { look("resources.repository.", $_[0], url => [\&url], web => [\&url],
		type => [sub { text($_[0]) && $_[0] eq lc $_[0] }]); 1 }]);
look("no_index.", $meta->{no_index} // {}, file => [sub { several(\&text, @_) }], directory => [sub { several(\&text, @_) }]);
exit $bad;'
