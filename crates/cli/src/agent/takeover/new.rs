//! The new agent's part.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use model::Nanos;
use model::time::ClockReading;
use signals::Carried;

use super::wire::{self, FromNew, FromOld};
use super::{BINARY_HEADER, Binary, LISTEN_HEADER, PATH, PROTOCOL, VERSION, VERSION_HEADER};

/// How long the earlier agent may take for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long it may take to end: it sends to receivers what it has for them.
const END: Duration = Duration::from_secs(30);
/// The longest head of its answer.
const MOST_HEAD: usize = 4096;
/// The longest word of refusal.
const MOST_REFUSAL: u64 = 1024;

/// An agent that is ready to hand over.
#[derive(Debug)]
pub(in crate::agent) struct Earlier {
    stream: UnixStream,
    /// Its process.
    pub(in crate::agent) process: u32,
    head: String,
}

impl Earlier {
    /// The agent that listens at `path`; `None` where there is none.
    ///
    /// # Errors
    ///
    /// When it does not hand over, or is not to be trusted.
    pub(in crate::agent) fn find(path: &Path) -> anyhow::Result<Option<Earlier>> {
        let stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error)
                if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&error.kind()) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("asking the agent at {}", path.display()));
            }
        };
        let (process, user) = peer(&stream).context("asking who the agent is")?;
        // SAFETY: has no preconditions.
        let own = unsafe { libc::geteuid() };
        ensure!(
            user == own,
            "the agent at {} runs as user {user}: only an agent of the same user can replace it",
            path.display()
        );
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let asked = format!(
            "POST {PATH} HTTP/1.1\r\nHost: weir\r\nConnection: Upgrade\r\nUpgrade: {PROTOCOL}\r\n{VERSION_HEADER}: {VERSION}\r\n\r\n"
        );
        (&stream).write_all(asked.as_bytes()).context("asking the agent to hand over")?;
        let head = head(&stream).context("the agent that runs does not answer")?;
        match head.split(' ').nth(1).unwrap_or_default() {
            "101" => Ok(Some(Earlier { stream, process, head })),
            "404" | "405" => bail!(
                "the agent that runs (process {process}) is of a version that cannot hand over: stop it, then start this one"
            ),
            _ => {
                let mut why = Vec::new();
                // What was said by then will do.
                let _ = (&stream).take(MOST_REFUSAL).read_to_end(&mut why);
                bail!(
                    "the agent that runs (process {process}) does not hand over: {}",
                    String::from_utf8_lossy(&why).trim()
                )
            }
        }
    }

    /// Somebody listens at `path`.
    pub(in crate::agent) fn is_there(path: &Path) -> bool {
        UnixStream::connect(path).is_ok()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// It was set to offer metrics there.
    pub(in crate::agent) fn listens_at(&self, setting: &str) -> bool {
        self.header(LISTEN_HEADER) == Some(setting)
    }

    /// It is of the very same file.
    pub(in crate::agent) fn is_same_binary(&self) -> bool {
        Binary::own().is_some_and(|own| self.header(BINARY_HEADER) == Some(own.to_string().as_str()))
    }

    /// Has it read its settings again.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub(in crate::agent) fn reload(&self) -> io::Result<()> {
        let process = libc::pid_t::try_from(self.process).map_err(io::Error::other)?;
        if process == 0 {
            return Err(io::Error::other("it is a process of another pid namespace"));
        }
        // SAFETY: takes no pointers. The process has the other end of a connection that is open: it is the agent still.
        if unsafe { libc::kill(process, libc::SIGHUP) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Begins to take over, on a thread.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(in crate::agent) fn take_over(self) -> io::Result<Taking> {
        let (tell, heard) = sync_channel(4);
        let (say, to_say) = sync_channel(4);
        let (stream, process) = (self.stream, self.process);
        std::thread::Builder::new().name("weir-takeover".into()).spawn(move || {
            super::super::step_back(&[]);
            let why = talk(&stream, &tell, &to_say);
            // Whoever waits for it notices that nothing more comes.
            let _ = tell.send(Event::Gone(why));
        })?;
        Ok(Taking { heard, say, process })
    }
}

/// What the earlier agent did.
#[derive(Debug)]
pub(in crate::agent) enum Event {
    /// What ends from now on is told here.
    Instant(Nanos),
    /// All that it had.
    Handed(Box<Handed>),
    /// So many requests are told by neither.
    Missed(u64),
    /// It has ended, or something is wrong.
    Gone(String),
}

/// What was handed over.
#[derive(Debug)]
pub(in crate::agent) struct Handed {
    pub(in crate::agent) carried: Carried,
    pub(in crate::agent) first: ClockReading,
    pub(in crate::agent) metrics: Option<TcpListener>,
    pub(in crate::agent) control: Option<UnixListener>,
}

/// A take-over that is under way.
#[derive(Debug)]
pub(in crate::agent) struct Taking {
    heard: Receiver<Event>,
    say: SyncSender<FromNew>,
    /// The earlier agent's process.
    pub(in crate::agent) process: u32,
}

impl Taking {
    /// Asks for it: everything was seen since `attached`.
    pub(in crate::agent) fn begin(&self, attached: Nanos) {
        // Where nobody listens, it is noticed by what is heard.
        let _ = self.say.try_send(FromNew::Begin { attached, process: std::process::id() });
    }

    /// Says that metrics are given out here.
    pub(in crate::agent) fn taken(&self) {
        let _ = self.say.try_send(FromNew::Taken);
    }

    /// What happened next, if anything did.
    pub(in crate::agent) fn next(&self) -> Option<Event> {
        match self.heard.try_recv() {
            Ok(event) => Some(event),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Event::Gone("nobody listens to it".to_owned())),
        }
    }
}

