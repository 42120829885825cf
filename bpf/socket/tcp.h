/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP: what a socket sends and receives, whichever hook tells it. */
#pragma once

static __always_inline bool is_tcp(struct sock *sk)
{
	__u16 family = FIELD(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) && FIELD(sk, sk_protocol) == IPPROTO_TCP;
}

/* The process that moves bytes now; 0 when it is not to be observed. */
static __always_inline __u64 observed_process(void)
{
	__u64 process = bpf_get_current_pid_tgid();

	return process >> 32 == own_process ? 0 : process;
}

/*
 * Its moves are held, and the process that moved bytes last does so again: nothing else is to be asked, since with every other
 * order user space takes the slot away.
 */
static __always_inline bool goes_on(struct sock *sk, struct connection *c, struct transfer *m)
{
	m->process = bpf_get_current_pid_tgid();
	if (!CAN_HOLD || !c || c->owner != m->process >> 32)
		return false;
	m->held = c->slot && !left_out ? held_for(sk, c) : NULL;
	return m->held;
}

/*
 * When the bytes that are read now were there. A server's request begins as it comes in, not when the server finds time to
 * read it: that is about TCP's own note of when it last heard of the peer (or sent), never later than now, which costs no
 * reading of the clock. A client's answer ends when the client has it.
 */
static __always_inline __u64 time_of_read(struct tcp_sock *tcp, __u8 role)
{
	__u64 noted = role == WEIR_ROLE_SERVER ? FIELD(tcp, tcp_clock_cache) : 0;

	return noted ? noted : bpf_ktime_get_ns();
}

/* A server sends right behind what it received: for that it was asked already what user space says. */
static __always_inline bool answers(struct connection *c, __u32 direction)
{
	return direction == WEIR_SENT && c->role == WEIR_ROLE_SERVER && c->speaker == WEIR_RECEIVED + 1;
}

/* Of one that is left out this is noted, where it has a state at all: user space gives up what it knows of it. */
static __always_inline bool tcp_is_left_out(struct sock *sk, struct connection *c)
{
	if (!is_left_out(sum_of_ports(sk)))
		return false;
	if (c && c->speaker != LEFT_OUT) {
		give_up_slot(c);
		c->speaker = LEFT_OUT;
		c->flags &= ~ANNOUNCED;
	}
	return true;
}

/* It is seen again: from here on, as one that was open before Weir was there. */
static __always_inline void come_back(struct connection *c)
{
	c->flags &= ~(FROM_START | MIXED | TAILS | TAILS_RECEIVED | YOUNG);
	c->speaker = 0;
	c->slot = 0;
	c->senders = 0;
	c->owner = 0;
	c->budget[WEIR_SENT] = default_budget;
	c->budget[WEIR_RECEIVED] = default_budget;
}

/* The socket's state, told to user space; NULL when the socket or process is not to be observed. */
static __always_inline struct connection *observed_tcp(struct sock *sk, struct tcp_sock *tcp, struct transfer *m)
{
	struct connection *c = find_connection(sk);

	if (goes_on(sk, c, m))
		return c;
	if (c && c->flags & IGNORED)
		return NULL;
	if (left_out && tcp_is_left_out(sk, c))
		return NULL;
	m->process = observed_process();
	if (!m->process)
		return NULL;
	if (!c) {
		c = add_connection(sk);
		if (!c)
			return NULL;
		c->end[WEIR_SENT] = FIELD(tcp, write_seq);
		c->end[WEIR_RECEIVED] = FIELD(tcp, copied_seq);
	}
	if (!answers(c, m->direction) && told_to_ignore(c))
		return NULL;
	if (!(c->flags & ANNOUNCED)) {
		bool again = c->speaker == LEFT_OUT;

		if (again)
			come_back(c);
		if (again || is_attempt(c)) { /* or it sends with its SYN */
			c->end[WEIR_SENT] = FIELD(tcp, write_seq);
			c->end[WEIR_RECEIVED] = FIELD(tcp, copied_seq);
		}
		announce_ip(sk, c, time_of_read(tcp, c->role)); /* no later than its first chunk */
	}
	if (c->owner != m->process >> 32)
		announce_owner(c, m->process >> 32);
	m->held = held_for(sk, c);
	return c;
}

/* Notes `length` bytes where moves are held; else false. */
static __always_inline bool is_held(struct transfer *m, __u32 length)
{
	if (!CAN_HOLD || !m->held)
		return false;
	hold(m, length);
	return true;
}

/* The sequence number of a packet's first byte. */
static __always_inline __u32 packet_position(struct sk_buff *skb)
{
	__u32 position = 0;

	bpf_probe_read_kernel(&position, sizeof(position), __builtin_preserve_access_index(&skb->cb));
	return position;
}

/* Behind the last byte that was read. The peer's FIN takes a sequence number, is in rcv_nxt and can be read, but is no byte. */
static __always_inline __u32 read_position(struct sock *sk, struct tcp_sock *tcp)
{
	__u32 position = FIELD(tcp, copied_seq);
	__u8 state = FIELD(sk, __sk_common.skc_state);
	/* Of one that ended first itself, the state is that of a closed one by then; so it is after a reset, which is an error. */
	bool ended = state == TCP_CLOSE_WAIT || state == TCP_CLOSING || (state == TCP_CLOSE && !FIELD(sk, sk_err));

	if (ended && position == FIELD(tcp, rcv_nxt))
		position--;
	return position;
}

