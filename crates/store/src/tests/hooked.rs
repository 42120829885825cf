//! A simulated disk in whose way a test may stand.

use std::io;
use std::sync::Arc;

use crate::disk::simulated::SimulatedDisk;
use crate::disk::{Disk, ReadFile, WriteFile};

type Opened = Arc<dyn ReadFile>;

pub(super) struct Hooked {
    pub(super) disk: SimulatedDisk,
    /// Called with a file's name before it is made.
    pub(super) before_create: Box<dyn Fn(&str) + Send + Sync>,
    /// What is read in place of a file.
    pub(super) instead: Box<dyn Fn(Opened) -> Opened + Send + Sync>,
}

impl Default for Hooked {
    fn default() -> Self {
        let (before_create, instead) = (Box::new(|_: &str| {}), Box::new(|file: Opened| file));
        Hooked { disk: SimulatedDisk::default(), before_create, instead }
    }
}

impl Disk for Hooked {
    fn create(&self, name: &str) -> io::Result<Box<dyn WriteFile>> {
        (self.before_create)(name);
        self.disk.create(name)
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WriteFile>> {
        self.disk.append(name, length)
    }

    fn open(&self, name: &str) -> io::Result<Opened> {
        self.disk.open(name).map(&self.instead)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_names()
    }
}
