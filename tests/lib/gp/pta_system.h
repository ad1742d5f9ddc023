/* SPDX-License-Identifier: Apache-2.0 */
/* OP-TEE's own trusted application that derives keys for others. */
#ifndef HOLDFAST_TESTS_PTA_SYSTEM_H
#define HOLDFAST_TESTS_PTA_SYSTEM_H

#define PTA_SYSTEM_UUID                                                                            \
	{                                                                                          \
		0x3a2f8978, 0x5dc0, 0x11e8,                                                        \
		{                                                                                  \
			0x9c, 0x2d, 0xfa, 0x7a, 0xe0, 0x1b, 0xbe, 0xbc                             \
		}                                                                                  \
	}
#define PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY 1

#endif
