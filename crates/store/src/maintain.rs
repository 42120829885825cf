//! What a store does of its own accord: rows go from memory into files, small files become large ones, old ones go.

mod compact;
mod flush;
mod retain;
pub(crate) mod rollup;

pub(crate) use compact::Wish;

use std::sync::Arc;

use schema::Table;

use crate::engine::{Engine, Upkeep};
use crate::error::{Error, Tried};
use crate::manifest::{Change, Meta};
use crate::segment::{self, Described, Segment};

const HOUR: i64 = 3_600_000_000_000;
/// Rows that are put into order and written at a time, and the memory that they may take about.
const PART: usize = 65_536;
const PART_BYTES: usize = 16 << 20;

impl Engine {
    /// Writes a file.
    fn write_file(
        &self,
        upkeep: &mut Upkeep,
        table: Table,
        rows: &[Arc<arrow_array::RecordBatch>],
        described: &Described,
    ) -> Result<Meta, Error> {
        self.write_file_and(upkeep, table, rows, described, |_| Ok(()))
    }

    /// The same; `see` gets each part of it.
    fn write_file_and(
        &self,
        upkeep: &mut Upkeep,
        table: Table,
        rows: &[Arc<arrow_array::RecordBatch>],
        described: &Described,
        mut see: impl FnMut(&arrow_array::RecordBatch) -> Result<(), Error>,
    ) -> Result<Meta, Error> {
        let sorted = segment::Sorted::new(table, rows);
        let parts = sorted.parts(part(rows)).map(|part| part.and_then(|part| see(&part).map(|()| part)));
        self.write_parts(upkeep, table, parts, described)
    }

    /// The same of rows that come sorted and part by part.
    fn write_parts(
        &self,
        upkeep: &mut Upkeep,
        table: Table,
        parts: impl Iterator<Item = Result<arrow_array::RecordBatch, Error>>,
        described: &Described,
    ) -> Result<Meta, Error> {
        let id = upkeep.next_id;
        // A number is never used twice, also where its file came to nothing.
        upkeep.next_id += 1;
        segment::write(&*self.disk, (table, id), parts, described, self.config.row_group)
    }

    /// Has new files count in place of old ones.
    fn note(&self, upkeep: &mut Upkeep, change: &Change) -> Result<Vec<Arc<Segment>>, Error> {
        self.disk.sync_names().tried("making durable", "the folder")?;
        // With the numbers that were given away: a file of a lower one that is not in the manifest came to nothing, and is not forgotten.
        let numbered = Change { next_id: Some(upkeep.next_id), ..change.clone() };
        upkeep.manifest.change(&*self.disk, &numbered)?;
        let content = Arc::new(upkeep.manifest.content.clone());
        self.state().content = content;
        Ok(change.add.iter().map(|meta| Segment::new(meta.clone(), Arc::clone(&self.disk))).collect())
    }
}

/// So many of these rows are a part.
fn part(batches: &[Arc<arrow_array::RecordBatch>]) -> usize {
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    let bytes: usize = batches.iter().map(|batch| batch.get_array_memory_size()).sum();
    let fit = PART_BYTES.saturating_mul(rows) / bytes.max(1);
    // Whole pages.
    (fit / segment::PAGE_ROWS * segment::PAGE_ROWS).clamp(segment::PAGE_ROWS, PART)
}
