# shellcheck shell=bash
#
# A suite of Debian in a folder: what dev/check-all and dev/check-upgrade share.
# Sourced after dev/lib.sh.

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

# Let the folder of a suite have its security updates, from the mirror that this
# machine has them from, if it has any.  A minor release can put into the catalogue
# what only releases of its day know: for an upgrade the newer major must not be older
# than the updates of this one.
follow_security()
{
	local folder=$1 suite=${1##*/} mirror
	[ "$suite" != sid ] || return 0
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian-Security' | head -n 1)
	[ -n "$mirror" ] || return 0
	as_root tee "$folder/etc/apt/sources.list.d/security.list" >/dev/null <<<"deb $mirror $suite-security main"
}
