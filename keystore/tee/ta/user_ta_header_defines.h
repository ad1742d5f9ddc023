/* SPDX-License-Identifier: Apache-2.0 */
/* What OP-TEE's development kit builds into the trusted application's header. */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include "keystore/tee/ta/holdfast-ta.h"

/* "Locked until the next boot" is a variable of the only instance, which is never unloaded. A
 * crashed instance is not started again: a crash must not unlock. OP-TEE before 4.7 lacks that
 * flag, so there a crash does unlock. */
#ifdef TA_FLAG_INSTANCE_KEEP_CRASHED
#define HOLDFAST_TA_CRASHED TA_FLAG_INSTANCE_KEEP_CRASHED
#else
#define HOLDFAST_TA_CRASHED 0
#endif

#define TA_UUID HOLDFAST_TA_UUID
#define TA_FLAGS                                                                                   \
	(TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION | TA_FLAG_INSTANCE_KEEP_ALIVE |           \
	 HOLDFAST_TA_CRASHED)
#define TA_STACK_SIZE  (8 * 1024)
#define TA_DATA_SIZE   (32 * 1024)
#define TA_VERSION     "1.0"
#define TA_DESCRIPTION "holdfast: device secret, counters, anchor"

#endif
