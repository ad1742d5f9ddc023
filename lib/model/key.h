/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: what a keystore guards, what a layer asks for. Keystores and layers meet only here. */
#ifndef HOLDFAST_MODEL_KEY_H
#define HOLDFAST_MODEL_KEY_H

#include "base/env.h"
#include "base/secret.h"
#include "base/text.h"
#include "model/job.h"
#include "model/layer.h"

#define DEVICE_SECRET_BYTES 32
#define BLOB_MAGIC_BYTES    8
#define VOLUME_KEY_MAX      128

/* What only a person or a script has. */
enum key_asked {
	ASK_PASSPHRASE, /* of backend file */
	ASK_PIN,        /* of a keystore in hardware that was made with one */
	ASK_OWNER,      /* the TPM's owner authorisation; provisioning only */
};

/* How the program asks for it. env->input */
struct key_input {
	/* Of keystore @name; @fresh: one that is to be set (asked for twice on a terminal). Speaks:
	 * HF-KEY-INPUT where there is neither an option nor a terminal. For ASK_OWNER -ENOKEY, and
	 * silent, where none was given: the TPM's owner may have none. */
	int (*ask)(void *ctx, enum key_asked what, const char *name, bool fresh,
		   struct secret **ret);
	/* The option of a passphrase or PIN that was given and was not asked for so far, or NULL.
	 * May be NULL itself. */
	const char *(*unused)(void *ctx);
	void *ctx;
	struct keys *given;   /* volume keys that stand for the vault's own, or NULL */
	const char *given_by; /* the option that they come from */
	const char *tcti;     /* how the TPM is reached (--tcti, as tpm2-tss names it), or NULL */
	const char
	    *tpm_identity; /* a file: seal for the TPM that it tells of, which is elsewhere */
	/* A file of signed PCR policies, for a token of systemd's (--tpm2-signature); NULL: where
	 * systemd looks for it. */
	const char *tpm2_signature;
};

/* What erasing the key leaves to somebody who has a copy of the medium from before. */
enum erase_strength {
	ERASE_MEDIA, /* all, if the copy has the sealed secret: only the medium forgets */
	ERASE_FINAL, /* nothing: hardware refuses every copy */
};

/* The hardware's record of which device part is the true one. */
struct keystore_anchor {
	bool present;                 /* false: made, and never written; or not there */
	uint64_t sequence;            /* of the vault's copy */
	uint8_t digest[SHA256_BYTES]; /* of its payload */
	uint64_t rotation_max;        /* highest R that anything was ever sealed for */
	uint64_t erase; /* E that the named secret is sealed for; 0: nothing is named */
};

/* A key that the kernel has in its keyrings, and that nobody reads. */
struct key_reference {
	char type[16]; /* "encrypted"; "" : none */
	char description[112];
	size_t len; /* bytes of the key */
};

struct keystore;

/* Of a backend whose keys never leave the kernel: its seal() and unseal() give no secret (NULL),
 * but make what was sealed known to the kernel, for this process. All speak. */
struct key_reference_ops {
	size_t least_bytes; /* the shortest key that it can keep */
	/* Draws a key of @len bytes under the one in @sealed; @blob: what the vault keeps of it. */
	int (*draw)(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
		    const char *name, size_t len, struct text *blob);
	/* Makes it known to the kernel as @name. */
	int (*load)(const struct keystore *k, const char *name, const uint8_t *blob, size_t len,
		    struct key_reference *ret);
	/* The loaded key @ref, from now on under another @sealed. */
	int (*rewrap)(const struct keystore *k, const struct key_reference *ref,
		      const uint8_t *sealed, size_t sealed_len, struct text *blob);
	/* Was @sealed made where the kernel computes MACs with its keys? Then it does, and the
	 * keys do not load where somebody says it was not. */
	bool (*authenticates)(const struct keystore *k, const uint8_t *sealed, size_t sealed_len);
	/* HMAC-SHA256 under a key that is derived from @sealed. */
	int (*mac)(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
		   const void *bytes, size_t len, uint8_t ret[static SHA256_BYTES]);
};

/* A conversation with a backend's hardware; the backend's own. */
struct keystore_session;

/* Of a backend whose hardware systemd-cryptsetup uses, too: it seals a second secret there, bound
 * to the boot and the PIN as the keystore's own, but to no counter. Both speak. */
