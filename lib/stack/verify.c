/* SPDX-License-Identifier: Apache-2.0 */
/* Checking stacks. */
#include "base/diag.h"
#include "model/layer.h"
#include "stack/verify.h"

static int verify_volume(struct volume *v, struct job *job, struct report *report)
{
	volume_each_layer (l, v) {
		LAYER_SCOPE(l);
		size_t before = report->findings.n;
		int r = l->ops->verify ? l->ops->verify(l, job, report) : 0;

		if (r < 0)
			return r;
		if (!l->below && report->findings.n > before)
			break; /* its place is not there: nothing above can be looked at */
	}
	report->volumes_checked++;
	return 0;
}

int stack_verify(const struct layout *layout, struct volume *const *volumes, size_t n,
		 struct job *job, struct report *report)
{
	int r = 0;

	layout_all_where_none(layout, &volumes, &n);
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (volumes[i]->reserved)
			r = report_note(report, "%s: reserved for an update, holds nothing yet",
					volumes[i]->full_name);
		else
			r = verify_volume(volumes[i], job, report);
	}
	return r;
}
