/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UDP has no connections: what is remembered belongs to a pair of addresses in a network namespace, seen from one of the
 * two ends. It has the state of a connection, in which positions count bytes. User space hears of it as of one.
 */
#pragma once

enum { REMEMBERED_FLOWS = 4096 };

struct flow_key {
	__u32 netns;
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u8 local[16]; /* IPv4 as v4-mapped */
	__u8 remote[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REMEMBERED_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct connection);
} flows SEC(".maps");

static __always_inline struct connection *flow_of(struct flow_key *key)
{
	struct connection *c = bpf_map_lookup_elem(&flows, key);
	struct connection fresh;

	if (c)
		return c;
	fill_connection(&fresh);
	bpf_map_update_elem(&flows, key, &fresh, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&flows, key);
	if (!c)
		count_loss(WEIR_LOSS_NO_STATE);
	return c;
}

static __noinline int announce_flow(struct flow_key *key, struct connection *c)
{
	struct weir_open_ip *open;

	if (!key || !c)
		return 0;
	open = new_record(sizeof(*open), WEIR_OPEN_IP, bpf_ktime_get_ns());
	if (!open)
		return 0;
	open->datagrams = 1;
	open->from_start = 1; /* every datagram is a beginning */
	open->connection = c->id;
	open->netns = key->netns;
	open->local_port = key->local_port;
	open->remote_port = key->remote_port;
	__builtin_memcpy(open->local, key->local, sizeof(open->local));
	__builtin_memcpy(open->remote, key->remote, sizeof(open->remote));
	c->flags |= ANNOUNCED;
	submit(open);
	return 0;
}

/* A function of its own, since the verifier loses track of what it knows of lengths otherwise. */
static __noinline int flow_is_left_out(struct flow_key *flow)
{
	return flow && is_left_out(flow->local_port + flow->remote_port);
}

/*
 * The state of the flow in which `process` sends or receives (0 where that is not known), told to user space; NULL when it is
 * not to be observed.
 */
static __always_inline struct connection *observed_flow(struct flow_key *flow, __u64 process)
{
	struct connection *c;

	if (left_out && flow_is_left_out(flow))
		return NULL;
	c = flow_of(flow);
	if (!c || c->flags & IGNORED || told_to_ignore(c))
		return NULL;
	if (!(c->flags & ANNOUNCED))
		announce_flow(flow, c);
	if (process && c->owner != process >> 32)
		announce_owner(c, process >> 32);
	c->speaker = 0; /* each datagram has a budget of its own */
	return c;
}
