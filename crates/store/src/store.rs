//! The store with its threads: one makes durable what comes in, one takes care of files.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrow_array::RecordBatch;
use schema::Table;
use schema::query::{Answer, Query};

use crate::config::Config;
use crate::disk::{Disk, RealDisk};
use crate::engine::{Engine, Figures};
use crate::error::Error;
use crate::log::Origin;
use crate::maintain::Wish;
use crate::manifest::Content;
use crate::open::{self, Opening};
use crate::query::{self, Cancel, Limits, Parts, Snapshot};
use crate::ticket::Ticket;

/// How often it is looked whether there is something to do with files.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often what is old is looked for.
const RETAIN_EVERY: Duration = Duration::from_secs(60);
/// How long nothing is tried after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// An open store. Dropping it makes durable what waits; rows that are in no file yet stay in the log.
pub struct Store {
    engine: Arc<Engine>,
    /// Wakes the thread that makes durable; none once it is to end.
    wake: Option<SyncSender<()>>,
    end: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    trouble: Arc<Trouble>,
}

/// What went wrong last with each of the things that are done; that another one goes well does not mend it.
#[derive(Default)]
struct Trouble {
    log: Mutex<Option<String>>,
    files: Mutex<Option<String>>,
    merges: Mutex<Option<String>>,
    old: Mutex<Option<String>>,
}

impl Store {
    /// Opens the store in a folder, or begins one there.
    ///
    /// # Errors
    ///
    /// When another process has it, it cannot be read, or what is needed is damaged or missing.
    pub fn open(folder: &Path, config: Config) -> Result<(Self, Opening), Error> {
        Self::on(Arc::new(RealDisk::lock(folder)?), config)
    }

    /// The same on any disk.
    ///
    /// # Errors
    ///
    /// As for [`Store::open`].
    pub fn on(disk: Arc<dyn Disk>, config: Config) -> Result<(Self, Opening), Error> {
        let (engine, opening) = open::open(disk, config)?;
        let engine = Arc::new(engine);
        let trouble = Arc::new(Trouble::default());
        let (wake, woken) = sync_channel(1);
        let (end, ended) = channel();
        let committer = {
            let (engine, trouble) = (Arc::clone(&engine), Arc::clone(&trouble));
            std::thread::Builder::new()
                .name("store-commit".into())
                .spawn(move || commit(&engine, &woken, &trouble))
        };
        let keeper = {
            let (engine, trouble) = (Arc::clone(&engine), Arc::clone(&trouble));
            std::thread::Builder::new()
                .name("store-keep".into())
                .spawn(move || keep(&engine, &ended, &trouble))
        };
        let spawned = |result: std::io::Result<JoinHandle<()>>| {
            result.map_err(|cause| Error::Io { what: "starting a thread".into(), cause })
        };
        let threads = vec![spawned(committer)?, spawned(keeper)?];
        Ok((Store { engine, wake: Some(wake), end: Some(end), threads, trouble }, opening))
    }

    /// Takes a batch; the ticket tells when it is durable. A batch that was stored before is not stored again.
    ///
    /// # Errors
    ///
    /// When it does not fit the table, or too much waits already.
    pub fn submit(&self, origin: Origin, table: Table, batch: &RecordBatch) -> Result<Ticket, Error> {
        let ticket = self.engine.submit(origin, table, batch)?;
        if let Some(wake) = &self.wake {
            // Where it is full the thread has been woken already.
            let _ = wake.try_send(());
        }
        Ok(ticket)
    }

