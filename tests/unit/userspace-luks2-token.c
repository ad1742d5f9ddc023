/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's TPM tokens: those of systemd-cryptenroll 252 (Debian 12), what newer ones add, and what
 * is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"
#include "userspace/luks2/token.h"

/* --tpm2-pcrs=7, and the same with --tpm2-public-key. */
static const char by_value[] =
    "{\"type\":\"systemd-tpm2\",\"keyslots\":[\"1\"],\"tpm2-blob\":\"AJ4AIMKUjnVTATF6RVH"
    "JbMAQ00QOBPq/oxSOqviLX+aPZFCBABD8yVSGjESUqjIPft2rw09PD1qkqGyYJOaNc16Ax84"
    "wtdmMTWOLKjNG2rVwbOvtE2BmC8sDlRW2BvVnpTD2vwPuwF/Kwe9OxCCVu26k9SlRGchB3jp"
    "cFOE1YEIzZHu3CWZlRJYbSw8z+ahKp0ZOMk++37baVvZ2Qah4agBOAAgACwAAABIAIItWgtg"
    "bKUNdCNeSeBUGEdx+WSOy/vzOaEoJV3tAEwqLABAAIPb4Mws87P4hUAaowmFb/ezjvy2/E0q"
    "IPCjvOnuAGEBX\",\"tpm2-pcrs\":[7],\"tpm2-pcr-bank\":\"sha256\",\"tpm2-primary-al"
    "g\":\"ecc\",\"tpm2-policy-hash\":\"8b5682d81b29435d08d79278150611dc7e5923b2fef"
    "cce684a09577b40130a8b\",\"tpm2-pin\":false}";
static const char by_signature[] =
    "{\"type\":\"systemd-tpm2\",\"keyslots\":[\"2\"],\"tpm2-blob\":\"AJ4AILrobovJlkBs9M+"
    "1HV0LMg3fyKC3ePlGSqz9cRqtn5MiABCsb5PGvFKsvLS+wFK1bY4aMgEvrSy1+jbDk57lPFt"
    "qFUnechDja3BPboAiLUpTmw2eTpnXYYl+xSD0np1gsMjRkCgbDoRFvZowskSIhZb3TvOHYET"
    "ZHpHjqHHtxJ9LS3pqslgaaucZyRukyvkLzYaMFxABW7f6ZSYnJwBOAAgACwAAABIAIObzEW7"
    "FAOX/d4rCZzVHamZUAZcg/coZuMMTlSTO4DzqABAAIEQMaZTWDL5cCCPXKMmbwvbW+ppsTWu"
    "zd6fFP5zXMudQ\",\"tpm2-pcrs\":[7],\"tpm2-pcr-bank\":\"sha256\",\"tpm2-primary-al"
    "g\":\"ecc\",\"tpm2-policy-hash\":\"e6f3116ec500e5ff778ac26735476a6654019720fdc"
    "a19b8c3139524cee03cea\",\"tpm2-pin\":false,\"tpm2_pubkey_pcrs\":[11],\"tpm2_pu"
    "bkey\":\"LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQklqQU5CZ2txaGtpRzl3MEJBU"
    "UVGQUFPQ0FROEFNSUlCQ2dLQ0FRRUEreXFMY2tYZFl1bFRvUW1FRmErLwpNWlJBTHkrUGxDS"
    "FNJSHdqYXpaMkNzWXVlVmFiTlJXampURUJMdzd3T29iOXRiNzBXUTZmQ09RRzVxYlVkY0J5C"
    "nNLVHQ2Mjk3TVBwUUh2MzNhd2owaXVZVnBwcmdaYlRwUVR3MnM3eXpvZFZFc1FpRUk4Wk40b"
    "XBuMklsREJCY2cKR3hreU8zaWxocXQ1RzV4WVBPZmRzbkJBcm1oTzZvVEVaZWczeVQ5cTcyS"
    "zRISjdjblgvSmo2cVE1MVVTajM4cwo3Z3p2Q1VkQVlmZS9RaXMzZEVDUTZSelQ2bGxYYjBTV"
    "0UydTdnUGY4Z3JkQlhKSFM3V3p4VWNLL1VSc29VNUNrCkNHWGNXVUVrLzNkK0NvZ3BNKzltQ"
    "kQ2L1RrL0J6VmZ5cW82Q2ZxdHFFdDdPZ2l2bGtOQjVrTzVGR2xtZGVIVXoKTndJREFRQUIKL"
    "S0tLS1FTkQgUFVCTElDIEtFWS0tLS0tCg==\"}";

