/* SPDX-License-Identifier: Apache-2.0 */
/* Names of places. */
#include "model/place.h"

const char *place_kind_name(enum place_kind kind)
{
	switch (kind) {
	case PLACE_GPT:
		return "a GPT medium";
	case PLACE_RAW:
		return "a raw medium";
	case PLACE_BYTES:
		return "bytes";
	case PLACE_BYTES_RO:
		return "read-only bytes";
	case PLACE_DIRECTORY:
		return "a directory";
	case PLACE_SAME:
		return "what is below it";
	case PLACE_NONE:
		break;
	}
	return "nothing";
}
