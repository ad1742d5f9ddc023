/* SPDX-License-Identifier: Apache-2.0 */
/* What OP-TEE has beyond GlobalPlatform's API: storages by name. */
#ifndef HOLDFAST_TESTS_TEE_INTERNAL_API_EXTENSIONS_H
#define HOLDFAST_TESTS_TEE_INTERNAL_API_EXTENSIONS_H

#define TEE_STORAGE_PRIVATE_REE  0x80000000u
#define TEE_STORAGE_PRIVATE_RPMB 0x80000100u

#endif
