/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the states that a target can be in. */
#include "model/lifecycle.h"

const char *lifecycle_name(enum lifecycle state)
{
	switch (state) {
	case LIFECYCLE_BLANK:
		return "blank";
	case LIFECYCLE_FOREIGN:
		return "foreign";
	case LIFECYCLE_SHARED:
		return "shared";
	case LIFECYCLE_PROVISIONING:
		return "provisioning";
	case LIFECYCLE_PROVISIONED:
		return "provisioned";
	case LIFECYCLE_NEWER:
		return "newer";
	case LIFECYCLE_DAMAGED:
		break;
	}
	return "damaged";
}