/* Bytes that were read but not copied (splice, MSG_TRUNC): the stream moved on without a chunk. */
static __always_inline void report_uncopied(struct transfer *m, __u32 position)
{
	struct transfer gap = *m;
	__s32 uncopied = position - m->c->end[WEIR_RECEIVED];

	if (uncopied <= 0)
		return;
	gap.direction = WEIR_RECEIVED;
	gap.position = m->c->end[WEIR_RECEIVED];
	if (is_held(&gap, uncopied))
		return;
	write_chunk(&gap, uncopied, FROM_NOWHERE, NULL, 0);
}

/*
 * A send begins, or goes on: the next `length` bytes of `msg` go to write_seq, all of them for sure. More than these
 * come by a later call.
 */
static __always_inline void tcp_sends(struct sock *sk, struct tcp_sock *tcp, struct iov_iter *iter, __u64 length,
				      bool more, bool exit_follows)
{
	struct transfer m = { .sk = sk, .direction = WEIR_SENT, .again = exit_follows };
	struct buffer b;

	m.c = observed_tcp(sk, tcp, &m);
	if (!m.c)
		return;
	know_socket(m.held, sk);
	m.time = bpf_ktime_get_ns();
	report_uncopied(&m, read_position(sk, tcp));
	/* The middle of a long send, which nobody will look at: the next chunk shows how long it was. */
	if (more && m.c->speaker == WEIR_SENT + 1 && m.c->left[WEIR_SENT] == 0)
		return;
	m.position = FIELD(tcp, write_seq);
	if (is_held(&m, length))
		return;
	buffer_at(&b, iter);
	write_buffer(&m, &b, length);
}

/*
 * A send that waits for room lets others in, so that the bytes before its end may be theirs. A connection of which an end
 * was missed stays mixed: it has gaps then, not somebody else's bytes.
 */
static __always_inline void begin_turn(struct sock *sk)
{
	struct connection *c = find_connection(sk);

	if (!c)
		return;
	c->senders++;
	if (c->senders > 1)
		c->flags |= MIXED;
}

/* True when the bytes that were sent last may not all be this thread's. */
static __always_inline bool end_turn(struct connection *c)
{
	bool mixed = c->flags & MIXED;

	if (c->senders)
		c->senders--;
	if (!c->senders)
		c->flags &= ~MIXED;
	return mixed;
}

/*
 * The same where only the call's beginning is seen: what fits into the send buffer is sure to be accepted, while the
 * direction is open.
 */
static __always_inline void enter_send(struct sock *sk, struct tcp_sock *tcp, struct iov_iter *iter, __u64 size)
{
	__s64 room = (__s64)FIELD(sk, sk_sndbuf) - FIELD(sk, sk_wmem_queued);
	__u8 state = FIELD(sk, __sk_common.skc_state);
	bool open = (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) && !FIELD(sk, sk_err);

	if (size && room > 0 && open)
		tcp_sends(sk, tcp, iter, size < room ? size : room, size > room, true);
	begin_turn(sk);
}

/*
 * A send returned after `length` bytes; `iter` has moved behind them, or is NULL where they came from pages. Reports what
 * the send's beginning could not: more than was sure to be accepted, or a page that was not there yet.
 */
static __always_inline void tcp_sent(struct sock *sk, struct tcp_sock *tcp, struct iov_iter *iter, __s64 length)
{
	struct transfer m = { .sk = sk, .direction = WEIR_SENT };
	struct buffer b = { .kind = BUFFER_OTHER };
	__s32 unreported;
	bool mixed;

	m.c = observed_tcp(sk, tcp, &m);
	if (!m.c)
		return;
	mixed = iter && end_turn(m.c);
	if (length <= 0)
		return;
	unreported = FIELD(tcp, write_seq) - m.c->end[WEIR_SENT];
	if (unreported > length)
		unreported = length; /* what is missing before this call was lost */
	if (unreported < 0)
		m.c->end[WEIR_SENT] += unreported; /* less was accepted than there was room for */
	if (unreported <= 0)
		return;
	m.time = bpf_ktime_get_ns();
	m.position = FIELD(tcp, write_seq) - unreported;
	if (is_held(&m, unreported))
		return;
	if (iter && !mixed) {
		buffer_at(&b, iter);
		step_back(&b, unreported);
	}
	write_buffer(&m, &b, unreported);
}

/* Payload that was looked at before (MSG_PEEK) has been charged to the run's budget already: it is charged once. */
static __always_inline void refund(struct connection *c, __u32 position)
{
	__s32 again = c->shown - position;
	__u32 left = c->left[WEIR_RECEIVED];
	__u32 most = c->flags & YOUNG ? young_budget : c->budget[WEIR_RECEIVED];

	if (again <= 0 || (__s32)(c->end[WEIR_RECEIVED] - position) < again || c->speaker != WEIR_RECEIVED + 1)
		return;
	left += again;
	c->left[WEIR_RECEIVED] = left < most ? left : most;
}

/*
 * `length` bytes of `skb`, whose first byte is at `begin`, are read, from `offset` on; `b` is where they are now, or NULL
 * for the packet itself.
 */
static __always_inline void tcp_receives(struct sock *sk, struct tcp_sock *tcp, struct sk_buff *skb, __u32 begin,
					 __u32 offset, __u32 length, struct buffer *b)
{
	struct transfer m = { .sk = sk, .direction = WEIR_RECEIVED };

	m.c = observed_tcp(sk, tcp, &m);
	if (!m.c)
		return;
	m.time = time_of_read(tcp, m.c->role);
	if (tells_reads && m.c->role == WEIR_ROLE_SERVER) {
		m.direction |= WEIR_READ_LATER;
		m.peer = bpf_ktime_get_ns();
	}
	m.position = begin + offset;
	if (is_held(&m, length))
		return;
	refund(m.c, m.position);
	if (b)
		write_buffer(&m, b, length);
	else
		write_chunk(&m, length, FROM_PACKET, skb, offset);
}
