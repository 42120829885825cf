/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every program file includes first. */
#pragma once

#include "kernel.h"

/* Tells libbpf's headers that pt_regs is the kernel's, not that of user space. */
#define __VMLINUX_H__
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

/*
 * Reads a field of a kernel object. Tracing programs have typed pointers and load directly; a kprobe's are plain
 * numbers, which a helper has to read.
 */
#ifdef PLAIN_POINTERS
#define FIELD(pointer, field) BPF_CORE_READ(pointer, field)
#else
#define FIELD(pointer, field) ((pointer)->field)
#endif

/* What differs by processor architecture. */
#if defined(__TARGET_ARCH_x86)
enum {
	KERNEL_STACK_SIZE = 16384,
	SYSCALL_READ = 0,
	SYSCALL_WRITE = 1,
	SYSCALL_READV = 19,
	SYSCALL_WRITEV = 20,
	SYSCALL_SENDFILE = 40,
	SYSCALL_SENDTO = 44,
	SYSCALL_RECVFROM = 45,
	SYSCALL_SENDMSG = 46,
	SYSCALL_RECVMSG = 47,
	SYSCALL_SPLICE = 275,
	SYSCALL_RECVMMSG = 299,
	SYSCALL_SENDMMSG = 307,
	SYSCALL_PREADV2 = 327,
	SYSCALL_PWRITEV2 = 328,
};
#else
#error "this architecture has no entry in weir.h yet"
#endif

/* PF_IO_WORKER, PF_KTHREAD: tasks that are in no system call. */
enum { PF_KERNEL_WORKER = 0x00000010 | 0x00200000 };
