//! Requests to standard output, on a thread of its own, so that a slow terminal does not hold up the capture.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use export::json::Lines;
use model::Request;

use crate::agent::Sink;
use crate::color::Color;
use crate::requests::{Filter, Options, Table};
use crate::stop::Stop;

/// Requests that may wait to be written.
const QUEUE: usize = 32_768;
/// Bytes of output that are gathered before they are written.
const WRITE_AT: usize = 128 * 1024;
/// How long to wait for room among them, while events wait in the ring; after that a batch is dropped and counted.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long the last writes may take after Ctrl-C.
const LAST_WRITES: Duration = Duration::from_millis(400);

/// What is written, and in which form.
#[derive(Debug, Clone)]
pub struct Style {
    /// One JSON object a line instead of a table.
    pub json: bool,
    /// Colour of the table.
    pub color: Color,
    /// What is shown.
    pub filter: Filter,
    /// How many requests are shown at most.
    pub count: Option<u64>,
}

/// The writing thread and the way to it.
pub struct Output {
    queue: Option<Sender<Vec<Request>>>,
    /// Batches that were written, to be filled again.
    used: Receiver<Vec<Request>>,
    filter: Filter,
    lossless: bool,
    /// The last batch found no room.
    stalled: Cell<bool>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
    stop: Stop,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    shown: AtomicU64,
    dropped: AtomicU64,
}

impl Output {
    /// Starts the thread. It sets `stop` when enough was shown, or nobody reads any more.
    pub fn start(style: Style, stop: Stop) -> Self {
        Self::with(style, stop, false)
    }

    /// The same where the source can wait: nothing is dropped.
    pub fn lossless(style: Style, stop: Stop) -> Self {
        Self::with(style, stop, true)
    }

