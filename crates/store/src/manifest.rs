//! The manifest: which files there are and what was taken into them. A text file that only grows: a line for each change, with its
//! CRC32C before it, so that a change is there as a whole or not at all. When it has grown long it is written anew.

use std::collections::BTreeMap;

use schema::Table;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, WriteFile, read_all};
use crate::error::{Error, Tried};
use crate::sources::Seen;

pub(crate) const NAME: &str = "manifest";
const NEXT: &str = "manifest.next";
/// The version of the form of the file.
pub(crate) const VERSION: u32 = 1;
/// Grown by so many bytes since it was written anew, it is written anew.
const REWRITE_AT: usize = 1 << 20;

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Its number, which no other has.
    pub id: u64,
    /// The table.
    pub table: Table,
    /// The least time of its rows.
    pub from: i64,
    /// The greatest.
    pub to: i64,
    /// How many rows it has.
    pub rows: u64,
    /// How long it is.
    pub bytes: u64,
    /// How often its rows were written before.
    pub level: u8,
    /// The version of the schema.
    pub version: u32,
    /// Of edges: how long the spans of all its rows are, in seconds; none where they differ, as in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<i64>,
}

impl Meta {
    /// The file's name: `requests-00000007.parquet`.
    pub fn name(&self) -> String {
        format!("{}-{:08}.parquet", self.table, self.id)
    }

    /// The name of the file with its checksums.
    pub fn sums_name(&self) -> String {
        sums_name(&self.name())
    }
}

/// The name of the file with the checksums of a file.
pub(crate) fn sums_name(name: &str) -> String {
    format!("{name}.crc32c")
}

/// The table and the number in the name of a file of rows. Other names, `sales-2024.parquet` or `damaged-logs-00000001.parquet`, are not
/// of the store: what has them is left alone.
pub(crate) fn named(name: &str) -> Option<(Table, u64)> {
    let (table, number) = name.strip_suffix(".parquet")?.split_once('-')?;
    Some((Table::named(table)?, plain_number(number)?))
}

/// A number as it stands in the names of files: of eight digits or more.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    (text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Rows that are not kept any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// How many for their age.
    pub age: u64,
    /// How many because the table took too much room.
    pub size: u64,
    /// How many could not be read any more when the store was repaired.
    pub damaged: u64,
}

impl Dropped {
    pub(crate) fn add(&mut self, other: &Dropped) {
        self.age += other.age;
        self.size += other.size;
        self.damaged += other.damaged;
    }
}

/// What a change adds and takes away.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) add: Vec<Meta>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<u64>,
    /// Earlier log files are not needed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_from: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) sources: BTreeMap<u64, Seen>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) dropped: BTreeMap<Table, Dropped>,
    /// Numbers below this were given away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_id: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    weir: String,
    version: u32,
}

/// What all changes together come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// The files, by their numbers.
    pub files: BTreeMap<u64, Meta>,
    /// The first log file that is needed.
    pub log_from: u64,
    /// The next file's number.
    pub next_id: u64,
    pub(crate) sources: BTreeMap<u64, Seen>,
    /// Rows that were dropped, by table.
    pub dropped: BTreeMap<Table, Dropped>,
}

impl Content {
    pub(crate) fn apply(&mut self, change: &Change) {
        for id in &change.remove {
            self.files.remove(id);
        }
        for meta in &change.add {
            self.next_id = self.next_id.max(meta.id + 1);
            self.files.insert(meta.id, meta.clone());
        }
        self.next_id = self.next_id.max(change.next_id.unwrap_or(0));
        self.log_from = self.log_from.max(change.log_from.unwrap_or(0));
        self.sources.extend(change.sources.iter().map(|(source, seen)| (*source, *seen)));
        for (table, dropped) in &change.dropped {
            self.dropped.entry(*table).or_default().add(dropped);
        }
    }

    /// All of it as one change.
    fn whole(&self) -> Change {
        Change {
            add: self.files.values().cloned().collect(),
            remove: Vec::new(),
            log_from: Some(self.log_from),
            sources: self.sources.clone(),
            dropped: self.dropped.clone(),
            next_id: Some(self.next_id),
        }
    }
}

