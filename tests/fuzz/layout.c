/* SPDX-License-Identifier: Apache-2.0 */
/* The layout parser: any text gives a layout or a message. */
#include "base/diag.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "medium/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kinds kinds = {.layers = layer_registry,
					   .media = medium_registry,
					   .keystores = keystore_registry,
					   .planned_layers = layer_planned,
					   .host_architecture = "x86-64"};
	static const struct setting settings[] = {{"SERIAL", "42"}, {"NAME", "a\"b\\c"}};
	struct layout *layout = NULL;
	int r =
	    layout_read_text("fuzz", (const char *)data, size, NULL, settings, 2, &kinds, &layout);

	if (r < 0 && diag_count() == 0)
		__builtin_trap(); /* refused without a word */
	layout_free(layout);
	diag_forget(0);
	return 0;
}
