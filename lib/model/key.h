/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: what a keystore guards, what a layer asks for. Keystores and layers meet only here. */
#ifndef HOLDFAST_MODEL_KEY_H
#define HOLDFAST_MODEL_KEY_H

#include "base/env.h"
#include "base/secret.h"
#include "base/text.h"
#include "model/layer.h"

#define DEVICE_SECRET_BYTES 32
#define VOLUME_KEY_MAX      128

/* How the program asks for what only a person or a script has. env->input */
struct key_input {
	/* Of keystore @name; @fresh: one that is to be set (asked for twice on a terminal). Speaks:
	 * HF-KEY-INPUT where there is neither an option nor a terminal. */
	int (*passphrase)(void *ctx, const char *name, bool fresh, struct secret **ret);
	void *ctx;
};

/* What erasing the key leaves to somebody who has a copy of the medium from before. */
enum erase_strength {
	ERASE_MEDIA, /* all, if the copy has the sealed secret: only the medium forgets */
	ERASE_FINAL, /* nothing: hardware refuses every copy */
};

struct keystore;
struct keystore_ops {
	const char *name;    /* "file": backend in a layout */
	const char *summary; /* one sentence */
	const struct option_spec *options;
	enum erase_strength strength;

	/* Pure; speaks with file and line. */
	int (*check)(const struct keystore *k);
	/* Guards @s (DEVICE_SECRET_BYTES): the blob that stands in the vault afterwards. */
	int (*seal)(const struct keystore *k, struct env *env, const struct secret *s,
		    struct text *blob);
	/* HF-KEY-WRONG when what was given does not open it, HF-TAMPERED when the blob cannot be
	 * one of this keystore's. */
	int (*unseal)(const struct keystore *k, struct env *env, const uint8_t *blob, size_t len,
		      struct secret **ret);
	/* In words, for status. */
	void (*describe)(const struct keystore *k, const uint8_t *blob, size_t len,
			 struct text *to);
};

const struct keystore_ops *keystore_kind(const struct keystore_ops *const *registry,
					 const char *name);

/* Volume keys of a target, behind env->keys: unsealed when the first is asked for. */
struct keys {
	/* The key of @l, which lives as long as @keys. Speaks. */
	int (*volume_key)(struct keys *keys, const struct layer *l, enum key_purpose purpose,
			  const struct secret **ret);
};

/* Bytes of the key that @l wants for @purpose; 0: none. */
size_t layer_key_bytes(const struct layer *l, enum key_purpose purpose);
/* The keystore that guards it: the one named by option "keystore", else the only one. NULL. */
const struct keystore *layer_keystore(const struct layer *l);
int layer_key(const struct layer *l, struct env *env, enum key_purpose purpose,
	      const struct secret **ret);
bool volume_is_keyed(const struct volume *v);

#endif
