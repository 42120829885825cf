/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every record in the ring begins with, and the counters of what did not get in. */
#pragma once

/* The head of every record. By their times records of several rings come into one order. */
struct weir_record {
	__u8 kind;   /* enum weir_kind */
	__u8 pad[7]; /* each kind's own */
	__u64 time;  /* as bpf_ktime_get_ns() gives it */
};

enum weir_kind {
	WEIR_OPEN_IP = 1,
	WEIR_OPEN_UNIX = 2,
	WEIR_OWNER = 3,
	WEIR_CHUNK = 4,
	WEIR_END = 5,
	WEIR_EXEC = 6,
	WEIR_EXIT = 7,
	WEIR_TCP = 8,
};

/* Why a record was not written. Place in the map `losses`. */
enum weir_loss {
	WEIR_LOSS_RING_FULL_CHUNK = 0, /* no room for a chunk */
	WEIR_LOSS_RING_FULL_OTHER = 1, /* no room for another record */
	WEIR_LOSS_NO_STATE = 2,        /* no memory for a socket's state */
	WEIR_LOSS_UNREADABLE = 3,      /* payload asked for, but the page was not there */
	WEIR_LOSS_SEGMENTS = 4,        /* more segments in one call than are followed */
	WEIR_LOSS_DATAGRAM = 5,        /* system calls: no peer is known, or too many datagrams in one call */
	WEIR_LOSS_COUNT = 6,
};

enum weir_lane_limits {
	WEIR_LANES = 2,               /* of each processor: enum program_lane */
	WEIR_LANE_BYTES = 128 * 1024, /* a power of two */
	WEIR_LANE_RECORD = 64 * 1024, /* the largest record, its leading word included */
};

/* The short way for most records: see include/lane.h. Positions only grow; a record's place is its position modulo the size. */
struct weir_lane {
	__u64 head; /* behind the last record that is whole; the programs' */
	__u64 pad[7];
	__u64 tail; /* before it all was read; user space's */
	__u64 wanted; /* user space sleeps until there is something, and puts 1 here before; back to 0 once it was woken */
	__u64 pad2[6];
	__u8 bytes[WEIR_LANE_BYTES + WEIR_LANE_RECORD];
};
