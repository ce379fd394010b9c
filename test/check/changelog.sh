#!/usr/bin/env bash
#
# CHANGELOG.md has the form of Keep a Changelog: each version is "## [1.2.3] - 2026-01-31",
# the newest may be "unreleased" instead of the day; below it are the sections of that form,
# each once, and nothing outside of them.  To mend a violation, move the line that is named
# to its section.

awk '
	function wrong(what) { print FILENAME ":" FNR ": " what ": " substr($0, 1, 60); bad = 1 }
	/^## / {
		versions++
		section = ""
		split("", seen)
		if ($0 !~ /^## \[[0-9]+\.[0-9]+\.[0-9]+\] - ([0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]|unreleased)$/)
			wrong("no heading of a version")
		else if (/unreleased$/ && versions > 1)
			wrong("only the newest version can be unreleased")
		next
	}
	/^### / {
		section = substr($0, 5)
		if (section !~ /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/)
			wrong("no section of the form")
		if (seen[section]++)
			wrong("a second section of that name")
		next
	}
	versions && /./ && section == "" { wrong("outside of a section") }
	END { if (!versions) { print FILENAME ": no version"; bad = 1 } exit bad }' CHANGELOG.md
