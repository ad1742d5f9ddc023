/* SPDX-License-Identifier: Apache-2.0 */
/* Discoverable Partitions Specification: type UUIDs by name and architecture. */
#include <string.h>
#include <sys/utsname.h>

#include "format/dps.h"

#define U(a, b, c, d, e)                                                                           \
	{                                                                                          \
		{                                                                                  \
			(uint8_t)((a) >> 24), (uint8_t)((a) >> 16), (uint8_t)((a) >> 8),           \
			    (uint8_t)(a), (uint8_t)((b) >> 8), (uint8_t)(b), (uint8_t)((c) >> 8),  \
			    (uint8_t)(c), (uint8_t)((d) >> 8), (uint8_t)(d), (uint8_t)((e) >> 40), \
			    (uint8_t)((e) >> 32), (uint8_t)((e) >> 24), (uint8_t)((e) >> 16),      \
			    (uint8_t)((e) >> 8), (uint8_t)(e)                                      \
		}                                                                                  \
	}

const struct uuid dps_vault_type = U(0x9f26a3c1, 0x5e0b, 0x4b7d, 0x8c6e, 0x3d5a71e0f2b4);

/* clang-format off */
static const struct dps_type types[] = {
	{"esp", NULL, DPS_DATA, U(0xc12a7328, 0xf81f, 0x11d2, 0xba4b, 0x00a0c93ec93b)},
	{"swap", NULL, DPS_DATA, U(0x0657fd6d, 0xa4ab, 0x43c4, 0x84e5, 0x0933c84b4f4f)},
	{"linux-generic", NULL, DPS_DATA, U(0x0fc63daf, 0x8483, 0x4772, 0x8e79, 0x3d69d8477de4)},
	{"srv", NULL, DPS_DATA, U(0x3b8f8425, 0x20e0, 0x4f3b, 0x907f, 0x1a25a76f98e8)},
	{"home", NULL, DPS_DATA, U(0x933ac7e1, 0x2eb4, 0x4f13, 0xb844, 0x0e14e2aef915)},
	{"var", NULL, DPS_DATA, U(0x4d21b016, 0xb534, 0x45c2, 0xa9fb, 0x5c16e091fd2d)},
	{"tmp", NULL, DPS_DATA, U(0x7ec6f557, 0x3bc5, 0x4aca, 0xb293, 0x16ef5df639d1)},
	{"xbootldr", NULL, DPS_DATA, U(0xbc13c2ff, 0x59e6, 0x4262, 0xa352, 0xb275fd6f7172)},
	{"user-home", NULL, DPS_DATA, U(0x773f91ef, 0x66d4, 0x49b5, 0xbd83, 0xd683bf40ad16)},
	{"root", "alpha", DPS_DATA,
	 U(0x6523f8ae, 0x3eb1, 0x4e2a, 0xa05a, 0x18b695ae656f)},
	{"root-verity", "alpha", DPS_VERITY,
	 U(0xfc56d9e9, 0xe6e5, 0x4c06, 0xbe32, 0xe74407ce09a5)},
	{"root-verity-sig", "alpha", DPS_SIGNATURE,
	 U(0xd46495b7, 0xa053, 0x414f, 0x80f7, 0x700c99921ef8)},
	{"root", "arc", DPS_DATA,
	 U(0xd27f46ed, 0x2919, 0x4cb8, 0xbd25, 0x9531f3c16534)},
	{"root-verity", "arc", DPS_VERITY,
	 U(0x24b2d975, 0x0f97, 0x4521, 0xafa1, 0xcd531e421b8d)},
	{"root-verity-sig", "arc", DPS_SIGNATURE,
	 U(0x143a70ba, 0xcbd3, 0x4f06, 0x919f, 0x6c05683a78bc)},
	{"root", "arm", DPS_DATA,
	 U(0x69dad710, 0x2ce4, 0x4e3c, 0xb16c, 0x21a1d49abed3)},
	{"root-verity", "arm", DPS_VERITY,
	 U(0x7386cdf2, 0x203c, 0x47a9, 0xa498, 0xf2ecce45a2d6)},
	{"root-verity-sig", "arm", DPS_SIGNATURE,
	 U(0x42b0455f, 0xeb11, 0x491d, 0x98d3, 0x56145ba9d037)},
	{"root", "arm64", DPS_DATA,
	 U(0xb921b045, 0x1df0, 0x41c3, 0xaf44, 0x4c6f280d3fae)},
	{"root-verity", "arm64", DPS_VERITY,
	 U(0xdf3300ce, 0xd69f, 0x4c92, 0x978c, 0x9bfb0f38d820)},
	{"root-verity-sig", "arm64", DPS_SIGNATURE,
	 U(0x6db69de6, 0x29f4, 0x4758, 0xa7a5, 0x962190f00ce3)},
	{"root", "ia64", DPS_DATA,
	 U(0x993d8d3d, 0xf80e, 0x4225, 0x855a, 0x9daf8ed7ea97)},
	{"root-verity", "ia64", DPS_VERITY,
	 U(0x86ed10d5, 0xb607, 0x45bb, 0x8957, 0xd350f23d0571)},
	{"root-verity-sig", "ia64", DPS_SIGNATURE,
	 U(0xe98b36ee, 0x32ba, 0x4882, 0x9b12, 0x0ce14655f46a)},
	{"root", "loongarch64", DPS_DATA,
	 U(0x77055800, 0x792c, 0x4f94, 0xb39a, 0x98c91b762bb6)},
	{"root-verity", "loongarch64", DPS_VERITY,
	 U(0xf3393b22, 0xe9af, 0x4613, 0xa948, 0x9d3bfbd0c535)},
	{"root-verity-sig", "loongarch64", DPS_SIGNATURE,
	 U(0x5afb67eb, 0xecc8, 0x4f85, 0xae8e, 0xac1e7c50e7d0)},
	{"root", "mips", DPS_DATA,
	 U(0xe9434544, 0x6e2c, 0x47cc, 0xbae2, 0x12d6deafb44c)},
	{"root-verity", "mips", DPS_VERITY,
	 U(0x7a430799, 0xf711, 0x4c7e, 0x8e5b, 0x1d685bd48607)},
	{"root-verity-sig", "mips", DPS_SIGNATURE,
	 U(0xbba210a2, 0x9c5d, 0x45ee, 0x9e87, 0xff2ccbd002d0)},
	{"root", "mips-le", DPS_DATA,
	 U(0x37c58c8a, 0xd913, 0x4156, 0xa25f, 0x48b1b64e07f0)},
	{"root-verity", "mips-le", DPS_VERITY,
	 U(0xd7d150d2, 0x2a04, 0x4a33, 0x8f12, 0x16651205ff7b)},
	{"root-verity-sig", "mips-le", DPS_SIGNATURE,
	 U(0xc919cc1f, 0x4456, 0x4eff, 0x918c, 0xf75e94525ca5)},
	{"root", "mips64", DPS_DATA,
	 U(0xd113af76, 0x80ef, 0x41b4, 0xbdb6, 0x0cff4d3d4a25)},
	{"root-verity", "mips64", DPS_VERITY,
	 U(0x579536f8, 0x6a33, 0x4055, 0xa95a, 0xdf2d5e2c42a8)},
	{"root-verity-sig", "mips64", DPS_SIGNATURE,
	 U(0x43ce94d4, 0x0f3d, 0x4999, 0x8250, 0xb9deafd98e6e)},
	{"root", "mips64-le", DPS_DATA,
	 U(0x700bda43, 0x7a34, 0x4507, 0xb179, 0xeeb93d7a7ca3)},
	{"root-verity", "mips64-le", DPS_VERITY,
	 U(0x16b417f8, 0x3e06, 0x4f57, 0x8dd2, 0x9b5232f41aa6)},
	{"root-verity-sig", "mips64-le", DPS_SIGNATURE,
	 U(0x904e58ef, 0x5c65, 0x4a31, 0x9c57, 0x6af5fc7c5de7)},
	{"root", "parisc", DPS_DATA,
	 U(0x1aacdb3b, 0x5444, 0x4138, 0xbd9e, 0xe5c2239b2346)},
	{"root-verity", "parisc", DPS_VERITY,
	 U(0xd212a430, 0xfbc5, 0x49f9, 0xa983, 0xa7feef2b8d0e)},
	{"root-verity-sig", "parisc", DPS_SIGNATURE,
	 U(0x15de6170, 0x65d3, 0x431c, 0x916e, 0xb0dcd8393f25)},
	{"root", "ppc", DPS_DATA,
	 U(0x1de3f1ef, 0xfa98, 0x47b5, 0x8dcd, 0x4a860a654d78)},
	{"root-verity", "ppc", DPS_VERITY,
	 U(0x98cfe649, 0x1588, 0x46dc, 0xb2f0, 0xadd147424925)},
	{"root-verity-sig", "ppc", DPS_SIGNATURE,
	 U(0x1b31b5aa, 0xadd9, 0x463a, 0xb2ed, 0xbd467fc857e7)},
	{"root", "ppc64", DPS_DATA,
	 U(0x912ade1d, 0xa839, 0x4913, 0x8964, 0xa10eee08fbd2)},
	{"root-verity", "ppc64", DPS_VERITY,
	 U(0x9225a9a3, 0x3c19, 0x4d89, 0xb4f6, 0xeeff88f17631)},
	{"root-verity-sig", "ppc64", DPS_SIGNATURE,
	 U(0xf5e2c20c, 0x45b2, 0x4ffa, 0xbce9, 0x2a60737e1aaf)},
	{"root", "ppc64-le", DPS_DATA,
	 U(0xc31c45e6, 0x3f39, 0x412e, 0x80fb, 0x4809c4980599)},
	{"root-verity", "ppc64-le", DPS_VERITY,
	 U(0x906bd944, 0x4589, 0x4aae, 0xa4e4, 0xdd983917446a)},
	{"root-verity-sig", "ppc64-le", DPS_SIGNATURE,
	 U(0xd4a236e7, 0xe873, 0x4c07, 0xbf1d, 0xbf6cf7f1c3c6)},
	{"root", "riscv32", DPS_DATA,
	 U(0x60d5a7fe, 0x8e7d, 0x435c, 0xb714, 0x3dd8162144e1)},
	{"root-verity", "riscv32", DPS_VERITY,
	 U(0xae0253be, 0x1167, 0x4007, 0xac68, 0x43926c14c5de)},
	{"root-verity-sig", "riscv32", DPS_SIGNATURE,
	 U(0x3a112a75, 0x8729, 0x4380, 0xb4cf, 0x764d79934448)},
	{"root", "riscv64", DPS_DATA,
	 U(0x72ec70a6, 0xcf74, 0x40e6, 0xbd49, 0x4bda08e8f224)},
	{"root-verity", "riscv64", DPS_VERITY,
	 U(0xb6ed5582, 0x440b, 0x4209, 0xb8da, 0x5ff7c419ea3d)},
	{"root-verity-sig", "riscv64", DPS_SIGNATURE,
	 U(0xefe0f087, 0xea8d, 0x4469, 0x821a, 0x4c2a96a8386a)},
	{"root", "s390", DPS_DATA,
	 U(0x08a7acea, 0x624c, 0x4a20, 0x91e8, 0x6e0fa67d23f9)},
	{"root-verity", "s390", DPS_VERITY,
	 U(0x7ac63b47, 0xb25c, 0x463b, 0x8df8, 0xb4a94e6c90e1)},
	{"root-verity-sig", "s390", DPS_SIGNATURE,
	 U(0x3482388e, 0x4254, 0x435a, 0xa241, 0x766a065f9960)},
	{"root", "s390x", DPS_DATA,
	 U(0x5eead9a9, 0xfe09, 0x4a1e, 0xa1d7, 0x520d00531306)},
	{"root-verity", "s390x", DPS_VERITY,
	 U(0xb325bfbe, 0xc7be, 0x4ab8, 0x8357, 0x139e652d2f6b)},
	{"root-verity-sig", "s390x", DPS_SIGNATURE,
	 U(0xc80187a5, 0x73a3, 0x491a, 0x901a, 0x017c3fa953e9)},
	{"root", "tilegx", DPS_DATA,
	 U(0xc50cdd70, 0x3862, 0x4cc3, 0x90e1, 0x809a8c93ee2c)},
	{"root-verity", "tilegx", DPS_VERITY,
	 U(0x966061ec, 0x28e4, 0x4b2e, 0xb4a5, 0x1f0a825a1d84)},
	{"root-verity-sig", "tilegx", DPS_SIGNATURE,
	 U(0xb3671439, 0x97b0, 0x4a53, 0x90f7, 0x2d5a8f3ad47b)},
	{"root", "x86", DPS_DATA,
	 U(0x44479540, 0xf297, 0x41b2, 0x9af7, 0xd131d5f0458a)},
	{"root-verity", "x86", DPS_VERITY,
	 U(0xd13c5d3b, 0xb5d1, 0x422a, 0xb29f, 0x9454fdc89d76)},
	{"root-verity-sig", "x86", DPS_SIGNATURE,
	 U(0x5996fc05, 0x109c, 0x48de, 0x808b, 0x23fa0830b676)},
	{"root", "x86-64", DPS_DATA,
	 U(0x4f68bce3, 0xe8cd, 0x4db1, 0x96e7, 0xfbcaf984b709)},
	{"root-verity", "x86-64", DPS_VERITY,
	 U(0x2c7357ed, 0xebd2, 0x46d9, 0xaec1, 0x23d437ec2bf5)},
	{"root-verity-sig", "x86-64", DPS_SIGNATURE,
	 U(0x41092b05, 0x9fc8, 0x4523, 0x994f, 0x2def0408b176)},
	{"usr", "alpha", DPS_DATA,
	 U(0xe18cf08c, 0x33ec, 0x4c0d, 0x8246, 0xc6c6fb3da024)},
	{"usr-verity", "alpha", DPS_VERITY,
	 U(0x8cce0d25, 0xc0d0, 0x4a44, 0xbd87, 0x46331bf1df67)},
	{"usr-verity-sig", "alpha", DPS_SIGNATURE,
	 U(0x5c6e1c76, 0x076a, 0x457a, 0xa0fe, 0xf3b4cd21ce6e)},
	{"usr", "arc", DPS_DATA,
	 U(0x7978a683, 0x6316, 0x4922, 0xbbee, 0x38bff5a2fecc)},
	{"usr-verity", "arc", DPS_VERITY,
	 U(0xfca0598c, 0xd880, 0x4591, 0x8c16, 0x4eda05c7347c)},
	{"usr-verity-sig", "arc", DPS_SIGNATURE,
	 U(0x94f9a9a1, 0x9971, 0x427a, 0xa400, 0x50cb297f0f35)},
	{"usr", "arm", DPS_DATA,
	 U(0x7d0359a3, 0x02b3, 0x4f0a, 0x865c, 0x654403e70625)},
	{"usr-verity", "arm", DPS_VERITY,
	 U(0xc215d751, 0x7bcd, 0x4649, 0xbe90, 0x6627490a4c05)},
	{"usr-verity-sig", "arm", DPS_SIGNATURE,
	 U(0xd7ff812f, 0x37d1, 0x4902, 0xa810, 0xd76ba57b975a)},
	{"usr", "arm64", DPS_DATA,
	 U(0xb0e01050, 0xee5f, 0x4390, 0x949a, 0x9101b17104e9)},
	{"usr-verity", "arm64", DPS_VERITY,
	 U(0x6e11a4e7, 0xfbca, 0x4ded, 0xb9e9, 0xe1a512bb664e)},
	{"usr-verity-sig", "arm64", DPS_SIGNATURE,
	 U(0xc23ce4ff, 0x44bd, 0x4b00, 0xb2d4, 0xb41b3419e02a)},
	{"usr", "ia64", DPS_DATA,
	 U(0x4301d2a6, 0x4e3b, 0x4b2a, 0xbb94, 0x9e0b2c4225ea)},
	{"usr-verity", "ia64", DPS_VERITY,
	 U(0x6a491e03, 0x3be7, 0x4545, 0x8e38, 0x83320e0ea880)},
	{"usr-verity-sig", "ia64", DPS_SIGNATURE,
	 U(0x8de58bc2, 0x2a43, 0x460d, 0xb14e, 0xa76e4a17b47f)},
	{"usr", "loongarch64", DPS_DATA,
	 U(0xe611c702, 0x575c, 0x4cbe, 0x9a46, 0x434fa0bf7e3f)},
	{"usr-verity", "loongarch64", DPS_VERITY,
	 U(0xf46b2c26, 0x59ae, 0x48f0, 0x9106, 0xc50ed47f673d)},
	{"usr-verity-sig", "loongarch64", DPS_SIGNATURE,
	 U(0xb024f315, 0xd330, 0x444c, 0x8461, 0x44bbde524e99)},
	{"usr", "mips", DPS_DATA,
	 U(0x773b2abc, 0x2a99, 0x4398, 0x8bf5, 0x03baac40d02b)},
	{"usr-verity", "mips", DPS_VERITY,
	 U(0x6e5a1bc8, 0xd223, 0x49b7, 0xbca8, 0x37a5fcceb996)},
	{"usr-verity-sig", "mips", DPS_SIGNATURE,
	 U(0x97ae158d, 0xf216, 0x497b, 0x8057, 0xf7f905770f54)},
	{"usr", "mips-le", DPS_DATA,
	 U(0x0f4868e9, 0x9952, 0x4706, 0x979f, 0x3ed3a473e947)},
	{"usr-verity", "mips-le", DPS_VERITY,
	 U(0x46b98d8d, 0xb55c, 0x4e8f, 0xaab3, 0x37fca7f80752)},
	{"usr-verity-sig", "mips-le", DPS_SIGNATURE,
	 U(0x3e23ca0b, 0xa4bc, 0x4b4e, 0x8087, 0x5ab6a26aa8a9)},
	{"usr", "mips64", DPS_DATA,
	 U(0x57e13958, 0x7331, 0x4365, 0x8e6e, 0x35eeee17c61b)},
	{"usr-verity", "mips64", DPS_VERITY,
	 U(0x81cf9d90, 0x7458, 0x4df4, 0x8dcf, 0xc8a3a404f09b)},
	{"usr-verity-sig", "mips64", DPS_SIGNATURE,
	 U(0x05816ce2, 0xdd40, 0x4ac6, 0xa61d, 0x37d32dc1ba7d)},
	{"usr", "mips64-le", DPS_DATA,
	 U(0xc97c1f32, 0xba06, 0x40b4, 0x9f22, 0x236061b08aa8)},
	{"usr-verity", "mips64-le", DPS_VERITY,
	 U(0x3c3d61fe, 0xb5f3, 0x414d, 0xbb71, 0x8739a694a4ef)},
	{"usr-verity-sig", "mips64-le", DPS_SIGNATURE,
	 U(0xf2c2c7ee, 0xadcc, 0x4351, 0xb5c6, 0xee9816b66e16)},
	{"usr", "parisc", DPS_DATA,
	 U(0xdc4a4480, 0x6917, 0x4262, 0xa4ec, 0xdb9384949f25)},
	{"usr-verity", "parisc", DPS_VERITY,
	 U(0x5843d618, 0xec37, 0x48d7, 0x9f12, 0xcea8e08768b2)},
	{"usr-verity-sig", "parisc", DPS_SIGNATURE,
	 U(0x450dd7d1, 0x3224, 0x45ec, 0x9cf2, 0xa43a346d71ee)},
	{"usr", "ppc", DPS_DATA,
	 U(0x7d14fec5, 0xcc71, 0x415d, 0x9d6c, 0x06bf0b3c3eaf)},
	{"usr-verity", "ppc", DPS_VERITY,
	 U(0xdf765d00, 0x270e, 0x49e5, 0xbc75, 0xf47bb2118b09)},
	{"usr-verity-sig", "ppc", DPS_SIGNATURE,
	 U(0x7007891d, 0xd371, 0x4a80, 0x86a4, 0x5cb875b9302e)},
	{"usr", "ppc64", DPS_DATA,
	 U(0x2c9739e2, 0xf068, 0x46b3, 0x9fd0, 0x01c5a9afbcca)},
	{"usr-verity", "ppc64", DPS_VERITY,
	 U(0xbdb528a5, 0xa259, 0x475f, 0xa87d, 0xda53fa736a07)},
	{"usr-verity-sig", "ppc64", DPS_SIGNATURE,
	 U(0x0b888863, 0xd7f8, 0x4d9e, 0x9766, 0x239fce4d58af)},
	{"usr", "ppc64-le", DPS_DATA,
	 U(0x15bb03af, 0x77e7, 0x4d4a, 0xb12b, 0xc0d084f7491c)},
	{"usr-verity", "ppc64-le", DPS_VERITY,
	 U(0xee2b9983, 0x21e8, 0x4153, 0x86d9, 0xb6901a54d1ce)},
	{"usr-verity-sig", "ppc64-le", DPS_SIGNATURE,
	 U(0xc8bfbd1e, 0x268e, 0x4521, 0x8bba, 0xbf314c399557)},
	{"usr", "riscv32", DPS_DATA,
	 U(0xb933fb22, 0x5c3f, 0x4f91, 0xaf90, 0xe2bb0fa50702)},
	{"usr-verity", "riscv32", DPS_VERITY,
	 U(0xcb1ee4e3, 0x8cd0, 0x4136, 0xa0a4, 0xaa61a32e8730)},
	{"usr-verity-sig", "riscv32", DPS_SIGNATURE,
	 U(0xc3836a13, 0x3137, 0x45ba, 0xb583, 0xb16c50fe5eb4)},
	{"usr", "riscv64", DPS_DATA,
	 U(0xbeaec34b, 0x8442, 0x439b, 0xa40b, 0x984381ed097d)},
	{"usr-verity", "riscv64", DPS_VERITY,
	 U(0x8f1056be, 0x9b05, 0x47c4, 0x81d6, 0xbe53128e5b54)},
	{"usr-verity-sig", "riscv64", DPS_SIGNATURE,
	 U(0xd2f9000a, 0x7a18, 0x453f, 0xb5cd, 0x4d32f77a7b32)},
	{"usr", "s390", DPS_DATA,
	 U(0xcd0f869b, 0xd0fb, 0x4ca0, 0xb141, 0x9ea87cc78d66)},
	{"usr-verity", "s390", DPS_VERITY,
	 U(0xb663c618, 0xe7bc, 0x4d6d, 0x90aa, 0x11b756bb1797)},
	{"usr-verity-sig", "s390", DPS_SIGNATURE,
	 U(0x17440e4f, 0xa8d0, 0x467f, 0xa46e, 0x3912ae6ef2c5)},
	{"usr", "s390x", DPS_DATA,
	 U(0x8a4f5770, 0x50aa, 0x4ed3, 0x874a, 0x99b710db6fea)},
	{"usr-verity", "s390x", DPS_VERITY,
	 U(0x31741cc4, 0x1a2a, 0x4111, 0xa581, 0xe00b447d2d06)},
	{"usr-verity-sig", "s390x", DPS_SIGNATURE,
	 U(0x3f324816, 0x667b, 0x46ae, 0x86ee, 0x9b0c0c6c11b4)},
	{"usr", "tilegx", DPS_DATA,
	 U(0x55497029, 0xc7c1, 0x44cc, 0xaa39, 0x815ed1558630)},
	{"usr-verity", "tilegx", DPS_VERITY,
	 U(0x2fb4bf56, 0x07fa, 0x42da, 0x8132, 0x6b139f2026ae)},
	{"usr-verity-sig", "tilegx", DPS_SIGNATURE,
	 U(0x4ede75e2, 0x6ccc, 0x4cc8, 0xb9c7, 0x70334b087510)},
	{"usr", "x86", DPS_DATA,
	 U(0x75250d76, 0x8cc6, 0x458e, 0xbd66, 0xbd47cc81a812)},
	{"usr-verity", "x86", DPS_VERITY,
	 U(0x8f461b0d, 0x14ee, 0x4e81, 0x9aa9, 0x049b6fb97abd)},
	{"usr-verity-sig", "x86", DPS_SIGNATURE,
	 U(0x974a71c0, 0xde41, 0x43c3, 0xbe5d, 0x5c5ccd1ad2c0)},
	{"usr", "x86-64", DPS_DATA,
	 U(0x8484680c, 0x9521, 0x48c6, 0x9c11, 0xb0720656f69e)},
	{"usr-verity", "x86-64", DPS_VERITY,
	 U(0x77ff5f63, 0xe7b6, 0x4633, 0xacf4, 0x1565b864c0e6)},
	{"usr-verity-sig", "x86-64", DPS_SIGNATURE,
	 U(0xe7bb33fb, 0x06cf, 0x4e81, 0x8273, 0xe543b413e2e2)},
};
/* clang-format on */

