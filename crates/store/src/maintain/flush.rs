//! Rows from memory into files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use schema::Table;

use super::{HOUR, rollup};
use crate::engine::{Engine, Recent, Upkeep};
use crate::error::Error;
use crate::log;
use crate::manifest::{Change, Meta};
use crate::segment::{self, Described};

/// Most hours that rows of one flush go to files of; the rest goes to one more. Clocks may say anything.
const MOST_HOURS: usize = 24;

impl Engine {
    /// Writes all that is in memory into files. Where it fails everything stays as it was.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        let mut upkeep = self.upkeep();
        let frozen = self.freeze();
        if frozen.recent.is_empty() {
            return Ok(());
        }
        let described = Described { level: 0, replaces: Vec::new(), log_from: frozen.log_from };
        let mut change =
            Change { log_from: Some(frozen.log_from), sources: frozen.sources, ..Change::default() };
        if let Err(error) = self.write_recent(&mut upkeep, &frozen.recent, &described, &mut change) {
            // They would take room until the next start, which may be what is missing.
            change.add.iter().for_each(|meta| segment::remove(&*self.disk, meta));
            return Err(error);
        }
        let before = upkeep.manifest.content.log_from;
        let segments = self.note(&mut upkeep, &change)?;
        let gone = self.state().replace(frozen.recent.len(), segments, &[]);
        drop(gone);
        for number in before..frozen.log_from {
            // What remains is found and removed at the next start.
            let _ = self.disk.remove(&log::name(number));
        }
        Ok(())
    }

    /// Writes files of what is in memory; `change` tells which there are, also where it fails.
    fn write_recent(
        &self,
        upkeep: &mut Upkeep,
        recent: &[Arc<Recent>],
        described: &Described,
        change: &mut Change,
    ) -> Result<(), Error> {
        // By the hour, and how long their spans are: each length has files of its own, for it is kept for a time of its own.
        let mut edges: BTreeMap<(i64, Option<i64>), Vec<Arc<RecordBatch>>> = BTreeMap::new();
        for ((table, hour), batches) in by_hour(recent)? {
            if table == Table::Requests {
                let meta = self.write_file_and(upkeep, table, &batches, described, |part| {
                    for span in rollup::STORED {
                        let made = Arc::new(rollup::edges(part, &[span])?);
                        edges.entry((hour, Some(span))).or_default().push(made);
                    }
                    Ok(())
                })?;
                change.add.push(meta);
            } else if table == Table::Edges {
                edges.entry((hour, None)).or_default().extend(batches);
            } else {
                change.add.push(self.write_file(upkeep, table, &batches, described)?);
            }
        }
        for ((_, resolution), batches) in edges {
            let meta = self.write_file(upkeep, Table::Edges, &batches, described)?;
            change.add.push(Meta { resolution, ..meta });
        }
        Ok(())
    }
}

type ByHour = BTreeMap<(Table, i64), Vec<Arc<RecordBatch>>>;

/// The rows by table and hour.
fn by_hour(recent: &[Arc<Recent>]) -> Result<ByHour, Error> {
    let mut parts = ByHour::new();
    for batch in recent {
        let hours: Vec<i64> = segment::times(&batch.rows).iter().map(|time| time.div_euclid(HOUR)).collect();
        let mut different = hours.clone();
        different.sort_unstable();
        different.dedup();
        if let [hour] = different[..] {
            let hour = place(&parts, batch.table, hour);
            parts.entry((batch.table, hour)).or_default().push(Arc::clone(&batch.rows));
            continue;
        }
        for hour in different {
            let own: BooleanArray = hours.iter().map(|other| Some(*other == hour)).collect();
            let rows = Arc::new(filter_record_batch(&batch.rows, &own)?);
            let hour = place(&parts, batch.table, hour);
            parts.entry((batch.table, hour)).or_default().push(rows);
        }
    }
    Ok(parts)
}

fn place(parts: &ByHour, table: Table, hour: i64) -> i64 {
    let full = parts.range((table, i64::MIN)..=(table, i64::MAX)).count() >= MOST_HOURS;
    if full && !parts.contains_key(&(table, hour)) { i64::MIN } else { hour }
}