    /// Takes a batch and waits until it is durable.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn append(&self, origin: Origin, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        self.submit(origin, table, batch)?.wait()
    }

    /// Answers from all that is durable.
    ///
    /// # Errors
    ///
    /// When the question makes no sense, the answer takes too much memory, or it is cancelled. What is damaged is no error:
    /// the answer tells it.
    pub fn query(&self, query: &Query, cancel: &Cancel) -> Result<Answer, Error> {
        query::run(&self.snapshot(), query, &self.engine.cache, limits(&self.engine.config), cancel)
    }

    /// Answers in parts: rows without an order as they are found, everything else when it is complete. To drop the parts cancels
    /// the query.
    ///
    /// # Errors
    ///
    /// When the question makes no sense. What goes wrong later is a part.
    pub fn stream(&self, query: &Query) -> Result<Parts, Error> {
        query.validate()?;
        let (snapshot, engine, query) = (self.snapshot(), Arc::clone(&self.engine), query.clone());
        Parts::start(move |cancel, tell| {
            query::stream(&snapshot, &query, &engine.cache, limits(&engine.config), cancel, tell)
        })
    }

    fn snapshot(&self) -> Snapshot {
        let state = self.engine.state();
        Snapshot { segments: state.segments.values().cloned().collect(), recent: state.recent.clone() }
    }

    /// Writes all rows in memory into files.
    ///
    /// # Errors
    ///
    /// When the disk does not take them; they stay in memory and in the log then.
    pub fn flush(&self) -> Result<(), Error> {
        self.engine.flush()
    }

    /// Merges small files until there are none; `told` gets the number that was merged, each time.
    ///
    /// # Errors
    ///
    /// When the disk does not play along, or a file is damaged.
    pub fn compact(&self, mut told: impl FnMut(usize)) -> Result<(), Error> {
        loop {
            match self.engine.compact(Wish::Everything)? {
                0 => return Ok(()),
                merged => told(merged),
            }
        }
    }

    /// Drops what the configuration says is not kept; tells how many rows.
    ///
    /// # Errors
    ///
    /// When the disk does not play along.
    pub fn retain(&self, now: i64) -> Result<u64, Error> {
        self.engine.retain(now)
    }

    /// What it did since it was opened.
    pub fn figures(&self) -> Figures {
        self.engine.figures()
    }

    /// Rows and bytes that are in memory and in the log only.
    pub fn in_memory(&self) -> (usize, usize) {
        self.engine.state().in_memory()
    }

    /// Which files there are.
    pub fn content(&self) -> Arc<Content> {
        Arc::clone(&self.engine.state().content)
    }

    /// What went wrong with the disk last, until it goes well again.
    pub fn trouble(&self) -> Option<String> {
        let Trouble { log, files, merges, old } = &*self.trouble;
        let told = |of: &Mutex<Option<String>>| of.lock().unwrap_or_else(PoisonError::into_inner).clone();
        [log, files, merges, old].into_iter().find_map(told)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.engine.close();
        drop(self.wake.take());
        drop(self.end.take());
        for thread in self.threads.drain(..) {
            // It has told its trouble already.
            let _ = thread.join();
        }
    }
}

pub(crate) fn limits(config: &Config) -> Limits {
    Limits { memory: config.query_memory, threads: config.query_threads.max(1) }
}

/// Notes how it went.
fn note<T>(trouble: &Mutex<Option<String>>, result: &Result<T, Error>) -> bool {
    let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
    *trouble = result.as_ref().err().map(ToString::to_string);
    result.is_ok()
}

fn commit(engine: &Engine, woken: &Receiver<()>, trouble: &Trouble) {
    loop {
        let ends = woken.recv().is_err();
        let since = Instant::now();
        // More is likely to come within the time in which one write to the disk is done.
        while let Some(rest) = engine.may_wait(since).filter(|rest| !ends && !rest.is_zero()) {
            std::thread::sleep(rest.min(Duration::from_millis(1)));
        }
        while engine.is_waiting() {
            note(&trouble.log, &engine.commit());
        }
        if ends {
            return;
        }
    }
}

/// A fault of ours in one of the things that are done is told, and does not end all of them: without files memory would fill up.
fn survived<T>(act: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What an engine has behind its locks is whole between any two statements that can panic.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    done.unwrap_or_else(|_| Err(Error::Damaged("a fault in the store itself; it is tried again".into())))
}

fn keep(engine: &Engine, ended: &Receiver<()>, trouble: &Trouble) {
    let mut looked_for_old: Option<Instant> = None;
    let mut paused: Option<Instant> = None;
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_EVERY) {
        if engine.is_closed() {
            return;
        }
        if paused.is_some_and(|since| since.elapsed() < PAUSE) {
            continue;
        }
        let mut well = true;
        if engine.wants_flush() {
            well &= note(&trouble.files, &survived(|| engine.flush()));
        } else {
            well &= note(&trouble.merges, &survived(|| engine.compact(Wish::Worthwhile)));
        }
        if looked_for_old.is_none_or(|looked| looked.elapsed() >= RETAIN_EVERY) {
            looked_for_old = Some(Instant::now());
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
            well &= note(&trouble.old, &survived(|| engine.retain(now)));
        }
        paused = (!well).then(Instant::now);
    }
}
