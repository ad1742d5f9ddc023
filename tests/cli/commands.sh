#!/bin/bash
# Every command: help with an example, a manual page from the same table, options that do not apply
# refused, statuses as the manual says.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
H=$HOLDFAST

# --- help ---
check "holdfast --help" "$H" --help
check "holdfast -V" "$H" -V
said '^holdfast [0-9]+\.[0-9]+\.[0-9]+$'
check "holdfast --version" "$H" --version
said '^holdfast [0-9]+\.[0-9]+\.[0-9]+$'
mapfile -t commands < <("$H" manual --list)
[ ${#commands[@]} -ge 21 ] && ok "lists its commands" || not_ok "lists ${#commands[@]} commands"
same_help() { cmp <("$H" help "$@") <("$H" "$@" --help); }
for command in "${commands[@]}"; do
	# shellcheck disable=SC2086 # two words are a group and its action
	check "$command --help" "$H" $command --help
	said '^Examples:'
	said "^  holdfast $command"
	# shellcheck disable=SC2086
	check "help $command says the same" same_help $command
	page=$HOLDFAST_TOP/docs/man/holdfast-${command// /-}.1
	check "$command has a manual page" test -s "$page"
	check "mandoc likes it" mandoc -T lint -W error "$page"
	check "it is installed" grep -qF "'man/${page##*/}'" "$HOLDFAST_TOP/docs/meson.build"
done
check "holdfast key --help" "$H" key --help
for action in list rotate forget recovery escrow restore identity; do
	said "^  $action  "
done
check_status 0 "help without a command" "$H" help
said "^  provision  "
check "the main page" mandoc -T lint -W error "$HOLDFAST_TOP/docs/man/holdfast.1"
for code in 0 1 2 3 4 5 6 7; do
	grep -qE "^\.It $code" "$HOLDFAST_TOP/docs/man/holdfast.1" && ok "it explains status $code" || not_ok "status $code is not in the manual"
done
check "layers" "$H" layers --json
for layer in partition verity filesystem image; do
	jq -e --arg l "$layer" 'select(.event == "result") | .kinds[] | select(.name == $l)' "$scratch/.out" >/dev/null &&
		ok "lists $layer" || not_ok "does not list $layer"
done
check "the manual pages are what the tables say" python3 "$HOLDFAST_TOP/docs/man/update" "$H" --check
check "mandoc likes the layout's, too" mandoc -T lint -W error "$HOLDFAST_TOP/docs/man/holdfast-layout.5"

# --- what is refused ---
refused() { # WORDS ARGUMENT…: status 2, and the first line says just this
	local words=$1
	shift
	check_status 2 "refused: $*" "$H" "$@"
	[ "$(grep -m1 '^holdfast: ' "$scratch/.out")" = "holdfast: $words" ] && ok "says so" || not_ok "does not say: $words"
}
refused 'no command "verfy"; did you mean "verify"?' verfy
refused "key needs an action: list, rotate, forget, recovery, escrow, restore or identity" key
refused 'key has no action "rotat": list, rotate, forget, recovery, escrow, restore or identity' key rotat t
refused "recovery needs an action: assess or repair" recovery
refused 'recovery has no action "erase": assess or repair' recovery erase t
refused "key rotate: no option --qr" key rotate --qr --lose-others --to nothing.pem t
refused "key forget: no option --pcr-version" key forget --pcr-version 3 t data
refused "key list: no option --passphrase-file" key list t --passphrase-file p
refused "key escrow: no option --new-passphrase-file" key escrow t data --new-passphrase-file p
refused "key identity: no option --pin-file" key identity d.layout -o f --pin-file p
refused "status: no option --pin-file" status t --pin-file p
refused "layers: no option --jobs" layers --jobs 2
refused "close: no option --record" close t --record f
refused "verify: no option --yes" verify t --yes
refused "key list: no option --jsn; did you mean --json?" key list t --jsn
refused "key forget: usage: holdfast key forget TARGET VOLUME" key forget t
refused "verify: --log needs FILE" verify t --log
refused "verify: --json takes no value" verify t --json=yes
refused "read needs --output FILE" read t data
refused "key identity needs --output FILE" key identity d.layout
refused "key restore needs --recovery-key-file FILE" key restore t data
refused "key recovery needs --output FILE, --qr or --qr-svg FILE" key recovery t data
refused "key recovery: --qr does not go with --json: JSON is kept and passed on, so it never has keys" key recovery t data --qr --json
refused "key escrow needs --to CERT or --receipt FILE" key escrow t data -o f
refused "key escrow: --to goes only with --output FILE" key escrow t data --to c
refused "key escrow: --to does not go with --receipt FILE" key escrow t data --to c -o f --receipt r
refused "key escrow: --output goes only with --to CERT" key escrow t data --receipt r -o f
refused "key escrow: --remove-others goes only with --receipt FILE: nothing is removed before somebody has proved to have the recovery key" \
	key escrow t data --to c -o f --remove-others
refused "verify: --passphrase-file does not go with --passphrase-fd N" verify t --passphrase-file p --passphrase-fd 3
refused "open: --tpm2-signature goes only with --systemd-token" open t --tpm2-signature s
refused "open: --require-anchor does not go with --without-keystore" open t --without-keystore --require-anchor
refused "provision: --shared does not go with --from IMAGE" provision d.layout t --shared --from i
refused "cmdline: --set goes only with a layout, a file named *.layout" cmdline t root --set A=b
"$H" key forget t --json >"$scratch/.out" 2>/dev/null || true
check "a wrong command line ends with a result, too" jq -e '.event == "result" and .command == "key forget" and .status == 2 and .code == "HF-USAGE"' "$scratch/.out"
