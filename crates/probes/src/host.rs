//! What can be told of the host before anything is loaded.

use std::path::Path;

use libbpf_rs::btf::{Btf, BtfKind};

use crate::rights::{self, Capability};

/// The kernel and our rights on it.
#[derive(Debug, Clone)]
pub struct Host {
    /// `uname -r`.
    pub release: String,
    /// Type information of the kernel is there.
    pub has_btf: bool,
    /// The effective capabilities: bits by their numbers.
    pub capabilities: u64,
    /// The memory of programs and maps counts against the limit of locked memory.
    pub locks_memory: bool,
    /// `kernel.unprivileged_bpf_disabled`, `lockdown` and the like that may stand in the way, as found.
    pub lockdown: Option<String>,
}

impl Host {
    /// Looks at this host.
    pub fn inspect() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let capabilities = read("/proc/self/status")
            .as_deref()
            .and_then(|status| status.lines().find_map(|line| line.strip_prefix("CapEff:")))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0);
        let release = read("/proc/sys/kernel/osrelease").map_or_else(String::new, |s| s.trim().to_owned());
        Host {
            locks_memory: locks_memory(&release),
            release,
            has_btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
            capabilities,
            lockdown: read("/sys/kernel/security/lockdown").filter(|text| !text.contains("[none]")),
        }
    }

    /// True when the rights suffice to load and attach programs.
    pub fn may_load_programs(&self) -> bool {
        self.has(rights::SYS_ADMIN) || (self.has(rights::BPF) && self.has(rights::PERFMON))
    }

    /// Capabilities that are useful and that are not there, each with what is not possible without it.
    pub fn missing_rights(&self) -> impl Iterator<Item = Capability> + '_ {
        let by_another = |capability: Capability| {
            [rights::BPF, rights::PERFMON].contains(&capability) && self.has(rights::SYS_ADMIN)
        };
        let missing = move |capability: &Capability| !self.has(*capability) && !by_another(*capability);
        let useful = rights::USEFUL.iter().copied();
        useful.chain(self.locks_memory.then_some(rights::SYS_RESOURCE)).filter(missing)
    }

    fn has(&self, capability: Capability) -> bool {
        self.capabilities & capability.bit() != 0
    }
}

/// Before 5.11 memory of eBPF counts as locked.
fn locks_memory(release: &str) -> bool {
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) < (Some(5), Some(11))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn host(release: &str, capabilities: &[Capability]) -> Host {
        let capabilities = capabilities.iter().fold(0, |mask, capability| mask | capability.bit());
        let locks_memory = locks_memory(release);
        Host { release: release.into(), has_btf: true, capabilities, locks_memory, lockdown: None }
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |host: &Host| host.missing_rights().map(|it| it.to_string()).collect::<Vec<_>>();
        let enough = host("6.1.0-9-amd64", rights::USEFUL);
        assert!(enough.may_load_programs() && missing(&enough).is_empty());
        assert_eq!(missing(&host("5.10.0-30-amd64", rights::USEFUL)), ["CAP_SYS_RESOURCE"]);
        let few = host("6.18.44-fc", &[rights::PERFMON, rights::SYS_PTRACE]);
        assert!(!few.may_load_programs());
        assert_eq!(missing(&few), ["CAP_BPF", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SYS_NICE"]);
        let all = host("5.15.0", &[rights::SYS_ADMIN, rights::SYS_PTRACE]);
        assert!(all.may_load_programs());
        assert_eq!(missing(&all), ["CAP_DAC_READ_SEARCH", "CAP_SYS_NICE"]);
    }

    #[test]
    fn kernels_that_lock_memory_are_known() {
        for (release, locks) in
            [("5.10.223-1", true), ("5.11", false), ("4.18.0", true), ("6.1", false), ("7.2.13", false)]
        {
            assert_eq!(locks_memory(release), locks, "{release}");
        }
    }
}
