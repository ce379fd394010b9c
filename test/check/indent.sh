#!/usr/bin/env bash
#
# C is formatted as PostgreSQL formats its own: pg_bsd_indent with the flags of
# pgindent, and what pgindent mends after it, "type *" alone on a line.  To mend
# a violation, run "make indent"; if that writes "Type * name", add Type to
# typedefs.list, or to that of the gateway, which is no part of the extension.  Later
# versions of pg_bsd_indent indent the further lines of what a declaration assigns,
# earlier ones do not: assign behind the declarations then.  With --write, this
# changes the files rather than complaining.

flags=(-bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 -i4 -l79 -lp -lpl -nip -npro
	-sac -tpg -ts4)
PATH=$PATH:$("${PG_CONFIG:-pg_config}" --bindir)
formatted=$(mktemp) || exit 1
trap 'rm -f "$formatted"' EXIT
status=0

for file in $(find src gateway test/bench -name '*.[ch]' | sort); do
	types=typedefs.list
	[ "${file%%/*}" = src ] || types=gateway/typedefs.list
	pg_bsd_indent "${flags[@]}" "-U$types" <"$file" | sed -E 's/^(\w[A-Za-z0-9_ ]*\w)[ \t]+\*$/\1 */' >"$formatted"
	[ -s "$formatted" ] || exit 1
	if [ "${1-}" != --write ]; then
		diff -u --label "$file" --label formatted "$file" "$formatted" || status=1
	elif ! cmp -s "$file" "$formatted"; then
		cp "$formatted" "$file"
	fi
done
exit $status