struct keystore_systemd_ops {
	/* Pure: can systemd keep to what the options of @k want? */
	int (*check)(const struct keystore *k);
	/* @secret (DEVICE_SECRET_BYTES) in base64 is the passphrase of LUKS2 keyslot @keyslot; @ret
	 * gets the token, a JSON object. Nothing where the hardware is elsewhere. */
	int (*seal)(const struct keystore *k, struct keystore_session *s, struct env *env,
		    const struct secret *secret, unsigned keyslot, struct text *ret);
};

/* E and R; opaque, they only grow. */
struct keystore_counters {
	uint64_t erase, rotation;
};

/* What hardware says. */
struct keystore_state {
	uint64_t erase, rotation; /* E and R; opaque, they only grow */
	struct keystore_anchor anchor;
	char hardware[128]; /* vendor and firmware, "" where there is none */
};

/*
 * A backend. All speak. Backends without hardware leave @begin to @state NULL, and get NULL for
 * their session.
 *
 * No value of (R, E) ever guards two secrets, and the copy that the anchor names is always on the
 * medium. So a rotation (lib/keyring) goes: @anchor_reserve the next R; @seal for it; the vault's
 * other copy; flush; @anchor_write, the commit; @advance, which kills what was sealed before; the
 * copy that was named before. New keys: @prepare, @count_erase twice, @prepare_anchor,
 * @anchor_write of nothing, @seal, copy, flush, @anchor_write. tests/crash/sequences.c is the
 * model.
 */
struct keystore_ops {
	const char *name; /* "file": backend in a layout */
	/* What it seals begins with BLOB_MAGIC_BYTES of magic, NUL-padded, and a le32 version. Here
	 * the newest version that is known; NULL, 0: it makes no such beginning. */
	const char *blob_magic;
	uint32_t blob_version;
	const char *summary; /* one sentence */
	const struct option_spec *options;
	/* The best that erasing can be here. */
	enum erase_strength (*strength)(const struct keystore *k);

	/* Pure; speaks with file and line. */
	int (*check)(const struct keystore *k);
	/* Pure: does the layout want keys that are erased to be gone for good? Unset: never. */
	bool (*must_erase)(const struct keystore *k);
	/* Pure: the index of the option with the least version of the signed boot policy that keys
	 * are bound to; -1: @k is not bound to one. Unset: it never is. */
	int (*policy_version_option)(const struct keystore *k);

	/* Reaches the hardware and tells which it is; changes nothing in it. */
	int (*begin)(const struct keystore *k, struct env *env, struct keystore_session **ret);
	/* Frees what it has in the hardware: sessions, transient objects. Takes NULL. */
	void (*end)(struct keystore_session *s);
	/* 1 if its anchor names a vault whose secret is alive, 0 if not. */
	int (*used)(const struct keystore *k, struct keystore_session *s, struct env *env);
	/* Provisioning: makes what is missing there (storage key, counters), adopts what is ours
	 * already, and refuses what is somebody else's. Asks for the owner's authorisation. */
	int (*prepare)(const struct keystore *k, struct keystore_session *s, struct env *env);
	/* The same for the anchor. After E was counted where new keys are drawn: an unwritten
	 * anchor beside an old E is that of an image that waits for its first opening. May be NULL.
	 */
	int (*prepare_anchor)(const struct keystore *k, struct keystore_session *s,
			      struct env *env);
	int (*counters)(const struct keystore *k, struct keystore_session *s, struct env *env,
			struct keystore_counters *ret);
	/* E: everything that was ever sealed is dead afterwards. Checked with the hardware. */
	int (*count_erase)(const struct keystore *k, struct keystore_session *s, struct env *env);
	/* Counts R up to what @blob waits for; 0 and nothing counted where it does not wait. Then
	 * voids sessions that were satisfied before. */
	int (*advance)(const struct keystore *k, struct keystore_session *s, struct env *env,
		       const uint8_t *blob, size_t len);
	/* 1 if @blob waits for @advance, 0 if not; changes nothing. */
	int (*waits)(const struct keystore *k, struct keystore_session *s, struct env *env,
		     const uint8_t *blob, size_t len);
	/* HF-KEYSTORE-FOREIGN when @blob was sealed by other hardware. May be NULL. */
	int (*recognise)(const struct keystore *k, struct keystore_session *s, struct env *env,
			 const uint8_t *blob, size_t len);
	int (*anchor_read)(const struct keystore *k, struct keystore_session *s, struct env *env,
			   struct keystore_anchor *ret);
	/* Raises rotation_max to @a's and leaves what is named; @a is what is named now. */
	int (*anchor_reserve)(const struct keystore *k, struct keystore_session *s, struct env *env,
			      const struct keystore_anchor *a);
	/* Durable when it returns. rotation_max never falls: the hardware's own is kept if higher.
	 */
	int (*anchor_write)(const struct keystore *k, struct keystore_session *s, struct env *env,
			    const struct keystore_anchor *a);
	int (*state)(const struct keystore *k, struct keystore_session *s, struct env *env,
		     struct keystore_state *ret);

