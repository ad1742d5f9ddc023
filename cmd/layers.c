/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast layers: what a layout can be made of, from the option tables. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cmd/cli/session.h"
#include "model/key.h"
#include "model/layer.h"
#include "model/medium.h"

static void add_options(struct json *j, const struct option_spec *specs)
{
	struct json *list = json_list(j, "options");

	for (; specs && specs->name; specs++) {
		_cleanup_text_ struct text values = {0};
		struct json *o = json_child(list, NULL);

		option_describe_values(specs, &values);
		json_text(o, "name", specs->name);
		json_text(o, "values", values.s);
		json_text(o, "default", specs->fallback);
		json_flag(o, "required", specs->required);
		json_flag(o, "built", !specs->not_built);
		json_text(o, "help", specs->help);
	}
}

static void tell(struct session *s, struct json *list, const char *kind, const char *name,
		 const char *summary, const char *example, const struct option_spec *options)
{
	_cleanup_text_ struct text words = {0};
	struct json *j = json_child(list, NULL);

	json_text(j, "kind", kind);
	json_text(j, "name", name);
	json_text(j, "summary", summary);
	add_options(j, options);
	option_describe(options, &words);
	session_say(s, "%s %s\n  %s\n%s%s%s%s\n", kind, name, summary, words.s ? words.s : "",
		    example ? "  example: " : "", example ? example : "", example ? "\n" : "");
}

static int run(struct session *s, const struct call *c)
{
	const char *only = c->args[0];
	struct json *list;
	bool any = false;

	s->result = json_new("result");
	list = json_list(s->result, "kinds");
	for (const struct medium_ops *const *m = s->kinds->media; *m; m++) {
		if (only && strcmp(only, (*m)->name) != 0)
			continue;
		tell(s, list, "medium", (*m)->name, (*m)->summary, NULL, (*m)->options);
		any = true;
	}
	for (const struct keystore_ops *const *k = s->kinds->keystores; *k; k++) {
		if (only && strcmp(only, (*k)->name) != 0)
			continue;
		tell(s, list, "keystore", (*k)->name, (*k)->summary, NULL, (*k)->options);
		any = true;
	}
	for (const struct layer_ops *const *l = s->kinds->layers; *l; l++) {
		if (only && strcmp(only, (*l)->name) != 0)
			continue;
		tell(s, list, "layer", (*l)->name, (*l)->summary, (*l)->example, (*l)->options);
		any = true;
	}
	if (!any)
		return diag_fail(DIAG_USAGE, ENOENT, "no layer, medium or keystore \"%s\"", only);
	for (const char *const *p = s->kinds->planned_layers; !only && *p; p++)
		session_say(s, "%s%s%s", p == s->kinds->planned_layers ? "not built yet: " : ", ",
			    *p, p[1] ? "" : "\n");
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
