#!/bin/bash
# What a user sees: exit statuses, results, refusals, damage named and mended.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST
json() { jq -r "select(.event == \"result\") | $1" "$scratch/.out"; }
flip() { # FILE OFFSET: one bit
	local byte
	byte=$(xxd -s "$2" -l 1 -p "$1")
	printf '%02x' $((0x$byte ^ 1)) | xxd -r -p | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

mkdir -p rootfs/etc esp/EFI
echo hello >rootfs/etc/motd
head -c 700000 /dev/urandom >rootfs/blob
echo boot >esp/EFI/boot.cfg
head -c 50000 /dev/urandom >boot.bin
cat >gw.layout <<'EOF'
device "gateway" { architecture = "x86-64" version = 7 }
medium "emmc" { type = "gpt" }
volume "loader" { partition { in-table = false offset = 32K size = 512K } image { source = "boot.bin" } }
volume "esp" { partition { type = "esp" size = 8M } filesystem { type = "vfat" source = "esp" label = "ESP" owner = "root" } }
volume "root" {
    slots = {"a", "b"}
    partition { type = "root" size = 8M }
    verity { on-corruption = "restart" }
    filesystem { type = "erofs" source = "rootfs" owner = "root" }
}
volume "data" { partition { size = "fill" } filesystem { label = "data" } }
EOF

check "plan" "$H" plan gw.layout --svg plan.svg
said "root:a"
check "plan draws SVG" grep -q '</svg>' plan.svg
check "plan writes nothing else" test ! -e gw.img
check "plan --json ends with a result" "$H" plan gw.layout --json
[ "$(tail -1 "$scratch/.out" | jq -r .code)" = HF-OK ] && ok "its code is HF-OK" || not_ok "its code"
digest=$(json .layout_digest)

check_status 2 "another digest than expected" "$H" provision gw.layout gw.img --expect 1234
check_status 0 "provision" "$H" provision gw.layout gw.img --json --expect "$digest" --record record.json
[ "$(jq -r '.volumes[] | select(.volume == "root:a") | .layers[] | select(.layer == "verity") | ."root-hash" | length' record.json)" = 64 ] &&
	ok "the record has the root hash" || not_ok "the record has no root hash"
check "no .part is left" test ! -e gw.img.part
check_status 0 "provision again" "$H" provision gw.layout gw.img --json
said '"code":"HF-NOTHING-TO-DO"'
check_status 0 "verify" "$H" verify gw.img
said "nothing wrong"
check "status" "$H" status gw.img --json
said '"lifecycle":"provisioned"'

# --- damage ---
root=$(sfdisk -J gw.img | jq '.partitiontable.partitions[] | select(.name == "root-a") | .start * 512')
hash=$(sfdisk -J gw.img | jq '.partitiontable.partitions[] | select(.name == "root-a-verity") | .start * 512')
cp gw.img damaged.img
flip damaged.img $((root + 5000))
flip damaged.img $((root + 90000))
flip damaged.img $((hash + 8200))
flip damaged.img 520
flip damaged.img 1048576
check_status 3 "verify finds damage" "$H" verify damaged.img --json
findings=$(grep '"event":"finding"' "$scratch/.out" | jq -r '[.layer, .area, .offset] | join(" ")')
for want in "verity data $((root + 4096))" "verity data $((root + 90000 / 4096 * 4096))" \
	"verity hash level 0 $((hash + 8192))" "gpt primary header 512" "vault first copy 1048576"; do
	grep -qxF "$want" <<<"$findings" && ok "finds: $want" || { echo "$findings" >"$scratch/.out"; not_ok "does not find: $want"; }
done
[ "$(wc -l <<<"$findings")" = 5 ] && ok "and nothing else" || { echo "$findings" >"$scratch/.out"; not_ok "finds more"; }
check_status 3 "read refuses" "$H" read damaged.img root -o root.img
check "and leaves nothing" test ! -e root.img
check_status 3 "read --keep-going" "$H" read damaged.img root -o partial.img -k
cp gw.img two.img
flip two.img $((root + 5000))
flip two.img $((root + 90000))
check_status 3 "with two damaged blocks" "$H" read two.img root -o partial.img -k
check_status 0 "read" "$H" read gw.img root -o root.img
check "what it read is the file system" fsck.erofs root.img
[ "$(cmp -l root.img partial.img | awk '{print int(($1-1)/4096)}' | sort -un | wc -l)" = 2 ] && ok "just two blocks are lost" || not_ok "blocks lost"
check_status 3 "assess" "$H" recovery assess damaged.img
said "repair would: mend partition table"
check_status 0 "repair" "$H" recovery repair damaged.img
check "the table is good again" sfdisk --verify damaged.img
check_status 3 "contents stay damaged" "$H" verify damaged.img --json
[ "$(grep -c '"event":"finding"' "$scratch/.out")" = 3 ] && ok "three findings are left" || not_ok "findings left"
cp gw.img backup.img
flip backup.img $(($(stat -c %s backup.img) - 512 + 20))
check_status 3 "a damaged backup table" "$H" verify backup.img
said "mendable: gpt backup header"
check_status 0 "is mended" "$H" recovery repair backup.img
check "to what it was" cmp -i 9437184 gw.img backup.img

# --- refusals ---
truncate -s 64M blank.img
cp blank.img foreign.img
mke2fs -q foreign.img
check_status 5 "a foreign file system is refused" "$H" provision gw.layout foreign.img --json
said HF-FOREIGN
check "and untouched" e2fsck -fn foreign.img
check_status 0 "--replace=all overwrites it" "$H" provision gw.layout foreign.img --replace=all
check_status 0 "and it verifies" "$H" verify foreign.img
cp blank.img table.img
echo 'start=20480, size=2048, name=misc, type=linux
start=24576, size=2048, name=vendor, type=linux' | sfdisk -q --label gpt table.img
check_status 5 "foreign partitions are refused" "$H" provision gw.layout table.img --json
said HF-GPT-FOREIGN
sed 's/type = "gpt"/type = "gpt" keep = {"misc"}/' gw.layout >keep.layout
before=$(dd if=table.img bs=512 skip=20480 count=2048 status=none | sha256sum)
uuid=$(sfdisk --part-uuid table.img 1)
check_status 5 "kept, but the other one is not named" "$H" provision keep.layout table.img
check_status 0 "named" "$H" provision keep.layout table.img --replace=vendor
[ "$(sfdisk --part-uuid table.img 1)" = "$uuid" ] && ok "the kept partition keeps its UUID and number" || not_ok "kept UUID"
[ "$(dd if=table.img bs=512 skip=20480 count=2048 status=none | sha256sum)" = "$before" ] && ok "and its bytes" || not_ok "kept bytes"
echo more >>boot.bin
check_status 5 "another layout on a provisioned target" "$H" provision gw.layout gw.img
check_status 2 "no target" "$H" verify nothing.img
check_status 2 "a directory as target" "$H" verify rootfs
check_status 5 "nothing laid out" "$H" verify blank.img
check_status 2 "no such volume" "$H" verify gw.img rott
check_status 2 "an unknown option" "$H" verify gw.img --jsn
said "did you mean --json"
check_status 2 "an unknown command" "$H" verfy gw.img
check_status 2 "usage errors have a result, too" "$H" verify --json
said '"code":"HF-USAGE"'
truncate -s 4M small.img
check_status 2 "too small a target" "$H" provision gw.layout small.img
check "a small target is untouched" cmp small.img <(head -c 4194304 /dev/zero)

# --- two at once, signals, full disk ---
exec 9<>blank.img
flock -x 9
check_status 7 "somebody else has it" "$H" provision gw.layout blank.img
exec 9>&-
head -c 300000000 /dev/zero | tr '\0' 'x' >big.bin
cat >big.layout <<'EOF'
vault { offset = 2M  size = 4M } # not where it is looked for first: a resumed run must find it
volume "root" { partition { type = "root" size = 300M } verity { hash = "sha512" } image { source = "big.bin" } }
EOF
for signal in INT TERM HUP; do
	rm -f big.img big.img.part
	status=0
	"$H" provision big.layout big.img --json >"$scratch/.out" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null && [ ! -s big.img.part ]; do sleep 0.01; done
	kill -s $signal $pid 2>/dev/null || true
	wait $pid || status=$?
	if [ "$status" = 4 ]; then ok "SIG$signal stops it, resumable"; else not_ok "SIG$signal: status $status"; fi
	[ "$(tail -1 "$scratch/.out" | jq -r .code)" = HF-SIGNAL ] && ok "with a result" || not_ok "SIG$signal: no result"
done
check_status 0 "and it goes on" "$H" provision big.layout big.img --json
said '"resumed":true'
check_status 0 "to the end" "$H" verify big.img
rm -f big.img
cat >limit.sh <<EOF
ulimit -f 100000
trap '' XFSZ
exec "$H" provision big.layout big.img --json
EOF
check_status 6 "a file size limit is an error of the target" bash limit.sh
check_status 0 "after which it goes on" "$H" provision big.layout big.img
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=40M tmpfs full 2>/dev/null; then
	check_status 4 "a full disk: stopped, resumable" "$H" provision big.layout full/big.img --json
	said HF-NO-SPACE
	umount full
fi
check_status 0 "-j 1 gives the same" "$H" provision big.layout one.img -j 1

# --- what changes under us ---
begin() { # in the background; waits until it writes
	rm -f big.img big.img.part
	"$H" provision big.layout big.img --json >"$scratch/.out" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null && [ "$(stat -c %b big.img.part 2>/dev/null || echo 0)" -lt 40000 ]; do sleep 0.005; done
}
begin
truncate -s 1M big.img.part
status=0
wait $pid || status=$?
[ "$status" = 5 ] && ok "a target that shrinks" || not_ok "a target that shrinks: status $status"
said '"code":"HF-TARGET-SIZE"'
begin
for i in $(seq 0 4096 299999999 | shuf -n 300 --random-source=<(yes)); do printf y | dd of=big.bin bs=1 seek="$i" conv=notrunc status=none; done
status=0
wait $pid || status=$?
[ "$status" = 4 ] && ok "a source that changes" || not_ok "a source that changes: status $status"
said '"code":"HF-SOURCE-CHANGED"'

# --- read-only ---
cp gw.img ro.img
if [ "$(id -u)" = 0 ]; then run_as=(setpriv --reuid 65534 --clear-groups); else run_as=(); fi
chmod 755 "$scratch"
chmod 444 ro.img gw.layout
check_status 5 "a target that may not be written" "${run_as[@]}" "$H" recovery repair ro.img
check_status 0 "but can be verified by anyone" "${run_as[@]}" "$H" verify ro.img

# --- an ordinary user ---
mkdir -m 777 own
chmod -R a+rX rootfs esp boot.bin
check_status 0 "provision as an ordinary user" "${run_as[@]}" "$H" provision gw.layout own/gw.img
check_status 0 "and verify" "${run_as[@]}" "$H" verify own/gw.img
