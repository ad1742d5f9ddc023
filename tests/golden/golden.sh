#!/bin/bash
# Images that earlier builds made: opened, verified, rotated, provisioned again; or refused by name, as
# tests/golden/GENERATION/expect says.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/golden/lib.sh
. "$HOLDFAST_TOP/tests/golden/lib.sh"
HOLDFAST_TEE=$HOLDFAST_BUILD/tests/golden/holdfast-tee
golden=$HOLDFAST_TOP/tests/golden

# hf_check STATUS CODE TEXT ARGUMENT…: ends just so
hf_check() {
	local status=$1 code=$2 text="$name: $3" got=0 got_code
	shift 3
	hf "$@" --json >"$scratch/.json" 2>"$scratch/.out" || got=$?
	got_code=$(tail -1 "$scratch/.json" | jq -r .code)
	if [ "$got $got_code" = "$status $code" ]; then ok "$text"; else not_ok "$text ($got $got_code, not $status $code)"; fi
}
result() { tail -1 "$scratch/.json" | jq -c "$1"; } # FILTER: of what hf_check ran
same() { # TEXT WANTED GOT
	if [ "$2" = "$3" ]; then ok "$name: $1"; else diff <(echo "$2") <(echo "$3") >"$scratch/.out" || not_ok "$name: $1"; fi
}

# The volumes to name where one was given up: whoever names none asks for that one, too.
named() { [ -z "$gone" ] || volumes image; }

# Verifies, and every volume holds what it held.
intact() { # TEXT OPTION…
	local text=$1
	shift
	# shellcheck disable=SC2046
	hf_check 0 HF-OK "$text: verify" verify image $(named) "$@"
	same "$text: nothing is found" 0 "$(result .findings)"
	same "$text: contents" "$known_contents" "$(contents image "$@")"
}

rotates() {
	cp --sparse=always image before
	if [ ${#rotate[@]} = 0 ]; then
		hf_check 5 HF-KEY-MISSING "no keys to rotate" key rotate image
		check "$name: which changes nothing" cmp image before
		return
	fi
	hf_check 0 HF-OK "rotate" key rotate image "${rotate[@]}"
	intact "rotated" "${rotated[@]}"
	same "rotated: ways in" "$known_ways" "$(ways image)"
	hf_check 0 HF-NOTHING-TO-DO "rotated: provision" provision layout image "${rotated[@]}"
	case $hardware in
	none)
		hf_check 5 HF-KEY-WRONG "rotated: the old passphrase" verify image "${open[@]}"
		# shellcheck disable=SC2046
		hf_check 0 HF-OK "the copy from before opens with it" verify before $(named) "${open[@]}"
		;;
	*) hf_check 3 HF-VAULT-OLD "the copy from before is refused" verify before "${rotated[@]}" ;;
	esac
}

complete() {
	known_contents=$(cat contents)
	known_ways=$(cat ways)
	same "status" provisioned "$(lifecycle image)"
	same "ways in" "$known_ways" "$(ways image)"
	intact "as it was" "${open[@]}"
	hf_check 0 HF-NOTHING-TO-DO "provision" provision layout image "${open[@]}" "${made_for[@]}"
	check "$name: all that changed nothing" cmp image kept
	if [ -n "$gone" ]; then
		hf_check 5 HF-KEY-MISSING "$gone stays given up" read image "$gone" "${open[@]}" -o read
	fi
	if [ -e luks.recovery ]; then
		check "$name: key recovery" hf key recovery image luks "${open[@]}" -o again.recovery
		check "$name: it is the same" cmp luks.recovery again.recovery
	fi
	rotates
	[ ! -e fleet.crt ] || restores
}

