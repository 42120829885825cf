/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kretprobe is told the result and nothing else, so the arguments are remembered at the entry. Either of the two can
 * be missed (a kretprobe when too many calls are under way), so what a return finds may be an earlier call's: it is
 * held against the socket's state before it is believed.
 */
#pragma once

#include "../include/thread.h"

struct sending {
	struct sock *sk; /* NULL: no call is under way */
	struct iov_iter *iter;
	__u32 position;
	__u32 pad;
};

struct receiving {
	struct sock *sk; /* NULL: no call is under way */
	struct sk_buff *skb;
	struct iov_iter *iter;
	__u32 offset;
	__u32 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REMEMBERED_THREADS);
	__type(key, __u32);
	__type(value, struct sending);
} sends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REMEMBERED_THREADS);
	__type(key, __u32);
	__type(value, struct receiving);
} receives SEC(".maps");

/* `iter` is NULL where the bytes come from pages. */
static __always_inline void send_begins(struct sock *sk, struct iov_iter *iter)
{
	struct sending fresh = {};
	struct sending *s = remember(&sends, &fresh);

	if (!s)
		return;
	s->sk = sk;
	s->iter = iter;
	s->position = FIELD((struct tcp_sock *)sk, write_seq);
}

static __always_inline void send_returns(__s64 result)
{
	struct sending *s = remembered(&sends);
	struct iov_iter *iter;
	struct sock *sk;

	if (!s || !s->sk)
		return;
	sk = s->sk;
	iter = s->iter;
	s->sk = NULL;
	if (!is_tcp(sk))
		return;
	/* Another call's, or others sent meanwhile: how much is sure all the same, what is not. */
	if (FIELD((struct tcp_sock *)sk, write_seq) != s->position + (__u32)result)
		iter = NULL;
	tcp_sent(sk, (struct tcp_sock *)sk, iter, result);
}

static __always_inline void receive_begins(struct sk_buff *skb, struct iov_iter *iter, __u32 offset, __s32 length)
{
	struct sock *sk = FIELD(skb, sk);
	struct receiving fresh = {};
	struct receiving *r;

	if (!sk || length <= 0 || !(is_tcp(sk) || is_unix_stream(sk))) {
		r = remembered(&receives);
		if (r)
			r->sk = NULL;
		return;
	}
	r = remember(&receives, &fresh);
	if (!r)
		return;
	r->sk = sk;
	r->skb = skb;
	r->iter = iter;
	r->offset = offset;
	r->length = length;
}

/* Until the copying function has returned, nobody moves past the bytes that it copied. */
static __always_inline bool still_there(struct sock *sk, struct sk_buff *skb, __u32 offset)
{
	if (FIELD(skb, sk) != sk)
		return false;
	if (is_tcp(sk))
		return (__s32)(FIELD((struct tcp_sock *)sk, copied_seq) - packet_position(skb) - offset) <= 0;
	return is_unix_stream(sk) && BPF_CORE_READ((struct unix_skb_parms *)&skb->cb, consumed) <= offset;
}

static __always_inline void receive_returns(int result)
{
	struct receiving *r = remembered(&receives);
	struct receiving call;
	struct buffer b;
	struct sock *sk;

	if (!r || !r->sk)
		return;
	call = *r;
	sk = call.sk;
	r->sk = NULL;
	if (result || !still_there(sk, call.skb, call.offset))
		return;
	buffer_at(&b, call.iter);
	step_back(&b, call.length);
	if (is_tcp(sk))
		tcp_receives(sk, (struct tcp_sock *)sk, call.skb, packet_position(call.skb), call.offset, call.length,
			     &b);
	else
		unix_receives(sk, BPF_CORE_READ((struct unix_sock *)sk, peer), call.skb, call.offset, call.length, &b);
}
