// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UDP for kernels without trampolines: kernel probes on the same functions. Entry points only. */
#define PLAIN_POINTERS
#include "../include/weir.h"
#include "../include/ring.h"
#include "../include/address.h"
#include "../socket/state.h"
#include "../socket/orders.h"
#include "../socket/owner.h"
#include "../socket/chunk.h"
#include "flow.h"
#include "datagram.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("kprobe/ip_send_skb")
int BPF_KPROBE(udp4_send_probe, struct net *net, struct sk_buff *skb)
{
	return sends(skb, false);
}

SEC("kprobe/ip6_send_skb")
int BPF_KPROBE(udp6_send_probe, struct sk_buff *skb)
{
	return sends(skb, false);
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(udp_receive_probe, struct sock *sk, struct sk_buff *skb, int length)
{
	return receives(sk, skb, length);
}
