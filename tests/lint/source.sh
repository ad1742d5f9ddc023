#!/bin/bash
# The house rules that a machine can check.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$HOLDFAST_TOP"
mapfile -t sources < <(git ls-files '*.c' '*.h')
mapfile -t scripts < <(git ls-files 'tools/*' 'tests/*.sh' 'tests/**/*.sh' tests/golden/make .ci/run | while read -r f; do head -1 "$f" | grep -q '^#!/bin/bash' && echo "$f"; done)

check "clang-format has nothing to change" clang-format-14 --dry-run --Werror "${sources[@]}"

no_spdx() { ! grep -L '^/\* SPDX-License-Identifier: Apache-2.0 \*/$' "${sources[@]}" | grep .; }
check "every source begins with its licence" no_spdx

# What each folder may include of ours (ARCHITECTURE.md); its own is always allowed.
declare -A may=(
	[base]="" [crypto]="base" [format]="base" [kernel]="base" [model]="base crypto"
	[layout]="base crypto model" [userspace]="base crypto format" [vault]="base crypto format model"
	[keyring]="base crypto format model vault"
	[filemap]="base"
	[medium]="base crypto format model stack" [layer]="base crypto format userspace filemap kernel model stack"
	[stack]="base crypto model" [engine]="base model" [report]="base model"
	[target]="base crypto kernel model layout vault keyring stack engine"
)
includes() { # FOLDER ALLOWED
	local bad
	bad=$(git ls-files "$1" | grep '\.[ch]$' | grep -v /ta/ | xargs grep -Hno '#include "[a-z]*/' | sed 's|#include "||; s|/$||' |
		awk -F: -v self="${1##*/}" -v allowed=" $2 " '$3 != self && index(allowed, " " $3 " ") == 0' || true)
	echo "$bad"
	[ -z "$bad" ]
}
for folder in lib/*/; do
	name=$(basename "$folder")
	if [ -z "${may[$name]+set}" ]; then not_ok "lib/$name has no rule here"; continue; fi
	check "lib/$name includes only what it may" includes "lib/$name" "${may[$name]}"
done
check "keystore includes only what it may" includes keystore "base crypto model kernel userspace"

# The same for folders in folders: besides its own and what lies in the folder around it, a folder may
# include only these of its neighbours. Headers named private are for their own folder (and for tests).
declare -A beside=(
	[cmd/key]="cmd/cli" [cmd/recovery]="cmd/cli"
	[keystore/systemd-token]="keystore/tpm2" [layer/crypt]="layer/tagged" [userspace/crypt]="userspace/integrity"
)
own_includes() { # FILE…: lines "folder file folder-included header"
	grep -o '^#include "[^"]*/[^"]*"' /dev/null "$@" | sed 's|^\(lib/\)\{0,1\}\(.*\)/\([^/]*\):#include "\(.*\)/\([^/]*\)"$|\2 \3 \4 \5|'
}
mapfile -t ours < <(git ls-files 'lib/*.[ch]' 'keystore/*.[ch]' 'recovery/*.[ch]' 'cmd/*.[ch]' | grep -v '/ta/')
neighbours() {
	local folder file included header status=0
	while read -r folder file included header; do
		[[ $folder == */* && $included == "${folder%/*}"/* && $included != "$folder" ]] || continue
		[[ " ${beside[$folder]:-} " == *" $included "* ]] || [[ $included == "$folder"/* ]] ||
			{ echo "$folder/$file includes $included/$header"; status=1; }
	done < <(own_includes "${ours[@]}")
	return $status
}
privacy() {
	local folder file included header status=0
	while read -r folder file included header; do
		[[ $header != *private.h || $included == "$folder" ]] ||
			{ echo "$folder/$file includes $included/$header"; status=1; }
	done < <(own_includes "${ours[@]}")
	return $status
}
check "folders in folders include only what they may of their neighbours" neighbours
check "private headers are included in their own folder only" privacy

only_in() { # FOLDERS REGEX
	local bad
	bad=$(grep -El "$2" "${sources[@]}" | grep -Ev "^($1|tests)/" || true)
	echo "$bad"
	[ -z "$bad" ]
}
check "OpenSSL only in lib/crypto" only_in lib/crypto '#include <openssl/'
check "libconfuse only in lib/layout" only_in lib/layout '#include <confuse.h>'
check "json-c only in lib/report, lib/userspace and keystore" only_in "lib/(report|userspace)|keystore" '#include <json-c/'
check "libqrencode only in lib/report" only_in lib/report '#include <qrencode.h>'
check "device-mapper and mounts only in lib/kernel" only_in lib/kernel '#include <(libdevmapper|libmount/libmount)'
check "libfdisk only in lib/medium" only_in lib/medium '#include <libfdisk.h>'
check "tpm2-tss only in keystore" only_in keystore '#include <tss2/'
model_does_no_io() { ! grep -En '"base/io\.h"|\bio_[a-z]+\(|<(fcntl|unistd)\.h>' $(git ls-files 'lib/model/*.[ch]'); }
check "lib/model does no I/O" model_does_no_io
no_shell() { ! grep -En '\b(system|popen)\(' $(git ls-files 'lib/*.c' 'cmd/*.c' 'recovery/*.c' 'keystore/*.c'); }
check "no program is started through a shell" no_shell
library_is_silent() { ! grep -En '\b(printf|puts|fputs|perror)\(|fprintf\(std' $(git ls-files 'lib/*.c' 'recovery/*.c' 'keystore/*.c'); }
check "the library does not print" library_is_silent

longer_than() { # LINES FILE…
	! wc -l "${@:2}" | awk -v most="$1" '$2 != "total" && $1 > most' | grep .
}
mapfile -t program < <(git ls-files 'lib/*.c' 'cmd/*.c' 'recovery/*.c' 'keystore/*.c')
mapfile -t tests < <(git ls-files 'tests/*.c')
check "no source is longer than 500 lines" longer_than 500 "${program[@]}"
check "no test is longer than 1000 lines" longer_than 1000 "${tests[@]}"

# clang-format puts the braces of a function, and no others, into the first column.
no_long_function() {
	! awk 'FNR == 1 { from = 0 } /^{/ { from = FNR } /^}/ && from { if (FNR - from - 1 > 60) print FILENAME ":" from; from = 0 }' \
		"${program[@]}" "${tests[@]}" | grep .
}
check "no function is longer than 60 lines" no_long_function
check "shellcheck has nothing to say" shellcheck -x -S warning -e SC2054,SC2046,SC2034,SC1091 "${scripts[@]}"
