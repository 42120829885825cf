//! The series of a metric, or of several that have the same labels: bounded, and the idle ones expire.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use model::Nanos;

use crate::labels::{Cell, Labels};
use crate::{Label, OTHER};

/// How many series there may be, and for how long they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most series of a metric. A quarter of them is for series of which only the open labels are [`OTHER`]. What finds no
    /// room there either goes into a few beyond the bound of which all labels are.
    pub series: usize,
    /// A series without an update for so long is forgotten: nanoseconds.
    pub idle: Nanos,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { series: 2000, idle: 15 * 60 * 1_000_000_000 }
    }
}

/// What became of series since start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Updates whose own series found no room.
    pub overflowed: u64,
    /// Series that were forgotten because they were idle.
    pub expired: u64,
}

/// Series by their labels.
///
/// A series that expired and comes back is a new one: it begins at 0.
#[derive(Debug)]
pub struct Table<V> {
    labels: &'static [Label],
    limits: Limits,
    hasher: RandomState,
    /// Slots by the hash of their labels.
    places: HashTable<u32>,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<u32>,
    /// The series that was updated last: requests of the same kind come in rows.
    last: u32,
    /// Series that there ever were.
    born: u64,
    counts: Counts,
}

#[derive(Debug)]
struct Slot<V> {
    hash: u64,
    labels: Arc<Labels>,
    /// Its number among all that there ever were.
    number: u64,
    began: Nanos,
    updated: Nanos,
    value: V,
}

/// A series as it is visited.
#[derive(Debug)]
pub struct Visited<'a, V> {
    /// Values of its labels.
    pub labels: &'a Arc<Labels>,
    /// When it began.
    pub began: Nanos,
    /// Its value.
    pub value: &'a V,
}

impl<V: Default> Table<V> {
    /// Begins without series.
    pub fn new(labels: &'static [Label], limits: Limits) -> Self {
        Table {
            labels,
            limits,
            hasher: RandomState::default(),
            places: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            last: 0,
            born: 0,
            counts: Counts::default(),
        }
    }

