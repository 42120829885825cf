/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* One transfer of bytes, and where they can be read. */
struct transfer {
	struct sock *sk;
	struct connection *c;
	struct weir_moves *held; /* where its moves are held; NULL where each is told by itself */
	__u64 process;           /* as bpf_get_current_pid_tgid gives it */
	__u64 time;
	__u64 peer;      /* as weir_chunk has it */
	__u32 direction; /* and WEIR_READ_LATER */
	__u32 position;
	bool again; /* what cannot be read now will be reported once more, when the call returns */
};