#define TYPES (sizeof(types) / sizeof(types[0]))

static const char *const names[] = {
    "root",
    "usr",
    "root-verity",
    "usr-verity",
    "root-verity-sig",
    "usr-verity-sig",
    "esp",
    "xbootldr",
    "swap",
    "home",
    "srv",
    "var",
    "tmp",
    "user-home",
    "linux-generic",
    NULL,
};

static const char *const architectures[] = {
    "x86",     "x86-64",  "alpha",  "arc",       "arm",    "arm64", "ia64",  "loongarch64",
    "mips",    "mips-le", "mips64", "mips64-le", "parisc", "ppc",   "ppc64", "ppc64-le",
    "riscv32", "riscv64", "s390",   "s390x",     "tilegx", NULL,
};

const struct dps_type *dps_by_name(const char *name, const char *architecture)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (strcmp(types[i].name, name) != 0)
			continue;
		if (!types[i].architecture ||
		    (architecture && strcmp(types[i].architecture, architecture) == 0))
			return &types[i];
	}
	return NULL;
}

const struct dps_type *dps_by_uuid(const struct uuid *uuid)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (uuid_equal(&types[i].uuid, uuid))
			return &types[i];
	}
	return NULL;
}

const struct dps_type *dps_companion(const struct uuid *uuid, enum dps_kind kind)
{
	static const char *const companions[][3] = {
	    {"root", "root-verity", "root-verity-sig"},
	    {"usr", "usr-verity", "usr-verity-sig"},
	};
	const struct dps_type *type = dps_by_uuid(uuid);

	for (size_t i = 0; type && i < 2; i++) {
		if (strcmp(companions[i][0], type->name) == 0)
			return dps_by_name(companions[i][kind], type->architecture);
	}
	return NULL;
}

