#!/bin/bash
# A key, passphrase, PIN or token that was given and that nothing takes ends the command: a device that was
# exchanged for one without keys does not pass.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p files
echo hello >files/motd
echo correct horse >pass
head -c 32 /dev/urandom >key32
layout() { # NAME, LAYERS
	cat >"$1.layout" <<END
device "d" { }
medium "m" { size = 32M }
${3:-}
volume "data" { partition { size = 16M } $2 filesystem { source = "files" owner = "root" } }
END
}
bare() { # NAME: the volume alone, as if others had laid it out
	read -r offset size < <("$H" status "$1.img" --json | jq -r '.volumes[0].extents[0] | "\(.offset) \(.size)"')
	dd if="$1.img" of="$1.bare" bs=4096 skip=$((offset / 4096)) count=$((size / 4096)) conv=sparse status=none
}
layout plain ''
layout crc 'integrity { }'
for name in plain crc; do
	"$H" provision -q $name.layout $name.img
	bare $name
	check_status 0 "$name: verify as it is" "$H" verify $name.bare
	for command in "verify $name.bare" "read $name.bare volume -o out" "open $name.bare"; do
		# shellcheck disable=SC2086
		check_status 5 "$name: $command with a volume key" "$H" $command --volume-key-file key32
		said "nothing takes what --volume-key-file gives"
		# shellcheck disable=SC2086
		check_status 5 "$name: $command with a token" "$H" $command --systemd-token
		said "nothing takes what --systemd-token gives"
	done
	check_status 5 "$name: verify with a passphrase" "$H" verify $name.img --passphrase-file pass
	said "nothing takes what --passphrase-file gives"
	check_status 5 "$name: read with a PIN" "$H" read $name.img data -o out --pin-fd 5 5<pass
	said "nothing takes what --pin-fd gives"
	check_status 5 "$name: for programs" "$H" verify $name.img --passphrase-file pass --json
	check "$name: with a code of its own" jq -e 'select(.event == "result") | .code == "HF-KEY-UNUSED"' .out
done
check "nothing was written out" test ! -e out

# A tag of 32 bytes is taken for an HMAC, never for a plain hash, where a key was given.
layout sha 'integrity { algorithm = "sha256" }'
"$H" provision -q sha.layout sha.img
bare sha
check_status 0 "sha256: verify as it is" "$H" verify sha.bare
check_status 3 "sha256: with a volume key" "$H" verify sha.bare --volume-key-file key32

layout mac 'integrity { algorithm = "hmac-sha256" }' 'keystore "device" { backend = "file" memory = 1M }'
"$H" provision -q --passphrase-file pass mac.layout mac.img
check_status 0 "a passphrase that is asked for" "$H" verify mac.img --passphrase-file pass
check_status 5 "and a PIN that is not" "$H" verify mac.img --passphrase-file pass --pin-file pass
said "nothing takes what --pin-file gives"
cp mac.img before.img
check_status 5 "key rotate with a PIN that is not asked for" "$H" key rotate mac.img --passphrase-file pass --pin-file pass
check "changed nothing" cmp mac.img before.img
