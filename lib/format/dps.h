/* SPDX-License-Identifier: Apache-2.0 */
/* Discoverable Partitions Specification: type UUIDs by name and architecture
 * (https://uapi-group.org/specifications/specs/discoverable_partitions_specification/). */
#ifndef HOLDFAST_FORMAT_DPS_H
#define HOLDFAST_FORMAT_DPS_H

#include <stdbool.h>

#include "base/uuid.h"

enum dps_kind {
	DPS_DATA, /* root, usr, or a type that has no tree of its own */
	DPS_VERITY,
	DPS_SIGNATURE, /* root-verity-sig, usr-verity-sig */
};

struct dps_type {
	const char *name;         /* "root", "usr-verity", "linux-generic", "esp" … */
	const char *architecture; /* "arm64"; NULL: the same on all */
	enum dps_kind kind;
	struct uuid uuid;
};

/* GPT attribute bits of the specification. */
#define DPS_FLAG_NO_AUTO   (1ULL << 63)
#define DPS_FLAG_READ_ONLY (1ULL << 60)
#define DPS_FLAG_GROW      (1ULL << 59)

/* @architecture NULL: only types that are the same on all. NULL: not known. */
const struct dps_type *dps_by_name(const char *name, const char *architecture);
const struct dps_type *dps_by_uuid(const struct uuid *uuid);
/* The type of the tree (or signature) that belongs to the data type @uuid; NULL: it has none. */
const struct dps_type *dps_companion(const struct uuid *uuid, enum dps_kind kind);
const char *dps_host_architecture(void); /* from uname(2); NULL: not in the specification */
const char *const *dps_names(void);      /* NULL-terminated, for messages and --help */
const char *const *dps_architectures(void);

/* holdfast's own: the vault's partition. */
extern const struct uuid dps_vault_type;

#endif
