/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The orders that touch keys, counters and anchor, as a model: every reachable state is visited,
 * with a cut of power before every step, torn copies, and an attacker who counts, removes the
 * anchor and puts any earlier copy back. ARCHITECTURE.md has the orders. Each weaker rule, with one
 * of its conditions left out, must reach a state that breaks an invariant: so the model has teeth.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"

enum { VAULTS = 6, BASE = 2, R_MAX = BASE + 3, E_MAX = BASE + 3, NOTHING = 0 };

/* A payload of a vault copy, sealed for (r, e); its number is its digest. */
struct vault_state {
	uint8_t secret; /* 0: the slot is free */
	uint8_t r, e;
	uint8_t import;  /* sealed elsewhere, for this hardware */
	uint8_t claimed; /* somebody was told that this secret is dead */
};

struct anchor_state {
	uint8_t there, written;
	uint8_t digest; /* of a vault, or NOTHING */
	uint8_t rmax, e;
};

struct state {
	uint8_t r, e;
	struct anchor_state first, second;
	uint8_t copy[2];                  /* a vault's number, NOTHING: torn or empty */
	struct vault_state vault[VAULTS]; /* [0] is never used */
	uint8_t live;                     /* the secret that the owner's data hang from; 0 none */
	uint8_t tokens;                   /* bit e: an RMA token for E = e is outstanding */
	uint8_t denied;                   /* the attacker counted, or removed the anchor */
	uint8_t op, pc, n, x, fresh;      /* what runs, and its registers: gone with the power */
};

enum op {
	IDLE,
	ROTATE,
	COMMIT,
	REPAIR,
	PROVISION,
	ENROL,
	RESTORE_LOST,
	REBIND,
	FINISH,
	ERASE,
	OPS,
};

/* What is left out. */
enum weaker {
	SOUND,
	NO_RESERVATION,      /* the next R is not reserved in the anchor before it is sealed for */
	COUNT_E_ONCE,        /* new keys without an anchored predecessor count E once */
	COUNT_E_NEVER,       /* not at all */
	NEWER_COPY_WINS,     /* repair goes by sequence numbers, not by the anchor */
	NAMED_COPY_FIRST,    /* a commit overwrites the copy that the anchor names first */
	COUNT_BEFORE_COMMIT, /* R is counted before the anchor names the new copy */
	CLAIM_BEFORE_COUNT,  /* a key is called gone once the anchor is written */
	RESTORE_BY_R,        /* a lost anchor is restored by the next R, not by E */
	REBIND_UNDEFINES_FIRST, /* the first index goes before the second is written */
	ENROL_KEEPS_R,          /* an import is anchored and not rotated */
	SECOND_IS_DROPPED,      /* the second index goes though its reservation is the higher one */
	WEAKER,
};

static enum weaker weaker;
static const char *broken;

/* --- one state --- */

static const struct anchor_state *effective(const struct state *s)
{
	return s->first.there && s->first.written     ? &s->first
	       : s->second.there && s->second.written ? &s->second
	       : s->second.there && !s->first.there   ? &s->second
						      : &s->first;
}

static struct anchor_state *writable(struct state *s)
{
	return (struct anchor_state *)(uintptr_t)effective(s);
}

static uint8_t rmax_of(const struct state *s)
{
	uint8_t a = s->first.there ? s->first.rmax : 0, b = s->second.there ? s->second.rmax : 0;

	return a > b ? a : b;
}

/* Index of the copy that the anchor names, -1: none is on the medium. */
static int named(const struct state *s)
{
	const struct anchor_state *a = effective(s);

	if (!a->there || !a->written || !a->digest)
		return -1;
	return s->copy[0] == a->digest ? 0 : s->copy[1] == a->digest ? 1 : -1;
}

static bool unseals(const struct state *s, uint8_t v)
{
	return v && s->vault[v].r == s->r && s->vault[v].e == s->e;
}

static bool can_ever_unseal(const struct state *s, uint8_t v)
{
	return s->vault[v].secret && s->vault[v].r >= s->r && s->vault[v].e >= s->e;
}

