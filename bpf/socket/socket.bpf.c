// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes and connections at the socket layer, for kernels with BTF. Each purpose has several programs, one for each way
 * that a kernel may offer; user space loads one of them (crate `probes`, back ends). Entry points only: what they do
 * with what they are given is in the headers.
 */
#define HOLDS_MOVES

#include "../include/weir.h"
#include "../include/ring.h"
#include "state.h"
#include "orders.h"
#include "announce.h"
#include "owner.h"

#include "packet.h"

#include "chunk.h"
#include "iterator.h"
#include "tcp.h"
#include "unix.h"
#include "life.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- sent: tracepoint in the send loop, 6.18 and later ---- */

/* A packet that has no place for another piece, though it may not have all the bytes yet that it can have. */
static __always_inline bool full_of_pieces(struct sk_buff *skb)
{
	struct skb_shared_info *info = (struct skb_shared_info *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));

	return BPF_CORE_READ(info, nr_frags) >= MAX_SKB_FRAGS;
}

static __noinline int sends(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int size_goal)
{
	struct iov_iter *iter = &msg->msg_iter;
	__u64 count = iter->count;
	struct tcp_sock *tcp;
	__s64 room = skb ? size_goal - (__s64)skb->len : 0;
	bool new_packet = sk->sk_wmem_queued < sk->sk_sndbuf;

	/* What this turn of the loop accepts; for the rest there will be another turn, or another call. */
	if (room <= 0)
		room = new_packet ? size_goal : 0;
	else if (!new_packet && full_of_pieces(skb))
		room = 0;
	if (!count || room <= 0)
		return 0;
	tcp = AS(sk, struct tcp_sock);
	if (tcp)
		tcp_sends(sk, tcp, iter, count < room ? count : room, count > room, false);
	return 0;
}

/* Of a connection whose moves are held: all of it fits into a new packet, and what was read before is noted. */
static __always_inline bool sends_as_before(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int size_goal)
{
	struct weir_moves *held = held_at(sk);
	__u64 count = msg->msg_iter.count;
	struct tcp_sock *tcp;

	if (!held || skb || count - 1 >= size_goal || sk->sk_wmem_queued >= sk->sk_sndbuf)
		return false;
	tcp = AS(sk, struct tcp_sock);
	if (tcp->copied_seq != held->end[WEIR_RECEIVED])
		return false;
	return hold_quickly(held, WEIR_SENT, bpf_ktime_get_ns(), tcp->write_seq + count);
}

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(send_tracepoint, struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int size_goal)
{
	return sends_as_before(sk, msg, skb, size_goal) ? 0 : sends(sk, msg, skb, size_goal);
}

/* ---- received: tracepoint where a packet is copied to its reader, payload from the packet, 6.12 and later ---- */

static __noinline int receives(struct sock *sk, struct sk_buff *skb, int length)
{
	struct tcp_sock *tcp;
	__s32 offset;
	__u32 begin;

	fetch_note_of_pages(skb);
	if (length <= 0)
		return 0;
	if (is_tcp(sk)) {
		tcp = AS(sk, struct tcp_sock);
		/* A peek may look at packets that lie beyond what was read. */
		begin = AS(&skb->cb, struct tcp_skb_cb)->seq;
		offset = tcp->copied_seq - begin;
		tcp_receives(sk, tcp, skb, begin, offset < 0 ? 0 : offset, length, NULL);
	} else if (is_unix_stream(sk)) {
		unix_receives(sk, BPF_CORE_READ((struct unix_sock *)sk, peer), skb,
			      BPF_CORE_READ((struct unix_skb_parms *)&skb->cb, consumed), length, NULL);
	}
	return 0;
}

