//! The store without threads: each step is called by somebody, which may be a test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use schema::Table;

use crate::config::Config;
use crate::disk::{Disk, WriteFile};
use crate::error::{Error, Tried};
use crate::log::{self, Logged, Origin};
use crate::manifest::{Content, Manifest};
use crate::segment::{Cache, Segment};
use crate::sources::{Known, Seen};
use crate::ticket::{Teller, Ticket, ticket};

/// Locks are taken in the order of these fields: `upkeep`, `log`, `state`.
pub(crate) struct Engine {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) config: Config,
    pub(crate) cache: Cache,
    /// Held by whoever changes which files there are.
    pub(crate) upkeep: Mutex<Upkeep>,
    log: Mutex<LogFile>,
    state: Mutex<State>,
}

pub(crate) struct Upkeep {
    pub(crate) manifest: Manifest,
    pub(crate) next_id: u64,
    /// Files that could not be read when they were to be merged.
    pub(crate) unreadable: BTreeSet<u64>,
}

struct LogFile {
    file: Option<Box<dyn WriteFile>>,
    /// That of the file, or of the next one.
    number: u64,
}

/// What is in memory.
#[derive(Default)]
pub(crate) struct State {
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    pub(crate) recent: Vec<Arc<Recent>>,
    recent_rows: usize,
    recent_bytes: usize,
    oldest: Option<Instant>,
    pub(crate) segments: BTreeMap<u64, Arc<Segment>>,
    /// What the manifest says: who wants to know it does not wait for files that are written.
    pub(crate) content: Arc<Content>,
    sources: Sources,
    closed: bool,
    figures: Figures,
}

/// A batch that is not durable yet.
struct Waiting {
    frame: Arc<[u8]>,
    origin: Origin,
    batch: Arc<Recent>,
    acknowledge: Vec<Teller>,
}

/// A batch that is durable, and not in a file yet.
pub(crate) struct Recent {
    pub(crate) table: Table,
    pub(crate) rows: Arc<RecordBatch>,
    /// What its requests come to as edges, once somebody has asked.
    pub(crate) edges: OnceLock<Arc<RecordBatch>>,
}

impl Recent {
    pub(crate) fn new(table: Table, rows: Arc<RecordBatch>) -> Arc<Self> {
        Arc::new(Recent { table, rows, edges: OnceLock::new() })
    }
}

/// What a store did since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows that were made durable.
    pub rows: u64,
    /// Batches that were stored before and not stored again.
    pub repeated: u64,
    /// Batches that were refused because too much waited.
    pub refused: u64,
    /// Batches that a failing disk did not take.
    pub failed: u64,
    /// Senders whose batch numbers were forgotten for want of room.
    pub forgotten: u64,
    /// Times that the log was made durable.
    pub commits: u64,
    /// Files that were written, those of merged files included.
    pub files: u64,
}

/// Which batches of which senders are stored; of too many senders, the one that sent nothing for longest is forgotten.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    seen: BTreeMap<u64, (Seen, u64)>,
    clock: u64,
}

impl Sources {
    pub(crate) fn from(content: &Content) -> Self {
        Sources {
            seen: content.sources.iter().map(|(source, seen)| (*source, (*seen, 0))).collect(),
            clock: 0,
        }
    }

    pub(crate) fn knows(&self, origin: Origin) -> (Known, u64) {
        let seen = self.seen.get(&origin.source);
        seen.map_or((Known::New, 0), |(seen, _)| (seen.knows(origin.sequence), seen.last))
    }

    /// Returns whether another was forgotten.
    pub(crate) fn add(&mut self, origin: Origin, most: usize) -> bool {
        self.clock += 1;
        let clock = self.clock;
        let known = self.seen.entry(origin.source).or_insert_with(|| (Seen::first(origin.sequence), clock));
        known.0.add(origin.sequence);
        known.1 = clock;
        if self.seen.len() <= most.max(1) {
            return false;
        }
        let longest = self.seen.iter().min_by_key(|(_, (_, used))| *used).map(|(source, _)| *source);
        longest.is_some_and(|source| self.seen.remove(&source).is_some())
    }

