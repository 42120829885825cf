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

/* The last direction that moved, plus one: of what is held; else `before`. */
static __always_inline __u8 last_to_move(struct weir_moves *held, __u8 before)
{
	__u32 last = held->count - 1;

	return last < WEIR_MOVES ? (held->moves[last].length >> WEIR_MOVE_DIRECTION) + 1 : before;
}

/* What was noted without a look at the connection's state. */
static __always_inline void catch_up(struct connection *c, struct weir_moves *held)
{
	if (!held->socket)
		return;
	c->end[WEIR_SENT] = held->end[WEIR_SENT];
	c->end[WEIR_RECEIVED] = held->end[WEIR_RECEIVED];
	c->speaker = last_to_move(held, c->speaker);
}

/* Where they are held; NULL where they are not, or user space took the slot away. */
static __always_inline struct weir_moves *held_of(struct connection *c)
{
	__u32 slot = c->slot;
	struct weir_moves *held;

	if (!slot)
		return NULL;
	held = bpf_map_lookup_elem(&held_moves, &slot);
	if (held && held->connection == c->id) {
		catch_up(c, held);
		return held;
	}
	if (held && held->connection == ~c->id) {
		catch_up(c, held);
		held->socket = 0;
	}
	c->slot = 0;
	return NULL;
}

/*
 * The element that belongs to a socket's ports, if it is this socket's: what user space prefers for it, and all that has to be touched of
 * a connection that goes on as before. The state that is remembered of it is far away: three cache lines, one behind the other.
 */
static __always_inline struct weir_moves *held_at(struct sock *sk)
{
	__u64 socket = sk->__sk_common.skc_cookie.counter;
	__u32 slot = place_of(sum_of_ports(sk)) / (WEIR_PLACES / WEIR_SLOTS);
	struct weir_moves *held;

	if (state_in_hash || left_out || !socket)
		return NULL;
	held = bpf_map_lookup_elem(&held_moves, &slot);
	return held && held->socket == socket && (__s64)held->connection > 0 ? held : NULL;
}

static __always_inline void tell_held(struct weir_moves *held)
{
	__u32 count = held->count;
	void *ring = own_ring();

	if (!count || count > WEIR_MOVES)
		return;
	/* The next record's positions are then beyond what user space has seen: it knows what was lost. */
	if (!ring ||
	    bpf_ringbuf_output(ring, held, offsetof(struct weir_moves, moves) + count * sizeof(struct weir_move),
			       wakeup()))
		count_losses(WEIR_LOSS_RING_FULL_CHUNK, count);
	held->generation++;
	held->count = 0;
}

/*
 * What was held is told before what comes next, and the socket notes nothing more without a look at its state. A function of its own, since
 * it is seldom run.
 */
static __noinline int tell_what_is_held(struct connection *c)
{
	struct weir_moves *held = c ? held_of(c) : NULL;

	if (!held)
		return 0;
	tell_held(held);
	held->socket = 0;
	return 0;
}

/* Its bytes are wanted again, or nothing is: what was held was given up with the slot. */
static __noinline int give_up_slot(struct connection *c)
{
	struct weir_moves *held = c ? held_of(c) : NULL;

	if (held)
		held->socket = 0;
	if (c)
		c->slot = 0;
	return 0;
}

static __always_inline void let_go(struct connection *c)
{
	give_up_slot(c);
	c->speaker = 0;
}

/* In weir_moves.socket: one that has no cookie yet. */
static const __u64 NO_COOKIE = ~0ULL;

/* Where the moves of this socket's connection are held, which from here on says where its directions stand; NULL where they are not. */
static __always_inline struct weir_moves *held_for(struct sock *sk, struct connection *c)
{
	struct weir_moves *held = held_of(c);

	if (!held || held->socket)
		return held;
	held->end[WEIR_SENT] = c->end[WEIR_SENT];
	held->end[WEIR_RECEIVED] = c->end[WEIR_RECEIVED];
	held->role = c->role;
	held->socket = NO_COOKIE;
	return held;
}

/* A socket has a cookie once somebody asks for it; only where it sends does the verifier trust its pointer enough. */
static __always_inline void know_socket(struct weir_moves *held, struct sock *sk)
{
	if (!state_in_hash && held && held->socket == NO_COOKIE)
		held->socket = bpf_get_socket_cookie(sk);
}

/* The first of a record: it says where both directions stand. */
static __always_inline void begin_record(struct weir_moves *held, struct transfer *m)
{
	held->kind = WEIR_MOVED;
	held->time = m->time;
	held->position[WEIR_SENT] = held->end[WEIR_SENT];
	held->position[WEIR_RECEIVED] = held->end[WEIR_RECEIVED];
	held->tid[WEIR_SENT] = held->tid[WEIR_RECEIVED] = 0;
	held->pid = m->process >> 32;
}

/* It does not fit into a record with what was held before. */
static __always_inline bool is_apart(struct weir_moves *held, struct transfer *m, __u32 direction)
{
	__u32 tid = held->tid[direction];

	return (tid && tid != (__u32)m->process) || held->pid != m->process >> 32 || (m->time - held->time) >> 32;
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
	fresh = end - held->end[direction];
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
 * do, which the long way does.
 */
static __always_inline bool hold_quickly(struct weir_moves *held, __u32 direction, __u64 time, __u32 end)
{
	__u32 fresh = end - held->end[direction];
	__u64 after = time - held->time;
	__u32 count = held->count;

	if (!count || count >= WEIR_MOVES - 1 || (__s32)fresh <= 0 || after >> 32)
		return false;
	if (held->tid[direction] != (__u32)bpf_get_current_pid_tgid())
		return false;
	held->moves[count].after = after;
	held->moves[count].length = fresh | direction << WEIR_MOVE_DIRECTION;
	held->end[direction] = end;
	held->count = count + 1;
	return true;
}

#else /* each move is told, without its bytes */

enum { CAN_HOLD = false };

static __always_inline void let_go(struct connection *c)
{
	c->slot = 0;
}

static __always_inline struct weir_moves *held_for(struct sock *sk, struct connection *c)
{
	return NULL;
}

static __always_inline void know_socket(struct weir_moves *held, struct sock *sk)
{
}

static __always_inline void give_up_slot(struct connection *c)
{
	c->slot = 0;
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
	c->flags &= ~(TAILS | TAILS_RECEIVED | YOUNG);
}
