#!/bin/bash
# Keys in a TPM behind the kernel's resource manager: laid out, opened after a reboot, rotated; an old
# medium, another boot state, another TPM, none, a cleared one and a wiped medium are told apart.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
cat >tpm.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 96M }
keystore "device" { backend = "tpm2"  pcrs = {7}  pin = true }
volume "one" { partition { size = 24M } crypt { header-size = 1M } filesystem { } }
volume "two" { partition { size = 24M } crypt { cipher = "aes-gcm-random" header-size = 1M } filesystem { } }
volume "mac" { partition { size = 24M } integrity { algorithm = "hmac-sha256" } filesystem { } }
END
echo 4711 >pin
echo 4712 >new-pin
mkdir tpm
truncate -s 96M disk.img

# Every script begins with it. hf_fails CODE TEXT ARGUMENT…: fails, with that code, for that reason.
cat >head.sh <<'END'
hf=$1; cd "$2"; . "$3/tests/lib/tap.sh"; cd "$2"
hf_fails() {
	local code=$1 text=$2 got
	shift 2
	got=$("$hf" "$@" --json 2>/dev/null | tail -1 | jq -r '.code + " " + (.status | tostring)')
	[ "$got" = "$code" ] && ok "$text" || not_ok "$text: $got, not $code"
}
nothing_left() {
	local left
	left=$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session; tpm2_getcap handles-saved-session)
	[ -z "$left" ] && ok "$1: nothing is left in the TPM" || not_ok "$1: left in the TPM: $left"
}
END
in_guest() { # OPTION… — SCRIPT on standard input
	cat head.sh - >script.sh
	"$guest" "$@" --mem 768 script.sh "$HOLDFAST" "$scratch" "$HOLDFAST_TOP" | grep -E '^(ok|not ok|#)' ||
		not_ok "the guest said nothing"
}

in_guest --tpm-state tpm --disk disk.img <<'END'
check "provision" "$hf" provision -q tpm.layout /dev/vda --pin-file pin
nothing_left "provision"
check "open" "$hf" open -q /dev/vda --pin-file pin --mount /mnt/v
for v in one two mac; do echo "here" >/mnt/v/$v/file; done
! dmsetup table --showkeys | grep -E 'crypt.* [0-9a-f]{32}' && ok "no key in a table" || not_ok "a key in a table"
check "close" "$hf" close /dev/vda --mount /mnt/v
check "verify" "$hf" verify -q /dev/vda --pin-file pin
"$hf" status /dev/vda | grep -q "this vault is the one" && ok "status: the anchor names it" || not_ok "status: anchor"
erase() { "$hf" status "$1" --json | tail -1 | jq -r '.keystores[0].erase'; }
[ "$(erase /dev/vda)" = final ] && ok "status: erasing is final" || not_ok "status: erase: $(erase /dev/vda)"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=fleet -keyout /tmp/key -out /tmp/fleet.pem 2>/dev/null
cp /dev/vda /tmp/copy.img
truncate -s 20M /tmp/other
echo words | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /tmp/other
dd if=/tmp/other of=/tmp/copy.img bs=512 seek="$(cat /sys/class/block/vda1/start)" count=64 conv=notrunc status=none
[ "$(erase /tmp/copy.img)" = media ] && ok "status: not final with a keyslot that was not laid out" || not_ok "status: erase: $(erase /tmp/copy.img)"
"$hf" status /tmp/copy.img | grep -q "way into .*: 1 LUKS2 keyslots that were not laid out" && ok "status tells of it" || not_ok "status: $("$hf" status /tmp/copy.img)"
check "escrow" "$hf" key escrow /dev/vda one --to /tmp/fleet.pem -o /tmp/escrow --pin-file pin
[ "$(erase /dev/vda)" = media ] && ok "status: no longer, with an escrow" || not_ok "status: erase: $(erase /dev/vda)"
hf_fails "HF-VAULT-OLD 3" "nor does the medium from before open" open /tmp/copy.img --pin-file pin
rm /tmp/copy.img
nothing_left "open"
END
cp --sparse=always disk.img first.img

