#!/bin/bash
# LUKS2 headers: ours used and changed by cryptsetup, cryptsetup's read, damaged ones understood by
# both alike. All on plain files: what needs device-mapper is in tests/guest/luks2.sh.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
F=$HOLDFAST_BUILD/tests/interop/luks2-format
uuid=01234567-89ab-4def-8123-456789abcdef
fast=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
area=(--keyslot-cipher aes-xts-plain64 --keyslot-key-size 512)
printf 'cbdefghi-jklnrtuv-cbdefghi-jklnrtuv' >recovery
printf 'another passphrase' >another
printf 'a third one' >third
head -c 64 /dev/urandom >key64
head -c 32 /dev/urandom >key32
key_of() { xxd -p "$1" | tr -d '\n'; }
is() { [ "$("${@:2}")" = "$1" ]; } # TEXT COMMAND…: is its output
has() { # REGEX COMMAND…: succeeds and says it
	"${@:2}" >.has 2>&1 && grep -Eq -- "$1" .has && return
	cat .has
	return 1
}
facts() { "$F" facts "$1" | grep -Ev '^(first|second|digest)'; }

# --- ours, by cryptsetup ---
ours() { # FILE KEY [PASSPHRASE]
	rm -f "$1"
	truncate -s 32M "$1"
	"$F" write "$1" aes-xts-plain64 - 4096 16777216 $uuid root "$2" ${3:+"$3"}
}
dumped_key() { # FILE PASSPHRASE: by cryptsetup
	rm -f dumped
	cryptsetup luksDump --dump-volume-key -q --key-file "$2" --volume-key-file dumped "$1" >/dev/null && key_of dumped
}
check "write" ours a.img key64 recovery
check "cryptsetup reads it" cryptsetup luksDump a.img
said "UUID:[[:space:]]*$uuid"
said "Label:[[:space:]]*root"
said "Keyslots area:[[:space:]]*16744448"
said "cipher: aes-xts-plain64"
said "offset: 16777216"
said "sector: 4096"
check "isLuks" cryptsetup isLuks --type luks2 a.img
check "blkid knows it" has 'crypto_LUKS' blkid -p a.img
check "the passphrase gives the volume key" is "$(key_of key64)" dumped_key a.img recovery
check "test-passphrase" cryptsetup open --test-passphrase --key-file recovery a.img
check_status 2 "another passphrase does not" cryptsetup open --test-passphrase --key-file another a.img
check "the volume key is known by its digest" cryptsetup open --test-passphrase --volume-key-file key64 a.img
head -c 64 /dev/urandom >wrong64
check_status 2 "another one is not" cryptsetup open --test-passphrase --volume-key-file wrong64 a.img
check "nothing to repair" cryptsetup repair -q a.img
ours b.img key64 recovery
check "not a byte changes by reading" cmp -n 16 a.img b.img

check "luksAddKey" cryptsetup luksAddKey -q "${fast[@]}" --key-file recovery a.img another
check "two keyslots" has 'objects: 1 segments, 1 digests, 2 keyslots \(3\), 0 unbound' "$F" facts a.img
check "the new one is opened by us" is "$(key_of key64)" "$F" unlock a.img another
check "the old one, too" is "$(key_of key64)" "$F" unlock a.img recovery
check "luksChangeKey" cryptsetup luksChangeKey -q "${fast[@]}" --key-file another a.img third
check_status 3 "what was changed opens no more" "$F" unlock a.img another
check "but the one after it" is "$(key_of key64)" "$F" unlock a.img third
check "luksKillSlot" cryptsetup luksKillSlot -q a.img 0
check_status 3 "and is gone" "$F" unlock a.img recovery
check "adding by volume key" cryptsetup luksAddKey -q "${fast[@]}" --volume-key-file key64 a.img recovery
check "opens" is "$(key_of key64)" "$F" unlock a.img recovery
for hash in sha1 sha512; do
	check "luksAddKey --hash $hash" cryptsetup luksAddKey -q "${fast[@]}" --hash $hash --key-file recovery a.img another
	check "opens" is "$(key_of key64)" "$F" unlock a.img another
	check "luksRemoveKey" cryptsetup luksRemoveKey -q a.img another
