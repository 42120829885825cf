/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types, as far as the programs read them. Field offsets come from the running kernel's BTF
 * (CO-RE), so only names and types matter here, not order or completeness. A name with three underscores
 * (iov_iter___5_10) is the same kernel type as it was in another version.
 */
#pragma once

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef unsigned long size_t;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* Map types and flags, from the kernel's user-space interface. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1U << 0,
	BPF_F_MMAPABLE = 1U << 10,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_RING_SIZE = 1,
};

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

enum {
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	ETH_P_IP = 0x0800,
	ETH_P_IPV6 = 0x86dd,
	SOCK_STREAM = 1,
	EPIPE = 32,
	ENETUNREACH = 101,
	ECONNABORTED = 103,
	ECONNRESET = 104,
	ETIMEDOUT = 110,
	ECONNREFUSED = 111,
	EHOSTDOWN = 112,
	EHOSTUNREACH = 113,
	SOCK_DONE = 1, /* bit of sk_flags: the peer's FIN came */
	MSG_OOB = 1,
	MSG_PEEK = 2,
	MSG_TRUNC = 0x20,
	MSG_ERRQUEUE = 0x2000,
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	PF_KTHREAD = 0x00200000,
	MAX_SKB_FRAGS = 17,
};

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sk_buff;

struct sk_buff_list {
	struct sk_buff *next;
	struct sk_buff *prev;
};

struct sk_buff_head {
	struct sk_buff *next;
	struct sk_buff *prev;
	__u32 qlen;
};

typedef struct {
	int counter;
} atomic_t;

struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
	struct sk_buff_head sk_receive_queue;
	struct sk_buff_head sk_write_queue;
	int sk_wmem_queued;
	int sk_sndbuf;
	u16 sk_type;
	u16 sk_protocol;
	int sk_err;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	struct socket *sk_socket;
};

struct socket {
	struct sock *sk;
};

struct inode {
	u16 i_mode;
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct socket_alloc {
	struct inode vfs_inode;
};

struct inet_sock {
	__be16 inet_sport;
};

struct minmax_sample {
	u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	u64 tcp_clock_cache;
	u32 rcv_nxt;
	u32 copied_seq;
	u32 write_seq;
	u32 snd_nxt;
	u64 bytes_sent;
	u64 bytes_acked;
	u64 bytes_received;
	u64 bytes_retrans;
	u32 segs_out;
	u32 segs_in;
	u32 data_segs_out;
	u32 data_segs_in;
	u32 total_retrans;
	u32 lost;
	u32 reord_seen;
	u32 rcv_ooopack;
	u32 dsack_dups;
	u32 delivered;
	u32 srtt_us; /* times 8 */
	u32 mdev_us; /* times 4 */
	struct minmax rtt_min;
	u32 snd_cwnd;
	u32 packets_out;
	u32 mss_cache;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct iphdr {
	__u8 protocol;
};

struct ipv6hdr {
	__u8 nexthdr;
};

struct net_device {
	possible_net_t nd_net;
};

struct sk_buff {
	struct sk_buff *prev;
	struct net_device *dev;
	struct sock *sk;
	char cb[48];
	unsigned int len;
	unsigned int data_len; /* of len, what is in pages */
	__be16 protocol;
	__u16 network_header; /* from head on */
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
};

struct page {
	unsigned long flags;
};

/* 6.9 and later: netmem is the address of a struct page, unless its lowest bit is set. */
struct skb_frag {
	unsigned long netmem;
	unsigned int len;
	unsigned int offset;
};

/* At sk_buff.head + sk_buff.end. */
struct skb_shared_info {
	__u8 nr_frags;
	struct skb_frag frags[17];
};

/* In sk_buff.cb of a TCP segment. */
struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
};

/* In sk_buff.cb of a Unix message. */
struct unix_skb_parms {
	u32 consumed;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len; /* of the name, its 2-byte family included */
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct iovec {
	void *iov_base;
	size_t iov_len;
};

/* 6.4 and later: the segment array is called __iov, a single buffer is ubuf. */
struct iov_iter {
	u8 iter_type;
	size_t iov_offset;
	size_t count;
	const struct iovec *__iov;
	void *ubuf;
	unsigned long nr_segs;
};

/* 6.0 to 6.3: has ubuf, and the array is called iov. */
struct iov_iter___6_0 {
	const struct iovec *iov;
};

/* Up to 5.13: the type is a bit in a word that also holds the direction. */
struct iov_iter___5_10 {
	unsigned int type;
	const struct iovec *iov;
};

enum iter_type {
	ITER_UBUF = 100,
	ITER_IOVEC = 101,
};

/* Up to 5.13, where the members are bits. */
enum iter_type___5_10 {
	ITER_IOVEC___5_10 = 4,
};

struct msghdr {
	struct iov_iter msg_iter;
};

struct pt_regs {
	unsigned long r8;
	unsigned long r10;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long ax;
	unsigned long orig_ax;
};

/* Helpers, by number: whether the kernel has one. */
enum bpf_func_id {
	BPF_FUNC_task_pt_regs = 175,
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct thread_info {
	u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	void *stack;
	struct mm_struct *mm;
	struct files_struct *files;
	char comm[16];
};

struct linux_binprm {
	const char *filename;
};

#pragma clang attribute pop
