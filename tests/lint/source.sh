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

too_long() { ! wc -l $(git ls-files 'lib/*.c' 'cmd/*.c' 'recovery/*.c' 'keystore/*.c') | awk '$2 != "total" && $1 > 900' | grep .; }
check "no source is longer than 900 lines" too_long
check "shellcheck has nothing to say" shellcheck -x -S warning -e SC2054,SC2046,SC2034,SC1091 "${scripts[@]}"
