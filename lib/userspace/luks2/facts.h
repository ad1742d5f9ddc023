/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a LUKS2 header's JSON. */
#ifndef HOLDFAST_USERSPACE_LUKS2_FACTS_H
#define HOLDFAST_USERSPACE_LUKS2_FACTS_H

#include "userspace/luks2/luks2.h"

/* Reads the facts of a JSON text that luks2_json_check() accepted. 0 or -ENOMEM, silent. */
int luks2_json_facts(const struct luks2_binary *h, const char *json, struct luks2_facts *ret);

#endif