    pub(crate) fn all(&self) -> BTreeMap<u64, Seen> {
        self.seen.iter().map(|(source, (seen, _))| (*source, *seen)).collect()
    }
}

/// What a flush begins with.
pub(crate) struct Frozen {
    pub(crate) recent: Vec<Arc<Recent>>,
    pub(crate) sources: BTreeMap<u64, Seen>,
    /// The first log file that is needed when these are in files.
    pub(crate) log_from: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind the locks is whole between any two statements that can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        config: Config,
        found: (Manifest, u64),
        logged: Vec<Logged>,
    ) -> Self {
        let (manifest, log_number) = found;
        let mut state = State {
            sources: Sources::from(&manifest.content),
            content: Arc::new(manifest.content.clone()),
            ..State::default()
        };
        for meta in manifest.content.files.values() {
            state.segments.insert(meta.id, Segment::new(meta.clone(), Arc::clone(&disk)));
        }
        for logged in logged {
            if state.sources.knows(logged.origin).0 == Known::New {
                state.sources.add(logged.origin, config.sources);
                state.take(Recent::new(logged.table, Arc::new(logged.batch)));
            }
        }
        let next_id = manifest.content.next_id;
        Engine {
            disk,
            cache: Cache::new(config.open_files),
            config,
            upkeep: Mutex::new(Upkeep { manifest, next_id, unreadable: BTreeSet::new() }),
            log: Mutex::new(LogFile { file: None, number: log_number }),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub(crate) fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        locked(&self.upkeep)
    }

    /// Takes a batch that is to be made durable by the next [`Engine::commit`].
    pub(crate) fn submit(&self, origin: Origin, table: Table, batch: &RecordBatch) -> Result<Ticket, Error> {
        let rows = crate::batch::fit(table, batch)?;
        let frame: Arc<[u8]> = log::encode(origin, table, &rows)?.into();
        let (acknowledge, ticket) = ticket();
        let mut state = self.state();
        if state.closed {
            return Err(Error::Closed);
        }
        if let Some(waiting) = state.waiting.iter_mut().find(|waiting| waiting.origin == origin) {
            waiting.acknowledge.push(acknowledge);
            return Ok(ticket);
        }
        match state.sources.knows(origin) {
            (Known::New, _) => {}
            (Known::Stored, _) => {
                state.figures.repeated += 1;
                acknowledge.tell(Ok(()));
                return Ok(ticket);
            }
            (Known::TooOld, last) => {
                return Err(Error::TooOld { source_id: origin.source, sequence: origin.sequence, last });
            }
        }
        // Rows that wait for a file count as well: where the disk takes no files, memory must not grow without end.
        let behind = state.recent_bytes.saturating_sub(2 * self.config.flush_bytes);
        if state.waiting_bytes + behind >= self.config.most_waiting {
            state.figures.refused += 1;
            return Err(Error::Busy { waiting: state.waiting_bytes + state.recent_bytes });
        }
        state.waiting_bytes += frame.len();
        let batch = Recent::new(table, rows);
        state.waiting.push_back(Waiting { frame, origin, batch, acknowledge: vec![acknowledge] });
        Ok(ticket)
    }

    /// Makes durable what waits; then it is part of answers, and those who wait are told.
    pub(crate) fn commit(&self) -> Result<(), Error> {
        let mut log = locked(&self.log);
        let frames: Vec<Arc<[u8]>> =
            self.state().waiting.iter().map(|waiting| Arc::clone(&waiting.frame)).collect();
        if frames.is_empty() {
            return Ok(());
        }
        let result = self.write_log(&mut log, &frames);
        let mut state = self.state();
        let done: Vec<Waiting> = state.waiting.drain(..frames.len()).collect();
        let told = result.as_ref().map_err(ToString::to_string).copied();
        for waiting in done {
            state.waiting_bytes -= waiting.frame.len();
            match &told {
                Ok(()) => {
                    state.figures.rows += waiting.batch.rows.num_rows() as u64;
                    let forgotten = state.sources.add(waiting.origin, self.config.sources);
                    state.figures.forgotten += u64::from(forgotten);
                    state.take(waiting.batch);
                }
                Err(_) => state.figures.failed += 1,
            }
            waiting.acknowledge.into_iter().for_each(|acknowledge| acknowledge.tell(told.clone()));
        }
        state.figures.commits += 1;
        result
    }

    fn write_log(&self, log: &mut LogFile, frames: &[Arc<[u8]>]) -> Result<(), Error> {
        let mut file = match log.file.take() {
            Some(file) => file,
            // Where this fails the number stays: there is no gap between the numbers of log files.
            None => log::create(&*self.disk, log.number)?,
        };
        let name = log::name(log.number);
        let mut write = || -> std::io::Result<()> {
            frames.iter().try_for_each(|frame| file.write(frame))?;
            file.sync()
        };
        match write() {
            Ok(()) => log.file = Some(file),
            Err(error) => {
                // Nobody knows what of it is in the file: it is left as it is, and the next batches go to another.
                log.number += 1;
                return Err(error).tried("writing", &name);
            }
        }
        Ok(())
    }

    /// Begins a new log file, and gives what the earlier ones have.
    pub(crate) fn freeze(&self) -> Frozen {
        let mut log = locked(&self.log);
        if log.file.take().is_some() {
            log.number += 1;
        }
        let state = self.state();
        Frozen { recent: state.recent.clone(), sources: state.sources.all(), log_from: log.number }
    }

    /// Whether there are rows enough for a file, or old enough.
    pub(crate) fn wants_flush(&self) -> bool {
        let state = self.state();
        state.recent_rows >= self.config.flush_rows
            || state.recent_bytes >= self.config.flush_bytes
            || state.oldest.is_some_and(|oldest| oldest.elapsed() >= self.config.flush_every)
    }

    /// For how long those that wait may still wait for others.
    pub(crate) fn may_wait(&self, since: Instant) -> Option<Duration> {
        let state = self.state();
        let enough = state.waiting.is_empty() || state.waiting_bytes >= self.config.commit_bytes;
        self.config.commit_every.checked_sub(since.elapsed()).filter(|_| !enough)
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// No batch is taken any more.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub(crate) fn figures(&self) -> Figures {
        self.state().figures
    }
}

