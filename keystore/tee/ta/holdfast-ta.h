/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between holdfast and its trusted application. docs/keystores.md has the reasons. */
#ifndef HOLDFAST_TA_H
#define HOLDFAST_TA_H

#include <assert.h>
#include <stddef.h>

#include "base/endian.h"

/* aac2eea3-4482-47d3-88cd-52c5589f943f */
#define HOLDFAST_TA_UUID                                                                           \
	{                                                                                          \
		0xaac2eea3, 0x4482, 0x47d3,                                                        \
		{                                                                                  \
			0x88, 0xcd, 0x52, 0xc5, 0x58, 0x9f, 0x94, 0x3f                             \
		}                                                                                  \
	}
#define HOLDFAST_TA_UUID_BYTES                                                                     \
	{                                                                                          \
		0xaa, 0xc2, 0xee, 0xa3, 0x44, 0x82, 0x47, 0xd3, 0x88, 0xcd, 0x52, 0xc5, 0x58,      \
		    0x9f, 0x94, 0x3f                                                               \
	}

/* Increased when an older client could misunderstand an answer. */
#define TA_PROTOCOL 2

/*
 * Every command takes the same four parameters: memref in (the request), memref out (the reply),
 * value in (a: storage, b: flags), value out (a: verdict, b: a TEE_Result where the verdict is
 * TA_STORAGE or TA_TROUBLE). The lengths of request and reply are exact. If the verdict is not
 * TA_DONE the reply is zero. The TEE's own result is an error only if the trusted application was
 * not reached, or the request is malformed.
 */
enum ta_command {
	TA_INFO,         /* → struct ta_info_disk; touches no storage */
	TA_PREPARE,      /* storage: makes the counters and the anchor unless they are there */
	TA_STATE,        /* storage → struct ta_state_disk */
	TA_SEAL,         /* storage, struct ta_rotation_disk → struct ta_sealed_disk */
	TA_UNSEAL,       /* struct ta_blob_disk → 32 bytes */
	TA_COUNT_ERASE,  /* storage: counts E → struct ta_count_disk; works when locked, too */
	TA_ADVANCE,      /* struct ta_blob_disk that waits: R becomes its value → ta_count_disk */
	TA_ANCHOR_WRITE, /* storage, struct ta_anchor_disk */
	TA_LOCK,         /* until the next boot only TA_INFO, TA_STATE and TA_COUNT_ERASE */
	TA_COMMANDS
};

/*
 * Where counters and anchor are. The client says it, and a blob is bound to it. The trusted
 * application does not try which one works: OP-TEE may stop an application that uses a broken RPMB
 * (libutee panics at any result that GlobalPlatform does not list).
 */
enum ta_storage {
	TA_RPMB = 1, /* replay-protected by the eMMC or UFS device */
	TA_REE = 2,  /* files of the normal world, encrypted: can be put back as a whole */
};

#define TA_SEAL_NEXT 1 /* of a blob: opens only after TA_ADVANCE with it */
/* How far ahead of R a blob may be: so many rotations were begun and cut off. */
#define TA_ROTATIONS_MAX 64

enum ta_verdict {
	TA_DONE,
	TA_LOCKED,       /* until the next boot */
	TA_NOT_PREPARED, /* a counter or the anchor is missing */
	TA_STORAGE,      /* the storage does not work */
	TA_TROUBLE,      /* another part of the TEE does not work */
	TA_FOREIGN,      /* sealed by another device */
	TA_FORGED,       /* not sealed by this trusted application, or changed since */
	TA_RENEWED,      /* sealed with earlier counters, which were replaced */
	TA_ERASED,       /* E has passed its value */
	TA_ROTATED,      /* R has passed its value */
	TA_WAITING,      /* opens after TA_ADVANCE */
	TA_AHEAD,        /* sealed at counters higher than now: the storage was put back */
	TA_VERDICTS
};

struct ta_info_disk {
	le32_t protocol;          /*  0: TA_PROTOCOL */
	le32_t locked;            /*  4: 1 after TA_LOCK */
	uint8_t identity[32];     /*  8: from the hardware unique key; public */
	uint8_t manufacturer[32]; /* 40: of the trusted OS; NUL-padded */
	uint8_t version[64];      /* 72: of the trusted OS; NUL-padded */
};
static_assert(sizeof(struct ta_info_disk) == 136, "info");

struct ta_anchor_disk {
	le64_t sequence;     /*  0: of the vault's copy */
	uint8_t digest[32];  /*  8: SHA-256 of its payload */
	le64_t rotation_max; /* 40: highest R that anything was sealed for; it never falls */
	le64_t erase;        /* 48: E of the secret that is named; 0: nothing is named */
};
static_assert(sizeof(struct ta_anchor_disk) == 56, "anchor");
#define TA_ERASE_UNKNOWN UINT64_MAX /* in an anchor that protocol 1 wrote */

struct ta_rotation_disk {
	le64_t rotation; /* 0: what R must be; 0: what it is now. Above R only if it is reserved */
};
static_assert(sizeof(struct ta_rotation_disk) == 8, "rotation");

struct ta_state_disk {
	le64_t erase, rotation;       /*  0: E, R */
	le32_t anchored, zero;        /* 16: 1: the anchor was written */
	struct ta_anchor_disk anchor; /* 24 */
};
static_assert(sizeof(struct ta_state_disk) == 80, "state");

struct ta_count_disk {
	le64_t before, after; /* 0 */
};
static_assert(sizeof(struct ta_count_disk) == 16, "count");

#define TA_SECRET_BYTES 32
#define TA_BLOB_MAGIC   "hftee\0\0"
#define TA_BLOB_VERSION 1

/* A sealed secret. */
struct ta_blob_disk {
	uint8_t magic[8];                /*   0: "hftee" NUL NUL NUL */
	le32_t version;                  /*   8: 1 */
	le32_t storage;                  /*  12: enum ta_storage */
	le32_t flags;                    /*  16: TA_SEAL_NEXT */
	le32_t zero;                     /*  20 */
	uint8_t identity[32];            /*  24: of the device */
	uint8_t epoch[16];               /*  56: drawn when the counters were made */
	le64_t erase, rotation;          /*  72: the values at which it opens */
	uint8_t nonce[12];               /*  88 */
	uint8_t sealed[TA_SECRET_BYTES]; /* 100 */
	uint8_t tag[16];                 /* 132 */
};
#define TA_BLOB_AUTHENTICATED 88 /* bytes before the nonce */
static_assert(sizeof(struct ta_blob_disk) == 148, "blob");
static_assert(offsetof(struct ta_blob_disk, nonce) == TA_BLOB_AUTHENTICATED, "associated data");

struct ta_sealed_disk {
	uint8_t secret[TA_SECRET_BYTES]; /*  0 */
	struct ta_blob_disk blob;        /* 32 */
};
static_assert(sizeof(struct ta_sealed_disk) == 180, "sealed");

#define TA_REQUEST_MAX sizeof(struct ta_blob_disk)
#define TA_REPLY_MAX   sizeof(struct ta_sealed_disk)

#endif
