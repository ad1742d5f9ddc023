#!/bin/bash
# What a vault says is held to the rules of a layout, whoever wrote it; nothing stands outside of its MAC.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p files
echo hello >files/motd
echo correct horse >pass
cat >free.layout <<'END'
device "d" { }
medium "m" { size = 48M }
volume "root" { partition { size = 8M } verity { } filesystem { type = "erofs" source = "files" } }
volume "boot" { partition { size = 2M } image { source = "files/motd" } }
volume "sums" { partition { size = 12M } integrity { } filesystem { } }
END
cat >keyed.layout <<'END'
device "d" { }
medium "m" { size = 32M }
keystore "device" { backend = "file" memory = 1M }
volume "data" { partition { size = 12M } crypt { header-size = 1M recovery-key = true } filesystem { } }
END
"$H" provision -q free.layout free.img
"$H" provision -q --passphrase-file pass keyed.layout keyed.img
forge() { # IMAGE CODE…: into t.img
	cp "$1" t.img
	python3 "$HOLDFAST_TOP/tests/attack/vault.py" t.img "${@:2}"
}
refused() { # NAME WORDS CODE…: the free one, so that nothing but the rule is in the way
	local name=$1 words=$2
	shift 2
	forge free.img "$@"
	check_status 3 "$name: verify" "$H" verify t.img
	said "the vault's device part cannot be used: $words"
	check_status 3 "$name: read" "$H" read t.img root -o out
	said "cannot be used"
	check_status 3 "$name: open" "$H" open t.img
	said "cannot be used"
}

# --- names ---
rename() { # OLD NEW: in Python
	echo "i = items[volume('$1')]; i[1] = i[1][:4] + strings('$2', '')"
}
check_status 0 "as it is" "$H" verify free.img
forge free.img "$(rename boot start)"
check_status 0 "another good name" "$H" verify t.img start
refused "a volume that leads elsewhere" "a volume's name" "$(rename boot ../../etc)"
refused "a volume with an escape sequence" "a volume's name" "$(rename boot '\x1b[2Jgood')"
refused "a volume with a long name" "a volume's name" "$(rename boot aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)"
refused "a slot that leads elsewhere" "a volume's name" "i = items[volume('boot')]; i[1] = i[1][:4] + strings('boot', '../x')"
refused "a medium with a line of its own" "a medium's name" "i = next(i for i in items if i[0] == MEDIUM); i[1] = strings('m\\nx', 'gpt')"
refused "a device with a line of its own" "an option with a control character" "i = next(i for i in items if i[0] == OPTION); i[1] = strings('name', 'd\\nx')"
refused "a device with a space" "a device's name" "i = next(i for i in items if i[0] == OPTION); i[1] = strings('name', 'a b')"
refused "a label with an escape sequence" "a label" "i = next(i for i in items if i[0] == EXTENT); i[1] = i[1][:56] + b'\\x1b[2J'.ljust(40, b'\\0')"

# --- what stands twice ---
refused "a volume that stands twice" "a layout that is not possible" "$(rename boot root)"
refused "a volume that has the directory of another's slot" "a layout that is not possible" "$(rename boot root-a)" \
	"i = items[volume('root')]; i[1] = i[1][:4] + strings('root', 'a')"
refused "a medium that stands twice" "a layout that is not possible" \
	"n = next(n for n, i in enumerate(items) if i[0] == MEDIUM); items.insert(n, list(items[n]))"

# --- what was learnt ---
learned() { # NAME VALUE: in Python
	echo "i = next(i for i in items if i[0] == LEARNED and i[1].startswith(b'$1\\0')); i[1] = strings('$1', '$2')"
}
refused "a root hash that goes on" "something learnt" "$(learned root-hash "$(printf '0%.0s' {1..64}) 0 restart_on_corruption")"
refused "a salt that is none" "something learnt" "$(learned salt 'xy')"
refused "a UUID that is none" "something learnt" "$(learned uuid '12345678')"
refused "a number that is none" "something learnt" "$(learned data-blocks '-1')"
refused "a digest that is too short" "something learnt" "$(learned sha256 '00')"
refused "a superblock that is too short" "something learnt" "$(learned superblock '00')"
refused "something learnt twice" "something learnt" \
	"n = next(n for n, i in enumerate(items) if i[0] == LEARNED); items.insert(n, list(items[n]))"

# --- nothing but MACs and the end behind a MAC ---
forge keyed.img 'items.insert(len(items), [VOLUME, b"\0" * 4 + strings("evil", "")])' 'items.append(list(items[volume("data") + 1]))' \
	'items.append([LAYER, strings("partition")])'
for command in verify "open"; do
	check_status 3 "a volume behind the MAC: $command" "$H" $command t.img --passphrase-file pass
	said "its records are cut short"
done
forge keyed.img 'vault.end += b"\0" * 8'
check_status 3 "bytes behind the end" "$H" verify t.img --passphrase-file pass
said "its records are cut short"

# --- the MAC says where the records end: none of the last ones may be moved into it ---
forge keyed.img 'm = next(i for i in items if i[0] == MAC); last = items.pop(items.index(m) - 1)' \
	'name = m[1].index(b"\0") + 1; m[1] = m[1][:name + 32] + raw(last) + m[1][name + 32:]'
check_status 3 "the last record moved into the MAC" "$H" verify t.img --passphrase-file pass
said "records were added to the vault's device part, or taken away|was changed"
