/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rings that carry every record to user space, and the counters of what did not fit. Each processor has a ring of its
 * own: with one for all, processors take its lock and positions from each other, which costs an event more than all
 * the rest. Records are submitted without waking the reader, which drains by timer and sees for itself when it should
 * come sooner: even asking how full a ring is would cost every event as much as reading the clock. Where nothing happened
 * for a while the reader goes to sleep, and says so: then the next record wakes it.
 */
#pragma once

#include "../events/record.h"

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024); /* user space puts in others, of the size that was asked for */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* raised before loading to the number of processors */
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/*
 * User space puts 1 here before it sleeps; whoever wakes it puts 0. Where the wish is seen too late, sleep ends by itself soon.
 */
__u32 asleep = 0;

static __always_inline void count_losses(__u32 cause, __u64 number)
{
	__u64 *count = bpf_map_lookup_elem(&losses, &cause);

	if (count)
		*count += number;
}

static __always_inline void count_loss(__u32 cause)
{
	count_losses(cause, 1);
}

/* This processor's ring. */
static __always_inline void *own_ring(void)
{
	__u32 processor = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &processor);
}

/* Room for a record of a size that the verifier knows; NULL when there is none. */
static __always_inline void *reserve(__u64 size)
{
	void *ring = own_ring();

	return ring ? bpf_ringbuf_reserve(ring, size, 0) : NULL;
}

/* An empty record of a type, whose size the verifier knows; NULL, and counted, when there is no room. */
static __always_inline void *new_record(__u64 size, __u8 kind, __u64 time)
{
	struct weir_record *record = reserve(size);

	if (!record) {
		count_loss(WEIR_LOSS_RING_FULL_OTHER);
		return NULL;
	}
	__builtin_memset(record, 0, size);
	record->kind = kind;
	record->time = time;
	return record;
}

/* How to hand a record over: who reads them is woken if he sleeps. */
static __always_inline __u64 wakeup(void)
{
	if (!asleep)
		return BPF_RB_NO_WAKEUP;
	asleep = 0;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void submit(void *record)
{
	bpf_ringbuf_submit(record, wakeup());
}
