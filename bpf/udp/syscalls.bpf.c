// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UDP as system calls move it, for kernels where nothing can be put between socket and device. Entry points only. Both run at
 * every system call of the machine: they ask for its number first.
 */
#define PLAIN_POINTERS
/* Each size is a path for the verifier, which gives up after a million instructions. */
#define FEW_SIZES

#include "../include/weir.h"
#include "../include/ring.h"
#include "../include/address.h"
#include "../socket/state.h"
#include "../socket/orders.h"
#include "../socket/owner.h"
#include "../socket/chunk.h"
#include "../socket/calls.h"
#include "flow.h"
#include "calls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sys_enter")
int BPF_PROG(udp_call_enter, struct pt_regs *regs, long number)
{
	enum call_kind kind = call_kind(number);

	if (kind != CALL_OTHER && kind != CALL_PAGES)
		udp_call_begins(regs, number, kind);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(udp_call_exit, struct pt_regs *regs, long result)
{
	if (result > 0 && call_kind(regs->orig_ax) != CALL_OTHER)
		udp_call_returns(regs, BPF_CORE_READ(regs, orig_ax), result);
	return 0;
}
