//! Capabilities: which are needed and for what, and how they are given up.
//!
//! Each thread has its own, and hands them on to the threads that it starts.

use std::fmt;
use std::io;

/// A right that root has and that others can be given alone. See capabilities(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability {
    number: u32,
    name: &'static str,
    /// What follows where it is missing.
    pub missing: &'static str,
}

macro_rules! capabilities {
    ($($constant:ident $number:literal $missing:literal;)*) => { $(
        #[doc = concat!("Without it: ", $missing, ".")]
        pub const $constant: Capability =
            Capability { number: $number, name: concat!("CAP_", stringify!($constant)), missing: $missing };
    )* };
}

capabilities! {
    DAC_READ_SEARCH 2 "the environment and files of other users' processes, and Docker's containers, name nothing";
    SYS_PTRACE 19 "processes of other users go by their command";
    SYS_ADMIN 21 "connections of other network namespaces (containers) are told when something happens to them, and not looked for; and what kernel programs take of the processors is not known to the budget";
    SYS_NICE 23 "on a busy host more events are lost";
    SYS_RESOURCE 24 "before Linux 5.11 memory for eBPF is bounded by the limit of locked memory (or set LimitMEMLOCK=infinity)";
    PERFMON 38 "programs can be loaded only with it";
    BPF 39 "programs can be loaded only with it";
}

/// All that Weir has a use for. SYS_RESOURCE is not among them where the kernel counts eBPF's memory otherwise.
pub const USEFUL: &[Capability] = &[BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH, SYS_ADMIN, SYS_NICE];
/// What is needed once programs are loaded: to attach them again, and to name processes.
pub const RUNNING: &[Capability] = &[BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH];

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Capability {
    /// Its place in a mask.
    pub(crate) fn bit(self) -> u64 {
        1 << self.number
    }
}

/// A thread's capabilities, as the kernel takes and gives them.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

/// Two halves of 32 bits each.
const VERSION: u32 = 0x2008_0522;

fn own() -> io::Result<[Half; 2]> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: both are valid places of the form that this version has.
    let result = unsafe { libc::syscall(libc::SYS_capget, &mut header, halves.as_mut_ptr()) };
    if result == 0 { Ok(halves) } else { Err(io::Error::last_os_error()) }
}

fn set(halves: [Half; 2]) -> io::Result<()> {
    let mut header = Header { version: VERSION, pid: 0 };
    // SAFETY: both are valid values of the form that this version has.
    let result = unsafe { libc::syscall(libc::SYS_capset, &mut header, halves.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn mask(capabilities: &[Capability]) -> u64 {
    capabilities.iter().fold(0, |mask, capability| mask | capability.bit())
}

/// Gives up all capabilities of this thread but these, as far as it has them. `held` stay as well, but do nothing until they are raised.
///
/// # Errors
///
/// When the kernel refuses, which it has no reason to.
pub fn keep(capabilities: &[Capability], held: &[Capability]) -> io::Result<()> {
    let (effective, permitted) = (mask(capabilities), mask(capabilities) | mask(held));
    let mut halves = own()?;
    for (half, shift) in halves.iter_mut().zip([0, 32]) {
        half.permitted &= (permitted >> shift) as u32;
        half.effective &= (effective >> shift) as u32;
        half.inheritable = 0;
    }
    // SAFETY: takes no pointers. What may be inherited through exec is nothing.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    set(halves)
}

/// Calls `act` with a capability raised that this thread holds.
pub(crate) fn with_raised<T>(capability: Capability, act: impl FnOnce() -> T) -> T {
    let before = own();
    raise(capability);
    let result = act();
    // It is given up again, which nobody is refused.
    let _ = before.and_then(set);
    result
}

/// Makes a capability that this thread holds do something. True where it does from now on.
pub(crate) fn raise(capability: Capability) -> bool {
    let raised = own().and_then(|mut halves| {
        for (half, shift) in halves.iter_mut().zip([0, 32]) {
            half.effective |= (capability.bit() >> shift) as u32 & half.permitted;
        }
        set(halves)?;
        Ok(halves
            .iter()
            .zip([0, 32])
            .any(|(half, shift)| half.effective & (capability.bit() >> shift) as u32 != 0))
    });
    raised.unwrap_or(false)
}

/// This thread, and those that it starts, get no rights any more by executing something, whatever that is.
pub fn no_new() {
    // SAFETY: takes no pointers; cannot fail on any kernel that Weir runs on.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // Without the right to it (CAP_SETPCAP) the set stays as it is: who starts Weir may bound it.
    for capability in 0..64 {
        // SAFETY: takes no pointers.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str) -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/status").expect("procfs");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        u64::from_str_radix(line.expect("a line").trim(), 16).expect("a mask")
    }

    #[test]
    fn what_is_given_up_is_gone_and_what_is_held_can_be_raised() {
        // Of this thread only.
        let before = figure("CapPrm");
        keep(&[SYS_PTRACE, BPF], &[SYS_ADMIN]).expect("it is allowed");
        assert_eq!(figure("CapEff"), before & mask(&[SYS_PTRACE, BPF]));
        assert_eq!(figure("CapPrm"), before & mask(&[SYS_PTRACE, BPF, SYS_ADMIN]));
        assert_eq!(figure("CapInh"), 0);
        assert_eq!(raise(SYS_ADMIN), before & SYS_ADMIN.bit() != 0);
        assert_eq!(figure("CapEff"), before & mask(&[SYS_PTRACE, BPF, SYS_ADMIN]));
        assert!(!raise(PERFMON));
        keep(&[BPF], &[SYS_ADMIN]).expect("it is allowed");
        assert_eq!(with_raised(SYS_ADMIN, || figure("CapEff")), before & mask(&[BPF, SYS_ADMIN]));
        assert_eq!(figure("CapEff"), before & mask(&[BPF]));
        keep(&[], &[]).expect("it is allowed");
        assert_eq!(figure("CapPrm"), 0);
        no_new();
        let text = std::fs::read_to_string("/proc/thread-self/status").expect("procfs");
        assert!(text.contains("NoNewPrivs:\t1"));
    }

    #[test]
    fn numbers_are_those_of_the_kernel() {
        assert_eq!(format!("{BPF} {}", BPF.bit() >> 32), "CAP_BPF 128");
        assert_eq!(mask(&[SYS_PTRACE, DAC_READ_SEARCH]), 0x80004);
        assert!(RUNNING.iter().all(|running| USEFUL.contains(running)));
    }
}