static uint8_t new_vault(struct state *s, uint8_t secret, uint8_t r, uint8_t e)
{
	uint8_t highest = s->live;

	for (uint8_t i = 1; i < VAULTS; i++) {
		if (s->vault[i].secret > highest)
			highest = s->vault[i].secret;
	}
	for (uint8_t i = 1; i < VAULTS; i++) {
		if (s->vault[i].secret)
			continue;
		s->vault[i] = (struct vault_state){
		    .secret = secret ? secret : (uint8_t)(highest + 1), .r = r, .e = e};
		return i;
	}
	return NOTHING;
}

static void claim_all_but(struct state *s, uint8_t secret)
{
	for (uint8_t i = 1; i < VAULTS; i++)
		s->vault[i].claimed |= s->vault[i].secret != secret;
}

static void check_state(const struct state *s)
{
	int x = named(s);
	bool opens = false;

	for (uint8_t i = 1; i < VAULTS; i++) {
		const struct vault_state *v = &s->vault[i];

		if (!can_ever_unseal(s, i))
			continue;
		if (v->claimed)
			broken = "a secret that was called dead can be unsealed";
		if (v->secret == s->live && s->tokens & 1U << (s->e - 1))
			broken = "an RMA token fits a device with live keys";
		for (uint8_t j = i + 1; j < VAULTS; j++) {
			const struct vault_state *w = &s->vault[j];

			if (w->secret && w->secret != v->secret && w->r == v->r && w->e == v->e &&
			    !(v->import && w->import))
				broken = "two secrets were sealed for one value of R and E";
		}
	}
	if (!s->live)
		return;
	opens = x >= 0 && s->vault[s->copy[x]].secret == s->live && can_ever_unseal(s, s->copy[x]);
	if (!s->denied && !opens)
		broken = "the copy that the anchor names is not on the medium, or does not open";
}

/* --- the orders; a step is one act of hardware or medium. true: go on, false: done --- */

static bool counted_to(struct state *s, uint8_t n)
{
	if (s->r < n)
		s->r++;
	return s->r >= n;
}

static void anchor_names(struct state *s, struct anchor_state *a, uint8_t digest, uint8_t e)
{
	a->there = a->written = 1;
	a->digest = digest;
	a->e = e;
	if (s->n > a->rmax)
		a->rmax = s->n;
}

enum { DRAW = 2, TEAR, WRITE, NAME, COUNT, CLAIM, TEAR_OTHER, WRITE_OTHER };

/* Also the end of an enrolment, and of whatever a former rotation left. */
static bool rotate(struct state *s)
{
	unsigned target = weaker == NAMED_COPY_FIRST ? s->x : !s->x;

	switch (s->pc++) {
	case 0:
		if (named(s) < 0 || effective(s)->e != s->e)
			return false;
		s->x = (uint8_t)named(s);
		s->n = s->vault[s->copy[s->x]].r;
		s->fresh = s->copy[s->x];
		if (s->n > s->r) {
			s->pc = COUNT;
			return true;
		}
		return unseals(s, s->copy[s->x]);
	case 1:
		s->n =
		    (uint8_t)((weaker != NO_RESERVATION && rmax_of(s) > s->r ? rmax_of(s) : s->r) +
			      1);
		if (s->n > R_MAX)
			return false; /* nothing more to be learnt */
		if (weaker != NO_RESERVATION)
			writable(s)->rmax = s->n;
		return true;
	case DRAW:
		s->fresh = new_vault(s, 0, s->n, s->e);
		return s->fresh != NOTHING;
	case TEAR:
		if (named(s) != s->x)
			return false;
		s->copy[target] = NOTHING;
		return true;
	case WRITE:
		s->copy[target] = s->fresh;
		if (weaker == COUNT_BEFORE_COMMIT)
			s->r = s->n;
		return true;
	case NAME:
		anchor_names(s, writable(s), s->fresh, s->e);
		s->live = s->vault[s->fresh].secret;
		s->x = (uint8_t)target;
		if (weaker == CLAIM_BEFORE_COUNT)
			claim_all_but(s, s->live);
		return true;
	case COUNT:
		if (!counted_to(s, s->n))
			s->pc--;
		return true;
	case CLAIM:
		claim_all_but(s, s->live);
		return true;
	case TEAR_OTHER:
		s->copy[!s->x] = NOTHING;
		return true;
	case WRITE_OTHER:
		s->copy[!s->x] = s->fresh;
		return false;
	}
	return false;
}

