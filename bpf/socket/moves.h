/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Of a connection whose other end is read on this host only the times are wanted at which its bytes moved. To hand over a record
 * for each would cost more than all the rest: they are held in an element of a map, by direction, and told several at once. User
 * space can see them there: it takes those that wait for long. The moves of one direction come one after the other, since the
 * socket's lock is held, so no two processors write to an element.
 */
#pragma once

#include "transfer.h"

#ifdef HOLDS_MOVES

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * WEIR_SLOTS); /* by slot and direction */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_moves);
} held_moves SEC(".maps");

/* Where they are held; NULL where the slot is another connection's by now. */
static __always_inline struct weir_moves *held_of(struct connection *c, __u32 direction)
{
	__u32 place = 2 * c->slot + (direction & 1);
	struct weir_moves *held = bpf_map_lookup_elem(&held_moves, &place);

	return held && held->connection == c->id ? held : NULL;
}

static __always_inline void tell_held(struct weir_moves *held)
{
	void *ring = own_ring();

	if (!held->count)
		return;
	/* The next record's position is then beyond what user space has seen: it knows what was lost. */
	if (!ring || bpf_ringbuf_output(ring, held, sizeof(*held), wakeup()))
		count_losses(WEIR_LOSS_RING_FULL_CHUNK, held->count);
	held->generation++;
	held->count = 0;
}

static __noinline int tell_both(struct connection *c)
{
	struct weir_moves *held;

	if (!c)
		return 0;
	held = held_of(c, WEIR_SENT);
	if (held)
		tell_held(held);
	held = held_of(c, WEIR_RECEIVED);
	if (held)
		tell_held(held);
	return 0;
}

/* Its bytes are wanted again, or nothing is: what was held was given up with the slot. */
static __always_inline void let_go(struct connection *c)
{
	c->slot = 0;
	c->speaker = 0;
}

/* What was held is told before what comes next. */
static __always_inline void tell_what_is_held(struct connection *c)
{
	if (c->slot)
		tell_both(c);
}

/*
 * Notes that `length` bytes moved, and all that was left out before them. False where that is not the way to
 * tell it. A function of its own, since several places call it that the verifier would follow one by one.
 */
static __noinline int hold(struct transfer *m, __u32 length)
{
	__u32 direction = m->direction & 1;
	struct connection *c = m->c;
	struct weir_moves *held;
	__u32 count, end, fresh;
	__u64 after;

	if (!c)
		return false;
	held = held_of(c, direction);
	if (!held) {
		c->slot = 0;
		return false;
	}
	c->speaker = direction + 1;
	end = m->position + length;
	fresh = end - c->end[direction];
	if ((__s32)fresh <= 0) /* a peek, or a send that is tried again */
		return true;
	after = m->time - held->time;
	if (held->count && (held->end != c->end[direction] || held->tid != (__u32)m->process || after >> 32))
		tell_held(held);
	count = held->count;
	if (!count) {
		held->kind = WEIR_MOVED;
		held->direction = direction;
		held->time = m->time;
		held->position = c->end[direction];
		held->pid = m->process >> 32;
		held->tid = (__u32)m->process;
		after = 0;
	}
	if (count >= WEIR_MOVES)
		return false;
	held->moves[count].after = (__u32)after;
	held->moves[count].length = fresh;
	held->end = c->end[direction] = end;
	held->count = count + 1;
	if (count + 1 == WEIR_MOVES)
		tell_held(held);
	return true;
}

#else /* each move is told, without its bytes */

static __always_inline void let_go(struct connection *c)
{
	c->slot = 0;
}

static __always_inline int hold(struct transfer *m, __u32 length)
{
	return false;
}

#endif

/* Nobody wants to see any bytes from now on. */
static __always_inline void hold_from_now(struct connection *c, __u16 slot)
{
	c->slot = slot;
	c->left[WEIR_SENT] = c->left[WEIR_RECEIVED] = 0;
	c->budget[WEIR_SENT] = c->budget[WEIR_RECEIVED] = 0;
	c->flags &= ~(TAILS | TAILS_RECEIVED | RETOLD | YOUNG);
}
