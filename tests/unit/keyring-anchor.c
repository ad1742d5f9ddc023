/* SPDX-License-Identifier: Apache-2.0 */
/* What the hardware of a keystore records, told by a stand-in with one anchor and one counter: what
 * only reads changes nothing in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/random.h"
#include "keyring/anchor.h"
#include "keyring/choose.h"
#include "keyring/commit.h"
#include "keyring/draw.h"
#include "keyring/interface.h"
#include "keyring/keyring.h"
#include "keyring/record.h"
#include "keyring/rotate.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "medium/registry.h"
#include "vault/copies.h"
#include "vault/vault.h"

#define SIZE (1024 * 1024)

static const char text[] = "keystore \"k\" { backend = \"board\" }\n"
			   "volume \"a\" { partition { size = 32M } crypt { } }\n";
static struct io *io;
static struct layout *layout;
static struct env env;

/* --- the stand-in: a blob is the R at which it opens, and the secret --- */

static struct {
	struct keystore_anchor anchor;
	uint64_t erase, rotation, sealed_for;
	unsigned written; /* times that anything was changed */
	bool lose_power;  /* at the next count */
	bool lose_record; /* at the next record */
} board;

struct blob {
	uint64_t rotation;
	uint8_t secret[DEVICE_SECRET_BYTES];
};

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_FINAL;
}

static int begin(const struct keystore *k, struct env *e, struct keystore_session **ret)
{
	return 0;
}

static void end(struct keystore_session *s)
{
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *e,
		uint64_t rotation, struct secret **ret, struct text *blob)
{
	struct blob b = {.rotation = rotation ? rotation : board.rotation};

	board.sealed_for = b.rotation;
	assert_ok(random_bytes(b.secret, sizeof(b.secret)));
	assert_ok(secret_new(sizeof(b.secret), ret));
	memcpy(secret_bytes(*ret), b.secret, sizeof(b.secret));
	text_add_bytes(blob, &b, sizeof(b));
	return 0;
}

static int unseal(const struct keystore *k, struct keystore_session *s, struct env *e,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	struct blob b;

	memcpy(&b, blob, sizeof(b));
	assert_int_equal(b.rotation, board.rotation);
	assert_ok(secret_new(sizeof(b.secret), ret));
	memcpy(secret_bytes(*ret), b.secret, sizeof(b.secret));
	return 0;
}

static int waits(const struct keystore *k, struct keystore_session *s, struct env *e,
		 const uint8_t *blob, size_t len)
{
	struct blob b;

	memcpy(&b, blob, sizeof(b));
	return b.rotation > board.rotation;
}

static int advance(const struct keystore *k, struct keystore_session *s, struct env *e,
		   const uint8_t *blob, size_t len)
{
	if (!waits(k, s, e, blob, len))
		return 0;
	if (board.lose_power)
		return diag_fail(DIAG_KEYSTORE_FAILED, EIO, "the board lost power");
	memcpy(&board.rotation, blob, sizeof(board.rotation));
	board.written++;
	return 0;
}

static int used(const struct keystore *k, struct keystore_session *s, struct env *e)
{
	return board.anchor.present && board.anchor.erase == board.erase;
}

static int counters(const struct keystore *k, struct keystore_session *s, struct env *e,
		    struct keystore_counters *ret)
{
	*ret = (struct keystore_counters){board.erase, board.rotation};
	return 0;
}

static int count_erase(const struct keystore *k, struct keystore_session *s, struct env *e)
{
	board.erase++;
	board.written++;
	return 0;
}

static int anchor_read(const struct keystore *k, struct keystore_session *s, struct env *e,
		       struct keystore_anchor *ret)
{
	*ret = board.anchor;
	return 0;
}

static int anchor_write(const struct keystore *k, struct keystore_session *s, struct env *e,
			const struct keystore_anchor *a)
{
	if (board.lose_record)
		return diag_fail(DIAG_KEYSTORE_FAILED, EIO, "the board lost power");
	board.anchor = *a;
	board.written++;
	return 0;
}

