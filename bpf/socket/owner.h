/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells user space who moves a connection's bytes, before the first chunk that somebody else moves. */
#pragma once

static __noinline int announce_owner(struct connection *c, __u32 pid)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct weir_owner *owner;

	if (!c)
		return 0;
	owner = new_record(sizeof(*owner), WEIR_OWNER, bpf_ktime_get_ns());
	if (!owner)
		return 0;
	owner->pid = pid;
	owner->connection = c->id;
	owner->cgroup = bpf_get_current_cgroup_id();
	BPF_CORE_READ_INTO(&owner->command, task, group_leader, comm);
	c->owner = pid;
	submit(owner);
	return 0;
}
