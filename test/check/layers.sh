#!/usr/bin/env bash
#
# The folders of src depend on one another in alphabetical order: base, document,
# engine, filter, operation, protocol.  A file includes headers of its own folder and
# of earlier ones, never of later ones; src/kz.c stands above all.  Of all this the
# gateway includes the catalogue of errors, and nothing else.  To mend a violation, move
# what is needed down, or hand it in from above as an argument.

find src -name '*.[ch]' | sort | xargs awk '
	BEGIN {
		n = split("base document engine filter operation protocol", folder, " ")
		for (i = 1; i <= n; i++)
			rank[folder[i]] = i
	}
	FNR == 1 { split(FILENAME, part, "/") }
	/^[ \t]*#[ \t]*include[ \t]*"/ && part[3] != "" {
		split($0, quoted, "\"")
		split(quoted[2], to, "/")
		if ((to[1] in rank) && !(rank[part[2]] >= rank[to[1]])) {
			print FILENAME ":" FNR ": " $0
			bad = 1
		}
	}
	END { exit bad }' || exit 1

! grep -nE '^[ \t]*#[ \t]*include[ \t]*"[^"]*/' gateway/*.[ch] | grep -v '"base/error_catalog\.h"$'
