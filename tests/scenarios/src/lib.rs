//! Real servers, real traffic, and the agent beside them: what scenarios and benchmarks are made of.
//!
//! Every server listens on a free loopback port and lives in a folder of its own; whatever was started here ends when its
//! value is dropped. The truth is what the clients here sent and counted themselves, or the server's own log. Other
//! traffic of the host does not disturb: records are told apart by the server's port or path.

pub mod chain;
pub mod collector;
pub mod dialogue;
pub mod dns;
pub mod haproxy;
pub mod http;
pub mod mariadb;
pub mod namespace;
pub mod paced;
pub mod postgresql;
pub mod process;
pub mod prometheus;
pub mod record;
pub mod resp;
pub mod servers;
pub mod serving;
pub mod terminal;
pub mod tinyproxy;
pub mod weir;

use std::sync::{Mutex, MutexGuard, PoisonError};

static ALONE: Mutex<()> = Mutex::new(());

/// Call this first in every scenario. Lets one run at a time. `None` where this machine cannot run any, which is said on standard
/// error; with `CI=true` that is a failure.
///
/// # Panics
///
/// With `CI=true`, when eBPF programs cannot be loaded.
pub fn scenario() -> Option<MutexGuard<'static, ()>> {
    // SAFETY: has no preconditions.
    let root = unsafe { libc::geteuid() } == 0;
    let missing = match () {
        () if !root => "not root",
        () if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() => "the kernel has no BTF",
        () => return Some(ALONE.lock().unwrap_or_else(PoisonError::into_inner)),
    };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "scenarios cannot run: {missing}");
    eprintln!("skipped: {missing}");
    None
}