in_guest --tpm-state tpm --disk disk.img --disk first.img <<'END'
check "opens after a reboot" "$hf" open -q /dev/vda --pin-file pin --mount /mnt/v
[ "$(cat /mnt/v/*/file | sort -u)" = here ] && ok "and has what was written" || not_ok "contents"
check "close" "$hf" close /dev/vda --mount /mnt/v
hf_fails "HF-KEY-WRONG 5" "a wrong PIN is told" open /dev/vda --pin-file new-pin
check "rotate, with another PIN" "$hf" key rotate -q /dev/vda --pin-file pin --new-pin-file new-pin
check "opens with the new PIN" "$hf" open -q /dev/vda --pin-file new-pin
check "close" "$hf" close /dev/vda
hf_fails "HF-VAULT-OLD 3" "the medium from before does not open" open /dev/vdb --pin-file pin
nothing_left "rotate"
tpm2_pcrextend 7:sha256=$(printf '%064d' 1)
hf_fails "HF-KEYSTORE-POLICY 5" "another boot state" open /dev/vda --pin-file new-pin
END

in_guest --tpm --disk disk.img <<'END'
hf_fails "HF-KEYSTORE-FOREIGN 5" "another TPM" open /dev/vda --pin-file new-pin
END
in_guest --disk disk.img <<'END'
hf_fails "HF-KEYSTORE-MISSING 6" "no TPM" open /dev/vda --pin-file new-pin
END

# The medium is wiped and laid out again: only when that is asked for, and then no copy opens.
truncate -s 0 wiped.img && truncate -s 96M wiped.img
in_guest --tpm-state tpm --disk disk.img --disk wiped.img <<'END'
check "opens" "$hf" open -q /dev/vda --pin-file new-pin
check "close" "$hf" close /dev/vda
hf_fails "HF-LIFECYCLE 5" "a wiped medium is not laid out unasked" provision tpm.layout /dev/vdb --pin-file pin
check "it is when asked" "$hf" provision -q tpm.layout /dev/vdb --pin-file pin --retire-keys
check "and opens" "$hf" open -q /dev/vdb --pin-file pin
check "close" "$hf" close /dev/vdb
hf_fails "HF-VAULT-OLD 3" "what was sealed before does not" open /dev/vda --pin-file new-pin
check "TPM2_Clear" tpm2_clear -c l
hf_fails "HF-KEYSTORE-FOREIGN 5" "a cleared TPM" open /dev/vdb --pin-file pin
END

# An image for a TPM that is not here: made on a host, opened where the TPM is, and nowhere else.
mkdir factory
in_guest --tpm-state factory --share "$scratch" <<'END'
check "the identity of a TPM" "$hf" key identity -q tpm.layout -o /mnt/share/unit.tpm
END
check "made on a host without a TPM" "$HOLDFAST" provision -q --for-tpm unit.tpm --pin-file pin tpm.layout unit.img
cp --sparse=always unit.img stolen.img
in_guest --tpm-state factory --disk unit.img --disk stolen.img <<'END'
check "the first opening" "$hf" open -q /dev/vda --pin-file pin
check "close" "$hf" close /dev/vda
check "the next one" "$hf" open -q /dev/vda --pin-file pin
check "close" "$hf" close /dev/vda
"$hf" status /dev/vda | grep -q "this vault is the one" && ok "the anchor names it" || not_ok "status: anchor"
hf_fails "HF-VAULT-OLD 3" "the image as it was made is dead" open /dev/vdb --pin-file pin
nothing_left "import"
END
in_guest --tpm --disk stolen.img <<'END'
hf_fails "HF-KEYSTORE-FOREIGN 5" "another TPM does not open it" open /dev/vda --pin-file pin
END
