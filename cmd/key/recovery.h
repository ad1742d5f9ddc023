/* SPDX-License-Identifier: Apache-2.0 */
/* key recovery. */
#ifndef HOLDFAST_CMD_RECOVERY_KEY_H
#define HOLDFAST_CMD_RECOVERY_KEY_H

#include "cmd/session.h"
#include "target/target.h"

#define RECOVERY_KEY_FLAGS                                                                         \
	{"qr", 0, NULL, "recovery: show the key here, as a QR code and in words", false},          \
	{                                                                                          \
		"qr-svg", 0, "FILE", "recovery: write a label (0600) with both to FILE", false     \
	}

int recovery_key_run(struct session *s, struct target *t, const struct call *c);

#endif
