/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast provision: runs the plan, resumes it, or says that nothing is left to do. */
#include "cmd/cli/layout-arguments.h"
#include "cmd/cli/passphrase.h"
#include "report/describe.h"
#include "target/provision.h"

static const struct flag flags[] = {
    LAYOUT_FLAG,
    {"shared", 0, NULL, "Makes only what is the same on every device.", .excludes = "from"},
    {"from", 0, "IMAGE", "Takes that from a shared image instead of making it."},
    {"trust-copy", 0, NULL, "Does not verify what comes from a shared image."},
    {"replace", 0, "LABEL|all|newer",
     "Gives up what the target holds, by name. May be repeated. What a newer holdfast made is "
     "given "
     "up by newer alone."},
    {"expect", 0, "DIGEST", "Goes on only if the layout's or the plan's digest is this one."},
    PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    OWNER_FLAGS,
    {"for-tpm", 0, "FILE",
     "Seals for the TPM that `holdfast key identity` described in FILE, which is not here. The "
     "image opens on that device only; its first `holdfast open` imports the keys, seals them "
     "there and has the TPM record the vault. Such a run cannot be resumed."},
    {"retire-keys", 0, NULL,
     "The keystore's hardware has guarded the keys of a device before (a wiped medium, a board "
     "that is used again): counts its erase counter up, so that nothing that was sealed before "
     "opens again, and lays the device out."},
    JOBS_FLAG,
    RECORD_FLAG,
    {0},
};

static void add_result(struct result *to, const struct provisioning *p)
{
	if (!p->plan)
		return;
	result_hex(to, "layout_digest", p->plan->layout_digest, SHA256_BYTES);
	result_hex(to, "plan_digest", p->plan->digest, SHA256_BYTES);
	result_flag(to, "resumed", p->resumed);
	describe_layout(to, p->layout, false);
}

static int run(struct session *s, const struct call *c)
{
	struct provision_request request = {
	    .kinds = s->kinds,
	    .target_path = c->args[1],
	    .shared = call_has(c, "shared"),
	    .from = call_value(c, "from"),
	    .retire_keys = call_has(c, "retire-keys"),
	    .trust_copy = call_has(c, "trust-copy"),
	    .expect = call_value(c, "expect"),
	};
	const char *replace[VALUES_MAX];
	struct setting settings[VALUES_MAX];
	struct provisioning p = {0};
	struct execute_events events = session_events(s);
	int r;

	request.replace = replace;
	request.n_replace = call_values(c, "replace", replace, VALUES_MAX);
	s->target = request.target_path;
	r = layout_arguments(c, settings, &request);
	if (r >= 0)
		r = passphrase_arguments(s, c);
	if (r >= 0)
		r = provision_prepare(&p, &request, &s->env);
	if (r >= 0 && p.done)
		s->code = DIAG_NOTHING_TO_DO;
	if (r >= 0)
		r = provision_run(&p, &events);
	add_result(s->result, &p);
	if (r >= 0)
		result_say(s->result, p.done ? "{target}: complete already, nothing was changed"
				      : request.shared ? "{target}: shared image complete"
						       : "{target}: provisioned");
	provision_free(&p);
	return r;
}

const struct command command_provision = {
    .name = "provision",
    .synopsis =
	"LAYOUT TARGET [--shared | --from IMAGE] [--replace LABEL|all|newer] [--set NAME=VALUE]",
    .summary = "Lay out a block device or an image file, or resume a former run.",
    .text =
	"Run again after a power cut it resumes; on a complete target it says so and changes "
	"nothing; on a target that holds something else it refuses, unless that is given up by "
	"name. An image file is made as TARGET.part and gets its name at the end. Needs neither "
	"root (for an image file) nor anything of the kernel.",
    .status =
	"4 means stopped: the same command goes on. 5 means refused: nothing was changed, and "
	"the message says what the target holds. 2 also when the digest is not the expected "
	"one. 3 when what came from a shared image does not verify.",
    .example = "holdfast provision gateway.layout gateway.img\n"
	       "holdfast provision gateway.layout /dev/mmcblk0 --json --record u1234.json\n"
	       "holdfast provision --shared gateway.layout shared.img\n"
	       "holdfast provision --from shared.img gateway.layout /dev/mmcblk0\n",
    .flags = flags,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
