//! The ways in which a purpose can be served, best first, and which of them this kernel allows.
//!
//! A program that attaches does not always fire, so each way is loaded, attached and fired before it is
//! chosen. What was found is a [`Report`], which `weir doctor` prints.

use std::fmt;
use std::path::Path;

use crate::Host;
use crate::host::KernelTypes;

/// What the kernel side is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Bytes that TCP sockets send.
    TcpSent,
    /// Bytes that TCP and Unix sockets receive (and so all that Unix sockets send).
    Received,
    /// Bytes that are spliced out of Unix sockets, which are not copied to anybody.
    UnixSpliced,
    /// Beginning and end of TCP connections.
    ConnectionLife,
    /// What the kernel counts of TCP connections, and what listens.
    ConnectionFacts,
    /// Datagrams that UDP sockets send and receive.
    Datagrams,
    /// Programs that processes execute, and their end.
    ProcessLife,
}

/// A way to serve a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Typed tracepoints (`tp_btf`).
    Tracepoint,
    /// Entry and exit of kernel functions through trampolines (fentry, fexit).
    Trampoline,
    /// Kernel probes on the same functions.
    Kprobe,
    /// System calls, seen at their tracepoints: the last resort.
    SystemCalls,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 7] = [
        Purpose::TcpSent,
        Purpose::Received,
        Purpose::UnixSpliced,
        Purpose::ConnectionLife,
        Purpose::ConnectionFacts,
        Purpose::Datagrams,
        Purpose::ProcessLife,
    ];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::TcpSent => "TCP bytes sent",
            Purpose::Received => "TCP and Unix bytes received",
            Purpose::UnixSpliced => "Unix bytes spliced out",
            Purpose::ConnectionLife => "connection life",
            Purpose::ConnectionFacts => "connection facts",
            Purpose::Datagrams => "UDP datagrams",
            Purpose::ProcessLife => "process life",
        }
    }
}

impl Backend {
    /// All of them, best first.
    pub const ALL: [Backend; 4] =
        [Backend::Tracepoint, Backend::Trampoline, Backend::Kprobe, Backend::SystemCalls];

    /// The name on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Backend::Tracepoint => "tracepoint",
            Backend::Trampoline => "trampoline",
            Backend::Kprobe => "kprobe",
            Backend::SystemCalls => "syscalls",
        }
    }
}

/// The object that a way's programs are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectFile {
    Socket,
    Kprobe,
    Syscalls,
    Udp,
    UdpKprobe,
    UdpSyscalls,
    Process,
}

impl ObjectFile {
    /// All of them. The first owns the maps that they share.
    pub(crate) const ALL: [ObjectFile; 7] = [
        ObjectFile::Socket,
        ObjectFile::Kprobe,
        ObjectFile::Syscalls,
        ObjectFile::Udp,
        ObjectFile::UdpKprobe,
        ObjectFile::UdpSyscalls,
        ObjectFile::Process,
    ];

    /// Its programs have plain pointers, with which `sk_storage` is out of reach.
    pub(crate) fn needs_hash(self) -> bool {
        matches!(self, ObjectFile::Kprobe | ObjectFile::Syscalls)
    }
}

/// One way to serve one purpose.
pub(crate) struct Way {
    pub(crate) purpose: Purpose,
    pub(crate) backend: Backend,
    pub(crate) object: ObjectFile,
    /// What the kernel must have.
    pub(crate) needs: &'static [Hook],
    /// Programs that must load and attach.
    pub(crate) programs: &'static [&'static str],
    /// Programs that are added where the kernel has their hook.
    pub(crate) extras: &'static [(Hook, &'static str)],
    /// What this way cannot see.
    pub(crate) blind_spots: &'static [&'static str],
}

