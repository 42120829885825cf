/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes one chunk: which bytes of the stream moved, and as many of them as the budget allows. */
#pragma once

#include "transfer.h"

#ifdef PLAIN_POINTERS
/* Packets cannot be read through plain pointers: FROM_PACKET is not used. */
#define CAN_READ_PACKETS 0
static __always_inline long read_packet(void *to, __u64 length, const void *packet, __u32 offset)
{
	return -1;
}
#endif

/* Where the payload is. */
enum source {
	FROM_NOWHERE,
	FROM_USER,   /* an address of the current process */
	FROM_PACKET, /* a struct sk_buff, by dynptr */
	FROM_KERNEL, /* an address of the kernel, with so many bytes as `skip` says */
};

/*
 * Takes no bit of `number` away that it can have, but from the verifier all that it knows of it besides: that it equals another,
 * or is less. Without that it follows what comes next anew for each way in which the number became what it is.
 */
#define FORGET(number, bits) asm volatile("%0 &= %1" : "+r"(number) : "i"(bits))

enum {
	MOVE_BITS = 0x7fffffff, /* no call moves more */
	TAIL_BITS = 0x1ff,
};
_Static_assert(WEIR_TAIL <= TAIL_BITS, "a tail would be cut");

/*
 * The ring wants sizes that the verifier knows, so payloads are rounded up to one of a few; small records then fill 64, 128,
 * 256 ... bytes with their two headers, and large ones hold what is often read at once. What is not filled is never read. Returns the capacity.
 */
static __always_inline struct weir_chunk *reserve_chunk(__u64 wanted)
{
	void *ring = own_ring();

	if (!ring)
		return NULL;
#define RESERVE(capacity)         \
	if (wanted <= (capacity)) \
	return bpf_ringbuf_reserve(ring, sizeof(struct weir_chunk) + (capacity), 0)
	RESERVE(8);
	RESERVE(72);
	RESERVE(200);
	RESERVE(456);
	RESERVE(968);
	RESERVE(1992);
	RESERVE(4040);
#ifndef FEW_SIZES
	RESERVE(8192);
	RESERVE(16384);
	RESERVE(32768);
#endif
	return bpf_ringbuf_reserve(ring, sizeof(struct weir_chunk) + WEIR_CHUNK_MAX, 0);
#undef RESERVE
}

enum {
	YOUTH = 50 * 1000 * 1000, /* ns: user space sees a run and says what is needed well within this time */
	ROOM = 4,                 /* what may lie unread in a ring while the young get more: a part of so many */
};

static __always_inline bool grows_up(struct connection *c, __u64 now)
{
	if (!(c->flags & YOUNG) || (__s64)(now - c->grown) < 0)
		return false;
	c->flags &= ~(YOUNG | TAILS | TAILS_RECEIVED);
	return true;
}

/*
 * A connection's first runs may be anything: a program may connect, send a thousand commands at once and be gone before
 * user space has seen one of them. So for a moment more is captured than is needed for most, unless there is much to read
 * already. A function of its own, since it is seldom run.
 */
static __noinline int run_of_young(struct connection *c, __u32 direction, __u64 now)
{
	void *ring = own_ring();

	if (!c || !ring)
		return 0;
	if (!c->grown)
		c->grown = now + YOUTH;
	if (grows_up(c, now))
		return 0;
	c->flags |= TAILS | TAILS_RECEIVED;
	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / ROOM)
		c->left[direction & 1] = young_budget;
	return 0;
}

/* Of `length` bytes that move at `now`, those that the run's budget still has. */
static __always_inline __u64 take_from_budget(struct connection *c, __u32 direction, __u64 now, __u64 length)
{
	__u32 left;

	direction &= 1;
	if (c->speaker != direction + 1) {
		c->speaker = direction + 1;
		c->left[direction] = c->budget[direction];
		if (c->flags & YOUNG)
			run_of_young(c, direction, now);
	}
	left = c->left[direction];
	if (length > left)
		length = left;
	if (length > WEIR_CHUNK_MAX)
		length = WEIR_CHUNK_MAX;
	c->left[direction] = left - (__u32)length;
	return length;
}

static __always_inline bool wants_tails(struct transfer *m)
{
	return m->c->flags & (TAILS << (m->direction & 1));
}

