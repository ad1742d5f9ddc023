#!/bin/bash
# A recovery key as a QR code: on terminals of any colour, on paper, on a label; read back by zbar.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p files
echo hello >files/motd
echo correct horse >pass
echo wrong >wrong
cat >d.layout <<'END_OF_LAYOUT'
device "d" { }
medium "m" { size = 64M }
keystore "device" { backend = "file" memory = 1M }
volume "one" { partition { size = 24M } crypt { header-size = 1M recovery-key = true } filesystem { source = "files" owner = "root" } }
volume "two" { partition { size = 24M } crypt { header-size = 1M recovery-key = true } filesystem { } }
END_OF_LAYOUT
check "provision" "$H" provision -q --passphrase-file pass d.layout d.img
recovery() { "$H" key recovery d.img "$@" --passphrase-file pass; }
for v in one two; do
	check "$v: its words" recovery $v -o $v.words
done
scan() { # FILE dark|light|svg: prints what zbar reads
	python3 "$HOLDFAST_TOP/tests/cli/qr-picture.py" "$2" <"$1" >picture.pbm && zbarimg --nodbus -q --raw --oneshot -Sdisable -Sqrcode.enable picture.pbm
}
# reads NAME WORDS FILE COLOUR: the code in FILE says just what the file WORDS has
reads() {
	[ "$(scan "$3" "$4" 2>&1)" = "$(cat "$2")" ] && ok "$1" || not_ok "$1: $(scan "$3" "$4" 2>&1)"
}
on_terminal() { # LOCALE: key recovery one, on a terminal, into the file screen
	LC_ALL=$1 script -qec "stty -opost; '$H' key recovery d.img one --qr --passphrase-file pass" screen </dev/null >/dev/null && sed -i '/^Script /d' screen
}
columns() { LC_ALL=C.UTF-8 sed 's/\x1b\[[0-9;]*[mK]//g' "$1" | LC_ALL=C.UTF-8 wc -L; }

# --- on paper: no colours, ink is dark ---
for locale in C.UTF-8 C; do
	check "$locale: into a pipe" bash -c "LC_ALL=$locale '$H' key recovery d.img one --qr --passphrase-file pass | cat >paper"
	reads "$locale: scans from white paper" one.words paper light
	check "$locale: the words, too" grep -qxFf one.words paper
	check "$locale: no escape sequences" bash -c '! grep -q $'"'\\033'"' paper'
done
check "without UTF-8 it is ASCII" bash -c '! LC_ALL=C grep -q "[^ -~]" paper'
scan paper dark >/dev/null 2>&1 && not_ok "the check sees an inverted code as a good one" || ok "the check tells an inverted code"
recovery two --qr >paper
scan paper light >two.scanned || true
check "another volume's is another" bash -c '[ "$(cat two.scanned)" = "$(cat two.words)" ]'

# --- on a terminal ---
for locale in C.UTF-8 C; do
	check "$locale: on a terminal" on_terminal $locale
	for colour in dark light; do
		reads "$locale: scans from a $colour terminal" one.words screen $colour
	done
	[ "$(columns screen)" -le 80 ] && ok "$locale: fits into 80 columns" || not_ok "$locale: $(columns screen) columns"
done
check "without UTF-8 it is ASCII" bash -c '! LC_ALL=C grep -q "[^ -~'$'\e\r'']" screen'
on_terminal C.UTF-8
lines=$(sed -n '1,/^[^ ]*recovery key of/p' screen | wc -l)
[ "$lines" -gt 20 ] && [ "$lines" -le 23 ] && ok "in blocks it fits into 24 lines" || not_ok "in blocks: $lines lines"

# --- a label ---
check "a label, and a file" recovery one --qr-svg label.svg -o again.words
check "it is XML" python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("label.svg")'
reads "it scans" one.words label.svg svg
check "it has the words" bash -c "[ \"\$(grep -o '>[a-z-]*</text>' label.svg | sed 's/>//; s/<.*//' | tr -d '\n')\" = \"\$(cat one.words)\" ]"
check "nobody else may read it" test "$(stat -c %a label.svg)" = 600
check "the file is as before" cmp one.words again.words

# --- what is refused ---
check_status 2 "nowhere to go" recovery one
said "key recovery needs --output FILE, --qr or --qr-svg FILE"
check_status 2 "--json" recovery one --qr --json
said "next: use --qr-svg FILE"
check "and shows nothing of it" bash -c "! grep -qFf one.words '$scratch/.out' && ! grep -q '##\|█' '$scratch/.out'"
check "a label with --json" recovery one --qr-svg label.svg --json
check "and its JSON has no key" bash -c "! grep -qFf one.words '$scratch/.out'"
check_status 5 "a wrong passphrase" "$H" key recovery d.img one --qr --passphrase-file wrong
check "shows no code" bash -c "! grep -q '##\|█' '$scratch/.out'"
check_status 4 "standard output is full" bash -c "'$H' key recovery d.img one --qr --passphrase-file pass >/dev/full"
said "standard output: No space left"
