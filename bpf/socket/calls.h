/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls that may move a socket's bytes: which they are, and what their arguments say. */
#pragma once

enum { COMPAT_CALL = 0x2 }; /* TS_COMPAT: a 32-bit call, which has other numbers */

enum call_kind {
	CALL_OTHER,
	CALL_BUFFER,   /* read, recvfrom, write, sendto: one address */
	CALL_SEGMENTS, /* readv, writev: an array of struct iovec */
	CALL_MESSAGE,  /* recvmsg, sendmsg: a header that points to such an array */
	CALL_MESSAGES, /* recvmmsg, sendmmsg: an array of headers */
	CALL_PAGES,    /* sendfile, splice: nothing that a program could look at */
};

/* struct user_msghdr and struct mmsghdr: what programs hand over, the same for ever. */
struct message {
	void *name;
	__s32 name_length;
	__u32 pad;
	const struct iovec *segments;
	__u64 segments_count;
	void *control;
	__u64 control_length;
	__u32 flags;
	__u32 pad2;
	/* only in an array: */
	__u32 length; /* the bytes that were moved */
	__u32 pad3;
};

/* Asked at each system call of every process, so the numbers are looked for in the order of their frequency. */
static __always_inline enum call_kind call_kind(__u64 number)
{
	if (number == SYSCALL_READ || number == SYSCALL_WRITE || number == SYSCALL_RECVFROM || number == SYSCALL_SENDTO)
		return CALL_BUFFER;
	if (number == SYSCALL_RECVMSG || number == SYSCALL_SENDMSG)
		return CALL_MESSAGE;
	if (number == SYSCALL_READV || number == SYSCALL_WRITEV || number == SYSCALL_PREADV2 ||
	    number == SYSCALL_PWRITEV2)
		return CALL_SEGMENTS;
	if (number == SYSCALL_SENDFILE || number == SYSCALL_SPLICE)
		return CALL_PAGES;
	if (number == SYSCALL_RECVMMSG || number == SYSCALL_SENDMMSG)
		return CALL_MESSAGES;
	return CALL_OTHER;
}

/* From or to the descriptor in the first argument. */
static __always_inline __u32 call_direction(__u64 number)
{
	return number == SYSCALL_READ || number == SYSCALL_READV || number == SYSCALL_PREADV2 ||
			       number == SYSCALL_RECVFROM || number == SYSCALL_RECVMSG || number == SYSCALL_RECVMMSG ||
			       number == SYSCALL_SPLICE
		       ? WEIR_RECEIVED
		       : WEIR_SENT;
}

/* The flags of a call that receives; 0 of one that sends. */
static __always_inline __u32 receive_flags(__u64 number, struct pt_regs *regs)
{
	if (number == SYSCALL_RECVFROM || number == SYSCALL_RECVMMSG)
		return PT_REGS_PARM4_SYSCALL(regs);
	return number == SYSCALL_RECVMSG ? PT_REGS_PARM3_SYSCALL(regs) : 0;
}

/*
 * The socket behind a descriptor of this task, or NULL. The private data is a socket only where the inode says so; of
 * a descriptor that was opened as a mere path (O_PATH) it is NULL.
 */
static __always_inline struct socket *socket_of(struct task_struct *task, __u64 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;

	descriptor = (__u32)descriptor;
	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return BPF_CORE_READ(file, private_data);
}
