/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes as system calls move them. A call's entry finds the socket and remembers it; its return knows how much was
 * moved and where the socket stands. What is remembered may be an earlier call's, if a return was missed, so it must
 * agree with the arguments, which are still in the registers, and with the socket.
 */
#pragma once

#include "../include/thread.h"

enum {
	MAX_MESSAGES = 1024, /* that the kernel takes in one call */
};

struct call {
	struct socket *socket; /* NULL: no call is under way */
	struct sock *sk;
	__u64 data; /* the second argument */
	__u64 time;
	/* All that tells calls apart is here and not on the stack: else the verifier follows the rest once for every kind of call. */
	__u32 number;
	__u32 kind;
	__u32 flags; /* where it receives */
	__u32 position; /* TCP: where the call begins, if nobody else uses the socket; at the return that of what comes next */
	__u32 direction;
	__u32 tcp;
	__u64 process; /* at the return, and all that follows: as struct transfer has it */
	/* The bytes that are still to be reported. */
	__u64 left; /* of the current message */
	__u64 address;
	const struct iovec *segments; /* NULL: one piece at `address` */
	const struct message *messages;
	__u32 messages_left;
	__u32 readable; /* the bytes can be looked at */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REMEMBERED_THREADS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

/* Set before loading: what is not served by another back end. Unix sockets belong to `received`, in both directions. */
const volatile __u32 serves_tcp_sent = 0;
const volatile __u32 serves_received = 0;

static __always_inline __u32 tcp_position(struct sock *sk, __u32 direction)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	return direction == WEIR_SENT ? FIELD(tcp, write_seq) : read_position(sk, tcp);
}

static __always_inline void call_begins(struct pt_regs *regs, __u64 number, enum call_kind kind)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 direction = call_direction(number);
	struct socket *socket;
	struct call fresh = {};
	struct call *call;
	struct sock *sk;
	bool tcp;

	if (!observed_process())
		return;
	socket = socket_of(task, PT_REGS_PARM1_SYSCALL(regs));
	if (!socket && number == SYSCALL_SPLICE) {
		socket = socket_of(task, PT_REGS_PARM3_SYSCALL(regs));
		direction = WEIR_SENT;
	}
	if (!socket || BPF_CORE_READ(task, thread_info.status) & COMPAT_CALL)
		return;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return;
	tcp = is_tcp(sk);
	if (!tcp && !is_unix_stream(sk))
		return;
	if (!(tcp && direction == WEIR_SENT ? serves_tcp_sent : serves_received))
		return;
	call = remember(&calls, &fresh);
	if (!call)
		return;
	call->socket = socket;
	call->sk = sk;
	call->data = PT_REGS_PARM2_SYSCALL(regs);
	call->time = bpf_ktime_get_ns();
	call->number = number;
	call->kind = kind;
	call->flags = receive_flags(number, regs);
	call->position = tcp ? tcp_position(sk, direction) : 0;
	call->direction = direction;
	call->tcp = tcp;
}

/* The state of a Unix socket, of which this process uses one end. */
static __always_inline struct connection *observed_unix(struct sock *sk, __u64 *process)
{
	struct connection *c = unix_connection(sk);
	struct connection *other;
	struct sock *peer;

	*process = observed_process();
	if (!c || c->flags & IGNORED || !*process || told_to_ignore(c))
		return NULL;
	if (!(c->flags & ANNOUNCED)) {
		peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
		other = peer ? unix_connection(peer) : NULL;
		if (other)
			introduce(c, sk, other, peer);
		else
			announce_unix(sk, NULL, c);
	}
	if (is_left_out(c->id + c->peer_id))
		return NULL;
	if (c->owner != *process >> 32)
		announce_owner(c, *process >> 32);
	return c;
}

/* Finds the bytes of `call`, which moved `result` bytes or messages. */
static __always_inline void find_bytes(struct call *call, __u64 result)
{
	struct message message;

	call->left = call->kind == CALL_MESSAGES ? 0 : result;
	call->address = call->data;
	call->segments = call->kind == CALL_SEGMENTS ? (const struct iovec *)call->data : NULL;
	call->messages = (const struct message *)call->data;
	call->messages_left = call->kind == CALL_MESSAGES ? result : 0;
	/* TCP throws away what is received with MSG_TRUNC, and copies nothing. */
	call->readable = call->kind != CALL_PAGES && !(call->tcp && call->flags & MSG_TRUNC);
	if (call->kind == CALL_MESSAGE) {
		if (bpf_probe_read_user(&message, __builtin_offsetof(struct message, length), (void *)call->data))
			call->readable = false;
		call->segments = message.segments;
	}
}