done
check "token add" bash -c "echo '{\"type\":\"systemd-recovery\",\"keyslots\":[\"0\"]}' | cryptsetup token import a.img"
check "is seen" has '1 tokens \(systemd-recovery\)' "$F" facts a.img
check "token add keyring" cryptsetup token add --key-description some:key a.img
check "is seen" has '2 tokens \(systemd-recovery,luks2-keyring\)' "$F" facts a.img
check "config --label" cryptsetup config --label other --subsystem sub a.img
check "is seen" has 'first: good.*label "other", subsystem "sub"' "$F" facts a.img
check "luksUUID" cryptsetup luksUUID -q --uuid 11111111-2222-4333-8444-555555555555 a.img
check "is seen" has 'uuid 11111111-2222-4333-8444-555555555555' "$F" facts a.img
check "unbound keyslot" bash -c "cryptsetup luksAddKey -q ${fast[*]} --unbound --key-size 256 --key-slot 9 a.img another"
check "is seen" has '\(20[13]\), 1 unbound' "$F" facts a.img
check_status 3 "and is no key of the segment" "$F" unlock a.img another
check "still valid" has '^valid: yes' "$F" facts a.img
check "header backup" cryptsetup luksHeaderBackup --header-backup-file backup a.img
check "is read" has '^valid: yes' "$F" facts backup
check "erase" cryptsetup erase -q a.img
check "only the unbound keyslot is left" has '1 keyslots \(200\), 1 unbound' "$F" facts a.img

check "without a keyslot" ours none.img key64
check "cryptsetup takes it" cryptsetup luksDump none.img
check "and its key" cryptsetup open --test-passphrase --key-size 512 --volume-key-file key64 none.img
check "a keyslot can be added by the key" cryptsetup luksAddKey -q "${fast[@]}" --key-size 512 --volume-key-file key64 none.img another
check "which we open" is "$(key_of key64)" "$F" unlock none.img another

# Other kinds, at the smallest offsets; cryptsetup's own validation is what counts.
kind() { # ENCRYPTION INTEGRITY SECTOR OFFSET KEY
	rm -f kind.img
	truncate -s 1M kind.img
	"$F" write kind.img "$1" "$2" "$3" "$4" $uuid - "$5" recovery &&
		cryptsetup luksDump kind.img && [ "$(dumped_key kind.img recovery)" = "$(key_of "$5")" ]
}
head -c 16 /dev/urandom >key16
head -c 96 /dev/urandom >key96
check "aegis128-random" kind aegis128-random aead 4096 98304 key16
said "integrity: aead"
check "aes-gcm-random" kind aes-gcm-random aead 4096 163840 key32
check "chacha20-random" kind chacha20-random poly1305 512 163840 key32
said "integrity: poly1305"
check "xts with hmac" kind aes-xts-plain64 'hmac(sha256)' 4096 417792 key96
said 'integrity: hmac\(sha256\)'
check "adiantum" kind xchacha12,aes-adiantum-plain64 - 1024 163840 key32

# --- cryptsetup's, by us ---
theirs() { # NAME ARGUMENT…
	rm -f "$1.img"
	truncate -s 32M "$1.img"
	cryptsetup luksFormat -q --type luks2 "${fast[@]}" "${area[@]}" "${@:2}" "$1.img" recovery
}
for kind in "aes-xts-plain64 512 512" "aes-xts-plain64 256 4096" "aes-cbc-essiv:sha256 256 512" \
	"aes-cbc-plain64 128 2048" "aes-xts-plain64 512 1024"; do
	read -r cipher bits sector <<<"$kind"
	check "luksFormat $kind" theirs t --cipher "$cipher" --key-size "$bits" --sector-size "$sector" --label "l $bits" --uuid $uuid
	facts t.img >.out
	said "^encryption: $cipher$"
	said "^sector: $sector$"
	said '^segment: 16777216 0 0$'
	said '^valid: yes$'
	said '^objects: 1 segments, 1 digests, 1 keyslots \(1\), 0 unbound, 0 tokens \(\)$'
	check "unlock" is "$(dumped_key t.img recovery)" "$F" unlock t.img recovery
