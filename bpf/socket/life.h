/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A TCP connection's beginning and end, from its changes of state. */
#pragma once

#include "facts.h"

static __always_inline void begins(struct sock *sk, struct tcp_sock *tcp, int before)
{
	struct connection *c = find_connection(sk);

	if (c && before == TCP_SYN_SENT && is_attempt(c)) {
		if (c->flags & ANNOUNCED) /* it sent something with its SYN: that was not seen to be taken */
			return;
		goto from_start;
	}
	/* Nobody wants its bytes for now, and where facts are told the state is there from its SYN, or made below. */
	if (!c && !tells_facts && is_left_out(sum_of_ports(sk)))
		return;
	if (c && state_in_hash) /* what an earlier socket at this address left behind */
		forget_connection(sk);
	else if (c && !(c->flags & FROM_START) && c->grown != LINGERS)
		return;
	/* A socket may have an earlier connection behind it, which connect(AF_UNSPEC) ended. */
	c = renew_connection(sk);
	if (!c)
		return;
from_start:
	c->role = before == TCP_SYN_SENT ? WEIR_ROLE_CLIENT : WEIR_ROLE_SERVER;
	c->flags |= FROM_START;
	c->end[WEIR_SENT] = FIELD(tcp, write_seq);
	c->end[WEIR_RECEIVED] = FIELD(tcp, copied_seq);
}

/* Why a connection is gone; a socket error tells it, or that no FIN went either way. */
static __always_inline __u8 close_cause(struct sock *sk, int before)
{
	int error = FIELD(sk, sk_err);

	if (error == ECONNRESET || error == EPIPE)
		return WEIR_END_REMOTE_RESET;
	if (error == ETIMEDOUT)
		return WEIR_END_TIMED_OUT;
	if (before == TCP_ESTABLISHED || before == TCP_CLOSE_WAIT)
		return WEIR_END_LOCAL_RESET;
	return WEIR_END_CLOSED;
}

/*
 * TCP is done with the socket, and its process is not. Who has shut down its sending direction only has not read the answer
 * yet, if that came together with the peer's FIN; and what came before a reset can be read as well. So for now this is that FIN or
 * reset, and the end is told when the socket goes.
 */
static __always_inline bool lingers(struct sock *sk, struct connection *c)
{
	if (!FIELD(sk, sk_socket))
		return false;
	c->flags &= ~YOUNG;
	c->grown = LINGERS;
	return true;
}

static __always_inline void socket_goes(struct sock *sk)
{
	struct connection *c = find_connection(sk);
	struct weir_end *end;

	if (!c || c->grown != LINGERS || c->flags & (YOUNG | IGNORED))
		return;
	tell_what_is_held(c);
	end = new_record(sizeof(*end), WEIR_END, bpf_ktime_get_ns());
	if (!end)
		return;
	end->cause = WEIR_END_CLOSED;
	end->connection = c->id;
	c->grown = 0; /* once is enough */
	submit(end);
}

/* The peer's FIN has come in this state. */
static __always_inline bool has_fin(int state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_CLOSING || state == TCP_LAST_ACK;
}

static __always_inline void ends(struct sock *sk, struct tcp_sock *tcp, int before, int now)
{
	struct connection *c = find_connection(sk);
	struct weir_end *end;
	bool unread;
	__u8 cause;

	if (!c || !(c->flags & ANNOUNCED) || c->flags & IGNORED)
		return;
	if (now == TCP_FIN_WAIT1 || now == TCP_LAST_ACK)
		cause = WEIR_END_LOCAL_FIN;
	else if (now == TCP_CLOSE_WAIT || now == TCP_CLOSING)
		cause = WEIR_END_REMOTE_FIN;
	else if (now == TCP_CLOSE)
		cause = close_cause(sk, before);
	else
		return;
	unread = FIELD(tcp, rcv_nxt) != FIELD(tcp, copied_seq);
	if (cause == WEIR_END_CLOSED && lingers(sk, c))
		cause = WEIR_END_REMOTE_FIN;
	else if (cause == WEIR_END_REMOTE_RESET && unread && lingers(sk, c))
		cause = WEIR_END_RESET_UNREAD;
	tell_what_is_held(c);
	end = new_record(sizeof(*end), WEIR_END, bpf_ktime_get_ns());
	if (!end)
		return;
	end->cause = cause;
	end->connection = c->id;
	/*
	 * A FIN takes a sequence number too. The peer's is in rcv_nxt when this is told, and in copied_seq once it was read;
	 * ours is in write_seq from after this change of state on. So each end is told where its number is still pure.
	 */
	end->sent_end = FIELD(tcp, write_seq);
	end->received_end = FIELD(tcp, copied_seq);
	if (cause == WEIR_END_REMOTE_FIN || cause == WEIR_END_RESET_UNREAD)
		end->received_end = FIELD(tcp, rcv_nxt) - (cause == WEIR_END_REMOTE_FIN || has_fin(before));
	if (before == TCP_ESTABLISHED || before == TCP_SYN_RECV || before == TCP_CLOSE_WAIT)
		end->known |= WEIR_SENT_END_KNOWN;
	if (cause == WEIR_END_REMOTE_FIN || cause == WEIR_END_RESET_UNREAD || before == TCP_ESTABLISHED ||
	    before == TCP_SYN_RECV)
		end->known |= WEIR_RECEIVED_END_KNOWN;
	submit(end);
}

static __always_inline void tcp_changes_state(struct sock *sk, struct tcp_sock *tcp, int before, int now)
{
	if (now == TCP_SYN_SENT)
		socket_goes(sk);
	if (now == TCP_ESTABLISHED)
		begins(sk, tcp, before);
	if (tells_facts)
		tell_change(sk, tcp, before, now);
	if (now >= TCP_FIN_WAIT1 && now <= TCP_CLOSING && now != TCP_LISTEN)
		ends(sk, tcp, before, now);
}