static struct tpm2_token token;

static int decode(const char *json, const char **why)
{
	return tpm2_token_decode(json, strlen(json), &token, why);
}

static void assert_same(const char *json)
{
	_cleanup_text_ struct text text = {0};
	const char *why;

	assert_ok(decode(json, &why));
	tpm2_token_encode(&token, &text);
	assert_string_equal(text.s, json);
}

static void what_cryptenroll_writes(void **state)
{
	assert_same(by_value);
	assert_int_equal(token.keyslot, 1);
	assert_int_equal(token.pcrs, 1 << 7);
	assert_string_equal(token.bank, "sha256");
	assert_string_equal(token.primary, "ecc");
	assert_false(token.pin);
	assert_int_equal(token.shards, 1);
	assert_int_equal(token.policy[0].len, 32);
	assert_int_equal(token.blob[0].bytes[1], 0x9e); /* TPM2B_PRIVATE */
	assert_int_equal(token.blob[0].len, 2 + 0x9e + 2 + 0x4e);
	assert_same(by_signature);
	assert_int_equal(token.pubkey_pcrs, 1 << 11);
	assert_memory_equal(token.pubkey.bytes, "-----BEGIN PUBLIC KEY-----", 26);
}

/* @from in by_value becomes @to: decoded, or refused with @why. */
static void change(const char *from, const char *to, const char *why)
{
	const char *at = strstr(by_value, from), *said;
	_cleanup_text_ struct text text = {0};

	assert_non_null(at);
	text_add_bytes(&text, by_value, (size_t)(at - by_value));
	text_add(&text, "%s%s", to, at + strlen(from));
	if (!why) {
		assert_ok(decode(text.s, &said));
		return;
	}
	assert_int_equal(decode(text.s, &said), -EUCLEAN);
	assert_string_equal(said, why);
}

static void what_newer_ones_add(void **state)
{
	change("\"tpm2-pin\":false", "\"tpm2-pin\":true,\"tpm2_salt\":\"AAEC\"", NULL);
	assert_true(token.pin);
	assert_int_equal(token.salt.len, 3);
	change("\"tpm2-pin\":false", "\"tpm2_srk\":\"AAEC\",\"tpm2_pcrlock\":true", NULL);
	assert_true(token.pcrlock);
	change("\"tpm2-blob\":\"", "\"tpm2-blob\":[\"AAEC\"],\"tpm2_srk\":\"", NULL);
	assert_int_equal(token.shards, 1);
	assert_int_equal(token.blob[0].len, 3);
}

