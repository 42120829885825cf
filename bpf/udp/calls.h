/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Datagrams as system calls move them: a call's entry remembers the socket, its return knows what was moved and, from the
 * program's own memory, to or from whom. Of a socket that is bound to any address, the local one is not known.
 */
#pragma once

#include "../include/thread.h"

enum {
	MAX_DATAGRAMS = 16,   /* of one call; the others are counted */
	MAX_PIECES = 16,      /* of one datagram; what comes after them is reported without payload */
	GATHERED_PART = 4096, /* of a datagram in pieces, at most */
};

/* struct sockaddr_in and sockaddr_in6: what programs hand over. */
struct socket_address {
	__u16 family;
	__be16 port;
	__be32 v4; /* IPv6: flow information */
	__u8 v6[16];
};

struct udp_call {
	struct socket *socket; /* NULL: no call is under way */
	struct sock *sk;
	__u64 data; /* the second argument */
	__u64 size; /* the third */
	void *name; /* recvfrom, sendto: the fifth */
	__u64 time;
	__u32 number;
	__u32 kind;
	__u32 flags; /* where it receives */
	__u32 direction;
	/* To whom this thread sent last by sendto or sendmsg, and by which socket. */
	struct sock *asking;
	__u8 asked[16];
	__u32 asked_port;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REMEMBERED_THREADS);
	__type(key, __u32);
	__type(value, struct udp_call);
} udp_calls SEC(".maps");

static __always_inline void udp_call_begins(struct pt_regs *regs, __u64 number, enum call_kind kind)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct socket *socket;
	struct udp_call fresh = {};
	struct udp_call *call;
	struct sock *sk;

	if (bpf_get_current_pid_tgid() >> 32 == own_process)
		return;
	socket = socket_of(task, PT_REGS_PARM1_SYSCALL(regs));
	sk = socket ? BPF_CORE_READ(socket, sk) : NULL;
	if (!sk || FIELD(sk, sk_protocol) != IPPROTO_UDP || BPF_CORE_READ(task, thread_info.status) & COMPAT_CALL)
		return;
	call = remember(&udp_calls, &fresh);
	if (!call)
		return;
	call->socket = socket;
	call->sk = sk;
	call->data = PT_REGS_PARM2_SYSCALL(regs);
	call->size = PT_REGS_PARM3_SYSCALL(regs);
	call->name = NULL;
	if (number == SYSCALL_SENDTO || number == SYSCALL_RECVFROM)
		call->name = (void *)PT_REGS_PARM5_SYSCALL(regs);
	call->time = bpf_ktime_get_ns();
	call->number = number;
	call->kind = kind;
	call->flags = receive_flags(number, regs);
	call->direction = call_direction(number);
}

/* The address that the program gave or got; false where there is none. */
static __always_inline bool named_peer(struct flow_key *flow, const void *name)
{
	struct socket_address address = {};

	if (!name || bpf_probe_read_user(&address, 8, name))
		return false;
	if (address.family == AF_INET)
		v4_mapped(flow->remote, address.v4);
	else if (address.family != AF_INET6 || bpf_probe_read_user(flow->remote, 16, (const char *)name + 8))
		return false;
	flow->remote_port = bpf_ntohs(address.port);
	return flow->remote_port;
}

