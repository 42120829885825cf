//! Network namespaces that are joined as two hosts are by a cable.

use std::fs::{self, File};
use std::io;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{Process, wait_until};

/// A network namespace, which goes with this value. What is started while it is entered stays in it.
#[derive(Debug)]
pub struct Namespace {
    keeper: Process,
    address: Ipv4Addr,
}

/// A thread is in a namespace until this is dropped.
#[derive(Debug)]
pub struct Entered {
    before: File,
    _of_this_thread: PhantomData<*const ()>,
}

impl Namespace {
    /// Two of them.
    ///
    /// # Errors
    ///
    /// When this machine makes none.
    pub fn pair() -> io::Result<[Namespace; 2]> {
        let namespace = |last| Namespace::new(Ipv4Addr::new(10, 99, 0, last));
        let pair = [namespace(1)?, namespace(2)?];
        let [one, other] = [&pair[0], &pair[1]].map(|namespace| namespace.keeper.id().to_string());
        ip(&[
            "link", "add", "cable", "netns", &one, "type", "veth", "peer", "name", "cable", "netns", &other,
        ])?;
        for namespace in &pair {
            let _inside = namespace.enter()?;
            ip(&["addr", "add", &format!("{}/24", namespace.address), "dev", "cable"])?;
            ip(&["link", "set", "lo", "up"])?;
            ip(&["link", "set", "cable", "up"])?;
        }
        Ok(pair)
    }

    fn new(address: Ipv4Addr) -> io::Result<Namespace> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sleep", "infinity"]).stdin(Stdio::null());
        let namespace = Namespace { keeper: Process::start(&mut command)?, address };
        let own = fs::read_link("/proc/self/ns/net")?;
        let differs = || fs::read_link(namespace.file()).is_ok_and(|its| its != own);
        wait_until(differs, "a network namespace")?;
        Ok(namespace)
    }

    fn file(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.keeper.id()).into()
    }

    /// By which the other one reaches it.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Puts this thread into it.
    ///
    /// # Errors
    ///
    /// When that is not allowed.
    pub fn enter(&self) -> io::Result<Entered> {
        let before = File::open("/proc/thread-self/ns/net")?;
        enter(&File::open(self.file())?)?;
        Ok(Entered { before, _of_this_thread: PhantomData })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // It was there before, so it can go back.
        let _ = enter(&self.before);
    }
}

fn enter(namespace: &File) -> io::Result<()> {
    // SAFETY: the file is open; only the calling thread is moved.
    match unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    match Command::new("ip").args(arguments).status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("ip {}", arguments.join(" ")))),
    }
}
