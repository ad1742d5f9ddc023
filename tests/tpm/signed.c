/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2 with PCR policies that a key signs, and what opening costs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keystore/tpm2/digest.h"
#include "keystore/tpm2/pcr.h"
#include "lib/check.h"
#include "lib/refused.h"
#include "lib/tpm-rig.h"

static const char *const plain[] = {NULL};
static const char *const with_pin[] = {"pin", "true", "pin-memory", "1M", NULL};

/* As systemd-measure signs, for what the PCRs are now; version 0 as systemd-measure itself. */
static void sign(struct rig *r, unsigned version, const char *file)
{
	struct keystore_session *s;
	struct tpm2_boot boot = {.bank = TPM2_ALG_SHA256, .pcrs = 1U << 16};
	TPM2B_DIGEST policy = {.size = SHA256_BYTES}, values;
	char pol[2 * SHA256_BYTES + 1], path[128];
	TPM2B_NONCE ref;
	FILE *f;

	assert_ok(r->k->ops->begin(r->k, &r->env, &s));
	assert_ok(tpm2_pcr_read(s, &boot));
	r->k->ops->end(s);
	assert_true(tpm2_digest_pcr(&boot, &policy, &values));
	ref = tpm2_policy_ref(version);
	snprintf(path, sizeof(path), "%s/tbs", r->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(policy.buffer, 1, policy.size, f);
	fwrite(ref.buffer, 1, ref.size, f);
	fclose(f);
	for (int i = 0; i < SHA256_BYTES; i++)
		snprintf(pol + 2 * (size_t)i, 3, "%02x", policy.buffer[i]);
	rig_tool(r,
		 "sig=$(openssl dgst -sha256 -sign key.pem tbs | base64 -w0); "
		 "fp=$(openssl rsa -pubin -in pub.pem -RSAPublicKey_out -outform DER "
		 "2>/dev/null | sha256sum | cut -c1-64); "
		 "v=; [ %u = 0 ] || v=',\"version\":%u'; "
		 "echo '{\"sha256\":[{\"pcrs\":[16],\"pkfp\":\"'$fp'\",\"pol\":\"%s\","
		 "\"sig\":\"'$sig'\"'$v'}]}' >%s; rm tbs",
		 version, version, pol, file);
}

static void signed_options(struct rig *r, const char *const *more, const char **ret,
			   char paths[2][128])
{
	int n = 0;

	snprintf(paths[0], 128, "%s/pub.pem", r->dir);
	snprintf(paths[1], 128, "%s/sig.json", r->dir);
	ret[n++] = "pcrs";
	ret[n++] = "16";
	ret[n++] = "pcr-public-key";
	ret[n++] = paths[0];
	ret[n++] = "pcr-signature";
	ret[n++] = paths[1];
	while (*more)
		ret[n++] = *more++;
	ret[n] = NULL;
}

static void make_key(struct rig *r)
{
	rig_tool(r, "openssl genrsa -out key.pem 2048 2>/dev/null; "
		    "openssl rsa -in key.pem -pubout -out pub.pem 2>/dev/null");
}

static void whatever_is_signed_opens(void **state)
{
	static const char *const second[] = {"pcr-version", "2", NULL};
	_cleanup_secret_ struct secret *secret = NULL, *later = NULL;
	_cleanup_text_ struct text blob = {0}, anew = {0};
	const char *options[16];
	char paths[2][128];
	struct rig r;

	rig_open(&r, plain);
	make_key(&r);
	signed_options(&r, plain, options, paths);
	rig_layout(&r, options);
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, false, &secret, &blob));
	assert_refused(rig_opens(&r, &blob, secret), DIAG_FILE);
	sign(&r, 0, "sig.json");
	assert_ok(rig_opens(&r, &blob, secret));
	assert_ok(rig_anchor_write(&r, 3));
	/* An update: other PCRs, not signed, then signed. */
	rig_tool(&r, "tpm2_pcrextend 16:sha256="
		     "0101010101010101010101010101010101010101010101010101010101010101");
	assert_refused(rig_opens(&r, &blob, secret), DIAG_KEYSTORE_POLICY);
	assert_refused(rig_anchor_write(&r, 4), DIAG_KEYSTORE_POLICY);
	sign(&r, 0, "sig.json");
	assert_ok(rig_opens(&r, &blob, secret));
	/* Revoked: the secret is sealed anew for version 2, and the old one dies. */
	signed_options(&r, second, options, paths);
	rig_layout(&r, options);
	assert_ok(rig_seal(&r, true, &later, &anew));
	assert_ok(rig_advance(&r, &anew));
	assert_refused(rig_opens(&r, &anew, later), DIAG_KEYSTORE_POLICY);
	sign(&r, 2, "sig.json");
	assert_ok(rig_opens(&r, &anew, later));
	assert_refused(rig_opens(&r, &blob, secret), DIAG_KEYSTORE_POLICY);
	/* Of another key, under the right one's fingerprint. */
	rig_tool(&r, "mv pub.pem right.pem; openssl genrsa -out key.pem 2048 2>/dev/null");
	rig_tool(&r, "cp right.pem pub.pem");
	sign(&r, 2, "sig.json");
	assert_refused(rig_opens(&r, &anew, later), DIAG_KEYSTORE_POLICY);
	assert_int_equal(rig_handles(&r), 0);
	rig_tool(&r, "rm -f *.pem sig.json");
	rig_close(&r);
}

