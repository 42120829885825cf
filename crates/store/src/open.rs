//! What is found when a store is opened, and what is made of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::disk::{Disk, RealDisk, read_all};
use crate::engine::Engine;
use crate::error::{Error, Tried};
use crate::log::{self, Logged};
use crate::manifest::{self, Change, Content, Manifest, named};
use crate::segment::Opened;

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
    /// Whole files that the manifest should know.
    pub(crate) forgotten: BTreeSet<String>,
    /// Whether the manifest is there, and whole but for its end.
    pub(crate) known: bool,
}

/// Whether a name is one that files of a store have.
fn is_ours(name: &str) -> bool {
    name == manifest::NAME || log::number(name).is_some() || named(name).is_some()
}

/// A folder with a store, to look into it.
pub(crate) fn there(folder: &Path) -> Result<RealDisk, Error> {
    let disk = RealDisk::look(folder)?;
    let name = folder.display().to_string();
    match disk.list().tried("listing", &name)?.iter().any(|name| is_ours(name)) {
        true => Ok(disk),
        false => Err(Error::NoStore { folder: name }),
    }
}

/// How often it is looked again, and after what time, where something is missing in a folder that may be in use.
const LOOKS: usize = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks at a folder that somebody may be changing: what is missing may have been removed, or have come, since the names were read.
pub(crate) fn look_in_use(disk: &dyn Disk) -> Result<Found, Error> {
    for _ in 1..LOOKS {
        match look(disk) {
            Ok(found) if found.missing.is_empty() => return Ok(found),
            Err(Error::Io { cause, .. }) if cause.kind() != std::io::ErrorKind::NotFound => break,
            Ok(_) | Err(Error::Io { .. }) => std::thread::sleep(BETWEEN_LOOKS),
            Err(error) => return Err(error),
        }
    }
    look(disk)
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
        forgotten: BTreeSet::new(),
        known: false,
    };
    match manifest {
        Some(manifest) => {
            found.known = manifest.damaged.is_empty();
            found.content = manifest.content;
            // Where more is wrong with it than its end, its end says nothing of a crash.
            found.opening.cut = if found.known { manifest.cut } else { 0 };
            found.missing = manifest.damaged;
        }
        None if names.iter().any(|name| is_ours(name)) => {
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
        match (named(file), log::number(name)) {
            (Some((_, id)), _) => found.content.files.get(&id).is_some_and(|meta| meta.name() == file),
            (_, Some(number)) => number >= found.content.log_from,
            _ => name != "manifest.next",
        }
    };
    found.opening.orphans = names.iter().filter(|name| !needed(name)).cloned().collect();
    if found.known {
        let orphans = found.opening.orphans.iter();
        found.forgotten = orphans.filter(|name| is_forgotten(disk, name, &found, &names)).cloned().collect();
        let told = found.forgotten.iter().map(|name| format!("{name} is not in the manifest, but should be"));
        found.missing.extend(told);
        let file = |name: &str| name.strip_suffix(".crc32c").unwrap_or(name).to_owned();
        found.opening.orphans.retain(|name| !found.forgotten.contains(&file(name)));
    } else {
        // Nobody knows what belongs to nothing.
        found.opening.orphans.clear();
    }
    Ok(found)
}

/// Whether the manifest has lost its last words, and this file with them. A crash leaves files that are not in the manifest yet, but
/// then there is still what they were made of: the logs, or the files that they replace. Without that, such a file is all there is.
fn is_forgotten(disk: &dyn Disk, name: &str, found: &Found, names: &BTreeSet<String>) -> bool {
    // Files of lower numbers were in the manifest and are given up, or came to nothing.
    if named(name).is_none_or(|(_, id)| id < found.content.next_id) {
        return false;
    }
    let Some((_, described)) = Opened::open(disk, name).ok().and_then(|opened| opened.says()) else {
        return false;
    };
    let logs = (found.content.log_from..described.log_from).all(|number| names.contains(&log::name(number)));
    let is_there = |id: &u64| found.content.files.get(id).is_some_and(|meta| names.contains(&meta.name()));
    !logs || !described.replaces.iter().all(is_there)
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
