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
	WEIR_MOVED = 9,
};

/* Why a record was not written. Place in the map `losses`. */
enum weir_loss {
	WEIR_LOSS_RING_FULL_CHUNK = 0, /* no room for a chunk */
	WEIR_LOSS_RING_FULL_OTHER = 1, /* no room for another record */
	WEIR_LOSS_NO_STATE = 2,        /* no memory for a socket's state */
	WEIR_LOSS_UNREADABLE = 3,      /* payload asked for, but the page was not there */
	WEIR_LOSS_SEGMENTS = 4,        /* more segments in one call than are followed */
	WEIR_LOSS_DATAGRAM = 5,        /* system calls: no peer is known, or too many datagrams in one call */
	WEIR_LOSS_NO_SUM = 6,          /* no loss: no room for a sum, so that a record was written in its place */
	WEIR_LOSS_COUNT = 7,
};
