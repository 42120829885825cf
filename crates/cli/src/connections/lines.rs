//! Text to standard output, on a thread of its own, so that a slow terminal does not hold up the capture.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::stop::Stop;

/// Pieces that may wait to be written: each is what one drain of the rings gave.
const QUEUE: usize = 64;
/// How long to wait for room among them, while events wait in the ring; after that a piece is dropped and counted.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long the last writes may take after Ctrl-C.
const LAST_WRITES: Duration = Duration::from_millis(400);

/// The writing thread and the way to it.
pub(super) struct Lines {
    queue: Option<SyncSender<(Vec<u8>, u64)>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    written: Arc<AtomicU64>,
    sent: u64,
    dropped: u64,
    /// The last piece found no room.
    stalled: bool,
    stop: Stop,
}

impl Lines {
    /// Starts the thread. It sets `stop` when nobody reads any more.
    pub(super) fn start(stop: Stop) -> Self {
        let (queue, pieces) = sync_channel(QUEUE);
        let written = Arc::new(AtomicU64::new(0));
        let thread = std::thread::spawn({
            let (written, stop) = (written.clone(), stop.clone());
            move || {
                let result = write(&pieces, &written);
                stop.set();
                result
            }
        });
        Lines { queue: Some(queue), thread: Some(thread), written, sent: 0, dropped: 0, stalled: false, stop }
    }

    /// Hands over so many lines. When too much waits to be written for too long, they are dropped and counted.
    pub(super) fn write(&mut self, text: Vec<u8>, lines: u64) {
        let Some(queue) = &self.queue else { return };
        let began = Instant::now();
        let mut piece = (text, lines);
        loop {
            match queue.try_send(piece) {
                Ok(()) => {
                    self.stalled = false;
                    self.sent += lines;
                    return;
                }
                // Nobody reads, so nothing is missed.
                Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(back)) => piece = back,
            }
            // Who has waited in vain does so no more until something was taken: there is a ring to be emptied.
            if self.stalled || self.stop.is_set() || began.elapsed() > PATIENCE {
                self.stalled = true;
                self.dropped += lines;
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until all is written, or a while after Ctrl-C; returns how many lines were written and how many dropped.
    pub(super) fn finish(mut self) -> io::Result<(u64, u64)> {
        drop(self.queue.take());
        let mut asked = None;
        let result = loop {
            let Some(thread) = &self.thread else { break Ok(()) };
            if thread.is_finished() {
                let ended = self.thread.take().map(JoinHandle::join);
                break ended
                    .and_then(Result::ok)
                    .unwrap_or_else(|| Err(io::Error::other("the output thread failed")));
            }
            if self.stop.is_set() && asked.get_or_insert_with(Instant::now).elapsed() > LAST_WRITES {
                break Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let written = self.written.load(Ordering::Relaxed);
        match result {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Err(_) => Ok((written, self.dropped)),
            Ok(()) => Ok((written, self.dropped + self.sent.saturating_sub(written))),
        }
    }
}

fn write(pieces: &Receiver<(Vec<u8>, u64)>, written: &AtomicU64) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    while let Ok((text, lines)) = pieces.recv() {
        stdout.write_all(&text)?;
        stdout.flush()?;
        written.fetch_add(lines, Ordering::Relaxed);
    }
    Ok(())
}