/* Of a connection whose moves are held. */
static __always_inline bool receives_as_before(struct sock *sk, int length)
{
	struct weir_moves *held = held_at(sk);
	struct tcp_sock *tcp;

	if (!held || length <= 0 || tells_reads)
		return false;
	tcp = AS(sk, struct tcp_sock);
	return hold_quickly(held, WEIR_RECEIVED, time_of_read(tcp, held->role), tcp->copied_seq + length);
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(receive_tracepoint, struct sk_buff *skb, int length)
{
	struct sock *sk = skb->sk;

	if (!sk)
		return 0;
	return receives_as_before(sk, length) ? 0 : receives(sk, skb, length);
}

/* ---- sent: functions, kernels with trampolines ---- */

SEC("fentry/tcp_sendmsg_locked")
int BPF_PROG(send_entry, struct sock *sk, struct msghdr *msg, size_t size)
{
	struct tcp_sock *tcp = is_tcp(sk) ? bpf_skc_to_tcp_sock(sk) : NULL;

	if (tcp)
		enter_send(sk, tcp, &msg->msg_iter, size);
	return 0;
}

SEC("fexit/tcp_sendmsg_locked")
int BPF_PROG(send_exit, struct sock *sk, struct msghdr *msg, size_t size, int result)
{
	struct tcp_sock *tcp = is_tcp(sk) ? bpf_skc_to_tcp_sock(sk) : NULL;

	if (tcp)
		tcp_sent(sk, tcp, &msg->msg_iter, result);
	return 0;
}

/* sendfile and splice, up to 6.4 */
SEC("fexit/do_tcp_sendpages")
int BPF_PROG(sendpages_exit, struct sock *sk, void *page, int offset, size_t size, int flags, long result)
{
	struct tcp_sock *tcp = is_tcp(sk) ? bpf_skc_to_tcp_sock(sk) : NULL;

	if (tcp)
		tcp_sent(sk, tcp, NULL, result);
	return 0;
}

/* ---- received: the copying function's return, payload from the reader's buffer ---- */

SEC("fexit/skb_copy_datagram_iter")
int BPF_PROG(receive_exit, struct sk_buff *skb, int offset, struct iov_iter *to, int length, int result)
{
	struct sock *sk = skb->sk;
	struct tcp_sock *tcp;
	struct buffer b;

	if (!sk || length <= 0 || result)
		return 0;
	if (is_tcp(sk)) {
		tcp = bpf_skc_to_tcp_sock(sk);
		if (!tcp)
			return 0;
		buffer_at(&b, to);
		step_back(&b, length);
		tcp_receives(sk, tcp, skb, packet_position(skb), offset, length, &b);
	} else if (is_unix_stream(sk)) {
		buffer_at(&b, to);
		step_back(&b, length);
		unix_receives(sk, BPF_CORE_READ((struct unix_sock *)sk, peer), skb, offset, length, &b);
	}
	return 0;
}

/* ---- spliced out of a Unix socket: nothing is copied, so no other hook comes by; kernels with trampolines ---- */

SEC("fexit/unix_stream_splice_read")
int BPF_PROG(unix_splice_exit, struct socket *socket, void *position, void *pipe, size_t size, unsigned int flags,
	     long result)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct sock *sender = sk ? BPF_CORE_READ((struct unix_sock *)sk, peer) : NULL;
	struct buffer pages = { .kind = BUFFER_OTHER };

	if (sender && result > 0)
		unix_receives(sender, sk, NULL, 0, result, &pages);
	return 0;
}

/* ---- connection life: every kernel ---- */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_tracepoint, struct sock *sk, int old, int new)
{
	struct tcp_sock *tcp = is_tcp(sk) ? bpf_skc_to_tcp_sock(sk) : NULL;

	if (tcp)
		tcp_changes_state(sk, tcp, old, new);
	return 0;
}

/* Every connection of one network namespace, and what listens there. */
SEC("iter/tcp")
int found_iterator(struct bpf_iter__tcp *at)
{
	struct sock_common *common = at->sk_common;
	struct tcp_sock *tcp = common ? bpf_skc_to_tcp_sock(common) : NULL;

	if (tcp)
		tell_found(at->meta->seq, (struct sock *)tcp, tcp);
	return 0;
}

/* State that is kept by address goes with the socket: TCP everywhere, Unix where a program can be put there. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(destroy_tracepoint, struct sock *sk)
{
	socket_goes(sk);
	forget_connection(sk);
	return 0;
}
