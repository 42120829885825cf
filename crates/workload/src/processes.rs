//! The processes that are known, by their id.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use model::event::{Exec, Exit, Owner};
use model::{Nanos, Text};

use crate::{Config, ContainerNames, Facts, Rule, cgroup, name_with};

/// A process, as requests show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id in the initial namespace.
    pub pid: u32,
    /// The first thread's command.
    pub command: Arc<str>,
    /// Its service's name.
    pub service: Arc<str>,
    /// The rule that gave the name.
    pub rule: Rule,
    /// Its container's id, or the name of a container that holds a whole system.
    pub container: Option<Text>,
}

/// Where facts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Read below this path, which is `/proc` outside of tests.
    Proc(PathBuf),
    /// Only what events tell and [`Processes::facts`] is given: a recording is played, or `/proc` knows processes by other ids.
    Recorded,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most processes at a time.
    pub processes: usize,
    /// How long an ended process stays, for records that come late: nanoseconds.
    pub linger: Nanos,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { processes: 65_536, linger: 10_000_000_000 }
    }
}

/// The table of processes. It has no clock: time is that of the events.
///
/// `owner` and `seen` give back the facts that they learnt, so that a recording can keep them: played
/// again through [`Processes::facts`], they give the same names.
pub struct Processes {
    source: Source,
    config: Config,
    containers: Box<dyn ContainerNames>,
    limits: Limits,
    entries: HashMap<u32, Entry>,
    /// Ended processes, in the order of their end.
    ended: VecDeque<(Nanos, u32, u64)>,
    /// All processes, in the order in which they were learnt.
    learnt: VecDeque<(u32, u64)>,
    next_entry: u64,
    displaced: u64,
    /// What processes of a cgroup told of its paths, for those that are gone before they could be read.
    cgroups: HashMap<u64, Vec<Text>>,
    names: HashSet<Arc<str>>,
    names_limit: usize,
}

struct Entry {
    process: Arc<Process>,
    /// Tells this entry from an earlier one of the same pid.
    number: u64,
    /// The command that was last told with an [`Owner`].
    told: Text,
    /// What the event of its exec told, until `/proc` is asked.
    unread: Option<Box<Facts>>,
    ended: bool,
}

/// Cgroups whose paths are remembered.
const CGROUPS: usize = 8192;
/// Names at which the first look for unused ones is taken.
const NAMES: usize = 1024;

impl Processes {
    /// An empty table.
    pub fn new(source: Source, config: Config, containers: Box<dyn ContainerNames>, limits: Limits) -> Self {
        Processes {
            source,
            config,
            containers,
            limits,
            entries: HashMap::new(),
            ended: VecDeque::new(),
            learnt: VecDeque::new(),
            next_entry: 0,
            displaced: 0,
            cgroups: HashMap::new(),
            names: HashSet::new(),
            names_limit: NAMES,
        }
    }

    /// The process, also for a while after its end.
    pub fn get(&self, pid: u32) -> Option<&Arc<Process>> {
        self.entries.get(&pid).map(|entry| &entry.process)
    }

    /// A process runs a new program: what was known of it is void. It goes by what the event tells until it
    /// does I/O; most programs never do, and reading each would cost more than all the rest.
    pub fn exec(&mut self, exec: &Exec) {
        self.evict(exec.time);
        let mut facts = Facts {
            command: exec.command.clone(),
            executable: (!exec.file.is_empty()).then(|| exec.file.clone()),
            arguments: exec.arguments.clone(),
            ..self.gone(exec.pid, exec.cgroup)
        };
        facts.forget_arguments();
        self.learn(&facts, facts.command.clone(), true);
        if let (Some(entry), Source::Proc(_)) = (self.entries.get_mut(&exec.pid), &self.source) {
            entry.unread = Some(Box::new(facts));
        }
    }

