# Checks for test scripts: each prints one TAP line; tools/test counts them.
# shellcheck shell=bash

scratch=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

ok() { echo "ok - $*"; }
not_ok() {
	echo "not ok - $*"
	[ ! -s "$scratch/.out" ] || sed 's/^/# /' "$scratch/.out" | head -20
}
skip() { echo "ok - $1 # SKIP $2"; }

# check NAME COMMAND…: succeeds
check() {
	local name=$1
	shift
	if "$@" >"$scratch/.out" 2>&1; then ok "$name"; else not_ok "$name (status $?)"; fi
}

# check_status STATUS NAME COMMAND…: exits with just this
check_status() {
	local want=$1 name=$2 got=0
	shift 2
	"$@" >"$scratch/.out" 2>&1 || got=$?
	if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name (status $got, not $want)"; fi
}

# said REGEX: the last check's output has it
said() {
	if grep -Eq -- "$1" "$scratch/.out"; then ok "says: $1"; else not_ok "does not say: $1"; fi
}
