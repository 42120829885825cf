//! Looking for damage, and making the best of what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use schema::Table;

use crate::config::Config;
use crate::disk::{Disk, RealDisk, read_all};
use crate::error::{Error, Tried};
use crate::log;
use crate::maintain::rollup;
use crate::manifest::{Change, Content, Dropped, Manifest, Meta, named, sums_name};
use crate::open;
use crate::segment::{self, Described, Opened, Sorted, times};

/// How far something has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Files that were read.
    pub files: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// Rows in files and in the log.
    pub rows: u64,
    /// What is damaged.
    pub damaged: Vec<String>,
    /// What a crash left, and the next start takes care of.
    pub leftovers: Vec<String>,
}

/// What was done about damage.
#[derive(Debug, Default)]
pub struct Repaired {
    /// What was done, in words.
    pub done: Vec<String>,
    /// Rows that could not be saved, as far as it is known how many there were.
    pub lost_rows: u64,
}

/// Reads every byte of the store in a folder.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn check(folder: &Path, progress: impl FnMut(Progress)) -> Result<Checked, Error> {
    check_on(&open::there(folder)?, progress)
}

pub(crate) fn check_on(disk: &dyn Disk, mut progress: impl FnMut(Progress)) -> Result<Checked, Error> {
    let found = open::look_in_use(disk)?;
    let mut checked = Checked { leftovers: found.opening.orphans, ..Checked::default() };
    if found.opening.cut > 0 {
        let bytes = found.opening.cut;
        checked
            .leftovers
            .push(format!("{bytes} bytes at the end of the log or the manifest are no whole records"));
    }
    checked.damaged = found.missing;
    checked.damaged.extend(found.opening.damaged);
    checked.rows = found.logged.iter().map(|logged| logged.batch.num_rows() as u64).sum();
    let of = found.content.files.values().map(|meta| meta.bytes).sum();
    let mut done = 0;
    for meta in found.content.files.values() {
        checked.files += 1;
        let damaged = check_file(disk, meta, |bytes| {
            done += bytes;
            progress(Progress { done, of });
        });
        checked.damaged.extend(damaged);
        checked.rows += meta.rows;
    }
    checked.bytes = done;
    Ok(checked)
}

/// What is damaged in a file of rows.
fn check_file(disk: &dyn Disk, meta: &Meta, progress: impl FnMut(u64)) -> Vec<String> {
    let opened = match Opened::open(disk, &meta.name()) {
        Ok(opened) => opened,
        Err(error) => return vec![error.to_string()],
    };
    let mut damaged = opened.file.check(progress);
    damaged.extend(opened.differs(meta));
    damaged
}

/// Saves what can be read: the manifest is made anew from files, files with damaged parts are written anew without them. Damaged
/// files are kept under names that begin with `damaged-`.
///
/// # Errors
///
/// When the store is in use, or the disk does not play along.
pub fn repair(folder: &Path, progress: impl FnMut(Progress)) -> Result<Repaired, Error> {
    // To lock it would make a folder of a mistyped name.
    open::there(folder)?;
    repair_on(Arc::new(RealDisk::lock(folder)?), &Config::default(), progress)
}

pub(crate) fn repair_on(
    shared: Arc<dyn Disk>,
    config: &Config,
    mut progress: impl FnMut(Progress),
) -> Result<Repaired, Error> {
    let disk = &*shared;
    let found = open::look(disk)?;
    let log_is_damaged = !found.opening.damaged.is_empty();
    let mut repaired = Repaired::default();
    let mut content = found.content;
    if !found.missing.is_empty() {
        repaired.done.extend(found.missing);
        let forgotten = found.known.then_some(&found.forgotten);
        adopt(disk, &mut content, forgotten, &mut repaired)?;
    }
    let of = content.files.values().map(|meta| meta.bytes).sum();
    let mut done = 0;
    let mut manifest = Manifest::new(content);
    manifest.change(disk, &Change::default())?;
    for meta in manifest.content.files.clone().into_values() {
        let damaged = check_file(disk, &meta, |_| {});
        done += meta.bytes;
        progress(Progress { done, of });
        if damaged.is_empty() {
            continue;
        }
        repaired.done.extend(damaged);
        let change = save(disk, config, &meta, manifest.content.next_id, &mut repaired.done)?;
        let kept: u64 = change.add.iter().map(|meta| meta.rows).sum();
        repaired.lost_rows += meta.rows.saturating_sub(kept);
        repaired.done.push(format!("{}: {kept} of {} rows saved", meta.name(), meta.rows));
        disk.sync_names().tried("making durable", "the folder")?;
        manifest.change(disk, &change)?;
        set_aside(disk, &meta.name())?;
    }
    if log_is_damaged {
        repaired.done.extend(found.opening.damaged);
        drop(manifest);
        // What the log still has goes into files, and then the log is not needed any more.
        let (engine, opening) = open::open(Arc::clone(&shared), config.clone())?;
        engine.flush()?;
        repaired.done.push(format!("{} batches of the log saved", opening.batches));
    }
    Ok(repaired)
}

/// Keeps a damaged file for whoever wants to look at it.
fn set_aside(disk: &dyn Disk, name: &str) -> Result<(), Error> {
    let names: BTreeSet<String> = disk.list().tried("listing", "the folder")?.into_iter().collect();
    for name in [name.to_owned(), sums_name(name)] {
        if names.contains(&name) {
            disk.rename(&name, &format!("damaged-{name}")).tried("renaming", &name)?;
        }
    }
    disk.sync_names().tried("making durable", "the folder")
}