/// What was found in a manifest.
#[derive(Debug, Default)]
pub struct Found {
    /// What its changes come to.
    pub content: Content,
    /// How long the part is that could be read from the beginning on.
    pub whole: usize,
    /// Bytes at the end that are no whole line.
    pub cut: usize,
    /// What else is wrong with it.
    pub damaged: Vec<String>,
}

/// Reads a manifest's bytes.
///
/// # Errors
///
/// When it is of a later version.
pub fn read(bytes: &[u8]) -> Result<Found, Error> {
    let mut found = Found::default();
    let (mut at, mut changes) = (0, 0);
    let (mut first, mut bad) = (true, None);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let from = at;
        at += line.len();
        let Some(text) = checked(line) else {
            bad.get_or_insert(from);
            continue;
        };
        if std::mem::take(&mut first)
            && let Ok(head) = serde_json::from_str::<Head>(text)
        {
            if head.version > VERSION {
                return Err(Error::TooNew { name: NAME.into(), found: head.version, known: VERSION });
            }
        } else if let Ok(change) = serde_json::from_str::<Change>(text) {
            found.content.apply(&change);
            changes += 1;
        } else {
            found.damaged.push(format!("{NAME}: the line at byte {from} says nothing that is known"));
        }
        if let Some(from) = bad.take() {
            found.damaged.push(format!("{NAME}: the lines from byte {from} on are not as they were written"));
        }
        found.whole = at;
    }
    found.cut = bytes.len() - found.whole;
    if changes == 0 {
        // Its first two lines are durable before it has its name, so no crash leaves it like this.
        found.damaged.push(format!("{NAME}: it does not say which files there are"));
    }
    Ok(found)
}

/// The text of a line whose checksum holds.
fn checked(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, text) = line.split_once(' ')?;
    let plain = sum.len() == 8 && sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (plain && u32::from_str_radix(sum, 16).ok()? == crc32c::crc32c(text.as_bytes())).then_some(text)
}

fn line(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|error| Error::Damaged(error.to_string()))?;
    Ok(format!("{:08x} {text}\n", crc32c::crc32c(text.as_bytes())))
}

/// The manifest of an open store.
pub(crate) struct Manifest {
    pub(crate) content: Content,
    /// None after a write that failed: nobody knows what is in the file, so it is written anew.
    file: Option<Box<dyn WriteFile>>,
    grown: usize,
}

impl Manifest {
    /// Goes on with what was found, or begins.
    pub(crate) fn new(content: Content) -> Self {
        Manifest { content, file: None, grown: 0 }
    }

    /// Notes a change, durably.
    pub(crate) fn change(&mut self, disk: &dyn Disk, change: &Change) -> Result<(), Error> {
        match self.file.take() {
            Some(mut file) if self.grown < REWRITE_AT => {
                let line = line(change)?;
                file.write(line.as_bytes()).tried("writing", NAME)?;
                file.sync().tried("making durable", NAME)?;
                self.grown += line.len();
                self.file = Some(file);
                self.content.apply(change);
            }
            _ => {
                let mut content = self.content.clone();
                content.apply(change);
                self.file = Some(rewrite(disk, &content)?);
                self.grown = 0;
                self.content = content;
            }
        }
        Ok(())
    }
}

/// Writes the manifest anew; the file that has its name is a whole one at any time.
fn rewrite(disk: &dyn Disk, content: &Content) -> Result<Box<dyn WriteFile>, Error> {
    let head = line(&Head { weir: NAME.into(), version: VERSION })?;
    let text = head + &line(&content.whole())?;
    let mut file = disk.create(NEXT).tried("making", NEXT)?;
    file.write(text.as_bytes()).tried("writing", NEXT)?;
    file.sync().tried("making durable", NEXT)?;
    disk.rename(NEXT, NAME).tried("renaming", NEXT)?;
    disk.sync_names().tried("making durable", NAME)?;
    Ok(file)
}

