/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records about processes. */
#pragma once

#include "record.h"

enum weir_process_limits {
	WEIR_EXEC_FILE = 128,
	WEIR_EXEC_ARGUMENTS = 512,
};

/* A process executed a program. */
struct weir_exec {
	__u8 kind;
	__u8 pad;
	__u16 file_length;
	__u32 pid;
	__u64 time;
	__u64 cgroup;
	__u32 arguments_length;
	__u32 pad2;
	char command[16];
	char file[WEIR_EXEC_FILE];
	char arguments[WEIR_EXEC_ARGUMENTS]; /* each ends with NUL; the last may be cut */
};

/* A process ended. */
struct weir_exit {
	__u8 kind;
	__u8 pad[3];
	__u32 pid;
	__u64 time;
};