	/* After @prepare: what must be known to seal for this hardware elsewhere, as text without
	 * secrets. NULL: not possible. */
	int (*identity)(const struct keystore *k, struct keystore_session *s, struct env *env,
			struct text *ret);
	/* Pure: true if @blob was sealed remotely for this hardware. It opens once and must then be
	 * resealed. */
	bool (*sealed_elsewhere)(const uint8_t *blob, size_t len);

	/* Draws a device secret (DEVICE_SECRET_BYTES) and guards it: the vault keeps @blob. It
	 * opens while R is @rotation; 0: what R is now. */
	int (*seal)(const struct keystore *k, struct keystore_session *s, struct env *env,
		    uint64_t rotation, struct secret **ret, struct text *blob);
	/* HF-KEY-WRONG when what was given does not open it, HF-TAMPERED when the blob cannot be
	 * one of this keystore's, HF-KEYSTORE-… for what the hardware says. */
	int (*unseal)(const struct keystore *k, struct keystore_session *s, struct env *env,
		      const uint8_t *blob, size_t len, struct secret **ret);
	/* After opening: nothing is sealed or unsealed until the next boot, as far as the hardware
	 * can and option "lock" wants it; @count_erase still works. May be NULL. */
	int (*lock)(const struct keystore *k, struct keystore_session *s, struct env *env);
	/* Set: layers get references to its keys, never bytes. */
	const struct key_reference_ops *references;
	const struct keystore_systemd_ops *systemd; /* NULL: systemd knows no such backend */
	/* In words, for status: what guards it, and against whom. */
	void (*describe)(const struct keystore *k, const uint8_t *blob, size_t len,
			 struct text *to);
};

const struct keystore_ops *keystore_kind(const struct keystore_ops *const *registry,
					 const char *name);

/* Volume keys of a target, of job->keys: unsealed when the first is asked for. */
struct keys {
	/* The key of @l, which lives as long as @keys. Speaks. */
	int (*volume_key)(struct keys *keys, struct job *job, const struct layer *l,
			  enum key_purpose purpose, const struct secret **ret);
	/* The same for keys that stay in the kernel; it knows them as long as @keys lives. Unset:
	 * there are none. */
	int (*reference)(struct keys *keys, const struct layer *l, enum key_purpose purpose,
			 struct key_reference *ret);
	/* The LUKS2 token that lets systemd-cryptsetup unseal the KEY_TOKEN of @l, the passphrase
	 * of @keyslot; sealed for the hardware and the boot state that are here now. */
	int (*systemd_token)(struct keys *keys, const struct layer *l, unsigned keyslot,
			     struct text *ret);
};

/* Bytes of the key that @l wants for @purpose; 0: none. */
size_t layer_key_bytes(const struct layer *l, enum key_purpose purpose);
/* The option of @l that names its keystore; NULL: it names none. */
const struct option_value *layer_keystore_option(const struct layer *l);
/* The keystore that guards its key: the one that it names, else the only one; NULL: neither. */
const struct keystore *layer_keystore(const struct layer *l);
/* The keystore whose hardware names the true copy of the vault, or NULL. */
const struct keystore *layout_anchor(const struct layout *layout);
/* It has erase = "final": no key of it may be where its hardware cannot erase it. */
bool keystore_must_erase(const struct keystore *k);
int layer_key(const struct layer *l, struct job *job, enum key_purpose purpose,
	      const struct secret **ret);
/* Is its key one that only the kernel has? Then this gives it, and layer_key() never does. */
bool layer_key_is_reference(const struct layer *l);
int layer_systemd_token(const struct layer *l, struct job *job, unsigned keyslot, struct text *ret);
int layer_key_reference(const struct layer *l, struct job *job, enum key_purpose purpose,
			struct key_reference *ret);
bool volume_is_keyed(const struct volume *v);
/* Does a key have part in it, one of the vault or one that a layer only has the name of? */
bool volume_is_secret(const struct volume *v);

#endif