/* docs/keystores.md lists them. */
static void opening_takes_at_most_16_commands(void **state)
{
	static const char *const more[] = {"pin", "true", "pin-memory", "1M", NULL};
	static const char *const both[] = {"pcrs", "16", "pin", "true", "pin-memory", "1M", NULL};
	static const char *const *const kinds[] = {plain, with_pin, both, with_pin};
	static const int expected[] = {10, 11, 12, 16};
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	struct keystore_anchor a;
	struct keystore_session *s;
	const char *options[16];
	char paths[2][128];
	struct rig r;

	for (int kind = 0; kind < 4; kind++) {
		const bool is_signed = kind == 3;

		rig_open(&r, kinds[kind]);
		r.pin = "1234";
		if (is_signed) {
			make_key(&r);
			signed_options(&r, more, options, paths);
			rig_layout(&r, options);
		}
		secret = secret_free(secret);
		text_free(&blob);
		assert_ok(rig_prepare(&r));
		if (is_signed)
			sign(&r, 0, "sig.json");
		assert_ok(rig_seal(&r, false, &secret, &blob));
		assert_ok(rig_anchor_write(&r, 1));
		/* The first PIN after a start makes the TPM write down that there are some: it
		 * answers that the command is to be sent again. */
		assert_ok(rig_opens(&r, &blob, secret));
		between.commands = 0;
		assert_ok(r.k->ops->begin(r.k, &r.env, &s));
		assert_ok(r.k->ops->recognise(r.k, s, &r.env, (uint8_t *)blob.s, blob.len));
		assert_ok(r.k->ops->anchor_read(r.k, s, &r.env, &a));
		assert_ok(r.k->ops->advance(r.k, s, &r.env, (uint8_t *)blob.s, blob.len));
		secret = secret_free(secret);
		assert_ok(r.k->ops->unseal(r.k, s, &r.env, (uint8_t *)blob.s, blob.len, &secret));
		r.k->ops->end(s);
		print_message("%s: %d commands:", is_signed ? "signed" : "not signed",
			      between.commands);
		for (int i = 0; i < between.commands; i++)
			print_message(" %x", between.codes[i]);
		print_message("\n");
		assert_int_equal(between.commands, expected[kind]);
		assert_int_equal(rig_handles(&r), 0);
		rig_tool(&r, "rm -f *.pem sig.json");
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whatever_is_signed_opens),
	    cmocka_unit_test(opening_takes_at_most_16_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
