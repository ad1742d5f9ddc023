/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that a TPM sealed, as the vault holds it (docs/formats/vault.md). */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/endian.h"
#include "crypto/kdf.h"
#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/name.h"

enum { HAS_PIN = 1, IS_SIGNED = 2 };

struct blob_disk {
	uint8_t magic[8];        /*   0: "hftpm2\0\0" */
	le32_t version;          /*   8 */
	le32_t flags;            /*  12: 1 PIN, 2 signed PCR policy */
	le32_t bank;             /*  16: TPM_ALG_ID of the PCR bank; 0 without PCRs */
	le32_t pcrs;             /*  20: mask */
	le32_t policy_version;   /*  24: only signatures for this one count */
	le32_t memory_kib;       /*  28: of Argon2id; 0 without a PIN, as the next three */
	le32_t passes;           /*  32 */
	le32_t lanes;            /*  36 */
	uint8_t salt[32];        /*  40 */
	le64_t erase;            /*  72 */
	le64_t rotation;         /*  80 */
	uint8_t srk[34];         /*  88: name of the storage key */
	uint8_t fingerprint[32]; /* 122: of the policy's key; zero without one */
	le16_t object_bytes;     /* 154: TPM2B_PUBLIC */
	le16_t private_bytes;    /* 156: TPM2B_PRIVATE */
	le16_t key_bytes;        /* 158: TPM2B_PUBLIC of the policy's key; 0 without one */
	le16_t seed_bytes;       /* 160: TPM2B_ENCRYPTED_SECRET of a duplicate; 0: is none */
	uint8_t pad[6];          /* 162 */
};
static_assert(sizeof(struct blob_disk) == 168, "blob");
static_assert(offsetof(struct blob_disk, srk) == 88, "storage key");

/* Then follow the values of the PCRs in the mask, unless the policy is signed, and the four areas.
 */

static int bad(void)
{
	return -EUCLEAN;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return n == 0;
}

static int decode_pin(const struct blob_disk *d, struct tpm2_pin *ret)
{
	ret->wanted = le32_get(d->flags) & HAS_PIN;
	ret->memory_kib = le32_get(d->memory_kib);
	ret->passes = le32_get(d->passes);
	ret->lanes = le32_get(d->lanes);
	memcpy(ret->salt, d->salt, sizeof(ret->salt));
	if (!ret->wanted)
		return ret->memory_kib || ret->passes || ret->lanes ||
			       !all_zero(ret->salt, sizeof(ret->salt))
			   ? bad()
			   : 0;
	return ret->passes < 1 || ret->passes > KDF_ARGON2_PASSES_MAX || ret->lanes < 1 ||
		       ret->lanes > KDF_ARGON2_LANES_MAX || ret->memory_kib < 8 * ret->lanes ||
		       ret->memory_kib > KDF_ARGON2_KIB_MAX
		   ? bad()
		   : 0;
}

static int decode_boot(const struct blob_disk *d, struct tpm2_boot *ret)
{
	uint32_t bank = le32_get(d->bank);

	ret->pcrs = le32_get(d->pcrs);
	ret->is_signed = le32_get(d->flags) & IS_SIGNED;
	ret->version = le32_get(d->policy_version);
	memcpy(ret->fingerprint, d->fingerprint, sizeof(ret->fingerprint));
	if (ret->pcrs >> TPM2_PCRS || bank > UINT16_MAX)
		return bad();
	ret->bank = (TPMI_ALG_HASH)bank;
	if (ret->pcrs ? !tpm2_bank_bytes(ret->bank) : bank || ret->is_signed)
		return bad();
	if (!ret->is_signed &&
	    (ret->version || !all_zero(ret->fingerprint, sizeof(ret->fingerprint))))
		return bad();
	return ret->is_signed == (le16_get(d->key_bytes) != 0) ? 0 : bad();
}

static size_t values_bytes(const struct tpm2_boot *b)
{
	return b->is_signed ? 0 : (size_t)__builtin_popcount(b->pcrs) * tpm2_bank_bytes(b->bank);
}

static bool take_public(const uint8_t *bytes, size_t len, TPM2B_PUBLIC *ret)
{
	uint8_t again[sizeof(TPM2B_PUBLIC)];
	size_t at = 0, out = 0;

	*ret = (TPM2B_PUBLIC){0};
	/* Encoded again it must be the same bytes: there is one encoding only. */
	return Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, len, &at, ret) == TSS2_RC_SUCCESS &&
	       at == len &&
	       Tss2_MU_TPM2B_PUBLIC_Marshal(ret, again, sizeof(again), &out) == TSS2_RC_SUCCESS &&
	       out == len && memcmp(again, bytes, len) == 0;
}

/* A sealed object of ours, under the policy that the rest of the blob describes. */
static bool is_sealed(const struct tpm2_blob *b)
{
	const TPMT_PUBLIC *p = &b->object.publicArea;
	/* An object to be imported is not fixed to this TPM, and says so. No command can take it
	 * out again: its policy does not allow duplication. */
	TPMA_OBJECT attributes =
	    (b->seed.size ? 0 : TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT) |
	    TPMA_OBJECT_ADMINWITHPOLICY | (b->pin.wanted ? 0 : TPMA_OBJECT_NODA);
	TPM2B_DIGEST policy;

	return p->type == TPM2_ALG_KEYEDHASH && p->nameAlg == TPM2_ALG_SHA256 &&
	       p->objectAttributes == attributes &&
	       p->parameters.keyedHashDetail.scheme.scheme == TPM2_ALG_NULL &&
	       p->unique.keyedHash.size == SHA256_BYTES &&
	       tpm2_digest_seal(&b->boot, &b->counters, b->pin.wanted, &policy) &&
	       tpm2_same_digest(&p->authPolicy, &policy);
}

