//! What is found when a store is opened, and what is made of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Config;
use crate::disk::{Disk, read_all};
use crate::engine::Engine;
use crate::error::{Error, Tried};
use crate::log::{self, Logged};
use crate::manifest::{self, Change, Content, Manifest, id_of};

/// What was found.
#[derive(Debug, Default)]
pub struct Opening {
    /// Batches that were in the log.
    pub batches: usize,
    /// Bytes at the ends of the log and the manifest that were no whole records: usual after a crash.
    pub cut: usize,
    /// What is damaged, and left out.
    pub damaged: Vec<String>,
    /// Files that belong to nothing: usual after a crash.
    pub orphans: Vec<String>,
}

/// What is in a folder, before anything is changed in it.
pub(crate) struct Found {
    pub(crate) content: Content,
    pub(crate) logged: Vec<Logged>,
    /// The number of the next log file.
    pub(crate) next_log: u64,
    pub(crate) opening: Opening,
    /// What keeps the store from being written to: what is needed is not there.
    pub(crate) missing: Vec<String>,
}

/// Looks at a folder.
pub(crate) fn look(disk: &dyn Disk) -> Result<Found, Error> {
    let names: BTreeSet<String> = disk.list().tried("listing", "the folder")?.into_iter().collect();
    let manifest = manifest::load(disk)?;
    let logs: Vec<u64> = names.iter().filter_map(|name| log::number(name)).collect();
    let mut found = Found {
        content: Content::default(),
        logged: Vec::new(),
        next_log: 0,
        opening: Opening::default(),
        missing: Vec::new(),
    };
    match manifest {
        Some(manifest) => {
            found.content = manifest.content;
            found.opening.cut = manifest.cut;
            found.missing = manifest.damaged;
        }
        None if !logs.is_empty() || names.iter().any(|name| id_of(name).is_some()) => {
            found.missing.push("the manifest is missing".into());
        }
        None => {}
    }
    for meta in found.content.files.values() {
        for name in [meta.name(), meta.sums_name()] {
            if !names.contains(&name) {
                found.missing.push(format!("{name} is missing"));
            }
        }
    }
    read_logs(disk, &logs, &mut found)?;
    let needed = |name: &str| {
        let file = name.strip_suffix(".crc32c").unwrap_or(name);
        match (id_of(file), log::number(name)) {
            (Some(id), _) => found.content.files.get(&id).is_some_and(|meta| meta.name() == file),
            (_, Some(number)) => number >= found.content.log_from,
            _ => name != "manifest.next",
        }
    };
    found.opening.orphans = names.iter().filter(|name| !needed(name)).cloned().collect();
    Ok(found)
}

fn read_logs(disk: &dyn Disk, logs: &[u64], found: &mut Found) -> Result<(), Error> {
    found.next_log = found.content.log_from;
    for number in logs.iter().copied().filter(|number| *number >= found.content.log_from) {
        if number != found.next_log {
            found.missing.push(format!("{} is missing", log::name(found.next_log)));
        }
        found.next_log = number + 1;
        let name = log::name(number);
        let file = disk.open(&name).tried("opening", &name)?;
        let read = log::read(&name, &read_all(&*file).tried("reading", &name)?)?;
        found.opening.batches += read.batches.len();
        found.opening.cut += read.cut;
        found.opening.damaged.extend(read.damaged);
        found.logged.extend(read.batches);
    }
    Ok(())
}

/// Opens a store, or begins one.
pub(crate) fn open(disk: Arc<dyn Disk>, config: Config) -> Result<(Engine, Opening), Error> {
    let found = look(&*disk)?;
    if !found.missing.is_empty() {
        let why = found.missing.join("; ");
        return Err(Error::Damaged(format!("{why} (`weir store repair` makes the best of what is there)")));
    }
    let mut manifest = Manifest::new(found.content);
    // It is written anew, so that what a crash left at its end is gone, and there is one before there is a log.
    manifest.change(&*disk, &Change::default())?;
    for name in &found.opening.orphans {
        match disk.remove(name) {
            // The manifest's half-written successor has been written over.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            result => result.tried("removing", name)?,
        }
    }
    let engine = Engine::new(disk, config, (manifest, found.next_log), found.logged);
    Ok((engine, found.opening))
}
