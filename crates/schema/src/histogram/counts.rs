//! Counts by bucket. A question by group and time keeps ten thousands of these, most of them of few values, and some of them count
//! millions of rows: so each counts in bytes until one of its buckets has more than fit.

use super::middle;

/// Room is made for so many buckets at a time, aligned: where values spread, it is seldom made anew.
const STEP: u32 = 16;

/// Counts by bucket; only the buckets between about the least and the greatest take memory.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    first: u32,
    cells: Cells,
    total: u64,
}

/// A cell for each bucket from the first one on, as wide as the greatest count wants it.
#[derive(Debug, Clone)]
enum Cells {
    Bytes(Vec<u8>),
    Words(Vec<u32>),
    Wide(Vec<u64>),
}

impl Default for Cells {
    fn default() -> Self {
        Cells::Bytes(Vec::new())
    }
}

trait Cell: Copy + Default + Into<u64> + TryFrom<u64> {}

impl<T: Copy + Default + Into<u64> + TryFrom<u64>> Cell for T {}

/// True where there is such a cell and the sum fits into it.
#[inline]
fn put<T: Cell>(cells: &mut [T], place: usize, count: u64) -> bool {
    let Some(cell) = cells.get_mut(place) else { return false };
    let sum = (*cell).into().checked_add(count).and_then(|sum| T::try_from(sum).ok());
    sum.map(|sum| *cell = sum).is_some()
}

/// Makes room for `before` cells before the first one, and for `cells` in all.
fn grow<T: Cell>(cells: &mut Vec<T>, before: usize, all: usize) {
    cells.reserve_exact(all.saturating_sub(cells.len()));
    cells.splice(0..0, std::iter::repeat_n(T::default(), before));
    cells.resize(all, T::default());
}

fn wider<T: Cell, U: From<T>>(cells: &[T]) -> Vec<U> {
    cells.iter().map(|cell| U::from(*cell)).collect()
}

fn counted<T: Cell>(cells: &[T], place: usize) -> Option<u64> {
    cells.get(place).map(|cell| (*cell).into())
}

impl Counts {
    /// Adds `count` values in `bucket`.
    #[inline]
    pub fn add(&mut self, bucket: u32, count: u64) {
        if self.put(bucket, count) {
            self.total = self.total.saturating_add(count);
        } else {
            self.add_with_room(bucket, count);
        }
    }

    #[inline]
    fn put(&mut self, bucket: u32, count: u64) -> bool {
        // A bucket below the first one has no place either.
        let place = bucket.wrapping_sub(self.first) as usize;
        match &mut self.cells {
            Cells::Bytes(cells) => put(cells, place, count),
            Cells::Words(cells) => put(cells, place, count),
            Cells::Wide(cells) => put(cells, place, count),
        }
    }

    #[cold]
    fn add_with_room(&mut self, bucket: u32, count: u64) {
        self.make_room(bucket);
        while !self.put(bucket, count) {
            match &mut self.cells {
                Cells::Bytes(cells) => self.cells = Cells::Words(wider(cells)),
                Cells::Words(cells) => self.cells = Cells::Wide(wider(cells)),
                Cells::Wide(cells) => {
                    cells[(bucket - self.first) as usize] = u64::MAX;
                    break;
                }
            }
        }
        self.total = self.total.saturating_add(count);
    }

    /// From here on there is a cell for `bucket`.
    fn make_room(&mut self, bucket: u32) {
        let aligned = bucket / STEP * STEP;
        let len = self.len();
        let first = if len == 0 { aligned } else { self.first.min(aligned) };
        let before = if len == 0 { 0 } else { (self.first - first) as usize };
        let all = (before + len).max((aligned - first + STEP) as usize);
        self.first = first;
        match &mut self.cells {
            Cells::Bytes(cells) => grow(cells, before, all),
            Cells::Words(cells) => grow(cells, before, all),
            Cells::Wide(cells) => grow(cells, before, all),
        }
    }

    fn len(&self) -> usize {
        match &self.cells {
            Cells::Bytes(cells) => cells.len(),
            Cells::Words(cells) => cells.len(),
            Cells::Wide(cells) => cells.len(),
        }
    }

