#!/bin/bash
# A medium without a table: fixed offsets, and volumes behind each other.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

head -c 50000 /dev/urandom >spl.bin
head -c 700000 /dev/urandom >root.bin
cat >raw.layout <<'EOF'
device "${SERIAL}" { seed = "5c0d3f3e-1111-4222-8333-444455556666" }
medium "nor" { type = "raw"  size = 32M  align = 64K }
vault { offset = 8M  size = 1M }
volume "spl"  { partition { offset = 0  size = 64K }  image { source = "spl.bin" } }
volume "root" { partition { size = "auto" }  verity { tree = "appended" }  image { source = "root.bin" } }
volume "data" { partition { size = "fill" }  filesystem { } }
EOF
check_status 2 "without --set" "$H" provision raw.layout raw.img
check "with it" "$H" provision raw.layout raw.img --set SERIAL=unit-42
check "the boot loader lies at 0" cmp -n 50000 spl.bin raw.img
check "verify with the vault where the layout says" "$H" verify raw.img
check "status" "$H" status raw.img --json
said unit-42
check "read" "$H" read raw.img root -o root.out
check "what was laid out" cmp -n 700000 root.bin root.out
check_status 2 "a raw volume has no PARTUUID" "$H" cmdline raw.img root
root=$("$H" status raw.img --json | tail -1 | jq '.volumes[] | select(.volume == "root") | .extents[0].offset')
printf x | dd of=raw.img bs=1 seek=$((root + 300000)) conv=notrunc status=none
check_status 3 "damage" "$H" verify raw.img
said "root: verity data"
check_status 0 "complete already" "$H" provision raw.layout raw.img --set SERIAL=unit-42
check_status 5 "another serial number is another layout" "$H" provision raw.layout raw.img --set SERIAL=unit-43
