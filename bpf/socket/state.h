/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is remembered of a socket: in sk_storage, which lives and dies with it. Where that cannot be had (5.10, kprobes,
 * and for Unix sockets, of which a packet names only the sender in a way that the verifier trusts), in a hash keyed by
 * the socket's address; an entry carries the socket's inode number, so that one left behind by an earlier socket at the
 * same address is not taken for this one's.
 */
#pragma once

#include "../events/socket.h"

enum connection_flags {
	ANNOUNCED = 1,  /* user space has its WEIR_OPEN record */
	IGNORED = 2,    /* user space does not want it */
	FROM_START = 4, /* seen from its first byte */
	MIXED = 8,      /* several threads are, or just were, within a send at once */
	/* The last bytes of a move are wanted, also beyond the budget: by direction, WEIR_SENT first. */
	TAILS = 16,
	TAILS_RECEIVED = 32,
	YOUNG = 64, /* nobody can know yet what it needs: see run_of_young */
};

/* What every move touches comes first: in sk_storage, 56 bytes share a cache line with what leads to them. */
struct connection {
	__u64 id;        /* begins with its time: see new_id */
	__u64 grown;     /* when it is no longer young; 0 before its first run; LINGERS at its end */
	__u32 end[2];    /* by direction: where the last chunk that was reported ended */
	__u32 left[2];   /* bytes that may still be captured in this run */
	__u32 budget[2]; /* bytes that may be captured of a run */
	__u32 owner;     /* process last told in a WEIR_OWNER record */
	__u32 shown;     /* where the last received payload ended */
	__u8 speaker;    /* direction that moved bytes last, plus one */
	__u8 role;
	__u8 flags;
	__u8 senders; /* threads within a send, where its beginning and end are seen */
	__u16 slot;   /* where its moves are held until several are told at once; 0 where they are not: see moves.h */
	__u16 retold; /* the number of the order to announce again that was obeyed: once is enough, though the order stands */
	union {
		__u64 peer_id; /* Unix: the other socket's id, which outlives its pointer */
		struct {
			__u32 client; /* TCP, of a server: the process at the other end, where that is of this host */
			__u32 told;   /* TCP: user space has a WEIR_TCP record of it */
		};
	};
	__u32 opener;       /* the process that connected, listens, or closed it: told where nobody is seen to use it */
	__u32 connect_time; /* microseconds */
	__u32 inode;        /* in the hash: whose entry it is */
	__u32 pad2;
};

/* In connection.speaker, in place of a direction: its bytes went by unseen, since it was left out. */
enum { LEFT_OUT = 0xff };

/* In connection.grown: TCP is done with it, but its process may still read what came before, and has not closed it. */
enum { LINGERS = 1 };

/* Kprobes may not call sk_storage's helper, and it takes only pointers whose type the verifier knows. */
#ifdef PLAIN_POINTERS
#define IN_STORAGE(sk, fresh, flags) NULL
#else
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} connections SEC(".maps");
#define IN_STORAGE(sk, fresh, flags) bpf_sk_storage_get(&connections, sk, fresh, flags)
#endif

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* raised before loading where TCP is in it too */
	__type(key, __u64);
	__type(value, struct connection);
} connections_by_address SEC(".maps");

/* Set before loading; state_in_hash alike in all objects, since they share the maps. */
const volatile __u32 state_in_hash = 0;
const volatile __u32 default_budget = 4096;
const volatile __u32 young_budget = 4096;
const volatile __u32 tells_facts = 0; /* WEIR_TCP records are wanted */
/* Of what a server reads, when it did is wanted too: a reading of the clock for each. */
const volatile __u32 tells_reads = 0;

/* Weir's own process (initial namespace), whose sockets are not observed; 0 while it tests itself. */
__u32 own_process = 0;

/* Connections whose place is below this are left out for now, since this host cannot afford them all: see place_of. */
__u32 left_out = 0;

/* Of connections that user space has never heard of only sums are wanted: see sums.h. */
__u32 sums_wanted = 0;

