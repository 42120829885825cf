/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses as records hold them: all of them IPv6's. */
#pragma once

static __always_inline void v4_mapped(__u8 to[16], __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}
