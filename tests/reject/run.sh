#!/bin/bash
# Layouts that must be refused: NAME.layout, and in its first line "# CODE LINE WORDS": the code, the
# line of the mistake (0: none is told) and a regular expression that the message has.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$HOLDFAST_TOP/tests/reject"
mkdir -p "$scratch/tree"
echo contents >"$scratch/tree/file"

for layout in *.layout; do
	read -r _ code line words <"$layout"
	cp "$layout" "$scratch/$layout"
	head -c 8192 /dev/zero >"$scratch/image.bin"
	status=0
	"$HOLDFAST" plan "$scratch/$layout" --json >"$scratch/json" 2>"$scratch/.out" || status=$?
	got=$(jq -r 'select(.event == "result") | .failures[0].code' "$scratch/json")
	text=$(jq -r 'select(.event == "result") | .failures[0].text' "$scratch/json")
	where=''
	[ "$line" = 0 ] || where="$layout:$line: "
	if [ "$status" = 2 ] && [ "$got" = "$code" ] && [[ $text == *"$where"* ]] && [[ $text =~ $words ]]; then
		ok "${layout%.layout}"
	else
		echo "status $status, $got: $text" >"$scratch/.out"
		not_ok "${layout%.layout}: wants $code at line $line saying /$words/"
	fi
done
