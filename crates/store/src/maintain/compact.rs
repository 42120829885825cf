//! Small files of an hour become one (of edges of an hour: those of a day). Rows are written twice more at most: a file that came of a merge is merged again only with
//! its like, and then no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use schema::Table;

use super::{HOUR, rollup};
use crate::engine::{Engine, Upkeep};
use crate::error::Error;
use crate::manifest::{Change, Meta};
use crate::segment::{Described, Joined, Segment};

/// How often rows are written anew at most.
const MOST_LEVEL: u8 = 2;
/// So many files of an hour that still goes on are worth it.
const ENOUGH: usize = 8;
/// So many files are merged at a time at most: all of them are open.
const MOST_FILES: usize = 64;
/// Rows that are put into order and written at a time.
const PART: usize = 8192;

/// What is merged, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// What is worth it at the time of the newest row: hours that are over, and those with many files.
    Worthwhile,
    /// All small files of each hour.
    Everything,
}

impl Engine {
    /// Merges files of one hour, if there are any; tells how many.
    pub(crate) fn compact(&self, wish: Wish) -> Result<usize, Error> {
        let mut upkeep = self.upkeep();
        let mut segments: Vec<Arc<Segment>> = self.state().segments.values().cloned().collect();
        segments.retain(|segment| !upkeep.unreadable.contains(&segment.meta.id));
        let chosen = choose(&segments, wish, self.config.flush_rows as u64);
        let (Some(first), Some(level)) =
            (chosen.first(), chosen.iter().map(|segment| segment.meta.level).max())
        else {
            return Ok(0);
        };
        let (table, resolution) = (first.meta.table, first.meta.resolution);
        let ids: Vec<u64> = chosen.iter().map(|segment| segment.meta.id).collect();
        let described = Described { level: level.saturating_add(1), replaces: ids.clone(), log_from: 0 };
        let written = self.join(&mut upkeep, table, &chosen, &described).map_err(|(damaged, error)| {
            // A file that is damaged stays as it is; the others of its hour are merged without it the next time.
            upkeep.unreadable.extend(damaged.map(|file| ids[file]));
            error
        });
        let meta = Meta { resolution, ..written? };
        let change = Change { add: vec![meta], remove: ids.clone(), ..Change::default() };
        let made = self.note(&mut upkeep, &change)?;
        let gone = self.state().replace(0, made, &ids);
        drop(gone);
        Ok(ids.len())
    }

    /// Writes one file of several. Where one of them cannot be read, its place is told.
    fn join(
        &self,
        upkeep: &mut Upkeep,
        table: Table,
        chosen: &[Arc<Segment>],
        described: &Described,
    ) -> Result<Meta, (Option<usize>, Error)> {
        let joined = Joined::new(table, chosen, &self.cache);
        let mut joined = joined.map_err(|(file, error)| (Some(file), error))?;
        let written = self.write_parts(upkeep, table, joined.parts(PART), described);
        written.map_err(|error| (joined.failed(), error))
    }
}

/// How long the time is whose files are merged: of the longest edges there are too few in an hour.
fn length(meta: &Meta) -> i64 {
    if meta.resolution == rollup::STORED.last().copied() { 24 * HOUR } else { HOUR }
}

/// When the hour or day ends that all rows of a file lie in.
fn end(meta: &Meta) -> Option<i64> {
    let length = length(meta);
    let number = meta.from.div_euclid(length);
    (number == meta.to.div_euclid(length)).then(|| (number + 1).saturating_mul(length))
}

/// What files that are merged have in common: the table, the length of edges' spans, and when the time ends that they are of.
type Together = (Table, Option<i64>, i64);

fn choose(segments: &[Arc<Segment>], wish: Wish, most_rows: u64) -> Vec<Arc<Segment>> {
    let newest = segments.iter().map(|segment| segment.meta.to).max().unwrap_or(0);
    let mut times: BTreeMap<Together, Vec<&Arc<Segment>>> = BTreeMap::new();
    for segment in segments {
        let small = segment.meta.rows < most_rows / 2;
        let allowed = segment.meta.level < MOST_LEVEL || wish == Wish::Everything;
        if let Some(end) = end(&segment.meta).filter(|_| small && allowed) {
            times.entry((segment.meta.table, segment.meta.resolution, end)).or_default().push(segment);
        }
    }
    for ((_, _, end), mut files) in times {
        // Rows of an hour that has just ended may still be under way.
        let over = newest > end.saturating_add(HOUR / 6);
        if files.len() < 2 || wish == Wish::Worthwhile && !over && files.len() < ENOUGH {
            continue;
        }
        files.sort_by_key(|segment| segment.meta.rows);
        let mut rows = 0;
        let fits = |segment: &&&Arc<Segment>| {
            rows += segment.meta.rows;
            rows <= most_rows
        };
        let chosen: Vec<Arc<Segment>> =
            files.iter().take(MOST_FILES).take_while(fits).map(|segment| Arc::clone(segment)).collect();
        if chosen.len() >= 2 {
            return chosen;
        }
    }
    Vec::new()
}
