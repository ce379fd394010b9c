# shellcheck shell=bash
#
# What dev/setup, dev/demo and dev/check share.  Sourced; the current directory
# is then the root of the checkout.
#
#	PG_CONFIG	the server to build for, default: the pg_config of the PATH

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
export PG_CONFIG=${PG_CONFIG:-pg_config} PGCLIENTENCODING=UTF8
unset PGDATABASE PGHOST PGHOSTADDR PGOPTIONS PGPASSWORD PGPORT PGSERVICE PGUSER

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

is_root() { [ "$(id -u)" = 0 ]; }

# Whether as_root can work: sudo must neither be missing nor ask for a password
# that nobody is there to type.
can_be_root()
{
	is_root || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }
}

as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

# The suite of Debian that apt installs from, and the mirror it gets it from, "bookworm
# http://...": not the suites of its updates, as bookworm-security.
debian_mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
		sed -n '/^[a-z]* /p' | sort -u | head -n 1
}

# A server does not run as root.  If root calls, it runs as postgres, or as
# nobody where there is no such user.
server_user()
{
	if ! is_root; then id -un; elif id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# Run a command as the user of the server, who may have no right to be where
# root is.  Descriptor 9 is the lock of lock_server: what we start must not
# keep it.
as_server()
{
	if is_root; then
		(cd / && exec runuser -u "$(server_user)" -- env HOME=/ TMPDIR=/tmp "$@") 9<&-
	else
		"$@" 9<&-
	fi
}

pg_bindir() { "$PG_CONFIG" --bindir; }
pg_major() { "$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'; }

# A server has one copy of the extension's files, so checkouts take turns with
# it.  The lock is held on one of the server's directories: it needs no file,
# and it ends with this script, however that ends.
lock_server()
{
	exec 9< "$("$PG_CONFIG" --pkglibdir)"
	flock --nonblock 9 && return
	say 'Waiting for another checkout to finish with the same server …'
	flock 9
}

# What make prints is shown only if it fails.
quiet_make()
{
	local output
	output=$(make "$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

# Copy what was built into the directories of the server, which usually belong
# to root; not if all is there already, so that who has no right can ask
# somebody who has.
install_extension()
{
	local libdir sharedir file current=yes command
	libdir=$("$PG_CONFIG" --pkglibdir) sharedir=$("$PG_CONFIG" --sharedir)/extension
	cmp -s kz.so "$libdir/kz.so" || current=no
	for file in kz.control sql/kz--*.sql; do
		cmp -s "$file" "$sharedir/${file##*/}" || current=no
	done
	[ "$current" = no ] || return 0

	command=(make -s -C "$root" install "PG_CONFIG=$(command -v "$PG_CONFIG")")
	if [ -w "$libdir" ] && [ -w "$sharedir" ]; then
		"${command[@]}"
	elif can_be_root; then
		as_root "${command[@]}"
	else
		die "there is no right to write to $libdir; ask root for: ${command[*]}"
	fi
}

# server_copy DIRECTORY: put a copy of the server there, and print where its programs
# are.  A server finds its files by where its programs are, so the copy is a server of
# its own.
server_copy()
{
	local major bindir
	major=$(pg_major) bindir=$(pg_bindir)
	mkdir -p "$1/lib/postgresql" "$1/share/postgresql"
	cp -R "${bindir%/bin}" "$1/lib/postgresql/$major"
	cp -R "$("$PG_CONFIG" --sharedir)" "$1/share/postgresql/$major"
	ln -s /usr/include "$1/include"
	echo "$1/lib/postgresql/$major/bin"
}

# private_dir DIRECTORY: make a directory for the server's user alone.  It is
# what guards our servers: their socket lies in it, they listen nowhere else,
# and they trust whoever reaches them.
private_dir()
{
	local user
	user=$(server_user)
	if [ ! -e "$1" ]; then
		install -d -m 700 "$1"
		if is_root; then chown "$user:" "$1"; fi
	elif [ -L "$1" ] || [ "$(stat -c %U "$1")" != "$user" ]; then
		die "$1 does not belong to $user; remove it, or call as the user who made it"
	fi
}

# use_server DIRECTORY: let psql and all that use libpq find the server there.
# The port is only part of the socket's name.
use_server()
{
	PGHOST=$1 PGPORT=543$(pg_major) PGUSER=postgres PATH=$(pg_bindir):$PATH
	export PGHOST PGPORT PGUSER
}

# start_server DIRECTORY [OPTIONS]: start the server of a private directory,
# after making its cluster if there is none.
start_server()
{
	local bindir data output
	bindir=$(pg_bindir) data=$1/$(pg_major)
	use_server "$1"
	if [ ! -e "$data/PG_VERSION" ]; then
		output=$(as_server "$bindir/initdb" -D "$data" -U postgres -A trust \
			-E UTF8 --no-locale --no-sync 2>&1) || die "$output"
	fi
	as_server "$bindir/pg_ctl" -s -w -D "$data" -l "$1/server.log" \
		-o "-k $1 -p $PGPORT -c listen_addresses='' ${2:-}" start ||
		die "the server did not start: $(tail -n 20 "$1/server.log")"
}

server_runs() { as_server "$(pg_bindir)/pg_ctl" -D "$1/$(pg_major)" status >/dev/null 2>&1; }
stop_server() { as_server "$(pg_bindir)/pg_ctl" -s -D "$1/$(pg_major)" -m fast stop; }
