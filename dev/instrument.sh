# shellcheck shell=bash
#
# What dev/sanitize, dev/valgrind, dev/fuzz and dev/check-harmless share: a copy of
# the server, with a build of the extension of its own that nobody else loads.
# Sourced after dev/lib.sh.
#
#	dir		where all of it is; made here, and removed at the end
#	ours	the programs of the copy

dir=$(mktemp -d "/tmp/kz-${0##*/}.XXXXXX")
finish()
{
	if [ -e "$dir/data/postmaster.pid" ]; then as_server "$ours/pg_ctl" -s -D "$dir/data" -m fast stop || true; fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# The server and this checkout, in dir.
copy_server()
{
	ours=$(server_copy "$dir/usr")
	cp -R Makefile META.json kz.control sql src test expected dev examples "$dir"
}

# build_copy SOURCES ARGUMENTS …: the C files that are found there, and what make is
# given besides.
build_copy()
{
	local sources objects
	read -ra sources <<<"$1"
	mapfile -t objects < <(cd "$dir" && find "${sources[@]}" -name '*.c' | sed 's/c$/o/')
	quiet_make -C "$dir" clean PG_CONFIG="$ours/pg_config" with_llvm=no OBJS="${objects[*]}"
	quiet_make -C "$dir" -j "$(nproc)" install PG_CONFIG="$ours/pg_config" with_llvm=no OBJS="${objects[*]}" "${@:2}"
}

# What test/fuzz/blocks.c is linked with.
# shellcheck disable=SC2034
small_blocks=-Wl,--wrap=AllocSetContextCreateInternal

# shellcheck disable=SC2034
sanitizer_options='ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:allocator_may_return_null=1:handle_abort=1'

# With a sanitizer loaded first, the server's call of bindtextdomain never
# returns; messages in English need none of it.
make_nonls()
{
	gcc -shared -fPIC -w -xc -o "$dir/nonls.so" - <<'END'
char *bindtextdomain(const char *domain, const char *name) { return (char *) name; }
char *textdomain(const char *domain) { return (char *) domain; }
char *bind_textdomain_codeset(const char *domain, const char *codeset) { return (char *) codeset; }
END
}

# make_cluster: in $dir/data, owned as all of $dir by the server's user.
make_cluster()
{
	if is_root; then chown -R "$(server_user):" "$dir"; fi
	chmod 755 "$dir"
	use_server "$dir"
	as_server "$ours/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$dir/initdb.log"
}

# run_server_by COMMAND …: whoever starts the server of the copy starts it by this
# command.  What starts it keeps its own environment.
run_server_by()
{
	mv "$ours/postgres" "$ours/postgres.real"
	printf '#!/bin/sh\nexec %s "%s/postgres.real" "$@"\n' "$*" "$ours" > "$ours/postgres"
	chmod 755 "$ours/postgres"
}

start_copy()
{
	as_server "$ours/pg_ctl" -s -w -t 600 -D "$dir/data" -l "$dir/server.log" \
		-o "-k $dir -p $PGPORT -c listen_addresses='' -c fsync=off -c jit=off" start
}

# make_tests TARGET ARGUMENTS …: what make does in the copy; shows the results, and
# the diffs if there are any.
make_tests()
{
	local status=0
	as_server make -s -C "$dir" PG_CONFIG="$ours/pg_config" "$@" >"$dir/tests.log" 2>&1 </dev/null || status=1
	grep -E ' \.\.\. |^(not )?ok|^# |^Result' "$dir/tests.log" || { tail -n 20 "$dir/tests.log"; status=1; }
	cat "$dir/regression.diffs" "$dir/output_iso/regression.diffs" 2>/dev/null || true
	return "$status"
}
