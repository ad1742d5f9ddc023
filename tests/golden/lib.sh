# What makes golden images and what tests them: an image is a folder, unpacked in a directory of its own.
# shellcheck shell=bash
#
# IMAGE/layout, IMAGE/image.xz    as they were provisioned; sources of all: GENERATION/sources
# IMAGE/how                       shell variables, below
# IMAGE/contents, IMAGE/ways      what `read` gave of each volume, SHA-256; ways in, as `key list` told them
# IMAGE/tpm.state, IMAGE/board/   what the hardware knew: a swtpm's state, the storage of the simulated TEE
# Whatever else is there (passphrases, certificates, recovery keys) the options in IMAGE/how name.

# shellcheck disable=SC2034 # they are for who sources this
read_how() { # IMAGE
	kind=complete # or cut: provision goes on; shared: provision completes it
	hardware=none # or tpm, tee
	open=()       # options of whatever opens keys
	rotate=()     # options of `key rotate`; empty: there are no keys
	rotated=()    # options of whatever opens keys from then on
	made_for=()   # more options of `provision`
	gone=         # a volume that was given up
	# shellcheck source=/dev/null
	. "$1/how"
}

# power_on IMAGE: hf COMMAND… runs where the image's hardware is; power_off when it is done with.
golden_tpm=
power_on() {
	program=$HOLDFAST
	reach=()
	case $hardware in
	tpm)
		mkdir -p "$1/tpm"
		[ ! -e "$1/tpm.state" ] || cp "$1/tpm.state" "$1/tpm/tpm2-00.permall"
		swtpm socket --tpm2 --tpmstate dir="$1/tpm" --server type=unixio,path="$1/tpm/sock" \
			--ctrl type=unixio,path="$1/tpm/sock.ctrl" --flags not-need-init,startup-clear 2>/dev/null &
		golden_tpm=$!
		for _ in $(seq 100); do [ -S "$1/tpm/sock" ] && break; sleep .05; done
		export TPM2TOOLS_TCTI=swtpm:path=$1/tpm/sock
		reach=(--tcti "$TPM2TOOLS_TCTI")
		;;
	tee)
		program=$HOLDFAST_TEE
		mkdir -p "$1/board"
		export HOLDFAST_BOARD=$1/board
		;;
	esac
}
power_off() {
	[ -z "$golden_tpm" ] || { kill "$golden_tpm"; wait "$golden_tpm" || true; }
	golden_tpm=
}
hf() { "$program" "$@" "${reach[@]}"; }

# The volumes that have contents.
volumes() {
	hf status "$1" --json 2>/dev/null | tail -1 |
		jq -r --arg gone "$gone" '.volumes[]? | select(.reserved or .volume == $gone | not) | .volume'
}
# contents IMAGE OPTION…: a line for each of them
contents() {
	local volume
	for volume in $(volumes "$1"); do
		hf read "$1" "$volume" -q -o "$1.read" "${@:2}" || return
		echo "$volume $(sha256sum <"$1.read" | cut -d' ' -f1)"
		rm "$1.read"
	done
}
ways() { hf key list "$1" --json 2>/dev/null | tail -1 | jq -c '.ways_in[]? | [.volume, .way, .keystore]'; }
lifecycle() { hf status "$1" --json 2>/dev/null | tail -1 | jq -r .lifecycle; }
# The journal's last record: step and phase, as they stand there. Of a vault of 1M at 1M.
last_record() {
	od -An -v -tx1 -w512 -j $((1024 * 1024 + 256 * 1024)) -N $((256 * 1024)) "$1" | tr -d ' ' |
		grep ^48464a52 | tail -1 | cut -c9-24
}
