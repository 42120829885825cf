//! What is not kept any longer goes, whole files at a time, and how much went is noted.

use std::sync::Arc;

use schema::Table;

use crate::engine::Engine;
use crate::error::Error;
use crate::manifest::{Change, Dropped};
use crate::segment::Segment;

impl Engine {
    /// Drops what is too old at the time `now`, and the oldest of what is too much; tells how many rows went.
    pub(crate) fn retain(&self, now: i64) -> Result<u64, Error> {
        let mut upkeep = self.upkeep();
        let mut change = Change::default();
        for retention in &self.config.retention {
            let mut files = self.files_of(retention.table);
            let meant = |file: &Segment| {
                retention.resolution.is_none() || file.meta.resolution == retention.resolution
            };
            files.retain(|segment| meant(segment) && !change.remove.contains(&segment.meta.id));
            let mut dropped = Dropped::default();
            if let Some(age) = retention.age {
                let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
                let oldest = now.saturating_sub(age);
                files.retain(|segment| {
                    let keep = segment.meta.to >= oldest;
                    if !keep {
                        dropped.age += segment.meta.rows;
                        change.remove.push(segment.meta.id);
                    }
                    keep
                });
            }
            if let Some(most) = retention.bytes {
                let mut bytes: u64 = files.iter().map(|segment| segment.meta.bytes).sum();
                for segment in files.iter().take_while(|segment| {
                    let over = bytes > most;
                    bytes = bytes.saturating_sub(segment.meta.bytes);
                    over
                }) {
                    dropped.size += segment.meta.rows;
                    change.remove.push(segment.meta.id);
                }
            }
            if dropped != Dropped::default() {
                change.dropped.entry(retention.table).or_default().add(&dropped);
            }
        }
        if change.remove.is_empty() {
            return Ok(0);
        }
        self.note(&mut upkeep, &change)?;
        let gone = self.state().replace(0, Vec::new(), &change.remove);
        drop(gone);
        Ok(change.dropped.values().map(|dropped| dropped.age + dropped.size).sum())
    }

    /// The oldest first.
    fn files_of(&self, table: Table) -> Vec<Arc<Segment>> {
        let state = self.state();
        let of_table = state.segments.values().filter(|segment| segment.meta.table == table);
        let mut files: Vec<Arc<Segment>> = of_table.cloned().collect();
        files.sort_by_key(|segment| segment.meta.to);
        files
    }
}