static __always_inline bool next_message(struct call *call)
{
	struct message message;

	if (!call->messages_left || bpf_probe_read_user(&message, sizeof(message), call->messages))
		return false;
	call->messages_left--;
	call->messages++;
	call->segments = message.segments;
	call->left = message.length;
	return true;
}

/*
 * Reports the next `length` bytes of this thread's call, which are at `address`, or out of sight where that is 0. A function that
 * the verifier goes through once and not for each segment: for that it has to be global, and to take numbers only (before 5.13),
 * so it finds anew what they belong to.
 */
__noinline int report_part(__u64 address, __u32 length)
{
	struct call *call = remembered(&calls);
	struct transfer m = {};
	__u64 sk;

	if (!call)
		return 0;
	sk = (__u64)call->sk;
	m.c = bpf_map_lookup_elem(&connections_by_address, &sk);
	if (!m.c)
		return 0;
	m.process = call->process;
	m.time = call->time;
	m.direction = call->direction & 1;
	m.position = call->position;
	write_chunk(&m, length, address ? FROM_USER : FROM_NOWHERE, (const void *)address, 0);
	call->position += length;
	call->left -= length;
	return 0;
}

/* Adds the bytes of the messages that are not looked at one by one. Global, as report_part is. */
__noinline int add_rest_of_messages(void)
{
	struct call *call = remembered(&calls);
	__u32 length;
	int i;

	for (i = 0; call && i < MAX_MESSAGES && i < call->messages_left; i++) {
		if (bpf_probe_read_user(&length, sizeof(length), &call->messages[i].length))
			break;
		call->left += length;
	}
	return 0;
}

/* Nobody looks at what else `c` moves this way in its run. */
static __always_inline bool is_used_up(struct connection *c, __u32 direction)
{
	direction &= 1;
	return c->speaker == direction + 1 && c->left[direction] == 0 && !(c->flags & (TAILS << direction));
}

/* Reports what `call` moved, a chunk for each segment, like write_buffer. */
static __always_inline void report_call(struct connection *c, struct call *call)
{
	struct iovec segment;
	int i;

	for (i = 0; call->readable && i < MAX_SEGMENTS; i++) {
		if (!call->left && !next_message(call))
			return;
		if (is_used_up(c, call->direction))
			break;
		segment.iov_base = (void *)call->address;
		segment.iov_len = call->left;
		if (call->segments && bpf_probe_read_user(&segment, sizeof(segment), call->segments++))
			break;
		if (segment.iov_len > call->left)
			segment.iov_len = call->left;
		if (segment.iov_len)
			report_part((__u64)segment.iov_base, segment.iov_len);
	}
	if (i == MAX_SEGMENTS && (call->left || call->messages_left))
		count_loss(WEIR_LOSS_SEGMENTS);
	if (call->messages_left)
		add_rest_of_messages();
	if (call->left)
		report_part(0, call->left);
}

static __always_inline void call_returns(struct pt_regs *regs, __u64 number, __u64 result)
{
	struct call *call = remembered(&calls);
	struct socket *socket;
	struct transfer m = {};
	struct sock *sk;

	if (!call || !call->socket)
		return;
	socket = call->socket;
	sk = call->sk;
	call->socket = NULL;
	if (call->number != number || call->data != PT_REGS_PARM2_SYSCALL(regs))
		return;
	if (FIELD(sk, sk_socket) != socket)
		return; /* closed while the call was under way */
	if (call->flags & (MSG_OOB | MSG_ERRQUEUE))
		return; /* not the stream's bytes */
	if (call->flags & MSG_PEEK)
		return; /* told by the call that takes them */
	m.direction = call->direction & 1;
	if (call->tcp) {
		m.c = observed_tcp(sk, (struct tcp_sock *)sk, &m);
		if (call->kind != CALL_MESSAGES)
			call->position = tcp_position(sk, m.direction) - result;
	} else {
		m.c = observed_unix(sk, &m.process);
		if (m.c)
			call->position = m.c->end[m.direction & 1];
	}
	if (!m.c)
		return;
	/* Seen for the first time, when these bytes had already been counted. */
	if (!m.c->speaker && !(m.c->flags & FROM_START))
		m.c->end[m.direction & 1] = call->position;
	/* What is sent is on its way from the call's beginning on: an answer may be there before the return. */
	if (m.direction == WEIR_RECEIVED)
		call->time = bpf_ktime_get_ns();
	call->process = m.process;
	find_bytes(call, result);
	report_call(m.c, call);
}