static int state_of(const struct keystore *k, struct keystore_session *s, struct env *e,
		    struct keystore_state *ret)
{
	*ret = (struct keystore_state){.rotation = board.rotation, .anchor = board.anchor};
	return 0;
}

static const struct keystore_ops keystore_board = {
    .name = "board",
    .summary = "",
    .strength = strength,
    .begin = begin,
    .end = end,
    .seal = seal,
    .unseal = unseal,
    .waits = waits,
    .advance = advance,
    .anchor_read = anchor_read,
    .anchor_reserve = anchor_write,
    .anchor_write = anchor_write,
    .used = used,
    .counters = counters,
    .count_erase = count_erase,
    .state = state_of,
};
static const struct keystore_ops *const keystores[] = {&keystore_board, NULL};
static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .keystores = keystores};

static int set_up(void **state)
{
	env = (struct env){.random = random_bytes};
	memset(&board, 0, sizeof(board));
	board.erase = board.rotation = 1;
	assert_ok(layout_read_text("t", text, sizeof(text) - 1, NULL, NULL, 0, &kinds, &layout));
	return io_open_memory("vault", 4 * SIZE, &io);
}

static int tear_down(void **state)
{
	layout_free(layout);
	io_close(io);
	diag_forget(0);
	return 0;
}

static struct vault *provisioned(void)
{
	static const struct vault_begun begun = {.steps = 5, .capacity_bytes = 123};
	struct keyring *ring;
	struct vault *v;

	assert_ok(vault_begin(io, SIZE, SIZE, &begun, &v));
	assert_ok(keyring_draw(v, layout, &env, &ring));
	assert_ok(keyring_commit(v, layout, ring));
	keyring_free(ring);
	return v;
}

static struct keyring *read_keys(const struct vault *v)
{
	struct keyring *ring = NULL;

	assert_int_equal(keyring_read(v, layout, &env, &ring), 1);
	return ring;
}

/* A rotation whose copy is anchored, and whose count the board missed. */
static struct vault *rotated_half_way(void)
{
	struct vault *v = provisioned();
	struct keyring *ring = read_keys(v);

	keyring_allow_counting(ring);
	assert_ok(keyring_rotate(ring));
	board.lose_power = true;
	assert_int_equal(keyring_commit(v, layout, ring), -EIO);
	board.lose_power = false;
	keyring_free(ring);
	vault_close(v);
	diag_forget(0);
	assert_int_equal(vault_open(io, SIZE, SIZE, &v), 1);
	board.written = 0;
	return v;
}

static void what_only_reads_counts_nothing(void **state)
{
	struct vault *v = rotated_half_way();
	struct keyring *ring = read_keys(v);

	assert_int_equal(keyring_compare_anchors(ring), 1);
	assert_int_equal(keyring_unlock(ring, NULL, 0), -EINPROGRESS);
	assert_int_equal(diag_get(0)->code, DIAG_ROTATION_WAITS);
	assert_int_equal(board.written, 0);
	assert_int_equal(board.rotation, 1);
	keyring_free(ring);
	vault_close(v);
}

static void what_may_count_finishes_the_rotation(void **state)
{
	struct vault *v = rotated_half_way();
	struct keyring *ring = read_keys(v);

	keyring_allow_counting(ring);
	assert_ok(keyring_unlock(ring, NULL, 0));
	assert_int_equal(board.rotation, 2);
	keyring_free(ring);
	ring = read_keys(v); /* from then on reading is enough */
	assert_ok(keyring_unlock(ring, NULL, 0));
	assert_int_equal(board.written, 1);
	keyring_free(ring);
	vault_close(v);
}

