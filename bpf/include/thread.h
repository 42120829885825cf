/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a thread remembers from a call's entry to its return. Each thread keeps one element, which the next entry
 * overwrites: in the steady state that is two look-ups, without the price of insertion and deletion. The map is LRU,
 * so that threads that are gone make room, and one that never saw its return leaks nothing.
 */
#pragma once

enum { REMEMBERED_THREADS = 16384 };

/* This thread's element, if it has one. */
static __always_inline void *remembered(void *map)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(map, &thread);
}

/* This thread's element, made from `fresh` where it has none. NULL for the idle threads, which all have number 0. */
static __always_inline void *remember(void *map, const void *fresh)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	void *element;

	if (!thread)
		return NULL;
	element = bpf_map_lookup_elem(map, &thread);
	if (element)
		return element;
	bpf_map_update_elem(map, &thread, fresh, BPF_ANY);
	element = bpf_map_lookup_elem(map, &thread);
	if (!element)
		count_loss(WEIR_LOSS_NO_STATE);
	return element;
}