static bool is_policy_key(const TPM2B_PUBLIC *key)
{
	return key->publicArea.type == TPM2_ALG_RSA && key->publicArea.nameAlg == TPM2_ALG_SHA256;
}

static int decode_areas(const struct blob_disk *d, const uint8_t *p, struct tpm2_blob *ret)
{
	size_t object = le16_get(d->object_bytes), private = le16_get(d->private_bytes);
	size_t each = tpm2_bank_bytes(ret->boot.bank), at = 0;

	for (unsigned i = 0; i < TPM2_PCRS && !ret->boot.is_signed; i++) {
		if (ret->boot.pcrs & 1U << i) {
			memcpy(ret->boot.values[i], p, each);
			p += each;
		}
	}
	if (!take_public(p, object, &ret->object))
		return bad();
	p += object;
	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(p, private, &at, &ret->private) != TSS2_RC_SUCCESS ||
	    at != private)
		return bad();
	p += private;
	if (ret->boot.is_signed && (!take_public(p, le16_get(d->key_bytes), &ret->boot.key) ||
				    !is_policy_key(&ret->boot.key)))
		return bad();
	p += le16_get(d->key_bytes);
	at = 0;
	if (le16_get(d->seed_bytes) &&
	    (Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(p, le16_get(d->seed_bytes), &at,
						      &ret->seed) != TSS2_RC_SUCCESS ||
	     at != le16_get(d->seed_bytes) || !ret->seed.size))
		return bad();
	return is_sealed(ret) ? 0 : bad();
}

int tpm2_blob_decode(const uint8_t *bytes, size_t len, struct tpm2_blob *ret)
{
	struct tpm2_blob b = {0};
	struct blob_disk d;

	if (len < sizeof(d) || len > TPM2_BLOB_MAX)
		return bad();
	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, "hftpm2\0\0", 8) || le32_get(d.version) != TPM2_BLOB_VERSION ||
	    le32_get(d.flags) & ~(uint32_t)(HAS_PIN | IS_SIGNED) || !all_zero(d.pad, sizeof(d.pad)))
		return bad();
	if (decode_pin(&d, &b.pin) < 0 || decode_boot(&d, &b.boot) < 0)
		return bad();
	b.counters =
	    (struct tpm2_counters){.erase = le64_get(d.erase), .rotation = le64_get(d.rotation)};
	b.srk.size = sizeof(d.srk);
	memcpy(b.srk.name, d.srk, sizeof(d.srk));
	if (len != sizeof(d) + values_bytes(&b.boot) + le16_get(d.object_bytes) +
		       le16_get(d.private_bytes) + le16_get(d.key_bytes) + le16_get(d.seed_bytes) ||
	    decode_areas(&d, bytes + sizeof(d), &b) < 0)
		return bad();
	*ret = b;
	return 0;
}

int tpm2_blob_encode(const struct tpm2_blob *b, struct text *to)
{
	uint8_t object[sizeof(TPM2B_PUBLIC)], private[sizeof(TPM2B_PRIVATE)],
	    key[sizeof(TPM2B_PUBLIC)], seed[sizeof(TPM2B_ENCRYPTED_SECRET)];
	size_t n_object = 0, n_private = 0, n_key = 0, n_seed = 0;
	struct blob_disk d = {
	    .magic = "hftpm2",
	    .version = le32_make(TPM2_BLOB_VERSION),
	    .flags = le32_make((b->pin.wanted ? HAS_PIN : 0) | (b->boot.is_signed ? IS_SIGNED : 0)),
	    .bank = le32_make(b->boot.pcrs ? b->boot.bank : 0),
	    .pcrs = le32_make(b->boot.pcrs),
	    .policy_version = le32_make(b->boot.version),
	    .memory_kib = le32_make(b->pin.memory_kib),
	    .passes = le32_make(b->pin.passes),
	    .lanes = le32_make(b->pin.lanes),
	    .erase = le64_make(b->counters.erase),
	    .rotation = le64_make(b->counters.rotation)};

	memcpy(d.salt, b->pin.salt, sizeof(d.salt));
	memcpy(d.fingerprint, b->boot.fingerprint, sizeof(d.fingerprint));
	if (b->srk.size != sizeof(d.srk) ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(&b->object, object, sizeof(object), &n_object) ||
	    Tss2_MU_TPM2B_PRIVATE_Marshal(&b->private, private, sizeof(private), &n_private) ||
	    (b->boot.is_signed &&
	     Tss2_MU_TPM2B_PUBLIC_Marshal(&b->boot.key, key, sizeof(key), &n_key)) ||
	    (b->seed.size &&
	     Tss2_MU_TPM2B_ENCRYPTED_SECRET_Marshal(&b->seed, seed, sizeof(seed), &n_seed)))
		return bad();
	memcpy(d.srk, b->srk.name, sizeof(d.srk));
	d.object_bytes = le16_make((uint16_t)n_object);
	d.private_bytes = le16_make((uint16_t)n_private);
	d.key_bytes = le16_make((uint16_t)n_key);
	d.seed_bytes = le16_make((uint16_t)n_seed);
	text_add_bytes(to, &d, sizeof(d));
	for (unsigned i = 0; i < TPM2_PCRS && !b->boot.is_signed; i++) {
		if (b->boot.pcrs & 1U << i)
			text_add_bytes(to, b->boot.values[i], tpm2_bank_bytes(b->boot.bank));
	}
	text_add_bytes(to, object, n_object);
	text_add_bytes(to, private, n_private);
	text_add_bytes(to, key, n_key);
	text_add_bytes(to, seed, n_seed);
	return 0;
}
