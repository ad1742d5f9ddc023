/* SPDX-License-Identifier: Apache-2.0 */
/* Which kinds there are: passed in from the top, so that nothing below knows a list. */
#ifndef HOLDFAST_MODEL_KINDS_H
#define HOLDFAST_MODEL_KINDS_H

struct layer_ops;
struct medium_ops;
struct keystore_ops;

/* Arrays end with NULL. */
struct kinds {
	const struct layer_ops *const *layers;
	const struct medium_ops *const *media;
	const struct keystore_ops *const *keystores;
	const char *host_architecture;     /* what a DPS type means where the layout does not say */
	const char *const *planned_layers; /* kinds of the design that are not built yet */
};

#endif