static void finishing_is_a_function_of_its_own(void **state)
{
	struct vault *v = rotated_half_way();
	struct keyring *ring = read_keys(v);

	assert_int_equal(keyring_compare_anchors(ring), 1);
	assert_int_equal(board.written, 0);
	assert_ok(keyring_finish_rotations(ring));
	assert_int_equal(board.rotation, 2);
	assert_ok(keyring_finish_rotations(ring));
	assert_int_equal(board.rotation, 2);
	keyring_free(ring);
	vault_close(v);
}

static void telling_says_that_a_rotation_waits(void **state)
{
	struct vault *v = rotated_half_way();
	struct keyring *ring = read_keys(v);
	struct keyring_hardware h;

	assert_ok(keyring_read_hardware(ring, layout->keystores[0], &h));
	assert_int_equal(h.standing, ANCHOR_NAMES_IT);
	assert_true(h.rotation_waits);
	assert_int_equal(board.written, 0);
	assert_ok(keyring_finish_rotations(ring));
	assert_ok(keyring_read_hardware(ring, layout->keystores[0], &h));
	assert_false(h.rotation_waits);
	keyring_free(ring);
	vault_close(v);
}

/* Each of them is refused before anything is unsealed, and changes nothing. */
static void a_vault_that_is_not_recorded_is_refused(void **state)
{
	static const struct {
		bool present;
		int sequence; /* more than the vault's */
		uint8_t digest;
		const char *words;
		enum anchor_standing standing;
	} cases[] = {
	    {false, 0, 0, "no record of a vault", ANCHOR_IS_MISSING},
	    {true, 1, 0, "an earlier one", ANCHOR_IS_LATER},
	    {true, 0, 1, "is not the one", ANCHOR_NAMES_ANOTHER},
	    {true, -1, 0, "is not the one", ANCHOR_NAMES_ANOTHER},
	};
	struct vault *v = provisioned();
	const struct keystore_anchor good = board.anchor;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keyring *ring = read_keys(v);
		struct keyring_hardware h;

		board.anchor = good;
		board.anchor.present = cases[i].present;
		board.anchor.sequence += (uint64_t)cases[i].sequence;
		board.anchor.digest[5] ^= cases[i].digest;
		board.written = 0;
		keyring_allow_counting(ring);
		assert_int_equal(keyring_compare_anchors(ring), -ESTALE);
		assert_int_equal(keyring_unlock(ring, NULL, 0), -ESTALE);
		assert_int_equal(diag_get(0)->code, DIAG_VAULT_OLD);
		assert_non_null(strstr(diag_get(0)->text, cases[i].words));
		assert_ok(keyring_read_hardware(ring, layout->keystores[0], &h));
		assert_int_equal(h.standing, cases[i].standing);
		assert_int_equal(board.written, 0);
		diag_forget(0);
		keyring_free(ring);
	}
	vault_close(v);
}

/* The newer copy is on the medium, but the board never recorded it: the older one counts. */
static void of_two_copies_the_recorded_one_counts(void **state)
{
	struct vault *v = provisioned();
	struct keyring *ring = read_keys(v);
	struct vault_payload p;

	keyring_allow_counting(ring);
	assert_int_equal(keyring_rotate(ring), 0);
	board.lose_record = true;
	assert_int_equal(keyring_commit(v, layout, ring), -EIO);
	board.lose_record = false;
	keyring_free(ring);
	vault_close(v);
	diag_forget(0);
	assert_int_equal(vault_open(io, SIZE, SIZE, &v), 1);
	assert_true(!vault_copies_agree(v));
	assert_true(vault_active_payload(v, &p));
	assert_int_equal(p.id.sequence, 3); /* nobody has asked the board yet */
	assert_true(keyring_choose_copy(v, layout, &env));
	assert_true(vault_active_payload(v, &p));
	assert_int_equal(p.id.sequence, 2);
	assert_memory_equal(p.id.payload_sha256, board.anchor.digest, 32);
	ring = read_keys(v);
	assert_int_equal(keyring_unlock(ring, NULL, 0), 0);
	keyring_free(ring);
	vault_close(v);
}

