#!/usr/bin/env bash
#
# An error is known by its number and by its id, to clients of the extension and of
# the gateway, so none of them comes twice in the catalogue that both have, domain and
# subdomain of a number are those of the id, and nobody else has errors of Kuzzle's kind.
# To mend a violation, take a number that is free; give an error that is missing a row
# in src/base/error_catalog.h.

status=0
catalogue=src/base/error_catalog.h

awk '
	function report(what) { print FILENAME ":" FNR ": " what; bad = 1 }
	/^KZ_ERROR_ROW\(/ && !/^KZ_ERROR_ROW\(MALFORMED, "", 0, / {
		if (!match($0, /^KZ_ERROR_ROW\([A-Z_]+, "[a-z]+\.[a-z]+\.[a-z_]+", 0x[0-9a-f]+, [1-5][0-9][0-9],$/)) {
			report("this is no row")
			next
		}
		split($0, field, /[(",]+ *"?/)
		name = field[2]; id = field[3]; number = field[4]
		if (length(number) != 10) report("a number has eight digits")
		domain = substr(id, 1, match(id, /\.[^.]*$/) - 1)
		if (id in ids) report("there is " id " already")
		if (number in numbers) report("there is " number " already, of " numbers[number])
		if (domain in domains && domains[domain] != substr(number, 1, 6))
			report(domain " has numbers like " domains[domain] "00")
		ids[id] = 1; numbers[number] = id; domains[domain] = substr(number, 1, 6); n++
	}
	END { if (n < 50) { print "there are " n + 0 " rows only"; bad = 1 }; exit bad }' "$catalogue" || status=1

ids=$(sed -nE 's/^KZ_ERROR_ROW\([A-Z_]+, "([a-z]+\.[a-z]+)\..*/\1/p' "$catalogue" | sort -u | paste -sd '|')
! grep -rnE "\"(${ids//./\\.})\.[a-z_]+\"" src gateway --include='*.[ch]' | grep -v "^$catalogue:" || status=1
exit "$status"
