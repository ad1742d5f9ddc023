/* SPDX-License-Identifier: Apache-2.0 */
/* The lifecycle of a target, derived from evidence, never stored as a flag. */
#ifndef HOLDFAST_MODEL_LIFECYCLE_H
#define HOLDFAST_MODEL_LIFECYCLE_H

/* Design §6. */
enum lifecycle {
	LIFECYCLE_BLANK,        /* nothing on the medium */
	LIFECYCLE_FOREIGN,      /* something that holdfast did not make */
	LIFECYCLE_SHARED,       /* a shared image: to be completed on the device */
	LIFECYCLE_PROVISIONING, /* begun, not finished: provision again */
	LIFECYCLE_PROVISIONED,  /* complete, without keys */
	LIFECYCLE_DAMAGED,
	LIFECYCLE_NEWER, /* made by a newer holdfast: nothing more is known of it */
};

const char *lifecycle_name(enum lifecycle state);

#endif
