#!/bin/bash
# Every command: help with an example, a manual page, statuses as the manual says.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
H=$HOLDFAST

check "holdfast --help" "$H" --help
mapfile -t commands < <("$H" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ ${#commands[@]} -ge 10 ] && ok "lists its commands" || not_ok "lists ${#commands[@]} commands"
check "holdfast --version" "$H" --version
for command in "${commands[@]}"; do
	check "$command --help" "$H" "$command" --help
	said '^Examples:'
	said "holdfast $command"
	page=$HOLDFAST_TOP/docs/man/holdfast-$command.1
	check "$command has a manual page" test -s "$page"
	check "and mandoc likes it" mandoc -T lint -W error "$page"
	while read -r flag; do
		name=${flag#--}
		grep -qF -- "Fl \\-${name//-/\\-}" "$page" || not_ok "$command: $flag is not in the manual"
	done < <("$H" "$command" --help | sed -n '/^Options:/,/^Options of every/s/.*\(--[a-z-]*\).*/\1/p')
done
check "the main page" mandoc -T lint -W error "$HOLDFAST_TOP/docs/man/holdfast.1"
for code in 0 1 2 3 4 5 6 7; do
	grep -qE "^\.It $code" "$HOLDFAST_TOP/docs/man/holdfast.1" && ok "it explains status $code" || not_ok "status $code is not in the manual"
done
check "layers" "$H" layers --json
for layer in partition verity filesystem image; do
	jq -e --arg l "$layer" 'select(.event == "result") | .kinds[] | select(.name == $l)' "$scratch/.out" >/dev/null &&
		ok "lists $layer" || not_ok "does not list $layer"
done
check "the layout's manual has the option tables as they are" python3 "$HOLDFAST_TOP/docs/man/update" "$H" --check
check "mandoc likes it, too" mandoc -T lint -W error "$HOLDFAST_TOP/docs/man/holdfast-layout.5"
