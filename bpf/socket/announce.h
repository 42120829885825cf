/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells user space of a socket, once, before its first chunk. */
#pragma once

#include "../include/address.h"

static __always_inline void socket_addresses(struct sock *sk, __u8 local[16], __u8 remote[16])
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		v4_mapped(local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		v4_mapped(remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		bpf_core_read(local, 16, &sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		bpf_core_read(remote, 16, &sk->__sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
}

static __noinline int announce_ip(struct sock *sk, struct connection *c, __u64 time)
{
	struct weir_open_ip *open;

	if (!c)
		return 0;
	open = new_record(sizeof(*open), WEIR_OPEN_IP, time);
	if (!open)
		return 0;
	open->role = c->role;
	open->from_start = !!(c->flags & FROM_START);
	open->connection = c->id;
	open->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	open->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	open->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	socket_addresses(sk, open->local, open->remote);
	c->flags |= ANNOUNCED;
	submit(open);
	return 0;
}

/* Copies a Unix socket's path; its length, 0 where it has none. */
static __always_inline __u16 unix_path(char *to, struct sock *sk)
{
	struct unix_address *address = sk ? BPF_CORE_READ((struct unix_sock *)sk, addr) : NULL;
	int length = address ? BPF_CORE_READ(address, len) - 2 : 0;

	if (length <= 0)
		return 0;
	if (length > WEIR_UNIX_PATH)
		length = WEIR_UNIX_PATH;
	bpf_probe_read_kernel(to, WEIR_UNIX_PATH, __builtin_preserve_access_index(&address->name[0].sun_path));
	return length;
}

static __noinline int announce_unix(struct sock *sk, struct sock *peer, struct connection *c)
{
	struct weir_open_unix *open;

	if (!c)
		return 0;
	open = new_record(sizeof(*open), WEIR_OPEN_UNIX, bpf_ktime_get_ns());
	if (!open)
		return 0;
	open->from_start = !!(c->flags & FROM_START);
	open->connection = c->id;
	open->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	open->inode = c->inode;
	open->peer = c->peer_id;
	open->local_length = unix_path(open->local, sk);
	open->remote_length = unix_path(open->remote, peer);
	/* An accepted socket has its listener's address; who connects is nearly never bound. */
	if (open->local_length && !open->remote_length)
		open->role = WEIR_ROLE_SERVER;
	else if (open->remote_length && !open->local_length)
		open->role = WEIR_ROLE_CLIENT;
	c->flags |= ANNOUNCED;
	submit(open);
	return 0;
}
