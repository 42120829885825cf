// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UDP, datagram by datagram, from the packets themselves: so it does not matter by which call they are sent, or to whom the
 * socket is connected. Where functions can be hooked it is those that only UDP goes through; else packets are seen between
 * socket and device, where TCP's go by too and have to be told apart.
 */
#include "../include/weir.h"
#include "../include/ring.h"
#include "../include/address.h"
#include "../socket/state.h"
#include "../socket/orders.h"
#include "../socket/owner.h"
#include "../socket/packet.h"
#include "../socket/chunk.h"
#include "flow.h"
#include "datagram.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- functions, kernels with trampolines ---- */

SEC("fentry/ip_send_skb")
int BPF_PROG(udp4_send_entry, struct net *net, struct sk_buff *skb)
{
	return sends(skb, false);
}

SEC("fentry/ip6_send_skb")
int BPF_PROG(udp6_send_entry, struct sk_buff *skb)
{
	return sends(skb, false);
}

SEC("fentry/skb_consume_udp")
int BPF_PROG(udp_receive_entry, struct sock *sk, struct sk_buff *skb, int length)
{
	return receives(sk, skb, length);
}

/* ---- tracepoints, every kernel ---- */

SEC("tp_btf/net_dev_queue")
int BPF_PROG(udp_send_tracepoint, struct sk_buff *skb)
{
	return sends(skb, true);
}

/* Before the packet finds its socket: its process is who sends on the same addresses. */
static __noinline int datagram_arrives(struct sk_buff *skb)
{
	struct datagram d = {};

	d.flow.netns = skb->dev->nd_net.net->ns.inum;
	if (read_headers(skb, skb->data - skb->head, false, &d))
		move_datagram(skb, &d, false, 0, true);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(udp_receive_tracepoint, struct sk_buff *skb)
{
	__be16 protocol = skb->protocol;
	__u8 carried = 0;

	/* What all of TCP's packets cost: loads, no calls. */
	if (protocol == bpf_htons(ETH_P_IP))
		carried = AS(skb->data, struct iphdr)->protocol;
	else if (protocol == bpf_htons(ETH_P_IPV6))
		carried = AS(skb->data, struct ipv6hdr)->nexthdr;
	return carried == IPPROTO_UDP ? datagram_arrives(skb) : 0;
}
