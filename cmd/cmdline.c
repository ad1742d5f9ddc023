/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast cmdline: what the kernel must be told to boot from a volume. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/cli/layout-arguments.h"
#include "cmd/cli/session.h"
#include "target/provision.h"
#include "stack/learn.h"

static const struct flag flags[] = {
    LAYOUT_FLAG,
    {"format", 'f', "FORMAT", "raw (default), uboot, extlinux, systemd or json."},
    JOBS_FLAG,
    {0},
};

static int collect(struct volume *v, struct cmdline *c)
{
	c->name = v->name;
	if (v->reserved)
		return diag_fail(DIAG_NO_VOLUME, ENOENT,
				 "volume %s is reserved and holds nothing yet", v->full_name);
	volume_each_layer (l, v) {
		const struct layer_kernel_ops *k = l->ops->kernel;
		int r = k && k->cmdline ? k->cmdline(l, c) : 0;

		if (r < 0)
			return r;
	}
	return c->create.failed || c->device.failed ? diag_no_memory() : 0;
}

/* root= and the like, which every line has. */
static void add_root(const struct cmdline *c, struct text *to)
{
	text_add(to, "root=%s %s rootwait", c->device.s, c->read_only ? "ro" : "rw");
	if (c->fstype)
		text_add(to, " rootfstype=%s", c->fstype);
}

static void raw_line(const struct cmdline *c, const char *quote, struct text *to)
{
	if (c->create.s) {
		text_add(to, "dm-mod.create=%s%s%s ", quote, c->create.s, quote);
		text_add(to, "dm-mod.waitfor=%s ", c->wait_for.s);
	}
	add_root(c, to);
}

static void format_raw(const struct cmdline *c, struct text *to)
{
	raw_line(c, "\"", to);
}

static void format_uboot(const struct cmdline *c, struct text *to)
{
	text_add(to, "setenv bootargs '");
	raw_line(c, "\"", to);
	text_add(to, "'");
}

static void format_extlinux(const struct cmdline *c, struct text *to)
{
	text_add(to, "append ");
	raw_line(c, "\"", to);
}

static void format_systemd(const struct cmdline *c, struct text *to)
{
	if (c->systemd.s)
		text_add(to, "%s root=/dev/mapper/root ro%s%s", c->systemd.s,
			 c->fstype ? " rootfstype=" : "", c->fstype ? c->fstype : "");
	else
		add_root(c, to);
}

static const struct {
	const char *name;
	void (*write)(const struct cmdline *c, struct text *to);
} formats[] = {
    {"raw", format_raw},         {"uboot", format_uboot}, {"extlinux", format_extlinux},
    {"systemd", format_systemd}, {"json", NULL},
};

static void tell(struct result *to, const struct cmdline *c)
{
	_cleanup_text_ struct text raw = {0};

	format_raw(c, &raw);
	result_text(to, "raw", raw.s);
	result_text(to, "dm_mod_create", c->create.s);
	result_text(to, "wait_for", c->wait_for.s);
	result_text(to, "root", c->device.s);
	result_text(to, "systemd", c->systemd.s);
	result_text(to, "rootfstype", c->fstype);
	result_flag(to, "read_only", c->read_only);
}

static int print(struct session *s, const struct cmdline *c, const char *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		_cleanup_text_ struct text line = {0};

		if (strcmp(formats[i].name, format) != 0)
			continue;
		tell(s->result, c);
		if (!formats[i].write) {
			s->renderer = renderer_find(format);
			return 0;
		}
		formats[i].write(c, &line);
		result_text(s->result, "line", line.s);
		result_say(s->result, "{line}");
		if (c->create.s)
			diag_note("a root hash signature cannot be checked this way, and neither "
				  "manifest nor lifecycle: whoever can change this line can boot "
				  "anything, so sign it (FIT, UKI)");
		return 0;
	}
	return diag_fail(DIAG_USAGE, EINVAL, "--format %s: raw, uboot, extlinux, systemd or json",
			 format);
}

static int from_target(struct session *s, const struct call *c, struct cmdline *line)
{
	_cleanup_target_ struct target t = {0};
	struct volume *v;
	int r;

	s->target = c->args[0];
	if (call_has(c, "set"))
		return diag_fail(DIAG_USAGE, EINVAL,
				 "cmdline: --set goes only with a layout, a file named *.layout");
	r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	v = r < 0 ? NULL : target_volume(&t, c->args[1]);
	return r < 0 ? r : v ? collect(v, line) : -ENOENT;
}

static int no_seed(const char *path)
{
	int r =
	    diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
		      "%s: the salt, hence the root hash, comes from the seed; without one in the "
		      "layout it is drawn when provisioning begins",
		      path);

	diag_next("write device \"NAME\" { seed = \"UUID\" }, or give salt to verity");
	return r;
}

/* Lays the shared volumes out in a work file: only then is the root hash known. */
static int lay_out(struct session *s, struct provisioning *p)
{
	struct job job = {.env = &s->env};
	int r = env_work_file(&s->env, "layout", p->plan->capacity_bytes, &job.target);

	if (r < 0)
		return r;
	r = execute(p->plan, &job, NULL, NULL);
	if (r >= 0)
		r = stack_learn(p->layout, &job);
	io_close(job.target);
	return r;
}

static int from_layout(struct session *s, const struct call *c, struct cmdline *line)
{
	struct provision_request request = {.kinds = s->kinds, .dry_run = true, .shared = true};
	struct setting settings[VALUES_MAX];
	struct provisioning p = {0};
	struct volume *v = NULL;
	int r = layout_arguments(c, settings, &request);

	if (r >= 0)
		r = provision_prepare(&p, &request, &s->env);
	if (r >= 0 && !p.plan->has_seed)
		r = no_seed(c->args[0]);
	if (r >= 0)
		r = lay_out(s, &p);
	if (r >= 0) {
		v = layout_volume(p.layout, c->args[1]);
		r = v ? collect(v, line)
		      : diag_fail(DIAG_NO_VOLUME, ENOENT, "no volume \"%s\" in %s", c->args[1],
				  c->args[0]);
	}
	provision_free(&p);
	return r;
}

/* A layout is text; a target is not. */
static bool is_layout(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".layout") == 0;
}

static int run(struct session *s, const struct call *c)
{
	const char *format = call_value(c, "format");
	struct cmdline line = {0};
	int r = is_layout(c->args[0]) ? from_layout(s, c, &line) : from_target(s, c, &line);

	if (r >= 0)
		r = print(s, &line, format ? format : "raw");
	cmdline_free(&line);
	return r;
}

const struct command command_cmdline = {
    .name = "cmdline",
    .synopsis = "TARGET|NAME.layout VOLUME [--format FORMAT] [--set NAME=VALUE]",
    .summary = "Print the kernel command line that boots from a volume.",
    .text = "raw, uboot and extlinux use dm-mod.create= (the kernel alone, no initramfs); systemd "
	    "is for systemd's generators in an initramfs. From a layout (a file named *.layout) it "
	    "is computed from the sources, before anything is laid out; that needs a seed.",
    .status = "2 when the volume cannot be named on a command line, or a layout has no seed.",
    .example = "holdfast cmdline gateway.img root:a\n"
	       "holdfast cmdline gateway.layout root --format uboot\n",
    .flags = flags,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
