/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that begin and end between two looks at all that are open, where only sums are wanted of them: nothing is told of
 * any, they are added up at their end. Who opens and closes thousands of them in a second pays for no record.
 */
#pragma once

#include "../events/sums.h"
#include "counted.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* raised before loading where sums are wanted */
	__type(key, struct weir_sums_key);
	__type(value, struct weir_sums);
} sums SEC(".maps");

/* What sums begin with: a stack has no room for them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_sums);
} no_sums SEC(".maps");

/*
 * Clients' ends of the connections that were established last. The server's end of one on this host is established a moment
 * later, and finds here who it is connected to. A place is overwritten by whoever comes next: addresses tell whose it is.
 */
struct handshake {
	__u64 addresses[4]; /* the client's, the server's */
	__u32 ports;        /* the client's in the upper half; 0 while it is written to */
	__u32 netns;
	__u32 process;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct handshake);
} handshakes SEC(".maps");

/* Processes that user space was told of, and when. */
struct told_process {
	__u32 process;
	__u32 epoch;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_TOLD_PROCESSES);
	__type(key, __u32);
	__type(value, struct told_process);
} told_processes SEC(".maps");

/* The buckets' upper bounds, microseconds, and how many of them are below each power of two. Set before loading. */
const volatile __u8 sums_starts[32] = {};
const volatile __u32 sums_bounds[WEIR_SUMS_BOUNDS] = {};

static __always_inline __u32 epoch_of(__u64 time)
{
	return time >> WEIR_SUMS_EPOCH_SHIFT;
}

