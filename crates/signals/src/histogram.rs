//! A histogram in two forms at once.
//!
//! Explicit buckets have exact counts at the bounds that people write into their rules. Exponential buckets (base 2, as
//! OpenTelemetry and Prometheus' native histograms have them) tell any quantile within a few percent, however the
//! values lie. The one form cannot be had from the other, and to count in both costs a few nanoseconds.

use model::sums::Spread;

/// Bounds of a kind of explicit buckets.
#[derive(Debug)]
pub struct Buckets {
    /// Upper bounds, inclusive, rising; in the unit in which values are recorded.
    pub bounds: &'static [u64],
    /// How many of these are one of the metric's unit.
    pub per_unit: f64,
}

/// Most bounds that explicit buckets may have.
const MOST_BOUNDS: usize = 15;

/// In nanoseconds.
const MICROSECOND: u128 = 1000;

impl Buckets {
    /// The bucket of a value.
    fn place(&self, value: u64) -> usize {
        // Most values are small, so that the search ends early.
        let place = self.bounds.iter().position(|bound| value <= *bound);
        place.unwrap_or(self.bounds.len()).min(MOST_BOUNDS)
    }

    /// Durations, recorded in nanoseconds and told in seconds; the bounds are OpenTelemetry's.
    pub const DURATIONS: Buckets = Buckets {
        bounds: &[
            5_000_000,
            10_000_000,
            25_000_000,
            50_000_000,
            75_000_000,
            100_000_000,
            250_000_000,
            500_000_000,
            750_000_000,
            1_000_000_000,
            2_500_000_000,
            5_000_000_000,
            7_500_000_000,
            10_000_000_000,
        ],
        per_unit: 1e9,
    };

    /// Sizes, in bytes.
    pub const SIZES: Buckets = Buckets {
        bounds: &[100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 10_000_000, 100_000_000],
        per_unit: 1.0,
    };
}

/// How values are spread.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    count: u64,
    sum: u128,
    squares: u128,
    min: u64,
    max: u64,
    /// One more than there are bounds: what is above the last.
    explicit: [u64; MOST_BOUNDS + 1],
    exponential: Exponential,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            count: 0,
            sum: 0,
            squares: 0,
            min: u64::MAX,
            max: 0,
            explicit: [0; MOST_BOUNDS + 1],
            exponential: Exponential::default(),
        }
    }
}

impl Histogram {
    /// Counts a value. `buckets` are always the same ones.
    pub fn record(&mut self, buckets: &Buckets, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.squares = self.squares.saturating_add(u128::from(value) * u128::from(value));
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.explicit[buckets.place(value)] += 1;
        self.exponential.record(value as f64 / buckets.per_unit);
    }

    /// Counts the values of a spread: durations, by buckets in nanoseconds. Each of its buckets has to lie within one of every form here.
    pub fn merge_spread(&mut self, buckets: &Buckets, spread: &Spread) {
        if spread.count == 0 {
            return;
        }
        self.count += spread.count;
        self.sum += u128::from(spread.sum) * MICROSECOND;
        self.squares = self.squares.saturating_add(u128::from(spread.squares) * MICROSECOND * MICROSECOND);
        self.min = self.min.min(spread.least.saturating_mul(MICROSECOND as u64));
        self.max = self.max.max(spread.most.saturating_mul(MICROSECOND as u64));
        for (bound, count) in spread.filled() {
            let value = u64::from(bound) * MICROSECOND as u64;
            self.explicit[buckets.place(value)] += u64::from(count);
            self.exponential.add(value as f64 / buckets.per_unit, count.into());
        }
    }

    /// Adds the values of `other`, which has the same buckets.
    pub fn merge(&mut self, other: &Histogram) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (own, others) in self.explicit.iter_mut().zip(other.explicit) {
            *own = own.saturating_add(others);
        }
        self.exponential.merge(&other.exponential);
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, in the unit of the metric.
    pub fn sum(&self, buckets: &Buckets) -> f64 {
        self.sum as f64 / buckets.per_unit
    }

    /// The least and the greatest of them, in the unit of the metric.
    pub fn range(&self, buckets: &Buckets) -> Option<(f64, f64)> {
        (self.count > 0).then(|| (self.min as f64 / buckets.per_unit, self.max as f64 / buckets.per_unit))
    }

    /// Their mean, in the unit of the metric.
    pub fn mean(&self, buckets: &Buckets) -> Option<f64> {
        (self.count > 0).then(|| self.sum(buckets) / self.count as f64)
    }

    /// Their standard deviation, in the unit of the metric.
    pub fn deviation(&self, buckets: &Buckets) -> Option<f64> {
        let count = self.count as f64;
        let mean = self.mean(buckets)? * buckets.per_unit;
        let variance = (self.squares as f64 / count - mean * mean).max(0.0);
        Some(variance.sqrt() / buckets.per_unit)
    }

    /// How many values lie in each explicit bucket; the last has those above the last bound.
    pub fn explicit(&self, buckets: &Buckets) -> &[u64] {
        &self.explicit[..=buckets.bounds.len().min(MOST_BOUNDS)]
    }

    /// The exponential form.
    pub fn exponential(&self) -> &Exponential {
        &self.exponential
    }
}

/// Resolution to begin with: 8 buckets to a doubling, each 9 % wide.
const FINEST: i8 = 3;
/// Most buckets; where values are spread wider, pairs of buckets become one. 160 are enough for 20 doublings, a factor of a
/// million, at the finest resolution.
const MOST_BUCKETS: usize = 160;
/// Buckets that are made beyond the one that is needed: the next value is likely to be near.
const SPARE: i32 = 4;