static bool commit(struct state *s)
{
	switch (s->pc++) {
	case 0:
		if (named(s) < 0 || effective(s)->e != s->e || !unseals(s, s->copy[named(s)]) ||
		    s->vault[s->copy[named(s)]].import) /* is rotated before anything else */
			return false;
		s->x = (uint8_t)named(s);
		s->fresh = new_vault(s, s->vault[s->copy[s->x]].secret, s->r, s->e);
		s->n = 0;
		return s->fresh != NOTHING;
	case 1:
		s->copy[weaker == NAMED_COPY_FIRST ? s->x : !s->x] = NOTHING;
		return true;
	case 2:
		s->copy[weaker == NAMED_COPY_FIRST ? s->x : !s->x] = s->fresh;
		return true;
	case 3:
		anchor_names(s, writable(s), s->fresh, s->e);
		return true;
	case 4:
		s->copy[weaker == NAMED_COPY_FIRST ? !s->x : s->x] = NOTHING;
		return true;
	case 5:
		s->copy[weaker == NAMED_COPY_FIRST ? !s->x : s->x] = s->fresh;
		return false;
	}
	return false;
}

/* The copy with the higher number was made later; vaults are numbered as they are made only until
 * one is forgotten, so the model asks which one waits for the higher R. */
static uint8_t newer(const struct state *s)
{
	const struct vault_state *a = &s->vault[s->copy[0]], *b = &s->vault[s->copy[1]];

	return !s->copy[0] ? 1 : !s->copy[1] ? 0 : b->r > a->r || (b->r == a->r && b->e > a->e);
}

static bool repair(struct state *s)
{
	switch (s->pc++) {
	case 0:
		if (s->copy[0] == s->copy[1] || (weaker != NEWER_COPY_WINS && named(s) < 0))
			return false;
		s->x = weaker == NEWER_COPY_WINS ? newer(s) : (uint8_t)named(s);
		return true;
	case 1:
		s->copy[!s->x] = NOTHING;
		return true;
	case 2:
		s->copy[!s->x] = s->copy[s->x];
		return false;
	}
	return false;
}

/* New keys, or keys from escrow, without an anchored predecessor. */
static bool provision(struct state *s, bool by_r)
{
	unsigned counts = weaker == COUNT_E_NEVER ? 0 : weaker == COUNT_E_ONCE ? 1 : 2;

	switch (s->pc++) {
	case 0: /* whoever gives live keys up says so; they are gone with the first count */
		return true;
	case 1:
	case 2:
		if (by_r || s->pc - 1U > counts)
			return true;
		if (s->e == E_MAX)
			return false;
		s->e++;
		s->live = 0;
		return true;
	case 3: /* made only now: an unwritten anchor beside an old E would be an outstanding
		   image's */
		s->live = 0;
		s->n = s->r;
		anchor_names(s, writable(s), NOTHING, 0);
		return true;
	case 4:
		if (by_r && s->r < R_MAX)
			s->r++;
		s->fresh = new_vault(s, 0, s->r, s->e);
		return s->fresh != NOTHING;
	case 5:
		s->copy[0] = NOTHING;
		return true;
	case 6:
		s->copy[0] = s->fresh;
		return true;
	case 7:
		s->copy[1] = s->fresh;
		return true;
	case 8:
		anchor_names(s, writable(s), s->fresh, s->e);
		s->live = s->vault[s->fresh].secret;
		s->denied = 0;
		return false;
	}
	return false;
}

