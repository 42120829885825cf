/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells what the kernel counts of a connection anyway, at changes of its state: nothing here runs for a packet or for a
 * byte. So it is told of those too that user space wants no bytes of.
 */
#pragma once

#include "../events/tcp.h"
#include "counted.h"
#include "sums.h"

static __always_inline void fill_counters(struct weir_tcp *told, struct sock *sk, struct tcp_sock *tcp)
{
	__s32 unsent = tcp->write_seq - tcp->snd_nxt;
	__s32 unread = tcp->rcv_nxt - tcp->copied_seq;

	told->sent = COUNTED(tcp, bytes_sent);
	told->acked = tcp->bytes_acked;
	told->received = tcp->bytes_received;
	told->retransmitted = COUNTED(tcp, bytes_retrans);
	told->segments_out = tcp->segs_out;
	told->segments_in = tcp->segs_in;
	told->data_segments_out = tcp->data_segs_out;
	told->data_segments_in = tcp->data_segs_in;
	told->retransmits = tcp->total_retrans;
	told->lost = COUNTED(tcp, lost);
	told->reordered = COUNTED(tcp, reord_seen);
	told->out_of_order = COUNTED(tcp, rcv_ooopack);
	told->duplicates = COUNTED(tcp, dsack_dups);
	told->delivered = COUNTED(tcp, delivered);
	told->rtt = tcp->srtt_us >> 3;
	told->rtt_variation = tcp->mdev_us >> 2;
	told->rtt_min = tcp->rtt_min.s[0].v;
	told->window = tcp->snd_cwnd;
	told->segment_size = tcp->mss_cache;
	told->unacked = tcp->packets_out;
	told->unsent = unsent > 0 ? unsent : 0;
	told->unread = unread > 0 ? unread : 0;
}

/* Everything but what kind of record it is. */
static __noinline int fill_facts(struct weir_tcp *told, struct sock *sk, struct tcp_sock *tcp, struct connection *c)
{
	if (!told || !c)
		return 0;
	told->role = c->role;
	told->connection = c->id;
	/* Where openings are not told, this says that here is one. */
	if (c->role != WEIR_ROLE_UNKNOWN && !(sums_wanted && c->told))
		told->began = time_of_id(c->id);
	told->connect = c->connect_time;
	told->process = c->owner ? c->owner : c->opener;
	told->inode = socket_inode(sk);
	told->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	told->local_port = local_port(sk);
	told->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	socket_addresses(sk, told->local, told->remote);
	if (told->state == TCP_LISTEN) {
		told->backlog = sk->sk_ack_backlog;
		told->backlog_limit = sk->sk_max_ack_backlog;
		if (bpf_core_field_exists(sk->sk_drops))
			told->drops = sk->sk_drops.counter;
		return 0;
	}
	if (sk->__sk_common.skc_flags & 1U << SOCK_DONE)
		told->flags |= WEIR_TCP_FIN_RECEIVED;
	fill_counters(told, sk, tcp);
	return 0;
}

/*
 * The process that changes the socket's state now, where it is one that does: a connect, a listen, a close. It is told
 * here since nobody may ever be seen to move the connection's bytes.
 */
static __always_inline void note_opener(struct connection *c)
{
	if (c->owner || c->opener)
		return;
	c->opener = bpf_get_current_pid_tgid() >> 32;
	if (sums_wanted && is_told_of(c->opener, c))
		return;
	announce_owner(c, c->opener);
	c->owner = 0; /* whoever moves bytes is told again, behind what the connection is */
}

/* A function of its own: it is long, and three ways lead to it. */
static __noinline int tell_facts(struct sock *sk, struct tcp_sock *tcp, struct connection *c, __u32 moment, __u32 state)
{
	struct weir_tcp *told;

	if (!c)
		return 0;
	told = new_record(sizeof(*told), WEIR_TCP, bpf_ktime_get_ns());
	if (!told)
		return 0;
	told->moment = moment;
	told->state = state;
	if (moment == WEIR_TCP_CLOSED || moment == WEIR_TCP_FAILED)
		told->cause = cause_of_end(sk, tcp, state);
	fill_facts(told, sk, tcp, c);
	c->told = 1;
	submit(told);
	return 0;
}

/* Before a client's SYN: from here on its connect is timed. */
static __always_inline void connects(struct sock *sk)
{
	struct connection *c = renew_connection(sk);

	if (!c)
		return;
	c->role = WEIR_ROLE_CLIENT;
	note_opener(c);
}

static __always_inline void listens(struct sock *sk, struct tcp_sock *tcp)
{
	struct connection *c = renew_connection(sk);

	if (!c)
		return;
	note_opener(c);
	tell_facts(sk, tcp, c, WEIR_TCP_OPENED, TCP_LISTEN);
}

static __always_inline void is_established(struct sock *sk, struct tcp_sock *tcp, int before)
{
	struct connection *c = find_connection(sk);

	if (!c)
		return;
	if (before == TCP_SYN_SENT)
		c->connect_time = (bpf_ktime_get_ns() - time_of_id(c->id)) / 1000;
	if (sums_wanted)
		shake_hands(sk, c);
	else
		tell_facts(sk, tcp, c, WEIR_TCP_OPENED, TCP_ESTABLISHED);
}

static __always_inline void is_closed(struct sock *sk, struct tcp_sock *tcp, int before)
{
	struct connection *c = find_connection(sk);

	if (!c)
		return;
	if (sums_wanted && before != TCP_LISTEN && add_to_sums(sk, tcp, c, before))
		return;
	tell_facts(sk, tcp, c, before == TCP_SYN_SENT ? WEIR_TCP_FAILED : WEIR_TCP_CLOSED, before);
}

static __always_inline void tell_change(struct sock *sk, struct tcp_sock *tcp, int before, int now)
{
	struct connection *c;

	switch (now) {
	case TCP_SYN_SENT:
		connects(sk);
		break;
	case TCP_LISTEN:
		listens(sk, tcp);
		break;
	case TCP_ESTABLISHED:
		is_established(sk, tcp, before);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK: /* a close */
		c = find_connection(sk);
		if (c)
			note_opener(c);
		break;
	case TCP_CLOSE:
		if (before != TCP_CLOSE)
			is_closed(sk, tcp, before);
		break;
	}
}

/* The socket that the iterator is at, in the network namespace that it was made for. */
static __always_inline void tell_found(struct seq_file *seq, struct sock *sk, struct tcp_sock *tcp)
{
	struct weir_tcp told = { .kind = WEIR_TCP, .moment = WEIR_TCP_GOES_ON };
	struct connection *c;

	told.state = sk->__sk_common.skc_state;
	if (told.state == TCP_CLOSE)
		return;
	c = find_connection(sk);
	if (!c)
		c = add_connection(sk);
	if (!c)
		return;
	if (!c->end[WEIR_SENT]) { /* one that was open before us: as it is met by a byte */
		c->end[WEIR_SENT] = tcp->write_seq;
		c->end[WEIR_RECEIVED] = tcp->copied_seq;
	}
	told.time = bpf_ktime_get_ns();
	fill_facts(&told, sk, tcp, c);
	/* Where it finds no room this is run again for the same socket. */
	if (!bpf_seq_write(seq, &told, sizeof(told)))
		c->told = 1;
}
