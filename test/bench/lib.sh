# shellcheck shell=bash
#
# What run and gateway share: a server of their own, and where results go.
# Sourced; the current directory is then the root of the checkout.  The script
# defines finish, which ends what else it has started.

called_in=$PWD
# shellcheck source=dev/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../dev/lib.sh"

# shellcheck disable=SC2034
here=$root/test/bench output=$root/test/bench/out
settings='-c autovacuum=off -c synchronous_commit=off -c full_page_writes=off -c jit=off
	-c max_wal_size=16GB -c checkpoint_timeout=1h'
export PGDATABASE=postgres
# What pgbench prints is read.
unset LC_ALL LANGUAGE
export LC_MESSAGES=C

# output_to DIR: where we were called counts.
output_to() { case $1 in /*) output=$1 ;; *) output=$called_in/$1 ;; esac; }

# Make dir, which is gone at the end with the server in it.
make_dir()
{
	dir=$(mktemp -d /tmp/kz-bench.XXXXXX)
	trap end EXIT
	trap 'exit 130' INT TERM HUP
	if is_root; then chown "$(server_user):" "$dir"; fi
}

end()
{
	finish
	if server_runs "$dir"; then stop_server "$dir" || true; fi
	rm -rf "$dir"
}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# restart_server SETTINGS: with ours and these.
restart_server()
{
	if server_runs "$dir"; then stop_server "$dir"; fi
	start_server "$dir" "${settings//$'\n'/ } $1"
}

must_have_kz()
{
	[ "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'kz'")" = 1 ] ||
		die 'kz is not installed for this server; make install does that'
}