/* Its secret may be on somebody's copy of the medium: no other is sealed for the same R. */
static void what_a_cut_rotation_reserved_is_not_used_again(void **state)
{
	struct vault *v = provisioned();

	for (uint64_t n = 2; n < 5; n++) {
		const struct keystore_anchor before = board.anchor;
		struct keyring *ring = read_keys(v);

		keyring_allow_counting(ring);
		assert_int_equal(keyring_rotate(ring),
				 0); /* and the power fails before the commit */
		assert_int_equal(board.sealed_for, n);
		assert_int_equal(board.anchor.rotation_max, n);
		assert_int_equal(board.anchor.sequence, before.sequence);
		assert_memory_equal(board.anchor.digest, before.digest, 32);
		assert_int_equal(board.rotation, 1);
		keyring_free(ring);
	}
	vault_close(v);
}

static void new_keys_count_e_twice_and_are_named_for_it(void **state)
{
	struct vault *v;
	struct vault_payload p;

	board.anchor = (struct keystore_anchor){.present = true, .sequence = 70, .erase = 1};
	board.erase = 2; /* what the anchor names is dead */
	v = provisioned();
	assert_int_equal(board.erase, 4);
	assert_int_equal(board.anchor.erase, 4);
	assert_true(vault_active_payload(v, &p));
	assert_true(p.id.sequence > 70);
	assert_int_equal(board.anchor.sequence, p.id.sequence);
	vault_close(v);
}

/* As after a rotation that was cut off, by a run that has not asked the board: the newer copy is
 * taken for the one that counts. The next commit is cut off, too. */
static void a_commit_never_overwrites_the_recorded_copy_first(void **state)
{
	struct vault *v = provisioned();
	struct keyring *ring = read_keys(v), *again = read_keys(v);

	keyring_allow_counting(ring);
	keyring_allow_counting(again);
	assert_int_equal(keyring_rotate(ring), 0);
	board.lose_record = true;
	assert_int_equal(keyring_commit(v, layout, ring), -EIO);
	keyring_free(ring);
	vault_close(v);
	assert_int_equal(vault_open(io, SIZE, SIZE, &v), 1);
	board.lose_record = false;
	assert_int_equal(keyring_rotate(again), 0);
	board.lose_record = true;
	assert_int_equal(keyring_commit(v, layout, again), -EIO);
	board.lose_record = false;
	keyring_free(again);
	vault_close(v);
	diag_forget(0);
	assert_int_equal(vault_open(io, SIZE, SIZE, &v), 1);
	assert_true(keyring_choose_copy(v, layout, &env) || vault_copies_agree(v));
	ring = read_keys(v);
	assert_int_equal(keyring_unlock(ring, NULL, 0), 0);
	keyring_free(ring);
	vault_close(v);
}

static void a_commit_needs_the_recorded_copy(void **state)
{
	struct vault *v = provisioned();
	struct keyring *ring = read_keys(v);

	keyring_allow_counting(ring);
	assert_int_equal(keyring_unlock(ring, NULL, 0), 0);
	board.anchor.digest[0] ^= 1; /* somebody else's run came in between */
	board.written = 0;
	assert_int_equal(keyring_commit(v, layout, ring), -ESTALE);
	assert_int_equal(diag_get(0)->code, DIAG_VAULT_OLD);
	assert_int_equal(board.written, 0);
	keyring_free(ring);
	vault_close(v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_only_reads_counts_nothing),
	    TEST(what_may_count_finishes_the_rotation),
	    TEST(finishing_is_a_function_of_its_own),
	    TEST(telling_says_that_a_rotation_waits),
	    TEST(a_vault_that_is_not_recorded_is_refused),
	    TEST(of_two_copies_the_recorded_one_counts),
	    TEST(what_a_cut_rotation_reserved_is_not_used_again),
	    TEST(new_keys_count_e_twice_and_are_named_for_it),
	    TEST(a_commit_never_overwrites_the_recorded_copy_first),
	    TEST(a_commit_needs_the_recorded_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