/* Fills in what a chunk of `length` bytes at m->position is, but for its payload. */
static __always_inline void describe_chunk(struct weir_chunk *chunk, struct transfer *m, __u32 length)
{
	chunk->kind = WEIR_CHUNK;
	chunk->direction = m->direction & (1 | WEIR_READ_LATER);
	chunk->length = length;
	chunk->connection = m->c->id;
	chunk->peer = m->peer;
	chunk->time = m->time;
	chunk->position = m->position;
	chunk->previous_end = m->c->end[m->direction & 1];
	chunk->pid = m->process >> 32;
	chunk->tid = (__u32)m->process;
}

/*
 * Reports the last `length` bytes of a move, whose beginning was reported: what a message ends with may tell more than the
 * rest of it. They are no part of the budget. A function of its own, since few ever need it.
 */
static __noinline int write_tail(struct transfer *m, __u64 length, enum source source, const void *from, __u32 skip)
{
	struct weir_chunk *chunk = reserve(sizeof(struct weir_chunk) + WEIR_TAIL);
	long failed;

	if (chunk) {
		if (length > WEIR_TAIL) /* it is not, but the verifier does not know */
			length = WEIR_TAIL;
		describe_chunk(chunk, m, length);
		if (source == FROM_USER)
			failed = bpf_probe_read_user(chunk + 1, length, from);
		else
			failed = read_packet(chunk + 1, length, from, skip);
		chunk->captured = failed ? 0 : length;
		submit(chunk);
	} else {
		count_loss(WEIR_LOSS_RING_FULL_CHUNK);
	}
	m->c->end[m->direction & 1] = m->position + length;
	grows_up(m->c, m->time); /* a run may be long */
	return 0;
}

/*
 * Reports `length` bytes at m->position, with payload from `from` as far as the budget goes, and their tail where that is
 * wanted. `skip` is the payload's place in a packet. False when nothing was reported, because there will be a better time.
 */
static __always_inline bool write_chunk(struct transfer *m, __u32 length, enum source source, const void *from,
					__u32 skip)
{
	struct connection *c = m->c;
	__u32 direction = m->direction & 1;
	__u32 there = source == FROM_KERNEL ? skip : length;
	__u64 wanted = take_from_budget(c, direction, m->time, source == FROM_NOWHERE ? 0 : there);
	bool tells_tails = source == FROM_USER || source == FROM_PACKET;
	struct weir_chunk *chunk;
	__u64 tail = 0;
	long failed = 0;

	if (tells_tails && length > wanted && wants_tails(m)) {
		tail = length - wanted;
		if (tail > WEIR_TAIL)
			tail = WEIR_TAIL;
		length -= tail;
		FORGET(tail, TAIL_BITS);
		FORGET(length, MOVE_BITS);
		if (!length) {
			write_tail(m, tail, source, from, skip);
			return true;
		}
	}
#ifdef PLAIN_POINTERS
	/* Without it 5.10 and 6.1 refuse what kprobes run. */
	barrier_var(wanted);
#endif
	chunk = reserve_chunk(wanted);
	if (!chunk) {
		/* The next chunk's previous_end is then beyond what user space has seen: it knows what was lost. */
		count_loss(WEIR_LOSS_RING_FULL_CHUNK);
		c->end[direction] = m->position + length + tail;
		return true;
	}
	describe_chunk(chunk, m, length);
	if (wanted) {
		if (source == FROM_USER)
			failed = bpf_probe_read_user(chunk + 1, wanted, from);
		else if (source == FROM_KERNEL)
			failed = bpf_probe_read_kernel(chunk + 1, wanted, from);
		else
			failed = read_packet(chunk + 1, wanted, from, skip);
		if (failed && m->again) {
			c->left[direction] += wanted;
			bpf_ringbuf_discard(chunk, BPF_RB_NO_WAKEUP);
			return false;
		}
		if (failed)
			count_loss(WEIR_LOSS_UNREADABLE);
	}
	chunk->captured = failed ? 0 : wanted;
	if (direction == WEIR_RECEIVED && wanted)
		c->shown = m->position + wanted;
	c->end[direction] = m->position + length;
	submit(chunk);
	if (tail) {
		struct transfer rest = *m;

		rest.position += length;
		write_tail(&rest, tail, source, source == FROM_USER ? (const char *)from + length : from,
			   skip + length);
	}
	return true;
}
