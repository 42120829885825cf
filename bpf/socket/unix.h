/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Unix stream sockets: both directions are seen where they are read. The packet knows who sent it, so a connection's
 * direction is kept with the sender; positions are counted, since nothing in the kernel numbers these bytes.
 */
#pragma once

static __always_inline bool is_unix_stream(struct sock *sk)
{
	return FIELD(sk, __sk_common.skc_family) == AF_UNIX && FIELD(sk, sk_type) == SOCK_STREAM;
}

/* The inode number in the state of a socket that was closed before it was first seen; no open one's state has it. */
enum { ORPHAN_INODE = 0xffffffff };

/* The socket that a packet is read from: its sender's peer, or, once the sender was closed, whose queue it heads. */
static __always_inline struct sock *unix_reader(struct sock *peer, struct sk_buff *skb)
{
	struct sock *sk;

	if (peer)
		return peer;
	sk = (struct sock *)((char *)BPF_CORE_READ(skb, prev) - bpf_core_field_offset(struct sock, sk_receive_queue));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX || BPF_CORE_READ(sk, sk_type) != SOCK_STREAM)
		return NULL;
	return socket_inode(sk) ? sk : NULL;
}

static __always_inline struct connection *unix_connection(struct sock *sk)
{
	struct connection *c = find_in_hash(sk);

	return c ? c : add_to_hash(sk);
}

/*
 * The state of who sent to `reader`. A socket that was closed has no inode any more, and the state at its address may be
 * an earlier socket's: it is this one's if it knows the reader.
 */
static __always_inline struct connection *unix_sender(struct sock *sk, struct connection *reader)
{
	struct connection *c = find_in_hash(sk);

	if (c && (socket_inode(sk) || c->peer_id == reader->id))
		return c;
	c = add_to_hash(sk);
	if (c && !c->inode)
		c->inode = ORPHAN_INODE;
	return c;
}

/* Tells the two directions' states of each other, and user space of both. */
static __always_inline void introduce(struct connection *sender, struct sock *sender_sk, struct connection *reader,
				      struct sock *reader_sk)
{
	sender->peer_id = reader->id;
	reader->peer_id = sender->id;
	if (!(sender->flags & ANNOUNCED))
		announce_unix(sender_sk, reader_sk, sender);
	if (!(reader->flags & ANNOUNCED))
		announce_unix(reader_sk, sender_sk, reader);
}

/*
 * The system call's registers. Where they lie on the stack differs by processor feature (FRED), so the kernel is asked,
 * where it can be (5.15).
 */
static __always_inline struct pt_regs *call_registers(struct task_struct *task)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return (struct pt_regs *)(BPF_CORE_READ(task, stack) + KERNEL_STACK_SIZE - bpf_core_type_size(struct pt_regs));
}

/* The call that is running only looks at the bytes and leaves them. */
static __always_inline bool peeks(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct pt_regs *regs = call_registers(task);
	__u64 call = BPF_CORE_READ(regs, orig_ax);

	if (BPF_CORE_READ(task, flags) & PF_KERNEL_WORKER)
		return false;
	if (call == SYSCALL_RECVFROM || call == SYSCALL_RECVMMSG)
		return BPF_CORE_READ(regs, r10) & MSG_PEEK;
	return call == SYSCALL_RECVMSG && BPF_CORE_READ(regs, dx) & MSG_PEEK;
}

/* `length` bytes of `skb`, from `offset` on, are read by the current process; `b` as in tcp_receives. */
static __always_inline void unix_receives(struct sock *sender_sk, struct sock *reader_sk, struct sk_buff *skb,
					  __u32 offset, __u32 length, struct buffer *b)
{
	struct transfer m = { .sk = sender_sk, .direction = WEIR_SENT };
	struct connection *reader;

	m.process = observed_process();
	reader_sk = m.process ? unix_reader(reader_sk, skb) : NULL;
	if (!reader_sk)
		return;
	reader = unix_connection(reader_sk);
	if (!reader)
		return;
	m.c = unix_sender(sender_sk, reader);
	if (!m.c || m.c->flags & IGNORED || is_left_out(m.c->id + reader->id))
		return;
	if (told_to_ignore(m.c) || peeks())
		return;
	introduce(m.c, sender_sk, reader, reader_sk);
	if (reader->owner != m.process >> 32)
		announce_owner(reader, m.process >> 32);
	/* The other direction's run is over, its budget begins anew. */
	reader->speaker = WEIR_RECEIVED + 1;
	m.peer = m.c->peer_id;
	m.time = bpf_ktime_get_ns();
	m.position = m.c->end[WEIR_SENT];
	if (b)
		write_buffer(&m, b, length);
	else
		write_chunk(&m, length, FROM_PACKET, skb, offset);
}
