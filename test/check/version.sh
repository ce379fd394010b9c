#!/usr/bin/env bash
#
# The version is written in kz.control, and the build takes it from there.
# META.json, whose format wants it twice, the newest entry of CHANGELOG.md and that of
# debian/changelog must agree with it, and nothing else may repeat it.  To mend a
# violation, correct what is listed.

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" kz.control)
status=0

expect()
{
	[ "$2" = "$version" ] || { echo "$1 says ${2:-nothing}, kz.control says $version"; status=1; }
}

meta() { perl -MJSON::PP -0777 -ne "print decode_json(\$_)->$1" META.json; }
expect 'META.json, version' "$(meta '{version}')"
expect 'META.json, provides.kz.version' "$(meta '{provides}{kz}{version}')"
expect CHANGELOG.md "$(sed -n 's/^## \[\(.*\)\].*/\1/p' CHANGELOG.md | head -n 1)"
expect debian/changelog "$(sed -n '1s/^kz (\(.*\)-[0-9]*) .*/\1/p' debian/changelog)"
! grep -rnwIF "$version" Makefile src sql/kz.sql || status=1
exit $status
