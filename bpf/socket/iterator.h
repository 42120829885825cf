/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the kernel's iov_iter, whose layout and numbers changed with nearly every version. */
#pragma once

enum {
	MAX_SEGMENTS = 16, /* of one call; what comes after them is reported without payload */
};

enum buffer_kind {
	BUFFER_OTHER, /* pages, kernel memory: not readable by address */
	BUFFER_SINGLE,
	BUFFER_SEGMENTS,
};

/* A place in user memory, given as the kernel was given it. */
struct buffer {
	__u32 kind;
	__u32 pad;
	const void *single;
	const struct iovec *segments; /* the first that counts */
	__u64 offset;                 /* in the first segment */
};

static __always_inline __u32 buffer_kind(struct iov_iter *iter)
{
	__u32 type;

	if (bpf_core_field_exists(((struct iov_iter___5_10 *)0)->type)) {
		type = FIELD((struct iov_iter___5_10 *)iter, type);
		return type & 4 /* ITER_IOVEC, then a bit */ ? BUFFER_SEGMENTS : BUFFER_OTHER;
	}
	barrier_var(iter); /* lest the compiler join the two reads, and with them the place that only one kernel has */
	type = FIELD(iter, iter_type);
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		return BUFFER_SINGLE;
	return type == bpf_core_enum_value(enum iter_type, ITER_IOVEC) ? BUFFER_SEGMENTS : BUFFER_OTHER;
}

/*
 * Where `iter` points now. Addresses are read by a helper, which makes plain numbers of them: before 6.2 the verifier
 * takes whatever is in the union for a typed pointer and refuses to reckon with it. Later kernels load the common case,
 * a single buffer, directly.
 */
static __always_inline void buffer_at(struct buffer *b, struct iov_iter *iter)
{
	b->kind = buffer_kind(iter);
	b->offset = FIELD(iter, iov_offset);
	b->single = NULL;
	b->segments = NULL;
	/* What does not exist stands behind a constant that is false there, so that the verifier never comes to it. */
	if (bpf_core_field_exists(((struct iov_iter___5_10 *)0)->type)) {
		b->segments = BPF_CORE_READ((struct iov_iter___5_10 *)iter, iov);
	} else if (bpf_core_field_exists(iter->__iov)) {
		if (b->kind == BUFFER_SINGLE)
			b->single = (const char *)FIELD(iter, ubuf) + b->offset;
		else
			b->segments = BPF_CORE_READ(iter, __iov);
	} else {
		if (bpf_core_field_exists(iter->ubuf) && b->kind == BUFFER_SINGLE)
			b->single = (const char *)BPF_CORE_READ(iter, ubuf) + b->offset;
		else
			b->segments = BPF_CORE_READ((struct iov_iter___6_0 *)iter, iov);
	}
}

/* Moves back by `length` bytes, to where the iterator stood before the kernel moved them. */
static __always_inline void step_back(struct buffer *b, __u64 length)
{
	struct iovec segment;
	int i;

	if (b->kind == BUFFER_SINGLE) {
		b->single = (const char *)b->single - length;
		return;
	}
	if (b->kind != BUFFER_SEGMENTS)
		return;
	for (i = 0; i < MAX_SEGMENTS; i++) {
		if (length <= b->offset) {
			b->offset -= length;
			return;
		}
		length -= b->offset;
		b->segments--;
		if (bpf_probe_read_kernel(&segment, sizeof(segment), b->segments))
			break;
		b->offset = segment.iov_len;
	}
	b->kind = BUFFER_OTHER;
	count_loss(WEIR_LOSS_SEGMENTS);
}

/*
 * Reports `length` bytes that begin at `b`, a chunk for each segment. Once the budget is used up, the rest is one chunk
 * without payload.
 */
static __always_inline void write_buffer(struct transfer *m, struct buffer *b, __u64 length)
{
	struct iovec segment;
	__u64 size;
	int i;

	if (b->kind == BUFFER_SINGLE) {
		write_chunk(m, length, FROM_USER, b->single, 0);
		return;
	}
	for (i = 0; b->kind == BUFFER_SEGMENTS && length && i < MAX_SEGMENTS; i++) {
		/* Else the end of the loop may fall into its beginning, and kernels up to 6.1 refuse that. */
		asm volatile("");
		if (m->c->speaker == m->direction + 1 && m->c->left[m->direction & 1] == 0 && !wants_tails(m))
			break;
		if (bpf_probe_read_kernel(&segment, sizeof(segment), b->segments + i))
			break;
		size = segment.iov_len - b->offset;
		if (size > length)
			size = length;
		/* Before much is asked of the size, lest the verifier know more of the rest than it needs. */
		FORGET(size, MOVE_BITS);
		length -= size;
		barrier_var(length);
		if (size && !write_chunk(m, size, FROM_USER, (const char *)segment.iov_base + b->offset, 0))
			return;
		m->position += size;
		b->offset = 0;
	}
	if (length) {
		if (i == MAX_SEGMENTS)
			count_loss(WEIR_LOSS_SEGMENTS);
		write_chunk(m, length, FROM_NOWHERE, NULL, 0);
	}
}
