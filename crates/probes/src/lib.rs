//! The kernel side: loads and attaches Weir's programs and yields typed events.
//!
//! [`Capture::start`] chooses, for each purpose, the first way that works on this kernel ([`backend`]), by
//! loading, attaching and firing it. [`Capture::drain`] then hands over what the ring holds. This is the only
//! crate that knows libbpf and the structs of `bpf/events`.

mod account;
pub mod backend;
pub mod capture;
mod decode;
mod files;
mod firing;
mod host;
mod instructions;
mod loaded;
mod memory;
mod moves;
mod objects;
mod programs;
pub mod rights;
mod ring;
mod rings;
mod selftest;
mod share;
mod shared;
pub mod statistics;
mod sums;
mod survey;
mod units;

pub use account::Account;
pub use backend::{Backend, Purpose, Report};
pub use capture::{Capture, Config};
pub use host::Host;
pub use loaded::processors;
pub use memory::Memory;
pub use programs::{CountRuns, MapStatistics, ProgramStatistics};
pub use share::Share;
pub use statistics::Losses;
pub use survey::Survey;
pub use units::Unit;

/// What can go wrong on the way to the kernel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No back end works for a purpose that Weir cannot do without.
    #[error("{}", explain(report))]
    NoBackend {
        /// What was tried.
        report: Box<Report>,
    },
    /// Programs, maps and rings are files, and there may be too few of them.
    #[error(
        "this process may open only {limit} files, and Weir needs {needed}: raise the limit (`ulimit -n {needed}`, or \
         LimitNOFILE= in a systemd unit)"
    )]
    TooFewFiles {
        /// How many may be open.
        limit: u64,
        /// How many have to be.
        needed: u64,
    },
    /// libbpf or the kernel refused something else.
    #[error("{doing}: {reason}")]
    Kernel {
        /// What was being done.
        doing: &'static str,
        /// What libbpf or the kernel said.
        reason: String,
    },
    /// An ordinary system call failed.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// The error.
        source: std::io::Error,
    },
}

fn explain(report: &Report) -> String {
    if !report.host.may_load_programs() {
        return "Weir needs the right to load eBPF programs: run it as root, or give it CAP_BPF and CAP_PERFMON".into();
    }
    if !report.host.has_btf {
        return format!(
            "kernel {} has no BTF (/sys/kernel/btf/vmlinux): Weir needs a kernel built with CONFIG_DEBUG_INFO_BTF",
            report.host.release
        );
    }
    format!("this kernel offers no way to see socket traffic; `weir doctor` tells what was tried\n{report}")
}

pub(crate) fn kernel_error(doing: &'static str) -> impl FnOnce(libbpf_rs::Error) -> Error {
    move |error| Error::Kernel { doing, reason: objects::reason(&error) }
}

pub(crate) fn system_error(doing: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::System { doing, source }
}