/// What can be read of a damaged file, as a file of its own; `done` gets what was done for that.
fn save(
    disk: &dyn Disk,
    config: &Config,
    meta: &Meta,
    id: u64,
    done: &mut Vec<String>,
) -> Result<Change, Error> {
    let mut rows = Vec::new();
    if let Ok((opened, restored)) = segment::restored(disk, meta) {
        done.extend(restored);
        for group in 0..opened.metadata.metadata().num_row_groups() {
            rows.extend(opened.rows(meta.table, group).unwrap_or_default());
        }
    }
    let mut change = Change { remove: vec![meta.id], ..Change::default() };
    let kept: usize = rows.iter().map(|batch| batch.num_rows()).sum();
    if kept > 0 {
        let described = Described { level: meta.level, replaces: vec![meta.id], log_from: 0 };
        let sorted = Sorted::new(meta.table, &rows);
        let parts = sorted.parts(config.row_group);
        let saved = segment::write(disk, (meta.table, id), parts, &described, config.row_group)?;
        change.add.push(Meta { resolution: meta.resolution, ..saved });
    }
    let damaged = meta.rows.saturating_sub(kept as u64);
    change.dropped = BTreeMap::from([(meta.table, Dropped { damaged, ..Dropped::default() })]);
    Ok(change)
}

/// Takes in files that the manifest does not know, and gives up those that are not there. Each file says what it replaces, so nothing
/// is counted twice. Where the manifest is whole it is known which files it forgot; the others are what a crash left, and their rows
/// are somewhere else.
fn adopt(
    disk: &dyn Disk,
    content: &mut Content,
    forgotten: Option<&BTreeSet<String>>,
    repaired: &mut Repaired,
) -> Result<(), Error> {
    let names: BTreeSet<String> = disk.list().tried("listing", "the folder")?.into_iter().collect();
    let gone: Vec<Meta> =
        content.files.values().filter(|meta| !names.contains(&meta.name())).cloned().collect();
    let mut unknown: Vec<(Meta, Described)> = Vec::new();
    for name in &names {
        let Some((table, id)) = named(name) else { continue };
        content.next_id = content.next_id.max(id + 1);
        let left_over = forgotten.is_some_and(|forgotten| !forgotten.contains(name));
        if left_over || content.files.contains_key(&id) {
            continue;
        }
        match describe(disk, name, table, id) {
            Some(found) => unknown.push(found),
            None => {
                repaired.done.push(format!("{name}: cannot be read, set aside"));
                set_aside(disk, name)?;
            }
        }
    }
    if forgotten.is_none() {
        let told =
            "what senders sent already is not known any more: what they send again now is stored again";
        repaired.done.push(told.into());
    }
    let mut replaced = BTreeSet::new();
    for name in content.files.values().map(Meta::name) {
        let opened = Opened::open(disk, &name).ok();
        replaced.extend(opened.and_then(|opened| opened.says()).map_or(Vec::new(), |(_, of)| of.replaces));
    }
    unknown.retain(|(meta, _)| {
        let kept = !replaced.contains(&meta.id);
        if !kept {
            repaired.done.push(format!("{}: was replaced by another file", meta.name()));
        }
        kept
    });
    for (meta, _) in &unknown {
        // Of a merge whose files are all there still, the manifest's last word is not known; the files are enough.
        repaired.done.push(format!("{}: taken in, {} rows", meta.name(), meta.rows));
        content.files.insert(meta.id, meta.clone());
    }
    for (meta, described) in &unknown {
        content.log_from = content.log_from.max(described.log_from);
        for id in &described.replaces {
            if content.files.remove(id).is_some() {
                repaired.done.push(format!("{}: replaces the file of number {id}", meta.name()));
            }
        }
    }
    for meta in gone {
        if content.files.remove(&meta.id).is_some() {
            repaired.lost_rows += meta.rows;
            repaired.done.push(format!("{}: is missing, {} rows lost", meta.name(), meta.rows));
        }
    }
    close_gaps(disk, content, repaired)
}

/// Where log files are missing, the later ones move up, so that what they have counts.
fn close_gaps(disk: &dyn Disk, content: &mut Content, repaired: &mut Repaired) -> Result<(), Error> {
    let names = disk.list().tried("listing", "the folder")?;
    let logs: Vec<u64> = names.iter().filter_map(|name| log::number(name)).collect();
    let needed: Vec<u64> = logs.into_iter().filter(|number| *number >= content.log_from).collect();
    content.log_from = needed.first().copied().unwrap_or(content.log_from);
    for (place, number) in (content.log_from..).zip(needed) {
        if place != number {
            let (from, to) = (log::name(number), log::name(place));
            disk.rename(&from, &to).tried("renaming", &from)?;
            repaired.done.push(format!("{from}: is {to} now, since there was none"));
        }
    }
    disk.sync_names().tried("making durable", "the folder")?;
    Ok(())
}

/// What a file says of itself.
fn describe(disk: &dyn Disk, name: &str, table: Table, id: u64) -> Option<(Meta, Described)> {
    let opened = Opened::open(disk, name).ok()?;
    let (version, described) = opened.says()?;
    let metadata = opened.metadata.metadata();
    let (mut from, mut to) = (i64::MAX, i64::MIN);
    let mut resolutions = BTreeSet::new();
    for group in 0..metadata.num_row_groups() {
        for batch in opened.rows(table, group).ok()? {
            from = times(&batch).iter().copied().fold(from, i64::min);
            to = times(&batch).iter().copied().fold(to, i64::max);
            resolutions.extend(rollup::resolutions(&batch));
        }
    }
    let resolution = if resolutions.len() == 1 { resolutions.pop_first() } else { None };
    let rows = u64::try_from(metadata.file_metadata().num_rows()).ok()?;
    let bytes = read_all(&*disk.open(name).ok()?).ok()?.len() as u64;
    Some((Meta { id, table, from, to, rows, bytes, level: described.level, version, resolution }, described))
}
