// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The hooks of Weir's capture on kernels with these tracepoints, left empty: what it costs that a program runs at all.
 * Nothing is taken from a header, so that nothing but clang is needed.
 */
#define SEC(name) __attribute__((section(name), used))

SEC("tp_btf/tcp_sendmsg_locked") int empty_send(void *context)
{
	return 0;
}

SEC("tp_btf/skb_copy_datagram_iovec") int empty_receive(void *context)
{
	return 0;
}

SEC("tp_btf/inet_sock_set_state") int empty_state(void *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
