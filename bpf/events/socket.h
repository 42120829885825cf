/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records about connections. Every field is explicit, padding included, and every struct is a multiple of
 * eight bytes long, so that C and Rust see the same layout on every target.
 */
#pragma once

#include "record.h"

enum weir_direction {
	WEIR_SENT = 0,
	WEIR_RECEIVED = 1,
	/* beside it, in a chunk: its time is that of the bytes' arrival, and when they were read is told too */
	WEIR_READ_LATER = 2,
};

enum weir_role {
	WEIR_ROLE_UNKNOWN = 0,
	WEIR_ROLE_CLIENT = 1,
	WEIR_ROLE_SERVER = 2,
};

enum weir_end_cause {
	WEIR_END_LOCAL_FIN = 1,
	WEIR_END_REMOTE_FIN = 2,
	WEIR_END_CLOSED = 3,
	WEIR_END_REMOTE_RESET = 4,
	WEIR_END_LOCAL_RESET = 5,
	WEIR_END_TIMED_OUT = 6,
	WEIR_END_RESET_UNREAD = 7, /* by the peer; what came before may be read until the end is told */
};

enum weir_limits {
	WEIR_UNIX_PATH = 108,
	WEIR_COMMAND = 16,
	WEIR_CHUNK_MAX = 65480, /* payload of one chunk, at most: its record fills 64 KiB */
	WEIR_TAIL = 456,        /* payload of a move's tail, at most */
	WEIR_INSTRUCTIONS = 65536,
	WEIR_PLACES = 65536, /* of connections, by which some are left out */
	WEIR_MOVES = 112,    /* that are told at once: an odd number of cache lines, lest many elements share a set */
	WEIR_SLOTS = 1024,   /* of connections whose moves are told so */
	WEIR_MOVE_DIRECTION = 31, /* where it is in weir_move.length */
};

/* The first time a TCP socket, or a pair of UDP addresses, is seen. The addresses are in network order, IPv4 as v4-mapped. */
struct weir_open_ip {
	__u8 kind;
	__u8 role;
	__u8 from_start;
	__u8 datagrams; /* UDP: each chunk is a datagram, and positions count bytes */
	__u32 netns;
	__u64 time;
	__u64 connection;
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 pad2;
};

/* The first time a Unix stream socket is seen. A path's length counts its bytes; abstract ones start with NUL. */
struct weir_open_unix {
	__u8 kind;
	__u8 role;
	__u8 from_start;
	__u8 pad;
	__u32 netns;
	__u64 time;
	__u64 connection;
	__u64 peer; /* the other end's id */
	__u16 local_length;
	__u16 remote_length;
	__u32 inode; /* of the local socket; 0 where unknown */
	char local[WEIR_UNIX_PATH];
	char remote[WEIR_UNIX_PATH];
};

/* Who does the I/O; written when it changes. */
struct weir_owner {
	__u8 kind;
	__u8 pad[3];
	__u32 pid;
	__u64 time;
	__u64 connection;
	__u64 cgroup;
	char command[WEIR_COMMAND];
};

/* Bytes that moved; `captured` bytes of payload follow. */
struct weir_chunk {
	__u8 kind;
	__u8 direction; /* and WEIR_READ_LATER */
	__u16 captured;
	__u32 length;
	__u64 time;
	__u64 connection;
	__u64 peer; /* Unix, received: the socket that sent them; with WEIR_READ_LATER the time of the read; else 0 */
	__u32 position;
	__u32 previous_end;
	__u32 pid;
	__u32 tid;
};

/* Bytes that moved: so long, and so many nanoseconds after the first ones of its record. */
struct weir_move {
	__u32 after;
	__u32 length; /* and the direction, in bit WEIR_MOVE_DIRECTION */
};

/*
 * Bytes that a process moved, in either direction by one thread, of which nobody wants to see any: an element of the map
 * `held_moves` until there is no place for more, then a record, as long as it has moves. User space chooses the element, best of all
 * the one that belongs to the connection's ports, and puts the connection's id in: the complement of it when it takes the element away.
 */
struct weir_moves {
	__u8 kind;
	__u8 role;
	__u16 count;
	__u32 generation; /* another one after each record */
	__u64 time;       /* of the first */
	__u64 connection;
	__u64 socket;      /* that noted here before; 0 until one did */
	__u32 position[2]; /* by direction: where its first begins */
	__u32 end[2];      /* by direction: where its last ends */
	__u32 tid[2];      /* by direction; 0 where none moved */
	__u32 pid;
	__u32 pad2;
	struct weir_move moves[WEIR_MOVES];
};

enum weir_known_ends {
	WEIR_SENT_END_KNOWN = 1,
	WEIR_RECEIVED_END_KNOWN = 2,
};

/* A direction or the connection ended. */
struct weir_end {
	__u8 kind;
	__u8 cause;
	__u8 known; /* enum weir_known_ends */
	__u8 pad;
	__u32 sent_end;
	__u64 time;
	__u64 connection;
	__u32 received_end;
	__u32 pad2;
};

/*
 * What user space tells about a connection: an element of the map `instructions`, chosen by the connection's id.
 * The word is the tag (upper half) and the order (lower half). Two connections may share an element: the tag says
 * whose it is, the program copies what it finds into the socket's state, and user space says it again if need be.
 */
enum weir_order {
	WEIR_ORDER_IGNORE = 1U << 31,
	/* say again what the connection is, and who uses it: once for each number in bits 0-15, from 1 on */
	WEIR_ORDER_ANNOUNCE = 1U << 30,
	WEIR_ORDER_NUMBER_MASK = 0xffff,
	/* tell only what moved and when, several moves at once: bits 0-15 are the slot, from 1 on; else nothing is captured */
	WEIR_ORDER_MOVES = 1U << 29,
	WEIR_ORDER_SLOT_MASK = 0xffff,
	/*
	 * else: bits 0-11 and 12-23 are the budgets for sent and received bytes, in units of 16 bytes, and these two ask for
	 * the tails of moves that are beyond the budget
	 */
	WEIR_ORDER_TAIL_SENT = 1U << 24,
	WEIR_ORDER_TAIL_RECEIVED = 1U << 25,
	WEIR_ORDER_BUDGET_UNIT = 16,
	WEIR_ORDER_BUDGET_MASK = 0xfff,
	WEIR_ORDER_BUDGET_SHIFT = 12,
};
