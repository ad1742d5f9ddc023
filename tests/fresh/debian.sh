#!/bin/bash
# A new user's first hour: what README says works on a minimal Debian 12, which has nothing of this machine
# but its network and its mirrors. Mounts and processes are in namespaces of their own: they go when this ends,
# in whatever way; a root that was left behind goes the next time.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$HOLDFAST_TOP"

if ! unshare --mount --pid --fork true 2>"$scratch/.out"; then
	skip "README's commands work on a fresh Debian 12" "namespaces are not to be had here: $(head -1 "$scratch/.out")"
	exit
fi
[ -z "$(git status --porcelain)" ] || echo "# only what is committed is tried; the work tree differs"

places=${TMPDIR:-/var/tmp}
for place in "$places"/holdfast-fresh.*; do
	[ ! -e "$place/lock" ] || flock -n "$place/lock" rm -rf "$place"
done
place=$(mktemp -d "$places/holdfast-fresh.XXXXXX")
exec 8>"$place/lock"
flock 8
inside=
cleanup() {
	[ -z "$inside" ] || kill -KILL "$inside" 2>/dev/null || true
	[ -z "$inside" ] || wait "$inside" 2>/dev/null || true
	rm -rf "$place" "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The lock is this shell's alone: closed for the others.
TMPDIR=$place setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
	bash tests/fresh/inside "$place/root" 8>&- &
inside=$!
wait "$inside"