/* For now each of them is told at its end all the same. */
__u32 one_by_one = 0;

/*
 * A connection's place among WEIR_PLACES, by what both of its ends know, so that both are left out or neither: of TCP and UDP
 * the sum of the ports, of a Unix socket that of the two ids. Whoever is kept when few are is kept when more are.
 */
static __always_inline __u32 place_of(__u32 sum)
{
	return sum * 0x9e3779b1U >> 16;
}

static __always_inline __u32 sum_of_ports(struct sock *sk)
{
	return FIELD(sk, __sk_common.skc_num) + bpf_ntohs(FIELD(sk, __sk_common.skc_dport));
}

static __always_inline bool is_left_out(__u32 sum)
{
	return left_out && place_of(sum) < left_out;
}

/* Time in the upper 56 bits, processor in the lower 8: unique without a counter that all processors share. */
static __always_inline __u64 new_id(void)
{
	return bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
}

/* 0 once the socket has no file any more. */
static __always_inline __u32 socket_inode(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	return socket ? BPF_CORE_READ((struct socket_alloc *)socket, vfs_inode.i_ino) : 0;
}

/* When the connection that has this id was met, which is when a client's SYN was sent. */
static __always_inline __u64 time_of_id(__u64 id)
{
	return id >> 8;
}

static __always_inline struct connection *find_in_hash(struct sock *sk)
{
	__u64 address = (__u64)sk;
	struct connection *c = bpf_map_lookup_elem(&connections_by_address, &address);
	__u32 inode;

	if (!c)
		return NULL;
	inode = socket_inode(sk);
	if (inode && c->inode && inode != c->inode)
		return NULL;
	if (!c->inode)
		c->inode = inode;
	return c;
}

static __always_inline struct connection *find_connection(struct sock *sk)
{
	if (state_in_hash)
		return find_in_hash(sk);
	return IN_STORAGE(sk, NULL, 0);
}

static __always_inline void fill_connection(struct connection *c)
{
	__builtin_memset(c, 0, sizeof(*c));
	c->id = new_id();
	c->budget[WEIR_SENT] = c->left[WEIR_SENT] = default_budget;
	c->budget[WEIR_RECEIVED] = c->left[WEIR_RECEIVED] = default_budget;
	if (young_budget > default_budget)
		c->flags = YOUNG;
}

static __always_inline struct connection *add_to_hash(struct sock *sk)
{
	__u64 address = (__u64)sk;
	struct connection fresh;
	struct connection *c;

	fill_connection(&fresh);
	fresh.inode = socket_inode(sk);
	bpf_map_update_elem(&connections_by_address, &address, &fresh, BPF_ANY);
	c = bpf_map_lookup_elem(&connections_by_address, &address);
	if (!c)
		count_loss(WEIR_LOSS_NO_STATE);
	return c;
}

static __always_inline struct connection *add_connection(struct sock *sk)
{
	struct connection fresh;
	struct connection *c;

	if (state_in_hash)
		return add_to_hash(sk);
	fill_connection(&fresh);
	c = IN_STORAGE(sk, &fresh, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!c)
		count_loss(WEIR_LOSS_NO_STATE);
	return c;
}

static __always_inline void forget_connection(struct sock *sk)
{
	__u64 address = (__u64)sk;

	if (state_in_hash)
		bpf_map_delete_elem(&connections_by_address, &address);
}

/* A state as if the socket were new, for one that may have had an earlier life. */
static __always_inline struct connection *renew_connection(struct sock *sk)
{
	struct connection *c;

	if (state_in_hash)
		return add_to_hash(sk);
	c = find_connection(sk);
	if (!c)
		return add_connection(sk);
	fill_connection(c);
	return c;
}

/* A client's, from its SYN on, that is not established yet. */
static __always_inline bool is_attempt(struct connection *c)
{
	return c->role == WEIR_ROLE_CLIENT && !(c->flags & FROM_START);
}