static bool enrol(struct state *s)
{
	const struct anchor_state *a = effective(s);

	if (s->pc == 0) {
		bool found = false;

		for (unsigned i = 0; i < 2 && !found; i++) {
			s->x = (uint8_t)i;
			found = s->copy[i] && s->vault[s->copy[i]].import;
		}
		if (!found || !unseals(s, s->copy[s->x]) || !a->there || (a->written && a->e))
			return false;
		s->pc = 1;
		return true;
	}
	if (s->pc == 1) {
		s->n = (uint8_t)(s->r + 1);
		if (s->n > R_MAX)
			return false;
		anchor_names(s, writable(s), s->copy[s->x], s->e);
		s->live = s->vault[s->copy[s->x]].secret;
		s->denied = 0;
		if (weaker == ENROL_KEEPS_R) {
			claim_all_but(s, s->live); /* other images are said to be shut out */
			return false;
		}
		s->op = ROTATE;
		s->pc = DRAW;
		return true;
	}
	return false;
}

/* Another boot policy takes another index: the second names the new copy meanwhile. */
static bool rebind(struct state *s)
{
	switch (s->pc++) {
	case 0:
		if (named(s) < 0 || effective(s)->e != s->e || !s->first.there ||
		    s->vault[s->copy[named(s)]].r != s->r)
			return false;
		s->x = (uint8_t)named(s);
		s->n = (uint8_t)((rmax_of(s) > s->r ? rmax_of(s) : s->r) + 1);
		if (s->n > R_MAX)
			return false;
		if (weaker == REBIND_UNDEFINES_FIRST)
			s->first = (struct anchor_state){0};
		return true;
	case 1: /* made, and written with what the first one names */
		s->second = (struct anchor_state){
		    .there = 1, .written = 1, .digest = s->copy[s->x], .e = s->e, .rmax = s->n};
		return true;
	case 2:
		s->fresh = new_vault(s, 0, s->n, s->e);
		return s->fresh != NOTHING;
	case 3:
		s->copy[!s->x] = NOTHING;
		return true;
	case 4:
		s->copy[!s->x] = s->fresh;
		return true;
	case 5:
		s->second.digest = s->fresh;
		return true;
	case 6: /* the commit */
		s->first = (struct anchor_state){0};
		s->live = s->vault[s->fresh].secret;
		return true;
	case 7:
		if (!counted_to(s, s->n))
			s->pc--;
		return true;
	case 8:
		claim_all_but(s, s->live);
		s->first = s->second;
		return true;
	case 9:
		s->second = (struct anchor_state){0};
		return true;
	case 10:
		s->copy[s->x] = NOTHING;
		return true;
	case 11:
		s->copy[s->x] = s->fresh;
		return false;
	}
	return false;
}

static bool erase(struct state *s)
{
	switch (s->pc++) {
	case 0:
		if (s->e == E_MAX)
			return false;
		s->e++;
		s->live = 0;
		claim_all_but(s, 0);
		return true;
	case 1:
		s->copy[0] = s->copy[1] = NOTHING;
		return true;
	case 2:
		if (effective(s)->there)
			anchor_names(s, writable(s), NOTHING, 0);
		return false;
	}
	return false;
}

/* A cut after the undefining leaves the second index alone: the first is made from it. */
static bool finish(struct state *s)
{
	if (!s->second.there || !s->second.written)
		return false;
	if (!s->first.there)
		s->first = s->second;
	else if (s->first.written && s->first.digest == s->second.digest &&
		 (s->first.rmax >= s->second.rmax || weaker == SECOND_IS_DROPPED))
		s->second = (struct anchor_state){0};
	return s->pc++ == 0;
}

static void step(struct state *s)
{
	bool more = s->op == ROTATE         ? rotate(s)
		    : s->op == COMMIT       ? commit(s)
		    : s->op == REPAIR       ? repair(s)
		    : s->op == PROVISION    ? provision(s, false)
		    : s->op == RESTORE_LOST ? provision(s, weaker == RESTORE_BY_R)
		    : s->op == ENROL        ? enrol(s)
		    : s->op == REBIND       ? rebind(s)
		    : s->op == FINISH       ? finish(s)
					    : erase(s);

	if (!more)
		s->op = IDLE;
	if (s->op == IDLE)
		s->pc = s->n = s->x = s->fresh = 0;
}

