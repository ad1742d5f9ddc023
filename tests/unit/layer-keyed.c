/* SPDX-License-Identifier: Apache-2.0 */
/* Layers with keys, laid out in memory: the salt of an integrity volume, and a LUKS2 header that is
 * compared with what was laid out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/pool.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "layer/crypt/header.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "model/build.h"
#include "model/key.h"
#include "model/medium.h"
#include "model/plan.h"

#define MIB     (1024 * 1024ULL)
#define TARGET  (40 * MIB)
#define DATA_AT (4 * MIB)
#define PLACE   (32 * MIB)

static const struct option_spec no_options[] = {{0}};
static const struct medium_ops gpt = {.name = "gpt", .provides = PLACE_GPT, .options = no_options};
static const struct where nowhere = {.file = "test.layout", .line = 5};

static struct layout *layout;
static struct volume *volume;
static struct layer *layer;
static struct plan *plan;
static struct progress progress;
static atomic_bool cancel;
static struct env env;
static struct job job;
static struct secret *key; /* of the layer */

static int give_key(struct keys *keys, struct job *j, const struct layer *l,
		    enum key_purpose purpose, const struct secret **ret)
{
	*ret = key;
	return 0;
}

static struct keys keys = {.volume_key = give_key};

static void set(struct layer *l, const char *name, const char *value)
{
	assert_int_equal(layer_set(l, name, &value, 1, nowhere), 0);
}

static int set_up(void **state)
{
	struct medium *m;

	layout = layout_new();
	m = layout_add_medium(layout, &gpt, "m", nowhere);
	volume = layout_add_volume(layout, "data", NULL, m, nowhere);
	set(volume_add_layer(volume, &layer_partition, nowhere), "type", "linux-generic");
	volume->pieces[ROLE_DATA].extent = (struct extent){DATA_AT, PLACE};
	plan = plan_new(layout, INTENT_PROVISION);
	plan->sector_bytes = 512;
	memset(plan->seed, 1, sizeof(plan->seed));
	env = (struct env){.progress = &progress, .cancel = &cancel, .random = random_bytes};
	assert_int_equal(pool_new(2, &env.pool), 0);
	job = (struct job){.env = &env, .target_name = "disk.img", .keys = &keys};
	return io_open_memory("disk.img", TARGET, &job.target);
}

static int tear_down(void **state)
{
	plan = plan_free(plan);
	layout = layout_free(layout);
	key = secret_free(key);
	io_close(job.target);
	pool_free(env.pool);
	diag_forget(0);
	return 0;
}

static uint8_t *place(void)
{
	return (uint8_t *)io_memory_bytes(job.target) + DATA_AT;
}

/* The layer is on the target, and what was learnt is known. */
static void lay_out(void)
{
	assert_int_equal(secret_new(layer_key_bytes(layer, KEY_VOLUME), &key), 0);
	memset(secret_bytes(key), 0x5a, secret_len(key));
	assert_int_equal(layer->ops->prepare(layer, plan), 0);
	assert_int_equal(layer->ops->plan(layer, plan), 0);
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct step *s = &plan->steps.v[i];

		assert_int_equal(s->ops->run(s, &job, NULL), 0);
	}
	assert_int_equal(layer->ops->learn(layer, &job), 0);
}

/* How many findings there are; what the first says must have @words. */
static size_t found(const char *words)
{
	struct report report;
	size_t n;

	report_init(&report);
	assert_int_equal(layer->ops->verify(layer, &job, &report), 0);
	n = report.findings.n;
	if (n && !strstr(report.findings.v[0].text, words))
		fail_msg("\"%s\" does not say \"%s\"", report.findings.v[0].text, words);
	report_free(&report);
	return n;
}

/* --- integrity --- */

static void lay_out_integrity(void)
{
	layer = volume_add_layer(volume, &layer_integrity, nowhere);
	set(layer, "algorithm", "hmac-sha256");
	lay_out();
}

#define SALT_AT 48 /* in the superblock */

/* Two volumes with different keys have different salts, and nobody needs to remember one. */
static void the_salt_comes_from_the_key(void **state)
{
	const struct kdf_field info = {"holdfast 1 integrity salt", 25};
	static const uint8_t zero[16];
	uint8_t salt[16];

	lay_out_integrity();
	assert_int_equal(kdf_hkdf(secret_bytes(key), secret_len(key), &info, 1, salt, 16), 0);
	assert_memory_equal(place() + SALT_AT, salt, 16);
	assert_memory_not_equal(salt, zero, 16);
	assert_int_equal(found(""), 0);
}

