//! What threads are doing, and how processes share out their work.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::exchanges::Ref;

/// Processes whose way is remembered; beyond, nothing new is concluded from threads.
const PROCESSES: usize = 65_536;

/// A thread that serves requests.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    /// Those that it has read, and that are not over: oldest first.
    pub(crate) active: Vec<Ref>,
    /// Of these, those that were not passed on and not answered, or may not have been: oldest first.
    pub(crate) unsent: VecDeque<Ref>,
    /// Those that were passed on and have their answer, which has to be passed on next: oldest first.
    pub(crate) due: VecDeque<Ref>,
    /// The last thing that it did was to read this request, and no other one.
    pub(crate) just_read: Option<Ref>,
    /// It read something since it asked last.
    pub(crate) has_read: bool,
}

/// How a process's threads serve requests, as far as it is not one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A thread has several at a time: an event loop.
    Loop,
    /// What one thread reads another one answers: workers, or threads of the program's own making.
    Handing,
}

/// All threads that serve something now, by process and thread; and what was learnt of processes.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    threads: FxHashMap<(u32, u32), Thread>,
    ways: FxHashMap<u32, Way>,
}

impl Threads {
    pub(crate) fn get(&self, pid: u32, tid: u32) -> Option<&Thread> {
        self.threads.get(&(pid, tid))
    }

    pub(crate) fn get_mut(&mut self, pid: u32, tid: u32) -> Option<&mut Thread> {
        self.threads.get_mut(&(pid, tid))
    }

    pub(crate) fn enter(&mut self, pid: u32, tid: u32) -> &mut Thread {
        self.threads.entry((pid, tid)).or_default()
    }

    /// The request is over, or will not be told of any more.
    pub(crate) fn leave(&mut self, pid: u32, tid: u32, at: Ref) {
        let Some(thread) = self.threads.get_mut(&(pid, tid)) else { return };
        thread.active.retain(|other| *other != at);
        thread.due.retain(|other| *other != at);
        thread.unsent.retain(|other| *other != at);
        if thread.active.is_empty() {
            self.threads.remove(&(pid, tid));
        }
    }

    pub(crate) fn way(&self, pid: u32) -> Option<Way> {
        self.ways.get(&pid).copied()
    }

    /// Remembers how a process goes about it; true where that is new. Who hands over stays known for it. False where there is no room.
    pub(crate) fn learn(&mut self, pid: u32, way: Way) -> bool {
        if self.ways.len() >= PROCESSES && !self.ways.contains_key(&pid) {
            return false;
        }
        match self.ways.insert(pid, way) {
            Some(Way::Handing) => {
                self.ways.insert(pid, Way::Handing);
                false
            }
            before => before != Some(way),
        }
    }

    /// No more can be remembered.
    pub(crate) fn is_full(&self) -> bool {
        self.ways.len() >= PROCESSES
    }

    pub(crate) fn forget(&mut self, pid: u32) {
        self.ways.remove(&pid);
    }
}
