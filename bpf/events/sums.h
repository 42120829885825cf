/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What many connections came to, where nobody asks for the single one: added up by who was connected to whom, within an epoch.
 * Nothing is added to the sums of an epoch that is over, so that they can be read and removed without losing anything.
 */
#pragma once

enum weir_sums_limits {
	WEIR_SUMS_EPOCH_SHIFT =
		30,           /* an epoch is the time, as bpf_ktime_get_ns() gives it, without these bits: 1.07 s */
	WEIR_SUMS_SHARDS = 8, /* processors by the remainder: they seldom add to the same sums at once */
	WEIR_SPREAD_BUCKETS = 216, /* each has an upper bound */
	WEIR_SUMS_WINDOW = 16,     /* bounds within a doubling, at most; a power of two */
	WEIR_SUMS_BOUNDS =
		256 + 16, /* those of the buckets, and what no value exceeds up to a window behind any place */
	WEIR_SUMS_LONGEST = 64 * 1000000, /* microseconds: longer lives are told one by one */
	WEIR_SUMS_INTERNET = 0x01000000,  /* 1.0.0.0, which stands for all public addresses of clients */
	WEIR_HANDSHAKES = 512,
	WEIR_TOLD_PROCESSES = 1024,
};

/* Sums of connections that are alike. Addresses as in struct weir_open_ip. */
struct weir_sums_key {
	__u32 epoch;
	__u32 netns;
	__u32 process; /* who had it; 0 where that was not seen */
	__u32 client;  /* of a server: the process at the other end, where that is of this host; else 0 */
	__u8 local[16];
	__u8 remote[16];
	__u16 port; /* the server's */
	__u8 role;
	__u8 moment; /* WEIR_TCP_CLOSED or WEIR_TCP_FAILED */
	__u8 cause;
	__u8 shard;
	__u16 pad;
};

/* Microseconds. Each bucket has the values above the bound before its own, up to that. */
struct weir_spread {
	__u64 sum;
	__u64 squares;
	__u32 least; /* all bits turned, so that 0 is none */
	__u32 most;
	__u32 buckets[WEIR_SPREAD_BUCKETS];
};

struct weir_sums {
	__u64 number;
	__u64 left_out; /* those of them whose bytes are left out */
	__u64 sent;     /* bytes, each once; and received */
	__u64 received;
	__u64 segments_out;
	__u64 segments_in;
	__u64 retransmits;
	struct weir_spread connect;
	struct weir_spread rtt;
	struct weir_spread lifetime;
};