static void a_changed_salt_is_found(void **state)
{
	lay_out_integrity();
	place()[SALT_AT + 7] ^= 1;
	assert_true(found("salt") > 0);
}

static void changed_data_are_found(void **state)
{
	lay_out_integrity();
	/* In the data area, behind superblock, journal and tags: it was written as zeroes. */
	for (uint64_t at = PLACE - MIB; at < PLACE - MIB / 2; at += 4096)
		place()[at] ^= 1;
	assert_true(found("") > 0);
}

/* --- crypt: the LUKS2 header against what was laid out --- */

static struct crypt_facts facts;
static struct luks2_found header;

static void lay_out_crypt(void)
{
	struct io *window;

	layer = volume_add_layer(volume, &layer_crypt, nowhere);
	set(layer, "cipher", "aes-xts-plain64");
	set(layer, "integrity", "none");
	set(layer, "header-size", "1M");
	lay_out();
	assert_int_equal(crypt_layer_facts(layer, &facts), 0);
	assert_int_equal(io_open_window(job.target, "data", DATA_AT, PLACE, &window), 0);
	assert_int_equal(luks2_read(window, &header), 0);
	io_close(window);
}

/* What is said of the header as it is in memory: so many sentences, and one with these words. */
static void judged(unsigned sentences, const char *words)
{
	_cleanup_text_ struct text t = {0};
	unsigned n = 0;

	assert_int_equal(crypt_header_judge(layer, &facts, &header, key, &t), 0);
	for (const char *at = t.len ? t.s : NULL; at; at = strchr(at + 1, '\n'))
		n++;
	if (n != sentences || (n && !strstr(t.s, words)))
		fail_msg("%u sentences, not %u: %s", n, sentences, t.len ? t.s : "");
}

static void the_header_that_was_laid_out_is_good(void **state)
{
	lay_out_crypt();
	judged(0, "");
	assert_int_equal(found(""), 0);
	luks2_free(&header);
}

static void the_segment_is_compared(void **state)
{
	struct luks2_facts *f = &header.facts;

	lay_out_crypt();
	f->iv_tweak = 8; /* every sector would be decrypted with another one's IV */
	judged(1, "segment");
	f->iv_tweak = 0;
	f->segment_bytes = 4096; /* it would end early */
	judged(1, "segment");
	f->segment_bytes = 0;
	f->segment_offset_bytes += 4096;
	judged(1, "segment");
	f->segment_offset_bytes -= 4096;
	f->sector_bytes = 512;
	judged(1, "sector size");
	luks2_free(&header);
}

static void cipher_and_integrity_are_compared(void **state)
{
	struct luks2_facts *f = &header.facts;

	lay_out_crypt();
	strcpy(f->encryption, "aes-xts-plain");
	judged(1, "cipher");
	strcpy(f->encryption, "cipher_null-ecb");
	judged(1, "null cipher");
	strcpy(f->encryption, "aes-xts-plain64");
	strcpy(f->integrity, "aead");
	judged(1, "integrity");
	luks2_free(&header);
}

static void the_uuid_is_compared(void **state)
{
	lay_out_crypt();
	header.copy[header.active].binary.uuid.b[0] ^= 1;
	judged(1, "UUID");
	luks2_free(&header);
}

static void the_key_is_compared(void **state)
{
	lay_out_crypt();
	secret_bytes(key)[0] ^= 1;
	judged(1, "another key");
	luks2_free(&header);
}

static void reencryption_and_requirements_are_told(void **state)
{
	lay_out_crypt();
	strcpy(header.facts.requirements, "inline-hw-tags");
	judged(1, "requirements");
	header.facts.reencryption = true;
	judged(1, "reencryption");
	header.facts.reencryption = false;
	header.facts.requirements[0] = 0;
	header.active = -1;
	judged(1, "neither copy");
	luks2_free(&header);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_salt_comes_from_the_key),
	    TEST(a_changed_salt_is_found),
	    TEST(changed_data_are_found),
	    TEST(the_header_that_was_laid_out_is_good),
	    TEST(the_segment_is_compared),
	    TEST(cipher_and_integrity_are_compared),
	    TEST(the_uuid_is_compared),
	    TEST(the_key_is_compared),
	    TEST(reencryption_and_requirements_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
