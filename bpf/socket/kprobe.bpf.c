// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes at the socket layer for kernels without trampolines: kernel probes on the same functions. Entry points only. */
#define PLAIN_POINTERS
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
#include "returns.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("kprobe/tcp_sendmsg_locked")
int BPF_KPROBE(send_probe, struct sock *sk, struct msghdr *msg, size_t size)
{
	if (is_tcp(sk)) {
		enter_send(sk, (struct tcp_sock *)sk, &msg->msg_iter, size);
		send_begins(sk, &msg->msg_iter);
	}
	return 0;
}

SEC("kretprobe/tcp_sendmsg_locked")
int BPF_KRETPROBE(send_return_probe, int result)
{
	send_returns(result);
	return 0;
}

/* sendfile and splice, up to 6.4 */
SEC("kprobe/do_tcp_sendpages")
int BPF_KPROBE(sendpages_probe, struct sock *sk)
{
	if (is_tcp(sk))
		send_begins(sk, NULL);
	return 0;
}

SEC("kretprobe/do_tcp_sendpages")
int BPF_KRETPROBE(sendpages_return_probe, long result)
{
	send_returns(result);
	return 0;
}

SEC("kprobe/skb_copy_datagram_iter")
int BPF_KPROBE(receive_probe, struct sk_buff *skb, int offset, struct iov_iter *to, int length)
{
	receive_begins(skb, to, offset, length);
	return 0;
}

SEC("kretprobe/skb_copy_datagram_iter")
int BPF_KRETPROBE(receive_return_probe, int result)
{
	receive_returns(result);
	return 0;
}