/// Exponential buckets: bucket `i` has the values above `base^i` up to `base^(i+1)`, where `base` is 2 to the power of
/// 2^-scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Exponential {
    scale: i8,
    /// The index of the first bucket.
    first: i32,
    counts: Vec<u64>,
    zeros: u64,
}

impl Default for Exponential {
    fn default() -> Self {
        Exponential { scale: FINEST, first: 0, counts: Vec::new(), zeros: 0 }
    }
}

impl Exponential {
    /// The resolution.
    pub fn scale(&self) -> i8 {
        self.scale
    }

    /// Values that were 0.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The buckets that have any values, with their indices, rising.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// Counts a value, in any unit that is always the same.
    pub fn record(&mut self, value: f64) {
        self.add(value, 1);
    }

    /// Counts a value so many times.
    pub fn add(&mut self, value: f64, times: u64) {
        if value <= 0.0 {
            self.zeros += times;
            return;
        }
        self.add_at(finest_index(value) >> (FINEST - self.scale), times);
    }

    /// Adds the values of `other`, at the coarser of the two resolutions.
    pub fn merge(&mut self, other: &Exponential) {
        self.zeros += other.zeros;
        while self.scale > other.scale {
            self.coarsen();
        }
        for (index, values) in other.buckets() {
            // Room for one may have been made at the cost of resolution.
            let index = index >> (other.scale - self.scale);
            self.add_at(index, values);
        }
    }

    /// Counts values at `index` of the present scale.
    fn add_at(&mut self, index: i32, values: u64) {
        match usize::try_from(index - self.first).ok().and_then(|place| self.counts.get_mut(place)) {
            Some(count) => *count = count.saturating_add(values),
            None => self.widen(index, values),
        }
    }

    /// Forgets all values, and keeps the memory for others.
    pub fn clear(&mut self) {
        self.counts.clear();
        (self.scale, self.first, self.zeros) = (FINEST, 0, 0);
    }

    /// The value that this part of all values does not exceed (nearest rank): the middle of its bucket by ratio. So it is off by
    /// half a bucket's width at most: 4.5 % at the finest resolution, 9.1 % where values are spread over more than 20 doublings.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let values = self.buckets().fold(self.zeros, |sum, (_, count)| sum + count);
        let rank = ((part * values as f64).ceil() as u64).clamp(1, values.max(1));
        let mut passed = self.zeros;
        if values > 0 && rank <= passed {
            return Some(0.0);
        }
        let reaches = |(_, count): &(i32, u64)| {
            passed += count;
            passed >= rank
        };
        let (index, _) = self.buckets().find(reaches)?;
        Some(((f64::from(index) + 0.5) * (-f64::from(self.scale)).exp2()).exp2())
    }

    /// Makes room for values at `index` of the present scale, and counts them. This is rare: the range of a series is soon
    /// known.
    #[cold]
    fn widen(&mut self, mut index: i32, values: u64) {
        if self.counts.is_empty() {
            self.first = index;
        }
        let range = |first: i32, length: usize, index: i32| {
            let last = first + length as i32 - 1;
            (first.min(index), last.max(index))
        };
        let (mut low, mut high) = range(self.first, self.counts.len(), index);
        while high - low >= MOST_BUCKETS as i32 {
            self.coarsen();
            index >>= 1;
            (low, high) = range(self.first, self.counts.len(), index);
        }
        let spare = (MOST_BUCKETS as i32 - (high - low + 1)).min(SPARE);
        match index < self.first {
            true => low -= spare,
            false => high += spare,
        }
        let before = usize::try_from(self.first - low).unwrap_or(0);
        self.counts.splice(0..0, std::iter::repeat_n(0, before));
        self.counts.resize(usize::try_from(high - low + 1).unwrap_or(0), 0);
        self.first = low;
        if let Some(count) = usize::try_from(index - low).ok().and_then(|at| self.counts.get_mut(at)) {
            *count += values;
        }
    }

    /// Joins neighbouring buckets: half the resolution.
    fn coarsen(&mut self) {
        let first = self.first >> 1;
        let mut counts: Vec<u64> = Vec::with_capacity(self.counts.len() / 2 + 1);
        for (index, count) in (self.first..).zip(&self.counts) {
            let place = ((index >> 1) - first) as usize;
            match counts.get_mut(place) {
                Some(joined) => *joined += count,
                None => counts.push(*count),
            }
        }
        (self.scale, self.first, self.counts) = (self.scale - 1, first, counts);
    }
}

/// Bits of a double's fraction.
const FRACTION: u64 = (1 << 52) - 1;

/// The fractions of 2^(0/8) to 2^(7/8): the bounds within a doubling. Of an irrational number it is the double below it, so
/// that what is above that is above the bound.
const EIGHTHS: [u64; 8] = [
    0x0_0000_0000_0000,
    0x1_72b8_3c7d_517a,
    0x3_06fe_0a31_b715,
    0x4_bfda_d536_2a27,
    0x6_a09e_667f_3bcc,
    0x8_ace5_422a_a0db,
    0xa_e89f_995a_d3ad,
    0xd_5818_dcfb_a487,
];

/// The index of a positive value's bucket at the finest scale.
fn finest_index(value: f64) -> i32 {
    let bits = value.to_bits();
    let doublings = (bits >> 52) as i32 - 1023;
    let fraction = bits & FRACTION;
    let above: i32 = EIGHTHS.iter().map(|bound| i32::from(fraction > *bound)).sum();
    doublings * 8 + above - 1
}

mod parts;
pub(crate) use parts::Parts;

#[cfg(test)]
mod tests;
