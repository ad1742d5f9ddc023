/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast layers: what a layout can be made of, from the option tables. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cmd/cli/session.h"
#include "model/key.h"
#include "model/layer.h"
#include "model/medium.h"

static void add_options(struct result *to, const struct option_spec *specs)
{
	struct result *list = result_list(to, "options");

	for (; specs && specs->name; specs++) {
		_cleanup_text_ struct text values = {0};
		struct result *o = result_object(list, NULL);

		option_describe_values(specs, &values);
		result_text(o, "name", specs->name);
		result_text(o, "values", values.s);
		result_text(o, "default", specs->fallback);
		result_flag(o, "required", specs->required);
		result_flag(o, "built", !specs->not_built);
		result_text(o, "help", specs->help);
	}
}

static void tell(struct result *to, const char *kind, const char *name, const char *summary,
		 const char *example, const struct option_spec *options)
{
	_cleanup_text_ struct text words = {0};

	option_describe(options, &words);
	result_text(to, "kind", kind);
	result_text(to, "name", name);
	result_text(to, "summary", summary);
	if (example)
		result_text(to, "example", example);
	result_aside(to, "described", "%s", words.s ? words.s : "");
	result_say(to, "{kind} {name}\n  {summary}\n{described}[  example: {example}\n]");
	add_options(to, options);
}

static size_t tell_all(struct result *list, const struct kinds *kinds, const char *only)
{
	size_t n = 0;

	for (const struct medium_ops *const *m = kinds->media; *m; m++) {
		if (only && strcmp(only, (*m)->name) != 0)
			continue;
		tell(result_object(list, NULL), "medium", (*m)->name, (*m)->summary, NULL,
		     (*m)->options);
		n++;
	}
	for (const struct keystore_ops *const *k = kinds->keystores; *k; k++) {
		if (only && strcmp(only, (*k)->name) != 0)
			continue;
		tell(result_object(list, NULL), "keystore", (*k)->name, (*k)->summary, NULL,
		     (*k)->options);
		n++;
	}
	for (const struct layer_ops *const *l = kinds->layers; *l; l++) {
		if (only && strcmp(only, (*l)->name) != 0)
			continue;
		tell(result_object(list, NULL), "layer", (*l)->name, (*l)->summary, (*l)->example,
		     (*l)->options);
		n++;
	}
	return n;
}

static int run(struct session *s, const struct call *c)
{
	const char *only = c->args[0];
	struct result *planned;

	if (!tell_all(result_list(s->result, "kinds"), s->kinds, only))
		return diag_fail(DIAG_USAGE, ENOENT, "no layer, medium or keystore \"%s\"", only);
	if (only)
		return 0;
	planned = result_list(s->result, "planned");
	for (const char *const *p = s->kinds->planned_layers; *p; p++)
		result_text(planned, NULL, *p);
	if (s->kinds->planned_layers[0])
		result_say(s->result, "not built yet: {planned}");
	return 0;
}

const struct command command_layers = {
    .name = "layers",
    .synopsis = "[NAME]",
    .summary = "List what a layout can be made of, with every option.",
    .text = "Media, keystores and layers, each with its options. Layers are written bottom first; "
	    "each uses what the one below it provides.",
    .status = "2 when there is no layer, medium or keystore of that name.",
    .example = "holdfast layers\n"
	       "holdfast layers verity\n",
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