    /// A process does I/O: it is read when it is new, runs a new program, or has changed its command since.
    pub fn owner(&mut self, owner: &Owner) -> Option<Facts> {
        let known = self.entries.get_mut(&owner.pid);
        if let Some(entry) = known {
            let same = entry.told == owner.command;
            if same && entry.unread.is_none() {
                return None;
            }
            if !same {
                entry.told = owner.command.clone();
            }
        }
        let looked = self.look(owner.pid, owner.cgroup).or_else(|| {
            let entry = self.entries.get(&owner.pid);
            // The table still knows the process, or one before it that had the same pid.
            let known = entry.is_some_and(|entry| !entry.ended || *entry.process.command == *owner.command);
            let facts = || Facts { command: owner.command.clone(), ..self.gone(owner.pid, owner.cgroup) };
            (!known).then(|| (facts(), true))
        });
        let (facts, is_new) = looked?;
        self.learn(&facts, owner.command.clone(), is_new);
        Some(facts)
    }

    /// A process was met without an event that tells of it: it is read unless it was.
    pub fn seen(&mut self, pid: u32) -> Option<Facts> {
        let read = self.entries.get(&pid).is_some_and(|entry| entry.unread.is_none());
        if pid == 0 || read {
            return None;
        }
        let (facts, is_new) = self.look(pid, 0)?;
        self.learn(&facts, facts.command.clone(), is_new);
        Some(facts)
    }

    /// Facts that were learnt elsewhere, such as from a recording.
    pub fn facts(&mut self, facts: Facts) {
        // A recording tells of an exec with an event of its own.
        let is_new = !self.entries.contains_key(&facts.pid);
        self.learn(&facts, facts.command.clone(), is_new);
    }

    /// A process ended; it stays for [`Limits::linger`].
    pub fn exit(&mut self, exit: &Exit) {
        if let Some(entry) = self.entries.get_mut(&exit.pid).filter(|entry| !entry.ended) {
            entry.ended = true;
            self.ended.push_back((exit.time, exit.pid, entry.number));
        }
        self.evict(exit.time);
    }

    /// Forgets processes that ended more than [`Limits::linger`] before `now`. Events do so too.
    pub fn evict(&mut self, now: Nanos) {
        while let Some(&(time, pid, number)) = self.ended.front() {
            if time.saturating_add(self.limits.linger) > now {
                break;
            }
            self.ended.pop_front();
            self.forget(pid, number);
        }
    }

    /// Names processes by other rules from now on; returns those that run and go by earlier ones, for [`Processes::read_again`].
    pub fn set_config(&mut self, config: Config) -> Vec<u32> {
        self.config = config;
        self.entries.iter().filter(|(_, entry)| !entry.ended).map(|(pid, _)| *pid).collect()
    }

