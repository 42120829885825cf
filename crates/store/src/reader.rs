//! A store that somebody looks into.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use schema::Table;
use schema::query::{Answer, Query};

use crate::config::Config;
use crate::disk::Disk;
use crate::engine::Engine;
use crate::error::Error;
use crate::manifest::Content;
use crate::open::{self, Opening};
use crate::query::{self, Cancel, Snapshot};
use crate::segment::{Cache, Segment};
use crate::store::limits;

/// What a column takes in a table's files: bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ColumnSize {
    /// Its values.
    pub values: u64,
    /// The filters by which a value's absence is known.
    pub filters: u64,
}

/// A store that is looked into and not changed. Nothing keeps another process from changing it meanwhile.
pub struct Reader {
    snapshot: Snapshot,
    cache: Cache,
    config: Config,
    content: Content,
    /// What was found.
    pub opening: Opening,
}

impl Reader {
    /// Looks into the store in a folder, also where it is damaged.
    ///
    /// # Errors
    ///
    /// When it cannot be read at all.
    pub fn open(folder: &Path, config: Config) -> Result<Self, Error> {
        Self::on(Arc::new(open::there(folder)?), config)
    }

    pub(crate) fn on(disk: Arc<dyn Disk>, config: Config) -> Result<Self, Error> {
        let mut found = open::look_in_use(&*disk)?;
        found.opening.damaged.append(&mut found.missing);
        let files = found.content.files.values();
        let segments = files.map(|meta| Segment::new(meta.clone(), Arc::clone(&disk))).collect();
        let engine = Engine::new(
            disk,
            config.clone(),
            (crate::manifest::Manifest::new(found.content), 0),
            found.logged,
        );
        let recent = engine.state().recent.clone();
        let content = engine.upkeep().manifest.content.clone();
        let cache = Cache::new(config.open_files);
        Ok(Reader { snapshot: Snapshot { segments, recent }, cache, config, content, opening: found.opening })
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// As for [`Store::query`].
    pub fn query(&self, query: &Query, cancel: &Cancel) -> Result<Answer, Error> {
        query::run(&self.snapshot, query, &self.cache, limits(&self.config), cancel)
    }

    /// Which files there are.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Rows of a table in the log only.
    pub fn logged_rows(&self, table: Table) -> usize {
        let of_table = self.snapshot.recent.iter().filter(|recent| recent.table == table);
        of_table.map(|recent| recent.rows.num_rows()).sum()
    }

    /// What each column of a table takes in its files; damaged files are left out and told.
    pub fn columns(&self, table: Table) -> (BTreeMap<String, ColumnSize>, Vec<String>) {
        let (mut sizes, mut damaged) = (BTreeMap::<String, ColumnSize>::new(), Vec::new());
        for segment in self.snapshot.segments.iter().filter(|segment| segment.meta.table == table) {
            let opened = match segment.open(&self.cache) {
                Ok(opened) => opened,
                Err(error) => {
                    damaged.push(error.to_string());
                    continue;
                }
            };
            let groups = opened.metadata.metadata().row_groups().iter();
            for column in groups.flat_map(|group| group.columns()) {
                // Columns of names and texts have several parts.
                let name = column.column_path().parts().first().cloned().unwrap_or_default();
                let size = sizes.entry(name).or_default();
                size.values += u64::try_from(column.compressed_size()).unwrap_or(0);
                size.filters +=
                    column.bloom_filter_length().and_then(|bytes| bytes.try_into().ok()).unwrap_or(0);
            }
        }
        (sizes, damaged)
    }

    /// All rows of a table, file by file, then those of the log; damaged files are left out and told.
    ///
    /// # Errors
    ///
    /// When `take` fails.
    pub fn rows<E: From<Error>>(
        &self,
        table: Table,
        mut take: impl FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let mut damaged = Vec::new();
        let of_table = || self.snapshot.segments.iter().filter(|segment| segment.meta.table == table);
        // Who has the store may merge files meanwhile and remove them: what is open stays readable. Errors are told below.
        of_table().take(self.config.open_files).for_each(|segment| drop(segment.open(&self.cache)));
        for segment in of_table() {
            let groups = match segment.open(&self.cache) {
                Ok(opened) => opened.metadata.metadata().num_row_groups(),
                Err(error) => {
                    damaged.push(error.to_string());
                    continue;
                }
            };
            for group in 0..groups {
                match segment.open(&self.cache).and_then(|opened| opened.rows(table, group)) {
                    Ok(batches) => batches.iter().try_for_each(|batch| take(batch))?,
                    Err(error) => damaged.push(error.to_string()),
                }
            }
        }
        for recent in self.snapshot.recent.iter().filter(|recent| recent.table == table) {
            take(&recent.rows)?;
        }
        Ok(damaged)
    }
}