static __always_inline __u32 netns_of(struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

/* User space was told of this process within the epoch in which the connection began, or later; else it is about to be. */
static __always_inline bool is_told_of(__u32 process, struct connection *c)
{
	__u32 epoch = epoch_of(time_of_id(c->id));
	__u32 place = process % WEIR_TOLD_PROCESSES;
	struct told_process *told = bpf_map_lookup_elem(&told_processes, &place);

	if (!told)
		return false;
	if (told->process == process && told->epoch >= epoch)
		return true;
	told->process = process;
	told->epoch = epoch;
	return false;
}

/* As socket_addresses() has them, of which this is the quick form for the pointers that there are here. */
static __always_inline void addresses_of(struct sock *sk, __u64 *local, __u64 *remote)
{
	if (sk->__sk_common.skc_family != AF_INET) {
		socket_addresses(sk, (__u8 *)local, (__u8 *)remote);
		return;
	}
	local[0] = remote[0] = 0;
	local[1] = bpf_cpu_to_be64(0xffff00000000 | bpf_ntohl(sk->__sk_common.skc_rcv_saddr));
	remote[1] = bpf_cpu_to_be64(0xffff00000000 | bpf_ntohl(sk->__sk_common.skc_daddr));
}

/* 127.0.0.0/8 as IPv6 has it, or ::1. */
static __always_inline bool is_loopback(const __u64 address[2])
{
	if (address[0])
		return false;
	return (address[1] & bpf_cpu_to_be64(0xffffffffff000000)) == bpf_cpu_to_be64(0x0000ffff7f000000) ||
	       address[1] == bpf_cpu_to_be64(1);
}

static __always_inline struct handshake *handshake_at(__u32 ports)
{
	__u32 place = (ports >> 16 ^ ports * 31) % WEIR_HANDSHAKES;

	return bpf_map_lookup_elem(&handshakes, &place);
}

static __always_inline void is_client(struct connection *c, __u32 netns, __u32 ports, const __u64 addresses[4])
{
	struct handshake *h = handshake_at(ports);

	if (!h)
		return;
	h->ports = 0;
	barrier();
	h->process = c->owner ? c->owner : c->opener;
	h->netns = netns;
	h->addresses[0] = addresses[0];
	h->addresses[1] = addresses[1];
	h->addresses[2] = addresses[2];
	h->addresses[3] = addresses[3];
	barrier();
	h->ports = ports;
}

static __always_inline void is_server(struct connection *c, __u32 netns, __u32 ports, const __u64 addresses[4])
{
	struct handshake *h = handshake_at(ports);
	__u32 process;

	if (!h || *(volatile __u32 *)&h->ports != ports)
		return;
	process = h->process;
	if (h->addresses[0] != addresses[0] || h->addresses[1] != addresses[1] || h->addresses[2] != addresses[2] ||
	    h->addresses[3] != addresses[3])
		return;
	/* Loopback never leads out of its namespace, and each has its own. */
	if (h->netns != netns && is_loopback(addresses))
		return;
	if (*(volatile __u32 *)&h->ports == ports)
		c->client = process;
}

/* Both ends of a connection within this host come by here, the client's first: it lets the server's end know who it is. */
static __noinline int shake_hands(struct sock *sk, struct connection *c)
{
	__u64 addresses[4] = {};
	__u32 remote = bpf_ntohs(sk->__sk_common.skc_dport);
	__u32 local = local_port(sk);

	if (!c)
		return 0;
	if (c->role == WEIR_ROLE_CLIENT) {
		addresses_of(sk, addresses, addresses + 2);
		is_client(c, netns_of(sk), local << 16 | remote, addresses);
	} else {
		addresses_of(sk, addresses + 2, addresses);
		is_server(c, netns_of(sk), remote << 16 | local, addresses);
	}
	return 0;
}

/*
 * Addresses that are public for sure. Of a server's clients it is not told which one: they are one and the same to whoever
 * takes sums, and would be keys without end.
 */
static __always_inline bool is_public(const __u8 address[16])
{
	const __u32 *words = (const __u32 *)address;
	__u32 v4 = bpf_ntohl(words[3]);

	if (words[0] || words[1] || words[2] != bpf_htonl(0xffff))
		return (address[0] & 0xe0) == 0x20;
	if (v4 >> 24 == 0 || v4 >> 24 == 10 || v4 >> 24 == 127 || v4 >> 28 >= 0xe)
		return false;
	return v4 >> 20 != 0xac1 && v4 >> 16 != 0xc0a8 && v4 >> 16 != 0xa9fe && v4 >> 22 != 0x6440 >> 6;
}

/* All ones where `value` is above `bound`. */
static __always_inline __u32 if_above(__u32 value, __u32 bound)
{
	return ((__s64)bound - (__s64)value) >> 63;
}

/*
 * The number of bounds below a value: first its doubling, then within that, so that few lines of memory are looked at. Without a
 * branch, so that there is one path to be verified.
 */
static __always_inline __u32 bucket_of(__u32 value)
{
	__u32 doubling = 0;
	__u32 place;
	__u32 step;

#pragma unroll
	for (step = 16; step; step /= 2)
		doubling += if_above(value >> doubling, (1U << step) - 1) & step;
	place = sums_starts[doubling];
#pragma unroll
	for (step = WEIR_SUMS_WINDOW / 2; step; step /= 2)
		place += if_above(value, sums_bounds[place + step - 1]) & step;
	return place;
}

static __noinline int add_to_spread(struct weir_spread *spread, __u32 value)
{
	__u32 place = bucket_of(value);

	if (!spread)
		return 0;
	__sync_fetch_and_add(&spread->sum, value);
	__sync_fetch_and_add(&spread->squares, (__u64)value * value);
	if (place < WEIR_SPREAD_BUCKETS)
		__sync_fetch_and_add(&spread->buckets[place], 1);
	/* No exchange that compares before 5.12: of two that come at the same moment one may not be seen to be the least. */
	if (~value > spread->least)
		spread->least = ~value;
	if (value > spread->most)
		spread->most = value;
	return 0;
}

static __always_inline void fill_key(struct weir_sums_key *key, struct sock *sk, struct tcp_sock *tcp,
				     struct connection *c, int before)
{
	bool is_client = c->role == WEIR_ROLE_CLIENT;
	__u64 addresses[4];

	key->netns = netns_of(sk);
	key->process = c->owner ? c->owner : c->opener;
	key->role = c->role;
	key->port = is_client ? bpf_ntohs(sk->__sk_common.skc_dport) : local_port(sk);
	key->moment = before == TCP_SYN_SENT ? WEIR_TCP_FAILED : WEIR_TCP_CLOSED;
	key->cause = cause_of_end(sk, tcp, before);
	key->shard = bpf_get_smp_processor_id() % WEIR_SUMS_SHARDS;
	addresses_of(sk, addresses, addresses + 2);
	__builtin_memcpy(key->local, addresses, sizeof(key->local));
	__builtin_memcpy(key->remote, addresses + 2, sizeof(key->remote));
	if (is_client)
		return;
	key->client = c->client;
	if (!key->client && is_public(key->remote))
		v4_mapped(key->remote, bpf_htonl(WEIR_SUMS_INTERNET));
}

/* The sums of these; NULL where there is no room for them. */
static __always_inline struct weir_sums *sums_of(struct weir_sums_key *key)
{
	struct weir_sums *found = bpf_map_lookup_elem(&sums, key);
	__u32 zero = 0;
	struct weir_sums *fresh;

	if (found)
		return found;
	fresh = bpf_map_lookup_elem(&no_sums, &zero);
	if (!fresh)
		return NULL;
	bpf_map_update_elem(&sums, key, fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sums, key);
}

static __always_inline void add_counters(struct weir_sums *s, struct sock *sk, struct tcp_sock *tcp)
{
	bool has_fin = sk->__sk_common.skc_flags & 1U << SOCK_DONE; /* and counts it as a byte */
	__u64 received = tcp->bytes_received;

	__sync_fetch_and_add(&s->sent, COUNTED(tcp, bytes_sent) - COUNTED(tcp, bytes_retrans));
	__sync_fetch_and_add(&s->received, received - (received && has_fin));
	__sync_fetch_and_add(&s->segments_out, tcp->segs_out);
	__sync_fetch_and_add(&s->segments_in, tcp->segs_in);
	if (tcp->total_retrans)
		__sync_fetch_and_add(&s->retransmits, tcp->total_retrans);
}

/* Adds a connection that ends. 0 where it has to be told. */
static __noinline int add_to_sums(struct sock *sk, struct tcp_sock *tcp, struct connection *c, int before)
{
	struct weir_sums_key key = {};
	struct weir_sums *s;
	__u64 now, lifetime;
	__u32 rtt;

	if (!c || c->told || one_by_one || c->role == WEIR_ROLE_UNKNOWN)
		return 0;
	now = bpf_ktime_get_ns();
	lifetime = (now - time_of_id(c->id)) / 1000;
	if (lifetime >= WEIR_SUMS_LONGEST)
		return 0;
	key.epoch = epoch_of(now);
	fill_key(&key, sk, tcp, c, before);
	s = sums_of(&key);
	if (!s) {
		count_loss(WEIR_LOSS_NO_SUM);
		return 0;
	}
	__sync_fetch_and_add(&s->number, 1);
	if (left_out && is_left_out(local_port(sk) + bpf_ntohs(sk->__sk_common.skc_dport)))
		__sync_fetch_and_add(&s->left_out, 1);
	add_counters(s, sk, tcp);
	if (before == TCP_SYN_SENT)
		return 1;
	add_to_spread(&s->lifetime, lifetime);
	if (c->connect_time && c->connect_time < WEIR_SUMS_LONGEST)
		add_to_spread(&s->connect, c->connect_time);
	rtt = tcp->srtt_us >> 3;
	if (rtt && rtt < WEIR_SUMS_LONGEST)
		add_to_spread(&s->rtt, rtt);
	return 1;
}