    /// Reads a process anew, so that it goes by the rules of now.
    pub fn read_again(&mut self, pid: u32) {
        let Some(entry) = self.entries.get(&pid).filter(|entry| !entry.ended) else { return };
        // Its exec was told, and it is read when it does I/O.
        if entry.unread.is_some() {
            return;
        }
        let told = entry.told.clone();
        if let Source::Proc(root) = &self.source
            && let Ok(facts) = Facts::read(root, pid)
            && is_telling(&facts)
        {
            self.learn(&facts, told, true);
        }
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when none is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many running processes had to be forgotten because the table was full.
    pub fn displaced(&self) -> u64 {
        self.displaced
    }

    /// What `/proc` tells of a process, or the event of its exec and `/proc` together. `None` when neither
    /// tells more than is known. With it goes whether it is of a process that runs, which is then another
    /// one than one that has ended.
    fn look(&mut self, pid: u32, cgroup: u64) -> Option<(Facts, bool)> {
        let entry = self.entries.get_mut(&pid);
        let known = entry.is_some();
        let unread = entry.and_then(|entry| entry.unread.take());
        let read = match &self.source {
            Source::Proc(root) => Facts::read(root, pid).ok().map(|facts| Facts { cgroup, ..facts }),
            Source::Recorded => None,
        };
        if let Some(facts) = read.as_ref().filter(|facts| is_telling(facts)) {
            self.remember(facts);
        }
        match (read, unread) {
            (Some(read), _) if is_telling(&read) => Some((read, true)),
            // A zombie has lost what names it but for its cgroup.
            (Some(read), Some(mut unread)) => {
                unread.cgroups = read.cgroups;
                Some((*unread, false))
            }
            (None, Some(mut unread)) => {
                unread.cgroups = self.gone(pid, unread.cgroup).cgroups;
                Some((*unread, false))
            }
            (read, None) => read.filter(|_| !known).map(|read| (read, true)),
        }
    }

    /// What is known of a process that is gone, by its cgroup.
    fn gone(&self, pid: u32, cgroup: u64) -> Facts {
        let cgroups = self.cgroups.get(&cgroup).cloned().unwrap_or_default();
        Facts { pid, cgroup, cgroups, ..Facts::default() }
    }

    /// Only what does I/O is asked: right after its exec a process may still be on its way from the cgroup
    /// that the event told to the one that is read, as `runc` is.
    fn remember(&mut self, facts: &Facts) {
        if self.cgroups.len() >= CGROUPS {
            self.cgroups.clear();
        }
        // 1 is the root, which is all there is where only v1 hierarchies are in use.
        if facts.cgroup > 1 && !facts.cgroups.is_empty() {
            self.cgroups.insert(facts.cgroup, facts.cgroups.clone());
        }
    }

    fn learn(&mut self, facts: &Facts, told: Text, is_new: bool) {
        let named = name_with(facts, &self.config, &*self.containers);
        let process = Arc::new(Process {
            pid: facts.pid,
            command: self.interned(facts.command.as_str().into()),
            service: self.interned(named.name),
            rule: named.rule,
            container: cgroup::container(&facts.cgroups).map(|container| container.id),
        });
        // More about a process that has ended does not make it live again.
        if let Some(entry) = self.entries.get_mut(&facts.pid).filter(|entry| entry.ended && !is_new) {
            entry.process = process;
            return;
        }
        let number = self.next_entry;
        self.next_entry += 1;
        if !self.entries.contains_key(&facts.pid) {
            self.make_room();
        }
        self.entries.insert(facts.pid, Entry { process, number, told, unread: None, ended: false });
        self.learnt.push_back((facts.pid, number));
        self.tidy();
    }

    fn make_room(&mut self) {
        while self.entries.len() >= self.limits.processes.max(1) {
            if let Some((_, pid, number)) = self.ended.pop_front() {
                self.forget(pid, number);
            } else if let Some((pid, number)) = self.learnt.pop_front() {
                self.displaced += u64::from(self.forget(pid, number));
            } else {
                break;
            }
        }
    }

    fn forget(&mut self, pid: u32, number: u64) -> bool {
        let same = self.entries.get(&pid).is_some_and(|entry| entry.number == number);
        if same {
            self.entries.remove(&pid);
        }
        same
    }

    /// Drops what the queues and the names hold of processes that are gone.
    fn tidy(&mut self) {
        if self.learnt.len() > 2 * self.entries.len() + NAMES {
            let entries = &self.entries;
            self.learnt.retain(|(pid, number)| entries.get(pid).is_some_and(|entry| entry.number == *number));
        }
        if self.names.len() > self.names_limit {
            self.names.retain(|name| Arc::strong_count(name) > 1);
            self.names_limit = NAMES.max(2 * self.names.len());
        }
    }

    fn interned(&mut self, name: Arc<str>) -> Arc<str> {
        if let Some(known) = self.names.get(&name) {
            return known.clone();
        }
        self.names.insert(name.clone());
        name
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes")
            .field("source", &self.source)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A zombie shows neither its program nor its arguments.
fn is_telling(facts: &Facts) -> bool {
    facts.executable.is_some() || !facts.arguments.is_empty()
}
