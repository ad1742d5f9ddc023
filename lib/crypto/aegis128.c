/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128: choosing the variant for this processor. */
#include <string.h>

#include "crypto/aegis128-private.h"

#define TRIAL_BYTES 88 /* a few blocks, and a part of one */

const struct aegis128_variant *const aegis128_variants[] = {
#ifdef AEGIS128_X86
    &aegis128_vaes,     &aegis128_x86,
#endif
#ifdef AEGIS128_ARM
    &aegis128_arm,
#endif
    &aegis128_portable, NULL,
};

/* Messages of different bytes under different nonces, @v->lanes at once. */
static void run_trial(const struct aegis128_variant *v, aegis128_fn run,
		      uint8_t (*bytes)[TRIAL_BYTES], uint8_t (*tags)[AEGIS128_TAG_BYTES])
{
	static const uint8_t key[] = "holdfast's trial: sixteen, and some";
	struct aegis128_message m[AEGIS128_LANES_MAX];

	for (unsigned first = 0; first < AEGIS128_LANES_MAX; first += v->lanes) {
		for (unsigned l = 0; l < v->lanes; l++)
			m[l] = (struct aegis128_message){.nonce = key + first + l,
							 .ad = key + 2 * (first + l),
							 .in = bytes[first + l],
							 .out = bytes[first + l],
							 .tag = tags[first + l]};
		run(key, m, 20, TRIAL_BYTES);
	}
}

bool aegis128_works(const struct aegis128_variant *v)
{
	uint8_t plain[AEGIS128_LANES_MAX][TRIAL_BYTES], ours[AEGIS128_LANES_MAX][TRIAL_BYTES];
	uint8_t tags[AEGIS128_LANES_MAX][AEGIS128_TAG_BYTES] = {0};
	uint8_t expected[AEGIS128_LANES_MAX][TRIAL_BYTES];
	uint8_t expected_tags[AEGIS128_LANES_MAX][AEGIS128_TAG_BYTES] = {0};

	for (unsigned l = 0; l < AEGIS128_LANES_MAX; l++) {
		for (unsigned i = 0; i < TRIAL_BYTES; i++)
			plain[l][i] = (uint8_t)(l * 83 + i * 29);
	}
	memcpy(expected, plain, sizeof(plain));
	memcpy(ours, plain, sizeof(plain));
	run_trial(&aegis128_portable, aegis128_portable.encrypt, expected, expected_tags);
	run_trial(v, v->encrypt, ours, tags);
	if (memcmp(ours, expected, sizeof(ours)) != 0 ||
	    memcmp(tags, expected_tags, sizeof(tags)) != 0)
		return false;
	memset(tags, 0, sizeof(tags));
	run_trial(v, v->decrypt, ours, tags);
	return memcmp(ours, plain, sizeof(ours)) == 0 &&
	       memcmp(tags, expected_tags, sizeof(tags)) == 0;
}

const struct aegis128_variant *aegis128_best(unsigned lanes_max)
{
	size_t i = 0;

	/* The last one always does. Trying them is needed: QEMU 7.2 claims VAES but mixes up lanes.
	 */
	while (aegis128_variants[i]->lanes > lanes_max || !aegis128_variants[i]->usable() ||
	       !aegis128_works(aegis128_variants[i]))
		i++;
	return aegis128_variants[i];
}
