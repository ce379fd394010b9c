#!/usr/bin/env bash
#
# What is read at one sitting is understood: a source file has at most 600
# lines, and a function at most 80, from its opening to its closing brace.  To
# mend a violation, look for the second subject that has crept in, and give it
# a file or a function of its own.

find src gateway test/bench -name '*.[ch]' | sort | xargs awk '
	function report(what) { print what; bad = 1 }
	FNR == 601 { report(FILENAME ": more than 600 lines") }
	/^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { start = FNR }
	/^\}$/ && start && FNR - start >= 80 {
		report(FILENAME ":" start ": " name "() has " FNR - start + 1 " lines")
	}
	/^\}/ { start = 0 }
	END { exit bad }'
