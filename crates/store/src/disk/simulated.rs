//! A disk in memory that fails as real ones do. What was not made durable may be gone after a crash, or torn; names too. Every
//! write, sync and change of names is a step, and a test says which step goes wrong, and how.

#![allow(clippy::unwrap_used)] // it is part of tests

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, ReadFile, WriteFile};

const SECTOR: usize = 512;

/// How a step goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The machine stops: this step and all later ones fail.
    Crash,
    /// This step alone fails.
    Error,
    /// From this step on there is no room for anything more.
    Full,
}

/// What becomes of what was not durable when the machine stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All of it is gone.
    All,
    /// Part of it is there, the last sector torn.
    Torn,
    /// All of it is there by chance.
    Nothing,
}

#[derive(Debug, Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
}

type Shared = Arc<Mutex<Content>>;

#[derive(Default)]
struct State {
    names: BTreeMap<String, Shared>,
    durable_names: BTreeMap<String, Shared>,
    steps: usize,
    fault: Option<(usize, Fault)>,
    crashed: bool,
    full: bool,
}

#[derive(Clone, Default)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

impl State {
    /// Counts a step; fails where it is to go wrong.
    fn step(&mut self, takes_room: bool) -> io::Result<()> {
        let step = self.steps;
        self.steps += 1;
        match self.fault {
            Some((at, Fault::Crash)) if step == at => self.crashed = true,
            Some((at, Fault::Full)) if step == at => self.full = true,
            Some((at, Fault::Error)) if step == at => return Err(io::Error::other("the disk failed")),
            _ => {}
        }
        if self.crashed {
            return Err(io::Error::other("the machine stopped"));
        }
        if self.full && takes_room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl SimulatedDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How many steps there were.
    pub(crate) fn steps(&self) -> usize {
        self.state().steps
    }

    /// Has `step` go wrong.
    pub(crate) fn set_fault(&self, step: usize, fault: Fault) {
        self.state().fault = Some((step, fault));
    }

    /// Nothing goes wrong from now on, and there is room again.
    pub(crate) fn clear_fault(&self) {
        let mut state = self.state();
        (state.fault, state.full) = (None, false);
    }

    /// The disk as it is found after a crash.
    pub(crate) fn after_crash(&self, loss: Loss) -> SimulatedDisk {
        let state = self.state();
        let mut found = State::default();
        let names = if loss == Loss::Nothing { &state.names } else { &state.durable_names };
        for (name, content) in names {
            let content = content.lock().unwrap();
            let bytes = match loss {
                Loss::All => content.durable.clone(),
                Loss::Nothing => content.now.clone(),
                Loss::Torn => torn(&content),
            };
            let content = Arc::new(Mutex::new(Content { now: bytes.clone(), durable: bytes }));
            found.names.insert(name.clone(), content);
        }
        found.durable_names = found.names.clone();
        SimulatedDisk(Arc::new(Mutex::new(found)))
    }

    /// Turns a bit of a file.
    pub(crate) fn flip(&self, name: &str, bit: usize) {
        let content = self.state().names[name].clone();
        let mut content = content.lock().unwrap();
        content.now[bit / 8] ^= 1 << (bit % 8);
        content.durable = content.now.clone();
    }

    pub(crate) fn length(&self, name: &str) -> usize {
        self.state().names[name].lock().unwrap().now.len()
    }
}

/// Half of what was written since is there, and the sector where it ends has rubbish in it.
fn torn(content: &Content) -> Vec<u8> {
    if content.now.len() <= content.durable.len() {
        return content.durable.clone();
    }
    let kept = content.durable.len() + (content.now.len() - content.durable.len()) / 2;
    let mut bytes = content.now[..kept].to_vec();
    let from = (kept / SECTOR * SECTOR).max(content.durable.len());
    bytes[from..].iter_mut().for_each(|byte| *byte ^= 0x5a);
    bytes
}

impl Disk for SimulatedDisk {
    fn create(&self, name: &str) -> io::Result<Box<dyn WriteFile>> {
        let mut state = self.state();
        state.step(true)?;
        let content = Shared::default();
        state.names.insert(name.into(), content.clone());
        Ok(Box::new(Written { disk: self.clone(), content }))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WriteFile>> {
        let mut state = self.state();
        state.step(false)?;
        let content = state.names.get(name).ok_or(io::ErrorKind::NotFound)?.clone();
        content.lock().unwrap().now.truncate(length as usize);
        Ok(Box::new(Written { disk: self.clone(), content }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn ReadFile>> {
        let content = self.state().names.get(name).ok_or(io::ErrorKind::NotFound)?.clone();
        Ok(Arc::new(Reading(content)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step(false)?;
        let content = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.into(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step(false)?;
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step(false)?;
        state.durable_names = state.names.clone();
        Ok(())
    }
}

struct Written {
    disk: SimulatedDisk,
    content: Shared,
}

impl WriteFile for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.disk.state().step(true);
        // A write that fails may have begun.
        let part = if result.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.content.lock().unwrap().now.extend_from_slice(&bytes[..part]);
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.state().step(false)?;
        let mut content = self.content.lock().unwrap();
        content.durable = content.now.clone();
        Ok(())
    }
}

struct Reading(Shared);

impl ReadFile for Reading {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let content = self.0.lock().unwrap();
        let at = at as usize;
        let found = content.now.get(at..at + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(found);
        Ok(())
    }
}
