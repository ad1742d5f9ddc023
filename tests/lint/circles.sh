#!/bin/bash
# Files of one folder form layers: no file calls, over whatever detour, a file that calls it. The
# linker's view: who needs a symbol, who has it, in every static library.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"

# LIBRARY FOLDER: the global symbols of its objects as lines "FILE n|d SYMBOL", needed or defined.
symbols() {
	nm -gA "$1" | awk -v folder="$2" '
		NF >= 3 && $NF !~ /^__odr_asan/ {
			file = $1
			sub(/:[0-9a-f]*$/, "", file)
			sub(/.*[\/:]/, "", file)
			sub(/\.o$/, "", file)
			gsub(/_/, "/", file)
			print folder "/" file, ($(NF - 1) == "U" ? "n" : "d"), $NF
		}'
}

# Such lines in, every circle out: the files of one a line, "A B C".
circles() {
	awk '
		$2 == "d" { has[$3] = $1 }
		$2 == "n" { needs[$1, $3] }
		END {
			for (pair in needs) {
				split(pair, p, SUBSEP)
				if (p[2] in has && has[p[2]] != p[1]) {
					calls[p[1], has[p[2]]]
					file[p[1]]; file[has[p[2]]]
				}
			}
			for (k in file) for (i in file) if ((i, k) in calls)
				for (j in file) if ((k, j) in calls) calls[i, j]
			for (i in file) if ((i, i) in calls && !(i in told)) {
				line = ""
				for (j in file) if ((i, j) in calls && (j, i) in calls) { line = line " " j; told[j] }
				print substr(line, 2)
			}
		}'
}

# LIBRARY FOLDER: its circles.
layers() {
	local line status=0
	symbols "$@" >"$scratch/symbols"
	[ -s "$scratch/symbols" ] || { echo "no symbols"; return 1; }
	while read -r line; do
		echo "circle: $line"
		status=1
	done < <(circles <"$scratch/symbols")
	return $status
}

a_circle_is_found() {
	[ "$(printf '%s\n' 'a d fa' 'a n fb' 'b d fb' 'b n fc' 'c d fc' 'c n fa' 'd n fa' 'c n fe' 'e d fe' |
		circles | tr ' ' '\n' | sort | tr '\n' ' ')" = "a b c " ]
}
layers_are_none() { [ -z "$(printf '%s\n' 'a d fa' 'a n fb' 'a n fa' 'b d fb' 'c n fa' 'c n fb' | circles)" ]; }
check "a circle of three files is found" a_circle_is_found
check "files that form layers have none" layers_are_none

while read -r library; do
	folder=$(dirname "$library")
	check "files of $library form layers" layers "$(realpath "$HOLDFAST_BUILD")/$library" "$folder"
done < <(cd "$HOLDFAST_BUILD" && find ./* -name 'lib*.a' | sed 's|^\./||' | sort)
