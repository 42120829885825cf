//! What the agent may ask of the kernel once it runs: a filter of system calls, for all of its threads.
//!
//! What nobody would miss, and an intruder would like, ends the process. What is not known gives ENOSYS, as on a kernel that does not have
//! it yet: C libraries try new calls and go back to older ones, and an agent that runs for months must not end by such a
//! thing. The kernel's audit log tells of both.

use std::collections::BTreeMap;
use std::io;

use anyhow::Context as _;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::company::Company;

/// What is asked for while the agent runs, by itself, by its libraries, and by the C library when it looks up names.
const ORDINARY: &[libc::c_long] = &[
    // Files.
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_umask,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_memfd_create,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Sockets.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    // Waiting, and time.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_restart_syscall,
    // Threads and signals.
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_getpriority,
    libc::SYS_setpriority,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_kill,
    libc::SYS_tgkill,
    libc::SYS_wait4,
    libc::SYS_prctl,
    libc::SYS_capget,
    libc::SYS_capset,
    // What there is to know.
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_prlimit64,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_getrandom,
    // Kernel programs are switched, and network namespaces are entered to ask for connections.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_setns,
];

/// Older forms of the same, which other processors do not have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_chmod,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_time,
    libc::SYS_getrlimit,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// Who asks for one of these is not the agent as it was written.
const NEVER: &[libc::c_long] = &[
    // Other processes, and other programs.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_execve,
    libc::SYS_execveat,
    // Who we are.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    // The kernel and the host.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_mknodat,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_userfaultfd,
];

/// The two filters; of two that apply, the kernel goes by the stricter.
pub(super) struct Filters([BpfProgram; 2]);

impl Filters {
    /// Makes them.
    ///
    /// # Errors
    ///
    /// On a processor that is not known.
    pub(super) fn new() -> anyhow::Result<Filters> {
        let processor = std::env::consts::ARCH.try_into().context("this processor")?;
        let make = |calls: &mut dyn Iterator<Item = libc::c_long>, these, others| {
            let rules: BTreeMap<libc::c_long, _> = calls.map(|call| (call, Vec::new())).collect();
            let filter = SeccompFilter::new(rules, others, these, processor)?;
            BpfProgram::try_from(filter)
        };
        let missing = SeccompAction::Errno(libc::ENOSYS as u32);
        let ordinary = &mut ORDINARY.iter().chain(OLDER).copied();
        Ok(Filters([
            make(ordinary, SeccompAction::Allow, missing).context("the filter of what is allowed")?,
            make(&mut NEVER.iter().copied(), SeccompAction::KillProcess, SeccompAction::Allow)
                .context("the filter of what is forbidden")?,
        ]))
    }

    /// Puts them in force for all threads that there will be, and, where nobody else lives here, for those that there are.
    ///
    /// # Errors
    ///
    /// When the kernel has no such filters.
    pub(super) fn apply(&self, company: Company) -> io::Result<()> {
        let others = match company {
            Company::Nobody => libc::SECCOMP_FILTER_FLAG_TSYNC,
            Company::Server => 0,
        };
        // The stricter one first: the other one does not know the call that puts a filter in force.
        self.0.iter().rev().try_for_each(|program| apply(program, others))
    }
}

fn apply(program: &BpfProgram, others: libc::c_ulong) -> io::Result<()> {
    let length = program.len().try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let flags = others | libc::SECCOMP_FILTER_FLAG_LOG;
    // SAFETY: `filter` is a program of that length, which the kernel copies.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const filter) };
    match result {
        0 => Ok(()),
        -1 => Err(io::Error::last_os_error()),
        thread => Err(io::Error::other(format!("thread {thread} has another filter"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a process that makes a call under the filters: the signal that ends it, or its status.
    fn fate(filters: &Filters, call: impl Fn() -> libc::c_int) -> (libc::c_int, libc::c_int) {
        // SAFETY: the child only makes system calls, none of which allocates or takes locks.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above.
            unsafe {
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                libc::_exit(if filters.apply(Company::Nobody).is_ok() { call() } else { 99 });
            }
        }
        let mut status = 0;
        // SAFETY: the child is ours, and `status` a valid place.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        (libc::WTERMSIG(status), libc::WEXITSTATUS(status))
    }

    /// Makes a call without arguments; returns what went wrong.
    fn plain(call: libc::c_long) -> libc::c_int {
        // SAFETY: these calls take no pointers, or fail.
        if unsafe { libc::syscall(call, 0, 0, 0, 0, 0, 0) } < 0 {
            // SAFETY: it is there.
            unsafe { *libc::__errno_location() }
        } else {
            0
        }
    }

    #[test]
    fn what_is_not_needed_is_not_had() {
        let filters = Filters::new().expect("this processor is known");
        assert_eq!(fate(&filters, || plain(libc::SYS_getppid)), (0, 0));
        assert_eq!(fate(&filters, || plain(libc::SYS_sync)), (0, libc::ENOSYS));
        assert_eq!(fate(&filters, || plain(libc::SYS_io_uring_setup)), (0, libc::ENOSYS));
        for call in [libc::SYS_ptrace, libc::SYS_process_vm_writev, libc::SYS_execve, libc::SYS_mount] {
            assert_eq!(fate(&filters, || plain(call)).0, libc::SIGSYS, "{call}");
        }
        assert!(!NEVER.iter().any(|call| ORDINARY.contains(call) || OLDER.contains(call)));
    }
}