    /// Adds another one of the same resolution.
    pub fn merge(&mut self, other: &Counts) {
        for (bucket, count) in other.iter() {
            self.add(bucket, count);
        }
    }

    /// Buckets that are not empty, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        let count = |place| match &self.cells {
            Cells::Bytes(cells) => counted(cells, place),
            Cells::Words(cells) => counted(cells, place),
            Cells::Wide(cells) => counted(cells, place),
        };
        let counts = (0..self.len()).filter_map(move |place| Some((place, count(place)?)));
        counts.filter(|(_, count)| *count > 0).map(|(place, count)| (self.first + place as u32, count))
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that it takes on the heap.
    pub fn memory(&self) -> usize {
        match &self.cells {
            Cells::Bytes(cells) => cells.capacity(),
            Cells::Words(cells) => cells.capacity() * size_of::<u32>(),
            Cells::Wide(cells) => cells.capacity() * size_of::<u64>(),
        }
    }

    /// The value below which `percent` of 100 lie: that of the value at the nearest rank.
    pub fn percentile(&self, percent: f64, bits: u32) -> Option<f64> {
        let rank = ((percent / 100.0 * self.total as f64).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0u64;
        let found = self.iter().find(|(_, count)| {
            seen = seen.saturating_add(*count);
            seen >= rank
        });
        found.map(|(bucket, _)| middle(bucket, bits))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{EXACT_BITS, bucket};
    use super::*;

    #[test]
    fn percentiles_are_near() {
        let mut counts = Counts::default();
        (1..=1000).rev().for_each(|value| counts.add(bucket(value * 1000, EXACT_BITS), 1));
        for (percent, expected) in [(0.0, 1e3), (50.0, 500e3), (99.0, 990e3), (100.0, 1e6)] {
            let found = counts.percentile(percent, EXACT_BITS).unwrap();
            assert!((found - expected).abs() / expected < 0.005, "p{percent}: {found}");
        }
        assert_eq!(Counts::default().percentile(50.0, EXACT_BITS), None);
    }

    #[test]
    fn merged_is_counted_together() {
        let (mut one, mut other, mut both) = (Counts::default(), Counts::default(), Counts::default());
        for value in [5, 900, 17, 3_000_000, 1] {
            one.add(bucket(value, 4), 1);
            both.add(bucket(value, 4), 1);
        }
        for value in [2, 70_000_000_000] {
            other.add(bucket(value, 4), 2);
            both.add(bucket(value, 4), 2);
        }
        one.merge(&other);
        assert_eq!(one.iter().collect::<Vec<_>>(), both.iter().collect::<Vec<_>>());
        assert_eq!(one.total(), 9);
    }

    #[test]
    fn any_buckets_in_any_order_with_counts_of_any_size() {
        let mut seed = 7u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for round in 0..200 {
            let (mut counts, mut expected) = (Counts::default(), BTreeMap::<u32, u64>::new());
            let greatest = [2, 200, 70_000, 1 << 31][round % 4];
            for _ in 0..random(60) {
                let (bucket, count) = (random(900) as u32, random(greatest) * random(5));
                counts.add(bucket, count);
                *expected.entry(bucket).or_default() += count;
            }
            let total: u64 = expected.values().sum();
            expected.retain(|_, count| *count > 0);
            assert_eq!(counts.iter().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
            assert_eq!(counts.total(), total);
        }
    }

    #[test]
    fn what_has_no_end_stays_at_the_greatest_number() {
        let mut counts = Counts::default();
        [u64::MAX - 1, 5, 5].into_iter().for_each(|count| counts.add(3, count));
        counts.add(2, 1);
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(2, 1), (3, u64::MAX)]);
        assert_eq!(counts.total(), u64::MAX);
        assert_eq!(counts.percentile(100.0, 4), Some(3.0));
    }

    #[test]
    fn few_values_take_a_byte_for_a_bucket() {
        let mut counts = Counts::default();
        // A second's worth of a service: 200 requests from 100 us to 100 ms.
        (0..200u32).for_each(|step| counts.add(bucket(100_000 + i64::from(step) * 500_000, 4), 1));
        assert!(counts.memory() <= 176, "{} bytes", counts.memory());
        counts.add(bucket(100_000, 4), 1000);
        assert!(counts.memory() <= 4 * 176, "{} bytes", counts.memory());
    }
}
