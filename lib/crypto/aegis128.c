/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128: which variant. */
#include "crypto/aegis128-private.h"

const struct aegis128_variant *const aegis128_variants[] = {
#ifdef AEGIS128_X86
    &aegis128_vaes,     &aegis128_x86,
#endif
#ifdef AEGIS128_ARM
    &aegis128_arm,
#endif
    &aegis128_portable, NULL,
};

const struct aegis128_variant *aegis128_best(unsigned lanes_max)
{
	size_t i = 0;

	/* The last one always is. */
	while (aegis128_variants[i]->lanes > lanes_max || !aegis128_variants[i]->usable())
		i++;
	return aegis128_variants[i];
}
