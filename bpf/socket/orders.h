/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space says of a connection. */
#pragma once

#include "moves.h"

/* One word for each connection from user space: see enum weir_order. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_INSTRUCTIONS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} instructions SEC(".maps");

/* Takes what user space last said about this connection. True when it is to be left alone. */
static __always_inline bool told_to_ignore(struct connection *c)
{
	__u32 slot = (__u32)(c->id >> 8) & (WEIR_INSTRUCTIONS - 1);
	__u64 *instruction = bpf_map_lookup_elem(&instructions, &slot);
	__u64 word;

	if (!instruction)
		return false;
	word = *instruction;
	if (word >> 32 != (c->id >> 24 & 0xffffffff))
		return false;
	if (c->slot && !(word & WEIR_ORDER_MOVES))
		let_go(c);
	if (word & WEIR_ORDER_IGNORE) {
		c->flags |= IGNORED;
		return true;
	}
	if (word & WEIR_ORDER_ANNOUNCE) {
		if (c->retold != (word & WEIR_ORDER_NUMBER_MASK)) {
			c->retold = word & WEIR_ORDER_NUMBER_MASK;
			c->flags &= ~ANNOUNCED;
			c->owner = 0;
			/* What it was told before is not known any more. */
			c->budget[WEIR_SENT] = default_budget;
			c->budget[WEIR_RECEIVED] = default_budget;
			if (c->speaker != LEFT_OUT) /* that has yet to come back */
				c->speaker = 0;
		}
		return false;
	}
	if (word & WEIR_ORDER_MOVES) {
		hold_from_now(c, word & WEIR_ORDER_SLOT_MASK);
		return false;
	}
	c->budget[WEIR_SENT] = (word & WEIR_ORDER_BUDGET_MASK) * WEIR_ORDER_BUDGET_UNIT;
	c->budget[WEIR_RECEIVED] = (word >> WEIR_ORDER_BUDGET_SHIFT & WEIR_ORDER_BUDGET_MASK) * WEIR_ORDER_BUDGET_UNIT;
	c->flags &= ~(TAILS | TAILS_RECEIVED | YOUNG);
	if (word & WEIR_ORDER_TAIL_SENT)
		c->flags |= TAILS;
	if (word & WEIR_ORDER_TAIL_RECEIVED)
		c->flags |= TAILS_RECEIVED;
	return false;
}
