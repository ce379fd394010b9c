# shellcheck shell=bash
#
# What dev/check-assert and dev/check-harmless share.  Sourced after dev/lib.sh.

# fetch_sources DIRECTORY: PostgreSQL's sources, as its authors publish them, into
# DIRECTORY/tree, from the mirrors that apt knows, whether or not it is told to look
# for sources there.  A mirror may not have those of the installed version any more,
# or not yet: then the newest that it has.  Says which.
fetch_sources()
{
	local directory=$1 package version
	package=postgresql-$(pg_major)
	mkdir -p "$directory"/{lists/partial,cache/archives/partial,parts,tree}
	find /etc/apt -maxdepth 2 -name '*.sources' -exec grep -lq '^URIs:.*/debian' {} \; \
		-exec sh -c 'sed "s/^Types:.*/Types: deb-src/" "$1" > "$0/${1##*/}"' "$directory/parts" {} \;
	find /etc/apt -maxdepth 2 -name '*.list' -exec sed -nE 's|^deb( .*/debian.*)|deb-src\1|p' {} + >"$directory/sources.list"
	cat >"$directory/apt.conf" <<END
Dir::Etc::sourcelist "$directory/sources.list";
Dir::Etc::sourceparts "$directory/parts";
Dir::State::lists "$directory/lists";
Dir::Cache "$directory/cache";
APT::Sandbox::User "";
END
	for version in $(
		export APT_CONFIG=$directory/apt.conf
		apt-get -qq update
		{ dpkg-query -W -f '${Version}\n' "$package" 2>/dev/null || true
			apt-cache showsrc "$package" | sed -n 's/^Version: //p' | sort -rV; } | uniq
	); do
		(cd "$directory" && APT_CONFIG=$directory/apt.conf \
			apt-get -qq source --only-source --download-only "$package=$version") >"$directory/log" 2>&1 || continue
		tar -xf "$directory/$package"_*.orig.tar.* -C "$directory/tree" --strip-components=1
		say "Sources of PostgreSQL ${version%%-*}"
		return
	done
	die "no mirror has the sources of $package: $(cat "$directory/log")"
}
