/* SPDX-License-Identifier: Apache-2.0 */
/* A vault as it may stand on a medium: headers, journal, log, device part. */
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "format/vault.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "medium/registry.h"
#include "vault/check.h"
#include "vault/layout.h"
#include "vault/vault.h"

#define VAULT_BYTES (1024 * 1024)

static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .keystores = keystore_registry};

static void decode(const uint8_t *data, size_t size)
{
	struct vault_copy_header copy;
	struct vault_plan_header plan;
	struct vault_record record;
	struct vault_entry entry;
	struct vault_extent_item extent;
	struct vault_source_item source;
	struct vault_key_item key;
	struct vault_key_blob_item blob;
	struct vault_escrow_item escrow;

	vault_decode_copy(data, size, &copy);
	vault_decode_plan(data, size, &plan);
	vault_decode_record(data, size, &record);
	vault_decode_entry(data, size, &entry);
	vault_decode_extent(data, size, &extent);
	vault_decode_source(data, size, &source);
	vault_decode_key(data, size, &key);
	vault_decode_key_blob(data, size, &blob);
	vault_decode_escrow(data, size, &escrow);
}

/* The input as a device part, under a header that fits it. */
static void read_layout(const uint8_t *data, size_t size)
{
	struct vault_copy_header h = {
	    .sequence = 1, .payload_bytes = size, .vault_bytes = VAULT_BYTES};
	struct layout *layout = NULL;
	struct vault *vault = NULL;
	struct report report;
	struct io *io;

	if (size > VAULT_BYTES / 8 - VAULT_BLOCK || io_open_memory("vault", VAULT_BYTES, &io) < 0)
		return;
	digest_sha256(data, size, h.payload_sha256);
	vault_encode_copy(&h, io_memory_bytes(io));
	memcpy((uint8_t *)io_memory_bytes(io) + VAULT_BLOCK, data, size);
	report_init(&report);
	if (vault_open(io, 0, VAULT_BYTES, &vault) == 1) {
		vault_read_layout(vault, &kinds, &layout);
		vault_verify(vault, &report);
	}
	report_free(&report);
	layout_free(layout);
	vault_close(vault);
	io_close(io);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode(data, size);
	read_layout(data, size);
	diag_forget(0);
	return 0;
}