/* Both addresses of a datagram; false where the peer is not known. */
static __always_inline bool find_flow(struct flow_key *flow, struct sock *sk, const void *name)
{
	struct net *net = FIELD(sk, __sk_common.skc_net.net);
	bool v4 = FIELD(sk, __sk_common.skc_family) == AF_INET;

	flow->netns = FIELD(net, ns.inum);
	flow->local_port = FIELD(sk, __sk_common.skc_num);
	if (v4)
		v4_mapped(flow->local, FIELD(sk, __sk_common.skc_rcv_saddr));
	else
		BPF_CORE_READ_INTO(&flow->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	if (named_peer(flow, name))
		return true;
	flow->remote_port = bpf_ntohs(FIELD(sk, __sk_common.skc_dport));
	if (v4)
		v4_mapped(flow->remote, FIELD(sk, __sk_common.skc_daddr));
	else
		BPF_CORE_READ_INTO(&flow->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	return flow->remote_port;
}

/*
 * Reports a datagram that lies in pieces, or of which the program took a part only. The record has twice the room, so that the
 * verifier, which does not see that the pieces share it, is content.
 */
static __always_inline void write_gathered(struct transfer *m, __u32 length, const struct iovec *pieces, __u64 count,
					   struct iovec *first)
{
	__u64 wanted = take_from_budget(m->c, m->direction, m->time, length);
	struct weir_chunk *chunk = reserve(sizeof(struct weir_chunk) + 2 * GATHERED_PART);
	struct iovec piece = *first;
	__u64 filled = 0, size;
	__u32 i;

	if (!chunk) {
		count_loss(WEIR_LOSS_RING_FULL_CHUNK);
		m->c->end[m->direction & 1] = m->position + length;
		return;
	}
	describe_chunk(chunk, m, length);
	if (wanted > GATHERED_PART)
		wanted = GATHERED_PART;
	for (i = 0; i < MAX_PIECES; i++) {
		size = wanted - filled;
		if (size > piece.iov_len)
			size = piece.iov_len;
		barrier_var(size);
		barrier_var(filled);
		if (size > GATHERED_PART || filled > GATHERED_PART)
			break;
		if (bpf_probe_read_user((char *)(chunk + 1) + filled, size, piece.iov_base)) {
			count_loss(WEIR_LOSS_UNREADABLE);
			break;
		}
		filled += size;
		if (filled >= wanted || i + 1 >= count || bpf_probe_read_user(&piece, sizeof(piece), pieces + i + 1))
			break;
	}
	if (i == MAX_PIECES)
		count_loss(WEIR_LOSS_SEGMENTS);
	chunk->captured = filled;
	m->c->end[m->direction & 1] = m->position + length;
	submit(chunk);
}

/*
 * Reports one datagram of `length` bytes of this thread's call, from or to the address at `name`, in `count` pieces at `pieces`;
 * where the call has a buffer it is there instead. A function that the verifier goes through once and not for each message: for
 * that it has to be global, and to take numbers only (before 5.13), so it finds anew what they belong to.
 */
__noinline int report_datagram(__u64 name, __u64 pieces, __u64 count, __u32 length)
{
	struct udp_call *call = remembered(&udp_calls);
	__u64 process = bpf_get_current_pid_tgid();
	struct transfer m = { .process = process };
	struct flow_key flow = {};
	struct iovec first = {};

	if (!call)
		return 0;
	m.direction = call->direction & 1;
	m.time = call->time;
	if (call->kind == CALL_BUFFER) {
		first.iov_base = (void *)call->data;
		first.iov_len = call->size;
	} else if (bpf_probe_read_user(&first, sizeof(first), (const void *)pieces)) {
		count_loss(WEIR_LOSS_UNREADABLE);
	}
	if (!find_flow(&flow, call->sk, (const void *)name)) {
		/* Who does not ask from whom a datagram is waits for an answer, as a rule. */
		if (m.direction != WEIR_RECEIVED || call->asking != call->sk) {
			count_loss(WEIR_LOSS_DATAGRAM);
			return 0;
		}
		__builtin_memcpy(flow.remote, call->asked, sizeof(flow.remote));
		flow.remote_port = call->asked_port;
	} else if (m.direction == WEIR_SENT) {
		__builtin_memcpy(call->asked, flow.remote, sizeof(flow.remote));
		call->asked_port = flow.remote_port;
		call->asking = call->sk;
	}
	m.c = observed_flow(&flow, process);
	if (!m.c)
		return 0;
	if (m.direction == WEIR_RECEIVED)
		m.time = bpf_ktime_get_ns();
	m.position = m.c->end[m.direction & 1];
	if (first.iov_len >= length)
		write_chunk(&m, length, FROM_USER, first.iov_base, 0);
	else
		write_gathered(&m, length, (const struct iovec *)pieces, count, &first);
	return 0;
}

static __always_inline void report_message(struct message *message, __u32 length)
{
	__u64 name = message->name_length > 0 ? (__u64)message->name : 0;

	report_datagram(name, (__u64)message->segments, message->segments_count, length);
}

static __always_inline void report_messages(struct udp_call *call, __u32 count)
{
	const struct message *messages = (const struct message *)call->data;
	struct message message;
	__u32 i;

	for (i = 0; i < MAX_DATAGRAMS && i < count; i++) {
		if (bpf_probe_read_user(&message, sizeof(message), messages + i))
			break;
		report_message(&message, message.length);
	}
	if (i < count)
		count_losses(WEIR_LOSS_DATAGRAM, count - i);
}

/* `length` bytes were moved, or as many messages. */
static __always_inline void udp_call_returns(struct pt_regs *regs, __u64 number, __u64 length)
{
	struct udp_call *call = remembered(&udp_calls);
	struct message message = {};
	struct socket *socket;
	struct sock *sk;

	if (!call || !call->socket)
		return;
	socket = call->socket;
	sk = call->sk;
	call->socket = NULL;
	if (call->number != number || call->data != PT_REGS_PARM2_SYSCALL(regs))
		return; /* what is remembered is an earlier call's, whose return was missed */
	if (FIELD(sk, sk_socket) != socket || call->flags & (MSG_ERRQUEUE | MSG_PEEK))
		return;
	if (call->kind == CALL_MESSAGES) {
		report_messages(call, length);
		return;
	}
	if (call->kind == CALL_BUFFER) {
		report_datagram((__u64)call->name, 0, 1, length);
		return;
	}
	if (call->kind == CALL_SEGMENTS) {
		message.segments = (const struct iovec *)call->data;
		message.segments_count = call->size;
	} else if (bpf_probe_read_user(&message, __builtin_offsetof(struct message, length), (void *)call->data)) {
		count_loss(WEIR_LOSS_DATAGRAM);
		return;
	}
	report_message(&message, length);
}
