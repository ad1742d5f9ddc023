/* SPDX-License-Identifier: Apache-2.0 */
/* Checking, opening and closing stacks. */
#include <errno.h>

#include "base/diag.h"
#include "stack/stack.h"

static int verify_volume(struct volume *v, struct job *job, struct report *report)
{
	for (size_t i = 0; i < v->n_layers; i++) {
		const struct layer *l = v->layers[i];
		DIAG_SCOPE("volume %s: layer %s", v->full_name, l->ops->name);
		size_t before = report->findings.n;
		int r = l->ops->verify ? l->ops->verify(l, job, report) : 0;

		if (r < 0)
			return r;
		if (i == 0 && report->findings.n > before)
			break; /* its place is not there: nothing above can be looked at */
	}
	report->volumes_checked++;
	return 0;
}

int stack_verify(struct layout *layout, struct volume *const *volumes, size_t n, struct job *job,
		 struct report *report)
{
	bool all = n == 0;
	int r = 0;

	if (all) {
		volumes = layout->volumes;
		n = layout->n_volumes;
	}
	for (size_t i = 0; all && i < layout->n_media && r >= 0; i++) {
		const struct medium *m = layout->media[i];
		DIAG_SCOPE("medium %s", m->name);

		r = m->ops->verify ? m->ops->verify(m, layout, job, report) : 0;
	}
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (volumes[i]->reserved)
			r = report_note(report, "%s: reserved for an update, holds nothing yet",
					volumes[i]->full_name);
		else
			r = verify_volume(volumes[i], job, report);
	}
	return r;
}

/* The layers of @v that can be opened: a directory only where it may be mounted. */
static size_t layers_to_open(const struct volume *v, const struct open_how *how)
{
	size_t n = v->n_layers;

	while (!how->mount_below && n > 0 && v->layers[n - 1]->ops->provides == PLACE_DIRECTORY)
		n--;
	return n;
}

/* Stops at the first that cannot be closed: it uses what lies below. */
static int close_layers(struct volume *v, size_t n, struct job *job, const struct open_how *how)
{
	int r = 0;

	while (n-- > 0 && r >= 0) {
		const struct layer *l = v->layers[n];
		DIAG_SCOPE("volume %s: layer %s", v->full_name, l->ops->name);

		r = l->ops->close ? l->ops->close(l, job, how) : 0;
	}
	return r;
}

int stack_open(struct volume *volume, struct job *job, const struct open_how *how,
	       struct place *ret)
{
	struct place below = {0};
	size_t n = layers_to_open(volume, how);

	if (volume->reserved)
		return diag_fail(DIAG_NO_VOLUME, ENOENT,
				 "volume %s is reserved for an update and holds nothing yet",
				 volume->full_name);
	for (size_t i = 0; i < n; i++) {
		const struct layer *l = volume->layers[i];
		struct place above = below;
		int r;

		DIAG_SCOPE("volume %s: layer %s", volume->full_name, l->ops->name);
		r = l->ops->open ? l->ops->open(l, job, how, &below, &above) : 0;
		if (r < 0) {
			close_layers(volume, i, job, how);
			return r;
		}
		below = above;
	}
	*ret = below;
	return 0;
}

int stack_close(struct volume *volume, struct job *job, const struct open_how *how)
{
	return close_layers(volume, volume->n_layers, job, how);
}
