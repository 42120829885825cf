//! What else goes on here, without which no figure means anything.

use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Command;

use anyhow::Context as _;
use libbpf_rs::libbpf_sys;
use libbpf_rs::query::ProgInfoIter;

use crate::report::Report;

/// Notes the machine's load. Call it between rounds.
pub(crate) fn note_load(report: &mut Report) {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    if let Some(load) = text.split(' ').next().and_then(|load| load.parse().ok()) {
        report.note("host.load", "tasks", load);
    }
}

/// Notes what others have put into the kernel. Call it while no agent runs.
pub(crate) fn note_others(report: &mut Report) {
    report.note("host.foreign_programs", "programs", ProgInfoIter::default().count() as f64);
    // Without a tool that lists rules the figure is left out.
    if let Some(rules) = filter_rules() {
        report.note("host.filter_rules", "rules", rules as f64);
    }
}

fn filter_rules() -> Option<usize> {
    let list = |program: &str, arguments: &[&str], is_rule: fn(&str) -> bool| {
        let output = Command::new(program).args(arguments).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).lines().filter(|line| is_rule(line)).count())
    };
    // A rule is a line inside a chain; the chain's own lines begin with `type`.
    let nft = list("nft", &["list", "ruleset"], |line| {
        line.starts_with("\t\t") && !line.trim_start().starts_with("type ")
    });
    nft.or_else(|| list("iptables-save", &[], |line| line.starts_with("-A")))
}

/// Lets the kernel take the time of BPF programs until the value is dropped.
pub(crate) fn program_statistics() -> anyhow::Result<OwnedFd> {
    // SAFETY: makes a descriptor or fails.
    let fd = unsafe { libbpf_sys::bpf_enable_stats(libbpf_sys::BPF_STATS_RUN_TIME) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error()).context("switching on the statistics of BPF programs");
    }
    // SAFETY: it is new and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Processors that this process may use.
pub(crate) fn processors() -> Vec<usize> {
    // SAFETY: the set is a plain value which the call fills.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set);
        (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &set)).collect()
    }
}

/// Allows this process so many open files, if it may.
pub(crate) fn raise_descriptors(wanted: u64) -> anyhow::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the value outlives both calls.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
    anyhow::ensure!(limit.rlim_max >= wanted, "only {} descriptors are allowed", limit.rlim_max);
    Ok(())
}
