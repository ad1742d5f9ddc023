/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast verify: everything on a target, offline and complete. */
#include <errno.h>

#include "cmd/cli/keystores.h"
#include "cmd/cli/passphrase.h"
#include "cmd/cli/volume-key.h"
#include "target/target.h"
#include "report/describe.h"
#include "stack/verify.h"
#include "vault/check.h"

/* Data that does not verify decides the status; structures that a good copy mends do not hide it.
 */
static enum diag_code code_of(const struct report *report)
{
	array_each (f, &report->findings) {
		if (f->kind != FINDING_MENDABLE)
			return DIAG_TAMPERED;
	}
	return report->findings.n ? DIAG_DAMAGED : DIAG_OK;
}

static void tell(struct session *s, const struct report *report)
{
	array_each (f, &report->findings) {
		struct result *r = result_new(EVENT_FINDING);

		describe_finding(r, f);
		session_finding(s, r);
	}
	describe_report(s->result, report);
}

/* The vault cannot be used, whether or not its copies match their checksums. */
static int report_vault(const struct target *t, struct report *report)
{
	const struct finding f = {
	    .kind = FINDING_CORRUPT,
	    .volume = "",
	    .layer = "vault",
	    .area = "device part",
	    .offset_bytes = t->vault ? vault_extent(t->vault).offset_bytes : 0,
	    .len_bytes = t->vault ? vault_extent(t->vault).size_bytes : 0,
	    .text = "cannot be used: what was laid out is told from the partition table alone",
	};

	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

static const struct flag flags[] = {
    PASSPHRASE_FLAGS,      PIN_FLAGS, TCTI_FLAG,   VOLUME_KEY_FLAGS,
    WITHOUT_KEYSTORE_FLAG, JOBS_FLAG, RECORD_FLAG, {0},
};

/* Nothing wrong was found by the word of a vault that whoever wrote the medium may have written. */
static int note_not_authenticated(const struct target *t, struct report *report)
{
	if (!t->layout_from_vault || !t->layout->n_keystores || t->authenticated)
		return 0;
	return report_note(report, "no keystore has authenticated the vault: what it says was laid "
				   "out may be somebody else's") < 0
		   ? diag_no_memory()
		   : 0;
}

static int check(struct session *s, const struct call *c, struct target *t, struct report *report)
{
	struct volume *volumes[ARGS_MAX];
	size_t n = c->n_args - 1;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		volumes[i] = target_volume(t, c->args[i + 1]);
		if (!volumes[i])
			return -ENOENT;
	}
	r = target_unlock(t, volumes, n);
	if (r >= 0)
		r = keystores_authenticate(t, c);
	if (r >= 0 && !t->vault_damaged) /* else its findings say more */
		r = target_refuse_unused(t, volumes, n);
	if (r >= 0)
		r = note_not_authenticated(t, report);
	if (r >= 0 && n == 0 && t->vault)
		r = vault_verify(t->vault, report);
	if (r >= 0 && t->vault_damaged)
		r = report_vault(t, report);
	if (r >= 0 && n == 0)
		r = target_verify_medium(t, t->layout, report);
	return r < 0 ? r : stack_verify(t->layout, volumes, n, &t->job, report);
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	struct report report;
	int r = passphrase_arguments(s, c);

	if (r >= 0)
		r = volume_key_arguments(s, c);
	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	if (r < 0)
		return r;
	report_init(&report);
	r = check(s, c, &t, &report);
	if (r >= 0) {
		tell(s, &report);
		s->code = code_of(&report);
	}
	report_free(&report);
	return r;
}

const struct command command_verify = {
    .name = "verify",
    .synopsis = "TARGET [VOLUME…]",
    .summary = "Check everything, or some volumes, offline; name every damaged block.",
    .text =
	"Never stops at the first finding: prints byte range, volume, layer and area of each. "
	"Without VOLUME the vault and the partition table are checked, too. A vault that has a "
	"keystore is authenticated before that, also where no volume has a key. Also for images "
	"without a vault that follow the Discoverable Partitions Specification.",
    .status = "3 when anything does not verify, whether or not it can be mended.",
    .example = "holdfast verify gateway.img\n"
	       "holdfast verify /dev/mmcblk0 root:a --json\n",
    .flags = flags,
    .min_args = 1,
    .max_args = ARGS_MAX,
    .run = run,
};
