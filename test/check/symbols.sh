#!/usr/bin/env bash
#
# All modules of a server share one namespace of C functions, so kz.so exports
# what PostgreSQL looks up in it, and nothing that could be another module's:
# kz_*, pg_finfo_kz_*, Pg_magic_func, _PG_init.  To mend a violation, make the
# function static, or let its name begin with kz_ if other files call it.

[ -e kz.so ] || { echo 'there is no kz.so: run make first'; exit 1; }
nm -D --defined-only kz.so | awk '
	$3 !~ /^(kz_[a-z0-9_]+|pg_finfo_kz_[a-z0-9_]+|Pg_magic_func|_PG_init)$/ {
		print "exported: " $3
		bad = 1
	}
	END { exit bad }'