/// Where a program attaches.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hook {
    Tracepoint(&'static str),
    Function(&'static str),
    /// A kernel function that tracing programs may call.
    Call(&'static str),
    /// Probes on kernel functions, as such (`CONFIG_KPROBE_EVENTS`).
    Probes,
}

impl Hook {
    pub(crate) fn exists(self, types: &KernelTypes) -> bool {
        match self {
            Hook::Tracepoint(name) => types.has_tracepoint(name),
            Hook::Function(name) | Hook::Call(name) => types.has_function(name),
            Hook::Probes => Path::new("/sys/bus/event_source/devices/kprobe").exists(),
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hook::Tracepoint(name) => write!(f, "tracepoint {name}"),
            Hook::Function(name) => write!(f, "function {name}"),
            Hook::Call(name) => write!(f, "kfunc {name}"),
            Hook::Probes => f.write_str("kernel probes (CONFIG_KPROBE_EVENTS)"),
        }
    }
}

/// The program that is asked for the connections there are: it runs only then.
pub(crate) const ITERATOR: &str = "found_iterator";

const PAGES: &str = "payload of sendfile, splice and other page-backed sends (their length is seen)";
const SPLICE_OUT: &str =
    "payload of TCP reads by splice and with MSG_TRUNC (their length is seen with the next event)";
const FAST_OPEN: &str =
    "what a client sends with its SYN (TCP Fast Open): its answer is counted as not understood";
const MPTCP: &str = "connections that speak MPTCP (both ends; plain TCP at its sockets is seen)";
const RETURNS: &str = "the rest of sends that block, while more of them block than the kernel keeps returns for (10, or 2 per processor)";
const COPIES: &str = "payload of sendfile, splice and MSG_TRUNC (their length is seen)";
const NO_CALL: &str = "io_uring, zero-copy receive and the kernel's own use of sockets (TCP: their length is seen with \
                       the next chunk; Unix: nothing is)";
const COMPAT: &str = "32-bit programs";
const CONCURRENT: &str =
    "the true place of bytes where several threads use one direction of a socket at the same time";
const UNIX_SPLICE: &str = "any of it: neither payload nor length";
const FRAGMENTS: &str =
    "all but the first packet of a fragmented datagram; datagrams handed over many at a time (UDP_SEGMENT)";
const READER: &str = "who reads a datagram, before the same process sends one back";
const ANY_ADDRESS: &str =
    "the local address of a socket that is bound to any, and not connected (0.0.0.0 or :: is shown)";
const NOT_ASKED: &str =
    "who sent what a call receives without asking, on a socket that is not connected (taken for an answer)";
const IN_RING: &str = "io_uring, and the kernel's own use of sockets";
const IN_PAGES: &str =
    "payload that the network card, or a zero-copy send, has in pages (its length is seen)";
const NO_SYN: &str = "connects that fail before a SYN is made (no route, not permitted)";
const RING_PEEKS: &str = "that an io_uring receive on a Unix socket only peeks (it is told as a read)";

/// Every way, in the order in which they are tried.
pub(crate) const WAYS: &[Way] = &[
    Way {
        purpose: Purpose::TcpSent,
        backend: Backend::Tracepoint,
        object: ObjectFile::Socket,
        needs: &[Hook::Tracepoint("tcp_sendmsg_locked")],
        programs: &["send_tracepoint"],
        extras: &[],
        blind_spots: &[PAGES, FAST_OPEN, MPTCP],
    },
    Way {
        purpose: Purpose::TcpSent,
        backend: Backend::Trampoline,
        object: ObjectFile::Socket,
        needs: &[Hook::Function("tcp_sendmsg_locked")],
        programs: &["send_entry", "send_exit"],
        extras: &[(Hook::Function("do_tcp_sendpages"), "sendpages_exit")],
        blind_spots: &[PAGES, FAST_OPEN, MPTCP],
    },
    Way {
        purpose: Purpose::TcpSent,
        backend: Backend::Kprobe,
        object: ObjectFile::Kprobe,
        needs: &[Hook::Probes, Hook::Function("tcp_sendmsg_locked")],
        programs: &["send_probe", "send_return_probe"],
        extras: &[
            (Hook::Function("do_tcp_sendpages"), "sendpages_probe"),
            (Hook::Function("do_tcp_sendpages"), "sendpages_return_probe"),
        ],
        blind_spots: &[PAGES, RETURNS, FAST_OPEN, MPTCP],
    },
    Way {
        purpose: Purpose::TcpSent,
        backend: Backend::SystemCalls,
        object: ObjectFile::Syscalls,
        needs: &[Hook::Tracepoint("sys_enter"), Hook::Tracepoint("sys_exit")],
        programs: &["call_enter", "call_exit"],
        extras: &[],
        blind_spots: &[COPIES, NO_CALL, COMPAT, CONCURRENT, FAST_OPEN, MPTCP],
    },
    Way {
        purpose: Purpose::Received,
        backend: Backend::Tracepoint,
        object: ObjectFile::Socket,
        needs: &[
            Hook::Tracepoint("skb_copy_datagram_iovec"),
            Hook::Call("bpf_dynptr_from_skb"),
            Hook::Call("bpf_rdonly_cast"),
        ],
        programs: &["receive_tracepoint"],
        extras: &[],
        blind_spots: &[SPLICE_OUT, RING_PEEKS, MPTCP],
    },
    Way {
        purpose: Purpose::Received,
        backend: Backend::Trampoline,
        object: ObjectFile::Socket,
        needs: &[Hook::Function("skb_copy_datagram_iter")],
        programs: &["receive_exit"],
        extras: &[],
        blind_spots: &[SPLICE_OUT, RING_PEEKS, MPTCP],
    },
    Way {
        purpose: Purpose::Received,
        backend: Backend::Kprobe,
        object: ObjectFile::Kprobe,
        needs: &[Hook::Probes, Hook::Function("skb_copy_datagram_iter")],
        programs: &["receive_probe", "receive_return_probe"],
        extras: &[],
        blind_spots: &[SPLICE_OUT, RING_PEEKS, MPTCP],
    },
    Way {
        purpose: Purpose::Received,
        backend: Backend::SystemCalls,
        object: ObjectFile::Syscalls,
        needs: &[Hook::Tracepoint("sys_enter"), Hook::Tracepoint("sys_exit")],
        programs: &["call_enter", "call_exit"],
        extras: &[],
        blind_spots: &[COPIES, NO_CALL, COMPAT, CONCURRENT, MPTCP],
    },
    Way {
        purpose: Purpose::UnixSpliced,
        backend: Backend::Trampoline,
        object: ObjectFile::Socket,
        needs: &[Hook::Function("unix_stream_splice_read")],
        programs: &["unix_splice_exit"],
        extras: &[],
        blind_spots: &["their payload (their length is seen)"],
    },
    Way {
        purpose: Purpose::ConnectionLife,
        backend: Backend::Tracepoint,
        object: ObjectFile::Socket,
        needs: &[Hook::Tracepoint("inet_sock_set_state")],
        programs: &["state_tracepoint"],
        extras: &[(Hook::Tracepoint("tcp_destroy_sock"), "destroy_tracepoint")],
        blind_spots: &[],
    },
    Way {
        purpose: Purpose::ConnectionFacts,
        backend: Backend::Tracepoint,
        object: ObjectFile::Socket,
        needs: &[Hook::Tracepoint("inet_sock_set_state")],
        programs: &["state_tracepoint", ITERATOR],
        extras: &[(Hook::Tracepoint("tcp_destroy_sock"), "destroy_tracepoint")],
        blind_spots: &[NO_SYN],
    },
    // Before the tracepoints, which every packet of TCP goes through too.
    Way {
        purpose: Purpose::Datagrams,
        backend: Backend::Trampoline,
        object: ObjectFile::Udp,
        needs: &[
            Hook::Function("ip_send_skb"),
            Hook::Function("ip6_send_skb"),
            Hook::Function("skb_consume_udp"),
        ],
        programs: &["udp4_send_entry", "udp6_send_entry", "udp_receive_entry"],
        extras: &[],
        blind_spots: &[FRAGMENTS, IN_PAGES],
    },
    Way {
        purpose: Purpose::Datagrams,
        backend: Backend::Tracepoint,
        object: ObjectFile::Udp,
        needs: &[
            Hook::Tracepoint("net_dev_queue"),
            Hook::Tracepoint("netif_receive_skb"),
            Hook::Call("bpf_dynptr_from_skb"),
            Hook::Call("bpf_rdonly_cast"),
        ],
        programs: &["udp_send_tracepoint", "udp_receive_tracepoint"],
        extras: &[],
        blind_spots: &[FRAGMENTS, READER],
    },
    Way {
        purpose: Purpose::Datagrams,
        backend: Backend::Kprobe,
        object: ObjectFile::UdpKprobe,
        needs: &[
            Hook::Probes,
            Hook::Function("ip_send_skb"),
            Hook::Function("ip6_send_skb"),
            Hook::Function("skb_consume_udp"),
        ],
        programs: &["udp4_send_probe", "udp6_send_probe", "udp_receive_probe"],
        extras: &[],
        blind_spots: &[FRAGMENTS, IN_PAGES],
    },
    Way {
        purpose: Purpose::Datagrams,
        backend: Backend::SystemCalls,
        object: ObjectFile::UdpSyscalls,
        needs: &[Hook::Tracepoint("sys_enter"), Hook::Tracepoint("sys_exit")],
        programs: &["udp_call_enter", "udp_call_exit"],
        extras: &[],
        blind_spots: &[ANY_ADDRESS, NOT_ASKED, IN_RING, COMPAT],
    },
    Way {
        purpose: Purpose::ProcessLife,
        backend: Backend::Tracepoint,
        object: ObjectFile::Process,
        needs: &[Hook::Tracepoint("sched_process_exec"), Hook::Tracepoint("sched_process_exit")],
        programs: &["exec_tracepoint", "exit_tracepoint"],
        extras: &[],
        blind_spots: &[],
    },
];

/// What became of one way.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Which purpose.
    pub purpose: Purpose,
    /// Which way.
    pub backend: Backend,
    /// Nothing when it works; else why not.
    pub failure: Option<String>,
}

/// What was tried and what serves each purpose.
#[derive(Debug, Clone)]
pub struct Report {
    /// The kernel and our rights.
    pub host: Host,
    /// Everything tried, in order.
    pub attempts: Vec<Attempt>,
    /// Processes have other ids in `/proc` than the kernel side tells: it shows another pid namespace than the initial one,
    /// and what is found there under an id is somebody else.
    pub foreign_proc: bool,
}

impl Report {
    /// What serves `purpose`.
    pub fn chosen(&self, purpose: Purpose) -> Option<Backend> {
        self.attempts.iter().find(|a| a.purpose == purpose && a.failure.is_none()).map(|a| a.backend)
    }

    /// What the chosen way for `purpose` cannot see, or what is not seen because there is none.
    pub fn blind_spots(&self, purpose: Purpose) -> &'static [&'static str] {
        let chosen = self.chosen(purpose);
        if chosen.is_none() && purpose == Purpose::UnixSpliced {
            return &[UNIX_SPLICE];
        }
        WAYS.iter()
            .find(|way| way.purpose == purpose && Some(way.backend) == chosen)
            .map_or(&[], |way| way.blind_spots)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attempt in &self.attempts {
            let verdict = attempt.failure.as_deref().unwrap_or("works");
            writeln!(f, "  {:<28} {:<11} {verdict}", attempt.purpose.as_str(), attempt.backend.as_str())?;
        }
        Ok(())
    }
}