    fn with(style: Style, stop: Stop, lossless: bool) -> Self {
        let filter = style.filter.clone();
        let (queue, batches) = channel();
        let (give_back, used) = channel();
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let (shared, stop) = (shared.clone(), stop.clone());
            move || {
                let result = Writer::new(style).run(&batches, &give_back, &shared);
                stop.set();
                result
            }
        });
        Output {
            queue: Some(queue),
            used,
            filter,
            lossless,
            stalled: Cell::new(false),
            shared,
            thread: Some(thread),
            stop,
        }
    }

    /// Waits for the thread's end. Once the user has asked for it, a reader that takes nothing does not hold it up for long.
    fn ends_in_time(&self, thread: &JoinHandle<io::Result<()>>) -> bool {
        let mut asked = None;
        while !thread.is_finished() {
            if self.stop.is_set() && asked.get_or_insert_with(Instant::now).elapsed() > LAST_WRITES {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Enough waits already. A thread that ended takes no more, so there is nothing to wait for.
    fn is_full(&self) -> bool {
        let writes = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        writes && self.shared.waiting.load(Ordering::Relaxed) >= QUEUE
    }

    /// Waits until all is written, or a while after Ctrl-C; returns how many were shown and how many were dropped.
    ///
    /// # Errors
    ///
    /// When writing failed for another reason than that nobody reads any more.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        drop(self.queue.take());
        let result = match self.thread.take() {
            Some(thread) if self.ends_in_time(&thread) => {
                thread.join().unwrap_or_else(|_| Err(io::Error::other("the output thread failed")))
            }
            Some(_) => {
                let waiting = self.shared.waiting.load(Ordering::Relaxed);
                self.shared.dropped.fetch_add(waiting as u64, Ordering::Relaxed);
                Ok(())
            }
            None => Ok(()),
        };
        match result {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok((self.shared.shown.load(Ordering::Relaxed), self.shared.dropped.load(Ordering::Relaxed))),
        }
    }
}

impl Sink for Output {
    /// Hands over what is to be shown of a batch. When too much waits to be written for too long, it is dropped and
    /// counted.
    fn write(&self, mut batch: Vec<Request>) {
        // Before the queue, so that it holds only what somebody waits for.
        batch.retain(|request| self.filter.matches(request));
        if batch.is_empty() {
            return;
        }
        let length = batch.len();
        let began = Instant::now();
        while self.is_full() {
            // Who has waited in vain does so no more until something was taken: there is a ring to be emptied.
            let patient = !self.stalled.get() && !self.stop.is_set() && began.elapsed() <= PATIENCE;
            if !self.lossless && !patient {
                self.stalled.set(true);
                self.shared.dropped.fetch_add(length as u64, Ordering::Relaxed);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.stalled.set(false);
        self.shared.waiting.fetch_add(length, Ordering::Relaxed);
        if let Some(queue) = &self.queue {
            // The thread ends early only when nobody reads, and then nothing is missed.
            let _ = queue.send(batch);
        }
    }

    fn used_batch(&self) -> Vec<Request> {
        self.used.try_recv().unwrap_or_default()
    }
}

struct Writer {
    style: Style,
    table: Table,
    lines: Lines,
    is_terminal: bool,
    text: String,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(style: Style) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let variable = std::env::var_os;
        let (term, no_color) = (variable("TERM"), variable("NO_COLOR"));
        let color = style.color.enabled(is_terminal, term.as_deref(), no_color.as_deref());
        let width = terminal_width(is_terminal).or_else(wanted_width).unwrap_or(Options::default().width);
        let header_every = if is_terminal { Options::default().header_every } else { 0 };
        let options = Options { width, color, header_every, utc_offset: utc_offset() };
        Writer {
            style,
            table: Table::new(options),
            lines: Lines::default(),
            is_terminal,
            text: String::new(),
            bytes: Vec::new(),
        }
    }

    fn run(
        &mut self,
        batches: &Receiver<Vec<Request>>,
        give_back: &Sender<Vec<Request>>,
        shared: &Shared,
    ) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        while let Ok(mut batch) = batches.recv() {
            if let Some(width) = terminal_width(self.is_terminal) {
                self.table.resize(width);
            }
            let more = self.write(&batch, shared, &mut stdout)?;
            shared.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            batch.clear();
            // Nobody takes it back any more when the program ends.
            let _ = give_back.send(batch);
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Writes what is to be shown of a batch; false when it was the last.
    fn write(&mut self, batch: &[Request], shared: &Shared, stdout: &mut impl Write) -> io::Result<bool> {
        let count = self.style.count;
        let enough = |shown| count.is_some_and(|count| shown >= count);
        let mut shown = shared.shown.load(Ordering::Relaxed);
        for request in batch {
            if enough(shown) {
                break;
            }
            if self.style.json {
                self.lines.write(request, &mut self.bytes);
            } else {
                self.table.write(request, &mut self.text);
            }
            shown += 1;
            if self.bytes.len() + self.text.len() >= WRITE_AT {
                shared.shown.store(shown, Ordering::Relaxed);
                self.flush(stdout)?;
            }
        }
        shared.shown.store(shown, Ordering::Relaxed);
        self.flush(stdout)?;
        Ok(!enough(shown))
    }

    fn flush(&mut self, stdout: &mut impl Write) -> io::Result<()> {
        stdout.write_all(&self.bytes)?;
        stdout.write_all(self.text.as_bytes())?;
        self.bytes.clear();
        self.text.clear();
        stdout.flush()
    }
}

pub(crate) fn terminal_width(is_terminal: bool) -> Option<usize> {
    if !is_terminal {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|&width| width > 0)
}

/// What the environment says, for output that goes elsewhere than to a terminal.
pub(crate) fn wanted_width() -> Option<usize> {
    // A line is made of blanks where there is room, so it is not as long as somebody may ask for.
    const WIDEST: usize = 1000;
    let columns: usize = std::env::var("COLUMNS").ok()?.parse().ok()?;
    (1..=WIDEST).contains(&columns).then_some(columns)
}

/// What local time is ahead of UTC now: seconds.
pub(crate) fn utc_offset() -> i32 {
    // SAFETY: both calls get valid places; a zeroed `tm` is a valid value of a struct of integers and a pointer that
    // is only written to.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut local: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&now, &mut local).is_null() { 0 } else { local.tm_gmtoff as i32 }
    }
}