# Out of escrow, with what was kept elsewhere.
restores() {
	local keys=(--recovery-key-file mac.recovery --recovery-key-file aegis.recovery)
	cp --sparse=always before image
	hf_check 5 HF-KEY-WRONG "another volume's recovery key" key restore image mac --recovery-key-file aegis.recovery \
		--new-passphrase-file new --lose-others
	hf_check 0 HF-OK "key escrow --receipt" key escrow image gcm --receipt gcm.receipt "${open[@]}"
	openssl cms -decrypt -inform PEM -in gcm.cms -inkey fleet.key -recip fleet.crt -out escrow.json
	same "what is in escrow" "$(cat gcm.recovery)" "$(jq -r .recovery_key escrow.json)"
	hf_check 0 HF-OK "key restore" key restore image mac aegis gcm "${keys[@]}" --recovery-key-file gcm.recovery \
		--new-passphrase-file new
	intact "restored" "${rotated[@]}"
}

# The journal is gone on with, by the same layout.
goes_on() {
	hf_check 0 HF-OK "provision" provision layout image "${open[@]}"
	if [ $kind = cut ]; then
		same "it went on from there" true "$(result .resumed)"
	fi
	same "status" provisioned "$(lifecycle image)"
	known_contents=$(contents image "${open[@]}")
	known_ways=$(ways image)
	hf_check 0 HF-OK "verify" verify image "${open[@]}"
	same "nothing is found" 0 "$(result .findings)"
	same "every volume has its contents" "$(wanted_contents)" "$known_contents"
	rotates
}
# Of images whose provisioning was not done when they were kept: each volume begins with its source.
wanted_contents() {
	"$HOLDFAST" provision -q layout fresh "${open[@]}" >&2
	contents fresh "${open[@]}"
}

opens() {
	case $kind in
	complete) complete ;;
	cut | shared)
		[ $kind = cut ] || same "status" shared "$(lifecycle image)"
		goes_on
		;;
	esac
}

makes_the_same() {
	check "$name: made again" hf provision -q layout made
	check "$name: to the same bytes" cmp made kept
}

# Nothing but these words, whatever is asked for.
refused() { # STATUS CODE WORDS
	local command volume
	reach=() # a version is seen before hardware is asked
	volume=$(awk -F'"' '/^volume/ {print $2; exit}' layout)
	for command in "status image" "verify image" "read image $volume -o read" "key list image" "key rotate image" \
		"provision layout image" "recovery assess image"; do
		# shellcheck disable=SC2086
		hf_check "$1" "$2" "${command%% image*} is refused" $command
		said "$3"
	done
	check "$name: nothing was changed" cmp image kept
}

# One image, in a directory of its own beside its sources.
one() { # FOLDER VERDICT ARGUMENT…
	cp -r "$1" .
	cd "${1##*/}"
	xz -dc image.xz >kept
	cp --sparse=always kept image
	read_how "$PWD"
	power_on "$PWD"
	case $2 in
	opens) opens ;;
	same)
		makes_the_same
		opens
		;;
	refused) refused "$3" "$4" "${*:5}" ;;
	*) not_ok "$name: expected is \"$2\"?" ;;
	esac
}

for generation in "$golden"/*/; do
	generation=${generation%/}
	name=${generation##*/}
	mkdir "$scratch/$name"
	cd "$scratch/$name"
	# shellcheck source=/dev/null
	. "$generation/sources"
	same "what is expected is told of every image" "$(cd "$generation" && printf '%s\n' */ | tr -d / | sort)" \
		"$(grep -v '^#' "$generation/expect" | cut -d' ' -f1 | sort)"
	while read -r image verdict; do
		name=${generation##*/}/$image
		cd "$scratch/${generation##*/}"
		set +e
		# shellcheck disable=SC2086
		(set -e && trap power_off EXIT && one "$generation/$image" $verdict </dev/null)
		broke=$?
		set -e
		[ $broke = 0 ] || not_ok "$name: ended with status $broke"
		rm -r "${scratch:?}/${generation##*/}/$image"
	done < <(grep -v '^#' "$generation/expect")
done
