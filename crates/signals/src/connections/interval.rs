//! How values were spread between two looks: what cannot be had from a histogram that only grows.

use model::Nanos;
use model::sums::Spread;

/// Values of the last two intervals in which there were any, each by the number of the look that ends it.
#[derive(Debug, Default)]
pub(super) struct Intervals([(u64, Values); 2]);

/// Values in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values {
    count: u64,
    sum: f64,
    squares: f64,
    least: Nanos,
    most: Nanos,
}

const MICROSECOND: Nanos = 1000;
const PER_SECOND: f64 = 1e9;

impl Intervals {
    /// The values before this look, to be added to.
    pub(super) fn at(&mut self, look: u64) -> &mut Values {
        if self.0[0].0 != look {
            self.0 = [(look, Values::default()), self.0[0]];
        }
        &mut self.0[0].1
    }

    /// The values between this look and the one before it, where there were any.
    pub(super) fn before(&self, look: u64) -> Option<&Values> {
        let (_, values) = self.0.iter().find(|(number, _)| *number == look)?;
        (values.count > 0).then_some(values)
    }
}

impl Values {
    pub(super) fn add(&mut self, value: Nanos) {
        self.join(1, (value as f64, value as f64 * value as f64), (value, value));
    }

    pub(super) fn add_all(&mut self, spread: &Spread) {
        if spread.count > 0 {
            let unit = MICROSECOND as f64;
            let sums = (spread.sum as f64 * unit, spread.squares as f64 * unit * unit);
            let range = (spread.least.saturating_mul(MICROSECOND), spread.most.saturating_mul(MICROSECOND));
            self.join(spread.count, sums, range);
        }
    }

    fn join(&mut self, count: u64, (sum, squares): (f64, f64), (least, most): (Nanos, Nanos)) {
        self.least = if self.count == 0 { least } else { self.least.min(least) };
        self.most = self.most.max(most);
        self.count += count;
        self.sum += sum;
        self.squares += squares;
    }

    /// The least, in seconds.
    pub(super) fn least(&self) -> f64 {
        self.least as f64 / PER_SECOND
    }

    /// The greatest, in seconds.
    pub(super) fn most(&self) -> f64 {
        self.most as f64 / PER_SECOND
    }

    /// The standard deviation, in seconds.
    pub(super) fn deviation(&self) -> f64 {
        let count = self.count.max(1) as f64;
        let mean = self.sum / count;
        (self.squares / count - mean * mean).max(0.0).sqrt() / PER_SECOND
    }
}