/* --- the search --- */

static bool on_medium_or_named(const struct state *s, uint8_t v)
{
	return s->copy[0] == v || s->copy[1] == v || s->first.digest == v ||
	       s->second.digest == v || s->fresh == v;
}

/* Another vault that says the same as @v, of which neither is on the medium or named. */
static bool is_repeated(const struct state *s, uint8_t v)
{
	for (uint8_t i = 1; i < v; i++) {
		if (memcmp(&s->vault[i], &s->vault[v], sizeof(s->vault[v])) == 0)
			return true;
	}
	return false;
}

static uint8_t relative(uint8_t value, uint8_t counter)
{
	return value > counter ? (uint8_t)(value - counter + BASE) : BASE;
}

/* Counters only grow, so what matters of them is how far ahead of them something is. */
static void shift(struct state *s)
{
	for (uint8_t i = 1; i < VAULTS; i++) {
		struct vault_state *v = &s->vault[i];
		bool alive = can_ever_unseal(s, i);

		if (!v->secret)
			continue;
		v->r = alive ? relative(v->r, s->r) : 0;
		v->e = alive ? BASE : 0;
		v->import &= alive;
		v->claimed &= alive;
	}
	s->first.e = s->first.e == 0 ? 0 : s->first.e == s->e ? BASE : BASE - 1;
	s->second.e = s->second.e == 0 ? 0 : s->second.e == s->e ? BASE : BASE - 1;
	s->first.rmax = relative(s->first.rmax, s->r);
	s->second.rmax = relative(s->second.rmax, s->r);
	s->n = s->n ? relative(s->n, s->r) : 0;
	s->tokens = (uint8_t)(s->tokens >> s->e << BASE) |
		    (uint8_t)((s->tokens >> (s->e - 1) & 1U) << (BASE - 1));
	s->r = s->e = BASE;
}

/* States that differ only in how vaults and secrets are numbered are one; vaults that can never
 * open and that nothing names are forgotten. */
static void settle(struct state *s)
{
	uint8_t number[VAULTS] = {0}, secrets[256] = {0}, n = 1, n_secrets = 1;
	struct state old;

	shift(s);
	old = *s;
	memset(s->vault, 0, sizeof(s->vault));
	for (uint8_t i = 1; i < VAULTS; i++) {
		if (!old.vault[i].secret || (!on_medium_or_named(&old, i) &&
					     (!can_ever_unseal(&old, i) || is_repeated(&old, i))))
			continue;
		number[i] = n;
		s->vault[n] = old.vault[i];
		if (!secrets[old.vault[i].secret])
			secrets[old.vault[i].secret] = n_secrets++;
		s->vault[n++].secret = secrets[old.vault[i].secret];
	}
	if (s->live && !secrets[s->live])
		secrets[s->live] = n_secrets;
	s->live = secrets[old.live];
	for (unsigned i = 0; i < 2; i++)
		s->copy[i] = number[old.copy[i]];
	s->first.digest = number[old.first.digest];
	s->second.digest = number[old.second.digest];
	s->fresh = number[old.fresh];
}

#define TABLE_BITS 21
static struct state *table;
static uint32_t *queue;
static size_t visited, taken;

static uint32_t hash(const struct state *s)
{
	const uint8_t *p = (const uint8_t *)s;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*s); i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

static void visit(struct state s)
{
	static const struct state none;
	uint32_t i;

	check_state(&s);
	settle(&s);
	for (i = hash(&s) >> (32 - TABLE_BITS); memcmp(&table[i], &none, sizeof(none)) != 0;
	     i = (i + 1) & ((1U << TABLE_BITS) - 1)) {
		if (memcmp(&table[i], &s, sizeof(s)) == 0)
			return;
	}
	table[i] = s;
	queue[visited++] = i;
	if (visited > (1U << TABLE_BITS) / 4 * 3)
		broken = "more states than the table holds";
}