done
check "sizes of one's own" theirs t --luks2-metadata-size 64k --luks2-keyslots-size 1m --offset 8192
check "are understood" has 'second: good, at 65536, of 65536' "$F" facts t.img
check "with the segment" has '^segment: 4194304 0 0' "$F" facts t.img
check "and the key" is "$(dumped_key t.img recovery)" "$F" unlock t.img recovery
dd if=/dev/zero of=t.img bs=4096 count=1 conv=notrunc status=none
check "the second copy is found there" has 'active: 1' "$F" facts t.img
check "and the first made from it" has mended "$F" mend t.img
check "cryptsetup takes it" cryptsetup open --test-passphrase --key-file recovery t.img
check "keyslot cipher of its own" theirs t --keyslot-cipher aes-cbc-plain64 --keyslot-key-size 256
check_status 1 "is told" "$F" unlock t.img recovery
said 'encrypted in a way that holdfast cannot'
check "argon2" bash -c "rm -f t.img; truncate -s 32M t.img; cryptsetup luksFormat -q --type luks2 --pbkdf argon2id --pbkdf-memory 32 --pbkdf-force-iterations 4 --pbkdf-parallel 1 t.img recovery"
check_status 1 "is told" "$F" unlock t.img recovery
said 'Argon2'
check "luksConvertKey" cryptsetup luksConvertKey -q "${fast[@]}" --key-file recovery t.img
check "helps" is "$(dumped_key t.img recovery)" "$F" unlock t.img recovery
check "luks1" bash -c "rm -f t.img; truncate -s 32M t.img; cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 t.img recovery"
check "is not LUKS2" has 'first: a LUKS header of another version' "$F" facts t.img
check "luksFormat" theirs t
check "config --priority" cryptsetup config --priority prefer --key-slot 0 t.img
check "is taken" has '^valid: yes' "$F" facts t.img
check "reencrypt --init-only" cryptsetup reencrypt -q --init-only "${fast[@]}" --key-file recovery t.img
"$F" facts t.img >.out
said '^reencryption: yes$'
said '^requirements: online-reencrypt-v2$'
check "and is not valid" has '^valid: no: it has 3 segments' "$F" facts t.img

# --- damage, understood by both alike ---
ours good.img key64 recovery
damage() { # NAME OFFSET: one bit
	cp good.img "$1.img"
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1.img")
	printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1.img" bs=1 seek="$2" conv=notrunc status=none
}
for place in "first 24" "first 5000" "second 16408" "second 21000"; do
	read -r copy offset <<<"$place"
	damage d "$offset"
	check "damaged at $offset: the $copy copy" has "^$copy: its checksum is wrong" "$F" facts d.img
	check "the rest is as before" diff <(facts good.img | grep -v active) <(facts d.img | grep -v active)
	cp d.img e.img
	check "cryptsetup repairs it" cryptsetup repair -q d.img
	check "and then both are good" has '^nothing to mend' "$F" mend d.img
	check "ours mends it" has '^mended' "$F" mend e.img
	check "and cryptsetup finds nothing" bash -c "cp e.img f.img && cryptsetup luksDump f.img && cmp e.img f.img"
	check "the JSON is the same" bash -c "cmp <(dd if=e.img bs=4096 skip=1 count=3 status=none) <(dd if=d.img bs=4096 skip=5 count=3 status=none)"
done
damage d 24
printf x | dd of=d.img bs=1 seek=16410 conv=notrunc status=none
check "both damaged" has '^active: -1' "$F" facts d.img
check_status 1 "cryptsetup finds none, either" cryptsetup luksDump d.img
check_status 1 "beyond mending" "$F" mend d.img
cp good.img swapped.img
dd if=good.img of=swapped.img bs=16384 count=1 skip=1 conv=notrunc status=none
dd if=good.img of=swapped.img bs=16384 count=1 seek=1 conv=notrunc status=none
check "swapped copies" has '^active: -1' "$F" facts swapped.img
check_status 1 "cryptsetup agrees" cryptsetup luksDump swapped.img
# An older first copy: as if power had gone between the two.
cp good.img older.img
cryptsetup config --label newer older.img
dd if=good.img of=older.img bs=16384 count=1 conv=notrunc status=none
check "an older first copy" has '^active: 1' "$F" facts older.img
check "is mended" has '^mended' "$F" mend older.img
check "to the newer one" has 'Label:[[:space:]]*newer' cryptsetup luksDump older.img

# --- what may not be opened, and what was there before ---
rm -f null.img
truncate -s 32M null.img
check "a null cipher" "$F" write null.img cipher_null-ecb - 512 16777216 $uuid - key16
check "is a header to cryptsetup" has 'cipher: cipher_null-ecb' cryptsetup luksDump null.img
check "and is told" has '^encryption: cipher_null-ecb$' "$F" facts null.img
check "write in place of an older header" bash -c "cp older.img over.img && \"$F\" write over.img aes-xts-plain64 - 4096 16777216 $uuid root key32 recovery"
check "nothing is left of it" is "$(key_of key32)" "$F" unlock over.img recovery
check "cryptsetup agrees" is "$(key_of key32)" dumped_key over.img recovery
