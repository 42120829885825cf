/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet's headers, and its payload as a chunk. */
#pragma once

enum {
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	UDP_HEADER = 8,
};

/* Where in a packet its datagram is; offsets count from sk_buff.head. */
struct datagram {
	struct flow_key flow;
	__u32 payload;
	__u32 length;
};

static __always_inline __u32 netns_of(struct sock *sk)
{
	struct net *net = FIELD(sk, __sk_common.skc_net.net);

	return FIELD(net, ns.inum);
}

static __always_inline __u16 be16_at(const __u8 *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

/*
 * Reads the headers of the packet whose IP header is at `offset`, and says who is local: the sender of one that is sent. False for
 * what is not UDP, for IPv6 with extension headers, and for the later fragments of a datagram.
 */
static __always_inline bool read_headers(struct sk_buff *skb, __u32 offset, bool sent, struct datagram *d)
{
	const unsigned char *head = FIELD(skb, head);
	__u8 ip[IP6_HEADER], udp[UDP_HEADER];
	__u8 *source = sent ? d->flow.local : d->flow.remote;
	__u8 *destination = sent ? d->flow.remote : d->flow.local;
	__be32 address;

	if (bpf_probe_read_kernel(ip, sizeof(ip), head + offset))
		return false;
	if (ip[0] >> 4 == 4) {
		if (ip[9] != IPPROTO_UDP || be16_at(ip + 6) & 0x1fff)
			return false;
		__builtin_memcpy(&address, ip + 12, 4);
		v4_mapped(source, address);
		__builtin_memcpy(&address, ip + 16, 4);
		v4_mapped(destination, address);
		offset += (ip[0] & 15) * 4;
	} else if (ip[0] >> 4 == 6) {
		if (ip[6] != IPPROTO_UDP)
			return false;
		__builtin_memcpy(source, ip + 8, 16);
		__builtin_memcpy(destination, ip + 24, 16);
		offset += IP6_HEADER;
	} else {
		return false;
	}
	if (bpf_probe_read_kernel(udp, sizeof(udp), head + offset) || be16_at(udp + 4) < UDP_HEADER)
		return false;
	d->flow.local_port = be16_at(sent ? udp : udp + 2);
	d->flow.remote_port = be16_at(sent ? udp + 2 : udp);
	d->payload = offset + UDP_HEADER;
	d->length = be16_at(udp + 4) - UDP_HEADER;
	return true;
}

/* Reports the datagram of `skb`. `whole_packets`: the verifier lets this program read those that are in pages. */
static __always_inline void move_datagram(struct sk_buff *skb, struct datagram *d, bool sent, __u64 process,
					  bool whole_packets)
{
	struct transfer m = { .direction = sent ? WEIR_SENT : WEIR_RECEIVED, .process = process };
	const unsigned char *head = FIELD(skb, head);
	__u32 before = FIELD(skb, data) - head;
	__u32 linear = before + FIELD(skb, len) - FIELD(skb, data_len);

	m.c = observed_flow(&d->flow, process);
	if (!m.c)
		return;
	if (!process)
		m.process = (__u64)m.c->owner << 32;
	m.time = bpf_ktime_get_ns();
	m.position = m.c->end[m.direction & 1];
	if (d->payload + d->length <= linear)
		write_chunk(&m, d->length, FROM_KERNEL, head + d->payload, d->length);
	else if (whole_packets && CAN_READ_PACKETS)
		write_chunk(&m, d->length, FROM_PACKET, skb, d->payload - before);
	else /* what is in pages is out of reach */
		write_chunk(&m, d->length, FROM_KERNEL, head + d->payload,
			    linear > d->payload ? linear - d->payload : 0);
}

/*
 * A datagram leaves its socket. A function of its own, as is its counterpart: what all of TCP's packets go through needs no
 * registers to be kept and no memory to be cleared then.
 */
static __noinline int datagram_leaves(struct sock *sk, struct sk_buff *skb, bool whole_packets)
{
	__u64 process = bpf_get_current_pid_tgid();
	struct datagram d = {};

	if (process >> 32 == own_process)
		return 0;
	d.flow.netns = netns_of(sk);
	if (read_headers(skb, FIELD(skb, network_header), true, &d))
		move_datagram(skb, &d, true, process, whole_packets);
	return 0;
}

/* A packet leaves its socket: a datagram, or what else goes by. */
static __always_inline int sends(struct sk_buff *skb, bool whole_packets)
{
	struct sock *sk = FIELD(skb, sk);

	if (!sk || FIELD(sk, sk_protocol) != IPPROTO_UDP)
		return 0;
	return datagram_leaves(sk, skb, whole_packets);
}

/* A datagram was copied to its reader; `length` is below 0 for one that is only peeked at. */
static __always_inline int receives(struct sock *sk, struct sk_buff *skb, int length)
{
	__u64 process = bpf_get_current_pid_tgid();
	struct datagram d = {};

	if (length < 0 || process >> 32 == own_process)
		return 0;
	d.flow.netns = netns_of(sk);
	if (read_headers(skb, FIELD(skb, network_header), false, &d))
		move_datagram(skb, &d, false, process, false);
	return 0;
}
