// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes as system calls move them, for kernels where nothing can be put at the socket layer. Entry points only. Both
 * run at every system call of the machine: they ask for its number first.
 */
#define PLAIN_POINTERS
/* Each size is a path for the verifier, which gives up after a million instructions. */
#define FEW_SIZES

#include "../include/weir.h"
#include "../include/ring.h"
#include "state.h"
#include "orders.h"
#include "announce.h"
#include "owner.h"
#include "chunk.h"
#include "iterator.h"
#include "tcp.h"
#include "unix.h"
#include "calls.h"
#include "syscalls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sys_enter")
int BPF_PROG(call_enter, struct pt_regs *regs, long number)
{
	enum call_kind kind = call_kind(number);

	if (kind != CALL_OTHER)
		call_begins(regs, number, kind);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_exit, struct pt_regs *regs, long result)
{
	/* The number is read anew, lest the verifier follow each that is looked for on its own. */
	if (result > 0 && call_kind(regs->orig_ax) != CALL_OTHER)
		call_returns(regs, BPF_CORE_READ(regs, orig_ax), result);
	return 0;
}
