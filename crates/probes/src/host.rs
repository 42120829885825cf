//! What can be told of the host before anything is loaded.

use std::path::Path;

use libbpf_rs::btf::{Btf, BtfKind};

/// The kernel and our rights on it.
#[derive(Debug, Clone)]
pub struct Host {
    /// `uname -r`.
    pub release: String,
    /// Type information of the kernel is there.
    pub has_btf: bool,
    /// CAP_BPF (or CAP_SYS_ADMIN) and CAP_PERFMON are effective.
    pub capabilities: u64,
    /// `kernel.unprivileged_bpf_disabled`, `lockdown` and the like that may stand in the way, as found.
    pub lockdown: Option<String>,
}

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

impl Host {
    /// Looks at this host.
    pub fn inspect() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let capabilities = read("/proc/self/status")
            .as_deref()
            .and_then(|status| status.lines().find_map(|line| line.strip_prefix("CapEff:")))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0);
        Host {
            release: read("/proc/sys/kernel/osrelease").map_or_else(String::new, |s| s.trim().to_owned()),
            has_btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
            capabilities,
            lockdown: read("/sys/kernel/security/lockdown").filter(|text| !text.contains("[none]")),
        }
    }

    /// True when the rights suffice to load and attach programs.
    pub fn may_load_programs(&self) -> bool {
        let has = |capability: u32| self.capabilities >> capability & 1 == 1;
        has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON) && has(CAP_NET_ADMIN))
    }
}

/// Our process id as `/proc` has it, which need not show the pid namespace that we are in.
pub(crate) fn own_id_in_proc() -> u32 {
    let shown = std::fs::read_link("/proc/self").ok();
    let id = shown.as_deref().and_then(Path::to_str).and_then(|id| id.parse().ok());
    id.unwrap_or_else(std::process::id)
}

/// The kernel's own types, to ask whether a hook exists before it is loaded.
pub(crate) struct KernelTypes(Option<Btf<'static>>);

impl KernelTypes {
    pub(crate) fn load() -> Self {
        KernelTypes(Btf::from_vmlinux().ok())
    }

    /// A tracepoint that tracing programs can attach to.
    pub(crate) fn has_tracepoint(&self, name: &str) -> bool {
        self.has(&format!("btf_trace_{name}"), BtfKind::Typedef)
    }

    /// A function, by its name in BTF.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.has(name, BtfKind::Func)
    }

    fn has(&self, name: &str, kind: BtfKind) -> bool {
        let Some(btf) = &self.0 else { return false };
        // There may be several types of one name; the kind decides.
        (1..btf.len() as u32).any(|id| {
            btf.type_by_id::<libbpf_rs::btf::BtfType<'_>>(libbpf_rs::btf::TypeId::from(id))
                .is_some_and(|t| t.kind() == kind && t.name().is_some_and(|n| n == name))
        })
    }
}
