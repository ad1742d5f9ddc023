/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring in memory: made, searched, freed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "keyring/private.h"

struct keyring *keyring_new(const struct layout *layout, struct env *env)
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	if (!ring) {
		diag_no_memory();
		return NULL;
	}
	ring->layout = layout;
	ring->env = env;
	return ring;
}

struct keyring *keyring_free(struct keyring *ring)
{
	if (!ring)
		return NULL;
	for (size_t i = 0; i < ring->n_sealed; i++) {
		struct sealed *s = &ring->sealed[i];

		secret_free(s->secret);
		secret_free(s->kek);
		secret_free(s->mac_key);
		free(s->blob);
		if (s->keystore->ops->end)
			s->keystore->ops->end(s->session);
	}
	array_each (w, &ring->wrapped)
		secret_free(w->key);
	array_free(&ring->wrapped);
	array_free(&ring->escrows);
	array_each (f, &ring->referred)
		free(f->blob);
	array_free(&ring->referred);
	free(ring->payload);
	free(ring);
	return NULL;
}

void keyring_freep(struct keyring **ring)
{
	keyring_free(*ring);
}

struct sealed *keyring_find_sealed(struct keyring *ring, const char *name)
{
	for (size_t i = 0; i < ring->n_sealed; i++) {
		if (strcmp(ring->sealed[i].keystore->name, name) == 0)
			return &ring->sealed[i];
	}
	return NULL;
}

int keyring_add_sealed(struct keyring *ring, const struct keystore *keystore, struct sealed **ret)
{
	*ret = keyring_find_sealed(ring, keystore->name);
	if (*ret)
		return 0;
	if (ring->n_sealed == KEYSTORES_MAX)
		return diag_fail(DIAG_INTERNAL, E2BIG, "too many keystores");
	*ret = &ring->sealed[ring->n_sealed++];
	(*ret)->keystore = keystore;
	return 0;
}

int keyring_layer_index(const struct layer *l)
{
	int index = 0;

	volume_each_layer (other, l->volume) {
		if (other == l)
			return index;
		index++;
	}
	return -1;
}
