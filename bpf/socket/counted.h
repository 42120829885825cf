/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel's own fields say of a TCP socket. */
#pragma once

/* A counter that some kernels lack: 0 there. */
#define COUNTED(tcp, field) (bpf_core_field_exists((tcp)->field) ? (tcp)->field : 0)

/* Of one that is closed the place that has it has been given back. */
static __always_inline __u16 local_port(struct sock *sk)
{
	__u16 port = sk->__sk_common.skc_num;

	return port ? port : bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

/* What went wrong, by the socket's error; 0 where there is none. */
static __always_inline __u8 cause_of_error(int error)
{
	switch (error) {
	case 0:
		return 0;
	case ECONNRESET:
	case EPIPE:
		return WEIR_TCP_REMOTE_RESET;
	case ECONNREFUSED:
		return WEIR_TCP_REFUSED;
	case ETIMEDOUT:
		return WEIR_TCP_TIMED_OUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return WEIR_TCP_UNREACHABLE;
	case ECONNABORTED:
		return WEIR_TCP_ABORTED;
	default:
		return WEIR_TCP_OTHER;
	}
}

/* Why a connection is gone, or came to nothing: its error, else the way that it went to its end. */
static __always_inline __u8 cause_of_end(struct sock *sk, struct tcp_sock *tcp, int before)
{
	__u8 cause = cause_of_error(sk->sk_err);

	if (cause)
		return cause;
	switch (before) {
	case TCP_SYN_SENT: /* before a SYN went out, only the local end can have been the matter */
		return tcp->segs_out ? WEIR_TCP_ABORTED : WEIR_TCP_LOCAL_ADDRESS;
	case TCP_LAST_ACK:
		return WEIR_TCP_REMOTE_FIN;
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
	case TCP_TIME_WAIT:
		return WEIR_TCP_LOCAL_FIN;
	default: /* no FIN was acknowledged: bytes were left unread, came too late, or it was not to linger */
		return WEIR_TCP_LOCAL_RESET;
	}
}