static void what_is_refused(void **state)
{
	const char *unknown = "it has an unknown member", *why;

	change("\"tpm2-pin\":false", "\"tpm2-new\":false", unknown);
	assert_string_equal(token.unknown, "tpm2-new");
	change("\"tpm2-pin\":false", "\"a\\u001b[31m very, very long member's name\":0", unknown);
	assert_string_equal(token.unknown, "a?[31m?very,?very?long?member's");
	change("\"tpm2-pin\":false", "\"tpm2_argon2id_lanes\":1", unknown);
	change("systemd-tpm2", "systemd-fido2", "it is not of type systemd-tpm2");
	change("[\"1\"]", "[\"1\",\"2\"]", "it is not for one keyslot");
	change("[\"1\"]", "[\"32\"]", "it is not for one keyslot");
	change("[\"1\"]", "[\"01\"]", "it is not for one keyslot");
	change("[7]", "[24]", "tpm2-pcrs is malformed");
	change("[7]", "[-1]", "tpm2-pcrs is malformed");
	change("[7]", "7", "tpm2-pcrs is malformed");
	change("sha256", "md5", "tpm2-pcr-bank is not known");
	change("\"tpm2-pcrs\"", "\"tpm2-pcr\"", "a member is missing");
	change("\"tpm2-policy-hash\":\"8b", "\"tpm2-policy-hash\":\"xx",
	       "tpm2-policy-hash is malformed");
	change("\"tpm2-blob\":\"", "\"tpm2-blob\":\"!", "tpm2-blob is malformed");
	change("\"tpm2-blob\":\"", "\"tpm2-blob\":[\"AAEC\",\"AAEC\",\"AAEC\"],\"x\":\"",
	       "tpm2-blob is malformed");
	change("\"tpm2-pin\":false", "\"tpm2_pubkey_pcrs\":[11]",
	       "it has PCRs for a signature, but no public key");
	assert_int_equal(decode("", &why), -EUCLEAN);
	assert_int_equal(decode("[]", &why), -EUCLEAN);
	assert_int_equal(tpm2_token_decode(by_value, sizeof(by_value), &token, &why), -EUCLEAN);
}

static void a_token_of_a_header(void **state)
{
	_cleanup_text_ struct text text = {0};

	assert_ok(luks2_json_token("{\"tokens\":{\"3\":{\"type\":\"a/b\"}}}", 3, NULL, &text));
	assert_string_equal(text.s, "{\"type\":\"a/b\"}");
	assert_int_equal(luks2_json_token("{\"tokens\":{}}", 0, NULL, &text), -ENOENT);
	assert_int_equal(luks2_json_token("{}", 0, NULL, &text), -ENOENT);
}

static void set(const char *header, unsigned keyslot, const char *json, const char *wanted)
{
	_cleanup_text_ struct text text = {0};

	assert_ok(luks2_json_set_token(header, keyslot, json, &text));
	assert_string_equal(text.s, wanted);
}

static void a_token_is_replaced_or_added(void **state)
{
	const char *json = "{\"type\":\"t\",\"keyslots\":[\"1\"],\"v\":2}";
	_cleanup_text_ struct text text = {0};

	set("{\"tokens\":{\"4\":{\"type\":\"t\",\"keyslots\":[\"1\"],\"v\":1}}}", 1, json,
	    "{\"tokens\":{\"4\":{\"type\":\"t\",\"keyslots\":[\"1\"],\"v\":2}}}");
	/* Of another type, for another keyslot, for several: these stay. */
	set("{\"tokens\":{\"0\":{\"type\":\"u\",\"keyslots\":[\"1\"]},"
	    "\"1\":{\"type\":\"t\",\"keyslots\":[\"0\"]},\"2\":{\"type\":\"t\",\"keyslots\":[\"1\","
	    "\"2\"]}}}",
	    1, json,
	    "{\"tokens\":{\"0\":{\"type\":\"u\",\"keyslots\":[\"1\"]},"
	    "\"1\":{\"type\":\"t\",\"keyslots\":[\"0\"]},\"2\":{\"type\":\"t\",\"keyslots\":[\"1\","
	    "\"2\"]},"
	    "\"3\":{\"type\":\"t\",\"keyslots\":[\"1\"],\"v\":2}}}");
	assert_int_equal(luks2_json_set_token("{}", 1, json, &text), -EUCLEAN);
	assert_int_equal(luks2_json_set_token("{\"tokens\":{}}", 1, "{", &text), -EUCLEAN);
	assert_int_equal(luks2_json_set_token("[", 1, json, &text), -EUCLEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_cryptenroll_writes),
	    cmocka_unit_test(what_newer_ones_add),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(a_token_of_a_header),
	    cmocka_unit_test(a_token_is_replaced_or_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