/* What the attacker, the vendor and the power may do before any step. */
static void disturb(const struct state *from)
{
	struct state s = *from;

	if (s.op) {
		s.op = IDLE;
		s.pc = s.n = s.x = s.fresh = 0;
		visit(s);
		return;
	}
	s.denied = 1;
	if (s.r < R_MAX) {
		s.r++;
		visit(s);
		s.r--;
	}
	if (s.e < E_MAX) {
		s.e++;
		visit(s);
		s.e--;
	}
	s.first = s.second = (struct anchor_state){0};
	visit(s);
	s = *from;
	s.denied = 1;
	for (uint8_t v = 1; v < VAULTS; v++) {
		for (unsigned i = 0; i < 2 && s.vault[v].secret; i++) {
			s.copy[i] = v;
			visit(s);
			s.copy[i] = from->copy[i];
		}
	}
	s = *from;
	if (s.e < E_MAX) {
		s.tokens |= (uint8_t)(1U << s.e);
		visit(s);
	}
	if (s.tokens & 1U << s.e && s.e < E_MAX) { /* an RMA token is applied */
		s.e++;
		s.live = 0;
		claim_all_but(&s, 0);
		visit(s);
	}
}

static const char *search(enum weaker without)
{
	static const struct state blank = {.r = BASE, .e = BASE};
	struct state outstanding = {
	    .r = BASE,
	    .e = BASE,
	    .first = {.there = 1},
	    .vault = {{0}, {1, BASE, BASE, .import = 1}, {2, BASE, BASE, .import = 1}},
	    .copy = {1, NOTHING}};

	weaker = without;
	broken = NULL;
	visited = 0;
	memset(table, 0, sizeof(*table) << TABLE_BITS);
	visit(blank);
	visit(outstanding);
	for (taken = 0; taken < visited && !broken; taken++) {
		struct state s = table[queue[taken]];

		if (s.op) {
			step(&s);
			visit(s);
		}
		disturb(&table[queue[taken]]);
		for (uint8_t op = IDLE + 1; op < OPS && !table[queue[taken]].op; op++) {
			s = table[queue[taken]];
			s.op = op;
			step(&s);
			visit(s);
		}
	}
	return broken;
}

static int set_up(void **state)
{
	table = calloc((size_t)1 << TABLE_BITS, sizeof(*table));
	queue = calloc((size_t)1 << TABLE_BITS, sizeof(*queue));
	return table && queue ? 0 : -1;
}

static int tear_down(void **state)
{
	free(table);
	free(queue);
	return 0;
}

static void the_orders_break_no_invariant(void **state)
{
	assert_null(search(SOUND));
	assert_true(visited > 1000000); /* it did not stop early */
	print_message("%zu states\n", visited);
}

#define FORKED  "two secrets were sealed for one value of R and E"
#define REVIVED "a secret that was called dead can be unsealed"
#define LOST    "the copy that the anchor names is not on the medium, or does not open"

static void every_weaker_rule_breaks_one(void **state)
{
	static const char *const expected[WEAKER] = {
	    [NO_RESERVATION] = FORKED,
	    [COUNT_E_ONCE] = "an RMA token fits a device with live keys",
	    [COUNT_E_NEVER] = FORKED,
	    [NEWER_COPY_WINS] = LOST,
	    [NAMED_COPY_FIRST] = LOST,
	    [COUNT_BEFORE_COMMIT] = LOST,
	    [CLAIM_BEFORE_COUNT] = REVIVED,
	    [RESTORE_BY_R] = FORKED,
	    [REBIND_UNDEFINES_FIRST] = LOST,
	    [ENROL_KEEPS_R] = REVIVED,
	    [SECOND_IS_DROPPED] = FORKED,
	};

	for (enum weaker w = SOUND + 1; w < WEAKER; w++) {
		const char *found = search(w);

		assert_non_null(found);
		assert_string_equal(found, expected[w]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_orders_break_no_invariant),
	    cmocka_unit_test(every_weaker_rule_breaks_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
