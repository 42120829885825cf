/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes: the short way to user space, for the two programs that write nearly every record. A ring costs each record a lock, and an
 * exchange that waits until all that was written before has left the processor. A lane needs neither: it belongs to one
 * program on one processor, and the kernel does not run a program twice at once on a processor (what it refuses is counted as
 * missed runs). It is small enough to stay in the processor's cache, and what it has no room for goes by the ring:
 * user space merges both by time.
 *
 * What a program says of a connection goes the same way as its bytes, for these may be stamped with an earlier time than what
 * another program wrote to the ring before.
 *
 * A record is led by a word with its length, as in a ring, and is never cut: one that begins before the end goes on
 * behind it. Stores become visible in their order on this architecture (x86); one that may reorder them needs a release where
 * `head` is stored, and has no lanes until then.
 */
#pragma once

/* The program that writes. */
enum program_lane {
	NO_LANE,
	LANE_SENT,
	LANE_RECEIVED,
};

enum { LANE_HEADER = 8 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_LANES); /* raised before loading to that of all processors that are online */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_lane);
} lanes SEC(".maps");

/* This processor's lane of that program, if there is room for a record of `size` bytes in it. */
static __always_inline struct weir_lane *lane_with_room(enum program_lane program, __u32 size)
{
#ifdef __TARGET_ARCH_x86
	__u32 place = bpf_get_smp_processor_id() * WEIR_LANES + program - LANE_SENT;
	struct weir_lane *lane = bpf_map_lookup_elem(&lanes, &place);

	return lane && lane->head - lane->tail + LANE_HEADER + size <= WEIR_LANE_BYTES ? lane : NULL;
#else
	return NULL;
#endif
}

/* Where the next record goes. */
static __always_inline void *lane_place(struct weir_lane *lane)
{
	return lane->bytes + (lane->head & (WEIR_LANE_BYTES - 1)) + LANE_HEADER;
}

/*
 * Somebody has been asleep for want of records. A discarded one of the ring carries the call. Should the wish be seen too late,
 * sleep ends by itself soon.
 */
static __noinline int wake_reader(struct weir_lane *lane)
{
	void *call;

	if (!lane)
		return 0;
	lane->wanted = 0;
	call = reserve(8);
	if (call)
		bpf_ringbuf_discard(call, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* The record that is there now is whole, and `size` bytes long. */
static __always_inline void lane_submit(struct weir_lane *lane, void *record, __u32 size)
{
	*(__u64 *)(record - LANE_HEADER) = size;
	barrier();
	*(volatile __u64 *)&lane->head = lane->head + LANE_HEADER + ((size + 7) & ~7U);
	if (lane->wanted)
		wake_reader(lane);
}

/* The program's lane where that has room; it is NULL where the record goes to the ring. */
static __always_inline struct weir_lane *lane_of(enum program_lane program, __u32 size)
{
	return program == NO_LANE ? NULL : lane_with_room(program, size);
}

/* As new_record(), on this lane if there is one. */
static __always_inline void *new_record_on(struct weir_lane *lane, __u64 size, __u8 kind, __u64 time)
{
	struct weir_record *record = lane ? lane_place(lane) : reserve(size);

	return start_record(record, size, kind, time);
}

static __always_inline void submit_on(struct weir_lane *lane, void *record, __u32 size)
{
	if (lane)
		lane_submit(lane, record, size);
	else
		submit(record);
}