fn talk(stream: &UnixStream, tell: &SyncSender<Event>, say: &Receiver<FromNew>) -> String {
    let talk = || -> io::Result<()> {
        while let Ok(what) = say.recv() {
            wire::send(stream, &what, &[])?;
            let answers = match what {
                FromNew::Begin { .. } => 2,
                FromNew::Taken => {
                    answer(stream, tell)?;
                    // It says nothing more, but that it ends.
                    stream.set_read_timeout(Some(END))?;
                    1
                }
            };
            for _ in 0..answers {
                answer(stream, tell)?;
            }
        }
        Ok(())
    };
    match talk() {
        Ok(()) => String::new(),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => "it has ended".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Passes on the next thing that the earlier agent says.
fn answer(stream: &UnixStream, tell: &SyncSender<Event>) -> io::Result<()> {
    let (message, files) = wire::receive::<FromOld>(stream)?;
    let event = match message {
        FromOld::Instant(instant) => Event::Instant(instant),
        FromOld::Handed { carried, first, has_metrics } => {
            Event::Handed(handed(carried, first, has_metrics, files))
        }
        FromOld::Missed(missed) => Event::Missed(missed),
    };
    // Nobody waits for it where this agent ends.
    let _ = tell.send(event);
    Ok(())
}

fn handed(carried: Carried, first: ClockReading, has_metrics: bool, files: Vec<OwnedFd>) -> Box<Handed> {
    let mut files = files.into_iter();
    let metrics = if has_metrics { files.next().map(TcpListener::from) } else { None };
    Box::new(Handed { carried, first, metrics, control: files.next().map(UnixListener::from) })
}

/// Process and user at the other end: those that listened.
fn peer(stream: &UnixStream) -> io::Result<(u32, u32)> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: both are valid places for the result, and its length is told.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut length,
        )
    };
    if result == 0 { Ok((found.pid.unsigned_abs(), found.uid)) } else { Err(io::Error::last_os_error()) }
}

/// The head of an answer, and nothing of what follows.
fn head(mut stream: &UnixStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MOST_HEAD {
            return Err(io::Error::other("its head is too long"));
        }
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
