/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Of a connection whose other end is read on this host only the times are wanted at which its bytes moved. To hand over a record
 * for each would cost more than all the rest: they are held in an element of a map, and told several at once. User space can see them
 * there: it takes those that wait for long. The moves of a connection come one after the other, since the socket's lock is held, so
 * no two processors write to an element.
 */
#pragma once

#include "transfer.h"

#ifdef HOLDS_MOVES

enum { CAN_HOLD = true };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_moves);
} held_moves SEC(".maps");

/* Where they are held; NULL where they are not, or the slot is another connection's by now. */
static __always_inline struct weir_moves *held_of(struct connection *c)
{
	__u32 slot = c->slot;
	struct weir_moves *held;

	if (!slot)
		return NULL;
	held = bpf_map_lookup_elem(&held_moves, &slot);
	if (held && held->connection == c->id)
		return held;
	c->slot = 0;
	return NULL;
}

static __always_inline void tell_held(struct weir_moves *held)
{
	void *ring = own_ring();

	if (!held->count)
		return;
	/* The next record's positions are then beyond what user space has seen: it knows what was lost. */
	if (!ring || bpf_ringbuf_output(ring, held, sizeof(*held), wakeup()))
		count_losses(WEIR_LOSS_RING_FULL_CHUNK, held->count);
	held->generation++;
	held->count = 0;
}

/* What was held is told before what comes next. A function of its own, since it is seldom run. */
static __noinline int tell_what_is_held(struct connection *c)
{
	struct weir_moves *held = c ? held_of(c) : NULL;

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

/* The first of a record: it says where both directions stand. */
static __always_inline void begin_record(struct weir_moves *held, struct transfer *m)
{
	held->kind = WEIR_MOVED;
	held->time = m->time;
	held->position[WEIR_SENT] = held->end[WEIR_SENT] = m->c->end[WEIR_SENT];
	held->position[WEIR_RECEIVED] = held->end[WEIR_RECEIVED] = m->c->end[WEIR_RECEIVED];
	held->tid[WEIR_SENT] = held->tid[WEIR_RECEIVED] = 0;
	held->pid = m->process >> 32;
}

/* It does not fit into a record with what was held before. */
static __always_inline bool is_apart(struct weir_moves *held, struct transfer *m, __u32 direction)
{
	__u32 tid = held->tid[direction];

	return held->end[direction] != m->c->end[direction] || (tid && tid != (__u32)m->process) ||
	       held->pid != m->process >> 32 || (m->time - held->time) >> 32;
}

/*
 * Notes in m->held that `length` bytes moved, and all that was left out before them. A function of its own, since several
 * places call it that the verifier would follow one by one.
 */
static __noinline int hold(struct transfer *m, __u32 length)
{
	__u32 direction = m->direction & 1;
	struct weir_moves *held = m->held;
	struct connection *c = m->c;
	__u32 count, end, fresh;

	if (!c || !held)
		return 0;
	c->speaker = direction + 1;
	end = m->position + length;
	fresh = end - c->end[direction];
	if ((__s32)fresh <= 0) /* a peek, or a send that is tried again */
		return 0;
	if (held->count && is_apart(held, m, direction))
		tell_held(held);
	count = held->count;
	if (!count)
		begin_record(held, m);
	if (count >= WEIR_MOVES)
		return 0;
	held->tid[direction] = (__u32)m->process;
	held->moves[count].after = m->time - held->time;
	held->moves[count].length = fresh | direction << WEIR_MOVE_DIRECTION;
	held->end[direction] = c->end[direction] = end;
	held->count = count + 1;
	if (count + 1 == WEIR_MOVES)
		tell_held(held);
	return 0;
}

/*
 * Notes what goes on as before: the bytes up to `end`, that this thread moved as it moved the last ones. False where there is more to
 * do, which the long way does. It is short since that counts: what a request costs is half for code that is not in the cache.
 */
static __always_inline bool hold_quickly(struct connection *c, struct weir_moves *held, __u32 direction, __u64 time,
					 __u32 end)
{
	__u32 fresh = end - c->end[direction];
	__u64 after = time - held->time;
	__u32 count = held->count;

	if (!count || count >= WEIR_MOVES - 1 || (__s32)fresh <= 0 || after >> 32)
		return false;
	if (held->end[direction] != c->end[direction] || held->tid[direction] != (__u32)bpf_get_current_pid_tgid())
		return false;
	held->moves[count].after = after;
	held->moves[count].length = fresh | direction << WEIR_MOVE_DIRECTION;
	held->end[direction] = c->end[direction] = end;
	held->count = count + 1;
	c->speaker = direction + 1;
	return true;
}

#else /* each move is told, without its bytes */

enum { CAN_HOLD = false };

static __always_inline void let_go(struct connection *c)
{
	c->slot = 0;
}

static __always_inline struct weir_moves *held_of(struct connection *c)
{
	return NULL;
}

static __always_inline int tell_what_is_held(struct connection *c)
{
	return 0;
}

static __always_inline int hold(struct transfer *m, __u32 length)
{
	return 0;
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
