/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel itself counts of a TCP socket, told when it opens, at intervals, and when it is closed. */
#pragma once

#include "record.h"

enum weir_tcp_moment {
	WEIR_TCP_OPENED = 1,  /* established, or listening */
	WEIR_TCP_GOES_ON = 2, /* found by the iterator */
	WEIR_TCP_CLOSED = 3,
	WEIR_TCP_FAILED = 4, /* a connect that came to nothing */
};

/* Why a connection was closed, or a connect failed. */
enum weir_tcp_cause {
	WEIR_TCP_LOCAL_FIN = 1,  /* this side ended first */
	WEIR_TCP_REMOTE_FIN = 2, /* the peer did */
	WEIR_TCP_LOCAL_RESET = 3,
	WEIR_TCP_REMOTE_RESET = 4,
	WEIR_TCP_TIMED_OUT = 5,
	WEIR_TCP_UNREACHABLE = 6,
	WEIR_TCP_ABORTED = 7, /* by an administrator, or given up by the process */
	WEIR_TCP_REFUSED = 8,
	WEIR_TCP_LOCAL_ADDRESS = 9, /* no address or port was to be had */
	WEIR_TCP_OTHER = 10,
};

enum weir_tcp_flags {
	WEIR_TCP_FIN_RECEIVED = 1, /* and counted in `received`, though it is no byte */
};

/* It tells all that is to be known, so that what was lost before is made up for. Addresses as in struct weir_open_ip. */
struct weir_tcp {
	__u8 kind;
	__u8 moment;
	__u8 state; /* enum tcp_state; of a closed one the last before */
	__u8 role;
	__u8 cause;
	__u8 flags;
	__u16 local_port;
	__u64 time;
	__u64 connection;
	__u64 began; /* when its SYN was sent, or a server's was established; 0 where unknown */
	__u8 local[16];
	__u8 remote[16];
	__u32 netns;
	__u32 inode;   /* 0 while nobody has it open */
	__u32 process; /* who has it, where that was seen; else 0 */
	__u32 connect; /* microseconds from the SYN to established, of a client */
	/* The rest is as `tcp_sock` counts it. */
	__u64 sent; /* retransmitted bytes included */
	__u64 acked;
	__u64 received;
	__u64 retransmitted;
	__u32 segments_out;
	__u32 segments_in;
	__u32 data_segments_out;
	__u32 data_segments_in;
	__u32 retransmits;
	__u32 lost;
	__u32 reordered;
	__u32 out_of_order;
	__u32 duplicates;
	__u32 delivered;
	__u32 rtt; /* microseconds, all three */
	__u32 rtt_variation;
	__u32 rtt_min; /* all ones where it was never measured */
	__u32 window;  /* congestion window, segments */
	__u32 segment_size;
	__u32 unacked; /* segments */
	__u32 unsent;  /* bytes, here and below */
	__u32 unread;
	__u32 backlog; /* of one that listens */
	__u32 backlog_limit;
	__u32 drops;
	__u16 remote_port;
	__u16 pad;
};
