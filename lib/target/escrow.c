/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow of a volume's keys, its receipt, and what is restored from it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/cms.h"
#include "keyring/commit.h"
#include "keyring/interface.h"
#include "keyring/restore.h"
#include "model/key.h"
#include "target/escrow.h"
#include "target/keys.h"

#define PAYLOAD_MAX 1024

/* A recovery key that leaves the device cannot be erased by its hardware. */
static int refuse_final(const struct volume *v)
{
	volume_each_layer (l, v) {
		const struct keystore *k =
		    layer_key_bytes(l, KEY_VOLUME) ? layer_keystore(l) : NULL;
		int r;

		if (!k || !keystore_must_erase(k))
			continue;
		r = diag_fail(DIAG_LIFECYCLE, EPERM,
			      "keystore %s of volume %s has erase = \"final\": no key of it may be "
			      "where its hardware cannot erase it",
			      k->name, v->full_name);
		diag_state("nothing was changed");
		diag_next("lay it out with erase = \"media\" if escrow is worth more");
		return r;
	}
	return 0;
}

/* What the fleet reads after decrypting. Names hold nothing that JSON would want escaped: the
 * layout's grammar sees to that for volumes, and the device's name is left out. */
static int payload(const struct volume *v, const struct secret *key, const uint8_t *nonce,
		   struct secret **ret)
{
	_cleanup_secret_ struct secret *all = NULL, *words = NULL;
	char message[ESCROW_MESSAGE_SIZE], hex[2 * ESCROW_NONCE_BYTES + 1];
	int n, r = secret_new(PAYLOAD_MAX, &all);

	if (r >= 0)
		r = secret_new(MODHEX_KEY_TEXT, &words);
	if (r < 0)
		return r;
	modhex_print_key(secret_bytes(key), secret_bytes(words));
	hex_encode(nonce, ESCROW_NONCE_BYTES, hex);
	keyring_escrow_message(v->full_name, nonce, message);
	n = snprintf((char *)secret_bytes(all), PAYLOAD_MAX,
		     "{\"holdfast-escrow\":1,\"volume\":\"%s\",\"nonce\":\"%s\","
		     "\"receipt_message\":\"%s\",\"recovery_key\":\"%.*s\"}\n",
		     v->full_name, hex, message, MODHEX_KEY_TEXT,
		     (const char *)secret_bytes(words));
	if (n < 0 || n >= PAYLOAD_MAX)
		return diag_fail(DIAG_INTERNAL, E2BIG, "an escrow of %d bytes", n);
	r = secret_new((size_t)n, ret);
	if (r >= 0)
		memcpy(secret_bytes(*ret), secret_bytes(all), (size_t)n);
	return r;
}

int target_escrow(struct target *t, const struct volume *v, const char *const *certificates,
		  size_t n, const char *to, uint8_t ret_nonce[static ESCROW_NONCE_BYTES])
{
	_cleanup_secret_ struct secret *key = NULL, *content = NULL;
	_cleanup_text_ struct text pem = {0};
	int r = refuse_final(v);

	if (r >= 0)
		r = target_unlock_all(t);
	if (r >= 0)
		r = keyring_escrow_add(t->ring, v, &key, ret_nonce);
	if (r >= 0)
		r = payload(v, key, ret_nonce, &content);
	if (r >= 0)
		r = cms_encrypt(certificates, n, content, &pem);
	if (r >= 0)
		r = file_write(to, 0644, pem.s, pem.len);
	if (r < 0)
		return r;
	r = keyring_commit(t->vault, t->layout, t->ring);
	if (r < 0)
		diag_state("%s was written; the vault knows of it, or does not: run the same "
			   "command again, and keep the later file",
			   to);
	return r;
}

/* 64 digits and white space. */
static int read_receipt(const char *path, uint8_t ret[static ESCROW_RECEIPT_BYTES])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[2 * ESCROW_RECEIPT_BYTES + 8];
	ssize_t n;

	if (fd < 0)
		return diag_file(errno, path);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return diag_file(errno, path);
	while (n > 0 && strchr(" \r\n\t", text[n - 1]))
		n--;
	text[n] = 0;
	if (n != 2 * ESCROW_RECEIPT_BYTES || hex_decode(text, ret, ESCROW_RECEIPT_BYTES) < 0) {
		int r = diag_fail(DIAG_USAGE, EINVAL,
				  "%s: a receipt has %d hexadecimal digits and nothing else", path,
				  2 * ESCROW_RECEIPT_BYTES);

		diag_next("HMAC-SHA256 over the escrow's receipt_message, its key the 71 "
			  "characters of recovery_key");
		return r;
	}
	return 0;
}

int target_confirm_escrow(struct target *t, const struct volume *v, const char *path,
			  bool remove_others)
{
	uint8_t receipt[ESCROW_RECEIPT_BYTES];
	int r = read_receipt(path, receipt), changed = 0;

	if (r >= 0)
		r = target_unlock_all(t);
	if (r >= 0)
		changed = r = keyring_escrow_confirm(t->ring, v, receipt);
	if (r >= 0 && remove_others)
		changed |= keyring_drop_recovery(t->ring, v);
	if (r < 0 || !changed)
		return r;
	r = keyring_commit(t->vault, t->layout, t->ring);
	if (r < 0)
		diag_state("the receipt is recorded, or is not: run the same command again");
	return r < 0 ? r : 1;
}

static int take(struct target *t, const struct restoring *of)
{
	_cleanup_secret_ struct secret *key = NULL;
	int r = secret_new(ESCROW_KEY_BYTES, &key);
	DIAG_SCOPE("volume %s", of->volume->full_name);

	if (r >= 0 && modhex_scan_key(secret_bytes(of->words), secret_len(of->words),
				      secret_bytes(key)) < 0) {
		r = diag_fail(DIAG_USAGE, EINVAL,
			      "a recovery key has 8 groups of 8 letters out of cbdefghijklnrtuv");
		diag_next("it is what recovery_key is in the decrypted escrow");
	}
	if (r >= 0)
		r = keyring_escrow_take(t->ring, of->volume, key);
	if (r >= 0)
		of->volume->forgotten = false;
	return r;
}

int target_restore(struct target *t, const struct restoring *of, size_t n,
		   const struct restore_consent *consent, struct text *ret_lost)
{
	int r = t->layout_from_vault ? target_read_keys(t) : 0;

	if (r == 0)
		r = diag_fail(DIAG_KEY_MISSING, ENOKEY, "%s has no keys: no volume of it is keyed",
			      t->path);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = take(t, &of[i]);
	if (r < 0)
		return r;
	t->job.keys = keyring_keys(t->ring);
	r = keyring_escrow_reseal(t->ring, t->layout, consent, ret_lost);
	if (r < 0)
		return r;
	target_reseal_tokens(t);
	r = keyring_commit(t->vault, t->layout, t->ring);
	if (r < 0)
		diag_state("the keys are sealed as before, or for this hardware: run the same "
			   "command again");
	return r;
}
