/* SPDX-License-Identifier: Apache-2.0 */
/* From a member to the struct that it is in. */
#ifndef HOLDFAST_BASE_CONTAINER_H
#define HOLDFAST_BASE_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

/* The compiler checks that @pointer is a pointer to what @member is. */
#define container_of(pointer, type, member)                                                        \
	({                                                                                         \
		const __typeof__(((type *)0)->member) *member_ = (pointer);                        \
		(type *)((uintptr_t)member_ - offsetof(type, member));                             \
	})

#endif