const char *dps_host_architecture(void)
{
	/* uname(2) has one name for both byte orders of MIPS. */
	const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	const char *const machines[][2] = {
	    {"x86_64", "x86-64"},
	    {"i386", "x86"},
	    {"i486", "x86"},
	    {"i586", "x86"},
	    {"i686", "x86"},
	    {"aarch64", "arm64"},
	    {"armv6l", "arm"},
	    {"armv7l", "arm"},
	    {"armv8l", "arm"},
	    {"riscv64", "riscv64"},
	    {"riscv32", "riscv32"},
	    {"ppc64le", "ppc64-le"},
	    {"ppc64", "ppc64"},
	    {"ppc", "ppc"},
	    {"s390x", "s390x"},
	    {"s390", "s390"},
	    {"loongarch64", "loongarch64"},
	    {"mips", big_endian ? "mips" : "mips-le"},
	    {"mips64", big_endian ? "mips64" : "mips64-le"},
	    {"parisc", "parisc"},
	    {"parisc64", "parisc"},
	    {"alpha", "alpha"},
	    {"ia64", "ia64"},
	};
	struct utsname u;

	if (uname(&u) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (strcmp(machines[i][0], u.machine) == 0)
			return machines[i][1];
	}
	return NULL;
}

const char *const *dps_names(void)
{
	return names;
}

const char *const *dps_architectures(void)
{
	return architectures;
}
