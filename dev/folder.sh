# shellcheck shell=bash
#
# Suites of Debian in folders: what dev/check-all, dev/check-upgrade and dev/package
# share.  Sourced after dev/lib.sh.

# Run a command as root.  What it mounts and starts is gone when it ends.
alone() { as_root unshare --mount --pid --fork --kill-child --mount-proc "$@"; }

# in_folder FOLDER COMMAND …: run it with the folder for its root directory.
in_folder()
{
	# shellcheck disable=SC2016
	alone bash -euc '
		mount --rbind /dev "$0/dev"
		mount -t proc proc "$0/proc"
		exec chroot "$0" env -u PG_CONFIG -u TMPDIR \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"' "$@"
}

# follow_security FOLDER SUITE: let it have the security updates of its suite, from the
# mirror that this machine has them from, if it has any.  A minor release can put into
# the catalogue what only releases of its day know: for an upgrade the newer major must
# not be older than the updates of this one.
follow_security()
{
	local folder=$1 suite=$2 mirror
	[ "$suite" != sid ] || return 0
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian-Security' | head -n 1)
	[ -n "$mirror" ] || return 0
	as_root tee "$folder/etc/apt/sources.list.d/security.list" >/dev/null <<<"deb $mirror $suite-security main"
}

# connect FOLDER SUITE: tell it what this machine knows of the network: names, how apt
# gets there, whom to trust.
connect()
{
	local folder=$1 suite=$2 authorities=/usr/local/share/ca-certificates
	as_root cp /etc/hosts /etc/resolv.conf "$folder/etc" &&
		{ [ ! -d $authorities ] || as_root cp -RT $authorities "$folder$authorities"; } &&
		apt-config dump | sed -En '/^Acquire::(Check-|[a-z]+::Proxy)/p' |
		as_root tee "$folder/etc/apt/apt.conf.d/90machine" >/dev/null &&
		follow_security "$folder" "$suite"
}

# Make .pg/clean/SUITE, to which nothing is ever added, unless it is there.
make_clean_folder()
{
	local suite=$1 folder=.pg/clean/$1 mirror output
	[ ! -e "$folder" ] || return 0
	dev/setup check-all || return
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || { say 'apt knows no suite of Debian; "apt-get update" may help'; return 1; }
	say "Making $folder, which takes a minute"
	as_root rm -rf "$folder.new"
	as_root mkdir -p .pg/clean
	output=$(alone debootstrap --variant=minbase "$suite" "$folder.new" "${mirror#* }" 2>&1) ||
		{ say "$output"; return 1; }
	as_root mv "$folder.new" "$folder"
}

# copy_clean_folder SUITE FOLDER: make a folder with the suite and its newest packages.
copy_clean_folder()
{
	local suite=$1 folder=$2
	make_clean_folder "$suite" &&
		say "Making $folder" &&
		as_root rm -rf "$folder" &&
		as_root mkdir -p "${folder%/*}" &&
		as_root cp -a ".pg/clean/$suite" "$folder" &&
		connect "$folder" "$suite" &&
		in_folder "$folder" apt-get -qq update
}

# Folders are the matter of one script at a time, which holds the lock on descriptor 8.
lock_folders()
{
	private_dir .pg
	exec 8<.pg
	flock --nonblock 8 || die 'another script is at work with the folders of .pg'
}