/// Reads the manifest of a folder; none where there is none.
pub(crate) fn load(disk: &dyn Disk) -> Result<Option<Found>, Error> {
    match disk.open(NAME) {
        Ok(file) => read(&read_all(&*file).tried("reading", NAME)?).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).tried("opening", NAME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(id: u64) -> Meta {
        Meta {
            id,
            table: Table::Logs,
            from: 1,
            to: 2,
            rows: 3,
            bytes: 4,
            level: 0,
            version: 1,
            resolution: None,
        }
    }

    fn text(changes: &[Change]) -> String {
        let head = line(&Head { weir: NAME.into(), version: VERSION }).unwrap();
        head + &changes.iter().map(|change| line(change).unwrap()).collect::<String>()
    }

    fn changes() -> Vec<Change> {
        let dropped = BTreeMap::from([(Table::Logs, Dropped { age: 5, ..Dropped::default() })]);
        vec![
            Change { add: vec![meta(0), meta(1)], log_from: Some(2), ..Change::default() },
            Change { sources: BTreeMap::from([(7, Seen::first(9))]), ..Change::default() },
            Change { add: vec![meta(5)], remove: vec![0], dropped, ..Change::default() },
        ]
    }

    #[test]
    fn changes_come_to_what_is_there() {
        let found = read(text(&changes()).as_bytes()).unwrap();
        assert_eq!((found.cut, found.damaged.len()), (0, 0));
        let content = found.content;
        assert_eq!(content.files.keys().collect::<Vec<_>>(), [&1, &5]);
        assert_eq!((content.log_from, content.next_id, content.sources[&7].last), (2, 6, 9));
        assert_eq!(content.dropped[&Table::Logs].age, 5);
        assert_eq!(read(text(&[content.whole()]).as_bytes()).unwrap().content, content);
    }

    #[test]
    fn a_change_is_there_as_a_whole_or_not_at_all() {
        let whole = text(&changes());
        let last = text(&changes()[..2]).len();
        for length in last..whole.len() {
            let found = read(&whole.as_bytes()[..length]).unwrap();
            assert_eq!((found.whole, found.cut, found.damaged.len()), (last, length - last, 0));
            assert_eq!(found.content.files.keys().collect::<Vec<_>>(), [&0, &1]);
        }
    }

    #[test]
    fn damage_between_lines_is_told() {
        let mut bytes = text(&changes()).into_bytes();
        let place = text(&changes()[..1]).len() + 12;
        bytes[place] ^= 1;
        let found = read(&bytes).unwrap();
        assert_eq!((found.damaged.len(), found.cut), (1, 0));
        assert_eq!(found.content.files.keys().collect::<Vec<_>>(), [&1, &5], "the rest counts");
    }

    #[test]
    fn a_manifest_that_says_nothing_is_damaged() {
        let whole = text(&changes()[..1]);
        let head = text(&[]).len();
        for length in [0, 1, head, head + 1, whole.len() - 1] {
            let found = read(&whole.as_bytes()[..length]).unwrap();
            assert_eq!(found.damaged.len(), 1, "{length}: {:?}", found.damaged);
        }
        let mut bytes = whole.into_bytes();
        bytes[head + 30] ^= 1;
        assert_eq!(read(&bytes).unwrap().damaged.len(), 1, "the line that says what there is");
    }

    #[test]
    fn only_names_of_the_store_are_its_files() {
        assert_eq!(named("logs-00000012.parquet"), Some((Table::Logs, 12)));
        assert_eq!(named("logs-123456789.parquet"), Some((Table::Logs, 123_456_789)));
        let others = [
            "sales-2024.parquet",
            "damaged-logs-00000001.parquet",
            "logs-1.parquet",
            "logs-+0000001.parquet",
        ];
        for other in
            others.iter().chain(&["logs-00000001.csv", "sales-00000001.parquet", "logs-0000000x.parquet"])
        {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn a_later_version_is_not_guessed_at() {
        let head = line(&Head { weir: NAME.into(), version: VERSION + 1 }).unwrap();
        assert!(matches!(read(head.as_bytes()), Err(Error::TooNew { found: 2, .. })));
    }
}
