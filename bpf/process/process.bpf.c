// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes as they begin a program and end: what user space may be too late to find in /proc. */
#include "../include/weir.h"
#include "../include/ring.h"
#include "../events/process.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_tracepoint, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	struct weir_exec *exec = new_record(sizeof(*exec), WEIR_EXEC, bpf_ktime_get_ns());
	unsigned long start, length;
	long copied;

	if (!exec)
		return 0;
	exec->pid = bpf_get_current_pid_tgid() >> 32;
	exec->cgroup = bpf_get_current_cgroup_id();
	bpf_probe_read_kernel(&exec->command, sizeof(exec->command), &task->comm);
	copied = bpf_probe_read_kernel_str(&exec->file, sizeof(exec->file), BPF_CORE_READ(binprm, filename));
	exec->file_length = copied > 0 ? copied - 1 : 0;
	start = BPF_CORE_READ(task, mm, arg_start);
	length = BPF_CORE_READ(task, mm, arg_end) - start;
	if (length > WEIR_EXEC_ARGUMENTS)
		length = WEIR_EXEC_ARGUMENTS;
	if (start && !bpf_probe_read_user(&exec->arguments, length, (void *)start))
		exec->arguments_length = length;
	submit(exec);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_tracepoint, struct task_struct *task)
{
	__u64 process = bpf_get_current_pid_tgid();
	struct weir_exit *exit;

	if (process >> 32 != (__u32)process)
		return 0; /* a thread */
	exit = new_record(sizeof(*exit), WEIR_EXIT, bpf_ktime_get_ns());
	if (!exit)
		return 0;
	exit->pid = process >> 32;
	submit(exit);
	return 0;
}
