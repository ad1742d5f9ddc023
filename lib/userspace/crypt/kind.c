/* SPDX-License-Identifier: Apache-2.0 */
/* All ways to encrypt, with their names in layouts, LUKS2 headers and dm-crypt tables. */
#include <string.h>

#include "userspace/crypt/crypt.h"

/* With random nonces of 96 bits; keeps the chance of a collision below 2⁻³² (NIST SP 800-38D, 8.3).
 */
#define NONCES_96 (1ULL << 32)

/*
 * Seen with cryptsetup 2.6.1 and Linux 6.12 (tests/guest/crypt.sh). The last part of a kernel name
 * says how IVs are made; "random" ones are stored after the tag. cryptsetup 2.6 opens HCTR2 but
 * does not format it, because its keyslots cannot have an IV of 32 bytes.
 */
const struct crypt_kind crypt_kinds[] = {
    {
	.cipher = "aegis128-random",
	.integrity = "aead",
	.kernel = "capi:aegis128-random",
	.luks_cipher = "aegis128-random",
	.luks_integrity = "aead",
	.dm_integrity = "aead",
	.key_bytes = 16,
	.tag_bytes = 16,
	.iv_bytes = 16,
	.soft = true,
	.algorithm = "aegis128",
    },
    {
	.cipher = "aes-gcm-random",
	.integrity = "aead",
	.kernel = "capi:gcm(aes)-random",
	.luks_cipher = "aes-gcm-random",
	.luks_integrity = "aead",
	.dm_integrity = "aead",
	.key_bytes = 32,
	.tag_bytes = 16,
	.iv_bytes = 12,
	.soft = true,
	.sectors_max = NONCES_96,
	.algorithm = "aes-gcm",
    },
    {
	.cipher = "chacha20-random",
	.integrity = "aead",
	.kernel = "capi:rfc7539(chacha20,poly1305)-random",
	.luks_cipher = "chacha20-random",
	.luks_integrity = "poly1305",
	.dm_integrity = "aead",
	.key_bytes = 32,
	.tag_bytes = 16,
	.iv_bytes = 12,
	.soft = true,
	.sectors_max = NONCES_96,
	.algorithm = "chacha20-poly1305",
    },
    {
	.cipher = "aes-xts-plain64",
	.integrity = "hmac-sha256",
	.kernel = "capi:authenc(hmac(sha256),xts(aes))-plain64",
	.luks_cipher = "aes-xts-plain64",
	.luks_integrity = "hmac(sha256)",
	.dm_integrity = "aead",
	.key_bytes = 96,
	.mac_key_bytes = 32,
	.tag_bytes = 32,
	.soft = true,
	.algorithm = "authenc(hmac(sha256),xts(aes))",
    },
    {
	.cipher = "aes-xts-plain64",
	.integrity = "none",
	.kernel = "aes-xts-plain64",
	.luks_cipher = "aes-xts-plain64",
	.key_bytes = 64,
	.soft = true,
	.algorithm = "aes-xts",
    },
    {
	.cipher = "adiantum",
	.integrity = "none",
	.kernel = "xchacha12,aes-adiantum-plain64",
	.luks_cipher = "xchacha12,aes-adiantum-plain64",
	.key_bytes = 32,
    },
    {
	.cipher = "hctr2",
	.integrity = "none",
	.kernel = "aes-hctr2-plain64",
	.luks_cipher = "aes-hctr2-plain64",
	.key_bytes = 32,
    },
    {.cipher = NULL},
};

const struct crypt_kind *crypt_kind(const char *cipher, const char *integrity)
{
	for (const struct crypt_kind *k = crypt_kinds; k->cipher; k++) {
		if (strcmp(k->cipher, cipher) == 0 &&
		    (!integrity || strcmp(k->integrity, integrity) == 0))
			return k;
	}
	return NULL;
}

const struct crypt_kind *crypt_kind_luks(const char *encryption, const char *integrity)
{
	for (const struct crypt_kind *k = crypt_kinds; k->cipher; k++) {
		if (strcmp(k->luks_cipher, encryption) == 0 && !k->luks_integrity == !integrity &&
		    (!integrity || strcmp(k->luks_integrity, integrity) == 0))
			return k;
	}
	return NULL;
}