impl State {
    fn take(&mut self, batch: Arc<Recent>) {
        self.recent_rows += batch.rows.num_rows();
        self.recent_bytes += batch.rows.get_array_memory_size();
        self.oldest.get_or_insert_with(Instant::now);
        self.recent.push(batch);
    }

    /// Files take the place of the first batches, or of other files. What is gone is given back: to drop it removes files, for which
    /// nobody should wait who wants to write or to ask.
    #[must_use = "it is to be dropped when the state is not locked any more"]
    pub(crate) fn replace(
        &mut self,
        batches: usize,
        files: Vec<Arc<Segment>>,
        gone: &[u64],
    ) -> Vec<Arc<Segment>> {
        for batch in self.recent.drain(..batches) {
            self.recent_rows -= batch.rows.num_rows();
            self.recent_bytes -= batch.rows.get_array_memory_size();
        }
        if batches > 0 {
            self.oldest = (!self.recent.is_empty()).then(Instant::now);
        }
        self.figures.files += files.len() as u64;
        self.segments.extend(files.into_iter().map(|segment| (segment.meta.id, segment)));
        let gone: Vec<Arc<Segment>> = gone.iter().filter_map(|id| self.segments.remove(id)).collect();
        gone.iter().for_each(|segment| segment.remove_later());
        gone
    }

    /// Rows and bytes in memory.
    pub(crate) fn in_memory(&self) -> (usize, usize) {
        (self.recent_rows, self.recent_bytes)
    }
}