    /// Goes by other limits from now on. Series that are there already stay until they are idle.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The value of the series with these labels, to be updated. Where there is no room for it, that of a series with
    /// [`OTHER`] in place of its open labels, or of all.
    pub fn at(&mut self, cells: &[Cell<'_>], now: Nanos) -> Option<&mut V> {
        if !self.is_at(self.last, cells) {
            let hash = self.hash(cells);
            self.last = match self.find(hash, cells) {
                Some(slot) => slot,
                None => self.place(hash, cells, now),
            };
        }
        let slot = self.slots.get_mut(self.last as usize)?.as_mut()?;
        slot.updated = now;
        Some(&mut slot.value)
    }

    /// The same for a series that another process began to count.
    pub(crate) fn resume(&mut self, cells: &[Cell<'_>], began: Nanos, now: Nanos) -> Option<&mut V> {
        self.at(cells, now)?;
        let slot = self.slots.get_mut(self.last as usize)?.as_mut()?;
        slot.began = slot.began.min(began);
        Some(&mut slot.value)
    }

    /// Forgets series that are idle.
    pub fn sweep(&mut self, now: Nanos) {
        for (place, slot) in (0u32..).zip(self.slots.iter_mut()) {
            let is_idle = |slot: &mut Slot<V>| now.saturating_sub(slot.updated) >= self.limits.idle;
            let Some(idle) = slot.take_if(is_idle) else { continue };
            if let Ok(entry) = self.places.find_entry(idle.hash, |other| *other == place) {
                entry.remove();
            }
            self.free.push(place);
            self.counts.expired += 1;
        }
    }

    /// Series that there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What became of series.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The number that the next new series will have.
    pub fn born(&self) -> u64 {
        self.born
    }

    /// Visits up to `most` slots from `from` on, as far as their series were there when [`Table::born`] was `before`: one
    /// that is forgotten and comes back between two calls is not visited twice. Returns where to go on, `None` at the end.
    pub fn visit<'a>(
        &'a self,
        from: usize,
        most: usize,
        before: u64,
        mut visit: impl FnMut(Visited<'a, V>),
    ) -> Option<usize> {
        let until = from.saturating_add(most).min(self.slots.len());
        for slot in self.slots.get(from..until).into_iter().flatten().flatten() {
            if slot.number < before {
                visit(Visited { labels: &slot.labels, began: slot.began, value: &slot.value });
            }
        }
        (until < self.slots.len()).then_some(until)
    }

    fn hash(&self, cells: &[Cell<'_>]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        cells.iter().for_each(|cell| cell.hash(&mut hasher));
        hasher.finish()
    }

    fn is_at(&self, place: u32, cells: &[Cell<'_>]) -> bool {
        let slot = self.slots.get(place as usize).and_then(Option::as_ref);
        slot.is_some_and(|slot| slot.labels.are(cells))
    }

    fn find(&self, hash: u64, cells: &[Cell<'_>]) -> Option<u32> {
        let is_it = |place: &u32| {
            let slot = self.slots.get(*place as usize).and_then(Option::as_ref);
            slot.is_some_and(|slot| slot.hash == hash && slot.labels.are(cells))
        };
        self.places.find(hash, is_it).copied()
    }

    /// A place for a series that there is not.
    #[cold]
    fn place(&mut self, hash: u64, cells: &[Cell<'_>], now: Nanos) -> u32 {
        let most = self.limits.series;
        if self.len() < most - most / 4 {
            return self.insert(hash, cells, now);
        }
        self.counts.overflowed += 1;
        let reduced = with_other(self.labels, cells, false);
        let hash = self.hash(&reduced);
        if let Some(slot) = self.find(hash, &reduced) {
            return slot;
        }
        if self.len() < most {
            return self.insert(hash, &reduced, now);
        }
        let all = with_other(self.labels, cells, true);
        let hash = self.hash(&all);
        self.find(hash, &all).unwrap_or_else(|| self.insert(hash, &all, now))
    }

    fn insert(&mut self, hash: u64, cells: &[Cell<'_>], now: Nanos) -> u32 {
        let labels = Arc::new(Labels::new(cells));
        let slot = Slot { hash, labels, number: self.born, began: now, updated: now, value: V::default() };
        self.born += 1;
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(slot);
                place
            }
            None => {
                self.slots.push(Some(slot));
                (self.slots.len() - 1) as u32
            }
        };
        let slots = &self.slots;
        let hash_of = |place: &u32| slots[*place as usize].as_ref().map_or(0, |slot| slot.hash);
        self.places.insert_unique(hash, place, hash_of);
        place
    }
}

/// The labels of a series for what found no room: [`OTHER`] in place of open labels, or of all.
fn with_other<'a>(labels: &[Label], cells: &[Cell<'a>], all: bool) -> Vec<Cell<'a>> {
    let other = |(label, cell): (&Label, &Cell<'a>)| {
        // What is not there stays so: without an error a request is a success, whoever made it.
        if *cell != Cell::None && (all || label.open) { Cell::Text(OTHER) } else { *cell }
    };
    labels.iter().zip(cells).map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &[Label] = &[Label::closed("server", ""), Label::open("route", "")];

    fn table(series: usize) -> Table<u64> {
        Table::new(LABELS, Limits { series, idle: 100 })
    }

    fn add(table: &mut Table<u64>, server: &str, route: &str, now: Nanos) {
        *table.at(&[Cell::text(server), Cell::text(route)], now).expect("a series") += 1;
    }

    fn all(table: &Table<u64>) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        let mut from = Some(0);
        while let Some(place) = from {
            from = table.visit(place, 2, u64::MAX, |series| {
                let labels: Vec<String> = series.labels.values().iter().map(ToString::to_string).collect();
                all.push((labels.join(" "), *series.value));
            });
        }
        all.sort();
        all
    }

    #[test]
    fn what_finds_no_room_is_other_by_and_by() {
        let mut table = table(8);
        for route in 0..20 {
            add(&mut table, "a", &format!("/{route}"), 0);
        }
        assert_eq!((table.len(), table.counts().overflowed), (7, 14));
        for server in ["b", "c", "d", "d"] {
            add(&mut table, server, "/0", 0);
        }
        add(&mut table, "a", "/0", 0);
        let all = all(&table);
        let counts = |labels: &str| all.iter().find(|(name, _)| name == labels).map(|(_, count)| *count);
        assert_eq!((counts("a /0"), counts("a other")), (Some(2), Some(14)));
        assert_eq!((counts("b other"), counts("c other")), (Some(1), None));
        assert_eq!(counts("other other"), Some(3), "all that is left has one series");
        assert_eq!((table.len(), table.counts().overflowed), (9, 18));
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 25, "nothing is lost");
    }

    #[test]
    fn idle_series_expire_and_begin_anew() {
        let mut table = table(8);
        add(&mut table, "a", "/0", 10);
        add(&mut table, "a", "/1", 10);
        add(&mut table, "a", "/0", 60);
        table.sweep(109);
        assert_eq!((table.len(), table.counts().expired), (2, 0));
        table.sweep(110);
        assert_eq!((table.len(), table.counts().expired), (1, 1));
        assert_eq!(all(&table), [("a /0".to_owned(), 2)]);
        let before = table.born();
        add(&mut table, "a", "/1", 120);
        assert_eq!(all(&table), [("a /0".to_owned(), 2), ("a /1".to_owned(), 1)]);
        let mut seen = Vec::new();
        let end = table.visit(0, 10, before, |series| seen.push((series.began, *series.value)));
        assert_eq!((end, seen), (None, vec![(10, 2)]), "what came back is not visited again");
    }

    #[test]
    fn slots_are_used_again() {
        let mut table = table(8);
        for round in 0..100 {
            for route in 0..5 {
                add(&mut table, "a", &format!("/{round}/{route}"), round * 200);
            }
            table.sweep(round * 200 + 100);
        }
        assert_eq!((table.len(), table.slots.len(), table.counts().expired), (0, 5, 500));
    }

    #[test]
    fn a_bound_of_nothing_leaves_one_series() {
        let mut table = table(0);
        add(&mut table, "a", "/0", 0);
        add(&mut table, "b", "/1", 0);
        assert_eq!(all(&table), [("other other".to_owned(), 2)]);
    }

    #[test]
    fn values_do_not_run_into_one_another() {
        let mut table = table(100);
        add(&mut table, "ab", "c", 0);
        add(&mut table, "a", "bc", 0);
        add(&mut table, "abc", "", 0);
        assert_eq!(table.len(), 3);
    }
}
